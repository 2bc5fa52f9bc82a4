"""Weights in other people's files: read as numbers, never as programs, and checked name by name.

A `.pth` is a pickle, and unpickling runs what the file says: `jaxgan.weights.torch_files` reads it as data. `.safetensors` and
`.h5` hold nothing but arrays.
"""

import hashlib
import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import flax
import ml_dtypes  # JAX has it
import numpy as np

from jaxgan.cache import expanded
from jaxgan.errors import UserError, missing_extra
from jaxgan.weights import ncnn, tfjs, torch_files
from jaxgan.weights.pickles import Inert, items_of


@dataclass(frozen=True, eq=False)
class Contents:
    """A file.

    Attributes:
        path: the file.
        digest: its SHA-256, in hexadecimal; of the very bytes that the rest was read from.
        size: of the file in bytes.
        tree: what it holds: a dict of float32 arrays, or what `torch_files.read` makes of a file of PyTorch.
    """

    path: Path
    digest: str
    size: int
    tree: Any

    def weights(self, tensors: dict[str, Any], place: str = "", settings: dict[str, Any] | None = None) -> "Weights":
        """Of these tensors and arrays of `tree`.

        Raises:
            UserError: one is something else, or they are the same numbers many times over.
        """
        arrays = {name: torch_files.array_of(tensor) for name, tensor in tensors.items()}
        if wrong := [name for name, array in arrays.items() if array is None or not isinstance(name, str)]:
            raise UserError(f"{self.path}: {wrong[0]!r} is no tensor, among others; is it --format's?")
        # Each number of a pickle is at least a byte in it.
        viewed = [array.size for name, array in arrays.items() if array is not tensors[name]]
        if sum(viewed) > self.size + torch_files.EXPANDED:
            raise UserError(f"{self.path} is damaged: its tensors have more numbers than it; download it again")
        floats = {name: array.astype(np.float32, copy=False) for name, array in arrays.items()}
        return Weights(self.path, self.digest, floats, place, settings or {})


@dataclass(frozen=True, eq=False)
class Weights:
    """The tensors of a network in a file.

    Attributes:
        path, digest: of `Contents`.
        tensors: float32 arrays by name; in `.h5` a name is the path of the dataset, "block1/layers/conv2d/vars/0".
        place: where in the file they are, "netG_state_dict"; "" where they are all that it holds.
        settings: what else the file says of this network.
    """

    path: Path
    digest: str
    tensors: dict[str, np.ndarray]
    place: str = ""
    settings: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.path} ({self.place})" if self.place else str(self.path)


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
PICKLED = (".pth", ".pt", ".ckpt", ".pkl", ".tar", ".bin")
"""What files of PyTorch's are called; what they are shows in their content."""
DEPTH = 4
"""Dicts in dicts in which state dicts are looked for."""
NAMED = 3
"""Tensors that a sentence names before it counts the rest."""


def read_weights(path: str | Path, sha256: str | None = None) -> Weights:
    """The tensors of a file that holds one network, and nothing else; the arguments and errors are those of `read_file`.

    Raises:
        UserError: it holds something else.
    """
    contents = read_file(path, sha256)
    if _is_state_dict(items_of(contents.tree)):
        return contents.weights(items_of(contents.tree))
    raise _no_state_dict(contents)


def read_file(path: str | Path, sha256: str | None = None) -> Contents:
    """Read a file of PyTorch's, `.safetensors`, `.h5`, or one with its numbers beside it: ncnn's .param, TensorFlow.js's .json.

    Args:
        path: the file.
        sha256: what its SHA-256 must be; checked before anything is parsed.

    Raises:
        UserError: there is no such file, its hash is another, it is damaged, it holds nothing, or the package that reads it is
            not installed.
    """
    path = expanded(path)
    readers = {".safetensors": _safetensors, ".h5": _h5, ".hdf5": _h5, ".param": ncnn.read, ".json": tfjs.read}
    readers |= dict.fromkeys(PICKLED, torch_files.read)
    if path.suffix.lower() not in readers:
        raise UserError(f"{path}: weights are read from files that end in {', '.join(readers)}; this one does not")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}; name the file of weights") from None
    beside = {".param": ncnn.beside, ".json": tfjs.beside}.get(path.suffix.lower())
    whole = content + beside(path, content) if beside else content
    digest = hashlib.sha256(whole).hexdigest()
    if sha256 is not None and digest != sha256:
        raise UserError(
            f"{path} is not the file that it should be: its SHA-256 is {digest}, not {sha256}; download it again"
        )
    tree = readers[path.suffix.lower()](path, content)
    if items_of(tree) == {}:
        raise UserError(f"{path} holds no tensors; name a file of weights")
    return Contents(path, digest, len(whole), tree)


def state_dicts(contents: Contents) -> list[Weights]:
    """The state dicts in a file: alone, or by name in a dict with whatever else, as training loops write them.

    Raises:
        UserError: there are none.
    """
    found = [contents.weights(items, place) for place, items in _dicts(contents.tree) if _is_state_dict(items)]
    if not found:
        raise _no_state_dict(contents)
    return found


def _dicts(tree: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """The dicts in dicts, each once, whose keys are all words, with the way to them: "", "model", "model.G"."""
    waiting, seen = [((), tree)], set()
    for place, found in waiting:
        items = items_of(found)
        if id(found) in seen or not items or not all(isinstance(name, str) for name in items):
            continue
        seen.add(id(found))
        yield ".".join(place), items
        if len(place) < DEPTH:
            waiting += [((*place, name), value) for name, value in items.items()]


def _is_state_dict(items: dict[str, Any] | None) -> bool:
    return bool(items) and all(
        isinstance(name, str) and torch_files.array_of(value) is not None for name, value in items.items()
    )


def _no_state_dict(contents: Contents) -> UserError:
    values = [contents.tree, *(value for _, items in _dicts(contents.tree) for value in items.values())]
    foreign = any(isinstance(value, Inert) and items_of(value) is None for value in values)
    code = ", but more than tensors, and would run code when loaded: it was not" if foreign else ""
    return UserError(
        f"{contents.path} is not a state dict, names with a tensor each{code}; save the model's state_dict() alone"
    )


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
