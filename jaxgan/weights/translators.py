"""The state dicts of pytorch-CycleGAN-and-pix2pix (Zhu et al.): its generators and discriminators for Pix2Pix and CycleGAN.

A file is one network, latest_net_G.pth or latest_net_G_A.pth; nothing in it says how it was made. The names of the tensors are
numbers in nested nn.Sequentials, so that they, and the shapes, show the whole architecture: width, depth, norm, dropout between
convolutions. Only the dropout of a U-Net, which comes last in its block, leaves no trace: pix2pix has it, CycleGAN does not.
"""

import dataclasses
import re
from dataclasses import dataclass
from typing import Literal

from jaxgan.errors import UserError
from jaxgan.networks import Patch, Transform, UNet
from jaxgan.networks.patch import HALVINGS
from jaxgan.systems.cyclegan import CycleGAN
from jaxgan.systems.pix2pix import Pix2Pix
from jaxgan.training.system import System
from jaxgan.weights.file import Weights, state_dicts
from jaxgan.weights.formats import Recognised
from jaxgan.weights.layers import TRANSPOSED, Layer, Layers, kernel_shape

FIRST_BLOCK = 10
"""Number of the first residual block in the nn.Sequential of a residual transform network."""

Direction = Literal["ab", "ba"]
Network = UNet | Transform | Patch

networks_in = state_dicts


def recognise(files: list[Weights], direction: Direction | None) -> Recognised:
    """The system of these files, a generator's at least, in any order.

    CycleGAN where there are two generators, or names say A or B, or the norm is an instance's and no discriminator judges
    pairs; Pix2Pix otherwise. `direction` is that of the first generator; without it the names tell G_A (ab) from G_B.

    Raises:
        UserError: the files are none of this code's networks, or do not belong to one system.
    """
    found = [_network_of(file) for file in files]
    generators = [one for one in found if not isinstance(one.network, Patch)]
    judges = [one for one in found if isinstance(one.network, Patch)]
    if not generators:
        raise UserError(f"{files[0]} is a discriminator: name the file of a generator, too")
    for one in generators:
        if one.inputs != one.outputs:
            raise UserError(
                f"{one.file}: this generator turns pictures of {one.inputs} channels into pictures of {one.outputs}, and "
                "jaxgan's have as many before as after"
            )
    for first, *others in filter(None, (generators, judges)):
        for other in others:
            if (first.network, first.inputs) != (other.network, other.inputs):
                raise UserError(
                    f"{first.file} and {other.file} are of two architectures, {first.network} and {other.network} "
                    f"for {first.inputs} and {other.inputs} channels: they do not belong to one system"
                )
    channels = generators[0].inputs
    if judges and judges[0].inputs not in (channels, 2 * channels):
        raise UserError(
            f"{judges[0].file}: this discriminator sees {judges[0].inputs} channels, and the pictures of "
            f"{generators[0].file} have {channels}"
        )
    pairs = bool(judges) and judges[0].inputs == 2 * channels
    alone = generators[0].network.norm == "instance" or any(_letter(file) for file in files)
    if len(generators) > 1 or (alone and not pairs):
        system, named = _cyclegan(generators, judges, pairs, direction)
    else:
        system, named = _pix2pix(generators[0], judges, pairs, direction)
    size = multiple = system.generator.multiple
    least = 3 << HALVINGS[system.discriminator.field] if isinstance(system.generator, UNet) else 256
    while size < least:
        size *= 2
    return Recognised(system, named, size, channels, multiple)


def _cyclegan(generators: list["_Found"], judges: list["_Found"], pairs: bool, direction: Direction | None):
    if pairs:
        raise UserError(f"{judges[0].file} judges pairs, as pix2pix does, which has one generator, not two")
    judge = judges[0].network if judges else Patch(norm="instance")
    named = _sides(generators, ("G", "F"), direction) | _sides(judges, ("D_Y", "D_X"), direction)
    return CycleGAN(generator=generators[0].network, discriminator=judge), named


