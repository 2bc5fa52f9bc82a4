"""The training step, written once, for one device, with the axis `rows.AXIS` bound. Knows nothing of any system.

A step walks the phases of its plan. Move r of every phase reads minibatch r. Keys are derived, never threaded: those of a
move are folded from the seed, the step, the name of the phase and the number of the move, so that a phase that is added
or skipped changes no other's noise.
"""

import zlib
from collections.abc import Callable, Collection
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxgan import rows
from jaxgan.training.rematerialize import after, in_pieces
from jaxgan.training.state import Context, Network, Outcome, TrainState
from jaxgan.training.system import Phase, System, transformation

Metrics = dict[str, jax.Array]

SHARED = b"/"
"""Stands for all phases where keys are folded; no phase is called so."""


def initial_state(system: System, seed: int, batch: dict[str, jax.Array]) -> TrainState:
    """The state before the first step, for a minibatch in the shapes of `batch`.

    Weak types are put away, or the second step would compile again.
    """
    _check_phases(system)
    # The axis of rows is bound, as in training: networks are initialised by the same code that will train them.
    variables, aux = rows.solo(lambda: _initial(system, seed, batch))()
    slots: dict[str, set[str]] = {name: set() for name in variables}
    for phase in system.phases():
        for name in phase.trains:
            if name not in variables:
                raise ValueError(f"phase {phase.name!r} trains {name!r}, but init_variables gives {sorted(variables)}")
            slots[name].add(phase.slot)
    networks = {}
    for name, collections in variables.items():
        rest = dict(collections)
        params = rest.pop("params")
        networks[name] = Network(
            params=params,
            variables=rest,
            opt={slot: transformation(system, name, slot).init(params) for slot in sorted(slots[name])},
            # A copy: the state is donated, and one buffer cannot be donated twice.
            ema=None if _decay(system, name, 0, 1) is None else jax.tree.map(jnp.copy, {"params": params, **rest}),
        )
    state = TrainState(step=jnp.int32(0), seed=jnp.uint32(seed), networks=networks, aux=aux)
    return jax.tree.map(_strong, state)


def fresh_state(
    system: System, seed: int, batch: Callable[[], dict[str, jax.Array]], known: Collection[str] = ()
) -> TrainState:
    """`initial_state(system, seed, batch())` as NumPy arrays, made on the CPU where JAX has it beside an accelerator.

    A run then begins with the same weights on CPU, GPU and TPU. It is a kernel for each leaf, run once: hardly optimised they
    are compiled in a quarter of the time, to the same bits. The networks whose variables are `known` come without them: drawing
    weights takes most of the time.
    """

    def make() -> TrainState:
        state = initial_state(system, seed, batch())
        left = {name: state.networks[name].replace(params=None, variables={}) for name in known}
        return state.replace(networks=state.networks | left)

    make = jax.jit(make)
    try:
        host = jax.local_devices(backend="cpu")[0]
    except RuntimeError:  # JAX_PLATFORMS leaves the CPU out
        return jax.tree.map(np.array, jax.block_until_ready(make()))
    with jax.default_device(host):
        made = make.lower().compile(compiler_options={"xla_backend_optimization_level": 1})()
    # First: where one of them found no memory, copying it would wait for ever, and no signal would end that.
    return jax.tree.map(np.array, jax.block_until_ready(made))


def with_pretrained(
    state: TrainState, pretrained: dict[str, dict[str, Any]], averages: dict[str, dict[str, Any]] | None = None
) -> TrainState:
    """`state` whose networks begin with these variables, `{network: {"params": ..., other collections}}`.

    Their moving averages begin with those of `averages`, or, where it has none, with the same variables.
    """
    networks = dict(state.networks)
    for name, variables in pretrained.items():
        network = networks[name]
        shapes = [jax.tree.map(jnp.shape, tree) for tree in (network.current, variables)]
        if shapes[0] != shapes[1]:
            raise ValueError(f"the pretrained variables of {name!r} have other shapes than the network")
        rest = dict(variables)
        params = rest.pop("params")
        ema = None if network.ema is None else jax.tree.map(np.copy, (averages or {}).get(name, variables))
        networks[name] = network.replace(params=params, variables=rest, ema=ema)
    return state.replace(networks=networks)


def _initial(system: System, seed: int, batch: dict[str, jax.Array]) -> tuple[dict[str, Any], dict[str, Any]]:
    variables = system.init_variables(jax.random.key(seed, impl="threefry2x32"), batch)
    return jax.tree.map(jnp.asarray, (variables, system.init_aux(variables, batch)))


def _strong(x) -> jax.Array:
    """`x` without a weak type."""
    return jax.lax.convert_element_type(x, jnp.asarray(x).dtype)


def _check_phases(system: System) -> None:
    names = [phase.name for phase in system.phases()]
    if any("/" in name for name in names):
        raise ValueError(
            f"{type(system).__name__}: a phase's name must not have a slash, {names}: metrics are named by it"
        )
    if len(set(names)) < len(names):
        raise ValueError(f"{type(system).__name__}: two phases share a name, {names}: their noise would be the same")


