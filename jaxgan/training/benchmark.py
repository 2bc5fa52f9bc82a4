"""What a training step costs: time to compile, seconds, FLOPs and memory. The figures of `jaxgan bench`."""

import collections
import functools
import math
import statistics
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend import core
from jax.interpreters import partial_eval

from jaxgan import workdir
from jaxgan.data import Batches
from jaxgan.experiment import Experiment
from jaxgan.rows import AXIS
from jaxgan.training import parallel
from jaxgan.training.step import fresh_state, take_turns
from jaxgan.training.system import System

WINDOWS = 5
"""Measured windows; their median is reported, since machines are noisy."""
WINDOW_SECONDS = 1.0
"""About how long a window is."""


def measure(experiment: Experiment) -> dict[str, Any]:
    """Compile and run the training step of an experiment, on its own data and devices.

    The step is `usual_plan`'s.

    Returns:
        compile_seconds: tracing, lowering and compiling one step (its first part, where it runs in parts), not fused.
        step_seconds: median over windows, blocked until ready; the data is read before.
        examples_per_second: rows of the global batch per second of steps.
        data_examples_per_second: rows per second that the input pipeline delivers, after its first epoch or second.
        flops_per_step: multiplications and additions of the convolutions and matrix products, counted from their shapes:
            a compiler's own count takes a loop for one turn, and a convolution for what it was recast to.
        flops_per_second: their ratio.
        peak_bytes: arguments, results and temporaries of that compiled step on one device; None where unknown.
        batch_size, precision, devices, platform, parallel, versions: what was measured.
    """
    layout = parallel.Layout.create(experiment.parallel, experiment.batch_size, experiment.devices)
    with Batches(experiment.data, batch_size=experiment.batch_size, seed=experiment.seed) as batches:
        record = workdir.describe(experiment, batches.spec)
        system = record.system
        plan = usual_plan(system, experiment.steps)
        needed = system.minibatches(plan)
        taken = [next(batches) for _ in range(needed)]
        delivered = _delivery(batches, experiment.batch_size)
    batch = {name: np.stack([b[name] for b in taken]) for name in system.reads}
    start = fresh_state(system, experiment.seed, lambda: record.zeros(2))
    state, frozen = layout.place(start), layout.replicate(system.frozen())

    compiled, compile_seconds = _compiled(system, plan, layout, state, frozen, batch)
    fused = experiment.fuse if layout.scan else 1
    if fused > 1:
        stacked = {name: np.stack([value] * fused) for name, value in batch.items()}
        run = functools.partial(parallel.run_window, system, plan, layout)
    else:
        stacked, run = batch, functools.partial(parallel.run_step, system, plan, layout)
    step_seconds = _seconds(lambda state: run(state, frozen, stacked)[0], state) / fused
    flops = step_flops(system, plan, start, system.frozen(), batch)
    return {
        "system": workdir.system_name(system),
        "compile_seconds": compile_seconds,
        "step_seconds": step_seconds,
        "examples_per_second": experiment.batch_size / step_seconds,
        "data_examples_per_second": delivered,
        "flops_per_step": flops,
        "flops_per_second": flops / step_seconds,
        "peak_bytes": program_bytes(compiled),
        "batch_size": experiment.batch_size,
        "precision": system.precision,
        "fused_steps": fused,
        "devices": len(layout.devices),
        "platform": layout.devices[0].device_kind,
        "parallel": layout.mode,
        "versions": workdir.versions(),
    }


def _compiled(
    system: System, plan: parallel.Turns, layout: parallel.Layout, state: Any, frozen: Any, batch: dict[str, np.ndarray]
) -> tuple[Any, float]:
    """The program of a step, or of its first part where it runs in parts, and the seconds that it took to make."""
    began = time.perf_counter()
    turns, first, ended = next(iter(parallel.parts(system, plan, layout)))
    function = parallel.compiled_turns(system, turns, ended, layout)
    used = layout.put({name: value[: _reads(system, turns)] for name, value in batch.items()})
    compiled = function.lower(state, frozen, used, jnp.int32(first)).compile()
    return compiled, time.perf_counter() - began


def _seconds(call: Callable[[Any], Any], state: Any) -> float:
    """Of one call from state to state: the median over windows of about `WINDOW_SECONDS`, blocked until ready."""

    def window(state: Any, count: int) -> tuple[Any, float]:
        began = time.perf_counter()
        for _ in range(count):
            state = call(state)
        state = jax.block_until_ready(state)
        return state, (time.perf_counter() - began) / count

    state, _ = window(state, 1)  # the first call compiles again, and later ones do not
    state, once = window(state, 2)
    calls, seconds = max(1, round(WINDOW_SECONDS / once)), []
    for _ in range(WINDOWS):
        state, one = window(state, calls)
        seconds.append(one)
    return statistics.median(seconds)


