"""Examples in a row, as a file that a person looks at: a sheet (PNG), or a film of stills (GIF, MP4)."""

from pathlib import Path

import numpy as np

from jaxgan.errors import UserError
from jaxgan.media.base import Medium, enlarged
from jaxgan.media.moving import ffmpeg, moving, mp4
from jaxgan.media.picture import Picture

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
        ffmpeg()
    return path


def write(
    examples: np.ndarray,
    path: Path,
    *,
    columns: int | None = None,
    fps: int = 12,
    medium: Medium = Picture(),
) -> None:
    """Write several examples as the file that the suffix says; the folder is made.

    Args:
        examples: [N, ...], pictures [N, H, W, C] in [-1, 1], say.
        path: .png for a sheet, read row by row; .gif, which repeats, or .mp4 for a film.
        columns: of the sheet; as square as it goes if None.
        fps: frames a second of a film. GIF counts in hundredths of a second.
        medium: what they are.

    Raises:
        UserError: the suffix is none of these, or they are not what the medium says; one by itself shows nothing, and a film is
            asked for; or MP4 is, and imageio-ffmpeg is not installed.
    """
    kind = check(path).suffix.lower()
    medium.checked(examples)
    if kind != ".png" and not medium.alone:
        raise UserError(
            f"--out {path}: one of the {medium.many} alone shows nothing, so there is no film; end it in .png"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == ".png":
        medium.sheet(examples, columns).save(path)
        return
    frames = [enlarged(still, SMALLEST_FRAME + min(still.size) - 1) for still in map(medium.still, examples)]
    path.write_bytes(moving(frames, fps) if kind == ".gif" else mp4(frames, fps))
