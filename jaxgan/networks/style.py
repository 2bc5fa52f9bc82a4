"""The networks of StyleGAN2: a mapping to styles, a synthesis that styles modulate, and a discriminator of residual blocks.

Karras et al. 2019, Analyzing and Improving the Image Quality of StyleGAN (1912.04958), sections 2 and 4, with the sizes of its
code and of that of ADA (2006.06676). Pictures are square, of a side that is a power of two.

Of a picture of side R the synthesis has 2 log2(R) - 2 styles: one for each convolution, in their order, and one for the last
layer that makes colours; each other such layer shares the style of the convolution after it.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Literal

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from jaxgan import rows
from jaxgan.nn import resample
from jaxgan.nn.equalized import EqualizedConv, EqualizedDense, ModulatedConv, leaky, minibatch_deviation

Architecture = Literal["orig", "skip", "resnet"]
"""What leads past the convolutions (StyleGAN2, figure 7): nothing; sums of the colours of all sizes; residual blocks."""

SMALLEST = 4
"""Side of the smallest feature map."""
HALF = 0.5**0.5
"""The factor that keeps the variance of a sum of two."""
MAPPING_MULTIPLIER = 0.01
"""Of the learning rate of the mapping network (StyleGAN, section 4.1)."""


def styles_of(side: int) -> int:
    """How many styles a picture of this side has: 2 log2(side) - 2.

    >>> styles_of(4), styles_of(1024)
    (2, 18)
    """
    return 2 * (side.bit_length() - 1) - 2


def sides_of(side: int) -> tuple[int, ...]:
    """The sides of its feature maps: 4, 8, ..., side."""
    return tuple(SMALLEST << i for i in range((side // SMALLEST).bit_length()))


def channels_of(side: int, base: int, width: int) -> int:
    """How many channels a feature map has: base / side, at most `width`."""
    return max(1, min(base // side, width))


def noises(key: jax.Array | None, count: int, sides: Sequence[int]) -> list[jax.Array | None]:
    """Noise [count, side, side, 1] for each layer of these sides, row by row, or None for each where there is no key.

    One draw for all: one for each would take seconds to compile.
    """
    if key is None:
        return [None] * len(sides)
    ends = np.cumsum([side * side for side in sides])
    drawn = jnp.split(rows.normal(key, count, (int(ends[-1]),)), ends[:-1], 1)
    return [part.reshape(count, side, side, 1) for part, side in zip(drawn, sides, strict=True)]


def normalized(x: jax.Array) -> jax.Array:
    """x / sqrt(mean of x^2 + 1e-8), along the last axis."""
    return x * jax.lax.rsqrt(jnp.square(x).mean(-1, keepdims=True) + 1e-8)


def discriminator_layers(params: Iterable[str]) -> list[str]:
    """The names of the discriminator's convolutions among its parameters, from the picture on.

    >>> discriminator_layers(["4_conv", "8_conv1", "8_conv0", "8_past", "8_from_colors", "dense", "out"])
    ['8_from_colors', '8_conv0', '8_conv1', '8_past', '4_conv']
    """
    split = [name.split("_", 1) for name in params if name[0].isdigit()]
    kinds = ("from_colors", "conv0", "conv1", "past", "conv")
    return ["_".join(parts) for parts in sorted(split, key=lambda parts: (-int(parts[0]), kinds.index(parts[1])))]


class Mapping(nn.Module):
    """Latents [B, latent], and labels [B] where there are classes, to intermediate latents w [B, features].

    Of labels alone, for a discriminator, where z is None. Perceptrons of equalised rate; latents and the embedded label are
    each normalised first.
    """

    features: int
    layers: int
    classes: int = 0

    @nn.compact
    def __call__(self, z: jax.Array | None, labels: jax.Array | None) -> jax.Array:
        parts = [] if z is None else [normalized(z)]
        if self.classes:
            embedded = EqualizedDense(self.features, name="embed")(jax.nn.one_hot(labels, self.classes))
            parts.append(normalized(embedded))
        x = jnp.concatenate(parts, -1)
        for index in range(self.layers):
            x = leaky(EqualizedDense(self.features, MAPPING_MULTIPLIER, name=f"layer{index}")(x))
        return x


class Layer(nn.Module):
    """A modulated convolution, noise, a bias, a leaky ReLU: [B, H, W, C] and a style [B, w] to [B, H', W', features].

    `noise` is [B, H', W', 1]; None takes that which is kept.
    """

    features: int
    up: bool
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: jax.Array, w: jax.Array, noise: jax.Array | None) -> jax.Array:
        styles = EqualizedDense(x.shape[-1], bias_init=1.0, name="affine")(w)
        x = ModulatedConv(self.features, up=self.up, dtype=self.dtype, name="conv")(x, styles)
        shape = (*x.shape[1:3], 1)
        constant = self.variable("noise", "constant", lambda: jax.random.normal(self.make_rng("params"), shape))
        noise = constant.value if noise is None else noise
        strength = self.param("strength", nn.initializers.zeros, (), jnp.float32)
        bias = self.param("bias", nn.initializers.zeros, (self.features,), jnp.float32)
        return leaky(x + (noise * strength).astype(x.dtype) + bias.astype(x.dtype))


class Colors(nn.Module):
    """What a feature map looks like, float32: [B, H, W, C] and a style [B, w] to [B, H, W, channels]."""

    channels: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: jax.Array, w: jax.Array) -> jax.Array:
        styles = EqualizedDense(x.shape[-1], bias_init=1.0, name="affine")(w)
        y = ModulatedConv(self.channels, 1, demodulate=False, dtype=self.dtype, name="conv")(x, styles)
        bias = self.param("bias", nn.initializers.zeros, (self.channels,), jnp.float32)
        return y.astype(jnp.float32) + bias


class Synthesis(nn.Module):
    """Styles ws [B, styles_of(side), w] to pictures [B, side, side, channels], float32, about in [-1, 1].

    Attributes:
        side, channels: of the pictures.
        base, width: of `channels_of`.
        architecture: "skip" is the paper's choice.
        dtype: of the convolutions.
    """

    side: int
    channels: int
    base: int
    width: int
    architecture: Architecture
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, ws: jax.Array, noise_key: jax.Array | None) -> jax.Array:
        """`noise_key`: of the noise of each convolution, drawn row by row; None takes the noise that is kept in "noise"."""
        first = channels_of(SMALLEST, self.base, self.width)
        sides = sides_of(self.side)
        each = [side for side in sides for _ in range(1 if side == SMALLEST else 2)]
        noise = noises(noise_key, ws.shape[0], each)
        constant = self.param("constant", nn.initializers.normal(1.0), (SMALLEST, SMALLEST, first), jnp.float32)
        x = jnp.broadcast_to(constant.astype(self.dtype), (ws.shape[0], *constant.shape))
        picture, style = None, 0

        def layer(x, name, features, up=False):
            nonlocal style
            x = Layer(features, up, self.dtype, name=name)(x, ws[:, style], noise[style])
            style += 1
            return x

        for side in sides:
            features = channels_of(side, self.base, self.width)
            if side == SMALLEST:
                x = layer(x, f"{side}_conv1", features)
            else:
                before = x
                x = layer(layer(x, f"{side}_conv0", features, up=True), f"{side}_conv1", features)
                if self.architecture == "resnet":
                    past = EqualizedConv(features, 1, use_bias=False, dtype=self.dtype, name=f"{side}_past")(before)
                    x = HALF * (x + resample.upsample(past))
            if self.architecture == "skip" or side == self.side:
                colors = Colors(self.channels, self.dtype, name=f"{side}_colors")(x, ws[:, style])
                picture = colors if picture is None else resample.upsample(picture) + colors
        return picture


class StyleDiscriminator(nn.Module):
    """Pictures [B, side, side, channels], and labels [B] where there are classes, to float32 logits [B].

    With classes the logit is the product of its features with an embedding of the label (Miyato & Koyama 2018), by a mapping
    network as the generator's; so ADA's code has it.

    Attributes:
        base, width: of `channels_of`.
        architecture: "resnet" is the paper's choice.
        group: examples whose standard deviation it sees; of the last map.
        classes: how many labels there are.
        mapping_layers: of the label's mapping.
        dtype: of the convolutions.
    """

    base: int
    width: int
    architecture: Architecture
    group: int
    classes: int
    mapping_layers: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, pictures: jax.Array, labels: jax.Array | None) -> jax.Array:
        def conv(x, name, features, kernel=3, down=False):
            return leaky(EqualizedConv(features, kernel, down, dtype=self.dtype, name=name)(x))

        sides = sides_of(pictures.shape[1])[::-1]
        x = None
        for side in sides:
            features = channels_of(side, self.base, self.width)
            if x is None or self.architecture == "skip":
                seen = conv(pictures, f"{side}_from_colors", features, kernel=1)
                x = seen if x is None else x + seen
            if side == SMALLEST:
                break
            smaller = channels_of(side // 2, self.base, self.width)
            before = x
            x = conv(conv(x, f"{side}_conv0", features), f"{side}_conv1", smaller, down=True)
            if self.architecture == "resnet":
                past = EqualizedConv(smaller, 1, True, use_bias=False, dtype=self.dtype, name=f"{side}_past")(before)
                x = HALF * (x + past)
            elif self.architecture == "skip":
                pictures = resample.downsample(pictures)

        features = x.shape[-1]
        # Its parameters have the same shapes whatever the group: a run begins with a batch of fewer rows.
        x = minibatch_deviation(x, 1 if self.is_initializing() else self.group)
        x = conv(x, f"{SMALLEST}_conv", features).astype(jnp.float32)
        x = leaky(EqualizedDense(features, name="dense")(x.reshape(len(x), -1)))
        if not self.classes:
            return EqualizedDense(1, name="out")(x)[:, 0]
        wanted = Mapping(features, self.mapping_layers, self.classes, name="mapping")(None, labels)
        return (EqualizedDense(features, name="out")(x) * wanted).sum(-1) / math.sqrt(features)
