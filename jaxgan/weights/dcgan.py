"""The state dicts of PyTorch's own DCGAN example (pytorch/examples, dcgan): netG and netD, of any depth and width.

Two layers are called otherwise there, and are the same. The generator begins with a transposed convolution of 4x4 on a single
pixel, which is a projection; the discriminator ends with a convolution of 4x4 without padding, which is a dense layer on the
flattened map. That code's z is standard normal, and none of its convolutions has a bias.
"""

import re

from jaxgan.errors import UserError
from jaxgan.networks import Convolutional
from jaxgan.networks.convolutional import SMALLEST_MAP
from jaxgan.systems.dcgan import DCGAN
from jaxgan.training.system import System
from jaxgan.weights.file import Layout, Weights, state_dicts
from jaxgan.weights.formats import Recognised
from jaxgan.weights.layers import TRANSPOSED, Layer, Layers, kernel_shape

SIDE = SMALLEST_MAP
DOUBLINGS = range(3, 7)
PROJECTION = Layout(
    lambda tensor: tensor.transpose(0, 2, 3, 1).reshape(len(tensor), -1),
    lambda kernel: kernel.reshape(len(kernel), SIDE, SIDE, -1).transpose(0, 3, 1, 2),
)
"""[latent, features, 4, 4] here [latent, 4 * 4 * features]: a map is flattened row by row, its channels last."""
JUDGEMENT = Layout(
    lambda tensor: tensor[0].transpose(1, 2, 0).reshape(-1, 1),
    lambda kernel: kernel.reshape(SIDE, SIDE, -1).transpose(2, 0, 1)[None],
)
"""[1, features, 4, 4] here [4 * 4 * features, 1]."""

networks_in = state_dicts


def recognise(files: list[Weights], direction: None) -> Recognised:
    """DCGAN with the sizes that the tensors show; from netG, with netD or without.

    Raises:
        UserError: the files are none of this code's networks, or do not belong together.
    """
    named: dict[str, Weights] = {}
    for file in files:
        kernel_shape(file, "main.0.weight")
        name = "G" if "main.1.weight" in file.tensors else "D"  # the norm after the projection
        if name in named:
            raise UserError(f"{named[name]} and {file} are both {name}: name one of them")
        named[name] = file
    if "G" not in named:
        raise UserError(f"{files[0]} is a discriminator: name the file of a generator, too")
    generator = named["G"]
    doublings, odd = divmod(_last(generator), 3)
    if odd or doublings < 1:
        raise UserError(f"{generator}: its last layer is main.{_last(generator)}, where a generator ends with main.3k")
    latent = kernel_shape(generator, "main.0.weight")[0]
    width, channels, *_ = kernel_shape(generator, f"main.{3 * doublings}.weight")
    if "D" in named:
        theirs = kernel_shape(named["D"], "main.0.weight")[:2]
        if (theirs, _last(named["D"])) != ((width, channels), 3 * doublings - 1):
            raise UserError(
                f"{named['D']} is of width {theirs[0]}, for {theirs[1]} channels, and its last layer is "
                f"main.{_last(named['D'])}; to go with {generator} it must be of width {width}, for {channels}, and end "
                f"with main.{3 * doublings - 1}: leave it out"
            )
    system = DCGAN(networks=Convolutional(latent_dim=latent, latent="normal", width=width, kernel=4))
    return Recognised(system, named, SIDE << doublings, channels)


def layers(system: System, shape: tuple[int, ...], network: str) -> Layers:
    """The tensors of a network. Raises: UserError: that code cannot have it."""
    networks = system.networks
    refused = {
        "kernel": networks.kernel != 4,
        "discriminator_norm": network == "D" and networks.discriminator_norm != "batch",
        "spectral_norm": network == "D" and networks.spectral_norm,
    }
    for field, wrong in refused.items():
        if wrong:
            raise UserError(
                f"system.networks.{field} is {getattr(networks, field)!r}, which that code does not have: {network} cannot be "
                "exported"
            )
    height, width, _ = shape
    if height != width:
        raise UserError(f"the pictures are {height}x{width}, and that code's are square: {network} cannot be exported")
    doublings = (height // SIDE).bit_length() - 1
    return (_generator_layers if network == "G" else _discriminator_layers)(doublings)


def _generator_layers(doublings: int) -> Layers:
    found = {("Dense_0",): Layer("main.0", PROJECTION)}
    for level in range(doublings):
        found[f"BatchNorm_{level}",] = Layer(f"main.{3 * level + 1}")
        last = level == doublings - 1
        found[f"ConvTranspose_{level}",] = Layer(f"main.{3 * level + 3}", TRANSPOSED, spare_bias=last)
    return found


def _discriminator_layers(doublings: int) -> Layers:
    found = {("Conv_0",): Layer("main.0", spare_bias=True)}
    for level in range(1, doublings):
        found[f"Conv_{level}",] = Layer(f"main.{3 * level - 1}")
        found[f"BatchNorm_{level - 1}",] = Layer(f"main.{3 * level}")
    found["Dense_0",] = Layer(f"main.{3 * doublings - 1}", JUDGEMENT, spare_bias=True)
    return found


def _last(file: Weights) -> int:
    return max((int(found[1]) for name in file.tensors if (found := re.match(r"main\.(\d+)\.", name))), default=-1)
