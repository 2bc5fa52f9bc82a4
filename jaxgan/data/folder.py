"""A folder of pictures. Its subfolders, if it has any with pictures, are the classes; or a table has their attributes."""

import hashlib
import json
import os
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from rich.console import Console
from rich.progress import track

from jaxgan.cache import expanded, is_locked
from jaxgan.data import pictures
from jaxgan.data.attribute_tables import as_names, read_table
from jaxgan.data.base import ImageData, Records, composed, identity_of
from jaxgan.data.caption_tables import read_captions
from jaxgan.data.captions import Described
from jaxgan.errors import UserError

TOLERATED = 0.01  # of the files may be damaged, and are skipped; with more, something is wrong with the set
NAMED = 5  # damaged files that a message names
RECORD = "experiment.json"  # of a workdir
TABLES = frozenset({".csv", ".tsv", ".txt", ".json", ".jsonl", ".md", ".npz", ".npy", ".db", ".ini", ".html"})
"""Files that people keep beside pictures."""

Row = TypeVar("Row")  # of a table: what it says of a picture


@dataclass(frozen=True, kw_only=True)
class Folder(ImageData):
    """The pictures in a folder and below; the subfolders of the first level are the classes.

    >>> from pathlib import Path
    >>> from PIL import Image
    >>> for name in ("cat/1.png", "dog/2.png"):
    ...     Path("photos", name).parent.mkdir(parents=True)
    ...     Image.new("RGB", (80, 60)).save(Path("photos", name))
    >>> records = Folder(path="photos", size=32).load()
    >>> records.classes, records.examples[1]["image"].shape
    (('cat', 'dog'), (32, 32, 3))
    """

    places = ("path", "attributes", "captions")

    path: str
    """The folder. Files of the formats that Pillow reads, known by their suffix, or, without one, by how they begin. Others
    are counted and passed over; workdirs of jaxgan are passed over, too."""
    attributes: str | None = None
    """A table of yes-or-no attributes: a CSV file whose first column is the picture's path below the folder, or a file
    like CelebA's list_attr_celeba.txt. The label is then [A] zeros and ones, and subfolders are no classes."""
    chosen: tuple[str, ...] = ()
    """With `attributes`: which of them, in this order; all if empty."""
    captions: str | None = None
    """A table of captions: a CSV file whose first column is the picture's path below the folder and whose others are
    captions, with as many rows of a picture as one likes, or a .jsonl file of objects with "file" and "captions"."""

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "chosen", as_names("data.chosen", self.chosen))
        if self.chosen and self.attributes is None:
            raise UserError(
                "data.chosen is a choice among the attributes of a table: give data.attributes, its file, too"
            )

    def load(self) -> Records:
        """Finds the pictures and looks at each; "image", "file" (its path below the folder), and "label".

        With `captions`, there is "captions", a tuple of texts. There are labels when all pictures lie in subfolders; the
        classes are in alphabetical order. With `attributes`, the label is int32 [A], and the classes are the attributes.

        Raises:
          UserError: the folder is missing, has no pictures, or a class without any; 1% of the files or more
            are no usable pictures, or have no row in a table (fewer are named on standard error and skipped);
            a table cannot be read, or does not have what is chosen.
        """
        folder = expanded(self.path)
        files = find_pictures(folder)
        good = drop_damaged(files, folder)
        damaged = set(files) - set(good)
        if self.attributes is not None:
            table = read_table(expanded(self.attributes), self.chosen)
            labels = _rows(good, folder, table.rows, table.path)
            good, classes = list(labels), table.names
        elif all(len(path.relative_to(folder).parts) > 1 for path in good):
            classes = class_folders(folder, good)
            numbers = {name: number for number, name in enumerate(classes)}
            labels = {path: numbers[path.relative_to(folder).parts[0]] for path in good}
        else:
            classes, labels = (), {}
        if self.captions is not None:
            path = expanded(self.captions)
            captions = _rows(good, folder, read_captions(path), path)
            good = list(captions)
        decode = Decoder(
            [(path,) for path in good], files, damaged, folder, self.channels, at_least=max(self.cover_size)
        )

        def read(index: int) -> dict:
            (path,), (pixels,) = decode(index)
            example = {"image": pixels, "file": str(path.relative_to(folder))}
            if path in labels:
                example["label"] = labels[path]
            if self.captions is not None:
                example["captions"] = captions[path]
            return example

        examples = self.fitted(len(good), read)
        if self.captions is not None:
            examples = Described(examples, lambda index: {"captions": captions[good[index]]})
        tables = [expanded(table) for table in (self.attributes, self.captions) if table is not None]
        return Records(examples, classes, identity=identity_of_files(good, folder, tables))


