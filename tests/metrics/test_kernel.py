"""The kernel distance against its formula, pair by pair."""

import itertools

import numpy as np
import pytest

from jaxgan.errors import UserError
from jaxgan.metrics.kernel import common_subset_size, kernel_distance, polynomial_mmd2

GENERATOR = np.random.default_rng(0)
REAL, FAKE = GENERATOR.normal(size=(9, 4)), GENERATOR.normal(size=(7, 4)) + 0.5


def kernel(x, y):
    return (sum(a * b for a, b in zip(x, y, strict=True)) / 4 + 1) ** 3


def test_pair_by_pair():
    within = [np.mean([kernel(x, y) for x, y in itertools.permutations(points, 2)]) for points in (REAL, FAKE)]
    between = np.mean([kernel(x, y) for x in REAL for y in FAKE])
    assert polynomial_mmd2(REAL, FAKE) == pytest.approx(sum(within) - 2 * between, rel=1e-12)


def test_it_is_unbiased():
    """Around 0 for two samples of one distribution, however small; with the diagonals it would be above."""
    generator = np.random.default_rng(1)
    values = [polynomial_mmd2(*generator.normal(size=(2, 5, 3))) for _ in range(2000)]
    assert abs(np.mean(values)) < 4 * np.std(values) / np.sqrt(len(values))
    # E k(x, x) is at least (3 / 3 + 1)^3 = 8 and E k(x, y) is 2: with its diagonals, either mean would be more by 6 / 5.
    biased_by = 2 * 6 / 5
    assert 10 * np.std(values) / np.sqrt(len(values)) < biased_by


def test_over_subsets():
    mean, deviation = kernel_distance(REAL, FAKE, subsets=300, subset_size=4, seed=0)
    assert mean == pytest.approx(polynomial_mmd2(REAL, FAKE), abs=4 * deviation / np.sqrt(300))
    assert deviation > 0
    assert kernel_distance(REAL, FAKE, subsets=3, subset_size=4) == kernel_distance(
        REAL, FAKE, subsets=3, subset_size=4
    )
    assert kernel_distance(REAL, FAKE, 3, 4, seed=0) != kernel_distance(REAL, FAKE, 3, 4, seed=1)


def test_a_subset_is_no_larger_than_the_smaller_set():
    assert common_subset_size(5000, 3000) == 1000
    assert common_subset_size(5000, 300) == 300
    whole = kernel_distance(REAL[:7], FAKE, subset_size=1000)
    assert whole == (polynomial_mmd2(REAL[:7], FAKE), 0.0)


def test_sets_that_cannot_be_compared():
    with pytest.raises(UserError, match="at least 2 pictures"):
        kernel_distance(REAL[:1], FAKE)
    with pytest.raises(UserError, match=r"fake pictures have the shape \[7, 3\], but must be \[pictures, 4\]"):
        kernel_distance(REAL, FAKE[:, :3])
    with pytest.raises(UserError, match=r"fake pictures are not finite .* picture 3"):
        kernel_distance(REAL, np.where(np.arange(7)[:, None] == 3, np.inf, FAKE))
