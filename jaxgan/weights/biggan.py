"""The state dicts of BigGAN-PyTorch (ajbrock/BigGAN-PyTorch): G, or G_ema, and D; with a shared embedding of classes.

Names and shapes show the whole architecture. Singular vectors come along, so that spectral norms are those of that code. Its
BigGAN-deep has other blocks, and is refused.
"""

from typing import Any

import numpy as np

from jaxgan.errors import UserError
from jaxgan.networks import Big
from jaxgan.networks.big import DISCRIMINATOR, GENERATOR, SAME, SMALLEST
from jaxgan.systems.biggan import BigGAN
from jaxgan.training.system import System
from jaxgan.weights.file import FLAX, PYTORCH, Contents, Layout, Weights, state_dicts
from jaxgan.weights.formats import Recognised
from jaxgan.weights.layers import Layers, Leaf, Path
from jaxgan.weights.stylegan2 import count, kept, shape_of

AREA = SMALLEST * SMALLEST


def _regrouped(leaf: np.ndarray) -> np.ndarray:
    """[..., 4 * 4 * C], place by place, as [..., C * 4 * 4]."""
    return leaf.reshape(*leaf.shape[:-1], AREA, -1).swapaxes(-1, -2).reshape(leaf.shape)


def _placed(tensor: np.ndarray) -> np.ndarray:
    """[..., C * 4 * 4] as [..., 4 * 4 * C]."""
    return tensor.reshape(*tensor.shape[:-1], -1, AREA).swapaxes(-1, -2).reshape(tensor.shape)


FIRST = Layout(lambda tensor: _placed(tensor.T), lambda leaf: _regrouped(leaf).T)
"""The weight of the first layer, whose output is a map channel by channel there, here place by place."""
FIRST_VECTOR = Layout(_placed, _regrouped)
"""Its bias and singular vector."""
SCALAR = Layout(lambda tensor: tensor.reshape(()), lambda leaf: leaf.reshape(1))
EMBEDDED = Layout(lambda tensor: tensor.T, lambda leaf: leaf.T)
"""[classes, D] here [D, classes]."""


def networks_in(contents: Contents) -> list[Weights]:
    """The networks of a file; statistics that a synchronised norm keeps one level deeper are where the others are."""
    found = []
    for weights in state_dicts(contents):
        tensors = {
            name.replace(".bn.stored_", ".stored_").replace(".bn.running_", ".stored_"): tensor
            for name, tensor in weights.tensors.items()
            if not name.endswith(("num_batches_tracked", ".bn.accumulation_counter", "accumulation_counter"))
        }
        found.append(kept(weights, tensors))
    return found


def recognise(files: list[Weights], direction: None) -> Recognised:
    """BigGAN with the sizes that the tensors show; from G, with D or without.

    Raises:
        UserError: the files are none of this code's networks, or do not belong together, or are of another variant.
    """
    named: dict[str, Weights] = {}
    for file in files:
        tensors = file.tensors
        if "blocks.0.0.conv1.weight" not in tensors:
            raise UserError(
                f"{file}: no network of biggan-pytorch is in it, with a tensor blocks.0.0.conv1.weight; its first is "
                f"{next(iter(tensors))}: choose another --format"
            )
        if "blocks.0.0.conv3.weight" in tensors:
            raise UserError(
                f"{file} is BigGAN-deep as that code has it, whose last layer makes 128 channels of which 3 are used: it is "
                "not read; BigGAN-deep of pytorch-pretrained-BigGAN is, with --format biggan-huggingface"
            )
        name = "G" if "output_layer.2.weight" in tensors else "D"
        if name in named:
            raise UserError(f"{named[name]} and {file} are both {name}: name one of them")
        named[name] = file
    if "G" not in named:
        raise UserError(f"{files[0]} is a discriminator: name the file of a generator, too")
    shown = _generator(named["G"])
    if "D" in named:
        theirs = _discriminator(named["D"])
        other = [
            f"{name} {value} where that has {shown[name]}" for name, value in theirs.items() if shown[name] != value
        ]
        if other:
            raise UserError(f"{named['D']} does not go with {named['G']}: it has {', '.join(other)}; leave it out")
    side, channels, classes = (shown.pop(name) for name in ("side", "channels", "classes"))
    return Recognised(BigGAN(networks=Big(**shown), classes=classes), named, side, channels, classes=classes)


