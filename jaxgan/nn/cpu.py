"""Forms of the convolution F, its transpose X and its kernel's gradient W that XLA's CPU backend computes fast.

`jaxgan.nn.lowering` says what F, X and W are, and takes these on CPU alone. Each gives what the plain form gives, up to float
order. All times: 2 cores, jax 0.10.2.

- Smallest maps, of at most `SMALL` outputs, where the innermost layers of a U-Net and the last ones of StarGAN's discriminator
  work: matrix products (`_Product`). F from 2x2x512 to 1x1x1024, batch 8: 15 ms for 267; X from 4x4x256 to 2x2x512: 4 for 129.
  So are kernels of 1x1 on maps of any size: from 64x64x128 to 3 features, batch 16, F 4 ms for 28; W from 16x16x32 to 64,
  batch 32, 1 for 21.
- A stride s > 1 that divides the kernel, on few features, such as a discriminator's first layer: the s * s pixels of a block
  are features, and what is left, without stride, is a matrix product (`_Blocks`). From 64x64x3 to 32x32x32, 4x4, batch 32: F
  1.8 ms for 5.4, X 1.4 for 2.7, W 1.9 for 2.8. From 6 features on it draws.
- X of a stride s > 1 that divides the kernel, on large maps or by a large kernel: the s * s pixels that an output is spread to
  are features of one convolution without stride (Shi et al., 2016, arXiv:1609.05158; `_spread`). To 32x32x64 from 16x16x128,
  4x4, batch 32: 14 ms for 37; to 8x8x128 from 4x4x128, 6x6: 10 for 107.
- W of a kernel of at most 3x3 on `MANY` features or more: a matrix product for each of its places (`_by_places`). 3x3 on
  64x64x128, batch 16: 431 ms for 1,767; on 16x16x64, batch 32: 16 for 31; 16x16x128 of one picture: 1.2 for 3.0.
- W without stride and with no more features behind than before, such as a generator's last layer: x and y change places
  (`_swapped`). 7x7 from 128x128x32 to 3 features, batch 1: 2.0 ms for 81. The zeros around y are laid out first, behind a
  barrier, since XLA would else change the places back: 47 ms for 2.6. In groups of rows, of one where maps are large: 9x9 from
  96x96x32 to 3 features, batch 16, 56 ms for 449 of all at once.
- F by a kernel of more than 3x3 without stride or zeros, such as those after reflection: with a row of zeros, and without the
  outputs that see it (`_bordered`), it takes another path. 7x7 from 134x134x32 to 3 features, batch 1: 1.4 ms for 35; from
  70x70x64 to 64: 15 for 50.
- F without stride of few features by a wide kernel, such as a translator's first layer: the pixels beside each other become
  features (`_by_rows`). 7x7 from 128x128x3 to 32 features, batch 1: 2.4 ms for 6.6. So does X of few features.
- W of many rows: summed over groups of rows (`_in_groups`), each of which the caches hold, where all of them, transposed to be
  summed over, fall out. From 32x32x64 to 16x16x128, 4x4, batch 128: 89 ms for 180; from 64x64x128 to 32x32x128, 6x6, batch 16:
  495 for 1,362.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

Pair = tuple[int, int]
Sizes = tuple[int, ...]
"""Along each axis; two here, three in `jaxgan.nn.volumes`."""
Pads = tuple[Pair, ...]
Form = Callable[[jax.Array, jax.Array], jax.Array]

SMALL = 4
"""Positions of a map, such as 2x2, up to which a convolution is a matrix product."""
LARGE, WINDOW = 256, 36
"""Positions of y, and elements of a kernel's window, from either of which `_spread` wins; below it draws."""
FEW, WIDE = 4, 5
"""Features up to which `_Blocks` and `_by_rows` win, the latter with kernels of so many columns."""
GROUP, GROUPS = 16, 8
"""Rows of a group that `_in_groups` sums over, twice as many on maps of less than 8x8; and into how many at most it cuts."""
HELD = 4096
"""Positions that the rows of a group have together, where a map is so large that `GROUP` rows have more, and in `_swapped`."""
SWAPPED = 16
"""Into how many groups at most `_swapped` cuts the rows: each takes a tenth of a second to compile."""
MANY = 16
"""Features of x and of y from which `_by_places` wins."""
NARROW = 9
"""Elements of a kernel's window up to which `_bordered` draws, and `_by_places` is taken."""


