"""Tables of captions, CSV and lines of JSON."""

import json

import pytest

from jaxgan.data.caption_tables import read_captions
from jaxgan.errors import UserError

COLUMNS = 'file,one,two\n1.png,a ball,"a ball, red"\nx/2.png,a cube,\n'
ROWS = 'image,caption\n1.png,a ball\nx/2.png, a cube \n\n1.png,"a ball, red"\n1.png,a ball\n'
JSON = '{"file": "1.png", "captions": ["a ball", "a ball, red", ""]}\n\n{"file": "x/2.png", "caption": "a cube"}\n'
FOUND = {"1.png": ("a ball", "a ball, red"), "x/2.png": ("a cube",)}


def write(folder, text, name):
    (folder / name).write_text(text, "utf-8", newline="")
    return folder / name


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("c.csv", COLUMNS),
        ("c.csv", ROWS),
        ("c.csv", "\ufeff" + ROWS.replace("\n", "\r\n")),
        ("c.jsonl", JSON),
        ("c.JSONL", JSON.replace("\n", "\r\n")),
    ],
)
def test_formats(tmp_path, name, text):
    assert read_captions(write(tmp_path, text, name)) == FOUND


@pytest.mark.parametrize("odd", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\x1e"])
@pytest.mark.parametrize("name", ["c.csv", "c.jsonl"])
def test_lines_end_where_those_of_files_do(tmp_path, odd, name):
    """Copied from a page, a caption may have what Python takes for the end of a line: it is neither cut nor another's."""
    captions = [f"a{odd}ball", "a cube"]
    csv = f"file,caption\r\n1.png,{captions[0]}\r\n2.png,{captions[1]}\r\n"
    lines = "".join(
        f'{{"file": "{n}.png", "caption": {json.dumps(c, ensure_ascii=False)}}}\n' for n, c in enumerate(captions, 1)
    )
    found = read_captions(write(tmp_path, csv if name == "c.csv" else lines, name))
    assert found == {"1.png": (captions[0],), "2.png": (captions[1],)}


def test_a_caption_of_two_lines_and_quotation_marks(tmp_path):
    text = 'file,caption\n1.png,"a ball,\nseen ""from above"""\n2.png,a cube\n'
    assert read_captions(write(tmp_path, text, "c.csv")) == {
        "1.png": ('a ball,\nseen "from above"',),
        "2.png": ("a cube",),
    }


def test_pictures_whose_captions_are_empty_have_none(tmp_path):
    assert read_captions(write(tmp_path, "file,caption\n1.png, \n2.png,a cube\n", "c.csv")) == {"2.png": ("a cube",)}


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("c.csv", "", "must be a header with commas, such as file,caption"),
        ("c.csv", "1.png|a ball\n", "must be a header with commas"),
        ("c.csv", ROWS + "2.png,a cube, red\n", "line 7: 3 columns, but the header has 2.*quotation marks"),
        ("c.csv", ROWS + ",a cube\n", "line 7: there is no picture"),
        ("c.csv", ROWS + '2.png,"a cube\n', "line 7: .*quotation mark left open"),
        ("c.jsonl", JSON + "a cube\n", "line 4: it is not an object in JSON"),
        ("c.jsonl", JSON + '["a cube"]\n', 'line 4: it must be an object with "file"'),
        ("c.jsonl", JSON + '{"file": "3.png"}\n', "line 4: it must be an object"),
        ("c.jsonl", JSON + '{"file": "3.png", "captions": [1]}\n', "line 4: it must be an object"),
        ("c.jsonl", JSON + '{"caption": "a cube"}\n', "line 4: it must be an object"),
    ],
)
def test_lines_that_make_no_sense(tmp_path, name, text, words):
    with pytest.raises(UserError, match=words) as caught:
        read_captions(write(tmp_path, text, name))
    assert str(tmp_path / name) in str(caught.value)


def test_files_that_are_no_tables(tmp_path):
    with pytest.raises(UserError, match=r"nowhere\.csv does not exist"):
        read_captions(tmp_path / "nowhere.csv")
    (tmp_path / "c.csv").write_bytes(b"\x89PNG\xff\x00,")
    with pytest.raises(UserError, match="not a text file in UTF-8"):
        read_captions(tmp_path / "c.csv")
