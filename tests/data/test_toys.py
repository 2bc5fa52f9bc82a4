"""Points in the plane: the constants of the literature, and what systems and pipeline ask of a data set."""

import numpy as np
import pytest

from jaxgan.data import Batches, Points
from jaxgan.errors import UserError


@pytest.mark.parametrize(
    ("distribution", "modes", "deviation"), [("ring", 8, 0.02 / 2**0.5), ("grid", 25, 0.05 / 8**0.5)]
)
def test_mixtures(distribution, modes, deviation):
    data = Points(distribution=distribution)
    points = data.draw(20_000, np.random.default_rng(1))
    offsets = points[:, None] - data.modes
    nearest = np.linalg.norm(offsets, axis=-1).argmin(axis=1)
    counts = np.bincount(nearest, minlength=modes)
    assert (len(data.modes), len(counts)) == (modes, modes)
    assert abs(counts / len(points) * modes - 1).max() < 0.15
    spread = offsets[np.arange(len(points)), nearest]
    np.testing.assert_allclose(spread.std(axis=0), [deviation] * 2, rtol=0.03)
    assert data.deviation == pytest.approx(deviation)


def test_where_the_modes_are():
    grid = Points(distribution="grid").modes * 2 * np.sqrt(2)
    assert {tuple(np.round(mode, 6)) for mode in grid} == {(x, y) for x in range(-2, 3) for y in range(-2, 3)}
    ring = Points(distribution="ring").modes
    np.testing.assert_allclose(np.linalg.norm(ring, axis=1), np.sqrt(2))
    np.testing.assert_allclose(
        np.linalg.norm(ring - np.roll(ring, 1, axis=0), axis=1), 2 * np.sqrt(2) * np.sin(np.pi / 8)
    )


def test_swiss_roll_is_that_of_scikit_learn():
    from sklearn.datasets import make_swiss_roll

    data = Points(distribution="swiss_roll")
    assert data.modes.shape == (0, 2)
    mine = data.draw(20_000, np.random.default_rng(0))
    theirs = make_swiss_roll(20_000, noise=0.25, random_state=0)[0][:, [0, 2]] / 7.5
    for statistic in (np.mean, np.std, np.min, np.max):
        np.testing.assert_allclose(statistic(mine, axis=0), statistic(theirs, axis=0), atol=0.05)
    # A spiral: the angle of a point is its radius, but for the noise.
    x, y = mine.T * 7.5
    away = np.angle(np.exp(1j * (np.arctan2(y, x) - np.hypot(x, y))))
    assert away.std() == pytest.approx(0.25, rel=0.05)


@pytest.mark.parametrize("distribution", ["ring", "grid", "swiss_roll"])
def test_scale(distribution):
    points = Points(distribution=distribution).draw(5000, np.random.default_rng(0))
    assert points.dtype == np.float32
    assert 0.45 < points.std() < 1.1


def test_examples_and_minibatches():
    data = Points(distribution="ring", count=10)
    records = data.load()
    points = np.stack([example["image"] for example in records.examples])
    assert (points.shape, points.dtype, records.classes) == ((10, 2), np.float32, ())
    with Batches(data, batch_size=10, seed=0) as batches:
        assert batches.spec.shapes["image"].shape == (2,)
        batch = next(batches)["image"]
    np.testing.assert_array_equal(np.sort(batch, axis=0), np.sort(points, axis=0))  # one epoch, in an order of its own
    other = Points(distribution="ring", count=10, seed=1).load().examples
    assert not np.array_equal(other[0]["image"], points[0])
    np.testing.assert_array_equal(data.load().examples[3]["image"], points[3])


def test_fields_that_make_no_sense():
    with pytest.raises(UserError, match="did you mean swiss_roll"):
        Points(distribution="swissroll")
    with pytest.raises(UserError, match=r"Points\.count is 0"):
        Points(count=0)
