"""Pairs of pictures in a folder: what a translation starts from, and what it should become."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from jaxgan.cache import expanded
from jaxgan.data import pictures
from jaxgan.data.base import ImageData, Records, composed
from jaxgan.data.folder import Decoder, drop_damaged, find_pictures, identity_of_files, some
from jaxgan.errors import UserError

COUPLES = (
    ("a", "b"), ("traina", "trainb"), ("train_a", "train_b"), ("input", "target"), ("inputs", "targets"),
    ("input", "output"), ("inputs", "outputs"), ("source", "target"), ("sources", "targets"), ("sketch", "photo"),
    ("sketches", "photos"), ("edge", "photo"), ("edges", "photos"), ("label", "photo"), ("labels", "photos"),
    ("before", "after"), ("x", "y"), ("testa", "testb"), ("test_a", "test_b"), ("vala", "valb"), ("val_a", "val_b"),
)  # fmt: skip
"""Names of two folders with pairs, what is translated and what it becomes, in small letters; the first that are there count."""
SIDES = frozenset(name for couple in COUPLES for name in couple) - {"photo", "photos", "label", "labels", "x", "y"}
"""Folders that hold single pictures of pairs, and nothing else."""
SPLITS = frozenset({"train", "training", "val", "valid", "validation", "test", "testing"})  # each may have its number 1


@dataclass(frozen=True, kw_only=True)
class Pairs(ImageData):
    """Pairs of pictures: in two subfolders, A and B say, under the same names, or side by side in one picture.

    >>> from pathlib import Path
    >>> from PIL import Image
    >>> Path("maps").mkdir()
    >>> Image.new("RGB", (128, 64)).save("maps/1.png")  # two of 64x64 side by side
    >>> (pair,) = Pairs(path="maps", size=32).load().examples
    >>> pair["input"].shape, pair["image"].shape
    ((32, 32, 3), (32, 32, 3))
    """

    places = ("path",)

    path: str
    """The folder. With subfolders A and B, A/1.png and B/1.jpg are a pair (and below: A/x/1.png, B/x/1.png); they may be called
    trainA and trainB, input and target, source and target, sketch and photo, edges and photos, before and after as well.
    Without them the left half of each picture is A and the right half B, as in the sets of pix2pix."""
    direction: Literal["ab", "ba"] = "ab"
    """ab: from A to B, "input" is A and "image" B; ba: the reverse."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.direction not in ("ab", "ba"):
            raise UserError(f'data.direction is "{self.direction}": it can be ab or ba')

    def load(self) -> Records:
        """Finds the pairs and looks at each picture; "input", "image", and "file" (the path of A below the folder).

        Raises:
          UserError: the folder is missing or has no pictures; a picture has no partner, or one of another size, or has
            no two equal halves; or 1% of the files or more are no usable pictures. Fewer are named on standard error,
            and their pairs skipped.
        """
        folder = expanded(self.path)
        sides = couple(folder)
        groups = _partners(*sides) if sides else [(path,) for path in _two_in_one(folder)]
        files = [path for group in groups for path in group]
        good = set(drop_damaged(files, folder))
        groups = [group for group in groups if good.issuperset(group)]
        if sides:
            _check_sizes(groups)
        else:
            _check_widths([path for (path,) in groups], folder)
        # Whole, not as `Folder` does at a fraction of their size, which would be rounded for each picture on its own.
        decode = Decoder(groups, files, set(files) - good, folder, self.channels)

        def read(index: int) -> dict:
            group, pixels = decode(index)
            if len(pixels) == 1:
                middle = pixels[0].shape[1] // 2
                pixels = [pixels[0][:, :middle], pixels[0][:, middle:]]
            source, target = pixels if self.direction == "ab" else reversed(pixels)
            return {"input": source, "image": target, "file": str(group[0].relative_to(folder))}

        return Records(self.fitted(len(groups), read, pictures=2), identity=identity_of_files(sorted(good), folder))


def other_side(folder: Path) -> Path | None:
    """Of a folder with one half of pairs, the folder beside it with the other; None where there is none."""
    beside = {path.name.lower(): path for path in sorted(folder.parent.iterdir()) if path.is_dir()}
    for names in COUPLES:
        for mine, other in (names, names[::-1]):
            if beside.get(mine) == folder and other in beside:
                return beside[other]
    return None


