"""Pictures in a row, as files that a person looks at: a sheet (PNG), a GIF, an MP4."""

import warnings
from pathlib import Path

import numpy as np

from jaxgan import pictures
from jaxgan.errors import UserError, missing_extra

SUFFIXES = (".png", ".gif", ".mp4")
SMALLEST_FRAME = 256
"""Frames with a shorter side are enlarged by a whole factor: players blur small ones."""


def check(path: Path, suffixes: tuple[str, ...] = SUFFIXES) -> Path:
    """The path, if its suffix is one of these and what writes it is installed: to know before the work.

    Raises:
        UserError: it is not.
    """
    if path.suffix.lower() not in suffixes:
        allowed = " or ".join((", ".join(suffixes[:-1]), suffixes[-1])) if len(suffixes) > 1 else suffixes[0]
        raise UserError(f"--out {path}: it must end in {allowed}")
    if path.suffix.lower() == ".mp4":
        _ffmpeg()
    return path


def write(images: np.ndarray, path: Path, *, columns: int | None = None, fps: int = 12) -> None:
    """Write pictures as the file that the suffix says; the folder is made.

    Args:
        images: [N, H, W, C] in [-1, 1], C of 1 (grey) or 3 (RGB).
        path: .png for a sheet, read row by row; .gif, which repeats, or .mp4 for a film.
        columns: of the sheet; as square as it goes if None.
        fps: frames a second of a film. GIF counts in hundredths of a second.

    Raises:
        UserError: the suffix is none of these; or MP4 is asked for and imageio-ffmpeg is not installed.
    """
    kind = check(path).suffix.lower()
    pictures.checked(images)
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == ".png":
        pictures.grid(images, columns).save(path)
    elif kind == ".gif":
        first, *rest = (pictures.to_image(frame) for frame in _enlarged(images))
        first.save(path, save_all=True, append_images=rest, duration=round(100 / fps) * 10, loop=0)
    else:
        _write_mp4(_enlarged(images), path, fps)


def _enlarged(images: np.ndarray) -> np.ndarray:
    scale = max(1, -(-SMALLEST_FRAME // min(images.shape[1:3])))
    return pictures.to_uint8(images).repeat(scale, 1).repeat(scale, 2)


def _write_mp4(frames: np.ndarray, path: Path, fps: int) -> None:
    """H.264 in yuv420p, which every browser plays and which wants even sides: an odd one is repeated at the edge."""
    height, width = frames.shape[1:3]
    frames = np.pad(frames, ((0, 0), (0, height % 2), (0, width % 2), (0, 0)), "edge")
    frames = np.broadcast_to(frames, (*frames.shape[:-1], 3))
    size = (frames.shape[2], frames.shape[1])
    writer = _ffmpeg().write_frames(str(path), size, fps=fps, quality=8, macro_block_size=2)
    with warnings.catch_warnings():
        # JAX warns of forks beside its threads. This one becomes ffmpeg at once, and takes none of their locks.
        warnings.filterwarnings("ignore", message=".*fork", category=RuntimeWarning)
        writer.send(None)
    for frame in frames:
        writer.send(np.ascontiguousarray(frame))
    writer.close()


def _ffmpeg():
    try:
        import imageio_ffmpeg
    except ImportError as error:
        raise missing_extra("imageio_ffmpeg", "video", "an MP4 file") from error
    return imageio_ffmpeg
