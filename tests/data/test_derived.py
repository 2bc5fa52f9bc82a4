"""What a system learns to undo is made of the finished picture: it has its crop and its flip."""

import numpy as np
import pytest
from PIL import Image

from jaxgan.data import Arrays, Batches, Downscaled, Grey, Masked
from jaxgan.errors import UserError


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    file = tmp_path_factory.mktemp("arrays") / "pictures.npz"
    np.savez(file, image=np.random.default_rng(0).integers(0, 256, (8, 20, 24, 3), dtype=np.uint8))
    return Arrays(path=str(file), size=16, crop="random", flip=True)


def examples(data, count=8):
    records = data.load()
    return [data.transform(records.examples[i], np.random.default_rng(i)) for i in range(count)]


def uint8(x):
    return np.uint8(np.round((x + 1) * 127.5))


def test_smaller_pictures_are_those_of_the_crop(pictures):
    for example in examples(Downscaled(pictures=pictures, factor=2)):
        small = Image.fromarray(uint8(example["image"])).resize((8, 8), Image.Resampling.BICUBIC)
        np.testing.assert_array_equal(uint8(example["input"]), np.asarray(small))


def test_grey_is_the_luminance_of_the_crop(pictures):
    for example in examples(Grey(pictures=pictures)):
        grey = example["image"] @ np.float32([0.299, 0.587, 0.114])
        np.testing.assert_allclose(example["input"][..., 0], grey, atol=0.006)


def test_a_hole_hides_the_picture_and_moves(pictures):
    made = examples(Masked(pictures=pictures, side=0.5))
    for example in made:
        hole = example["mask"][..., 0] == 1
        assert hole.sum() == 8 * 8
        assert set(np.unique(example["mask"])) == {-1, 1}
        assert (example["input"][hole] == 0).all()
        np.testing.assert_array_equal(example["input"][~hole], example["image"][~hole])
    assert len({example["mask"].tobytes() for example in made}) > 3


def test_they_feed_a_batch_and_are_the_same_without_augmentation(pictures):
    data = Downscaled(pictures=pictures, factor=4).without_augmentation()
    assert not data.pictures.flip
    with Batches(data, batch_size=4, seed=0) as batches:
        batch = next(batches)
    assert (batch["image"].shape, batch["input"].shape) == ((4, 16, 16, 3), (4, 4, 4, 3))


def test_bad_values_are_one_sentence(pictures):
    for kind, field, sentence in (
        (Downscaled, {"factor": 3}, "data.factor is 3, and the pictures are 16x16"),
        (Downscaled, {"factor": 1}, "at least 2"),
        (Masked, {"side": 1.0}, "data.side is 1.0"),
    ):
        with pytest.raises(UserError, match=sentence):
            kind(pictures=pictures, **field)
