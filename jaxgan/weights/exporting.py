"""From a run to a file that other people's code reads."""

from pathlib import Path

import numpy as np

from jaxgan.cache import expanded, write_for
from jaxgan.errors import UserError, missing_extra
from jaxgan.networks import R3, Big, Convolutional
from jaxgan.networks.rdn import RDN, RRDN
from jaxgan.run import Run
from jaxgan.systems.cyclegan import CycleGAN
from jaxgan.systems.edsr import EDSR
from jaxgan.systems.esrgan import ESRGAN
from jaxgan.systems.pix2pix import Pix2Pix
from jaxgan.systems.stargan import StarGAN
from jaxgan.systems.stylegan2 import StyleGAN2
from jaxgan.training.system import System
from jaxgan.training.two_players import TwoPlayers
from jaxgan.weights import torch_files
from jaxgan.weights.formats import Format, module_of
from jaxgan.weights.layers import write_network


def format_of(system: System) -> Format:
    """Whose code has the networks of a system as `.safetensors`. Raises: UserError: none that is known."""
    if isinstance(system, Pix2Pix | CycleGAN):
        return "pytorch-cyclegan-and-pix2pix"
    if isinstance(system, StarGAN):
        return "stargan"
    if isinstance(system, ESRGAN):
        return "idealo" if isinstance(system.network, RRDN | RDN) else "esrgan"
    if isinstance(system, EDSR):
        return "edsr"
    if isinstance(system, StyleGAN2):
        raise UserError(
            "StyleGAN2's weights leave in a file of their own: give --format stylegan2-pytorch and --out NAME.pt"
        )
    if isinstance(system, TwoPlayers) and isinstance(system.networks, Convolutional):
        return "pytorch-dcgan"
    if isinstance(system, TwoPlayers) and isinstance(system.networks, R3):
        return "r3gan"
    if isinstance(system, TwoPlayers) and isinstance(system.networks, Big):
        return "biggan-pytorch"
    raise UserError(f"{type(system).__name__}'s networks are in no other code that jaxgan writes files for")


def export_weights(run: Run, out: str | Path, network: str = "G") -> tuple[Format, tuple[str, ...]]:
    """Write a network of a run as `.safetensors`, under the names of the PyTorch code that `format_of` tells.

    `load_file` of safetensors.torch gives the state dict, and `import_weights` reads it back, to the bit.

    Args:
        run: a trained run.
        out: the file, which ends in .safetensors.
        network: which of the run's networks.

    Returns:
        The format; and the names of biases that layers have here and not in that code, where they are not 0: load the file
        into a model with a bias there.

    Raises:
        UserError: that code cannot have such a network, and which field it is; or the file cannot be written.
    """
    out = expanded(out)
    if out.suffix.lower() != ".safetensors":
        raise UserError(f"--out {out}: it must end in .safetensors")
    try:
        from safetensors.numpy import save
    except ImportError:
        raise missing_extra("safetensors", "metrics", f"writing {out}") from None
    name = format_of(run.system)
    tensors, spare = _tensors(run, name, network)
    write_for(out, save(tensors, {"format": "pt"}))
    return name, tuple(spare)


def export_checkpoint(run: Run, out: str | Path, network: str = "G") -> tuple[str, ...]:
    """Write a StyleGAN2 as the `.pt` of rosinality's stylegan2-pytorch, which `import_weights` reads back, to the bit.

    Args:
        run: a trained run.
        out: the file, which ends in .pt.
        network: "G", as "g_ema" and "latent_avg"; "D", as "d"; or "all" for both.

    Returns:
        The networks in it.

    Raises:
        UserError: that code cannot have such a network, and which field it is; or the file cannot be written.
    """
    from jaxgan.weights.stylegan2_pytorch import checkpoint

    out = expanded(out)
    if not isinstance(run.system, StyleGAN2):
        raise UserError(
            f"--format stylegan2-pytorch is for StyleGAN2, and {run.workdir} holds {type(run.system).__name__}"
        )
    if out.suffix.lower() != ".pt":
        raise UserError(f"--out {out}: it must end in .pt")
    names = ("G", "D") if network == "all" else (network,)
    tensors = {name: _tensors(run, "stylegan2-pytorch", name)[0] for name in names}
    write_for(out, torch_files.write(checkpoint(tensors)))
    return names


def _tensors(run: Run, format: Format, network: str) -> tuple[dict[str, np.ndarray], list[str]]:
    """As `write_network`."""
    variables = run.variables()
    if network not in variables:
        raise UserError(f"there is no network {network}: {run.workdir} has {', '.join(variables)}")
    layers = module_of(format).layers(run.system, run.record.shapes["image"].shape, network)
    return write_network(variables[network], layers)
