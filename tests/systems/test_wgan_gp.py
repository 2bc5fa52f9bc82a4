"""WGAN-GP: the penalty in its loss, float32 under bfloat16, the residual networks, one device against eight."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.data import Spec
from jaxgan.errors import UserError
from jaxgan.networks import Convolutional, Perceptrons, Residual
from jaxgan.networks.augmentation import Augmentation
from jaxgan.systems.wgan_gp import WGANGP
from tests.systems.conftest import step_once

POINTS = WGANGP(networks=Perceptrons(hidden=8, layers=1), critic_moves=2)
SMALL = WGANGP(
    networks=Convolutional(width=4, kernel=4, latent_dim=4, discriminator_norm="layer"),
    critic_moves=2,
    augmentation=Augmentation(color=True, translation=True, cutout=True),
)
RESIDUAL = WGANGP(
    networks=Residual(latent_dim=4, generator_width=4, discriminator_width=4, spectral_norm=False, pool="mean"),
    critic_moves=1,
    precision="bfloat16",
)
REAL = np.random.default_rng(0).normal(size=(16, 2)).astype(np.float32)


def pictures(count):
    return np.random.default_rng(0).uniform(-1, 1, (count, 32, 32, 3)).astype(np.float32)


def test_the_loss_is_the_penalty_less_the_distance():
    _, _, metrics = step_once(POINTS, {"image": REAL}, 1)
    penalty, distance = metrics["critic/gradient_penalty"], metrics["critic/distance"]
    assert penalty > 0
    assert metrics["critic/loss"] == pytest.approx(10 * penalty - distance, rel=1e-4)


def test_five_critic_moves_and_one_of_the_generator():
    assert WGANGP().plan(0) == WGANGP().plan(10_000) == (("critic", 5), ("generator", 1))


def test_the_penalty_holds_the_critic_to_slope_one():
    """With the data far from the fakes an unpenalised critic would get ever steeper."""
    system = dataclasses.replace(POINTS, learning_rate=1e-2, beta2=0.99)
    _, _, metrics = step_once(system, {"image": REAL + 5}, 1, steps=60)
    assert metrics["critic/gradient_penalty"] / 2 < 0.1


def test_batch_norm_in_the_critic_is_refused():
    with pytest.raises(UserError, match=r"BatchNorm.*discriminator-norm"):
        WGANGP(networks=Convolutional()).resolve(Spec({"image": jax.ShapeDtypeStruct((32, 32, 3), jnp.float32)}))


@pytest.mark.slow
def test_the_penalty_is_computed_in_float32_under_bfloat16():
    """Its discriminator's convolutions are float32, the others are not."""
    state = step_once(RESIDUAL, {"image": pictures(4)}, 1)
    assert all(leaf.dtype == np.float32 for leaf in jax.tree.leaves(state[1].networks["D"].params))
    seen = []
    turn = RESIDUAL.discriminator_turn

    def spy(c):
        made = turn(c)
        seen.append(jax.make_jaxpr(made.discriminator_fn)(made.real))
        return made

    object.__setattr__(RESIDUAL, "discriminator_turn", spy)
    try:
        variables = {name: network.current for name, network in state[1].networks.items()}
        from jaxgan import rows
        from jaxgan.training.state import Context

        context = Context(variables, {"image": pictures(4)}, jax.random.key(0), {}, 0)
        whole = str(jax.make_jaxpr(rows.solo(lambda: RESIDUAL.critic_loss(context)[0]))())
    finally:
        object.__delattr__(RESIDUAL, "discriminator_turn")
    assert "bf16" not in str(seen[0])
    assert "bf16" in whole


@pytest.mark.slow
@pytest.mark.parametrize(
    ("system", "batch", "tolerance", "modes"),
    # Two moves, and a derivative of a derivative through LayerNorm: the last digits of the first move's sums grow.
    [
        (POINTS, REAL, 1e-6, ("jit", "pmap")),
        (SMALL, pictures(16), 1e-5, ("jit",)),
    ],
    ids=["points", "pictures"],
)
def test_eight_devices_equal_one(system, batch, tolerance, modes, eight_devices_equal_one):
    eight_devices_equal_one(system, {"image": batch}, tolerance, modes)
