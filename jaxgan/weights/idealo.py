"""idealo's networks (image-super-resolution), of UpscalerJS's packages: `npm pack @upscalerjs/esrgan-thick`, or -slim, -medium.

"thick" is RRDN, the blocks of ESRGAN; the others are RDN. Their model.json is read with the shards beside it.
"""

import math
import re

from jaxgan.errors import UserError
from jaxgan.networks.rdn import RDN, RRDN
from jaxgan.networks.rrdb import CONVOLUTIONS, DENSE, Halving
from jaxgan.systems.esrgan import ESRGAN
from jaxgan.training.system import System
from jaxgan.weights.esrgan import network_in, the_one
from jaxgan.weights.file import Contents, Weights
from jaxgan.weights.formats import Recognised
from jaxgan.weights.layers import Layer, Layers, kernel_shape

SMALL = 32
"""Side of the small pictures that the networks were, most likely, trained on."""
BETWEEN = {"first": "Pre_blocks_conv", "body": "post_blocks_conv", "larger": "PreShuffle", "last": "SR"}
"""RRDN's convolutions that are in no block."""
AROUND = {
    "first": "F_m1", "second": "F_0", "all_0": "GFF_1", "all_1": "GFF_2", "larger_0": "UPN1", "larger_1": "UPN2",
    "larger_2": "UPN3", "last": "SR",
}  # fmt: skip
"""RDN's."""


def networks_in(contents: Contents) -> list[Weights]:
    """The network in a file."""
    return [network_in(contents)]


def knows(weights: Weights) -> bool:
    """Whether these tensors are of such a network."""
    return {"SR.weight", "LFF_1.weight"} <= set(weights.tensors) or "LFF_1_1.weight" in weights.tensors


def recognise(files: list[Weights], direction: None) -> Recognised:
    """ESRGAN with the generator that the tensors show.

    Raises:
        UserError: they show none, or there are several files.
    """
    file = the_one(files)
    if "LFF_1_1.weight" in file.tensors:
        blocks, dense, convolutions = _most(file, r"F_(\d+)_(\d+)_(\d+)\.weight")
        if (dense, convolutions) != (DENSE, CONVOLUTIONS - 1):
            raise UserError(
                f"{file} has blocks of {dense} times {convolutions} convolutions; those of 3 times 4 are read"
            )
        growth, width, *_ = kernel_shape(file, "F_1_1_1.weight")
        network, enlarging = RRDN(width=width, growth=growth, blocks=blocks), "PreShuffle.weight"
    else:
        blocks, convolutions = _most(file, r"F_(\d+)_(\d+)\.weight")
        growth, width, *_ = kernel_shape(file, "F_1_1.weight")
        network = RDN(width=width, growth=growth, convolutions=convolutions, blocks=blocks)
        enlarging = "UPN3.weight"
    channels = kernel_shape(file, "SR.weight")[0]
    scale = math.isqrt(kernel_shape(file, enlarging)[0] // channels)
    system = ESRGAN(scale=scale, network=network, judge_network=Halving(width=16), pretraining=0)
    return Recognised(system, {"G": file}, SMALL * scale, channels, multiple=scale, scale=scale)


def layers(system: System, shape: tuple[int, ...], network: str) -> Layers:
    """The tensors of the generator. Raises: UserError: that code has no such network."""
    if network != "G":
        raise UserError(f"{network} is not written for other code: only the generator, G, is")
    if isinstance(system.network, RDN):
        found = {(ours,): Layer(theirs) for ours, theirs in AROUND.items()}
        for i in range(system.network.blocks):
            found[f"block_{i}_last",] = Layer(f"LFF_{i + 1}")
            found |= {(f"block_{i}_{k}",): Layer(f"F_{i + 1}_{k + 1}") for k in range(system.network.convolutions)}
        return found
    found = {(ours,): Layer(theirs) for ours, theirs in BETWEEN.items()}
    for i in range(system.network.blocks):
        for j in range(DENSE):
            names = [f"F_{i + 1}_{j + 1}_{k}" for k in range(1, CONVOLUTIONS)] + [f"LFF_{i + 1}_{j + 1}"]
            found |= {(f"block_{i}", f"dense_{j}", f"conv_{k}"): Layer(name) for k, name in enumerate(names, 1)}
    return found


def _most(file: Weights, pattern: str) -> tuple[int, ...]:
    """The highest of each number in the names."""
    found = [tuple(map(int, match.groups())) for name in file.tensors if (match := re.fullmatch(pattern, name))]
    if not found:
        raise UserError(f"{file}: no network of idealo's is in it; its first tensor is {next(iter(file.tensors))}")
    return tuple(max(numbers) for numbers in zip(*found, strict=True))
