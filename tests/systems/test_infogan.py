"""InfoGAN: the bound of the mutual information by hand, what a turn trains, codes, grids, eight devices."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxgan
from jaxgan import rows
from jaxgan.data import Digits, Spec
from jaxgan.errors import UserError
from jaxgan.systems.infogan import InfoGAN
from jaxgan.training.state import Context
from tests.systems.conftest import beginning, step_once

SMALL = InfoGAN(noise_dim=4, categories=3, continuous=2, width=4, hidden=16, ema=0.9)


def batch(count):
    return {"image": np.random.default_rng(0).uniform(-1, 1, (count, 8, 8, 1)).astype(np.float32)}


@pytest.fixture(scope="module")
def begun():
    state = beginning(SMALL, batch(8))
    variables = {name: network.current for name, network in state.networks.items()}
    return Context(variables, jax.tree.map(jnp.asarray, batch(8)), jax.random.key(1), {}, jnp.int32(0))


@pytest.fixture(scope="module")
def trained():
    return step_once(SMALL, batch(8), 1)


def jitted(function):
    return jax.device_get(jax.jit(rows.solo(function))())


def test_the_papers_numbers():
    system = InfoGAN()
    assert (system.latent_dim, system.noise_dim, system.categories, system.continuous) == (74, 62, 10, 2)
    assert (system.learning_rate, system.generator_learning_rate, system.beta1) == (2e-4, 1e-3, 0.5)
    assert (system.category_weight, system.continuous_weight) == (1.0, 0.1)


def test_a_latent_is_noise_a_category_and_numbers():
    z = jitted(lambda: SMALL.latents(jax.random.key(0), 600))
    noise, category, continuous = (np.asarray(part) for part in SMALL.split(z))
    assert (noise.shape, category.shape, continuous.shape) == ((600, 4), (600, 3), (600, 2))
    assert set(np.unique(category)) == {0, 1}
    np.testing.assert_array_equal(category.sum(axis=1), 1)
    np.testing.assert_allclose(category.mean(axis=0), 1 / 3, atol=0.08)
    for uniform in (noise, continuous):
        assert -1 <= uniform.min() < -0.95
        assert 0.95 < uniform.max() <= 1


def test_a_category_is_set_and_survives_truncation():
    z = jitted(lambda: SMALL.latents(jax.random.key(0), 5))
    other = np.asarray(SMALL.with_category(z, np.array([2, 1, 0, 1, 2])))
    np.testing.assert_array_equal(SMALL.split(other)[1].argmax(axis=1), [2, 1, 0, 1, 2])
    for before, after in zip(SMALL.split(z)[::2], SMALL.split(other)[::2], strict=True):
        np.testing.assert_array_equal(before, after)
    noise, category, continuous = SMALL.split(np.asarray(SMALL.truncate({}, other, 0.5, {})))
    np.testing.assert_array_equal(category, SMALL.split(other)[1])
    np.testing.assert_allclose(noise, SMALL.split(other)[0] / 2)
    np.testing.assert_allclose(continuous, SMALL.split(other)[2] / 2)


@pytest.mark.parametrize("name", ["G", "D", "Q"])
def test_a_step_trains_every_layer(trained, name):
    start, end, _ = trained
    before, after = (jax.tree.leaves(state.networks[name].params) for state in (start, end))
    assert all(not np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def test_an_undecided_step(trained):
    """Q knows nothing: the cross-entropy is that of a fair guess, the squares those of a guess of 0."""
    *_, metrics = trained
    guess = np.log(3) + 0.1 * metrics["discriminator/continuous_error"]
    assert metrics["discriminator/continuous_error"] == pytest.approx(1 / 3, abs=0.2)
    assert metrics["discriminator/category_nats"] == pytest.approx(0, abs=0.1)
    assert metrics["discriminator/loss"] == pytest.approx(2 * np.log(2) + guess, abs=0.15)
    assert metrics["generator/loss"] == pytest.approx(np.log(2) + guess, abs=0.15)


def test_losses_by_hand(begun):
    """V and the bound, log Q(c | x) from probabilities and a density, on the pictures that the losses see."""
    system = dataclasses.replace(SMALL, category_weight=0.7, continuous_weight=0.3)

    def all_of_it():
        z = system.latents(begun.key, 8)
        fake, _ = system.generate(begun.variables, z, (8, 8, 1), "batch")
        _, category, continuous = system.split(z)
        (of_real, _), _ = system.judge(begun.variables, begun.batch["image"])
        (of_fake, features), _ = system.judge(begun.variables, fake)
        logits, means = system.posterior().apply(begun.variables["Q"], features)
        log_category = jnp.log(jnp.sum(jax.nn.softmax(logits) * category, axis=1))
        # Up to the constant of the Gaussian, log sqrt(2 pi) for each number.
        log_numbers = jnp.log(jnp.prod(jnp.exp(-((continuous - means) ** 2) / 2), axis=1))
        bound = (0.7 * log_category + 0.3 * log_numbers).mean()
        value = jnp.log(jax.nn.sigmoid(of_real)).mean() + jnp.log(1 - jax.nn.sigmoid(of_fake)).mean()
        losses = system.discriminator_loss(begun)[0], system.generator_loss(begun)[0]
        return losses, (-value - bound, -jnp.log(jax.nn.sigmoid(of_fake)).mean() - bound)

    losses, by_hand = jitted(all_of_it)
    np.testing.assert_allclose(losses, by_hand, rtol=1e-5)


def test_without_weights_it_is_a_gan(begun):
    """Then Q, and D's trunk by way of Q, learn nothing of the codes."""
    system = dataclasses.replace(SMALL, category_weight=0.0, continuous_weight=0.0)

    def value(q):
        return system.generator_loss(begun.replace(variables={**begun.variables, "Q": q}))[0]

    assert all(not np.any(leaf) for leaf in jax.tree.leaves(jitted(lambda: jax.grad(value)(begun.variables["Q"]))))


