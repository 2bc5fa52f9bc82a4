"""A data set by what a person types on the command line."""

import dataclasses
from pathlib import Path

from jaxgan.cache import expanded
from jaxgan.data.arrays import Arrays
from jaxgan.data.base import ImageData
from jaxgan.data.captioned import Captioned
from jaxgan.data.files import Files
from jaxgan.data.folder import Folder
from jaxgan.data.pairs import Pairs
from jaxgan.data.photographs import Photographs
from jaxgan.data.sets.avatar_captions import AvatarCaptions
from jaxgan.data.sets.avatars import Avatars
from jaxgan.data.sets.clipart import Clipart
from jaxgan.data.sets.digits import Digits
from jaxgan.data.sets.letters import Letters
from jaxgan.data.sets.openmoji import OpenMoji
from jaxgan.data.sets.openmoji_pairs import OpenMojiPairs
from jaxgan.data.tfds import TFDS
from jaxgan.data.unpaired import Unpaired
from jaxgan.errors import UserError, nearest

BUILT_IN = {
    "avatars": Avatars,
    "openmoji": OpenMoji,
    "openmoji_pairs": OpenMojiPairs,
    "digits": Digits,
    "letters": Letters,
    "clipart": Clipart,
}
DOMAINS = (("A", "B"), ("trainA", "trainB"), ("train_A", "train_B"))  # subfolders of two sets without pairs
SPLITS = ("trainA", "trainB")  # of a TFDS set


CAPTIONS = ("captions.csv", "captions.jsonl")  # the table in a folder of pictures with captions


def parse_source(spec: str, like: ImageData | Unpaired | Captioned | None = None) -> ImageData | Unpaired | Captioned:
    """The data set that `spec` names, without loading it.

    Args:
      spec: "avatars", "openmoji", "openmoji_pairs", "digits", "letters", "clipart", "tfds:NAME" (as TFDS writes it:
        "tfds:cifar10"), a folder of pictures, or an .npz file. A folder that is named like a built-in set is "./avatars".
      like: its size, channels, crop, resize and flip are kept. Where it is a set of pairs, so is what comes back: a
        folder is one of `Pairs`. Where it is `Unpaired`, a folder has the subfolders A and B, or trainA and trainB, and
        "tfds:cycle_gan/NAME" has the splits trainA and trainB. Where it is `Captioned`, "avatars" are `AvatarCaptions`, and
        a folder has captions.csv or captions.jsonl. Where it is `Files`, a folder has files of its medium.

    Raises:
      UserError: it is none of these (the sentence names the nearest one), or has no pairs, no two sets or no captions as
        `like` has.

    >>> from jaxgan.data import TFDS, Digits
    >>> parse_source("tfds:cifar10", like=Digits(size=32)) == TFDS(name="cifar10", size=32, channels=1)
    True
    """
    if isinstance(like, Unpaired):
        return _two_sets(spec, like)
    if isinstance(like, Files | Photographs):
        return dataclasses.replace(like, path=spec)
    if isinstance(like, Captioned):
        return dataclasses.replace(like, pictures=_with_captions(spec, like.pictures))
    picture = _picture(like)
    paired = isinstance(like, Pairs | OpenMojiPairs)
    if spec in BUILT_IN and not (paired and BUILT_IN[spec] is not OpenMojiPairs):
        return BUILT_IN[spec](**picture)
    if spec.startswith("tfds:") and len(spec) > len("tfds:") and not paired:
        return TFDS(name=spec.removeprefix("tfds:"), **picture)
    path = expanded(spec)
    if path.suffix.lower() == ".npz":
        if not path.is_file():
            raise UserError(f"the file {path.absolute()} does not exist")
        return Arrays(path=spec, **picture)
    if path.is_dir():
        if paired:
            direction = {"direction": like.direction} if isinstance(like, Pairs) else {}
            return Pairs(path=spec, **direction, **picture)
        return Folder(path=spec, **picture)
    if path.is_file():
        raise UserError(f"{path} is a file: a folder of pictures, or an .npz file, can be a data set")
    if paired:
        raise UserError(
            f'"{spec}" is no set of pairs, as this config learns from, and there is no folder {path.absolute()}: give one with '
            'the subfolders A and B, or of pictures with two halves, an .npz file with "input" and "image", or openmoji_pairs'
        )
    raise UserError(
        f'there is no data set "{spec}"{nearest(spec, [*BUILT_IN, *_beside(path)])} '
        f"A source is {', '.join(BUILT_IN)}, tfds:NAME, an .npz file, or a folder of pictures (there is none at "
        f"{path.absolute()})"
    )


def _picture(like: object) -> dict:
    """The fields of `like` that all sets of pictures have."""
    fields = [field.name for field in dataclasses.fields(ImageData)]
    return {name: getattr(like, name) for name in fields} if isinstance(like, ImageData) else {}


def _with_captions(spec: str, like: ImageData) -> ImageData:
    picture = _picture(like)
    if spec == "avatars":
        return AvatarCaptions(**picture)
    data = parse_source(spec, like)
    if isinstance(data, TFDS):
        key = like.caption_key if isinstance(like, TFDS) else None
        return dataclasses.replace(data, caption_key=key or "caption")
    if isinstance(data, Folder):
        tables = [path for name in CAPTIONS if (path := expanded(spec) / name).is_file()]
        if len(tables) != 1:
            has = "has both" if tables else "has neither"
            raise UserError(
                f"this config learns from pictures with captions, so a folder has them in {' or '.join(CAPTIONS)}, but "
                f"{spec} {has}; a config in Python can name another file, with Folder(captions=...)"
            )
        return dataclasses.replace(data, captions=str(tables[0]))
    if isinstance(data, OpenMoji | Arrays):
        return data
    raise UserError(
        f"this config learns from pictures with captions, and {spec} has none: a source is avatars, openmoji, tfds:NAME with "
        'a field "caption", a folder with captions.csv, or an .npz file with "text", vectors of captions'
    )


def _two_sets(spec: str, like: Unpaired) -> Unpaired:
    a, b = _picture(like.a), _picture(like.b)
    if spec.startswith("tfds:") and len(spec) > len("tfds:"):
        first, second = SPLITS
        name = spec.removeprefix("tfds:")
        return Unpaired(a=TFDS(name=name, split=first, **a), b=TFDS(name=name, split=second, **b))
    path = expanded(spec)
    for first, second in DOMAINS:
        if (path / first).is_dir() and (path / second).is_dir():
            return Unpaired(a=Folder(path=str(path / first), **a), b=Folder(path=str(path / second), **b))
    near = nearest(spec, _beside(path)).removesuffix(".")
    what = "does not have these" if path.is_dir() else f"is neither (there is no folder {path.absolute()}){near}"
    raise UserError(
        "this config learns from two sets without pairs: a source is a folder with the subfolders A and B, or trainA and "
        f"trainB, or tfds:cycle_gan/NAME, but {spec} {what}; a config in Python can put any two sets together"
    )


def _beside(path: Path) -> list[str]:
    """The folders that lie where `path` would."""
    return [str(path.parent / p.name) for p in path.parent.iterdir() if p.is_dir()] if path.parent.is_dir() else []
