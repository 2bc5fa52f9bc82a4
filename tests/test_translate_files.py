"""`jaxgan translate`: files of many kinds, through toy systems whose translations are known."""

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from jaxgan.cli import main
from tests.command import content, one_sentence
from tests.translating import pixels_of, save, train, translate


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Path:
    return train(tmp_path_factory.mktemp("runs"))


def test_a_folder(runs, tmp_path, capfd):
    """Names, subfolders, formats that are kept and those that become PNG; kinds of pixels; and what is no picture."""
    wanted = {
        "a.png": save(tmp_path / "in" / "a.png", 20, 31, 3, seed=1),
        "sub/deep/b.png": save(tmp_path / "in" / "sub" / "deep" / "b.bmp", 9, 8, 3, seed=2),
        "g.png": np.repeat(save(tmp_path / "in" / "g.tif", 12, 12, seed=3)[..., None], 3, -1),
        "l.webp": save(tmp_path / "in" / "l.webp", 16, 16, 3, seed=4, lossless=True),
        "p.JPG": None,
    }
    save(tmp_path / "in" / "p.JPG", 30, 10, 3)
    (tmp_path / "in" / "notes.txt").write_text("no picture")
    assert translate(runs, "invert", tmp_path / "in", tmp_path / "out") == 0
    assert sorted(content(tmp_path / "out")) == sorted(wanted)
    for name in ("a.png", "sub/deep/b.png", "g.png"):
        np.testing.assert_array_equal(pixels_of(tmp_path / "out" / name), 255 - wanted[name])
    assert Image.open(tmp_path / "out" / "p.JPG").format == "JPEG"
    assert Image.open(tmp_path / "out" / "p.JPG").size == (10, 30)
    assert Image.open(tmp_path / "out" / "l.webp").format == "WEBP"
    captured = capfd.readouterr()
    assert captured.out == f"5 pictures translated ab by step 1, in {tmp_path / 'out'}\n"
    assert captured.err == ""


def test_one_picture(runs, tmp_path):
    pixels = save(tmp_path / "a.bmp", 13, 21, 3)
    for output, made in (("x/b.png", "x/b.png"), ("folder", "folder/a.png"), ("dot.ted/", "dot.ted/a.png")):
        assert translate(runs, "invert", tmp_path / "a.bmp", f"{tmp_path}/{output}") == 0
        np.testing.assert_array_equal(pixels_of(tmp_path / made), 255 - pixels)
    assert translate(runs, "invert", tmp_path / "a.bmp", tmp_path / "back.png", "--direction", "ba") == 0
    np.testing.assert_array_equal(pixels_of(tmp_path / "back.png"), pixels)
    assert translate(runs, "grey", tmp_path / "a.bmp", tmp_path / "grey.png", "--running-statistics") == 0
    grey = np.asarray(Image.fromarray(pixels).convert("L"), np.float32)
    np.testing.assert_allclose(pixels_of(tmp_path / "grey.png"), 127.5 - (grey - 127.5) / 2, atol=0.51)


