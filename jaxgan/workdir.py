"""A workdir: the folder that holds one run, and all that `sample` and `info` need.

    experiment.json     the resolved experiment, the shapes and classes of its data, versions
    checkpoints/STEP/   the newest checkpoints
    metrics.jsonl       one line of metrics per interval
    tensorboard/        the same, and the sample grids, for TensorBoard
    samples/STEP.png    sample grids from the same latents
    loss.png            the loss curves, at the end
    best/STEP/          with evaluate_every: the state with the best figure
    evaluation.json     what `jaxgan evaluate` found
    directions/         what `jaxgan directions` found
    report.html         what `jaxgan report` wrote

and damaged/STEP/, checkpoints that could not be read any more, where there were some. It is data: nothing in it is
executed when it is opened.
"""

import contextlib
import dataclasses
import fcntl
import functools
import importlib.metadata
import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import jaxgan
from jaxgan.cache import write_whole
from jaxgan.data.base import composed, places
from jaxgan.data.spec import Spec
from jaxgan.errors import UserError
from jaxgan.experiment import Experiment, class_path, completed, decode_value, differences, encode
from jaxgan.media import Medium, Picture, Points, Text
from jaxgan.training.checkpoint import Checkpoints, warn
from jaxgan.training.system import System

RECORD = "experiment.json"
# The record last: --overwrite that is killed half-way leaves a workdir that knows what it is.
CONTENTS = ("checkpoints", "damaged", "metrics.jsonl", "tensorboard", "samples", "loss.png", "best", "evaluation.json",
            "directions", "report.html", RECORD)  # fmt: skip


WITH_STEPS = ("checkpoints", "damaged", "best")
"""Folders of CONTENTS with a folder for each step."""


@dataclasses.dataclass(frozen=True)
class Record:
    """What experiment.json holds.

    Attributes:
        experiment: as it was given.
        system: its system, with what it left open taken from the data.
        spec: what the data gives, of the entries that the system reads.
    """

    experiment: Experiment
    system: System
    spec: Spec

    @property
    def shapes(self) -> dict[str, jax.ShapeDtypeStruct]:
        """Shape and dtype of each entry of an example that the system reads."""
        return self.spec.shapes

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the values of "label"."""
        return self.spec.classes

    @property
    def made(self) -> jax.ShapeDtypeStruct:
        """Shape and dtype of one of what the system makes."""
        return self.shapes[self.system.makes]

    @property
    def medium(self) -> Medium:
        """What the system makes."""
        return self.spec.media[self.system.makes]

    @functools.cached_property
    def examples(self) -> Sequence[dict[str, Any]]:
        """The examples of the run's data, which are read when they are first asked for. UserError where they cannot be had."""
        return self.experiment.data.load().examples

    def example(self, number: int) -> dict[str, Any]:
        """An example as the run was trained on it, always with the same augmentation."""
        random = np.random.default_rng((self.experiment.seed, number))
        return self.experiment.data.transform(self.examples[number], random)

    def picture(self) -> jax.ShapeDtypeStruct:
        """Shape and dtype of the pictures [H, W, C] that the system makes.

        Raises:
            UserError: it makes something else.
        """
        if not isinstance(self.medium, Picture):
            raise UserError(
                f"this is for pictures [height, width, 1 or 3], and {type(self.system).__name__} makes none here, but "
                f"{self.medium.many} {list(self.made.shape)}"
                + ("; jaxgan.metrics.modes.modes_covered counts the modes" if isinstance(self.medium, Points) else "")
            )
        return self.made

    def source(self, direction: str) -> jax.ShapeDtypeStruct:
        """Shape and dtype of the pictures that a system takes which turns pictures into pictures, in this direction."""
        return self.shapes["input"] if direction == "ab" and "input" in self.shapes else self.made

    def zeros(self, count: int) -> dict[str, np.ndarray]:
        """A minibatch of zeros in the shapes of the data."""
        return {name: np.zeros((count, *s.shape), s.dtype) for name, s in self.shapes.items()}

    def to_json(self) -> dict[str, Any]:
        return {
            "experiment": self.experiment.to_json(),
            "shapes": {name: [list(s.shape), str(s.dtype)] for name, s in self.shapes.items()},
            "classes": list(self.classes),
            "examples": self.spec.count,
            "media": {name: encode(medium) for name, medium in self.spec.media.items()},
            "identity": self.spec.identity,
            "versions": versions(),
        }


def versions() -> dict[str, str]:
    """Versions of what decides a run's numbers."""
    names = ("jax", "jaxlib", "flax", "optax", "numpy")
    # A checkout on PYTHONPATH is no installed package.
    return {"jaxgan": jaxgan.__version__, **{name: importlib.metadata.version(name) for name in names}}


