"""TFDS by name, with its own mock data where that works without TensorFlow, and its errors as sentences."""

import json
import sys

import numpy as np
import pytest
import tensorflow_datasets as tfds

from jaxgan.data import TFDS, Batches
from jaxgan.data.builders import AvatarsBuilder, AvatarsConfig, build
from jaxgan.errors import UserError


@pytest.fixture
def mocked():
    with tfds.testing.mock_data(num_examples=5):
        yield


@pytest.mark.parametrize(
    ("name", "channels", "split", "classes"),
    [
        ("mnist", 1, "train", 10),
        ("cifar10", 3, "test", 10),
        ("celeb_a", 3, "train", 0),
        ("cycle_gan/horse2zebra", 3, "trainA", 2),
    ],
)
def test_public_sets(mocked, name, channels, split, classes):
    data = TFDS(name=name, channels=channels, size=(24, 32), split=split, flip=True, crop="random")
    with Batches(data, batch_size=4, seed=0) as batches:
        batch = next(batches)
        assert batches.count == 5
        assert batch["image"].shape == (4, 24, 32, channels)
        assert batch["image"].dtype == np.float32
        assert len(batches.classes) == classes
        assert ("label" in batch) == (classes > 0)
    assert "tensorflow" not in sys.modules


def test_yes_or_no_attributes_are_one_label(mocked):
    data = TFDS(name="celeb_a", label_key="attributes")
    with Batches(data, batch_size=2, seed=0) as batches:
        assert "Eyeglasses" in batches.classes
        assert len(batches.classes) == 40
        label = next(batches)["label"]
        assert label.shape == (2, 40)
        assert set(label.ravel().tolist()) <= {0, 1}


def test_chosen_attributes(mocked):
    chosen = ("Smiling", "Black_Hair", "Male")
    every = TFDS(name="celeb_a", label_key="attributes", size=16).load()
    some = TFDS(name="celeb_a", label_key="attributes", size=16, chosen=chosen).load()
    assert some.classes == chosen
    columns = [every.classes.index(name) for name in chosen]
    for index in range(5):
        label = some.examples[index]["label"]
        assert label.dtype == np.int32
        assert label.tolist() == every.examples[index]["label"][columns].tolist()
    refused(TFDS(name="celeb_a", label_key="attributes", chosen=("Smilin",)), '"Smilin", did you mean "Smiling"')
    refused(TFDS(name="celeb_a", chosen=chosen), "data.chosen", "give data.label_key attributes")
    refused(TFDS(name="mnist", chosen=chosen), "data.chosen", "it has none")


def refused(data, *words):
    with pytest.raises(UserError) as caught:
        data.load()
    for word in words:
        assert word in str(caught.value)
    return str(caught.value)


def test_unknown_names(mocked, tmp_path):
    refused(TFDS(name="celeba"), 'no data set "celeba"', 'did you mean "celeb_a"')
    refused(TFDS(name="cycle_gan/horse2zebr"), "horse2zebra")
    refused(TFDS(name="mnist", image_key="picture"), 'no picture field "picture"', "can be image")
    refused(TFDS(name="celeb_a", label_key="attribute"), 'no field of classes "attribute"', '"attributes"')


def test_needs_tensorflow_to_prepare(tmp_path):
    refused(
        TFDS(name="coco_captions", data_dir=str(tmp_path)),
        "needs TensorFlow",
        "tfds build coco_captions --file_format=array_record",
        str(tmp_path),
    )


def test_failed_download(tmp_path, monkeypatch, capsys):
    import requests

    def get(*args, **options):
        raise requests.exceptions.ConnectionError("Failed to resolve the host")

    monkeypatch.setattr(requests.Session, "get", get)
    refused(
        TFDS(name="cifar10", data_dir=str(tmp_path)),
        "downloading tfds:cifar10 failed",
        "Failed to resolve the host",
    )
    assert capsys.readouterr().out == ""


def test_sets_that_must_be_downloaded_by_hand(tmp_path):
    refused(TFDS(name="imagenet2012", data_dir=str(tmp_path)), "by hand", "ILSVRC2012_img_train.tar")


@pytest.fixture
def prepared_set(tmp_path):
    """A set as TFDS would have it on disk, under a name that TFDS knows."""
    build(AvatarsBuilder, AvatarsConfig(name="personas-3-16px", count=3, side=16), tmp_path)
    return tmp_path


def test_prepared_data_is_read(prepared_set):
    data = TFDS(name="avatars/personas-3-16px", data_dir=str(prepared_set), label_key="mouth", size=16)
    records = data.load()
    assert len(records.examples) == 3
    assert records.classes[0] == "bigSmile"
    refused(TFDS(name="avatars/personas-3-16px", data_dir=str(prepared_set), split="trian"), '"trian"', "train")


def test_prepared_in_another_format(prepared_set):
    (info,) = prepared_set.glob("*/*/*/dataset_info.json")
    content = json.loads(info.read_text())
    content["fileFormat"] = "tfrecord"
    info.write_text(json.dumps(content))
    refused(
        TFDS(name="avatars/personas-3-16px", data_dir=str(prepared_set)),
        "without random access",
        "--file_format=array_record",
    )
