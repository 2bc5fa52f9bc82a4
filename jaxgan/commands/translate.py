"""`jaxgan translate`: turn pictures into others with a trained run."""

import dataclasses
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro
from rich.console import Console
from rich.progress import track

from jaxgan import conditions
from jaxgan.cache import expanded
from jaxgan.commands.inputs import find_inputs
from jaxgan.commands.of_run import GIVEN, OfRun, check_numbers, given_by
from jaxgan.commands.outputs import check_folder, find_outputs
from jaxgan.commands.parsing import complain, parse
from jaxgan.data.base import composed
from jaxgan.data.folder import find_pictures
from jaxgan.data.pairs import other_side
from jaxgan.errors import UserError
from jaxgan.translation.files import ENCODERS, File, translate_files
from jaxgan.translation.sheet import ROWS, domains_sheet

if TYPE_CHECKING:
    from jaxgan.run import Run


@dataclasses.dataclass(frozen=True)
class Translate(OfRun):
    """Turn pictures of any size into others, with a run that learnt to make pictures from pictures."""

    input: tyro.conf.Positional[Annotated[str, tyro.conf.arg(metavar="INPUT")]]
    """A picture, a folder of pictures (and below), or a pattern in quotes, such as "photos/*.jpg"."""
    output: tyro.conf.Positional[Annotated[str, tyro.conf.arg(metavar="OUTPUT")]]
    """For one picture a file, .png, .jpg or .webp; or a folder. There each file keeps its name, and its suffix if it is
    one of these, .png otherwise."""
    direction: str = "ab"
    """ab, from the training data's inputs to its images; or ba, back, where the run learnt that too."""
    label: Annotated[str | None, tyro.conf.arg(aliases=["--attributes"])] = None
    """What the pictures shall be, for a run that learnt attributes or classes: all attributes by name, as
    "hair_color=red,glasses=0", or all their numbers, as 1,0,0,1; or a class, by name or number."""
    given: Annotated[tyro.conf.UseAppendAction[tuple[str, ...]], tyro.conf.arg(help=GIVEN, metavar="NAME=VALUE")] = ()
    all_domains: bool = False
    """One sheet (OUTPUT is a .png) instead: a row for each of the first 16 pictures, a column for each attribute turned on
    alone, or what it changes of --label; or a column for each class."""
    size: int | Literal["keep"] = "keep"
    """Pixels of the short side to which pictures are resized first; keep leaves them as they are (on a sheet, up to 256)."""
    compare: bool = False
    """Write input and output side by side; beside them the target, of a folder A whose sibling B has the same names."""
    target: Path | None = None
    """With --compare: the folder of the targets, which have the names of the inputs, save for the suffix."""
    running_statistics: bool = False
    """Normalise by running statistics and without dropout, instead of as in training: each picture by its own statistics."""
    seed: int = 0
    """Of the noise, where there is any. What comes of a file depends on this and its name, on no other file."""


def run(argv: list[str]) -> int:
    """Turn pictures into others with a trained run."""
    arguments = parse(Translate, "jaxgan translate", argv)
    check_numbers(arguments.seed)
    if arguments.size != "keep" and arguments.size < 1:
        raise UserError(f"--size {arguments.size}: it must be keep, or at least 1")
    if arguments.compare and arguments.all_domains:
        raise UserError("--compare goes without --all-domains, whose sheet shows the inputs already: leave one out")
    if arguments.target is not None and not arguments.compare:
        raise UserError(f"--target {arguments.target} goes with --compare: give both")
    found, base = find_inputs(arguments.input)
    files = _sheet_files(found, arguments) if arguments.all_domains else _files(found, base, arguments)
    trained = arguments.open()
    given = given_by(arguments.label, arguments.given)
    done, failed = (_write_sheet if arguments.all_domains else _write_files)(trained, files, given, arguments)
    if not done:
        raise UserError(failed[0] if len(failed) == 1 else f"none of the {len(failed)} pictures could be translated")
    count = f"{done} picture{'' if done == 1 else 's'}"
    more = f", the first of {len(found)}," if arguments.all_domains and len(files) == ROWS < len(found) else ""
    print(f"{count}{more} translated {arguments.direction} by step {trained.step}, in {arguments.output}")
    if failed:
        return complain(f"{len(failed)} of {len(files)} pictures could not be read or written", 1)
    return 0