def _rows(files: list[Path], folder: Path, table: dict[str, Row], table_path: Path) -> dict[Path, Row]:
    """The row of each file. Files without one are named on standard error; UserError for 1% or more."""
    by_composed = {composed(name): row for name, row in table.items()}
    names = {path: path.relative_to(folder).as_posix() for path in files}
    rows = {path: table.get(name, by_composed.get(composed(name))) for path, name in names.items()}
    without = [str(path.relative_to(folder)) for path, row in rows.items() if row is None]
    share = f"{len(without)} of the {len(files)} pictures in {folder} have no row in {table_path}: {some(without)}"
    if len(without) >= TOLERATED * len(files):
        raise UserError(f"{share}. Add their rows, named by the path below the folder as here, or move them out")
    if without:
        print(f"warning: skipped, for {share}", file=sys.stderr, flush=True)
    return {path: row for path, row in rows.items() if row is not None}


def identity_of_files(files: list[Path], folder: Path, tables: Sequence[Path] = ()) -> str:
    """Of a set of pictures: their paths below the folder and their sizes, and what its tables say."""

    def size(path: Path) -> int:
        try:
            return path.stat().st_size
        except OSError:  # gone since it was looked at; reading it will tell
            return -1

    named = [f"{composed(path.relative_to(folder).as_posix())} {size(path)}" for path in files]
    return identity_of(named + [hashlib.sha256(table.read_bytes()).hexdigest() for table in tables])


class Decoder:
    """Decodes the files of a folder in groups that belong together: single pictures, or the two of a pair.

    A file may be damaged in its middle, which only decoding it shows. The next group that is good takes its place, so an
    example is still a function of the files. Too many are an error here as well; and so is a file that the system does not
    give any more, which is no fault of the picture.
    """

    def __init__(
        self,
        groups: list[tuple[Path, ...]],
        files: list[Path],
        damaged: Collection[Path],
        folder: Path,
        channels: int,
        at_least: int | None = None,
    ):
        """`files`: all of the folder; `damaged`: those of them that are known to be; the rest as in `read_picture`."""
        self._groups, self._count, self._folder = groups, len(files), folder
        self._channels, self._at_least = channels, at_least
        self._damaged = set(damaged)

    def __call__(self, index: int) -> tuple[tuple[Path, ...], list[np.ndarray]]:
        """The files of group `index`, or of the next good one, and their pixels."""
        for offset in range(len(self._groups)):
            group = self._groups[(index + offset) % len(self._groups)]
            try:
                return group, [self._decode(path) for path in group]
            except pictures.BadPicture:
                continue
        raise UserError(f"no picture in the folder {self._folder} can be decoded")

    def _decode(self, path: Path) -> np.ndarray:
        try:
            return pictures.read_picture(path, self._channels, self._at_least)
        except pictures.Unreachable as error:
            raise UserError(
                f"{path}, which could be read before, cannot be now ({error}): bring it back, or its drive, and run the same "
                "command to go on"
            ) from error
        except pictures.BadPicture as error:
            if path not in self._damaged:
                self._damaged.add(path)
                report_damaged({path: str(error)}, len(self._damaged), self._count, self._folder)
            raise


