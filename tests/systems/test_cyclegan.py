"""CycleGAN: its losses by hand, the pool, both directions, one device against eight."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan import rows
from jaxgan.data import Spec
from jaxgan.errors import UserError
from jaxgan.networks import Patch, Transform, UNet
from jaxgan.systems.cyclegan import CycleGAN
from jaxgan.training import parallel
from jaxgan.training.image_pool import ImagePool
from jaxgan.training.parallel import Layout
from jaxgan.training.state import Context
from tests.systems.conftest import beginning, step_once, with_gradient_descent

SIZE = 32
SHAPES = {name: jax.ShapeDtypeStruct((SIZE, SIZE, 3), jnp.float32) for name in ("input", "image")}
SMALL = CycleGAN(
    generator=Transform(width=4, blocks=1), discriminator=Patch(width=4, field=16, norm="instance"), pool=6
).resolve(Spec(SHAPES))


def pictures(count, seed=0):
    random = np.random.default_rng(seed)
    return {name: random.uniform(-1, 1, (count, SIZE, SIZE, 3)).astype(np.float32) for name in ("input", "image")}


@pytest.fixture(scope="module")
def begun():
    batch = pictures(2)
    state = beginning(SMALL, batch)
    variables = {name: network.current for name, network in state.networks.items()}
    batch = {name: jnp.asarray(value) for name, value in batch.items()}
    return Context(variables, batch, jax.random.key(1), state.aux, jnp.int32(0))


def test_the_papers_numbers():
    system = CycleGAN()
    assert (system.cycle, system.identity, system.pool) == (10.0, 0.0, 50)
    assert (system.learning_rate, system.beta1) == (2e-4, 0.5)
    assert (system.generator, system.discriminator) == (Transform(), Patch(norm="instance"))


@pytest.mark.parametrize("identity", [0.0, 0.5])
def test_losses_by_hand(begun, identity):
    system = dataclasses.replace(SMALL, identity=identity)
    generator, judge = system.generator.module(3, jnp.float32), system.discriminator.module(jnp.float32)

    def networks(x, y):
        def g(p):
            return generator.apply(begun.variables["G"], p, "batch", True)

        def f(p):
            return generator.apply(begun.variables["F"], p, "batch", True)

        def score(name, p):
            return judge.apply(begun.variables[name], p, "batch")

        fake_y, fake_x = g(x), f(y)
        cycle = jnp.abs(f(fake_y) - x).mean() + jnp.abs(g(fake_x) - y).mean()
        same = jnp.abs(g(y) - y).mean() + jnp.abs(f(x) - x).mean()
        fool = ((score("D_Y", fake_y) - 1) ** 2).mean() + ((score("D_X", fake_x) - 1) ** 2).mean()
        # The pool is empty still: what is shown is the newest.
        d_y = ((score("D_Y", y) - 1) ** 2).mean() + (score("D_Y", fake_y) ** 2).mean()
        d_x = ((score("D_X", x) - 1) ** 2).mean() + (score("D_X", fake_x) ** 2).mean()
        return fool + 10 * cycle + 10 * identity * same, (d_x + d_y) / 2

    def all_of_it():
        losses, outcome = system.losses(begun)
        by_hand = networks(begun.batch["input"], begun.batch["image"])
        return by_hand, tuple(losses.values()), outcome

    by_hand, losses, outcome = jax.jit(rows.solo(all_of_it))()
    np.testing.assert_allclose(losses, by_hand, rtol=1e-5)
    assert int(outcome.aux["pool_G"].count) == 2


@pytest.mark.slow
def test_the_pool_is_in_the_state_and_comes_into_use():
    before, after, _ = step_once(SMALL, pictures(2), 1, steps=4)
    assert isinstance(before.aux["pool_G"], ImagePool)
    assert before.aux["pool_F"].images.shape == (6, SIZE, SIZE, 3)
    assert after.aux["pool_G"].count == after.aux["pool_F"].count == 6
    assert np.abs(after.aux["pool_G"].images).min((1, 2, 3)).shape == (6,)
    assert len({pool.tobytes() for pool in after.aux["pool_G"].images}) == 6


def test_both_directions(begun):
    x = begun.batch["input"]

    def translate(direction):
        made = rows.solo(lambda: SMALL.translate(begun.variables, x, jax.random.key(0), direction=direction))
        return np.asarray(jax.jit(made)())

    generator = SMALL.generator.module(3, jnp.float32)
    for direction, name in (("ab", "G"), ("ba", "F")):
        expected = jax.jit(generator.apply, static_argnums=(2, 3))(begun.variables[name], x, "batch", True)
        np.testing.assert_allclose(translate(direction), expected, atol=1e-5)
    shown = jax.jit(rows.solo(lambda: SMALL.preview(begun.variables, begun.batch, jax.random.key(0))))()
    assert set(shown) == {"x", "G(x)", "F(G(x))", "y", "F(y)", "G(F(y))"}
    np.testing.assert_allclose(shown["G(x)"], translate("ab"), atol=1e-5)
    np.testing.assert_array_equal(shown["y"], begun.batch["image"])


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [
        {"generator": UNet(width=4, levels=2, norm="instance")},
        {"generator": Transform(width=4, blocks=1, norm="batch"), "discriminator": Patch(width=4, field=16)},
    ],
    ids=["unet", "batch norm"],
)
def test_variants_train(changes):
    system = dataclasses.replace(SMALL, **changes).resolve(Spec(SHAPES))
    before, after, metrics = step_once(system, pictures(2), 1)
    assert all(np.isfinite(value) for value in metrics.values())
    if "discriminator" in changes:  # every pass of every network leaves its mark on the running statistics
        for name in ("G", "F", "D_X", "D_Y"):
            changed = jax.tree.map(
                lambda a, b: not np.array_equal(a, b), before.networks[name].variables, after.networks[name].variables
            )
            means = [leaf for path, leaf in jax.tree_util.tree_leaves_with_path(changed) if "mean" in str(path)]
            assert means
            assert all(means)


def test_sets_of_two_sizes_are_refused():
    with pytest.raises(UserError, match="pictures of one size"):
        SMALL.resolve(Spec({**SHAPES, "input": jax.ShapeDtypeStruct((64, 64, 3), jnp.float32)}))


@pytest.mark.slow
def test_eight_devices_equal_one(eight_devices_equal_one):
    eight_devices_equal_one(SMALL, pictures(8), tolerance=1e-5, modes=("jit", "pmap"))


@pytest.mark.slow
@pytest.mark.eight_devices
def test_eight_devices_fill_one_pool():
    """Over several steps, until pictures are swapped: the same places, the same pictures up to float order."""
    system, pools = with_gradient_descent(SMALL, 1e-5), []
    for devices in (1, 8):
        layout = Layout.create("jit", 8, devices)
        state = layout.place(beginning(system, pictures(8)))
        for number in range(3):
            batch = {name: value[None] for name, value in pictures(8, seed=number).items()}
            state, _ = parallel.run_step(system, system.plan(0), layout, state, {}, batch)
        parallel.assert_replicated(layout, state)
        pools.append(jax.device_get(layout.single(state.aux)))
    for name in ("pool_G", "pool_F"):
        assert pools[0][name].count == pools[1][name].count == 6
        np.testing.assert_allclose(pools[0][name].images, pools[1][name].images, atol=1e-4)
