"""Texts as numbers [T], whole ones: 0 is nothing, n the n-th entry of a vocabulary, from 1. Molecules (SMILES), too."""

import dataclasses

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from jaxgan.cache import expanded, is_file
from jaxgan.errors import UserError
from jaxgan.media.base import Medium

FONT, LINE, MARGIN = 13, 18, 4
"""Of what is drawn, in pixels."""
WIDEST = 320
"""Pixels of a line; longer texts go on in the next."""


@dataclasses.dataclass(frozen=True)
class Text(Medium):
    """A text of characters, where all entries of the vocabulary are one long, otherwise of words.

    >>> Text(vocabulary=("a", "ball", "red")).text(np.array([1, 3, 2, 0, 0]))
    'a red ball'
    >>> Text(vocabulary=("C", "O", "=")).text(np.array([1, 3, 2, 0]))
    'C=O'
    """

    one, many = "text", "texts"
    suffixes = (".txt", ".npy")
    plays = ".txt"
    shown = 32
    metrics = ("novelty",)

    vocabulary: tuple[str, ...] = ()
    """What the numbers from 1 stand for."""

    def check(self, shape, dtype):
        if len(shape) != 1 or np.dtype(dtype).kind not in "iu":
            self.refuse(shape, dtype, "whole numbers [length], of characters or words")
        if not self.vocabulary:
            raise UserError("what the numbers of texts stand for is not said: give Text(vocabulary=...) with the data")

    @property
    def _between(self) -> str:
        return "" if all(len(symbol) == 1 for symbol in self.vocabulary) else " "

    def text(self, x: np.ndarray) -> str:
        """What a person reads. A number beyond the vocabulary is a replacement character."""
        symbols = dict(enumerate(self.vocabulary, 1))
        return self._between.join(
            symbols.get(int(number), "\N{REPLACEMENT CHARACTER}") for number in np.ravel(x) if number
        )

    def numbers(self, text: str, length: int) -> np.ndarray:
        """The numbers int32 [length] of a text, 0 behind its end; what is not in the vocabulary is left out."""
        known = {symbol: number for number, symbol in enumerate(self.vocabulary, 1)}
        found = [known[symbol] for symbol in (text.split() if self._between else text) if symbol in known][:length]
        return np.array(found + [0] * (length - len(found)), np.int32)

    def parse(self, words, shape):
        """The text itself, or a .txt file with it."""
        if words.lower().endswith(tuple(self.suffixes)) and is_file(expanded(words)):
            return super().parse(words, shape)
        return self.numbers(words, shape[0])

    def decode(self, path):
        """Of the characters or words of a .txt file those that the vocabulary has."""
        if path.suffix.lower() != ".txt":
            return super().decode(path)
        text = path.read_text(encoding="utf-8-sig").strip()
        return self.numbers(text, len(text.split() if self._between else text))

    def still(self, x):
        """The text in black on white."""
        font = ImageFont.load_default(FONT)
        lines = _lines(self.text(x), font) or [""]
        width = max(round(font.getlength(line)) for line in lines) + 2 * MARGIN
        made = Image.new("L", (max(width, 2 * MARGIN + 8), LINE * len(lines) + MARGIN), "white")
        for number, line in enumerate(lines):
            ImageDraw.Draw(made).text((MARGIN, 1 + number * LINE), line, fill="black", font=font)
        return made

    def sheet(self, examples, columns=None, real=None):
        """One below the other."""
        return super().sheet(examples, columns or 1, real)

    def encode(self, x, suffix):
        return super().encode(x, suffix) if suffix != ".txt" else (self.text(x) + "\n").encode()


def _lines(text: str, font) -> list[str]:
    """A text cut where it is as wide as a line may be: between words, or within one that is longer."""
    lines, line = [], ""
    for word in text.replace("\n", " \n ").split(" "):
        if word == "\n":
            lines, line = [*lines, line], ""
            continue
        longer = f"{line} {word}" if line else word
        if font.getlength(longer) > WIDEST and line:
            lines, longer = [*lines, line], word
        while font.getlength(longer) > WIDEST:
            most = next(end for end in range(len(longer), 0, -1) if font.getlength(longer[:end]) <= WIDEST)
            lines, longer = [*lines, longer[:most]], longer[most:]
        line = longer
    return [*lines, line] if line else lines
