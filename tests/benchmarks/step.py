"""Training steps of jaxgan beside PyTorch's, in one process, pair by pair.

    python -m tests.benchmarks.step [--system wgan_gp] [--pairs 15] [--json tests/benchmarks/results/dcgan_step_cpu.json]

Of DCGAN and WGAN-GP at 64x64 in two widths, and of Pix2Pix, CycleGAN, StarGAN and text to image in one. For each width: both
steps in turn, A B A B ..., the median of each and of the ratio PyTorch / jaxgan within a pair. Ratios hold when the machine's
speed drifts; absolute times do not. Needs `pip install -e ".[parity]"`.

Where other work shares the cores, set OMP_WAIT_POLICY=passive: PyTorch's threads otherwise spin while they wait for one that
was not given a core, and a step that takes 0.4 s takes 12. The result says what was set.
"""

import argparse
import datetime
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import torch

from jaxgan import workdir
from jaxgan.benchmark import step_flops
from jaxgan.networks import Convolutional, Patch, Transform, UNet, WordGRU
from jaxgan.systems.cyclegan import CycleGAN
from jaxgan.systems.dcgan import DCGAN
from jaxgan.systems.pix2pix import Pix2Pix
from jaxgan.systems.stargan import StarGAN
from jaxgan.systems.text2image import TextToImage
from jaxgan.systems.wgan_gp import WGANGP
from jaxgan.training import parallel
from jaxgan.training.step import initial_state
from jaxgan.training.system import System
from tests.benchmarks.pytorch_dcgan import Step
from tests.benchmarks.pytorch_text2image import TextToImageStep
from tests.benchmarks.pytorch_translation import CycleGANStep, Pix2PixStep, StarGANStep
from tests.benchmarks.pytorch_wgan_gp import WGANGPStep

LABELS, WORDS, VOCABULARY = 5, 24, 100


class Case(NamedTuple):
    """What is measured.

    Attributes:
        what: the step in words, after the system's name.
        size: of the pictures.
        batch: rows.
        widths: of the networks, by default.
        steps: (jaxgan's system, PyTorch's step) of a width. The latter is called with the step's minibatches: the tensor that
            the system reads, or a tuple of them.
    """

    what: str
    size: int
    batch: int
    widths: tuple[int, ...]
    steps: Callable[[int], tuple[System, Callable[..., float]]]


def dcgan(width: int) -> tuple:
    return DCGAN(networks=Convolutional(width=width, kernel=4)), Step(width, 64)


def wgan_gp(width: int) -> tuple:
    """The same networks without norm in the critic; five critic moves with the penalty, one of the generator."""
    return WGANGP(networks=Convolutional(width=width, kernel=4, discriminator_norm="none")), WGANGPStep(width, 64)


def pix2pix(width: int) -> tuple:
    # PyTorch's code drops features in these three blocks.
    system = Pix2Pix(generator=UNet(width=width, dropout_blocks=(1, 2, 3)), discriminator=Patch(width=width))
    return system, Pix2PixStep(width, 256)


def cyclegan(blocks: int) -> Callable[[int], tuple]:
    def steps(width: int) -> tuple:
        judge = Patch(width=width, norm="instance")
        return CycleGAN(generator=Transform(width=width, blocks=blocks), discriminator=judge), CycleGANStep(
            width, blocks
        )

    return steps


def stargan(width: int) -> tuple:
    return StarGAN(width=width, discriminator_width=width), StarGANStep(width, 64, LABELS)


def text2image(width: int) -> tuple:
    """GAN-INT-CLS, captions read by a GRU that is trained already."""
    reader = WordGRU(vocabulary=VOCABULARY)
    networks = Convolutional(latent="normal", width=width, kernel=4)
    system = TextToImage(encoder=reader, encoder_from="another run", networks=networks)
    return system, TextToImageStep(
        width, 64, VOCABULARY, reader.width, reader.dim, networks.latent_dim, system.projection
    )


CASES = {
    "dcgan": Case("64x64, kernel 4, batch 32, float32", 64, 32, (32, 64), dcgan),
    "wgan_gp": Case("64x64, kernel 4, batch 32, float32", 64, 32, (32, 64), wgan_gp),
    "pix2pix": Case("U-Net, 256x256, batch 1, float32", 256, 1, (32,), pix2pix),
    "cyclegan_64": Case("6 blocks, 64x64, batch 1, float32", 64, 1, (32,), cyclegan(6)),
    "cyclegan_128": Case("9 blocks, 128x128, batch 1, float32", 128, 1, (32,), cyclegan(9)),
    "stargan": Case(f"64x64, batch 8, {LABELS} labels, float32", 64, 8, (32,), stargan),
    "text2image": Case(f"64x64, kernel 4, batch 32, {WORDS} words, float32", 64, 32, (32,), text2image),
}


