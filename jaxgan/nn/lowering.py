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
derivatives of a convolution meet the same. On GPU and TPU F, X and W are the calls that cuDNN and XLA know
as forward, backward-data and backward-filter; on CPU `jaxgan.nn.cpu` writes some shapes of them in another
form, which that backend computes up to 50 times faster, `jaxgan.nn.volumes` those over three axes, and
`jaxgan.nn.grouped` those of several groups. (One axis is two, of which one has one pixel.) F as a sum of shifted
matrix products, or as a convolution of what space-to-depth makes of an input, was measured over two axes and was
not faster; W as such products is.

Two limits. Forward-mode differentiation (`jax.jvp`, `jax.linearize`) does not pass through `jax.custom_vjp`.
And inside `lax.scan` XLA's CPU backend has no fast path for W either (2 s for the 16 ms above): unroll.
"""

from functools import partial

import jax
import jax.numpy as jnp
from jax import lax

from jaxgan.nn import cpu, grouped, volumes
from jaxgan.nn.cpu import Geometry, Pads, Sizes, convolve


def conv(x: jax.Array, kernel: jax.Array, stride: Sizes, padding: Pads, groups: int = 1) -> jax.Array:
    """Convolve `x` [B, H, W, C] with `kernel` [kh, kw, C, D], as `lax.conv_general_dilated`; over one axis or three likewise.

    Args:
        x: [B, H, W, C], or [B, W, C], or [B, depth, H, W, C].
        kernel: [kh, kw, C, D], with as many axes before C as `x` has.
        stride: along each of them.
        padding: zeros before and after, along each of them.
        groups: into which the features of x and of the result are cut, in order; a group sees that of its number alone. The
            kernel is then [kh, kw, C / groups, D].

    Returns:
        [B, H', W', D] with H' = floor((H + before + after - kh) / stride) + 1.
    """
    if x.ndim == 3:
        return conv(x[:, None], kernel[None], (1, *stride), ((0, 0), *padding), groups)[:, 0]
    geometry = Geometry(tuple(stride), _pads(padding), x.shape[1:-1], kernel.shape[:-2], groups)
    return _output(geometry, x, kernel)


def conv_transpose(x: jax.Array, kernel: jax.Array, stride: Sizes, padding: Pads) -> jax.Array:
    """Transposed convolution of `x` [B, H, W, C] with `kernel` [kh, kw, C, D], as `lax.conv_transpose`.

    Over one axis or three likewise.

    Args:
        x: [B, H, W, C], or [B, W, C], or [B, depth, H, W, C].
        kernel: [kh, kw, C, D], with as many axes before C as `x` has.
        stride: along each of them, of the output.
        padding: zeros before and after the spread-out input, along each of them. (PyTorch's padding p is
            (kh - 1 - p, kh - 1 - p + output_padding) here.)

    Returns:
        [B, H', W', D] with H' = (H - 1) * stride + before + after - kh + 2.
    """
    if x.ndim == 3:
        return conv_transpose(x[:, None], kernel[None], (1, *stride), ((0, 0), *padding))[:, 0]
    window = kernel.shape[:-2]
    # The convolution C whose transpose this is: it looks kh - 1 - before beyond the edge of the output, with
    # the kernel turned round.
    padding = tuple((k - 1 - before, k - 1 - after) for k, (before, after) in zip(window, padding, strict=True))
    size = tuple(
        (n - 1) * s + k - before - after
        for n, s, k, (before, after) in zip(x.shape[1:-1], stride, window, padding, strict=True)
    )
    geometry = Geometry(tuple(stride), padding, size, window)
    turned = jnp.flip(kernel, tuple(range(len(window)))).swapaxes(-2, -1)
    return _input(geometry, turned, x)


def _pads(padding) -> Pads:
    return tuple(tuple(pair) for pair in padding)


def _forms(geometry: Geometry):
    """The module that has the forms for CPU of so many axes, or of several groups."""
    if geometry.groups > 1:
        return grouped
    return volumes if len(geometry.size) == 3 else cpu


def _on(cpu_form, form, *operands):
    """`cpu_form`, where there is one, on CPU; else `form`."""
    if cpu_form is None:
        return form(*operands)
    return lax.platform_dependent(*operands, cpu=cpu_form, default=form)


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _output(geometry: Geometry, x, kernel):
    """F(x, k)."""
    return _on(_forms(geometry).output_form(geometry, x, kernel), partial(convolve, geometry), x, kernel)


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _input(geometry: Geometry, kernel, y):
    """X(k, y), by JAX's transposition of F in x."""

    plain = partial(cpu.transposed_in_input, geometry)
    return _on(_forms(geometry).input_form(geometry, kernel, y), plain, kernel, y)


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _kernel(geometry: Geometry, x, y):
    """W(x, y), by JAX's transposition of F in k."""
    return _on(_forms(geometry).kernel_form(geometry, x, y), partial(cpu.transposed_in_kernel, geometry), x, y)


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
