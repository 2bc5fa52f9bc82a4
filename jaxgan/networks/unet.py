"""The U-Net and the plain encoder-decoder of pix2pix (Isola et al. 2017, arXiv:1611.07004, section 3.2.1 and appendix 6.1.1).

Halvings down to the bottleneck, doublings up again; in the U-Net each decoder block also sees the encoder's map of its size,
so that what input and output share, the place of every edge, need not pass through the bottleneck.
"""

import dataclasses
from typing import Literal

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxgan import fields
from jaxgan.errors import UserError
from jaxgan.nn import Conv, ConvTranspose, Dropout, Mode, make_norm, normal_around_one

WIDEST = 8
"""Channels stop doubling at so many times the width: 64, 128, 256, 512, 512, ..."""


class UNetModule(nn.Module):
    """Pictures [B, H, W, C] to pictures [B, H, W, channels] in [-1, 1]; 2**levels divides H and W."""

    channels: int
    width: int
    levels: int
    norm: Literal["batch", "instance"]
    dropout: float
    dropped: tuple[int, ...]
    skips: bool
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: jax.Array, mode: Mode, deterministic: bool) -> jax.Array:
        # Both norms cancel a bias in front of them. The papers' code has none before BatchNorm, nor in those layers of such a
        # network that have no norm, and one before InstanceNorm: it is kept, untrained, for the sake of its weights.
        bias = self.norm != "batch"
        widths = [self.width * min(2**level, WIDEST) for level in range(self.levels)]

        def normalized(x, name):
            return make_norm(self.norm, normal_around_one(), self.dtype, name=name)(x, mode)

        maps = []
        for level, features in enumerate(widths):
            x = nn.leaky_relu(x, 0.2) if level else x
            # Not at the input; and at the bottleneck, of a single pixel, an instance's norm would leave nothing.
            norm, name = 0 < level < self.levels - 1, f"down_{level}"
            x = Conv(features, 4, 2, use_bias=bias, train_bias=not norm, dtype=self.dtype, name=name)(x)
            if norm:
                x = normalized(x, f"down_norm_{level}")
            maps.append(x)
        for block, level in enumerate(reversed(range(self.levels - 1))):
            up = ConvTranspose(widths[level], 4, use_bias=bias, train_bias=False, dtype=self.dtype, name=f"up_{block}")
            x = normalized(up(nn.relu(x)), f"up_norm_{block}")
            if self.dropout and block in self.dropped:
                x = Dropout(self.dropout)(x, deterministic)
            if self.skips:
                x = jnp.concatenate([maps[level], x], -1)
        x = ConvTranspose(self.channels, 4, 2, dtype=self.dtype, name=f"up_{self.levels - 1}")(nn.relu(x))
        return jnp.tanh(x.astype(jnp.float32))


@dataclasses.dataclass(frozen=True)
class UNet:
    """A U-Net, or without `skips` an encoder-decoder. Defaults are pix2pix's.

    >>> unet = UNet().resolve((96, 64, 3))
    >>> unet.levels, unet.multiple
    (5, 32)
    """

    width: int = 64
    """Channels of the largest feature maps; they double with each halving, up to eight times as many."""
    levels: int | None = None
    """Halvings of the size. None takes as many as it has: 8 for 256x256, 6 for 64x64."""
    norm: Literal["batch", "instance"] = "batch"
    """Norm of both halves. With batches of one picture, batch is an instance's norm with a scale and a bias."""
    dropout: float = 0.5
    """Share of the features that decoder blocks drop, at test time too: the generator's only noise. 0 has none."""
    dropout_blocks: tuple[int, ...] = (0, 1, 2)
    """Which decoder blocks, counted from the bottleneck, drop features. The paper's are the first three; the well-known
    PyTorch code leaves the first out: (1, 2, 3) at 8 levels."""
    skips: bool = True
    """Connections from each encoder block to the decoder block of its size; without them it is an encoder-decoder."""

    def __post_init__(self):
        fields.check(self)

    def resolve(self, shape: tuple[int, ...]) -> "UNet":
        """With as many levels as pictures of `shape` [H, W, C] have halvings.

        Raises:
            UserError: their sides cannot be halved so often.
        """
        halvings = min((side & -side).bit_length() - 1 for side in shape[:2])
        levels = halvings if self.levels is None else self.levels
        if levels < 2 or levels > halvings:
            raise UserError(
                f"a U-Net halves the size {'at least twice' if self.levels is None else f'{levels} times'}, and pictures of "
                f"{shape[0]}x{shape[1]} can be halved only {halvings} times: set --data.size, to 64 or 256 say"
            )
        return dataclasses.replace(self, levels=levels)

    @property
    def multiple(self) -> int:
        """What the sides of a picture must be multiples of."""
        return 2**self.levels

    def module(self, channels: int, dtype: jnp.dtype) -> UNetModule:
        """A module `(pictures [B, H, W, C], mode, deterministic) -> float32 [B, H, W, channels]`, after `resolve`."""
        return UNetModule(
            channels, self.width, self.levels, self.norm, self.dropout, self.dropout_blocks, self.skips, dtype
        )
