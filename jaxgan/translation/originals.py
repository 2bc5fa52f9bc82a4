"""Picture files with all that should survive a change of their size: 16 bits, grey, transparency, colour profile, EXIF."""

import dataclasses
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from jaxgan.data.pictures import ORIENTATION, BadPicture, opened, to_pixels, upright
from jaxgan.translation.files import ENCODERS

MORE_BITS = 'has 16 bits of each colour, of which 8 are lost without OpenCV: pip install "jaxgan[upscale]"'


@dataclasses.dataclass(frozen=True)
class Original:
    """A picture as a network can take it, and the rest of its file.

    Attributes:
        pixels: float32 [H, W, 1 or 3] in [-1, 1], upright, where it is transparent with the colours around.
        alpha: float32 [H, W] in [0, 1], or None.
        bits: 8 or 16.
        profile: its ICC profile; of `pixels`, whose numbers are as in the file.
        exif: without the orientation; b"" for none.
        warning: what was lost, in a sentence about the file, or "".
    """

    pixels: np.ndarray
    alpha: np.ndarray | None = None
    bits: int = 8
    profile: bytes | None = None
    exif: bytes = b""
    warning: str = ""


def read_original(path: Path) -> Original:
    """Opens a picture file.

    Raises:
        Unreachable, BadPicture: as `jaxgan.data.pictures.read_picture`.
    """
    with opened(path) as (image, content):
        profile, warning = image.info.get("icc_profile"), ""
        if image.mode in ("F", "CMYK", "LAB", "YCbCr", "HSV"):  # which PNGs have not
            values, bits, profile = to_pixels(image, 3), 8, None
        elif image.mode.startswith("I"):
            values, bits = np.asarray(upright(image)).astype(np.int64), 16
            if image.mode == "I" and values.max(initial=0) <= 255:
                bits = 8
            values = np.clip(values, 0, 2**bits - 1)[..., None]
        elif _has_16_bits(image, content):
            try:
                values, bits = _with_opencv(content, image), 16
            except ImportError:
                values, bits, warning = _with_pillow(image), 8, MORE_BITS
        else:
            values, bits = _with_pillow(image), 8
        exif = _exif(image)  # in the end: the orientation is taken out of it
    values = values.astype(np.float32) / np.float32(2**bits - 1)
    channels = values.shape[-1]
    alpha = values[..., -1] if channels in (2, 4) else None
    pixels = values[..., : 3 if channels >= 3 else 1]
    if alpha is not None:
        pixels = filled(pixels, alpha)
        alpha = None if alpha.min() == 1 else alpha
    return Original(2 * pixels - 1, alpha, bits, profile, exif, warning)


def write_levels(path: Path, levels: np.ndarray, original: Original) -> None:
    """Writes what was made of an original, its folder too.

    Args:
        path: .png, .jpg or .webp; only a PNG can hold 16 bits.
        levels: uint8 or uint16 [H, W, 1 or 3]; and one more for transparency, which a JPEG shows over white.
        original: whose profile and EXIF it keeps.

    Raises:
        OSError, ValueError: as Pillow: no room, no permission, a side too long for the format.
    """
    suffix, clear = path.suffix.lower(), levels.shape[-1] in (2, 4)
    if levels.dtype == np.uint16 and suffix != ".png":
        levels = np.uint8(np.round(levels / 257))
    if clear and suffix in (".jpg", ".jpeg"):
        alpha = levels[..., -1:].astype(np.uint16)
        colours = [
            (levels[..., i : i + 1] * alpha + 255 * (255 - alpha) + 127) // 255 for i in range(levels.shape[-1] - 1)
        ]
        levels = np.concatenate(colours, -1).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    if levels.dtype == np.uint16 and levels.shape[-1] > 1:
        path.write_bytes(_png_16(levels, original))
        return
    image = Image.fromarray(levels[..., 0] if levels.shape[-1] == 1 else levels)
    more = {"icc_profile": original.profile} if original.profile else {}
    more |= {"exif": original.exif} if original.exif else {}
    image.save(path, **ENCODERS[suffix], **more)


