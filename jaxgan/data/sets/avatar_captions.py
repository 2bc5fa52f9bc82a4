"""Drawn faces with captions that say what is to be seen, some combinations of which are kept for a test."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Literal
from zlib import crc32

from jaxgan.data.base import ImageData, Records
from jaxgan.data.captions import Described
from jaxgan.data.sets import wording
from jaxgan.data.sets.avatars import Avatars
from jaxgan.data.sets.dicebear import avatar_attributes
from jaxgan.errors import UserError

COMBINED = ("hair_color", "glasses", "clothing_color")  # combinations of these are in one part
SALT = 20  # one that leaves each value in both parts
TENTH = 10


@dataclass(frozen=True, kw_only=True)
class AvatarCaptions(ImageData):
    """Drawn faces (DiceBear's personas) with ten captions each, composed of their attributes.

    For the test there are combinations of hair colour, glasses and colour of clothes that never occur in training, though
    each of the three does: whoever draws them has understood the words, and remembers no picture.
    """

    count: int = 4096
    """How many faces there are before those of the other part are taken out."""
    first: int = 0
    """Number of the first face. Faces of other numbers are other faces."""
    part: Literal["train", "test", "all"] = "train"
    """train, about nine tenths; test, the others, none of which looks like one of train in hair colour, glasses and colour of
    clothes; or all."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.part not in ("train", "test", "all"):
            raise UserError(f'data.part is "{self.part}": it can be train, test or all')
        _ = self.faces  # which checks the rest

    def load(self) -> Records:
        """Draws the faces, or finds them in the cache of `Avatars`. "image", one integer per attribute, "captions", "facts".

        Raises:
          UserError: there are so few faces that none is in this part.
        """
        faces = self.faces.load().examples
        attributes = avatar_attributes("personas")
        chosen, texts = [], []
        for index in range(len(faces)):
            face = faces[index]
            named = {name: values[face[name]] for name, values in attributes.items()}
            if self.part in ("all", avatar_part(named)):
                chosen.append(index)
                captions = wording.captions_of(named, self.first + index)
                texts.append({"captions": captions, "facts": wording.facts_of(named)})
        if not chosen:
            raise UserError(
                f"none of the faces {self.first} to {self.first + self.count - 1} is in the part {self.part}: "
                "raise data.count"
            )
        return Records(Described(faces, texts.__getitem__, chosen))

    @property
    def faces(self) -> Avatars:
        """The faces of all parts, without captions."""
        picture = {field.name: getattr(self, field.name) for field in fields(ImageData)}
        return Avatars(count=self.count, first=self.first, label=None, **picture)


def avatar_part(attributes: Mapping[str, str]) -> Literal["train", "test"]:
    """The part of a face of `personas` with these values of `COMBINED`: always the same, in any process."""
    combination = " ".join([str(SALT), *(attributes[name] for name in COMBINED)])
    return "test" if crc32(combination.encode()) % TENTH == 0 else "train"
