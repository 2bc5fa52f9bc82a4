"""Workdirs, and pictures, on object stores: gs://, s3://, az:// and hf:// through a copy on the local disk.

Training appends, renames and locks, and saves while it goes on: an object store can do none of it, a local disk all. So
gs://bucket/run is worked with in the cache directory (`buckets/gs/bucket/run`), is fetched from the bucket when a command
begins, and what has changed is sent there: after each checkpoint, and at the end. A machine that is lost in between costs the
steps since the last checkpoint, as with a disk; one that is lost while it sends leaves, at worst, a damaged newest
checkpoint, which the next run passes over. Nothing keeps two machines from training in one bucket's folder.

Where nobody else has written since, the copy is taken as it is, with what could not be sent; else the bucket's word counts.
What was cleaned out of the cache comes back.
What another process of this machine trains in is neither fetched nor sent: it does so itself.
"""

import contextlib
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import fsspec
from etils import epath

from jaxgan.cache import cache_dir, expanded, is_locked
from jaxgan.errors import UserError

SCHEMES = {"gs": "gcsfs", "s3": "s3fs", "az": "adlfs", "hf": "huggingface_hub"}
"""The object stores, and the package that talks to each."""

RECORD = "experiment.json"
"""Without it a folder is no workdir."""

for protocol in ("gcs", "s3", "az", "hf"):  # what another machine writes must be seen
    fsspec.config.conf.setdefault(protocol, {}).setdefault("use_listings_cache", False)


def local(place: str | Path) -> Path:
    """Where a path is on the local disk: itself (~ expanded), or the copy of what lies in a bucket. Nothing is fetched yet."""
    scheme, _, rest = str(place).partition(":/")  # a Path has lost one of the two slashes
    return _root() / scheme / rest.strip("/") if scheme in SCHEMES and rest.strip("/") else expanded(place)


def holds(place: Path) -> bool:
    """Whether a path is the copy of what lies in a bucket."""
    return _address(place) is not None


def fetch(place: Path, *, held: bool = False) -> None:
    """Bring the copy of what lies in a bucket up to date with it; of any other path nothing.

    Args:
        place: of the copy, see `local`.
        held: whether the caller holds its lock (`workdir.locked`).

    Raises:
        UserError: the bucket cannot be read.
    """
    if (remote := _address(place)) is None or (not held and _in_training(place)):
        return
    with _errors(remote), _notes() as notes:
        there = {place / file.relative_to(remote): file for file in _files(remote)} if remote.is_dir() else {}
        if not there and remote.exists():
            there = {place: remote}
        stamps, noted = {file: _stamp(source) for file, source in there.items()}, notes.under(place)
        if stamps == {file: there for file, (_, there) in noted.items()}:
            # Cleaned out of the cache, or dropped by a training that could not send that: it comes back.
            wanted = [file for file in there if not file.exists()]
        else:
            for file in {*_local_files(place), *noted} - there.keys():
                _remove(file)
                notes.drop(file)
            wanted = [file for file in there if noted.get(file) != (_stamp(file), stamps[file])]
        for file in wanted:
            file.parent.mkdir(parents=True, exist_ok=True)
            _copy(there[file], file)
            notes.keep(file, _stamp(file), stamps[file])


def send(place: Path, *, held: bool = False, anew: bool = False) -> None:
    """Bring the bucket up to date with its copy; of any other path nothing.

    Args:
        place, held: as of `fetch`.
        anew: what the copy has not goes first, before anything comes: a run that begins again has nothing of the old one.

    Raises:
        UserError: the bucket cannot be written. The copy stays.
    """
    if (remote := _address(place)) is None or (not held and _in_training(place)):
        return
    with _errors(remote), _notes() as notes:
        noted, files = notes.under(place), _local_files(place)
        lost = not anew and (not files or any(file.name == RECORD and not file.exists() for file in noted))

        def drop():  # otherwise last: there is a whole checkpoint at any time
            for file in noted.keys() - set(files):
                (remote / file.relative_to(place)).unlink(missing_ok=True)
                notes.drop(file)

        if anew:
            drop()
        # The record first.
        for file in sorted(files, key=lambda file: (file.name != RECORD, file)):
            if noted.get(file, ("",))[0] != (here := _stamp(file)):
                target = remote / file.relative_to(place) if file != place else remote
                _copy(file, target)
                notes.keep(file, here, _stamp(target))
        if not anew and not lost:  # training drops neither all of a run nor its record
            drop()


def _root() -> Path:
    return cache_dir() / "buckets"


def _address(place: Path) -> epath.Path | None:
    """Of what a path is the copy; None for any other."""
    with contextlib.suppress(ValueError, UserError):  # not below the root; no home folder, hence no copies
        scheme, *rest = place.absolute().relative_to(_root().absolute()).parts
        return epath.Path(f"{scheme}://{'/'.join(rest)}")
    return None


def _in_training(place: Path) -> bool:
    """Whether a run's lock on the folder, or on one around it or in it, is taken."""
    inside = [path for path in place.iterdir() if path.is_dir()] if place.is_dir() else []
    around = [path for path in place.parents if path.is_relative_to(_root())]
    return any(is_locked(folder) for folder in (place, *inside, *around) if folder.is_dir())


def _files(folder: epath.Path) -> Iterator[epath.Path]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _files(entry)
        else:
            yield entry


def _local_files(place: Path) -> list[Path]:
    return [place] if place.is_file() else sorted(file for file in place.rglob("*") if file.is_file())


def _remove(file: Path) -> None:
    """And the folders that it leaves empty: one that is named as a checkpoint would pass for a damaged one."""
    file.unlink(missing_ok=True)
    for folder in file.parents:
        if folder == _root() or not folder.is_dir() or any(folder.iterdir()):
            return
        folder.rmdir()


def _copy(source, target) -> None:
    with source.open("rb") as read, target.open("wb") as written:
        shutil.copyfileobj(read, written)


def _stamp(file: Path | epath.Path) -> str:
    """Size and time of change; "" of a file that is not there."""
    if isinstance(file, Path):
        return f"{file.stat().st_size} {file.stat().st_mtime_ns}" if file.exists() else ""
    found = file.stat()
    return f"{found.length} {found.mtime}"


class _Notes:
    """Of each file that is here as it is in its bucket: its stamps, here and there. For all processes, and those to come."""

    def __init__(self, connection: sqlite3.Connection):
        self.connection = connection
        connection.execute("CREATE TABLE IF NOT EXISTS same (path TEXT PRIMARY KEY, here TEXT, there TEXT)")

    def under(self, place: Path) -> dict[Path, tuple[str, str]]:
        found = self.connection.execute("SELECT path, here, there FROM same").fetchall()
        return {Path(path): (here, there) for path, here, there in found if Path(path).is_relative_to(place)}

    def keep(self, file: Path, here: str, there: str) -> None:
        self.connection.execute("INSERT OR REPLACE INTO same VALUES (?, ?, ?)", (str(file), here, there))

    def drop(self, file: Path) -> None:
        self.connection.execute("DELETE FROM same WHERE path = ?", (str(file),))


@contextlib.contextmanager
def _notes() -> Iterator[_Notes]:
    _root().mkdir(parents=True, exist_ok=True)
    # Each note stands by itself: a machine that is lost half-way knows what it did.
    with contextlib.closing(sqlite3.connect(_root() / "same.sqlite", timeout=60, isolation_level=None)) as connection:
        yield _Notes(connection)


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
