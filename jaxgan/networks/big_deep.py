"""The networks of BigGAN-deep (Brock et al. 2018, 1809.11096, appendix B): bottlenecks, twice as many blocks, one whole z.

A block narrows its input to a quarter of the channels, convolves twice, and widens; what goes past it drops channels in the
generator, and in the discriminator gains those that are missing from a 1x1 convolution. z is not cut into chunks: z and the
class's vector together are seen by the first layer and by every norm. All else is BigGAN's (`jaxgan.networks.big`).
"""

import dataclasses
from typing import Literal

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxgan.errors import UserError
from jaxgan.networks.base import Networks
from jaxgan.networks.big import (
    GENERATOR,
    SMALLEST,
    Attention,
    ConditionalNorm,
    Embedding,
    projected,
    spectral_conv,
    spectral_dense,
)
from jaxgan.networks.residual import double, halve
from jaxgan.nn import BatchNorm, Mode

DISCRIMINATOR = {
    64: (1, 2, 4, 8, 16),
    128: (1, 2, 4, 8, 16, 16),
    256: (1, 2, 4, 8, 8, 16, 16),
    512: (1, 1, 2, 4, 8, 8, 16, 16),
}
"""Channels for each of the width, of the first map and of what comes out of each halving."""
REDUCTION, BLOCKS = 4, 2
"""Channels of a block's input for each inside; blocks at each side."""


class Up(nn.Module):
    """[B, H, W, C] and conditions [B, D] to [B, H, W, features], or of twice the sides."""

    features: int
    up: bool
    spectral: bool
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: jax.Array, condition: jax.Array, mode: Mode) -> jax.Array:
        inner = x.shape[-1] // REDUCTION

        def norm(x, number):
            return ConditionalNorm(self.dtype, self.spectral, name=f"norm{number}")(x, condition, mode)

        def conv(x, features, kernel, number):
            return spectral_conv(features, kernel, self.dtype, f"conv{number}", enabled=self.spectral)(x)

        y = norm(conv(norm(x, 0), inner, 1, 0), 1)
        y = conv(double(y) if self.up else y, inner, 3, 1)
        y = conv(norm(conv(norm(y, 2), inner, 3, 2), 3), self.features, 1, 3)
        past = x[..., : self.features]
        return y + (double(past) if self.up else past)


class Down(nn.Module):
    """[B, H, W, C] to [B, H, W, features], or of half the sides."""

    features: int
    down: bool
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        inner = self.features // REDUCTION

        def conv(x, features, kernel, name):
            return spectral_conv(features, kernel, self.dtype, name)(x)

        y = conv(nn.relu(x), inner, 1, "conv0")
        y = conv(nn.relu(y), inner, 3, "conv1")
        y = nn.relu(conv(nn.relu(y), inner, 3, "conv2"))
        if self.down:
            x, y = halve(x), halve(y)
        if more := self.features - x.shape[-1]:
            x = jnp.concatenate([x, conv(x, more, 1, "shortcut")], -1)
        return x + conv(y, self.features, 1, "conv3")


class Generator(nn.Module):
    """Latents [B, latent], and labels [B] where there are classes, to pictures [B, H, W, C] in [-1, 1]."""

    image_shape: tuple[int, int, int]
    width: int
    shared: int
    attention: int | None
    spectral: bool
    classes: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, z: jax.Array, labels: jax.Array | None, mode: Mode) -> jax.Array:
        side, _, channels = self.image_shape
        first, *features = (self.width * share for share in GENERATOR[side])
        if self.classes:
            z = jnp.concatenate([z, Embedding(self.shared, self.classes, name="shared")(labels)], -1)
        x = spectral_dense(SMALLEST * SMALLEST * first, "linear", enabled=self.spectral)(z)
        x = x.reshape(-1, SMALLEST, SMALLEST, first)
        for level, out in enumerate(features):
            for number in range(BLOCKS):
                up = number == BLOCKS - 1
                block = Up(out if up else x.shape[-1], up, self.spectral, self.dtype, name=f"block{level}_{number}")
                x = block(x, z, mode)
            if x.shape[1] == self.attention:
                x = Attention(self.dtype, self.spectral, name=f"attention{level}")(x)
        x = nn.relu(BatchNorm(name="norm")(x.astype(jnp.float32), mode))
        x = spectral_conv(channels, 3, self.dtype, "to_colors", enabled=self.spectral)(x.astype(self.dtype))
        return jnp.tanh(x.astype(jnp.float32))


class Discriminator(nn.Module):
    """Pictures [B, H, W, C] in [-1, 1], and labels [B] where there are classes, to scores [B]."""

    width: int
    attention: int | None
    classes: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, images: jax.Array, labels: jax.Array | None, mode: Mode) -> jax.Array:
        first, *features = (self.width * share for share in DISCRIMINATOR[images.shape[1]])
        x = spectral_conv(first, 3, self.dtype, "from_colors")(images)
        for level, out in enumerate(features):
            for number in range(BLOCKS):
                x = Down(out, number == 0, self.dtype, name=f"block{level}_{number}")(x)
            if x.shape[1] == self.attention:
                x = Attention(self.dtype, name=f"attention{level}")(x)
        return projected(x, labels, self.classes)


@dataclasses.dataclass(frozen=True)
class BigDeep(Networks):
    """BigGAN-deep's generator and discriminator. Defaults are the paper's for 128 pixels.

    >>> module = BigDeep().discriminator(classes=1000, dtype=jnp.float32)
    >>> pictures, labels = jnp.zeros((2, 128, 128, 3)), jnp.zeros(2, jnp.int32)
    >>> jax.eval_shape(lambda: module.init_with_output(jax.random.key(0), pictures, labels, "batch")[0]).shape
    (2,)
    """

    latent_dim: int = 128
    """Length of the latent vector z."""
    latent: Literal["uniform", "normal"] = "normal"
    """Distribution of z: uniform on (-1, 1), or standard normal."""
    width: int = 128
    """Channels of the narrowest feature map; the widest has 16 times as many."""
    shared: int = 128
    """Length of a class's vector in the generator."""
    attention: int | None = 64
    """Side of the feature map with attention; None for none."""
    generator_spectral_norm: bool = True
    """Spectral normalisation of the generator, too; off in weights that were divided by their norms once and for all."""

    @property
    def apart(self):
        return False

    def check(self, shape):
        if len(shape) != 3 or shape[0] != shape[1] or shape[0] not in DISCRIMINATOR:
            raise UserError(
                f"BigDeep networks make square pictures of {', '.join(map(str, DISCRIMINATOR))} pixels; the data's are "
                f"{'x'.join(map(str, shape[:2]))}: set --data.size"
            )
        if self.width % REDUCTION:
            raise UserError(f"system.networks.width is {self.width}: it must be a multiple of {REDUCTION}")

    def generator(self, shape, classes, dtype):
        spectral = self.generator_spectral_norm
        return Generator(shape, self.width, self.shared, self.attention, spectral, classes, dtype)

    def discriminator(self, classes, dtype):
        return Discriminator(self.width, self.attention, classes, dtype)
