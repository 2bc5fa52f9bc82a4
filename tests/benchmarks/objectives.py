"""Ten objectives on one pair of networks, on avatars of 32x32 and on 25 Gaussians: the ablation table of README.md beside it.

    python -m tests.benchmarks.objectives train --workdir DIR [--data avatars] [--seeds 0 1 2] [--only WGAN-GP]
    python -m tests.benchmarks.objectives train --workdir DIR --data later      # RaGAN, latents that are shared
    python -m tests.benchmarks.objectives score --workdir DIR --json tests/benchmarks/results/objectives.json --commit COMMIT

The three of R3GAN's paper came later, with `--only RpGAN "RpGAN + R1" "RpGAN + R1 + R2"`, into objectives_relativistic.json.

Each run of avatars has the steps that take about three minutes on two quiet CPU cores, compilation included, so that the
table compares what the objectives do in equal time. `train` goes on where it was stopped; nothing in it is chosen by seed.
"""

import argparse
import dataclasses
import datetime
import functools
import json
import platform
import statistics
import time
from pathlib import Path

import jax
import numpy as np

import jaxgan
from jaxgan import configs, media, workdir
from jaxgan.data import Avatars, Points
from jaxgan.media import scatter
from jaxgan.metrics import named
from jaxgan.metrics.modes import PROTOCOL_SAMPLES, modes_covered
from jaxgan.metrics.real import RealExamples
from jaxgan.metrics.seeing import see
from jaxgan.metrics.sources import generated_examples
from jaxgan.networks import Convolutional, Perceptrons
from jaxgan.systems.dcgan import DCGAN
from jaxgan.systems.lsgan import LSGAN
from jaxgan.systems.r3gan import R3GAN
from jaxgan.systems.sngan import SNGAN
from jaxgan.systems.wgan import WGAN
from jaxgan.systems.wgan_gp import WGANGP
from jaxgan.training.system import Schedule

METRICS = ("fid", "kid", "precision_recall")
COUNT = 2048
"""Pictures on each side of a comparison: half of the faces, so that the other half can be the floor."""


def avatars() -> dict[str, tuple[jaxgan.System, int]]:
    """Objective -> (system, steps in three minutes). Penalties, optimisers and rates are what differs; the networks do not.

    WGAN's RMSprop follows its paper, and its 100 critic moves in each of the first 25 steps, alone two of the three minutes,
    are left out. All others have Adam with beta1 0, without which R1 collapses here (configs/dcgan_avatars.py).
    """
    sizes = {"latent": "normal", "width": 32, "kernel": 4, "discriminator_norm": "none"}
    plain = Convolutional(**sizes)
    adam = {"networks": plain, "learning_rate": 1e-3, "beta1": 0.0, "beta2": 0.99, "ema": 0.99}
    spectral = {**adam, "networks": Convolutional(**sizes, spectral_norm=True)}
    return {
        "GAN": (DCGAN(**adam), 1700),
        "LSGAN": (LSGAN(**adam), 1700),
        "WGAN": (WGAN(networks=plain, learning_rate=5e-4, eager_moves=5, ema=0.99), 520),
        "WGAN-GP": (WGANGP(**adam), 455),
        "DRAGAN": (DCGAN(**adam, dragan=10.0), 1200),
        "hinge + spectral norm": (SNGAN(**spectral, discriminator_moves=1), 1750),
        "R1": (DCGAN(**adam, r1=5.0), 1250),
        "RpGAN": (R3GAN(**relativistic(adam), r1=0.0, r2=0.0), 1600),
        "RpGAN + R1": (R3GAN(**relativistic(adam), r1=5.0, r2=0.0), 1150),
        "RpGAN + R1 + R2": (R3GAN(**relativistic(adam), r1=5.0, r2=5.0), 950),
    }


def relativistic(adam: dict) -> dict:
    """Options of R3GAN, whose rate, beta2 and penalties here stay what they are; its average still grows from nothing."""
    kept = {key: value for key, value in adam.items() if key not in ("beta1", "schedule")}
    decay = adam["schedule"].decay if "schedule" in adam else None
    final = 0.0 if decay else adam["learning_rate"]
    return kept | {
        "final_learning_rate": final,
        "final_beta2": adam["beta2"],
        "penalties_left": 1.0,
        "anneal": decay or 100,
    }


