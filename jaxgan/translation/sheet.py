"""A sheet of what a run with attributes or classes makes of pictures: a row for each picture, a column for each of them."""

from typing import TYPE_CHECKING, Literal

import numpy as np
from PIL import Image

from jaxgan import conditions
from jaxgan.conditions.labels import variants
from jaxgan.data.pictures import BadPicture, squash
from jaxgan.media.base import SMALLEST, tiled
from jaxgan.media.picture import to_image, to_uint8
from jaxgan.translation.files import File, checked_channels, load, to_float
from jaxgan.translation.translator import asked, cropped, pad, padded_size, padding_multiple

if TYPE_CHECKING:
    from jaxgan.run import Run

ROWS = 16
"""Pictures on a sheet."""
TILE = 256
"""Longest side of pictures on a sheet whose size was not said."""


def domains_sheet(
    run: "Run",
    files: list[File],
    given: conditions.Given | None = None,
    direction: str = "ab",
    statistics: Literal["batch", "running"] = "batch",
    seed: int = 0,
    size: int | None = None,
) -> tuple[Image.Image | None, list[str]]:
    """Each picture, and what becomes of it by each attribute or class, with the names of the columns on top.

    Args:
        run: a trained run whose system reads "label".
        files: the pictures of the rows.
        given: what each column changes of "label", none by default; and what else the pictures shall be.
        direction, statistics, seed: as `translate_files`; the noise of a row is the same in all columns.
        size: of the short side, to which the pictures are resized; without it those longer than `TILE` are made smaller.
            Where sizes differ, tiles are as large as the largest and the others in their middle.

    Returns:
        The sheet, None if no picture can be read; and why some could not be read.
    """
    translator = run.translator(direction, statistics, seed)
    channels = checked_channels(translator)
    # Read once, for all columns: they differ in their label alone.
    given = given or {}
    nothing = {"label": run.record.zeros(1)["label"]} if "label" in run.system.conditions else {}
    held = asked(run.record, {**nothing, **given}, 1)
    columns = variants(run.record, held["label"][0] if "label" in given else None)
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
    each = {entry: np.repeat(row, len(columns), 0) for entry, row in held.items()}
    each["label"] = np.stack([label for _, label in columns])
    cells = []
    for file, picture in loaded:
        height, width = picture.shape[:2]
        padded = pad(picture, *padded_size(height, width, multiple))
        numbers = np.full(len(columns), file.number, np.uint32)
        made = cropped(translator(np.stack([padded] * len(columns)), numbers, each), (height, width), padded.shape[:2])
        cells += [picture, *made]
    # All by one factor, so that pictures of two sizes are still that.
    smallest = min(max(cell.shape[axis] for cell in cells) for axis in (0, 1))
    factor = max(1, SMALLEST // smallest)
    tiles = [to_image(to_uint8(cell.repeat(factor, 0).repeat(factor, 1))) for cell in cells]
    return tiled(tiles, len(columns) + 1, ["input", *(name for name, _ in columns)]), failed
