"""The formats of other people's files, by name; and what each tells about the files that it is given."""

import importlib
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Literal

from jaxgan.errors import UserError

if TYPE_CHECKING:  # the help of a command needs the names alone
    from jaxgan.training.system import System
    from jaxgan.weights.file import Contents, Weights

Format = Literal[
    "biggan-huggingface",
    "biggan-pytorch",
    "edsr",
    "esrgan",
    "idealo",
    "pytorch-cyclegan-and-pix2pix",
    "pytorch-dcgan",
    "r3gan",
    "stargan",
    "stylegan2-nvidia",
    "stylegan2-pytorch",
]

MODULES = {
    "biggan-huggingface": "biggan_huggingface",
    "biggan-pytorch": "biggan",
    "edsr": "edsr",
    "esrgan": "esrgan",
    "idealo": "idealo",
    "pytorch-cyclegan-and-pix2pix": "translators",
    "pytorch-dcgan": "dcgan",
    "r3gan": "r3gan",
    "stargan": "stargan",
    "stylegan2-nvidia": "stylegan2_nvidia",
    "stylegan2-pytorch": "stylegan2_pytorch",
}
"""Each has three functions. `networks_in(contents) -> list[Weights]` finds the networks in a file; `recognise(files, direction)
-> Recognised` reads an architecture off the names and shapes of their tensors; `layers(system, shape, network) -> Layers` names
the tensors of a network, or says which field of the system that code does not have."""

ALONE: tuple[Format, ...] = ("esrgan", "edsr", "idealo")
"""Those whose networks are known by the names of their tensors: `knows(weights)`."""


@dataclass(frozen=True)
class Recognised:
    """What files hold.

    Attributes:
        system: with the architecture that the tensors show.
        files: by the network of the system that each is.
        size: the side of the pictures that it was, most likely, trained on.
        channels: of the pictures.
        multiple: what other sides must be multiples of; None where there are no others.
        labels: how many attributes pictures have; 0 where the system reads no attributes.
        classes: how many classes there are, one of which each picture is of; 0 where the system reads none.
        left_out: which network of the files was not taken, and why.
        scale: how many times larger than what it is made of a picture is.
    """

    system: "System"
    files: "dict[str, Weights]"
    size: int
    channels: int
    multiple: int | None = None
    labels: int = 0
    classes: int = 0
    left_out: str = ""
    scale: int = 1


def module_of(name: Format) -> ModuleType:
    """The module of a format."""
    return importlib.import_module(f"jaxgan.weights.{MODULES[name]}")


def found_out(contents: "Contents") -> Format:
    """The format of a file whose tensors' names tell it. Raises: UserError: they do not."""
    from jaxgan.weights.esrgan import network_in

    network = network_in(contents)
    for name in ALONE:
        if module_of(name).knows(network):
            return name
    raise UserError(f"{contents.path}: its tensors do not tell whose they are: give --format, {', '.join(MODULES)}")
