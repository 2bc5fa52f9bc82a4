"""The residual networks of R3GAN (Huang et al. 2025, 2501.05441), without norms, styles, noise or connections past the blocks.

A block adds to its input what a 1x1 convolution, one of 3x3 in groups (ResNeXt) and a 1x1 make of it, in twice the features
(section 3.3). Nothing is normalised: the blocks begin as the identity, their last convolution being 0, and the others so
small that all blocks together move as fast as one (Fixup, Zhang et al. 2019, 1901.09321). Sides are doubled and halved by
StyleGAN2's filter. Generator and discriminator are each other's mirror.
"""

import dataclasses
from typing import Literal

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxgan.errors import UserError
from jaxgan.networks.base import Networks
from jaxgan.networks.style import SMALLEST, channels_of, sides_of
from jaxgan.nn import Conv, Mode, resample

SLOPE = 0.2
EXPANSION = 2
"""Features inside a block, for each of its input."""
PLAIN = jax.nn.initializers.variance_scaling(1.0, "fan_in", "normal")
"""N(0, 1 / fan_in): what is outside of blocks."""


def pointwise(features: int, dtype: jnp.dtype, name: str) -> Conv:
    return Conv(features, 1, use_bias=False, kernel_init=PLAIN, dtype=dtype, name=name)


class Block(nn.Module):
    """[B, H, W, C] to the same: x + W3 a(W2 a(W1 x + b1) + b2), a a leaky ReLU, W2 in groups."""

    group_width: int
    blocks: int  # of the whole network
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        # Of the three layers of a block the last is 0: L^(-1 / (2 * 3 - 2)) for L blocks, and He's variance for the slope.
        variance = 2 / (1 + SLOPE**2) * self.blocks**-0.5
        begin = jax.nn.initializers.variance_scaling(variance, "fan_in", "normal")
        wide = EXPANSION * x.shape[-1]
        y = nn.leaky_relu(Conv(wide, 1, kernel_init=begin, dtype=self.dtype, name="wide")(x), SLOPE)
        grouped = Conv(wide, 3, kernel_init=begin, groups=wide // self.group_width, dtype=self.dtype, name="grouped")
        y = nn.leaky_relu(grouped(y), SLOPE)
        zeros = nn.initializers.zeros
        return x + Conv(x.shape[-1], 1, use_bias=False, kernel_init=zeros, dtype=self.dtype, name="narrow")(y)


class Generator(nn.Module):
    """Latents [B, latent], and labels [B] where there are classes, to pictures [B, H, W, C].

    Nothing keeps them in [-1, 1] but the discriminator; in the mode "running", outside of training, what is beyond is cut off.
    """

    image_shape: tuple[int, int, int]
    width: int
    channel_base: int
    blocks: int
    group_width: int
    classes: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, z: jax.Array, labels: jax.Array | None, mode: Mode) -> jax.Array:
        height, width, channels = self.image_shape
        sides = sides_of(height)
        widths = [channels_of(side, self.channel_base, self.width) for side in sides]
        if self.classes:
            embed = nn.Dense(z.shape[-1], use_bias=False, kernel_init=PLAIN, name="embed")
            z = jnp.concatenate([z, embed(jax.nn.one_hot(labels, self.classes))], -1)
        first = (SMALLEST, width * SMALLEST // height, widths[0])
        # A basis of small maps, one for each feature, each times its own number.
        basis = self.param("basis", nn.initializers.normal(1.0), first, jnp.float32)
        x = nn.Dense(widths[0], use_bias=False, kernel_init=PLAIN, name="dense")(z)[:, None, None] * basis
        for side, features in zip(sides, widths, strict=True):
            dtype = _dtype(side, self.dtype)
            if features != x.shape[-1]:
                x = pointwise(features, dtype, f"{side}_change")(x)
            if side > SMALLEST:
                x = resample.upsample(x)
            for number in range(self.blocks):
                x = Block(self.group_width, self.blocks * len(sides), dtype, name=f"{side}_block{number}")(x)
        pictures = pointwise(channels, self.dtype, "to_colors")(x).astype(jnp.float32)
        return jnp.clip(pictures, -1, 1) if mode == "running" else pictures


class Discriminator(nn.Module):
    """Pictures [B, H, W, C], and labels [B] where there are classes, to logits [B]."""

    width: int
    channel_base: int
    blocks: int
    group_width: int
    classes: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, images: jax.Array, labels: jax.Array | None, mode: Mode) -> jax.Array:
        sides = sides_of(images.shape[1])[::-1]
        widths = [channels_of(side, self.channel_base, self.width) for side in sides]
        x = pointwise(widths[0], self.dtype, "from_colors")(images)
        for side, features in zip(sides, [*widths[1:], None], strict=True):
            dtype = _dtype(side, self.dtype)
            for number in range(self.blocks):
                x = Block(self.group_width, self.blocks * len(sides), dtype, name=f"{side}_block{number}")(x)
            if side > SMALLEST:
                x = resample.downsample(x)
                if features != x.shape[-1]:
                    x = pointwise(features, dtype, f"{side}_change")(x)
        # The generator's first layer turned round.
        places = x.shape[1] * x.shape[2]
        basis = self.param("basis", nn.initializers.normal(places**-0.5), x.shape[1:], jnp.float32)
        x = (x.astype(jnp.float32) * basis).sum((1, 2))
        if not self.classes:
            return nn.Dense(1, use_bias=False, kernel_init=PLAIN, name="dense")(x)[:, 0]
        features = nn.Dense(widths[-1], use_bias=False, kernel_init=PLAIN, name="dense")(x)
        begin = jax.nn.initializers.variance_scaling(1 / widths[-1], "fan_in", "normal")
        embed = nn.Dense(widths[-1], use_bias=False, kernel_init=begin, name="embed")
        return (features * embed(jax.nn.one_hot(labels, self.classes))).sum(-1)


