"""Two sets of pictures without pairs: what a translation starts from, and what it should look like."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from jaxgan import fields
from jaxgan.data.base import ImageData, Records, identity_of
from jaxgan.errors import UserError


@dataclass(frozen=True, kw_only=True)
class Unpaired:
    """Pictures of one set beside pictures of another, each time in other company, as CycleGAN learns from them.

    There are as many examples as the larger set has. Example i has picture i of `a` as "input" (mod their number) and a
    picture of `b` as "image", drawn anew at each visit. Each is cropped and flipped as its own set says.

    >>> from jaxgan.data import Digits
    >>> data = Unpaired(a=Digits(), b=Digits(flip=True))
    >>> example = data.transform(data.load().examples[0], np.random.default_rng(0))
    >>> example["input"].shape, example["image"].shape
    ((8, 8, 1), (8, 8, 1))
    """

    a: ImageData
    """What is translated: any set of pictures, of which only the pictures are used."""
    b: ImageData
    """What it is translated into; its pictures have the same shape."""
    partners: Literal["random", "in order"] = "random"
    """How an example comes by its picture of b: drawn at each visit, for training; or number i (mod their number), so that
    all are there, for a score."""

    def __post_init__(self) -> None:
        fields.check(self)
        if self.a.shape != self.b.shape:
            a, b = ("x".join(map(str, data.shape)) for data in (self.a, self.b))
            raise UserError(
                f"data.a gives pictures of {a} and data.b of {b} (height, width, channels): give both the same size and "
                "channels (--data.a.size, --data.b.size)"
            )

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of the training pictures."""
        return self.a.shape

    def without_augmentation(self) -> "Unpaired":
        """The same with nothing random about it."""
        return replace(self, a=self.a.without_augmentation(), b=self.b.without_augmentation(), partners="in order")

    def load(self) -> Records:
        """Loads both. An example is one of `a`, and the whole of `b`, of which `transform` draws one."""
        a, b = self.a.load(), self.b.load()
        return Records(_Beside(a.examples, b.examples), identity=identity_of([a.identity, b.identity]))

    def transform(self, example: dict[str, Any], random: np.random.Generator) -> dict[str, np.ndarray]:
        """Draws the partner, and crops and flips both.

        Args:
          example: of `load().examples`.
          random: the example's own generator, a function of seed, example and epoch.

        Returns:
          "input" and "image": float32 [height, width, channels] in [-1, 1].
        """
        partners = example["partners"]
        drawn = self.partners == "random"
        partner = partners[int(random.integers(len(partners))) if drawn else example["number"] % len(partners)]
        source = self.a.transform(example["source"], random)
        return {"input": source["image"], "image": self.b.transform(partner, random)["image"]}


class _Beside(Sequence):
    """See `Unpaired.load`."""

    def __init__(self, a: Sequence[dict[str, Any]], b: Sequence[dict[str, Any]]):
        self._a, self._b = a, b

    def __len__(self) -> int:
        return max(len(self._a), len(self._b))

    def __getitem__(self, index: int) -> dict[str, Any]:
        if index >= len(self):
            raise IndexError(index)
        return {"source": self._a[index % len(self._a)], "partners": self._b, "number": index}
