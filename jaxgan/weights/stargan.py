"""The state dicts of StarGAN's own code (yunjey/stargan): 200000-G.ckpt and 200000-D.ckpt.

Its InstanceNorm has a scale and a bias, and running statistics that nothing uses: that code translates in training mode, by
each picture's own. What it trained on several data sets at once shows in no tensor, and is not read with a discriminator.
"""

import re

from jaxgan.errors import UserError
from jaxgan.systems.stargan import StarGAN
from jaxgan.training.system import System
from jaxgan.weights.file import Weights, state_dicts
from jaxgan.weights.formats import Recognised
from jaxgan.weights.layers import TRANSPOSED, Layer, Layers, kernel_shape

FIRST_BLOCK = 9
"""Number of the first residual block in the generator's nn.Sequential."""
SIZE = 128
"""Of the paper's pictures."""

networks_in = state_dicts


def recognise(files: list[Weights], direction: None) -> Recognised:
    """StarGAN with the sizes that the tensors show; from G, with D or without.

    Raises:
        UserError: the files are none of this code's networks, or do not belong together.
    """
    named: dict[str, Weights] = {}
    for file in files:
        kernel_shape(file, "main.0.weight")
        name = "D" if "conv1.weight" in file.tensors else "G"
        if name in named:
            raise UserError(f"{named[name]} and {file} are both {name}: name one of them")
        named[name] = file
    if "G" not in named:
        raise UserError(f"{files[0]} is a discriminator: name the file of a generator, too")
    generator = named["G"]
    blocks = len({match[1] for name in generator.tensors if (match := re.match(r"main\.(\d+)\.main\.", name))})
    if not blocks:
        raise UserError(
            f"{generator}: there is no residual block, main.{FIRST_BLOCK}.main, in it: choose another --format"
        )
    width, inputs, *_ = kernel_shape(generator, "main.0.weight")
    channels = kernel_shape(generator, f"main.{FIRST_BLOCK + blocks + 6}.weight")[0]
    labels = inputs - channels
    if labels < 1:
        raise UserError(
            f"{generator}: the generator sees {inputs} channels, with those of labels, and makes {channels}"
        )
    system = StarGAN(width=width, blocks=blocks)
    if "D" not in named:
        return Recognised(system, named, SIZE, channels, 1 << system.discriminator_layers, labels)
    judge = named["D"]
    layers = len({name for name in judge.tensors if re.match(r"main\.\d+\.weight", name)})
    judge_width, judge_channels, *_ = kernel_shape(judge, "main.0.weight")
    judge_labels, _, last, _ = kernel_shape(judge, "conv2.weight")
    if (judge_channels, judge_labels) != (channels, labels):
        raise UserError(
            f"{judge} is for {judge_channels} channels and {judge_labels} labels, and {generator} for {channels} and "
            f"{labels}: they do not belong together, or are of several data sets at once; leave the discriminator out"
        )
    system = StarGAN(width=width, blocks=blocks, discriminator_width=judge_width, discriminator_layers=layers)
    return Recognised(system, named, last << layers, channels, labels=labels)


def layers(system: System, shape: tuple[int, ...], network: str) -> Layers:
    """The tensors of a network."""
    if network == "D":
        found = {(f"layer_{layer}",): Layer(f"main.{2 * layer}") for layer in range(system.discriminator_layers)}
        return found | {("source",): Layer("conv1"), ("labels",): Layer("conv2")}
    after = FIRST_BLOCK + system.blocks
    found = {("last",): Layer(f"main.{after + 6}")}
    for module, number in (("first", 0), ("down_0", 3), ("down_1", 6), ("up_0", after), ("up_1", after + 3)):
        layer = Layer(f"main.{number}")
        found[module,] = Layer(layer.name, TRANSPOSED) if module.startswith("up") else layer
        found[f"{module}_norm",] = Layer(f"main.{number + 1}", buffers=True)
    for block in range(system.blocks):
        for half, number in enumerate((0, 3)):
            inside = f"main.{FIRST_BLOCK + block}.main"
            found[f"block_{block}_{half}",] = Layer(f"{inside}.{number}")
            found[f"block_{block}_{half}_norm",] = Layer(f"{inside}.{number + 1}", buffers=True)
    return found
