"""Drawn faces as a data set, with exact attributes, prepared on this machine once."""

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np

from jaxgan.data.attribute_tables import as_names
from jaxgan.data.base import ImageData, Records
from jaxgan.data.prepared import open_prepared
from jaxgan.data.sets.dicebear import VERSION, Style, avatar_attributes, definition
from jaxgan.errors import UserError, nearest


@dataclass(frozen=True, kw_only=True)
class Avatars(ImageData):
    """Drawn faces (DiceBear), made on this machine: numbers first, first + 1, ... of one style, with exact labels.

    >>> Avatars(size=32, label="hair_color").shape
    (32, 32, 3)
    >>> Avatars(label=("hair_color=black", "glasses=sunglasses")).label
    ('hair_color=black', 'glasses=sunglasses')
    """

    style: Style = "personas"
    """The hand that draws. Lorelei and notionists are black on white, the others coloured."""
    count: int = 4096
    """How many faces."""
    first: int = 0
    """Number of the first face. Faces of other numbers are other faces, to hold out for a test."""
    label: str | tuple[str, ...] | None = "glasses"
    """The attribute that is the label, or None. In personas: glasses, eyes, hair, hair_color, facial_hair,
    facial_hair_color, mouth, nose, skin_color, clothes, clothing_color. Several of the form ATTRIBUTE=VALUE, such as
    hair_color=black glasses=sunglasses, are yes or no each: zeros and ones, [A]."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.count < 1:
            raise UserError(f"data.count is {self.count}: at least 1 avatar is needed")
        if self.first < 0:
            raise UserError(f"data.first is {self.first}: the avatars are numbered from 0")
        if isinstance(self.label, str) and "=" in self.label:
            object.__setattr__(self, "label", (self.label,))
        if isinstance(self.label, list | tuple):  # a list as JSON gives it
            object.__setattr__(self, "label", as_names("data.label", self.label))
            _conditions(self.style, self.label)
        elif self.label is not None:
            _values(self.style, self.label)
        else:
            definition(self.style)

    def load(self) -> Records:
        """Draws the faces, or finds them in the cache. "image", one integer per attribute, and "label"."""
        side = max(self.cover_size)
        start = f"from{self.first}-" if self.first else ""
        name = f"{self.style}-{start}{self.count}-{side}px"

        def prepare(folder: Path) -> None:
            from jaxgan.data.sets.builders import AvatarsBuilder, AvatarsConfig, build

            config = AvatarsConfig(name=name, style=self.style, first=self.first, count=self.count, side=side)
            build(AvatarsBuilder, config, folder)

        source = open_prepared(
            f"avatars-{name}-{VERSION}-dicebear{version('dicebear-styles')}",
            prepare,
            f"{self.count} avatars of {side} x {side} pixels ({self.style})",
        )

        def read(index: int) -> dict:
            example = dict(source[index])
            if isinstance(self.label, tuple):
                example["label"] = np.array([example[name] == value for name, value in conditions], np.int32)
            elif self.label is not None:
                example["label"] = example[self.label]
            return example

        if isinstance(self.label, tuple):
            conditions, classes = _conditions(self.style, self.label), self.label
        else:
            classes = avatar_attributes(self.style)[self.label] if self.label is not None else ()
        return Records(self.fitted(len(source), read), classes)


def _values(style: str, attribute: str) -> tuple[str, ...]:
    """The names of the values of an attribute; UserError where the style does not have it."""
    attributes = avatar_attributes(style)
    if attribute not in attributes:
        raise UserError(
            f'the avatars of style {style} have no attribute "{attribute}"{nearest(attribute, attributes)} '
            f"They have {', '.join(attributes)}: give one as data.label, or None"
        )
    return attributes[attribute]


def _conditions(style: str, label: tuple[str, ...]) -> list[tuple[str, int]]:
    """Of each ATTRIBUTE=VALUE the attribute and the number of the value; UserError where there is none."""
    if not label:
        raise UserError("data.label is empty: give an attribute, or several ATTRIBUTE=VALUE, or None")
    conditions = []
    for name, _, value in (condition.partition("=") for condition in label):
        values = _values(style, name)
        if value not in values:
            close = nearest(value, values)
            raise UserError(
                f'data.label: {name} cannot be "{value}"{close} Write {name}=VALUE with one of {", ".join(values)}'
            )
        conditions.append((name, values.index(value)))
    return conditions
