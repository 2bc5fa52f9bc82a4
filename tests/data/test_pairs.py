"""Pairs in a folder: the two of each belong together and stay so, and what does not fit is said in one sentence."""

import numpy as np
import pytest
from PIL import Image

from jaxgan.data import Batches, Pairs, parse_source
from jaxgan.errors import UserError

NOISE = np.random.default_rng(0)


def picture(height=18, width=30):
    return NOISE.integers(0, 256, (height, width, 3), np.uint8)


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def two_folders(folder, names, **size):
    """B is the negative of A."""
    for name in names:
        pixels = picture(**size)
        save(folder / "A" / f"{name}.png", pixels)
        save(folder / "B" / f"{name}.bmp", 255 - pixels)
    return folder


def side_by_side(folder, count, **size):
    for index in range(count):
        pixels = picture(**size)
        save(folder / f"{index:03d}.png", np.concatenate([pixels, 255 - pixels], axis=1))
    return folder


def refused(data, *words):
    with pytest.raises(UserError) as caught:
        data.load()
    for word in words:
        assert word in str(caught.value)
    return str(caught.value)


@pytest.fixture(params=["two folders", "side by side"])
def pairs_of(request, tmp_path):
    if request.param == "two folders":
        return str(two_folders(tmp_path, ["1", "2", "below/3", "below/deep/4"]))
    return str(side_by_side(tmp_path, 4))


@pytest.mark.parametrize("channels", [1, 3])
def test_both_get_the_same_crop_and_flip(pairs_of, channels):
    data = Pairs(path=pairs_of, size=16, channels=channels, crop="random", flip=True)
    plain = Pairs(path=pairs_of, size=(18, 30), channels=channels).load().examples
    originals = [plain[index]["input"].astype(np.float32) / 127.5 - 1 for index in range(4)]
    places = set()
    with Batches(data, batch_size=4, seed=0) as batches:
        for batch in (next(batches) for _ in range(40)):
            assert set(batch) == {"input", "image"}
            assert batch["input"].shape == batch["image"].shape == (4, 16, 16, channels)
            assert batch["input"].dtype == batch["image"].dtype == np.float32
            np.testing.assert_allclose(batch["image"], -batch["input"], atol=0.009 if channels == 1 else 1e-6)
            places |= {place(row, originals) for row in batch["input"]}
    assert {left for _, left, _ in places} == set(range(15))
    assert {flipped for *_, flipped in places} == {False, True}


def place(row, originals):
    """Where in which of the pictures a crop of 16 x 16 comes from, and whether it is flipped."""
    for flipped, pixels in ((False, row), (True, row[:, ::-1])):
        for original in originals:
            for top in range(3):
                for left in range(15):
                    if abs(original[top : top + 16, left : left + 16] - pixels).max() < 1e-6:
                        return top, left, flipped
    raise AssertionError("the crop is not of these pictures")


@pytest.mark.parametrize("crop", ["center", "random", "none"])
def test_pictures_of_other_sizes_are_fitted_alike(tmp_path, crop):
    for index, (height, width) in enumerate([(40, 31), (10, 90), (7, 7)]):
        two_folders(tmp_path, [str(index)], height=height, width=width)
    with Batches(Pairs(path=str(tmp_path), size=(12, 24), crop=crop, flip=True), batch_size=3, seed=0) as batches:
        batch = next(batches)
        assert batch["input"].shape == (3, 12, 24, 3)
        np.testing.assert_allclose(batch["image"], -batch["input"], atol=0.017)


def test_direction(pairs_of):
    there = Pairs(path=pairs_of, size=(18, 30)).load().examples
    back = Pairs(path=pairs_of, size=(18, 30), direction="ba").load().examples
    for index in range(4):
        assert (there[index]["input"] == back[index]["image"]).all()
        assert (there[index]["image"] == back[index]["input"]).all()
        assert there[index]["file"] == back[index]["file"]
    with pytest.raises(UserError, match="ab or ba"):
        Pairs(path=pairs_of, direction="AtoB")


