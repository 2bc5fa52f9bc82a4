"""Weights in other people's files: read as numbers, never as programs, and checked name by name.

A `.pth` is a pickle, and unpickling runs what the file says. PyTorch's `weights_only=True` admits tensors and plain
containers alone; a file that asks for more is refused. `.safetensors` and `.h5` hold nothing but arrays.
"""

import hashlib
import io
import pickle
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import flax
import ml_dtypes  # JAX has it
import numpy as np

from jaxgan.cache import expanded
from jaxgan.errors import UserError, missing_extra


@dataclass(frozen=True, eq=False)
class Weights:
    """The tensors of a file.

    Attributes:
        path: the file.
        digest: its SHA-256, in hexadecimal; of the very bytes that the tensors were read from.
        tensors: float32 arrays by name; in `.h5` a name is the path of the dataset, "block1/layers/conv2d/vars/0".
    """

    path: Path
    digest: str
    tensors: dict[str, np.ndarray]


@dataclass(frozen=True)
class Layout:
    """How a leaf lies in a file: `read` brings a tensor into Flax's order of axes, and `write` back."""

    read: Callable[[np.ndarray], np.ndarray]
    write: Callable[[np.ndarray], np.ndarray]


def axes(*orders: tuple[int, ...]) -> Layout:
    """Tensors whose axes in Flax's order are these of the file's; an order for each rank, other ranks as they are."""
    reads = {len(order): order for order in orders}
    writes = {rank: tuple(np.argsort(order)) for rank, order in reads.items()}
    return Layout(
        lambda tensor: tensor.transpose(reads.get(tensor.ndim, range(tensor.ndim))),
        lambda leaf: leaf.transpose(writes.get(leaf.ndim, range(leaf.ndim))),
    )


PYTORCH = axes((2, 3, 1, 0), (1, 0))
"""[out, in, kh, kw] and [out, in], where Flax has [kh, kw, in, out] and [in, out]."""
FLAX = axes()
SAFETENSORS = {
    "F64": np.float64, "F32": np.float32, "F16": np.float16, "BF16": ml_dtypes.bfloat16, "F8_E4M3": ml_dtypes.float8_e4m3fn,
    "F8_E5M2": ml_dtypes.float8_e5m2, "I64": np.int64, "I32": np.int32, "I16": np.int16, "I8": np.int8, "U64": np.uint64,
    "U32": np.uint32, "U16": np.uint16, "U8": np.uint8, "BOOL": np.bool_,
}  # fmt: skip
"""The types of tensors in `.safetensors`; numpy knows none of those with fewer bits."""
NAMED = 3
"""Tensors that a sentence names before it counts the rest."""


def read_weights(path: str | Path, sha256: str | None = None) -> Weights:
    """Read the tensors of a `.pth`, `.pt`, `.ckpt` (PyTorch's), `.safetensors`, `.h5` or `.hdf5` file.

    Args:
        path: the file.
        sha256: what its SHA-256 must be; checked before anything is parsed.

    Raises:
        UserError: there is no such file, its hash is another, it is damaged, it holds more than tensors, or the package
            that reads it is not installed.
    """
    path = expanded(path)
    readers = {".pth": _pth, ".pt": _pth, ".ckpt": _pth, ".safetensors": _safetensors, ".h5": _h5, ".hdf5": _h5}
    if path.suffix.lower() not in readers:
        raise UserError(f"{path}: weights are read from files that end in {', '.join(readers)}; this one does not")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}; name the file of weights") from None
    digest = hashlib.sha256(content).hexdigest()
    if sha256 is not None and digest != sha256:
        raise UserError(
            f"{path} is not the file that it should be: its SHA-256 is {digest}, not {sha256}; download it again"
        )
    tensors = readers[path.suffix.lower()](path, content)
    if not tensors:
        raise UserError(f"{path} holds no tensors; name a file of weights")
    return Weights(path, digest, tensors)


