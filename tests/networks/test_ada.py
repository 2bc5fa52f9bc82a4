"""ADA's transformations: against the same draws written out in NumPy and SciPy, their shares, and their gradients."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import Mesh
from jax.sharding import PartitionSpec as P
from scipy import ndimage

from jaxgan import Ada, Augmentation, rows
from jaxgan.commands.parsing import parse
from jaxgan.errors import UserError
from jaxgan.experiment import decode_value, encode
from jaxgan.networks import ada as module
from jaxgan.networks.ada import OCTAVES, SYM2, SYM6, _Draws

KEY = jax.random.key(5)
BGC = Ada(blit=1, geometry=1, color=1)
QUIET = Ada(blit=1, geometry=0.9, color=0.8, filter=0.7, cutout=0.5)
ROWS, SHAPE = 16, (12, 12, 3)


@functools.partial(jax.jit, static_argnums=0)
def applied(ada, pictures, probability, key=KEY):
    """`apply` on one device."""
    return rows.solo(lambda x, p: ada.apply(key, x, p))(pictures, probability)


def noise(count=ROWS, shape=SHAPE):
    return np.random.default_rng(0).uniform(-1, 1, (count, *shape)).astype(np.float32)


def share_of(happened, share):
    """A share of rows that is as expected, within 5 standard deviations."""
    assert abs(np.mean(happened) - share) < 5 * math.sqrt(share * (1 - share) / len(happened))


# The same, written out


def rotated(angle):
    return np.array([[math.cos(angle), -math.sin(angle), 0], [math.sin(angle), math.cos(angle), 0], [0, 0, 1]])


def shifted(row, column):
    return np.array([[1, 0, row], [0, 1, column], [0, 0, 1]])


def resampled(picture, places):
    """A picture [side, side, C] where `places` 3x3 says, from the output's to the input's, through one twice as large."""
    side, margin = len(picture), 3 * len(picture)
    large = np.pad(picture, ((margin, margin), (margin, margin), (0, 0)), mode="reflect")
    for axis in (0, 1):
        shape = list(large.shape)
        shape[axis] *= 2
        spread = np.zeros(shape)
        spread[(slice(None),) * axis + (slice(None, None, 2),)] = large
        large = ndimage.convolve1d(spread, np.array(SYM6) * math.sqrt(2), axis, origin=-1)
    out = (np.arange(-5, 2 * side + 5) - (side - 1)) / 2
    row, column = np.meshgrid(out, out, indexing="ij")
    read = np.einsum("ij,jnm->inm", places, np.stack([row, column, np.ones_like(row)]))[:2]
    index = 2 * (read + (side - 1) / 2 + margin)
    seen = np.stack([ndimage.map_coordinates(plane, index, order=1) for plane in np.moveaxis(large, 2, 0)], 2)
    for axis in (0, 1):
        windows = np.lib.stride_tricks.sliding_window_view(seen, 12, axis)[
            (slice(None),) * axis + (slice(None, None, 2),)
        ]
        seen = windows @ np.array(SYM6) / math.sqrt(2)
    return seen


def places_of(step, ada, side):
    """Of one row: from the output's places to the input's, and which steps were taken, by a 3x3 matrix for each of them."""
    forward, taken = np.eye(3), []
    opened, uniform, _ = step("shift", ada.blit)
    if opened:
        forward = shifted(*np.round((uniform - 0.5) * side / 4))
    for name in ("scale", "rotation", "stretch", "second rotation", "fraction"):
        opened, uniform, normal = step(name, ada.geometry)
        if opened:
            taken.append(name)
            size = 2 ** (0.2 * normal[0])
            forward = {
                "scale": np.diag([size, size, 1]),
                "stretch": np.diag([size, 1 / size, 1]),
                "fraction": shifted(*(normal * side / 8)),
            }.get(name, rotated(math.pi * (2 * uniform[0] - 1))) @ forward
    return np.linalg.inv(forward), taken


def recolouring_of(step, multiplier):
    """Of one row: the 4x4 matrix of its colours, step by step."""
    grey = np.ones((3, 3)) / 3
    cross = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / math.sqrt(3)
    matrix = np.eye(4)
    for name in ("brightness", "contrast", "luma", "hue", "saturation"):
        opened, uniform, normal = step(name, multiplier)
        this, angle = np.eye(4), math.pi * (2 * uniform[0] - 1)
        if opened and name == "brightness":
            this[:3, 3] = 0.2 * normal[0]
        if opened and name != "brightness":
            this[:3, :3] = {
                "contrast": np.eye(3) * 2 ** (0.5 * normal[0]),
                "luma": np.eye(3) - 2 * grey * (uniform[0] < 0.5),
                "hue": grey + math.cos(angle) * (np.eye(3) - grey) + math.sin(angle) * cross,
                "saturation": grey + 2 ** normal[0] * (np.eye(3) - grey),
            }[name]
        matrix = this @ matrix
    return matrix


def filter_of(step, multiplier):
    """Of one row: its filter of 43 taps, by convolutions of filters with zeros between the taps."""
    low = np.convolve(SYM2, SYM2[::-1]) / 2
    high = -low + np.eye(7)[3]
    spread = lambda taps, by: np.kron(taps, np.eye(by)[0])[: len(taps) * by - by + 1]  # noqa: E731
    bands = [np.convolve(np.convolve(spread(low, 4), spread(low, 2)), low)]
    bands.append(np.convolve(np.convolve(spread(high, 4), spread(low, 2)), low))
    bands += [np.convolve(spread(high, 2), low), high]
    gains, power = np.ones(OCTAVES), np.array([10, 1, 1, 1]) / 13
    for octave in range(OCTAVES):
        opened, _, normal = step(octave, multiplier)
        this = np.ones(OCTAVES)
        this[octave] = 2 ** normal[0] if opened else 1
        gains *= this / math.sqrt((power * this**2).sum())
    return sum(gain * np.pad(band, (43 - len(band)) // 2) for gain, band in zip(gains, bands, strict=True))


def written_out(ada, pictures, probability, execute=resampled):
    """`apply` in NumPy, with the same numbers, but for noise."""
    draws = jax.tree.map(np.float64, rows.solo(lambda: tuple(_Draws.of(KEY, len(pictures), jnp.float32(0)))[1:])())
    made = []
    for index, x in enumerate(np.float64(pictures)):

        def step(name, multiplier, index=index):
            gate, *values = (numbers[module.STEPS.index(name), :, index] for numbers in draws)
            p = probability * multiplier
            p = 1 - math.sqrt(1 - p) if "rotation" in str(name) else p
            return gate[0] < p, gate[1:], values[0][1:]

        opened, uniform, _ = step("mirror", ada.blit)
        x = x[:, ::-1] if opened and uniform[0] < 0.5 else x
        opened, uniform, _ = step("turn", ada.blit)
        x = np.rot90(x, 2 * (uniform[0] < 0.5) + (uniform[1] < 0.5)) if opened else x
        x = execute(x, places_of(step, ada, len(x))[0])
        matrix = recolouring_of(step, ada.color)
        x = x @ matrix[:3, :3].T + matrix[:3, 3]
        taps = filter_of(step, ada.filter)
        for axis in (0, 1):
            x = ndimage.correlate1d(x, taps, axis, mode="mirror")
        opened, uniform, _ = step("cutout", ada.cutout)
        row, column = (abs((np.arange(len(x)) + 0.5) / len(x) - middle) < 0.25 for middle in uniform)
        made.append(np.where((opened & row[:, None] & column)[..., None], 0, x))
    return np.stack(made)


def test_all_are_as_written_out():
    x = noise()
    np.testing.assert_allclose(applied(QUIET, x, jnp.float32(0.7)), written_out(QUIET, x, 0.7), atol=2e-5)


def test_probability_zero_is_the_identity_to_the_bit():
    x = noise()
    assert np.array_equal(applied(QUIET, x, jnp.float32(0)), x)
    assert not Ada().enabled
    assert Ada().apply(KEY, x, 1.0) is x
    assert not Augmentation().enabled
    assert Augmentation(ada=BGC, target=0.6).enabled


# The filters


def test_the_wavelets_are_orthonormal_and_the_octaves_are_all_of_a_picture():
    for wavelet in map(np.array, (SYM6, SYM2)):
        np.testing.assert_allclose(wavelet.sum(), math.sqrt(2))
        # Their transfer function has a zero of order N at the highest frequency: N vanishing moments.
        signs, place = (-1.0) ** np.arange(len(wavelet)), np.arange(len(wavelet)) / len(wavelet)
        for order in range(len(wavelet) // 2):
            assert abs((signs * wavelet * place**order).sum()) < 1e-9
        for lag in range(0, len(wavelet), 2):
            np.testing.assert_allclose(wavelet[lag:] @ wavelet[: len(wavelet) - lag], lag == 0, atol=1e-11)
    np.testing.assert_allclose(module._octaves(20).sum(0), np.eye(20), atol=1e-15)


def test_whole_pixels_through_the_filters_are_whole_pixels():
    x, by = noise(4, (8, 12, 1)), np.array([[3, -2, 0, 20], [1, -5, 0, -30]])
    same, on = np.eye(2)[:, :, None] * np.ones(4), np.ones(4, bool)
    moved = jax.jit(module._moved)
    here = np.asarray(moved(x, on, same, np.zeros((2, 4)), by))
    np.testing.assert_allclose(here, moved(x, on, same, by, np.zeros((2, 4))), atol=2e-6)
    wide = np.pad(x, ((0, 0), (30, 30), (30, 30), (0, 0)), mode="reflect")
    for row, (down, right) in enumerate(by.T):
        np.testing.assert_allclose(here[row], wide[row, 30 - down : 38 - down, 30 - right : 42 - right], atol=2e-6)


# The draws


def test_pictures_are_mirrored_turned_and_shifted_as_often_as_said():
    """Of 8 pixels a shift is by 1, 0 or -1: a quarter, half and a quarter of the draws."""
    count, x = 4096, np.arange(64, dtype=np.float32).reshape(8, 8)
    made = np.asarray(applied(Ada(blit=0.8), np.broadcast_to(x[..., None], (count, 8, 8, 1)), jnp.float32(1)))[..., 0]
    seen = np.zeros((2, 4, 3, 3))
    for mirrored in range(2):
        for turns in range(4):
            wide = np.pad(np.rot90(x[:, ::-1] if mirrored else x, turns), 1, mode="reflect")
            for row in range(3):
                for column in range(3):
                    window = wide[row : row + 8, column : column + 8]
                    seen[mirrored, turns, row, column] = (made == window).all((1, 2)).sum()
    assert seen.sum() == count
    # Each of the three with probability 0.8, a shift along both axes.
    shift = 0.8 * np.multiply.outer([0.25, 0.5, 0.25], [0.25, 0.5, 0.25]) + 0.2 * np.eye(3)[1][:, None] * np.eye(3)[1]
    turn = 0.8 * np.full(4, 0.25) + 0.2 * np.eye(4)[0]
    expected = np.einsum("m,t,rc->mtrc", [0.6, 0.4], turn, shift)
    assert abs(seen / count - expected).max() < 5 * np.sqrt(expected.max() / count)
    assert abs(seen.sum((0, 2, 3)) / count - turn).max() < 5 * np.sqrt(0.25 / count)


def test_colours_are_drawn_as_said():
    count = 4096
    pixels = np.concatenate([np.zeros((1, 3)), np.eye(3)]).reshape(2, 2, 3)
    made = np.asarray(applied(Ada(color=1), np.broadcast_to(pixels, (count, 2, 2, 3)), jnp.float32(1)), np.float64)
    made = made.reshape(count, 4, 3)
    matrix = (made[:, 1:] - made[:, :1]).transpose(0, 2, 1)
    along = matrix.sum((1, 2)) / 3
    share_of(along < 0, 0.5)
    brightness = made[:, 0].mean(1) / along
    across = matrix @ np.array([1, -1, 0]) / math.sqrt(2)
    size = np.linalg.norm(across, axis=1) / abs(along)
    angle = np.arctan2(across @ np.array([1, 1, -2]) / math.sqrt(6), across @ np.array([1, -1, 0]) / math.sqrt(2))
    for drawn, deviation in ((brightness, 0.2), (np.log2(abs(along)), 0.5), (np.log2(size), 1.0)):
        assert abs(drawn.mean()) < 5 * deviation / math.sqrt(count)
        assert abs(drawn.std() / deviation - 1) < 5 / math.sqrt(2 * count)
    turns, _ = np.histogram(angle, 8, (-math.pi, math.pi))
    assert abs(turns - count / 8).max() < 5 * math.sqrt(count / 8)


def test_each_step_has_its_own_probability_and_upright_pictures_stay_upright():
    count, p, ada = 4096, 0.4, Ada(geometry=0.5, cutout=1, upright=True)
    ramp = np.linspace(-1, 1, 6, dtype=np.float32)[:, None, None]
    x = np.broadcast_to(ramp, (count, 6, 6, 1))
    made = np.asarray(applied(ada, x, jnp.float32(p)))
    hidden = (made == 0).any((1, 2, 3))
    share_of(hidden, p)  # its middle is inside: at least one pixel is hidden
    share_of((made == x).all((1, 2, 3)), (1 - 0.5 * p) ** 3 * (1 - p))  # scale, stretch and parts of pixels
    assert np.ptp(made[~hidden], axis=2).max() < 1e-5
    assert (made[~hidden, 4] > made[~hidden, 1]).mean() > 0.9  # but where a shift shows the other side of the mirror


@pytest.mark.eight_devices
def test_noise_has_the_deviation_of_its_draw_on_one_device_and_on_eight():
    x, mesh = np.zeros((512, 6, 6, 1)), Mesh(np.array(jax.devices()[:8]), (rows.AXIS,))
    augmentation = Augmentation(ada=Ada(noise=1))
    function = lambda x: augmentation.apply(KEY, x, 1)  # noqa: E731
    made = jax.jit(jax.shard_map(function, mesh=mesh, in_specs=P(rows.AXIS), out_specs=P(rows.AXIS)))(x)
    np.testing.assert_allclose(made, applied(augmentation, x, jnp.float32(1)), atol=1e-6)
    made = np.asarray(made)
    # E[s^2] = .01, whose spread over the rows is that of a square: sqrt 2 times its mean.
    assert abs((made**2).mean() / 0.01 - 1) < 5 * math.sqrt(2 / 512)
    assert made.std((1, 2, 3)).min() < 0.01 < 0.2 < made.std((1, 2, 3)).max()


# Gradients, fields


def test_gradients_are_those_of_finite_differences_twice():
    with jax.enable_x64(True):
        random = np.random.default_rng(1)
        x, direction = random.uniform(-1, 1, (2, 3, 5, 5, 3))
        weights = random.normal(size=(5 * 5 * 3, 4))

        def both(x):
            """A score and the square of its gradient, as R1 has it."""
            score = lambda x: jnp.tanh(BGC.apply(KEY, x, 0.8).reshape(3, -1) @ weights / 10).sum()  # noqa: E731
            value, slope = jax.value_and_grad(score)(x)
            return jnp.square(slope).sum(), (value, slope)

        function = jax.jit(rows.solo(jax.value_and_grad(both, has_aux=True)))
        epsilon = 1e-5
        ((above, (high, _)), _), ((below, (low, _)), _), ((_, (_, first)), second) = (
            function(x + e * direction) for e in (epsilon, -epsilon, 0)
        )
        for slope, difference in ((first, high - low), (second, above - below)):
            np.testing.assert_allclose((slope * direction).sum(), difference / (2 * epsilon), rtol=1e-6)
            assert abs(difference) > 1e-7


def test_fields():
    with pytest.raises(UserError, match=r"Ada\.blit is 1\.5: it must be from 0 to 1"):
        Ada(blit=1.5)
    given = parse(Augmentation, "", ["--ada.blit", "1", "--ada.geometry", "1", "--ada.color", "1", "--target", "0.6"])
    assert given == Augmentation(ada=BGC, target=0.6)
    assert decode_value(encode(given), "here") == given
    before = {name: value for name, value in encode(Augmentation(color=True)).items() if name != "ada"}
    assert decode_value(before, "a workdir of before") == Augmentation(color=True)


@pytest.mark.parity
def test_geometry_is_that_of_torch():
    """Through `grid_sample`, by places in units of the picture, and convolutions with a stride."""
    import torch
    from torch.nn import functional

    taps = torch.tensor(SYM6, dtype=torch.float64)

    def execute(picture, places):
        side, margin = len(picture), 3 * len(picture)
        x = torch.tensor(np.pad(picture, ((margin, margin), (margin, margin), (0, 0)), mode="reflect")).permute(2, 0, 1)
        wide = 2 * x.shape[1]
        kernel = torch.outer(taps, taps)
        # Transposed with stride 2: pixel i adds its taps from 2i - 5 on.
        large = functional.conv_transpose2d(x[:, None], 2 * kernel[None, None], stride=2, padding=5)
        large = functional.pad(large, (0, wide - large.shape[3], 0, wide - large.shape[2]))
        # A place p around the middle is the index 2p + side - 1, half a pixel before the middle of twice the picture.
        double, half = np.diag([2.0, 2, 1]), shifted(-0.5, -0.5)
        places = half @ double @ places @ np.linalg.inv(half @ double)
        swap = np.array([[0, 1, 0], [1, 0, 0], [0, 0, 1]])  # torch says x before y
        size = 2 * side + 12
        units = np.diag([2 / wide, 2 / wide, 1]) @ swap @ places @ swap @ np.diag([size / 2, size / 2, 1])
        grid = functional.affine_grid(torch.tensor(units[None, :2]), [1, 1, size, size], align_corners=False)
        grid = grid.expand(len(large), -1, -1, -1)
        seen = functional.grid_sample(large, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
        seen = seen[:, :, 1:-1, 1:-1]
        return functional.conv2d(seen, kernel[None, None] / 2, stride=2)[:, 0].permute(1, 2, 0).numpy()

    x = noise(32)
    np.testing.assert_allclose(applied(BGC, x, jnp.float32(0.9)), written_out(BGC, x, 0.9, execute), atol=2e-5)
