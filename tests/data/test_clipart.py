"""Clip art: pictures of all kinds in folders of topics, as Debian's package has them, and the package where it is installed."""

import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from jaxgan.data import Batches, Clipart, Records, parse_source
from jaxgan.data.sets.clipart import PACKAGE
from jaxgan.errors import UserError


def png_header(width: int, height: int) -> bytes:
    """The first bytes of a picture that nobody should decode."""
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII5B", 13, b"IHDR", width, height, 8, 6, 0, 0, 0) + bytes(40)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Two topics, with everything that occurs in the package, and what does not."""
    monkeypatch.setenv("JAXGAN_CACHE", str(tmp_path / "cache"))
    animals, plants = tmp_path / "png" / "animals", tmp_path / "png" / "plants"
    (animals / "dogs").mkdir(parents=True)
    plants.mkdir()
    red = Image.new("RGBA", (40, 20), (255, 0, 0, 255))
    red.paste((9, 9, 9, 0), (0, 0, 20, 20))  # its left half is transparent, and dark below that
    red.save(animals / "a_rgba.png")
    palette = red.convert("RGB").quantize(4)
    palette.save(animals / "b_palette.png", transparency=palette.getpixel((0, 0)))  # the same picture
    Image.new("LA", (20, 40), (0, 128)).save(animals / "dogs" / "c_la.png")
    Image.new("L", (3, 2), 100).save(plants / "d_small.png")
    (plants / "e_link.png").symlink_to(animals / "dogs" / "c_la.png")
    (plants / "f_huge.png").write_bytes(png_header(20_990, 29_700))
    (plants / "g_cut.png").write_bytes((animals / "a_rgba.png").read_bytes()[:60])
    (plants / "h_empty.png").write_bytes(b"")
    (plants / "license.txt").write_text("public domain")
    red.save(tmp_path / "png" / "no_topic.png")
    return tmp_path / "png"


def named(records: Records) -> dict[str, np.ndarray]:
    return {
        example["file"].decode(): example["image"]
        for example in map(records.examples.__getitem__, range(len(records.examples)))
    }


def test_all_kinds_of_pictures_on_white(folder, capfd):
    records = Clipart(path=str(folder), size=16).load()
    assert records.classes == ("animals", "plants")
    assert [records.examples[i]["label"] for i in range(3)] == [0, 0, 1]
    pictures = named(records)
    assert list(pictures) == ["animals/a_rgba.png", "animals/dogs/c_la.png", "plants/d_small.png"]
    wide = pictures["animals/a_rgba.png"]
    assert (wide.shape, wide.dtype) == ((16, 16, 3), np.uint8)
    assert (wide[[0, 3, 12, 15]] == 255).all()  # above and below
    assert (wide[4:12, :6] == 255).all()  # transparent
    assert wide[8, 14].tolist() == [255, 0, 0]
    tall = pictures["animals/dogs/c_la.png"]
    assert (tall[:, [0, 3, 12, 15]] == 255).all()
    assert (abs(tall[:, 4:12].astype(int) - 127) <= 1).all()  # half of black and half of white
    assert (pictures["plants/d_small.png"][3:13, 1:15] == 100).all()  # made larger
    said = capfd.readouterr().err
    assert (
        "clip art: 3 pictures of 8 files; 1 have more than 25 megapixels, 2 cannot be used (plants/g_cut.png: " in said
    )
    assert "plants/h_empty.png: an empty file), and 2 are the same as others" in said
    again = Clipart(path=str(folder), size=16).load()
    assert capfd.readouterr().err == ""
    assert again.identity == records.identity


def test_chosen_topics(folder):
    whole, plants = (
        Clipart(path=str(folder), size=16).load(),
        Clipart(path=str(folder), size=16, topics=("plants",)).load(),
    )
    assert plants.classes == ("plants",)
    assert sorted(named(plants)) == ["plants/d_small.png", "plants/e_link.png"]  # which is no double here
    assert plants.identity != whole.identity
    assert Clipart(topics=["plants", "animals"]) == Clipart(topics=("animals", "plants"))
    with pytest.raises(UserError, match='no topic "animal", did you mean "animals"'):
        Clipart(path=str(folder), topics=("animal",)).load()
    with pytest.raises(UserError, match="give each name once"):
        Clipart(topics=("animals", "animals"))


def test_another_package_is_another_set(folder):
    before = Clipart(path=str(folder), size=8).load()
    Image.new("RGB", (5, 5), "green").save(folder / "plants" / "new.png")
    after = Clipart(path=str(folder), size=8).load()
    assert after.identity != before.identity
    assert len(after.examples) == len(before.examples) + 1


def test_batches_and_the_command_line(folder):
    data = parse_source("clipart", Clipart(size=(12, 8), channels=1))
    assert data == Clipart(size=(12, 8), channels=1)
    with Batches(Clipart(path=str(folder), size=(12, 8), channels=1), batch_size=3, seed=0) as batches:
        batch = next(batches)
    assert {name: batch[name].shape for name in batch} == {"image": (3, 12, 8, 1), "label": (3,)}


def test_refusals(tmp_path, monkeypatch):
    monkeypatch.setenv("JAXGAN_CACHE", str(tmp_path / "cache"))
    with pytest.raises(
        UserError, match=r"openclipart-png.* not in .*/none: apt-get install openclipart-png \(131 MB\)"
    ):
        Clipart(path=str(tmp_path / "none")).load()
    (tmp_path / "bad" / "food").mkdir(parents=True)
    (tmp_path / "bad" / "food" / "a.png").write_text("no picture")
    with pytest.raises(UserError, match=r"none of the 1 pictures in .*/bad can be read: .*food/a\.png: not a picture"):
        Clipart(path=str(tmp_path / "bad")).load()
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.slow
@pytest.mark.skipif(not Path(PACKAGE).is_dir(), reason="needs Debian's openclipart-png")
def test_the_package(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("JAXGAN_CACHE", str(tmp_path))
    with pytest.raises(UserError, match=r"animals, buildings, buttons, .*, transportation, unsorted"):
        Clipart(topics=("none",)).load()
    records = Clipart(topics=("animals", "food", "plants"), size=32).load()
    labels = [records.examples[index]["label"] for index in range(len(records.examples))]
    assert np.bincount(labels).tolist() == [281, 323, 69]
    assert "of 777 files; 11 have more than 25 megapixels, 0 cannot be used" in capfd.readouterr().err
    pictures = np.stack([records.examples[index]["image"] for index in range(len(labels))])
    assert (pictures.reshape(len(labels), -1).std(1) < 2).mean() < 0.01  # blank
