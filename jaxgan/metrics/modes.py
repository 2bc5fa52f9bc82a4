"""How much of a mixture of Gaussians a generator covers, and how sharply: what mode collapse looks like as two numbers."""

from dataclasses import dataclass

import numpy as np

from jaxgan.data.sets.points import Points
from jaxgan.errors import UserError

PROTOCOL_SAMPLES = 2500
"""How many samples the literature judges by: more of them would cover more modes."""


@dataclass(frozen=True)
class Modes:
    """What `modes_covered` finds."""

    covered: int
    """Modes with at least one good sample."""
    of: int
    """Modes that there are."""
    good: float
    """Share of the samples that are good, in [0, 1]. The data itself reaches 1 - exp(-9 / 2) = 0.989."""

    def __str__(self) -> str:
        return f"{self.covered} of {self.of} modes, {self.good:.1%} good samples"


def modes_covered(points: np.ndarray, data: Points) -> Modes:
    """The modes that samples cover, and the share of good samples.

    The protocol of VEEGAN (Srivastava et al. 2017, section 5.1) and PacGAN (Lin et al. 2018, section 4.1): of 2,500 samples
    (`PROTOCOL_SAMPLES`), one is good ("high quality") if it lies within three standard deviations of the centre of the nearest
    mode, and a mode is covered if at least one good sample is nearest to it.

    Args:
        points: samples [N, 2], in the units of the data.
        data: the ring or the grid.

    Raises:
        UserError: the distribution has no modes, or these are not points of the plane.

    >>> from jaxgan.data import Points
    >>> ring = Points(distribution="ring")
    >>> print(modes_covered([[0.0, 0.0], *ring.modes[:3]], ring))
    3 of 8 modes, 75.0% good samples
    """
    points = np.asarray(points, np.float64)
    if not len(data.modes):
        raise UserError(f"the distribution {data.distribution} has no modes to cover: choose ring or grid")
    if points.ndim != 2 or points.shape[1] != 2 or not len(points):
        raise UserError(f"modes are counted of points [N, 2], but the samples have the shape {list(points.shape)}")
    distances = np.linalg.norm(points[:, None] - data.modes, axis=-1)
    nearest = distances.argmin(axis=1)
    good = distances.min(axis=1) <= 3 * data.deviation
    return Modes(covered=len(np.unique(nearest[good])), of=len(data.modes), good=float(good.mean()))
