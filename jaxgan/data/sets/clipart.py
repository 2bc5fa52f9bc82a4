"""Open Clip Art: drawings of anything by anybody, from a package that the person installs."""

import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jaxgan.cache import expanded
from jaxgan.data import pictures
from jaxgan.data.attribute_tables import as_names
from jaxgan.data.base import ImageData, Records
from jaxgan.data.folder import identity_of_files, some, walk
from jaxgan.data.prepared import open_prepared, progress
from jaxgan.errors import UserError, nearest

VERSION = "1.0.0"  # of what is prepared: raise it when the pixels or the fields change
PACKAGE = "/usr/share/openclipart/png"  # where Debian's openclipart-png puts them

# A PNG is decoded whole, which takes 16 bytes a pixel until it is small, 0.4 GB at this size. All but 18 of the 8,121 are
# smaller; 16 of these have 169 to 623 megapixels.
LARGEST = 25_000_000
AT_ONCE = 64  # pictures that are read before the first of them is asked for


@dataclass(frozen=True, kw_only=True)
class Clipart(ImageData):
    """Drawings of the Open Clip Art Library (public domain) on white, by topic: Debian's package openclipart-png.

    A picture is made as large as fits into a square, and stands in its middle.

    >>> Clipart(topics=("plants", "animals"), size=32).topics
    ('animals', 'plants')
    """

    places = ("path",)

    topics: tuple[str, ...] = ()
    """The folders that are read, which are the classes: animals, buildings, food, people, plants, transportation, ...; all 22
    if empty."""
    path: str = PACKAGE
    """The folder of the topics: of another system than Debian, on which the package was unpacked."""

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "topics", tuple(sorted(as_names("data.topics", self.topics))))

    def load(self) -> Records:
        """Reads the drawings, or finds them in the cache. "image", "label" (the topic), "file" (the path below the folder).

        Pictures that are the same at this size are one. Damaged files, and those of more than 25 megapixels, are left out; how
        many of each there are is said on standard error when they are read.

        Raises:
          UserError: the package is missing, or a topic; no picture can be read.
        """
        folder = expanded(self.path)
        found = find_clipart(folder)
        for topic in self.topics:
            if topic not in found:
                raise UserError(f'{folder} has no topic "{topic}"{nearest(topic, found)} It has {", ".join(found)}')
        classes = self.topics or tuple(found)
        files = [path for topic in classes for path in found[topic]]
        identity, side = identity_of_files(files, folder), max(self.cover_size)

        def prepare(target: Path) -> None:
            from jaxgan.data.sets.builders import ClipartBuilder, ClipartConfig, build

            config = ClipartConfig(name=f"{side}px", side=side, folder=folder, classes=classes, files=files)
            build(ClipartBuilder, config, target)

        source = open_prepared(
            f"clipart-{side}px-{VERSION}-{identity[:16]}",
            prepare,
            f"{len(files)} clip arts of {side} x {side} pixels",
        )
        return Records(self.fitted(len(source), lambda index: dict(source[index])), classes, identity=identity)


def find_clipart(folder: Path) -> dict[str, list[Path]]:
    """The files of each topic, both in alphabetical order.

    Raises:
      UserError: there is no such folder, or nothing in its subfolders.
    """
    found: dict[str, list[Path]] = {}
    for path in sorted(walk(folder)):
        topic, *rest = path.relative_to(folder).parts
        if rest and path.suffix == ".png":
            found.setdefault(topic, []).append(path)
    if not found:
        raise UserError(
            f"the data set clipart needs Debian's package openclipart-png, whose pictures are not in {folder}: "
            "apt-get install openclipart-png (131 MB); or unpack it elsewhere, and give its folder of topics as data.path"
        )
    return found


def read_clipart(files: list[Path], folder: Path, side: int) -> Iterator[tuple[Path, np.ndarray]]:
    """The good ones among the files, in their order, each picture once: uint8 [side, side, 3], on white.

    How many were left out, and why, is said on standard error after the last.

    Raises:
      UserError: there is no good one.
    """
    small = [path for path in files if not _is_too_large(path)]
    starts = range(0, len(small), AT_ONCE)
    seen: set[bytes] = set()
    damaged, doubles = [], 0

    def read(path: Path) -> np.ndarray | pictures.BadPicture:
        try:
            return _square(pictures.read_picture(path, 3), side)
        except pictures.BadPicture as error:
            return error

    # Pillow decodes and resizes without the interpreter's lock.
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as threads:
        for start in progress(starts, len(starts), "reading"):
            paths = small[start : start + AT_ONCE]
            for path, picture in zip(paths, threads.map(read, paths), strict=True):
                if isinstance(picture, pictures.BadPicture):
                    damaged.append(f"{path.relative_to(folder)}: {picture}")
                elif (content := picture.tobytes()) in seen:
                    doubles += 1
                else:
                    seen.add(content)
                    yield path, picture
    unusable = f"{len(damaged)} cannot be used{f' ({some(damaged)})' if damaged else ''}"
    large = f"{len(files) - len(small)} have more than {LARGEST // 1_000_000} megapixels"
    counts = f"{large}, {unusable}, and {doubles} are the same as others"
    if not seen:
        raise UserError(f"none of the {len(files)} pictures in {folder} can be read: {counts}")
    print(f"clip art: {len(seen)} pictures of {len(files)} files; {counts}", file=sys.stderr, flush=True)


def _is_too_large(path: Path) -> bool:
    """By the header of the PNG. Of what is none, reading it will tell."""
    try:
        with path.open("rb") as file:
            header = file.read(24)
    except OSError:
        return False
    width, height = int.from_bytes(header[16:20]), int.from_bytes(header[20:24])
    return header.startswith(b"\x89PNG") and width * height > LARGEST


def _square(pixels: np.ndarray, side: int) -> np.ndarray:
    """uint8 [H, W, 3] with its longer side made `side`, in the middle of a white square [side, side, 3]."""
    scale = side / max(pixels.shape[:2])
    height, width = (max(1, round(scale * length)) for length in pixels.shape[:2])
    top, left = (side - height) // 2, (side - width) // 2
    square = np.full((side, side, 3), 255, np.uint8)
    square[top : top + height, left : left + width] = pictures.squash(pixels, height, width)
    return square
