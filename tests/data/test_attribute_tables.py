"""Tables of attributes, CelebA's and CSV, and the folders that they describe."""

import numpy as np
import pytest
from PIL import Image

from jaxgan.data import Batches, Folder, parse_source
from jaxgan.data.attribute_tables import read_table
from jaxgan.errors import UserError

CELEBA = """3
Smiling Eyeglasses Male
000001.jpg -1  1 -1
000002.jpg  1 -1 -1
000003.jpg  1  1  1
"""
CSV = """image_id,Smiling,Eyeglasses,Male
000001.jpg,-1,1,-1
"000002.jpg",1,-1,-1
000003.jpg,1,1,1
"""
WORDS = """file,Smiling,Eyeglasses,Male
000001.jpg,no,True,0
000002.jpg,YES, false,0

000003.jpg,1,true,1
"""
ROWS = {"000001.jpg": [0, 1, 0], "000002.jpg": [1, 0, 0], "000003.jpg": [1, 1, 1]}


def write(folder, text, name="table.txt"):
    (folder / name).write_text(text, "utf-8")
    return folder / name


@pytest.mark.parametrize("text", [CELEBA, CSV, WORDS, "\ufeff" + CSV, CELEBA.replace("\n", "\r\n")])
def test_formats(tmp_path, text):
    table = read_table(write(tmp_path, text))
    assert table.names == ("Smiling", "Eyeglasses", "Male")
    assert {file: row.tolist() for file, row in table.rows.items()} == ROWS
    assert {row.dtype for row in table.rows.values()} == {np.dtype(np.int32)}


@pytest.mark.parametrize("odd", ["\u2028", "\x85", "\x0b", "\x1c", "\u3000"])
@pytest.mark.parametrize("text", [CELEBA, CSV])
def test_lines_and_words_end_where_those_of_files_do(tmp_path, text, odd):
    table = read_table(write(tmp_path, text.replace("000002.jpg", f"2{odd}.jpg").replace("Male", f"Ma{odd}le")))
    assert list(table.rows) == ["000001.jpg", f"2{odd}.jpg", "000003.jpg"]
    assert table.names[2] == f"Ma{odd}le"


@pytest.mark.parametrize("text", [CELEBA, CSV])
def test_chosen_attributes_in_the_order_asked_for(tmp_path, text):
    table = read_table(write(tmp_path, text), ("Male", "Smiling"))
    assert table.names == ("Male", "Smiling")
    assert {file: row.tolist() for file, row in table.rows.items()} == {k: [v[2], v[0]] for k, v in ROWS.items()}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "first line is empty"),
        ("smiling glasses\n1.png 1 1\n", "neither the header of a CSV file nor"),
        (CELEBA.replace("3\n", "4\n", 1), "says in its first line that it has 4 rows, but it has 3: is it cut off"),
        (CELEBA.replace("-1 -1\n", "-1\n"), r"line 4: 2 values of 000002\.jpg for 3 attributes"),
        (CELEBA.replace("-1  1", "-1  2"), r"line 3: '2' is neither yes nor no"),
        (CELEBA.replace("000003", "000002"), r"line 5: there is a row of 000002\.jpg already"),
        (CELEBA.replace("Male", "Smiling"), "each attribute needs a name of its own"),
        (CSV.replace(",-1,1,", ",,1,"), "line 2: '' is neither yes nor no"),
        (CSV + "000004.jpg,1\n", r"line 5: 1 values of 000004\.jpg for 3 attributes"),
        (CSV.replace("Male", ""), "each attribute needs a name"),
    ],
)
def test_lines_that_make_no_sense(tmp_path, text, words):
    with pytest.raises(UserError, match=words) as caught:
        read_table(write(tmp_path, text))
    assert str(tmp_path / "table.txt") in str(caught.value)


def test_files_that_are_no_tables(tmp_path):
    with pytest.raises(UserError, match="nowhere does not exist"):
        read_table(tmp_path / "nowhere")
    (tmp_path / "x.csv").write_bytes(b"\x89PNG\xff\x00,")
    with pytest.raises(UserError, match="not a text file in UTF-8"):
        read_table(tmp_path / "x.csv")
    (tmp_path / "x.csv").write_text('file,a\n"x,1\n' + "000001.jpg,1\n" * 20_000)
    with pytest.raises(UserError, match=r"x\.csv is no CSV file.*quotation mark"):
        read_table(tmp_path / "x.csv")


