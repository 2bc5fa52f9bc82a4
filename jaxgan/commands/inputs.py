"""The pictures that a command is given by one argument; not a command itself."""

import glob
import itertools
import os
from pathlib import Path

from jaxgan.cache import expanded
from jaxgan.data.folder import find_pictures, looks_like_picture
from jaxgan.errors import UserError, nearest


def find_inputs(text: str) -> tuple[dict[str, Path], Path | None]:
    """The pictures of a path or a pattern, by their names, and the folder below which these are paths: None for one picture.

    The folder of a pattern is what comes before its first part that holds a star or the like.

    Raises:
        UserError: there are none.
    """
    path = expanded(text)
    if path.is_dir():
        return {file.relative_to(path).as_posix(): file for file in find_pictures(path)}, path
    if path.exists():
        return {path.name: path}, None
    if glob.has_magic(text):
        fixed = Path(*itertools.takewhile(lambda part: not glob.has_magic(part), path.parts[:-1]))
        matches = sorted(Path(match) for match in glob.glob(str(path), recursive=True))
        files = [match for match in matches if match.is_file() and looks_like_picture(match)]
        if not files:
            raise UserError(f"no picture matches {text} (.png, .jpg, .webp, .avif, .gif, .tif, .bmp and others)")
        return {file.relative_to(fixed).as_posix(): file for file in files}, fixed
    beside = os.listdir(path.parent) if path.parent.is_dir() else []
    raise UserError(f"there is no picture or folder {text}{nearest(path.name, beside)}".removesuffix("."))
