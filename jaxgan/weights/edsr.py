"""The networks of EDSR, under the names of its authors' code (EDSR-PyTorch, and those that took them over) and of BasicSR's.

Files do not say by what residuals are multiplied: 0.1 is taken for 256 features, and 1 for less (`residual_scale`).
"""

import dataclasses
import re

from jaxgan.networks.upscaling import doublings
from jaxgan.systems.edsr import EDSR
from jaxgan.training.system import System
from jaxgan.weights.esrgan import network_in, the_one
from jaxgan.weights.file import Contents, Weights
from jaxgan.weights.formats import Recognised
from jaxgan.weights.layers import Layer, Layers, kernel_shape

PIECE = 48
"""Side of the small pictures that these networks were trained on."""
MEANS = ("sub_mean.", "add_mean.")
"""The mean of DIV2K as a convolution, which is a constant here."""


def networks_in(contents: Contents) -> list[Weights]:
    """The generator in a file, under the names of EDSR-PyTorch."""
    return [named(network_in(contents))]


def named(weights: Weights) -> Weights:
    """Under the names of EDSR-PyTorch, without its means."""
    tensors = weights.tensors
    if "conv_after_body.weight" in tensors:
        blocks = 1 + max((int(m[1]) for name in tensors if (m := re.match(r"body\.(\d+)\.conv1\.", name))), default=-1)
        patterns = (
            (r"^conv_first\.", "head.0."), (r"^body\.(\d+)\.conv1\.", r"body.\1.body.0."), (r"^conv_last\.", "tail.1."),
            (r"^body\.(\d+)\.conv2\.", r"body.\1.body.2."), (r"^conv_after_body\.", f"body.{blocks}."),
            (r"^upsample\.(\d)\.(upsample_conv\.)?", r"tail.0.\1."),
        )  # fmt: skip
        for pattern, name in patterns:
            tensors = {re.sub(pattern, name, old): tensor for old, tensor in tensors.items()}
    kept = {name: tensor for name, tensor in tensors.items() if not name.startswith((*MEANS, "mean"))}
    return dataclasses.replace(weights, tensors=kept)


def knows(weights: Weights) -> bool:
    """Whether these tensors are of such a network."""
    return {"head.0.weight", "body.0.body.0.weight", "tail.0.0.weight"} <= set(named(weights).tensors)


def recognise(files: list[Weights], direction: None) -> Recognised:
    """EDSR with the sizes that the tensors show.

    Raises:
        UserError: they show none, or there are several files.
    """
    file = the_one(files)
    width, channels, *_ = kernel_shape(file, "head.0.weight")
    blocks = 1 + max((int(m[1]) for name in file.tensors if (m := re.match(r"body\.(\d+)\.body\.", name))), default=-1)
    first = kernel_shape(file, "tail.0.0.weight")[0] // width
    scale = 3 if first == 9 else 4 if "tail.0.2.weight" in file.tensors else 2
    system = EDSR(scale=scale, width=width, blocks=blocks, residual_scale=0.1 if width >= 256 else 1.0)
    return Recognised(system, {"G": file}, PIECE * scale, channels, multiple=scale, scale=scale)


def layers(system: System, shape: tuple[int, ...], network: str) -> Layers:
    """The tensors of the generator."""
    found = {("first",): Layer("head.0"), ("after",): Layer(f"body.{system.blocks}"), ("last",): Layer("tail.1")}
    for i in range(system.blocks):
        found |= {(f"block_{i}_{part}",): Layer(f"body.{i}.body.{2 * part}") for part in (0, 1)}
    return found | {(f"larger_{i}",): Layer(f"tail.0.{2 * i}") for i in range(len(doublings(system.scale)))}
