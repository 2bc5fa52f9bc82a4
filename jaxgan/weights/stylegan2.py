"""What files of StyleGAN2 have in common, whoever wrote them: layouts, sizes, and the mean of w where a file has none."""

from collections.abc import Callable
from collections.abc import Mapping as Named
from typing import Any

import numpy as np

from jaxgan.errors import UserError
from jaxgan.networks.style import MAPPING_MULTIPLIER, SMALLEST, channels_of, sides_of
from jaxgan.nn import resample
from jaxgan.nn.equalized import EPSILON, GAIN, SLOPE
from jaxgan.systems.stylegan2 import StyleGAN2
from jaxgan.weights.file import FLAX, PYTORCH, Contents, Layout, Weights
from jaxgan.weights.formats import Recognised
from jaxgan.weights.layers import Leaf, Path
from jaxgan.weights.pickles import Inert, items_of

UP = Layout(
    # These codes hand the kernel to a transposed convolution, which adds it to the output as it is; here it is correlated with
    # the pixels and the zeros between them, which turns it by half a turn. (A filter lies between; it is its own reverse.)
    lambda tensor: tensor[:, :, ::-1, ::-1].transpose(2, 3, 1, 0),
    lambda kernel: kernel.transpose(3, 2, 0, 1)[:, :, ::-1, ::-1],
)
"""[out, in, k, k] of a modulated convolution that doubles the sides."""
CONSTANT = Layout(lambda tensor: tensor.transpose(1, 2, 0), lambda leaf: leaf.transpose(2, 0, 1))
"""[C, 4, 4] here [4, 4, C]."""
NOISE = Layout(lambda tensor: tensor[..., None], lambda leaf: leaf[..., 0])
"""[H, W] here [H, W, 1]."""
FLATTENED = Layout(
    lambda tensor: tensor.reshape(len(tensor), -1, SMALLEST, SMALLEST).transpose(2, 3, 1, 0).reshape(-1, len(tensor)),
    lambda kernel: (
        kernel.reshape(SMALLEST, SMALLEST, -1, kernel.shape[1]).transpose(3, 2, 0, 1).reshape(kernel.shape[::-1])
    ),
)
"""[D, C * 4 * 4] of the dense layer on the last map, which is flattened channel by channel there, here [4 * 4 * C, D]."""
DRAWS = 4096
"""Latents whose w are averaged where a file has no mean."""
LATENTS_AT_ONCE = 512


def below(layout: Layout, axes: int = 1) -> Layout:
    """A layout with this many axes of size 1 before those of the tensor."""
    first = (0,) * axes
    return Layout(lambda tensor: layout.read(tensor[first]), lambda leaf: layout.write(leaf)[(None,) * axes])


def dense(module: Path, name: str, layout: Layout = PYTORCH) -> dict[Path, Leaf]:
    """The kernel and the bias of a layer."""
    return {(*module, "kernel"): Leaf(f"{name}.weight", layout), (*module, "bias"): Leaf(f"{name}.bias", FLAX)}


def refuse_others(contents: Contents) -> None:
    """Raises: UserError: the file is that of a StyleGAN that is read by no format, which is named."""
    tree = contents.tree
    if isinstance(tree, list | tuple):
        if any(isinstance(one, Inert) and one.name.startswith("dnnlib.tflib.") for one in tree):
            raise UserError(
                f"{contents.path} is of NVIDIA's TensorFlow code (StyleGAN, StyleGAN2), and not read: make a PyTorch one of it "
                "with legacy.py of stylegan2-ada-pytorch"
            )
        return
    items = items_of(tree) or {}
    names = items_of(items.get("GAN")) or items
    if any(isinstance(name, str) and name.startswith(("GE.blocks.", "G.blocks.")) for name in names):
        raise UserError(
            f"{contents.path} is of lucidrains' stylegan2-pytorch, whose networks are others than StyleGAN2's (no equalised "
            "rates, another blur, another noise): it cannot be read"
        )


def without_filters(weights: Weights) -> Weights:
    """Without the filters, which these codes keep beside the kernels.

    Raises:
        UserError: they are others than StyleGAN2's.
    """
    filters = {name for name in weights.tensors if name.endswith(("resample_filter", ".kernel"))}
    expected = np.outer(resample.TAPS, resample.TAPS)
    for name in filters:
        found = weights.tensors[name]
        if found.shape != expected.shape or not np.allclose(found, expected * found.sum(), atol=1e-6):
            raise UserError(f"{weights}: the filter {name} is not [1, 3, 3, 1] along each axis, which StyleGAN2 has")
    return kept(weights, {name: tensor for name, tensor in weights.tensors.items() if name not in filters})


