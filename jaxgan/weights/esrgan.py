"""The networks of ESRGAN and Real-ESRGAN, under all the names that they have had, and their export under BasicSR's.

    BasicSR, Real-ESRGAN    conv_first, body.0.rdb1.conv1, conv_body, conv_up1, conv_hr, conv_last
    ESRGAN, BSRGAN, RealSR  conv_first, RRDB_trunk.0.RDB1.conv1, trunk_conv, upconv1, HRconv, conv_last
    ESRGAN of 2018          model.0, model.1.sub.0.RDB1.conv1.0, ..., the number of the last saying how many times larger
    SRVGGNetCompact         body.0, body.1 (the slopes of a PReLU), body.2, ...
    MSRResNet               conv_first, body.0.conv1, upconv1, conv_hr, conv_last; mmagic's trunk_net.0.conv1, upsample1

alone, or in a dict as "params_ema", "params" or "state_dict", or behind "generator." as mmagic's are.
"""

import dataclasses
import math
import re

import numpy as np

from jaxgan.errors import UserError
from jaxgan.networks.rdn import MSRResNet
from jaxgan.networks.rrdb import CONVOLUTIONS, DENSE, RRDB, Compact, Halving
from jaxgan.networks.upscaling import doublings
from jaxgan.systems.esrgan import ESRGAN
from jaxgan.training.system import System
from jaxgan.weights.file import FLAX, Contents, Weights, state_dicts
from jaxgan.weights.formats import Recognised
from jaxgan.weights.layers import Layer, Layers, Leaf, kernel_shape, unprefixed

SIZE = 128
"""Of the pictures that networks for four times as large were, most likely, trained on."""
PREFERRED = ("params_ema", "params", "state_dict", "")
"""Where in a file its network is, the best of them first."""
AVERAGED = "generator_ema."
"""Before the names of mmagic's averaged generators."""
PREFIXES = (AVERAGED, "generator.", "netG.")
OTHERS = ("discriminator.", "step_counter", "data_preprocessor.", "loss_", "perceptual_")
"""What mmagic's checkpoints have beside their generator."""
NEWER = (
    (re.compile(r"^RRDB_trunk\.(\d+)\.RDB(\d)\.conv(\d)\."), r"body.\1.rdb\2.conv\3."),
    (re.compile(r"^trunk_conv\."), "conv_body."),
    (re.compile(r"^upconv(\d)\."), r"conv_up\1."),
    (re.compile(r"^HRconv\."), "conv_hr."),
)
OUTSIDE = {"first": "first", "fine": "hr", "last": "last"}
"""What BasicSR calls the convolutions that are in no block, after "conv_"."""
OF_MMAGIC = (
    (re.compile(r"^trunk_net\."), "body."),
    (re.compile(r"^upsample(\d)\.upsample_conv\."), r"upconv\1."),
)
"""MSRResNet's."""


def networks_in(contents: Contents) -> list[Weights]:
    """The generator in a file, under BasicSR's names."""
    return [named(network_in(contents))]


def network_in(contents: Contents) -> Weights:
    """The generator in a file, averaged where it is there twice, without what stands before its names or beside it."""
    found = {weights.place: unprefixed(weights) for weights in state_dicts(contents)}
    weights = next((found[place] for place in PREFERRED if place in found), next(iter(found.values())))
    for prefix in PREFIXES:
        if own := {name.removeprefix(prefix): t for name, t in weights.tensors.items() if name.startswith(prefix)}:
            return dataclasses.replace(weights, tensors=own)
    kept = {name: tensor for name, tensor in weights.tensors.items() if not name.startswith(OTHERS)}
    return dataclasses.replace(weights, tensors=kept)


def the_one(files: list[Weights]) -> Weights:
    """The generator, of which there must be one. Raises: UserError: there are several."""
    if len(files) != 1:
        raise UserError(f"{files[0]} and {files[1]} are generators, both: name one of them")
    return files[0]


def named(weights: Weights) -> Weights:
    """Under BasicSR's names."""
    tensors = weights.tensors
    if "model.0.weight" in tensors and any(name.startswith("model.1.sub.") for name in tensors):
        tensors = _of_2018(tensors)
    else:
        for pattern, name in NEWER if "RRDB_trunk.0.RDB1.conv1.weight" in tensors else OF_MMAGIC:
            tensors = {pattern.sub(name, old): tensor for old, tensor in tensors.items()}
    return dataclasses.replace(weights, tensors=tensors)


def knows(weights: Weights) -> bool:
    """Whether these tensors are of such a network."""
    tensors = named(weights).tensors
    return "body.0.rdb1.conv1.weight" in tensors or _is_compact(tensors) or _is_msrresnet(tensors)


