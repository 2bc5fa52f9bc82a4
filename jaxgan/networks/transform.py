"""The residual transform network of CycleGAN (Zhu et al. 2017, arXiv:1703.10593, appendix 7.2), after Johnson et al. 2016.

c7s1-64, d128, d256, residual blocks of 256 channels, u128, u64, c7s1-3: two halvings, blocks that keep size and width, two
doublings. Fully convolutional: the sides must be multiples of 4.
"""

import dataclasses
from typing import Literal

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxgan import fields
from jaxgan.errors import UserError
from jaxgan.nn import Conv, ConvTranspose, Dropout, Mode, make_norm, normal_around_one, reflect

HALVINGS = 2


class TransformModule(nn.Module):
    """Pictures [B, H, W, C] to pictures [B, H, W, channels] in [-1, 1]; 4 divides H and W."""

    channels: int
    width: int
    blocks: int
    norm: Literal["batch", "instance"]
    dropout: float
    upsampling: Literal["transposed", "resize"]
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: jax.Array, mode: Mode, deterministic: bool) -> jax.Array:
        # InstanceNorm cancels it, too, but the papers' code has one there: it is kept, untrained, for the sake of its weights.
        bias = {"use_bias": self.norm != "batch", "train_bias": False}

        def norm(x, name):
            return make_norm(self.norm, normal_around_one(), self.dtype, name=f"{name}_norm")(x, mode)

        def conv(x, features, kernel, name):
            # Reflected borders leave no frame in the output, where zeros did (section 7.2).
            x = reflect(x, kernel // 2)
            return Conv(features, kernel, padding="VALID", **bias, dtype=self.dtype, name=name)(x)

        x = nn.relu(norm(conv(x, self.width, 7, "first"), "first"))
        for level in range(HALVINGS):
            features, name = self.width * 2 ** (level + 1), f"down_{level}"
            x = Conv(features, 3, 2, padding=1, **bias, dtype=self.dtype, name=name)(x)
            x = nn.relu(norm(x, name))
        for block in range(self.blocks):
            name = f"block_{block}"
            inner = nn.relu(norm(conv(x, features, 3, f"{name}_0"), f"{name}_0"))
            if self.dropout:
                inner = Dropout(self.dropout)(inner, deterministic)
            x = x + norm(conv(inner, features, 3, f"{name}_1"), f"{name}_1")
        for level in range(HALVINGS):
            features, name = features // 2, f"up_{level}"
            if self.upsampling == "resize":
                x = conv(x.repeat(2, 1).repeat(2, 2), features, 3, name)
            else:
                x = ConvTranspose(features, 3, 2, 1, 1, **bias, dtype=self.dtype, name=name)(x)
            x = nn.relu(norm(x, name))
        x = Conv(self.channels, 7, padding="VALID", dtype=self.dtype, name="last")(reflect(x, 3))
        return jnp.tanh(x.astype(jnp.float32))


@dataclasses.dataclass(frozen=True)
class Transform:
    """A residual transform network. Defaults are CycleGAN's for pictures of 256x256."""

    width: int = 64
    """Channels of the largest feature maps; four times as many in the residual blocks."""
    blocks: int = 9
    """Residual blocks: 9 for pictures of 256 and more, 6 for 128."""
    norm: Literal["batch", "instance"] = "instance"
    """Norm of every layer but the last; instance has no scale and bias."""
    dropout: float = 0.0
    """Share of the features that residual blocks drop; 0.5 where pix2pix uses this network."""
    upsampling: Literal["transposed", "resize"] = "transposed"
    """How the size doubles: a transposed convolution, or nearest neighbours and a convolution, which leaves no checkerboard
    (Odena et al. 2016)."""

    def __post_init__(self):
        fields.check(self)

    def resolve(self, shape: tuple[int, ...]) -> "Transform":
        """Itself, for pictures of `shape` [H, W, C]. Raises: UserError: their sides are no multiples of 4, or below 16."""
        if any(side % self.multiple for side in shape[:2]) or min(shape[:2]) < 16:
            raise UserError(
                f"a residual transform network takes pictures of at least 16 pixels whose sides are multiples of "
                f"{self.multiple}, and the data's are {shape[0]}x{shape[1]}: set --data.size, to 64 or 256 say"
            )
        return self

    @property
    def multiple(self) -> int:
        """What the sides of a picture must be multiples of."""
        return 2**HALVINGS

    def module(self, channels: int, dtype: jnp.dtype) -> TransformModule:
        """A module `(pictures [B, H, W, C], mode, deterministic) -> float32 [B, H, W, channels]`."""
        return TransformModule(channels, self.width, self.blocks, self.norm, self.dropout, self.upsampling, dtype)
