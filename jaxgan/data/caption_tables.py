"""Tables of captions of pictures: a CSV file, or a line of JSON for each picture.

file,caption                              {"file": "001.jpg", "caption": "a red ball"}
001.jpg,a red ball                        {"file": "002.jpg", "captions": ["a cube", "a blue cube"]}
002.jpg,a cube
002.jpg,"a blue cube, seen from above"
"""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

from jaxgan.errors import UserError

Rows = Iterator[tuple[str, list[str]]]  # path of the picture, captions


def read_captions(path: Path) -> dict[str, tuple[str, ...]]:
    """Reads a table: one whose name ends in .jsonl (or .json) has an object in each line, any other is CSV with a header.

    Captions that are empty, or there twice, are passed over.

    Returns:
      The path of a picture, as the table has it -> its captions, one at least, in the order of the table.

    Raises:
      UserError: the file is missing or no text, or a line is not as it should be; it is named.
    """
    if not path.is_file():
        raise UserError(f"the table of captions {path} does not exist")
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is no table of captions: it is not a text file in UTF-8") from error
    rows = _read_json(path, text) if path.suffix.lower() in (".jsonl", ".json") else _read_csv(path, text)
    captions: dict[str, dict[str, None]] = {}  # a dict has each once, in order
    for file, said in rows:
        captions.setdefault(file, {}).update(dict.fromkeys(caption.strip() for caption in said if caption.strip()))
    return {file: tuple(said) for file, said in captions.items() if said}


def _read_csv(path: Path, text: str) -> Rows:
    # Lines end where files' lines do: a vertical tab, or U+2028, belongs to the caption that it stands in.
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        columns = len(next(reader, ()))
        if columns < 2:
            raise UserError(
                f"{path} is no table of captions: its first line must be a header with commas, such as file,caption"
            )
        for row in reader:
            if len(row) > columns:
                raise UserError(
                    f"{path}, line {reader.line_num}: {len(row)} columns, but the header has {columns}: put captions that "
                    'have commas in "quotation marks"'
                )
            if row:
                if not row[0].strip():
                    raise UserError(f"{path}, line {reader.line_num}: there is no picture in the first column")
                yield row[0].strip(), row[1:]
    except csv.Error as error:
        raise UserError(
            f"{path}, line {reader.line_num}: it cannot be read as CSV ({error}): is a quotation mark left open, or "
            'not doubled ("") inside a caption?'
        ) from None


def _read_json(path: Path, text: str) -> Rows:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise UserError(f"{path}, line {number}: it is not an object in JSON ({error})") from None
        file = row.get("file") if isinstance(row, dict) else None
        captions = row.get("captions", row.get("caption")) if isinstance(row, dict) else None
        captions = [captions] if isinstance(captions, str) else captions
        right = isinstance(captions, list) and all(isinstance(caption, str) for caption in captions)
        if not isinstance(file, str) or not right:
            raise UserError(
                f'{path}, line {number}: it must be an object with "file", the path of a picture, and "caption", a text, or '
                '"captions", a list of texts'
            )
        yield file, captions
