"""The files that a command writes for the pictures that it reads; not a command itself."""

import os
from pathlib import Path

from jaxgan.cache import expanded
from jaxgan.errors import UserError


def find_outputs(
    found: dict[str, Path], base: Path | None, given: str, output: str, suffixes: tuple[str, ...]
) -> dict[str, Path]:
    """Where what is made of each picture goes, by its name: a file for one, or below a folder.

    Args:
        found: the pictures by their names, as `find_inputs` gives them.
        base: the folder that it gives, too.
        given: INPUT, as it was given.
        output: OUTPUT.
        suffixes: of what can be written. In a folder another suffix becomes .png.

    Returns:
        {name: path}, without what an earlier run has written below `base`.

    Raises:
        UserError: OUTPUT is no place for it: files would be overwritten, a folder is asked for and a file given.
    """
    source, out = expanded(given), expanded(output)
    suffix, one = out.suffix.lower(), len(found) == 1 and not source.is_dir()
    as_file = not out.is_dir() and not output.endswith(("/", os.sep)) and suffix != ""
    if as_file and one and suffix not in suffixes:
        raise UserError(f"OUTPUT {output}: it must end in {', '.join(suffixes)}, or be a folder")
    if as_file and not one and (suffix in suffixes or out.exists()):
        what = "a folder" if source.is_dir() else f"{len(found)} pictures"
        raise UserError(f"OUTPUT {output} is one file, but {given} is {what}: name a folder")
    folder = out.parent if as_file and one else out
    check_folder(folder, output)
    if source.is_dir() and source.resolve() == folder.resolve():
        raise UserError(f"OUTPUT {output} is the folder of the inputs, which would be overwritten: name another")
    if base is not None and base.resolve() in folder.resolve().parents:  # what was made earlier is no input
        found = {name: path for name, path in found.items() if folder.resolve() not in path.resolve().parents}
        if not found:
            raise UserError(f"{given} has no pictures but those in OUTPUT {output}: name another")
    made: dict[Path, str] = {}
    originals = {path.resolve() for path in found.values()}
    for name, path in found.items():
        kept = Path(name).suffix.lower() in suffixes
        where = out if as_file and one else folder / (name if kept else Path(name).with_suffix(".png"))
        if where in made:
            raise UserError(f"{found[made[where]]} and {path} would both become {where}: rename one of them")
        if where.resolve() in originals:
            raise UserError(f"what is made of {path} would overwrite {where}: name another OUTPUT")
        made[where] = name
    return {name: where for where, name in made.items()}


def check_folder(folder: Path, output: str) -> None:
    """Raises: UserError: OUTPUT would be below a file."""
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    if not existing.is_dir():
        raise UserError(f"OUTPUT {output}: {existing} is a file, not a folder")
