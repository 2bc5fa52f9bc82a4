"""How a value of an attribute is named, and which latents have it by the word of a classifier.

glasses=sunglasses      this value of this attribute
glasses                 an attribute that a picture may lack: any value but "none"
pink                    a value that only one attribute has, or only one that is named beside it
hair=long&glasses=none  all of these
"""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from jaxgan.conditions import Given
from jaxgan.errors import UserError, nearest

if TYPE_CHECKING:
    from jaxgan.run import Run

NONE = "none"
"""The value of an attribute that a picture lacks."""
JUDGED_AT_ONCE = 1024

Classes = Mapping[str, tuple[str, ...]]
"""Attributes and the names of their values."""


@dataclasses.dataclass(frozen=True)
class Condition:
    """What a word says of a picture: the attribute has the value, or, without one, any but "none"."""

    attribute: str
    value: str | None = None

    def holds(self, labels: Mapping[str, np.ndarray], classes: Classes) -> np.ndarray:
        """Truth values [N] of pictures with these labels: attribute -> whole numbers [N]."""
        values = classes[self.attribute]
        if self.value is None:
            return labels[self.attribute] != values.index(NONE)
        return labels[self.attribute] == values.index(self.value)

    def __str__(self) -> str:
        return self.attribute if self.value is None else f"{self.attribute}={self.value}"


def all_hold(conditions: Iterable[Condition], labels: Mapping[str, np.ndarray], classes: Classes) -> np.ndarray:
    """Truth values [N]: where every condition holds."""
    return np.logical_and.reduce([condition.holds(labels, classes) for condition in conditions])


def parse_condition(word: str, classes: Classes, beside: Iterable[str] = ()) -> Condition:
    """The condition that a word without "&" names; the grammar is the module's.

    Args:
        word: as typed.
        classes: the attributes that there are, and their values.
        beside: the attributes named in the same expression; they decide what an ambiguous value belongs to.

    Raises:
        UserError: there is no such attribute or value (the nearest is named), or the word is ambiguous.
    """
    attribute, equals, value = word.partition("=")
    if equals:
        if attribute not in classes:
            raise unknown("attribute", attribute, classes)
        if value not in classes[attribute]:
            raise unknown(f"value of {attribute}", value, classes[attribute])
        return Condition(attribute, value)
    if word in classes:
        if NONE not in classes[word]:
            raise UserError(
                f"every picture has some {word}: say which, as {word}={classes[word][0]}. {_list(classes[word])}"
            )
        return Condition(word)
    owners = [attribute for attribute, values in classes.items() if word in values]
    if not owners:
        known = {*classes, *(value for values in classes.values() for value in values)}
        raise UserError(
            f'there is no attribute or value "{word}"{nearest(word, known)} The attributes are {", ".join(classes)}'
        )
    named = [owner for owner in owners if owner in set(beside)]
    if len(owners) > 1 and len(named) != 1:
        raise UserError(
            f'"{word}" is a value of several attributes: say which, {" or ".join(f"{o}={word}" for o in owners)}'
        )
    return Condition((named if len(owners) > 1 else owners)[0], word)


def parse_conditions(words: str, classes: Classes, beside: Iterable[str] = ()) -> tuple[Condition, ...]:
    """The conditions of words joined by "&".

    Raises:
        UserError: as `parse_condition`.
    """
    return tuple(parse_condition(word, classes, beside) for word in words.split("&"))


def judged(run: "Run", latents: np.ndarray, classifier, held: Given | None = None) -> dict[str, np.ndarray]:
    """What a classifier sees in the pictures of latents: attribute -> whole numbers [N].

    Args:
        run: the trained generator.
        latents: [N, ...].
        classifier: of `jaxgan.metrics.classifier`.
        held: what else they are made of, as `jaxgan.conditions.held` gives it.
    """
    from jaxgan import media

    parts = [
        classifier.predict(media.to_uint8(run.decode(latents[start : start + JUDGED_AT_ONCE], given=held)))
        for start in range(0, len(latents), JUDGED_AT_ONCE)
    ]
    return {attribute: np.concatenate([part[attribute] for part in parts]) for attribute in parts[0]}


def unknown(what: str, name: str, names: Iterable[str]) -> UserError:
    """The sentence "there is no attribute ..." for a name that is none of `names`."""
    return UserError(f'there is no {what} "{name}"{nearest(name, names)} {_list(names)}')


def _list(names: Iterable[str]) -> str:
    return f"There are {', '.join(names)}"
