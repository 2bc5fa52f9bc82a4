"""A folder of pictures: classes, conversion, and what is wrong with it said in one sentence."""

import errno
import itertools
import os
import time
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features

from jaxgan.data import Batches, Folder, pictures
from jaxgan.data import folder as module
from jaxgan.errors import UserError
from jaxgan.workdir import locked

COLORS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)}


def fill(folder, count=3, size=(20, 10), color=COLORS["red"], suffix="png"):
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(count):
        Image.new("RGB", size, color).save(folder / f"{index:03d}.{suffix}")
    return folder


def test_pictures_of_a_folder_and_below(tmp_path):
    fill(tmp_path, 2)
    fill(tmp_path / "more" / "deep", 1)
    fill(tmp_path / ".hidden", 1)
    (tmp_path / "notes.txt").write_text("not looked at")
    records = Folder(path=str(tmp_path), size=8).load()
    assert len(records.examples) == 3
    assert records.classes == ()
    assert "label" not in records.examples[0]
    assert records.examples[0]["image"].shape == (8, 8, 3)
    assert (records.examples[0]["image"] == COLORS["red"]).all()


def test_links_are_followed_but_not_in_circles(tmp_path):
    fill(tmp_path / "elsewhere", 2)
    fill(tmp_path / "set" / "own", 1)
    (tmp_path / "set" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "set" / "circle").symlink_to(tmp_path / "set")
    with pytest.raises(UserError, match='"circle" has no pictures'):
        Folder(path=str(tmp_path / "set")).load()
    (tmp_path / "set" / "circle").unlink()
    assert Folder(path=str(tmp_path / "set")).load().classes == ("linked", "own")


def test_subfolders_are_classes(tmp_path):
    for name, color in COLORS.items():
        fill(tmp_path / name, 2, color=color, suffix="JPG" if name == "red" else "png")
    records = Folder(path=str(tmp_path), size=8).load()
    assert records.classes == ("blue", "green", "red")
    for example in (records.examples[i] for i in range(6)):
        color = COLORS[records.classes[example["label"]]]
        assert np.abs(example["image"].astype(int) - color).max() <= 2
        assert example["file"].startswith(records.classes[example["label"]])


def test_many_classes_are_found_in_good_time(tmp_path, monkeypatch):
    """A look through all names for each picture would take a third of a minute for 20,000."""
    monkeypatch.setattr(module, "drop_damaged", lambda files, folder: files)  # 20,000 pictures to look at
    paths = [tmp_path / f"{number:05d}" / "1.png" for number in range(20_000)]
    monkeypatch.setattr(module, "find_pictures", lambda folder: paths)
    monkeypatch.setattr(module, "class_folders", lambda folder, files: tuple(p.parent.name for p in files))
    began = time.monotonic()
    assert len(Folder(path=str(tmp_path), size=8).load().classes) == 20_000
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("crop", ["center", "random", "none"])
@pytest.mark.parametrize("channels", [1, 3])
def test_batches_of_pictures_of_any_size(tmp_path, crop, channels):
    for index, size in enumerate([(40, 30), (10, 90), (7, 7), (12, 24)]):
        Image.effect_noise(size, 50).save(tmp_path / f"{index}.png")
    data = Folder(path=str(tmp_path), size=(12, 24), channels=channels, crop=crop, flip=True)
    with Batches(data, batch_size=4, seed=0) as batches:
        for batch in (next(batches), next(batches)):
            assert list(batch) == ["image"]
            assert batch["image"].shape == (4, 12, 24, channels)
            assert batch["image"].dtype == np.float32
            assert -1 <= batch["image"].min() < batch["image"].max() <= 1


def refused(folder, *words):
    with pytest.raises(UserError) as caught:
        Folder(path=str(folder), size=8).load()
    for word in words:
        assert word in str(caught.value)


def test_missing_empty_and_wrong_folders(tmp_path):
    refused(tmp_path / "nowhere", "does not exist", "nowhere")
    refused(tmp_path, "no pictures", str(tmp_path), ".png")
    (tmp_path / "file").write_text("")
    refused(tmp_path / "file", "is a file")


