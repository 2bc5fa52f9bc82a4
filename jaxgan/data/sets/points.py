"""Toy distributions of points in the plane: what a GAN misses can be seen in a scatter plot and counted.

The three of Gulrajani et al. 2017 (arXiv:1704.00028, section 4.1, figure 2): 8 Gaussians on a ring, 25 on a grid, and a swiss
roll, with the deviations and divisors of its published code. The modes of the grid are 1 apart before the division, 20
standard deviations, where that code has 2, or 40: figures of the two must not be compared.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from jaxgan import fields
from jaxgan.data.base import Records


@dataclass(frozen=True)
class Mixture:
    """Gaussians of equal weight: centres [M, 2] and one standard deviation, both in the units of the formula."""

    centres: np.ndarray
    deviation: float
    scale: float
    """What the points are divided by."""


def _ring() -> Mixture:
    """8 Gaussians, a radius of 2 and a deviation of 0.02."""
    angles = np.arange(8) * np.pi / 4
    return Mixture(2 * np.stack([np.cos(angles), np.sin(angles)], axis=1), deviation=0.02, scale=np.sqrt(2))


def _grid() -> Mixture:
    """25 Gaussians at {-2, -1, 0, 1, 2} x {-2, -1, 0, 1, 2}, with a deviation of 0.05."""
    ticks = np.arange(-2.0, 3.0)
    centres = np.stack(np.meshgrid(ticks, ticks, indexing="ij"), axis=-1).reshape(-1, 2)
    return Mixture(centres, deviation=0.05, scale=2 * np.sqrt(2))


MIXTURES = {"ring": _ring(), "grid": _grid()}

ROLL_NOISE, ROLL_SCALE = 0.25, 7.5


@dataclass(frozen=True, kw_only=True)
class Points:
    """Points of a toy distribution. They are drawn once: an epoch is the same `count` points again.

    >>> ring = Points(distribution="ring", count=5)
    >>> ring.modes.shape, ring.load().examples[0]["image"].shape
    ((8, 2), (2,))
    """

    distribution: Literal["ring", "grid", "swiss_roll"] = "grid"
    """8 Gaussians on a ring, 25 on a grid, or a spiral."""
    count: int = 100_000
    """How many points."""
    seed: int = 0
    """Of the points; the run's own seed decides only their order."""

    def __post_init__(self) -> None:
        fields.check(self)

    @property
    def modes(self) -> np.ndarray:
        """Centres of the Gaussians [M, 2], in the units of the points; [0, 2] for the swiss roll, which has none."""
        mixture = MIXTURES.get(self.distribution)
        return mixture.centres / mixture.scale if mixture else np.empty((0, 2))

    @property
    def deviation(self) -> float:
        """Standard deviation of each Gaussian (of the noise across the swiss roll), in the units of the points."""
        mixture = MIXTURES.get(self.distribution)
        return float(mixture.deviation / mixture.scale) if mixture else ROLL_NOISE / ROLL_SCALE

    def load(self) -> Records:
        """Draws the points. "image" is float32 [2].

        It is called so because that is the entry that systems of one kind of input read: to them a point is a picture of
        another shape, and the same system trains on both, with networks for either.
        """
        return Records(_Rows(self.draw(self.count, np.random.default_rng(self.seed))))

    def draw(self, count: int, random: np.random.Generator) -> np.ndarray:
        """Points float32 [count, 2] of the distribution."""
        if self.distribution == "swiss_roll":
            angle = 1.5 * np.pi * (1 + 2 * random.random(count))
            places = np.stack([angle * np.cos(angle), angle * np.sin(angle)], axis=1) / ROLL_SCALE
        else:
            places = self.modes[random.integers(len(self.modes), size=count)]
        return np.float32(places + self.deviation * random.normal(size=(count, 2)))

    def transform(self, example: dict[str, Any], random: np.random.Generator) -> dict[str, np.ndarray]:
        """The example as it is: nothing about a point is random but which one it is."""
        del random
        return example


class _Rows(Sequence):
    """The rows of an array, each as an example."""

    def __init__(self, points: np.ndarray):
        self._points = points

    def __len__(self) -> int:
        return len(self._points)

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        return {"image": self._points[index]}
