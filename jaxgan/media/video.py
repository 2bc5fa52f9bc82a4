"""Clips: floats [T, H, W, C] in [-1, 1], at a rate that the data knows."""

import dataclasses

import numpy as np
from PIL import Image, ImageSequence

from jaxgan.media.base import Medium, enlarged, tiled
from jaxgan.media.moving import moving, mp4
from jaxgan.media.picture import to_image, to_uint8

FRAMES = 8
"""Of a strip."""
SMALLEST_FRAME = 128
"""Of a film; players blur small ones."""


@dataclasses.dataclass(frozen=True)
class Video(Medium):
    """A clip [frames, height, width, 1 or 3].

    >>> Video().still(np.zeros((16, 64, 64, 3), np.float32)).size  # 8 frames, two pixels apart
    (526, 64)
    """

    one, many = "clip", "clips"
    suffixes = (".gif", ".webp", ".mp4", ".npy")
    plays = ".gif"
    shown = 16

    fps: int = 12
    """Frames a second."""

    def check(self, shape, dtype):
        if len(shape) != 4 or shape[-1] not in (1, 3) or np.dtype(dtype).kind != "f":
            self.refuse(shape, dtype, "floats [frames, height, width, 1 or 3]")

    def still(self, x):
        """A strip of frames, evenly from the first to the last."""
        chosen = np.linspace(0, len(x) - 1, min(len(x), FRAMES)).round().astype(int)
        return tiled([enlarged(to_image(to_uint8(x[index])), 32) for index in chosen], len(chosen))

    def sheet(self, examples, columns=None, real=None):
        """A strip below the other."""
        return super().sheet(examples, columns or 1, real)

    def encode(self, x, suffix):
        """A film that repeats; of small clips each pixel is a square."""
        if suffix not in (".gif", ".webp", ".mp4"):
            return super().encode(x, suffix)
        frames = [enlarged(to_image(frame), SMALLEST_FRAME) for frame in to_uint8(x)]
        return mp4(frames, self.fps) if suffix == ".mp4" else moving(frames, self.fps, suffix)

    def fitted(self, x, length):
        """What it lacks is its last frame."""
        return np.concatenate([x[:length], np.repeat(x[-1:], max(0, length - len(x)), 0)])

    def decode(self, path):
        """RGB; of a GIF, WebP or PNG that moves, every frame."""
        if path.suffix.lower() == ".npy":
            return super().decode(path)
        with Image.open(path) as image:
            frames = [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(image)]
        return np.stack(frames).astype(np.float32) / np.float32(127.5) - np.float32(1)
