"""The snapshots of R3GAN's code (brownvc/R3GAN): G_ema and D, of any widths.

A file is a pickle of modules, of which nothing is run here. The tensors' names and shapes show the whole architecture. What
that code computes in float16 is float32 here.
"""

from typing import Any

from jaxgan.errors import UserError
from jaxgan.networks import R3
from jaxgan.networks.style import SMALLEST, channels_of, sides_of
from jaxgan.systems.r3gan import R3GAN
from jaxgan.training.system import System
from jaxgan.weights.file import FLAX, Contents, Layout, Weights, state_dicts
from jaxgan.weights.formats import Recognised
from jaxgan.weights.layers import Layers, Leaf, unprefixed
from jaxgan.weights.modules import modules_in
from jaxgan.weights.stylegan2 import CONSTANT, count, kept, shape_of, widths

BASIS, EXTRACTION = "MainLayers.0.Layers.0.Basis", "ExtractionLayer.Layer.weight"
"""What a generator alone has, and a discriminator."""
DEPTHWISE = Layout(lambda tensor: tensor[:, 0].transpose(1, 2, 0), lambda leaf: leaf.transpose(2, 0, 1)[:, None])
"""[C, 1, 4, 4] here [4, 4, C]."""


def networks_in(contents: Contents) -> list[Weights]:
    """G_ema, or else G, and D; or the state dict of one of them. Without "Model." before the names, and without filters."""
    found = [unprefixed(weights) for weights in modules_in(contents) or state_dicts(contents)]
    return [
        kept(
            weights,
            {
                name.removeprefix("Model."): tensor
                for name, tensor in weights.tensors.items()
                if not name.endswith((".Kernel", "resample_filter"))
            },
        )
        for weights in found
    ]


def recognise(files: list[Weights], direction: None) -> Recognised:
    """R3GAN with the sizes that the tensors show; from G, with D or without.

    Raises:
        UserError: the files are none of this code's networks, or do not belong together.
    """
    named: dict[str, Weights] = {}
    for file in files:
        name = "G" if BASIS in file.tensors else "D" if EXTRACTION in file.tensors else None
        if name is None:
            raise UserError(
                f"{file}: no network of r3gan is in it, with a tensor {BASIS} or {EXTRACTION}; its first is "
                f"{next(iter(file.tensors))}: choose another --format"
            )
        if name in named:
            raise UserError(f"{named[name]} and {file} are both {name}: name one of them")
        named[name] = file
    if "G" not in named:
        raise UserError(f"{files[0]} is a discriminator: name the file of a generator, too")
    shown = _shown(named["G"], "G")
    if "D" in named:
        theirs = _shown(named["D"], "D")
        other = [f"{name} {theirs[name]} where that has {shown[name]}" for name in shown if theirs[name] != shown[name]]
        if other:
            raise UserError(f"{named['D']} does not go with {named['G']}: it has {', '.join(other)}; leave it out")
    side, channels, classes = (shown.pop(name) for name in ("side", "channels", "classes"))
    embedded = shape_of(named["G"], "EmbeddingLayer.weight", 2)[0] if classes else 0
    latent = shape_of(named["G"], "MainLayers.0.Layers.0.LinearLayer.weight", 2)[1] - embedded
    if embedded not in (0, latent):
        raise UserError(f"{named['G']}: a label is {embedded} numbers and z {latent}; in R3GAN they are as many")
    system = R3GAN(networks=R3(latent_dim=latent, **shown), conditional=bool(classes), classes=classes or None)
    return Recognised(system, named, side, channels, classes=classes)


def _shown(file: Weights, network: str) -> dict[str, Any]:
    """What either network shows of both."""
    first = 1 if network == "G" else 0
    stages = count(file, f"MainLayers.{{}}.Layers.{first}.LinearLayer1.Layer.weight")
    if stages < 2:
        raise UserError(f"{file}: it has {stages} stages with blocks, and R3GAN at least 2; is it whole?")
    sides = sides_of(SMALLEST << (stages - 1))
    channels = [
        shape_of(file, f"MainLayers.{stage}.Layers.{first}.LinearLayer3.Layer.weight", 4)[0] for stage in range(stages)
    ]
    labels = "EmbeddingLayer.weight" in file.tensors
    colors, axis = ("AggregationLayer", 0) if network == "G" else ("ExtractionLayer", 1)
    return {
        "side": sides[-1],
        "channels": shape_of(file, f"{colors}.Layer.weight", 4)[axis],
        "classes": shape_of(file, "EmbeddingLayer.weight", 2)[1] if labels else 0,
        "blocks": count(file, "MainLayers.0.Layers.{}.LinearLayer1.Layer.weight", first),
        "group_width": shape_of(file, f"MainLayers.0.Layers.{first}.LinearLayer2.Layer.weight", 4)[1],
        **widths(file, dict(zip(sides, channels if network == "G" else channels[::-1], strict=True))),
    }


def layers(system: System, shape: tuple[int, ...], network: str) -> Layers:
    """The tensors of a network. Raises: UserError: that code cannot have it."""
    networks, (height, width, _) = system.networks, shape
    if height != width:
        raise UserError(f"the pictures are {height}x{width}, and that code's are square: {network} cannot be exported")
    sides = sides_of(height) if network == "G" else sides_of(height)[::-1]
    features = [channels_of(side, networks.channel_base, networks.width) for side in sides]
    found = {("params", "embed", "kernel"): Leaf("EmbeddingLayer.weight")} if system.conditional else {}
    for stage, side in enumerate(sides):
        stands = f"MainLayers.{stage}.Layers"
        # A generator's stage begins with what changes the size, a discriminator's ends with it.
        first, change = (1, 0) if network == "G" else (0, networks.blocks)
        for number in range(networks.blocks):
            module, name = ("params", f"{side}_block{number}"), f"{stands}.{first + number}"
            for layer, part in enumerate(("wide", "grouped", "narrow"), 1):
                found[*module, part, "kernel"] = Leaf(f"{name}.LinearLayer{layer}.Layer.weight")
                if part != "narrow":
                    found[*module, part, "bias"] = Leaf(f"{name}.NonLinearity{layer}.Bias", FLAX)
        beside = stage - 1 if network == "G" else stage + 1
        if 0 <= beside < len(sides) and features[stage] != features[beside]:
            found["params", f"{side}_change", "kernel"] = Leaf(f"{stands}.{change}.LinearLayer.Layer.weight")
        if side == sides_of(height)[0]:
            basis = Leaf(f"{stands}.{change}.Basis", CONSTANT)
            found["params", "basis"] = basis if network == "G" else Leaf(f"{basis.name}.weight", DEPTHWISE)
            found["params", "dense", "kernel"] = Leaf(f"{stands}.{change}.LinearLayer.weight")
    colors = ("to_colors", "AggregationLayer") if network == "G" else ("from_colors", "ExtractionLayer")
    found["params", colors[0], "kernel"] = Leaf(f"{colors[1]}.Layer.weight")
    return found
