"""Training steps of jaxgan beside PyTorch's, in one process, pair by pair.

    python -m tests.benchmarks.step --system dcgan wgan_gp --results tests/benchmarks/results
    python -m tests.benchmarks.step --system all --compile --results tests/benchmarks/results    # prints the table of README.md

DCGAN stands there twice: beside a twin with its own passes, and, with latents that both players share, beside the passes of
PyTorch's own example. Of DCGAN and WGAN-GP in two widths, and of Pix2Pix, CycleGAN, StarGAN and text to image in one; on the
CPU, or the GPU that JAX finds. For each width: the steps in turn, A B A B ..., the median of each and of the ratio PyTorch /
jaxgan within a turn. Ratios hold when the machine's speed drifts; absolute times do not. With --compile PyTorch's step stands
there twice, once with its networks compiled (`torch.nn.Module.compile`), where it can be. Peak memory is by how much the
largest resident set of a process of its own, which makes three steps, exceeds that after its imports; jaxgan's has compiled,
too, and beside it stands what the compiled program itself uses. Needs `pip install -e ".[parity]"`.

On a GPU a turn is a window of as many steps as take a quarter of a second, waited for at its end; float32 is TF32 on either
side; jaxgan's peak is what its program allocates, PyTorch's what its allocator gave at most. --warm only compiles PyTorch's
networks into its cache on disk: many such processes may run side by side, where minutes on the GPU are dear.

Where other work shares the cores, set OMP_WAIT_POLICY=passive: PyTorch's threads otherwise spin while they wait for one that
was not given a core, and a step that takes 0.4 s takes 12. The result says what was set.
"""

import argparse
import contextlib
import dataclasses
import datetime
import itertools
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import torch
from torch.nn import functional

from jaxgan import workdir
from jaxgan.data import Spec
from jaxgan.networks import R3, Big, Convolutional, Patch, Transform, UNet, WordGRU
from jaxgan.networks.rrdb import RRDB, Compact, Halving
from jaxgan.systems.biggan import BigGAN
from jaxgan.systems.cyclegan import CycleGAN
from jaxgan.systems.dcgan import DCGAN
from jaxgan.systems.edsr import EDSR
from jaxgan.systems.esrgan import ESRGAN
from jaxgan.systems.pix2pix import Pix2Pix
from jaxgan.systems.r3gan import R3GAN
from jaxgan.systems.srgan import SRGAN
from jaxgan.systems.stargan import StarGAN
from jaxgan.systems.stylegan2 import StyleGAN2
from jaxgan.systems.text2image import TextToImage
from jaxgan.systems.wgan_gp import WGANGP
from jaxgan.training import parallel
from jaxgan.training.benchmark import program_bytes, step_flops
from jaxgan.training.enlarging import Enlarging
from jaxgan.training.step import fresh_state
from jaxgan.training.system import System
from tests.benchmarks import pytorch_upscaling
from tests.benchmarks.pytorch_biggan import BigGANStep
from tests.benchmarks.pytorch_dcgan import ExampleStep, Step
from tests.benchmarks.pytorch_r3gan import R3GANStep
from tests.benchmarks.pytorch_stylegan2 import StyleGAN2Step
from tests.benchmarks.pytorch_text2image import TextToImageStep
from tests.benchmarks.pytorch_translation import CycleGANStep, Pix2PixStep, StarGANStep
from tests.benchmarks.pytorch_upscaling import DistanceStep
from tests.benchmarks.pytorch_wgan_gp import WGANGPStep

LABELS, CLASSES, WORDS, VOCABULARY = 5, 26, 24, 100


class Case(NamedTuple):
    """What is measured.

    Attributes:
        what: the step in words, after the system's name.
        size: of the pictures.
        batch: rows.
        widths: of the networks, by default.
        steps: (jaxgan's system, PyTorch's step) of a width and a size. The latter is called with the step's minibatches: the
            tensor that the system reads, or a tuple of them.
    """

    what: str
    size: int
    batch: int
    widths: tuple[int, ...]
    steps: Callable[[int, int], tuple[System, Callable[..., torch.Tensor]]]


def dcgan(width: int, size: int) -> tuple:
    return DCGAN(networks=Convolutional(width=width, kernel=4)), Step(width, size)


def dcgan_example(width: int, size: int) -> tuple:
    """Fakes once a step for both players, as in PyTorch's own example."""
    return DCGAN(networks=Convolutional(width=width, kernel=4), shared_latents=True), ExampleStep(width, size)


