"""The residual networks of BigGAN (Brock et al. 2018, 1809.11096), for classes.

A class is one vector, shared by all layers of the generator; with a chunk of z of their own, "hierarchical latents", the blocks
make of it the gains and biases of their norms (section 3, appendix B). What makes SNGAN's blocks these: spectral normalisation
in both networks, attention (Zhang et al. 2018, SAGAN, 1805.08318) at one size, orthogonal weights to begin with. The
discriminator's logit has an inner product of its features with an embedding of the class (Miyato & Koyama 2018, 1802.05637).
"""

import dataclasses
from typing import Literal

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxgan.errors import UserError
from jaxgan.networks.base import Networks
from jaxgan.networks.residual import double, halve
from jaxgan.nn import BatchNorm, Conv, Mode, spectral_norm

SMALLEST = 4
ORTHOGONAL = nn.initializers.orthogonal(column_axis=-1)
# Channels of what comes out of each block, for each of the width, by the side of the pictures (appendix B, tables 4 to 6; 32
# and 64 as in ajbrock's code). The generator begins with the first number at 4x4.
GENERATOR = {
    32: (4, 4, 4, 4),
    64: (16, 16, 8, 4, 2),
    128: (16, 16, 8, 4, 2, 1),
    256: (16, 16, 8, 8, 4, 2, 1),
    512: (16, 16, 8, 8, 4, 2, 1, 1),
}
DISCRIMINATOR = {
    32: (4, 4, 4, 4),
    64: (1, 2, 4, 8, 16),
    128: (1, 2, 4, 8, 16, 16),
    256: (1, 2, 4, 8, 8, 16, 16),
    512: (1, 1, 2, 4, 8, 8, 16, 16),
}
SAME = {32: 2}
"""Of the discriminator's blocks, how many at its end keep the side; else 1."""


class Embedding(nn.Module):
    """Labels [B] to vectors [B, features], the columns of a kernel [features, classes], whose norm can be spectral."""

    features: int
    classes: int

    @nn.compact
    def __call__(self, labels: jax.Array) -> jax.Array:
        kernel = self.param("kernel", ORTHOGONAL, (self.features, self.classes), jnp.float32)
        return jax.nn.one_hot(labels, self.classes) @ kernel.T


def spectral_conv(features: int, kernel: int, dtype: jnp.dtype, name: str, use_bias: bool = True, enabled: bool = True):
    conv = Conv(features, kernel, use_bias=use_bias, kernel_init=ORTHOGONAL, dtype=dtype, name=name)
    return spectral_norm(conv, enabled, name=f"{name}_norm")


def spectral_dense(features: int, name: str, use_bias: bool = True, enabled: bool = True):
    dense = nn.Dense(features, use_bias, kernel_init=ORTHOGONAL, name=name)
    return spectral_norm(dense, enabled, name=f"{name}_norm")


class ConditionalNorm(nn.Module):
    """BatchNorm with a gain 1 + W c and a bias V c of each example's condition c [B, D]; then ReLU."""

    dtype: jnp.dtype
    spectral: bool = True

    @nn.compact
    def __call__(self, x: jax.Array, condition: jax.Array, mode: Mode) -> jax.Array:
        def dense(name):
            return spectral_dense(x.shape[-1], name, use_bias=False, enabled=self.spectral)(condition)

        gain, bias = 1 + dense("gain"), dense("bias")
        x = BatchNorm(affine=False, name="norm")(x.astype(jnp.float32), mode)
        return nn.relu(x * gain[:, None, None] + bias[:, None, None]).astype(self.dtype)


