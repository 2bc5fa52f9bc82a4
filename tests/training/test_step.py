"""The engine: one device against eight, compile counts, accumulation, fused windows, losses by group."""

import dataclasses

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxgan import rows
from jaxgan.errors import UserError
from jaxgan.training import parallel, step
from jaxgan.training.parallel import Layout, assert_replicated
from jaxgan.training.phase import Phase, every
from jaxgan.training.state import Context, Outcome
from jaxgan.training.system import Schedule, transformation
from tests.training.toys import DIM, Deterministic, Pairs, Toy, minibatches

EXAMPLE = {"image": jnp.zeros((2, DIM))}


def layout(devices: int = 1, mode: str = "jit", scan: bool = False) -> Layout:
    return dataclasses.replace(Layout.create(mode, 16, devices), scan=scan)


@pytest.fixture
def compiled():
    """A list that grows with every program that JAX compiles."""
    events = []

    def listen(event, duration, **_):
        if event.endswith("backend_compile_duration"):
            events.append(duration)

    jax.monitoring.register_event_duration_secs_listener(listen)
    yield events
    jax.monitoring.unregister_event_duration_listener(listen)


def train(system, batches, on, start=None):
    """Run one step per entry of `batches`; the state on the host and the metrics."""
    state = on.place(step.initial_state(system, 0, EXAMPLE) if start is None else start)
    first, metrics = int(np.ravel(jax.device_get(state.step))[0]), []
    for number, batch in enumerate(batches, first):
        state, parts = parallel.run_step(system, system.plan(number), on, state, {}, batch)
        metrics.append(parts)
    assert_replicated(on, state)
    return jax.device_get(on.single(state)), jax.device_get(metrics)


def relative_errors(state, reference, start):
    """Per leaf: |state - reference| relative to how far the reference moved from the start."""
    pairs = zip(*(jax.tree.leaves((s.networks, s.aux)) for s in (state, reference, start)), strict=True)
    return [
        np.linalg.norm(np.asarray(a, np.float64) - b) / max(np.linalg.norm(np.asarray(b, np.float64) - c), 1e-30)
        for a, b, c in pairs
        if not np.array_equal(b, c)
    ]


