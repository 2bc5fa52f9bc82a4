"""`jaxgan interpolate`: walk through the latent space of a trained run, or from caption to caption."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
import tyro

from jaxgan import conditions
from jaxgan.commands.of_run import GIVEN, OfRun, check_numbers, given_by
from jaxgan.commands.parsing import parse
from jaxgan.conditions import captions
from jaxgan.errors import UserError
from jaxgan.latent import path
from jaxgan.media import film

if TYPE_CHECKING:
    from jaxgan.run import Run


TRUNCATIONS = 9
"""In a row, if nobody says how many."""


@dataclasses.dataclass(frozen=True)
class Interpolate(OfRun):
    """Walk from one latent, or caption, to the next. A GIF or MP4 goes back to the first.

    A PNG shows each leg between latents as a row; or between all captions a row for each of --num latents.
    """

    between: Literal["latents", "texts", "truncations"] = "latents"
    """What is walked between: latents; captions, while the latent stays; or for each latent truncations, from 1 to -1."""
    text: tyro.conf.UseAppendAction[tuple[str, ...]] = ()
    """A caption: with --between texts at least two of them, each given so; otherwise the one that is held."""
    frames: int | None = None
    """Pictures from one stop to the next, both included: 8 in a PNG, 24 in a film by default; truncations are 9."""
    num: int | None = None
    """How many latents are passed through, 5 by default; with --between texts how many are shown, 4, or 1 in a film."""
    seed: int = 0
    """Of the latents: those of the first pictures of `jaxgan sample` with this seed."""
    space: Literal["z", "w"] | None = None
    """Of the latents: z, the noise, or w, what StyleGAN's mapping makes of it, which is the default where there is one."""
    method: Literal["slerp", "lerp"] | None = None
    """Along spheres, the default in z, or along straight lines, the default in w and always between captions."""
    label: str | None = None
    """The class, by name or number, or the attributes, that a conditional system is held at; the first class by default."""
    given: Annotated[tyro.conf.UseAppendAction[tuple[str, ...]], tyro.conf.arg(help=GIVEN, metavar="NAME=VALUE")] = ()
    truncation: float = 1.0
    """Draw the latents in towards their mean by this factor, as in `jaxgan sample`."""
    fps: int = 12
    """Frames a second of a film."""
    out: Path | None = None
    """The file, .png, .gif or .mp4; WORKDIR/interpolate.png by default."""


def run(argv: list[str]) -> int:
    """Walk through the latent space of a trained run."""
    arguments = parse(Interpolate, "jaxgan interpolate", argv)
    out = film.check(arguments.out or arguments.workdir / "interpolate.png")
    texts, moves = arguments.between == "texts", out.suffix.lower() != ".png"
    num = arguments.num if arguments.num is not None else 5 if not texts else 1 if moves else 4
    check_numbers(arguments.seed, arguments.truncation, num=num, fps=arguments.fps)
    if texts and len(arguments.text) < 2:
        raise UserError("--between texts goes from caption to caption: give at least two, each as --text")
    if texts and moves and num > 1:
        raise UserError(f"--num {num}: a film shows one latent; leave it out, or choose another by --seed")
    frames = arguments.frames if arguments.frames is not None else 24 if moves else 8
    trained = arguments.open()
    trained.check_latents()
    if texts or arguments.text:
        captions.check_reads(trained.record, "--between texts" if texts else "--text")
    if not texts and len(arguments.text) > 1:
        raise UserError(
            f"a walk between latents holds one caption, not {len(arguments.text)}: to go between them, add --between texts"
        )
    given = given_by(arguments.label, arguments.given)
    if texts:
        latents = trained.latents(num, arguments.seed)
        points = path(trained.embed(arguments.text), frames, "lerp", closed=moves)
        held = conditions.held(trained.record, {**given, "text": points[:1]})
        others = {entry: rows for entry, rows in held.items() if entry != "text"}
        made = trained.decode_captions(latents, points, others, arguments.truncation)
        made, columns = np.concatenate(made.swapaxes(0, 1)), len(points)
        through = f"{len(arguments.text)} captions"
    else:
        space = arguments.space or trained.system.spaces[0]
        held = conditions.held(trained.record, {**given, **({"text": arguments.text[0]} if arguments.text else {})})
        latents = trained.latents(num, arguments.seed, space, held)
        if arguments.between == "truncations":
            return _truncations(trained, latents, held, arguments, out)
        points = path(latents, frames, arguments.method or ("slerp" if space == "z" else "lerp"), closed=moves)
        made, columns = trained.decode(points, given=held, truncation=arguments.truncation), frames
        if not moves:  # each leg from its first latent to its last, which begins the next
            made = made[[leg * (frames - 1) + i for leg in range(num - 1) for i in range(frames)]]
        through = f"{num} latents"
    film.write(made, out, columns=columns, fps=arguments.fps, medium=trained.record.medium)
    print(f"{len(made)} {trained.record.medium.many} through {through} of step {trained.step} in {out}")
    return 0


def _truncations(trained: "Run", latents: np.ndarray, held: conditions.Given, arguments: Interpolate, out: Path) -> int:
    """A row for each latent: at 1 as it is, at 0 the mean of all, below 0 its opposite (StyleGAN, figure 8)."""
    frames = TRUNCATIONS if arguments.frames is None else arguments.frames
    if frames < 2:
        raise UserError(f"--frames {frames}: from truncation 1 to -1 there are at least 2")
    factors = np.linspace(1, -1, frames)
    made = np.stack([trained.decode(latents, given=held, truncation=float(factor)) for factor in factors], 1)
    made = made.reshape(-1, *made.shape[2:])
    film.write(made, out, columns=len(factors), fps=arguments.fps, medium=trained.record.medium)
    print(f"{len(latents)} latents of step {trained.step} at truncations 1 to -1, a row each, in {out}")
    return 0
