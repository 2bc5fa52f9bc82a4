"""`jaxgan sample`: make pictures, or what else it makes, with a trained run."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from jaxgan.commands.of_run import GIVEN, OfRun, check_numbers, given_by
from jaxgan.commands.parsing import parse
from jaxgan.conditions import Given
from jaxgan.errors import UserError

if TYPE_CHECKING:
    from jaxgan.run import Run


@dataclasses.dataclass(frozen=True)
class Sample(OfRun):
    """Make pictures, or what else it makes, with a trained run. The same arguments give the same."""

    num: int | None = None
    """How many; 64 by default, or 8 of each --text."""
    seed: int = 0
    """Of the noise. Picture i of a seed is the same whatever --num is."""
    label: str | None = None
    """A class, by name or number, or attributes, as hair=red,glasses=0. Without it a conditional system goes through all
    classes."""
    text: tyro.conf.UseAppendAction[tuple[str, ...]] = ()
    """A caption, for a run that makes pictures of captions: a row of pictures. Give it again for another row."""
    given: Annotated[tyro.conf.UseAppendAction[tuple[str, ...]], tyro.conf.arg(help=GIVEN, metavar="NAME=VALUE")] = ()
    truncation: float = 1.0
    """Draw the noise in towards its mean by this factor (of BigGAN, to so much of its distribution): below 1, more typical
    pictures and less variety."""
    out: Path | None = None
    """The PNG file for the sheet of all; WORKDIR/sample.png by default."""
    separate: Path | None = None
    """A folder for each as a file of its own (.png, .wav, .txt, .gif, ... as it is), instead of a sheet."""


def run(argv: list[str]) -> int:
    """Make pictures, or what else it makes, with a trained run."""
    arguments = parse(Sample, "jaxgan sample", argv)
    out = arguments.out or (arguments.workdir / "sample.png" if arguments.separate is None else None)
    if out is not None and out.suffix.lower() != ".png":
        raise UserError(f"--out {out}: it must end in .png")
    num = arguments.num if arguments.num is not None else 8 if arguments.text else 64
    check_numbers(arguments.seed, arguments.truncation, num=num)
    given = given_by(arguments.label, arguments.given)
    trained = arguments.open(arguments.truncation)
    made = trained.sample(
        num, arguments.seed, text=arguments.text or None, given=given, truncation=arguments.truncation
    )
    medium = trained.record.medium
    medium.checked(made)
    if arguments.separate is not None and not medium.alone:
        raise UserError(
            f"--separate {arguments.separate}: {arguments.workdir} makes {medium.many}, of which one alone shows nothing; "
            "leave it out for a plot of all"
        )
    if arguments.separate is not None:
        arguments.separate.mkdir(parents=True, exist_ok=True)
        suffix = medium.suffixes[0]
        for index, one in enumerate(made):
            (arguments.separate / f"{index:05d}{suffix}").write_bytes(medium.encode(one, suffix))
        print(f"{len(made)} {medium.many} of step {trained.step} in {arguments.separate}")
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        medium.sheet(made, _columns(arguments, trained, num, given)).save(out)
        print(f"{len(made)} {medium.many} of step {trained.step} in {out}")
    return 0


def _columns(arguments: Sample, trained: "Run", num: int, given: Given) -> int | None:
    """A row is a caption; or, going through the classes, a column is a class, where they fit; None for a square."""
    if arguments.text:
        return num
    classes = len(trained.record.classes)
    return classes if "label" in trained.system.conditions and "label" not in given and 1 < classes <= 16 else None