def test_left_is_a_and_names_decide_the_partner(tmp_path):
    red, blue = np.full((8, 8, 3), (255, 0, 0), np.uint8), np.full((8, 8, 3), (0, 0, 255), np.uint8)
    save(tmp_path / "one" / "x.png", np.concatenate([red, blue], axis=1))
    (example,) = Pairs(path=str(tmp_path / "one"), size=8).load().examples
    assert (example["input"] == red).all()
    assert (example["image"] == blue).all()
    for name, color in (("a", red), ("b", blue)):
        save(tmp_path / "two" / "A" / f"{name}.png", color)
        save(tmp_path / "two" / "B" / f"{name}.tif", color)
    records = Pairs(path=str(tmp_path / "two"), size=8).load()
    assert records.classes == ()
    assert [example["file"] for example in records.examples] == ["A/a.png", "A/b.png"]
    assert all((example["input"] == example["image"]).all() for example in records.examples)


def test_the_same_rows_in_two_processes_and_after_resuming(pairs_of):
    data = Pairs(path=pairs_of, size=16, crop="random", flip=True)

    def rows(count, **options):
        with Batches(data, batch_size=6, seed=3, **options) as batches:
            return [next(batches) for _ in range(count)]

    whole = rows(5)
    halves = [rows(5, process_index=p, process_count=2) for p in (0, 1)]
    resumed = rows(2, start=3)
    for name in ("input", "image"):
        for n, batch in enumerate(whole):
            assert (np.concatenate([half[n][name] for half in halves]) == batch[name]).all()
        for n, batch in enumerate(resumed):
            assert (batch[name] == whole[3 + n][name]).all()
        assert (rows(5)[4][name] == whole[4][name]).all()
        assert (whole[0][name] != whole[1][name]).any()


def test_pictures_without_a_partner(tmp_path):
    data = Pairs(path=str(two_folders(tmp_path, [f"{n}" for n in range(10)])))
    for name in range(7):
        (tmp_path / "B" / f"{name}.bmp").unlink()
    (tmp_path / "A" / "9.png").unlink()
    said = refused(data, "7 of", "0.png, 1.png, 2.png, 3.png, 4.png, and 2 more", "1 of", "9.bmp", "Add it")
    assert said.count(". ") == 1


def test_folders_that_are_no_pairs(tmp_path):
    refused(Pairs(path=str(tmp_path / "nowhere")), "does not exist")
    refused(Pairs(path=str(tmp_path)), "has no pictures")
    (tmp_path / "A").mkdir()
    refused(Pairs(path=str(tmp_path)), "a subfolder A, but no B")
    (tmp_path / "B").mkdir()
    refused(Pairs(path=str(tmp_path)), f"{tmp_path / 'A'} has no pictures")
    two_folders(tmp_path, ["1"])
    save(tmp_path / "B" / "1.png", picture())
    refused(Pairs(path=str(tmp_path)), "1.bmp and", "1.png have one name")


@pytest.mark.parametrize(
    "names",
    [("trainA", "trainB"), ("train_A", "train_B"), ("a", "b"), ("input", "target"), ("Inputs", "Targets"),
     ("source", "target"), ("sketch", "photo"), ("edges", "photos"), ("before", "after")],
)  # fmt: skip
def test_usual_names_of_the_two_folders(tmp_path, names):
    first, second = picture(16, 16), picture(16, 16)
    for name, pixels in zip(names, (first, second), strict=True):
        save(tmp_path / name / "1.png", pixels)
    (example,) = Pairs(path=str(tmp_path), size=16).load().examples
    assert (example["input"] == first).all()
    assert (example["image"] == second).all()
    assert example["file"] == f"{names[0]}/1.png"


def test_accents_apart_and_together_are_one_name(tmp_path):
    save(tmp_path / "A" / "\u00e9.png", picture())
    save(tmp_path / "B" / "e\u0301.png", picture())
    assert len(Pairs(path=str(tmp_path)).load().examples) == 1


def test_the_first_names_count(tmp_path):
    """CycleGAN's sets have folders for testing beside those for training."""
    for name in ("testA", "testB", "trainA", "trainB"):
        save(tmp_path / name / f"{name[:-1]}.png", picture())
    assert [e["file"] for e in Pairs(path=str(tmp_path)).load().examples] == ["trainA/train.png"]


@pytest.mark.parametrize("names", [("train/A", "train/B"), ("train/input", "train/target"), ("source", "other")])
def test_single_pictures_are_not_taken_for_two_side_by_side(tmp_path, names):
    for number, name in enumerate(names):
        save(tmp_path / name / f"{number}.png", picture())
    refused(Pairs(path=str(tmp_path)), "0.png lies in a folder", "belong together", "give the folder that has")