def test_upright(runs, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    for name in ("a.png", "a.jpg"):
        save(tmp_path / name, 10, 30, 3, exif=exif, **({"quality": 100} if name == "a.jpg" else {}))
    pixels = pixels_of(tmp_path / "a.png")
    assert translate(runs, "invert", tmp_path / "a.png", tmp_path / "out.png") == 0
    np.testing.assert_array_equal(pixels_of(tmp_path / "out.png"), 255 - np.rot90(pixels, -1))
    assert translate(runs, "invert", f"{tmp_path}/a.*", tmp_path / "small", "--size", 5) == 0
    assert {Image.open(tmp_path / "small" / name).size for name in ("a.png", "a.jpg")} == {(5, 15)}


def test_transparency(runs, tmp_path):
    pixels = save(tmp_path / "a.png", 11, 14, 4)
    palette = Image.fromarray(pixels[..., :3]).quantize(8)
    palette.save(tmp_path / "p.gif", transparency=0)
    shown = Image.alpha_composite(Image.new("RGBA", (14, 11), "white"), Image.fromarray(pixels)).convert("RGB")
    for name in ("b.png", "b.webp", "b.jpg"):
        assert translate(runs, "invert", tmp_path / "a.png", tmp_path / name) == 0
    np.testing.assert_array_equal(pixels_of(tmp_path / "b.png"), np.dstack([255 - np.asarray(shown), pixels[..., 3]]))
    np.testing.assert_array_equal(pixels_of(tmp_path / "b.webp")[..., 3], pixels[..., 3])
    assert Image.open(tmp_path / "b.jpg").mode == "RGB"
    assert translate(runs, "grey", tmp_path / "a.png", tmp_path / "grey.png") == 0
    np.testing.assert_array_equal(pixels_of(tmp_path / "grey.png")[..., 1], pixels[..., 3])
    assert translate(runs, "invert", tmp_path / "p.gif", tmp_path / "p.png") == 0
    np.testing.assert_array_equal(pixels_of(tmp_path / "p.png")[..., 3] == 0, np.asarray(palette) == 0)
    assert translate(runs, "invert", tmp_path / "a.png", tmp_path / "small.png", "--size", 4) == 0
    assert Image.open(tmp_path / "small.png").mode == "RGB"


def test_size(runs, tmp_path):
    pixels = save(tmp_path / "a.png", 40, 60, 3)
    assert translate(runs, "invert", tmp_path / "a.png", tmp_path / "out.png", "--size", 21) == 0
    small = Image.fromarray(pixels).resize((32, 21), Image.Resampling.BICUBIC)  # 31.5 wide
    np.testing.assert_array_equal(pixels_of(tmp_path / "out.png"), 255 - np.asarray(small))
    save(tmp_path / "large.jpg", 1001, 1503, 3)  # decoded at a part of its size, and keeps its proportions
    assert translate(runs, "invert", tmp_path / "large.jpg", tmp_path / "out.png", "--size", 100) == 0
    assert Image.open(tmp_path / "out.png").size == (150, 100)


def test_a_pattern(runs, tmp_path):
    for name in ("x/a1.png", "x/y/a2.png", "x/b.png"):
        save(tmp_path / name, 8, 8, 3)
    (tmp_path / "x" / "a3.txt").write_text("no picture")
    assert translate(runs, "invert", f"{tmp_path}/x/a*", tmp_path / "flat") == 0
    assert sorted(content(tmp_path / "flat")) == ["a1.png"]
    assert translate(runs, "invert", f"{tmp_path}/x/**/a*.png", tmp_path / "deep") == 0
    assert sorted(content(tmp_path / "deep")) == ["a1.png", "y/a2.png"]
    save(tmp_path / "[x].png", 8, 8, 3)
    assert translate(runs, "invert", tmp_path / "[x].png", tmp_path / "out.png") == 0


def test_damaged_files(runs, tmp_path, capfd):
    pixels = save(tmp_path / "in" / "good.png", 8, 8, 3)
    save(tmp_path / "in" / "half.png", 64, 64, 3)
    whole = (tmp_path / "in" / "half.png").read_bytes()
    (tmp_path / "in" / "half.png").write_bytes(whole[:5000])
    (tmp_path / "in" / "none.jpg").write_bytes(b"")
    assert translate(runs, "invert", tmp_path / "in", tmp_path / "out") == 1
    captured = capfd.readouterr()
    lines = captured.err.splitlines()
    assert sorted(lines[:2])[0].startswith(f"jaxgan: cannot read {tmp_path}/in/half.png: truncated or damaged")
    assert sorted(lines[:2])[1] == f"jaxgan: cannot read {tmp_path}/in/none.jpg: an empty file"
    assert lines[2:] == ["jaxgan: 2 of 3 pictures could not be read or written"]
    assert captured.out.startswith("1 picture translated")
    assert sorted(content(tmp_path / "out")) == ["good.png"]
    np.testing.assert_array_equal(pixels_of(tmp_path / "out" / "good.png"), 255 - pixels)
    (tmp_path / "in" / "good.png").unlink()
    assert translate(runs, "invert", tmp_path / "in", tmp_path / "none") == 2
    assert capfd.readouterr().err.splitlines()[-1] == "jaxgan: none of the 2 pictures could be translated"
    assert translate(runs, "invert", tmp_path / "in" / "none.jpg", tmp_path / "none") == 2
    assert "cannot read" in one_sentence(capfd.readouterr().err)
    assert not (tmp_path / "none").exists()


def test_what_a_format_cannot_hold(runs, tmp_path, capfd):
    save(tmp_path / "wide.png", 200, 17000, 3)
    assert translate(runs, "invert", tmp_path / "wide.png", tmp_path / "wide.webp") == 2
    assert f"{tmp_path}/wide.webp cannot be written" in one_sentence(capfd.readouterr().err)
    assert not (tmp_path / "wide.webp").exists()


def test_files_of_a_shape_are_compiled_once(runs, tmp_path):
    """Of 30 files, 6 padded shapes; then of 12 sizes that are padded to two."""
    for index in range(30):
        save(tmp_path / "few" / f"{index}.png", 9 + index // 5 * 8, 7, 3, seed=index)
    assert translate(runs, "invert", tmp_path / "few", tmp_path / "out") == 0
    assert sorted(sys.modules["jaxgan_config_invert"].TRACED) == [(1, 16 + 8 * n, 8, 3) for n in range(6)]
    for index in range(12):
        save(tmp_path / "many" / f"{index}.png", 5 + 8 * index, 64, 3, seed=index)
    assert translate(runs, "invert", tmp_path / "many", tmp_path / "out") == 0
    assert sorted(sys.modules["jaxgan_config_invert"].TRACED) == [(1, 64, 64, 3), (1, 128, 64, 3)]
    for name, made in content(tmp_path / "out").items():
        before = pixels_of(tmp_path / ("many" if int(name[:-4]) < 12 else "few") / name)
        np.testing.assert_array_equal(pixels_of(tmp_path / "out" / name), 255 - before, err_msg=str(len(made)))


def test_noise_is_of_the_file_and_the_seed(runs, tmp_path):
    for index in range(20):
        save(tmp_path / "in" / f"{index}.png", 128, 8 + 8 * (index % 2), 3, seed=index)
    assert translate(runs, "noisy", tmp_path / "in", tmp_path / "all") == 0
    assert translate(runs, "noisy", tmp_path / "in" / "7.png", tmp_path / "one.png") == 0
    assert translate(runs, "noisy", tmp_path / "in" / "7.png", tmp_path / "other.png", "--seed", 1) == 0
    np.testing.assert_array_equal(pixels_of(tmp_path / "one.png"), pixels_of(tmp_path / "all" / "7.png"))
    assert not np.array_equal(pixels_of(tmp_path / "one.png"), pixels_of(tmp_path / "other.png"))
    assert len({pixels_of(path)[0, 0, 0].item() for path in (tmp_path / "all").iterdir()}) > 15


def test_compare(runs, tmp_path):
    before = save(tmp_path / "A" / "x" / "a.png", 12, 10, 3)
    target = save(tmp_path / "T" / "x" / "a.bmp", 12, 10, 3, seed=1)
    larger = save(tmp_path / "B" / "x" / "a.png", 24, 20, 3, seed=2)
    save(tmp_path / "B" / "more.png", 8, 8, 3)
    pair = np.concatenate([before, 255 - before], 1)
    assert translate(runs, "invert", tmp_path / "A" / "x" / "a.png", tmp_path / "one.png", "--compare") == 0
    np.testing.assert_array_equal(pixels_of(tmp_path / "one.png"), pair)
    assert translate(runs, "invert", tmp_path / "A", tmp_path / "out", "--compare", "--target", tmp_path / "T") == 0
    np.testing.assert_array_equal(pixels_of(tmp_path / "out/x/a.png"), np.concatenate([pair, target], 1))
    assert translate(runs, "invert", tmp_path / "A", tmp_path / "out", "--compare") == 0  # B is its sibling
    resized = np.asarray(Image.fromarray(larger).resize((10, 12), Image.Resampling.BICUBIC))
    np.testing.assert_array_equal(pixels_of(tmp_path / "out/x/a.png"), np.concatenate([pair, resized], 1))
    assert translate(runs, "invert", tmp_path / "B", tmp_path / "out", "--compare") == 0  # A has not all its names
    assert Image.open(tmp_path / "out/x/a.png").size == (40, 24)
    for name in ("trainA", "trainB", "testA", "testB"):
        save(tmp_path / "sets" / name / "a.png", 12, 10, 3)
    assert translate(runs, "invert", tmp_path / "sets" / "testA", tmp_path / "tests", "--compare") == 0
    assert Image.open(tmp_path / "tests" / "a.png").size == (30, 12)  # with that of testB
    (tmp_path / "B" / "x" / "a.png").unlink()
    (tmp_path / "B" / "more.png").unlink()
    assert translate(runs, "invert", tmp_path / "A", tmp_path / "out", "--compare") == 0
    np.testing.assert_array_equal(pixels_of(tmp_path / "out/x/a.png"), pair)


def test_attributes_of_files(runs, tmp_path):
    save(tmp_path / "a.png", 8, 8, 3)
    for argv, number in (("hair=red,Glasses=1,Male=0", 6), ("0,0,0,1", 8)):
        assert translate(runs, "attributes", tmp_path / "a.png", tmp_path / "b.png", "--label", argv) == 0
        np.testing.assert_allclose(pixels_of(tmp_path / "b.png"), np.round(number / 16 * 255), atol=1)
    assert translate(runs, "classes", tmp_path / "a.png", tmp_path / "b.png", "--attributes", "fox") == 0
    np.testing.assert_allclose(pixels_of(tmp_path / "b.png"), np.round(2 / 16 * 255), atol=1)


@pytest.mark.parametrize(
    ("name", "argv", "numbers"),
    [
        ("attributes", (), [1, 2, 4, 8]),
        ("attributes", ("--attributes", "hair=black,Glasses=0,Male=1"), [9, 10, 13, 1]),  # Male=0 is the last
        ("classes", (), [0, 1, 2]),
    ],
)
def test_all_domains(runs, tmp_path, name, argv, numbers):
    """Titles, and below them rows of the picture and its translations, in tiles of the largest picture: 2x enlarged."""
    first, second = save(tmp_path / "in" / "a.png", 32, 20, 3), save(tmp_path / "in" / "b.png", 16, 24, 3)
    (tmp_path / "in" / "c.png").write_bytes(b"")
    assert translate(runs, name, tmp_path / "in", tmp_path / "out.png", "--all-domains", *argv) == 1
    sheet = pixels_of(tmp_path / "out.png")
    scale, columns, top = 64 // 24, len(numbers) + 1, sheet.shape[0] - (2 * 64 + 2)
    assert sheet.shape == ((16 if name == "classes" else 30) + 2 * 64 + 2, columns * 50 - 2, 3)
    assert (sheet[:top] < 100).any()
    rows = [sheet[top : top + 64], sheet[top + 66 :]]
    np.testing.assert_array_equal(rows[0][::scale, 4:44:scale], first)
    np.testing.assert_array_equal(rows[1][16:48:scale, :48:scale], second)
    assert (rows[1][:16, :48] == 255).all()
    seen = [row[32, 50 * column + 24, 0] for row in rows for column in range(1, columns)]
    np.testing.assert_allclose(seen, np.round(np.array(numbers * 2) / 16 * 255), atol=1)


def test_a_sheet_of_many_large_pictures(runs, tmp_path, capfd):
    for index in range(18):
        save(tmp_path / "in" / f"{index:02}.png", 300, 150, 3)
    assert translate(runs, "classes", tmp_path / "in", tmp_path / "out.png", "--all-domains") == 0
    assert capfd.readouterr().out.startswith("16 pictures, the first of 18, translated ab by step 1")
    assert Image.open(tmp_path / "out.png").size == (4 * 130 - 2, 16 + 16 * 258 - 2)
    assert translate(runs, "classes", tmp_path / "in", tmp_path / "out.png", "--all-domains", "--size", 64) == 0
    assert Image.open(tmp_path / "out.png").size == (4 * 66 - 2, 16 + 16 * 130 - 2)


# What is typed after `jaxgan translate`; what the sentence must hold. {p} is a folder of pictures and others, {r} of runs.
BAD = {
    "no workdir": ("{p}/none {p}/a.png {p}/o.png", "{p}/none is not a folder"),
    "no run": ("{p} {p}/a.png {p}/o.png", "{p} is not a workdir"),
    "no input": ("{r}/invert {p}/aa.png {p}/o.png", 'there is no picture or folder {p}/aa.png, did you mean "a.png"?'),
    "no input near": ("{r}/invert {p}/zzz/y {p}/o.png", "there is no picture or folder {p}/zzz/y"),
    "no pictures": ("{r}/invert {p}/texts {p}/o", "the folder {p}/texts has no pictures"),
    "no match": ("{r}/invert {p}/q*.png {p}/o", "no picture matches {p}/q*.png"),
    "a text": ("{r}/invert {p}/texts/a.txt {p}/o.png", "cannot read {p}/texts/a.txt: not a picture"),
    "suffix": ("{r}/invert {p}/a.png {p}/o.tiff", "OUTPUT {p}/o.tiff: it must end in .png, .jpg, .jpeg, .webp, or be"),
    "file for a folder": ("{r}/invert {p}/in {p}/o.png", "OUTPUT {p}/o.png is one file, but {p}/in is a folder: name a"),
    "existing file": ("{r}/invert {p}/in {p}/texts/a.txt", "OUTPUT {p}/texts/a.txt is one file, but {p}/in is a folder"),
    "file for many": ("{r}/invert {p}/in/*.png {p}/o.png", "OUTPUT {p}/o.png is one file, but {p}/in/*.png is 2 pictures"),
    "below a file": ("{r}/invert {p}/a.png {p}/texts/a.txt/o/o.png", "{p}/texts/a.txt is a file, not a folder"),
    "same folder": ("{r}/invert {p}/in {p}/texts/../in", "is the folder of the inputs, which would be overwritten"),
    "same file": ("{r}/invert {p}/a.png {p}/a.png", "what is made of {p}/a.png would overwrite {p}/a.png"),
    "into itself": ("{r}/invert {p}/*.png {p}", "what is made of {p}/a.png would overwrite {p}/a.png"),
    "same name": ("{r}/invert {p}/twice {p}/o", "{p}/twice/a.bmp and {p}/twice/a.gif would both become {p}/o/a.png: rename"),
    "direction": ("{r}/one_way {p}/a.png {p}/o.png --direction ba", "there is no direction ba: OneWay goes ab"),
    "no directions": ("{r}/no_way {p}/a.png {p}/o.png", "NoWay does not turn pictures into pictures"),
    "size": ("{r}/invert {p}/a.png {p}/o.png --size 0", "--size 0: it must be keep, or at least 1"),
    "huge": ("{r}/invert {p}/a.png {p}/o.png --size 20000", "resized to 20000 x 20000 it has more than 100 megapixels"),
    "seed": ("{r}/invert {p}/a.png {p}/o.png --seed -1", "--seed -1: it must be a whole number"),
    "no labels": ("{r}/invert {p}/a.png {p}/o.png --label 1,0", "--label 1,0: Invert makes its pictures without any label"),
    "no domains": ("{r}/invert {p}/a.png {p}/o.png --all-domains", "Invert translates without attributes or classes"),
    "no attributes": ("{r}/attributes {p}/a.png {p}/o.png", "give --label, or in Python label: it knows hair=black, hair=red"),
    "attributes": ("{r}/attributes {p}/a.png {p}/o.png --attributes Mal=1", 'no attribute "Mal", did you mean "Male"?'),
    "class and domains": ("{r}/classes {p}/a.png {p}/o.png --all-domains --attributes fox", "leave --label out"),
    "sheet": ("{r}/classes {p}/in {p}/o --all-domains", "OUTPUT {p}/o: with --all-domains it is one file, which must end in"),
    "sheet on input": ("{r}/classes {p}/a.png {p}/a.png --all-domains", "the sheet would overwrite {p}/a.png, the input"),
    "compared sheet": ("{r}/classes {p}/in {p}/o.png --all-domains --compare", "--compare goes without --all-domains"),
    "target alone": ("{r}/invert {p}/in {p}/o --target {p}", "--target {p} goes with --compare"),
    "no target": ("{r}/invert {p}/in {p}/o --compare --target {p}", "--target {p} has no picture of the name b: each input"),
    "no target folder": ("{r}/invert {p}/in {p}/o --compare --target {p}/no", "the folder {p}/no does not exist"),
    "two targets": ("{r}/invert {p}/a.png {p}/o --compare --target {p}/twice", "{p}/twice has 2 pictures of the name a"),
}  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("place")
    for name in ("a.png", "in/a.png", "in/b.png", "twice/a.bmp", "twice/a.gif"):
        save(folder / name, 8, 8, 3)
    (folder / "texts").mkdir()
    (folder / "texts" / "a.txt").write_text("no picture")
    return folder


@pytest.mark.parametrize("name", BAD)
def test_bad_input(runs, place, capfd, name):
    line, expected = BAD[name]
    words = line.format(p=place, r=runs).split()
    config = runs / f"{Path(words[0]).name}.py"
    before = content(place)
    assert main(["translate", *words, *(["--config", str(config)] if config.exists() else [])]) == 2
    assert expected.format(p=place, r=runs) in one_sentence(capfd.readouterr().err)
    assert content(place) == before


def test_outputs_inside_the_inputs_are_no_inputs(runs, tmp_path, capfd):
    save(tmp_path / "a.png", 8, 8, 3)
    for source in (tmp_path, tmp_path, f"{tmp_path}/**/*.png"):
        assert translate(runs, "invert", source, tmp_path / "out") == 0
        assert sorted(content(tmp_path)) == ["a.png", "out/a.png"]
    for _ in range(2):
        assert translate(runs, "classes", tmp_path / "out", tmp_path / "out" / "sheet.png", "--all-domains") == 0
        assert capfd.readouterr().out.splitlines()[-1].startswith("1 picture translated")
