"""The fonts that are installed: which of them draw letters, which are of one design, and which are kept for a test.

A design goes by several names (Nimbus Roman, FreeSerif, Norasi), and a family by several files. What is learnt on one of them
must not be judged on another, so all fonts of a design, and all whose families' names begin alike, are in one part.
"""

import functools
import json
import re
import string
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy.sparse.csgraph import connected_components

from jaxgan.data import pictures
from jaxgan.data.base import chance, identity_of
from jaxgan.data.folder import walk
from jaxgan.data.prepared import prepared, progress

VERSION = "1.0.0"  # of the table of fonts and of the drawings: raise it when either changes
SUFFIXES = frozenset({".ttf", ".otf"})

INK = 26 / 32  # of the side: the longer side of every character
FINER = 4  # the em of what is drawn, in sides: it is then made smaller to the size asked for
ENORMOUS = 16  # ems; a character that is larger is a mistake of the font's

FEWEST = 20  # distinct capitals; a font with no more draws boxes or nothing in place of letters
POSING = frozenset({"D050000L", "Dingbats", "Standard Symbols PS", "Standard Symbols L", "Symbol"})
"""Families of PostScript's fonts whose tables say A to Z where they draw ornaments or Greek letters."""
NO_CHARACTER = "\uffff"  # which Unicode promises never to be one: what a font draws for it stands for what it lacks

# Of the mean energy of two fonts' letters, that of their difference. Of 850 fonts, copies of a design under other names are
# below 0.02, designs derived from others (Carlito from Lato) from 0.045 to 0.064; above that are look-alikes. To join too
# many does no harm.
ALIKE = 0.065
SIDE = 32  # of the letters that are compared: the parts must not depend on the size of the training pictures
TEST_SHARE = 0.2  # of the designs, up to chance


@dataclass(frozen=True)
class Font:
    """A font that draws letters.

    Attributes:
      family: its family's name, "DejaVu Sans".
      style: its own name in the family, "Bold Oblique".
      digest: of its file.
      part: what it is for.
    """

    family: str
    style: str
    digest: str
    part: Literal["train", "test"]


def installed_fonts(folder: Path) -> list[tuple[Font, Path]]:
    """The fonts in a folder and below that draw letters, and their files, sorted by name, wherever they lie.

    The first time that a collection of fonts is met, the capitals of all are drawn and compared.
    """
    files: dict[str, Path] = {}
    for path in sorted(walk(folder)) if folder.is_dir() else ():
        if path.suffix.lower() in SUFFIXES and path.is_file():
            files.setdefault(sha256(path.read_bytes()).hexdigest(), path)
    if not files:
        return []

    def prepare(target: Path) -> None:
        fonts = [asdict(font) for font in _look_at(files)]
        (target / "fonts.json").write_text(json.dumps(fonts, indent=1))

    place = prepared(f"fonts-{VERSION}-{identity_of(sorted(files))[:16]}", prepare, f"a table of {len(files)} fonts")
    fonts = [Font(**fields) for fields in json.loads((place / "fonts.json").read_text())]
    return [(font, files[font.digest]) for font in fonts]


def draw_characters(path: Path, characters: str, side: int) -> Iterator[np.ndarray | None]:
    """Of each character its picture by a font, black on white, uint8 [side, side, 1]; None where the font lacks it.

    The longer side of a character, whichever it is, is 26/32 of the picture's; it stands in the middle.

    Raises:
      OSError: FreeType cannot read the file.
    """
    # Not by Raqm, which some builds of Pillow lack: single characters need no layout.
    font = ImageFont.truetype(path, FINER * side, layout_engine=ImageFont.Layout.BASIC)
    box = _draw(font, NO_CHARACTER, side)
    for character in characters:
        picture = _draw(font, character, side)
        yield None if picture is None or (box is not None and (picture == box).all()) else picture


def _draw(font: ImageFont.FreeTypeFont, character: str, side: int) -> np.ndarray | None:
    left, top, right, bottom = font.getbbox(character)
    width, height = right - left, bottom - top
    if min(width, height) <= 0 or max(width, height) > ENORMOUS * FINER * side:
        return None
    canvas = Image.new("L", (width + 2, height + 2), 255)  # smoothing may reach a pixel further
    ImageDraw.Draw(canvas).text((1 - left, 1 - top), character, fill=0, font=font)
    pixels = np.asarray(canvas)
    rows, columns = (np.flatnonzero((pixels < 255).any(axis)) for axis in (1, 0))
    if not rows.size:
        return None
    inked = pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1, None]
    scale = round(INK * side) / max(inked.shape)
    height, width = (max(1, round(scale * length)) for length in inked.shape[:2])
    top, left = (side - height) // 2, (side - width) // 2
    picture = np.full((side, side, 1), 255, np.uint8)
    picture[top : top + height, left : left + width] = pictures.squash(inked, height, width)
    return picture


def _look_at(files: dict[str, Path]) -> list[Font]:
    """Of files by their digest, the fonts that draw letters. How many do not is said on standard error."""
    seen = []  # (family, style, digest), the capitals
    for digest, path in progress(files.items(), len(files), "looking at fonts"):
        try:
            family, style = ImageFont.truetype(path, SIDE).getname()
            capitals = list(draw_characters(path, string.ascii_uppercase, SIDE))
        except (OSError, ValueError):  # FreeType's and Pillow's, of what is no font, or has no outlines
            continue
        distinct = {capital.tobytes() for capital in capitals if capital is not None}
        if len(distinct) > FEWEST and family not in POSING:
            seen.append(((family or path.stem, style or "", digest), capitals))
    if len(seen) < len(files):
        print(
            f"fonts: {len(files) - len(seen)} of {len(files)} draw no letters, or none that can be read",
            file=sys.stderr,
        )
    seen.sort(key=lambda font: font[0])
    parts = _parts([family for (family, _, _), _ in seen], [capitals for _, capitals in seen])
    return [Font(*names, part) for (names, _), part in zip(seen, parts, strict=True)]


def _parts(families: list[str], capitals: list[list[np.ndarray | None]]) -> list[Literal["train", "test"]]:
    """Of fonts by their families' names and capitals, the part of each."""
    if not families:
        return []
    white = np.full((SIDE, SIDE, 1), 255, np.uint8)  # for a letter that a font lacks
    drawn = np.stack([np.stack([white if one is None else one for one in row]).ravel() for row in capitals])
    ink = 1 - drawn.astype(np.float32) / 255
    energy = np.square(ink).sum(1)
    mean = (energy[:, None] + energy[None]) / 2
    first = np.array([_first_word(family) for family in families])
    joined = (mean - ink @ ink.T < ALIKE * mean / 2) | (first[:, None] == first[None])
    _, designs = connected_components(joined, directed=False)
    names = [min(first[designs == design]) for design in range(max(designs) + 1)]
    return ["test" if chance(names[design]) < TEST_SHARE else "train" for design in designs]


@functools.cache
def _first_word(family: str) -> str:
    """The first word of a family's name, for "Cabin" and "CabinSketch" as for "PT Sans" and "PT Serif"."""
    return re.match(r"[A-Z]?[a-z]+|\S*", family)[0].lower()
