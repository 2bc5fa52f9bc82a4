"""Pictures: opened safely, brought to plain 8-bit pixels, fitted to the training size.

Everything here is deterministic; the two random steps, crop and flip, are in `base.ImageData.transform`.
"""

import contextlib
import errno
import functools
import io
import os
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image, ImageOps

from jaxgan.errors import UserError

MAX_PIXELS = 100_000_000  # above this a picture is taken for a mistake or a decompression bomb
MAX_ASPECT = 100  # long side over short side: a 1 x 50000 picture, made 64 high, would be 3 million wide
ORIENTATION = 0x0112  # the EXIF tag
TAIL = 64  # bytes at the end of a file in which its format puts an end mark

SUFFIXES = frozenset(
    {".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".avif", ".bmp", ".dib", ".gif", ".tif", ".tiff", ".ppm",
     ".pgm", ".pbm", ".pnm", ".jp2", ".j2k", ".jpx", ".tga", ".pcx", ".qoi"}
)  # fmt: skip
SNIFFED = ("PNG", "JPEG", "WEBP", "AVIF", "BMP", "GIF", "TIFF", "PPM", "JPEG2000", "QOI")  # known by their first bytes

TURNED = {2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
          5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
          8: Image.Transpose.ROTATE_90}  # fmt: skip
"""By EXIF's orientation, what makes a picture upright."""

BRANDS = {
    b"ftyp" + brand: kind for brand, kind in ((b"hei", "HEIC"), (b"hev", "HEIC"), (b"mif", "HEIC"), (b"avi", "AVIF"))
}

SAME_COLOUR = 2  # levels in which a profile's colours may differ from sRGB's and still be taken for these: rounding

FLEETING = frozenset({errno.EIO, errno.ENOTCONN, errno.ESTALE, errno.ETIMEDOUT, errno.ECONNRESET, errno.ECONNABORTED,
                      errno.EAGAIN, errno.EBUSY, errno.ENETDOWN, errno.ENETUNREACH, errno.EHOSTDOWN, errno.EHOSTUNREACH,
                      errno.ENODEV})  # fmt: skip
"""What a drive says that fails for a moment, as one does that a notebook has mounted."""
WAITS = (0.2, 1.0, 3.0, 10.0)  # seconds before such a file is tried again

T = TypeVar("T")

# "Corrupt EXIF data" and the like: what cannot be read says nothing, here.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


class BadPicture(UserError):
    """A file that is no usable picture; the message is the reason, without the name of the file."""


class Unreachable(BadPicture):
    """A file that the system does not give: gone, not permitted, or on a drive that fails. The picture may be good.

    Attributes:
      fleeting: whether it is the drive that fails.
    """

    def __init__(self, error: OSError):
        self.fleeting = error.errno in FLEETING
        super().__init__(error.strerror)


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
      Unreachable: the system does not give the file; of a drive that fails, not before it has been asked for a while.
      BadPicture: the file is empty, truncated, of no known format, or of absurd dimensions.
    """
    with opened(path) as (image, _):
        if at_least is not None and image.format == "JPEG":
            image.draft(image.mode, (2 * at_least, 2 * at_least))
        return to_pixels(image, channels)


@contextlib.contextmanager
def opened(path: str | os.PathLike) -> Iterator[tuple[Image.Image, bytes]]:
    """A picture file as Pillow opens it, and all its bytes; what goes wrong with it, while it is open, is a sentence.

    Raises:
      Unreachable, BadPicture: as `read_picture`.
    """
    # All of it first: once decoding has begun, a drive's failure could not be told from the picture's.
    content = _steadily(lambda: Path(path).read_bytes())
    try:
        with _open(io.BytesIO(content)) as image:
            yield image, content
    except (BadPicture, MemoryError):
        raise
    except Exception as error:  # Pillow's decoders raise OSError, SyntaxError, ValueError, struct.error, ...
        raise BadPicture(_reason(content[:TAIL], error)) from error


def check_picture(path: str | os.PathLike) -> str | None:
    """Says what is wrong with a picture file, or None. Fast: reads the header and the last bytes.

    Only a file without its format's end mark is decoded whole, to see whether that matters.

    Raises:
      UserError: the drive fails, and has been asked for a while: what its files are is not known.
    """

    def check() -> str | None:
        try:
            with _open(path) as image:
                if _ends_well(path, image.format):
                    return None
                image.load()
        except BadPicture as error:
            return str(error)
        except OSError as error:
            if error.errno is not None:
                raise
            return _reason(_beginning(path), error)
        except MemoryError:
            raise
        except Exception as error:
            return _reason(_beginning(path), error)
        return None

    try:
        return _steadily(check)
    except Unreachable as error:
        if error.fleeting:
            raise UserError(f"cannot read {path} ({error}): is its drive still there?") from error
        return str(error)


def picture_size(path: str | os.PathLike) -> tuple[int, int]:
    """(width, height) of a good picture file, upright as `read_picture` gives it; decodes nothing but TIFFs.

    Raises:
      UserError: the system does not give the file.
    """

    def read() -> tuple[int, int]:
        with _open(path) as image:
            if image.format == "TIFF":  # turned already by new versions of Pillow, not by old ones
                return upright(image).size
            return image.size[::-1] if _orientation(image) >= 5 else image.size  # turned by a quarter

    try:
        return _steadily(read)
    except Unreachable as error:
        raise UserError(f"cannot read {path} ({error}): is its drive still there?") from error


def is_picture(path: str | os.PathLike) -> bool:
    """Whether a file's first bytes are those of a picture, whatever it is called."""
    try:
        Image.open(path, formats=SNIFFED).close()
    except Exception:
        return False
    return True