def fill(
    shapes: dict[str, Any],
    weights: Weights,
    name_of: Callable[[tuple[str, ...]], str],
    ignored: Callable[[str], bool] = lambda name: False,
    layout_of: Callable[[tuple[str, ...]], Layout] = lambda path: PYTORCH,
) -> dict[str, Any]:
    """The variables of a network, each leaf from the tensor of its name; no tensor may be missing, or left over.

    Args:
        shapes: the network's variables as `jax.eval_shape` gives them.
        weights: the file's.
        name_of: from the path of a leaf, `("params", "fc", "kernel")`, to its tensor's name, "fc.weight".
        ignored: names of tensors that may be left over.
        layout_of: from the path of a leaf to how its tensor lies in the file; PyTorch's usual way by default.

    Raises:
        UserError: names the tensors that are missing, superfluous, misshapen or not finite.
    """
    leaves = flax.traverse_util.flatten_dict(shapes)
    names = {path: name_of(path) for path in leaves}
    _complain_of_names(weights, names.values(), ignored)
    misshapen, broken, filled = [], [], {}
    for path, leaf in leaves.items():
        name, layout = names[path], layout_of(path)
        found, wanted = weights.tensors[name], layout.write(np.broadcast_to(np.float32(0), leaf.shape)).shape
        if found.shape != wanted:
            misshapen.append(f"{name} has the shape {list(found.shape)}, not {list(wanted)}")
            continue
        if not np.isfinite(found).all():
            broken.append(name)
        filled[path] = layout.read(found)
    if misshapen:
        raise UserError(f"{weights.path}: the tensor {_some(misshapen)}; these are the weights of another network")
    if broken:
        raise UserError(f"{weights.path}: NaN or infinity in the tensor {_some(broken)}; download the file again")
    return flax.traverse_util.unflatten_dict(filled)


def _complain_of_names(weights: Weights, expected: Iterable[str], ignored: Callable[[str], bool]) -> None:
    expected = dict.fromkeys(expected)  # keeps the order of the network: the first that are missing are named
    missing = [name for name in expected if name not in weights.tensors]
    superfluous = [name for name in weights.tensors if name not in expected and not ignored(name)]
    said = [f"the file lacks the tensor {_some(missing)}"] if missing else []
    said += [f"the network has no place for the tensor {_some(superfluous)}"] if superfluous else []
    if said:
        raise UserError(f"{weights.path}: {', and '.join(said)}; these are the weights of another network")


def _some(names: list[str]) -> str:
    """The first few, and how many more there are."""
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")


def _pth(path: Path, content: bytes) -> dict[str, np.ndarray]:
    try:
        import torch
    except ImportError:
        raise UserError(
            f"{path}: .pth files are read by PyTorch, which is not installed: pip install torch, or convert the file to "
            ".safetensors where torch is"
        ) from None
    if _is_torchscript(content):
        raise UserError(
            f"{path} is a TorchScript program, which would run code when loaded: it was not; where it was made, save its "
            "state_dict() instead"
        )
    try:
        # Files that were saved from a GPU say so; the tensors are wanted here.
        state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise UserError(
            f"{path} is damaged, or holds more than tensors and would run code when loaded: it was not; "
            "save its state_dict() alone"
        ) from None
    except (RuntimeError, EOFError, ValueError, KeyError, AttributeError, TypeError, IndexError) as error:
        raise UserError(f"{path} is damaged ({type(error).__name__}); download it again") from None
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise UserError(f"{path} is not a state dict, names with a tensor each: save the model's state_dict() alone")
    return {str(name): tensor.detach().to(torch.float32).numpy() for name, tensor in state.items()}


def _is_torchscript(content: bytes) -> bool:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            return any(name.endswith("/constants.pkl") for name in file.namelist())
    except (zipfile.BadZipFile, ValueError, OSError):
        return False


def _safetensors(path: Path, content: bytes) -> dict[str, np.ndarray]:
    try:
        import safetensors
    except ImportError:
        raise missing_extra("safetensors", "metrics", f"reading {path}") from None
    try:
        found = safetensors.deserialize(content)
        if odd := [name for name, tensor in found if tensor["dtype"] not in SAFETENSORS]:
            kind = next(tensor["dtype"] for name, tensor in found if name == odd[0])
            raise UserError(f"{path}: the tensor {odd[0]} is of the type {kind}, which is not read: save it as float32")
        return {
            name: np.frombuffer(tensor["data"], SAFETENSORS[tensor["dtype"]])
            .reshape(tensor["shape"])
            .astype(np.float32)
            for name, tensor in found
        }
    except (safetensors.SafetensorError, KeyError, ValueError) as error:
        raise UserError(f"{path} is damaged ({type(error).__name__}); download it again") from None


def _h5(path: Path, content: bytes) -> dict[str, np.ndarray]:
    try:
        import h5py
    except ImportError:
        raise missing_extra("h5py", "metrics", f"reading {path}") from None
    tensors = {}

    def collect(name: str, item) -> None:  # `visititems` does not follow links out of the file
        if isinstance(item, h5py.Dataset) and np.issubdtype(item.dtype, np.number):
            tensors[name] = np.asarray(item[()], np.float32)

    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            file.visititems(collect)
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        raise UserError(f"{path} is damaged ({type(error).__name__}); download it again") from None
    return tensors