def _pix2pix(found: "_Found", judges: list["_Found"], pairs: bool, direction: Direction | None):
    if direction == "ba":
        raise UserError("--direction ba is for the generators of CycleGAN; pix2pix's have one direction: leave it out")
    if len(judges) > 1:
        raise UserError(f"{judges[1].file} is a second discriminator, and pix2pix has one: leave it out")
    generator = found.network
    if isinstance(generator, UNet):
        generator = dataclasses.replace(generator, dropout=0.5)
    judge, kind = (judges[0].network if judges else Patch()), "conditional" if pairs or not judges else "unconditional"
    named = dict(zip(("G", "D"), [one.file for one in (found, *judges)], strict=False))
    return Pix2Pix(generator=generator, discriminator=judge, adversarial=kind), named


def layers(system: System, shape: tuple[int, ...], network: str) -> Layers:
    """The tensors of a network. Raises: UserError: that code cannot have it."""
    if network not in ("G", "F"):
        return _patch_layers(system.discriminator)
    return (_unet_layers if isinstance(system.generator, UNet) else _transform_layers)(system.generator)


def _letter(file: Weights) -> str | None:
    found = re.search(r"net_[GD]_([AB])$", file.path.stem)
    return found[1] if found else None


def _sides(found: list["_Found"], names: tuple[str, str], direction: Direction | None) -> dict[str, Weights]:
    """Which of the two networks each file is: by its name, unless a direction is given; else by its place."""
    files = [one.file for one in found]
    if len(files) > 2:
        raise UserError(f"{files[2]} is a third of its kind, and CycleGAN has two: leave it out")
    letters = [_letter(file) for file in files]
    if direction is None and all(letters):
        if len(set(letters)) < len(letters):
            raise UserError(f"{files[0]} and {files[1]} are both {letters[0]} by their names: say --direction")
        return {names["AB".index(letter)]: file for letter, file in zip(letters, files, strict=True)}
    return dict(zip(names if direction != "ba" else names[::-1], files, strict=False))


@dataclass(frozen=True)
class _Found:
    """What a file holds: a network, and how many channels it takes and makes (1 for logits)."""

    file: Weights
    network: Network
    inputs: int
    outputs: int


def _network_of(file: Weights) -> _Found:
    tensors = file.tensors
    if "model.model.0.weight" in tensors:
        return _unet_of(file)
    if "net.0.weight" in tensors:
        width, channels, *_ = kernel_shape(file, "net.0.weight")
        return _Found(file, Patch(width, 1, "batch" if "net.3.weight" in tensors else "instance"), channels, 1)
    if "model.0.weight" in tensors:
        return _patch_of(file)
    if "model.1.weight" in tensors:
        return _transform_of(file)
    raise UserError(
        f"{file}: no network of pytorch-cyclegan-and-pix2pix is in it, with a tensor model.0.weight, model.1.weight, "
        f"model.model.0.weight or net.0.weight; its first is {next(iter(tensors))}: choose another --format"
    )


def _unet_of(file: Weights) -> _Found:
    width, channels, *_ = kernel_shape(file, "model.model.0.weight")
    levels = 1
    while f"{_unet_block(levels)}.model.1.weight" in file.tensors:
        levels += 1
    if levels < 2:
        raise UserError(f"{file}: the U-Net has no tensor model.model.1.model.1.weight; is the file whole?")
    norm = "batch" if f"{_unet_block(levels - 1)}.model.4.weight" in file.tensors else "instance"
    dropped = tuple(range(1, levels - 4))  # as many as it has levels beyond 5; not the innermost
    network = UNet(width, levels, norm, dropout=0.0, dropout_blocks=dropped)
    return _Found(file, network, channels, kernel_shape(file, "model.model.3.weight")[1])


def _unet_block(level: int) -> str:
    return "model.model.1" + ".model.3" * (level - 1) if level else "model"


