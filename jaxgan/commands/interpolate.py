"""`jaxgan interpolate`: walk through the latent space of a trained run."""

import dataclasses
from pathlib import Path
from typing import Literal

import tyro

from jaxgan import film
from jaxgan.commands.latents import check_numbers, open_run
from jaxgan.commands.parsing import parse
from jaxgan.errors import UserError
from jaxgan.latent import path
from jaxgan.latent.attributes import held_class


@dataclasses.dataclass(frozen=True)
class Interpolate:
    """Walk from one latent to the next. A PNG shows each leg as a row; a GIF or MP4 goes back to the first."""

    workdir: tyro.conf.Positional[Path]
    """Folder of the run."""
    frames: int | None = None
    """Pictures from one latent to the next, both included: 8 in a PNG, 24 in a film by default."""
    num: int = 5
    """How many latents are passed through."""
    seed: int = 0
    """Of the latents: those of the first pictures of `jaxgan sample` with this seed."""
    method: Literal["slerp", "lerp"] = "slerp"
    """Along spheres, or along straight lines."""
    label: str | None = None
    """The class, by name or number, that a conditional system is held at; the first by default."""
    truncation: float = 1.0
    """Draw the latents in towards their mean by this factor, as in `jaxgan sample`."""
    fps: int = 12
    """Frames a second of a film."""
    step: int | Literal["best"] | None = None
    """Which checkpoint, or best: what --evaluate-every kept; the newest by default."""
    out: Path | None = None
    """The file, .png, .gif or .mp4; WORKDIR/interpolate.png by default."""
    config: str | None = None
    """The config again, for a system that is not part of jaxgan."""


def run(argv: list[str]) -> int:
    """Walk through the latent space of a trained run."""
    arguments = parse(Interpolate, "jaxgan interpolate", argv)
    out = film.check(arguments.out or arguments.workdir / "interpolate.png")
    check_numbers(arguments.seed, num=arguments.num, fps=arguments.fps)
    if not arguments.truncation >= 0:
        raise UserError(f"--truncation {arguments.truncation}: it must be a number of at least 0; 1 changes nothing")
    moves = out.suffix.lower() != ".png"
    frames = arguments.frames if arguments.frames is not None else 24 if moves else 8
    trained = open_run(arguments.workdir, arguments.step, arguments.config)
    latents = trained.latents(arguments.num, arguments.seed)
    points = path(latents, frames, arguments.method, closed=moves)
    label = held_class(trained, arguments.label)
    made = trained.decode(points, label, truncation=arguments.truncation)
    if not moves:  # each leg from its first latent to its last, which begins the next
        made = made[[leg * (frames - 1) + i for leg in range(arguments.num - 1) for i in range(frames)]]
    film.write(made, out, columns=frames, fps=arguments.fps)
    print(f"{len(made)} pictures through {arguments.num} latents of step {trained.step} in {out}")
    return 0
