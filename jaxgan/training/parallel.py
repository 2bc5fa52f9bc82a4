"""Where the step runs: on one device, on many, under `jit` or `pmap`. The step itself is the same.

`jit` wraps it in `shard_map` over a mesh with the one axis `rows.AXIS`; `pmap` maps it over the devices directly. Under
both the state is replicated, and the rows of the global batch are divided.
"""

import dataclasses
import functools
from collections.abc import Iterator
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from jaxgan.errors import UserError
from jaxgan.rows import AXIS
from jaxgan.training.state import TrainState
from jaxgan.training.step import Metrics, take_turns, window
from jaxgan.training.system import System

Turns = tuple[tuple[str, int], ...]

UNROLLED_MOVES = 10
"""Moves of a phase that one compiled program holds where moves are unrolled (on CPU)."""


@dataclasses.dataclass(frozen=True)
class Layout:
    """The devices that share the global batch, and how they are driven.

    Attributes:
        mode: "jit" or "pmap".
        devices: in the order of their rows.
        scan: moves in a `lax.scan`, and steps fused; False on CPU, where convolutions in a scan are many times slower.
    """

    mode: Literal["jit", "pmap"]
    devices: tuple[jax.Device, ...]
    scan: bool

    @classmethod
    def create(cls, parallel: Literal["auto", "jit", "pmap"], batch_size: int, devices: int | None = None) -> "Layout":
        """The layout for an experiment: all devices of all processes, or the first `devices`.

        Raises:
            UserError: there are fewer devices than asked for, or they do not divide the batch.
        """
        # By process: the rows of a process, which it reads itself, are then those of its devices.
        available = sorted(jax.devices(), key=lambda device: (device.process_index, device.id))
        count = len(available) if devices is None else devices
        if not 1 <= count <= len(available):
            raise UserError(f"--devices {count}: this machine has {len(available)}")
        if jax.process_count() > 1 and count < len(available):
            raise UserError(
                f"--devices {count}: several processes use all of their {len(available)} devices; leave it out"
            )
        if batch_size % count:
            raise UserError(
                f"a batch of {batch_size} cannot be divided over {count} devices: "
                f"give --batch-size {-(-batch_size // count) * count}, or --devices with a divisor of {batch_size}"
            )
        used = tuple(available[:count])
        return cls("pmap" if parallel == "pmap" else "jit", used, used[0].platform != "cpu")

    def __str__(self) -> str:
        processes = len({device.process_index for device in self.devices})
        over = f" of {processes} processes" if processes > 1 else ""
        return f"{len(self.devices)} x {self.devices[0].device_kind}{over}, {self.mode}"

    @property
    def mesh(self) -> Mesh:
        return Mesh(np.array(self.devices), (AXIS,))

    @property
    def local(self) -> tuple[jax.Device, ...]:
        """Those of the devices that are this process's."""
        return tuple(device for device in self.devices if device.process_index == jax.process_index())

    def place(self, state: TrainState) -> TrainState:
        """The state on every device, as the compiled step takes it and returns it.

        Every leaf is copied first: the step donates its buffers, which must be neither the caller's nor shared.
        """
        state = jax.tree.map(lambda x: jnp.array(x, copy=True), state)
        if self.mode == "jit":
            return self.replicate(state)
        # From the host, so that no device holds the copies of all.
        stacked = jax.tree.map(lambda x: np.broadcast_to(x, (len(self.local), *x.shape)), jax.device_get(state))
        # Copied once more on the devices: on CPU an array may share the memory of the NumPy array that it was made from.
        return jax.pmap(lambda tree: jax.tree.map(jnp.copy, tree), axis_name=AXIS, devices=self.devices)(stacked)

    def replicate(self, tree: Any) -> Any:
        """Arrays that every device reads and none changes (frozen networks)."""
        sharding = NamedSharding(self.mesh, P())
        if jax.process_count() == 1:
            return jax.device_put(tree, sharding)
        # Over several processes `device_put` would compare every leaf.
        return jax.tree.map(lambda x: jax.make_array_from_callback(np.shape(x), sharding, lambda _: x), tree)

    def put(self, batches: dict[str, np.ndarray], leading: int = 1) -> dict[str, jax.Array]:
        """Minibatches [..., rows of this process, ...] with `leading` axes before the rows, divided over its devices."""
        over = P(*(None,) * leading, AXIS)
        if self.mode == "pmap":
            count = len(self.local)
            stacked = jax.tree.map(lambda x: x.reshape(*x.shape[:leading], count, -1, *x.shape[leading + 1 :]), batches)
            # pmap of several processes is given by each what its own devices hold.
            return jax.device_put(stacked, NamedSharding(Mesh(np.array(self.local), (AXIS,)), over))
        sharding = NamedSharding(self.mesh, over)
        if jax.process_count() == 1:
            return jax.device_put(batches, sharding)
        return jax.tree.map(lambda x: jax.make_array_from_process_local_data(sharding, x), batches)

    def single(self, tree: Any) -> Any:
        """The copy of a replicated tree that the first device holds."""

        def first(x):
            data = x.addressable_shards[0].data
            return data if self.mode == "jit" else data[0]

        return jax.tree.map(first, tree)


