"""Points in the plane: samples over data, and a critic's level sets. The same input gives the same pixels."""

import dataclasses
from collections.abc import Callable

import numpy as np
from PIL import Image

from jaxgan.media.base import Medium

INCHES, DPI = 5.0, 96
"""Side of a picture, and its dots per inch: 480 pixels."""
REAL, FAKE = "#f2842c", "#2a6f3c"
RESOLUTION = 128
"""Points along each side of the lattice on which a critic is evaluated."""
MARGIN = 0.15
"""Room around the data, as a share of its extent."""


@dataclasses.dataclass(frozen=True)
class Points(Medium):
    """A point of the plane [2]: many make a picture.

    >>> Points().sheet(np.zeros((100, 2), np.float32)).size
    (480, 480)
    """

    one, many = "point", "points"
    metrics = ("modes", "fid")
    shown = 1024
    alone = False

    def check(self, shape, dtype):
        if tuple(shape) != (2,) or np.dtype(dtype).kind != "f":
            self.refuse(shape, dtype, "floats [2]")

    def still(self, x):
        """A dot in the middle, which says nothing."""
        return scatter(np.asarray(x)[None])

    def sheet(self, examples, columns=None, real=None):
        """A plot of all, over some of the data where it is given."""
        return scatter(examples, real)


def scatter(points: np.ndarray, real: np.ndarray | None = None) -> Image.Image:
    """Points [N, 2] as dots; over the data, in another colour, where it is given.

    The window is that of the data, so pictures of one run can be compared: points beyond it are not seen.

    Args:
        points: samples [N, 2].
        real: data [M, 2].

    Returns:
        An RGB picture of 480 x 480 pixels.
    """
    figure, axes = _figure(points if real is None else real)
    if real is not None:
        axes.scatter(*np.asarray(real).T, s=5, c=REAL, linewidths=0, alpha=0.6)
    axes.scatter(*np.asarray(points).T, s=5, c=FAKE, linewidths=0, alpha=0.6)
    return _image(figure)


def level_sets(critic: Callable[[np.ndarray], np.ndarray], real: np.ndarray, fake: np.ndarray) -> Image.Image:
    """The level sets of a critic over data and samples, as figure 2 of Gulrajani et al. 2017 (arXiv:1704.00028) shows them.

    Brighter is more real. Where the levels follow the modes, the critic has seen them; a critic whose weights are clipped
    draws broad bands instead.

    Args:
        critic: points float32 [N, 2] to scores [N]; called once, with a lattice of 16,384 points.
        real: data [M, 2].
        fake: samples [M, 2].

    Returns:
        An RGB picture of 480 x 480 pixels.
    """
    figure, axes = _figure(real)
    xs, ys = (np.linspace(*limits, RESOLUTION, dtype=np.float32) for limits in (axes.get_xlim(), axes.get_ylim()))
    lattice = np.stack(np.meshgrid(xs, ys), axis=-1)
    scores = np.asarray(critic(lattice.reshape(-1, 2)), np.float64).reshape(RESOLUTION, RESOLUTION)
    axes.contourf(xs, ys, scores, levels=24, cmap="gray")
    axes.contour(xs, ys, scores, levels=12, colors="#3060c0", linewidths=0.6, linestyles="solid")
    axes.scatter(*np.asarray(real).T, s=4, c=REAL, linewidths=0, alpha=0.7)
    axes.scatter(*np.asarray(fake).T, s=4, c=FAKE, linewidths=0, alpha=0.7)
    return _image(figure)


def _figure(window: np.ndarray):
    """A figure without frame or ticks, and its axes, which show the extent of the points `window` with some room around."""
    from matplotlib.figure import Figure  # slow to import; without pyplot there is no global state, and no display

    figure = Figure(figsize=(INCHES, INCHES), dpi=DPI)
    axes = figure.add_axes((0, 0, 1, 1))
    low, high = np.min(window, axis=0), np.max(window, axis=0)
    centre, reach = (low + high) / 2, np.max(high - low) * (0.5 + MARGIN) or 1.0
    axes.set_xlim(centre[0] - reach, centre[0] + reach)
    axes.set_ylim(centre[1] - reach, centre[1] + reach)
    axes.set_axis_off()
    return figure, axes


def _image(figure) -> Image.Image:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return Image.fromarray(np.array(canvas.buffer_rgba())[..., :3])
