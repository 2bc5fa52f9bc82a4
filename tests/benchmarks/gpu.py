"""All that is to be measured where a GPU is at hand, in one go; each part writes a JSON file as soon as it is done.

    python -m tests.benchmarks.gpu --out tests/benchmarks/results/gpu [--parts tests steps fused trainings]
    python -m tests.benchmarks.gpu --out /tmp/small --small    # the same on a CPU, at small size, to try it

tests: the default test suite, on the GPU. steps: the training step of each system at its paper's sizes in float32 (TF32) and
bfloat16, beside PyTorch eager and compiled (`tests.benchmarks.step`). fused: steps of the small networks fused by 1, 8 and 32.
trainings: runs with the papers' widths, whose sample grids are kept. A part that fails says so in its file; the next begins.
Needs `pip install -e ".[parity]"` and JAX for CUDA.
"""

import argparse
import datetime
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path

PEAK_BFLOAT16 = 790e12
"""FLOP/s of bfloat16 matrix products that were measured on an H200."""

# (system of tests.benchmarks.step, options at the paper's sizes)
STEPS = {
    "dcgan": ["--widths", "128", "--batch", "128"],
    "wgan_gp": ["--widths", "128", "--batch", "64"],
    "pix2pix": ["--widths", "64"],
    "cyclegan_128": ["--widths", "64", "--size", "256"],
    "stargan": ["--widths", "64", "--size", "128", "--batch", "16"],
    "text2image": ["--widths", "128", "--batch", "64"],
}
SMALL_STEPS = {"dcgan": ["--widths", "8", "--batch", "4", "--size", "32"], "pix2pix": ["--widths", "8", "--size", "64"]}

FUSED = ("gan_digits", "quickstart", "sngan_avatars")

TRAININGS = {
    "dcgan": "dcgan_avatars --system.networks.width 128 --batch-size 128 --steps 6000",
    "wgan_gp": "wgan_gp_avatars --data.size 64 --system.networks.width 128 --steps 4000",
    "pix2pix": "pix2pix_openmoji --data.size 256 --data.resize 286 --system.generator.width 64 --steps 8000",
    "cyclegan": "cyclegan_avatars --data.a.size 128 --data.b.size 128 --steps 8000",
    "stargan": "stargan_avatars --data.size 128 --steps 4000",
}
SMALL_TRAININGS = {"dcgan": "dcgan_avatars --data.size 32 --system.networks.width 8 --steps 3"}


def call(words: list[str], limit: float | None = None) -> dict:
    """Run Python with these words; exit code, seconds and the end of what it printed."""
    began = time.monotonic()
    try:
        done = subprocess.run([sys.executable, *words], capture_output=True, text=True, timeout=limit)
        code, printed = done.returncode, done.stdout + done.stderr
    except subprocess.TimeoutExpired as error:
        code, printed = None, (error.stdout or b"").decode(errors="replace")
    return {
        "command": " ".join(["python", *words]),
        "exit_code": code,
        "seconds": round(time.monotonic() - began, 1),
        "end_of_output": printed[-2000:],
    }


def tests(out: Path, small: bool) -> dict:
    chosen = ["tests/losses"] if small else []
    return {"suite": call(["-m", "pytest", *chosen])}


def steps(out: Path, small: bool) -> dict:
    found = {}
    for name, options in (SMALL_STEPS if small else STEPS).items():
        for precision in ("float32", "bfloat16"):
            folder = out / "steps" / precision
            words = ["-m", "tests.benchmarks.step", "--system", name, *options, "--precision", precision, "--compile"]
            result = call([*words, "--pairs", "2" if small else "20", "--results", str(folder)])
            files = sorted(folder.glob(f"{name}_step_*.json"))
            if result["exit_code"] == 0 and files:
                rows = json.loads(files[-1].read_text())["rows"]
                for row in rows:
                    row["share_of_peak"] = row["jaxgan_gflops_per_second"] * 1e9 / PEAK_BFLOAT16
                result = {"command": result["command"], "rows": rows}
            found[f"{name} {precision}"] = result
    return found


def fused(out: Path, small: bool) -> dict:
    found = {}
    for config in FUSED[:1] if small else FUSED:
        for count in (1, 8, 32):
            file = out / "fused" / f"{config}_{count}.json"
            result = call(["-m", "jaxgan.cli", "bench", config, "--fuse", str(count), "--json", str(file)])
            found[f"{config} {count}"] = json.loads(file.read_text()) if result["exit_code"] == 0 else result
    return found


def trainings(out: Path, small: bool) -> dict:
    found = {}
    for name, words in (SMALL_TRAININGS if small else TRAININGS).items():
        place = out / "runs" / name
        result = call(["-m", "jaxgan.cli", "train", *words.split(), "--workdir", str(place)])
        grids = sorted((place / "samples").glob("*.png"))
        if grids:
            kept = out / f"{name}.png"
            shutil.copy(grids[-1], kept)
            result["grid"] = kept.name
        shutil.rmtree(place / "checkpoints", ignore_errors=True)  # too large to bring back
        found[name] = result
    return found


PARTS = {"tests": tests, "steps": steps, "fused": fused, "trainings": trainings}


def hardware() -> dict:
    """Asked for in a process of its own: JAX takes most of a GPU's memory for itself in the first that looks."""
    code = "import jax; d = jax.devices()[0]; print(d.platform, d.device_kind, jax.__version__, sep='|')"
    kind = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    platform_name, device, version = kind.splitlines()[-1].split("|")
    return {
        "platform": platform_name,
        "device": device,
        "jax": version,
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "date": datetime.date.today().isoformat(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--parts", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--small", action="store_true", help="sizes for a CPU, to see that all of it runs")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    where = hardware()
    for name in arguments.parts:
        result = {
            **where,
            "part": name,
            "small": arguments.small,
            "results": PARTS[name](arguments.out, arguments.small),
        }
        (arguments.out / f"{name}.json").write_text(json.dumps(result, indent=2) + "\n")
        print(name, "done", flush=True)


if __name__ == "__main__":
    main()