def wgan_gp(width: int, size: int) -> tuple:
    """The same networks without norm in the critic; five critic moves with the penalty, one of the generator."""
    return WGANGP(networks=Convolutional(width=width, kernel=4, discriminator_norm="none")), WGANGPStep(width, size)


def pix2pix(width: int, size: int) -> tuple:
    # PyTorch's code drops features in these three blocks.
    system = Pix2Pix(generator=UNet(width=width, dropout_blocks=(1, 2, 3)), discriminator=Patch(width=width))
    return system, Pix2PixStep(width, size)


def cyclegan(blocks: int) -> Callable[[int, int], tuple]:
    def steps(width: int, size: int) -> tuple:
        judge = Patch(width=width, norm="instance")
        return CycleGAN(generator=Transform(width=width, blocks=blocks), discriminator=judge), CycleGANStep(
            width, blocks
        )

    return steps


def stargan(width: int, size: int) -> tuple:
    return StarGAN(width=width, discriminator_width=width), StarGANStep(width, size, LABELS)


def text2image(width: int, size: int) -> tuple:
    """GAN-INT-CLS, captions read by a GRU that is trained already."""
    reader = WordGRU(vocabulary=VOCABULARY)
    networks = Convolutional(latent="normal", width=width, kernel=4)
    system = TextToImage(encoder=reader, encoder_from="another run", networks=networks)
    return system, TextToImageStep(
        width, size, VOCABULARY, reader.width, reader.dim, networks.latent_dim, system.projection
    )


def stylegan2(lazy: bool) -> Callable[[int, int], tuple]:
    """A width of 128 is a quarter of the paper's. Without the lazy penalties, which few steps have, or with both."""

    def steps(width: int, size: int) -> tuple:
        sizes = {
            "latent_dim": width,
            "style_dim": width,
            "mapping_layers": 2,
            "width": width,
            "channel_base": 64 * width,
        }
        penalties = {} if lazy else {"r1": 0.0, "path_length": 0.0}
        return StyleGAN2(**sizes, **penalties), StyleGAN2Step(size, 64 * width, width, 2, lazy)

    return steps


def r3gan(width: int, size: int) -> tuple:
    """One block at each side; a width of 128 is a sixth of the paper's."""
    base = 8 * width
    return R3GAN(R3(width=width, channel_base=base, blocks=1)), R3GANStep(size, width, base, 1)


def biggan(width: int, size: int) -> tuple:
    """Two moves of the discriminator; a width of 16 is a sixth of the paper's."""
    networks = Big(latent_dim=64, width=width, shared=64, attention=None)
    return BigGAN(networks, classes=CLASSES), BigGANStep(size, width, 64, 64, CLASSES)


def edsr(width: int, size: int) -> tuple:
    """Eight blocks, four times as large."""
    step = DistanceStep(lambda: pytorch_upscaling.Enlarging(width, 8), functional.l1_loss, 1e-4)
    return EDSR(scale=4, width=width, blocks=8), step


def srresnet(width: int, size: int) -> tuple:
    """The first stage of SRGAN; five blocks."""
    step = DistanceStep(lambda: pytorch_upscaling.SRResNet(width, 5), functional.mse_loss, 1e-4)
    return SRGAN(scale=4, width=width, blocks=5, discriminator_width=4, pretraining=1), step


