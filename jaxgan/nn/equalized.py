"""Layers whose learning rate is equalised, and the modulated convolution: what StyleGAN 1 and 2 are made of.

A weight is stored as N(0, 1) and multiplied, at each use, by the constant that He's initialisation would have given it:

    w = w_stored m / sqrt(fan_in),  b = b_stored m

so that Adam, whose steps have one size whatever a gradient's is, moves all layers equally fast. m, the learning-rate
multiplier, makes a layer learn m times as fast; its weights are stored as N(0, 1 / m^2). Karras et al. 2017, Progressive
Growing of GANs (1710.10196), section 4.1; Karras et al. 2018, StyleGAN (1812.04948), appendix C.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxgan.nn import lowering, resample

SLOPE = 0.2
GAIN = 2.0**0.5
EPSILON = 1e-8


def leaky(x: jax.Array) -> jax.Array:
    """sqrt(2) max(x, 0.2 x): a leaky ReLU that keeps the variance, as StyleGAN2 has it after each bias."""
    return GAIN * nn.leaky_relu(x, SLOPE)


class EqualizedDense(nn.Module):
    """x . w + b of equalised learning rate: [..., D] to [..., features].

    Parameters, float32: `kernel` [D, features], and `bias` [features].

    Attributes:
        features: of the output.
        multiplier: of the learning rate.
        gain: of the weights: sqrt(2) where a ReLU follows that has none itself, as in StyleGAN and before.
        use_bias: whether there is one.
        bias_init: where the bias begins, as it is used.
        dtype: to compute in; that of `x` and the parameters if None.

    >>> y, variables = jax.eval_shape(EqualizedDense(512).init_with_output, jax.random.key(0), jnp.zeros((4, 64)))
    >>> y.shape
    (4, 512)
    """

    features: int
    multiplier: float = 1.0
    gain: float = 1.0
    use_bias: bool = True
    bias_init: float = 0.0
    dtype: jnp.dtype | None = None

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        width = x.shape[-1]
        begin = nn.initializers.normal(1 / self.multiplier)
        kernel = self.param("kernel", begin, (width, self.features), jnp.float32) * (
            self.gain * self.multiplier / width**0.5
        )
        x, kernel = nn.dtypes.promote_dtype(x, kernel, dtype=self.dtype)
        y = x @ kernel
        if not self.use_bias:
            return y
        begin = nn.initializers.constant(self.bias_init / self.multiplier)
        bias = self.param("bias", begin, (self.features,), jnp.float32) * self.multiplier
        return y + bias.astype(y.dtype)


class EqualizedConv(nn.Module):
    """Convolution of equalised learning rate: [B, H, W, C] to [B, H, W, features], or half as large.

    Parameters, float32: `kernel` [k, k, C, features], and `bias` [features].

    Attributes:
        features: of the output.
        kernel: side of the window, odd.
        down: halve the sides, which are even: filtered first (`jaxgan.nn.resample`), so that nothing aliases.
        gain: of the weights.
        use_bias: whether there is one.
        dtype: to compute in; that of `x` and the parameters if None.

    >>> layer = EqualizedConv(128, down=True)
    >>> jax.eval_shape(layer.init_with_output, jax.random.key(0), jnp.zeros((4, 16, 16, 64)))[0].shape
    (4, 8, 8, 128)
    """

    features: int
    kernel: int = 3
    down: bool = False
    gain: float = 1.0
    use_bias: bool = True
    dtype: jnp.dtype | None = None

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        side, channels = self.kernel, x.shape[-1]
        kernel = self.param("kernel", nn.initializers.normal(1.0), (side, side, channels, self.features), jnp.float32)
        kernel = kernel * (self.gain / (side * side * channels) ** 0.5)
        x, kernel = nn.dtypes.promote_dtype(x, kernel, dtype=self.dtype)
        half = side // 2
        if not self.down:
            y = lowering.conv(x, kernel, (1, 1), ((half, half),) * 2)
        elif side == 1:
            y = lowering.conv(resample.downsample(x), kernel, (1, 1), ((0, 0),) * 2)
        else:
            y = lowering.conv(resample.blur(x, 1 + half, 1 + half), kernel, (2, 2), ((0, 0),) * 2)
        if not self.use_bias:
            return y
        return y + self.param("bias", nn.initializers.zeros, (self.features,), jnp.float32).astype(y.dtype)


class ModulatedConv(nn.Module):
    """A convolution whose weights are scaled by each example's style: [B, H, W, C] and styles [B, C] to [B, H', W', features].

        w'[i, o, p] = s[i] w[i, o, p],  w''[i, o, p] = w'[i, o, p] / sqrt(sum_{i, p} w'[i, o, p]^2 + 1e-8)

    of input channel i, output channel o and place p; demodulation, the second, gives each output channel unit variance if
    the inputs have it. A convolution is linear, and a style is the same at every place: so scaling the input by s, one
    convolution for all examples, and scaling the output by what the roots say is the same, and on CPU up to 40 times faster
    than a kernel for each example. Karras et al. 2019, StyleGAN2 (1912.04958), section 2.2, equations 1 and 3.

    Parameter, float32: `kernel` [k, k, C, features], N(0, 1).

    Attributes:
        features: of the output.
        kernel: side of the window, odd.
        up: double the sides: zeros between the pixels, `jaxgan.nn.resample`'s filter, then the kernel. Both are one transposed
            convolution by their product, whose side is 6 where the kernel's is 3: twice as fast.
        demodulate: False, of the layers that make colours, leaves w' with the gain 1 / sqrt(fan_in) of equalised rates.
        dtype: to compute in; that of `x` and the parameters if None.

    >>> layer = ModulatedConv(32, up=True)
    >>> jax.eval_shape(layer.init_with_output, jax.random.key(0), jnp.zeros((4, 8, 8, 64)), jnp.ones((4, 64)))[0].shape
    (4, 16, 16, 32)
    """

    features: int
    kernel: int = 3
    up: bool = False
    demodulate: bool = True
    dtype: jnp.dtype | None = None

    @nn.compact
    def __call__(self, x: jax.Array, styles: jax.Array) -> jax.Array:
        side, channels = self.kernel, x.shape[-1]
        kernel = self.param("kernel", nn.initializers.normal(1.0), (side, side, channels, self.features), jnp.float32)
        styles = styles.astype(jnp.float32)
        if self.demodulate:
            power = jnp.square(styles) @ jnp.square(kernel).sum((0, 1))
            after = jax.lax.rsqrt(power + EPSILON)
        else:
            styles = styles / (side * side * channels) ** 0.5
        x = x * styles[:, None, None, :].astype(x.dtype)
        x, kernel = nn.dtypes.promote_dtype(x, kernel, dtype=self.dtype)
        if self.up:
            window = _filtered(kernel)
            before = (window.shape[0] - 1) // 2 + 1
            y = lowering.conv_transpose(x, window, (2, 2), ((before, before),) * 2)
        else:
            y = lowering.conv(x, kernel, (1, 1), ((side // 2, side // 2),) * 2)
        return y * after[:, None, None, :].astype(y.dtype) if self.demodulate else y


def _filtered(kernel: jax.Array) -> jax.Array:
    """The kernel [k, k, C, D] after the filter of `resample`, times 4: [k + 3, k + 3, C, D]."""
    for axis in (0, 1):
        far = len(resample.TAPS) - 1
        shifted = [jnp.pad(kernel, [(i, far - i) if a == axis else (0, 0) for a in range(4)]) for i in range(far + 1)]
        kernel = sum(2 * tap * part for tap, part in zip(resample.TAPS, shifted, strict=True))
    return kernel


def minibatch_deviation(x: jax.Array, group: int) -> jax.Array:
    """One more channel with how much the examples of a group differ: [B, H, W, C] to [B, H, W, C + 1].

        mean over places and channels of sqrt(Var over the group + 1e-8)

    so that a discriminator sees a generator that has collapsed. A group are `group` rows of the global batch that follow each
    other: whole groups lie on each device, and one device and eight compute the same. (NVIDIA's code takes every
    (B / group)-th row, which are as good.) Karras et al. 2017, Progressive Growing of GANs, section 3.

    Raises:
        ValueError: B is not a multiple of `group`.

    >>> minibatch_deviation(jnp.arange(8.0).reshape(2, 2, 2, 1), 2)[..., 1].max()
    Array(2., dtype=float32)
    """
    batch, height, width, channels = x.shape
    if batch % group:
        raise ValueError(f"{batch} rows cannot be divided into groups of {group}.")
    grouped = x.astype(jnp.float32).reshape(batch // group, group, height, width, channels)
    deviation = jnp.sqrt(grouped.var(1) + EPSILON).mean((1, 2, 3))
    deviation = jnp.repeat(deviation, group)[:, None, None, None]
    return jnp.concatenate([x, jnp.broadcast_to(deviation, (batch, height, width, 1)).astype(x.dtype)], -1)
