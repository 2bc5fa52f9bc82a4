"""Sheets and films: what a reader of the file finds in it."""

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence

from jaxgan.errors import UserError
from jaxgan.media import film

LEVELS = np.array([-1, -0.5, 0, 0.5, 1], np.float32)
GREY = np.broadcast_to(LEVELS[:, None, None, None], (5, 8, 6, 1))
COLOURED = np.broadcast_to(LEVELS[:, None, None, None] * [1, -1, 0.2], (5, 9, 7, 3)).astype(np.float32)


def test_a_sheet_is_read_row_by_row(tmp_path):
    film.write(COLOURED, tmp_path / "new" / "sheet.png", columns=3)
    sheet = np.array(Image.open(tmp_path / "new" / "sheet.png"))
    scale = 64 // 7
    assert sheet.shape == (2 * 9 * scale + 2, 3 * 7 * scale + 4, 3)
    assert sheet[0, 0].tolist() == [0, 255, 102]
    assert sheet[-1, 0].tolist() == [191, 64, 140]  # the fourth picture begins the second row
    assert sheet[-1, -1].tolist() == [255, 255, 255]  # there is no sixth


@pytest.mark.parametrize("images", [GREY, COLOURED])
def test_a_gif_repeats_and_keeps_every_frame(tmp_path, images):
    film.write(images, tmp_path / "a.gif", fps=20)
    with Image.open(tmp_path / "a.gif") as gif:
        assert gif.info["loop"] == 0
        assert gif.info["duration"] == 50
        frames = [np.array(frame.convert("RGB")) for frame in ImageSequence.Iterator(gif)]
    assert min(frames[0].shape[:2]) >= film.SMALLEST_FRAME
    expected = np.uint8(np.round((np.broadcast_to(images[:, 0, 0], (5, 3)) + 1) * 127.5))
    np.testing.assert_allclose([frame[100, 100] for frame in frames], expected, atol=1)


@pytest.mark.parametrize("images", [GREY, COLOURED])
def test_an_mp4_plays_what_was_written(tmp_path, images):
    import imageio_ffmpeg

    film.write(images, tmp_path / "a.mp4", fps=10)
    reader = imageio_ffmpeg.read_frames(str(tmp_path / "a.mp4"))
    about = next(reader)
    width, height = about["size"]
    assert about["fps"] == 10
    assert width % 2 == 0
    assert height % 2 == 0
    frames = [np.frombuffer(frame, np.uint8).reshape(height, width, 3) for frame in reader]
    expected = np.round((np.broadcast_to(images[:, 0, 0], (5, 3)) + 1) * 127.5)
    np.testing.assert_allclose([frame[100, 100] for frame in frames], expected, atol=6)  # lossy


def test_what_cannot_be_written_is_said_before_the_work(monkeypatch):
    with pytest.raises(UserError, match=r"walk\.avi: it must end in \.png, \.gif or \.mp4"):
        film.check(Path("walk.avi"))
    with pytest.raises(UserError, match=r"walk\.gif: it must end in \.png$"):
        film.check(Path("walk.gif"), (".png",))
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(UserError, match=r'an MP4 file needs .* pip install "jaxgan\[video\]"'):
        film.check(Path("walk.mp4"))