class Attention(nn.Module):
    """[B, H, W, C] to the same: x + gamma o(softmax(theta(x) phi(x)^T) g(x)), gamma beginning at 0.

    theta has C / 8 channels and looks everywhere, phi as many and g C / 2, over blocks of 2x2 (SAGAN, section 3).
    """

    dtype: jnp.dtype
    spectral: bool = True

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        batch, height, width, channels = x.shape

        def conv(features, name):
            return spectral_conv(features, 1, self.dtype, name, use_bias=False, enabled=self.spectral)

        def pooled(x):
            blocks = x.reshape(batch, height // 2, 2, width // 2, 2, x.shape[-1])
            return blocks.max((2, 4)).reshape(batch, height * width // 4, x.shape[-1])

        theta = conv(channels // 8, "theta")(x).reshape(batch, height * width, channels // 8)
        phi, g = pooled(conv(channels // 8, "phi")(x)), pooled(conv(channels // 2, "g")(x))
        shares = jax.nn.softmax(jnp.einsum("bqc,bkc->bqk", theta, phi).astype(jnp.float32))
        seen = jnp.einsum("bqk,bkc->bqc", shares.astype(self.dtype), g)
        gamma = self.param("gamma", nn.initializers.zeros, (), jnp.float32)
        return x + gamma.astype(x.dtype) * conv(channels, "o")(seen.reshape(batch, height, width, channels // 2))


class Up(nn.Module):
    """[B, H, W, C] and conditions [B, D] to [B, 2H, 2W, features]."""

    features: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: jax.Array, condition: jax.Array, mode: Mode) -> jax.Array:
        y = double(ConditionalNorm(self.dtype, name="norm0")(x, condition, mode))
        y = spectral_conv(self.features, 3, self.dtype, "conv0")(y)
        y = ConditionalNorm(self.dtype, name="norm1")(y, condition, mode)
        y = spectral_conv(self.features, 3, self.dtype, "conv1")(y)
        # A 1x1 convolution and nearest neighbours may change places: at the smaller size it is four times cheaper.
        return y + double(spectral_conv(self.features, 1, self.dtype, "shortcut")(x))


class Down(nn.Module):
    """[B, H, W, C] to [B, H/2, W/2, features], or of the same sides."""

    features: int
    first: bool  # nothing is activated before it
    down: bool
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        def shortcut(x):
            return spectral_conv(self.features, 1, self.dtype, "shortcut")(x)

        y = spectral_conv(self.features, 3, self.dtype, "conv0")(x if self.first else nn.relu(x))
        y = spectral_conv(self.features, 3, self.dtype, "conv1")(nn.relu(y))
        if self.down:
            # As above, the mean and the 1x1 convolution may change places.
            return halve(y) + shortcut(halve(x))
        return y + (shortcut(x) if x.shape[-1] != self.features else x)


def projected(x: jax.Array, labels: jax.Array | None, classes: int) -> jax.Array:
    """Scores [B] of a discriminator's last map [B, H, W, C]: called by the module that owns the layers."""
    features = nn.relu(x).astype(jnp.float32).sum((1, 2))
    score = spectral_dense(1, "linear")(features)[:, 0]
    if classes:
        embed = Embedding(features.shape[-1], classes, name="embed")
        score += (spectral_norm(embed, name="embed_norm")(labels) * features).sum(-1)
    return score


class Generator(nn.Module):
    """Latents [B, latent], and labels [B] where there are classes, to pictures [B, H, W, C] in [-1, 1]."""

    image_shape: tuple[int, int, int]
    width: int
    shared: int
    hierarchical: bool
    attention: int | None
    classes: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, z: jax.Array, labels: jax.Array | None, mode: Mode) -> jax.Array:
        side, _, channels = self.image_shape
        first, *features = (self.width * share for share in GENERATOR[side])
        condition = Embedding(self.shared, self.classes, name="shared")(labels) if self.classes else None
        chunks = jnp.split(z, len(features) + 1, -1) if self.hierarchical else [z] * (len(features) + 1)
        x = spectral_dense(SMALLEST * SMALLEST * first, "linear")(chunks[0])
        x = x.reshape(-1, SMALLEST, SMALLEST, first)
        for number, (out, chunk) in enumerate(zip(features, chunks[1:], strict=True)):
            given = [condition] * (condition is not None) + [chunk] * (self.hierarchical or condition is None)
            x = Up(out, self.dtype, name=f"block{number}")(x, jnp.concatenate(given, -1), mode)
            if x.shape[1] == self.attention:
                x = Attention(self.dtype, name=f"attention{number}")(x)
        x = nn.relu(BatchNorm(name="norm")(x.astype(jnp.float32), mode))
        x = spectral_conv(channels, 3, self.dtype, "to_colors")(x.astype(self.dtype))
        return jnp.tanh(x.astype(jnp.float32))


class Discriminator(nn.Module):
    """Pictures [B, H, W, C] in [-1, 1], and labels [B] where there are classes, to scores [B]."""

    width: int
    attention: int | None
    classes: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, images: jax.Array, labels: jax.Array | None, mode: Mode) -> jax.Array:
        side = images.shape[1]
        features = [self.width * share for share in DISCRIMINATOR[side]]
        x, downs = images, len(features) - SAME.get(side, 1)
        for number, out in enumerate(features):
            x = Down(out, number == 0, number < downs, self.dtype, name=f"block{number}")(x)
            if x.shape[1] == self.attention and number < downs:
                x = Attention(self.dtype, name=f"attention{number}")(x)
        return projected(x, labels, self.classes)


@dataclasses.dataclass(frozen=True)
class Big(Networks):
    """BigGAN's generator and discriminator. Defaults are the paper's for 128 pixels.

    >>> module = Big().generator((128, 128, 3), classes=1000, dtype=jnp.float32)
    >>> z, labels = jnp.zeros((2, 120)), jnp.zeros(2, jnp.int32)
    >>> params = jax.eval_shape(lambda: module.init(jax.random.key(0), z, labels, "batch"))["params"]
    >>> sum(leaf.size for leaf in jax.tree.leaves(params))  # as compare_gan counts
    70433988
    """

    latent_dim: int = 120
    """Length of the latent vector z: with `hierarchical` equal chunks for the first layer and each of the blocks."""
    latent: Literal["uniform", "normal"] = "normal"
    """Distribution of z: uniform on (-1, 1), or standard normal."""
    width: int = 96
    """Channels of the narrowest feature map; the widest has 16 times as many, for 32 pixels all have 4 times."""
    shared: int = 128
    """Length of a class's vector in the generator."""
    hierarchical: bool = True
    """Whether each block has a chunk of z of its own; else z is seen by the first layer alone."""
    attention: int | None = 64
    """Side of the feature map with attention; None for none."""

    @property
    def apart(self):
        return False

    def check(self, shape):
        if len(shape) != 3 or shape[0] != shape[1] or shape[0] not in GENERATOR:
            raise UserError(
                f"Big networks make square pictures of {', '.join(map(str, GENERATOR))} pixels; the data's are "
                f"{'x'.join(map(str, shape[:2]))}: set --data.size"
            )
        chunks = len(GENERATOR[shape[0]])
        if self.hierarchical and self.latent_dim % chunks:
            raise UserError(
                f"system.networks.latent_dim is {self.latent_dim}, which {chunks} chunks of equal length cannot have: give "
                f"{chunks * max(1, self.latent_dim // chunks)}, or --system.networks.no-hierarchical"
            )

    def generator(self, shape, classes, dtype):
        return Generator(shape, self.width, self.shared, self.hierarchical, self.attention, classes, dtype)

    def discriminator(self, classes, dtype):
        return Discriminator(self.width, self.attention, classes, dtype)
