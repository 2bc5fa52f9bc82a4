"""LSGAN: its loss at the start, its targets, one device against eight."""

import dataclasses

import numpy as np
import pytest

from jaxgan.data import Spec
from jaxgan.errors import UserError
from jaxgan.networks import Convolutional, Perceptrons
from jaxgan.networks.augmentation import Augmentation
from jaxgan.systems.lsgan import LSGAN
from tests.systems.conftest import step_once

POINTS = LSGAN(networks=Perceptrons(hidden=8, layers=1), ema=0.9)


def points(count=16):
    return np.random.default_rng(0).normal(size=(count, 2)).astype(np.float32)


@pytest.mark.parametrize(
    ("targets", "start"), [((-1, 1, 0), 1.0), pytest.param((0, 1, 1), 0.5, marks=pytest.mark.slow)]
)
def test_an_undecided_discriminator(targets, start):
    """At a score of 0 everywhere: ((0 - b)^2 + (0 - a)^2) / 2; the scores begin near it."""
    system = LSGAN(Convolutional(width=4, kernel=4, latent_dim=4, discriminator_norm="none"), *targets)
    real = np.random.default_rng(0).uniform(-1, 1, (4, 32, 32, 3)).astype(np.float32)
    _, _, metrics = step_once(system, {"image": real}, 1)
    assert metrics["discriminator/loss"] == pytest.approx(start, abs=0.15)


def test_the_discriminator_learns_its_targets():
    """Fakes that never change, far from the data: the scores go to b and a."""
    system = dataclasses.replace(POINTS, learning_rate=0.02)
    frozen = dataclasses.dataclass(frozen=True)(
        type("Frozen", (LSGAN,), {"phases": lambda self: LSGAN.phases(self)[:1]})
    )(**{f.name: getattr(system, f.name) for f in dataclasses.fields(system)})
    _, _, metrics = step_once(frozen, {"image": points() * 0.01 + 20}, 1, steps=60)
    assert metrics["discriminator/real_logits"] == pytest.approx(1, abs=0.2)
    assert metrics["discriminator/fake_logits"] == pytest.approx(-1, abs=0.2)


@pytest.mark.slow
def test_eight_devices_equal_one(eight_devices_equal_one):
    eight_devices_equal_one(POINTS, {"image": points()})


def test_adaptive_augmentation_needs_logits():
    adaptive = Augmentation(color=True, target=0.6)
    with pytest.raises(UserError, match=r"LSGAN's scores.*augmentation\.target"):
        dataclasses.replace(POINTS, a=0.0, c=1.0, augmentation=adaptive).resolve(Spec({"image": np.zeros((32, 32, 3))}))
    with pytest.raises(UserError, match="for pictures"):
        dataclasses.replace(POINTS, augmentation=Augmentation(color=True)).resolve(Spec({"image": np.zeros(2)}))
