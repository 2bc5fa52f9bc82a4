"""Folders and files: where what is made once is kept for all runs (prepared data, classifiers, compiled programs), and a
person's own."""

import contextlib
import fcntl
import os
from pathlib import Path

from jaxgan.errors import UserError


def expanded(path: str | Path) -> Path:
    """A path as a person writes it, whose ~ is their home folder.

    Raises:
        UserError: there is a ~, and nothing says where the home folder is.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise UserError(f"{path}: this account has no home folder for the ~ to stand for: write the path out") from None


def cache_dir() -> Path:
    """$JAXGAN_CACHE, else $XDG_CACHE_HOME/jaxgan, else ~/.cache/jaxgan.

    Raises:
        UserError: neither variable is set, and there is no home folder.
    """
    if os.environ.get("JAXGAN_CACHE"):
        return expanded(os.environ["JAXGAN_CACHE"])
    try:
        return expanded(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "jaxgan"
    except UserError:
        raise UserError(
            "this account has no home folder to keep prepared data in: set JAXGAN_CACHE to a folder of its own"
        ) from None


def is_locked(folder: Path) -> bool:
    """Whether another process, or this one, holds a run's lock on a folder; not so on a disk without locks."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # a disk without locks
        return False
    finally:
        os.close(descriptor)
    return False


def is_file(path: Path) -> bool:
    """Whether there is a file; no for what no path can be, too, such as a hundred numbers."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def write_whole(path: Path, content: bytes | str) -> None:
    """Write a file whole or not at all, in place of what was there; its folder is made.

    Raises:
        OSError: it cannot be written; what was there is there still.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_bytes(content.encode() if isinstance(content, str) else content)
        os.replace(partial, path)
    except OSError:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise


def write_for(path: Path, content: bytes | str) -> None:
    """`write_whole` where a person said, or into what is there and no file, /dev/stdout say.

    Raises:
        UserError: it cannot be written.
    """
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        else:
            write_whole(path.resolve(), content)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}") from None