def gaussians() -> dict[str, tuple[jaxgan.System, int]]:
    """Objective -> (system, steps): perceptrons of 128 units, the rate falling to 0 over the run.

    Strengths of penalties fit the scale of the data, where those of pictures (10, 5) hold the critic flat between the modes;
    each but WGAN-GP's was tried once. 5,000 steps are under a minute and a half; WGAN makes 5 critic moves in each of 1,800.
    """
    steps, few = 5000, 1800
    plain = Perceptrons(hidden=128)
    common = {"networks": plain, "beta1": 0.0, "beta2": 0.9, "ema": 0.99, "schedule": Schedule(decay=steps)}
    clipped = {"clip": 0.1, "learning_rate": 5e-4, "eager_moves": 5, "ema": 0.99, "schedule": Schedule(decay=few)}
    spectral = {**common, "networks": Perceptrons(hidden=128, spectral_norm=True)}
    paired = relativistic({**common, "learning_rate": 2e-3})
    return {
        "GAN": (DCGAN(**common, learning_rate=1e-3), steps),
        "LSGAN": (LSGAN(**common, learning_rate=1e-3), steps),
        "WGAN": (WGAN(networks=plain, **clipped), few),
        "WGAN-GP": (WGANGP(**common, learning_rate=2e-3, penalty_weight=0.1, critic_moves=1), steps),
        "DRAGAN": (DCGAN(**common, learning_rate=2e-3, dragan=0.1), steps),
        "hinge + spectral norm": (SNGAN(**spectral, learning_rate=2e-3, discriminator_moves=1), steps),
        "R1": (DCGAN(**common, learning_rate=2e-3, r1=0.01), steps),
        "RpGAN": (R3GAN(**paired, r1=0.0, r2=0.0), steps),
        "RpGAN + R1": (R3GAN(**paired, r1=0.01, r2=0.0), steps),
        "RpGAN + R1 + R2": (R3GAN(**paired, r1=0.01, r2=0.01), steps),
    }


def later() -> dict[str, tuple[jaxgan.System, int]]:
    """What came after the table, in its protocol: latents that both players share, beside R1 again, and RaGAN."""
    penalised, steps = avatars()["R1"]
    return {
        "R1": (penalised, steps),
        "R1, shared latents": (dataclasses.replace(penalised, shared_latents=True), steps),
        "RaGAN": (configs.load("ragan_avatars").system, 1700),
        # Of twelve minutes, not three: the config whose picture is in the gallery.
        "WGAN, BatchNorm": (configs.load("wgan_avatars").system, 3000),
    }


RUNS = {"avatars": avatars, "gaussians": gaussians, "later": later}


def experiment(data: str, system: jaxgan.System, steps: int, seed: int) -> jaxgan.Experiment:
    source, rows = (Points(distribution="grid"), 256) if data == "gaussians" else (Avatars(size=32), 64)
    return jaxgan.Experiment(
        system=system, data=source, batch_size=rows, steps=steps, seed=seed, sample_every=steps, checkpoint_every=steps,
    )  # fmt: skip


def folder(root: Path, data: str, name: str, seed: int) -> Path:
    return root / data / name.replace(" ", "_") / f"seed{seed}"


def train(root: Path, data: str, seeds: list[int], only: list[str]) -> None:
    for seed in seeds:
        for name, (system, steps) in RUNS[data]().items():
            if only and name not in only:
                continue
            began, where = time.monotonic(), folder(root, data, name, seed)
            try:
                run = jaxgan.fit(experiment(data, system, steps, seed), where, quiet=True)
                print(f"{data}, {name}, seed {seed}: step {run.step}, {time.monotonic() - began:.0f} s", flush=True)
            except jaxgan.TrainingDiverged as error:
                print(f"{data}, {name}, seed {seed}: {error}", flush=True)


def spread(values: list[float]) -> dict[str, float | list[float] | None]:
    deviation = statistics.stdev(values) if len(values) > 1 else None
    return {"mean": statistics.mean(values), "deviation": deviation, "values": values}


