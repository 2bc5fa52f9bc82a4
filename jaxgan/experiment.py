"""An experiment: everything that decides what a run computes, as one frozen value that can be written to JSON and back."""

import dataclasses
import importlib
import json
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any, Literal

from jaxgan import fields
from jaxgan.errors import UserError
from jaxgan.media.base import Medium
from jaxgan.training.system import System

FIXED = ("system", "data", "batch_size", "seed", "precision", "start_from")
"""The fields that decide a run's numbers: a workdir is resumed only with the same."""


@dataclasses.dataclass(frozen=True)
class Experiment:
    """A system, the data that it learns from, and how long and where it trains.

    Two runs of equal experiments on one kind of device give the same bits (on GPU with `jaxgan train --deterministic`, which
    sets `--xla_gpu_deterministic_ops=true` in XLA_FLAGS). `system`, `data`, `batch_size`, `seed`,
    `start_from` and `precision` decide the numbers of every step; the other fields may change when a run is resumed.

    Raises:
        UserError: a value makes no sense; the sentence names the field.

    >>> from jaxgan.data import Digits
    >>> from jaxgan.systems.gan import GAN
    >>> experiment = Experiment(system=GAN(latent_dim=32), data=Digits(), steps=5000)
    >>> Experiment.from_json(experiment.to_json()) == experiment
    True
    >>> Experiment(system=GAN(), data=Digits(), batch_size=0)
    Traceback (most recent call last):
    jaxgan.errors.UserError: Experiment.batch_size is 0: it must be a whole number of at least 1
    """

    system: System
    """The GAN: its class and hyper-parameters."""
    data: Any
    """What it learns from: a data set of `jaxgan.data`, or anything with its two methods."""
    batch_size: int = 64
    """Rows of the global minibatch, over all devices and processes."""
    steps: int = 1000
    """Training steps; a step is one turn of every player."""
    seed: int = 0
    """Decides the initial weights, the order of the data, augmentation and noise."""
    start_from: str | None = None
    """Workdir of another run, trained or imported, with whose networks and moving averages this one begins: fine-tuning."""
    precision: Literal["float32", "bfloat16"] | None = None
    """What convolutions and matrix products compute in; None takes the system's own."""
    parallel: Literal["auto", "jit", "pmap"] = "auto"
    """How several devices are driven; auto is jit over a mesh."""
    devices: int | None = None
    """How many devices to use; None is all of them."""
    fuse: int = 10
    """Steps in one compiled program; best a divisor of the intervals below. On CPU always 1: there it would be slower."""
    log_every: int = 20
    """Steps between lines of metrics.jsonl."""
    sample_every: int = 100
    """Steps between sample grids."""
    checkpoint_every: int = 100
    """Steps between checkpoints. The first step is saved too, so that a full disk shows at once."""
    evaluate_every: int | None = None
    """Steps between evaluations, whose figures go to the same logs, and whose best state is kept; None for none."""
    evaluate_metrics: tuple[str, ...] = ("fid",)
    """What is evaluated, such as fid,kid, as for `jaxgan evaluate --metrics`; by the first of them a state is the best."""
    evaluate_num: int = 2048
    """Pictures that are generated for an evaluation."""
    keep_checkpoints: int = 3
    """How many of the newest checkpoints are kept."""

    def __post_init__(self):
        if not isinstance(self.system, System):
            raise UserError(f"system is {self.system!r}: it must be an instance of a subclass of jaxgan.System")
        if not (hasattr(self.data, "load") and hasattr(self.data, "transform")):
            raise UserError(f"data is {self.data!r}: it must have the methods load() and transform(example, random)")
        fields.check(self)
        named = [self.evaluate_metrics] if isinstance(self.evaluate_metrics, str) else self.evaluate_metrics
        # "fid,kid", too, as `jaxgan evaluate --metrics` has it.
        metrics = tuple(name.strip() for text in named for name in str(text).split(",") if name.strip())
        if not metrics:
            raise UserError(
                f"Experiment.evaluate_metrics is {self.evaluate_metrics!r}: it must name metrics, ('fid',) say"
            )
        object.__setattr__(self, "evaluate_metrics", metrics)
        if not 0 <= self.seed < 2**32:
            raise UserError(f"Experiment.seed is {self.seed}: it must be a whole number from 0 to {2**32 - 1}")
        # One value in two places would be two truths: the experiment's wins, and is written into the system.
        if self.precision is None:
            object.__setattr__(self, "precision", self.system.precision)
        elif self.precision != self.system.precision:
            object.__setattr__(self, "system", dataclasses.replace(self.system, precision=self.precision))

    def to_json(self) -> dict[str, Any]:
        """All fields as plain JSON values; classes by their import path."""
        return {field.name: encode(getattr(self, field.name)) for field in dataclasses.fields(self)}

    @classmethod
    def from_json(cls, encoded: dict[str, Any], source: Path | str = "the experiment") -> "Experiment":
        """The experiment that `to_json` wrote. Imports nothing but installed jaxgan.

        Raises:
            UserError: a class or field is not jaxgan's, or the values are damaged.
        """
        try:
            known = {field.name for field in dataclasses.fields(cls)}
            return cls(**{name: decode_value(value, source) for name, value in encoded.items() if name in known})
        except (TypeError, KeyError, AttributeError, ValueError) as error:
            raise UserError(
                f"{source} does not describe an experiment of this version of jaxgan ({error}): open it with the version that "
                "wrote it; of a system of your own, put back the field that it lost"
            ) from None


