"""All that is to be measured where a GPU is at hand, in one go; each part writes a JSON file as soon as it is done.

    python -m tests.benchmarks.gpu --out tests/benchmarks/results/gpu [--parts warm steps fused trainings tests]
    python -m tests.benchmarks.gpu --out DIR --parts steps trainings --systems cyclegan_128 text2image    # of these alone
    python -m tests.benchmarks.gpu --out /tmp/small --small    # the same on a CPU, at small size, to try it

warm: what the parts after it need, side by side on all cores: PyTorch's compiled networks, the trainings' pictures. steps: the
training step of each system at its paper's sizes in float32 (TF32) and bfloat16, beside PyTorch eager and compiled
(`tests.benchmarks.step`). fused: steps of the small networks fused by 1, 8 and 32. deterministic: a step under XLA's
deterministic kernels, and the digests of short trainings with them and without. compiling: how long CycleGAN's step takes to
compile, with XLA's search for the fastest kernels and without. trainings: runs with the papers' widths, all at a time, whose
sample grids are kept; --limit stops them as Ctrl-C does, and the steps made are read from their logs. tests: the default test
suite, beside the trainings where both are asked for. A part that fails says so in its file; the next begins. Needs
`pip install -e ".[parity]"` and JAX for CUDA.
"""

import argparse
import contextlib
import datetime
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

PEAK_BFLOAT16 = 790e12
"""FLOP/s of bfloat16 matrix products that were measured on an H200."""

# (system of tests.benchmarks.step, options at the paper's sizes)
STEPS = {
    "dcgan": ["--widths", "128", "--batch", "128"],
    "pix2pix": ["--widths", "64"],
    "wgan_gp": ["--widths", "128", "--batch", "64"],
    "cyclegan_128": ["--widths", "64", "--size", "256"],
    "stargan": ["--widths", "64", "--size", "128", "--batch", "16"],
    "text2image": ["--widths", "128", "--batch", "64"],
}
SMALL_STEPS = {"dcgan": ["--widths", "8", "--batch", "4", "--size", "32"], "pix2pix": ["--widths", "8", "--size", "64"]}

FUSED = ("gan_digits", "quickstart")

COMPILED = (
    "cyclegan_avatars --data.a.size 128 --data.b.size 128 --system.generator.width 64 --system.generator.blocks 9 "
    "--system.discriminator.width 64"
)
SMALL_COMPILED = (
    "cyclegan_avatars --data.a.size 32 --data.b.size 32 --system.generator.width 8 --system.generator.blocks 1 "
    "--system.discriminator.width 8"
)

TRAININGS = {
    "dcgan": "dcgan_avatars --system.networks.width 128 --batch-size 128 --steps 4000 --sample-every 200",
    "wgan_gp": "wgan_gp_avatars --system.learning-rate 3e-4 --data.size 64 --system.networks.width 128 --steps 2000 "
    "--sample-every 50",
    "pix2pix": "pix2pix_openmoji --data.size 256 --data.resize 286 --system.generator.width 64 --system.discriminator.width 64 "
    "--batch-size 1 --steps 10000 --sample-every 250",
    "cyclegan_128": "cyclegan_avatars --data.a.size 128 --data.b.size 128 --system.generator.width 64 "
    "--system.generator.blocks 9 --system.discriminator.width 64 --steps 6000 --sample-every 200",
    "stargan": "stargan_avatars --data.size 128 --system.width 64 --system.discriminator-width 64 --batch-size 16 --steps 2500 "
    "--sample-every 100",
    "text2image": "text2image_avatars --data.pictures.size 64 --system.networks.width 128 --batch-size 64 --sample-every 500",
}
SMALL_TRAININGS = {"dcgan": "dcgan_avatars --data.size 32 --system.networks.width 8 --steps 3"}


def chosen(table: dict, systems: list[str] | None) -> dict:
    """The rows of a table that were asked for, in the order of the asking."""
    return table if systems is None else {name: table[name] for name in systems if name in table}


PREPARE = """
import sys
from jaxgan import configs
from jaxgan.commands.parsing import parse
from jaxgan.data import Batches
config, *rest = sys.argv[1:]
chosen = configs.load(config)
experiment = parse(type(chosen), config, rest, chosen)
with Batches(experiment.data, batch_size=experiment.batch_size, seed=0) as batches:
    next(batches)
"""