def filled(pixels: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Colours [H, W, C] in which those of transparent pixels, which may be anything, are the opaque ones' nearby.

    They would come through at the border of what is opaque, as dark fringes mostly.
    """
    if alpha.min() > 0 or alpha.max() == 0:
        return pixels
    known, colours = (alpha > 0).astype(np.float32)[..., None], pixels * (alpha > 0)[..., None]
    found, weights = colours, known
    levels = [(colours, known)]
    while min(weights.shape[:2]) > 1:
        found, weights = (_halved(part) for part in (found, weights))
        levels.append((found, weights))
    result = np.zeros((1, 1, pixels.shape[-1]), np.float32)
    for colours, weights in reversed(levels):
        height, width = weights.shape[:2]
        wider = result.repeat(2, 0).repeat(2, 1)[:height, :width] if result.shape[:2] != (height, width) else result
        wider = np.pad(wider, ((0, height - len(wider)), (0, width - wider.shape[1]), (0, 0)), "edge")
        result = np.where(weights > 0, colours / np.maximum(weights, 1e-6), wider)
    return np.where(alpha[..., None] > 0, pixels, result).astype(np.float32)


def _halved(x: np.ndarray) -> np.ndarray:
    """Sums of 2x2, [ceil(H / 2), ceil(W / 2), C]."""
    x = np.pad(x, ((0, x.shape[0] % 2), (0, x.shape[1] % 2), (0, 0)))
    return x.reshape(x.shape[0] // 2, 2, x.shape[1] // 2, 2, -1).sum((1, 3))


def _with_pillow(image: Image.Image) -> np.ndarray:
    """uint8 [H, W, 1 to 4]: as many channels as the picture has, palettes in colour."""
    image = upright(image)
    if image.mode in ("P", "PA") or "transparency" in image.info:
        clear = image.mode == "PA" or "transparency" in image.info
        image = image.convert("RGBA" if clear else "RGB")
    if image.mode not in ("L", "LA", "RGB", "RGBA"):
        image = image.convert({"1": "L", "La": "LA", "RGBa": "RGBA"}.get(image.mode, "RGB"))
    pixels = np.asarray(image)
    return pixels[..., None] if pixels.ndim == 2 else pixels


def _has_16_bits(image: Image.Image, content: bytes) -> bool:
    """Whether a colour picture has 16 bits of each colour, which Pillow halves."""
    if image.format == "PNG":
        return content[24] == 16
    return image.format == "TIFF" and max(image.tag_v2.get(258, (8,))) == 16


def _with_opencv(content: bytes, image: Image.Image) -> np.ndarray:
    """uint16 [H, W, 1 to 4], upright. Raises: ImportError: OpenCV is not installed."""
    import cv2

    values = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION)
    if values is None or values.dtype != np.uint16:
        raise BadPicture("a picture of 16 bits that OpenCV does not read: convert it to PNG")
    values = values[..., None] if values.ndim == 2 else values
    order = {3: [2, 1, 0], 4: [2, 1, 0, 3]}.get(values.shape[-1], list(range(values.shape[-1])))
    values = values[..., order]
    return turned(values, image.getexif().get(ORIENTATION, 1))


def turned(values: np.ndarray, orientation: int) -> np.ndarray:
    """[H, W, C] made upright, as EXIF's orientation 1 to 8 says."""
    values = values.transpose(1, 0, 2) if orientation in (5, 6, 7, 8) else values
    down, across = orientation in (3, 4, 7, 8), orientation in (2, 3, 6, 7)
    return values[:: -1 if down else 1, :: -1 if across else 1]


def _exif(image: Image.Image) -> bytes:
    try:
        exif = image.getexif()
        exif.pop(ORIENTATION, None)
        return exif.tobytes() if len(exif) else b""
    except Exception:  # as many kinds as there are ways to write it wrongly
        return b""


def _png_16(levels: np.ndarray, original: Original) -> bytes:
    """A PNG of uint16 [H, W, 2 to 4], which Pillow does not write."""
    height, width, channels = levels.shape

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 16, {2: 4, 3: 2, 4: 6}[channels], 0, 0, 0)
    # Each row less the one above ("Up", filter 2), byte by byte: photographs become half as large.
    rows = levels.astype(">u2").view(np.uint8).reshape(height, -1)
    less = np.diff(rows, axis=0, prepend=np.zeros((1, rows.shape[1]), np.uint8))
    lines = np.concatenate([np.full((height, 1), 2, np.uint8), less], 1)
    parts = [b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", header)]
    if original.profile:
        parts.append(chunk(b"iCCP", b"profile\0\0" + zlib.compress(original.profile)))
    if original.exif:
        parts.append(chunk(b"eXIf", original.exif.removeprefix(b"Exif\0\0")))
    return b"".join([*parts, chunk(b"IDAT", zlib.compress(lines.tobytes(), 6)), chunk(b"IEND", b"")])
