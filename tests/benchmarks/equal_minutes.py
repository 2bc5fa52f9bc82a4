"""DCGAN with R1, StyleGAN2 and R3GAN on avatars of 32x32, each trained for as many minutes.

    python -m tests.benchmarks.equal_minutes train --workdir DIR --minutes 12 [--only R3GAN] [--seeds 0 1 2]
    python -m tests.benchmarks.equal_minutes score --workdir DIR --json tests/benchmarks/results/equal_minutes.json --commit C

The clock begins with the first run's compilation and ends with a polite stop. R3GAN's schedules are as long as its config says.
"""

import argparse
import datetime
import json
import os
import platform
import signal
import threading
from pathlib import Path

import numpy as np

import jaxgan
from jaxgan import configs, media, workdir
from jaxgan.data import Avatars
from jaxgan.metrics import named
from jaxgan.metrics.real import RealExamples
from jaxgan.metrics.seeing import see
from jaxgan.metrics.sources import generated_examples
from tests.benchmarks.objectives import COUNT, METRICS, avatars, figures_of

ENDLESS = 1_000_000


def runs() -> dict[str, tuple[jaxgan.System, int]]:
    """Name -> (system, batch size)."""
    return {
        "DCGAN with R1": (avatars()["R1"][0], 64),
        "StyleGAN2": (configs.load("stylegan2_avatars").system, 16),
        "R3GAN": (configs.load("r3gan_avatars").system, configs.load("r3gan_avatars").batch_size),
    }


def folder(root: Path, name: str, seed: int) -> Path:
    return root / name.replace(" ", "_") / f"seed{seed}"


def fit_for(minutes: float, experiment: jaxgan.Experiment, where: Path) -> jaxgan.Run:
    """Until it has as many minutes, or its steps; compilation included."""
    clock = threading.Timer(60 * minutes, os.kill, (os.getpid(), signal.SIGTERM))
    clock.daemon = True
    clock.start()
    run = jaxgan.fit(experiment, where, quiet=True)
    clock.cancel()
    return run


def train(root: Path, minutes: float, only: list[str], seeds: list[int]) -> None:
    for seed in seeds:
        for name, (system, batch) in runs().items():
            if only and name not in only:
                continue
            experiment = jaxgan.Experiment(
                system=system, data=Avatars(size=32), batch_size=batch, steps=ENDLESS, seed=seed, sample_every=500,
                checkpoint_every=500,
            )  # fmt: skip
            run = fit_for(minutes, experiment, folder(root, name, seed))
            print(f"{name}, seed {seed}: {run.step} steps, {run.step * batch:,} pictures", flush=True)


def score(root: Path, gallery: Path | None) -> dict:
    real = RealExamples(Avatars(size=32))
    order, network = real.order(), real.network(METRICS)
    half = see("real", real.examples(order[:COUNT]), network, METRICS)

    def compared(what, made):
        seen = see(what, made, network, METRICS)
        return figures_of({metric: named.find(metric).figures(half, seen, network, 0) for metric in METRICS})

    rows, sheets = {"other real faces": compared("other real", real.examples(order[COUNT:]))}, []
    for name, (_, batch) in runs().items():
        for where in sorted((root / name.replace(" ", "_")).glob("seed*")):
            run = jaxgan.restore(where)
            title = f"{name}, {where.name}"
            made = generated_examples(run, COUNT, 0, real.data, real.records)
            rows[title] = {"steps": run.step, "pictures": run.step * batch, **compared(title, made)}
            print(title, rows[title], flush=True)
            sheets.append(run.sample(16, seed=0))
    if gallery:
        media.grid(np.concatenate(sheets), 16).save(gallery / "equal_minutes.png")
    return {"rows": rows, "count": COUNT, "features": network.digest}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["train", "score"])
    parser.add_argument("--workdir", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=12)
    parser.add_argument("--only", nargs="+", default=[])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--gallery", type=Path)
    parser.add_argument("--commit", default="")
    arguments = parser.parse_args()
    if arguments.what == "train":
        train(arguments.workdir, arguments.minutes, arguments.only, arguments.seeds)
        return
    result = {
        "what": "avatars of 32x32, each system trained for as many minutes",
        "command": "python -m tests.benchmarks.equal_minutes",
        "commit": arguments.commit,
        "minutes": arguments.minutes,
        "date": datetime.date.today().isoformat(),
        "hardware": f"cpu, 2 cores, {platform.machine()}",
        "versions": workdir.versions(),
        **score(arguments.workdir, arguments.gallery),
    }
    arguments.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
