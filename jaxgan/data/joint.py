"""Several labelled sets of pictures as one, for systems that learn from all of them at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from jaxgan import fields
from jaxgan.data.base import ImageData, Records, identity_of
from jaxgan.errors import UserError


@dataclass(frozen=True, kw_only=True)
class Joint:
    """The pictures of two sets whose labels mean different things (StarGAN, section 3.3, with CelebA and RaFD).

    "label" is int32 [A + B], the attributes of `a`, then those of `b`; those of the other set are 0. Where a set's label is
    one of N classes, these are N attributes of which one is 1. "source" is 0 or 1: whose picture it is. The examples of both
    stand one after the other, so a larger set is seen more often.
    """

    a: ImageData
    """The first set; it must have labels."""
    b: ImageData
    """The second, of the same shape; it must have labels, too."""

    def __post_init__(self) -> None:
        fields.check(self)
        if self.a.shape != self.b.shape:
            raise UserError(
                f"data.a gives pictures of {self.a.shape} and data.b of {self.b.shape} (height, width, channels): give both "
                "the same size and channels (--data.a.size, --data.b.size)"
            )

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of the training pictures."""
        return self.a.shape

    def without_augmentation(self) -> "Joint":
        """The same with nothing random about a picture."""
        return type(self)(a=self.a.without_augmentation(), b=self.b.without_augmentation())

    def load(self) -> Records:
        """Loads both; classes are the labels of both, as "a.NAME" and "b.NAME" where they share a name.

        Raises:
          UserError: one has no labels.
        """
        loaded = [self.a.load(), self.b.load()]
        for name, records in zip("ab", loaded, strict=True):
            if not records.classes:
                raise UserError(f"data.{name} has no labels, and two sets are put together by theirs: give it a label")
        classes = [records.classes for records in loaded]
        if set(classes[0]) & set(classes[1]):  # whose label is meant must be plain
            classes = [tuple(f"{set_}.{name}" for name in names) for set_, names in zip("ab", classes, strict=True)]
        identity = identity_of([records.identity for records in loaded])
        return Records(_Joined(loaded), classes[0] + classes[1], identity=identity)

    def transform(self, example: dict[str, Any], random: np.random.Generator) -> dict[str, np.ndarray]:
        """The picture as its own set has it, "label" and "source"."""
        image = (self.a, self.b)[example["source"]].transform(example["example"], random)["image"]
        return {"image": image, "label": example["label"], "source": np.int32(example["source"])}


class _Joined(Sequence):
    """See `Joint.load`."""

    def __init__(self, loaded: list[Records]):
        self._loaded = loaded

    def __len__(self) -> int:
        return sum(len(records.examples) for records in self._loaded)

    def __getitem__(self, index: int) -> dict[str, Any]:
        first = len(self._loaded[0].examples)
        source = int(index >= first)
        example = self._loaded[source].examples[index - source * first]
        parts = [np.zeros(len(records.classes), np.int32) for records in self._loaded]
        if np.ndim(example["label"]):
            parts[source][:] = example["label"]
        else:
            parts[source][int(example["label"])] = 1
        return {"example": example, "source": source, "label": np.concatenate(parts)}