def figures_of(scored: dict[str, dict]) -> dict[str, float]:
    return {
        "fid": scored["fid"]["value"],
        "kid": scored["kid"]["value"],
        "precision": scored["precision_recall"]["precision"],
        "recall": scored["precision_recall"]["recall"],
    }


def score_avatars(root: Path, seeds: list[int], gallery: Path, only: list[str], data: str = "avatars") -> dict:
    """Half of the real faces against as many generated ones, and, as the floor, against the other half."""
    real = RealExamples(Avatars(size=32))
    order, network = real.order(), real.network(METRICS)
    half = see("real", real.examples(order[:COUNT]), network, METRICS)

    def compared(what, made):
        seen = see(what, made, network, METRICS)
        scored = {metric: named.find(metric).figures(half, seen, network, 0) for metric in METRICS}
        return figures_of(scored), {metric: entry["protocol"] for metric, entry in scored.items()}

    floor, protocols = compared("other real", real.examples(order[COUNT:]))
    rows, grids = {}, []
    for name, (_, steps) in RUNS[data]().items():
        if only and name not in only:
            continue
        found = []
        for seed in seeds:
            run = jaxgan.restore(folder(root, data, name, seed))
            if run.step != steps:
                raise SystemExit(f"{name}, seed {seed} is at step {run.step} of {steps}: train it first")
            found.append(compared("generated", generated_examples(run, COUNT, 0, real.data, real.records))[0])
            if seed == seeds[0]:
                grids.append(run.sample(8, seed=0))
        rows[name] = {"steps": steps} | {key: spread([f[key] for f in found]) for key in floor}
        print(name, rows[name], flush=True)
    if not only:
        media.grid(np.concatenate(grids), 8).save(gallery / f"objectives_{data}.png")
    return {"rows": rows, "floor": floor, "count": COUNT, "protocols": protocols, "features": network.digest}


def score_gaussians(root: Path, seeds: list[int], gallery: Path, only: list[str]) -> dict:
    """2,500 samples of each run against the modes."""
    rows = {}
    for name, (_, steps) in gaussians().items():
        if only and name not in only:
            continue
        found = []
        for seed in seeds:
            run = jaxgan.restore(folder(root, "gaussians", name, seed))
            if run.step != steps:
                raise SystemExit(f"{name}, seed {seed} is at step {run.step} of {steps}: train it first")
            points = run.sample(PROTOCOL_SAMPLES, seed=0)
            found.append(modes_covered(points, run.experiment.data))
            if name == "WGAN-GP" and seed == seeds[0]:
                scatter(points, run.experiment.data.draw(2000, np.random.default_rng(0))).save(
                    gallery / "objectives_gaussians.png"
                )
        rows[name] = {
            "steps": steps,
            "covered": spread([float(f.covered) for f in found]),
            "good": spread([f.good for f in found]),
        }
        print(name, rows[name], flush=True)
    return {"rows": rows, "samples": PROTOCOL_SAMPLES, "protocol": modes_covered.__doc__.partition("\n\n")[0]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["train", "score"])
    parser.add_argument("--workdir", type=Path, required=True)
    parser.add_argument("--data", choices=list(RUNS), nargs="+", default=["avatars", "gaussians"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--only", nargs="+", default=[])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--commit", default="", help="of the training, to stand in the results")
    arguments = parser.parse_args()
    if arguments.what == "train":
        for data in arguments.data:
            train(arguments.workdir, data, arguments.seeds, arguments.only)
        return
    gallery = Path(__file__).parent / "results" / "gallery"
    scorers = {
        "avatars": score_avatars,
        "gaussians": score_gaussians,
        "later": functools.partial(score_avatars, data="later"),
    }
    result = {
        "what": "Objectives on one pair of networks; mean and sample standard deviation over seeds",
        "command": "python -m tests.benchmarks.objectives",
        "commit": arguments.commit,
        "date": datetime.date.today().isoformat(),
        "hardware": f"{jax.devices()[0].device_kind}, 2 cores, {platform.machine()}",
        "versions": workdir.versions(),
        "seeds": arguments.seeds,
        **{data: scorers[data](arguments.workdir, arguments.seeds, gallery, arguments.only) for data in arguments.data},
    }
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
