"""Arithmetic on latents: "man with glasses - man without + woman without" (DCGAN, Radford et al. 2015, section 6.3.2).

The grammar of an expression: terms joined by + and - with spaces around them. A term is a concept (`attributes` says how these
are named), or the word "other", which stands for each of the pictures that are edited.

    glasses - none + other      the glasses that the first term has and the second lacks, on other people
    glasses - none + pink       someone with pink hair, and glasses
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from jaxgan.errors import UserError
from jaxgan.latent.attributes import Classes, Condition, all_hold, parse_conditions

OTHER = "other"
"""The term that stands for the pictures that are edited."""


@dataclasses.dataclass(frozen=True)
class Term:
    """A concept with its sign; without conditions it is `OTHER`."""

    sign: int
    conditions: tuple[Condition, ...]

    @property
    def is_other(self) -> bool:
        return not self.conditions

    def __str__(self) -> str:
        return "&".join(map(str, self.conditions)) or OTHER


def parse_expression(expression: str, classes: Classes) -> tuple[Term, ...]:
    """The terms of an expression; the grammar is the module's.

    Raises:
        UserError: it is not of the grammar, or names what there is not.

    >>> terms = parse_expression("glasses - none + other", {"glasses": ("none", "sunglasses")})
    >>> [(term.sign, str(term)) for term in terms]
    [(1, 'glasses'), (-1, 'glasses=none'), (1, 'other')]
    """
    words = expression.split()
    if words and words[0] not in ("+", "-"):
        words = ["+", *words]
    signs, names = words[::2], words[1::2]
    if not words or len(signs) != len(names) or not set(signs) <= {"+", "-"} or {"+", "-"} & set(names):
        raise UserError(
            f'--arithmetic "{expression}": it must be words joined by + and - with spaces around them, '
            f'as in "glasses - none + {OTHER}"'
        )
    # What is named outright, to tell whose value an ambiguous word is.
    beside = {word.partition("=")[0] for name in names for word in name.split("&")} & set(classes)
    terms = tuple(
        Term(1 if sign == "+" else -1, () if name == OTHER else parse_conditions(name, classes, beside))
        for sign, name in zip(signs, names, strict=True)
    )
    if sum(term.is_other for term in terms) > 1 or any(term.is_other and term.sign < 0 for term in terms):
        raise UserError(
            f'--arithmetic "{expression}": {OTHER}, the picture that is edited, can only be added, and once'
        )
    if all(term.is_other for term in terms):
        raise UserError(f'--arithmetic "{expression}": {OTHER} alone changes nothing; add or subtract a concept')
    return terms


def choose(term: Term, labels: dict[str, np.ndarray], classes: Classes, count: int) -> np.ndarray:
    """The indices [count] of the first samples that have a concept.

    Raises:
        UserError: fewer have it.
    """
    found = np.flatnonzero(all_hold(term.conditions, labels, classes))
    if len(found) < count:
        samples = len(next(iter(labels.values())))
        raise UserError(
            f'only {len(found)} of {samples} samples are "{term}", and {count} are averaged: look at more samples (--among), '
            "average fewer (--average), or name a more frequent concept"
        )
    return found[:count]


def arithmetic(terms: Sequence[tuple[int, np.ndarray]]) -> np.ndarray:
    """The signed sum of the averages of groups of latents.

    One latent for each concept gave unstable results in the paper, the average of three consistent ones. More
    average away what else the samples of a concept have in common by chance, and the result comes nearer to
    `attribute_direction`.

    Args:
        terms: (sign, latents [M, ...]) of each concept, sign 1 or -1.

    Returns:
        float32 of the shape of one latent.

    >>> glasses, none, other = np.array([[2.0, 1.0], [4.0, 1.0]]), np.array([[1.0, 1.0]]), np.array([[0.0, 5.0]])
    >>> arithmetic([(1, glasses), (-1, none), (1, other)]).tolist()
    [2.0, 5.0]
    """
    return sum(sign * np.mean(group, 0, np.float64) for sign, group in terms).astype(np.float32)
