"""The generators of pytorch-pretrained-BigGAN (Hugging Face), which are TF Hub's: BigGAN-deep for ImageNet's 1,000 classes.

A file, `pytorch_model.bin`, has no discriminator, and what is particular about it is undone when it is read:

- weights come undivided, with the singular vectors of their last norm: they are divided once and for all, and the networks here
  have no spectral norm;
- each norm has 51 sets of statistics, for truncations of 0, 0.02, ... to 1: the last is taken. For other truncations
  `--standing 16` finds statistics that fit;
- what is added to a variance is 1e-4 there and 1e-5 here: the difference is added to the variances;
- the last convolution makes as many channels as the map before it has, of which the first three are the colours.
"""

from typing import Any

import numpy as np

from jaxgan.errors import UserError
from jaxgan.networks import BigDeep
from jaxgan.networks.big import GENERATOR, SMALLEST
from jaxgan.networks.big_deep import BLOCKS
from jaxgan.nn.norms import EPSILON
from jaxgan.systems.biggan import BigGAN
from jaxgan.training.system import System
from jaxgan.weights.biggan import SCALAR
from jaxgan.weights.file import FLAX, PYTORCH, Contents, Weights, state_dicts
from jaxgan.weights.formats import Recognised
from jaxgan.weights.layers import Layers, Leaf, Path
from jaxgan.weights.stylegan2 import kept, shape_of

THEIR_EPSILON, COLORS = 1e-4, 3
EMBEDDING, FIRST, LAST = "embeddings.weight", "generator.gen_z", "generator.conv_to_rgb"


def networks_in(contents: Contents) -> list[Weights]:
    """The generator of a file, its particularities undone; and its statistics those of the truncation 1."""
    return [kept(weights, _plain(weights)) for weights in state_dicts(contents)]


def _plain(weights: Weights) -> dict[str, np.ndarray]:
    tensors, found = weights.tensors, {}
    for name, tensor in tensors.items():
        stem, _, kind = name.rpartition(".")
        if kind == "weight_orig":
            u, v = (tensors.get(f"{stem}.weight_{one}") for one in ("u", "v"))
            flat = tensor.reshape(len(tensor), -1)
            if u is None or v is None or (u.shape, v.shape) != (flat.shape[:1], flat.shape[1:]):
                raise UserError(f"{weights}: {name} lacks its singular vectors; is the file whole?")
            found[f"{stem}.weight"] = tensor / (u @ flat @ v)
        elif kind == "running_means":
            found[f"{stem}.running_mean"] = tensor[-1]
        elif kind == "running_vars":
            found[f"{stem}.running_var"] = tensor[-1] + np.float32(THEIR_EPSILON - EPSILON)
        elif kind not in ("weight_u", "weight_v"):
            found[name] = tensor
    for kind in ("weight", "bias"):
        if (last := found.get(f"{LAST}.{kind}")) is not None:
            found[f"{LAST}.{kind}"] = last[:COLORS]
    return found


def recognise(files: list[Weights], direction: None) -> Recognised:
    """BigGAN with the sizes that the tensors show.

    Raises:
        UserError: there are several files, or the file is none of this code's generators.
    """
    file = files[0]
    if len(files) > 1:
        raise UserError(f"{file} and {files[1]}: name one of them, a generator")
    if EMBEDDING not in file.tensors or f"{FIRST}.weight" not in file.tensors:
        raise UserError(
            f"{file}: no network of biggan-huggingface is in it, with tensors {EMBEDDING} and {FIRST}.weight_orig; its first "
            f"is {next(iter(file.tensors))}: choose another --format"
        )
    shared, classes = shape_of(file, EMBEDDING, 2)
    outputs, inputs = shape_of(file, f"{FIRST}.weight", 2)
    numbers = _blocks(file)
    channels = [outputs // SMALLEST**2]
    channels += [
        shape_of(file, f"generator.layers.{number}.conv_3.weight", 4)[0] for number in numbers[BLOCKS - 1 :: BLOCKS]
    ]
    for side, shares in GENERATOR.items():
        width = channels[-1] // shares[-1]
        if side > 32 and [width * share for share in shares] == channels:
            break
    else:
        raise UserError(
            f"{file}: blocks of {', '.join(map(str, channels))} channels are no BigGAN-deep's of a size known here"
        )
    attended = [number for number in range(len(numbers) + 1) if f"generator.layers.{number}.gamma" in file.tensors]
    networks = BigDeep(
        latent_dim=inputs - shared, width=width, shared=shared, generator_spectral_norm=False,
        attention=SMALLEST << (attended[0] // BLOCKS) if attended else None,
    )  # fmt: skip
    return Recognised(BigGAN(networks=networks, classes=classes), {"G": file}, side, COLORS, classes=classes)


def _blocks(file: Weights) -> list[int]:
    """The numbers of the layers that are blocks: all but that of the attention."""
    found = {name.split(".")[2] for name in file.tensors if name.endswith(".conv_0.weight")}
    return sorted(int(number) for number in found if number.isdecimal())


def layers(system: System, shape: tuple[int, ...], network: str) -> Layers:
    """The tensors of a network. Raises: UserError: that code cannot have it."""
    networks: BigDeep = system.networks
    if network != "G" or networks.generator_spectral_norm:
        raise UserError("biggan-huggingface is read, and not written: export stablehlo or onnx instead")
    found: dict[Path, Any] = {("params", "shared", "kernel"): Leaf(EMBEDDING, FLAX)}
    found |= _layer(("linear",), FIRST) | _layer(("to_colors",), LAST)
    number = 0
    for level in range(len(GENERATOR[shape[0]]) - 1):
        for block in range(BLOCKS):
            module, name = (f"block{level}_{block}",), f"generator.layers.{number}"
            for conv in range(4):
                found |= _layer((*module, f"conv{conv}"), f"{name}.conv_{conv}")
                found |= _statistics((*module, f"norm{conv}", "norm"), f"{name}.bn_{conv}")
                for part, theirs in (("gain", "scale"), ("bias", "offset")):
                    found["params", *module, f"norm{conv}", part, "kernel"] = Leaf(f"{name}.bn_{conv}.{theirs}.weight")
            number += 1
        if SMALLEST << (level + 1) == networks.attention:
            module, name = (f"attention{level}",), f"generator.layers.{number}"
            found["params", *module, "gamma"] = Leaf(f"{name}.gamma", SCALAR)
            for part in ("theta", "phi", "g", "o"):
                theirs = f"{name}.snconv1x1_{'o_conv' if part == 'o' else part}"
                found["params", *module, part, "kernel"] = Leaf(f"{theirs}.weight")
            number += 1
    found |= _statistics(("norm",), "generator.bn")
    found["params", "norm", "scale"] = Leaf("generator.bn.weight", FLAX)
    found["params", "norm", "bias"] = Leaf("generator.bn.bias", FLAX)
    return found


def _layer(module: Path, name: str) -> Layers:
    return {
        ("params", *module, "kernel"): Leaf(f"{name}.weight", PYTORCH),
        ("params", *module, "bias"): Leaf(f"{name}.bias", FLAX),
    }


def _statistics(module: Path, name: str) -> Layers:
    return {
        ("batch_stats", *module, "mean"): Leaf(f"{name}.running_mean", FLAX),
        ("batch_stats", *module, "var"): Leaf(f"{name}.running_var", FLAX),
    }
