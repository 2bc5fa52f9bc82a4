"""Precision and recall, density and coverage: two sets of features, each as the balls that reach its nearest neighbours.

One distance mixes up two faults: pictures that look like none of the real ones, and real ones that are never made. These
come as pairs that tell them apart.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from jaxgan.errors import UserError
from jaxgan.metrics.moments import checked_features

BLOCK = 2**21
"""Distances held at once: 16 MiB in float64, whatever the number of pictures."""

TIE = 1e-9
"""Relative difference of squared distances that counts as none."""

SAME = 1e-12
"""Squared distance, relative to a feature vector's squared length, that counts as none: the product formula for distances
rounds there, and so do networks in float32."""


class PrecisionRecall(NamedTuple):
    """What `precision_recall` returns, each in [0, 1]."""

    precision: float
    """Share of the fake that lies among the real: quality."""
    recall: float
    """Share of the real that lies among the fake: variety."""


class DensityCoverage(NamedTuple):
    """What `density_coverage` returns."""

    density: float
    """In how many real neighbourhoods a fake lies, relative to the expected: quality. About 1 for equal distributions; may
    be more where the fake gathers where the real is dense."""
    coverage: float
    """Share of the real whose neighbourhood holds a fake: variety. In [0, 1]."""


def precision_recall(real, fake, neighbours: int = 3) -> PrecisionRecall:
    """Improved precision and recall, by balls around each point that reach its `neighbours`-th nearest of the same set.

        precision = mean_j [fake_j in any ball of the real]      recall = mean_i [real_i in any ball of the fake]

    Kynkaanniemi et al. 2019, section 2, equations 1 and 2 (the ball contains its surface; k = 3). Falls as the count grows:
    state the counts, and take equal ones.

    Args:
        real, fake: features [N, D] and [M, D].
        neighbours: k; the point itself does not count.

    Raises:
        UserError: the features differ in length or are not finite, or there are not more than `neighbours` pictures.

    >>> real, fake = [[0.0], [1.0], [10.0], [11.0]], [[0.5], [0.6], [0.7], [0.8]]
    >>> precision_recall(real, fake, neighbours=1)  # good, but without the half that lies at 10
    PrecisionRecall(precision=1.0, recall=0.0)
    """
    real, fake = _prepared(real, fake, neighbours, neighbours)
    return PrecisionRecall(_share_inside(fake, real, neighbours), _share_inside(real, fake, neighbours))


def density_coverage(real, fake, neighbours: int = 5) -> DensityCoverage:
    """Density and coverage, by balls around the real points alone: outliers among the fake cannot inflate them.

        density = mean_j sum_i [fake_j in ball_i] / k      coverage = mean_i [any fake in ball_i]

    Naeem et al. 2020, section 3.2 (the ball without its surface, as in the authors' code; k = 5). For the real
    set itself, density and coverage are 1.

    Args:
        real, fake: features [N, D] and [M, D].
        neighbours: k; the point itself does not count.

    Raises:
        UserError: the features differ in length or are not finite, or there are not more than `neighbours` real pictures.

    >>> real, fake = [[0.0], [1.0], [10.0], [11.0]], [[0.5], [0.6], [0.7], [0.8]]
    >>> density_coverage(real, fake, neighbours=1)
    DensityCoverage(density=2.0, coverage=0.5)
    """
    real, fake = _prepared(real, fake, neighbours, 0)
    radii = _squared_radii(real, neighbours) * (1 - TIE) - _rounding(real)
    balls, covered = 0, np.zeros(len(real), bool)
    for _, distances in _squared_distances(fake, real):
        inside = distances < radii
        balls += int(np.count_nonzero(inside))
        covered |= inside.any(axis=0)
    return DensityCoverage(balls / (neighbours * len(fake)), float(covered.mean()))


def _share_inside(points: np.ndarray, centres: np.ndarray, neighbours: int) -> float:
    """Share of `points` inside of any ball around `centres`."""
    radii = _squared_radii(centres, neighbours) * (1 + TIE) + _rounding(centres)
    inside = sum(np.count_nonzero((d <= radii).any(axis=1)) for _, d in _squared_distances(points, centres))
    return float(inside / len(points))


def _squared_radii(points: np.ndarray, neighbours: int) -> np.ndarray:
    """Squared distance [N] of each point to its `neighbours`-th nearest other."""
    radii = np.empty(len(points))
    for rows, distances in _squared_distances(points, points):
        # The nearest of all is the point itself.
        radii[rows] = np.partition(distances, neighbours, axis=1)[:, neighbours]
    return radii


def _rounding(points: np.ndarray) -> np.ndarray:
    """Error [N] that squared distances of each point may have."""
    return SAME * np.square(points).sum(axis=1)


def _squared_distances(points: np.ndarray, others: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """|x|^2 + |y|^2 - 2 x . y of `points` [N, D] and `others` [M, D], a few rows [n, M] at a time, and which rows."""
    # As one matrix product, (x, |x|^2, 1) . (-2 y, 1, |y|^2): every other pass over the distances takes as long.
    ones = np.ones((len(points), 1)), np.ones((len(others), 1))
    squares = np.square(points).sum(axis=1, keepdims=True), np.square(others).sum(axis=1, keepdims=True)
    left, right = np.hstack([points, squares[0], ones[0]]), np.hstack([-2 * others, ones[1], squares[1]])
    step = max(1, BLOCK // len(others))
    for start in range(0, len(points), step):
        rows = slice(start, start + step)
        yield rows, left[rows] @ right.T


def _prepared(real, fake, real_neighbours: int, fake_neighbours: int) -> tuple[np.ndarray, np.ndarray]:
    """Both in float64, checked, and moved to the mean of the real: distances stay, cancellation goes."""
    real = checked_features(real, "the real pictures").astype(np.float64)
    fake = checked_features(fake, "the fake pictures", real.shape[1]).astype(np.float64)
    for name, points, neighbours in ("real", real, real_neighbours), ("fake", fake, fake_neighbours):
        if len(points) <= neighbours:
            raise UserError(
                f"{neighbours} nearest neighbours need more than {neighbours} {name} pictures, but there are {len(points)}"
            )
    centre = real.mean(axis=0)
    return real - centre, fake - centre
