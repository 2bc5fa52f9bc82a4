"""StyleGAN: A Style-Based Generator Architecture for Generative Adversarial Networks (Karras et al. 2018, arXiv:1812.04948).

The generator begins with a constant. What a picture shows comes in by its styles: after each convolution every feature map is
normalised, and scaled and shifted by an affine map of w (adaptive instance normalisation, section 2), where w is what a mapping
network makes of the latent; and by noise, a map for each layer, scaled by channel. Pictures are doubled by nearest neighbours
and smoothed (section 2). Style mixing (3.1), truncation in W (appendix B) and both players' losses are
`jaxgan.training.style_players`; R1 comes in every step (appendix C).

At a fixed size: the paper grows the networks from 8x8 on, which its successor found not to be needed.
"""

import dataclasses

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax

from jaxgan.networks.style import SMALLEST, channels_of, noises, sides_of
from jaxgan.nn import lowering, resample
from jaxgan.nn.equalized import GAIN, SLOPE, EqualizedConv, EqualizedDense, minibatch_deviation
from jaxgan.training.phase import Phase, every
from jaxgan.training.style_players import StylePlayers
from jaxgan.training.system import System


def doubling(kernel: jax.Array) -> jax.Array:
    """The sum [4, 4, C, D] of four shifts of a kernel [3, 3, C, D].

    A transposed convolution of stride 2 with it is nearest neighbours and then the kernel; a convolution, the kernel and then
    sums of each 2x2.
    """
    padded = jnp.pad(kernel, ((1, 1), (1, 1), (0, 0), (0, 0)))
    return padded[1:, 1:] + padded[1:, :-1] + padded[:-1, 1:] + padded[:-1, :-1]


class Resized(nn.Module):
    """[B, H, W, C] to features: doubled by nearest neighbours and convolved; or, `down`, convolved and halved by the mean."""

    features: int
    down: bool
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        channels = x.shape[-1]
        kernel = self.param("kernel", nn.initializers.normal(1.0), (3, 3, channels, self.features), jnp.float32)
        kernel = doubling(kernel * (GAIN / (9 * channels) ** 0.5))
        x, kernel = nn.dtypes.promote_dtype(x, kernel, dtype=self.dtype)
        if self.down:
            return lowering.conv(x, kernel / 4, (2, 2), ((1, 1), (1, 1)))
        return lowering.conv_transpose(x, kernel, (2, 2), ((2, 2), (2, 2)))


class Epilogue(nn.Module):
    """Noise, bias, leaky ReLU, and the style: [B, H, W, C] and w [B, D] to [B, H, W, C].

    y = s_1 (x - mean(x)) / deviation(x) + s_0 of each map, s of an affine map of w that begins with s_1 = 1 and s_0 = 0.
    `noise` is [B, H, W, 1]; None takes that which is kept.
    """

    @nn.compact
    def __call__(self, x: jax.Array, w: jax.Array, noise: jax.Array | None) -> jax.Array:
        shape, channels = (*x.shape[1:3], 1), x.shape[-1]
        kept = self.variable("noise", "constant", lambda: jax.random.normal(self.make_rng("params"), shape))
        strength = self.param("strength", nn.initializers.zeros, (channels,), jnp.float32)
        bias = self.param("bias", nn.initializers.zeros, (channels,), jnp.float32)
        drawn = (kept.value if noise is None else noise) * strength
        y = nn.leaky_relu(x.astype(jnp.float32) + drawn + bias, SLOPE)
        y -= y.mean((1, 2), keepdims=True)
        y *= jax.lax.rsqrt(jnp.square(y).mean((1, 2), keepdims=True) + 1e-8)
        scale, shift = jnp.split(EqualizedDense(2 * channels, name="style")(w)[:, None, None], 2, -1)
        return (y * (scale + 1) + shift).astype(x.dtype)


