"""What is said of pictures: captions, and examples that have them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Caption:
    """A caption and what it says: it is wrong for a picture when it says anything that is not true of it.

    Attributes:
      text: of the caption.
      says: facts of any kind, to be compared with the "facts" of examples; None if all that is known is the text.
    """

    text: str
    says: frozenset | None = None


class Described(Sequence):
    """Examples with what is said of them: `texts(i)`, fields that are read without the picture.

    `chosen` are the indices of those that there are, in this order; all if None.
    """

    def __init__(
        self,
        examples: Sequence[dict[str, Any]],
        texts: Callable[[int], dict[str, Any]],
        chosen: Sequence[int] | None = None,
    ):
        self._examples, self.texts = examples, texts
        self._chosen = range(len(examples)) if chosen is None else chosen

    def __len__(self) -> int:
        return len(self._chosen)

    def __getitem__(self, index: int) -> dict[str, Any]:
        example = self._examples[self._chosen[index]]
        return {**self.texts(index), **example}  # which knows better where it stands in for a damaged one
