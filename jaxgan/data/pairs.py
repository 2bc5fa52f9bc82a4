"""Pairs of pictures in a folder: what a translation starts from, and what it should become."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from jaxgan.cache import expanded
from jaxgan.data import pictures
from jaxgan.data.base import ImageData, Records
from jaxgan.data.folder import Decoder, drop_damaged, find_pictures, some
from jaxgan.errors import UserError

SIDES = frozenset({"a", "b", "traina", "trainb", "testa", "testb"})  # folders that hold single pictures of pairs


@dataclass(frozen=True, kw_only=True)
class Pairs(ImageData):
    """Pairs of pictures: in the subfolders A and B under the same names, or side by side in one picture.

    >>> from pathlib import Path
    >>> from PIL import Image
    >>> Path("maps").mkdir()
    >>> Image.new("RGB", (128, 64)).save("maps/1.png")  # two of 64x64 side by side
    >>> (pair,) = Pairs(path="maps", size=32).load().examples
    >>> pair["input"].shape, pair["image"].shape
    ((32, 32, 3), (32, 32, 3))
    """

    path: str
    """The folder. With subfolders A and B, A/1.png and B/1.jpg are a pair (and below: A/x/1.png, B/x/1.png); without
    them the left half of each picture is A and the right half B, as in the sets of pix2pix."""
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
        a, b = folder / "A", folder / "B"
        if a.is_dir() != b.is_dir():
            here, lacking = ("A", "B") if a.is_dir() else ("B", "A")
            raise UserError(
                f"the folder {folder} has a subfolder {here}, but no {lacking} with the other pictures of the pairs"
            )
        groups = _partners(a, b) if a.is_dir() else [(path,) for path in _two_in_one(folder)]
        files = [path for group in groups for path in group]
        good = set(drop_damaged(files, folder))
        groups = [group for group in groups if good.issuperset(group)]
        if a.is_dir():
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

        return Records(self.fitted(len(groups), read, pictures=2), ())


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
    """The pictures of a folder and below; UserError where a folder's name says that they are one half of a pair each."""
    files = find_pictures(folder)
    for path in files:
        for parent in path.relative_to(folder).parts[:-1]:
            if parent.lower() in SIDES:
                raise UserError(
                    f"{path} lies in a folder {parent}, as if it were one picture of a pair, but {folder} has no "
                    "subfolders A and B: give the folder that has, or name them so"
                )
    return files


def _by_name(folder: Path) -> dict[str, Path]:
    """The pictures of a folder by their path in it without the suffix; UserError where two have the same."""
    found: dict[str, Path] = {}
    for path in find_pictures(folder):
        name = path.relative_to(folder).with_suffix("").as_posix()
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
    odd = [f"{path} is {width} wide" for path in files if (width := pictures.picture_size(path)[0]) % 2]
    if odd:
        raise UserError(
            f"{folder} has no subfolders A and B, so each picture should be two side by side, but {len(odd)} of the "
            f"{len(files)} cannot be halved: {some(odd, '; ')}"
        )