def _files(found: dict[str, Path], base: Path | None, arguments: Translate) -> list[File]:
    """What is read, and where each goes.

    Raises:
        UserError: OUTPUT is no place for it: files would be overwritten, a folder is asked for and a file given.
    """
    source = expanded(arguments.input)
    outs = find_outputs(found, base, arguments.input, arguments.output, tuple(ENCODERS))
    targets = _targets(outs, source, arguments)
    seen = {path.resolve() for path in targets.values()}
    for name, out in outs.items():
        if out.resolve() in seen:
            raise UserError(f"what is made of {found[name]} would overwrite {out}: name another OUTPUT")
    return [File(found[name], name, out, targets.get(name)) for name, out in outs.items()]


def _targets(found: Iterable[str], source: Path, arguments: Translate) -> dict[str, Path]:
    """The targets of pictures by the pictures' names; none where they are not shown."""
    if not arguments.compare:
        return {}
    folder = expanded(arguments.target) if arguments.target is not None else None
    if folder is None:
        folder = other_side(source.resolve()) if source.is_dir() else None
        if folder is None:
            return {}
    try:
        pictures = find_pictures(folder)
    except UserError:
        if arguments.target is not None:
            raise
        return {}
    # Of two with one name the one whose suffix is the same.
    by_stem: dict[str, list[Path]] = {}
    for path in pictures:
        by_stem.setdefault(composed(str(path.relative_to(folder).with_suffix(""))), []).append(path)
    made = {}
    for name in found:
        choice = by_stem.get(composed(str(Path(name).with_suffix(""))), [])
        same = [path for path in choice if path == folder / name] or choice
        if len(same) != 1:
            if arguments.target is None:
                return {}
            what = f"has {len(same)} pictures of the name" if same else "has no picture of the name"
            raise UserError(f"--target {arguments.target} {what} {Path(name).with_suffix('')}: each input needs one")
        made[name] = same[0]
    return made


def _sheet_files(found: dict[str, Path], arguments: Translate) -> list[File]:
    out = expanded(arguments.output)
    if out.suffix.lower() != ".png" or out.is_dir():
        raise UserError(f"OUTPUT {arguments.output}: with --all-domains it is one file, which must end in .png")
    check_folder(out.parent, arguments.output)
    files = [File(path, name, out) for name, path in found.items() if path.resolve() != out.resolve()]
    if not files:
        raise UserError(f"the sheet would overwrite {out}, the input: name another OUTPUT")
    return files[:ROWS]


def _options(arguments: Translate) -> dict:
    return {
        "direction": arguments.direction,
        "statistics": "running" if arguments.running_statistics else "batch",
        "seed": arguments.seed,
        "size": None if arguments.size == "keep" else arguments.size,
    }


def _write_files(
    trained: "Run", files: list[File], given: conditions.Given, arguments: Translate
) -> tuple[int, list[str]]:
    """How many files were written, and why the others were not, which is said at once."""
    made = translate_files(trained, files, given=given, compare=arguments.compare, **_options(arguments))
    shown = track(
        made, "translating", len(files), console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()
    )
    done, failed = 0, []
    for _, reason in shown:
        done += reason is None
        if reason is not None:
            failed.append(reason)
            if len(files) > 1:
                complain(reason)
    return done, failed


def _write_sheet(
    trained: "Run", files: list[File], given: conditions.Given, arguments: Translate
) -> tuple[int, list[str]]:
    sheet, failed = domains_sheet(trained, files, given, **_options(arguments))
    if len(files) > 1:
        for reason in failed:
            complain(reason)
    if sheet is not None:
        files[0].out.parent.mkdir(parents=True, exist_ok=True)
        sheet.save(files[0].out)
    return len(files) - len(failed), failed
