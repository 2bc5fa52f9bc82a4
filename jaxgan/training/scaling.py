"""What a training step would cost on many devices, on paper: the figures of `jaxgan bench --plan`.

Data parallel: every device holds the whole state and a share of the rows, and what is reduced over the devices is counted in
the traced step. A ring all-reduce of S bytes over N devices sends 2 S (N - 1) / N from each; what gathers rows from all sends
(N - 1) / N of the result.
"""

import dataclasses
import functools
import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend import core

from jaxgan import workdir
from jaxgan.data import Batches
from jaxgan.experiment import Experiment
from jaxgan.rows import AXIS
from jaxgan.training import parallel
from jaxgan.training.benchmark import count_flops, inner_jaxprs, needed_jaxpr, usual_plan
from jaxgan.training.state import TrainState
from jaxgan.training.step import initial_state

UTILISATION = 0.4
"""Of an accelerator's peak, what a training step of convolutions is assumed to reach."""


@dataclasses.dataclass(frozen=True)
class Accelerator:
    """What is assumed of an accelerator.

    Attributes:
        name: as its maker calls it.
        flops: peak of bfloat16 products without sparsity, per second.
        island: how many are joined by the fast links.
        inside: bytes per second that one of them can send over these.
        outside: bytes per second that one can send beyond.
        source: where the figures are from.
    """

    name: str
    flops: float
    island: int
    inside: float
    outside: float
    source: str

    def seconds_to_send(self, sent: float, devices: int) -> float:
        """Of bytes that every one of so many devices sends: by the slowest link on the way."""
        return sent / (self.inside if devices <= self.island else self.outside)


ACCELERATORS = (
    Accelerator(
        "TPU v5e",
        197e12,
        256,
        200e9,
        3.1e9,
        "cloud.google.com/tpu/docs/v5e: 197 TFLOP/s, 1,600 Gbit/s between chips, 6.4 Tbit/s from a pod of 256",
    ),
    Accelerator(
        "H200",
        989e12,
        8,
        450e9,
        50e9,
        "NVIDIA's data sheets of the H200 (989 TFLOP/s, NVLink 900 GB/s both ways) and DGX H200 (400 Gbit/s for each GPU)",
    ),
)


