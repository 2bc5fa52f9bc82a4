"""`jaxgan export`: the weights of a run for other people's code, or its generator as a program."""

import dataclasses
from pathlib import Path
from typing import Literal

from jaxgan.commands.of_run import OfRun
from jaxgan.commands.parsing import parse
from jaxgan.errors import UserError


@dataclasses.dataclass(frozen=True)
class Export(OfRun):
    """Write the weights of a network under the names of well-known PyTorch code; or the generator as a program.

    A file of weights is one network, as `jaxgan import-weights` reads it. Pix2Pix's and CycleGAN's are those of
    pytorch-CycleGAN-and-pix2pix, DCGAN's those of PyTorch's example, StarGAN's those of its own code; StyleGAN2's are a
    file of rosinality's stylegan2-pytorch (--format stylegan2-pytorch). A program (--format stablehlo) has its weights
    inside and needs nothing but JAX; an ONNX model (--format onnx) not even that.
    """

    out: Path
    """The file to write."""
    format: Literal["safetensors", "stylegan2-pytorch", "stablehlo", "onnx"] = "safetensors"
    """Of the file: safetensors for weights, or stylegan2-pytorch for the .pt of that code; stablehlo (`jax.export`) or onnx for
    the generator as a program."""
    network: str = "G"
    """Of weights, which network: G; D; of CycleGAN G, F, D_X or D_Y (there called G_A, G_B, D_B and D_A). Or all: the whole
    run in one file, for `jaxgan import-weights --format jaxgan` on another machine; for stylegan2-pytorch, G and D."""
    dtype: Literal["float16", "float32"] | None = None
    """Of the weights in a file with all networks: float16 halves the file; float32 by default."""
    direction: str = "ab"
    """Of a program that turns pictures into pictures, which way: ab or ba."""


def run(argv: list[str]) -> int:
    """Write the weights of a network for other people's code."""
    arguments = parse(Export, "jaxgan export", argv)
    from jaxgan.weights import export_weights, pack

    if arguments.dtype is not None and (arguments.format, arguments.network) != ("safetensors", "all"):
        raise UserError(
            f"--dtype {arguments.dtype} is for a file with all networks: give --network all, or leave it out"
        )
    trained = arguments.open()
    if arguments.format == "stylegan2-pytorch":
        from jaxgan.weights.exporting import export_checkpoint

        names = export_checkpoint(trained, arguments.out, arguments.network)
        print(
            f"{', '.join(names)} of step {trained.step} in {arguments.out}, as rosinality's stylegan2-pytorch saves them"
        )
        return 0
    if arguments.format != "safetensors":
        from jaxgan.weights.onnx import export_onnx
        from jaxgan.weights.program import export_program

        export = export_onnx if arguments.format == "onnx" else export_program
        given, made = export(trained, arguments.out, arguments.direction)
        print(f"step {trained.step} in {arguments.out}: {', '.join(map(' '.join, given.items()))} -> {made}")
        return 0
    if arguments.network == "all":
        pack(trained, arguments.out, arguments.dtype or "float32")
        print(
            f"step {trained.step} in {arguments.out}, for jaxgan import-weights {arguments.out} --format jaxgan --out DIR"
        )
        return 0
    format, spare = export_weights(trained, arguments.out, arguments.network)
    print(f"{arguments.network} of step {trained.step} in {arguments.out}, with the names of {format}")
    if spare:
        print(f"{', '.join(spare)}: that code has no bias there; load the file into a model that has")
    return 0
