"""Two sets side by side: every picture of the larger once an epoch, in other company each time."""

import dataclasses
import json

import numpy as np
import pytest
import tensorflow_datasets as tfds
import tyro
from PIL import Image

import jaxgan
from jaxgan.data import TFDS, Arrays, Avatars, Batches, Folder, OpenMoji, Pairs, Unpaired, parse_source
from jaxgan.errors import UserError
from jaxgan.systems.dcgan import DCGAN


@pytest.fixture
def sets(tmp_path):
    """`sets(7, 3)`: two sets whose pictures are of one colour each, their number."""

    def make(a, b, **fields):
        for name, count in (("a", a), ("b", b)):
            numbers = np.arange(count, dtype=np.uint8)[:, None, None, None]
            np.savez(tmp_path / f"{name}.npz", image=np.broadcast_to(numbers, (count, 4, 4, 1)))
        data = (Arrays(path=str(tmp_path / f"{name}.npz"), size=4, channels=1, **fields) for name in "ab")
        return Unpaired(**dict(zip("ab", data, strict=True)))

    return make


def numbers(batch):
    """The pairs of numbers in a minibatch."""
    columns = (np.round((batch[name][:, 0, 0, 0] + 1) * 127.5).astype(int).tolist() for name in ("input", "image"))
    return list(zip(*columns, strict=True))


def take(data, count, batch_size=10, **options):
    with Batches(data, batch_size=batch_size, seed=0, **options) as batches:
        return [next(batches) for _ in range(count)]


@pytest.mark.parametrize(("a", "b"), [(10, 4), (4, 10), (10, 10)])
def test_an_epoch_is_as_long_as_the_larger_set(sets, a, b):
    data = sets(a, b)
    records = data.load()
    assert len(records.examples) == 10
    assert records.classes == ()
    epochs = [numbers(batch) for batch in take(data, 30)]
    for epoch in epochs:
        assert sorted(source for source, _ in epoch) == sorted(i % a for i in range(10))
    assert {partner for epoch in epochs for _, partner in epoch} == set(range(b))


def test_partners_change_from_epoch_to_epoch(sets):
    epochs = [dict(numbers(batch)) for batch in take(sets(10, 4), 40)]
    for source in range(10):
        assert {epoch[source] for epoch in epochs} == {0, 1, 2, 3}
    assert len({tuple(sorted(epoch.items())) for epoch in epochs}) == 40


def test_partners_are_drawn_evenly(sets):
    drawn = np.bincount([partner for batch in take(sets(10, 4), 100) for _, partner in numbers(batch)])
    assert abs(drawn / 250 - 1).max() < 0.25


def test_the_same_rows_in_two_processes_and_after_resuming(sets):
    data = sets(10, 4)
    whole = [numbers(batch) for batch in take(data, 6, 8)]
    parts = [[numbers(batch) for batch in take(data, 6, 8, process_index=p, process_count=2)] for p in (0, 1)]
    assert [first + second for first, second in zip(*parts, strict=True)] == whole
    assert [numbers(batch) for batch in take(data, 3, 8, start=3)] == whole[3:]


def test_each_is_cropped_and_flipped_on_its_own(tmp_path):
    row = np.broadcast_to(np.arange(6, dtype=np.uint8)[:, None], (6, 6, 1))[None]
    np.savez(tmp_path / "x.npz", image=row)
    one = Arrays(path=str(tmp_path / "x.npz"), size=4, channels=1, crop="random", resize=6, flip=True)
    seen = set()
    for batch in take(Unpaired(a=one, b=one), 100, 4):
        for source, image in zip(batch["input"], batch["image"], strict=True):
            seen.add(tuple(int(np.round((x[0, 0, 0] + 1) * 127.5)) for x in (source, image)))
    assert len(seen) == 36  # left edges 0 to 2, or 5 to 3 when flipped, in every combination


def test_only_pictures_and_any_two_sets():
    data = Unpaired(a=Avatars(count=6, size=16), b=Avatars(style="adventurer", count=4, size=16, label=None))
    assert data.shape == (16, 16, 3)
    (batch,) = take(data, 1, 6)
    assert {name: (x.shape, x.dtype) for name, x in batch.items()} == {
        "input": ((6, 16, 16, 3), np.float32),
        "image": ((6, 16, 16, 3), np.float32),
    }
    faces = Avatars(count=6, size=16).load().examples
    known = {(faces[index]["image"].astype(np.float32) / np.float32(127.5) - 1).tobytes() for index in range(6)}
    assert {source.tobytes() for source in batch["input"]} == known


