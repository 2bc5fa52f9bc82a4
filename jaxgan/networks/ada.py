"""The transformations of ADA: moved, turned, resampled, recoloured, filtered, noisy and partly hidden pictures.

Karras et al. 2020 (arXiv:2006.06676), appendix B. Each is drawn for each picture, and applied with a probability. They are
affine in the picture, so that gradients pass through them any number of times:

    whole pixels    mirrored, turned by quarters, shifted: pixels change places, exactly
    geometry        one map x_in = L (x_out - f) - t of places, through a picture of twice the size: upsampled by the filter of
                    the wavelet sym6, sampled bilinearly, downsampled by the same filter turned round. The wavelet is
                    orthonormal: where a shift is of whole pixels the two filters cancel
    colour          y = A (x + b), of each pixel
    filter          a gain for each of four octaves
    noise, cutout

Beyond its borders a picture goes on as in a mirror, without end: the index is reflected, so nothing is padded by an amount
that depends on the draw. Mirroring and quarter turns come first and by themselves: in the map of places, through filters
that are not symmetric, they would blur.
"""

import dataclasses
import functools
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxgan import fields, rows
from jaxgan.errors import UserError

SYM6 = (
    0.015404109327027373, 0.0034907120842174702, -0.11799011114819057, -0.048311742585633, 0.4910559419267466,
    0.787641141030194, 0.3379294217276218, -0.07263752278646252, -0.021060292512300564, 0.04472490177066578,
    0.0017677118642428036, -0.007800708325034148,
)  # fmt: skip
"""Low-pass filter of Daubechies' wavelet of 6 vanishing moments that is the least asymmetric; its sum is sqrt 2."""

SYM2 = (-0.12940952255092145, 0.22414386804185735, 0.836516303737469, 0.48296291314469025)
"""That of 2 vanishing moments."""

OCTAVES = 4
POWER = np.array([10, 1, 1, 1]) / 13
"""Which share of a picture's power is expected in each octave, the lowest first: the spectrum of pictures falls as 1/f^2."""

