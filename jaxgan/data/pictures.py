"""Pictures: opened safely, brought to plain 8-bit pixels, fitted to the training size.

Everything here is deterministic; the two random steps, crop and flip, are in `base.ImageData.transform`.
"""

import os
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from jaxgan.errors import UserError

MAX_PIXELS = 100_000_000  # above this a picture is taken for a mistake or a decompression bomb
MAX_ASPECT = 100  # long side over short side: a 1 x 50000 picture, made 64 high, would be 3 million wide
ORIENTATION = 0x0112  # the EXIF tag
TAIL = 64  # bytes at the end of a file in which its format puts an end mark

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm"})


class BadPicture(UserError):
    """A file that is no usable picture; the message is the reason, without the name of the file."""


def read_picture(path: str | os.PathLike, channels: int, at_least: int | None = None) -> np.ndarray:
    """Decodes one picture file: the first frame, upright, on white.

    Args:
      path: any format that Pillow reads.
      channels: 1 (luminance) or 3 (RGB).
      at_least: pixels of the short side that are needed; a JPEG much larger than that is decoded at a half, a
        quarter or an eighth of its size, which is several times faster.

    Returns:
      uint8 [H, W, channels].

    Raises:
      BadPicture: the file is empty, truncated, of no known format, or of absurd dimensions.
    """
    try:
        with _open(path) as image:
            if at_least is not None and image.format == "JPEG":
                image.draft(image.mode, (2 * at_least, 2 * at_least))
            return to_pixels(image, channels)
    except BadPicture:
        raise
    except Exception as error:  # Pillow's decoders raise OSError, SyntaxError, ValueError, struct.error, ...
        raise BadPicture(_reason(path, error)) from error


def check_picture(path: str | os.PathLike) -> str | None:
    """Says what is wrong with a picture file, or None. Fast: reads the header and the last bytes.

    Only a file without its format's end mark is decoded whole, to see whether that matters.
    """
    try:
        with _open(path) as image:
            if _ends_well(path, image.format):
                return None
            image.load()
    except BadPicture as error:
        return str(error)
    except Exception as error:
        return _reason(path, error)
    return None


def picture_size(path: str | os.PathLike) -> tuple[int, int]:
    """(width, height) of a good picture file, upright as `read_picture` gives it; decodes nothing but TIFFs."""
    with _open(path) as image:
        if image.format == "TIFF":  # turned already by new versions of Pillow, not by old ones
            return ImageOps.exif_transpose(image).size
        # In a PNG, Pillow would look for what the header does not have behind the pixels, and decode them.
        has_exif = image.format != "PNG" or "exif" in image.info
        turned = has_exif and image.getexif().get(ORIENTATION) in (5, 6, 7, 8)  # by a quarter
        return image.size[::-1] if turned else image.size


def to_pixels(image: Image.Image, channels: int) -> np.ndarray:
    """Converts any Pillow image to uint8 [H, W, channels]: upright (EXIF), transparency over white.

    16-bit grey is scaled to 8 bits (Pillow's own conversion would clip it). Raises BadPicture for floats.
    """
    image = ImageOps.exif_transpose(image)
    if image.mode == "F":
        raise BadPicture("floating-point pixels have no known range")
    if image.mode.startswith("I"):
        values = np.asarray(image).astype(np.int64)
        # "I;16" and its like have 16 bits; in "I", which has 32, Pillow gives 8 or 16 of them.
        if image.mode != "I" or values.max(initial=0) > 255:
            values = np.round(values / 257)
        image = Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))
    elif image.mode in ("PA", "LA", "RGBA") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image).convert("RGB")
    if image.mode not in ("L", "RGB"):
        image = image.convert("L" if image.mode == "1" else "RGB")
    image = image.convert("L" if channels == 1 else "RGB")
    pixels = np.array(image)
    return pixels[..., None] if channels == 1 else pixels


def from_array(pixels: np.ndarray, channels: int) -> np.ndarray:
    """Converts integer pixels [H, W] or [H, W, 1 | 2 | 3 | 4] to uint8 [H, W, channels], alpha over white."""
    pixels = np.asarray(pixels)
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if pixels.dtype == np.uint16:
        pixels = np.round(pixels / 257).astype(np.uint8)
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 2, 3, 4) or pixels.dtype != np.uint8:
        found = f"{pixels.dtype} {list(pixels.shape)}"
        raise BadPicture(f"pictures are uint8 [height, width, 1 to 4], but this one is {found}")
    if pixels.shape[2] == channels:
        return pixels
    return to_pixels(Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels), channels)


def squash(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resizes [H, W, C] to [height, width, C], whatever that does to the proportions."""
    return _resize(pixels, height, width, (0, 0, pixels.shape[1], pixels.shape[0]))


def center(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """The largest central part of [H, W, C] that has the right proportions, as [height, width, C]."""
    h, w = pixels.shape[:2]
    scale = min(h / height, w / width)
    box_h, box_w = scale * height, scale * width
    left, top = (w - box_w) / 2, (h - box_h) / 2
    return _resize(pixels, height, width, (left, top, left + box_w, top + box_h))


def cover(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resizes [H, W, C], keeping its proportions, to the smallest size that covers [height, width]."""
    h, w = pixels.shape[:2]
    scale = max(height / h, width / w)
    return squash(pixels, max(height, round(scale * h)), max(width, round(scale * w)))


def _resize(pixels: np.ndarray, height: int, width: int, box: tuple[float, float, float, float]) -> np.ndarray:
    if pixels.shape[:2] == (height, width) and box == (0, 0, width, height):
        return pixels
    grey = pixels.shape[2] == 1
    image = Image.fromarray(pixels[..., 0] if grey else pixels)
    # Pillow's filters widen with the reduction (antialiasing); interpolation that does not would alias.
    resized = np.array(image.resize((width, height), Image.Resampling.BICUBIC, box=box))
    return resized[..., None] if grey else resized


def _open(path: str | os.PathLike) -> Image.Image:
    """Opens a file, reading its header only, and refuses absurd dimensions before anything is decoded."""
    try:
        image = Image.open(path)
    except Image.DecompressionBombError as error:
        raise BadPicture(f"more than {MAX_PIXELS // 1_000_000} megapixels") from error
    width, height = image.size
    if width * height > MAX_PIXELS:
        image.close()
        raise BadPicture(f"{width} x {height} is more than {MAX_PIXELS // 1_000_000} megapixels")
    if max(width, height) > MAX_ASPECT * min(width, height):
        image.close()
        raise BadPicture(f"{width} x {height} is too narrow: one side is over {MAX_ASPECT} times the other")
    return image


def _ends_well(path: str | os.PathLike, format: str | None) -> bool:
    marks = {"PNG": b"IEND", "JPEG": b"\xff\xd9", "GIF": b";"}
    if format not in marks:
        return False  # no end mark to look for: the file is decoded
    with open(path, "rb") as file:
        file.seek(max(0, os.path.getsize(path) - TAIL))
        return marks[format] in file.read()


def _reason(path: str | os.PathLike, error: Exception) -> str:
    if isinstance(error, FileNotFoundError | PermissionError | IsADirectoryError):
        return error.strerror
    if Path(path).stat().st_size == 0:
        return "an empty file"
    if isinstance(error, Image.UnidentifiedImageError):
        return "not a picture, or its beginning is damaged"
    return f"truncated or damaged ({str(error) or type(error).__name__})"
