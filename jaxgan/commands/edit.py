"""`jaxgan edit`: change pictures in the latent space of a trained run."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import tyro

from jaxgan import conditions
from jaxgan.commands.inputs import find_inputs
from jaxgan.commands.latents import before_and_after, check_strength, classifier_of
from jaxgan.commands.of_run import GIVEN, OfRun, check_numbers, given_by
from jaxgan.commands.parsing import complain, parse
from jaxgan.conditions import captions
from jaxgan.data.pictures import BadPicture, center, read_picture
from jaxgan.errors import UserError
from jaxgan.latent import attributes, files
from jaxgan.latent.concepts import Term, arithmetic, choose, parse_expression
from jaxgan.media import film

if TYPE_CHECKING:
    from jaxgan.run import Run

NOISE = 0.25
"""Around the result of an expression without "other", in standard deviations of the latents: the paper's figure 7."""


@dataclasses.dataclass(frozen=True)
class Edit(OfRun):
    """Change the pictures of `jaxgan sample`: along a direction, or by arithmetic on the latents of chosen samples. Or draw a
    picture of your own again by other captions, and keep its style."""

    direction: str | None = None
    """A direction that `jaxgan directions` has found."""
    strength: float = 2.0
    """How far along it, in standard deviations of the latents; below 0 for the opposite."""
    arithmetic: str | None = None
    """Such as "glasses - none + other": concepts (ATTRIBUTE=VALUE, an ATTRIBUTE for any value but none, or a VALUE, joined by
    &), as a classifier of the data's labels sees them, added and subtracted; "other" is each picture that is edited.
    Without it the sheet shows each concept's samples and their average in a row, and below them the result and
    neighbours of it."""
    picture: str | None = None
    """A picture, a folder of pictures or a pattern in quotes, for a run that makes pictures of captions: each is drawn again by
    each --text, in its style, which is all that captions do not say. The sheet has a row for each picture, itself first."""
    text: tyro.conf.UseAppendAction[tuple[str, ...]] = ()
    """With --picture: a caption; give it again for another column."""
    latents: Path | None = None
    """With --direction: latents of your own pictures, WORKDIR/projections/NAME.npy of `jaxgan project`, instead of samples."""
    average: int = 3
    """How many samples a concept is the average of: the first that have it."""
    among: int = 2048
    """How many samples are looked at for these."""
    num: int = 8
    """How many pictures are edited; of --picture the first so many. The sheet has each above its edit."""
    seed: int = 0
    """Of the pictures that are edited, as in `jaxgan sample`."""
    label: str | None = None
    """The class, by name or number, or the attributes, that a conditional system is held at; the first class by default."""
    given: Annotated[tyro.conf.UseAppendAction[tuple[str, ...]], tyro.conf.arg(help=GIVEN, metavar="NAME=VALUE")] = ()
    out: Path | None = None
    """The PNG file; WORKDIR/edit.png by default."""


def run(argv: list[str]) -> int:
    """Change pictures of a trained run in its latent space."""
    arguments = parse(Edit, "jaxgan edit", argv)
    said = [arguments.direction, arguments.arithmetic, arguments.picture]
    if sum(one is not None for one in said) != 1:
        raise UserError(
            "say what is edited, in one of three ways: jaxgan edit WORKDIR --direction NAME --strength S, --arithmetic "
            '"glasses - none + other", or --picture FILE --text "..."'
        )
    if (arguments.picture is None) != (not arguments.text):
        missing = "--picture" if arguments.picture is None else '--text "..."'
        raise UserError(f"--picture and --text go together, and {missing} is missing")
    out = film.check(arguments.out or arguments.workdir / "edit.png", (".png",))
    check_numbers(arguments.seed, num=arguments.num, average=arguments.average, among=arguments.among)
    check_strength(arguments.strength)
    if arguments.picture is not None:
        return _transfer_style(arguments, out)
    trained = arguments.open()
    trained.check_latents()
    held = conditions.held(trained.record, given_by(arguments.label, arguments.given))
    latents = _latents(trained, held, arguments)
    if arguments.direction is not None:
        moved = latents + np.float32(arguments.strength) * files.load(trained, arguments.direction).vector
    else:
        concepts, has_other = _concepts(trained, held, arguments)
        total = arithmetic([(term.sign, group) for term, group in concepts])
        if not has_other:
            return _show_result(trained, held, concepts, total, out)
        moved = latents + total
    medium = trained.record.medium
    sheet = before_and_after(trained.decode(latents, given=held), trained.decode(moved, given=held), medium)
    out.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(out)
    print(f"{len(latents)} {medium.many} of step {trained.step}, each above its edit, in {out}")
    return 0


