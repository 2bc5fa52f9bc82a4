"""The networks of ESRGAN and Real-ESRGAN: residual blocks of dense blocks, a small network for CPUs, and two discriminators."""

import dataclasses
from collections.abc import Callable
from typing import Annotated, Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import tyro

from jaxgan import fields
from jaxgan.networks.upscaling import INIT, PReLU, doublings, pixel_shuffle, pixel_unshuffle
from jaxgan.nn import BatchNorm, Conv, Mode, lowering, spectral_norm

RESIDUAL = 0.2
"""By what the result of a dense block, and of three of them, is multiplied before it is added."""
CONVOLUTIONS = 5
"""Of a dense block."""
DENSE = 3
"""Dense blocks of a residual block."""
# Kaiming's, times 0.1: "smaller initialisation" (Wang et al. 2018, section 3.2).
SMALLER = jax.nn.initializers.variance_scaling(2 * 0.1**2, "fan_in", "normal")


@dataclasses.dataclass(frozen=True)
class RRDB:
    """ESRGAN's generator: residual blocks of three dense blocks, no norms (Wang et al. 2018, figure 4)."""

    width: int = 64
    """Features between the blocks."""
    growth: int = 32
    """Features that each convolution of a dense block adds."""
    blocks: int = 23
    """Residual blocks."""
    unshuffle: int = 1
    """So many times so many pixels become channels first: 2 in Real-ESRGAN's networks for twice as large, 4 for as large."""

    def __post_init__(self):
        fields.check(self)

    def module(self, scale: int, dtype: jnp.dtype) -> nn.Module:
        """(pictures [B, H, W, C] in [-1, 1], mode) to [B, scale H, scale W, C]."""
        return _RRDB(scale, self.width, self.growth, self.blocks, self.unshuffle, dtype)

    def reach(self, scale: int) -> None:
        """More than tiles can overlap: five convolutions for each dense block."""


@dataclasses.dataclass(frozen=True)
class Compact:
    """Real-ESRGAN's network for films ("SRVGGNetCompact"): convolutions one after the other, and the picture itself added."""

    width: int = 64
    """Features of each layer."""
    layers: int = 16
    """Convolutions between the first and the last."""

    def __post_init__(self):
        fields.check(self)

    def module(self, scale: int, dtype: jnp.dtype) -> nn.Module:
        """(pictures [B, H, W, C] in [-1, 1], mode) to [B, scale H, scale W, C]."""
        return _Compact(scale, self.width, self.layers, dtype)

    def reach(self, scale: int) -> int:
        """One pixel for each convolution."""
        return self.layers + 2


class ConvWeights(nn.Module):
    """The kernel [3, 3, C, features] and the bias of a convolution, without the convolution."""

    features: int
    kernel_init: Any = INIT

    @nn.compact
    def __call__(self, channels: int) -> dict[str, jax.Array]:
        kernel = self.param("kernel", self.kernel_init, (3, 3, channels, self.features), jnp.float32)
        return {"kernel": kernel, "bias": self.param("bias", nn.initializers.zeros, (self.features,), jnp.float32)}


class BlockWeights(nn.Module):
    """The weights of a residual block: {"dense_0": {"conv_1": {"kernel", "bias"}, ...}, ...}."""

    width: int
    growth: int

    @nn.compact
    def __call__(self) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for j in range(DENSE):
            made[f"dense_{j}"] = Dense(self.width, self.growth, name=f"dense_{j}")()
        return made


class Dense(nn.Module):
    """The weights of a dense block."""

    width: int
    growth: int

    @nn.compact
    def __call__(self) -> dict[str, Any]:
        features = [self.growth] * (CONVOLUTIONS - 1) + [self.width]
        return {
            f"conv_{k + 1}": ConvWeights(features[k], SMALLER, name=f"conv_{k + 1}")(self.width + k * self.growth)
            for k in range(CONVOLUTIONS)
        }


def conv3(x: jax.Array, kernel: jax.Array) -> jax.Array:
    return lowering.conv(x, kernel.astype(x.dtype), (1, 1), ((1, 1), (1, 1)))


def leaky(x: jax.Array) -> jax.Array:
    return nn.leaky_relu(x, 0.2)


def dense_block(weights: dict[str, Any], x: jax.Array, activation: Callable = leaky) -> jax.Array:
    """x + 0.2 f5(x, f1, ..., f4), where each f is a convolution of all before it, [B, H, W, width] to the same.

    As a sum over its sources: what x gives to all five is one convolution, what f1 gives to the four after it another. That is
    the same, and on a CPU a third faster than five of more and more features to few.
    """
    convs = [weights[f"conv_{k + 1}"] for k in range(CONVOLUTIONS)]
    sums = [conv["bias"].astype(x.dtype) for conv in convs]
    source, first = x, 0
    for k in range(CONVOLUTIONS):
        last = first + source.shape[-1]
        parts = [conv["kernel"][:, :, first:last] for conv in convs[k:]]
        given, start = conv3(source, jnp.concatenate(parts, -1)), 0
        for later, part in enumerate(parts, k):
            sums[later] = sums[later] + given[..., start : start + part.shape[-1]]
            start += part.shape[-1]
        source, first = activation(sums[k]), last
    return x + RESIDUAL * sums[-1]


def residual_block(weights: dict[str, Any], x: jax.Array, activation: Callable = leaky) -> jax.Array:
    """Three dense blocks, times 0.2, and the input."""
    inner = x
    for j in range(DENSE):
        inner = dense_block(weights[f"dense_{j}"], inner, activation)
    return x + RESIDUAL * inner