def rrdb(width: int, size: int) -> tuple:
    """The first stage of ESRGAN; three blocks."""
    step = DistanceStep(lambda: pytorch_upscaling.RRDB(width, width // 2, 3), functional.l1_loss, 2e-4)
    network = RRDB(width=width, growth=width // 2, blocks=3)
    return ESRGAN(scale=4, network=network, judge_network=Halving(4), pretraining=1), step


def compact(width: int, size: int) -> tuple:
    """The first stage of ESRGAN; eight layers."""
    step = DistanceStep(lambda: pytorch_upscaling.Compact(width, 8), functional.l1_loss, 2e-4)
    network = Compact(width=width, layers=8)
    return ESRGAN(scale=4, network=network, judge_network=Halving(4), pretraining=1), step


CASES = {
    "biggan": Case("two discriminator moves", 32, 32, (16,), biggan),
    "dcgan": Case("kernel 4", 64, 32, (32, 64), dcgan),
    "dcgan_example": Case("kernel 4, fakes once a step", 64, 32, (32, 64), dcgan_example),
    "wgan_gp": Case("kernel 4, five critic moves", 64, 32, (32, 64), wgan_gp),
    "edsr": Case("8 blocks, four times as large", 96, 16, (32,), edsr),
    "srresnet": Case("5 blocks, four times as large", 96, 16, (32,), srresnet),
    "rrdb": Case("3 blocks, four times as large", 96, 16, (32,), rrdb),
    "compact": Case("8 layers, four times as large", 96, 16, (32,), compact),
    "pix2pix": Case("U-Net", 256, 1, (32,), pix2pix),
    "cyclegan_64": Case("6 blocks", 64, 1, (32,), cyclegan(6)),
    "cyclegan_128": Case("9 blocks", 128, 1, (32,), cyclegan(9)),
    "stargan": Case(f"{LABELS} labels, five critic moves", 64, 8, (32,), stargan),
    "r3gan": Case("R1 and R2", 32, 16, (128,), r3gan),
    "stylegan2": Case("without lazy penalties", 64, 16, (128,), stylegan2(False)),
    "stylegan2_lazy": Case("with R1 and path length", 64, 16, (128,), stylegan2(True)),
    "text2image": Case(f"kernel 4, {WORDS} words", 64, 32, (32,), text2image),
}


def described(case: Case) -> str:
    return f"{case.size}x{case.size}, batch {case.batch}, {case.what}"


def minibatches(system: System, case: Case) -> dict[str, np.ndarray]:
    """What one step reads: name to [minibatches, B, ...]."""
    random, count = np.random.default_rng(0), system.minibatches(system.plan(0))
    batch = {}
    for name in system.reads:
        if name == "label" and isinstance(system, StarGAN):
            batch[name] = random.integers(0, 2, (count, case.batch, LABELS), np.int32)
        elif name == "label":
            batch[name] = random.integers(0, CLASSES, (count, case.batch), np.int32)
        elif name.endswith("text"):
            batch[name] = random.integers(1, VOCABULARY + 1, (count, case.batch, WORDS), np.int32)
        else:
            side = case.size // system.scale if name == "input" and isinstance(system, EDSR | Enlarging) else case.size
            shape = (count, case.batch, side, side, 3)
            batch[name] = random.uniform(-1, 1, shape).astype(np.float32)
    return batch


def torch_device() -> str:
    """PyTorch's name of what JAX runs on."""
    return {"gpu": "cuda"}.get(jax.default_backend(), "cpu")


def tensors(values: np.ndarray) -> list[torch.Tensor]:
    """One for each minibatch; pictures are channels_last."""
    if values.ndim < 5:
        read = torch.from_numpy(values).to(torch_device())
        return list(read.long() if values.ndim == 2 else read.float())  # classes; attributes
    made = [torch.from_numpy(p.transpose(0, 3, 1, 2).copy()).to(torch_device()) for p in values]
    return [pictures.to(memory_format=torch.channels_last) for pictures in made]


class JaxStep:
    """jaxgan's step of a case, and what compiling it took."""

    def __init__(self, case: Case, system: System):
        self.layout = parallel.Layout.create("jit", case.batch, 1)
        # The shapes and type of a row of each.
        rows = {name: jax.ShapeDtypeStruct(v.shape[2:], v.dtype) for name, v in minibatches(system, case).items()}
        self.system = system.resolve(Spec(rows))
        self.plan, self.batch = self.system.plan(0), minibatches(self.system, case)
        zeros = lambda: {name: jnp.zeros((2, *row.shape), row.dtype) for name, row in rows.items()}  # noqa: E731
        start = fresh_state(self.system, 0, zeros)
        self.flops = step_flops(self.system, self.plan, start, {}, self.batch)
        self.state = self.layout.place(start)
        self.batch, first = self.layout.put(self.batch), jnp.int32(0)  # on the device, as PyTorch's are
        began = time.perf_counter()
        function = parallel.compiled_turns(self.system, self.plan, self.plan, self.layout)
        self.compiled = function.lower(self.state, {}, self.batch, first).compile()
        self.compile_seconds, self.bytes = time.perf_counter() - began, program_bytes(self.compiled)
        self.first = self.layout.replicate(first)

    def __call__(self) -> jax.Array:
        self.state, metrics = self.compiled(self.state, {}, self.batch, self.first)
        return jax.tree.leaves(metrics)[0]


def torch_step(case: Case, width: int, precision: str, compiled: bool = False) -> Callable[[], torch.Tensor]:
    """PyTorch's step on the minibatches of the case."""
    # On a GPU as fast as PyTorch goes: TF32 for float32, as XLA has it, and the best of cuDNN's algorithms.
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = torch.backends.cudnn.benchmark = True
    with torch.device(torch_device()):
        system, step = case.steps(width, case.size)
    if compiled:
        for network in vars(step).values():
            if isinstance(network, torch.nn.Module):
                network.compile()
    read = list(zip(*(tensors(values) for values in minibatches(system, case).values()), strict=True))
    shown = [minibatch if len(minibatch) > 1 else minibatch[0] for minibatch in read]
    narrow = torch.autocast(torch_device(), torch.bfloat16, enabled=precision == "bfloat16")

    def run() -> torch.Tensor:
        with torch.device(torch_device()), narrow:
            return step(*shown)

    return run


def jax_step(case: Case, width: int, precision: str) -> JaxStep:
    return JaxStep(case, dataclasses.replace(case.steps(width, case.size)[0], precision=precision))


def window(step: Callable, count: int) -> float:
    """Seconds of so many steps, one after the other; the number that the last one gives is waited for."""
    began = time.perf_counter()
    for _ in range(count):
        last = step()
    float(last)
    return time.perf_counter() - began


def compare(name: str, case: Case, width: int, turns: int, precision: str, compile_: bool) -> dict:
    ours = jax_step(case, width, precision)
    steps = {"jaxgan": ours, "pytorch": torch_step(case, width, precision)}
    on_gpu = torch_device() != "cpu"
    if on_gpu:  # before there is a second, compiled one
        torch.cuda.reset_peak_memory_stats()
        window(steps["pytorch"], 3)
        peaks = {"jaxgan_peak_bytes": ours.bytes, "pytorch_peak_bytes": torch.cuda.max_memory_allocated()}
    row: dict = {"width": width, "batch": case.batch, "size": case.size, "precision": precision}
    row["flops_per_step"] = ours.flops
    if compile_:
        step = torch_step(case, width, precision, compiled=True)
        try:
            row["pytorch_compile_seconds"] = window(step, 1)
            steps["pytorch_compiled"] = step
        except Exception as error:  # of many kinds: what it cannot trace, a second derivative, a missing compiler
            row["pytorch_compiled_failed"] = str(error).strip().splitlines()[0][:200]
    for step in steps.values():  # two to warm up
        window(step, 2)
    counts = {kind: max(1, round(0.25 / (window(step, 3) / 3))) if on_gpu else 1 for kind, step in steps.items()}
    seconds: dict[str, list[float]] = {kind: [] for kind in steps}
    for _ in range(turns):
        for kind, step in steps.items():
            seconds[kind].append(window(step, counts[kind]) / counts[kind])
    for kind, times in seconds.items():
        row[f"{kind}_step_seconds"] = statistics.median(times)
        row[f"{kind}_images_per_second"] = case.batch / statistics.median(times)
        if kind != "jaxgan":
            ratios = [theirs / mine for mine, theirs in zip(seconds["jaxgan"], times, strict=True)]
            suffix = kind.removeprefix("pytorch")
            row |= {f"ratio{suffix}": statistics.median(ratios), f"ratio{suffix}_range": [min(ratios), max(ratios)]}
    if on_gpu:
        row |= peaks
    else:
        for kind in ("jaxgan", "pytorch"):
            row[f"{kind}_peak_bytes"] = peak_bytes(name, case, width, precision, kind)
    return {
        **row,
        "jaxgan_program_bytes": ours.bytes,
        "jaxgan_compile_seconds": ours.compile_seconds,
        "jaxgan_gflops_per_second": ours.flops / row["jaxgan_step_seconds"] / 1e9,
        "turns": turns,
    }


def peak_bytes(name: str, case: Case, width: int, precision: str, kind: str) -> int:
    """In a process of its own."""
    options = {
        "system": name,
        "widths": width,
        "size": case.size,
        "batch": case.batch,
        "precision": precision,
        "memory": kind,
    }
    words = [word for option, value in options.items() for word in (f"--{option}", str(value))]
    command = [sys.executable, "-m", "tests.benchmarks.step", *words]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[-1])


def memory(case: Case, width: int, precision: str, kind: str) -> int:
    """By how much three steps raise the largest resident set of this process at most, in bytes, on Linux."""
    before = largest_resident_set()
    window((jax_step if kind == "jaxgan" else torch_step)(case, width, precision), 3)
    return largest_resident_set() - before


def largest_resident_set() -> int:
    """Of this process so far, in bytes. `getrusage` would count the one that started it, too."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def table(results: dict[str, dict]) -> str:
    """For README.md."""
    lines = [
        "| step | GFLOP | images/s: jaxgan | PyTorch | PyTorch compiled | speed of PyTorch's (range) | of the compiled | "
        "peak: jaxgan (its program) | PyTorch | compiled in |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for result in results.values():
        for row in result["rows"]:
            other = [f"{row[k]:,.1f}" if k in row else "-" for k in ("pytorch_compiled_images_per_second",)]
            ratio = [f"{row['ratio_compiled']:.2f}"] if "ratio_compiled" in row else ["-"]
            cells = [
                f"{result['what'].removeprefix('training step of ')}, width {row['width']}, {row['precision']}",
                f"{row['flops_per_step'] / 1e9:,.1f}",
                f"{row['jaxgan_images_per_second']:,.1f}",
                f"{row['pytorch_images_per_second']:,.1f}",
                *other,
                "{:.2f} ({:.2f} to {:.2f})".format(row["ratio"], *row["ratio_range"]),
                *ratio,
                "{:,.0f} MiB ({:,.0f})".format(*(row[f"jaxgan_{k}_bytes"] / 2**20 for k in ("peak", "program"))),
                f"{row['pytorch_peak_bytes'] / 2**20:,.0f} MiB",
                f"{row['jaxgan_compile_seconds']:.1f} s",
            ]
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--system", choices=[*CASES, "all"], default=["dcgan"], nargs="+")
    parser.add_argument("--pairs", type=int, default=9, help="turns that are measured")
    parser.add_argument("--widths", type=int, nargs="+", help="of the networks (default: as in the results)")
    parser.add_argument("--size", type=int, help="of the pictures (default: as in the results)")
    parser.add_argument("--batch", type=int, help="rows (default: as in the results)")
    parser.add_argument("--precision", choices=["float32", "bfloat16"], default=["float32"], nargs="+")
    parser.add_argument("--compile", action="store_true", help="also beside PyTorch's compiled networks")
    parser.add_argument("--results", type=Path, help="a folder for SYSTEM_step_cpu.json, or _gpu")
    parser.add_argument("--memory", choices=["jaxgan", "pytorch"], help="only print the bytes that one side needs")
    parser.add_argument("--warm", action="store_true", help="only compile PyTorch's networks into its cache")
    arguments = parser.parse_args()
    names = list(CASES) if "all" in arguments.system else arguments.system
    cases = {name: CASES[name] for name in names}
    for field in ("size", "batch"):
        if value := getattr(arguments, field):
            cases = {name: case._replace(**{field: value}) for name, case in cases.items()}
    if arguments.memory:
        print(memory(cases[names[0]], arguments.widths[0], arguments.precision[0], arguments.memory))
        return
    if arguments.warm:
        for case in cases.values():
            for width in arguments.widths or case.widths:
                for precision in arguments.precision:
                    with contextlib.suppress(Exception):  # of many kinds; the measurement says which
                        torch_step(case, width, precision, compiled=True)()
        return
    results = {}
    device = jax.devices()[0].device_kind
    for name, case in cases.items():
        rows = []
        for width, precision in itertools.product(arguments.widths or case.widths, arguments.precision):
            rows.append(compare(name, case, width, arguments.pairs, precision, arguments.compile))
            print(name, json.dumps(rows[-1]), flush=True)
        results[name] = {
            "what": f"training step of {name}, {described(case)}",
            "command": f"python -m tests.benchmarks.step {' '.join(sys.argv[1:])}",
            "date": datetime.date.today().isoformat(),
            "omp_wait_policy": os.environ.get("OMP_WAIT_POLICY", "default"),
            "hardware": f"{device}, {torch.get_num_threads()} threads, {platform.machine()}",
            "versions": {**workdir.versions(), "torch": torch.__version__, "python": platform.python_version()},
            "rows": rows,
        }
        if arguments.results:
            arguments.results.mkdir(parents=True, exist_ok=True)
            kind = "cpu" if torch_device() == "cpu" else "gpu"
            (arguments.results / f"{name}_step_{kind}.json").write_text(json.dumps(results[name], indent=2) + "\n")
    print(table(results))


if __name__ == "__main__":
    main()
