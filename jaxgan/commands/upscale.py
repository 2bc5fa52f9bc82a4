"""`jaxgan upscale`: make pictures larger with a trained run."""

import dataclasses
import sys
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

import jaxgan
from jaxgan.commands.inputs import find_inputs
from jaxgan.commands.of_run import OfRun
from jaxgan.commands.outputs import find_outputs
from jaxgan.commands.parsing import complain, parse
from jaxgan.errors import UserError
from jaxgan.translation.files import ENCODERS
from jaxgan.translation.upscaling import TILE, Upscaler


@dataclasses.dataclass(frozen=True)
class Upscale(OfRun):
    """Make pictures of any size larger with a run that learnt it. Transparency, grey, 16 bits, colour profile and EXIF stay."""

    input: tyro.conf.Positional[Annotated[str, tyro.conf.arg(metavar="INPUT")]]
    """A picture, a folder of pictures (and below), or a pattern in quotes, such as "photos/*.jpg"."""
    output: tyro.conf.Positional[Annotated[str, tyro.conf.arg(metavar="OUTPUT")]]
    """For one picture a file, .png, .jpg or .webp; or a folder. There each file keeps its name, and its suffix if it is
    one of these, .png otherwise."""
    scale: float | None = None
    """How many times larger; as the run learnt by default, any other number by a resize after that."""
    tile: int = TILE
    """Side of the tiles, in pixels of the input. Smaller ones take less memory and more time."""
    interpolate: float | None = None
    """For SRGAN and ESRGAN: a generator between that of the first stage (0, smooth) and that of the GAN (1, sharp)."""
    smooth: Path | None = None
    """With --interpolate: the run that has the smooth generator, for weights that were imported, such as RRDB_PSNR beside
    RRDB_ESRGAN."""
    ensemble: bool = False
    """The mean of all eight ways to turn and mirror the picture: a little better, eight times as slow."""


def run(argv: list[str]) -> int:
    """Make pictures larger with a trained run."""
    arguments = parse(Upscale, "jaxgan upscale", argv)
    if arguments.scale is not None and not 0 < arguments.scale <= 16:
        raise UserError(f"--scale {arguments.scale}: it must be above 0, and at most 16")
    if arguments.tile < 1:
        raise UserError(f"--tile {arguments.tile}: it must be at least 1")
    if arguments.interpolate is not None and not 0 <= arguments.interpolate <= 1:
        raise UserError(f"--interpolate {arguments.interpolate}: it must be from 0 to 1")
    if arguments.smooth is not None and arguments.interpolate is None:
        raise UserError("--smooth is one end of what --interpolate goes between: give that, from 0 to 1, too")
    found, base = find_inputs(arguments.input)
    outs = find_outputs(found, base, arguments.input, arguments.output, tuple(ENCODERS))
    trained = arguments.open()
    smooth = None if arguments.smooth is None else jaxgan.restore(arguments.smooth, weights=arguments.weights)
    upscaler = Upscaler.of(trained, arguments.tile, arguments.scale, arguments.ensemble, arguments.interpolate, smooth)
    failed = []
    columns = TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("", total=None)
        for number, (name, source) in enumerate(found.items()):
            counts = f"{name} ({number + 1} of {len(found)})" if len(found) > 1 else name
            progress.reset(task, description=counts)

            def done(tiles: int, total: int) -> None:
                progress.update(task, completed=tiles, total=total)

            reason, warning = upscaler.file(source, outs[name], done)
            if warning:
                complain(f"warning: {warning}")
            if reason is not None:
                failed.append(reason)
                if len(found) > 1:
                    complain(reason)
    if len(failed) == len(found):
        raise UserError(failed[0] if len(failed) == 1 else f"none of the {len(failed)} pictures could be enlarged")
    count = len(found) - len(failed)
    by = f" by step {trained.step}" if trained.step else ""  # 0 is that of weights that were imported
    print(f"{count} picture{'' if count == 1 else 's'} enlarged{by}, in {arguments.output}")
    return complain(f"{len(failed)} of {len(found)} pictures could not be read or written", 1) if failed else 0
