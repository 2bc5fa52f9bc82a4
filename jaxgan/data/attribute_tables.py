"""Tables of yes-or-no attributes of pictures: CelebA's list_attr_celeba.txt, or a CSV file.

2                              file,smiling,glasses
Smiling Eyeglasses             000001.jpg,1,0
000001.jpg  1 -1               000002.jpg,0,1
000002.jpg -1  1
"""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jaxgan.errors import UserError, nearest

VALUES = {"1": 1, "0": 0, "-1": 0, "true": 1, "false": 0, "yes": 1, "no": 0}


@dataclass(frozen=True)
class Table:
    """What a table says.

    Attributes:
      path: its file.
      names: of the A attributes.
      rows: the path of a picture, as the table has it -> int32 [A] of zeros and ones.
    """

    path: Path
    names: tuple[str, ...]
    rows: dict[str, np.ndarray]


def read_table(path: Path, chosen: Sequence[str] = ()) -> Table:
    """Reads a table: one with commas in its first line is CSV with a header, any other is like CelebA's.

    Args:
      path: the file.
      chosen: the attributes to keep, in this order; all of them if empty.

    Raises:
      UserError: the file is missing or no text, a line does not fit the header or has a value that is neither yes nor
        no, or a chosen attribute is none of the table's.
    """
    if not path.is_file():
        raise UserError(f"the table of attributes {path} does not exist")
    try:
        # Lines end where files' lines do, and not at a vertical tab or U+2028.
        lines = path.read_text("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is no table of attributes: it is not a text file in UTF-8") from error
    if not lines or not lines[0].strip():
        raise UserError(f"{path} is no table of attributes: its first line is empty")
    names, rows = _read_csv(path, lines) if "," in lines[0] else _read_list(path, lines)
    if len(set(names)) < len(names) or not all(names):
        raise UserError(f"{path}: each attribute needs a name of its own, but they are {', '.join(names) or 'none'}")
    kept = choose(names, chosen, f"the table {path}")
    columns = [names.index(name) for name in kept]
    read: dict[str, list[int]] = {}
    for line, file, values in _readable(rows, path):
        if len(values) != len(names):
            raise UserError(f"{path}, line {line}: {len(values)} values of {file} for {len(names)} attributes")
        if file in read:
            raise UserError(f"{path}, line {line}: there is a row of {file} already")
        try:
            read[file] = [VALUES[values[column].strip().lower()] for column in columns]
        except KeyError as error:
            raise UserError(
                f"{path}, line {line}: {error} is neither yes nor no: write 1 for yes, and 0 or -1 for no"
            ) from None
    # One array for all rows: CelebA has 202,599.
    return Table(path, kept, dict(zip(read, np.array(list(read.values()), np.int32), strict=True)))


def choose(names: Sequence[str], chosen: Sequence[str], owner: str) -> tuple[str, ...]:
    """The chosen names, or all of them where none is chosen; UserError where `owner` lacks one."""
    for name in chosen:
        if name not in names:
            raise UserError(f'{owner} has no attribute "{name}"{nearest(name, names)} It has {", ".join(names)}')
    return tuple(chosen or names)


def as_names(field: str, names: Sequence[str]) -> tuple[str, ...]:
    """A field that holds names as a tuple, for JSON gives a list; UserError for one string, or a name given twice."""
    if isinstance(names, str):
        raise UserError(f'{field} is "{names}": it must be a tuple of names, ("{names}",)')
    if len(set(names)) < len(names):
        raise UserError(f"{field} is {', '.join(names)}: give each name once")
    return tuple(names)


Rows = Iterator[tuple[int, str, list[str]]]  # number of the line, path of the picture, values


def _readable(rows: Rows, path: Path) -> Rows:
    """The rows; UserError where the CSV reader gives up."""
    try:
        yield from rows
    except csv.Error as error:
        raise UserError(f"{path} is no CSV file that can be read ({error}): is a quotation mark left open?") from None


def _read_csv(path: Path, lines: list[str]) -> tuple[list[str], Rows]:
    reader = csv.reader(lines)
    names = [name.strip() for name in next(reader)[1:]]
    return names, ((reader.line_num, row[0].strip(), row[1:]) for row in reader if row)


def _read_list(path: Path, lines: list[str]) -> tuple[list[str], Rows]:
    count = lines[0].strip()
    if not count.isdigit() or len(lines) < 2:
        raise UserError(
            f"{path} is no table of attributes: its first line is neither the header of a CSV file nor, as in CelebA's "
            "list, the number of pictures"
        )
    filled = [
        (number, re.split("[ \t]+", line.strip(" \t"))) for number, line in enumerate(lines[2:], 3) if line.strip()
    ]
    if len(filled) != int(count):
        raise UserError(
            f"{path} says in its first line that it has {count} rows, but it has {len(filled)}: is it cut off?"
        )
    return re.split("[ \t]+", lines[1].strip(" \t")), ((number, words[0], words[1:]) for number, words in filled)
