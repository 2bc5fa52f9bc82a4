"""Pictures: floats [H, W, C] in [-1, 1], C of 1 (grey) or 3 (RGB)."""

import dataclasses
import io

import numpy as np
from PIL import Image

from jaxgan.media.base import Medium, enlarged


def to_uint8(images: np.ndarray) -> np.ndarray:
    """Pictures in [-1, 1] as uint8 in [0, 255]; values outside are clipped.

    >>> to_uint8(np.array([-1.0, 0.0, 1.0, 3.0])).tolist()
    [0, 128, 255, 255]
    """
    return np.uint8(np.clip(np.round((np.asarray(images, np.float32) + 1) * 127.5), 0, 255))


def to_image(picture: np.ndarray) -> Image.Image:
    """One uint8 picture [H, W, C], with C of 1 (grey) or 3 (RGB), for Pillow."""
    return Image.fromarray(picture[..., 0] if picture.shape[-1] == 1 else picture)


@dataclasses.dataclass(frozen=True)
class Picture(Medium):
    """A picture [H, W, 1 or 3] in [-1, 1].

    >>> Picture().sheet(np.zeros((6, 64, 64, 3), np.float32), columns=3).size
    (196, 130)
    """

    one, many = "picture", "pictures"
    suffixes = (".png", ".jpg", ".webp")

    def check(self, shape, dtype):
        if len(shape) != 3 or shape[-1] not in (1, 3) or np.dtype(dtype).kind != "f":
            self.refuse(shape, dtype, "floats [height, width, 1 or 3]")

    def still(self, x):
        """The picture; small ones are enlarged."""
        return enlarged(to_image(to_uint8(x)))

    def encode(self, x, suffix):
        """As large as it is."""
        file = io.BytesIO()
        kind = {".jpg": "JPEG"}.get(suffix, suffix[1:].upper())
        to_image(to_uint8(x)).save(file, kind, **({"quality": 95} if kind == "JPEG" else {}))
        return file.getvalue()

    def decode(self, path):
        """RGB, upright, of its own size: `jaxgan.data.Folder` brings pictures to one."""
        from jaxgan.data.pictures import read_picture

        return read_picture(path, 3).astype(np.float32) / np.float32(127.5) - np.float32(1)

    def _read(self, path, shape):
        """Of the size and the channels of `shape`: the short side is resized, the middle of the long one is taken."""
        from jaxgan.data.pictures import center, read_picture

        if path.suffix.lower() == ".npy":
            return super()._read(path, shape)
        height, width, channels = shape
        pixels = center(read_picture(path, channels, min(height, width)), height, width)
        return pixels.astype(np.float32) / np.float32(127.5) - np.float32(1)


def grid(images: np.ndarray, columns: int | None = None) -> Image.Image:
    """Pictures [N, H, W, C] in [-1, 1] as one, row by row, two pixels apart; as square as it goes where no `columns`.

    >>> grid(np.zeros((6, 64, 64, 3), np.float32), columns=3).size  # width and height: 3 * 64 + 2 * 2 and 2 * 64 + 2
    (196, 130)
    """
    return Picture().sheet(Picture().checked(np.asarray(images)), columns)
