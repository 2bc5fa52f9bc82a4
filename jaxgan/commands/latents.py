"""What the commands on the latent space share; not a command itself."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

import jaxgan
from jaxgan import configs
from jaxgan.errors import UserError
from jaxgan.media import Medium
from jaxgan.media.base import tiled

if TYPE_CHECKING:
    from jaxgan.run import Run

ROW = 8
"""Pictures in a row of a sheet."""


def open_run(workdir: Path, step: int | None, config: str | None, *, captions: bool = False) -> "Run":
    """The run of a workdir; `captions` says that the command can hold one, or move between them.

    Raises:
        UserError: as `jaxgan.restore`; or its system has no latent space, or one that wants captions.
    """
    experiment = configs.load(config) if config else None
    run = jaxgan.restore(workdir, step=step, experiment=experiment)
    run.latents(1)
    if "text" in run.system.conditions and not captions:
        raise UserError(
            f"{workdir} makes pictures of captions, and this command knows none: change the caption instead, with jaxgan "
            "sample --text or jaxgan interpolate --between texts"
        )
    return run


def check_numbers(seed: int, **at_least_one: int) -> None:
    """Raises: UserError: the seed is none, or a number is below 1."""
    if not 0 <= seed < 2**32:
        raise UserError(f"--seed {seed}: it must be a whole number from 0 to {2**32 - 1}")
    for name, value in at_least_one.items():
        if value < 1:
            raise UserError(f"--{name} {value}: it must be at least 1")


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