def find_pictures(folder: Path) -> list[Path]:
    """The picture files in a folder and below, in alphabetical order.

    Hidden files are passed over, and workdirs of jaxgan, whose grids are no data. Files of other formats are counted on
    standard error.

    Raises:
      UserError: there is no such folder; it is itself the workdir of a run; or it has no pictures.
    """
    if not folder.exists():
        raise UserError(f"the folder {folder.absolute()} does not exist")
    if not folder.is_dir():
        raise UserError(f"{folder} is a file: a folder of pictures, or an .npz file, can be a data set")
    if holds_run(folder) or is_locked(folder):
        raise UserError(
            f"the folder of pictures {folder} is the workdir of a run, whose grids would be taken for pictures: give another "
            "--workdir, or move what jaxgan made out of the folder"
        )
    files, others = [], []
    for path in sorted(walk(folder)):
        if looks_like_picture(path):
            files.append(path)
        elif path.suffix and path.suffix.lower() not in TABLES:
            others.append(path.relative_to(folder).as_posix())
    what = f"{len(others)} files of formats that are not read here, {some(others)}" if others else ""
    if not files:
        raise UserError(
            f"the folder {folder.absolute()} has no pictures (.png, .jpg, .webp, .avif, .gif, .tif, .bmp and others)"
            + (f", only {what}: convert them to PNG or JPEG" if others else "")
        )
    if others:
        print(f"warning: passed over in {folder}: {what}", file=sys.stderr, flush=True)
    return files


def looks_like_picture(path: Path) -> bool:
    """By a file's suffix, or, where it has none, by how it begins."""
    return path.suffix.lower() in pictures.SUFFIXES or (not path.suffix and pictures.is_picture(path))


def walk(folder: Path) -> Iterator[Path]:
    """The files in a folder and below, without hidden ones and workdirs."""
    seen = set()  # links to folders are followed, but not in circles
    for parent, folders, names in os.walk(folder, followlinks=True):
        seen.add(os.path.realpath(parent))
        if RECORD in names and holds_run(Path(parent)):
            folders.clear()
            continue
        folders[:] = [
            name
            for name in folders
            if not name.startswith(".") and os.path.realpath(os.path.join(parent, name)) not in seen
        ]
        yield from (Path(parent, name) for name in names if not name.startswith("."))


def holds_run(folder: Path) -> bool:
    """Whether a folder is a workdir: of a run that was trained, or of one that is about to begin: empty yet, and locked."""
    try:
        return {"experiment", "shapes"} <= json.loads((folder / RECORD).read_text()).keys()
    except (ValueError, AttributeError):  # somebody else's
        return False
    except OSError:
        pass
    return not any(folder.iterdir()) and is_locked(folder)


def _is_of_runs(folder: Path) -> bool:
    """Whether a subfolder without pictures is jaxgan's, runs/ say, and no class that lacks its pictures.

    It has a workdir, or nothing but folders without a file: what is left of a run that was ended before it began.
    """
    empty, has_folders = True, False
    for parent, folders, names in os.walk(folder):
        if holds_run(Path(parent)):
            return True
        empty, has_folders = empty and not names, has_folders or bool(folders)
    return empty and has_folders


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
    named = some([f"{path}: {reason}" for path, reason in reasons.items()], "; ")
    share = f"{damaged} of the {count} pictures in {folder}"
    if damaged >= TOLERATED * count:
        raise UserError(
            f"{share} cannot be used: {named}. Less than {TOLERATED:.0%} of a set is passed over, more is not: repair them or "
            "move them out of the folder"
        )
    print(f"warning: skipped {share}: {named}", file=sys.stderr, flush=True)


def some(names: Sequence, separator: str = ", ") -> str:
    """The first few of many names, and how many more there are."""
    more = f"{separator}and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return separator.join(map(str, names[:NAMED])) + more


def class_folders(folder: Path, files: list[Path]) -> tuple[str, ...]:
    """The names of the subfolders, sorted. UserError where one has no (good) picture."""
    full = {path.relative_to(folder).parts[0] for path in files}
    subfolders = [path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")]
    names = sorted(path.name for path in subfolders if path.name in full or not _is_of_runs(path))
    empty = sorted(set(names) - full)
    if empty:
        raise UserError(
            f'each subfolder of {folder} is a class, but "{empty[0]}" has no pictures: add some, or remove it'
        )
    return tuple(names)