def test_what_pillow_reads_is_read_and_the_rest_is_counted(tmp_path, capsys):
    names = ("a.jfif", "b.jpe", "c.JPEG", "d.dib", "e.pbm", "f.tga", "g.qoi", "h.apng", "i.j2k")
    for name in names:
        kind = {"jfif": "JPEG", "jpe": "JPEG", "apng": "PNG"}.get(name[2:])
        Image.new("1" if name.endswith("pbm") else "RGB", (8, 8)).save(tmp_path / name, kind)
    Image.new("RGB", (8, 8)).save(tmp_path / "0123abcd", "PNG")  # as many downloads are called
    for name in ("LICENSE", "captions.csv", "photo.heic", "film.mp4", "layers.psd"):
        (tmp_path / name).write_text("no picture")
    examples = Folder(path=str(tmp_path), size=8).load().examples
    assert [example["file"] for example in examples] == ["0123abcd", *names]
    said = capsys.readouterr().err
    assert "3 files of formats that are not read here, film.mp4, layers.psd, photo.heic" in said


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF")
def test_avif(tmp_path):
    Image.new("RGB", (8, 8), COLORS["red"]).save(tmp_path / "a.avif", quality=100)
    (example,) = Folder(path=str(tmp_path), size=8).load().examples
    assert np.abs(example["image"].astype(int) - COLORS["red"]).max() <= 2


def test_nothing_but_other_formats(tmp_path):
    (tmp_path / "a.heic").write_bytes(b"")
    refused(tmp_path, "has no pictures", "1 files of formats that are not read here, a.heic: convert them")


