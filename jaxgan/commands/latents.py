"""What the commands on the latent space share; not a command itself."""

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from jaxgan.errors import UserError
from jaxgan.media import Medium
from jaxgan.media.base import tiled

if TYPE_CHECKING:
    from jaxgan.run import Run

ROW = 8
"""Pictures in a row of a sheet."""


def check_strength(strength: float) -> None:
    """Raises: UserError: it is not finite."""
    if not np.isfinite(strength):
        raise UserError(f"--strength {strength}: it must be a number, such as 2")


def classifier_of(run: "Run"):
    """The classifier of the attributes of the run's data.

    Raises:
        UserError: the data has no labels.
    """
    from jaxgan.metrics.classifier import load_classifier

    return load_classifier(run.experiment.data)


def before_and_after(before: np.ndarray, after: np.ndarray, medium: Medium) -> Image.Image:
    """A sheet of examples [N, ...], each above its edit."""
    if not medium.alone:
        raise UserError(
            f"one of the {medium.many} alone shows nothing, and its edit no more: this is for what can be seen"
        )
    columns, tiles = min(len(before), ROW), []
    for start in range(0, len(before), columns):
        for row in (before, after):
            some = [medium.still(x) for x in medium.checked(row)[start : start + columns]]
            tiles += some + [None] * (columns - len(some))
    return tiled(tiles, columns)
