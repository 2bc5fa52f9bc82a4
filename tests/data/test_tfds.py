"""TFDS by name, with its own mock data where that works without TensorFlow, and its errors as sentences."""

import contextlib
import json
import sys

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from jaxgan.data import TFDS, Batches, Captioned
from jaxgan.data.prepared import quiet
from jaxgan.data.sets.builders import AvatarsBuilder, AvatarsConfig, build
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
        assert batches.spec.count == 5
        assert batch["image"].shape == (4, 24, 32, channels)
        assert batch["image"].dtype == np.float32
        assert len(batches.spec.classes) == classes
        assert ("label" in batch) == (classes > 0)
    assert "tensorflow" not in sys.modules


def test_yes_or_no_attributes_are_one_label(mocked):
    data = TFDS(name="celeb_a", label_key="attributes")
    with Batches(data, batch_size=2, seed=0) as batches:
        assert "Eyeglasses" in batches.spec.classes
        assert len(batches.spec.classes) == 40
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


class Told(tfds.core.GeneratorBasedBuilder):
    """Pictures with captions in all the ways that TFDS has them."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        text = tfds.features.Text()
        fields = {
            "image": tfds.features.Image(shape=(8, 8, 3)),
            "number": np.int32,
            "one": text,
            "several": tfds.features.Sequence(text),
            "captions": tfds.features.Sequence({"id": np.int64, "text": text}),  # as in coco_captions
            "objects": tfds.features.Sequence({"id": np.int64}),
        }
        return self.dataset_info_from_configs(features=tfds.features.FeaturesDict(fields), disable_shuffling=True)

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples()}

    def _generate_examples(self):
        for number in range(3):
            texts = [f"ball {number}", f"caf\u00e9 {number}"][: 1 + number]
            captions = [{"id": index, "text": text} for index, text in enumerate(texts)]
            yield (
                number,
                {
                    "image": Image.new("RGB", (8, 8), (number, 0, 0)),
                    "number": number,
                    "one": texts[0],
                    "several": texts,
                    "captions": captions,
                    "objects": [{"id": 7}],
                },
            )


@pytest.fixture
def told(tmp_path):
    """`told(caption_key=...)`: the set of `Told`, as it is on disk."""
    with quiet(), contextlib.redirect_stdout(None):
        Told(data_dir=tmp_path, file_format="array_record").download_and_prepare()
    return lambda **fields: TFDS(name="told", data_dir=str(tmp_path), size=8, **fields)


@pytest.mark.parametrize("key", ["one", "several", "captions"])
def test_captions(told, key):
    examples = told(caption_key=key).load().examples
    texts = [(f"ball {number}", f"caf\u00e9 {number}")[: 1 + number] for number in range(3)]
    expected = [text[:1] for text in texts] if key == "one" else texts
    assert [example["captions"] for example in examples] == expected
    assert [examples.texts(index)["captions"] for index in range(3)] == expected
    assert set(examples[0]) == {"image", "number", "captions"} | ({"one"} - {key})
    assert (
        [example["image"][0, 0, 0] for example in examples] == [example["number"] for example in examples] == [0, 1, 2]
    )
    with Batches(Captioned(pictures=told(caption_key=key)), batch_size=3, seed=0) as batches:
        batch = next(batches)
        assert set(batch) == {"image", "number", "text", "wrong_text"}
        assert batch["text"].shape == (3, 201)


def test_fields_without_captions(told, mocked):
    refused(
        told(caption_key="caption"), 'no field of texts "caption", did you mean "captions"?', "one, several, captions:"
    )
    refused(TFDS(name="mnist", caption_key="caption"), "It has none at all", "data.caption_key, or None")
    assert "captions" not in told().load().examples[0]


def test_captions_of_a_public_set(mocked):
    data = TFDS(name="wit_kaggle", caption_key="caption_alt_text_description", size=16)
    with Batches(Captioned(pictures=data), batch_size=4, seed=0) as batches:
        batch = next(batches)
    assert batch["image"].shape == (4, 16, 16, 3)
    assert batch["text"].shape == batch["wrong_text"].shape == (4, 201)
    assert (batch["text"] != batch["wrong_text"]).any(1).all()
