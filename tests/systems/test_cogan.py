"""CoGAN: what the domains share, its loss by hand, pairs of one latent, resuming, one device against eight."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxgan
from jaxgan import rows
from jaxgan.data import Avatars, Spec
from jaxgan.errors import UserError
from jaxgan.systems.cogan import CoGAN
from jaxgan.training.state import Context
from tests.systems.conftest import beginning, step_once

SIZE = 16
SHAPES = {"image": jax.ShapeDtypeStruct((SIZE, SIZE, 3), jnp.float32), "label": jax.ShapeDtypeStruct((), jnp.int32)}
SMALL = CoGAN(latent_dim=4, width=4, ema=0.9, r1=1.0).resolve(Spec(SHAPES, ("a", "b")))
DISCRIMINATORS, GENERATORS = ("D", "D_1", "D_2"), ("G", "G_1", "G_2")


def batch(count, ones=3):
    """Pictures of which the last `ones` are of the second domain."""
    image = np.random.default_rng(0).uniform(-1, 1, (count, SIZE, SIZE, 3)).astype(np.float32)
    return {"image": image, "label": (np.arange(count) >= count - ones).astype(np.int32)}


@pytest.fixture(scope="module")
def begun():
    state = beginning(SMALL, batch(8))
    variables = {name: network.current for name, network in state.networks.items()}
    return Context(variables, jax.tree.map(jnp.asarray, batch(8)), jax.random.key(1), {}, jnp.int32(0))


@pytest.fixture(scope="module")
def trained():
    return step_once(SMALL, batch(8), 1)


def moved(trained, name):
    start, end, _ = trained
    before, after = (jax.tree.leaves(state.networks[name].params) for state in (start, end))
    return [not np.array_equal(a, b) for a, b in zip(before, after, strict=True)]


def test_the_papers_numbers():
    system = CoGAN()
    assert (system.learning_rate, system.beta1, system.latent_dim, system.r1) == (2e-4, 0.5, 100, 0.0)


def test_the_shared_layers_are_there_once_and_a_domain_owns_the_one_at_the_pixels(begun):
    assert set(begun.variables) == {*DISCRIMINATORS, *GENERATORS}
    layers = {name: sorted(begun.variables[name]["params"]) for name in begun.variables}
    assert layers["G"] == ["BatchNorm_0", "BatchNorm_1", "ConvTranspose_0", "Dense_0"]
    assert layers["D"] == ["Conv_0", "Dense_0"]
    assert layers["G_1"] == layers["G_2"] == ["ConvTranspose_0"]
    assert layers["D_1"] == layers["D_2"] == ["Conv_0"]
    first, second = (begun.variables[name]["params"]["ConvTranspose_0"]["kernel"] for name in ("G_1", "G_2"))
    assert first.shape[-1] == 3
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("name", [*DISCRIMINATORS, *GENERATORS])
def test_a_step_trains_every_layer(trained, name):
    assert all(moved(trained, name))


def test_an_undecided_step(trained):
    """Of each of two domains 2 log 2 for the discriminators, log 2 for the generators."""
    *_, metrics = trained
    assert metrics["discriminator/loss"] == pytest.approx(4 * np.log(2), abs=0.1)
    assert metrics["generator/loss"] == pytest.approx(2 * np.log(2), abs=0.1)


@pytest.mark.parametrize(("loss", "player"), [("generator_loss", "G"), ("discriminator_loss", "D")])
def test_shared_layers_follow_both_domains_and_a_domains_own_its_own(begun, loss, player):
    """Without the second discriminator's layer (its weights 0), what reaches the first domain's is as before."""
    system = dataclasses.replace(SMALL, r1=0.0)

    names = (player, f"{player}_1", f"{player}_2")

    def gradients(variables):
        def value(params):
            merged = {**variables, **{name: {**variables[name], "params": params[name]} for name in names}}
            return getattr(system, loss)(begun.replace(variables=merged))[0]

        return jax.grad(value)({name: variables[name]["params"] for name in names})

    gradients = jax.jit(rows.solo(gradients))
    both = gradients(begun.variables)
    first, second = (
        gradients({**begun.variables, name: jax.tree.map(jnp.zeros_like, begun.variables[name])})
        for name in ("D_2", "D_1")
    )
    for a, b in zip(jax.tree.leaves(both[f"{player}_1"]), jax.tree.leaves(first[f"{player}_1"]), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-8)
        assert np.abs(a).max() > 0
    kernels = [found[player]["Dense_0"]["kernel"] for found in (both, first, second)]
    assert all(np.abs(kernel).max() > 0 for kernel in kernels)
    assert not np.allclose(kernels[0], kernels[1], rtol=1e-3, atol=0)
    assert not np.allclose(kernels[0], kernels[2], rtol=1e-3, atol=0)


def test_losses_by_hand(begun):
    """The sums of two GANs' losses, each over its own pictures, though there are 5 of the one and 3 of the other."""
    system = dataclasses.replace(SMALL, r1=0.0)

    def all_of_it():
        z = system.latents(begun.key, 8)
        fake, _ = system.generate(begun.variables, z, (SIZE, SIZE, 3))
        real, found = begun.batch["image"], []
        for domain, (first, last) in enumerate(((0, 5), (5, 8))):
            of_real = system.judge(begun.variables, jnp.stack([real, real]))[domain][first:last]
            of_fake = system.judge(begun.variables, fake)[domain]
            found.append(
                (
                    -jnp.log(jax.nn.sigmoid(of_real)).mean() - jnp.log(1 - jax.nn.sigmoid(of_fake)).mean(),
                    -jnp.log(jax.nn.sigmoid(of_fake)).mean(),
                )
            )
        losses = system.discriminator_loss(begun)[0], system.generator_loss(begun)[0]
        return losses, tuple(sum(parts) for parts in zip(*found, strict=True))

    losses, by_hand = jax.jit(rows.solo(all_of_it))()
    np.testing.assert_allclose(losses, by_hand, rtol=1e-5)