def upright(image: Image.Image) -> Image.Image:
    """The picture turned as its EXIF says. One that cannot be read, or stands behind the pixels, says nothing."""
    if image.format == "TIFF":  # whose fields it is one of; new versions of Pillow have turned the picture already
        image.load()
        try:
            return ImageOps.exif_transpose(image)
        except Exception:
            return image
    orientation = _orientation(image)
    return image.transpose(TURNED[orientation]) if orientation in TURNED else image


def _orientation(image: Image.Image) -> int:
    # In a PNG, Pillow would look for what the header does not have behind the pixels, and decode them.
    if image.format == "PNG" and not {"exif", "Raw profile type exif"} & image.info.keys():
        return 1
    try:
        orientation = image.getexif().get(ORIENTATION)
    except Exception:  # as many kinds as there are ways to write it wrongly
        return 1
    return orientation if orientation in TURNED else 1


def to_srgb(image: Image.Image) -> Image.Image:
    """The picture in the colours that screens and networks take for granted, by the ICC profile that it has, if any.

    Numbers of Display P3 or Adobe RGB stand for other colours than the same numbers of sRGB. A profile that is sRGB, that is
    damaged, or that is for another kind of pixels changes nothing.
    """
    profile = image.info.get("icc_profile")
    if not profile:
        return image
    if image.mode in ("P", "PA"):
        image = image.convert("RGBA" if image.mode == "PA" or "transparency" in image.info else "RGB")
    bands = image.mode.removesuffix("A") if image.mode in ("LA", "RGBA") else image.mode
    if bands not in ("L", "RGB", "CMYK") or (transform := _transform(profile, bands)) is None:
        return image
    converted = transform.apply(image.convert(bands))
    if bands != image.mode:
        converted.putalpha(image.getchannel("A"))
    elif "transparency" in image.info:  # one colour of it, which is another now
        converted.putalpha(image.convert("RGBA").getchannel("A"))
    return converted