def _latents(trained: "Run", held: conditions.Given, arguments: Edit) -> np.ndarray:
    """Those of the pictures that are edited: of the file, or of samples."""
    space = trained.system.spaces[0]
    if arguments.latents is None:
        return trained.latents(arguments.num, arguments.seed, space, held)
    shape = trained.latents(1, space=space, given=held).shape[1:]
    try:
        found = np.load(arguments.latents, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise UserError(
            f"--latents {arguments.latents}: it cannot be read ({error}); jaxgan project makes such files"
        ) from error
    if found.shape[1:] != shape or found.dtype.kind != "f":
        raise UserError(
            f"--latents {arguments.latents}: it has {list(found.shape)}, and latents of this run are [N, "
            f"{', '.join(map(str, shape))}]: find them with jaxgan project"
        )
    return found


def _transfer_style(arguments: Edit, out: Path) -> int:
    """Pictures drawn again by captions: Reed et al. 2016, section 4.4."""
    found, _ = find_inputs(arguments.picture)
    trained = arguments.open()
    texts = captions.read(trained.record, arguments.text)
    height, width, channels = trained.record.picture().shape
    pictures, failed = [], 0
    for path in list(found.values())[: arguments.num]:
        try:
            pixels = center(read_picture(path, channels, min(height, width)), height, width)
            pictures.append(pixels.astype(np.float32) / 127.5 - 1)
        except BadPicture as error:
            complain(f"cannot read {path}: {error}")
            failed += 1
    if not pictures:
        raise UserError(f"none of the pictures of --picture {arguments.picture} could be read")
    real = np.stack(pictures)
    made = trained.decode_captions(trained.invert(real), texts, given_by(arguments.label, arguments.given))
    rows = np.concatenate([real[None], made]).swapaxes(0, 1)
    film.write(np.concatenate(rows), out, columns=1 + len(texts))
    print(f"{len(real)} pictures, each beside step {trained.step}'s by {len(texts)} captions, in {out}")
    return 1 if failed else 0


def _concepts(trained: "Run", held: conditions.Given, arguments: Edit) -> tuple[list[tuple[Term, np.ndarray]], bool]:
    """The concepts of the expression, each with its samples' latents [average, ...]; and whether "other" is in it."""
    classifier = classifier_of(trained)
    terms = parse_expression(arguments.arithmetic, classifier.classes)
    concepts = [term for term in terms if not term.is_other]
    for condition in {condition for term in concepts for condition in term.conditions}:
        classifier.judge(condition.attribute)
    # Of the next seed: the samples of a concept are not among the pictures that are edited.
    pool = trained.latents(arguments.among, (arguments.seed + 1) % 2**32, trained.system.spaces[0], held)
    labels = attributes.judged(trained, pool, classifier, held)
    found = [(term, pool[choose(term, labels, classifier.classes, arguments.average)]) for term in concepts]
    return found, len(concepts) < len(terms)


def _show_result(
    trained: "Run", held: conditions.Given, concepts: list[tuple[Term, np.ndarray]], total: np.ndarray, out: Path
) -> int:
    """Figure 7 of the paper: a row of each concept's samples and their average, and one of the result and its neighbours."""
    rows = [np.concatenate([group, group.mean(0, keepdims=True)]) for _, group in concepts]
    columns = len(rows[0])
    spread = NOISE * trained.latents(256, space=trained.system.spaces[0], given=held).std()
    noise = spread * np.random.default_rng(0).standard_normal((columns - 1, *total.shape), np.float32)
    rows.append(np.concatenate([total[None], total + noise]))
    film.write(trained.decode(np.concatenate(rows), given=held), out, columns=columns, medium=trained.record.medium)
    signs = " ".join(f"{'+' if term.sign > 0 else '-'} {term}" for term, _ in concepts)
    print(
        f"step {trained.step}: rows {signs}, the last of each its average; below them the result and neighbours, in {out}"
    )
    return 0