def test_one_latent_is_a_pair(begun, sampled):
    """The label chooses the domain, and nothing else: with the same last layer both domains have the same picture."""
    zeros, ones = ({"image": begun.batch["image"], "label": jnp.full(8, i)} for i in (0, 1))
    first, second = (sampled(SMALL, begun.variables, inputs) for inputs in (zeros, ones))
    assert first.shape == second.shape == (8, SIZE, SIZE, 3)
    assert not np.allclose(first, second)
    assert not np.allclose(first[0], first[1])
    twins = {**begun.variables, "G_2": begun.variables["G_1"]}
    np.testing.assert_array_equal(sampled(SMALL, twins, ones), first)


def test_the_grid_has_the_pairs_side_by_side(begun):
    inputs = begun.batch
    grid = np.asarray(jax.jit(rows.solo(lambda: SMALL.preview(begun.variables, inputs, jax.random.key(0))))())
    assert grid.shape == (4, 2, SIZE, SIZE, 3)
    z = rows.solo(lambda: SMALL.latents(jax.random.key(0), 4))()
    for domain in (0, 1):
        of_domain = {"image": inputs["image"][:4], "label": jnp.full(4, domain)}
        alone = jax.jit(rows.solo(lambda of_domain=of_domain: SMALL.decode(begun.variables, z, of_domain)))()
        np.testing.assert_allclose(grid[:, domain], alone, atol=1e-6)


def test_a_batch_without_a_domain_is_finite():
    *_, metrics = step_once(SMALL, batch(8, ones=0), 1)
    assert all(np.isfinite(value) for value in metrics.values())


@pytest.mark.slow
def test_eight_devices_equal_one(eight_devices_equal_one):
    """Also where a device has pictures of one domain alone."""
    eight_devices_equal_one(SMALL, batch(16, ones=5))


@pytest.mark.slow
def test_resumed_it_is_the_run_that_was_not_stopped(tmp_path):
    data = Avatars(size=SIZE, count=12, label="glasses")
    whole = jaxgan.Experiment(system=SMALL, data=data, batch_size=4, steps=4, devices=1, fuse=1)
    straight = jaxgan.fit(whole, tmp_path / "straight", quiet=True)
    jaxgan.fit(dataclasses.replace(whole, steps=2), tmp_path / "stopped", quiet=True)
    resumed = jaxgan.fit(whole, tmp_path / "stopped", quiet=True)
    assert (resumed.step, resumed.digest) == (4, straight.digest)


def test_the_first_domain_is_one_class_and_the_second_all_others():
    batch = {"label": jnp.array([0, 1, 2, 1])}
    assert CoGAN().domain(batch).tolist() == [0, 1, 1, 1]
    assert CoGAN(first=1).domain(batch).tolist() == [1, 0, 1, 0]


@pytest.mark.parametrize(
    ("size", "label", "classes", "flag"),
    [(16, (), ("alone",), "label"), (16, (1,), ("glasses=none",), "label"), (20, (), ("a", "b"), "size")],
)
def test_what_it_cannot_couple_is_refused(size, label, classes, flag):
    image, label = jax.ShapeDtypeStruct((size, size, 3), jnp.float32), jax.ShapeDtypeStruct(label, jnp.int32)
    with pytest.raises(UserError, match=rf"--data\.{flag}"):
        CoGAN().resolve(Spec({"image": image, "label": label}, classes))
