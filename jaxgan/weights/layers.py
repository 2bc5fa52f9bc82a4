"""How the leaves of a network and the tensors of a PyTorch file belong together: layer by layer, in both directions."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import flax
import numpy as np

from jaxgan.errors import UserError
from jaxgan.weights.file import PYTORCH, Layout, Weights, fill

KINDS = {"kernel": "weight", "scale": "weight", "bias": "bias", "mean": "running_mean", "var": "running_var"}
"""What a layer's leaves are called in PyTorch. (The count of BatchNorm's standing statistics is 0, and in no file.)"""
BUFFERS = ("running_mean", "running_var", "num_batches_tracked")
"""Old files have them for InstanceNorm too, where they mean nothing: the network normalises each picture by itself."""

Path = tuple[str, ...]


@dataclass(frozen=True)
class Layer:
    """Where a layer stands in a state dict.

    Attributes:
        name: what its tensors' names begin with, "model.1".
        layout: how its kernel lies there.
        spare_bias: it has a bias here, but none in that code: 0 where the file has none, written where it is not 0.
        buffers: it is an InstanceNorm that has running statistics there, which nothing uses: written as they begin.
    """

    name: str
    layout: Layout = PYTORCH
    spare_bias: bool = False
    buffers: bool = False


@dataclass(frozen=True)
class Leaf:
    """Where a single leaf stands, of a layer whose leaves are called as in no other: the tensor's name, and how it lies."""

    name: str
    layout: Layout = PYTORCH


Layers = Mapping[Path, Layer | Leaf]
"""By the path of the module in a network, `("down_0",)`, or that of the leaf, `("params", "down_0", "strength")`."""

TRANSPOSED = Layout(
    # PyTorch's is the kernel of the convolution that it transposes: rotated by half a turn (see `jaxgan.nn.conv`).
    lambda tensor: tensor[:, :, ::-1, ::-1].transpose(2, 3, 0, 1),
    lambda kernel: kernel[::-1, ::-1].transpose(2, 3, 0, 1),
)
"""[in, out, kh, kw] of a transposed convolution."""


def unprefixed(weights: Weights) -> Weights:
    """Without what PyTorch puts into names: torch.compile's "_orig_mod.", and DataParallel's "module." before all of them."""
    tensors = {name.replace("_orig_mod.", ""): tensor for name, tensor in weights.tensors.items()}
    while all(name.startswith("module.") for name in tensors):
        tensors = {name.removeprefix("module."): tensor for name, tensor in tensors.items()}
    return dataclasses.replace(weights, tensors=tensors)


def kernel_shape(weights: Weights, name: str) -> tuple[int, ...]:
    """The shape [a, b, kh, kw] of a convolution's tensor. Raises: UserError: there is none of this name, or no convolution."""
    found = weights.tensors.get(name)
    if found is None or found.ndim != 4:
        shape = "is missing" if found is None else f"has the shape {list(found.shape)}"
        raise UserError(f"{weights}: the tensor {name}, which a convolution should have, {shape}; is it --format's?")
    return found.shape


def read_network(variables: dict[str, Any], weights: Weights, layers: Layers) -> dict[str, Any]:
    """Variables as `variables` are, with the tensors of the file.

    Raises:
        UserError: tensors are missing, superfluous, misshapen or not finite; they are named.
    """
    leaves = flax.traverse_util.flatten_dict(variables)
    wanted = {path: leaf for path, leaf in leaves.items() if path in layers or path[-1] in KINDS}
    spare = {
        _place(layers, path).name: np.zeros(leaf.shape, np.float32)
        for path, leaf in wanted.items()
        if path not in layers and path[-1] == "bias" and layers[path[1:-1]].spare_bias
    }
    filled = fill(
        flax.traverse_util.unflatten_dict(wanted),
        dataclasses.replace(weights, tensors=spare | weights.tensors),
        lambda path: _place(layers, path).name,
        lambda name: name.endswith(BUFFERS),
        lambda path: _place(layers, path).layout,
    )
    # Copies: the bytes of the file are not held for them.
    read = {path: np.array(leaf, order="C") for path, leaf in flax.traverse_util.flatten_dict(filled).items()}
    rest = {path: np.zeros(leaf.shape, leaf.dtype) for path, leaf in leaves.items() if path not in read}
    return flax.traverse_util.unflatten_dict(read | rest)


def write_network(variables: dict[str, Any], layers: Layers) -> tuple[dict[str, np.ndarray], list[str]]:
    """The tensors that `read_network` reads, and the names of the spare biases among them."""
    tensors, spare = {}, []
    for path, leaf in flax.traverse_util.flatten_dict(variables).items():
        if path not in layers and path[-1] not in KINDS:
            continue
        place, leaf = _place(layers, path), np.asarray(leaf, np.float32)
        layer = Layer(place.name) if path in layers else layers[path[1:-1]]
        if path[-1] == "bias" and layer.spare_bias:
            if not any(leaf.tobytes()):
                continue
            spare.append(place.name)
        tensors[place.name] = np.asarray(place.layout.write(leaf), order="C")
        if layer.buffers and path[-1] == "scale":
            tensors |= {
                f"{layer.name}.running_mean": np.zeros_like(leaf),
                f"{layer.name}.running_var": np.ones_like(leaf),
            }
        if path[-1] == "var" or (layer.buffers and path[-1] == "scale"):
            tensors[f"{layer.name}.num_batches_tracked"] = np.zeros((), np.int64)
    return tensors, spare


def _place(layers: Layers, path: Path) -> Leaf:
    """Of a leaf: its own, or that which its layer says."""
    if path in layers:
        return layers[path]
    layer = layers[path[1:-1]]
    return Leaf(f"{layer.name}.{KINDS[path[-1]]}", layer.layout if path[-1] == "kernel" else PYTORCH)