def assert_replicated(layout: Layout, state: TrainState) -> None:
    """Compare the copies of the state on all devices, bit by bit.

    A mean that was not reduced over the devices diverges silently (`is_fully_replicated` still says yes).

    Raises:
        AssertionError: naming the leaves that differ.
    """
    if len(layout.devices) == 1:
        return

    def differ(leaf):
        first, *others = (np.asarray(shard.data) for shard in leaf.addressable_shards)
        return any(not np.array_equal(first, other, equal_nan=True) for other in others)

    unequal = [jax.tree_util.keystr(path) for path, leaf in jax.tree_util.tree_leaves_with_path(state) if differ(leaf)]
    if unequal:
        raise AssertionError(
            f"the devices disagree on {unequal}: what a loss puts into variables or aux must be reduced over the "
            "devices first (jaxgan.rows.mean, gather)"
        )


@functools.lru_cache(maxsize=32)
def compiled_turns(system: System, turns: Turns, last: Turns | None, layout: Layout):
    """`take_turns` on a layout: `(state, frozen, batches, first) -> (state, metrics)`; the state is donated."""
    return _distribute(functools.partial(take_turns, system, turns, last, layout.scan), layout, 1, extra=1)


@functools.lru_cache(maxsize=32)
def compiled_window(system: System, plan: Turns, layout: Layout):
    """`window` on a layout: `(state, frozen, batches) -> (state, metrics [steps])`; the state is donated."""
    return _distribute(functools.partial(window, system, plan), layout, 2, extra=0)


def _distribute(function, layout: Layout, leading: int, extra: int):
    if layout.mode == "pmap":
        return jax.pmap(
            function,
            axis_name=AXIS,
            devices=layout.devices,
            in_axes=(0, None, leading, *(None,) * extra),
            out_axes=(0, None),
            donate_argnums=0,
        )
    rows_spec = P(*(None,) * leading, AXIS)
    mapped = jax.shard_map(
        function,
        mesh=layout.mesh,
        in_specs=(P(), P(), rows_spec, *(P(),) * extra),
        out_specs=(P(), P()),
        # With the check on, gradients are summed over the devices by themselves, and the pmean would be wrong.
        check_vma=False,
    )
    return jax.jit(mapped, donate_argnums=0)


_begun: set[tuple] = set()


def begin(system: System, plan: Turns, layout: Layout, rows: int, shapes: dict[str, jax.ShapeDtypeStruct]) -> bool:
    """Whether a step of this plan, on so many rows, is compiled now, the first time in this process: another seed's is not."""
    step = (system, plan, layout, rows, tuple((name, s.shape, str(s.dtype)) for name, s in shapes.items()))
    known = step in _begun
    _begun.add(step)
    return not known


def parts(system: System, plan: Turns, layout: Layout) -> Iterator[tuple[Turns, int, Turns | None]]:
    """Cut a step into programs: `(turns, first move, the plan that this part ends or None)`.

    One program, but where moves are unrolled and a phase has very many: it runs in parts of `UNROLLED_MOVES` and a rest, so
    that compiling does not take minutes. And a system that has phases `apart` has a program for each, one for all others that
    follow each other, and one for what ends every step.
    """
    lazy = {phase.name for phase in system.phases() if phase.apart}
    if not lazy and (layout.scan or all(count <= UNROLLED_MOVES for _, count in plan)):
        yield plan, 0, plan
        return
    pieces: list[tuple[Turns, int]] = []
    together: list[tuple[str, int]] = []
    for name, count in plan:
        many = count > UNROLLED_MOVES and not layout.scan
        if not (many or name in lazy):
            together.append((name, count))
            continue
        if together:
            pieces.append((tuple(together), 0))
            together = []
        size = UNROLLED_MOVES if many else count
        pieces += [(((name, min(size, count - first)),), first) for first in range(0, count, size)]
    if together:
        pieces.append((tuple(together), 0))
    ended = plan
    if lazy:  # the same end, whichever of them a step has
        pieces.append(((), 0))
        ended = tuple(turn for turn in plan if turn[0] not in lazy) or plan
    for index, (turns, first) in enumerate(pieces):
        yield turns, first, ended if index == len(pieces) - 1 else None


def run_step(
    system: System,
    plan: Turns,
    layout: Layout,
    state: TrainState,
    frozen: dict[str, Any],
    batches: dict[str, np.ndarray],
) -> tuple[TrainState, list[Metrics]]:
    """One step on minibatches [minibatches, rows, ...] from the host. The metrics are sums over moves, part by part."""
    metrics = []
    accumulate = system.accumulated()
    for turns, first, ended in parts(system, plan, layout):
        start = first * accumulate[turns[0][0]] if turns else 0  # parts that begin late hold one phase
        count = max((count * accumulate[name] for name, count in turns), default=0)
        used = layout.put({name: value[start : start + count] for name, value in batches.items()})
        function = compiled_turns(system, turns, ended, layout)
        state, part = function(state, frozen, used, _number(layout, first))
        metrics.append(part)
    return state, metrics


@functools.lru_cache(maxsize=128)
def _number(layout: Layout, value: int) -> jax.Array:
    """An integer on the devices, sent there once and not at every step."""
    return layout.replicate(np.int32(value))


def run_window(
    system: System,
    plan: Turns,
    layout: Layout,
    state: TrainState,
    frozen: dict[str, Any],
    batches: dict[str, np.ndarray],
) -> tuple[TrainState, Metrics]:
    """Fused steps of one plan on minibatches [steps, minibatches, rows, ...]. The metrics are [steps]."""
    return compiled_window(system, plan, layout)(state, frozen, layout.put(batches, 2))
