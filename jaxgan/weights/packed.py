"""A whole run as one file to hand on: every network, and the experiment that they come from, as `.safetensors`.

    jaxgan.weights.pack(run, "faces.safetensors")
    run = jaxgan.weights.unpack("faces.safetensors", "runs/faces")      # on another machine: sample, translate, train on

Tensors are named network/collection/module/.../leaf. The metadata hold the record of the workdir (experiment.json) and the
step. Neither optimisers nor what else lasts (pools, probabilities) are in it: training on from it is not resuming.
"""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import flax
import jax
import numpy as np

from jaxgan import bucket, workdir
from jaxgan.cache import write_for
from jaxgan.errors import UserError, missing_extra
from jaxgan.experiment import Experiment
from jaxgan.run import Run, abstract_state
from jaxgan.training.step import fresh_state, with_pretrained
from jaxgan.weights.file import FLAX, Weights, fill, read_weights
from jaxgan.weights.importing import begin, empty, record_of

FORMAT = "jaxgan"
"""What `jaxgan import-weights --format` calls such a file; and the entry of its metadata, JSON."""


LARGEST = 10**8
"""Steps of a run, at most: its place in the data is counted step by step."""


def shipped() -> dict[str, Path]:
    """The packed runs that come with jaxgan for its notebooks, by name: in the wheel, or in a clone's colab/weights."""
    here = Path(__file__).parent.parent
    for folder in (here / "shipped_weights", here.parent / "colab" / "weights"):
        if folder.is_dir():
            return {path.stem: path for path in sorted(folder.glob("*.safetensors"))}
    return {}


def pack(
    run: Run,
    out: str | Path,
    dtype: Literal["float32", "float16"] = "float16",
    networks: Sequence[str] | None = None,
) -> None:
    """Write the networks of a run into one file: their moving averages where there are some, unless `run.weights` is "raw".

    Args:
        run: a trained run of a system that is part of jaxgan.
        out: the file, which ends in .safetensors.
        dtype: of floating-point leaves. float16 halves the file and rounds weights to about 1 in 2,000.
        networks: which, all by default. Those that are left out have fresh weights after `unpack`.

    Raises:
        UserError: a weight is too large for float16; there is no such network; the system is not part of jaxgan; or the file
            cannot be written.

    >>> from jaxgan.weights.file import read_weights
    >>> run = jaxgan.restore("runs/digits")  # as in the example of `jaxgan.fit`
    >>> pack(run, "digits.safetensors")
    >>> read_weights("digits.safetensors").tensors["G/params/Dense_0/kernel"].shape
    (32, 256)
    """
    out = bucket.local(out)
    if out.suffix.lower() != ".safetensors":
        raise UserError(f"--out {out}: it must end in .safetensors")
    try:
        from safetensors.numpy import save
    except ImportError:
        raise missing_extra("safetensors", "metrics", f"writing {out}") from None
    encoded = run.record.to_json()
    Experiment.from_json(encoded["experiment"], run.workdir)  # which refuses what `unpack` could not open
    variables = run.variables()
    names = tuple(variables) if networks is None else tuple(networks)
    if missing := [name for name in names if name not in variables]:
        raise UserError(f"there is no network {missing[0]}: {run.workdir} has {', '.join(variables)}")
    tensors = {}
    for name, leaf in _named({name: variables[name] for name in names}).items():
        floats = np.issubdtype(leaf.dtype, np.floating)
        with np.errstate(over="ignore"):
            tensors[name] = np.asarray(leaf.astype(dtype) if floats else leaf, order="C")
        if floats and not np.isfinite(tensors[name]).all():
            raise UserError(f"the tensor {name} of {run.workdir} has values beyond {dtype}: give --dtype float32")
    # One entry: safetensors writes several in an order that changes from time to time.
    metadata = {FORMAT: json.dumps({"record": encoded, "step": run.step, "networks": names})}
    write_for(out, save(tensors, metadata))
    bucket.send(out)


