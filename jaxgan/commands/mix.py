"""`jaxgan mix`: pictures of two latents each, whose coarse features are of one and the fine ones of the other."""

import dataclasses
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro

from jaxgan import conditions
from jaxgan.commands.of_run import GIVEN, OfRun, check_numbers, given_by
from jaxgan.commands.parsing import parse
from jaxgan.errors import UserError
from jaxgan.media import film
from jaxgan.media.base import tiled


@dataclasses.dataclass(frozen=True)
class Mix(OfRun):
    """A sheet of mixed styles: what is coarse of the picture on the left of a row, what is fine of that above a column.

    The first row and column are the pictures themselves. StyleGAN (Karras et al. 2018), figure 3.
    """

    rows: int = 4
    """Pictures whose coarse styles are taken."""
    columns: int = 6
    """Pictures whose fine styles are taken."""
    layers: int | None = None
    """How many layers' styles, from the smallest feature map on, count as coarse; by default those up to 8x8, at most half."""
    seed: int = 0
    """Of the latents: the rows are the first samples of this seed, and the columns those that follow."""
    label: str | None = None
    """The class, by name or number, that a conditional system is held at; the first class by default."""
    given: Annotated[tyro.conf.UseAppendAction[tuple[str, ...]], tyro.conf.arg(help=GIVEN, metavar="NAME=VALUE")] = ()
    truncation: float = 1.0
    """Draw the latents in towards their mean by this factor, as in `jaxgan sample`."""
    out: Path | None = None
    """The PNG file; WORKDIR/mix.png by default."""


COARSE = 3
"""Layers that make feature maps of 4x4 and 8x8."""


def run(argv: list[str]) -> int:
    """Mix the styles of a trained run's pictures."""
    arguments = parse(Mix, "jaxgan mix", argv)
    out = film.check(arguments.out or arguments.workdir / "mix.png", (".png",))
    check_numbers(arguments.seed, arguments.truncation, rows=arguments.rows, columns=arguments.columns)
    trained = arguments.open()
    if "w" not in trained.system.spaces:
        raise UserError(
            f"{type(trained.system).__name__} has one latent for all layers, and nothing to mix: this is for StyleGAN; jaxgan "
            "interpolate goes from one sample to another"
        )
    held = conditions.held(trained.record, given_by(arguments.label, arguments.given))
    ws = trained.latents(arguments.rows + arguments.columns, arguments.seed, "w", held)
    layers = min(COARSE, ws.shape[1] // 2) if arguments.layers is None else arguments.layers
    if not 0 <= layers <= ws.shape[1]:
        raise UserError(f"--layers {layers}: the run has {ws.shape[1]} layers of styles")
    coarse, fine = ws[: arguments.rows], ws[arguments.rows :]
    mixed = [np.concatenate([a[:layers], b[layers:]]) for a in coarse for b in fine]
    made = trained.decode(np.concatenate([ws, np.stack(mixed)]), given=held, truncation=arguments.truncation)
    medium = trained.record.medium
    stills = [medium.still(one) for one in medium.checked(made)]
    left, above, inside = stills[: len(coarse)], stills[len(coarse) : len(ws)], stills[len(ws) :]
    tiles = [None, *above]
    for index, still in enumerate(left):
        tiles += [still, *inside[index * len(fine) : (index + 1) * len(fine)]]
    out.parent.mkdir(parents=True, exist_ok=True)
    tiled(tiles, 1 + len(fine)).save(out)
    print(
        f"step {trained.step}: styles of {layers} of {ws.shape[1]} layers from the left, the others from above, in {out}"
    )
    return 0
