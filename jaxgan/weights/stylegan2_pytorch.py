"""The .pt of rosinality's stylegan2-pytorch: g_ema, or g, and d, as its training and its conversion of NVIDIA's files write it.

That code has the generator with sums of colours and the residual discriminator, without labels, and compares groups of four
pictures. Its width is 512, but for those who changed its table. `latent_avg` is the mean of w, which files of its own training
lack: it is then computed, of 4096 latents.
"""

import re
from typing import Any

import numpy as np

from jaxgan.errors import UserError
from jaxgan.networks.style import SMALLEST, sides_of
from jaxgan.nn import resample
from jaxgan.training.system import System
from jaxgan.weights.file import FLAX, Contents, Layout, Weights, state_dicts
from jaxgan.weights.formats import Recognised
from jaxgan.weights.layers import Layers, Leaf
from jaxgan.weights.pickles import items_of
from jaxgan.weights.stylegan2 import (
    CONSTANT,
    FLATTENED,
    NOISE,
    PYTORCH,
    UP,
    below,
    convolutions,
    count,
    dense,
    kept,
    mean_of_w,
    recognised,
    refuse_others,
    shape_of,
    widths,
    without_filters,
)

MEAN = "latent_avg"
"""The mean of w, beside the state dicts; in a file of one network, among its tensors."""
GROUP = 4
STRENGTH = Layout(lambda tensor: tensor[0], lambda leaf: leaf[None])
"""[1] here []."""
COLORS_BIAS = Layout(lambda tensor: tensor[0, :, 0, 0], lambda leaf: leaf[None, :, None, None])
"""[1, C, 1, 1] here [C]."""


def networks_in(contents: Contents) -> list[Weights]:
    """g_ema, or else g, and d; or the state dict of one of them.

    Raises:
        UserError: there are none, or those of another StyleGAN.
    """
    refuse_others(contents)
    items = items_of(contents.tree) or {}
    parts = {name: items_of(items.get(name)) for name in ("g_ema", "g", "d")}
    found = []
    for place in ("g_ema" if parts["g_ema"] else "g", "d"):
        if parts[place]:
            mean = {MEAN: items[MEAN]} if place != "d" and MEAN in items else {}
            found.append(contents.weights(parts[place] | mean, place))
    return [without_filters(_with_mean(weights)) for weights in found or state_dicts(contents)]


def _with_mean(weights: Weights) -> Weights:
    """A generator with the mean of w, if it has none."""
    names = [f"style.{number + 1}" for number in range(count(weights, "style.{}.weight", 1))]
    if not names or MEAN in weights.tensors:
        return weights
    mapping, width = [], shape_of(weights, "style.1.weight", 2)[1]
    for name in names:
        (features, inputs), (biases,) = shape_of(weights, f"{name}.weight", 2), shape_of(weights, f"{name}.bias", 1)
        if (inputs, biases) != (width, features):
            raise UserError(f"{weights}: the layer {name} does not follow the one before; is the file whole?")
        mapping.append((weights.tensors[f"{name}.weight"], weights.tensors[f"{name}.bias"]))
        width = features
    return kept(weights, weights.tensors | {MEAN: mean_of_w(mapping)})


def recognise(files: list[Weights], direction: None) -> Recognised:
    """StyleGAN2 with the sizes that the tensors show; from g_ema, with d or without.

    Raises:
        UserError: the files are none of this code's networks, or have no generator.
    """
    return recognised(files, _kind, _generator, _discriminator)


def _kind(file: Weights) -> str:
    if "style.1.weight" in file.tensors:
        return "G"
    if "final_linear.0.weight" in file.tensors:
        return "D"
    if any(name.startswith(("synthesis.", "b4.")) for name in file.tensors):
        raise UserError(f"{file} is of NVIDIA's code: give --format stylegan2-nvidia")
    raise UserError(
        f"{file}: no network of stylegan2-pytorch is in it, with a tensor style.1.weight or final_linear.0.weight; its first "
        f"is {next(iter(file.tensors))}: choose another --format"
    )