def test_unknown_attributes(tmp_path):
    with pytest.raises(UserError, match='no attribute "eyeglases", did you mean "Eyeglasses"'):
        read_table(write(tmp_path, CELEBA), ("Male", "eyeglases"))


@pytest.fixture
def celeba(tmp_path):
    """A folder of three pictures, two of them below, in one colour each."""
    for index, name in enumerate(("000001.png", "x/000002.png", "x/000003.png")):
        (tmp_path / "pictures" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (index, 0, 0)).save(tmp_path / "pictures" / name)
    text = CELEBA.replace("jpg", "png").replace("000002", "x/000002").replace("000003", "x/000003")
    return Folder(path=str(tmp_path / "pictures"), size=8, attributes=str(write(tmp_path, text)))


def test_labels_of_a_folder(celeba):
    records = celeba.load()
    assert records.classes == ("Smiling", "Eyeglasses", "Male")
    assert [example["label"].tolist() for example in records.examples] == [[0, 1, 0], [1, 0, 0], [1, 1, 1]]
    chosen = Folder(path=celeba.path, size=8, attributes=celeba.attributes, chosen=("Eyeglasses",))
    with Batches(chosen, batch_size=3, seed=0) as batches:
        assert batches.spec.classes == ("Eyeglasses",)
        assert (batches.spec.shapes["label"].shape, batches.spec.shapes["label"].dtype) == ((1,), np.int32)
        batch = next(batches)
    numbers = np.round((batch["image"][:, 0, 0, 0] + 1) * 127.5).astype(int)
    assert batch["label"][:, 0].tolist() == [[1, 0, 1][number] for number in numbers]


def test_subfolders_are_no_classes_where_there_is_a_table(tmp_path):
    for name in ("cats/1.png", "dogs/1.png"):
        (tmp_path / name).parent.mkdir()
        Image.new("RGB", (8, 8)).save(tmp_path / name)
    table = write(tmp_path, "file,wild\ncats/1.png,0\ndogs/1.png,1\n", "t.csv")
    assert Folder(path=str(tmp_path), size=8).load().classes == ("cats", "dogs")
    records = Folder(path=str(tmp_path), size=8, attributes=str(table)).load()
    assert records.classes == ("wild",)
    assert [example["label"].tolist() for example in records.examples] == [[0], [1]]


def test_pictures_without_a_row(celeba, tmp_path, capsys):
    Image.new("RGB", (8, 8)).save(tmp_path / "pictures" / "extra.png")
    with pytest.raises(
        UserError, match=r"1 of the 4 pictures in .* no row in .*table\.txt: extra\.png\. Add their rows"
    ):
        celeba.load()
    many = "".join(f"{index:03d}.png,1\n" for index in range(101))
    for index in range(101):
        Image.new("RGB", (8, 8), (index, 0, 0)).save(tmp_path / "pictures" / f"{index:03d}.png")
    for name in ("000001.png", "x/000002.png", "x/000003.png"):
        (tmp_path / "pictures" / name).unlink()
    data = Folder(path=celeba.path, size=8, attributes=str(write(tmp_path, "file,seen\n" + many, "many.csv")))
    records = data.load()
    assert len(records.examples) == 101
    assert "skipped, for 1 of the 102 pictures" in capsys.readouterr().err
    assert all(example["label"].tolist() == [1] for example in records.examples)


def test_fields_that_make_no_sense():
    with pytest.raises(UserError, match=r"give data\.attributes, its file, too"):
        Folder(path=".", chosen=("Smiling",))
    with pytest.raises(UserError, match=r'must be a tuple of names, \("Smiling",\)'):
        Folder(path=".", attributes="x", chosen="Smiling")
    with pytest.raises(UserError, match="give each name once"):
        Folder(path=".", attributes="x", chosen=("a", "a"))
    assert Folder(path=".", attributes="x", chosen=["a", "b"]).chosen == ("a", "b")


def test_a_source_on_the_command_line_has_no_table(celeba):
    assert parse_source(celeba.path, celeba) == Folder(path=celeba.path, size=8)
