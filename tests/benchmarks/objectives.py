"""Seven objectives on one pair of networks, on avatars of 32x32 and on 25 Gaussians: the ablation table of the README.

    python -m tests.benchmarks.objectives train --workdir DIR [--data avatars] [--seeds 0 1 2] [--only WGAN-GP]

Each run of avatars has the steps that take about three minutes on two quiet CPU cores, compilation included, so that the
table compares what the objectives do in equal time. `train` goes on where it was stopped; nothing in it is chosen by seed.
"""

import argparse
import time
from pathlib import Path

import jaxgan
from jaxgan.data import Avatars
from jaxgan.networks import Convolutional
from jaxgan.systems.dcgan import DCGAN
from jaxgan.systems.lsgan import LSGAN
from jaxgan.systems.sngan import SNGAN
from jaxgan.systems.wgan import WGAN
from jaxgan.systems.wgan_gp import WGANGP


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
    }


def experiment(system: jaxgan.System, steps: int, seed: int) -> jaxgan.Experiment:
    return jaxgan.Experiment(
        system=system, data=Avatars(size=32), batch_size=64, steps=steps, seed=seed, sample_every=steps, checkpoint_every=steps,
    )  # fmt: skip


def folder(root: Path, name: str, seed: int) -> Path:
    return root / "avatars" / name.replace(" ", "_") / f"seed{seed}"


def train(root: Path, seeds: list[int], only: list[str]) -> None:
    for seed in seeds:
        for name, (system, steps) in avatars().items():
            if only and name not in only:
                continue
            began = time.monotonic()
            try:
                run = jaxgan.fit(experiment(system, steps, seed), folder(root, name, seed), quiet=True)
                print(f"{name}, seed {seed}: step {run.step}, {time.monotonic() - began:.0f} s", flush=True)
            except jaxgan.TrainingDiverged as error:
                print(f"{name}, seed {seed}: {error}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["train"])
    parser.add_argument("--workdir", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--only", nargs="+", default=[])
    arguments = parser.parse_args()
    train(arguments.workdir, arguments.seeds, arguments.only)


if __name__ == "__main__":
    main()
