"""The networks of EDSR and SRGAN, and what networks that enlarge pictures share: pixels out of channels."""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from jaxgan.nn import BatchNorm, Conv, Mode

MEAN = np.array([0.4488, 0.4371, 0.4040], np.float32)
"""Of the channels of DIV2K, whose values are in [0, 1]. EDSR's code takes it off."""
GREY = np.float32(0.299 * MEAN[0] + 0.587 * MEAN[1] + 0.114 * MEAN[2])

# U(-1 / sqrt(n), 1 / sqrt(n)) for a sum of n terms, as PyTorch's layers begin.
INIT = jax.nn.initializers.variance_scaling(1 / 3, "fan_in", "uniform")


def pixel_shuffle(x: jax.Array, factor: int) -> jax.Array:
    """Maps [B, H, W, C factor^2] as larger ones [B, factor H, factor W, C]: y[factor h + i, factor w + j, c] = x[h, w, n].

    n = c factor^2 + factor i + j, as in PyTorch; TensorFlow's `depth_to_space` has (factor i + j) C + c. Shi et al. 2016,
    Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel CNN (1609.05158), equation 4.

    >>> pixel_shuffle(jnp.arange(4.0).reshape(1, 1, 1, 4), 2)[0, :, :, 0].tolist()
    [[0.0, 1.0], [2.0, 3.0]]
    """
    batch, height, width, channels = x.shape
    x = x.reshape(batch, height, width, channels // factor**2, factor, factor)
    return x.transpose(0, 1, 4, 2, 5, 3).reshape(batch, height * factor, width * factor, channels // factor**2)


def pixel_unshuffle(x: jax.Array, factor: int) -> jax.Array:
    """The inverse of `pixel_shuffle`: [B, factor H, factor W, C] to [B, H, W, C factor^2]."""
    batch, height, width, channels = x.shape
    x = x.reshape(batch, height // factor, factor, width // factor, factor, channels)
    return x.transpose(0, 1, 3, 5, 2, 4).reshape(batch, height // factor, width // factor, channels * factor**2)


def doublings(scale: int) -> tuple[int, ...]:
    """The factors of the steps in which maps are enlarged: by 2, as often as it takes, or by 3 at once.

    >>> doublings(4), doublings(3), doublings(1)
    ((2, 2), (3,), ())
    """
    return (3,) if scale == 3 else (2,) * round(math.log2(scale))


class EnhancedResidual(nn.Module):
    """EDSR's generator: pictures [B, H, W, C] in [-1, 1] to pictures [B, scale H, scale W, C], about in [-1, 1].

    A convolution; residual blocks of two convolutions with a ReLU between them, their result multiplied by `residual_scale`;
    a convolution, and the first one's result added; pixels out of channels; a convolution. No norms: they take the range out
    of the values (Lim et al. 2017, section 3.1). Values are 0 to 255 inside, without their mean, as in the authors' code.
    """

    scale: int
    width: int
    blocks: int
    residual_scale: float
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, pictures: jax.Array) -> jax.Array:
        def conv(x, name, features=self.width):
            return Conv(features, 3, kernel_init=INIT, dtype=self.dtype, name=name)(x)

        channels = pictures.shape[-1]
        mean = 255 * (MEAN if channels == 3 else GREY)
        first = x = conv(127.5 * (pictures + 1) - mean, "first")
        for i in range(self.blocks):
            inner = conv(nn.relu(conv(x, f"block_{i}_0")), f"block_{i}_1")
            x += self.residual_scale * inner
        x = first + conv(x, "after")
        for i, factor in enumerate(doublings(self.scale)):
            x = pixel_shuffle(conv(x, f"larger_{i}", factor**2 * self.width), factor)
        return (conv(x, "last", channels).astype(jnp.float32) + mean) / 127.5 - 1


class PReLU(nn.Module):
    """max(0, x) + a min(0, x), with an `a` for each channel that is learnt and begins at 0.25 (He et al. 2015, 1502.01852)."""

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        slope = self.param("slope", nn.initializers.constant(0.25), x.shape[-1:], jnp.float32)
        return jnp.where(x >= 0, x, slope.astype(x.dtype) * x)


class SRResNet(nn.Module):
    """SRGAN's generator: pictures [B, H, W, C] in [-1, 1] to pictures [B, scale H, scale W, C], about in [-1, 1].

    Residual blocks with BatchNorm and PReLU between two convolutions of 9x9, pixels out of channels before the last one (Ledig
    et al. 2017, figure 4). It sees values of 0 to 1.
    """

    scale: int
    width: int
    blocks: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, pictures: jax.Array, mode: Mode) -> jax.Array:
        def conv(x, name, features=self.width, kernel=3, bias=True):
            return Conv(features, kernel, use_bias=bias, kernel_init=INIT, dtype=self.dtype, name=name)(x)

        def normed(x, name):
            return BatchNorm(dtype=self.dtype, name=f"{name}_norm")(conv(x, name, bias=False), mode)

        first = x = PReLU(name="first_prelu")(conv((pictures + 1) / 2, "first", kernel=9))
        for i in range(self.blocks):
            inner = PReLU(name=f"block_{i}_prelu")(normed(x, f"block_{i}_0"))
            x += normed(inner, f"block_{i}_1")
        x = first + normed(x, "after")
        for i, factor in enumerate(doublings(self.scale)):
            x = PReLU(name=f"larger_{i}_prelu")(pixel_shuffle(conv(x, f"larger_{i}", factor**2 * self.width), factor))
        return conv(x, "last", pictures.shape[-1], 9).astype(jnp.float32)


class Strided(nn.Module):
    """SRGAN's discriminator: pictures [B, H, W, C] of one size to logits [B].

    Four pairs of convolutions of 3x3, the second of each halves the size, the features are doubled up to eight times `width`;
    BatchNorm after all but the first, LeakyReLU of 0.2; two dense layers, of 16 `width` features (Ledig et al. 2017, figure 4).
    """

    width: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, pictures: jax.Array, mode: Mode) -> jax.Array:
        x = pictures.astype(self.dtype)
        for number in range(8):
            features, stride = self.width << number // 2, 1 + number % 2
            norm, name = number > 0, f"conv_{number}"
            x = Conv(features, 3, stride, 1, use_bias=not norm, kernel_init=INIT, dtype=self.dtype, name=name)(x)
            x = BatchNorm(dtype=self.dtype, name=f"norm_{number}")(x, mode) if norm else x
            x = nn.leaky_relu(x, 0.2)
        x = nn.leaky_relu(nn.Dense(16 * self.width, dtype=self.dtype, name="dense_0")(x.reshape(len(x), -1)), 0.2)
        return nn.Dense(1, dtype=self.dtype, name="dense_1")(x)[:, 0].astype(jnp.float32)
