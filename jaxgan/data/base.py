"""What a data set is, and what all sets of pictures have in common.

A data set is any frozen dataclass with two methods, with no base class needed:

    load() -> Records                     random access to examples, dicts of fields
    transform(example, random) -> dict    what enters the batch: arrays, of the same shapes for all examples

`load` does what is the same in every epoch, `transform` what is random; it must leave the example as it is,
which may be kept in memory. `pipeline.Batches` turns a data set into minibatches.

"image" is the picture that a system learns to make. Where it is made from another picture, that one is "input".
"""

import dataclasses
import hashlib
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, Self

import numpy as np

from jaxgan.data import pictures
from jaxgan.data.spec import vocabulary_of
from jaxgan.errors import UserError
from jaxgan.media.base import Medium

# Bytes of decoded pictures that are kept in memory; a set that needs more is decoded again in each epoch.
MEMORY = 1 << 30

PICTURES = ("image", "input")  # the fields of an example that are pictures


@dataclass(frozen=True)
class Records:
    """The examples of a data set.

    Attributes:
      examples: `len(examples)` and `examples[i]`, a dict of fields. "image" is uint8 [H, W, C], and so is "input",
        where an example is a pair; "label", where there is one, an integer, or zeros and ones [A]; any other field
        may be a number, an array or text.
      classes: the names of the values of "label", or of its A entries; () without labels.
      media: of each field what it is (`jaxgan.media`), with what the numbers do not say, such as the rate of sounds or the
        vocabulary of texts. Where it is not said, it is guessed by the shape: pictures, points of the plane, plain numbers.
      identity: what tells the set from another with as many examples, such as a digest of its files' names and sizes, wherever
        they lie; "" where the data set's own fields say it all.
    """

    examples: Sequence[dict[str, Any]]
    classes: tuple[str, ...] = ()
    media: Mapping[str, Medium] = dataclasses.field(default_factory=dict)
    identity: str = ""

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """What the numbers of "text" stand for, from 1; () without texts."""
        return vocabulary_of(self.media)


def identity_of(parts: Iterable[str]) -> str:
    """For `Records`: of what the set consists of; "" where nothing of it says anything."""
    parts = list(parts)
    return hashlib.sha256("\n".join(parts).encode(errors="surrogateescape")).hexdigest() if any(parts) else ""