STEPS = (
    "mirror", "turn", "shift", "scale", "rotation", "stretch", "second rotation", "fraction",
    "brightness", "contrast", "luma", "hue", "saturation", *range(OCTAVES), "noise", "cutout",
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Ada:
    """ADA's transformations, beside those of DiffAugment. Off by default; the paper takes blit, geometry and color, each at 1.

    A number is what the probability is multiplied by for the transformations of its group, from 0 to 1.
    """

    blit: float = 0.0
    """Mirrored, turned by quarters, and moved by up to 1/8 of each side in whole pixels."""
    geometry: float = 0.0
    """Scaled, rotated, stretched, and moved by parts of a pixel."""
    color: float = 0.0
    """Brightness, contrast, inverted brightness, hue and saturation; of grey pictures the first three."""
    filter: float = 0.0
    """Each of four octaves of detail louder or softer."""
    noise: float = 0.0
    """Noise of a deviation of about 0.1."""
    cutout: float = 0.0
    """A square of half of each side, anywhere, set to 0 (mid-grey)."""
    upright: bool = False
    """Without quarter turns and rotations: for pictures with an upper end, such as faces, where a leak would show first."""

    def __post_init__(self):
        fields.check(self)
        for field in dataclasses.fields(self):
            if getattr(self, field.name) > 1:
                raise UserError(f"Ada.{field.name} is {getattr(self, field.name)}: it must be from 0 to 1")

    @property
    def enabled(self) -> bool:
        """Whether `apply` does anything."""
        return max(self.blit, self.geometry, self.color, self.filter, self.noise, self.cutout) > 0

    def apply(self, key: jax.Array, pictures: jax.Array, probability: float | jax.Array) -> jax.Array:
        """`pictures`, each transformed by draws of its own.

        Args:
            key: of this call; row i of the global batch draws the same on every layout of devices.
            pictures: [B, H, W, C] in [-1, 1].
            probability: at 0 nothing changes, to the bit.

        Returns:
            [B, H, W, C], of the same dtype.
        """
        if not self.enabled:
            return pictures
        if self.noise:
            key, noise_key = jax.random.split(key)
        draws = _Draws.of(key, len(pictures), probability)
        x = pictures.astype(jnp.promote_types(pictures.dtype, jnp.float32))
        if self.blit:
            x = _mirrored_and_turned(draws, self.blit, x, not self.upright)
        if self.geometry:
            x = _moved(x, *_places(draws, self, x.shape[1:3]))
        elif self.blit:
            x = _shifted(x, _whole_shift(draws, self.blit, x.shape[1:3]))
        if self.color:
            x = _recoloured(draws, self.color, x)
        if self.filter:
            x = _filtered(draws, self.filter, x)
        if self.noise:
            opened, _, normal = draws.step("noise", self.noise)
            deviation = jnp.where(opened, 0.1 * jnp.abs(normal[0]), 0)
            x += (_wide(deviation) * rows.normal(noise_key, len(x), x.shape[1:])).astype(x.dtype)
        if self.cutout:
            x = _hidden(draws, self.cutout, x)
        return x.astype(pictures.dtype)


class _Draws(NamedTuple):
    """A gate and two values for each step and picture: the same whichever other steps there are."""

    probability: float | jax.Array
    uniform: jax.Array  # [steps, 3, B], on [0, 1)
    normal: jax.Array  # the same numbers as deviates N(0, 1)

    @classmethod
    def of(cls, key, count, probability):
        # One draw for all, or compiling would take seconds.
        uniform = rows.uniform(key, count, (len(STEPS), 3)).transpose(1, 2, 0)
        # From the middle of the 2^23 cells: never 0 or 1, of which there is no deviate.
        return cls(probability, uniform, math.sqrt(2) * jax.lax.erf_inv(2 * uniform - 1 + 2.0**-23))

    def step(self, name: str | int, multiplier: float, *, twice: bool = False):
        """Whether it happens [B], and two values [2, B], uniform and as deviates.

        `twice`: it is drawn twice, and happens at least once with the probability.
        """
        index, p = STEPS.index(name), self.probability * multiplier
        if twice:
            p = 1 - jnp.sqrt(1 - p)
        return self.uniform[index, 0] < p, self.uniform[index, 1:], self.normal[index, 1:]


def _wide(numbers: jax.Array) -> jax.Array:
    """[B] as [B, 1, 1, 1]."""
    return numbers[:, None, None, None]


def _reflected(index, side: int):
    """The pixel 0, ..., side - 1 that a mirror at the first and one at the last show at `index`: the period is 2 (side - 1)."""
    return side - 1 - abs(index % max(2 * (side - 1), 1) - (side - 1))


# Whole pixels


def _mirrored_and_turned(draws: _Draws, multiplier: float, x: jax.Array, turns: bool) -> jax.Array:
    """Mirrored or not; turned by 0 to 3 quarters, by 0 or 2 where the sides differ."""
    opened, uniform, _ = draws.step("mirror", multiplier)
    x = jnp.where(_wide(opened & (uniform[0] < 0.5)), x[:, :, ::-1], x)
    if not turns:
        return x
    opened, uniform, _ = draws.step("turn", multiplier)
    x = jnp.where(_wide(opened & (uniform[0] < 0.5)), x[:, ::-1, ::-1], x)
    if x.shape[1] == x.shape[2]:
        x = jnp.where(_wide(opened & (uniform[1] < 0.5)), x.transpose(0, 2, 1, 3)[:, ::-1], x)
    return x


def _whole_shift(draws: _Draws, multiplier: float, sides: tuple[int, int]) -> list[jax.Array]:
    """By how much pictures move along each axis, [B] each: U(-1/8, 1/8) of the side, rounded."""
    opened, uniform, _ = draws.step("shift", multiplier)
    return [jnp.where(opened, jnp.round((u - 0.5) * side / 4), 0) for u, side in zip(uniform, sides, strict=True)]


def _shifted(x: jax.Array, by: list[jax.Array]) -> jax.Array:
    """Moved by whole pixels [B] along each axis."""
    places = [
        _reflected(jnp.arange(side) - shift[:, None].astype(int), side)
        for shift, side in zip(by, x.shape[1:3], strict=True)
    ]
    return jax.vmap(lambda picture, row, column: picture[row[:, None], column])(x, *places)


# Geometry


def _places(draws: _Draws, ada: Ada, sides: tuple[int, int]):
    """Where pictures are looked at: whether they are moved at all [B], L [2, 2, B] and f and t [2, B], row before column.

    x_out = R_2 D R_1 s (x_in + t) + f, around the middle, in pixels: so L = (R_2 D R_1 s)^-1.
    """

    def angle(name):
        opened, uniform, _ = draws.step(name, ada.geometry, twice=True)
        return opened, jnp.where(opened, math.pi * (2 * uniform[0] - 1), 0)

    scaled, _, normal = draws.step("scale", ada.geometry)
    scale = jnp.exp2(jnp.where(scaled, 0.2 * normal[0], 0))
    stretched, _, normal = draws.step("stretch", ada.geometry)
    stretch = jnp.exp2(jnp.where(stretched, 0.2 * normal[0], 0))
    nudged, _, normal = draws.step("fraction", ada.geometry)
    part = [jnp.where(nudged, n * side / 8, 0) for n, side in zip(normal, sides, strict=True)]
    moved = scaled | stretched | nudged
    row, column = 1 / (scale * stretch), stretch / scale
    if ada.upright:
        inverse = [[row, jnp.zeros_like(row)], [jnp.zeros_like(row), column]]
    else:
        first, a = angle("rotation")
        second, b = angle("second rotation")
        moved |= first | second
        inverse = [
            [
                jnp.cos(a) * row * jnp.cos(b) - jnp.sin(a) * column * jnp.sin(b),
                jnp.cos(a) * row * jnp.sin(b) + jnp.sin(a) * column * jnp.cos(b),
            ],
            [
                -jnp.sin(a) * row * jnp.cos(b) - jnp.cos(a) * column * jnp.sin(b),
                -jnp.sin(a) * row * jnp.sin(b) + jnp.cos(a) * column * jnp.cos(b),
            ],
        ]
    whole = [jnp.zeros_like(row)] * 2
    if ada.blit:
        whole = _whole_shift(draws, ada.blit, sides)
        moved |= (whole[0] != 0) | (whole[1] != 0)
    return moved, jnp.array(inverse), jnp.array(part), jnp.array(whole)


def _moved(x: jax.Array, moved: jax.Array, inverse: jax.Array, part: jax.Array, whole: jax.Array) -> jax.Array:
    """Pictures as they are seen at the places x_in = L (x_out - f) - t, of `_places`; the others as they are, to the bit.

    In a picture of twice the size pixel i has the index 2i, so that the middle is at side - 1. The filters are products with
    matrices: measured on CPU, with the gradient, 4 times faster than sums of shifted slices, and compiled 8 times faster.
    Channels first: the innermost axis of the pictures is too short for either.
    """
    height, width = x.shape[1:3]
    multiply = functools.partial(
        jnp.einsum, precision=jax.lax.Precision.HIGHEST
    )  # TPUs and GPUs would round the pixels
    large = multiply("bhwc,wq->bchq", x, _up(width).astype(x.dtype))
    large = multiply("bchq,hp->bcqp", large, _up(height).astype(x.dtype))
    # Around the middle, where the downsampling filter reaches: 5 before the first pixel, 6 after the last.
    row, column = (jnp.arange(-5.0, 2 * side + 5) - (side - 1) for side in (height, width))
    inverse, part, whole = (numbers.astype(x.dtype)[..., None, None] for numbers in (inverse, part, whole))
    row, column = row[None, None, :] - 2 * part[0], column[None, :, None] - 2 * part[1]
    rows_in = inverse[0, 0] * row + inverse[0, 1] * column - 2 * whole[0] + (height - 1)
    columns_in = inverse[1, 0] * row + inverse[1, 1] * column - 2 * whole[1] + (width - 1)
    seen = _bilinear(large, columns_in, rows_in)
    seen = multiply("bcqp,ph->bcqh", seen, _down(height).astype(x.dtype))
    seen = multiply("bcqh,qw->bhwc", seen, _down(width).astype(x.dtype))
    return jnp.where(_wide(moved), seen, x)


def _bilinear(x: jax.Array, first: jax.Array, second: jax.Array) -> jax.Array:
    """x [B, C, N, M], periodic in both, at the indices `first` and `second` [B, n, m]: [B, C, n, m]."""
    count, channels, *sides = x.shape
    ends = []
    for index, side in zip((first, second), sides, strict=True):
        below = jnp.floor(index)
        low = below.astype(jnp.int32) % side
        high = jnp.where(low == side - 1, 0, low + 1)
        weight = index - below
        ends.append(((low, 1 - weight), (high, weight)))
    flat = x.reshape(count, channels, -1)
    take = jax.vmap(lambda picture, places: picture.at[:, places].get(mode="promise_in_bounds"))
    # Four gathers, each of which XLA merges with its weights; one of four times as many took seven times as long.
    return sum(take(flat, i * sides[1] + j) * (a * b)[:, None] for i, a in ends[0] for j, b in ends[1])


@functools.cache
def _up(side: int) -> np.ndarray:
    """[side, 2 period]: zeros between the pixels, filtered, times 2, over one period of the reflected picture."""
    period = max(2 * (side - 1), 1)
    matrix = np.zeros((side, 2 * period))
    for tap, weight in enumerate(SYM6):
        source = np.arange(2 * period) + 5 - tap
        even = source % 2 == 0
        np.add.at(matrix, (_reflected(source[even] // 2, side), np.nonzero(even)[0]), math.sqrt(2) * weight)
    return matrix


@functools.cache
def _down(side: int) -> np.ndarray:
    """[2 side + 10, side]: filtered, turned round, and every other one kept."""
    matrix = np.zeros((2 * side + 10, side))
    for tap, weight in enumerate(SYM6):
        matrix[2 * np.arange(side) + tap, np.arange(side)] = weight / math.sqrt(2)
    return matrix


# Colour


def _recoloured(draws: _Draws, multiplier: float, x: jax.Array) -> jax.Array:
    """A (x + b), b the brightness N(0, .2), A of contrast 2^N(0, .5), luma, hue and saturation.

    With P = vv^T the projection on the greys, v = (1, 1, 1) / sqrt 3, and K the vector product with v: a flipped luma is
    I - 2P, a hue P + cos I' + sin K, a saturation 2^N(0, 1) = s is P + s I', where I' = I - P. So

        A = contrast (l P + s cos I' + s sin K),    l = 1 or -1
    """

    def drawn(name, deviation):
        opened, _, normal = draws.step(name, multiplier)
        return _wide(jnp.where(opened, deviation * normal[0], 0)).astype(x.dtype)

    opened, uniform, _ = draws.step("luma", multiplier)
    luma = _wide(jnp.where(opened & (uniform[0] < 0.5), -1.0, 1.0)).astype(x.dtype)
    brightness, contrast = drawn("brightness", 0.2), jnp.exp2(drawn("contrast", 0.5))
    x += brightness
    if x.shape[3] == 1:
        return contrast * luma * x
    opened, uniform, _ = draws.step("hue", multiplier)
    hue = _wide(jnp.where(opened, math.pi * (2 * uniform[0] - 1), 0)).astype(x.dtype)
    saturation = jnp.exp2(drawn("saturation", 1.0))
    kept, turned = saturation * jnp.cos(hue), saturation * jnp.sin(hue) / math.sqrt(3)
    across = jnp.roll(x, 1, 3) - jnp.roll(x, -1, 3)
    return contrast * (kept * x + (luma - kept) * x.mean(3, keepdims=True) + turned * across)


# Filter, cutout


def _filtered(draws: _Draws, multiplier: float, x: jax.Array) -> jax.Array:
    """Each octave times 2^N(0, 1), with a probability of its own; after each, all so that the power stays as expected."""
    gains = jnp.ones((OCTAVES, len(x)))
    for octave in range(OCTAVES):
        opened, _, normal = draws.step(octave, multiplier)
        gain = jnp.exp2(jnp.where(opened, normal[0], 0))
        gains = gains.at[octave].multiply(gain) / jnp.sqrt(1 + POWER[octave] * (jnp.square(gain) - 1))
    changed = _wide((gains != 1).any(0))
    gains = gains.astype(x.dtype)
    multiply = functools.partial(jnp.einsum, precision=jax.lax.Precision.HIGHEST)
    height, width = (multiply("kb,knm->bnm", gains, _octaves(side).astype(x.dtype)) for side in x.shape[1:3])
    filtered = multiply("bhwc,bwq->bchq", x, width)
    return jnp.where(changed, multiply("bchq,bhp->bpqc", filtered, height), x)


@functools.cache
def _octaves(side: int) -> np.ndarray:
    """[octaves, side, side]: the part of a reflected row in each octave, the lowest first; they sum to the identity.

    By the wavelet's filter and its autocorrelation a, of half of the frequencies, and the rest 1 - a, on rows that are not
    thinned out; a with zeros between its taps divides what a left.
    """
    half = np.convolve(SYM2, SYM2[::-1]) / 2
    bands, low = [], np.ones(1)
    for octave in range(OCTAVES - 1):
        spread = np.zeros(2**octave * (len(half) - 1) + 1)
        spread[:: 2**octave] = half
        rest = -spread
        rest[len(rest) // 2] += 1
        bands.append(np.convolve(low, rest))
        low = np.convolve(low, spread)
    matrices = np.zeros((OCTAVES, side, side))
    for matrix, band in zip(matrices, [low, *reversed(bands)], strict=True):
        for tap, weight in enumerate(band):
            column = np.arange(side)
            np.add.at(matrix, (_reflected(column + tap - len(band) // 2, side), column), weight)
    return matrices


def _hidden(draws: _Draws, multiplier: float, x: jax.Array) -> jax.Array:
    """A box of half of each side is 0, its middle anywhere in the picture."""
    opened, uniform, _ = draws.step("cutout", multiplier)
    hidden = _wide(opened)
    for axis, middle in zip((1, 2), uniform, strict=True):
        place = (jax.lax.broadcasted_iota(jnp.float32, (1, *x.shape[1:3], 1), axis) + 0.5) / x.shape[axis]
        hidden &= jnp.abs(place - _wide(middle)) < 0.25
    return jnp.where(hidden, 0, x)