FUSE = """
import dataclasses, json, sys
from jaxgan import configs
from jaxgan.training import benchmark
benchmark.WINDOW_SECONDS = 0.4
found = []
for config in sys.argv[1:]:
    for count in (1, 8, 32):
        found.append({"config": config, **benchmark.measure(dataclasses.replace(configs.load(config), fuse=count))})
print(json.dumps(found))
"""

DIGESTS = """
import dataclasses, sys, tempfile
import jaxgan
from jaxgan import configs
experiment = dataclasses.replace(configs.load("quickstart"), steps=int(sys.argv[1]))
with tempfile.TemporaryDirectory() as folder:
    print("digest", jaxgan.fit(experiment, folder).digest)
"""

DETERMINISTIC = ["dcgan_avatars", "--system.networks.width", "128", "--batch-size", "128"]


def call(words: list[str], limit: float | None = None, **environment: str) -> dict:
    """Run Python with these words; exit code, seconds and the end of what it printed.

    After `limit` seconds it is asked to stop, as by Ctrl-C, and given twenty to do so.
    """
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | environment,
    )
    try:
        printed, _ = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
        try:
            printed, _ = process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            printed, _ = process.communicate()
    shown = " ".join(["python", *(word if "\n" not in word else "..." for word in words)])
    return {
        "command": shown,
        "exit_code": process.returncode,
        "seconds": round(time.monotonic() - began, 1),
        "end_of_output": printed[-4000:],
    }


