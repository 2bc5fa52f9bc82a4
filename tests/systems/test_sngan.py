"""SNGAN: singular vectors in the state, conditioning, adaptive augmentation, one device against eight."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.data import Spec
from jaxgan.errors import UserError
from jaxgan.networks import Convolutional, Residual
from jaxgan.networks.augmentation import Augmentation
from jaxgan.systems.sngan import SNGAN
from tests.systems.conftest import step_once

SHAPES = {"image": jax.ShapeDtypeStruct((32, 32, 3), jnp.float32), "label": jax.ShapeDtypeStruct((), jnp.int32)}
SMALL = SNGAN(
    networks=Residual(latent_dim=4, generator_width=4, discriminator_width=4),
    conditional=True,
    discriminator_moves=1,
    ema=0.9,
    augmentation=Augmentation(translation=True, target=0.6, adaptation_images=1000),
).resolve(Spec(SHAPES, ("a", "b", "c")))


def batch(count):
    random = np.random.default_rng(0)
    return {
        "image": random.uniform(-1, 1, (count, 32, 32, 3)).astype(np.float32),
        "label": random.integers(0, 3, count).astype(np.int32),
    }


@pytest.fixture(scope="module")
def trained():
    return step_once(SMALL, batch(8), 1, steps=2)


def test_singular_vectors_move_in_the_discriminators_turn_alone(trained):
    start, end, metrics = trained
    for before, after in zip(
        *(jax.tree.leaves(s.networks["D"].variables["spectral"]) for s in (start, end)), strict=True
    ):
        assert before.size == 1 or not np.array_equal(before, after)  # of a single number there is only its sign
    assert "spectral" not in end.networks["G"].variables
    # An undecided hinge is at 2; the residual discriminator sums over 64 places, and begins further away.
    assert 0 < metrics["discriminator/loss"] < 6


def test_adaptive_augmentation_moves_with_the_discriminators_sign(trained):
    """Of 8 real pictures a move, of 1,000: up by 0.008 where more than 80% are known as such; down, but not below 0."""
    _, end, metrics = trained
    probability = float(end.aux["augmentation_probability"])
    assert min(abs(probability - expected) for expected in (0, 0.008, 0.016)) < 1e-6
    assert metrics["discriminator/augmentation_probability"] == pytest.approx(probability)


def test_samples_follow_their_label(trained, sampled):
    """A generator without conditional BatchNorm would give one picture for all three."""
    _, end, _ = trained
    variables = {"G": end.networks["G"].current}
    tables = variables["G"]["params"]["BatchNorm_0"]
    assert tables["scale"].shape == (3, 4)
    zeros = np.zeros((3, 32, 32, 3), np.float32)
    by_label = [sampled(SMALL, variables, {"image": zeros, "label": np.full(3, i, np.int32)}) for i in range(3)]
    assert not np.allclose(by_label[0], by_label[1], atol=1e-4)
    mixed = sampled(SMALL, variables, {"image": zeros, "label": np.arange(3, dtype=np.int32)})
    for i in range(3):
        np.testing.assert_allclose(mixed[i], by_label[i][i], atol=1e-5)


def test_classes_come_from_the_data():
    assert SMALL.classes == 3
    assert SMALL.reads == ("image", "label")
    plain = dataclasses.replace(SMALL, conditional=False, classes=None)
    assert plain.reads == ("image",)
    assert plain.label_values == 0
    assert plain.resolve(Spec(SHAPES, ("a", "b", "c"))) == plain


@pytest.mark.parametrize(
    ("changes", "shapes", "classes", "sentence"),
    [
        ({"classes": None}, SHAPES, (), "needs labels"),
        ({"classes": 4}, SHAPES, ("a", "b"), "has 2 classes"),
        ({"classes": None}, {**SHAPES, "label": jax.ShapeDtypeStruct((40,), jnp.int32)}, ("a",), "one class for each"),
        ({"classes": None, "networks": Convolutional()}, SHAPES, ("a", "b"), "Residual"),
    ],
)
def test_labels_that_do_not_fit_are_refused(changes, shapes, classes, sentence):
    with pytest.raises(UserError, match=sentence):
        dataclasses.replace(SMALL, **changes).resolve(Spec(shapes, classes))


@pytest.mark.slow
def test_eight_devices_equal_one(eight_devices_equal_one):
    # A mean near 0 of sums over 64 places: 1.2e-6 was seen.
    eight_devices_equal_one(SMALL, batch(16), 5e-6)


def test_a_label_beyond_the_classes_is_refused():
    with pytest.raises(UserError, match="the label 3"):
        SMALL.check_batch({"label": np.array([[0, 3]])})
    dataclasses.replace(SMALL, conditional=False).check_batch({"image": np.zeros((1, 1))})
