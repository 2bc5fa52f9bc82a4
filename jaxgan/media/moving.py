"""Pictures that move, as the content of files: GIF, WebP, MP4."""

import io
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from jaxgan.errors import missing_extra


def moving(frames: list[Image.Image], fps: float, suffix: str = ".gif") -> bytes:
    """The content of a GIF, which counts in hundredths of a second, or of a WebP, which repeats."""
    first, *rest = frames
    file = io.BytesIO()
    options = {"lossless": True} if suffix == ".webp" else {}
    first.save(
        file, suffix[1:].upper(), save_all=True, append_images=rest, duration=round(100 / fps) * 10, loop=0, **options
    )
    return file.getvalue()


def mp4(frames: Sequence[Image.Image], fps: float) -> bytes:
    """The content of an MP4: H.264 in yuv420p, which every browser plays.

    It wants even sides: an odd one is repeated at the edge. Smaller frames than the largest stand in its upper left corner.
    """
    width, height = (max(side) for side in zip(*(frame.size for frame in frames), strict=True))
    width, height = width + width % 2, height + height % 2
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "film.mp4")
        writer = ffmpeg().write_frames(str(path), (width, height), fps=fps, quality=8, macro_block_size=2)
        with warnings.catch_warnings():
            # JAX warns of forks beside its threads. This one becomes ffmpeg at once, and takes none of their locks.
            warnings.filterwarnings("ignore", message=".*fork", category=RuntimeWarning)
            writer.send(None)
        for frame in frames:
            pixels = np.asarray(frame.convert("RGB"))
            room = ((0, height - frame.height), (0, width - frame.width), (0, 0))
            writer.send(np.ascontiguousarray(np.pad(pixels, room, "edge")))
        writer.close()
        return path.read_bytes()


def ffmpeg():
    """The library that writes MP4. UserError where it is missing."""
    try:
        import imageio_ffmpeg
    except ImportError as error:
        raise missing_extra("imageio_ffmpeg", "video", "an MP4 file") from error
    return imageio_ffmpeg