def chance(name: str) -> float:
    """A number in [0, 1) that looks random and is always the same: by it a family of examples is put into a part."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) / 2**64


def places(data: Any, name: str = "data") -> frozenset[str]:
    """The dotted names of the fields that say where a data set lies, and not what it is: its `places`, and those of its parts.

    >>> from jaxgan.data import Folder, Unpaired
    >>> sorted(places(Unpaired(a=Folder(path="cats"), b=Folder(path="dogs"))))[:3]
    ['data.a.attributes', 'data.a.captions', 'data.a.path']
    """
    own = getattr(type(data), "places", ())
    found = {f"{name}.{field}" for field in own} if isinstance(own, tuple) else set()
    for field in dataclasses.fields(data) if dataclasses.is_dataclass(data) else ():
        found |= places(getattr(data, field.name), f"{name}.{field.name}")
    return frozenset(found)


@dataclass(frozen=True, kw_only=True)
class ImageData:
    """What all sources of pictures share: the shape of the training pictures and their augmentation.

    >>> ImageData(size=(48, 32)).fit(np.zeros((100, 60, 4), np.uint8)).shape
    (48, 32, 3)
    >>> ImageData(size=256, crop="random").cover_size
    (288, 288)
    """

    places: ClassVar[tuple[str, ...]] = ()
    """The fields that say where the set lies: a run goes on with it elsewhere."""

    coordinates: ClassVar[tuple[str, ...]] = ()
    """The fields that are places in the picture, [..., x, y and what else there is], in pixels from its upper left corner."""

    size: int | tuple[int, int] = 64
    """Side, or height and width, of the training pictures, in pixels."""
    channels: Literal[1, 3] = 3
    """3 for colour (RGB), 1 for grey; pictures of the other kind are converted."""
    crop: Literal["center", "random", "none"] = "center"
    """How a picture is brought to `size`: its center, a random part (see `resize`), or all of it (none)."""
    resize: int | None = None
    """With `crop="random"`: the side to which a picture is resized before the crop (286 for a crop of 256).
    The default is 9/8 of `size`."""
    flip: bool = False
    """Mirror a picture left to right with probability one half."""

    def __post_init__(self) -> None:
        if isinstance(self.size, list):  # as JSON gives it
            object.__setattr__(self, "size", tuple(self.size))
        if not isinstance(self.size, int) and len(self.size) != 2:
            raise UserError(f"data.size is {self.size}: it is one side, or height and width")
        height, width = self.shape[:2]
        if height < 1 or width < 1:
            raise UserError(f"data.size is {self.size}, but pictures have at least 1 pixel: try 64")
        if self.channels not in (1, 3):
            raise UserError(f"data.channels is {self.channels}: it can be 1 (grey) or 3 (colour)")
        if self.crop not in ("center", "random", "none"):
            raise UserError(f"data.crop is {self.crop!r}: it can be center, random or none")
        if self.resize is not None and self.crop != "random":
            raise UserError('data.resize is the size before a random crop: give data.crop "random" too')
        if self.resize is not None and self.resize < max(height, width):
            raise UserError(f"data.resize is {self.resize}, less than data.size {self.size} that is cropped from it")

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of the training pictures."""
        height, width = (self.size, self.size) if isinstance(self.size, int) else self.size
        return height, width, self.channels

    @property
    def cover_size(self) -> tuple[int, int]:
        """(height, width) that a picture must cover before it is cropped."""
        height, width, _ = self.shape
        if self.crop != "random":
            return height, width
        resize = self.resize if self.resize is not None else max(height, width) * 9 // 8
        scale = resize / max(height, width)
        return round(scale * height), round(scale * width)

    def without_augmentation(self) -> Self:
        """The same with nothing random about its pictures: no flips, and the centre instead of random crops."""
        crop = {"crop": "center", "resize": None} if self.crop == "random" else {}
        return replace(self, flip=False, **crop)

    def fit(self, pixels: np.ndarray) -> np.ndarray:
        """The deterministic part of the geometry.

        Args:
          pixels: uint8 or uint16 [H, W, C] of any size, C from 1 to 4 (grey, grey and alpha, RGB, RGBA).

        Returns:
          uint8 [H', W', channels]: `size`, or, before a random crop, the smallest that covers `cover_size`.
        """
        pixels = pictures.from_array(pixels, self.channels)
        return self.cut(*pixels.shape[:2]).picture(pixels)

    def cut(self, height: int, width: int) -> pictures.Cut:
        """What `fit` does to a picture of this size, and to the maps and places that belong to it."""
        kind = {"center": pictures.Cut.center, "random": pictures.Cut.cover, "none": pictures.Cut.squash}[self.crop]
        return kind(height, width, *self.cover_size)

    def fitted(self, count: int, read: Callable[[int], dict[str, Any]], pictures: int = 1) -> Sequence[dict[str, Any]]:
        """The examples `read(i)`, whose pictures have any size, fitted; kept in memory where the set is small.

        They are kept as they are first read, so training starts at once and only the first epoch decodes. `pictures`
        is how many an example has: 2 where it is a pair. Arrays as large as the picture, whatever more axes they have, are maps
        over it (masks, heat maps), which are fitted alike.
        """
        height, width = self.cover_size
        return _Fitted(self, count, read, keep=pictures * count * height * width * self.channels <= MEMORY)

    def transform(self, example: dict[str, Any], random: np.random.Generator) -> dict[str, np.ndarray]:
        """Crops and flips at random, all that belongs to a picture alike, and drops what a batch cannot hold.

        Args:
          example: of `load().examples`; its "maps" names those of its fields that are maps over the picture (see `fitted`).
          random: the example's own generator, a function of seed, example and epoch.

        Returns:
          "image", and "input" of a pair: float32 [height, width, channels] in [-1, 1]; and every numeric field,
          whole numbers and truth values as int32, others as float32. Maps and `coordinates` are cropped and flipped with the
          picture (a left hand becomes a right one). Text is left out.
        """
        height, width, _ = self.shape
        top, left = example["image"].shape[0] - height, example["image"].shape[1] - width
        if self.crop == "random":  # drawn even where there is no room: the flip must not depend on the picture
            top, left = random.integers(0, [top + 1, left + 1])
        across = slice(None, None, -1) if self.flip and random.random() < 0.5 else slice(None)
        batch = {}
        for name in PICTURES:
            if name in example:
                pixels = example[name][top : top + height, left : left + width][:, across]
                batch[name] = pixels.astype(np.float32) / np.float32(127.5) - np.float32(1)
        for name, value in example.items():
            if name not in PICTURES and not isinstance(value, str | bytes):
                value = np.asarray(value)
                if name in example.get("maps", ()):
                    value = value[top : top + height, left : left + width][:, across]
                elif name in self.coordinates:
                    value = value - np.float32([left, top] + [0] * (value.shape[-1] - 2))
                    if across.step == -1:
                        value[..., 0] = width - value[..., 0]
                if value.dtype.kind in "biuf":
                    batch[name] = value.astype(np.float32 if value.dtype.kind == "f" else np.int32)
        return batch


