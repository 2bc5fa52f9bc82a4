"""A sheet of what a run with attributes or classes makes of pictures: a row for each picture, a column for each of them."""

from typing import TYPE_CHECKING, Literal

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from jaxgan.data.pictures import BadPicture, squash
from jaxgan.pictures import SMALLEST_TILE, grid
from jaxgan.translation import Translator, checked_labels, cropped, pad, padded_size, padding_multiple
from jaxgan.translation_files import File, checked_channels, load, to_float
from jaxgan.translation_labels import variants

if TYPE_CHECKING:
    from jaxgan.run import Run

ROWS = 16
"""Pictures on a sheet."""
TILE = 256
"""Longest side of pictures on a sheet whose size was not said."""
FONT = 11
LINE = 14
"""Height of a line of the titles in pixels, and of their letters."""


def domains_sheet(
    run: "Run",
    files: list[File],
    base: np.ndarray | None = None,
    direction: str = "ab",
    statistics: Literal["batch", "running"] = "batch",
    seed: int = 0,
    weights: Literal["ema", "raw"] = "ema",
    size: int | None = None,
) -> tuple[Image.Image | None, list[str]]:
    """Each picture, and what becomes of it by each attribute or class, with the names of the columns on top.

    Args:
        run: a trained run whose system reads "label".
        files: the pictures of the rows.
        base: the attributes [A] that each column changes; none by default.
        direction, statistics, seed, weights: as `translate_files`; the noise of a row is the same in all columns.
        size: of the short side, to which the pictures are resized; without it those longer than `TILE` are made smaller.
            Where sizes differ, tiles are as large as the largest and the others in their middle.

    Returns:
        The sheet, None if no picture can be read; and why some could not be read.
    """
    translator = Translator(run, direction, statistics, seed, weights)
    channels = checked_channels(translator)
    columns = variants(run, base)
    loaded, failed = [], []
    for file in files:
        try:
            pixels = load(file, channels, size).pixels
        except (BadPicture, MemoryError) as error:
            failed.append(f"cannot read {file.source}: {error}")
            continue
        if size is None and max(pixels.shape[:2]) > TILE:
            scale = TILE / max(pixels.shape[:2])
            pixels = squash(pixels, *(max(1, round(scale * side)) for side in pixels.shape[:2]))
        loaded.append((file, to_float(pixels)))
    if not loaded:
        return None, failed
    sizes = [picture.shape[:2] for _, picture in loaded]
    multiple = padding_multiple(sizes, run.system.multiple)
    labels = checked_labels(run, np.stack([label for _, label in columns]), len(columns))
    cells = []
    for file, picture in loaded:
        height, width = picture.shape[:2]
        padded = pad(picture, *padded_size(height, width, multiple))
        numbers = np.full(len(columns), file.number, np.uint32)
        made = cropped(
            translator(np.stack([padded] * len(columns)), numbers, labels), (height, width), padded.shape[:2]
        )
        cells += [picture, *made]
    tile = tuple(max(cell.shape[axis] for cell in cells) for axis in (0, 1))
    tiles = np.stack([_centred(cell, tile) for cell in cells])
    return titled(grid(tiles, len(columns) + 1), ["input", *(name for name, _ in columns)]), failed


def _centred(picture: np.ndarray, tile: tuple[int, int]) -> np.ndarray:
    """[H, W, C] in the middle of a white tile."""
    (height, width), channels = picture.shape[:2], picture.shape[2]
    made = np.ones((*tile, channels), np.float32)
    top, left = (tile[0] - height) // 2, (tile[1] - width) // 2
    made[top : top + height, left : left + width] = picture
    return made


def titled(sheet: Image.Image, titles: list[str]) -> Image.Image:
    """A grid with a title above each column, on two lines where it is "attribute=value"; too long ones are cut."""
    font = ImageFont.load_default(FONT)
    made = Image.new(sheet.mode, (sheet.width, sheet.height + 2 * LINE + 2), "white")
    made.paste(sheet, (0, 2 * LINE + 2))
    draw = ImageDraw.Draw(made)
    step = (sheet.width + 2) / len(titles)
    for column, title in enumerate(titles):
        for line, words in enumerate(title.split("=", 1)):
            while draw.textlength(words, font) > max(step - 2, SMALLEST_TILE) and len(words) > 2:
                words = words.rstrip("…")[:-1] + "…"
            draw.text((round(column * step), 1 + line * LINE), words, fill="black", font=font)
    return made