def _unet_layers(network: UNet) -> Layers:
    if not network.skips:
        raise UserError("system.generator.skips is off, and that code's U-Net has skips: it cannot be exported")
    if network.levels < 5:
        raise UserError(f"system.generator.levels is {network.levels}, and that code's U-Nets have 5 at least")
    found = {}
    for level in range(network.levels):
        block, up = _unet_block(level), network.levels - 1 - level
        innermost = level == network.levels - 1
        # Outermost: convolution, inside, ReLU, convolution. Further in: LeakyReLU, convolution, norm, inside, ReLU,
        # convolution, norm; the innermost without the first norm and an inside.
        numbers = (0, None, 3, None) if not level else (1, None, 3, 4) if innermost else (1, 2, 5, 6)
        modules = (f"down_{level}", f"down_norm_{level}", f"up_{up}", f"up_norm_{up}")
        for module, number in zip(modules, numbers, strict=True):
            if number is not None:
                layer = Layer(f"{block}.model.{number}")
                found[module,] = Layer(layer.name, TRANSPOSED) if module == f"up_{up}" else layer
    return found


def _transform_of(file: Weights) -> _Found:
    width, channels, *_ = kernel_shape(file, "model.1.weight")
    numbers = {int(found[1]) for name in file.tensors if (found := re.match(r"model\.(\d+)\.conv_block\.", name))}
    if not numbers:
        raise UserError(f"{file}: there is no residual block, model.{FIRST_BLOCK}.conv_block, in it; is it --format's?")
    dropout = 0.0 if f"model.{FIRST_BLOCK}.conv_block.5.weight" in file.tensors else 0.5
    norm = "batch" if "model.2.weight" in file.tensors else "instance"
    last = f"model.{FIRST_BLOCK + len(numbers) + 7}.weight"
    return _Found(file, Transform(width, len(numbers), norm, dropout), channels, kernel_shape(file, last)[0])


def _transform_layers(network: Transform) -> Layers:
    if network.upsampling != "transposed":
        raise UserError(
            f'system.generator.upsampling is "{network.upsampling}", and that code has transposed convolutions: it cannot be '
            "exported"
        )
    after = FIRST_BLOCK + network.blocks
    found = {("last",): Layer(f"model.{after + 7}")}
    for module, number in (("first", 1), ("down_0", 4), ("down_1", 7), ("up_0", after), ("up_1", after + 3)):
        layout = {"layout": TRANSPOSED} if module.startswith("up") else {}
        found[module,] = Layer(f"model.{number}", **layout)
        found[f"{module}_norm",] = Layer(f"model.{number + 1}")
    for block in range(network.blocks):
        # Padding, convolution, norm, ReLU, dropout if there is some, padding, convolution, norm.
        for half, number in enumerate((1, 6 if network.dropout else 5)):
            inside = f"model.{FIRST_BLOCK + block}.conv_block"
            found[f"block_{block}_{half}",] = Layer(f"{inside}.{number}")
            found[f"block_{block}_{half}_norm",] = Layer(f"{inside}.{number + 1}")
    return found


def _patch_of(file: Weights) -> _Found:
    width, channels, *_ = kernel_shape(file, "model.0.weight")
    last = max(int(found[1]) for name in file.tensors if (found := re.match(r"model\.(\d+)\.", name)))
    halvings, odd = divmod(last - 2, 3)
    fields = {count: field for field, count in HALVINGS.items() if count}
    if odd or halvings not in fields:
        raise UserError(
            f"{file}: a PatchGAN whose last layer is model.{last} is none that jaxgan has, with {min(fields)} to "
            f"{max(fields)} halvings; is it --format's?"
        )
    norm = "batch" if "model.3.weight" in file.tensors else "instance"
    return _Found(file, Patch(width, fields[halvings], norm), channels, 1)


def _patch_layers(network: Patch) -> Layers:
    if network.norm == "none":
        raise UserError('system.discriminator.norm is "none", and that code has a norm: it cannot be exported')
    halvings = HALVINGS[network.field]
    if not halvings:
        numbers, name = (0, 2, 5), "net"
    else:
        numbers, name = (0, *range(2, 3 * halvings + 3, 3)), "model"
    found = {}
    for index, number in enumerate(numbers):
        found[f"layer_{index}",] = Layer(f"{name}.{number}")
        found[f"layer_{index}_norm",] = Layer(f"{name}.{number + 1}")
    return found
