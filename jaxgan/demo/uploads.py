"""What is taken of strangers' files: looked at before anything of them is decoded."""

from pathlib import Path

from PIL import Image

from jaxgan.data.pictures import BadPicture
from jaxgan.demo.common import Settings
from jaxgan.translation.files import resized

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM")
"""What is read of strangers: formats that Pillow decodes itself, without the help of other programs."""
TRANSLATED = 2**20
"""Pixels of a picture that goes through the network."""


def check_size(path: Path, settings: Settings) -> None:
    """Raises: BadPicture: the file is gone, or too large."""
    if not path.exists():  # uploads are kept for an hour
        raise BadPicture("it is no longer here: give it again")
    if path.stat().st_size > settings.max_upload:
        raise BadPicture(f"the file is larger than {settings.max_upload / 2**20:g} MiB")


def check(path: Path, settings: Settings, size: int | None = None) -> None:
    """Looks at a file before anything of it is decoded: its bytes, and the format and the size in its header.

    Args:
        path: the file.
        settings: the limits.
        size: to what its short side is to be resized.

    Raises:
        BadPicture: it is too large, or no picture.
    """
    check_size(path, settings)
    try:
        with Image.open(path, formats=FORMATS) as image:
            width, height = image.size
    except Image.DecompressionBombError:
        width, height = 0, 0  # as many as Pillow itself refuses
    except Exception as error:
        raise BadPicture(
            "not a picture, or its beginning is damaged: give a PNG, JPEG, WebP, GIF, BMP or TIFF"
        ) from error
    limit = f"{settings.max_pixels / 1e6:g} megapixels"
    if not width or width * height > settings.max_pixels:
        found = f"{width} x {height} pixels are" if width else "it has"
        raise BadPicture(f"{found} more than {limit}")
    made = resized(height, width, size)
    if made[0] * made[1] > TRANSLATED:
        raise BadPicture(
            f"{made[1]} x {made[0]} pixels are more than this page translates, {TRANSLATED / 1e6:.1f} megapixels: choose a "
            "smaller size, or use the command line"
        )
