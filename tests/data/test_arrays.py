"""Pictures in an .npz file."""

import numpy as np
import pytest

from jaxgan.data import Arrays, Batches
from jaxgan.errors import UserError


def load(folder, **arrays):
    np.savez(folder / "x.npz", **arrays)
    return Arrays(path=str(folder / "x.npz"), size=4).load()


def test_uint8_with_labels_and_other_fields(tmp_path):
    images = np.arange(3 * 4 * 4 * 3, dtype=np.uint8).reshape(3, 4, 4, 3)
    records = load(tmp_path, image=images, label=np.array([0, 2, 1]), angle=np.array([0.5, 1.5, 2.5]), other=np.ones(7))
    assert records.classes == ("0", "1", "2")
    assert (records.examples[1]["image"] == images[1]).all()
    assert records.examples[1]["label"] == 2
    assert records.examples[2]["angle"] == 2.5
    assert "other" not in records.examples[0]
    with Batches(Arrays(path=str(tmp_path / "x.npz"), size=(2, 6), channels=1), batch_size=2, seed=0) as batches:
        assert next(batches)["image"].shape == (2, 2, 6, 1)
        assert set(batches.spec.shapes) == {"image", "label", "angle"}


@pytest.mark.parametrize("labels", [[1, 3, 2], [7, 10**8, 5 * 10**7]])
def test_classes_are_the_labels_that_there_are(tmp_path, labels):
    """Counted from 1, or ids: no class is empty, and none takes memory that no picture has."""
    records = load(tmp_path, image=np.zeros((3, 4, 4), np.uint8), label=np.array(labels))
    assert records.classes == tuple(map(str, sorted(labels)))
    assert [int(records.examples[i]["label"]) for i in range(3)] == [0, 2, 1]


def test_pairs(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (3, 9, 9, 3), np.uint8)
    drawings = np.float64(images[..., 0]) / 255
    records = load(tmp_path, image=images, input=drawings)
    assert (records.examples[1]["image"][..., 0] == records.examples[1]["input"][..., 0]).all()
    data = Arrays(path=str(tmp_path / "x.npz"), size=6, crop="random", resize=9, flip=True)
    with Batches(data, batch_size=3, seed=0) as batches:
        for batch in (next(batches), next(batches)):
            assert batch["input"].shape == batch["image"].shape == (3, 6, 6, 3)
            assert (batch["input"][..., 0] == batch["image"][..., 0]).all()


def test_floats_by_their_range(tmp_path):
    half = np.full((2, 4, 4), 0.5, np.float64)
    assert (load(tmp_path, image=half).examples[0]["image"] == 128).all()
    half[0, 0, 0] = -1
    image = load(tmp_path, image=half).examples[0]["image"]
    assert image[0, 0].tolist() == [0, 0, 0]
    assert (image[1:] == 191).all()


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"pictures": np.zeros((2, 4, 4), np.uint8)}, 'no array "image", only pictures'),
        ({"image": np.zeros((4, 4), np.uint8)}, r"shape \[4, 4\]"),
        ({"image": np.zeros((2, 3, 4, 4, 1), np.uint8)}, "shape"),
        ({"image": np.zeros((2, 3, 64, 64), np.uint8)}, "shape"),
        ({"image": np.zeros((0, 4, 4, 3), np.uint8)}, "shape"),
        ({"image": np.zeros((2, 4, 4), np.int32)}, "int32"),
        ({"image": np.full((2, 4, 4), np.nan, np.float32)}, "not finite, first in picture 0"),
        ({"image": np.full((2, 4, 4), 255.0, np.float32)}, "from 255 to 255"),
        ({"image": np.zeros((2, 4, 4), np.uint8), "input": np.zeros((2, 4, 5), np.uint8)}, r'"input" is \[2, 4, 5\]'),
        ({"image": np.zeros((2, 4, 4), np.uint8), "input": np.zeros(2)}, r'"input" has the shape \[2\]'),
        ({"image": np.zeros((2, 4, 4), np.uint8), "label": np.zeros(3, int)}, r'"label" is int64 \[3\]'),
        ({"image": np.zeros((2, 4, 4), np.uint8), "label": np.zeros(2)}, "float64"),
        ({"image": np.zeros((2, 4, 4), np.uint8), "label": np.array([0, -1])}, "whole numbers from 0"),
    ],
)
def test_refusals(tmp_path, arrays, words):
    with pytest.raises(UserError, match=words):
        load(tmp_path, **arrays)


def test_damaged_and_unsafe_files(tmp_path):
    path = tmp_path / "x.npz"
    data = Arrays(path=str(path))
    with pytest.raises(UserError, match="does not exist"):
        data.load()
    for content in (b"", b"no archive", b"PK\x03\x04 cut"):
        path.write_bytes(content)
        with pytest.raises(UserError, match=r"x\.npz is no \.npz file"):
            data.load()
    np.savez(path, image=np.array([{"an": "object"}], dtype=object))  # would be unpickled
    with pytest.raises(UserError, match="plain arrays"):
        data.load()
    np.savez(path, image=np.random.default_rng(0).integers(0, 256, (9, 8, 8), np.uint8))
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(UserError, match="damaged"):
        data.load()