def couple(folder: Path) -> tuple[Path, Path] | None:
    """The two subfolders with the pictures of pairs, what is translated and what it becomes; None where there are none.

    Raises:
      UserError: there is A without B, or B without A.
    """
    found = {path.name.lower(): path for path in sorted(folder.iterdir()) if path.is_dir()} if folder.is_dir() else {}
    for first, second in COUPLES:
        if first in found and second in found:
            return found[first], found[second]
    for here, lacking in (("a", "B"), ("b", "A")):
        if here in found:
            raise UserError(
                f"the folder {folder} has a subfolder {found[here].name}, but no {lacking} with the other pictures of the pairs"
            )
    return None


def _partners(a: Path, b: Path) -> list[tuple[Path, Path]]:
    """The pictures of the two folders that have the same name but for the suffix, in the order of A."""
    in_a, in_b = _by_name(a), _by_name(b)
    lonely = []
    for folder, mine, other, theirs in ((a, in_a, b, in_b), (b, in_b, a, in_a)):
        names = [str(path.relative_to(folder)) for name, path in mine.items() if name not in theirs]
        if names:
            lonely.append(f"{len(names)} of {folder} not in {other} ({some(names)})")
    if lonely:
        raise UserError(f"pictures without a partner of the same name: {'; '.join(lonely)}. Add it or move them out")
    return [(path, in_b[name]) for name, path in in_a.items()]


def _two_in_one(folder: Path) -> list[Path]:
    """The pictures of a folder and below; UserError where they lie as if they were one half of a pair each."""
    files = find_pictures(folder)
    for first, second in _twins(files):
        raise UserError(
            f"pictures in {first} and {second} have the same names, as pairs have, but which are the inputs? Call that folder "
            "A and the other B, or input and target; if each picture is two side by side, put all into one folder"
        )
    for path in files:
        for parent in path.relative_to(folder).parts[:-1]:
            if parent.lower() in SIDES:
                raise UserError(
                    f"{path} lies in a folder {parent}, as if it were one picture of a pair, but {folder} has no two "
                    "subfolders that belong together: give the folder that has, or call them A and B"
                )
    return files


def _twins(files: list[Path]) -> Iterator[tuple[Path, Path]]:
    """Two folders beside each other, and no third, most of whose names are the same: they look like the two sides of pairs."""
    names: dict[Path, set[str]] = {}
    for path in files:
        names.setdefault(path.parent, set()).add(path.stem)
    beside: dict[Path, list[Path]] = {}
    for folder in names:
        beside.setdefault(folder.parent, []).append(folder)
    for folders in beside.values():
        if len(folders) == 2 and not any(folder.name.lower() in SPLITS for folder in folders):
            first, second = (names[folder] for folder in folders)
            if 2 * len(first & second) > min(len(first), len(second)):
                yield folders[0], folders[1]


def _by_name(folder: Path) -> dict[str, Path]:
    """The pictures of a folder by their path in it without the suffix; UserError where two have the same."""
    found: dict[str, Path] = {}
    for path in find_pictures(folder):
        name = composed(path.relative_to(folder).with_suffix("").as_posix())
        if name in found:
            raise UserError(f"{found[name]} and {path} have one name, so which of them is of the pair? Move one out")
        found[name] = path
    return found


def _check_sizes(pairs: list[tuple[Path, Path]]) -> None:
    wrong = []
    for a, b in pairs:
        (w, h), (other_w, other_h) = pictures.picture_size(a), pictures.picture_size(b)
        if (w, h) != (other_w, other_h):
            wrong.append(f"{a} is {w} x {h} and {b} {other_w} x {other_h}")
    if wrong:
        raise UserError(
            f"{len(wrong)} of the {len(pairs)} pairs are of two sizes, but a pair is cropped alike: {some(wrong, '; ')}. "
            "Bring both to the same size, or move them out"
        )


def _check_widths(files: list[Path], folder: Path) -> None:
    sizes = [pictures.picture_size(path) for path in files]
    odd = [f"{path} is {width} wide" for path, (width, _) in zip(files, sizes, strict=True) if width % 2]
    narrow = [f"{path}, {w} x {h}" for path, (w, h) in zip(files, sizes, strict=True) if w <= h]
    if narrow:
        print(
            f"warning: {folder} has no subfolders A and B, so each picture is taken for two side by side and cut into halves, "
            f"but {len(narrow)} of the {len(files)} are no wider than they are high: {some(narrow, '; ')}",
            file=sys.stderr,
            flush=True,
        )
    if odd:
        raise UserError(
            f"{folder} has no subfolders A and B, so each picture should be two side by side, but {len(odd)} of the "
            f"{len(files)} cannot be halved: {some(odd, '; ')}"
        )