def blocks_in_turn(weights: list[dict[str, Any]], x: jax.Array, mode: Mode, activation: Callable = leaky) -> jax.Array:
    """Residual blocks, one after the other."""
    if mode == "batch":
        for block in weights:
            x = residual_block(block, x, activation)
        return x
    # 23 blocks are compiled in a sixth of the time as one that is repeated; training in a loop is slow on a CPU.
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *weights)
    return jax.lax.scan(lambda x, block: (residual_block(block, x, activation), None), x, stacked)[0]


class _RRDB(nn.Module):
    scale: int
    width: int
    growth: int
    blocks: int
    unshuffle: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, pictures: jax.Array, mode: Mode) -> jax.Array:
        def conv(x, name, features=self.width):
            return Conv(features, 3, kernel_init=INIT, dtype=self.dtype, name=name)(x)

        x = (pictures + 1) / 2
        x = pixel_unshuffle(x, self.unshuffle) if self.unshuffle > 1 else x
        first = conv(x, "first")
        weights = [BlockWeights(self.width, self.growth, name=f"block_{i}")() for i in range(self.blocks)]
        x = first + conv(blocks_in_turn(weights, first, mode), "body")
        for i, factor in enumerate(doublings(self.scale * self.unshuffle)):
            x = leaky(conv(x.repeat(factor, 1).repeat(factor, 2), f"larger_{i}"))
        x = conv(leaky(conv(x, "fine")), "last", pictures.shape[-1])
        return 2 * x.astype(jnp.float32) - 1


class _Compact(nn.Module):
    scale: int
    width: int
    layers: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, pictures: jax.Array, mode: Mode) -> jax.Array:
        def conv(x, name, features=self.width):
            return Conv(features, 3, kernel_init=INIT, dtype=self.dtype, name=name)(x)

        x = (pictures + 1) / 2
        for i in range(self.layers + 1):
            x = PReLU(name=f"prelu_{i}")(conv(x, f"conv_{i}"))
        made = pixel_shuffle(conv(x, "last", pictures.shape[-1] * self.scale**2), self.scale).astype(jnp.float32)
        return 2 * made + pictures.repeat(self.scale, 1).repeat(self.scale, 2)


@dataclasses.dataclass(frozen=True)
class Halving:
    """ESRGAN's discriminator ("VGG-128"): convolutions of 3x3 and, halving, of 4x4 in turn, down to 4x4; two dense layers."""

    width: int = 64
    """Features of the first layers; they double with each halving, up to eight times as many."""

    def __post_init__(self):
        fields.check(self)

    def module(self, dtype: jnp.dtype) -> nn.Module:
        """(pictures [B, H, W, C] of one size, mode) to logits [B]."""
        return _Halving(self.width, dtype)


@dataclasses.dataclass(frozen=True)
class UNetJudge:
    """Real-ESRGAN's discriminator: a U-Net with spectral norm, which says of each pixel how real it is."""

    width: int = 64
    """Features at full size; they double with each of three halvings."""

    def __post_init__(self):
        fields.check(self)

    def module(self, dtype: jnp.dtype) -> nn.Module:
        """(pictures [B, H, W, C], mode) to logits [B, H, W]; H and W are multiples of 8."""
        return _UNetJudge(self.width, dtype)


# Which of them is said in a config; the command line changes its fields.
Judge = Annotated[Halving | UNetJudge, tyro.conf.AvoidSubcommands]


class _Halving(nn.Module):
    width: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, pictures: jax.Array, mode: Mode) -> jax.Array:
        x, number = pictures.astype(self.dtype), 0
        while min(x.shape[1:3]) > 4:
            features = self.width * min(1 << number // 2, 8)
            for kernel, stride in ((3, 1), (4, 2)):
                first = number == 0
                options = {"use_bias": first, "kernel_init": INIT, "dtype": self.dtype, "name": f"conv_{number}"}
                x = Conv(features, kernel, stride, 1, **options)(x)
                x = x if first else BatchNorm(dtype=self.dtype, name=f"norm_{number}")(x, mode)
                x, number = leaky(x), number + 1
        x = nn.Dense(100, dtype=self.dtype, name="dense_0")(x.reshape(len(x), -1))
        return nn.Dense(1, dtype=self.dtype, name="dense_1")(leaky(x))[:, 0].astype(jnp.float32)


class _UNetJudge(nn.Module):
    width: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, pictures: jax.Array, mode: Mode) -> jax.Array:
        def conv(x, name, share, kernel=3, stride=1, normed=True):
            layer = Conv(
                self.width * share,
                kernel,
                stride,
                1,
                use_bias=not normed,
                kernel_init=INIT,
                dtype=self.dtype,
                name=name,
            )
            return leaky(spectral_norm(layer, normed, name=f"{name}_sigma")(x))

        x = conv(pictures.astype(self.dtype), "conv0", 1, normed=False)
        skips = [x]
        for number, share in enumerate((2, 4, 8), 1):
            x = conv(x, f"conv{number}", share, 4, 2)
            skips.append(x)
        x = skips.pop()
        for number, share in enumerate((4, 2, 1), 4):
            larger = jax.image.resize(x, (len(x), 2 * x.shape[1], 2 * x.shape[2], x.shape[3]), "bilinear")
            x = conv(larger, f"conv{number}", share) + skips.pop()
        x = conv(conv(x, "conv7", 1), "conv8", 1)
        return Conv(1, 3, padding=1, kernel_init=INIT, dtype=self.dtype, name="conv9")(x)[..., 0].astype(jnp.float32)
