"""Photographs and the same smaller: prepared once, cut at one place, drawn in proportion to their area."""

import collections
import dataclasses

import numpy as np
import pytest
from PIL import Image

from jaxgan.data import Batches, Photographs, parse_source, photographs
from jaxgan.errors import UserError
from tests.smooth import smooth


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("JAXGAN_CACHE", str(tmp_path / "cache"))
    place = tmp_path / "photos"
    (place / "deep").mkdir(parents=True)
    Image.fromarray(smooth(96, 128)).save(place / "wide.png")
    Image.fromarray(smooth(50, 33, 1)).save(place / "deep" / "odd.png")
    return place


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_smaller_as_a_whole(folder, factor):
    """Cut to a multiple of the factor; smaller by Pillow's bicubic filter; and nothing is prepared twice."""
    data = Photographs(path=str(folder), size=24, factor=factor)
    found = {one.name: one for one in data.photographs()}
    assert set(found) == {"wide.png", "deep/odd.png"}
    odd = found["deep/odd.png"]
    height, width = 50 // factor * factor, 33 // factor * factor
    np.testing.assert_array_equal(odd.image, smooth(50, 33, 1)[:height, :width])
    size = (width // factor, height // factor)
    np.testing.assert_array_equal(
        odd.input, np.asarray(Image.fromarray(odd.image).resize(size, Image.Resampling.BICUBIC))
    )
    prepared = list((folder.parent / "cache").glob("photographs-*"))
    data.photographs()
    assert list((folder.parent / "cache").glob("photographs-*")) == prepared
    assert len(prepared) == 1


def test_crops_of_both_at_one_place(folder):
    """The crop made smaller is the smaller crop, but for the border: so for each of the eight ways, which all occur."""
    data = Photographs(path=str(folder), size=32, factor=4)
    example = data.load().examples[-1]
    ways = collections.Counter()
    for seed in range(60):
        batch = data.transform(example, np.random.default_rng(seed))
        assert batch["image"].shape == (32, 32, 3)
        assert batch["input"].shape == (8, 8, 3)
        pixels = np.round((batch["image"] + 1) * 127.5).astype(np.uint8)
        small = np.asarray(Image.fromarray(pixels).resize((8, 8), Image.Resampling.BICUBIC))
        apart = np.abs(small - (batch["input"] + 1) * 127.5)[2:-2, 2:-2]
        assert apart.max() <= 1.01
        for turns in range(4):
            for mirrored in (False, True):
                back = np.rot90(pixels, -turns)
                back = back[:, ::-1] if mirrored else back
                views = np.lib.stride_tricks.sliding_window_view(example["image"], (32, 32, 3))[::4, ::4, 0]
                ways[turns, mirrored] += int((views == back).all((2, 3, 4)).any())
    assert len(ways) == 8
    assert sum(ways.values()) == 60
    assert min(ways.values()) > 0
    upright = data.without_augmentation().transform(example, np.random.default_rng(3))
    again = data.without_augmentation().transform(example, np.random.default_rng(3))
    np.testing.assert_array_equal(upright["image"], again["image"])


def test_drawn_by_area(folder):
    """A picture of twelve crops has twelve examples; one that is smaller than a crop has none, and is named."""
    data = Photographs(path=str(folder), size=32, factor=4)
    counts = collections.Counter(example["image"].shape for example in data.load().examples)
    assert counts == {(96, 128, 3): 12, (48, 32, 3): 2}
    assert len(dataclasses.replace(data, size=64).load().examples) == 3


def test_what_is_small_is_said(folder, capsys):
    Photographs(path=str(folder), size=64).load()
    assert "1 photographs are smaller than 64 pixels: deep/odd.png" in capsys.readouterr().err
    with pytest.raises(UserError, match=r"all 2 photographs are smaller than data\.size 128"):
        Photographs(path=str(folder), size=128).load()


def test_lossy_pictures_are_reduced_first(folder, monkeypatch):
    """By 2, or by 3 where they are large; by `reduce` if it is given. Blocks of 8 pixels are then gone."""
    Image.fromarray(smooth(96, 128)).save(folder / "lossy.jpg")
    monkeypatch.setattr(photographs, "LONG", 130)
    Image.fromarray(smooth(96, 160)).save(folder / "long.JPG")

    def sizes(**fields):
        data = Photographs(path=str(folder), size=8, factor=4, **fields)
        return {one.name: one.image.shape[:2] for one in data.photographs() if one.name != "deep/odd.png"}

    assert sizes() == {"lossy.jpg": (48, 64), "long.JPG": (32, 52), "wide.png": (96, 128)}
    assert sizes(reduce=1) == {"lossy.jpg": (96, 128), "long.JPG": (96, 160), "wide.png": (96, 128)}


def test_grey_batches(folder):
    data = Photographs(path=str(folder), size=16, factor=2, channels=1)
    with Batches(data, batch_size=4, seed=0) as batches:
        shapes = {name: value.shape for name, value in next(batches).items()}
    assert shapes == {"input": (4, 8, 8, 1), "image": (4, 16, 16, 1)}


def test_bad_fields_and_files_in_a_sentence(folder):
    for fields, message in (
        ({"factor": 5}, "one of 2, 3, 4"), ({"size": 30}, "a multiple of the factor"), ({"reduce": 0}, "at least 1"),
        ({"part": "test"}, "a folder has no parts"),
    ):  # fmt: skip
        with pytest.raises(UserError, match=message):
            Photographs(path=str(folder), **fields)
    (folder / "broken.png").write_bytes((folder / "wide.png").read_bytes()[:99])
    with pytest.raises(UserError, match=r"broken\.png is .*take it out of the folder"):
        Photographs(path=str(folder), size=8).load()


def test_the_command_line_changes_the_folder(folder):
    like = Photographs(path="elsewhere", size=24, factor=3)
    assert parse_source(str(folder), like) == dataclasses.replace(like, path=str(folder))


def test_the_built_in_ones(tmp_path, monkeypatch):
    """Drawn wallpapers are left out; without the packages a sentence says what to install."""
    monkeypatch.setenv("JAXGAN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(photographs, "BACKGROUNDS", tmp_path / "backgrounds")
    with pytest.raises(UserError, match="apt-get install lomiri-wallpapers"):
        Photographs().load()
    (tmp_path / "backgrounds" / "mate" / "nature").mkdir(parents=True)
    (tmp_path / "backgrounds" / "mate" / "abstract").mkdir()
    names = (
        "sea_by_somebody.jpg",
        "analogpattern_by_x.jpg",
        "umang_by_y.jpg",
        "mate/nature/Dune.jpg",
        "mate/abstract/a.jpg",
    )
    for name in names:
        Image.fromarray(smooth(64, 64)).save(tmp_path / "backgrounds" / name)
    found = Photographs(size=16).photographs()
    assert sorted(one.name for one in found) == ["mate/nature/Dune.jpg", "sea_by_somebody.jpg"]
    assert found[0].image.shape == (32, 32, 3)


@pytest.mark.parity
def test_six_to_test_with():
    """Bicubic PSNR on luminance, as measured elsewhere (rocket.jpg without its colour profile there, and so 29.995)."""
    from jaxgan.metrics.similarity import psnr

    figures = {}
    for one in Photographs(part="test").photographs():
        size = one.image.shape[1::-1]
        larger = np.asarray(Image.fromarray(np.ascontiguousarray(one.input)).resize(size, Image.Resampling.BICUBIC))
        figures[one.name.rsplit("/")[-1]] = float(psnr(larger[None], one.image[None], luminance=True, border=4)[0])
    expected = {
        "astronaut.png": 26.838, "chelsea.png": 31.472, "coffee.png": 27.291, "rocket.jpg": 29.611, "china.jpg": 22.425,
        "flower.jpg": 30.710,
    }  # fmt: skip
    assert figures == pytest.approx(expected, abs=0.01)


def test_of_tfds(tmp_path, monkeypatch):
    """DIV2K's pictures "hr", in the sizes that they have."""
    import tensorflow_datasets as tfds

    monkeypatch.setenv("JAXGAN_CACHE", str(tmp_path))
    with tfds.testing.mock_data(num_examples=3):
        data = Photographs(tfds="div2k/bicubic_x4", split="validation", size=32)
        found = data.photographs()
        assert [one.name for one in found] == ["0000", "0001", "0002"]
        for one in found:
            assert one.image.shape == (4 * one.input.shape[0], 4 * one.input.shape[1], 3)
        grey = dataclasses.replace(data, channels=1).photographs()
        assert grey[0].image.shape == (*found[0].image.shape[:2], 1)
        with pytest.raises(UserError, match=r'no picture field "hr": data\.image_key can be image'):
            dataclasses.replace(data, tfds="mnist", split="train").photographs()
    with pytest.raises(UserError, match=r"data\.path and data\.tfds are both given"):
        Photographs(path=str(tmp_path), tfds="div2k/bicubic_x4")