def test_a_guess_depends_on_no_other_picture(begun):
    logits, means = jitted(lambda: SMALL.guess(begun.variables, begun.batch["image"]))
    alone, _ = jitted(lambda: SMALL.guess(begun.variables, begun.batch["image"][:1]))
    assert (logits.shape, means.shape) == ((8, 3), (8, 2))
    np.testing.assert_allclose(logits[:1], alone, rtol=1e-5, atol=1e-7)


def test_the_grid_has_a_category_a_line(begun):
    """Of eight latents, in two rows of four that the sheet puts side by side."""
    grid = jitted(lambda: SMALL.preview(begun.variables, begun.batch, jax.random.key(0)))
    assert grid.shape == (6, 4, 8, 8, 1)
    z = jitted(lambda: SMALL.latents(jax.random.key(0), 8))
    for category in range(3):
        of_it = SMALL.with_category(z, jnp.full(8, category))
        alone = jitted(lambda of_it=of_it: SMALL.decode(begun.variables, of_it, begun.batch))
        np.testing.assert_allclose(grid.reshape(3, 8, 8, 8, 1)[category], alone, atol=1e-6)


def test_samples(begun, sampled):
    made = sampled(SMALL, begun.variables, begun.batch)
    assert made.shape == (8, 8, 8, 1)
    assert np.abs(made).max() <= 1
    assert not np.allclose(made[0], made[1])


@pytest.mark.parametrize("shape", [(28, 28, 1), (12, 8, 3)])
def test_any_sides_that_four_divides(shape):
    image = {"image": jax.ShapeDtypeStruct((2, *shape), jnp.float32)}
    variables = jax.eval_shape(lambda: SMALL.init_variables(jax.random.key(0), {"image": jnp.zeros((2, *shape))}))
    made = jax.eval_shape(rows.solo(lambda v: SMALL.decode(v, jnp.zeros((2, SMALL.latent_dim)), image)), variables)
    assert made.shape == (2, *shape)


def test_what_it_cannot_make_is_refused():
    with pytest.raises(UserError, match=r"--data\.size"):
        InfoGAN().resolve(Spec({"image": jax.ShapeDtypeStruct((10, 8, 1), jnp.float32)}))


@pytest.mark.slow
def test_eight_devices_equal_one(eight_devices_equal_one):
    eight_devices_equal_one(
        SMALL, batch(16), tolerance=1e-5
    )  # the gradient of D's last bias is a sum that nearly cancels


@pytest.mark.slow
def test_resumed_it_is_the_run_that_was_not_stopped(tmp_path):
    whole = jaxgan.Experiment(system=SMALL, data=Digits(), batch_size=4, steps=4, devices=1, fuse=1)
    straight = jaxgan.fit(whole, tmp_path / "straight", quiet=True)
    jaxgan.fit(dataclasses.replace(whole, steps=2), tmp_path / "stopped", quiet=True)
    resumed = jaxgan.fit(whole, tmp_path / "stopped", quiet=True)
    assert (resumed.step, resumed.digest) == (4, straight.digest)
