"""From a run to a file that other people's code reads."""

from pathlib import Path

from jaxgan.cache import expanded, write_for
from jaxgan.errors import UserError, missing_extra
from jaxgan.networks import Convolutional
from jaxgan.run import Run
from jaxgan.systems.cyclegan import CycleGAN
from jaxgan.systems.pix2pix import Pix2Pix
from jaxgan.systems.stargan import StarGAN
from jaxgan.training.system import System
from jaxgan.training.two_players import TwoPlayers
from jaxgan.weights.formats import Format, module_of
from jaxgan.weights.layers import write_network


def format_of(system: System) -> Format:
    """Whose code has the networks of a system. Raises: UserError: none that is known."""
    if isinstance(system, Pix2Pix | CycleGAN):
        return "pytorch-cyclegan-and-pix2pix"
    if isinstance(system, StarGAN):
        return "stargan"
    if isinstance(system, TwoPlayers) and isinstance(system.networks, Convolutional):
        return "pytorch-dcgan"
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
    variables = run.variables()
    if network not in variables:
        raise UserError(f"there is no network {network}: {run.workdir} has {', '.join(variables)}")
    layers = module_of(name).layers(run.system, run.record.shapes["image"].shape, network)
    tensors, spare = write_network(variables[network], layers)
    write_for(out, save(tensors, {"format": "pt"}))
    return name, tuple(spare)
