"""Forms of F, X and W over three axes, depth, height and width, that XLA's CPU backend computes fast.

`jaxgan.nn.lowering` says what F, X and W are, and takes these on CPU alone; `jaxgan.nn.cpu` has those over two axes, of which
these are made. Plainly that backend computes X of some shapes at 0.02 GFLOP/s. Each gives what the plain form gives, up to
float order.

- The depth of a window as features (`_stacked`): the slices that a window sees are laid beside each other as features, depth
  and batch are rows, and what is left is over two axes. F and W are taken so, W summed over groups of rows that the caches
  hold. From 13x32x32, 32 features to 64, 4x4x4 with stride (1, 2, 2): W at 69 GFLOP/s for 11.
- X of a stride that divides the window on every axis, such as a generator's layers that double: the pixels of a block are
  features, and what is left has no stride (`_blocks`). To 32^3 with one feature from 16^3 with 32: 72 GFLOP/s for 0.03.
- Smallest maps: matrix products (`_windows`).

`python -m tests.benchmarks.volumes` measures them beside the plain ones.
"""

import math
from functools import partial

import jax
import jax.numpy as jnp
from jax import lax

from jaxgan.nn import cpu
from jaxgan.nn.cpu import Form, Geometry

SMALL = 8
"""Positions of a map, such as 2x2x2, up to which a convolution is a matrix product."""
LARGE = 64
"""Positions beyond which X of a stride is taken in blocks."""
GROUP = 2**21
"""Bytes of the stacked rows that W sums at a time."""


def output_form(geometry: Geometry, x: jax.Array, kernel: jax.Array) -> Form | None:
    """How F(x, k) is computed on CPU."""
    if min(geometry.positions) < 1:
        return None
    return partial(_product if math.prod(geometry.positions) <= SMALL else _output, geometry)


def input_form(geometry: Geometry, kernel: jax.Array, y: jax.Array) -> Form | None:
    """How X(k, y) is computed on CPU."""
    positions = math.prod(geometry.positions)
    if min(geometry.positions) < 1:
        return None
    if positions <= SMALL:
        return partial(_product_input, geometry)
    in_blocks = geometry.divided and min(geometry.stride) > 1 and positions > LARGE
    return partial(_input_of_blocks if in_blocks else _input, geometry)


def kernel_form(geometry: Geometry, x: jax.Array, y: jax.Array) -> Form | None:
    """How W(x, y) is computed on CPU."""
    if min(geometry.positions) < 1:
        return None
    return partial(_product_kernel if math.prod(geometry.positions) <= SMALL else _gradient, geometry)


def _flat(geometry: Geometry) -> Geometry:
    """Of what is left over height and width."""
    return Geometry(*(part[1:] for part in geometry[:4]))


def _stacked(geometry: Geometry, x):
    """[B * D', H, W, kd * C]: the slices that each window sees, as features."""
    depth, stride, pads = geometry.positions[0], geometry.stride[0], geometry.padding[0]
    x = lax.pad(x, jnp.zeros((), x.dtype), ((0, 0, 0), (*pads, 0), (0, 0, 0), (0, 0, 0), (0, 0, 0)))
    seen = [x[:, i : i + (depth - 1) * stride + 1 : stride] for i in range(geometry.window[0])]
    return _rows(jnp.concatenate(seen, -1))


def _rows(x):
    """Depth and batch as rows."""
    return x.reshape(-1, *x.shape[2:])


def _folded(kernel):
    """[kh, kw, kd * C, O], in the order of `_stacked`."""
    kernel = kernel.transpose(1, 2, 0, 3, 4)
    return kernel.reshape(*kernel.shape[:2], -1, kernel.shape[-1])


def _output(geometry: Geometry, x, kernel):
    """F by slices as features."""
    flat, x, folded = _flat(geometry), _stacked(geometry, x), _folded(kernel)
    form = cpu.output_form(flat, x, folded) or partial(cpu.convolve, flat)
    return form(x, folded).reshape(-1, *geometry.positions, kernel.shape[-1])


def _input(geometry: Geometry, kernel, y):
    """X by slices as features: each goes back to where it was seen."""
    flat, folded, rows = _flat(geometry), _folded(kernel), _rows(y)
    form = cpu.input_form(flat, folded, rows) or partial(cpu.transposed_in_input, flat)
    x = jax.ShapeDtypeStruct((y.shape[0], *geometry.size, kernel.shape[3]), y.dtype)
    return jax.linear_transpose(partial(_stacked, geometry), x)(form(folded, rows))[0]