def recognise(files: list[Weights], direction: None) -> Recognised:
    """ESRGAN with the generator that the tensors show.

    Raises:
        UserError: they show none, or there are several files.
    """
    file = the_one(files)
    if any(".conv1x1." in name for name in file.tensors):
        raise UserError(f"{file} is ESRGAN+, whose dense blocks have convolutions of 1x1 beside; it cannot be imported")
    if _is_compact(file.tensors):
        network, scale, channels = _compact(file)
    elif _is_msrresnet(file.tensors):
        network, scale, channels = _msrresnet(file)
    elif "body.0.rdb1.conv1.weight" in file.tensors:
        network, scale, channels = _rrdb(file)
    else:
        raise UserError(
            f"{file}: no generator of ESRGAN's or Real-ESRGAN's is in it; its first tensor is {next(iter(file.tensors))}: "
            "choose another --format"
        )
    # A discriminator would be in no file, and a large one in every checkpoint.
    system = ESRGAN(scale=scale, network=network, judge_network=Halving(width=16), pretraining=0)
    multiple = scale * getattr(network, "unshuffle", 1)
    return Recognised(system, {"G": file}, SIZE // 4 * scale, channels, multiple=multiple, scale=scale)


def layers(system: System, shape: tuple[int, ...], network: str) -> Layers:
    """The tensors of the generator. Raises: UserError: that code has no such network."""
    if network != "G":
        raise UserError(f"{network} is not written for other code: only the generator, G, is")
    if isinstance(system.network, Compact):
        found: dict = {(f"conv_{i}",): Layer(f"body.{2 * i}") for i in range(system.network.layers + 1)}
        for i in range(system.network.layers + 1):
            found["params", f"prelu_{i}", "slope"] = Leaf(f"body.{2 * i + 1}.weight", FLAX)
        return found | {("last",): Layer(f"body.{2 * system.network.layers + 2}")}
    if isinstance(system.network, MSRResNet):
        blocks, parts = range(system.network.blocks), (0, 1)
        found = {(f"block_{i}_{part}",): Layer(f"body.{i}.conv{part + 1}") for i in blocks for part in parts}
        found |= {(f"larger_{i}",): Layer(f"upconv{i + 1}") for i in range(len(doublings(system.scale)))}
        return found | {(ours,): Layer(f"conv_{theirs}") for ours, theirs in OUTSIDE.items()}
    found = {
        (f"block_{i}", f"dense_{j}", f"conv_{k}"): Layer(f"body.{i}.rdb{j + 1}.conv{k}")
        for i in range(system.network.blocks)
        for j in range(DENSE)
        for k in range(1, CONVOLUTIONS + 1)
    }
    for i in range(len(doublings(system.scale * system.network.unshuffle))):
        found[f"larger_{i}",] = Layer(f"conv_up{i + 1}")
    return found | {(ours,): Layer(f"conv_{theirs}") for ours, theirs in (OUTSIDE | {"body": "body"}).items()}


def _is_compact(tensors: dict[str, np.ndarray]) -> bool:
    first, second = tensors.get("body.0.weight"), tensors.get("body.1.weight")
    return first is not None and second is not None and (first.ndim, second.ndim) == (4, 1)


def _is_msrresnet(tensors: dict[str, np.ndarray]) -> bool:
    return {"conv_first.weight", "body.0.conv1.weight", "upconv1.weight", "conv_hr.weight"} <= set(tensors)


def _msrresnet(file: Weights) -> tuple[MSRResNet, int, int]:
    width, channels, *_ = kernel_shape(file, "conv_first.weight")
    blocks = 1 + max(int(found[1]) for name in file.tensors if (found := re.match(r"body\.(\d+)\.conv1\.", name)))
    first = kernel_shape(file, "upconv1.weight")[0] // width
    scale = 3 if first == 9 else 4 if "upconv2.weight" in file.tensors else 2
    return MSRResNet(width=width, blocks=blocks), scale, channels


def _compact(file: Weights) -> tuple[Compact, int, int]:
    last = max(int(found[1]) for name in file.tensors if (found := re.match(r"body\.(\d+)\.weight$", name)))
    width, channels, *_ = kernel_shape(file, "body.0.weight")
    scale = math.isqrt(kernel_shape(file, f"body.{last}.weight")[0] // channels)
    return Compact(width=width, layers=last // 2 - 1), scale, channels


def _rrdb(file: Weights) -> tuple[RRDB, int, int]:
    width, seen, *_ = kernel_shape(file, "conv_first.weight")
    channels = kernel_shape(file, "conv_last.weight")[0]
    growth = kernel_shape(file, "body.0.rdb1.conv1.weight")[0]
    blocks = 1 + max(int(found[1]) for name in file.tensors if (found := re.match(r"body\.(\d+)\.", name)))
    ups = sum(f"conv_up{i}.weight" in file.tensors for i in (1, 2, 3))
    unshuffle = math.isqrt(seen // channels)
    if unshuffle**2 * channels != seen or (1 << ups) % unshuffle:
        raise UserError(f"{file}: its first convolution sees {seen} channels, of pictures of {channels}: is it whole?")
    return RRDB(width=width, growth=growth, blocks=blocks, unshuffle=unshuffle), (1 << ups) // unshuffle, channels


def _of_2018(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The names of ESRGAN's first code, an nn.Sequential: ups at 3, 6, ..., then two convolutions."""
    last = max(int(found[1]) for name in tensors if (found := re.match(r"model\.(\d+)\.weight", name)))
    ups = (last - 4) // 3
    blocks = 1 + max(int(found[1]) for name in tensors if (found := re.match(r"model\.1\.sub\.(\d+)\.RDB", name)))
    exact = {"model.0": "conv_first", f"model.1.sub.{blocks}": "conv_body", f"model.{last}": "conv_last"}
    exact |= {f"model.{3 * i}": f"conv_up{i}" for i in range(1, ups + 1)} | {f"model.{last - 2}": "conv_hr"}
    made = {}
    for name, tensor in tensors.items():
        layer, part = name.rsplit(".", 1)
        inside = re.match(r"model\.1\.sub\.(\d+)\.RDB(\d)\.conv(\d)\.0$", layer)
        new = f"body.{inside[1]}.rdb{inside[2]}.conv{inside[3]}" if inside else exact.get(layer, layer)
        made[f"{new}.{part}"] = tensor
    return made
