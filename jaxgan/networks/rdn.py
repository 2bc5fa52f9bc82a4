"""Networks that enlarge, of other people's trained weights: idealo's two, and BasicSR's SRResNet without norms."""

import dataclasses

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxgan import fields
from jaxgan.networks.rrdb import BlockWeights, blocks_in_turn
from jaxgan.networks.upscaling import INIT, doublings, pixel_shuffle
from jaxgan.nn import Conv, Mode


@dataclasses.dataclass(frozen=True)
class RRDN:
    """idealo's ESRGAN ("esrgan-thick"): its blocks with ReLU, and 3 channels already where pixels are made of them."""

    width: int = 64
    """Features between the blocks."""
    growth: int = 32
    """Features that each convolution of a dense block adds."""
    blocks: int = 10
    """Residual blocks."""

    def __post_init__(self):
        fields.check(self)

    def module(self, scale: int, dtype: jnp.dtype) -> nn.Module:
        """(pictures [B, H, W, C] in [-1, 1], mode) to [B, scale H, scale W, C]."""
        return _RRDN(scale, self.width, self.growth, self.blocks, dtype)

    def reach(self, scale: int) -> None:
        """More than tiles can overlap: five convolutions for each dense block."""


@dataclasses.dataclass(frozen=True)
class RDN:
    """A residual dense network (Zhang et al. 2018, 1802.08797), as idealo has it ("esrgan-slim")."""

    width: int = 64
    """Features between the blocks."""
    growth: int = 4
    """Features that each convolution of a dense block adds."""
    convolutions: int = 1
    """Of a dense block, without the one of 1x1 that ends it."""
    blocks: int = 2
    """Dense blocks."""

    def __post_init__(self):
        fields.check(self)

    def module(self, scale: int, dtype: jnp.dtype) -> nn.Module:
        """(pictures [B, H, W, C] in [-1, 1], mode) to [B, scale H, scale W, C]."""
        return _RDN(scale, self.width, self.growth, self.convolutions, self.blocks, dtype)

    def reach(self, scale: int) -> int:
        """One pixel for each convolution of 3x3, two for that of 5x5, and one of the large picture."""
        return self.blocks * self.convolutions + 8


@dataclasses.dataclass(frozen=True)
class MSRResNet:
    """BasicSR's SRResNet: no norms, LeakyReLU of 0.1, and the picture itself, enlarged along lines, added."""

    width: int = 64
    """Features of each layer."""
    blocks: int = 16
    """Residual blocks."""

    def __post_init__(self):
        fields.check(self)

    def module(self, scale: int, dtype: jnp.dtype) -> nn.Module:
        """(pictures [B, H, W, C] in [-1, 1], mode) to [B, scale H, scale W, C]."""
        return _MSRResNet(scale, self.width, self.blocks, dtype)

    def reach(self, scale: int) -> int:
        """One pixel for each convolution; those after the first doubling see less."""
        return 2 * self.blocks + 4


class _RRDN(nn.Module):
    scale: int
    width: int
    growth: int
    blocks: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, pictures: jax.Array, mode: Mode) -> jax.Array:
        def conv(x, name, features=self.width):
            return Conv(features, 3, kernel_init=INIT, dtype=self.dtype, name=name)(x)

        channels = pictures.shape[-1]
        first = conv((pictures + 1) / 2, "first")
        weights = [BlockWeights(self.width, self.growth, name=f"block_{i}")() for i in range(self.blocks)]
        x = first + conv(blocks_in_turn(weights, first, mode, nn.relu), "body")
        x = depth_to_space(conv(x, "larger", channels * self.scale**2), self.scale)
        return 2 * conv(x, "last", channels).astype(jnp.float32) - 1


class _RDN(nn.Module):
    scale: int
    width: int
    growth: int
    convolutions: int
    blocks: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, pictures: jax.Array, mode: Mode) -> jax.Array:
        def conv(x, name, features=self.width, kernel=3):
            return Conv(features, kernel, kernel_init=INIT, dtype=self.dtype, name=name)(x)

        channels = pictures.shape[-1]
        first = conv(127.5 * (pictures + 1), "first")  # values are 0 to 255 inside
        x, found = conv(first, "second"), []
        for i in range(self.blocks):
            inner = x
            for k in range(self.convolutions):
                made = nn.relu(conv(inner, f"block_{i}_{k}", self.growth))
                inner = jnp.concatenate([inner, made], -1)
            x += conv(inner, f"block_{i}_last", kernel=1)
            found.append(x)
        x = first + conv(conv(jnp.concatenate(found, -1), "all_0", kernel=1), "all_1")
        x = nn.relu(conv(nn.relu(conv(x, "larger_0", 64, 5)), "larger_1", 32))
        x = conv(x, "larger_2", channels * self.scale**2)
        return conv(x.repeat(self.scale, 1).repeat(self.scale, 2), "last", channels).astype(jnp.float32) / 127.5 - 1


class _MSRResNet(nn.Module):
    scale: int
    width: int
    blocks: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, pictures: jax.Array, mode: Mode) -> jax.Array:
        def conv(x, name, features=self.width):
            return Conv(features, 3, kernel_init=INIT, dtype=self.dtype, name=name)(x)

        def leaky(x):
            return nn.leaky_relu(x, 0.1)

        height, width, channels = pictures.shape[1:]
        x = leaky(conv((pictures + 1) / 2, "first"))
        for i in range(self.blocks):
            x += conv(nn.relu(conv(x, f"block_{i}_0")), f"block_{i}_1")
        for i, factor in enumerate(doublings(self.scale)):
            x = leaky(pixel_shuffle(conv(x, f"larger_{i}", factor**2 * self.width), factor))
        made = conv(leaky(conv(x, "fine")), "last", channels).astype(jnp.float32)
        larger = (len(pictures), self.scale * height, self.scale * width, channels)
        return 2 * made + jax.image.resize(pictures, larger, "bilinear")


def depth_to_space(x: jax.Array, factor: int) -> jax.Array:
    """[B, H, W, factor^2 C] to [B, factor H, factor W, C] as TensorFlow has it: of a pixel's channels C is the last axis.

    >>> depth_to_space(jnp.arange(8).reshape(1, 1, 1, 8), 2)[0, :, :, 0].tolist()
    [[0, 2], [4, 6]]
    """
    batch, height, width, _ = x.shape
    x = x.reshape(batch, height, width, factor, factor, -1).transpose(0, 1, 3, 2, 4, 5)
    return x.reshape(batch, factor * height, factor * width, -1)
