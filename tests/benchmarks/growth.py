"""What a DCGAN training step costs as the work grows: batch, resolution, width; each alone.

    python -m tests.benchmarks.growth --json RESULTS/growth_cpu.json --picture RESULTS/gallery/growth.png

RESULTS is tests/benchmarks/results. Needs `pip install -e ".[parity]"`, as the benchmark beside PyTorch, whose cases it shares.
Each point is the median of several steps after two to warm up, of one program at a time. FLOPs are counted from the shapes
(`jaxgan.training.benchmark`), so that the figure says at which speed the work is done: where the line of a panel bends up, the
step has become slower for each product.
"""

import argparse
import datetime
import json
import platform
import statistics
from pathlib import Path

import jax

from jaxgan import workdir
from jaxgan.networks import Convolutional
from jaxgan.systems.dcgan import DCGAN
from tests.benchmarks.step import Case, JaxStep, window

BATCH, SIZE, WIDTH = 32, 64, 32
"""Where the panels meet; the resolutions are measured with a smaller batch, or the largest would take minutes a step."""
SMALL_BATCH = 8
PANELS = {
    "batch": [1, 2, 4, 8, 16, 32, 64, 128],
    "resolution": [32, 64, 128, 256],
    "width": [8, 16, 32, 64, 128],
}
SECONDS = 4.0
"""About how long a point is measured."""


def measure(batch: int, size: int, width: int) -> dict:
    """One point."""
    step = JaxStep(Case("", size, batch, (width,), None), DCGAN(networks=Convolutional(width=width, kernel=4)))
    window(step, 2)
    times: list[float] = []
    while sum(times) < SECONDS or len(times) < 3:
        times.append(window(step, 1))
    seconds = statistics.median(times)
    return {
        "batch": batch,
        "resolution": size,
        "width": width,
        "flops_per_step": step.flops,
        "step_seconds": seconds,
        "gflops_per_second": step.flops / seconds / 1e9,
        "program_bytes": step.bytes,
        "compile_seconds": step.compile_seconds,
        "steps": len(times),
    }


def points(panel: str, values: list[int]) -> list[dict]:
    rows = []
    for value in values:
        chosen = {"batch": SMALL_BATCH if panel == "resolution" else BATCH, "resolution": SIZE, "width": WIDTH}
        chosen[panel] = value
        rows.append(measure(chosen["batch"], chosen["resolution"], chosen["width"]))
        print(panel, json.dumps(rows[-1]), flush=True)
        jax.clear_caches()
    return rows


def draw(panels: dict[str, list[dict]], path: Path) -> None:
    """Step time against FLOPs, both logarithmic: a straight line through the fastest point is the same speed everywhere."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 3.4), layout="constrained")
    for place, (panel, rows) in zip(figure.subplots(1, len(panels), sharey=True), panels.items(), strict=True):
        flops, seconds = ([row[key] for row in rows] for key in ("flops_per_step", "step_seconds"))
        best = max(row["gflops_per_second"] for row in rows)
        place.loglog([f / 1e9 for f in flops], [s * 1e3 for s in seconds], "o-", label="step")
        place.loglog(
            [f / 1e9 for f in flops], [f / 1e6 / best for f in flops], "--", linewidth=1, label=f"{best:.0f} GFLOP/s"
        )
        for row, f, s in zip(rows, flops, seconds, strict=True):
            place.annotate(
                row[panel], (f / 1e9, s * 1e3), textcoords="offset points", xytext=(-4, 6), ha="right", size=8
            )
        place.set_title(panel)
        place.set_xlabel("GFLOP a step")
        place.grid(alpha=0.3, which="both")
        place.legend(loc="lower right", fontsize=8)
    figure.axes[0].set_ylabel("ms a step")
    figure.savefig(path, dpi=90)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--limit", type=int, help="only so many points of each panel: a preset to try it with")
    arguments = parser.parse_args()
    panels = {panel: points(panel, values[: arguments.limit]) for panel, values in PANELS.items()}
    if arguments.picture:
        arguments.picture.parent.mkdir(parents=True, exist_ok=True)
        draw(panels, arguments.picture)
    if arguments.json:
        result = {
            "what": "training step of DCGAN, kernel 4, float32, as batch, resolution and width grow, each alone",
            "command": "python -m tests.benchmarks.growth",
            "date": datetime.date.today().isoformat(),
            "hardware": f"{jax.devices()[0].device_kind}, {platform.machine()}",
            "versions": {**workdir.versions(), "python": platform.python_version()},
            "panels": panels,
        }
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
