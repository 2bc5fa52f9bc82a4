"""WGAN: the box of the critic's weights, the schedule of its moves, one device against eight."""

import dataclasses

import jax
import numpy as np
import pytest

from jaxgan.networks import Perceptrons
from jaxgan.systems.wgan import WGAN
from tests.systems.conftest import step_once

SMALL = WGAN(networks=Perceptrons(hidden=8, layers=1), critic_moves=2, eager_moves=2)
REAL = np.random.default_rng(0).normal(size=(16, 2)).astype(np.float32) + 3


def test_the_papers_schedule():
    moves = [WGAN().plan(step) for step in range(1100)]
    counts = [dict(plan)["critic"] for plan in moves]
    assert counts[:25] == [100] * 25
    assert [step for step in range(25, 1100) if counts[step] == 100] == [500, 1000]
    assert set(counts[25:]) == {5, 100}
    assert all(dict(plan)["generator"] == 1 for plan in moves)


def test_the_critic_stays_in_its_box_and_the_generator_does_not():
    start, end, _ = step_once(SMALL, {"image": REAL}, 1)
    assert max(np.abs(leaf).max() for leaf in jax.tree.leaves(start.networks["D"].params)) > 0.1
    assert max(np.abs(leaf).max() for leaf in jax.tree.leaves(end.networks["D"].params)) == pytest.approx(
        0.01, rel=1e-5
    )
    assert max(np.abs(leaf).max() for leaf in jax.tree.leaves(end.networks["G"].params)) > 0.1


def test_the_distance_grows_while_the_critic_learns():
    """Once its weights are in the box, the critic finds the way from the fakes to data far away."""
    system = dataclasses.replace(SMALL, learning_rate=1e-3)
    first, last = (step_once(system, {"image": REAL}, 1, steps=steps)[2] for steps in (2, 12))
    assert last["critic/distance"] > first["critic/distance"]
    assert last["critic/loss"] == pytest.approx(-last["critic/distance"])


@pytest.mark.slow
def test_eight_devices_equal_one(eight_devices_equal_one):
    eight_devices_equal_one(SMALL, {"image": REAL})