def _gradient(geometry: Geometry, x, y):
    """W by slices as features, summed over groups of rows."""
    flat, stacked, rows = _flat(geometry), _stacked(geometry, x), _rows(y)
    many = max(1, GROUP // (stacked[0].size * stacked.dtype.itemsize))
    many = max(many, -(-len(stacked) // 16))  # each group is a program of its own to compile
    folded = sum(
        cpu.transposed_in_kernel(flat, stacked[i : i + many], rows[i : i + many]) for i in range(0, len(stacked), many)
    )
    height, width = geometry.window[1:]
    return folded.reshape(height, width, geometry.window[0], x.shape[-1], y.shape[-1]).transpose(2, 0, 1, 3, 4)


def _inner(geometry: Geometry) -> Geometry:
    """What is left over blocks: no stride, no zeros."""
    taps = tuple(k // s for k, s in zip(geometry.window, geometry.stride, strict=True))
    size = tuple(n + k - 1 for n, k in zip(geometry.positions, taps, strict=True))
    return Geometry((1, 1, 1), ((0, 0),) * 3, size, taps)


def _blocks(geometry: Geometry, x):
    """[B, D'', H'', W'', sd * sh * sw * C] of all pixels that are seen."""
    size, stride = _inner(geometry).size, geometry.stride
    pads = [
        (before, blocks * s - n - before, 0)
        for blocks, s, n, (before, _) in zip(size, stride, geometry.size, geometry.padding, strict=True)
    ]
    x = lax.pad(x, jnp.zeros((), x.dtype), ((0, 0, 0), *pads, (0, 0, 0)))
    split = [part for pair in zip(size, stride, strict=True) for part in pair]
    x = x.reshape(x.shape[0], *split, x.shape[-1]).transpose(0, 1, 3, 5, 2, 4, 6, 7)
    return x.reshape(x.shape[0], *size, -1)


def _kernel_of_blocks(geometry: Geometry, kernel):
    """The window's pixels in the order of the blocks'."""
    taps = _inner(geometry).window
    split = [part for pair in zip(taps, geometry.stride, strict=True) for part in pair]
    kernel = kernel.reshape(*split, *kernel.shape[3:]).transpose(0, 2, 4, 1, 3, 5, 6, 7)
    return kernel.reshape(*taps, -1, kernel.shape[-1])


def _input_of_blocks(geometry: Geometry, kernel, y):
    """X of blocks, and the blocks back to where they were."""
    x = jax.ShapeDtypeStruct((y.shape[0], *geometry.size, kernel.shape[3]), y.dtype)
    blocks = _input(_inner(geometry), _kernel_of_blocks(geometry, kernel), y)
    return jax.linear_transpose(partial(_blocks, geometry), x)(blocks)[0]


def _windows(geometry: Geometry, x):
    """[B * D' * H' * W', kd * kh * kw * C]."""
    pads = [(*pair, 0) for pair in geometry.padding]
    x = lax.pad(x, jnp.zeros((), x.dtype), ((0, 0, 0), *pads, (0, 0, 0)))

    def along(axis: int, start: int) -> slice:
        stride = geometry.stride[axis]
        return slice(start, start + (geometry.positions[axis] - 1) * stride + 1, stride)

    depth, height, width = map(range, geometry.window)
    seen = [x[:, along(0, i), along(1, j), along(2, k)] for i in depth for j in height for k in width]
    return jnp.stack(seen, -2).reshape(-1, len(seen) * x.shape[-1])


def _product(geometry: Geometry, x, kernel):
    y = _windows(geometry, x) @ kernel.reshape(-1, kernel.shape[-1])
    return y.reshape(x.shape[0], *geometry.positions, kernel.shape[-1])


def _product_input(geometry: Geometry, kernel, y):
    x = jax.ShapeDtypeStruct((y.shape[0], *geometry.size, kernel.shape[3]), y.dtype)
    seen = y.reshape(-1, y.shape[-1]) @ kernel.reshape(-1, kernel.shape[-1]).T
    return jax.linear_transpose(partial(_windows, geometry), x)(seen)[0]


def _product_kernel(geometry: Geometry, x, y):
    found = _windows(geometry, x).T @ y.reshape(-1, y.shape[-1])
    return found.reshape(*geometry.window, x.shape[-1], y.shape[-1])
