"""Letters of the fonts that are installed: few classes, and any number of styles that all classes share."""

import string
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from jaxgan.cache import expanded
from jaxgan.data.base import ImageData, Records, identity_of
from jaxgan.data.prepared import open_prepared, progress
from jaxgan.data.sets.fonts import VERSION, Font, draw_characters, installed_fonts
from jaxgan.errors import UserError

CHARACTERS = {
    "capitals": string.ascii_uppercase,
    "letters": string.ascii_uppercase + string.ascii_lowercase,
    "alphanumeric": string.ascii_uppercase + string.ascii_lowercase + string.digits,
}
INSTALL = (
    "apt-get install fonts-urw-base35 fonts-lato 'fonts-adf-*' 'fonts-averia-*' fonts-dejavu-core fonts-liberation "
    "fonts-paratype fonts-cmu fonts-linuxlibertine fonts-ebgaramond fonts-oldstandard fonts-vollkorn fonts-gotico-antiqua "
    "fonts-georgewilliams fonts-dustin fonts-eurofurence fonts-go fonts-quicksand fonts-courier-prime fonts-open-sans "
    "fonts-roboto-slab fonts-league-spartan fonts-comfortaa fonts-jura fonts-play fonts-comic-neue fonts-lobster "
    "fonts-kaushanscript fonts-dancingscript"
)
"""Packages of Debian, under the OFL, the GPL with its exception for fonts, and the like: over 100 families."""


@dataclass(frozen=True, kw_only=True)
class Letters(ImageData):
    """Letters of the fonts that are installed, black on white; the classes are the characters.

    >>> data = Letters(characters="letters", part="test")
    >>> data.shape
    (32, 32, 1)
    """

    places = ("path",)

    characters: Literal["capitals", "letters", "alphanumeric"] = "capitals"
    """capitals, A to Z; letters, a to z too; or alphanumeric, 0 to 9 too. All are drawn equally large, so that little tells o
    from O and 0."""
    part: Literal["train", "test", "all"] = "train"
    """train, the fonts of about four fifths of the designs; test, the others, of which none is in train under another name; or
    all."""
    path: str = "/usr/share/fonts"
    """The folder of the fonts, .ttf and .otf."""
    size: int | tuple[int, int] = 32
    """Side, or height and width, of the training pictures, in pixels."""
    channels: Literal[1, 3] = 1
    """1 for grey, 3 for colour (the same in all three)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.characters not in CHARACTERS:
            raise UserError(f'data.characters is "{self.characters}": it can be {", ".join(CHARACTERS)}')
        if self.part not in ("train", "test", "all"):
            raise UserError(f'data.part is "{self.part}": it can be train, test or all')

    def load(self) -> Records:
        """Draws the letters, or finds them in the cache. "image", "label", and as text "family" and "style" of the font.

        Of two that are the same to the pixel, there is one. Fonts without letters are left out, and letters that a font lacks.

        Raises:
          UserError: no font is installed, or none of this part.
        """
        folder = expanded(self.path)
        fonts = installed_fonts(folder)
        chosen = [(font, path) for font, path in fonts if self.part in ("all", font.part)]
        if not chosen:
            found = (
                f"of {len(fonts)} fonts in {folder} none is in the part {self.part}" if fonts else f"{folder} has none"
            )
            raise UserError(
                f"the data set letters draws those of the fonts that are installed, and {found}: {INSTALL}; or give the "
                "folder of others as data.path"
            )
        classes, side = tuple(CHARACTERS[self.characters]), max(self.cover_size)
        identity = identity_of(f"{font.family} {font.style} {font.digest}" for font, _ in chosen)

        def prepare(target: Path) -> None:
            from jaxgan.data.sets.builders import LettersBuilder, LettersConfig, build

            config = LettersConfig(name=f"{side}px", side=side, classes=classes, fonts=chosen)
            build(LettersBuilder, config, target)

        source = open_prepared(
            f"letters-{self.characters}-{side}px-{VERSION}-{identity[:16]}",
            prepare,
            f"letters of {side} x {side} pixels by {len(chosen)} fonts",
        )
        return Records(self.fitted(len(source), lambda index: dict(source[index])), classes, identity=identity)


def draw_letters(
    fonts: Sequence[tuple[Font, Path]], characters: Sequence[str], side: int
) -> Iterator[tuple[Font, str, np.ndarray]]:
    """Font by font, of each character that it has and that no font before drew alike: uint8 [side, side, 1]."""
    seen = set()
    for font, path in progress(fonts, len(fonts)):
        for character, picture in zip(characters, draw_characters(path, characters, side), strict=True):
            if picture is not None and (key := (character, picture.tobytes())) not in seen:
                seen.add(key)
                yield font, character, picture