def _is_map(name: str, value: Any, size: tuple[int, int]) -> bool:
    """Whether a field is a map over a picture of this size. Labels and vectors of texts may happen to be as large."""
    like = isinstance(value, np.ndarray) and value.ndim >= 2 and value.shape[:2] == tuple(size)
    return like and name not in (*PICTURES, "label", "text")


class _Fitted(Sequence):
    """See `ImageData.fitted`. Threads may read at the same time: at worst one example is decoded twice."""

    def __init__(self, data: ImageData, count: int, read: Callable[[int], dict[str, Any]], keep: bool):
        self._data, self._read = data, read
        self._kept: list[dict[str, Any] | None] = [None] * count
        self._keep = keep

    def __len__(self) -> int:
        return len(self._kept)

    def __getitem__(self, index: int) -> dict[str, Any]:
        example = self._kept[index]
        if example is None:
            example = dict(self._read(index))
            sizes = [np.shape(example[name])[:2] for name in PICTURES if name in example]
            if sizes[0] != sizes[-1]:
                raise UserError(
                    f'example {index} is a pair whose "image" is {list(sizes[0])} pixels and whose "input" is '
                    f"{list(sizes[1])}: they must be of one size, for both are cropped alike"
                )
            cut = self._data.cut(*sizes[0])
            maps = tuple(name for name, value in example.items() if _is_map(name, value, sizes[0]))
            example |= {name: self._data.fit(example[name]) for name in PICTURES if name in example}
            example |= {name: cut.map(example[name]) for name in maps}
            example |= {name: cut.places(example[name]) for name in self._data.coordinates if name in example}
            if maps:  # said once: of the size that the picture has now an array may be that is none
                example["maps"] = maps
            if self._keep:
                self._kept[index] = example
        return example


def class_number(label: str, classes: Sequence[str]) -> int | None:
    """The number of the class that a person means by its name, or by its number; None where there is no such class.

    Where a class is called by a number, folders "1", "2", "3" say, a number is always a name: 1 must not be two classes.

    >>> class_number("dog", ("cat", "dog")), class_number("1", ("cat", "dog")), class_number("1", ("1", "2"))
    (1, 1, 0)
    >>> class_number("0", ("1", "2")) is None
    True
    """
    names = [composed(name) for name in classes]
    if composed(label) in names:
        return names.index(composed(label))
    numbered = any(name.isdecimal() for name in classes)
    return int(label) if label.isdecimal() and not numbered and int(label) < len(classes) else None


def composed(name: str) -> str:
    """A name as it is compared: a Mac writes a letter and its accent apart in the names of files, others do not."""
    return unicodedata.normalize("NFC", name)
