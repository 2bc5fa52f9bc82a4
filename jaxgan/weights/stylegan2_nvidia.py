"""The .pkl of NVIDIA's stylegan2-ada-pytorch, and of the StyleGAN2 that stylegan3's code trains: G_ema and D.

A file is a pickle of modules, each with the source code that it would be made by, which is never run here. Names and shapes of
the tensors show all but the group of the discriminator, which the arguments of its module tell. What that code clamps (at 256,
so that float16 does not overflow) is not clamped here.
"""

import re
from typing import Any

from jaxgan.errors import UserError
from jaxgan.networks.style import SMALLEST, sides_of
from jaxgan.training.system import System
from jaxgan.weights.file import FLAX, Contents, Weights, state_dicts
from jaxgan.weights.formats import Recognised
from jaxgan.weights.layers import Layers, Leaf, Path
from jaxgan.weights.modules import modules_in
from jaxgan.weights.pickles import items_of
from jaxgan.weights.stylegan2 import (
    CONSTANT,
    FLATTENED,
    NOISE,
    PYTORCH,
    UP,
    convolutions,
    count,
    dense,
    recognised,
    refuse_others,
    shape_of,
    widths,
    with_colors,
    without_filters,
)

GROUP = 4
"""Of the discriminator where its arguments do not say."""


def networks_in(contents: Contents) -> list[Weights]:
    """G_ema, or else G, and D; or the state dict of one of them.

    Raises:
        UserError: there are none, or those of another StyleGAN.
    """
    refuse_others(contents)
    return [without_filters(weights) for weights in modules_in(contents) or state_dicts(contents)]


def recognise(files: list[Weights], direction: None) -> Recognised:
    """StyleGAN2 with the sizes that the tensors show; from G, with D or without.

    Raises:
        UserError: the files are none of this code's networks, or have no generator.
    """
    return recognised(files, _kind, _generator, _discriminator)


def _kind(file: Weights) -> str:
    if "synthesis.b4.const" in file.tensors:
        return "G"
    if "b4.out.weight" in file.tensors:
        return "D"
    if any(name.startswith("synthesis.input.") for name in file.tensors):
        raise UserError(f"{file} is StyleGAN3's generator, which jaxgan does not have: only StyleGAN2's can be read")
    if "style.1.weight" in file.tensors:
        raise UserError(f"{file} is of rosinality's code: give --format stylegan2-pytorch")
    raise UserError(
        f"{file}: no network of stylegan2-nvidia is in it, with a tensor synthesis.b4.const or b4.out.weight; its first is "
        f"{next(iter(file.tensors))}: choose another --format"
    )


def _sides(file: Weights, pattern: str) -> tuple[int, ...]:
    """The sides of the feature maps, whose blocks are called by them."""
    found = [int(side[1]) for name in file.tensors if (side := re.fullmatch(pattern, name))]
    side = max(found, default=0)
    if side < 2 * SMALLEST or side & (side - 1):
        raise UserError(f"{file}: its largest block is b{side}, and StyleGAN2's are b8, b16, b32 and so on")
    return sides_of(side)


def _generator(file: Weights) -> dict[str, Any]:
    """The fields of the system that a generator shows, and the side and colours of its pictures."""
    sides, tensors = _sides(file, r"synthesis\.b(\d{1,5})\.conv1\.weight"), file.tensors
    channels = {side: shape_of(file, f"synthesis.b{side}.conv1.weight", 4)[0] for side in sides}
    labelled = "mapping.embed.weight" in tensors
    embedded, classes = shape_of(file, "mapping.embed.weight", 2) if labelled else (0, None)
    skip, resnet = "synthesis.b4.torgb.weight" in tensors, f"synthesis.b{sides[-1]}.skip.weight" in tensors
    latent = shape_of(file, "mapping.fc0.weight", 2)[1] - embedded
    if latent < 1:
        raise UserError(f"{file}: its mapping takes labels and no latents; is the file whole?")
    return {
        "side": sides[-1],
        "colors": shape_of(file, f"synthesis.b{sides[-1]}.torgb.weight", 4)[0],
        "latent_dim": latent,
        "style_dim": shape_of(file, "mapping.w_avg", 1)[0],
        "mapping_layers": count(file, "mapping.fc{}.weight"),
        "generator": "skip" if skip else "resnet" if resnet else "orig",
        "conditional": labelled,
        "classes": classes,
        **widths(file, channels),
    }


