"""A folder of files of any medium that is read: sounds, pieces of music, clips, arrays. `Folder` is for pictures."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from jaxgan import fields
from jaxgan.cache import expanded
from jaxgan.data.base import MEMORY, Records
from jaxgan.data.folder import TOLERATED, class_folders, identity_of_files, some, walk
from jaxgan.errors import UserError
from jaxgan.media import Medium


@dataclass(frozen=True, kw_only=True)
class Files:
    """The files of a medium in a folder and below; the subfolders of the first level are the classes.

    >>> import numpy as np
    >>> from pathlib import Path
    >>> from jaxgan.media import Audio
    >>> Path("sounds").mkdir()
    >>> for number in range(3):
    ...     content = Audio(rate=8000).encode(np.zeros(1000 * (1 + number)), ".wav")
    ...     _ = Path(f"sounds/{number}.wav").write_bytes(content)
    >>> data = Files(path="sounds", medium=Audio(rate=8000), entry="wave", length=2000)
    >>> records = data.load()
    >>> [len(example["wave"]) for example in records.examples], records.media
    ([1000, 2000, 3000], {'wave': Audio(rate=8000)})
    >>> data.transform(records.examples[2], np.random.default_rng(0))["wave"].shape
    (2000,)
    """

    places: ClassVar[tuple[str, ...]] = ("path",)

    path: str
    """The folder. Files with a suffix that the medium reads; others are passed over, and so are workdirs of jaxgan."""
    medium: Medium
    """What they are: `jaxgan.media.Audio(rate=16_000)`, say, or one of your own with `decode`."""
    entry: str = "image"
    """How the entry of the examples is called: what the system makes."""
    length: int | None = None
    """How much of each is an example along its first axis: samples, steps, frames. A shorter one is filled, with silence, or
    with its last frame. None takes files as they are, which must then be of one length."""
    part: Literal["random", "first"] = "random"
    """Which part of a longer one: another one in every epoch, or always the first."""

    def __post_init__(self) -> None:
        fields.check(self)

    def without_augmentation(self) -> "Files":
        """The same with nothing random about it."""
        return replace(self, part="first")

    def load(self) -> Records:
        """Finds the files and reads each; "label" where all lie in subfolders.

        Raises:
          UserError: the folder is missing, has none, or a class without any; 1% of the files or more cannot be read (fewer
            are named on standard error and skipped), or they are of several shapes.
        """
        folder = expanded(self.path)
        if not folder.is_dir():
            raise UserError(f"the folder {folder.absolute()} does not exist")
        suffixes = tuple({*self.medium.suffixes, ".npy"})
        files = [path for path in sorted(walk(folder)) if path.suffix.lower() in suffixes]
        if not files:
            raise UserError(f"the folder {folder.absolute()} has no {self.medium.many} ({', '.join(sorted(suffixes))})")
        read, reasons = {}, {}
        for path in files:
            try:
                read[path] = self._read(path)
            except (ValueError, OSError, EOFError) as error:
                reasons[path] = str(error)
        if reasons:
            named = some([f"{path}: {reason}" for path, reason in reasons.items()], "; ")
            share = f"{len(reasons)} of the {len(files)} {self.medium.many} in {folder}"
            if len(reasons) >= TOLERATED * len(files):
                raise UserError(f"{share} cannot be used: {named}. Repair them, or move them out of the folder")
            print(f"warning: skipped {share}: {named}", file=sys.stderr, flush=True)
        self._check_shapes(read)
        classes, labels = (), {}
        if all(len(path.relative_to(folder).parts) > 1 for path in read):
            classes = class_folders(folder, list(read))
            labels = {path: classes.index(path.relative_to(folder).parts[0]) for path in read}
        identity = identity_of_files(list(read), folder)
        return Records(_Read(self, folder, read, labels), classes, {self.entry: self.medium}, identity)

    def transform(self, example: dict[str, Any], random: np.random.Generator) -> dict[str, np.ndarray]:
        """A part of `length`, and "label" where there is one."""
        x = example[self.entry]
        if self.length is not None:
            room = max(len(x) - self.length, 0)
            start = int(random.integers(room + 1)) if self.part == "random" else 0
            x = self.medium.fitted(x[start:], self.length)
        labels = {"label": np.int32(example["label"])} if "label" in example else {}
        return {self.entry: x.astype(np.float32) if x.dtype.kind == "f" else x.astype(np.int32), **labels}

    def _read(self, path: Path) -> np.ndarray:
        x = self.medium.decode(path) if path.suffix.lower() != ".npy" else np.load(path, allow_pickle=False)
        if not x.size:
            raise ValueError("it is empty")
        return x

    def _check_shapes(self, read: dict[Path, np.ndarray]) -> None:
        """Raises: UserError: they cannot be of one batch."""
        rest = slice(1 if self.length is not None else 0, None)
        shapes = {x.shape[rest]: path for path, x in read.items()}
        if len(shapes) > 1:
            (one, first), (other, second), *_ = shapes.items()
            way = "" if self.length is not None else ", or give data.length"
            raise UserError(
                f"{first} and {second} are of two shapes, [{', '.join(map(str, one))}] and [{', '.join(map(str, other))}], and "
                f"all must be alike: convert them{way}"
            )


class _Read(Sequence):
    """The examples; of a set that is too large for the memory each is read again where it is needed."""

    def __init__(self, data: Files, folder: Path, read: dict[Path, np.ndarray], labels: dict[Path, int]):
        self._data, self._folder, self._paths, self._labels = data, folder, list(read), labels
        self._kept = list(read.values()) if sum(x.nbytes for x in read.values()) <= MEMORY else None

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, index: int) -> dict[str, Any]:
        path = self._paths[index]
        x = self._kept[index] if self._kept is not None else self._data._read(path)
        labels = {"label": self._labels[path]} if path in self._labels else {}
        return {self._data.entry: x, "file": str(path.relative_to(self._folder)), **labels}