MOVED = {
    "jaxgan.augmentation": "jaxgan",
    "jaxgan.text": "jaxgan.media",
    **{
        f"jaxgan.data.{name}": "jaxgan.data"
        for name in ("avatars", "avatar_captions", "digits", "openmoji", "openmoji_pairs", "toys")
    },
}
"""Modules that older workdirs name otherwise than they are called now."""


def class_path(value: Any) -> str:
    """`module:Class` of an object, by the outermost package of jaxgan that offers it: that name outlives moves within.

    >>> from jaxgan.networks import Convolutional
    >>> Convolutional.__module__, class_path(Convolutional())
    ('jaxgan.networks.convolutional', 'jaxgan.networks:Convolutional')
    """
    kind = type(value)
    packages = kind.__module__.split(".")
    for end in range(1, len(packages)) if packages[0] == "jaxgan" else ():
        package = ".".join(packages[:end])
        if getattr(sys.modules.get(package), kind.__name__, None) is kind:
            return f"{package}:{kind.__qualname__}"
    return _place(value)


def _place(value: Any) -> str:
    """`module:Class` by the module that defines it, as older workdirs have it."""
    return f"{type(value).__module__}:{type(value).__qualname__}"


def encode(value: Any) -> Any:
    """A value of an experiment as plain JSON: a dataclass as its fields and, as "class", its import path."""
    if dataclasses.is_dataclass(value):
        encoded = {f.name: encode(getattr(value, f.name)) for f in dataclasses.fields(value) if f.init}
        return {"class": class_path(value), **encoded}
    if isinstance(value, tuple | list):
        return [encode(item) for item in value]
    if isinstance(value, Path):
        return str(value)
    return value


def decode_value(value: Any, source: Path | str) -> Any:
    """What `encode` made: of jaxgan's own classes, and of those media that the person's own config, which has run, defines.

    Raises:
        UserError: it is none of these; `source` is named.
    """
    if isinstance(value, list):
        return tuple(decode_value(item, source) for item in value)
    if not isinstance(value, dict):
        return value
    path = value["class"]
    module, _, name = path.partition(":")
    if module.split(".")[0] == "jaxgan":
        try:
            found = getattr(importlib.import_module(MOVED.get(module, module)), name)
        except (ImportError, AttributeError):
            raise UserError(f"{source} uses {path}, which this version of jaxgan does not have") from None
        # Called with what the file says: a function (that loads a config, say) would make the workdir more than data.
        known = isinstance(found, type) and dataclasses.is_dataclass(found) and found.__module__.startswith("jaxgan.")
        if not known:
            raise UserError(
                f"{source} uses {path}, which is not a system or a data set: it is damaged, or not jaxgan's"
            )
    else:
        found = getattr(sys.modules.get(module), name, None)  # nothing is imported for a file's sake
        if not (isinstance(found, type) and issubclass(found, Medium)):
            raise UserError(
                f"{source} uses {path}, which is not part of jaxgan, and a workdir runs no code of its own: name its config "
                "again with --config FILE, or pass the experiment in Python"
            )
    return found(**{key: decode_value(item, source) for key, item in value.items() if key != "class"})


def completed(encoded: dict[str, Any], like: Experiment) -> dict[str, Any]:
    """An encoded experiment of an earlier jaxgan with the fields that came since, at their defaults: what was done then.

    One that is not jaxgan's alone gets those of `like`, whose classes are at hand, where the classes are the same. A field that
    is gone stays: `differences` will name it.
    """
    try:
        return Experiment.from_json(encoded).to_json()
    except UserError:
        return _with_defaults(encoded, like)


def _with_defaults(encoded: Any, part: Any) -> Any:
    if not isinstance(encoded, dict):
        return encoded
    module, _, name = encoded.get("class", "").partition(":")
    if name and f"{MOVED.get(module, module)}:{name}" not in (class_path(part), _place(part)):
        return encoded
    made = {**encoded, "class": class_path(part)} if name else dict(encoded)
    for field in dataclasses.fields(part):
        if field.name in encoded:
            made[field.name] = _with_defaults(encoded[field.name], getattr(part, field.name))
        elif field.default is not dataclasses.MISSING:
            made[field.name] = encode(field.default)
    return made


def differences(
    mine: dict[str, Any], theirs: dict[str, Any], names: tuple[str, ...] = FIXED, besides: Collection[str] = ()
) -> list[str]:
    """The dotted fields below `names` in which two encoded experiments differ: `["system.r1: 5.0 in the workdir, 1.0 now"]`.

    Those that are `besides` may differ, where both have a value.
    """
    found = []

    def compare(name, a, b):
        if name in besides and a is not None and b is not None:
            return
        if isinstance(a, dict) and isinstance(b, dict):
            for key in {**a, **b}:
                compare(f"{name}.{key}", a.get(key), b.get(key))
        elif a != b:
            found.append(f"{name}: {json.dumps(b)} in the workdir, {json.dumps(a)} now")

    for name in names:
        compare(name, mine.get(name), theirs.get(name))
    return found