def _discriminator(file: Weights) -> dict[str, Any]:
    """The fields that a discriminator shows."""
    sides, tensors = _sides(file, r"b(\d{1,5})\.conv0\.weight"), file.tensors
    channels = {side: shape_of(file, f"b{side}.conv0.weight", 4)[0] for side in sides[1:]}
    channels[SMALLEST] = shape_of(file, "b4.conv.weight", 4)[0]
    classes = shape_of(file, "mapping.embed.weight", 2)[1] if "mapping.embed.weight" in tensors else None
    skip, resnet = "b4.fromrgb.weight" in tensors, f"b{sides[-1]}.skip.weight" in tensors
    epilogue = items_of(file.settings.get("epilogue_kwargs")) or {}
    group = epilogue.get("mbstd_group_size", GROUP)
    if not isinstance(group, int):
        raise UserError(
            f"{file}: its discriminator compares all pictures of a minibatch, and jaxgan's groups of a size"
        )
    return {
        "side": sides[-1],
        "colors": shape_of(file, f"b{sides[-1]}.fromrgb.weight", 4)[1],
        "discriminator": "skip" if skip else "resnet" if resnet else "orig",
        "group": group,
        "conditional": classes is not None,
        "classes": classes,
        **({} if classes is None else {"label_layers": count(file, "mapping.fc{}.weight")}),
        **widths(file, channels),
    }


def layers(system: System, shape: tuple[int, ...], network: str) -> Layers:
    """The tensors of a network."""
    return _discriminator_leaves(system, shape[0]) if network == "D" else _generator_leaves(system, shape[0])


def _mapping(module: Path, system: System, depth: int) -> Layers:
    found = {}
    for number in range(depth):
        found |= dense((*module, f"layer{number}"), f"mapping.fc{number}")
    return found | (dense((*module, "embed"), "mapping.embed") if system.conditional else {})


def _generator_leaves(system: System, side: int) -> Layers:
    top = ("params", "synthesis")
    found = _mapping(("params", "mapping"), system, system.mapping_layers)
    found |= {("w_mean", "w"): Leaf("mapping.w_avg", FLAX), (*top, "constant"): Leaf("synthesis.b4.const", CONSTANT)}
    for one, conv in convolutions(side):
        module, name = f"{one}_{conv}", f"synthesis.b{one}.{conv}"
        found |= dense((*top, module, "affine"), f"{name}.affine")
        found[*top, module, "conv", "kernel"] = Leaf(f"{name}.weight", UP if conv == "conv0" else PYTORCH)
        found[*top, module, "bias"] = Leaf(f"{name}.bias", FLAX)
        found[*top, module, "strength"] = Leaf(f"{name}.noise_strength", FLAX)
        found["noise", module, "constant"] = Leaf(f"{name}.noise_const", NOISE)
        if system.generator == "resnet" and conv == "conv0":
            found[*top, f"{one}_past", "kernel"] = Leaf(f"synthesis.b{one}.skip.weight")
    for one in with_colors(system, side):
        module, name = f"{one}_colors", f"synthesis.b{one}.torgb"
        found |= dense((*top, module, "affine"), f"{name}.affine")
        found[*top, module, "conv", "kernel"] = Leaf(f"{name}.weight")
        found[*top, module, "bias"] = Leaf(f"{name}.bias", FLAX)
    return found


def _discriminator_leaves(system: System, side: int) -> Layers:
    found = _mapping(("params", "mapping"), system, system.label_layers) if system.conditional else {}
    for one in sides_of(side):
        if one == side or system.discriminator == "skip":
            found |= dense(("params", f"{one}_from_colors"), f"b{one}.fromrgb")
        if one == SMALLEST:
            continue
        for conv in ("conv0", "conv1"):
            found |= dense(("params", f"{one}_{conv}"), f"b{one}.{conv}")
        if system.discriminator == "resnet":
            found["params", f"{one}_past", "kernel"] = Leaf(f"b{one}.skip.weight")
    found |= dense(("params", "4_conv"), "b4.conv") | dense(("params", "dense"), "b4.fc", FLATTENED)
    return found | dense(("params", "out"), "b4.out")
