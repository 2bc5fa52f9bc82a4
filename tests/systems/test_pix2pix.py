"""Pix2Pix: its losses by hand, the ablations, pictures on their own, one device against eight."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan import rows
from jaxgan.data import Spec
from jaxgan.errors import UserError
from jaxgan.networks import Patch, Transform, UNet, pass_through
from jaxgan.systems.pix2pix import Pix2Pix
from jaxgan.training.state import Context
from jaxgan.training.step import initial_state
from tests.systems.conftest import beginning, step_once

SIZE = 32
SHAPES = {name: jax.ShapeDtypeStruct((SIZE, SIZE, 3), jnp.float32) for name in ("input", "image")}
SMALL = Pix2Pix(generator=UNet(width=4, levels=3), discriminator=Patch(width=4, field=16)).resolve(Spec(SHAPES))


def pairs(count):
    random = np.random.default_rng(0)
    return {name: random.uniform(-1, 1, (count, SIZE, SIZE, 3)).astype(np.float32) for name in ("input", "image")}


@pytest.fixture(scope="module")
def begun():
    """The variables where training begins, and a context of one minibatch."""
    state = beginning(SMALL, pairs(2))
    variables = {name: network.current for name, network in state.networks.items()}
    return Context(variables, {k: jnp.asarray(v) for k, v in pairs(2).items()}, jax.random.key(1), {}, jnp.int32(0))


def test_the_papers_numbers():
    system = Pix2Pix()
    assert (system.l1, system.learning_rate, system.beta1) == (100.0, 2e-4, 0.5)
    assert system.discriminator.field == 70
    assert system.plan(0) == (("discriminator", 1), ("generator", 1))


def test_losses_by_hand(begun):
    """D: half of the two cross-entropies, on input and output side by side; G: its own, and 100 times the L1 distance."""
    module = SMALL.discriminator.module(jnp.float32)

    def passes():
        fake, _ = pass_through(SMALL.generator, begun.variables["G"], begun.batch["input"], begun.key, jnp.float32)
        seen = [jnp.concatenate([begun.batch["input"], outputs], -1) for outputs in (begun.batch["image"], fake)]
        logits = [module.apply(begun.variables["D"], both, "batch", mutable=["batch_stats"])[0] for both in seen]
        return fake, *logits, SMALL.discriminator_loss(begun)[0], SMALL.generator_loss(begun)[0]

    fake, real_logits, fake_logits, d_loss, g_loss = map(np.float64, jax.jit(rows.solo(passes))())
    assert fake_logits.shape == (2, 14, 14)
    by_hand = 0.5 * (np.log1p(np.exp(-real_logits)).mean() + np.log1p(np.exp(fake_logits)).mean())
    assert d_loss == pytest.approx(by_hand, rel=1e-5)
    distance = np.abs(fake - begun.batch["image"]).mean()
    assert g_loss == pytest.approx(np.log1p(np.exp(-fake_logits)).mean() + 100 * distance, rel=1e-5)


@pytest.mark.parametrize(
    ("changes", "networks", "channels"),
    [
        ({"adversarial": "none"}, {"G"}, None),
        ({"l1": 0.0}, {"G", "D"}, 6),
        ({"adversarial": "unconditional"}, {"G", "D"}, 3),
    ],
    ids=["L1", "cGAN", "L1+GAN"],
)
def test_ablations(changes, networks, channels, begun):
    """Which networks there are, what the discriminator sees, and what the generator's loss is made of."""
    system = dataclasses.replace(SMALL, **changes)
    state = jax.eval_shape(lambda: initial_state(system, 0, pairs(2)))
    assert set(state.networks) == networks == {name for phase in system.phases() for name in phase.trains}
    if channels:
        assert state.networks["D"].params["layer_0"]["kernel"].shape[2] == channels
    if changes == {"adversarial": "none"}:
        context = dataclasses.replace(begun, variables={"G": begun.variables["G"]})
        loss, outcome = jax.jit(rows.solo(lambda: system.generator_loss(context)))()
        assert loss == pytest.approx(100 * float(outcome.metrics["l1"]), rel=1e-6)


def test_it_learns_an_easy_translation():
    """Inverted colours, in 60 steps of L1 alone: the distance falls to a fraction."""
    batch = pairs(4)
    batch["input"] = np.repeat(np.repeat(batch["input"][:, ::8, ::8], 8, 1), 8, 2)
    batch["image"] = -batch["input"]
    system = dataclasses.replace(
        SMALL, adversarial="none", learning_rate=5e-3, generator=UNet(width=8, levels=2, dropout=0.0)
    )
    first = step_once(system, batch, 1)[2]["generator/l1"]
    assert step_once(system, batch, 1, steps=60)[2]["generator/l1"] < 0.3 * first


@pytest.mark.slow
def test_samples_are_translations_of_their_own_inputs(begun, sampled):
    inputs = {name: np.asarray(value) for name, value in begun.batch.items()}
    made = sampled(SMALL, begun.variables, inputs)
    assert made.shape == (2, SIZE, SIZE, 3)
    preview = jax.jit(rows.solo(lambda: SMALL.preview(begun.variables, inputs, jax.random.key(0))))
    shown = preview()
    np.testing.assert_array_equal(shown["input"], inputs["input"])
    np.testing.assert_allclose(shown["output"], made, atol=1e-5)
    np.testing.assert_array_equal(shown["target"], inputs["image"])


def test_bad_data_is_refused():
    with pytest.raises(UserError, match="can be halved only"):
        Pix2Pix().resolve(Spec({name: jax.ShapeDtypeStruct((33, 33, 3), jnp.float32) for name in SHAPES}))
    with pytest.raises(UserError, match="others of their size"):
        Pix2Pix().resolve(Spec({**SHAPES, "input": jax.ShapeDtypeStruct((64, 64, 3), jnp.float32)}))
    with pytest.raises(UserError, match="nothing would be left"):
        dataclasses.replace(SMALL, l1=0.0, adversarial="none").resolve(Spec(SHAPES))


def test_a_residual_transform_network_instead():
    system = dataclasses.replace(SMALL, generator=Transform(width=4, blocks=1)).resolve(Spec(SHAPES))
    state = jax.eval_shape(lambda: initial_state(system, 0, pairs(2)))
    assert "block_0_0" in state.networks["G"].params
    assert system.multiple == 4


@pytest.mark.slow
def test_eight_devices_equal_one(eight_devices_equal_one):
    """Dropout masks, BatchNorm over the global batch, and both players."""
    eight_devices_equal_one(SMALL, pairs(8), tolerance=1e-5)
