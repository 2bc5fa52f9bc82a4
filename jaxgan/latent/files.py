"""Directions in a workdir: directions/NAME.npz, plain arrays that say what they were made of."""

import dataclasses
import io
import re
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from jaxgan.cache import write_whole
from jaxgan.errors import UserError, nearest

if TYPE_CHECKING:
    from jaxgan.run import Run

FOLDER = "directions"


@dataclasses.dataclass(frozen=True)
class Direction:
    """A direction of one checkpoint of one run.

    Attributes:
        name: of its file.
        vector: float32, of the shape of one latent, `standardized`.
        made: how, in words.
        step: of the checkpoint.
        digest: of the checkpoint's state.
        weights: which of the networks' weights it was found with, "ema" or "raw".
    """

    name: str
    vector: np.ndarray
    made: str
    step: int
    digest: str
    weights: str = "ema"


def save(workdir: Path, direction: Direction) -> Path:
    """Write a direction into its workdir; one of the same name is replaced."""
    path = workdir / FOLDER / f"{direction.name}.npz"
    content = io.BytesIO()
    np.savez(content, **{key: value for key, value in vars(direction).items() if key != "name"})
    write_whole(path, content.getvalue())
    return path


def load(run: "Run", name: str) -> Direction:
    """The direction of a run by its name; nothing in the file is executed.

    Raises:
        UserError: there is none, its file is damaged, or it belongs to another run, another step or other latents.
    """
    folder = run.workdir / FOLDER
    path = folder / f"{name}.npz"
    known = sorted(file.stem for file in folder.glob("*.npz"))
    if name not in known:
        hint = f"{nearest(name, known)} There are {', '.join(known)};" if known else ":"
        make = f"jaxgan directions {run.workdir} --attribute {name}"
        raise UserError(f'{run.workdir} has no direction "{name}"{hint} make it with {make}')
    try:
        with np.load(path, allow_pickle=False) as file:
            direction = Direction(
                name,
                file["vector"],
                str(file["made"]),
                int(file["step"]),
                str(file["digest"]),
                str(file["weights"]) if "weights" in file.files else "ema",
            )
    except (ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile) as error:
        raise UserError(
            f"{path} is not a direction that jaxgan can read: make it again with jaxgan directions"
        ) from error
    shape = run.latents(1, space=run.system.spaces[0]).shape[1:]
    if direction.vector.shape != shape or direction.vector.dtype.kind != "f":
        raise UserError(
            f"{path} is of latents of shape {list(direction.vector.shape)}, and those of this run are {list(shape)}: "
            "make it again with jaxgan directions"
        )
    if direction.weights != run.weights:
        raise UserError(
            f"{path} is of the weights {direction.weights}, and the run is opened with {run.weights}: give --weights "
            f"{direction.weights}, or make it again with jaxgan directions"
        )
    if direction.digest != run.digest:
        whose = "another run" if direction.step == run.step else f"step {direction.step}, and this is step {run.step}"
        raise UserError(f"{path} belongs to {whose}: make it again with jaxgan directions")
    return direction


def file_name(attribute: str) -> str:
    """An attribute as the name of a direction: what a file's name cannot hold everywhere becomes "-"."""
    return re.sub(r"[^\w=.-]+", "-", attribute).strip("-.") or "direction"
