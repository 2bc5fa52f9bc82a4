"""Keras models as TensorFlow.js has them: model.json and its shards, as a state dict with PyTorch's order of axes."""

import json
from pathlib import Path

import numpy as np

from jaxgan.errors import UserError

KINDS = {"kernel": "weight", "bias": "bias"}
"""What PyTorch calls them; kernels are [kh, kw, in, out] there and [out, in, kh, kw] here."""


def shards(path: Path, content: bytes) -> tuple[list[dict], bytes]:
    """The table of tensors of a model.json, and the numbers of all, from the files beside it.

    Raises:
        UserError: it is none, or a file is missing.
    """
    try:
        groups = json.loads(content)["weightsManifest"]
        tensors = [tensor for group in groups for tensor in group["weights"]]
        names = [str(name) for group in groups for name in group["paths"]]
    except (ValueError, KeyError, TypeError):
        raise UserError(f"{path} is no model.json of TensorFlow.js: it has no weightsManifest") from None
    data = b""
    for name in names:
        if Path(name).name != name:
            raise UserError(f"{path} names a file in another folder, {name}: put its shards beside it")
        try:
            data += (path.parent / name).read_bytes()
        except OSError as error:
            raise UserError(f"{path.parent / name}, of {path.name}, cannot be read: {error.strerror}") from None
    return tensors, data


def beside(path: Path, content: bytes) -> bytes:
    """The shards of a model.json, one after the other."""
    return shards(path, content)[1]


def read(path: Path, content: bytes) -> dict[str, np.ndarray]:
    """The tensors, float32, by the names of their layers: "conv.weight" [out, in, kh, kw] and "conv.bias" [out].

    Raises:
        UserError: it is no such model, not whole, or its numbers are quantised.
    """
    (table, data), found, at = shards(path, content), {}, 0
    for tensor in table:
        try:
            name, shape, kind = tensor["name"], [int(side) for side in tensor["shape"]], tensor["dtype"]
        except (KeyError, TypeError, ValueError):
            raise UserError(f"{path} is damaged: a tensor without a name, a shape or a type") from None
        if kind != "float32" or "quantization" in tensor:
            raise UserError(f"{path}: the tensor {name} is not float32: models that were quantised are not read")
        count = int(np.prod(shape))
        if count < 0 or at + 4 * count > len(data):
            raise UserError(f"{path} is not whole: its shards end before the tensor {name}; download it again")
        array = np.frombuffer(data, "<f4", count, at).reshape(shape)
        layer, _, part = name.rpartition("/")
        found[f"{layer}.{KINDS.get(part, part)}"] = array.transpose(3, 2, 0, 1) if array.ndim == 4 else array
        at += 4 * count
    if at != len(data):
        raise UserError(
            f"{path}: its shards have {len(data) - at} bytes more than it says: they do not belong together"
        )
    return found