def plan(experiment: Experiment, devices: Sequence[int]) -> list[dict[str, Any]]:
    """For each number of devices what its most frequent step would cost, if the global batch is divided among them.

    Returns:
        devices, rows: rows of a device: the batch over the devices; where it has fewer rows than devices, one.
        batch_size: rows of all devices.
        flops: of one device in one step.
        parameter_bytes, optimiser_bytes, other_bytes: of the state on one device; other are averages, statistics, pools.
        activation_bytes: temporaries of the step, compiled for these rows on this machine's backend.
        reduced_bytes, gathered_bytes: what is summed over the devices, and what is gathered from them, in one step.
        accelerators: of each, by its name, `compute_seconds` at `UTILISATION` of its peak, `communication_seconds`, and
            `rows_to_hide`: from how many rows of a device on the former is longer; None where it never is, because what is
            gathered grows with the rows, too.
    """
    with Batches(experiment.data, batch_size=2, seed=experiment.seed) as batches:
        record = workdir.describe(experiment, batches.spec)
        examples = next(batches)
    system, turns = record.system, usual_plan(record.system, experiment.steps)
    start = jax.eval_shape(lambda: initial_state(system, experiment.seed, record.zeros(2)))
    frozen = system.frozen()
    minibatches = system.minibatches(turns)
    found, temporaries = [], {}
    for count in devices:
        rows = max(1, experiment.batch_size // count)

        def batch(number, rows=rows):
            return {
                name: jax.ShapeDtypeStruct((number, rows, *examples[name].shape[1:]), examples[name].dtype)
                for name in system.reads
            }

        if rows not in temporaries:
            temporaries[rows] = _temporaries(system, turns, start, frozen, batch)
        jaxpr = needed_jaxpr(system, turns, start, frozen, batch(minibatches), count)
        reduced, gathered = count_exchanged(jaxpr)
        flops = count_flops(jaxpr)
        found.append(
            {
                "devices": count,
                "rows": rows,
                "batch_size": rows * count,
                "flops": flops,
                **state_bytes(start),
                "activation_bytes": temporaries[rows],
                "reduced_bytes": reduced,
                "gathered_bytes": gathered,
                "accelerators": {chip.name: _on(chip, flops, rows, reduced, gathered, count) for chip in ACCELERATORS},
            }
        )
    return found


def _on(chip: Accelerator, flops: int, rows: int, reduced: int, gathered: int, count: int) -> dict[str, Any]:
    reducing, gathering = (chip.seconds_to_send(b * (count - 1) / count, count) for b in (2 * reduced, gathered))
    compute = flops / (UTILISATION * chip.flops)
    spare = (compute - gathering) / rows  # of each row, for the sums
    return {
        "compute_seconds": compute,
        "communication_seconds": reducing + gathering,
        "rows_to_hide": math.ceil(reducing / spare) if spare > 0 else None,
    }


def state_bytes(state: TrainState) -> dict[str, int]:
    """Bytes of the parameters, of the optimisers' states, and of the rest."""

    def size(tree: Any) -> int:
        return sum(map(_bytes, jax.tree.leaves(tree)))

    networks = state.networks.values()
    parameters, optimisers = size([n.params for n in networks]), size([n.opt for n in networks])
    return {
        "parameter_bytes": parameters,
        "optimiser_bytes": optimisers,
        "other_bytes": size(state) - parameters - optimisers,
    }


def _bytes(array: Any) -> int:
    return array.size * array.dtype.itemsize


def count_exchanged(jaxpr: core.Jaxpr) -> tuple[int, int]:
    """Bytes that a traced step sums over the devices, and bytes of what it gathers from all of them."""
    reduced = gathered = 0
    for equation in jaxpr.eqns:
        name, params = equation.primitive.name, equation.params
        axes = params.get("axes", params.get("axis_name", ()))
        if AXIS in (axes if isinstance(axes, tuple) else (axes,)):
            if name in ("psum", "pmax", "pmin"):
                reduced += sum(_bytes(variable.aval) for variable in equation.invars)
            elif name == "all_gather":
                gathered += sum(_bytes(variable.aval) for variable in equation.outvars)
        if name == "cond":
            sides = [count_exchanged(branch.jaxpr) for branch in params["branches"]]
            parts = [tuple(max(side) for side in zip(*sides, strict=True))]
        else:
            parts = [count_exchanged(inner) for inner in inner_jaxprs(params)]
        times = params["length"] if name == "scan" else 1
        reduced += times * sum(part[0] for part in parts)
        gathered += times * sum(part[1] for part in parts)
    return reduced, gathered


def _temporaries(system, turns, state, frozen, rows_of) -> int | None:
    layout = parallel.Layout.create("jit", 1, 1)
    accumulate = system.accumulated()
    total = 0
    for part, first, ended in parallel.parts(system, turns, layout):
        count = max((count * accumulate[name] for name, count in part), default=0)
        function = parallel.compiled_turns(system, part, ended, layout)
        analysis = function.lower(state, frozen, rows_of(count), jnp.int32(first)).compile().memory_analysis()
        if analysis is None:
            return None
        total = max(total, int(analysis.temp_size_in_bytes))
    return total


def table(found: Sequence[dict[str, Any]]) -> str:
    """`plan` for people: a column for each number of devices."""

    def mebibytes(value: int | None) -> str:
        return "unknown" if value is None else f"{value / 2**20:,.1f} MiB"

    lines = {
        "devices": lambda f: f"{f['devices']:,}",
        "rows of each": lambda f: f"{f['rows']:,}",
        "global batch": lambda f: f"{f['batch_size']:,}",
        "GFLOP of each": lambda f: f"{f['flops'] / 1e9:,.1f}",
        "parameters": lambda f: mebibytes(f["parameter_bytes"]),
        "optimisers": lambda f: mebibytes(f["optimiser_bytes"]),
        "averages, statistics": lambda f: mebibytes(f["other_bytes"]),
        "activations": lambda f: mebibytes(f["activation_bytes"]),
        "summed over devices": lambda f: mebibytes(f["reduced_bytes"]),
        "gathered from them": lambda f: mebibytes(f["gathered_bytes"]),
    }
    for chip in ACCELERATORS:
        of = functools.partial(lambda name, f: f["accelerators"][name], chip.name)
        lines |= {
            f"{chip.name}: compute": lambda f, of=of: f"{of(f)['compute_seconds'] * 1e3:,.3f} ms",
            f"{chip.name}: exchange": lambda f, of=of: f"{of(f)['communication_seconds'] * 1e3:,.3f} ms",
            f"{chip.name}: hidden from rows": lambda f, of=of: (
                "never" if of(f)["rows_to_hide"] is None else f"{of(f)['rows_to_hide']:,}"
            ),
        }
    written = [f"{name:28}" + "".join(f"{show(f):>16}" for f in found) for name, show in lines.items()]
    assumed = [f"{chip.name}: {chip.source}" for chip in ACCELERATORS]
    return "\n".join([*written, f"Assumed: {UTILISATION:.0%} of the peak in bfloat16; " + "; ".join(assumed) + "."])
