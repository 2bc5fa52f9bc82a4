"""F, X and W over three axes: the forms that jaxgan takes on CPU beside the plain ones, in GFLOP/s.

    python -m tests.benchmarks.volumes --results tests/benchmarks/results    # two minutes on two cores

F is the convolution, X its gradient by the input (a transposed convolution), W that by the kernel (`jaxgan.nn.lowering`). Plain
forms that take more than a second are timed once.
"""

import argparse
import datetime
import json
import math
import statistics
import time
from functools import partial
from pathlib import Path

import jax
import numpy as np

from jaxgan import workdir
from jaxgan.nn import cpu, volumes
from jaxgan.nn.cpu import Geometry

CUBE = ((4, 4, 4), (2, 2, 2), ((1, 1),) * 3)
CLIP = ((4, 4, 4), (1, 2, 2), ((0, 0), (1, 1), (1, 1)))
SAME = ((3, 3, 3), (1, 1, 1), ((1, 1),) * 3)
# (batch, size, features before and behind, (window, stride, padding))
CASES = {
    "16^3 to 8^3, 32 to 64, k4 s2": (8, (16, 16, 16), 32, 64, CUBE),
    "32^3 to 16^3, 1 to 32, k4 s2": (8, (32, 32, 32), 1, 32, CUBE),
    "8^3 to 4^3, 64 to 128, k4 s2": (8, (8, 8, 8), 64, 128, CUBE),
    "13x32x32, 32 to 64, k4 s(1,2,2)": (4, (13, 32, 32), 32, 64, CLIP),
    "16x32x32, 16 to 16, k3": (4, (16, 32, 32), 16, 16, SAME),
}


def seconds(function, *operands) -> float:
    compiled = jax.jit(function).lower(*operands).compile()
    began = time.perf_counter()
    jax.block_until_ready(compiled(*operands))
    times = [time.perf_counter() - began]
    if times[0] > 1:
        return times[0]
    for _ in range(7):
        began = time.perf_counter()
        jax.block_until_ready(compiled(*operands))
        times.append(time.perf_counter() - began)
    return statistics.median(times[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, help="a folder for volumes_cpu.json")
    arguments, rows = parser.parse_args(), []
    for name, (batch, size, before, behind, (window, stride, padding)) in CASES.items():
        geometry, random = Geometry(stride, padding, size, window), np.random.default_rng(0)
        x = np.float32(random.normal(size=(batch, *size, before)))
        kernel = np.float32(random.normal(size=(*window, before, behind)))
        y = np.float32(random.normal(size=(batch, *geometry.positions, behind)))
        flops = 2 * batch * math.prod(geometry.positions) * math.prod(window) * before * behind
        row = {"layer": name, "batch": batch, "gflop": flops / 1e9}
        for part, plain, form, operands in (
            ("F", cpu.convolve, volumes.output_form(geometry, x, kernel), (x, kernel)),
            ("X", cpu.transposed_in_input, volumes.input_form(geometry, kernel, y), (kernel, y)),
            ("W", cpu.transposed_in_kernel, volumes.kernel_form(geometry, x, y), (x, y)),
        ):
            for kind, function in (("plain", partial(plain, geometry)), ("form", form)):
                row[f"{part}_{kind}_gflops_per_second"] = flops / 1e9 / seconds(function, *operands)
        print(json.dumps({key: round(v, 2) if isinstance(v, float) else v for key, v in row.items()}), flush=True)
        rows.append(row)
    if arguments.results:
        about = {"command": "python -m tests.benchmarks.volumes", "date": datetime.date.today().isoformat()}
        written = {**about, "versions": workdir.versions(), "rows": rows}
        (arguments.results / "volumes_cpu.json").write_text(json.dumps(written, indent=2) + "\n")


if __name__ == "__main__":
    main()
