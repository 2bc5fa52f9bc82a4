"""A run: a trained, or half-trained, experiment to look at and to sample from."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import jax
import numpy as np

from jaxgan import rows, workdir
from jaxgan.errors import UserError
from jaxgan.experiment import Experiment
from jaxgan.training.checkpoint import Checkpoints, check_frozen, digest, warn
from jaxgan.training.logs import read_metrics
from jaxgan.training.state import Network, TrainState
from jaxgan.training.step import initial_state
from jaxgan.training.system import System

CHUNK = 64
"""Samples are made so many at a time, the last few padded: sample i of a seed never depends on how many were asked for."""


class Run:
    """What `jaxgan.fit` and `jaxgan.restore` return.

    Attributes:
        workdir: the folder of the run.
        record: the experiment, its system, shapes and classes of the data.
        step: steps done.
        frozen: variables of the pretrained networks that nothing trains.
        stopped: the signal that ended training early, "SIGINT" or "SIGTERM"; None otherwise.
    """

    def __init__(
        self,
        directory: Path,
        record: workdir.Record,
        step: int,
        state: Callable[[], TrainState],
        frozen: dict[str, Any],
        stopped: Literal["SIGINT", "SIGTERM"] | None = None,
    ):
        """A run whose state is fetched by `state()` when it is first read: most callbacks never do."""
        self.workdir, self.record, self.step = directory, record, step
        self.frozen, self.stopped = frozen, stopped
        self._fetch = state

    @functools.cached_property
    def state(self) -> TrainState:
        """The TrainState, on the host. A callback that wants to keep it reads it before it returns."""
        return self._fetch()

    @property
    def experiment(self) -> Experiment:
        """What was run."""
        return self.record.experiment

    @property
    def system(self) -> System:
        """Its system, with what it left open taken from the data."""
        return self.record.system

    @property
    def digest(self) -> str:
        """SHA-256 over every leaf of the state."""
        return digest(self.state)

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """The lines of metrics.jsonl."""
        return read_metrics(self.workdir / "metrics.jsonl")

    def variables(self, weights: Literal["ema", "raw"] = "ema") -> dict[str, Any]:
        """`{network: variables}`: moving averages where the system keeps them, unless `weights` is "raw"."""
        return network_variables(self.state.networks, weights)

    def sample(
        self,
        num: int = 64,
        seed: int = 0,
        label: str | int | None = None,
        weights: Literal["ema", "raw"] = "ema",
        inputs: dict[str, np.ndarray] | None = None,
    ) -> np.ndarray:
        """Pictures [num, H, W, C] in [-1, 1]. The same arguments give the same pictures, in any process.

        Args:
            num: how many.
            seed: of the noise; picture i of a seed is the same whatever `num` is.
            label: a class, by name or number; without it a conditional system goes through all classes in turn.
            weights: "ema" for the moving averages, "raw" for the parameters themselves.
            inputs: what to condition on, [num, ...] each, instead of `label`.

        Raises:
            UserError: there is no such class, or the system takes none.
        """
        if num < 1:
            raise UserError(f"num is {num}: it must be at least 1")
        if inputs is None:
            inputs = {**self.record.zeros(num), **self._labels(num, label)}
        return make_samples(self.system, {**self.variables(weights), **self.frozen}, inputs, seed)

    def _labels(self, num: int, label: str | int | None) -> dict[str, np.ndarray]:
        if "label" not in self.system.reads:
            if label is not None:
                raise UserError(
                    f"--label {label}: {type(self.system).__name__} makes samples without labels; leave it out"
                )
            return {}
        classes = self.record.classes
        if label is None:
            return {"label": np.arange(num, dtype=np.int32) % max(len(classes), 1)}
        if str(label) in classes:
            return {"label": np.full(num, classes.index(str(label)), np.int32)}
        if str(label).isdigit() and int(label) < len(classes):
            return {"label": np.full(num, int(label), np.int32)}
        raise UserError(f"--label {label}: there is no such class; there are {', '.join(classes)}")


def network_variables(
    networks: dict[str, Network], weights: Literal["ema", "raw"] = "ema"
) -> dict[str, dict[str, Any]]:
    """What samples are made with: `{network: variables}`."""
    return {
        name: network.ema if weights == "ema" and network.ema is not None else network.current
        for name, network in networks.items()
    }


def make_samples(system: System, variables: dict[str, Any], inputs: dict[str, np.ndarray], seed: int) -> np.ndarray:
    """Samples [N, ...] for inputs [N, ...] each, on one device."""
    key = jax.random.key(np.uint32(seed), impl="threefry2x32")
    variables = jax.device_put(variables)  # once, not for every chunk
    num = len(next(iter(inputs.values())))
    made = []
    for index, start in enumerate(range(0, num, CHUNK)):
        part = {name: value[start : start + CHUNK] for name, value in inputs.items()}
        short = CHUNK - len(next(iter(part.values())))
        part = {name: np.concatenate([v, np.repeat(v[-1:], short, 0)]) for name, v in part.items()}
        chunk = compiled_sample(system)(variables, part, jax.random.fold_in(key, index))
        made.append(np.asarray(chunk, np.float32)[: CHUNK - short])
    return np.concatenate(made)


@functools.lru_cache(maxsize=8)
def compiled_sample(system: System):
    """`system.sample`, jitted, with the axis of rows bound."""

    def sample(variables, inputs, key):
        return rows.solo(lambda: system.sample(variables, inputs, key))()

    return jax.jit(sample)


def restore(directory: str | Path, *, step: int | None = None, experiment: Experiment | None = None) -> Run:
    """Open the workdir of a run, at its newest good checkpoint or that of `step`.

    Imports nothing but installed jaxgan: for a system of one's own, pass the `experiment` again.

    Raises:
        UserError: it is not a workdir, it has no good checkpoint, or its experiment is not `experiment`.
    """
    directory = Path(directory)
    record = workdir.read(directory, experiment)
    if not (directory / "checkpoints").is_dir():
        raise UserError(f"{directory} holds no checkpoint yet: train it first (jaxgan train)")
    checkpoints = Checkpoints(directory / "checkpoints", read_only=True)
    try:
        state, meta, warnings = checkpoints.restore(abstract_state(record), step)
    finally:
        checkpoints.close()
    for sentence in warnings:
        warn(f"{sentence}; using step {int(state.step)}")
    frozen = record.system.frozen()
    check_frozen(frozen, meta, directory)
    return Run(directory, record, int(state.step), lambda: state, frozen)


def abstract_state(record: workdir.Record) -> TrainState:
    """A state of zeros in the structure of the record's system: what a checkpoint is restored into."""
    shapes = jax.eval_shape(lambda: initial_state(record.system, 0, record.zeros(2)))
    return jax.tree.map(lambda s: np.zeros(s.shape, s.dtype), shapes)
