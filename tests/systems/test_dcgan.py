"""DCGAN: shapes, what its recipe says, one device against eight."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan import rows
from jaxgan.data import Spec
from jaxgan.errors import UserError
from jaxgan.networks import Convolutional
from jaxgan.systems.dcgan import DCGAN
from jaxgan.training.step import initial_state
from tests.systems.conftest import beginning, step_once

SMALL = DCGAN(networks=Convolutional(width=4, kernel=4, latent_dim=8), ema=0.9)


def with_networks(**changes):
    return dataclasses.replace(SMALL, networks=dataclasses.replace(SMALL.networks, **changes))


def pictures(count=8, height=32, width=32, channels=3):
    return np.random.default_rng(0).uniform(-1, 1, (count, height, width, channels)).astype(np.float32)


def shapes(system, image):
    state = jax.eval_shape(lambda: initial_state(system, 0, {"image": image}))
    return {
        f"{name}{jax.tree_util.keystr(path)}": leaf.shape
        for name, network in state.networks.items()
        for path, leaf in jax.tree_util.tree_leaves_with_path(network.params)
    }


@pytest.mark.parametrize(
    ("height", "width", "channels"), [(32, 32, 3), (64, 64, 1), (128, 128, 3), (256, 256, 3), (32, 48, 3)]
)
def test_generator_makes_the_pictures_of_the_data(height, width, channels):
    image = jax.ShapeDtypeStruct((height, width, channels), jnp.float32)
    system = SMALL.resolve(Spec({"image": image}))
    variables = jax.eval_shape(
        lambda: system.init_variables(jax.random.key(0), {"image": jnp.zeros((2, height, width, channels))})
    )
    made = jax.eval_shape(
        lambda v: rows.solo(
            lambda: system.sample(v, {"image": jnp.zeros((2, height, width, channels))}, jax.random.key(0))
        )(),
        variables,
    )
    assert made.shape == (2, height, width, channels)
    assert made.dtype == jnp.float32


def test_the_papers_sizes():
    found = shapes(DCGAN(), pictures(2, 64, 64))
    assert found["G['Dense_0']['kernel']"] == (100, 4 * 4 * 1024)
    assert [found[f"G['ConvTranspose_{i}']['kernel']"][-1] for i in range(4)] == [512, 256, 128, 3]
    assert found["G['ConvTranspose_0']['kernel']"][:2] == (5, 5)
    assert [found[f"D['Conv_{i}']['kernel']"][-1] for i in range(4)] == [128, 256, 512, 1024]
    # BatchNorm everywhere but at G's output and D's input; a bias only where there is none.
    assert sum("D['BatchNorm" in name and "scale" in name for name in found) == 3
    assert sum("G['BatchNorm" in name and "scale" in name for name in found) == 4
    biased = {name for name in found if name.endswith("['bias']") and "BatchNorm" not in name}
    assert biased == {"G['ConvTranspose_3']['bias']", "D['Conv_0']['bias']", "D['Dense_0']['bias']"}


def test_weights_begin_as_in_the_paper():
    system = with_networks(width=32)
    state = beginning(system, {"image": pictures(2)})
    kernel = np.asarray(state.networks["G"].params["ConvTranspose_0"]["kernel"])
    assert kernel.std() == pytest.approx(0.02, rel=0.02)
    assert abs(kernel.mean()) < 1e-3
    scale = np.asarray(state.networks["G"].params["BatchNorm_0"]["scale"])
    assert scale.mean() == pytest.approx(1, abs=0.01)


@pytest.fixture(scope="module")
def trained():
    return step_once(SMALL, {"image": pictures()}, 1, steps=2)


def test_a_step_changes_both_networks_and_their_statistics(trained):
    start, end, metrics = trained
    for name in ("G", "D"):
        for before, after in zip(
            jax.tree.leaves(start.networks[name].params), jax.tree.leaves(end.networks[name].params), strict=True
        ):
            assert not np.array_equal(before, after)
        assert not np.array_equal(
            start.networks[name].variables["batch_stats"]["BatchNorm_0"]["mean"],
            end.networks[name].variables["batch_stats"]["BatchNorm_0"]["mean"],
        )
    # An undecided discriminator begins at 2 log 2, the generator at log 2.
    assert metrics["discriminator/loss"] == pytest.approx(2 * np.log(2), abs=0.3)
    assert metrics["generator/loss"] == pytest.approx(np.log(2), abs=0.4)


def test_samples_come_from_the_average_and_do_not_depend_on_their_neighbours(trained, sampled):
    _, end, _ = trained
    variables = {"G": end.networks["G"].ema}
    many = sampled(SMALL, variables, {"image": pictures(6)})
    few = sampled(SMALL, variables, {"image": pictures(2)})
    np.testing.assert_allclose(many[:2], few, atol=1e-6)
    assert not np.allclose(many[0], many[1])
    raw = sampled(SMALL, {"G": end.networks["G"].current}, {"image": pictures(6)})
    assert not np.allclose(raw, many)


@pytest.mark.parametrize("latent", ["uniform", "normal"])
def test_latents(latent):
    system = with_networks(latent=latent, latent_dim=2000)
    z = np.asarray(rows.solo(lambda: system.latents(jax.random.key(0), 3))())
    assert z.shape == (3, 2000)
    assert z.mean() == pytest.approx(0, abs=0.05)
    assert z.std() == pytest.approx({"uniform": 3**-0.5, "normal": 1}[latent], rel=0.03)
    assert (np.abs(z).max() < 1) == (latent == "uniform")


@pytest.mark.slow
def test_eight_devices_equal_one(eight_devices_equal_one):
    eight_devices_equal_one(dataclasses.replace(SMALL, r1=1.0), {"image": pictures(16)}, modes=("jit", "pmap"))


@pytest.mark.slow
def test_bfloat16_keeps_parameters_and_losses_in_float32():
    system = dataclasses.replace(SMALL, precision="bfloat16")
    _, end, metrics = step_once(system, {"image": pictures()}, 1)
    assert {leaf.dtype for leaf in jax.tree.leaves(end.networks) if leaf.dtype.kind == "f"} == {np.dtype("float32")}
    exact = step_once(SMALL, {"image": pictures()}, 1)[2]
    assert metrics["discriminator/loss"] == pytest.approx(exact["discriminator/loss"], abs=0.02)
    assert metrics["discriminator/loss"] != exact["discriminator/loss"]


@pytest.mark.parametrize("size", [(8, 8), (48, 48), (33, 33), (512, 512), (32, 36)])
def test_sizes_that_cannot_be_halved_are_refused(size):
    with pytest.raises(UserError, match=r"32, 64, 128 or 256 rows.*data\.size"):
        SMALL.resolve(Spec({"image": jax.ShapeDtypeStruct((*size, 3), jnp.float32)}))