def kept(weights: Weights, tensors: dict[str, np.ndarray]) -> Weights:
    """The same network with these tensors."""
    return Weights(weights.path, weights.digest, tensors, weights.place, weights.settings)


def shape_of(weights: Weights, name: str, rank: int) -> tuple[int, ...]:
    """The shape of a tensor. Raises: UserError: there is none of this name, or it has another rank."""
    found = weights.tensors.get(name)
    if found is None or found.ndim != rank:
        said = "is missing" if found is None else f"has the shape {list(found.shape)}"
        raise UserError(f"{weights}: the tensor {name} {said}; is it --format's?")
    return found.shape


def count(weights: Weights, name: str, first: int = 0) -> int:
    """How many tensors there are of the names `name.format(first)`, `name.format(first + 1)`, ..."""
    number = first
    while name.format(number) in weights.tensors:
        number += 1
    return number - first


def widths(weights: Weights, channels: Named[int, int]) -> dict[str, int]:
    """`channel_base` and `width` that give these channels of feature maps, by side.

    Raises:
        UserError: none do.
    """
    base, width = max(side * features for side, features in channels.items()), max(channels.values())
    for side, features in channels.items():
        if channels_of(side, base, width) != features:
            raise UserError(
                f"{weights}: its feature maps have {', '.join(f'{c} channels at {s}' for s, c in channels.items())}, and "
                "StyleGAN2's have a constant by their side, at most another constant"
            )
    return {"channel_base": base, "width": width}


def mean_of_w(kernels: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """The mean of w over `DRAWS` latents, always the same, by the weight and bias of each layer of a mapping without labels."""
    random, total = np.random.default_rng(0), 0.0
    for _ in range(DRAWS // LATENTS_AT_ONCE):
        x = random.standard_normal((LATENTS_AT_ONCE, kernels[0][0].shape[1]), np.float32)
        x /= np.sqrt(np.square(x).mean(1, keepdims=True) + EPSILON)
        for weight, bias in kernels:
            x = x @ (weight.T * (MAPPING_MULTIPLIER / weight.shape[1] ** 0.5)) + bias * MAPPING_MULTIPLIER
            x = GAIN * np.where(x < 0, SLOPE * x, x)
        total = total + x.sum(0)
    return (total / DRAWS).astype(np.float32)


def recognised(
    files: list[Weights],
    kind: Callable[[Weights], str],
    generator: Callable[[Weights], dict[str, Any]],
    discriminator: Callable[[Weights], dict[str, Any]],
) -> Recognised:
    """The system of a file of "G", with one of "D" or without, by what says which each is, and what fields each shows.

    Raises:
        UserError: two files are of one network, or none has a generator.
    """
    named: dict[str, Weights] = {}
    for file in files:
        name = kind(file)
        if name in named:
            raise UserError(f"{named[name]} and {file} are both {name}: name one of them")
        named[name] = file
    if "G" not in named:
        raise UserError(f"{files[0]} is a discriminator: name the file of a generator, too")
    judge = (named["D"], discriminator(named["D"])) if "D" in named else None
    return together((named["G"], generator(named["G"])), judge)


def together(generator: tuple[Weights, dict[str, Any]], judge: tuple[Weights, dict[str, Any]] | None) -> Recognised:
    """The system of a generator and a discriminator, which is left out where it is of another one.

    Each is a file and what it shows: fields of StyleGAN2, and "side" and "colors" of the pictures.
    """
    files, shown, left_out = {"G": generator[0]}, dict(generator[1]), ""
    if judge is not None:
        file, theirs = judge
        other = [
            f"{name} {value} where the generator has {shown[name]}"
            for name, value in theirs.items()
            if shown.get(name, value) != value
        ]
        if other:
            left_out = f"{file}: the discriminator is left out, for it has {', '.join(other)}"
        else:
            files["D"], shown = file, shown | theirs
    side, colors = shown.pop("side"), shown.pop("colors")
    return Recognised(StyleGAN2(**shown), files, side, colors, classes=shown.get("classes") or 0, left_out=left_out)


def convolutions(side: int) -> list[tuple[int, str]]:
    """Side and name of the synthesis's convolutions, in their order: (4, "conv1"), (8, "conv0"), (8, "conv1"), ..."""
    return [(one, name) for one in sides_of(side) for name in ("conv0", "conv1") if (one, name) != (SMALLEST, "conv0")]


def with_colors(system: StyleGAN2, side: int) -> list[int]:
    """The sides of the feature maps that the synthesis makes colours of."""
    return [one for one in sides_of(side) if system.generator == "skip" or one == side]
