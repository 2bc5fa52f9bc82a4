"""What a run shows while it trains: the same inputs at every step, and their sheet of pictures."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from jaxgan import pictures, scatter, workdir

PREVIEW = 64
"""Pictures in a sample grid."""
PREVIEW_ROWS = 16
"""Rows of pictures that belong together (input, output, target) in the grid of a system that turns pictures into pictures."""
PREVIEW_POINTS = 1024
"""Points in a scatter plot, which shows little with fewer."""


def preview_inputs(record: workdir.Record, examples: Sequence[dict[str, Any]]) -> dict[str, np.ndarray]:
    """What the sample grids are conditioned on: the first examples of the data, in the order of their labels."""
    random = np.random.default_rng(record.experiment.seed)
    transform = record.experiment.data.transform
    count = PREVIEW_POINTS if record.makes_points else PREVIEW_ROWS if record.system.directions else PREVIEW
    made = [transform(examples[i % len(examples)], random) for i in range(count)]
    if "label" in record.shapes:
        made.sort(key=lambda example: tuple(np.ravel(example["label"])))
    return {name: np.stack([np.asarray(example[name]) for example in made]) for name in record.shapes}


def preview_sheet(made: np.ndarray, inputs: dict[str, np.ndarray]) -> Image.Image | None:
    """Pictures [N, H, W, C] in a grid, rows of them [N, K, H, W, C] two side by side, points [N, 2] over those of the inputs.

    None for anything else.
    """
    if scatter.is_points(made):
        data = [value for value in inputs.values() if scatter.is_points(value)]
        return scatter.scatter(made, *data[:1])
    if made.ndim == 5 and made.shape[-1] in (1, 3):
        return pictures.grid(made.reshape(-1, *made.shape[2:]), 2 * made.shape[1])
    if made.ndim == 4 and made.shape[-1] in (1, 3):
        return pictures.grid(made)
    return None