class StyledSynthesis(nn.Module):
    """Styles ws [B, styles, w], two for each size, to pictures [B, side, side, channels], float32; the fields as in
    `Synthesis`."""

    side: int
    channels: int
    base: int
    width: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, ws: jax.Array, noise_key: jax.Array | None) -> jax.Array:
        sides = sides_of(self.side)
        noise = iter(noises(noise_key, ws.shape[0], [side for side in sides for _ in range(2)]))
        styles = iter(range(2 * len(sides)))
        first = channels_of(SMALLEST, self.base, self.width)
        x = self.param("constant", nn.initializers.ones, (SMALLEST, SMALLEST, first), jnp.float32)
        x = jnp.broadcast_to(x.astype(self.dtype), (ws.shape[0], *x.shape))

        def epilogue(x, name):
            return Epilogue(name=f"{name}_epilogue")(x, ws[:, next(styles)], next(noise))

        for side in sides:
            features = channels_of(side, self.base, self.width)
            if side > SMALLEST:
                x = resample.smooth(Resized(features, False, self.dtype, name=f"{side}_conv0")(x))
            x = epilogue(x, f"{side}_0")
            x = EqualizedConv(features, gain=GAIN, use_bias=False, dtype=self.dtype, name=f"{side}_conv1")(x)
            x = epilogue(x, f"{side}_1")
        return EqualizedConv(self.channels, 1, dtype=self.dtype, name="colors")(x).astype(jnp.float32)


class StyledDiscriminator(nn.Module):
    """Pictures [B, side, side, channels], and labels [B] where there are classes, to float32 logits [B].

    With classes there is a logit for each, of which the label picks its own.
    """

    base: int
    width: int
    group: int
    classes: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, pictures: jax.Array, labels: jax.Array | None) -> jax.Array:
        def conv(x, name, features, kernel=3):
            x = EqualizedConv(features, kernel, gain=GAIN, dtype=self.dtype, name=name)(x)
            return nn.leaky_relu(x, SLOPE)

        sides = sides_of(pictures.shape[1])[::-1]
        x = conv(pictures, f"{sides[0]}_from_colors", channels_of(sides[0], self.base, self.width), 1)
        for side in sides[:-1]:
            features, smaller = (channels_of(s, self.base, self.width) for s in (side, side // 2))
            x = resample.smooth(conv(x, f"{side}_conv0", features))
            x = Resized(smaller, True, self.dtype, name=f"{side}_conv1")(x)
            bias = self.param(f"{side}_bias", nn.initializers.zeros, (smaller,), jnp.float32)
            x = nn.leaky_relu(x + bias.astype(x.dtype), SLOPE)
        features = x.shape[-1]
        x = conv(minibatch_deviation(x, 1 if self.is_initializing() else self.group), f"{SMALLEST}_conv", features)
        x = EqualizedDense(features, gain=GAIN, name="dense")(x.reshape(len(x), -1).astype(jnp.float32))
        logits = EqualizedDense(max(self.classes, 1), name="out")(nn.leaky_relu(x, SLOPE))
        return logits[:, 0] if not self.classes else jnp.take_along_axis(logits, labels[:, None], 1)[:, 0]


@dataclasses.dataclass(frozen=True)
class StyleGAN(StylePlayers, System):
    """Defaults are the paper's for faces, at a fixed size."""

    channel_base: int = 16384
    r1_every: int = 1
    learning_rate: float = 1e-3

    def synthesis(self, shape):
        return StyledSynthesis(shape[0], shape[2], self.channel_base, self.width, self.dtype)

    def judge(self, dtype):
        return StyledDiscriminator(self.channel_base, self.width, self.group, self.label_values, dtype)

    def phases(self):
        turns = (
            Phase("discriminator", ("D",), self.discriminator_loss),
            Phase("generator", ("G",), self.generator_loss),
        )
        return (*turns, Phase("r1", ("D",), self.r1_loss, moves=every(self.r1_every))) if self.r1 else turns

    def optimizer(self, network, slot):
        return self.freezing(network, optax.adam(self.learning_rate, 0.0, self.beta2, eps=1e-8))