def minibatches(system: System, case: Case) -> dict[str, np.ndarray]:
    """What one step reads: name to [minibatches, B, ...]."""
    random, count = np.random.default_rng(0), system.minibatches(system.plan(0))
    batch = {}
    for name in system.reads:
        if name == "label":
            batch[name] = random.integers(0, 2, (count, case.batch, LABELS), np.int32)
        elif name.endswith("text"):
            batch[name] = random.integers(1, VOCABULARY + 1, (count, case.batch, WORDS), np.int32)
        else:
            shape = (count, case.batch, case.size, case.size, 3)
            batch[name] = random.uniform(-1, 1, shape).astype(np.float32)
    return batch


def tensors(values: np.ndarray) -> list[torch.Tensor]:
    """One for each minibatch; pictures are channels_last."""
    if values.ndim < 5:
        return list(torch.from_numpy(values).float())
    return [torch.from_numpy(p.transpose(0, 3, 1, 2).copy()).to(memory_format=torch.channels_last) for p in values]


def compare(case: Case, width: int, pairs: int) -> dict:
    system, torch_step = case.steps(width)
    layout = parallel.Layout.create("jit", case.batch, 1)
    # The shapes and type of a row of each.
    rows = {name: jax.ShapeDtypeStruct(v.shape[2:], v.dtype) for name, v in minibatches(system, case).items()}
    system = system.resolve(rows, ())
    plan, batch = system.plan(0), minibatches(system, case)
    zeros = {name: jnp.zeros((2, *row.shape), row.dtype) for name, row in rows.items()}
    start = jax.jit(lambda: initial_state(system, 0, zeros))()
    flops = step_flops(system, plan, start, {}, batch)
    state = layout.place(start)

    began = time.perf_counter()
    parallel.compiled_turns(system, plan, plan, layout).lower(state, {}, layout.put(batch), jnp.int32(0)).compile()
    compile_seconds = time.perf_counter() - began

    def jax_step():
        nonlocal state
        state, metrics = parallel.run_step(system, plan, layout, state, {}, batch)
        jax.block_until_ready((state, metrics))

    read = list(zip(*(tensors(values) for values in batch.values()), strict=True))
    shown = [minibatch if len(minibatch) > 1 else minibatch[0] for minibatch in read]
    seconds: dict[str, list[float]] = {"jaxgan": [], "pytorch": []}
    for turn in range(pairs + 2):
        for name, step in (("jaxgan", jax_step), ("pytorch", lambda: torch_step(*shown))):
            began = time.perf_counter()
            step()
            if turn >= 2:  # two to warm up
                seconds[name].append(time.perf_counter() - began)
    ratios = [p / j for j, p in zip(seconds["jaxgan"], seconds["pytorch"], strict=True)]
    return {
        "width": width,
        "flops_per_step": flops,
        "jaxgan_step_seconds": statistics.median(seconds["jaxgan"]),
        "pytorch_step_seconds": statistics.median(seconds["pytorch"]),
        "ratio": statistics.median(ratios),
        "ratio_range": [min(ratios), max(ratios)],
        "jaxgan_compile_seconds": compile_seconds,
        "jaxgan_gflops_per_second": flops / statistics.median(seconds["jaxgan"]) / 1e9,
        "pairs": pairs,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--system", choices=list(CASES), default="dcgan")
    parser.add_argument("--pairs", type=int, default=15)
    parser.add_argument("--widths", type=int, nargs="+", help="of the networks (default: as in the results)")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    case, rows = CASES[arguments.system], []
    for width in arguments.widths or case.widths:
        rows.append(compare(case, width, arguments.pairs))
        print(
            "width {width}: jaxgan {jaxgan_step_seconds:.3f} s, PyTorch eager channels_last {pytorch_step_seconds:.3f} s, "
            "speed of PyTorch's {ratio:.2f} ({ratio_range[0]:.2f} to {ratio_range[1]:.2f}), "
            "{jaxgan_gflops_per_second:.0f} GFLOP/s, compiled in {jaxgan_compile_seconds:.1f} s".format(**rows[-1]),
            flush=True,
        )
    if arguments.json:
        result = {
            "what": f"training step of {arguments.system}, {case.what}",
            "command": f"python -m tests.benchmarks.step --system {arguments.system}",
            "date": datetime.date.today().isoformat(),
            "omp_wait_policy": os.environ.get("OMP_WAIT_POLICY", "default"),
            "hardware": f"{jax.devices()[0].device_kind}, {torch.get_num_threads()} threads, {platform.machine()}",
            "versions": {**workdir.versions(), "torch": torch.__version__, "python": platform.python_version()},
            "rows": rows,
        }
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
