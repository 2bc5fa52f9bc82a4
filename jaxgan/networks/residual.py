"""The residual networks of WGAN-GP (Gulrajani et al. 2017, appendix F) and SNGAN (Miyato et al. 2018, table 4), 32x32.

Both papers have the same blocks: norm, ReLU, convolution, twice, beside a shortcut; the generator doubles the size by
nearest neighbours in three of them, the discriminator halves it by average pooling in the first two, goes through two more at
8x8, and sums (SNGAN) or averages (WGAN-GP) over the positions. Larger pictures, beyond the papers, take more blocks that
double and halve. Conditional: BatchNorm by class in the generator, and a discriminator whose logit has an inner product of
the features with an embedding of the label (Miyato & Koyama 2018, cGANs with Projection Discriminator, 1802.05637).
"""

import dataclasses
from typing import Literal

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxgan.errors import UserError
from jaxgan.networks.base import Networks
from jaxgan.nn import BatchNorm, Conv, LayerNorm, Mode, spectral_norm

SMALLEST_MAP, LAST_MAP = 4, 8
"""Sides of the first feature map of the generator and the last of the discriminator."""

# Xavier's uniform weights, with a gain of sqrt(2) where a ReLU follows or went before (SNGAN's code, table 4's setting).
INSIDE = jax.nn.initializers.variance_scaling(2.0, "fan_avg", "uniform")
SHORTCUT = jax.nn.initializers.variance_scaling(1.0, "fan_avg", "uniform")


def double(x: jax.Array) -> jax.Array:
    """[B, H, W, C] to [B, 2H, 2W, C] by nearest neighbours."""
    return x.repeat(2, 1).repeat(2, 2)


def halve(x: jax.Array) -> jax.Array:
    """[B, H, W, C] to [B, H/2, W/2, C] by the mean of each 2x2."""
    batch, height, width, channels = x.shape
    return x.reshape(batch, height // 2, 2, width // 2, 2, channels).mean((2, 4))


class Generator(nn.Module):
    """Latents [B, latent], and labels [B] where there are classes, to pictures [B, H, W, C] in [-1, 1]."""

    image_shape: tuple[int, int, int]
    width: int
    classes: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, z: jax.Array, labels: jax.Array | None, mode: Mode) -> jax.Array:
        height, width, channels = self.image_shape
        doublings = (height // SMALLEST_MAP).bit_length() - 1

        def norm_relu(x):
            return nn.relu(BatchNorm(classes=self.classes, dtype=self.dtype)(x, mode, labels))

        first = (height >> doublings, width >> doublings, self.width)
        x = nn.Dense(first[0] * first[1] * self.width, kernel_init=SHORTCUT, dtype=self.dtype)(z)
        x = x.reshape(-1, *first)
        for _ in range(doublings):
            # A 1x1 convolution and nearest neighbours may change places: at the smaller size it is four times cheaper.
            shortcut = double(Conv(self.width, 1, kernel_init=SHORTCUT, dtype=self.dtype)(x))
            inner = Conv(self.width, 3, use_bias=False, kernel_init=INSIDE, dtype=self.dtype)(double(norm_relu(x)))
            x = shortcut + Conv(self.width, 3, kernel_init=INSIDE, dtype=self.dtype)(norm_relu(inner))
        x = Conv(channels, 3, kernel_init=SHORTCUT, dtype=self.dtype)(norm_relu(x))
        return jnp.tanh(x.astype(jnp.float32))


class Discriminator(nn.Module):
    """Pictures [B, H, W, C] in [-1, 1], and labels [B] where there are classes, to scores [B]."""

    width: int
    classes: int
    layer_norm: bool
    spectral: bool
    pool: Literal["sum", "mean"]
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, images: jax.Array, labels: jax.Array | None, mode: Mode) -> jax.Array:
        def conv(x, kernel, init):
            return spectral_norm(Conv(self.width, kernel, kernel_init=init, dtype=self.dtype), self.spectral)(x)

        def norm_relu(x):
            return nn.relu(LayerNorm(dtype=self.dtype)(x, mode) if self.layer_norm else x)

        # The first block has no activation at its input, and pools the picture before the shortcut.
        x = halve(conv(nn.relu(conv(images, 3, INSIDE)), 3, INSIDE)) + conv(halve(images), 1, SHORTCUT)
        for _ in range((images.shape[1] // LAST_MAP).bit_length() - 2):
            inner = conv(norm_relu(conv(norm_relu(x), 3, INSIDE)), 3, INSIDE)
            # Pooling and the 1x1 convolution may change places, as above.
            x = halve(inner) + conv(halve(x), 1, SHORTCUT)
        for _ in range(2):
            x = x + conv(norm_relu(conv(norm_relu(x), 3, INSIDE)), 3, INSIDE)
        features = getattr(norm_relu(x).astype(jnp.float32), self.pool)((1, 2))
        score = spectral_norm(nn.Dense(1, kernel_init=SHORTCUT), self.spectral)(features)[:, 0]
        if self.classes:
            # As a product with a one-hot vector, whose kernel is the table of embeddings.
            one_hot = jax.nn.one_hot(labels, self.classes)
            embed = nn.Dense(self.width, use_bias=False, kernel_init=SHORTCUT)
            score += jnp.sum(spectral_norm(embed, self.spectral)(one_hot) * features, -1)
        return score


@dataclasses.dataclass(frozen=True)
class Residual(Networks):
    """The residual networks of SNGAN and WGAN-GP. Defaults are SNGAN's for 32x32 pictures.

    >>> module = Residual().discriminator(classes=10, dtype=jnp.float32)
    >>> pictures, labels = jnp.zeros((2, 32, 32, 3)), jnp.array([3, 7])
    >>> jax.eval_shape(lambda: module.init_with_output(jax.random.key(0), pictures, labels, "batch")[0]).shape
    (2,)
    """

    latent_dim: int = 128
    """Length of the latent vector z."""
    latent: Literal["uniform", "normal"] = "normal"
    """Distribution of z: uniform on (-1, 1), or standard normal."""
    generator_width: int = 256
    """Channels of the generator; 128 in WGAN-GP."""
    discriminator_width: int = 128
    """Channels of the discriminator."""
    layer_norm: bool = False
    """LayerNorm in the discriminator, which a gradient penalty allows (WGAN-GP, section 4)."""
    spectral_norm: bool = True
    """Spectral normalisation of the discriminator's weights (SNGAN)."""
    pool: Literal["sum", "mean"] = "sum"
    """How the discriminator's last features are put together over the positions: sum in SNGAN, mean in WGAN-GP."""

    @property
    def apart(self):
        return False

    def check(self, shape):
        height, width = shape[:2] if len(shape) == 3 else (0, 0)
        doublings = max((height // SMALLEST_MAP).bit_length() - 1, 0)
        if not 32 <= height <= 128 or height != SMALLEST_MAP << doublings or width % (1 << doublings):
            raise UserError(
                "residual networks make pictures of 32, 64 or 128 rows and a width that they can halve as often; the data "
                f"gives {'x'.join(map(str, shape[:2]))}: set --data.size"
            )

    def generator(self, shape, classes, dtype):
        return Generator(shape, self.generator_width, classes, dtype)

    def discriminator(self, classes, dtype):
        return Discriminator(self.discriminator_width, classes, self.layer_norm, self.spectral_norm, self.pool, dtype)
