"""The networks of DCGAN (Radford et al. 2015, arXiv:1511.06434), which LSGAN, WGAN, WGAN-GP and SNGAN compare on, too.

The architecture of section 3: strided convolutions instead of pooling, BatchNorm in both networks but not at the generator's
output and the discriminator's input, no hidden dense layers, ReLU and tanh in the generator, LeakyReLU in the discriminator.
Weights begin from N(0, 0.02).
"""

import dataclasses
from typing import Literal

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxgan.errors import UserError
from jaxgan.networks.base import Networks, refuse_classes
from jaxgan.nn import Conv, ConvTranspose, Mode, NormKind, make_norm, normal, normal_around_one, spectral_norm

SMALLEST_MAP = 4
"""Side of the first feature map of the generator, the last of the discriminator."""


class Generator(nn.Module):
    """Latents [B, latent] to pictures [B, H, W, C] in [-1, 1]: a projection to 4x4, then doublings."""

    image_shape: tuple[int, int, int]
    width: int
    kernel: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, z: jax.Array, labels: None, mode: Mode) -> jax.Array:
        height, width, channels = self.image_shape
        doublings = (height // SMALLEST_MAP).bit_length() - 1

        def norm_relu(x):
            return nn.relu(make_norm("batch", normal_around_one(), self.dtype)(x, mode))

        features = self.width * 2 ** (doublings - 1)
        first = (height >> doublings, width >> doublings, features)
        # Not a hidden dense layer in the paper's sense: its result is the first feature map.
        x = nn.Dense(first[0] * first[1] * features, use_bias=False, kernel_init=normal(), dtype=self.dtype)(z)
        x = norm_relu(x.reshape(-1, *first))
        for level in range(1, doublings):
            x = ConvTranspose(features >> level, self.kernel, 2, use_bias=False, dtype=self.dtype)(x)
            x = norm_relu(x)
        x = ConvTranspose(channels, self.kernel, 2, dtype=self.dtype)(x)
        return jnp.tanh(x.astype(jnp.float32))


def halved(
    images: jax.Array, mode: Mode, width: int, kernel: int, norm: NormKind, spectral: bool, dtype: jnp.dtype
) -> jax.Array:
    """The discriminator's features of pictures [B, H, W, C] at 4x4: called by a module that owns the layers."""
    x = images
    for level in range((images.shape[1] // SMALLEST_MAP).bit_length() - 1):
        kind = norm if level else "none"  # never at the input
        conv = Conv(width << level, kernel, 2, use_bias=kind == "none", dtype=dtype)
        x = spectral_norm(conv, spectral)(x)
        x = nn.leaky_relu(make_norm(kind, normal_around_one(), dtype)(x, mode), 0.2)
    return x


class Discriminator(nn.Module):
    """Pictures [B, H, W, C] in [-1, 1] to logits [B]: halvings down to 4x4, then one number."""

    width: int
    kernel: int
    norm: NormKind
    spectral: bool
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, images: jax.Array, labels: None, mode: Mode) -> jax.Array:
        x = halved(images, mode, self.width, self.kernel, self.norm, self.spectral, self.dtype)
        x = x.reshape(x.shape[0], -1)
        last = nn.Dense(1, kernel_init=normal(), dtype=self.dtype)
        return spectral_norm(last, self.spectral)(x)[:, 0].astype(jnp.float32)


@dataclasses.dataclass(frozen=True)
class Convolutional(Networks):
    """DCGAN's generator and discriminator. Defaults are the paper's; the shape of the pictures is that of the data.

    >>> module = Convolutional(width=64).generator((64, 64, 3), classes=0, dtype=jnp.float32)
    >>> z = jnp.zeros((2, 100))
    >>> jax.eval_shape(lambda: module.init_with_output(jax.random.key(0), z, None, "batch")[0]).shape
    (2, 64, 64, 3)
    """

    width: int = 128
    """Channels of the largest feature maps; they double with each halving of the size (1024 at 4x4 for 64x64 pictures)."""
    kernel: Literal[4, 5] = 5
    """Side of the kernels: 5 in the paper, 4 in the common ports."""
    discriminator_norm: Literal["batch", "layer", "instance", "none"] = "batch"
    """Norm in the discriminator. With a gradient penalty not batch: under it an example's gradient is not its own."""
    spectral_norm: bool = False
    """Spectral normalisation of the discriminator's weights (SNGAN), instead of a norm of its features."""

    @property
    def apart(self):
        return self.discriminator_norm == "batch"

    def check(self, shape):
        height, width = shape[:2] if len(shape) == 3 else (0, 0)
        doublings = max((height // SMALLEST_MAP).bit_length() - 1, 0)
        if not 32 <= height <= 256 or height != SMALLEST_MAP << doublings or width % (1 << doublings):
            raise UserError(
                "convolutional networks make pictures of 32, 64, 128 or 256 rows and a width that they can halve as often; "
                f"the data gives {'x'.join(map(str, shape[:2]))}: set --data.size"
            )

    def generator(self, shape, classes, dtype):
        refuse_classes(self, classes)
        return Generator(shape, self.width, self.kernel, dtype)

    def discriminator(self, classes, dtype):
        refuse_classes(self, classes)
        return Discriminator(self.width, self.kernel, self.discriminator_norm, self.spectral_norm, dtype)
