"""A run: a trained, or half-trained, experiment to look at and to sample from."""

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import jax
import numpy as np

from jaxgan import bucket, captioning, rows, workdir
from jaxgan.data.base import class_number
from jaxgan.errors import UserError
from jaxgan.experiment import Experiment
from jaxgan.training.checkpoint import Checkpoints, check_frozen, digest, warn
from jaxgan.training.logs import read_metrics
from jaxgan.training.state import Network, TrainState
from jaxgan.training.step import initial_state
from jaxgan.training.system import System

if TYPE_CHECKING:
    from PIL import Image

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
        log: in a callback, writes figures {name: number} of this step to the logs of the run; None elsewhere.

    >>> run = jaxgan.restore("runs/digits")  # as in the example of `jaxgan.fit`
    >>> sorted(run.variables())
    ['D', 'G']
    >>> run.metrics[-1]["step"]
    20
    """

    def __init__(
        self,
        directory: Path,
        record: workdir.Record,
        step: int,
        state: Callable[[], TrainState],
        frozen: dict[str, Any],
        stopped: Literal["SIGINT", "SIGTERM"] | None = None,
        log: Callable[[dict[str, float]], None] | None = None,
    ):
        """A run whose state is fetched by `state()` when it is first read: most callbacks never do."""
        self.workdir, self.record, self.step = directory, record, step
        self.frozen, self.stopped, self.log = frozen, stopped, log
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
        truncation: float = 1.0,
        text: str | Sequence[str] | None = None,
    ) -> np.ndarray:
        """Pictures [num, H, W, C] in [-1, 1], or what else the run makes. The same arguments give the same, in any process.

        Args:
            num: how many.
            seed: of the noise; picture i of a seed is the same whatever `num` is.
            label: a class, by name or number; without it a conditional system goes through all classes in turn.
            weights: "ema" for the moving averages, "raw" for the parameters themselves.
            inputs: what to condition on, [num, ...] each, instead of `label`.
            truncation: psi of `System.truncate`; below 1 the pictures are more typical and less varied.
            text: a caption, or several, for a system that reads captions. There are `num` pictures of each, of the same
                latents, one caption after the other: [len(text) * num, H, W, C].

        Raises:
            UserError: there is no such class, or the system takes none; it takes captions, and there are none.

        >>> run = jaxgan.restore("runs/digits")  # as in the example of `jaxgan.fit`
        >>> run.sample(3, seed=1).shape
        (3, 8, 8, 1)
        >>> bool((run.sample(3, seed=1) == run.sample(5, seed=1)[:3]).all())
        True
        """
        if text is not None:
            if label is not None or inputs is not None:
                raise UserError(
                    "text, label and inputs are three ways to say what the pictures should show: give one of them"
                )
            captions = captioning.read(self, text)
            made = captioning.decode(self, self.latents(num, seed), captions, weights=weights, truncation=truncation)
            return made.reshape(-1, *made.shape[2:])
        if num < 1:
            raise UserError(f"num is {num}: it must be at least 1")
        if truncation != 1.0:
            return self.decode(self.latents(num, seed), label, weights, inputs, truncation)
        if inputs is None and self.system.directions:
            raise UserError(
                f"{type(self.system).__name__} makes pictures from pictures, not from noise: use jaxgan translate WORKDIR "
                "INPUT OUTPUT, or in Python run.translate(pictures)"
            )
        inputs = self.conditioned(num, label, inputs)
        return make_samples(self.system, {**self.variables(weights), **self.frozen}, inputs, seed)

    def sheet(self, made: np.ndarray, columns: int | None = None) -> "Image.Image":
        """What was made [N, ...] as one picture to look at, row by row; as square as it goes without `columns`.

        Raises:
            UserError: it is not what the run makes.

        >>> run = jaxgan.restore("runs/digits")  # as in the example of `jaxgan.fit`
        >>> run.sheet(run.sample(6), columns=3).size
        (196, 130)
        """
        return self.record.medium.sheet(self.record.medium.checked(made), columns)

    def latents(self, num: int = 64, seed: int = 0) -> np.ndarray:
        """The latents [num, ...] of the samples of this seed: `decode` makes `sample`'s pictures of them.

        Raises:
            UserError: the system has no latent space.
        """
        self._check_latents()
        if num < 1:
            raise UserError(f"num is {num}: it must be at least 1")
        key = jax.random.key(np.uint32(seed), impl="threefry2x32")
        draw = _compiled_latents(self.system)
        made = [np.asarray(draw(jax.random.fold_in(key, index))) for index in range(-(-num // CHUNK))]
        return np.concatenate(made)[:num]

    def decode(
        self,
        z: np.ndarray,
        label: str | int | None = None,
        weights: Literal["ema", "raw"] = "ema",
        inputs: dict[str, np.ndarray] | None = None,
        truncation: float = 1.0,
    ) -> np.ndarray:
        """The pictures [N, H, W, C] in [-1, 1] of the latents `z` [N, ...]; the other arguments as in `sample`.

        Raises:
            UserError: the system has no latent space; there is no such class, or the system takes none.

        >>> run = jaxgan.restore("runs/digits")  # as in the example of `jaxgan.fit`
        >>> z = run.latents(2, seed=1)
        >>> z.shape, run.decode(z).shape
        ((2, 32), (2, 8, 8, 1))
        """
        self._check_latents()
        inputs = self.conditioned(len(z), label, inputs)
        variables = jax.device_put({**self.variables(weights), **self.frozen})
        decode = _compiled_decode(self.system)
        return in_chunks(
            lambda part, _: decode(variables, part["z"], part["inputs"], np.float32(truncation)),
            {"z": np.asarray(z, np.float32), "inputs": inputs},
        )

    def invert(self, pictures: np.ndarray, weights: Literal["ema", "raw"] = "ema") -> np.ndarray:
        """The latents [N, ...] of pictures [N, H, W, C] in [-1, 1] of the size that the run makes: `decode` draws them again.

        Raises:
            UserError: the run has no network that finds them.
        """
        variables = jax.device_put({**self.variables(weights), **self.frozen})
        invert = _compiled_invert(self.system)
        return in_chunks(lambda part, _: invert(variables, part), np.asarray(pictures, np.float32))

    def translate(
        self,
        pictures: np.ndarray,
        direction: str = "ab",
        labels: np.ndarray | None = None,
        statistics: Literal["batch", "running"] = "batch",
        seed: int = 0,
        weights: Literal["ema", "raw"] = "ema",
    ) -> np.ndarray:
        """Pictures of any height and width turned into others of the same size, float32 [N, H, W, C] in [-1, 1].

        Args:
            pictures: floats [N, H, W, C] in [-1, 1].
            direction: one of the system's `directions`.
            labels: what each picture shall be, [N] or [N, A] as the data has it, for a system that reads "label".
            statistics: "batch", as in training; "running" for running statistics and no dropout.
            seed: of the noise; what comes of picture i is, to rounding, the same however many there are.
            weights: "ema" for the moving averages, "raw" for the parameters themselves.

        Raises:
            UserError: the system does not go in this direction; pictures or labels are not what it takes.

        With `run = jaxgan.restore("runs/horses")` of a CycleGAN and `horses` float32 [N, H, W, 3] in [-1, 1]:

            zebras = run.translate(horses)
            again = run.translate(zebras, direction="ba")
        """
        from jaxgan.translation import translate

        return translate(self, pictures, direction, labels, statistics, seed, weights)

    def conditioned(
        self, num: int, label: str | int | None = None, inputs: dict[str, np.ndarray] | None = None
    ) -> dict[str, np.ndarray]:
        """What `num` samples are made of, [num, ...] each: `inputs`, or the label; zeros stand for what no sample depends on.

        Raises:
            UserError: of something that they depend on nobody said what it shall be; or there is no such class.
        """
        zeros, name = self.record.zeros(num), type(self.system).__name__
        given = self._labels(num, label) if inputs is None else inputs
        missing = [entry for entry in self.system.conditions if entry not in given]
        if missing:
            shapes = ", ".join(f'"{entry}": {[num, *self.record.shapes[entry].shape]}' for entry in missing)
            raise UserError(
                f"{name} makes its samples of {' and '.join(missing)}, and nobody said what these shall be: in Python, give "
                f"inputs={{{shapes}}}"
            )
        for entry, value in given.items():
            if len(value) != num:
                raise UserError(
                    f'inputs["{entry}"] has {len(value)} rows, and {num} samples are asked for: give as many'
                )
        return {**zeros, **given}

    def _check_latents(self) -> None:
        if not self.system.has_latents:
            raise UserError(
                f"{type(self.system).__name__} has no latent space: it does not make pictures from noise alone"
            )

    def _labels(self, num: int, label: str | int | None) -> dict[str, np.ndarray]:
        if "text" in self.system.conditions:
            raise UserError(
                f'{type(self.system).__name__} makes pictures of captions: give --text "...", or in Python text or inputs'
            )
        if "label" not in self.system.conditions:
            if label is not None:
                raise UserError(
                    f"--label {label}: {type(self.system).__name__} makes samples without labels; leave it out"
                )
            return {}
        classes = self.record.classes
        if self.record.shapes["label"].shape:
            raise UserError(
                f"{type(self.system).__name__} reads several labels of each picture ({', '.join(classes)}), which a class does "
                'not say: in Python, give inputs={"label": zeros and ones [num, labels], ...}'
            )
        if label is None:
            return {"label": np.arange(num, dtype=np.int32) % max(len(classes), 1)}
        if (number := class_number(str(label), classes)) is not None:
            return {"label": np.full(num, number, np.int32)}
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
    sample = compiled_sample(system)
    return in_chunks(lambda part, index: sample(variables, part, jax.random.fold_in(key, index)), inputs)


def make_preview(system: System, variables: dict[str, Any], inputs: dict[str, np.ndarray]) -> Any:
    """What `System.preview` shows for inputs [N, ...] each, on the host: an array, or a dict of columns in its order.

    Always of the same noise: the sheets of a run are to be compared.
    """
    key = jax.random.key(np.uint32(0), impl="threefry2x32")
    variables = jax.device_put(variables)
    (preview, titles), size = _compiled_preview(system), min(CHUNK, len(next(iter(inputs.values()))))
    made = in_chunks(lambda part, index: preview(variables, part, jax.random.fold_in(key, index)), inputs, size)
    return {title: made[title] for title in titles} if isinstance(made, dict) else made


def in_chunks(function: Callable[[Any, int], Any], rows_: Any, size: int = CHUNK) -> Any:
    """`function(chunk of `size` rows, number of the chunk)` over a pytree of arrays [N, ...], the last chunk padded.

    On the host: real numbers as float32; whole ones, which stand for something, as they are.
    """
    num = len(jax.tree.leaves(rows_)[0])
    made = []
    for index, start in enumerate(range(0, num, size)):
        part = jax.tree.map(lambda value, start=start: value[start : start + size], rows_)
        short = max(start + size - num, 0)
        part = jax.tree.map(lambda v, short=short: np.concatenate([v, np.repeat(v[-1:], short, 0)]), part)
        part = jax.block_until_ready(function(part, index))
        made.append(jax.tree.map(lambda x, keep=size - short: _host(x)[:keep], part))
    return jax.tree.map(lambda *parts: np.concatenate(parts), *made)


def _host(x: jax.Array) -> np.ndarray:
    made = np.asarray(x)
    return made if made.dtype.kind in "iub" else np.asarray(made, np.float32)


@functools.lru_cache(maxsize=8)
def compiled_sample(system: System):
    """`system.sample`, jitted, with the axis of rows bound."""

    def sample(variables, inputs, key):
        return rows.solo(lambda: system.sample(variables, inputs, key))()

    return jax.jit(sample)


@functools.lru_cache(maxsize=8)
def _compiled_preview(system: System):
    """The jitted preview, and the titles of its columns in their order, which no dict keeps on its way through jit."""
    titles: list[str] = []

    def show(variables, inputs, key):
        made = system.preview(variables, inputs, key)
        titles[:] = list(made) if isinstance(made, dict) else []
        return made

    return jax.jit(lambda variables, inputs, key: rows.solo(lambda: show(variables, inputs, key))()), titles


@functools.lru_cache(maxsize=8)
def _compiled_latents(system: System):
    return jax.jit(rows.solo(lambda key: system.latents(key, CHUNK)))


@functools.lru_cache(maxsize=8)
def _compiled_invert(system: System):
    return jax.jit(rows.solo(lambda variables, pictures: system.invert(variables, pictures)))


@functools.lru_cache(maxsize=8)
def _compiled_decode(system: System):
    def decode(variables, z, inputs, psi):
        return rows.solo(lambda: system.decode(variables, system.truncate(variables, z, psi), inputs))()

    return jax.jit(decode)


def restore(
    directory: str | Path, *, step: int | Literal["best"] | None = None, experiment: Experiment | None = None
) -> Run:
    """Open the workdir of a run, at its newest good checkpoint, or that of `step`, or the best that an evaluation kept.

    Imports nothing but installed jaxgan: for a system of one's own, pass the `experiment` again.

    Raises:
        UserError: it is not a workdir, it has no good checkpoint, or its experiment is not `experiment`.

    >>> run = restore("runs/digits")  # as in the example of `jaxgan.fit`
    >>> run.step, run.experiment.batch_size, run.system.latent_dim
    (20, 64, 32)
    """
    directory = bucket.local(directory)
    bucket.fetch(directory)
    record = workdir.read(directory, experiment)
    folder = directory / ("best" if step == "best" else "checkpoints")
    if not folder.is_dir():
        raise UserError(
            f"{directory} keeps no best checkpoint: train it with --evaluate-every, or leave --step out"
            if step == "best"
            else f"{directory} holds no checkpoint yet: train it first (jaxgan train)"
        )
    checkpoints = Checkpoints(folder, read_only=True)
    try:
        state, meta, warnings = checkpoints.restore(abstract_state(record), None if step == "best" else step)
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
