"""A data set by what a person types on the command line."""

import dataclasses
from pathlib import Path

from jaxgan.data.arrays import Arrays
from jaxgan.data.avatars import Avatars
from jaxgan.data.base import ImageData, nearest
from jaxgan.data.digits import Digits
from jaxgan.data.folder import Folder
from jaxgan.data.openmoji import OpenMoji
from jaxgan.data.tfds import TFDS
from jaxgan.errors import UserError

BUILT_IN = {"avatars": Avatars, "openmoji": OpenMoji, "digits": Digits}


def parse_source(spec: str, like: ImageData | None = None) -> ImageData:
    """The data set that `spec` names, without loading it.

    Args:
      spec: "avatars", "openmoji", "digits", "tfds:NAME" (as TFDS writes it: "tfds:cycle_gan/horse2zebra"), a
        folder of pictures, or an .npz file. A folder that is named like a built-in set is "./avatars".
      like: its size, channels, crop, resize and flip are kept.

    Raises:
      UserError: it is none of these; the sentence names the nearest one.

    >>> parse_source("tfds:cifar10", like=Digits(size=32)) == TFDS(name="cifar10", size=32, channels=1)
    True
    """
    fields = [field.name for field in dataclasses.fields(ImageData)]
    picture = {name: getattr(like, name) for name in fields} if isinstance(like, ImageData) else {}
    if spec in BUILT_IN:
        return BUILT_IN[spec](**picture)
    if spec.startswith("tfds:") and len(spec) > len("tfds:"):
        return TFDS(name=spec.removeprefix("tfds:"), **picture)
    path = Path(spec).expanduser()
    if path.suffix.lower() == ".npz":
        if not path.is_file():
            raise UserError(f"the file {path} does not exist")
        return Arrays(path=spec, **picture)
    if path.is_dir():
        return Folder(path=spec, **picture)
    if path.is_file():
        raise UserError(f"{path} is a file: a folder of pictures, or an .npz file, can be a data set")
    beside = [str(path.parent / p.name) for p in path.parent.iterdir() if p.is_dir()] if path.parent.is_dir() else []
    raise UserError(
        f'there is no data set "{spec}"{nearest(spec, [*BUILT_IN, *beside])} '
        f"A source is {', '.join(BUILT_IN)}, tfds:NAME, an existing folder of pictures, or an .npz file"
    )