def test_two_folders_of_one_content_are_no_halves(tmp_path):
    for name in ("winter", "summer"):
        for number in range(3):
            save(tmp_path / name / f"{number}.png", picture())
    refused(Pairs(path=str(tmp_path)), "have the same names, as pairs have", "Call that folder A and the other B")


@pytest.mark.parametrize(("names", "counts"), [(("sketchy", "real"), (4, 5)), (("train/day", "train/night"), (3, 3))])
def test_nor_are_two_folders_of_nearly_one_content(tmp_path, names, counts):
    for name, count in zip(names, counts, strict=True):
        for number in range(count):
            save(tmp_path / name / f"{number}.png", picture(24, 32))
    refused(
        Pairs(path=str(tmp_path)), "have the same names, as pairs have", "two side by side, put all into one folder"
    )


def test_splits_of_pictures_with_two_halves(tmp_path, capsys):
    for name in ("train", "val"):
        side_by_side(tmp_path / name, 2)
    assert len(Pairs(path=str(tmp_path)).load().examples) == 4
    assert capsys.readouterr().err == ""


def test_square_pictures_are_not_halved_without_a_word(tmp_path, capsys):
    for number in range(3):
        save(tmp_path / f"{number}.png", picture(16, 16))
    save(tmp_path / "pair.png", picture(16, 32))
    Pairs(path=str(tmp_path), size=8).load()
    said = capsys.readouterr().err
    assert "cut into halves" in said
    assert "3 of the 4 are no wider than they are high" in said
    assert "0.png, 16 x 16" in said


def test_two_sizes(tmp_path):
    data = Pairs(path=str(two_folders(tmp_path, ["1", "2"])))
    save(tmp_path / "B" / "2.bmp", picture(18, 31))
    refused(data, "1 of the 2 pairs", "2.png is 30 x 18", "2.bmp 31 x 18")


def test_sizes_are_those_of_upright_pictures(tmp_path):
    two_folders(tmp_path, ["1"])
    exif = Image.Exif()
    exif[0x0112] = 6
    (tmp_path / "B" / "1.bmp").unlink()
    Image.fromarray(picture(30, 18)).save(tmp_path / "B" / "1.png", exif=exif)
    (example,) = Pairs(path=str(tmp_path), size=(18, 30)).load().examples
    assert example["image"].shape == example["input"].shape == (18, 30, 3)


def test_an_odd_width(tmp_path):
    side_by_side(tmp_path, 3)
    save(tmp_path / "odd.png", picture(18, 31))
    refused(Pairs(path=str(tmp_path)), "1 of the 4", "odd.png is 31 wide", "no subfolders A and B")


def test_few_damaged_files_are_named_and_their_pairs_skipped(tmp_path, capsys):
    data = Pairs(path=str(two_folders(tmp_path, [f"{n:03d}" for n in range(110)], height=8, width=8)), size=8)
    (tmp_path / "B" / "007.bmp").write_bytes(b"")
    examples = data.load().examples
    assert len(examples) == 109
    assert "007" not in " ".join(example["file"] for example in examples)
    assert "007.bmp: an empty file" in capsys.readouterr().err
    for name in ("A/001.png", "A/002.png", "B/003.bmp"):
        (tmp_path / name).write_bytes(b"no picture")
    refused(data, "4 of the 220", "001.png: not a picture")


def test_damage_found_while_reading_takes_the_pair_out(tmp_path, capsys):
    data = Pairs(path=str(two_folders(tmp_path, [f"{n:03d}" for n in range(110)], height=64, width=64)), size=64)
    path = tmp_path / "A" / "007.png"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(content)
    examples = data.load().examples
    assert len(examples) == 110
    assert examples[7]["file"] == "A/008.png"
    assert (examples[7]["image"] == 255 - examples[7]["input"]).all()
    assert "007.png: truncated or damaged" in capsys.readouterr().err


def test_a_source_on_the_command_line(tmp_path):
    like = Pairs(path="elsewhere", direction="ba", size=32, channels=1, crop="random", resize=40, flip=True)
    assert parse_source(str(tmp_path), like) == Pairs(
        path=str(tmp_path), direction="ba", size=32, channels=1, crop="random", resize=40, flip=True
    )
    assert type(parse_source("openmoji_pairs", like)).__name__ == "OpenMojiPairs"
    for spec in ("avatars", "tfds:mnist", "nowhere"):
        with pytest.raises(UserError, match=f'"{spec}" is no set of pairs'):
            parse_source(spec, like)
