"""`jaxgan project`: find the latents of pictures of your own."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import tyro

from jaxgan import conditions
from jaxgan.commands.inputs import find_inputs
from jaxgan.commands.of_run import GIVEN, OfRun, check_numbers, given_by
from jaxgan.commands.parsing import complain, parse
from jaxgan.data.pictures import BadPicture, center, read_picture
from jaxgan.errors import UserError
from jaxgan.media import film

if TYPE_CHECKING:
    from jaxgan.latent.projection import Distance
    from jaxgan.run import Run

FRAMES = 48
"""Of a film."""


@dataclasses.dataclass(frozen=True)
class Project(OfRun):
    """Find where a run's generator comes nearest to pictures of your own; a sheet shows each above what was found.

    The latents are kept in WORKDIR/projections/NAME.npy: for `jaxgan edit --latents`, and `jaxgan.restore(WORKDIR).decode`.
    """

    pictures: tyro.conf.Positional[Annotated[str, tyro.conf.arg(metavar="PICTURE")]]
    """A picture, a folder of pictures, or a pattern in quotes."""
    steps: int = 500
    """Of gradient descent."""
    each_layer: bool = False
    """In StyleGAN's W, a latent for each layer (W+): nearer to the picture, and harder to edit."""
    features_file: str | None = None
    """A file of VGG16's weights: the distance is then LPIPS. Without it, squared differences at several sizes."""
    num: int = 8
    """The first so many of a folder."""
    seed: int = 0
    """Of the noise of the search."""
    label: str | None = None
    """The class, by name or number, that a conditional system is held at; the first class by default."""
    given: Annotated[tyro.conf.UseAppendAction[tuple[str, ...]], tyro.conf.arg(help=GIVEN, metavar="NAME=VALUE")] = ()
    fps: int = 12
    """Frames a second of a film."""
    out: Path | None = None
    """A .png sheet, or a .gif or .mp4 film of how it got there; WORKDIR/projections/NAME.png by default."""


def run(argv: list[str]) -> int:
    """Find the latents of pictures."""
    arguments = parse(Project, "jaxgan project", argv)
    check_numbers(arguments.seed, num=arguments.num, steps=arguments.steps, fps=arguments.fps)
    found, _ = find_inputs(arguments.pictures)
    folder = arguments.workdir / "projections"
    out = film.check(arguments.out or folder / f"{next(iter(found.values())).stem}.png")
    trained = arguments.open()
    trained.check_latents()
    names, pictures = _read(trained, list(found.values())[: arguments.num])
    held = conditions.held(trained.record, given_by(arguments.label, arguments.given))
    from jaxgan.latent.projection import project

    moves = out.suffix.lower() != ".png"
    result = project(
        trained, pictures, _distance(arguments.features_file), arguments.steps, each_layer=arguments.each_layer,
        frames=FRAMES if moves else 1, seed=arguments.seed, held=held,
    )  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    for name, latent in zip(names, result.latents, strict=True):
        np.save(folder / f"{name}.npy", latent[None], allow_pickle=False)
    medium = trained.record.medium
    if moves:  # each beside what was made on the way
        film.write(_beside(pictures, result.way), out, fps=arguments.fps, medium=medium)
    else:
        from jaxgan.commands.latents import before_and_after

        out.parent.mkdir(parents=True, exist_ok=True)
        before_and_after(pictures, np.clip(result.way[-1], -1, 1), medium).save(out)
    listed = ", ".join(f"{name} {distance:.3g}" for name, distance in zip(names, result.distances, strict=True))
    print(f"step {trained.step}: distances {listed}; in {out}, latents in {folder}")
    return 1 if len(names) < min(len(found), arguments.num) else 0


def _read(trained: "Run", paths: list[Path]) -> tuple[list[str], np.ndarray]:
    """The pictures [N, H, W, C] in [-1, 1] that can be read, at the run's size, and their names."""
    height, width, channels = trained.record.picture().shape
    names, pictures = [], []
    for path in paths:
        try:
            pixels = center(read_picture(path, channels, min(height, width)), height, width)
        except BadPicture as error:
            complain(f"cannot read {path}: {error}")
            continue
        names.append(path.stem)
        pictures.append(pixels.astype(np.float32) / 127.5 - 1)
    if not pictures:
        raise UserError("none of the pictures could be read")
    return names, np.stack(pictures)


def _distance(features_file: str | None) -> "Distance":
    from jaxgan.latent.projection import pyramid_distance
    from jaxgan.metrics.lpips import load_lpips, lpips_distance

    if features_file is None:
        return pyramid_distance
    variables = load_lpips(features_file).variables
    return lambda a, b: lpips_distance(variables, a, b)


def _beside(pictures: np.ndarray, way: np.ndarray) -> np.ndarray:
    """Frames [K, 2 H, N W, C]: the pictures above what was made of them."""
    above = np.broadcast_to(pictures, way.shape)
    both = np.concatenate([above, np.clip(way, -1, 1)], 2)
    frames, count, height, width, channels = both.shape
    return both.transpose(0, 2, 1, 3, 4).reshape(frames, height, count * width, channels)
