"""Pictures of any size turned into others in tiles of one shape: one program is compiled, and memory is bounded.

A network looks around every pixel, `System.reach` pixels far. Near the border of a tile it misses what lies beyond, so tiles
overlap, and of each only what lies `margin` inside is used. What reaches no further than that comes out as if the picture had
been whole; of what does, the rest is hidden by a soft transition from tile to tile, half a cosine over `BLEND` pixels.
"""

import dataclasses
import math
from collections.abc import Callable, Iterator

import numpy as np

EXACT = 24
"""Up to this reach tiles overlap by so much that nothing is lost."""
MARGIN = 32
"""Pixels of the input that are left out at borders of tiles where the network reaches further, or nobody knows."""
BLEND = 8
"""Pixels of the input over which one tile turns into the next."""


@dataclasses.dataclass(frozen=True)
class Tiling:
    """How a picture is cut.

    Attributes:
        tile: side of the tiles, in pixels of the input.
        margin: of a tile, what is not used.
        multiple: where tiles begin, and their side, are multiples of this.

    >>> Tiling(tile=64, margin=12).starts(100)
    [0, 18, 36]
    >>> Tiling(tile=64, margin=12).starts(50)
    [0]
    """

    tile: int
    margin: int
    multiple: int = 1

    @classmethod
    def of(cls, reach: int | None, tile: int, multiple: int = 1) -> "Tiling":
        """For a network that looks `reach` pixels far; tiles are at least as large as their overlap asks for."""
        margin = MARGIN if reach is None or reach > EXACT else reach
        smallest = 2 * (2 * margin + BLEND)
        return cls(-(-max(tile, smallest) // multiple) * multiple, margin, multiple)

    @property
    def overlap(self) -> int:
        """Pixels that two neighbours share at the least."""
        return 2 * self.margin + BLEND + self.multiple - 1

    def starts(self, length: int) -> list[int]:
        """Where the tiles begin along a side: one, of a side that is no longer than a tile; else evenly, to the very end."""
        if length <= self.tile:
            return [0]
        count = math.ceil((length - self.overlap) / (self.tile - self.overlap))
        return [i * (length - self.tile) // (count - 1) // self.multiple * self.multiple for i in range(count)]


def in_tiles(
    turn: Callable[[np.ndarray], np.ndarray],
    picture: np.ndarray,
    tiling: Tiling,
    done: Callable[[int, int], None] | None = None,
) -> Iterator[np.ndarray]:
    """What `turn` makes of a picture [H, W, C], row of tiles by row of tiles: parts [h, W', C'], from top to bottom.

    Args:
        turn: from tiles [N, h, w, C] to [N, r h, r w, C'], with any r that is a whole number.
        picture: its sides are multiples of `tiling.multiple`.
        tiling: how it is cut.
        done: is told how many tiles are finished, and of how many, after each row.
    """
    (height, width), tile = picture.shape[:2], tiling.tile
    downs, acrosses = tiling.starts(height), tiling.starts(width)
    held, begins = None, 0  # rows of the output from `begins` on, to which the next row of tiles adds
    for index, top in enumerate(downs):
        made = turn(np.stack([picture[top : top + tile, left : left + tile] for left in acrosses]))
        factor = made.shape[1] // min(tile, height)
        band = np.zeros((made.shape[1], width * factor, made.shape[3]), np.float32)
        for number, left in enumerate(acrosses):
            weights = _weights(acrosses, number, tile, made.shape[2], factor)
            band[:, left * factor : left * factor + made.shape[2]] += weights[:, None] * made[number]
        band *= _weights(downs, index, tile, made.shape[1], factor)[:, None, None]
        if held is not None:
            shared = len(held) - (top * factor - begins)
            band[:shared] += held[-shared:]
            yield held[:-shared]
        held, begins = band, top * factor
        if done is not None:
            done((index + 1) * len(acrosses), len(downs) * len(acrosses))
    yield held


def _weights(starts: list[int], number: int, tile: int, length: int, factor: int) -> np.ndarray:
    """How much each place along a tile's output counts, [length]: 1 but where it turns into its neighbours, 0 beyond."""
    places = starts[number] + (np.arange(length, dtype=np.float32) + 0.5) / factor
    weights = np.ones(length, np.float32)
    for one, way in ((number, 1), (number + 1, -1)):  # what comes in from the tile before; what goes out to the next
        if 0 < one < len(starts):
            seam = (starts[one] + starts[one - 1] + tile) / 2
            along = np.clip((places - seam) / BLEND + 0.5, 0, 1)
            rising = 0.5 - 0.5 * np.cos(np.pi * along)
            weights *= rising if way == 1 else 1 - rising
    return weights