@pytest.mark.parametrize("mode", ["jit", pytest.param("pmap", marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "system", [Toy(critic_moves=2), pytest.param(Pairs(), marks=pytest.mark.slow)], ids=["toy", "pairs"]
)
@pytest.mark.eight_devices
def test_eight_devices_equal_one(mode, system):
    batches = minibatches(4, 2)
    start = jax.device_get(step.initial_state(system, 0, EXAMPLE))
    one, _ = train(system, batches, layout(1, mode))
    eight, _ = train(system, batches, layout(8, mode))
    errors = relative_errors(eight, one, start)
    assert len(errors) > 5
    assert max(errors) < 2e-6 * 4  # four steps


@pytest.mark.eight_devices
def test_pmap_equals_jit():
    batches = minibatches(3)
    chex.assert_trees_all_close(
        train(Toy(), batches, layout(8, "pmap"))[0], train(Toy(), batches, layout(8))[0], rtol=1e-6
    )


@pytest.mark.parametrize("mode", ["jit", "pmap"])
@pytest.mark.parametrize("devices", [1, 8])
@pytest.mark.eight_devices
def test_the_state_is_a_fixpoint_and_steps_compile_once(mode, devices, compiled):
    system, on = Toy(latent_dim=5 + devices), layout(devices, mode)
    placed = on.place(step.initial_state(system, 0, EXAMPLE))
    before = jax.tree.map(lambda x: (x.shape, x.dtype, x.weak_type, x.sharding), placed)
    batches = minibatches(3)
    state, _ = parallel.run_step(system, system.plan(0), on, placed, {}, batches[0])
    assert compiled
    compiled.clear()
    for batch in batches[1:]:
        state, _ = parallel.run_step(system, system.plan(0), on, state, {}, batch)
    assert not compiled
    after = jax.tree.map(lambda x: (x.shape, x.dtype, x.weak_type, x.sharding), state)
    chex.assert_trees_all_equal_structs(placed, state)
    mismatched = [
        (a, b) for a, b in zip(jax.tree.leaves(before), jax.tree.leaves(after), strict=True) if str(a) != str(b)
    ]
    assert not mismatched


@pytest.mark.eight_devices
def test_an_unreduced_mean_is_caught():
    class Wrong(Pairs):
        def lag(self, c):
            return None, Outcome(aux={"copy": jax.tree.map(lambda x: x + c.batch["image"].mean(), c.aux["copy"])})

    with pytest.raises(AssertionError, match=r"copy.*jaxgan\.rows\.mean"):
        train(Wrong(), minibatches(1), layout(8))


@pytest.mark.eight_devices
def test_accumulation_equals_the_large_batch():
    small = minibatches(3, count=4, size=16)
    large = [{"image": b["image"].reshape(1, 64, DIM)} for b in small]
    accumulated, _ = train(Deterministic(accumulate=4), small, layout(8))
    whole, _ = train(Deterministic(), large, layout(8))
    start = jax.device_get(step.initial_state(Deterministic(), 0, EXAMPLE))
    assert max(relative_errors(accumulated, whole, start)) < 1e-5
    scanned, _ = train(Deterministic(accumulate=4), small, layout(8, scan=True))
    assert max(relative_errors(scanned, accumulated, start)) < 1e-5


@pytest.mark.parametrize("mode", ["jit", "pmap"])
@pytest.mark.eight_devices
def test_fused_steps_equal_single_ones(mode):
    system, batches = Toy(critic_moves=2), minibatches(6, 2)
    single, metrics = train(system, batches, layout(8, mode))
    on = layout(8, mode, scan=True)
    stacked = {"image": np.stack([b["image"] for b in batches])}
    state, fused = parallel.run_window(
        system, system.plan(0), on, on.place(step.initial_state(system, 0, EXAMPLE)), {}, stacked
    )
    start = jax.device_get(step.initial_state(system, 0, EXAMPLE))
    assert max(relative_errors(jax.device_get(on.single(state)), single, start)) < 6e-6
    np.testing.assert_allclose(fused["generator/loss"], [parts[0]["generator/loss"] for parts in metrics], rtol=1e-5)


@pytest.mark.slow
def test_many_moves_run_in_parts_and_equal_one_program(monkeypatch):
    system, batches = Toy(critic_moves=23), minibatches(2, 23)
    cut, metrics = train(system, batches, layout(1))
    assert len(metrics[0]) == 4  # 10 + 10 + 3 critic moves, and the generator
    whole, _ = train(system, batches, layout(1, scan=True))
    start = jax.device_get(step.initial_state(system, 0, EXAMPLE))
    assert max(relative_errors(cut, whole, start)) < 3e-5
    assert int(cut.step) == 2


def test_each_network_follows_the_gradient_of_its_own_loss():
    system, (batch,) = Pairs(), minibatches(1)
    start = step.initial_state(system, 0, EXAMPLE)
    end, _ = train(system, [batch], layout(1))
    rest = {"image": jnp.asarray(batch["image"][0])}

    def alone(name, group):
        def loss(params):
            variables = {n: net.current for n, net in start.networks.items()} | {name: {"params": params}}
            context = Context(variables, rest, jax.random.key(0), start.aux, start.step)
            return rows.solo(lambda: system.losses(context)[0][group])()

        return jax.jit(jax.grad(loss))(start.networks[name].params)

    for name in ("G", "F"):  # D is also moved by the penalty
        expected = jax.tree.map(lambda p, g: p - 1e-2 * g, start.networks[name].params, alone(name, ("G", "F")))
        chex.assert_trees_all_close(end.networks[name].params, expected, rtol=1e-5, atol=1e-7)


def test_moving_average_and_schedule_of_moves():
    system = Pairs()
    assert [dict(system.plan(s)) for s in range(3)] == [
        {"all": 1, "penalty": 1, "lag": 1},
        {"all": 1},
        {"all": 1, "lag": 1},
    ]
    state, metrics = train(system, minibatches(5), layout(1))
    assert int(state.aux["calls"]) == 3
    assert "penalty/loss" in metrics[3][0]
    assert "penalty/loss" not in metrics[4][0]
    start = step.initial_state(system, 0, EXAMPLE)
    first, _ = train(system, minibatches(1), layout(1))
    expected = jax.tree.map(lambda e, p: 0.9 * e + 0.1 * p, start.networks["G"].params, first.networks["G"].params)
    chex.assert_trees_all_close(first.networks["G"].ema["params"], expected, rtol=1e-6)
    assert first.networks["D"].ema is None


def test_weak_types_and_steps_without_moves():
    class Lazy(Pairs):
        def phases(self):
            return (Phase("lag", (), self.weak, every(2)),)

        def weak(self, c):
            return None, Outcome(aux={"calls": jnp.where(c.aux["calls"] > 0, 7, 3)})  # of a weak type

    state, metrics = train(Lazy(), minibatches(4), layout(1))
    assert int(state.step) == 4
    assert int(state.aux["calls"]) == 7
    assert metrics[1] == [{}]


@pytest.mark.eight_devices
def test_resumed_on_another_number_of_devices():
    batches = minibatches(6)
    half, _ = train(Pairs(), batches[:3], layout(8))
    resumed, _ = train(Pairs(), batches[3:], layout(2), start=half)
    straight, _ = train(Pairs(), batches, layout(1))
    start = jax.device_get(step.initial_state(Pairs(), 0, EXAMPLE))
    assert max(relative_errors(resumed, straight, start)) < 1e-5


def test_seed_decides_everything():
    def digest(seed):
        state = step.initial_state(Toy(), seed, EXAMPLE)
        return jax.device_get(train(Toy(), minibatches(2), layout(1), start=state)[0])

    chex.assert_trees_all_equal(digest(3), digest(3))
    different = jax.tree.map(
        lambda a, b: np.array_equal(a, b), digest(3).networks["G"].params, digest(4).networks["G"].params
    )
    assert not all(jax.tree.leaves(different))


def test_equal_numbers_of_other_types_are_one_system():
    assert Toy(gradient_clip=1) == Toy(gradient_clip=1.0)
    assert isinstance(Toy(gradient_clip=1).gradient_clip, float)
    assert isinstance(Toy(latent_dim=4).latent_dim, int)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"latent_dim": 0}, r"Toy\.latent_dim is 0: it must be a whole number of at least 1"),
        ({"latent_dim": 2.5}, r"Toy\.latent_dim is 2\.5: it must be a whole number"),
        ({"momentum": -0.5}, r"Toy\.momentum is -0\.5: it must be a number of at least 0"),
        ({"momentum": float("nan")}, r"Toy\.momentum is nan"),
        ({"gradient_clip": "much"}, r"Toy\.gradient_clip is 'much': it must be a number"),
        ({"precision": "bfloat61"}, r"one of float32, bfloat16; did you mean bfloat16"),
    ],
)
def test_hyper_parameters_that_make_no_sense(values, sentence):
    with pytest.raises(UserError, match=sentence):
        Toy(**values)


