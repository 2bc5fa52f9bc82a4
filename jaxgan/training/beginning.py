"""Where a run begins: at step 0, or at the newest good checkpoint of its workdir; the same in all processes."""

import contextlib
import dataclasses
import functools
import hashlib
import json
from pathlib import Path
from typing import Any

import jax

from jaxgan import bucket, workdir
from jaxgan.data.base import places
from jaxgan.errors import UserError
from jaxgan.run import abstract_state, restore
from jaxgan.training import processes
from jaxgan.training.checkpoint import Checkpoints, check_frozen, check_path, digests
from jaxgan.training.state import TrainState
from jaxgan.training.step import fresh_state, with_pretrained


@dataclasses.dataclass(frozen=True)
class Beginning:
    """What a run goes on from.

    Attributes:
        checkpoints: of its workdir; None in a process that does not lead.
        state: to go on from, on the host.
        position: in the data.
        warnings: about checkpoints that were damaged.
    """

    checkpoints: Checkpoints | None
    state: TrainState
    position: int
    warnings: list[str]

    @property
    def step(self) -> int:
        """Steps that are done."""
        return int(self.state.step)


def begin(
    record: workdir.Record, directory: Path, overwrite: bool, frozen: dict[str, Any], stack: contextlib.ExitStack
) -> Beginning:
    """Make the workdir ready, and open what is in it.

    Args:
        record: of the run.
        directory: the workdir.
        overwrite: drop the run that it holds.
        frozen: the pretrained networks that nothing trains.
        stack: closes the checkpoints in the end.

    Raises:
        UserError: it holds another run, or one of other data; or the processes are about to train different things.
    """
    _check_alike(record, frozen)
    if processes.leads():
        checkpoints, (state, position, warnings) = _opened(record, directory, overwrite, frozen, stack)
        bucket.send(directory, held=True, anew=overwrite)
    else:
        checkpoints, state, position, warnings = None, abstract_state(record), 0, []
    state, position = processes.from_leader((state, position))
    return Beginning(checkpoints, state, int(position), warnings)


def _opened(
    record: workdir.Record, directory: Path, overwrite: bool, frozen: dict[str, Any], stack: contextlib.ExitStack
) -> tuple[Checkpoints, tuple[TrainState, int, list[str]]]:
    """The checkpoints of the workdir, and what there is to go on from."""
    if not overwrite:
        workdir.check_data(directory, record)
    # Looked up before anything is written: what is wrong with it can then be put right in the same workdir.
    begins = overwrite or not any((directory / "checkpoints").glob("[0-9]*"))
    pretrained, averages = _pretrained(record) if begins else ({}, {})
    check_path(directory / "checkpoints")
    workdir.prepare(directory, record, overwrite)
    checkpoints = Checkpoints(directory / "checkpoints", record.experiment.keep_checkpoints)
    stack.callback(checkpoints.close)
    return checkpoints, _begun(record, checkpoints, frozen, pretrained, averages, directory)


def _begun(
    record: workdir.Record,
    checkpoints: Checkpoints,
    frozen: dict[str, Any],
    pretrained: dict[str, Any],
    averages: dict[str, Any],
    directory: Path,
) -> tuple[TrainState, int, list[str]]:
    """The state to go on from, the position in the data, and warnings about damaged checkpoints."""
    if not checkpoints.steps():
        start = fresh_state(record.system, record.experiment.seed, lambda: record.zeros(2))
        return with_pretrained(start, pretrained, averages), 0, []
    state, meta, warnings = checkpoints.restore(abstract_state(record))
    check_frozen(frozen, meta, directory)
    checkpoints.set_aside_after(int(state.step))
    return state, meta["position"], warnings


def _pretrained(record: workdir.Record) -> tuple[dict[str, Any], dict[str, Any]]:
    """The variables, and the moving averages where there are some, with which networks begin: the system's, or another run's.

    Raises:
        UserError: that run cannot be opened, or its networks are not this system's.
    """
    variables = record.system.pretrained(record.spec)
    if record.experiment.start_from is None:
        return variables, {}
    where = f"start_from is {record.experiment.start_from}"
    try:
        other = restore(record.experiment.start_from)
    except UserError as error:
        raise UserError(f"{where}: {error}") from None
    mine = abstract_state(record).networks
    taken = {name: network for name, network in other.state.networks.items() if name in mine}
    if not taken:
        raise UserError(
            f"{where}: that run has the networks {', '.join(other.state.networks)}, and this one {', '.join(mine)}"
        )
    for name, network in taken.items():
        if different := _different_leaf(mine[name].current, network.current):
            raise UserError(
                f"{where}: its network {name} differs from this run's in {different}: give the same --system fields and "
                "--data.size as it has (jaxgan info shows them)"
            )
    averages = {name: network.ema for name, network in taken.items() if network.ema is not None}
    return variables | {name: network.current for name, network in taken.items()}, averages


def _different_leaf(mine: Any, other: Any) -> str | None:
    """The first place where two trees of arrays have not the same leaves, of the same shapes."""
    shapes = [
        {jax.tree_util.keystr(path, simple=True, separator="/"): leaf.shape for path, leaf in found}
        for found in map(jax.tree_util.tree_leaves_with_path, (mine, other))
    ]
    for path in sorted({*shapes[0], *shapes[1]}):
        if shapes[0].get(path) != shapes[1].get(path):
            each = [list(found[path]) if path in found else "nothing" for found in shapes]
            return f"{path} ({each[1]} there, {each[0]} here)"
    return None


def _check_alike(record: workdir.Record, frozen: dict[str, Any]) -> None:
    """Compare what the processes of a run are about to train.

    Raises:
        UserError: one of them was started with something else, or on other data.
    """
    if jax.process_count() == 1:
        return
    about = {**record.to_json(), "frozen": digests(frozen)}
    for place in places(record.experiment.data):  # each machine may have the data where it likes
        *parents, field = f"experiment.{place}".split(".")
        functools.reduce(dict.__getitem__, parents, about)[field] = None
    name = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()
    if others := processes.differing(name):
        raise UserError(
            f"process {others[0]} of {jax.process_count()} was started with another experiment, other data or other versions "
            "than process 0: they must be the same everywhere"
        )