def warm(asked: argparse.Namespace) -> dict:
    """PyTorch's compilations on disk, and prepared pictures; each job in a process, on the CPU where it can."""
    few = {"TORCHINDUCTOR_COMPILE_THREADS": "2", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
    jobs: dict[str, tuple[list[str], dict]] = {}
    for name, options in chosen(SMALL_STEPS if asked.small else STEPS, asked.systems).items():
        for precision in ("float32", "bfloat16"):
            words = ["-m", "tests.benchmarks.step", "--system", name, *options, "--precision", precision, "--warm"]
            jobs[f"{name} {precision}"] = (words, few)
    for name, words in chosen(SMALL_TRAININGS if asked.small else TRAININGS, asked.systems).items():
        jobs[f"pictures of {name}"] = (["-c", PREPARE, *words.split()], {"JAX_PLATFORMS": "cpu"})
    with ThreadPoolExecutor(2 if asked.small else len(jobs)) as pool:
        started = {name: pool.submit(call, words, asked.limit, **more) for name, (words, more) in jobs.items()}
        return {name: job.result() for name, job in started.items()}


def steps(asked: argparse.Namespace) -> dict:
    found, began = {}, time.monotonic()
    for name, options in chosen(SMALL_STEPS if asked.small else STEPS, asked.systems).items():
        left = None if asked.limit is None else asked.limit - (time.monotonic() - began)
        if left is not None and left < 30:
            found[name] = "left out for want of time"
            continue
        words = ["-m", "tests.benchmarks.step", "--system", name, *options, "--precision", "float32", "bfloat16"]
        words += ["--compile", "--pairs", "2" if asked.small else "9", "--results", str(asked.out / "steps")]
        # PyTorch needs its share of the memory.
        result = call(words, left, XLA_PYTHON_CLIENT_MEM_FRACTION="0.4")
        # What was measured before it failed, if it did.
        rows = [json.loads(row) for row in re.findall(rf"^{name} (\{{.*\}})$", result["end_of_output"], re.MULTILINE)]
        files = sorted((asked.out / "steps").glob(f"{name}_step_*.json"))
        if result["exit_code"] == 0 and files:
            rows = json.loads(files[-1].read_text())["rows"]
        for row in rows:
            row["share_of_peak"] = row["jaxgan_gflops_per_second"] * 1e9 / PEAK_BFLOAT16
        if result["exit_code"] == 0:
            del result["end_of_output"]
        found[name] = result | {"rows": rows}
        print(name, json.dumps(found[name]), flush=True)
    return found


def fused(asked: argparse.Namespace) -> dict:
    result = call(["-c", FUSE, *(FUSED[:1] if asked.small else FUSED)], asked.limit)
    if result["exit_code"] == 0:
        return {"rows": json.loads(result["end_of_output"].splitlines()[-1])}
    return result


def deterministic(asked: argparse.Namespace) -> dict:
    """DCGAN's step with XLA's usual kernels, and with those that `train --deterministic` asks for.

    And whether trainings come out the same: two of each kind, at a time, each in a process of its own.
    """
    found = {}
    for kind, flags in {"usual": "", "deterministic": "--xla_gpu_deterministic_ops=true"}.items():
        file = asked.out / f"deterministic_{kind}.json"
        config = SMALL_TRAININGS["dcgan"].split() if asked.small else DETERMINISTIC
        result = call(["-m", "jaxgan.cli", "bench", *config, "--json", str(file)], asked.limit, XLA_FLAGS=flags)
        found[kind] = json.loads(file.read_text()) if result["exit_code"] == 0 else result
        file.unlink(missing_ok=True)
        more = {"XLA_FLAGS": flags, "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
        with ThreadPoolExecutor(2) as pool:
            steps = "20" if asked.small else "300"
            runs = [pool.submit(call, ["-c", DIGESTS, steps], asked.limit, **more) for _ in range(2)]
        ends = [run.result()["end_of_output"] for run in runs]
        found[kind] |= {"digests": [re.findall("^digest (.*)$", end, re.MULTILINE) for end in ends]}
    return found


def compiling(asked: argparse.Namespace) -> dict:
    """Where the seconds of CycleGAN's compilation go: with XLA's search for the fastest kernels, and without it."""
    found = {}
    for kind, flags in {"usual": "", "no search": "--xla_gpu_autotune_level=0"}.items():
        file = asked.out / f"compiling_{kind[:2]}.json"
        config = (SMALL_COMPILED if asked.small else COMPILED).split()
        result = call(["-m", "jaxgan.cli", "bench", *config, "--json", str(file)], asked.limit, XLA_FLAGS=flags)
        found[kind] = json.loads(file.read_text()) if result["exit_code"] == 0 else result
        file.unlink(missing_ok=True)
    return found


def train(name: str, words: str, out: Path, limit: float | None) -> dict:
    place = out / "runs" / name
    command = ["-m", "jaxgan.cli", "train", *words.split(), "--workdir", str(place)]
    result = call(command, limit, XLA_PYTHON_CLIENT_PREALLOCATE="false")
    grids = sorted((place / "samples").glob("*.png"))
    if grids:
        shutil.copy(grids[-1], out / f"{name}.png")
        result |= {"grid": f"{name}.png", "of": grids[-1].name}
    with contextlib.suppress(FileNotFoundError, IndexError):
        result["last_metrics"] = json.loads((place / "metrics.jsonl").read_text().splitlines()[-1])
    shutil.rmtree(place / "checkpoints", ignore_errors=True)  # too large to bring back
    return result


def trainings(asked: argparse.Namespace) -> dict:
    configs = chosen(SMALL_TRAININGS if asked.small else TRAININGS, asked.systems)
    with ThreadPoolExecutor(len(configs)) as pool:
        started = {name: pool.submit(train, name, words, asked.out, asked.limit) for name, words in configs.items()}
        return {name: job.result() for name, job in started.items()}


def tests(asked: argparse.Namespace) -> dict:
    files = ["tests/losses"] if asked.small else ["-n", "10"]
    words = ["-m", "pytest", *files, "-rfE", "--tb=short", "-o", "console_output_style=classic"]
    file = asked.out / "tests.xml"
    result = call([*words, f"--junitxml={file}"], asked.limit, XLA_PYTHON_CLIENT_PREALLOCATE="false")
    return result | {"junit": file.name}


PARTS = {
    "warm": warm,
    "steps": steps,
    "fused": fused,
    "deterministic": deterministic,
    "compiling": compiling,
    "trainings": trainings,
    "tests": tests,
}


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
    parser.add_argument("--systems", nargs="+", choices=list(STEPS), help="whose steps and trainings (default: all)")
    parser.add_argument("--limit", type=float, help="seconds that a part may take")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    where = hardware()
    asked = list(arguments.parts)
    beside = ["tests"] if {"tests", "trainings"} <= set(asked) else []

    def do(name: str) -> None:
        began = time.monotonic()
        try:
            results = PARTS[name](arguments)
        except Exception as error:  # of any kind: what is measured after it counts, too
            results = {"failed": repr(error)}
        seconds = round(time.monotonic() - began, 1)
        written = {**where, "part": name, "small": arguments.small, "seconds": seconds, "results": results}
        (arguments.out / f"{name}.json").write_text(json.dumps(written, indent=2) + "\n")
        print(name, "done in", seconds, "s", flush=True)

    for name in asked:
        if name in beside:
            continue
        with ThreadPoolExecutor(2) as pool:
            together = [name, *beside] if name == "trainings" else [name]
            for job in [pool.submit(do, part) for part in together]:
                job.result()


if __name__ == "__main__":
    main()