def describe(experiment: Experiment, spec: Spec) -> Record:
    """The record of an experiment on data that gives `spec`.

    Raises:
        UserError: the system reads what the data does not give, or cannot learn from it.
    """
    system = experiment.system
    if missing := [name for name in system.reads if name not in spec.shapes]:
        raise UserError(
            f"{type(system).__name__} reads {missing[0]!r}, but the data {type(experiment.data).__name__} gives only "
            f"{', '.join(sorted(spec.shapes))}: choose other data, or a system that does without"
        )
    if system.makes not in system.reads:
        raise UserError(
            f"{type(system).__name__} makes {system.makes!r}, which is not among what it reads: name it in `reads`, too"
        )
    if alien := [name for name in system.conditions if name not in system.reads]:
        raise UserError(
            f"{type(system).__name__} is conditioned on {alien[0]!r}, which is no entry of the data that it reads: what it "
            "draws by itself is part of its latents"
        )
    used = spec.of(system.reads)
    for name, medium in used.media.items():
        try:
            medium.check(used.shapes[name].shape, used.shapes[name].dtype)
        except UserError as error:
            raise UserError(f"{name!r} of the data {type(experiment.data).__name__}: {error}") from None
    return Record(experiment, system.resolve(used), used)


def read(workdir: Path, experiment: Experiment | None = None) -> Record:
    """The record of a workdir.

    Args:
        workdir: the folder.
        experiment: the same experiment again, for a system that is not part of jaxgan.

    Raises:
        UserError: there is none, or it is damaged, or the experiment is another.
    """
    path = workdir / RECORD
    if not workdir.is_dir():
        raise UserError(f"{workdir} is not a folder: give the workdir of a run (jaxgan train CONFIG --workdir DIR)")
    if not path.exists():
        raise UserError(f"{workdir} is not a workdir: it has no {RECORD}; train one with jaxgan train CONFIG")
    encoded = load_json(path)
    if experiment is not None and (different := _different(experiment, encoded["experiment"])):
        raise UserError(f"{workdir} holds another experiment: " + "; ".join(different))
    return decode(encoded, path, experiment)


def decode(encoded: dict[str, Any], source: Path | str, experiment: Experiment | None = None) -> Record:
    """The record that `Record.to_json` wrote; with this experiment, where its system is not part of jaxgan.

    Raises:
        UserError: it is not what this version of jaxgan writes; `source` is named.
    """
    if experiment is None:
        experiment = Experiment.from_json(encoded["experiment"], source)
    shapes = {
        name: jax.ShapeDtypeStruct(tuple(shape), jnp.dtype(dtype)) for name, (shape, dtype) in encoded["shapes"].items()
    }
    if wrong := [name for name, shape in shapes.items() if shape.dtype.kind not in "fiub"]:
        raise UserError(f"{source} is damaged: the type of {wrong[0]} is {shapes[wrong[0]].dtype}, which is no number")
    media = {name: decode_value(medium, source) for name, medium in media_of(encoded).items()}
    # Older workdirs have no identity.
    spec = Spec(shapes, encoded["classes"], media, encoded["examples"], encoded.get("identity", ""))
    return describe(experiment, spec)


def media_of(encoded: dict[str, Any]) -> dict[str, Any]:
    """Of each entry what it is, encoded; in older workdirs the words of texts have a place of their own."""
    if words := encoded.get("vocabulary"):
        text = encode(Text(vocabulary=tuple(words)))
        return {name: text for name in encoded["shapes"] if name in ("text", "wrong_text")}
    return encoded.get("media", {})


