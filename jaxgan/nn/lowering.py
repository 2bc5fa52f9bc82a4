"""How convolutions reach the compiler: one trilinear form, three functions, closed under differentiation.

For a given stride and padding, a convolution y = F(x, k) defines a number for every input x, kernel k and
output y:

    T(x, k, y) = <F(x, k), y>

linear in each of the three. Its three gradients are all that a convolutional network ever computes:

    F(x, k) = dT/dy    the convolution
    X(k, y) = dT/dx    its transpose: the gradient of F by its input, and the transposed convolution itself
    W(x, y) = dT/dk    the gradient of F by its kernel

The gradients of these three are the same three again: for instance, with the cotangent x' of X(k, y), the
gradient by k is W(x', y) and by y is F(x', k). Told so (`jax.custom_vjp`), JAX stays within them to any
order, through gradient penalties too.

Why tell it, when `lax.conv_general_dilated` has its own derivatives? Because JAX differentiates a transposed
convolution as a convolution of a spread-out input, whose kernel gradient XLA's CPU backend has no fast path
for: 616 ms where W takes 16 (16x16x128 to 32x32x64, 4x4, stride 2, batch 32, 2 cores, jax 0.10.2); the second
derivatives of a convolution meet the same. F, X and W as below all run at 130 to 190 GFLOP/s there. Sums of
shifted matrix products, space-to-depth with 2x2 kernels and 3x3 kernels with depth-to-space, forward or
backward, were measured against them and none was reliably faster, so there is one lowering for every
platform: on GPU and TPU these are the calls that cuDNN and XLA know as forward, backward-data and
backward-filter.

But for the smallest maps, where the innermost layers of a U-Net and the last ones of StarGAN's discriminator work: with at most
2x2 outputs the same backend is 10 to 50 times slower than a matrix product (F from 2x2x512 to 1x1x1024, batch 8: 267 ms
where the product takes 15; X from 4x4x256 to 2x2x512: 129 and 4). There, and on CPU alone, F, X and W are written as
products with the windows of the input laid out in rows (`_Product`).

Two limits. Forward-mode differentiation (`jax.jvp`, `jax.linearize`) does not pass through `jax.custom_vjp`.
And inside `lax.scan` XLA's CPU backend has no fast path for W either (2 s for the 16 ms above): unroll.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

Pair = tuple[int, int]
Pads = tuple[Pair, Pair]


class _Geometry(NamedTuple):
    """What the shapes of two of x, k and y leave open about the third."""

    stride: Pair
    padding: Pads  # zeros around x; negative crops
    size: Pair  # of x
    window: Pair  # of k


def conv(x: jax.Array, kernel: jax.Array, stride: Pair, padding: Pads) -> jax.Array:
    """Convolve `x` [B, H, W, C] with `kernel` [kh, kw, C, D], as `lax.conv_general_dilated`.

    Args:
        stride: along height and width.
        padding: zeros before and after, along height and width.

    Returns:
        [B, H', W', D] with H' = floor((H + before + after - kh) / stride) + 1.
    """
    geometry = _Geometry(tuple(stride), _pads(padding), x.shape[1:3], kernel.shape[:2])
    return _output(geometry, x, kernel)


def conv_transpose(x: jax.Array, kernel: jax.Array, stride: Pair, padding: Pads) -> jax.Array:
    """Transposed convolution of `x` [B, H, W, C] with `kernel` [kh, kw, C, D], as `lax.conv_transpose`.

    Args:
        stride: along height and width of the output.
        padding: zeros before and after the spread-out input, along height and width. (PyTorch's padding p is
            (kh - 1 - p, kh - 1 - p + output_padding) here.)

    Returns:
        [B, H', W', D] with H' = (H - 1) * stride + before + after - kh + 2.
    """
    window = kernel.shape[:2]
    # The convolution C whose transpose this is: it looks kh - 1 - before beyond the edge of the output, with
    # the kernel turned round.
    padding = tuple((k - 1 - before, k - 1 - after) for k, (before, after) in zip(window, padding, strict=True))
    size = tuple(
        (n - 1) * s + k - before - after
        for n, s, k, (before, after) in zip(x.shape[1:3], stride, window, padding, strict=True)
    )
    geometry = _Geometry(tuple(stride), padding, size, window)
    return _input(geometry, kernel[::-1, ::-1].swapaxes(2, 3), x)


def _pads(padding) -> Pads:
    return tuple(tuple(pair) for pair in padding)


def _convolve(geometry: _Geometry, x, kernel):
    return lax.conv_general_dilated(
        x, kernel, geometry.stride, geometry.padding, dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


SMALL = 4
"""Positions of a map, such as 2x2, up to which a convolution is a matrix product on CPU."""


def _on_small_maps(positions: tuple[int, int], product, convolution, *operands):
    """`product` on CPU where the map of outputs has few positions, else `convolution`."""
    if positions[0] * positions[1] > SMALL:
        return convolution(*operands)
    return lax.platform_dependent(*operands, cpu=product, default=convolution)


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _output(geometry: _Geometry, x, kernel):
    """F(x, k)."""
    product = _Product(geometry, _positions(geometry))
    return _on_small_maps(product.positions, product.output, partial(_convolve, geometry), x, kernel)


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _input(geometry: _Geometry, kernel, y):
    """X(k, y), by JAX's transposition of F in x."""

    def transposed(kernel, y):
        x = jax.ShapeDtypeStruct((y.shape[0], *geometry.size, kernel.shape[2]), y.dtype)
        return jax.linear_transpose(lambda x: _convolve(geometry, x, kernel), x)(y)[0]

    return _on_small_maps(y.shape[1:3], _Product(geometry, y.shape[1:3]).input, transposed, kernel, y)


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _kernel(geometry: _Geometry, x, y):
    """W(x, y), by JAX's transposition of F in k."""

    def transposed(x, y):
        kernel = jax.ShapeDtypeStruct((*geometry.window, x.shape[3], y.shape[3]), x.dtype)
        return jax.linear_transpose(lambda kernel: _convolve(geometry, x, kernel), kernel)(y)[0]

    return _on_small_maps(y.shape[1:3], _Product(geometry, y.shape[1:3]).kernel, transposed, x, y)


