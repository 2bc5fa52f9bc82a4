"""From arrays in [-1, 1] to pictures that a person looks at: sample grids and loss curves."""

import math
from pathlib import Path

import numpy as np
from PIL import Image

from jaxgan.errors import UserError

SMALLEST_TILE = 64
"""Pictures with a shorter side are enlarged by a whole factor in grids, or nobody could see them."""


def to_uint8(images: np.ndarray) -> np.ndarray:
    """Pictures in [-1, 1] as uint8 in [0, 255]; values outside are clipped.

    >>> to_uint8(np.array([-1.0, 0.0, 1.0, 3.0])).tolist()
    [0, 128, 255, 255]
    """
    return np.uint8(np.clip(np.round((np.asarray(images, np.float32) + 1) * 127.5), 0, 255))


def to_image(picture: np.ndarray) -> Image.Image:
    """One uint8 picture [H, W, C], with C of 1 (grey) or 3 (RGB), for Pillow."""
    return Image.fromarray(picture[..., 0] if picture.shape[-1] == 1 else picture)


def checked(images: np.ndarray) -> np.ndarray:
    """The same, if they are pictures [N, H, W, 1 or 3] of numbers. UserError: they are something else."""
    if images.ndim != 4 or images.shape[-1] not in (1, 3) or images.dtype.kind != "f":
        raise UserError(
            f"what was made are {images.dtype} arrays {list(images.shape[1:])}, no pictures [height, width, 1 or 3]: in "
            "Python, run.sample(...) gives the numbers themselves"
        )
    return images


def grid(images: np.ndarray, columns: int | None = None) -> Image.Image:
    """Pictures [N, H, W, C] in [-1, 1] as one, row by row, two pixels apart; as square as it goes where no `columns`.

    >>> grid(np.zeros((6, 64, 64, 3)), columns=3).size  # width and height: 3 * 64 + 2 * 2 and 2 * 64 + 2
    (196, 130)
    """
    count, height, width, channels = checked(images).shape
    columns = columns or math.ceil(math.sqrt(count))
    lines = math.ceil(count / columns)
    scale = max(1, SMALLEST_TILE // min(height, width))
    tiles = to_uint8(images).repeat(scale, 1).repeat(scale, 2)
    height, width, gap = height * scale, width * scale, 2
    sheet = np.full((lines * (height + gap) - gap, columns * (width + gap) - gap, channels), 255, np.uint8)
    for index, tile in enumerate(tiles):
        top, left = index // columns * (height + gap), index % columns * (width + gap)
        sheet[top : top + height, left : left + width] = tile
    return to_image(sheet)


def loss_curves(records: list[dict], path: Path) -> None:
    """Every loss of `records` (the lines of metrics.jsonl) against the step, as a PNG."""
    from matplotlib.figure import Figure  # slow to import, and needed once a run

    names = sorted({name for record in records for name in record if name.endswith("loss")})
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.add_subplot()
    for name in names:
        points = [(record["step"], record[name]) for record in records if name in record]
        axes.plot(*zip(*points, strict=True), label=name, linewidth=1)
    axes.set_xlabel("step")
    axes.set_ylabel("loss")
    axes.grid(alpha=0.3)
    if names:
        axes.legend()
    figure.savefig(path, dpi=110)
