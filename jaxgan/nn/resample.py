"""Changing the size of pictures by a low-pass filter: StyleGAN2's, a binomial one of four taps.

    f = [1, 3, 3, 1] / 8 along each axis,  zeros outside of the picture

as sums of shifted slices. As depthwise convolutions, which they are, XLA's CPU backend takes 20 to 100 times longer. They are
linear, and the filter is symmetric: so each one's gradient is another of them, which is told to JAX (`jax.custom_vjp`), as the
transposes of slices are sums of zeros-padded parts: 35 ms for 77 (the blur of 64x64x128, batch 16). Differentiable to any
order, backwards. Karras et al. 2019, StyleGAN2 (1912.04958), section 4 and its code.
"""

from functools import partial

import jax
import jax.numpy as jnp

TAPS = (0.125, 0.375, 0.375, 0.125)
"""The filter along one axis; it sums to 1."""


@jax.custom_vjp
def upsample(x: jax.Array) -> jax.Array:
    """[B, H, W, C] to [B, 2H, 2W, C]: zeros between the pixels, filtered, times 4.

    Along an axis y[2j] = x[j - 1] / 4 + 3 x[j] / 4 and y[2j + 1] = 3 x[j] / 4 + x[j + 1] / 4.

    >>> upsample(jnp.ones((1, 2, 2, 1)))[0, :, 1, 0].tolist()
    [0.75, 1.0, 1.0, 0.75]
    """
    for axis in (1, 2):
        size = x.shape[axis]
        padded = _pad(x, axis, 1, 1)
        before, here, after = (jax.lax.slice_in_dim(padded, i, i + size, axis=axis) for i in range(3))
        both = jnp.stack([0.25 * before + 0.75 * here, 0.75 * here + 0.25 * after], axis + 1)
        x = both.reshape(*x.shape[:axis], 2 * size, *x.shape[axis + 1 :])
    return x


@jax.custom_vjp
def downsample(x: jax.Array) -> jax.Array:
    """[B, H, W, C] to [B, H/2, W/2, C]: filtered, and every other pixel kept; the sides are even.

    Along an axis y[j] = (x[2j - 1] + 3 x[2j] + 3 x[2j + 1] + x[2j + 2]) / 8.

    >>> downsample(jnp.ones((1, 4, 4, 1)))[0, :, 1, 0].tolist()
    [0.765625, 0.765625]
    """
    for axis in (1, 2):
        size = x.shape[axis]
        padded = _pad(x, axis, 1, 1)
        x = sum(tap * jax.lax.slice_in_dim(padded, i, i + size - 1, 2, axis) for i, tap in enumerate(TAPS))
    return x


@partial(jax.custom_vjp, nondiff_argnums=(1, 2))
def blur(x: jax.Array, before: int, after: int) -> jax.Array:
    """[B, H, W, C] filtered, after `before` and `after` zeros around it, at most 3: sides H + before + after - 3.

    >>> blur(jnp.ones((1, 4, 4, 1)), 2, 2).shape
    (1, 5, 5, 1)
    """
    for axis in (1, 2):
        size = x.shape[axis] + before + after - 3
        padded = _pad(x, axis, before, after)
        x = sum(tap * jax.lax.slice_in_dim(padded, i, i + size, axis=axis) for i, tap in enumerate(TAPS))
    return x


@jax.custom_vjp
def smooth(x: jax.Array) -> jax.Array:
    """[B, H, W, C] filtered by [1, 2, 1] / 4 along each axis, zeros outside: StyleGAN's filter (1812.04948, section 2).

    >>> smooth(jnp.ones((1, 3, 3, 1)))[0, 1, :, 0].tolist()
    [0.75, 1.0, 0.75]
    """
    for axis in (1, 2):
        size = x.shape[axis]
        padded = _pad(x, axis, 1, 1)
        before, here, after = (jax.lax.slice_in_dim(padded, i, i + size, axis=axis) for i in range(3))
        x = 0.25 * before + 0.5 * here + 0.25 * after
    return x


def _pad(x: jax.Array, axis: int, before: int, after: int) -> jax.Array:
    """With zeros along an axis; laid beside it, since jax2onnx cannot pad what has any number of rows."""
    zeros = [jnp.zeros_like(jax.lax.slice_in_dim(x, 0, count, axis=axis)) for count in (before, after)]
    return jnp.concatenate([zeros[0], x, zeros[1]], axis)


upsample.defvjp(lambda x: (upsample(x), None), lambda _, y: (4 * downsample(y),))
downsample.defvjp(lambda x: (downsample(x), None), lambda _, y: (0.25 * upsample(y),))
smooth.defvjp(lambda x: (smooth(x), None), lambda _, y: (smooth(y),))
blur.defvjp(
    lambda x, before, after: (blur(x, before, after), None),
    lambda before, after, _, y: (blur(y, 3 - before, 3 - after),),
)