def usual_plan(system: System, steps: int) -> parallel.Turns:
    """The most frequent plan of the last thousand steps.

    A system whose critic moves more often at first, or that has a stage before, is measured as it runs later.
    """
    last = range(max(steps - 1000, 0), max(steps, 1))
    return collections.Counter(system.plan(step) for step in last).most_common(1)[0][0]


def _reads(system: System, turns: parallel.Turns) -> int:
    accumulate = system.accumulated()
    return max(count * accumulate[name] for name, count in turns)


def _delivery(batches: Batches, batch_size: int) -> float:
    """Rows per second of the input pipeline alone, from its second epoch on where that comes within five seconds."""
    began = time.perf_counter()
    for _ in range(math.ceil(batches.spec.count / batch_size)):
        next(batches)
        if time.perf_counter() - began > 5:
            break
    began, count = time.perf_counter(), 0
    while time.perf_counter() - began < 1:
        next(batches)
        count += 1
    return count * batch_size / (time.perf_counter() - began)


def program_bytes(compiled: jax.stages.Compiled) -> int | None:
    """Arguments, results and temporaries of a compiled program, together; None where unknown."""
    analysis = compiled.memory_analysis()
    if analysis is None:
        return None
    return int(
        analysis.argument_size_in_bytes
        + analysis.output_size_in_bytes
        + analysis.temp_size_in_bytes
        - analysis.alias_size_in_bytes
    )


def step_flops(system: System, plan: parallel.Turns, state, frozen, batch: dict[str, np.ndarray]) -> int:
    """FLOPs of the convolutions and matrix products of one step on the whole global batch [minibatches, rows, ...]."""
    return count_flops(needed_jaxpr(system, plan, state, frozen, batch))


def needed_jaxpr(
    system: System, plan: parallel.Turns, state: Any, frozen: Any, batch: dict[str, Any], devices: int = 1
) -> core.Jaxpr:
    """One step on [minibatches, rows of a device, ...], traced for one of so many devices.

    Without what no result depends on: the discriminator's kernel gradients in the generator's turn, for one.
    """
    step = functools.partial(take_turns, system, plan, plan, True)
    traced = jax.make_jaxpr(step, axis_env=[(AXIS, devices)])(state, frozen, batch, jnp.int32(0))
    needed, _ = partial_eval.dce_jaxpr(traced.jaxpr, [True] * len(traced.jaxpr.outvars))
    return needed


def count_flops(jaxpr: core.Jaxpr) -> int:
    """FLOPs of the convolutions and matrix products of a jaxpr: two for each multiplication that has an effect.

    Of a convolution over an input that is spread out with zeros only the products with what is not a zero count. Of a
    branch the larger side counts, and of forms for several platforms the plain one; of a loop of unknown length one turn.
    """
    total, platforms = 0, set()
    for equation in jaxpr.eqns:
        name, params = equation.primitive.name, equation.params
        if name == "conv_general_dilated":
            kernel = equation.invars[1].aval.shape
            out_features = kernel[params["dimension_numbers"].rhs_spec[0]]
            products = equation.outvars[0].aval.size * (math.prod(kernel) // out_features)
            total += 2 * products // math.prod(params["lhs_dilation"]) // params["batch_group_count"]
        elif name == "dot_general":
            (contracted, _), _ = params["dimension_numbers"]
            left = equation.invars[0].aval.shape
            total += 2 * equation.outvars[0].aval.size * math.prod(left[axis] for axis in contracted)
        elif name == "platform_index":
            platforms.add(equation.outvars[0])
        elif name == "cond" and equation.invars[0] in platforms:
            total += count_flops(params["branches"][-1].jaxpr)
        elif name == "cond":
            total += max(count_flops(branch.jaxpr) for branch in params["branches"])
        else:
            times = params["length"] if name == "scan" else 1
            total += times * sum(count_flops(inner) for inner in inner_jaxprs(params))
    return total


def inner_jaxprs(params: dict[str, Any]):
    """The jaxprs among an equation's parameters (calls, loops, custom derivatives)."""
    for value in params.values():
        for item in value if isinstance(value, tuple | list) else [value]:
            if isinstance(item, core.ClosedJaxpr):
                yield item.jaxpr
            elif isinstance(item, core.Jaxpr):
                yield item
