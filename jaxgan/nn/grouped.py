"""Forms of F, X and W in several groups of features that XLA's CPU backend computes fast.

`jaxgan.nn.lowering` says what F, X and W are, and takes these on CPU alone. Plainly that backend has no fast path for X and W
in groups, to any order. Here as many groups as have `CHUNK` features are one convolution without groups, by a kernel that is
0 where input and output are of different groups, in the form that `jaxgan.nn.cpu` has for it: more multiplications, and yet
faster, since a convolution of few features leaves most of a processor idle. 3x3 on 16x16x128 in groups of 16, batch 16, 2
cores: value and gradients 37 ms of processor time for 1,174, a gradient penalty 72 for 2,565, in chunks of 64 features. R3GAN's
step at 32x32, width 128, takes 212 ms in chunks of 32, 321 of 64, and 223 with a convolution for each group; they compile in
12, 10 and 19 s.
"""

import math

import jax
import jax.numpy as jnp

from jaxgan.nn import cpu, volumes
from jaxgan.nn.cpu import Form, Geometry

CHUNK = 32
"""Features of the input, or of the output where that has more, that share a convolution."""


def output_form(geometry: Geometry, x: jax.Array, kernel: jax.Array) -> Form:
    """How F(x, k) is computed on CPU."""
    chunks, inner = _cut(geometry, x.shape[-1], kernel.shape[-1])

    def form(x, kernel):
        pairs = zip(jnp.split(x, chunks, -1), _block_diagonal(kernel, geometry.groups, chunks), strict=True)
        return jnp.concatenate([_whole("output", inner, *pair) for pair in pairs], -1)

    return form


def input_form(geometry: Geometry, kernel: jax.Array, y: jax.Array) -> Form:
    """How X(k, y) is computed on CPU."""
    chunks, inner = _cut(geometry, kernel.shape[-2] * geometry.groups, y.shape[-1])

    def form(kernel, y):
        pairs = zip(_block_diagonal(kernel, geometry.groups, chunks), jnp.split(y, chunks, -1), strict=True)
        return jnp.concatenate([_whole("input", inner, *pair) for pair in pairs], -1)

    return form


def kernel_form(geometry: Geometry, x: jax.Array, y: jax.Array) -> Form:
    """How W(x, y) is computed on CPU: of the products of all features of a chunk, those within a group are kept."""
    chunks, inner = _cut(geometry, x.shape[-1], y.shape[-1])
    shape = jax.ShapeDtypeStruct((*geometry.window, x.shape[-1] // geometry.groups, y.shape[-1]), x.dtype)
    keep = jax.linear_transpose(lambda kernel: _block_diagonal(kernel, geometry.groups, chunks), shape)

    def form(x, y):
        pairs = zip(jnp.split(x, chunks, -1), jnp.split(y, chunks, -1), strict=True)
        return keep([_whole("kernel", inner, *pair) for pair in pairs])[0]

    return form


def _cut(geometry: Geometry, inputs: int, outputs: int) -> tuple[int, Geometry]:
    """How many convolutions there are, and of what shape: the fewest, as many groups in each, of at most `CHUNK` features."""
    groups = geometry.groups
    wide = max(inputs, outputs) // groups  # features of a group
    together = max(size for size in range(1, groups + 1) if groups % size == 0 and (size == 1 or size * wide <= CHUNK))
    return groups // together, geometry._replace(groups=1)


def _whole(name: str, geometry: Geometry, a: jax.Array, b: jax.Array) -> jax.Array:
    """F, X or W without groups."""
    module = volumes if len(geometry.size) == 3 else cpu
    plain = {"output": cpu.convolve, "input": cpu.transposed_in_input, "kernel": cpu.transposed_in_kernel}[name]
    form = getattr(module, f"{name}_form")(geometry, a, b)
    return form(a, b) if form else plain(geometry, a, b)


def _block_diagonal(kernel: jax.Array, groups: int, chunks: int) -> list[jax.Array]:
    """The kernels [..., C / chunks, D / chunks] of all chunks: from [..., C / groups, D], 0 between groups."""
    window, (inputs, outputs) = kernel.shape[:-2], kernel.shape[-2:]
    together = groups // chunks
    own = jnp.eye(together, dtype=kernel.dtype)
    blocks = kernel.reshape(math.prod(window), inputs, chunks, together, outputs // groups)
    # [places, chunk, group of the input, feature, group of the output, feature]
    spread = own[:, None, :, None] * blocks.transpose(0, 2, 1, 3, 4)[:, :, None]
    whole = spread.reshape(*window, chunks, together * inputs, outputs // chunks)
    return [whole[..., i, :, :] for i in range(chunks)]
