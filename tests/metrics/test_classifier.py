import dataclasses

import numpy as np
import pytest

from jaxgan.data import Arrays, AvatarCaptions, Avatars, Captioned, Records, avatar_attributes
from jaxgan.errors import UserError
from jaxgan.media import Words
from jaxgan.metrics import classifier, classifier_network
from jaxgan.metrics.classifier import load_classifier
from jaxgan.metrics.features import stream

COLORS = np.array([[200, 40, 40], [40, 200, 40], [40, 40, 200]], np.uint8)


def squares(count, seed=0):
    """Pictures of one colour with noise, and which colour."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 3, count)
    noise = random.integers(0, 40, (count, 8, 8, 3), dtype=np.uint8)
    return COLORS[labels][:, None, None] + noise, labels


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    images, labels = squares(90)
    path = tmp_path_factory.mktemp("squares") / "squares.npz"
    np.savez(path, image=images, label=labels)
    return Arrays(path=str(path), size=8, flip=True)


@pytest.fixture(scope="module")
def short():
    """What there is to learn here takes few steps."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(classifier_network, "FEWEST_STEPS", 30)
        yield


@pytest.fixture(scope="module")
def trained(data, short):
    return load_classifier(data, quiet=True)


def test_it_learns_the_labels_and_judges_new_pictures(trained):
    images, labels = squares(70, seed=1)
    assert trained.accuracy["label"] == 1.0
    np.testing.assert_array_equal(trained.judge("label").predict(images)["label"], labels)
    features, logits = (
        np.concatenate(parts) for parts in list(zip(*stream(trained.features, [images]), strict=True))[1:]
    )
    assert features.shape == (70, trained.features.dimensions)
    np.testing.assert_array_equal(logits.argmax(1), labels)
    floats = images[:64].astype(np.float32) / 127.5 - 1
    np.testing.assert_allclose(trained.float_features(floats), features[:64], atol=1e-4)


def test_it_is_found_in_the_cache_and_trained_to_the_same_bits_where_that_is_damaged(data, trained, cache, capsys):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(classifier, "fit_network", None)
        assert load_classifier(data).digest == trained.digest
    (file,) = (path for path in cache.glob("classifier-*.npz") if classifier._read(path).digest == trained.digest)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    assert load_classifier(data, quiet=True).digest == trained.digest
    assert "is damaged" in capsys.readouterr().err
    assert classifier._read(file).digest == trained.digest


@pytest.mark.slow
def test_interrupted_it_goes_on_to_the_same_bits(data, trained, cache, monkeypatch, capsys):
    (file,) = (path for path in cache.glob("classifier-*.npz") if classifier._read(path).digest == trained.digest)
    file.unlink()
    keep, began = classifier_network._keep, []

    def interrupted(path, number, state):
        keep(path, number, state)
        if number == 7 and not began:
            raise KeyboardInterrupt

    monkeypatch.setattr(classifier_network, "KEPT_EVERY", -1.0)
    monkeypatch.setattr(classifier_network, "_keep", interrupted)
    with pytest.raises(KeyboardInterrupt):
        load_classifier(data)
    said = capsys.readouterr().err
    assert "first, once" in said
    assert "goes on where it was" in said
    kept = classifier_network._kept
    monkeypatch.setattr(classifier_network, "_kept", lambda *given: began.append(kept(*given)) or began[0])
    assert load_classifier(data, quiet=True).digest == trained.digest
    assert began[0][0] == 7
    assert not list(cache.glob("*.training.npz"))


def test_below_95_percent_it_is_neither_metric_nor_judge(trained):
    unsure = dataclasses.replace(trained, accuracy={"label": 0.9499})
    with pytest.raises(UserError, match=r"right about the label label on 95.0% .* below 95%"):
        _ = unsure.features
    with pytest.raises(UserError, match="is no judge of it"):
        unsure.judge("label")
    with pytest.raises(UserError, match='knows no attribute "hair": it knows label'):
        trained.judge("hair")


def test_pictures_of_another_size_are_refused(trained):
    with pytest.raises(UserError, match=r"looks at uint8 pictures \[8, 8, 3\]"):
        trained.predict(np.zeros((2, 9, 8, 3), np.uint8))


def test_the_key_follows_the_pictures(data, short):
    records = data.load()
    labels = classifier._Labels.of(data, records)
    before = classifier._fingerprint(records, labels)
    changed = [dict(example) for example in records.examples]
    changed[17]["image"] = changed[17]["image"] ^ 1
    assert classifier._fingerprint(Records(changed, records.classes), labels) != before


def test_avatars_are_learned_with_all_their_attributes_whatever_the_label_is():
    data = Avatars(size=32, label="hair")
    labels = classifier._Labels.of(data, Records([]))
    assert labels.classes == avatar_attributes("personas")
    assert labels.label == "hair"
    assert classifier._fields(data) == classifier._fields(dataclasses.replace(data, label=None))
    assert classifier._fields(data) != classifier._fields(dataclasses.replace(data, size=64))
    example = {name: index for index, name in enumerate(labels.classes)}
    np.testing.assert_array_equal(labels.read(example), np.arange(len(labels.classes)))


def test_yes_or_no_attributes_in_one_vector_are_attributes():
    records = Records([{"label": np.array([0, 1], np.int32)}], ("smiling", "hat"))
    labels = classifier._Labels.of(Arrays(path="x.npz"), records)
    assert labels.classes == {"smiling": ("no", "yes"), "hat": ("no", "yes")}
    np.testing.assert_array_equal(labels.read(records.examples[0]), [0, 1])


def test_data_without_labels_is_told_what_to_do(tmp_path):
    np.savez(tmp_path / "plain.npz", image=squares(30)[0])
    with pytest.raises(UserError, match=r"has no labels.*--features inception or vgg16"):
        load_classifier(Arrays(path=str(tmp_path / "plain.npz"), size=8))


def test_too_few_examples_are_refused(tmp_path):
    images, labels = squares(19)
    np.savez(tmp_path / "few.npz", image=images, label=labels)
    with pytest.raises(UserError, match="no fewer than 20"):
        load_classifier(Arrays(path=str(tmp_path / "few.npz"), size=8))


def test_faces_with_captions_have_the_classifier_of_the_faces(monkeypatch):
    """Of all parts, and whatever reads the captions."""
    asked = []

    def train(data, records, labels, seed, *_):
        asked.append((data, labels.classes))
        raise KeyboardInterrupt

    monkeypatch.setattr(classifier, "_train", train)
    monkeypatch.setattr(classifier, "_read", lambda place: None)
    faces = AvatarCaptions(size=8, count=4, flip=True)
    for data in (faces, Captioned(pictures=faces), Captioned(pictures=faces, text=Words())):
        with pytest.raises(KeyboardInterrupt):
            load_classifier(data, quiet=True)
    assert asked == [(Avatars(size=8, count=4, label="hair_color"), avatar_attributes("personas"))] * 3
