"""Precision, recall, density and coverage against all distances at once, and where they are known."""

import numpy as np
import pytest

from jaxgan.errors import UserError
from jaxgan.metrics import manifold
from jaxgan.metrics.manifold import density_coverage, precision_recall

GENERATOR = np.random.default_rng(0)
REAL, FAKE = GENERATOR.normal(size=(60, 3)), GENERATOR.normal(size=(40, 3)) * 1.5 + 0.5


def distances(x, y):
    return np.sqrt(np.square(x[:, None] - y[None]).sum(-1))


@pytest.mark.parametrize("block", [manifold.BLOCK, 300, 1], ids=["whole", "a few rows", "row by row"])
def test_against_all_distances_at_once(monkeypatch, block):
    monkeypatch.setattr(manifold, "BLOCK", block)
    real_radii, fake_radii = (np.sort(distances(points, points))[:, 3] for points in (REAL, FAKE))
    between = distances(REAL, FAKE)
    wanted = (between <= real_radii[:, None]).any(0).mean(), (between <= fake_radii).any(1).mean()
    assert all(0.2 < share < 1 for share in wanted)
    assert precision_recall(REAL, FAKE) == pytest.approx(wanted)

    radii = np.sort(distances(REAL, REAL))[:, 5]
    inside = between < radii[:, None]
    assert density_coverage(REAL, FAKE) == pytest.approx((inside.sum() / (5 * 40), inside.any(1).mean()))


@pytest.mark.parametrize("offset", [0, 1e5])
def test_the_set_itself(offset):
    features = np.float32(REAL + offset)
    assert precision_recall(features, features) == (1, 1)
    assert density_coverage(features, features[::-1]) == (1, 1)


def test_sets_far_apart():
    assert precision_recall(REAL, REAL + 1000) == (0, 0)
    assert density_coverage(REAL, REAL + 1000) == (0, 0)


def test_collapse_is_precise_and_recalls_little():
    """One real picture over and over: its balls have no radius, and contain itself alone."""
    fake = np.tile(REAL[:1], (20, 1))
    assert precision_recall(REAL, fake) == pytest.approx((1, 1 / 60))
    assert density_coverage(REAL, fake).coverage < 0.3


def test_an_outlier_inflates_precision_and_not_density():
    """Naeem et al. 2020, figure 2: one real outlier spans a ball that holds whatever lies between."""
    real = np.vstack([REAL, [[100.0, 0, 0]]])
    between = GENERATOR.normal(size=(50, 3)) + np.array([50, 0, 0])
    assert precision_recall(real, between).precision > 0.4
    assert density_coverage(real, between).density < 0.25


def test_sets_that_cannot_be_compared():
    with pytest.raises(UserError, match="more than 3 fake pictures, but there are 3"):
        precision_recall(REAL, FAKE[:3])
    with pytest.raises(UserError, match="more than 5 real pictures, but there are 5"):
        density_coverage(REAL[:5], FAKE)
    with pytest.raises(UserError, match="fake pictures have the shape"):
        density_coverage(REAL, FAKE[:, :2])
    with pytest.raises(UserError, match="more than 0 fake pictures"):
        density_coverage(REAL, FAKE[:0])