def _differentiate(
    system: System, phase: Phase, state: TrainState, frozen: dict, batch: dict, key: jax.Array, shared_key: jax.Array
) -> tuple[dict[str, Any], Metrics, Outcome]:
    """Gradients by network, losses by metric name, and the outcome, of one minibatch."""

    def losses(params):
        variables = {
            name: {"params": params.get(name, network.params), **network.variables}
            for name, network in state.networks.items()
        }
        context = Context({**variables, **frozen}, batch, key, state.aux, state.step, shared_key)
        loss, outcome = phase.loss(context)
        return (loss if isinstance(loss, dict) else {phase.trains: loss}), outcome

    if not phase.trains:
        _, outcome = losses({})
        return {}, {}, outcome

    function = in_pieces(losses, system.rematerialize) if system.rematerialize > 1 else losses
    values, pull_back, outcome = jax.vjp(
        function, {name: state.networks[name].params for name in phase.trains}, has_aux=True
    )
    if sorted(sum(values, ())) != sorted(phase.trains):
        raise ValueError(
            f"phase {phase.name!r} trains {phase.trains}, but its losses are for {list(values)}: "
            "each network must stand in exactly one group"
        )
    for group, value in values.items():
        if value.dtype != jnp.float32 or value.shape != ():
            raise TypeError(
                f"the loss of phase {phase.name!r} for {group} is {value.dtype}{list(value.shape)}: it must be "
                "a float32 scalar; cast the logits to float32 and take the mean over the rows"
            )
    gradients = {}
    for group in values:  # one pull-back per loss: each network follows its own
        seeds = {other: jnp.float32(other == group) for other in values}
        (pulled,) = pull_back(seeds)
        gradients |= {name: pulled[name] for name in group}
    single = len(values) == 1
    named = {("loss" if single else f"{'+'.join(group)}/loss"): value for group, value in values.items()}
    return gradients, named, outcome


def _merge(state: TrainState, outcome: Outcome, phase: str) -> TrainState:
    """`state` with what a loss changed. Merged, never replaced: other collections must not vanish."""
    networks = dict(state.networks)
    for name, changed in outcome.variables.items():
        if name not in networks or not set(changed) <= set(networks[name].variables):
            have = sorted(networks[name].variables) if name in networks else sorted(networks)
            raise ValueError(
                f"phase {phase!r} changes {sorted(changed)} of {name!r}; there is only {have}: init_variables "
                "must return every collection"
            )
        networks[name] = networks[name].replace(variables={**networks[name].variables, **changed})
    if not set(outcome.aux) <= set(state.aux):
        raise ValueError(f"phase {phase!r} changes aux {sorted(outcome.aux)}; there is only {sorted(state.aux)}")
    changed = jax.tree.map(_strong, state.replace(networks=networks, aux={**state.aux, **outcome.aux}))
    before, after = (jax.tree_util.tree_leaves_with_path((s.networks, s.aux)) for s in (state, changed))
    # A state that changed its shapes would compile again at every step, and could not be restored.
    for (path, old), (other, new) in zip(before, after, strict=False):
        if path != other or (old.shape, old.dtype) != (new.shape, new.dtype):
            raise ValueError(
                f"phase {phase!r} changes {jax.tree_util.keystr(path[1:])} from {old.dtype}{list(old.shape)} to "
                f"{new.dtype}{list(new.shape)}: what a loss returns must keep the shape and type of what it replaces"
            )
    return changed


def _move(
    system: System,
    phase: Phase,
    state: TrainState,
    frozen: dict,
    batches: dict,
    number: jax.Array,
    scan: bool,
) -> tuple[TrainState, Metrics]:
    """One update of the networks of a phase, from its minibatches [accumulated, rows, ...]."""
    count = system.accumulated()[phase.name]
    key = jax.random.fold_in(jax.random.key(state.seed, impl="threefry2x32"), state.step)
    keys = [
        jax.random.fold_in(jax.random.fold_in(key, zlib.crc32(name)), number) for name in (phase.name.encode(), SHARED)
    ]

    def minibatch(state, index, batch):
        part_keys = keys if count == 1 else [jax.random.fold_in(key, index) for key in keys]
        gradients, losses, outcome = _differentiate(system, phase, state, frozen, batch, *part_keys)
        if taken := set(losses) & set(outcome.metrics):
            raise ValueError(f"phase {phase.name!r} has a metric named {sorted(taken)[0]!r}: that is its loss's name")
        return _merge(state, outcome, phase.name), gradients, {**losses, **outcome.metrics}

    if count == 1:
        state, gradients, metrics = minibatch(state, 0, jax.tree.map(lambda x: x[0], batches))
    else:

        def accumulate(carry, indexed):
            state, total = carry
            # One minibatch at a time, where they are not in a loop either.
            params = after({name: network.params for name, network in state.networks.items()}, total)
            networks = {name: network.replace(params=params[name]) for name, network in state.networks.items()}
            state = state.replace(networks=networks)
            state, gradients, metrics = minibatch(state, *indexed)
            return (state, jax.tree.map(jnp.add, total, gradients)), metrics

        zeros = {name: jax.tree.map(jnp.zeros_like, state.networks[name].params) for name in phase.trains}
        (state, total), metrics = _repeat(accumulate, (state, zeros), batches, count, scan)
        gradients = jax.tree.map(lambda g: g / count, total)
        metrics = jax.tree.map(lambda m: m.mean(0), metrics)
    gradients, metrics = jax.lax.pmean((gradients, metrics), rows.AXIS)

    networks = dict(state.networks)
    for name in phase.trains:
        network = networks[name]
        updates, opt = transformation(system, name, phase.slot).update(
            gradients[name], network.opt[phase.slot], network.params
        )
        networks[name] = network.replace(
            params=optax.apply_updates(network.params, updates), opt={**network.opt, phase.slot: opt}
        )
        metrics[f"{name}/gradient_norm"] = optax.tree.norm(gradients[name])
    named = {f"{phase.name}/{name}": jnp.asarray(value, jnp.float32) for name, value in metrics.items()}
    return state.replace(networks=networks), named