def test_without_augmentation():
    a = Avatars(size=64, crop="random", resize=80, flip=True)
    b = OpenMoji(size=64, crop="none", flip=True)
    plain = Unpaired(a=a, b=b).without_augmentation()
    assert plain == Unpaired(a=Avatars(size=64), b=OpenMoji(size=64, crop="none"), partners="in order")
    assert plain.without_augmentation() == plain


@pytest.mark.parametrize(("a", "b"), [(4, 10), (10, 4)])
def test_in_order_every_picture_is_there(sets, a, b):
    data = sets(a, b).without_augmentation()
    examples = data.load().examples
    made = [data.transform(example, np.random.default_rng(0)) for example in examples]
    stacked = {name: np.stack([example[name] for example in made]) for name in made[0]}
    assert numbers(stacked) == [(i % a, i % b) for i in range(10)]


def test_refusals():
    with pytest.raises(UserError, match=r"64x64x3 and data\.b of 32x64x1"):
        Unpaired(a=Avatars(), b=OpenMoji(size=(32, 64), channels=1))
    with pytest.raises(UserError, match=r"Unpaired\.b is 'avatars': it must be ImageData"):
        Unpaired(a=Avatars(), b="avatars")


def test_in_an_experiment_and_on_the_command_line():
    data = Unpaired(a=Avatars(size=64), b=Folder(path="photos", size=64, attributes="t.csv", chosen=("x", "y")))
    experiment = jaxgan.Experiment(system=DCGAN(), data=data)
    assert jaxgan.Experiment.from_json(json.loads(json.dumps(experiment.to_json()))) == experiment

    def typed(*words):
        return tyro.cli(jaxgan.Experiment, args=words, default=experiment).data

    assert typed() == data
    sizes = ("--data.a.size", "32", "--data.b.size", "32")
    changed = typed(*sizes, "--data.a.style", "lorelei", "--data.a.label", "mouth", "--data.b.chosen", "y")
    assert changed.a == dataclasses.replace(data.a, size=32, style="lorelei", label="mouth")
    assert changed.b == dataclasses.replace(data.b, size=32, chosen=("y",))
    with pytest.raises(UserError, match=r"--data\.b\.size"):
        typed("--data.a.size", "32")


def test_other_sets_in_an_experiment():
    for data in (
        Pairs(path="x", direction="ba"),
        Avatars(label=("hair_color=black", "glasses=sunglasses"), first=9),
        TFDS(name="celeb_a", label_key="attributes", chosen=("Male", "Young")),
    ):
        experiment = jaxgan.Experiment(system=DCGAN(), data=data)
        assert jaxgan.Experiment.from_json(json.loads(json.dumps(experiment.to_json()))) == experiment
        assert tyro.cli(jaxgan.Experiment, args=["--data.size", "32"], default=experiment).data == dataclasses.replace(
            data, size=32
        )


def test_public_sets_of_cyclegan():
    data = parse_source("tfds:cycle_gan/horse2zebra", Unpaired(a=Avatars(size=16, flip=True), b=Avatars(size=16)))
    assert data == Unpaired(
        a=TFDS(name="cycle_gan/horse2zebra", split="trainA", size=16, flip=True),
        b=TFDS(name="cycle_gan/horse2zebra", split="trainB", size=16),
    )
    with tfds.testing.mock_data(num_examples=5):
        (batch,) = take(data, 1, 4)
    assert batch["input"].shape == batch["image"].shape == (4, 16, 16, 3)


@pytest.mark.parametrize("names", [("A", "B"), ("trainA", "trainB")])
def test_folders_on_the_command_line(tmp_path, names):
    for name, count in zip(names, (3, 2), strict=True):
        (tmp_path / "set" / name).mkdir(parents=True)
        for index in range(count):
            Image.effect_noise((9, 9), 50).save(tmp_path / "set" / name / f"{index}.png")
    like = Unpaired(a=Avatars(size=8, channels=1, flip=True), b=Avatars(size=8, channels=1))
    data = parse_source(str(tmp_path / "set"), like)
    first, second = (str(tmp_path / "set" / name) for name in names)
    assert data == Unpaired(
        a=Folder(path=first, size=8, channels=1, flip=True), b=Folder(path=second, size=8, channels=1)
    )
    assert len(data.load().examples) == 3
    with pytest.raises(UserError, match="does not have these"):
        parse_source(str(tmp_path), like)
    with pytest.raises(UserError, match=r'did you mean ".*set"\?; a config'):
        parse_source(str(tmp_path / "sett"), like)
    with pytest.raises(UserError, match="two sets without pairs"):
        parse_source("avatars", like)
