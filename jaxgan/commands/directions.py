"""`jaxgan directions`: find directions in the latent space of a trained run."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
import tyro

from jaxgan import conditions
from jaxgan.commands.latents import ROW, check_strength, classifier_of
from jaxgan.commands.of_run import GIVEN, OfRun, check_numbers, given_by
from jaxgan.commands.parsing import parse
from jaxgan.errors import UserError
from jaxgan.latent import attributes, files
from jaxgan.latent.directions import (
    all_layers,
    attribute_direction,
    one_layer,
    orthogonalized,
    pca_directions,
    sefa_directions,
    standardized,
    value_directions,
)
from jaxgan.media import film

if TYPE_CHECKING:
    from jaxgan.run import Run

COLUMNS = 7
"""Strengths on the sheet."""
TRIED = 256
"""Other samples on which the effect of a direction is measured."""


@dataclasses.dataclass(frozen=True)
class Directions(OfRun):
    """Find directions in the latent space, of an attribute by its labels or without labels, for `jaxgan edit`.

    They are kept as WORKDIR/directions/NAME.npz. Strength 1 is one standard deviation of the latents along a direction.
    """

    attribute: str | None = None
    """What is to appear, as a classifier of the data's labels sees it: ATTRIBUTE=VALUE, a VALUE that no other attribute has,
    or an ATTRIBUTE for any value but none."""
    keep: tuple[str, ...] = ()
    """Attributes that the direction is to leave alone: it is made orthogonal to theirs."""
    method: Literal["sefa", "pca"] | None = None
    """Without labels: what the first layer stretches most (SeFa), or the principal components of what it makes (GANSpace)."""
    num: int = 4096
    """How many samples it is made of. SeFa needs them for the scale only."""
    count: int = 8
    """How many directions a method without labels gives: NAME is sefa1, sefa2, ..."""
    strength: float = 4.0
    """The largest on the sheet."""
    seed: int = 0
    """Of the samples."""
    label: str | None = None
    """The class, by name or number, or the attributes, that a conditional system is held at; the first class by default."""
    given: Annotated[tyro.conf.UseAppendAction[tuple[str, ...]], tyro.conf.arg(help=GIVEN, metavar="NAME=VALUE")] = ()
    out: Path | None = None
    """The PNG file of the sheet, with strengths from left to right: a row for each of 8 samples, or, of a method without
    labels, the first sample in a row for each direction. WORKDIR/directions/NAME.png by default."""


def run(argv: list[str]) -> int:
    """Find directions in the latent space of a trained run."""
    arguments = parse(Directions, "jaxgan directions", argv)
    if (arguments.attribute is None) == (arguments.method is None):
        raise UserError("say which direction: jaxgan directions WORKDIR --attribute NAME, or --method sefa or pca")
    if arguments.keep and arguments.attribute is None:
        raise UserError("--keep goes with --attribute: without labels there is nothing to tell attributes by")
    name = files.file_name(arguments.attribute) if arguments.attribute is not None else arguments.method
    out = film.check(arguments.out or arguments.workdir / files.FOLDER / f"{name}.png", (".png",))
    check_numbers(arguments.seed, num=arguments.num, count=arguments.count)
    check_strength(arguments.strength)
    trained = arguments.open()
    trained.check_latents()
    held = conditions.held(trained.record, given_by(arguments.label, arguments.given))
    space = trained.system.spaces[0]
    latents = trained.latents(arguments.num, arguments.seed, space, held)
    if arguments.attribute is not None:
        vector, made = _of_attribute(trained, latents, held, arguments)
        found, starts = {name: vector}, trained.latents(ROW, arguments.seed, space, held)
    else:
        vectors, made = _of_method(trained, latents, held, arguments)
        found = {f"{name}{number}": vector for number, vector in enumerate(vectors, 1)}
        starts = trained.latents(1, arguments.seed, space, held)
    for one, vector in found.items():
        files.save(trained.workdir, files.Direction(one, vector, made, trained.step, trained.digest, trained.weights))
    strengths = np.linspace(-arguments.strength, arguments.strength, COLUMNS, dtype=np.float32)
    points = [z + strength * vector for vector in found.values() for z in starts for strength in strengths]
    film.write(trained.decode(np.stack(points), given=held), out, columns=COLUMNS, medium=trained.record.medium)
    print(
        f"{', '.join(found)} of step {trained.step} in {trained.workdir / files.FOLDER}; "
        f"strengths {strengths[0]:g} to {strengths[-1]:g} in {out}"
    )
    return 0


def _of_attribute(
    trained: "Run", latents: np.ndarray, held: conditions.Given, arguments: Directions
) -> tuple[np.ndarray, str]:
    """The direction of an attribute, and how it was made."""
    classifier = classifier_of(trained)
    classes = classifier.classes
    conditions = attributes.parse_conditions(arguments.attribute, classes)
    for attribute in arguments.keep:
        if attribute not in classes:
            raise attributes.unknown("attribute", attribute, classes)
    for attribute in (*(condition.attribute for condition in conditions), *arguments.keep):
        classifier.judge(attribute)
    labels = attributes.judged(trained, latents, classifier, held)
    present = attributes.all_hold(conditions, labels, classes)
    space = trained.system.spaces[0]
    flat = one_layer(latents, space)
    vector = attribute_direction(flat, present)
    if arguments.keep:
        kept = [value_directions(flat, labels[attribute]) for attribute in arguments.keep]
        vector = orthogonalized(vector, np.concatenate(kept), flat)
    (vector,) = all_layers(vector[None], latents, space)
    others = trained.latents(TRIED, (arguments.seed + 1) % 2**32, space, held)
    print(f"{arguments.attribute}: {present.mean():.1%} of {len(latents)} samples; of {TRIED} others,", end=" ")
    shares = []
    for strength in range(4):
        seen = attributes.judged(trained, others + np.float32(strength) * vector, classifier, held)
        shares.append(f"{attributes.all_hold(conditions, seen, classes).mean():.0%} at strength {strength}")
    print(", ".join(shares))
    kept = f", orthogonal to {', '.join(arguments.keep)}" if arguments.keep else ""
    return vector, f"logistic regression on {arguments.attribute}{kept}: {_samples(arguments)}"


def _of_method(
    trained: "Run", latents: np.ndarray, held: conditions.Given, arguments: Directions
) -> tuple[np.ndarray, str]:
    """The directions [K, ...] of a method without labels, and how they were made."""
    space = trained.system.spaces[0]
    flat = one_layer(latents, space)
    most = min(flat.shape)
    if arguments.count > most:
        raise UserError(
            f"--count {arguments.count}: {len(flat)} latents of {flat.shape[1]} numbers have at most {most}"
        )
    from jaxgan.latent import generator

    if arguments.method == "sefa":
        units = sefa_directions(generator.first_kernel(trained, held, space), arguments.count)
    elif space == "w":  # GANSpace, section 2.1: the components of w itself
        units = pca_directions(flat, flat, arguments.count)
    else:
        units = pca_directions(flat, generator.features(trained, latents, held), arguments.count)
    vectors = all_layers(standardized(units, flat), latents, space)
    return vectors, f"{arguments.method}: {_samples(arguments)}"


def _samples(arguments: Directions) -> str:
    return f"{arguments.num} samples of seed {arguments.seed}"
