"""Shapes: occupancies [D, H, W] of a grid, y down as in a picture; solid where a number is above a threshold."""

import dataclasses

import numpy as np
from PIL import Image

from jaxgan.media.base import Medium
from jaxgan.media.moving import moving

SIDE = 96
"""Pixels of a view."""
TURN, TILT = 0.6, 0.45
"""Where the camera stands, in radians: to the right of the front, and above."""
VIEWS = 24
"""Of a turn."""
LIGHT = np.array([0.35, -0.8, -0.5])
"""To where the light is: right, above and before."""


@dataclasses.dataclass(frozen=True)
class Voxels(Medium):
    """A shape [depth, height, width].

    >>> Voxels().still(np.ones((8, 8, 8))).size
    (96, 96)
    """

    one, many = "shape", "shapes"
    suffixes = (".obj", ".npy")
    plays = ".gif"
    shown = 16

    threshold: float = 0.5
    """Above it is solid: the middle of the range of the data."""

    def check(self, shape, dtype):
        if len(shape) != 3 or np.dtype(dtype).kind not in "fiub":
            self.refuse(shape, dtype, "numbers [depth, height, width]")

    def solid(self, x: np.ndarray) -> np.ndarray:
        """What is solid, as truth values [D, H, W]."""
        return np.asarray(x, np.float32) > self.threshold

    def still(self, x, turn: float = TURN):
        """Shaded, seen from the right and from above."""
        return Image.fromarray(render(self.solid(x), turn))

    def encode(self, x, suffix):
        """The surface as an OBJ; or, as a GIF, a turn of the camera around it."""
        if suffix == ".gif":
            turns = TURN + np.linspace(0, 2 * np.pi, VIEWS, endpoint=False)
            return moving([self.still(x, turn) for turn in turns], 12)
        return obj(self.solid(x)) if suffix == ".obj" else super().encode(x, suffix)


def render(solid: np.ndarray, turn: float) -> np.ndarray:
    """A parallel projection uint8 [SIDE, SIDE] of truth values [D, H, W], white behind.

    A ray for each pixel through the grid, in half voxels; what it meets first is shaded by the slope of the shape there,
    smoothed over its neighbours, and by the light.
    """
    size = np.array(solid.shape)
    reach = float(np.linalg.norm(size)) / 2
    right = np.array([np.sin(turn), 0.0, np.cos(turn)])  # as (depth, height, width)
    into = np.array([np.cos(turn) * np.cos(TILT), np.sin(TILT), -np.sin(turn) * np.cos(TILT)])
    down = np.cross(right, into)
    down = down if down[1] > 0 else -down
    axis = (np.arange(SIDE) + 0.5) / SIDE * 2 - 1
    origin = reach * (axis[None, :, None] * right + axis[:, None, None] * down) + (size - 1) / 2
    shade, seen = np.full((SIDE, SIDE), 255.0), np.zeros((SIDE, SIDE), bool)
    normals = _normals(solid)
    light = LIGHT[2] * into + LIGHT[0] * right + LIGHT[1] * down
    light /= np.linalg.norm(light)
    for distance in np.arange(-reach, reach, 0.5):
        at = np.round(origin + distance * into).astype(int)
        inside = ((at >= 0) & (at < size)).all(-1) & ~seen
        rows, columns = np.nonzero(inside)
        cells = tuple(at[rows, columns].T)
        hit = solid[cells]
        rows, columns, cells = rows[hit], columns[hit], tuple(part[hit] for part in cells)
        seen[rows, columns] = True
        shade[rows, columns] = 60 + 150 * np.clip(normals[cells] @ light, 0, 1) - 20 * distance / reach
    return np.uint8(np.clip(shade, 0, 255))


def _normals(solid: np.ndarray) -> np.ndarray:
    """Unit vectors [D, H, W, 3] from the solid to the empty: minus the gradient of what is solid, averaged over neighbours."""
    smooth = np.pad(solid.astype(np.float32), 2)
    for axis in range(3):
        smooth = (np.roll(smooth, 1, axis) + 2 * smooth + np.roll(smooth, -1, axis)) / 4
    slopes = -np.stack(np.gradient(smooth), -1)[2:-2, 2:-2, 2:-2]
    return slopes / np.maximum(np.linalg.norm(slopes, axis=-1, keepdims=True), 1e-6)


def obj(solid: np.ndarray) -> bytes:
    """The surface of truth values [D, H, W] as a Wavefront OBJ of squares: x to the right, y up, z to the viewer.

    Each corner is there once, and every square looks outwards, so that the mesh is closed.
    """
    padded, corners, faces = np.pad(solid, 1), {}, []
    for axis in range(3):
        for side in (0, 1):
            bare = solid & ~np.roll(padded, 1 - 2 * side, axis)[1:-1, 1:-1, 1:-1]
            for voxel in np.argwhere(bare):
                square = []
                for a, b in ((0, 0), (1, 0), (1, 1), (0, 1)):
                    corner = voxel.copy()
                    corner[axis] += side
                    corner[(axis + 1) % 3] += a
                    corner[(axis + 2) % 3] += b
                    square.append(corners.setdefault(tuple(corner.tolist()), len(corners) + 1))
                # (depth, height, width) to (x, y, z) turns two axes round and exchanges two: the sense changes once.
                faces.append(square[::-1] if side else square)
    lines = [f"v {w} {solid.shape[1] - h} {-d}" for d, h, w in corners]
    lines += [f"f {' '.join(map(str, square))}" for square in faces]
    return ("\n".join(lines) + "\n").encode()