def _positions(geometry: _Geometry) -> Pair:
    """Height and width of the output."""
    padded = (size + sum(pads) for size, pads in zip(geometry.size, geometry.padding, strict=True))
    return tuple((n - k) // s + 1 for n, k, s in zip(padded, geometry.window, geometry.stride, strict=True))


class _Product(NamedTuple):
    """F, X and W as matrix products: rows are positions of the output, columns elements of the window that it sees."""

    geometry: _Geometry
    positions: Pair

    def output(self, x, kernel):
        y = self._windows(x) @ kernel.reshape(-1, kernel.shape[3])
        return y.reshape(x.shape[0], *self.positions, -1)

    def kernel(self, x, y):
        return (self._windows(x).T @ y.reshape(-1, y.shape[3])).reshape(*self.geometry.window, x.shape[3], y.shape[3])

    def input(self, kernel, y):
        """Each position adds its product with the kernel to the window that it saw."""
        (height, width), (down, right) = self.positions, self.geometry.stride
        products = y.reshape(-1, y.shape[3]) @ kernel.reshape(-1, kernel.shape[3]).T
        products = products.reshape(y.shape[0], height, width, *self.geometry.window, kernel.shape[2])
        pads, total = self.geometry.padding, 0
        zero = jnp.zeros((), products.dtype)
        sizes = [n + sum(pair) for n, pair in zip(self.geometry.size, pads, strict=True)]
        for i in range(self.geometry.window[0]):
            for j in range(self.geometry.window[1]):
                after = (sizes[0] - i - (height - 1) * down - 1, sizes[1] - j - (width - 1) * right - 1)
                spread = ((0, 0, 0), (i, after[0], down - 1), (j, after[1], right - 1), (0, 0, 0))
                total += lax.pad(products[:, :, :, i, j], zero, spread)
        # Without the padding that F put around x.
        return lax.pad(total, zero, ((0, 0, 0), *((-before, -behind, 0) for before, behind in pads), (0, 0, 0)))

    def _windows(self, x):
        """[B * H' * W', kh * kw * C]."""
        (height, width), (down, right) = self.positions, self.geometry.stride
        pads = self.geometry.padding
        x = lax.pad(
            x, jnp.zeros((), x.dtype), ((0, 0, 0), *((before, behind, 0) for before, behind in pads), (0, 0, 0))
        )
        seen = [
            x[:, i : i + (height - 1) * down + 1 : down, j : j + (width - 1) * right + 1 : right]
            for i in range(self.geometry.window[0])
            for j in range(self.geometry.window[1])
        ]
        return jnp.stack(seen, 3).reshape(-1, len(seen) * x.shape[3])


def _with_residuals(function):
    return lambda geometry, a, b: (function(geometry, a, b), (a, b))


_output.defvjp(
    _with_residuals(_output),
    lambda geometry, xk, y: (_input(geometry, xk[1], y), _kernel(geometry, xk[0], y)),
)
_input.defvjp(
    _with_residuals(_input),
    lambda geometry, ky, x: (_kernel(geometry, x, ky[1]), _output(geometry, x, ky[0])),
)
_kernel.defvjp(
    _with_residuals(_kernel),
    lambda geometry, xy, kernel: (_input(geometry, kernel, xy[1]), _output(geometry, xy[0], kernel)),
)