@pytest.mark.parametrize(
    ("schedule", "at"),
    [
        (Schedule(), {0: 1.0, 10**6: 1.0}),
        (Schedule(hold=10, decay=10), {0: 1.0, 10: 1.0, 15: 0.5, 20: 0.0, 99: 0.0}),
        (Schedule(warmup=4), {0: 0.0, 1: 0.25, 4: 1.0, 100: 1.0}),
        (Schedule(warmup=4, decay=10, shape="cosine"), {2: 0.5, 4: 1.0, 9: 0.5, 14: 0.0, 50: 0.0}),
    ],
)
def test_schedules(schedule, at):
    factor = schedule.factor() or optax.constant_schedule(1.0)
    for count, expected in at.items():
        assert float(factor(count)) == pytest.approx(expected, abs=1e-6)


def test_clipping_and_schedule_wrap_the_optimiser():
    params = {"w": jnp.zeros(2)}
    plain = transformation(Toy(), "G", "main")
    clipped = transformation(Toy(gradient_clip=1.0, schedule=Schedule(decay=2)), "G", "main")
    gradient = {"w": jnp.array([3.0, 4.0])}
    update, opt = clipped.update(gradient, clipped.init(params), params)
    np.testing.assert_allclose(update["w"], -1e-2 * np.array([0.6, 0.8]), rtol=1e-6)
    update, _ = clipped.update(gradient, opt, params)
    np.testing.assert_allclose(update["w"], -0.5e-2 * np.array([0.6, 0.8]), rtol=1e-6)
    update, _ = plain.update(gradient, plain.init(params), params)
    np.testing.assert_allclose(update["w"], [-3e-2, -4e-2], rtol=1e-6)


class TestMistakesOfAnAuthor:
    """What someone who writes a system may get wrong is said by name, not found in a wrong picture."""

    def attempt(self, system):
        train(system, minibatches(1), layout(1))

    def test_bfloat16_loss(self):
        class Half(Toy):
            def generator_loss(self, c):
                return jnp.bfloat16(0), Outcome()

        with pytest.raises(TypeError, match=r"'generator'.*float32"):
            self.attempt(Half())

    def test_unknown_collection(self):
        class Lost(Toy):
            def generator_loss(self, c):
                return jnp.float32(0), Outcome(variables={"D": {"batch_stats": {}}})

        with pytest.raises(ValueError, match=r"changes .*batch_stats.* of 'D'"):
            self.attempt(Lost())

    def test_a_state_that_changes_its_type(self):
        class Widening(Pairs):
            def lag(self, c):
                return None, Outcome(aux={"calls": c.aux["calls"] + 0.5})

        with pytest.raises(ValueError, match=r"phase 'lag' changes .*calls.* from int32\[\] to float32\[\]"):
            self.attempt(Widening())

    def test_a_metric_with_the_name_of_the_loss(self):
        class Taken(Toy):
            def generator_loss(self, c):
                return jnp.float32(0), Outcome(metrics={"loss": jnp.float32(1)})

        with pytest.raises(ValueError, match="metric named 'loss'"):
            self.attempt(Taken())

    def test_groups_that_do_not_cover(self):
        class Partial(Pairs):
            def losses(self, c):
                return {("G",): jnp.float32(0)}, Outcome()

        with pytest.raises(ValueError, match="each network must stand in exactly one group"):
            self.attempt(Partial())

    def test_two_phases_of_one_name(self):
        class Twice(Toy):
            def phases(self):
                return (Phase("a", ("D",), self.discriminator_loss), Phase("a", ("G",), self.generator_loss))

        with pytest.raises(ValueError, match="share a name"):
            self.attempt(Twice())

    def test_unknown_network(self):
        class Ghost(Toy):
            def phases(self):
                return (Phase("a", ("X",), self.discriminator_loss, every(2)),)

        with pytest.raises(ValueError, match="trains 'X'"):
            self.attempt(Ghost())


@pytest.mark.eight_devices
def test_a_batch_that_the_devices_do_not_divide():
    with pytest.raises(UserError, match=r"batch of 12 .* 8 devices.*--batch-size 16"):
        Layout.create("jit", 12, 8)
