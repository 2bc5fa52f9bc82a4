"""What every system is tested for: one training step, one device against eight, and samples."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxgan import rows
from jaxgan.training import diverging, parallel
from jaxgan.training.parallel import Layout, assert_replicated
from jaxgan.training.step import initial_state


def beginning(system, batch):
    """The state that training begins with; drawing it takes a third of the time to compile that a step takes."""
    return jax.jit(lambda: initial_state(system, 0, batch))()


def disturbed(start):
    """The same state with all parameters moved away from where they begin."""
    random = np.random.default_rng(0)
    networks = {
        name: network.replace(
            params=jax.tree.map(lambda p: p + np.float32(0.1 * random.normal(size=p.shape)), network.params)
        )
        for name, network in start.networks.items()
    }
    return start.replace(networks=networks)


def step_once(system, batch, devices: int, mode: str = "jit", steps: int = 1, start=None):
    """Train `system` on one minibatch repeatedly: (state before, state after, metrics of the last step), on the host.

    `batch` holds arrays [rows, ...]. `start` is the state before, by default that which training begins with.
    """
    on = Layout.create(mode, len(next(iter(batch.values()))), devices)
    start = beginning(system, batch) if start is None else start
    state, metrics = on.place(start), None
    for number in range(steps):
        plan = system.plan(number)
        count = system.minibatches(plan)
        stacked = {name: np.stack([batch[name]] * count) for name in system.reads}
        state, metrics = parallel.run_step(system, plan, on, state, system.frozen(), stacked)
    assert_replicated(on, state)
    still = statistics_that_stay(system, start, state, steps)
    assert not still, f"no phase returns the running statistics of {still}: their outcome lacks variables"
    merged = {name: float(value) for part in jax.device_get(metrics) for name, value in part.items()}
    return jax.device_get(start), jax.device_get(on.single(state)), merged


def statistics_that_stay(system, start, state, steps: int) -> list[str]:
    """The networks that these steps train, and whose running statistics are what they were."""
    trained = {name for number in range(steps) for p in system.phases() if p.moves_at(number) for name in p.trains}
    before, after = diverging.statistics_in(start), diverging.statistics_in(jax.device_get(state))
    same = {
        name: all(np.array_equal(a, b) for a, b in zip(*map(jax.tree.leaves, (before[name], after[name])), strict=True))
        for name in before
    }
    return [name for name in same if same[name] and name in trained]


def with_gradient_descent(system, learning_rate: float = 0.1):
    """The same system trained by plain gradient descent: Adam would hide gradients of the wrong scale."""
    kind = type(system)
    patched = dataclasses.dataclass(frozen=True)(
        type(kind.__name__, (kind,), {"optimizer": lambda self, network, slot: optax.sgd(learning_rate)})
    )
    return patched(**{f.name: getattr(system, f.name) for f in dataclasses.fields(system)})


def in_float64(system):
    """The same system, whose networks compute in float64, with parameters and losses in float32 as ever."""
    kind = type(system)

    def rounded(loss):
        def of(c):
            value, outcome = loss(c)
            return jax.tree.map(jnp.float32, value), outcome

        return of

    def phases(self):
        return tuple(dataclasses.replace(phase, loss=rounded(phase.loss)) for phase in kind.phases(self))

    members = {"dtype": property(lambda self: jnp.dtype("float64")), "phases": phases}
    patched = dataclasses.dataclass(frozen=True)(type(kind.__name__, (kind,), members))
    return patched(**{f.name: getattr(system, f.name) for f in dataclasses.fields(system)})


@pytest.fixture
def eight_devices_equal_one():
    """`check(system, batch)`: the update of one step agrees with one device's to `tolerance`, leaf by leaf.

    A leaf whose true gradient is 0 (a bias before a norm) moves by rounding errors alone: it may be off by the last digits of
    what its whole network moves by. Where a gradient is a sum that nearly cancels (the last bias of a discriminator with
    BatchNorm), or float32 goes through many layers, 1e-5 is as good as it gets; what is wrong is off by per cents.
    Networks that compute in float64 (`wide`) have no rounding error that moves a leaky ReLU near 0 to its other side, as deep
    ones of few features have at some starts; gradients are summed over the devices in float32 there, too.
    Under jit, and where `modes` says so under pmap, too: of most systems that says nothing new, the step is the same function.
    """

    def check(system, batch, tolerance=1e-6, modes=("jit",), wide=False):
        if wide:
            with jax.enable_x64(True):
                floats = {k: np.float64(v) if np.issubdtype(v.dtype, np.floating) else v for k, v in batch.items()}
                compare(in_float64(system), floats, tolerance, modes)
        else:
            compare(system, batch, tolerance, modes)

    def compare(system, batch, tolerance, modes):
        plain = with_gradient_descent(system)
        # Where the players begin, an undecided discriminator, gradients of real and fake cancel to rounding errors.
        start, one, _ = step_once(plain, batch, 1, start=disturbed(beginning(plain, batch)))
        for mode in modes:
            _, eight, _ = step_once(plain, batch, 8, mode, start=start)
            compared = 0
            totals = {
                name: np.sqrt(sum(np.sum((np.float64(a) - b) ** 2) for a, b in zip(
                    jax.tree.leaves(network.params), jax.tree.leaves(start.networks[name].params), strict=True
                )))
                for name, network in one.networks.items()
            }  # fmt: skip
            for (path, before), a, b in zip(
                jax.tree_util.tree_leaves_with_path(start.networks),
                jax.tree.leaves(one.networks),
                jax.tree.leaves(eight.networks),
                strict=True,
            ):
                moved = np.linalg.norm(np.float64(a) - before)
                if moved > 0:
                    compared += 1
                    # A float32 cannot hold a change more finely than its own last digit.
                    floor = np.linalg.norm(np.spacing(np.abs(np.float32(a))))
                    error = np.linalg.norm(np.float64(a) - b)
                    # What rounding leaves of a gradient that is 0 in truth; a leaf that moves more has no excuse.
                    noise = 4 * np.finfo(np.float32).eps * totals[path[0].key]
                    limit = tolerance * moved + floor + (noise if moved < noise else 0)
                    assert error < limit, (
                        f"{mode}: {jax.tree_util.keystr(path)} moves by {moved:.1e} on one device, and {error:.1e} otherwise "
                        f"on eight; the limit is {limit:.1e}, with tolerance={tolerance:g}. A mean over rows that is not "
                        "reduced over the devices (jaxgan.rows.mean), or noise that is not drawn row by row, would do that"
                    )
            assert compared > 4

    return check


@functools.partial(jax.jit, static_argnums=0)
def _sample(system, variables, inputs):
    return rows.solo(lambda: system.sample(variables, inputs, jax.random.key(0)))()


@pytest.fixture
def sampled():
    """`sampled(system, variables, inputs)`: samples with the axis of rows bound."""
    return lambda system, variables, inputs: np.asarray(_sample(system, variables, inputs))
