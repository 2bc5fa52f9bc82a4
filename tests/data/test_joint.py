"""Two labelled sets as one: whose picture it is, and its labels among those of both."""

import dataclasses

import numpy as np
import pytest

from jaxgan import Experiment
from jaxgan.data import Avatars, Batches, Digits, Joint
from jaxgan.errors import UserError
from jaxgan.systems.stargan import StarGAN

# Yes-or-no attributes, and one of N: digits are grey, so drawn faces are made grey too.
FACES = Avatars(size=8, channels=1, count=5, label=("glasses=sunglasses", "hair_color=pink"))
DATA = Joint(a=FACES, b=Digits(size=8))


@pytest.fixture(scope="module")
def records(cache):
    return DATA.load()


def example(records, index):
    return DATA.transform(records.examples[index], np.random.default_rng(0))


def test_examples_of_both(records):
    faces, digits = FACES.load(), Digits(size=8).load()
    assert len(records.examples) == 5 + len(digits.examples)
    assert records.classes == (*faces.classes, *digits.classes)
    for index in (0, 4, 5, 20, len(records.examples) - 1):
        made = example(records, index)
        assert made["image"].shape == (8, 8, 1)
        assert made["label"].shape == (12,)
        if index < 5:
            own = faces.examples[index]
            assert made["source"] == 0
            np.testing.assert_array_equal(made["label"], [*own["label"], *[0] * 10])
        else:
            own = digits.examples[index - 5]
            assert made["source"] == 1
            np.testing.assert_array_equal(made["label"], [0, 0, *np.eye(10)[own["label"]]])
        alone = (FACES if index < 5 else DATA.b).transform(own, np.random.default_rng(0))
        np.testing.assert_array_equal(made["image"], alone["image"])


def test_stargan_takes_it(records):
    """Batches are what the system reads, and its sets fit."""
    with Batches(DATA, batch_size=64, seed=0) as batches:
        system = StarGAN(sets=(2, 10), one_of=(False, True), discriminator_layers=2)
        batch = next(batches)
        resolved = system.resolve(batches.spec.of(system.reads))
    assert resolved.labels == 12
    assert set(np.unique(batch["source"])) <= {0, 1}
    assert batch["source"].dtype == np.int32
    resolved.check_batch({name: batch[name][None] for name in system.reads})


def test_names_that_both_have_are_told_apart():
    classes = Joint(a=FACES, b=FACES).load().classes
    assert classes[:2] == ("a.glasses=sunglasses", "a.hair_color=pink")
    assert classes[2:] == ("b.glasses=sunglasses", "b.hair_color=pink")


def test_it_is_written_and_read():
    experiment = Experiment(system=StarGAN(sets=(2, 10)), data=DATA)
    assert Experiment.from_json(experiment.to_json()) == experiment


def test_bad_sets_are_refused():
    with pytest.raises(UserError, match=r"data\.a gives pictures of .*8.*16.*--data\.a\.size"):
        Joint(a=FACES, b=Digits(size=16))
    with pytest.raises(UserError, match=r"data\.a has no labels"):
        Joint(a=dataclasses.replace(FACES, label=None), b=Digits(size=8)).load()
