"""The blocks of a JPEG: how much larger the jumps at their borders are than elsewhere."""

import numpy as np

from jaxgan.errors import UserError
from jaxgan.metrics.similarity import luminance_of


def block_ratio(pictures, scale: int = 1) -> np.ndarray:
    """Mean difference of neighbours across the borders of JPEG's blocks over that of all others, of each picture.

    Of luminance, along rows and columns. JPEG's blocks have 8 pixels, and 8 `scale` in a picture that was made so many times as
    large afterwards; borders are then softer, and differences up to `scale` / 4 pixels from one count, too. 1 is a picture
    without blocks, and more one that shows them.

    Args:
        pictures: uint8 [B, H, W, C], whose first pixel is the first of a block.
        scale: how many times larger they were made after they were compressed.

    Returns:
        float64 [B]; NaN where nothing changes.

    Raises:
        UserError: there are less than two blocks along a side.

    >>> checks = np.kron(np.indices((4, 4)).sum(0) % 2, np.ones((8, 8)))[None, :, :, None].astype(np.uint8)
    >>> noise = np.random.default_rng(0).integers(0, 99, (1, 32, 32, 1), np.uint8)
    >>> [block_ratio(noise + amount * checks).round(1).item() for amount in (0, 99)]
    [1.0, 3.0]
    """
    pictures, period, reach = np.asarray(pictures), 8 * scale, scale // 4
    if min(pictures.shape[1:3]) < 2 * period:
        raise UserError(f"pictures {pictures.shape} have no two blocks of {period} x {period} pixels")
    values = luminance_of(pictures) if pictures.shape[-1] == 3 else pictures.astype(np.float64)
    values = values.reshape(pictures.shape[:3])
    at, apart = [], []
    for axis in (1, 2):
        jumps = np.abs(np.diff(values, axis=axis)).mean(3 - axis)  # [B, H - 1] or [B, W - 1]
        borders = np.arange(period, jumps.shape[1] + 1, period) - 1
        near = (np.abs(np.arange(jumps.shape[1])[:, None] - borders) <= reach).any(1)
        at.append(jumps[:, near])
        apart.append(jumps[:, ~near])
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.concatenate(at, 1).mean(1) / np.concatenate(apart, 1).mean(1)
