"""The training steps of DCGAN-64 and WGAN-GP-64 of jaxgan beside PyTorch's, in one process, pair by pair.

    python -m tests.benchmarks.step [--system wgan_gp] [--pairs 15] [--json tests/benchmarks/results/dcgan_step_cpu.json]

For each width: both steps in turn, A B A B ..., the median of each and of the ratio PyTorch / jaxgan within a pair. Ratios
hold when the machine's speed drifts; absolute times do not. Needs `pip install -e ".[parity]"`.
"""

import argparse
import datetime
import json
import platform
import statistics
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import torch

from jaxgan import workdir
from jaxgan.benchmark import step_flops
from jaxgan.networks import Convolutional
from jaxgan.systems.dcgan import DCGAN
from jaxgan.systems.wgan_gp import WGANGP
from jaxgan.training import parallel
from jaxgan.training.step import initial_state
from tests.benchmarks.pytorch_dcgan import Step
from tests.benchmarks.pytorch_wgan_gp import WGANGPStep

SIZE, BATCH = 64, 32


def dcgan(width: int) -> tuple:
    """(jaxgan's system, PyTorch's step) of this width."""
    return DCGAN(networks=Convolutional(width=width, kernel=4)), Step(width, SIZE)


def wgan_gp(width: int) -> tuple:
    """The same networks without norm in the critic; five critic moves with the penalty, one of the generator."""
    return WGANGP(networks=Convolutional(width=width, kernel=4, discriminator_norm="none")), WGANGPStep(width, SIZE)


STEPS = {"dcgan": dcgan, "wgan_gp": wgan_gp}


def compare(system, torch_step, width: int, pairs: int) -> dict:
    layout = parallel.Layout.create("jit", BATCH, 1)
    plan = system.plan(0)
    shape = (system.minibatches(plan), BATCH, SIZE, SIZE, 3)
    pictures = np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)
    start = jax.jit(lambda: initial_state(system, 0, {"image": jnp.zeros((2, SIZE, SIZE, 3))}))()
    flops = step_flops(system, plan, start, {}, {"image": pictures})
    state = layout.place(start)

    began = time.perf_counter()
    parallel.compiled_turns(system, plan, plan, layout).lower(
        state, {}, layout.put({"image": pictures}), jnp.int32(0)
    ).compile()
    compile_seconds = time.perf_counter() - began

    def jax_step():
        nonlocal state
        state, metrics = parallel.run_step(system, plan, layout, state, {}, {"image": pictures})
        jax.block_until_ready((state, metrics))

    real = [torch.from_numpy(p.transpose(0, 3, 1, 2).copy()).to(memory_format=torch.channels_last) for p in pictures]
    seconds: dict[str, list[float]] = {"jaxgan": [], "pytorch": []}
    for turn in range(pairs + 2):
        for name, step in (("jaxgan", jax_step), ("pytorch", lambda: torch_step(*real))):
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
    parser.add_argument("--system", choices=list(STEPS), default="dcgan")
    parser.add_argument("--pairs", type=int, default=15)
    parser.add_argument("--widths", type=int, nargs="+", default=[32, 64])
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    rows = []
    for width in arguments.widths:
        rows.append(compare(*STEPS[arguments.system](width), width, arguments.pairs))
        print(
            "width {width}: jaxgan {jaxgan_step_seconds:.3f} s, PyTorch eager channels_last {pytorch_step_seconds:.3f} s, "
            "speed of PyTorch's {ratio:.2f} ({ratio_range[0]:.2f} to {ratio_range[1]:.2f}), "
            "{jaxgan_gflops_per_second:.0f} GFLOP/s, compiled in {jaxgan_compile_seconds:.1f} s".format(**rows[-1]),
            flush=True,
        )
    if arguments.json:
        result = {
            "what": f"training step of {arguments.system}, {SIZE}x{SIZE}, kernel 4, batch {BATCH}, float32",
            "command": f"python -m tests.benchmarks.step --system {arguments.system}",
            "date": datetime.date.today().isoformat(),
            "hardware": f"{jax.devices()[0].device_kind}, {torch.get_num_threads()} threads, {platform.machine()}",
            "versions": {**workdir.versions(), "torch": torch.__version__, "python": platform.python_version()},
            "rows": rows,
        }
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