def _side(file: Weights, table: dict[int, tuple[int, ...]], blocks: int, channels: list[int]) -> tuple[int, int]:
    """The side and the width whose blocks these are. Raises: UserError: there are none."""
    for side, shares in table.items():
        width = channels[-1] // shares[-1]
        if len(shares) == len(channels) and width and [width * share for share in shares] == channels:
            return side, width
    raise UserError(
        f"{file}: {blocks} blocks of {', '.join(map(str, channels))} channels are no BigGAN's of a size known here"
    )


def _attention(file: Weights, sides: list[int]) -> int | None:
    """The side of the map with attention, by those of the blocks' outputs; None where there is none."""
    found = [side for number, side in enumerate(sides) if f"blocks.{number}.1.gamma" in file.tensors]
    if len(found) > 1:
        raise UserError(f"{file}: it has attention at {', '.join(map(str, found))}, and jaxgan's networks at one size")
    return found[0] if found else None


def _generator(file: Weights) -> dict[str, Any]:
    blocks = count(file, "blocks.{}.0.conv1.weight")
    first = shape_of(file, "linear.weight", 2)[0] // AREA
    channels = [first, *(shape_of(file, f"blocks.{i}.0.conv2.weight", 4)[0] for i in range(blocks))]
    side, width = _side(file, GENERATOR, blocks, channels)
    if "shared.weight" not in file.tensors:
        raise UserError(f"{file}: its classes have a vector for each norm, and jaxgan's one for all (--G_shared there)")
    classes, shared = shape_of(file, "shared.weight", 2)
    chunk = shape_of(file, "linear.weight", 2)[1]
    condition = shape_of(file, "blocks.0.0.bn1.gain.weight", 2)[1]
    if condition not in (shared, shared + chunk):
        raise UserError(
            f"{file}: its norms take {condition} numbers, of a class {shared} and of z {chunk}; is it whole?"
        )
    hierarchical = condition == shared + chunk
    return {
        "side": side,
        "channels": shape_of(file, "output_layer.2.weight", 4)[0],
        "classes": classes,
        "latent_dim": chunk * (blocks + 1) if hierarchical else chunk,
        "width": width,
        "shared": shared,
        "hierarchical": hierarchical,
        "attention": _attention(file, [SMALLEST << (number + 1) for number in range(blocks)]),
    }


def _discriminator(file: Weights) -> dict[str, Any]:
    blocks = count(file, "blocks.{}.0.conv1.weight")
    channels = [shape_of(file, f"blocks.{i}.0.conv2.weight", 4)[0] for i in range(blocks)]
    side, width = _side(file, DISCRIMINATOR, blocks, channels)
    shown = {
        "side": side,
        "channels": shape_of(file, "blocks.0.0.conv1.weight", 4)[1],
        "classes": shape_of(file, "embed.weight", 2)[0],
        "width": width,
    }
    attention = _attention(file, _sides_of_discriminator(side))
    return shown | ({"attention": attention} if attention else {})


def _sides_of_discriminator(side: int) -> list[int]:
    downs = len(DISCRIMINATOR[side]) - SAME.get(side, 1)
    return [max(side >> (number + 1), side >> downs) for number in range(len(DISCRIMINATOR[side]))]


def layers(system: System, shape: tuple[int, ...], network: str) -> Layers:
    """The tensors of a network. Raises: UserError: that code cannot have it."""
    if not system.conditional:
        raise UserError(
            f"system.conditional is False, and that code's networks have classes: {network} cannot be exported"
        )
    return (_generator_leaves if network == "G" else _discriminator_leaves)(system.networks, shape[0])


