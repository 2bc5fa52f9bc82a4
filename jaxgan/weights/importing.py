"""From other people's files to a workdir."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import jax
import numpy as np

from jaxgan import bucket, workdir
from jaxgan.data.pipeline import Batches
from jaxgan.data.spec import Spec
from jaxgan.errors import UserError
from jaxgan.experiment import Experiment
from jaxgan.run import Run, abstract_state, restore
from jaxgan.training.checkpoint import Checkpoints, digests
from jaxgan.training.state import TrainState
from jaxgan.training.step import fresh_state
from jaxgan.weights import ncnn
from jaxgan.weights.data import Imported
from jaxgan.weights.file import read_file
from jaxgan.weights.formats import Format, Recognised, found_out, module_of
from jaxgan.weights.layers import read_network, unprefixed


def import_weights(
    files: Sequence[str | Path],
    format: Format | Literal["auto"],
    out: str | Path,
    *,
    size: int | None = None,
    direction: Literal["ab", "ba"] | None = None,
    classes: Sequence[str] = (),
    data: Any = None,
    residual_scale: float | None = None,
) -> Run:
    """Make a workdir, at step 0, of weights that other code has trained.

    The architecture is that which the tensors' names and shapes show. A network of the system that is in none of the files
    gets fresh weights: `run.experiment.data.fresh` names them.

    Args:
        files: `.safetensors`, or PyTorch's, of a network each or of several; a generator's at least.
        format: whose code wrote them; "auto" finds it out where the tensors tell.
        out: the folder to make; there may be an empty one.
        size: side of the pictures; what the architecture implies by default. Translators take pictures of other sizes, too.
        direction: for CycleGAN, what the first generator's file does, whatever its name says.
        classes: for StarGAN, the names of its attributes in their order, "attribute0" and so on by default; for StyleGAN2 those
            of its classes, "class0" and so on.
        data: what the run is to be trained on, by `jaxgan.fit(run.experiment, run.workdir)`; `size` is then that of its
            pictures. Without it the run can be sampled from, or translate, but not be trained.
        residual_scale: for EDSR, by what its residuals are multiplied, which no file says; by default 0.1 for 256 features, and
            1 for fewer.

    Raises:
        UserError: the files are not those of this format, or not whole; or the folder is not empty. Nothing was made.
    """
    if not files:
        raise UserError("name the files of the weights")
    out = empty(out)
    contents = [read_file(_located(path)) for path in files]
    if format == "auto":
        format = found_out(contents[0])
    chosen = module_of(format)
    if direction is not None and format != "pytorch-cyclegan-and-pix2pix":
        raise UserError(f"--direction {direction} is for CycleGAN's generators, and {format} has none: leave it out")
    networks = [unprefixed(weights) for content in contents for weights in chosen.networks_in(content)]
    recognised = chosen.recognise(networks, direction)
    if residual_scale is not None:
        if format != "edsr":
            raise UserError(f"--residual-scale {residual_scale} is for EDSR, and {format} has none: leave it out")
        system = dataclasses.replace(recognised.system, residual_scale=residual_scale)
        recognised = dataclasses.replace(recognised, system=system)
    record = _record(recognised, format, size, tuple(classes), data)
    shapes = abstract_state(record).networks
    read = {
        name: read_network(
            shapes[name].current, weights, chosen.layers(record.system, record.shapes["image"].shape, name)
        )
        for name, weights in recognised.files.items()
    }
    state = _initial_state(record, read)
    return begin(out, record, state, 0)


def _located(path: str | Path) -> str | Path:
    """The file; or that of a model by its name, in the installed package that has it."""
    return ncnn.installed(str(path)) if str(path) in ncnn.MODELS else path


def begin(out: Path, record: workdir.Record, state: TrainState, position: int) -> Run:
    """Make a workdir that begins with this state, on the host, at this position in the data.

    Raises:
        UserError: the folder cannot be made, or written.
    """
    with workdir.locked(out):
        workdir.prepare(out, record, overwrite=False)
        checkpoints = Checkpoints(out / "checkpoints", record.experiment.keep_checkpoints)
        try:
            frozen = digests(record.system.frozen())
            checkpoints.save(state, {"position": position, "experiment": record.experiment.to_json(), "frozen": frozen})
            checkpoints.wait()
        finally:
            checkpoints.close()
        bucket.send(out, held=True)
    return restore(out)


def empty(out: str | Path) -> Path:
    """Where a workdir is to be made, on this machine. Raises: UserError: something is there."""
    out = bucket.local(out)
    bucket.fetch(out)
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise UserError(f"{out} exists and is not an empty folder: give another --out")
    return out


def _initial_state(record: workdir.Record, read: dict[str, dict[str, Any]]) -> TrainState:
    """The state of step 0, with the variables of these networks."""
    state = fresh_state(record.system, record.experiment.seed, lambda: record.zeros(2), known=read)
    networks = dict(state.networks)
    for name, variables in read.items():
        rest = {collection: leaves for collection, leaves in variables.items() if collection != "params"}
        average = None if networks[name].ema is None else jax.tree.map(np.copy, variables)
        networks[name] = networks[name].replace(params=variables["params"], variables=rest, ema=average)
    return state.replace(networks=networks)


def _record(
    recognised: Recognised, format: Format, size: int | None, classes: tuple[str, ...], data: Any
) -> workdir.Record:
    system, files, labels = recognised.system, recognised.files, recognised.labels or recognised.classes
    provenance = Imported(
        format=format,
        files=tuple(str(file.path) for file in files.values()),
        digests=tuple(file.digest for file in files.values()),
        networks=tuple(files),
        fresh=tuple(sorted({name for phase in system.phases() for name in phase.trains} - set(files))),
        data=data,
        left_out=recognised.left_out,
    )
    experiment = Experiment(system=system, data=provenance)
    if data is not None:
        if size is not None or classes:
            raise UserError("the data has a size and classes of its own: leave size and classes out")
        return _with_data(experiment, recognised)
    if classes and len(classes) != labels:
        raise UserError(f"--classes names {len(classes)}, and the weights are for {labels}: name each or none")
    side, multiple = recognised.size if size is None else size, recognised.multiple
    if multiple is None and side != recognised.size:
        raise UserError(
            f"--size {side}: these weights are for pictures of {recognised.size}x{recognised.size}: leave it out"
        )
    if multiple is not None and (side < 1 or side % multiple):
        raise UserError(f"--size {side}: it must be a multiple of {multiple}")
    picture, small = (
        jax.ShapeDtypeStruct((length, length, recognised.channels), np.float32)
        for length in (side, side // recognised.scale)
    )
    label = jax.ShapeDtypeStruct(() if recognised.classes else (labels,), np.int32)
    shapes = {"input": small, "image": picture, "label": label}
    names = classes or tuple(f"{'class' if recognised.classes else 'attribute'}{number}" for number in range(labels))
    try:
        return workdir.describe(experiment, Spec(shapes, names))
    except UserError as error:
        if size is None:
            raise
        raise UserError(f"--size {side} is too small for these networks: choose a larger one") from error


def record_of(experiment: Experiment) -> workdir.Record:
    """What the workdir of an experiment says of it, once its data has been looked at."""
    with Batches(experiment.data, batch_size=1, seed=0) as batches:
        return workdir.describe(experiment, batches.spec)


def _with_data(experiment: Experiment, recognised: Recognised) -> workdir.Record:
    record = record_of(experiment)
    shape, size = record.shapes["image"].shape, recognised.size
    if shape[-1] != recognised.channels:
        raise UserError(
            f"the data's pictures have {shape[-1]} channels, and those of the weights {recognised.channels}"
        )
    if recognised.multiple is None and shape[:2] != (size, size):
        raise UserError(
            f"the data's pictures are {shape[0]}x{shape[1]}, and the weights are for {size}x{size}: set its size"
        )
    return record