def _repeat(body, carry, xs, count: int, scan: bool):
    """`lax.scan(body, carry, (arange, xs))`; unrolled unless `scan`.

    Inside a scan, XLA's CPU backend computes the weight gradient of a convolution 17 to 50 times slower.
    """
    if scan:
        return jax.lax.scan(body, carry, (jnp.arange(count), xs))
    outs = []
    for index in range(count):
        carry, out = body(carry, (jnp.int32(index), jax.tree.map(lambda x, i=index: x[i], xs)))
        outs.append(out)
    return carry, jax.tree.map(lambda *x: jnp.stack(x), *outs)


def take_turns(
    system: System,
    turns: tuple[tuple[str, int], ...],
    last: tuple[tuple[str, int], ...] | None,
    scan: bool,
    state: TrainState,
    frozen: dict[str, Any],
    batches: dict[str, jax.Array],
    first: jax.Array,
) -> tuple[TrainState, Metrics]:
    """A step, or a part of one.

    Args:
        system, turns, last, scan: static. `turns` are the phases to take and how many moves of each. `last` is the plan
            of the whole step when this part ends it (moving averages and the counter advance), else None.
        state: donated.
        frozen: variables of networks that nothing trains.
        batches: [minibatches, local rows, ...], beginning with the minibatch of the first move.
        first: number of the first move, int32: 0 but where a long phase is cut into parts.

    Returns:
        The new state, and each metric summed over the moves of its phase, float32.
    """
    metrics: Metrics = {}
    by_name, accumulated = {phase.name: phase for phase in system.phases()}, system.accumulated()
    for name, count in turns:
        phase = by_name[name]
        used = jax.tree.map(lambda x, n=count, a=accumulated[name]: x[: n * a].reshape(n, a, *x.shape[1:]), batches)

        def body(state, indexed, phase=phase):
            index, batch = indexed
            return _move(system, phase, state, frozen, batch, first + index, scan)

        state, moved = _repeat(body, state, used, count, scan and count > 1)
        metrics |= jax.tree.map(lambda m: m.sum(0), moved)
    if last is None:
        return state, metrics

    images = jax.tree.leaves(batches)[0].shape[1] * jax.lax.axis_size(rows.AXIS) * system.accumulate
    networks = dict(state.networks)
    # In the order of the phases: a set's order would differ from process to process, and with it the compiled program.
    for name in dict.fromkeys(name for phase, _ in last for name in by_name[phase].trains):
        network = networks[name]
        if network.ema is not None:
            decay = _decay(system, name, state.step, images)
            averaged = _average(network.ema, network.current, decay)
            copied = {kind: network.variables[kind] for kind in system.copied if kind in network.variables}
            networks[name] = network.replace(ema=averaged | copied)
    return state.replace(step=state.step + 1, networks=networks), metrics


def _decay(system: System, network: str, step: int | jax.Array, images: int) -> float | jax.Array | None:
    """Of the moving average of a network, at a step of so many examples; None where there is none."""
    half_life = system.ema_half_life(network, step * images)
    return system.ema_decay(network, step) if half_life is None else 0.5 ** (images / jnp.maximum(half_life, 1e-8))


def _average(ema, current, decay):
    """`decay ema + (1 - decay) current`; what is not floating point (counters) is copied."""

    def leaf(average, value):
        if not jnp.issubdtype(value.dtype, jnp.floating):
            return value
        return average + (1 - jnp.asarray(decay, average.dtype)) * (value - average)

    return jax.tree.map(leaf, ema, current)


def window(
    system: System,
    plan: tuple[tuple[str, int], ...],
    state: TrainState,
    frozen: dict[str, Any],
    batches: dict[str, jax.Array],
) -> tuple[TrainState, Metrics]:
    """Several steps of one plan, fused: `batches` is [steps, minibatches, local rows, ...]; metrics are [steps]."""

    def one(state, batch):
        return take_turns(system, plan, plan, True, state, frozen, batch, jnp.int32(0))

    return jax.lax.scan(one, state, batches)
