"""Captions as numbers: of characters, as Reed et al. read them, or of words.

A caption becomes int32 [length]: 0 is nothing, and n stands for the n-th entry of a vocabulary, counted from 1:

>>> reader = Words(length=6)
>>> vocabulary = reader.vocabulary(["a red ball", "a blue ball"])
>>> vocabulary
('a', 'ball', 'blue', 'red')
>>> reader.encode("A red ball!", vocabulary).ids.tolist()
[1, 4, 2, 0, 0, 0]
>>> reader.encode("a green ball", vocabulary).unknown
('green',)

Case, the kind of white space and of quotation marks, and accents on Latin letters make no difference.
"""

import functools
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from jaxgan import fields

ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789-,;.!?:'\"/\\|_@#$%^&*~`+=<>()[]{} "
"""The 69 characters of GAN-CLS's char-CNN-RNN (Reed et al. 2016, 1605.05396), in its order.

They are those of Zhang et al. 2015 (1509.01626), who count 70, for they list the hyphen twice: here it has one number. Like
Reed's, and unlike Zhang's, the last is the space: between words there is a character, not the nothing of the padding, so that
the network can tell where a caption ends. A line break is a space.
"""

# What other keyboards write: apostrophes and quotation marks, dashes, the stroke of a fraction, the ellipsis is NFKD's.
TYPOGRAPHIC = str.maketrans(
    "\u2018\u2019\u201a\u201c\u201d\u201e\u2010\u2011\u2012\u2013\u2014\u2212\u2044", "'''\"\"\"------/"
)
WORD = re.compile(r"\w+(?:'\w+)*")


@dataclass(frozen=True)
class Encoded:
    """What became of a caption.

    Attributes:
      ids: int32 [length].
      unknown: the characters or words that are not in the vocabulary, each once, in their order.
      cut: how many characters or words behind `length` were cut off.
      empty: whether nothing is left of it (but for spaces); what to say about that is up to the caller.
    """

    ids: np.ndarray
    unknown: tuple[str, ...]
    cut: int
    empty: bool


@dataclass(frozen=True)
class Characters:
    """A caption as its characters, each of `ALPHABET`; one that is not there leaves a blank, 0, in its place."""

    length: int = 201
    """How many characters are read; the rest is cut off."""

    unit: ClassVar[str] = "characters"

    def __post_init__(self):
        fields.check(self)

    def vocabulary(self, captions: Iterable[str]) -> tuple[str, ...]:
        """The characters of `ALPHABET`, whatever the captions are."""
        return tuple(ALPHABET)

    def encode(self, caption: str, vocabulary: tuple[str, ...]) -> Encoded:
        """The numbers of the characters of `caption`; what is unknown is a blank among them."""
        return _encode(simple(caption), vocabulary, self.length)


@dataclass(frozen=True)
class Words:
    """A caption as its words, without punctuation; one that is not in the vocabulary is left out."""

    length: int = 24
    """How many words are read; the rest is cut off."""
    limit: int = 1000
    """The most words that are known: the most frequent of the data's captions."""

    unit: ClassVar[str] = "words"

    def __post_init__(self):
        fields.check(self)

    def vocabulary(self, captions: Iterable[str]) -> tuple[str, ...]:
        """The `limit` most frequent words of the captions, the most frequent first, as frequent ones in alphabetical order."""
        counts = Counter(word for caption in captions for word in WORD.findall(simple(caption)))
        return tuple(sorted(counts, key=lambda word: (-counts[word], word))[: self.limit])

    def encode(self, caption: str, vocabulary: tuple[str, ...]) -> Encoded:
        """The numbers of the known words of `caption`, without gaps."""
        words, numbers = WORD.findall(simple(caption)), _numbers(vocabulary)
        unknown = tuple(dict.fromkeys(word for word in words if word not in numbers))
        known = _encode([word for word in words if word in numbers], vocabulary, self.length)
        return Encoded(known.ids, unknown, known.cut, known.empty)


def simple(caption: str) -> str:
    """The caption in lower case, with plain quotation marks and dashes, single spaces, and no accents on Latin letters."""
    return " ".join("".join(map(_plain, caption.lower().translate(TYPOGRAPHIC))).split())


@functools.lru_cache(4096)
def _plain(character: str) -> str:
    """What a character is without its marks, if that is ASCII; otherwise the character itself."""
    if character.isascii():
        return character
    decomposed = unicodedata.normalize("NFKD", character).translate(TYPOGRAPHIC)
    base = "".join(part for part in decomposed if not unicodedata.combining(part))
    return base.lower() if base.isascii() else character


def _encode(symbols: str | list[str], vocabulary: tuple[str, ...], length: int) -> Encoded:
    numbers = _numbers(vocabulary)
    kept = symbols[:length]
    ids = np.zeros(length, np.int32)
    ids[: len(kept)] = [numbers.get(symbol, 0) for symbol in kept]
    unknown = tuple(dict.fromkeys(symbol for symbol in symbols if symbol not in numbers))
    empty = not any(symbol in numbers and symbol != " " for symbol in kept)
    return Encoded(ids, unknown, len(symbols) - len(kept), empty)


@functools.lru_cache(64)
def _numbers(vocabulary: tuple[str, ...]) -> dict[str, int]:
    return {symbol: number for number, symbol in enumerate(vocabulary, 1)}