def test_the_folder_that_is_missing_is_named_in_full(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    refused(Path("pictures"), f"the folder {tmp_path / 'pictures'} does not exist")


def test_a_drive_that_fails_for_a_moment(tmp_path, monkeypatch):
    """Its pictures are asked for again, and never replaced by others."""
    fill(tmp_path, 150, size=(8, 8))
    records = Folder(path=str(tmp_path), size=8).load()
    read, failures = Path.read_bytes, iter([errno.EIO, errno.ENOTCONN])

    def fails_twice(path):
        if number := next(failures, None):
            raise OSError(number, os.strerror(number))
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", fails_twice)
    monkeypatch.setattr(pictures, "WAITS", (0.0, 0.0))
    assert records.examples[7]["file"] == "007.png"
    assert next(failures, None) is None
    failures = itertools.repeat(errno.ESTALE)
    with pytest.raises(UserError, match=r"008\.png, which could be read before, cannot be now \(Stale file handle\)"):
        records.examples[8]


def test_a_file_that_is_gone_is_not_replaced(tmp_path):
    fill(tmp_path, 150, size=(8, 8))
    records = Folder(path=str(tmp_path), size=8).load()
    (tmp_path / "007.png").unlink()
    with pytest.raises(UserError, match=r"007\.png, which could be read before, .*No such file.*run the same command"):
        records.examples[7]


def test_a_drive_that_fails_while_looking(tmp_path, monkeypatch):
    fill(tmp_path, 150, size=(8, 8))
    monkeypatch.setattr(pictures, "WAITS", ())

    def fails(path, *_):
        raise OSError(errno.ENOTCONN, "Transport endpoint is not connected")

    monkeypatch.setattr(pictures, "_ends_well", fails)
    refused(tmp_path, "000.png (Transport endpoint is not connected): is its drive still there?")


def test_workdirs_are_no_pictures(tmp_path, capsys):
    """A run that is trained beside the pictures, in runs/, does not see its own grids, and makes no class."""
    for name in ("cats", "dogs"):
        fill(tmp_path / name, 2)
    run = fill(tmp_path / "runs" / "one" / "samples").parent
    (run / "experiment.json").write_text('{"experiment": {}, "shapes": {}}')
    records = Folder(path=str(tmp_path), size=8).load()
    assert records.classes == ("cats", "dogs")
    assert len(records.examples) == 4
    with pytest.raises(UserError, match="is the workdir of a run, whose grids would be taken for pictures"):
        Folder(path=str(run)).load()
    (tmp_path / "runs" / "new").mkdir()
    with locked(tmp_path / "runs" / "new"):  # as a run that is about to begin
        assert Folder(path=str(tmp_path), size=8).load().classes == ("cats", "dogs")
    (tmp_path / "runs" / "notes.txt").write_text("mine")
    (tmp_path / "runs2" / "killed" / "early").mkdir(parents=True)  # before anything was written
    assert Folder(path=str(tmp_path), size=8).load().classes == ("cats", "dogs")
    (tmp_path / "other").mkdir()
    refused(tmp_path, '"other" has no pictures')
    (tmp_path / "other" / "experiment.json").write_text('{"lr": 1}')  # of somebody else
    refused(tmp_path, '"other" has no pictures')


def test_a_class_without_pictures(tmp_path):
    fill(tmp_path / "cats")
    (tmp_path / "dogs").mkdir()
    refused(tmp_path, '"dogs" has no pictures')


def test_few_damaged_files_are_named_and_skipped(tmp_path, capsys):
    fill(tmp_path, 150, size=(8, 8))
    (tmp_path / "007.png").write_bytes(b"")
    records = Folder(path=str(tmp_path), size=8).load()
    assert len(records.examples) == 149
    said = capsys.readouterr().err
    assert "skipped 1 of the 150" in said
    assert "007.png: an empty file" in said


def test_many_damaged_files_are_refused_and_the_first_are_named(tmp_path):
    fill(tmp_path, 50, size=(8, 8))
    for index in range(8):
        (tmp_path / f"{index:03d}.png").write_bytes(b"no picture")
    refused(tmp_path, "8 of the 50", "000.png: not a picture", "004.png", "and 3 more")


def damage_in_the_middle(path):
    """What only decoding can find: the header and the end are good."""
    Image.effect_noise((64, 64), 50).convert("RGB").save(path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(content)


def test_damage_found_while_reading_is_named_and_the_next_picture_is_used(tmp_path, capsys):
    fill(tmp_path, 150, size=(8, 8))
    damage_in_the_middle(tmp_path / "007.png")
    records = Folder(path=str(tmp_path), size=8).load()
    assert len(records.examples) == 150
    assert records.examples[7]["file"] == "008.png"
    assert "007.png: truncated or damaged" in capsys.readouterr().err
    damage_in_the_middle(tmp_path / "010.png")
    with pytest.raises(UserError, match=r"2 of the 150 .*010\.png"):
        records.examples[10]


def test_too_much_damage_found_while_reading_stops_training(tmp_path):
    fill(tmp_path, 3, size=(8, 8))
    damage_in_the_middle(tmp_path / "001.png")
    with (
        pytest.raises(UserError, match=r"001\.png"),
        Batches(Folder(path=str(tmp_path), size=8), batch_size=4, seed=0) as batches,
    ):
        next(batches)


def captioned(folder, text):
    (folder / "captions.csv").write_text("file,caption\n" + text)
    return Folder(path=str(folder), size=8, captions=str(folder / "captions.csv"))


def test_captions(tmp_path):
    fill(tmp_path / "cats", 2)
    fill(tmp_path / "dogs", 1)
    records = captioned(tmp_path, "cats/001.png,a cat\ndogs/000.png,a dog\ncats/000.png,one\ncats/000.png,two\n").load()
    assert [example["file"] for example in records.examples] == ["cats/000.png", "cats/001.png", "dogs/000.png"]
    expected = [("one", "two"), ("a cat",), ("a dog",)]
    assert [example["captions"] for example in records.examples] == expected
    assert [records.examples.texts(index)["captions"] for index in range(3)] == expected
    assert records.classes == ("cats", "dogs")
    assert [example["label"] for example in records.examples] == [0, 0, 1]


def test_letters_with_accents_apart_and_together(tmp_path):
    """A Mac writes "\u00e9" in the name of a file as two characters."""
    fill(tmp_path, 1)
    for apart in ("cafe\u0301.png", "A\u030a.png"):
        (tmp_path / "000.png").rename(tmp_path / apart)
        text = unicodedata.normalize("NFC", f"{apart},a name\n")
        assert captioned(tmp_path, text).load().examples[0]["captions"] == ("a name",)
        (tmp_path / apart).rename(tmp_path / "000.png")
    fill(tmp_path, 2)
    (tmp_path / "000.png").rename(tmp_path / "\u00e9.png")
    (tmp_path / "001.png").rename(tmp_path / "e\u0301.png")
    records = captioned(tmp_path, "\u00e9.png,one\ne\u0301.png,two\n").load()
    assert {e["file"]: e["captions"] for e in records.examples} == {"\u00e9.png": ("one",), "e\u0301.png": ("two",)}


def test_pictures_without_captions(tmp_path, capsys):
    fill(tmp_path, 102, size=(8, 8))
    with pytest.raises(
        UserError, match=r"2 of the 102 .* no row in .*captions\.csv: 100\.png, 101\.png\. Add their rows"
    ):
        captioned(tmp_path, "".join(f"{index:03d}.png,number {index}\n" for index in range(100))).load()
    records = captioned(tmp_path, "".join(f"{index:03d}.png,number {index}\n" for index in range(1, 102))).load()
    assert "skipped, for 1 of the 102 pictures" in capsys.readouterr().err
    assert [example["captions"] for example in records.examples] == [(f"number {index}",) for index in range(1, 102)]
    with pytest.raises(UserError, match=r"nowhere\.csv does not exist"):
        Folder(path=str(tmp_path), captions="nowhere.csv").load()


def test_the_caption_of_a_picture_that_stands_in_for_a_damaged_one(tmp_path):
    fill(tmp_path, 150, size=(8, 8))
    damage_in_the_middle(tmp_path / "007.png")
    records = captioned(tmp_path, "".join(f"{index:03d}.png,number {index}\n" for index in range(150))).load()
    assert (records.examples[7]["file"], records.examples[7]["captions"]) == ("008.png", ("number 8",))