@functools.lru_cache(maxsize=32)
def _transform(profile: bytes, mode: str):
    """From a profile's colours to sRGB's; None where that would change nothing, or cannot be done."""
    try:
        from PIL import ImageCms

        transform = ImageCms.buildTransform(
            ImageCms.ImageCmsProfile(io.BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
        if mode == "CMYK":
            return transform
        levels = np.linspace(0, 255, 9).round().astype(np.uint8)
        colours = np.stack(np.meshgrid(*[levels] * len(mode), indexing="ij"), -1).reshape(1, -1, len(mode))
        before = Image.fromarray(colours[..., 0] if mode == "L" else colours)
        change = np.abs(np.asarray(transform.apply(before), int) - np.asarray(before.convert("RGB"), int)).max()
    except Exception:  # ImageCms names its errors in several ways; a Pillow may lack it
        return None
    return None if change <= SAME_COLOUR else transform


def to_pixels(image: Image.Image, channels: int) -> np.ndarray:
    """Converts any Pillow image to uint8 [H, W, channels]: upright (EXIF), in sRGB (ICC), transparency over white.

    16-bit grey is scaled to 8 bits (Pillow's own conversion would clip it). Raises BadPicture for floats.
    """
    image = to_srgb(upright(image))
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


@dataclass(frozen=True)
class Cut:
    """What becomes of a picture: the part `box` of it (left, top, right, bottom, in pixels), made `height` x `width`.

    A map over the picture, and places in it, can be cut alike.
    """

    height: int
    width: int
    box: tuple[float, float, float, float]

    @classmethod
    def squash(cls, h: int, w: int, height: int, width: int) -> "Cut":
        """All of it, whatever that does to the proportions."""
        return cls(height, width, (0, 0, w, h))

    @classmethod
    def center(cls, h: int, w: int, height: int, width: int) -> "Cut":
        """The largest central part that has the right proportions."""
        scale = min(h / height, w / width)
        box_h, box_w = scale * height, scale * width
        left, top = (w - box_w) / 2, (h - box_h) / 2
        return cls(height, width, (left, top, left + box_w, top + box_h))

    @classmethod
    def cover(cls, h: int, w: int, height: int, width: int) -> "Cut":
        """All of it, in its proportions, at the smallest size that covers `height` x `width`."""
        scale = max(height / h, width / w)
        return cls.squash(h, w, max(height, round(scale * h)), max(width, round(scale * w)))

    def picture(self, pixels: np.ndarray) -> np.ndarray:
        """Of uint8 [H, W, C]."""
        return _resize(pixels, self.height, self.width, self.box)

    def map(self, values: np.ndarray) -> np.ndarray:
        """Of a map [H, W, ...] over the picture: classes and masks (whole numbers, truth values) are not mixed, floats are."""
        left, top, right, bottom = self.box
        if values.dtype.kind != "f":
            down = np.floor(top + (np.arange(self.height) + 0.5) * (bottom - top) / self.height).astype(int)
            across = np.floor(left + (np.arange(self.width) + 0.5) * (right - left) / self.width).astype(int)
            return values[down][:, across]
        layers = np.float32(values).reshape(*values.shape[:2], -1)
        size, method = (self.width, self.height), Image.Resampling.BILINEAR
        made = [Image.fromarray(layers[..., i]).resize(size, method, box=self.box) for i in range(layers.shape[-1])]
        return np.stack([np.asarray(layer) for layer in made], -1).reshape(self.height, self.width, *values.shape[2:])

    def places(self, places: np.ndarray) -> np.ndarray:
        """Of places [..., x and y and what else there is] in the picture, in pixels from its upper left corner."""
        left, top, right, bottom = self.box
        moved = np.array(places, np.float32)  # a copy: the example may be kept
        moved[..., 0] = (moved[..., 0] - left) * self.width / (right - left)
        moved[..., 1] = (moved[..., 1] - top) * self.height / (bottom - top)
        return moved


def squash(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resizes [H, W, C] to [height, width, C], whatever that does to the proportions."""
    return Cut.squash(*pixels.shape[:2], height, width).picture(pixels)


def center(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """The largest central part of [H, W, C] that has the right proportions, as [height, width, C]."""
    return Cut.center(*pixels.shape[:2], height, width).picture(pixels)


def cover(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resizes [H, W, C], keeping its proportions, to the smallest size that covers [height, width]."""
    return Cut.cover(*pixels.shape[:2], height, width).picture(pixels)


def _resize(pixels: np.ndarray, height: int, width: int, box: tuple[float, float, float, float]) -> np.ndarray:
    if pixels.shape[:2] == (height, width) and box == (0, 0, width, height):
        return pixels
    grey = pixels.shape[2] == 1
    image = Image.fromarray(pixels[..., 0] if grey else pixels)
    # Pillow's filters widen with the reduction (antialiasing); interpolation that does not would alias.
    resized = np.array(image.resize((width, height), Image.Resampling.BICUBIC, box=box))
    return resized[..., None] if grey else resized


def _steadily(read: Callable[[], T]) -> T:
    """`read()`, again after a while where the drive fails.

    Raises:
      Unreachable: it failed for good.
    """
    waits = iter(WAITS)
    while True:
        try:
            return read()
        except OSError as error:
            if error.errno is None:  # Pillow's, of the picture
                raise
            wait = next(waits, None) if error.errno in FLEETING else None
            if wait is None:
                raise Unreachable(error) from error
        time.sleep(wait)


def _open(path: str | os.PathLike | io.BytesIO) -> Image.Image:
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


def _beginning(path: str | os.PathLike) -> bytes:
    with open(path, "rb") as file:
        return file.read(TAIL)


def _reason(beginning: bytes, error: Exception) -> str:
    """What is wrong with a file that begins like this."""
    if not beginning:
        return "an empty file"
    if isinstance(error, Image.UnidentifiedImageError):
        if kind := BRANDS.get(beginning[4:11]):
            return f"a picture in the format {kind}, which Pillow does not read here: convert it to PNG or JPEG"
        return "not a picture, or its beginning is damaged"
    return f"truncated or damaged ({str(error) or type(error).__name__})"
