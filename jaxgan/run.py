"""A run: a trained, or half-trained, experiment to look at and to sample from."""

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import jax
import numpy as np

from jaxgan import bucket, conditions, rows, workdir
from jaxgan.conditions import captions
from jaxgan.errors import UserError
from jaxgan.experiment import Experiment
from jaxgan.sampling import (
    CHUNK,
    Weights,
    at_once,
    compiled_decode,
    compiled_intermediate,
    compiled_invert,
    compiled_latents,
    in_chunks,
    make_samples,
    network_variables,
    with_standing_statistics,
)
from jaxgan.training.checkpoint import Checkpoints, check_frozen, digest, warn
from jaxgan.training.logs import read_metrics
from jaxgan.training.state import TrainState
from jaxgan.training.step import initial_state
from jaxgan.training.system import System
from jaxgan.translation import Translator

if TYPE_CHECKING:
    from PIL import Image


class Run:
    """What `jaxgan.fit` and `jaxgan.restore` return.

    Attributes:
        workdir: the folder of the run.
        record: the experiment, its system, shapes and classes of the data.
        step: steps done.
        frozen: variables of the pretrained networks that nothing trains.
        stopped: the signal that ended training early, "SIGINT" or "SIGTERM"; None otherwise.
        weights: which of the networks' weights everything uses: "ema", the moving averages where the system keeps them, or
            "raw", the parameters themselves.
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
        weights: Weights = "ema",
    ):
        """A run whose state is fetched by `state()` when it is first read: most callbacks never do."""
        self.workdir, self.record, self.step = directory, record, step
        self.frozen, self.stopped, self.log, self.weights = frozen, stopped, log, weights
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

    def variables(self) -> dict[str, Any]:
        """`{network: variables}`: moving averages where the system keeps them, unless `weights` is "raw"."""
        return network_variables(self.state.networks, self.weights)

    def standing(self, passes: int = 16, truncation: float = 1.0, seed: int = 0) -> "Run":
        """The same run, whose generator's norms have standing statistics instead of running ones.

        Averages over passes of fresh latents through the weights that are sampled with, 64 pictures each: those of training
        are of older weights, and not of their moving average, and not of a truncation. Brock et al. 2018, BigGAN, appendix B.

        Args:
            passes: how many; 0 leaves the run as it is.
            truncation: of the samples that are to be made, as in `sample`.
            seed: of the latents.

        Raises:
            UserError: the generator has no such statistics.
        """
        if passes < 0:
            raise UserError(f"standing is {passes}: it must be a number of passes, such as 16, or 0")
        if not passes:
            return self
        inputs = conditions.complete(self.record, CHUNK, {})
        made = with_standing_statistics(self.system, self.variables(), inputs, passes, seed, truncation)["G"]
        network = self.state.networks["G"]
        if self.weights == "ema" and network.ema is not None:
            network = network.replace(ema=made)
        else:
            network = network.replace(variables={name: made[name] for name in network.variables})
        state = self.state.replace(networks={**self.state.networks, "G": network})
        return Run(
            self.workdir, self.record, self.step, lambda: state, self.frozen, self.stopped, self.log, self.weights
        )

    def sample(
        self,
        num: int = 64,
        seed: int = 0,
        label: str | int | np.ndarray | None = None,
        text: str | Sequence[str] | None = None,
        given: conditions.Given | None = None,
        truncation: float = 1.0,
    ) -> np.ndarray:
        """Pictures [num, H, W, C] in [-1, 1], or what else the run makes. The same arguments give the same, in any process.

        Args:
            num: how many.
            seed: of the noise; picture i of a seed is the same whatever `num` is.
            label: a class, by name or number, or attributes (`jaxgan.conditions`); without it, all classes in turn.
            text: a caption, or several, for a system that reads captions. There are `num` pictures of each, of the same
                latents, one caption after the other: [len(text) * num, H, W, C].
            given: what else the samples are made of, `{entry: value}`: an array [num, ...], or [1, ...] for all alike; or
                words, as `jaxgan sample --given` takes them.
            truncation: psi of `System.truncate`; below 1 the pictures are more typical and less varied.

        Raises:
            UserError: something that the samples are made of is not said, or makes no sense.

        >>> run = jaxgan.restore("runs/digits")  # as in the example of `jaxgan.fit`
        >>> run.sample(3, seed=1).shape
        (3, 8, 8, 1)
        >>> bool((run.sample(3, seed=1) == run.sample(5, seed=1)[:3]).all())
        True
        """
        if num < 1:
            raise UserError(f"num is {num}: it must be at least 1")
        if text is not None:
            numbers, others = captions.read(self.record, text), conditions.merged(label, given)
            made = self.decode_captions(self.latents(num, seed), numbers, others, truncation)
            return made.reshape(-1, *made.shape[2:])
        large = at_once(self.record.made.shape) < CHUNK and type(self.system).sample is System.sample
        if truncation != 1.0 or large:
            return self.decode(self.latents(num, seed), label, given, truncation)
        if self.system.directions:
            raise UserError(
                f"{type(self.system).__name__} makes pictures from pictures, not from noise: use jaxgan translate WORKDIR "
                "INPUT OUTPUT, or in Python run.translate(pictures)"
            )
        inputs = conditions.complete(self.record, num, conditions.merged(label, given))
        return make_samples(self.system, {**self.variables(), **self.frozen}, inputs, seed)

    def sheet(self, made: np.ndarray, columns: int | None = None) -> "Image.Image":
        """What was made [N, ...] as one picture to look at, row by row; as square as it goes without `columns`.

        Raises:
            UserError: it is not what the run makes.

        >>> run = jaxgan.restore("runs/digits")  # as in the example of `jaxgan.fit`
        >>> run.sheet(run.sample(6), columns=3).size
        (196, 130)
        """
        return self.record.medium.sheet(self.record.medium.checked(made), columns)

    def latents(
        self, num: int = 64, seed: int = 0, space: str = "z", given: conditions.Given | None = None
    ) -> np.ndarray:
        """The latents [num, ...] of the samples of this seed: `decode` makes `sample`'s pictures of them.

        Args:
            num, seed: as in `sample`.
            space: "z", of the noise; or another of the system's `spaces`: "w", [num, layers, D], of a mapping network's.
            given: in "w", what the samples are conditioned on, as in `sample`.

        Raises:
            UserError: the system has no latent space, or not this one; or as `sample`.
        """
        self.check_latents()
        if space not in self.system.spaces:
            raise UserError(
                f"{type(self.system).__name__} has no latents {space!r}, only {' and '.join(sorted(self.system.spaces))}"
            )
        if num < 1:
            raise UserError(f"num is {num}: it must be at least 1")
        key = jax.random.key(np.uint32(seed), impl="threefry2x32")
        draw = compiled_latents(self.system)
        made = [np.asarray(draw(jax.random.fold_in(key, index))) for index in range(-(-num // CHUNK))]
        z = np.concatenate(made)[:num]
        if space == "z":
            return z
        inputs = conditions.complete(self.record, num, given or {})
        variables = jax.device_put({**self.variables(), **self.frozen})
        map_ = compiled_intermediate(self.system)
        return in_chunks(lambda part, _: map_(variables, part["z"], part["inputs"]), {"z": z, "inputs": inputs})

    def decode(
        self,
        z: np.ndarray,
        label: str | int | np.ndarray | None = None,
        given: conditions.Given | None = None,
        truncation: float = 1.0,
    ) -> np.ndarray:
        """The pictures [N, H, W, C] in [-1, 1] of the latents `z` [N, ...]; the other arguments as in `sample`.

        Raises:
            UserError: the system has no latent space; or as `sample`.

        >>> run = jaxgan.restore("runs/digits")  # as in the example of `jaxgan.fit`
        >>> z = run.latents(2, seed=1)
        >>> z.shape, run.decode(z).shape
        ((2, 32), (2, 8, 8, 1))
        """
        self.check_latents()
        inputs = conditions.complete(self.record, len(z), conditions.merged(label, given))
        variables = jax.device_put({**self.variables(), **self.frozen})
        decode = compiled_decode(self.system)
        return in_chunks(
            lambda part, _: decode(variables, part["z"], part["inputs"], np.float32(truncation)),
            {"z": np.asarray(z, np.float32), "inputs": inputs},
            at_once(self.record.made.shape),
        )

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """The vectors float32 [N, dim] that captions become, between which there are others.

        Raises:
            UserError: as `sample`; or the system does not turn captions into vectors.
        """
        numbers = captions.read(self.record, texts)
        if not hasattr(self.system, "embed"):
            raise UserError(f"{type(self.system).__name__} turns captions into no vectors that one could go between")
        return np.asarray(jax.jit(rows.solo(self.system.embed))({**self.variables(), **self.frozen}, numbers))

    def decode_captions(
        self,
        z: np.ndarray,
        numbers: np.ndarray,
        given: conditions.Given | None = None,
        truncation: float = 1.0,
    ) -> np.ndarray:
        """Of each caption [C, ...], the pictures [C, N, H, W, C] of the latents z [N, ...].

        `numbers` are captions as `jaxgan.conditions.captions.read` or `embed` gives them. One caption after the other, so that
        the pictures of one are the same to the bit whatever others are asked for.
        """
        if given and "text" in given:
            raise UserError("the text is given twice, by itself and among what else is given: say it once")
        each = [{**(given or {}), "text": caption[None]} for caption in numbers]
        return np.stack([self.decode(z, given=one, truncation=truncation) for one in each])

    def invert(self, pictures: np.ndarray) -> np.ndarray:
        """The latents [N, ...] of pictures [N, H, W, C] in [-1, 1] of the size that the run makes: `decode` draws them again.

        Raises:
            UserError: the run has no network that finds them.
        """
        variables = jax.device_put({**self.variables(), **self.frozen})
        invert = compiled_invert(self.system)
        return in_chunks(lambda part, _: invert(variables, part), np.asarray(pictures, np.float32))

    def translate(
        self,
        pictures: np.ndarray,
        direction: str = "ab",
        label: str | int | np.ndarray | None = None,
        given: conditions.Given | None = None,
        statistics: Literal["batch", "running"] = "batch",
        seed: int = 0,
    ) -> np.ndarray:
        """Pictures of any height and width turned into others of the same size, float32 [N, H, W, C] in [-1, 1].

        Args:
            pictures: floats [N, H, W, C] in [-1, 1].
            direction: one of the system's `directions`.
            label: what they shall be, for a system that reads "label": in words, or [N] or [N, A] as the data has it.
            given: what else they shall be, as in `sample`.
            statistics: "batch", as in training; "running" for running statistics and no dropout.
            seed: of the noise; what comes of picture i is, to rounding, the same however many there are.

        Raises:
            UserError: the system does not go in this direction; pictures or labels are not what it takes.

        With `run = jaxgan.restore("runs/horses")` of a CycleGAN and `horses` float32 [N, H, W, 3] in [-1, 1]:

            zebras = run.translate(horses)
            again = run.translate(zebras, direction="ba")
        """
        return self.translator(direction, statistics, seed).translate(pictures, conditions.merged(label, given))

    def translator(
        self, direction: str = "ab", statistics: Literal["batch", "running"] = "batch", seed: int = 0
    ) -> Translator:
        """What `translate` does, compiled for each shape once. Raises: UserError: the system does not go in this direction."""
        variables = {**self.variables(), **self.frozen}
        return Translator(self.record, variables, direction, statistics, seed, trained=self.step > 0)

    def check_latents(self) -> None:
        """Raises: UserError: the system has no latent space."""
        if not self.system.has_latents:
            raise UserError(
                f"{type(self.system).__name__} has no latent space: it does not make pictures from noise alone"
            )


def restore(
    directory: str | Path,
    *,
    step: int | Literal["best"] | None = None,
    weights: Weights = "ema",
    experiment: Experiment | None = None,
) -> Run:
    """Open the workdir of a run, at its newest good checkpoint, or that of `step`, or the best that an evaluation kept.

    It uses the moving averages of the networks where there are some, or the `weights` "raw". Imports nothing but installed
    jaxgan: for a system of one's own, pass the `experiment` again.

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
    return Run(directory, record, int(state.step), lambda: state, frozen, weights=weights)


def abstract_state(record: workdir.Record) -> TrainState:
    """A state of zeros in the structure of the record's system: what a checkpoint is restored into."""
    shapes = jax.eval_shape(lambda: initial_state(record.system, 0, record.zeros(2)))
    return jax.tree.map(lambda s: np.zeros(s.shape, s.dtype), shapes)
