"""A folder of pictures. Its subfolders, if it has any with pictures, are the classes."""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import track

from jaxgan.data import pictures
from jaxgan.data.base import ImageData, Records
from jaxgan.errors import UserError

TOLERATED = 0.01  # of the files may be damaged, and are skipped; with more, something is wrong with the set
NAMED = 5  # damaged files that a message names


@dataclass(frozen=True, kw_only=True)
class Folder(ImageData):
    """The pictures in a folder and below; the subfolders of the first level are the classes."""

    path: str
    """The folder. Files of any format that Pillow reads, known by their suffix; others are passed over."""

    def load(self) -> Records:
        """Finds the pictures and looks at each; "image", "file" (its path below the folder), and "label".

        There are labels when all pictures lie in subfolders; the classes are in alphabetical order.

        Raises:
          UserError: the folder is missing, has no pictures, or a class without any; or 1% of the files or
            more are no usable pictures. Fewer are named on standard error and skipped.
        """
        folder = Path(self.path).expanduser()
        files = find_pictures(folder)
        good = drop_damaged(files, folder)
        inside = [path.relative_to(folder) for path in good]
        classes = class_folders(folder, good) if all(len(path.parts) > 1 for path in inside) else ()
        number = {name: index for index, name in enumerate(classes)}
        damaged: set[Path] = set(files) - set(good)
        at_least = max(self.cover_size)

        def read(index: int) -> dict:
            # A file may be damaged in its middle, which only decoding it shows. The next good one takes its
            # place, so an example is still a function of the files. Too many are an error here as well.
            for offset in range(len(good)):
                path = good[(index + offset) % len(good)]
                try:
                    pixels = pictures.read_picture(path, self.channels, at_least)
                except pictures.BadPicture as error:
                    if path not in damaged:
                        damaged.add(path)
                        report_damaged({path: str(error)}, len(damaged), len(files), folder)
                    continue
                example = {"image": pixels, "file": str(path.relative_to(folder))}
                if classes:
                    example["label"] = number[path.relative_to(folder).parts[0]]
                return example
            raise UserError(f"no picture in the folder {folder} can be decoded")

        return Records(self.fitted(len(good), read), classes)


def find_pictures(folder: Path) -> list[Path]:
    """The picture files in a folder and below, in alphabetical order, without hidden ones."""
    if not folder.exists():
        raise UserError(f"the folder {folder} does not exist")
    if not folder.is_dir():
        raise UserError(f"{folder} is a file: a folder of pictures, or an .npz file, can be a data set")
    files = sorted(_walk(folder))
    if not files:
        raise UserError(f"the folder {folder} has no pictures (files ending in {', '.join(sorted(pictures.SUFFIXES))})")
    return files


def _walk(folder: Path) -> Iterator[Path]:
    seen = set()  # links to folders are followed, but not in circles
    for parent, folders, names in os.walk(folder, followlinks=True):
        seen.add(os.path.realpath(parent))
        folders[:] = [
            name
            for name in folders
            if not name.startswith(".") and os.path.realpath(os.path.join(parent, name)) not in seen
        ]
        for name in names:
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in pictures.SUFFIXES:
                yield Path(parent, name)


def drop_damaged(files: list[Path], folder: Path) -> list[Path]:
    """The files that look like pictures. The others are named on standard error; UserError for 1% or more."""
    watched = track(
        files,
        f"looking at {len(files)} pictures",
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )
    reasons = {path: reason for path in watched if (reason := pictures.check_picture(path))}
    if reasons:
        report_damaged(reasons, len(reasons), len(files), folder)
    return [path for path in files if path not in reasons]


def report_damaged(reasons: dict[Path, str], damaged: int, count: int, folder: Path) -> None:
    """Names damaged files on standard error; UserError when they are, with those found before, 1% or more."""
    named = "; ".join(f"{path}: {reason}" for path, reason in list(reasons.items())[:NAMED])
    more = f"; and {len(reasons) - NAMED} more" if len(reasons) > NAMED else ""
    share = f"{damaged} of the {count} pictures in {folder}"
    if damaged >= TOLERATED * count:
        raise UserError(f"{share} cannot be used: {named}{more}. Repair them or move them out of the folder")
    print(f"warning: skipped {share}: {named}{more}", file=sys.stderr, flush=True)


def class_folders(folder: Path, files: list[Path]) -> tuple[str, ...]:
    """The names of the subfolders, sorted. UserError where one has no (good) picture."""
    names = sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    empty = sorted(set(names) - {path.relative_to(folder).parts[0] for path in files})
    if empty:
        raise UserError(
            f'each subfolder of {folder} is a class, but "{empty[0]}" has no pictures: add some, or remove it'
        )
    return tuple(names)
