"""Workdirs, and pictures, on object stores: gs://, s3://, az:// and hf:// through a copy on the local disk.

Training appends, renames and locks, and saves while it goes on: an object store can do none of it, a local disk all. So
gs://bucket/run is worked with in the cache directory (`buckets/gs/bucket/run`), is fetched from the bucket when a command
begins, and what has changed is sent there: after each checkpoint, and at the end. A machine that is lost in between costs the
steps since the last checkpoint, as with a disk; one that is lost while it sends leaves, at worst, a damaged newest
checkpoint, which the next run passes over. Nothing keeps two machines from training in one bucket's folder.
"""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from etils import epath

from jaxgan.cache import cache_dir
from jaxgan.errors import UserError

SCHEMES = {"gs": "gcsfs", "s3": "s3fs", "az": "adlfs", "hf": "huggingface_hub"}
"""The object stores, and the package that talks to each."""

_same: dict[Path, tuple] = {}
"""Of each local file that is as the bucket has it: size and time of change, here and there."""


def local(place: str | Path) -> Path:
    """Where a path is on the local disk: itself, or the copy of what lies in a bucket. Nothing is fetched yet."""
    scheme, _, rest = str(place).partition(":/")  # a Path has lost one of the two slashes
    return _root() / scheme / rest.strip("/") if scheme in SCHEMES and rest else Path(place)


def holds(place: Path) -> bool:
    """Whether a path is the copy of what lies in a bucket."""
    return _address(place) is not None


def fetch(place: Path) -> None:
    """Bring the copy of what lies in a bucket up to date with it; of any other path nothing.

    Raises:
        UserError: the bucket cannot be read.
    """
    if (remote := _address(place)) is None:
        return
    with _errors(remote):
        there = {place / file.relative_to(remote): file for file in _files(remote)} if remote.is_dir() else {}
        if not there and remote.exists():
            there = {place: remote}
        for file in _local_files(place):
            if file not in there:
                _remove(file, place)
        for file, source in there.items():
            if file not in _same or _same[file] != _stamps(file, source):
                file.parent.mkdir(parents=True, exist_ok=True)
                _copy(source, file)
                _same[file] = _stamps(file, source)


def send(place: Path) -> None:
    """Bring the bucket up to date with its copy; of any other path nothing.

    Raises:
        UserError: the bucket cannot be written. The copy stays.
    """
    if (remote := _address(place)) is None:
        return
    with _errors(remote):
        for file in _local_files(place):
            if _same.get(file, ((),))[0] != _stamp(file):
                target = remote / file.relative_to(place) if file != place else remote
                _copy(file, target)
                _same[file] = _stamps(file, target)
        # Old checkpoints go last: there is a whole one at any time.
        for file in [file for file in _same if file.is_relative_to(place) and not file.exists()]:
            (remote / file.relative_to(place)).unlink(missing_ok=True)
            del _same[file]


def _root() -> Path:
    return cache_dir() / "buckets"


def _address(place: Path) -> epath.Path | None:
    """Of what a path is the copy; None for any other."""
    with contextlib.suppress(ValueError):
        scheme, *rest = place.absolute().relative_to(_root().absolute()).parts
        return epath.Path(f"{scheme}://{'/'.join(rest)}")
    return None


def _files(folder: epath.Path) -> Iterator[epath.Path]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _files(entry)
        else:
            yield entry


def _local_files(place: Path) -> list[Path]:
    return [place] if place.is_file() else sorted(file for file in place.rglob("*") if file.is_file())


def _remove(file: Path, root: Path) -> None:
    """And the folders that it leaves empty: one that is named as a checkpoint would pass for a damaged one."""
    file.unlink()
    _same.pop(file, None)
    for folder in file.parents:
        if folder == root or any(folder.iterdir()):
            return
        folder.rmdir()


def _copy(source, target) -> None:
    with source.open("rb") as read, target.open("wb") as written:
        shutil.copyfileobj(read, written)


def _stamp(file) -> tuple:
    if isinstance(file, Path) and not file.exists():
        return ()
    found = file.stat()
    return (found.st_size, found.st_mtime_ns) if isinstance(file, Path) else (found.length, found.mtime)


def _stamps(file: Path, remote: epath.Path) -> tuple:
    return _stamp(file), _stamp(remote)


@contextlib.contextmanager
def _errors(remote: epath.Path) -> Iterator[None]:
    """What goes wrong as one sentence: each store's package has exceptions of its own."""
    try:
        yield
    except UserError:
        raise
    except ImportError:
        package = SCHEMES[str(remote).partition(":")[0]]
        raise UserError(f"{remote} needs the package {package}: pip install {package}") from None
    except Exception as error:
        first = str(error).strip().splitlines()[:1] or [type(error).__name__]
        raise UserError(f"cannot use {remote}: {first[0]}") from error