def _dtype(side: int, dtype: jnp.dtype) -> jnp.dtype:
    """The smallest maps are cheap, and float32 at any precision, as in the paper's code."""
    return jnp.float32 if side == SMALLEST else dtype


@dataclasses.dataclass(frozen=True)
class R3(Networks):
    """R3GAN's generator and discriminator. Defaults are the paper's for faces of 64 pixels.

    >>> module = R3().discriminator(classes=0, dtype=jnp.float32)
    >>> jax.eval_shape(lambda: module.init_with_output(jax.random.key(0), jnp.zeros((2, 64, 64, 3)), None, "batch")[0]).shape
    (2,)
    """

    latent_dim: int = 64
    """Length of the latent vector z; of a label's embedding, too."""
    latent: Literal["uniform", "normal"] = "normal"
    """Distribution of z: uniform on (-1, 1), or standard normal."""
    width: int = 768
    """The most channels that a feature map has."""
    channel_base: int = 24576
    """A feature map of side R has channel_base / R channels, at most `width`."""
    blocks: int = 2
    """Residual blocks at each side."""
    group_width: int = 16
    """Channels of a group of a block's 3x3 convolution; 32 in the paper's networks for ImageNet."""

    @property
    def apart(self):
        return False

    def check(self, shape):
        height, width = shape[:2] if len(shape) == 3 else (0, 0)
        if height < 2 * SMALLEST or height & (height - 1) or width * SMALLEST % height:
            raise UserError(
                "R3 networks make pictures of 8, 16, 32, ... rows and a width that they can halve as often; the data gives "
                f"{'x'.join(map(str, shape[:2]))}: set --data.size"
            )
        inside = [EXPANSION * channels_of(side, self.channel_base, self.width) for side in sides_of(height)]
        if odd := [channels for channels in inside if channels % self.group_width]:
            raise UserError(
                f"system.networks.group_width is {self.group_width}, which does not divide the {odd[0]} channels inside a "
                "block: choose another, or another --system.networks.width or channel-base"
            )

    def generator(self, shape, classes, dtype):
        return Generator(shape, self.width, self.channel_base, self.blocks, self.group_width, classes, dtype)

    def discriminator(self, classes, dtype):
        return Discriminator(self.width, self.channel_base, self.blocks, self.group_width, classes, dtype)