def unpack(file: str | Path, out: str | Path, *, data: Any = None) -> Run:
    """Make a workdir of a file that `pack` wrote, at the step that the run had. Networks that are not in it get fresh weights.

    `jaxgan.fit(dataclasses.replace(run.experiment, steps=run.step + 500), run.workdir)` trains on, with fresh optimisers, whose
    schedules begin again.

    Args:
        file: the file.
        out: the folder to make; there may be an empty one.
        data: what the run is to be trained on instead of its own data: examples of the same shapes.

    Raises:
        UserError: the file is not one that `pack` wrote, or is damaged; the data has other shapes; or the folder is not empty.
            Nothing was made.
    """
    out, source = empty(out), read_weights(file)
    encoded, step, names = _metadata(source)
    try:
        record = workdir.decode(encoded, source.path)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise UserError(f"{source.path}: its record is not what this version of jaxgan writes") from None
    if data is not None:
        record = _on(data, record)
    shapes = {name: network.current for name, network in abstract_state(record).networks.items() if name in names}
    if unknown := [name for name in names if name not in shapes]:
        raise UserError(f"{source.path}: {type(record.system).__name__} has no network {unknown[0]}")
    found = _by_network(source, shapes)
    filled = {name: fill(shapes[name], found[name], "/".join, layout_of=lambda _: FLAX) for name in shapes}
    read = jax.tree.map(lambda leaf, wanted: leaf.astype(wanted.dtype), filled, shapes)
    fresh = fresh_state(record.system, record.experiment.seed, lambda: record.zeros(2))
    state = with_pretrained(fresh, read).replace(step=np.asarray(step, fresh.step.dtype))
    position = sum(record.system.minibatches(record.system.plan(number)) for number in range(step))
    return begin(out, record, state, position)


def _named(variables: dict[str, Any]) -> dict[str, np.ndarray]:
    return {name: np.asarray(leaf) for name, leaf in flax.traverse_util.flatten_dict(variables, sep="/").items()}


def _metadata(source: Weights) -> tuple[dict[str, Any], int, list[str]]:
    """The record, encoded, the step, and the networks that are in the file."""
    from safetensors import safe_open

    with safe_open(source.path, "np") as opened:
        found = opened.metadata() or {}
    if FORMAT not in found:
        raise UserError(
            f"{source.path} is not a run that jaxgan packed: name the format of the code that wrote it, or make the file with "
            "jaxgan export WORKDIR --network all"
        )
    try:
        about = json.loads(found[FORMAT])
        encoded, step, names = about["record"], about["step"], about["networks"]
        if not (
            isinstance(encoded, dict) and isinstance(step, int) and 0 <= step < LARGEST and isinstance(names, list)
        ):
            raise ValueError
        if not all(isinstance(name, str) for name in names):
            raise ValueError
    except (ValueError, KeyError, TypeError, RecursionError):
        raise UserError(f"{source.path} is damaged: its record cannot be read; get it again") from None
    return encoded, step, names


def _by_network(source: Weights, shapes: dict[str, Any]) -> dict[str, Weights]:
    """The tensors of each network under their names within it."""
    parts: dict[str, dict[str, np.ndarray]] = {name: {} for name in shapes}
    for name, tensor in source.tensors.items():
        network, _, leaf = name.partition("/")
        if network not in parts:
            raise UserError(f"{source.path}: there is no network {network}, of which the tensor {name} is said to be")
        parts[network][leaf] = tensor
    return {name: Weights(source.path, source.digest, tensors) for name, tensors in parts.items()}


def _on(data: Any, record: workdir.Record) -> workdir.Record:
    """The record with other data.

    Raises:
        UserError: its examples have other shapes, or other classes or words than the networks know.
    """
    made = record_of(dataclasses.replace(record.experiment, data=data))
    compared = [("shapes", made.shapes, record.shapes)]
    compared += [("classes", made.classes, record.classes)] if "label" in record.shapes else []
    compared += [("words", made.spec.vocabulary, record.spec.vocabulary)] if "text" in record.shapes else []
    for name, mine, theirs in compared:
        if mine != theirs:
            raise UserError(
                f"the data has other {name} than that of the packed run: {_short(mine)}, not {_short(theirs)}"
            )
    return made


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {list(shape.shape)}" for name, shape in value.items())
    return f"{', '.join(value[:8])}{' ...' if len(value) > 8 else ''}" or "none"