def _normalised(
    module: Path, layer: str, name: str, *, bias: bool = True, kernel: Layout = PYTORCH, vector: Layout = FLAX
) -> Layers:
    """A layer with a spectral norm: its kernel, its bias, its singular vector and value."""
    found = {
        ("params", *module, layer, "kernel"): Leaf(f"{name}.weight", kernel),
        ("spectral", *module, f"{layer}_norm", f"{layer}/kernel/u"): Leaf(f"{name}.u0", vector),
        ("spectral", *module, f"{layer}_norm", f"{layer}/kernel/sigma"): Leaf(f"{name}.sv0", SCALAR),
    }
    return found | ({("params", *module, layer, "bias"): Leaf(f"{name}.bias", vector)} if bias else {})


def _statistics(module: Path, name: str) -> Layers:
    return {
        ("batch_stats", *module, "mean"): Leaf(f"{name}.stored_mean", FLAX),
        ("batch_stats", *module, "var"): Leaf(f"{name}.stored_var", FLAX),
    }


def _attending(module: Path, name: str) -> Layers:
    found = {("params", *module, "gamma"): Leaf(f"{name}.gamma", FLAX)}
    for part in ("theta", "phi", "g", "o"):
        found |= _normalised(module, part, f"{name}.{part}", bias=False)
    return found


def _generator_leaves(networks: Big, side: int) -> Layers:
    found = {("params", "shared", "kernel"): Leaf("shared.weight", EMBEDDED)}
    found |= _normalised((), "linear", "linear", kernel=FIRST, vector=FIRST_VECTOR)
    for number in range(len(GENERATOR[side]) - 1):
        module, name = (f"block{number}",), f"blocks.{number}.0"
        for layer, theirs in (("conv0", "conv1"), ("conv1", "conv2"), ("shortcut", "conv_sc")):
            found |= _normalised(module, layer, f"{name}.{theirs}")
        for norm, theirs in (("norm0", "bn1"), ("norm1", "bn2")):
            for part in ("gain", "bias"):
                found |= _normalised((*module, norm), part, f"{name}.{theirs}.{part}", bias=False)
            found |= _statistics((*module, norm, "norm"), f"{name}.{theirs}")
        if SMALLEST << (number + 1) == networks.attention:
            found |= _attending((f"attention{number}",), f"blocks.{number}.1")
    found |= _statistics(("norm",), "output_layer.0") | _normalised((), "to_colors", "output_layer.2")
    found["params", "norm", "scale"] = Leaf("output_layer.0.gain", FLAX)
    found["params", "norm", "bias"] = Leaf("output_layer.0.bias", FLAX)
    return found


def _discriminator_leaves(networks: Big, side: int) -> Layers:
    found, sides, shares = {}, _sides_of_discriminator(side), DISCRIMINATOR[side]
    for number, own in enumerate(sides):
        module, name = (f"block{number}",), f"blocks.{number}.0"
        layers_ = [("conv0", "conv1"), ("conv1", "conv2")]
        before = side if number == 0 else sides[number - 1]
        if own != before or shares[number] != shares[number - 1]:
            layers_.append(("shortcut", "conv_sc"))
        for layer, theirs in layers_:
            found |= _normalised(module, layer, f"{name}.{theirs}")
        if own == networks.attention and own != before:
            found |= _attending((f"attention{number}",), f"blocks.{number}.1")
    found |= _normalised((), "linear", "linear")
    found["params", "embed", "kernel"] = Leaf("embed.weight", EMBEDDED)
    found["spectral", "embed_norm", "embed/kernel/u"] = Leaf("embed.u0", FLAX)
    found["spectral", "embed_norm", "embed/kernel/sigma"] = Leaf("embed.sv0", SCALAR)
    return found
