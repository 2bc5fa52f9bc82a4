"""What a data set gives, without its examples: what a system is fitted to, and what a run keeps of its data."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from jaxgan.media import Medium, Text, guessed

if TYPE_CHECKING:
    import jax


def vocabulary_of(media: Mapping[str, Medium]) -> tuple[str, ...]:
    """What the numbers of "text" stand for, from 1; () without texts."""
    text = media.get("text")
    return text.vocabulary if isinstance(text, Text) else ()


@dataclass(frozen=True)
class Spec:
    """What every example has.

    Attributes:
      shapes: shape and dtype of each entry of one example, without the batch axis.
      classes: the names of the values of "label", or of its A entries; () without labels.
      media: of each entry what it is; where it is not said, it is guessed by its shape.
      count: how many examples there are.
      identity: what tells the data from others with as many examples, as in `Records`.
    """

    shapes: "Mapping[str, jax.ShapeDtypeStruct]"
    classes: tuple[str, ...] = ()
    media: Mapping[str, Medium] = field(default_factory=dict)
    count: int = 0
    identity: str = ""

    def __post_init__(self) -> None:
        media = {name: self.media.get(name) or guessed(shape.shape, shape.dtype) for name, shape in self.shapes.items()}
        object.__setattr__(self, "media", media)
        object.__setattr__(self, "classes", tuple(self.classes))

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """What the numbers of "text" stand for, from 1; () without texts."""
        return vocabulary_of(self.media)

    def of(self, names: Iterable[str]) -> "Spec":
        """The same with these entries alone."""
        return replace(self, shapes={name: self.shapes[name] for name in names})
