"""Pictures beside what becomes of them: smaller, with a hole, or grey. What a system learns to undo is made of the picture that
it should be, after crops and flips, so the two always fit."""

import dataclasses
from typing import Any

import numpy as np
from PIL import Image

from jaxgan import fields
from jaxgan.data.base import ImageData, Records
from jaxgan.errors import UserError
from jaxgan.media import to_image, to_uint8


@dataclasses.dataclass(frozen=True, kw_only=True)
class Derived:
    """What the sets here share: the pictures of another set, and all that it says of them."""

    pictures: ImageData
    """Any set of pictures: they are "image"."""

    def __post_init__(self) -> None:
        fields.check(self)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of "image"."""
        return self.pictures.shape

    def without_augmentation(self) -> "Derived":
        """The same with nothing random about the pictures."""
        return dataclasses.replace(self, pictures=self.pictures.without_augmentation())

    def load(self) -> Records:
        """The examples of `pictures`."""
        records = self.pictures.load()
        media = {name: medium for name, medium in records.media.items() if name not in ("input", "mask")}
        return dataclasses.replace(records, media=media)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Downscaled(Derived):
    """ "input" is the picture at a `factor` of its height and width, by Pillow's bicubic filter.

    >>> from jaxgan.data import Avatars
    >>> data = Downscaled(pictures=Avatars(size=32, count=4), factor=4)
    >>> example = data.transform(data.load().examples[0], np.random.default_rng(0))
    >>> example["image"].shape, example["input"].shape
    ((32, 32, 3), (8, 8, 3))
    """

    factor: int = 4
    """How many times smaller: it divides height and width."""

    def __post_init__(self) -> None:
        super().__post_init__()
        height, width, _ = self.shape
        if self.factor < 2 or height % self.factor or width % self.factor:
            raise UserError(
                f"data.factor is {self.factor}, and the pictures are {height}x{width}: give a factor of at least 2 that "
                "divides both sides, or another --data.pictures.size"
            )

    def transform(self, example: dict[str, Any], random: np.random.Generator) -> dict[str, np.ndarray]:
        """As `pictures` does, and "input": float32 [height / factor, width / factor, channels] in [-1, 1]."""
        batch = self.pictures.transform(example, random)
        height, width, _ = self.shape
        small = to_image(to_uint8(batch["image"])).resize(
            (width // self.factor, height // self.factor), Image.Resampling.BICUBIC
        )
        return {**batch, "input": _floats(small)}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Masked(Derived):
    """ "mask" is 1 in a hole and -1 elsewhere, and "input" the picture with the hole filled with grey (0).

    The hole is a rectangle at a place of chance, another at each visit. A mask of one's own, for `--given mask=FILE`, is a
    picture that is white in the hole and black elsewhere.

    >>> from jaxgan.data import Avatars
    >>> data = Masked(pictures=Avatars(size=32, count=4), side=0.25)
    >>> example = data.transform(data.load().examples[0], np.random.default_rng(0))
    >>> int((example["mask"] == 1).sum()), float(np.abs(example["input"][example["mask"][..., 0] == 1]).max())
    (64, 0.0)
    """

    side: float = 0.5
    """Height and width of the hole, as a share of the picture's, in (0, 1)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.side < 1:
            raise UserError(f"data.side is {self.side}: the hole is a share of the picture's sides, between 0 and 1")

    def transform(self, example: dict[str, Any], random: np.random.Generator) -> dict[str, np.ndarray]:
        """As `pictures` does, and "mask" float32 [height, width, 1] and "input" float32 [height, width, channels]."""
        batch = self.pictures.transform(example, random)
        height, width, _ = self.shape
        tall, wide = max(1, round(self.side * height)), max(1, round(self.side * width))
        top, left = int(random.integers(height - tall + 1)), int(random.integers(width - wide + 1))
        mask = np.full((height, width, 1), -1, np.float32)
        mask[top : top + tall, left : left + wide] = 1
        return {**batch, "mask": mask, "input": np.where(mask > 0, np.float32(0), batch["image"])}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Grey(Derived):
    """ "input" is the picture in grey, of one channel: its luminance (ITU-R BT.601).

    >>> from jaxgan.data import Avatars
    >>> data = Grey(pictures=Avatars(size=32, count=4))
    >>> data.transform(data.load().examples[0], np.random.default_rng(0))["input"].shape
    (32, 32, 1)
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.shape[-1] != 3:
            raise UserError("data.pictures are grey already: give --data.pictures.channels 3")

    def transform(self, example: dict[str, Any], random: np.random.Generator) -> dict[str, np.ndarray]:
        """As `pictures` does, and "input": float32 [height, width, 1] in [-1, 1]."""
        batch = self.pictures.transform(example, random)
        return {**batch, "input": _floats(to_image(to_uint8(batch["image"])).convert("L"))}


def _floats(image: Image.Image) -> np.ndarray:
    """A picture of Pillow's as float32 [H, W, C] in [-1, 1]."""
    pixels = np.asarray(image)
    return (pixels[..., None] if pixels.ndim == 2 else pixels).astype(np.float32) / np.float32(127.5) - np.float32(1)
