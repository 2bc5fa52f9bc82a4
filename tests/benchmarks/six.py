"""Runs that enlarge photographs, on the six of scikit-image and scikit-learn, which none was trained on.

    python -m tests.benchmarks.six runs/edsr_photographs ... --json tests/benchmarks/results/six.json --commit COMMIT

By the literature's protocol: made four times smaller by Pillow's bicubic filter, enlarged, rounded to 8 bits, and compared on
luminance without the outer four pixels; beside it RGB. First the bicubic filter itself.
"""

import argparse
import datetime
import json
import platform
from pathlib import Path

import numpy as np
from PIL import Image

import jaxgan
from jaxgan import media, workdir
from jaxgan.data import Photographs
from jaxgan.metrics.similarity import psnr, ssim
from jaxgan.translation.originals import Original
from jaxgan.translation.upscaling import Upscaler

FACTOR = 4
CROPS = {"chelsea.png": (60, 140), "coffee.png": (120, 220), "china.jpg": (120, 300), "flower.jpg": (140, 220)}
SIDE = 96


def figures(made: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Of uint8 [H, W, 3]."""
    both = made[None], truth[None]
    return {
        "psnr_y": float(psnr(*both, luminance=True, border=FACTOR)[0]),
        "ssim_y": float(ssim(*both, luminance=True, border=FACTOR)[0]),
        "psnr_rgb": float(psnr(*both, border=FACTOR)[0]),
    }


def bicubic(small: np.ndarray, scale: int = FACTOR) -> np.ndarray:
    size = (small.shape[1] * scale, small.shape[0] * scale)
    return np.asarray(Image.fromarray(np.ascontiguousarray(small)).resize(size, Image.Resampling.BICUBIC))


def original(pixels: np.ndarray) -> Original:
    return Original(pixels.astype(np.float32) / np.float32(127.5) - 1)


def score(runs: list[Path], gallery: Path | None, ensemble: bool) -> dict:
    photographs = {one.name.rsplit("/")[-1]: one for one in Photographs(part="test", factor=FACTOR).photographs()}
    turns = {"bicubic": bicubic}
    for path in runs:
        for title, eight in ((path.name, False), (f"{path.name}, eight ways", True))[: 2 if ensemble else 1]:
            upscaler = Upscaler.of(jaxgan.restore(path), ensemble=eight)
            turns[title] = lambda small, upscaler=upscaler: upscaler.levels(original(small))
    rows, crops = {}, []
    for title, turn in turns.items():
        pictures = {name: turn(one.input) for name, one in photographs.items()}
        rows[title] = {name: figures(made, photographs[name].image) for name, made in pictures.items()}
        # Made smaller again, it should be what it was made of.
        again = {name: bicubic_down(made) for name, made in pictures.items()}
        for name, one in photographs.items():
            rows[title][name]["psnr_of_input"] = float(psnr(again[name][None], np.asarray(one.input)[None])[0])
        each = rows[title].values()
        rows[title]["mean"] = {key: float(np.mean([row[key] for row in each])) for key in next(iter(each))}
        print(title, rows[title]["mean"], flush=True)
        crops.append(cut(pictures))
    crops.append(cut({name: one.image for name, one in photographs.items()}))
    if gallery:
        order = np.stack(crops).astype(np.float32).reshape(-1, SIDE, SIDE, 3) / 127.5 - 1
        media.grid(order.repeat(2, 1).repeat(2, 2), len(CROPS)).save(gallery / "six.png")
    return rows


def bicubic_down(pixels: np.ndarray) -> np.ndarray:
    size = (pixels.shape[1] // FACTOR, pixels.shape[0] // FACTOR)
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))


def cut(pictures: dict[str, np.ndarray]) -> np.ndarray:
    return np.stack([pictures[name][top : top + SIDE, left : left + SIDE] for name, (top, left) in CROPS.items()])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--ensemble", action="store_true", help="also in all eight ways")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--gallery", type=Path)
    parser.add_argument("--commit", default="")
    arguments = parser.parse_args()
    rows = score(arguments.runs, arguments.gallery, arguments.ensemble)
    if arguments.json:
        result = {
            "what": "six photographs of scikit-image and scikit-learn, four times smaller, enlarged",
            "command": "python -m tests.benchmarks.six",
            "commit": arguments.commit,
            "date": datetime.date.today().isoformat(),
            "hardware": f"cpu, 2 cores, {platform.machine()}",
            "versions": workdir.versions(),
            "rows": rows,
        }
        arguments.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