class Geometry(NamedTuple):
    """What the shapes of two of x, k and y leave open about the third."""

    stride: Sizes
    padding: Pads  # zeros around x; negative crops
    size: Sizes  # of x
    window: Sizes  # of k
    groups: int = 1  # in which features are apart; `jaxgan.nn.grouped` has the forms of more than one

    @property
    def positions(self) -> Sizes:
        """Height and width of y, and the depth of three axes."""
        padded = (size + sum(pads) for size, pads in zip(self.size, self.padding, strict=True))
        return tuple((n - k) // s + 1 for n, k, s in zip(padded, self.window, self.stride, strict=True))

    @property
    def divided(self) -> bool:
        """Whether the stride divides the window."""
        return all(k % s == 0 for k, s in zip(self.window, self.stride, strict=True))

    @property
    def turned(self) -> "Geometry":
        """Without stride: of the convolution of y, by the kernel turned round, that is X."""
        padding = tuple((k - 1 - a, k - 1 - b) for k, (a, b) in zip(self.window, self.padding, strict=True))
        return Geometry((1, 1), padding, self.positions, self.window)


def convolve(geometry: Geometry, x: jax.Array, kernel: jax.Array) -> jax.Array:
    """F(x, k), plainly."""
    axes = "DHW"[-len(geometry.size) :]
    numbers = (f"N{axes}C", f"{axes}IO", f"N{axes}C")
    return lax.conv_general_dilated(
        x,
        kernel,
        geometry.stride,
        geometry.padding,
        dimension_numbers=numbers,
        feature_group_count=geometry.groups,
    )


def transposed_in_input(geometry: Geometry, kernel: jax.Array, y: jax.Array) -> jax.Array:
    """X(k, y), plainly: JAX's transposition of F in x."""
    x = jax.ShapeDtypeStruct((y.shape[0], *geometry.size, kernel.shape[-2] * geometry.groups), y.dtype)
    return jax.linear_transpose(lambda x: convolve(geometry, x, kernel), x)(y)[0]


def transposed_in_kernel(geometry: Geometry, x: jax.Array, y: jax.Array) -> jax.Array:
    """W(x, y), plainly: JAX's transposition of F in k."""
    kernel = jax.ShapeDtypeStruct((*geometry.window, x.shape[-1] // geometry.groups, y.shape[-1]), x.dtype)
    return jax.linear_transpose(lambda kernel: convolve(geometry, x, kernel), kernel)(y)[0]


def output_form(geometry: Geometry, x: jax.Array, kernel: jax.Array) -> Form | None:
    """How F(x, k) is computed on CPU; None: plainly."""
    if products := _products(geometry, x.shape[3]):
        return products.output
    if geometry.stride != (1, 1):
        return None
    if x.shape[3] <= FEW and geometry.window[1] >= WIDE:
        return partial(_by_rows, geometry)
    return partial(_bordered, geometry) if math.prod(geometry.window) > NARROW else None


def input_form(geometry: Geometry, kernel: jax.Array, y: jax.Array) -> Form | None:
    """How X(k, y) is computed on CPU; None: plainly."""
    if products := _products(geometry, kernel.shape[2]):
        return products.input
    if geometry.stride == (1, 1):
        if y.shape[3] <= FEW and geometry.window[1] >= WIDE:
            return lambda kernel, y: _by_rows(geometry.turned, y, _turned(kernel))
        return None
    divided = geometry.divided and all(n % s == 0 for n, s in zip(geometry.size, geometry.stride, strict=True))
    worth = math.prod(geometry.positions) >= LARGE or math.prod(geometry.window) >= WINDOW
    return partial(_spread, geometry) if divided and worth else None


def kernel_form(geometry: Geometry, x: jax.Array, y: jax.Array) -> Form | None:
    """How W(x, y) is computed on CPU; None: plainly."""
    if products := _products(geometry, x.shape[3]):
        return products.kernel
    if math.prod(geometry.window) <= NARROW and min(x.shape[3], y.shape[3]) >= MANY:
        return partial(_by_places, geometry)
    if geometry.stride == (1, 1) and y.shape[3] <= x.shape[3]:
        return partial(_swapped, geometry)
    positions = math.prod(geometry.positions)
    large = positions * GROUP > HELD
    most = HELD // positions if large else GROUP if positions >= 64 else 2 * GROUP
    rows = max(most, -(-x.shape[0] // GROUPS))
    return partial(_in_groups, geometry, rows) if x.shape[0] > (rows if large else 2 * GROUP) else None


def _products(geometry: Geometry, features: int) -> "_Product | _Blocks | None":
    """The matrix products to take, with so many features of x."""
    if min(geometry.positions) < 1:
        return None
    pointwise = geometry.window == geometry.stride == (1, 1) and not any(map(any, geometry.padding))
    if pointwise or math.prod(geometry.positions) <= SMALL:
        return _Product(geometry)
    return _Blocks(geometry) if features <= FEW and geometry.stride != (1, 1) and geometry.divided else None


def _turned(kernel):
    return kernel[::-1, ::-1].swapaxes(2, 3)


def _swapped(geometry: Geometry, x, y):
    """W as that of the convolution from y to x, summed over groups of rows."""
    count = x.shape[0]
    groups = min(SWAPPED, count, max(1, count * math.prod(geometry.positions) // HELD))
    y = lax.optimization_barrier(_padded(y, geometry.turned.padding))
    bare = Geometry((1, 1), ((0, 0), (0, 0)), y.shape[1:3], geometry.window)
    return _turned(_in_groups(bare, -(-count // groups), y, x))


def _by_places(geometry: Geometry, x, y):
    """W, of each place in the window, as the product of the pixels that it sees and the outputs."""
    (height, width), (down, right) = geometry.positions, geometry.stride
    x = _padded(x, geometry.padding)
    y = y.reshape(-1, y.shape[3])

    def seen(i, j):
        part = x[:, i : i + (height - 1) * down + 1 : down, j : j + (width - 1) * right + 1 : right]
        return part.reshape(-1, x.shape[3])

    rows, columns = geometry.window
    return jnp.stack([jnp.stack([seen(i, j).T @ y for j in range(columns)]) for i in range(rows)])


def _in_groups(geometry: Geometry, rows: int, x, y):
    """W as the sum of those of so many rows each."""
    starts = range(0, x.shape[0], rows)
    return sum(transposed_in_kernel(geometry, x[i : i + rows], y[i : i + rows]) for i in starts)


def _bordered(geometry: Geometry, x, kernel):
    """F; where nothing is around x, with a row of zeros above it."""
    if any(pads != (0, 0) for pads in geometry.padding):
        return convolve(geometry, x, kernel)
    return convolve(geometry._replace(padding=((1, 0), (0, 0))), x, kernel)[:, 1:]


def _by_rows(geometry: Geometry, x, kernel):
    """F by a kernel of one column, the others' pixels being features."""
    rows, columns = geometry.window
    x = _padded(x, ((0, 0), geometry.padding[1]))
    beside = [x[:, :, j : j + geometry.positions[1]] for j in range(columns)]
    flat = Geometry((1, 1), (geometry.padding[0], (0, 0)), (geometry.size[0], geometry.positions[1]), (rows, 1))
    return _bordered(flat, jnp.concatenate(beside, 3), kernel.reshape(rows, 1, -1, kernel.shape[3]))


def _spread(geometry: Geometry, kernel, y):
    """X as one convolution of y without stride.

    Pixel s * i + a of x, on one axis with `before` zeros, is met by the rows r + s * t of the kernel with
    r = (a + before) mod s, at the outputs i + (a + before) // s - t. All a share windows of k / s outputs; where the floor
    differs, those of the later a begin one output later.
    """
    (down, right), (height, width) = geometry.stride, geometry.size
    first, shift, padding = [], [], []
    for n, k, s, (before, _), outputs in zip(
        geometry.size, geometry.window, geometry.stride, geometry.padding, geometry.positions, strict=True
    ):
        floors = [(a + before) // s for a in range(s)]
        first.append([floor - floors[0] for floor in floors])
        lead = k // s - 1 - floors[0]
        padding.append((lead, n // s + floors[-1] - floors[0] + k // s - 1 - lead - outputs))
        shift.append(-before % s)
    taps = (geometry.window[0] // down, geometry.window[1] // right)
    features, outer = kernel.shape[2:]
    phases = jnp.roll(kernel.reshape(taps[0], down, taps[1], right, features, outer), shift, (1, 3))[::-1, :, ::-1]
    phases = phases.transpose(0, 2, 5, 1, 3, 4).reshape(*taps, outer, down * right * features)
    z = convolve(Geometry((1, 1), tuple(padding), geometry.positions, taps), y, phases)
    z = z.reshape(*z.shape[:3], down, right, features)
    rows = []
    for a in range(down):
        row = z[:, first[0][a] : first[0][a] + height // down, :, a]
        rows.append([row[:, :, first[1][b] : first[1][b] + width // right, b] for b in range(right)])
    x = jnp.stack([jnp.stack(row, 3) for row in rows], 2)  # [B, H / s, s, W / s, s, features]
    return x.reshape(y.shape[0], height, width, features)


def _padded(x, padding: Pads):
    """`x` with zeros along height and width; negative padding crops."""
    return lax.pad(x, jnp.zeros((), x.dtype), ((0, 0, 0), *((*pair, 0) for pair in padding), (0, 0, 0)))


class _Product(NamedTuple):
    """F, X and W as matrix products: rows are positions of the output, columns elements of the window that it sees."""

    geometry: Geometry

    def output(self, x, kernel):
        y = self._windows(x) @ kernel.reshape(-1, kernel.shape[3])
        return y.reshape(x.shape[0], *self.geometry.positions, kernel.shape[3])

    def kernel(self, x, y):
        return (self._windows(x).T @ y.reshape(-1, y.shape[3])).reshape(*self.geometry.window, x.shape[3], y.shape[3])

    def input(self, kernel, y):
        """Each position adds its product with the kernel to the window that it saw."""
        (height, width), (down, right) = self.geometry.positions, self.geometry.stride
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
        return _padded(total, tuple((-before, -behind) for before, behind in pads))  # without what F put around x

    def _windows(self, x):
        """[B * H' * W', kh * kw * C]."""
        (height, width), (down, right) = self.geometry.positions, self.geometry.stride
        x = _padded(x, self.geometry.padding)
        seen = [
            x[:, i : i + (height - 1) * down + 1 : down, j : j + (width - 1) * right + 1 : right]
            for i in range(self.geometry.window[0])
            for j in range(self.geometry.window[1])
        ]
        return jnp.stack(seen, 3).reshape(x.shape[0] * height * width, len(seen) * x.shape[3])


class _Blocks(NamedTuple):
    """F, X and W of a stride that divides the window: the same without stride, of x in blocks of as many pixels as features."""

    geometry: Geometry

    def output(self, x, kernel):
        return self._inner.output(self._blocks(x), self._kernel(kernel))

    def kernel(self, x, y):
        kernel = jax.ShapeDtypeStruct((*self.geometry.window, x.shape[3], y.shape[3]), x.dtype)
        return jax.linear_transpose(self._kernel, kernel)(self._inner.kernel(self._blocks(x), y))[0]

    def input(self, kernel, y):
        x = jax.ShapeDtypeStruct((y.shape[0], *self.geometry.size, kernel.shape[2]), y.dtype)
        return jax.linear_transpose(self._blocks, x)(self._inner.input(self._kernel(kernel), y))[0]

    @property
    def _taps(self) -> Pair:
        return tuple(k // s for k, s in zip(self.geometry.window, self.geometry.stride, strict=True))

    @property
    def _inner(self) -> _Product:
        size = tuple(n + k - 1 for n, k in zip(self.geometry.positions, self._taps, strict=True))
        return _Product(Geometry((1, 1), ((0, 0), (0, 0)), size, self._taps))

    def _blocks(self, x):
        """[B, H'', W'', s * s * C] of all pixels that are seen."""
        (down, right), (height, width) = self.geometry.stride, self._inner.geometry.size
        padding = tuple(
            (before, blocks * s - n - before)
            for blocks, s, n, (before, _) in zip(
                (height, width), self.geometry.stride, self.geometry.size, self.geometry.padding, strict=True
            )
        )
        x = _padded(x, padding).reshape(x.shape[0], height, down, width, right, x.shape[3])
        return x.transpose(0, 1, 3, 2, 4, 5).reshape(x.shape[0], height, width, -1)

    def _kernel(self, kernel):
        """The window's pixels in the blocks' order."""
        (down, right), (rows, columns) = self.geometry.stride, self._taps
        kernel = kernel.reshape(rows, down, columns, right, *kernel.shape[2:]).transpose(0, 2, 1, 3, 4, 5)
        return kernel.reshape(rows, columns, -1, kernel.shape[5])
