"""Built-in data sets are prepared once, under the user's cache directory, atomically.

A set is written into a temporary directory beside its place, which is then renamed: what has its final name
is complete. Of two runs that prepare a set at once, the second finds the name taken and uses what is there.
"""

import contextlib
import errno
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.progress import track

from jaxgan.cache import cache_dir
from jaxgan.errors import UserError

UNFINISHED = ".jaxgan-unfinished."  # begins the names of what is being prepared, and of nothing else
ABANDONED = 24 * 3600  # seconds after which a temporary directory is taken for one of a killed run

T = TypeVar("T")


def prepared(name: str, prepare: Callable[[Path], None], what: str) -> Path:
    """The directory of the data set `name`, prepared if it is not there.

    Args:
      name: of the directory; it must say everything that the content depends on: options and version.
      prepare: writes the data set into the (existing, empty) directory that it is given.
      what: for the message on standard error: "4096 avatars of 64 x 64 pixels".

    Raises:
      UserError: the cache directory cannot be written.
    """
    place = cache_dir() / name
    if place.is_dir():
        return place
    print(f"preparing {what}, once, into {place}", file=sys.stderr, flush=True)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        _sweep(place.parent)
        temporary = Path(tempfile.mkdtemp(prefix=f"{UNFINISHED}{name}.", dir=place.parent))
    except OSError as error:
        raise UserError(
            f"the cache directory {place.parent} cannot be written ({error.strerror}): set JAXGAN_CACHE to one that can"
        ) from error
    try:
        prepare(temporary)
        _publish(temporary, place)
    except Exception as error:
        full = os.strerror(errno.ENOSPC)
        if full not in str(error) and not isinstance(error, OSError):  # array_record raises RuntimeError
            raise
        raise UserError(
            f"{what} could not be written into {place.parent} ({full if full in str(error) else error}): "
            "make room there, or set JAXGAN_CACHE to another directory"
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return place


def progress(items: Iterable[T], count: int, doing: str = "drawing") -> Iterable[T]:
    """The `count` items, with a bar on standard error while they are gone through, where a person looks at it."""
    return track(items, doing, count, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty())


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without the warnings of TFDS, of which none here is news to the user."""
    from absl import logging

    before = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)
    try:
        yield
    finally:
        logging.set_verbosity(before)


def open_prepared(name: str, build: Callable[[Path], None], what: str, encoded: tuple[str, ...] = ()):
    """The random-access examples of a prepared TFDS data set.

    `prepared` says the first arguments; `encoded` names fields that are left as the bytes of their files, which is faster
    for those who look at other fields.
    """
    place = prepared(name, build, what)
    import tensorflow_datasets as tfds

    # TFDS writes <folder>/<data set>/<config>/<version>.
    (info,) = place.glob("*/*/*/dataset_info.json")
    decoders = {field: tfds.decode.SkipDecoding() for field in encoded} or None
    with quiet():
        source = tfds.builder_from_directory(info.parent).as_data_source(split="train", decoders=decoders)
        source[0]  # TFDS complains once, at the first picture, that OpenCV would be faster
    return source


def _publish(temporary: Path, place: Path) -> None:
    temporary.chmod(0o755)  # mkdtemp's are private; a cache may be shared
    try:
        os.rename(temporary, place)
    except OSError:
        if not place.is_dir():  # otherwise another run was first
            raise


def _sweep(folder: Path) -> None:
    for path in folder.glob(f"{UNFINISHED}*"):
        if path.is_dir() and time.time() - path.stat().st_mtime > ABANDONED:
            shutil.rmtree(path, ignore_errors=True)