def _generator(file: Weights) -> dict[str, Any]:
    """The fields of the system that a generator shows, and the side and colours of its pictures."""
    sides = _sides(file, count(file, "convs.{}.conv.weight") // 2)
    channels = {SMALLEST: shape_of(file, "conv1.conv.weight", 5)[1]}
    channels |= {one: shape_of(file, f"{_conv(2 * i + 2)}.conv.weight", 5)[1] for i, one in enumerate(sides[1:])}
    return {
        "side": sides[-1],
        "colors": shape_of(file, "to_rgb1.conv.weight", 5)[1],
        "latent_dim": shape_of(file, "style.1.weight", 2)[1],
        "style_dim": shape_of(file, MEAN, 1)[0],
        "mapping_layers": count(file, "style.{}.weight", 1),
        **widths(file, channels),
    }


def _discriminator(file: Weights) -> dict[str, Any]:
    """The fields that a discriminator shows."""
    sides = _sides(file, count(file, "convs.{}.conv1.0.weight", 1))
    channels = {one: shape_of(file, f"convs.{k + 1}.conv1.0.weight", 4)[0] for k, one in enumerate(sides[:0:-1])}
    channels[SMALLEST] = shape_of(file, "final_conv.0.weight", 4)[0]
    return {
        "side": sides[-1],
        "colors": shape_of(file, "convs.0.0.weight", 4)[1],
        "group": GROUP,
        **widths(file, channels),
    }


def _sides(file: Weights, doublings: int) -> tuple[int, ...]:
    if not 1 <= doublings <= 12:
        raise UserError(f"{file}: its pictures would have {doublings} times the doubled side of 4; is it --format's?")
    return sides_of(SMALLEST << doublings)


def layers(system: System, shape: tuple[int, ...], network: str) -> Layers:
    """The tensors of a network. Raises: UserError: that code cannot have it."""
    wanted = {
        "conditional": False,
        **({"discriminator": "resnet", "group": GROUP} if network == "D" else {"generator": "skip"}),
    }
    for field, theirs in wanted.items():
        if getattr(system, field) != theirs:
            raise UserError(
                f"system.{field} is {getattr(system, field)!r}, and that code's is {theirs!r}: {network} cannot be exported"
            )
    return _discriminator_leaves(shape[0]) if network == "D" else _generator_leaves(system, shape[0])


def _conv(number: int) -> str:
    return f"convs.{number - 1}" if number else "conv1"


def _generator_leaves(system: System, side: int) -> Layers:
    top = ("params", "synthesis")
    found = {("w_mean", "w"): Leaf(MEAN, FLAX), (*top, "constant"): Leaf("input.input", below(CONSTANT))}
    for number in range(system.mapping_layers):
        found |= dense(("params", "mapping", f"layer{number}"), f"style.{number + 1}")
    for number, (one, conv) in enumerate(convolutions(side)):
        module, name = f"{one}_{conv}", _conv(number)
        found |= dense((*top, module, "affine"), f"{name}.conv.modulation")
        found[*top, module, "conv", "kernel"] = Leaf(f"{name}.conv.weight", below(UP if conv == "conv0" else PYTORCH))
        found[*top, module, "bias"] = Leaf(f"{name}.activate.bias", FLAX)
        found[*top, module, "strength"] = Leaf(f"{name}.noise.weight", STRENGTH)
        found["noise", module, "constant"] = Leaf(f"noises.noise_{number}", below(NOISE, 2))
    for number, one in enumerate(sides_of(side)):
        module, name = f"{one}_colors", f"to_rgbs.{number - 1}" if number else "to_rgb1"
        found |= dense((*top, module, "affine"), f"{name}.conv.modulation")
        found[*top, module, "conv", "kernel"] = Leaf(f"{name}.conv.weight", below(PYTORCH))
        found[*top, module, "bias"] = Leaf(f"{name}.bias", COLORS_BIAS)
    return found


def _convolution(module: str, name: str, number: int) -> Layers:
    """A convolution's kernel and bias, which is of the layer after it."""
    return {
        ("params", module, "kernel"): Leaf(f"{name}.{number}.weight"),
        ("params", module, "bias"): Leaf(f"{name}.{number + 1}.bias", FLAX),
    }


def _discriminator_leaves(side: int) -> Layers:
    found = _convolution(f"{side}_from_colors", "convs.0", 0)
    for number, one in enumerate(sides_of(side)[:0:-1], 1):
        found |= _convolution(f"{one}_conv0", f"convs.{number}.conv1", 0)
        found |= _convolution(f"{one}_conv1", f"convs.{number}.conv2", 1)
        found["params", f"{one}_past", "kernel"] = Leaf(f"convs.{number}.skip.1.weight")
    found |= _convolution("4_conv", "final_conv", 0)
    found |= dense(("params", "dense"), "final_linear.0", FLATTENED)
    return found | dense(("params", "out"), "final_linear.1")


def with_filters(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The tensors of a network with the filters that its `load_state_dict` asks for: times 4 where the sides are doubled."""
    once = np.outer(resample.TAPS, resample.TAPS).astype(np.float32)
    found = dict(tensors)
    for name in tensors:
        if colors := re.fullmatch(r"(to_rgbs\.\d+)\.bias", name):
            found[f"{colors[1]}.upsample.kernel"] = 4 * once
        elif (up := re.fullmatch(r"convs\.(\d+)\.conv\.weight", name)) and int(up[1]) % 2 == 0:
            found[f"convs.{up[1]}.conv.blur.kernel"] = 4 * once
        elif down := re.fullmatch(r"(convs\.\d+\.(conv2|skip))\.1\.weight", name):
            found[f"{down[1]}.0.kernel"] = once
    return found


def checkpoint(tensors: dict[str, dict[str, np.ndarray]]) -> dict[str, Any]:
    """A file's dict of the tensors of G, of D or of both."""
    tree: dict[str, Any] = {}
    for network, found in tensors.items():
        found = dict(found)
        if MEAN in found:
            tree[MEAN] = found.pop(MEAN)
        tree["d" if network == "D" else "g_ema"] = with_filters(found)
    return tree
