"""GAN: shapes, its two generator losses, one device against eight."""

import dataclasses

import jax
import numpy as np
import pytest

from jaxgan.systems.gan import GAN
from jaxgan.training.step import initial_state
from tests.systems.conftest import beginning, step_once

SMALL = GAN(latent_dim=4, generator_hidden=16, discriminator_hidden=8)
BATCH = {"image": np.random.default_rng(0).uniform(-1, 1, (16, 8, 8, 1)).astype(np.float32)}


def test_the_papers_sizes():
    image = np.zeros((2, 28, 28, 1), np.float32)
    state = jax.eval_shape(lambda: initial_state(GAN(), 0, {"image": image}))
    g, d = state.networks["G"].params, state.networks["D"].params
    assert [g[f"Dense_{i}"]["kernel"].shape for i in range(3)] == [(100, 1200), (1200, 1200), (1200, 784)]
    assert d["Maxout_0"]["Dense_0"]["kernel"].shape == (784, 5 * 240)
    assert d["Dense_0"]["kernel"].shape == (240, 1)


def test_weights_begin_centred():
    state = beginning(GAN(), {"image": np.zeros((2, 28, 28, 1), np.float32)})
    kernel = np.asarray(state.networks["G"].params["Dense_1"]["kernel"])
    assert np.abs(kernel).max() <= 0.05
    assert kernel.std() == pytest.approx(0.05 / 3**0.5, rel=0.01)
    assert np.abs(np.asarray(state.networks["D"].params["Maxout_0"]["Dense_0"]["kernel"])).max() <= 0.005


@pytest.mark.slow
def test_both_generator_losses_push_the_same_way_at_the_start():
    """At an undecided discriminator both have the gradient -1/2 with respect to the logits."""
    updates = {}
    for loss in ("minimax", "non_saturating"):
        start, end, metrics = step_once(dataclasses.replace(SMALL, loss=loss), BATCH, 1)
        updates[loss] = (
            np.asarray(end.networks["G"].params["Dense_2"]["bias"]) - start.networks["G"].params["Dense_2"]["bias"]
        )
        assert metrics["generator/loss"] == pytest.approx(
            {"minimax": -np.log(2), "non_saturating": np.log(2)}[loss], abs=0.01
        )
    np.testing.assert_allclose(updates["minimax"], updates["non_saturating"], rtol=0.05)
    assert np.abs(updates["minimax"]).max() > 0


@pytest.mark.slow
def test_eight_devices_equal_one(eight_devices_equal_one):
    eight_devices_equal_one(SMALL, BATCH, modes=("jit", "pmap"))


def test_samples(sampled):
    state = initial_state(SMALL, 0, BATCH)
    made = sampled(SMALL, {"G": state.networks["G"].current}, {"image": np.zeros((5, 8, 8, 1), np.float32)})
    assert made.shape == (5, 8, 8, 1)
    assert np.abs(made).max() < 1
    assert not np.allclose(made[0], made[1])