def load_json(path: Path) -> dict[str, Any]:
    """experiment.json as JSON.

    Raises:
        UserError: it is damaged.
    """
    try:
        encoded = json.loads(path.read_text())
        encoded["experiment"], encoded["shapes"], encoded["classes"], encoded["examples"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise UserError(
            f"{path} is damaged: it is not what jaxgan wrote; the command that trained the run (jaxgan train) writes it anew"
        ) from None
    return encoded


def _different(experiment: Experiment, saved: dict[str, Any]) -> list[str]:
    """The fields in which an experiment differs from an encoded one; where its data lies is none of them."""
    return differences(experiment.to_json(), completed(saved, experiment), besides=places(experiment.data))


def check_same(workdir: Path, experiment: Experiment) -> None:
    """Compare the experiment with the one that the folder holds, if any.

    Raises:
        UserError: it is another.
    """
    path = workdir / RECORD
    if not path.exists() and not (workdir / "checkpoints").is_dir():
        return
    try:
        saved = load_json(path)["experiment"]
    except (UserError, FileNotFoundError):
        saved = _experiment_of_checkpoints(workdir)
        what = "damaged" if path.exists() else "missing"
        if saved is None:
            raise UserError(
                f"{path} is {what}, and no checkpoint says what the run was: give another --workdir, or --overwrite to "
                "begin again"
            ) from None
        warn(f"{path} is {what}: written anew")
    if different := _different(experiment, saved):
        raise UserError(
            f"{workdir} holds another experiment, and nothing was touched. It differs in "
            + "; ".join(different)
            + ". Give another --workdir, or --overwrite to begin again."
        )


def check_data(workdir: Path, record: Record) -> None:
    """Compare the data with that of the run which the folder holds, if any: files may have come or gone since.

    Raises:
        UserError: it has changed, and with it the order of every epoch: the run could not go on as it began.
    """
    try:
        saved = load_json(workdir / RECORD)
    except (UserError, FileNotFoundError):  # written anew from the checkpoints
        return
    now = record.to_json()
    names = ("shapes", "classes", "examples")
    for side in (now, saved):  # of systems that read no label it does not matter what its values are called
        side["classes"] = [composed(str(name)) for name in side["classes"]] if "label" in record.shapes else []
    different = differences({n: now[n] for n in names}, {n: saved[n] for n in names}, names)
    media, before = now["media"], media_of(saved)
    # Named, not shown: it may hold a thousand words.
    different += [
        f"{name}: it is of another medium, or its words are others"
        for name in before
        if media.get(name) != before[name]
    ]
    identity = saved.get("identity", "")
    if not different and identity and identity != record.spec.identity:
        warn(
            f"warning: the data has as many examples as when {workdir} was trained, but they are others, by their names or "
            "sizes: the run goes on with them"
        )
    if different:
        raise UserError(
            f"the data is not what it was when {workdir} was trained, and nothing was touched: {'; '.join(different)}. "
            "Bring it back, or give another --workdir, or --overwrite to begin again."
        )


def _experiment_of_checkpoints(workdir: Path) -> dict[str, Any] | None:
    """The experiment as the newest readable checkpoint has it, encoded; None where there is none."""
    if not (workdir / "checkpoints").is_dir():
        return None
    checkpoints = Checkpoints(workdir / "checkpoints", read_only=True)
    try:
        meta = checkpoints.newest_meta()
    finally:
        checkpoints.close()
    return None if meta is None else meta.get("experiment")


def prepare(workdir: Path, record: Record, overwrite: bool) -> None:
    """Make the folder ready for this record's run: a new one, or, without `overwrite`, one to go on with.

    Raises:
        UserError: what would be dropped is not a run's.
    """
    if overwrite and (workdir / RECORD).exists():
        for name in CONTENTS:
            _remove(workdir / name)
    elif overwrite and (workdir / "checkpoints").exists():
        raise UserError(
            f"{workdir} has a folder of checkpoints but no {RECORD}: to begin again, see whose they are and remove them, "
            "or give another --workdir"
        )
    write_whole(workdir / RECORD, json.dumps(record.to_json(), indent=2) + "\n")


def _remove(target: Path) -> None:
    """Whatever it is. Of a link to a folder of checkpoints (on a larger disk, say) these go; it stays, and so does the rest."""
    if target.is_symlink() and target.is_dir() and target.name in WITH_STEPS:
        for entry in target.iterdir():
            if entry.name.partition(".orbax-checkpoint-tmp")[0].isdigit():
                shutil.rmtree(entry)
    elif target.is_dir() and not target.is_symlink():
        shutil.rmtree(target)
    else:
        target.unlink(missing_ok=True)


@contextlib.contextmanager
def locked(workdir: Path):
    """Make the folder and hold it against a second run; the system lets go when the process ends, however it does.

    What was made is gone again in the end where nothing came into it: it might lie among pictures, and be a class of them.

    Raises:
        UserError: another process trains in it, or it cannot be made.
    """
    made = [folder for folder in (workdir.absolute(), *workdir.absolute().parents) if not folder.exists()]
    try:
        workdir.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(workdir, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        _remove_empty(made)
        reason = "it is not a folder" if isinstance(error, FileExistsError) else error.strerror
        raise UserError(f"cannot use {workdir} as a workdir ({reason}): give another --workdir") from None
    if not os.access(workdir, os.W_OK):
        os.close(descriptor)
        raise UserError(f"cannot write in {workdir}: give another --workdir")
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(
                f"another process is training in {workdir}: wait for it, or give another --workdir"
            ) from None
        except OSError as error:  # some network file systems have no locks
            warn(f"{workdir} cannot be locked ({error.strerror}): see to it that no other process trains there")
        yield
    finally:
        _remove_empty(made)
        os.close(descriptor)


def _remove_empty(folders: list[Path]) -> None:
    for folder in folders:
        with contextlib.suppress(OSError):
            folder.rmdir()


def system_name(system: System) -> str:
    """The class of a system as a person knows it: `DCGAN`, or `module:Class` where it is not part of jaxgan."""
    path = class_path(system)
    return type(system).__name__ if path.startswith("jaxgan.") else path
