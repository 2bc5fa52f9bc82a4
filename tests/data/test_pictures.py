"""Pictures of every kind become the right pixels; what is no picture is refused with its reason."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from jaxgan.data import pictures
from jaxgan.data.pictures import BadPicture, read_picture

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def save(folder, image, name="x.png", **options):
    image.save(folder / name, **options)
    return folder / name


def pixel(path, y=0, x=0, channels=3):
    return tuple(int(v) for v in read_picture(path, channels)[y, x])


def test_rgb_and_grey(tmp_path):
    path = save(tmp_path, Image.new("RGB", (3, 2), RED))
    assert read_picture(path, 3).shape == (2, 3, 3)
    assert read_picture(path, 3).dtype == np.uint8
    assert pixel(path) == RED
    assert read_picture(path, 1).shape == (2, 3, 1)
    assert pixel(path, channels=1) == (76,)  # 0.299 * 255
    assert pixel(save(tmp_path, Image.new("L", (2, 2), 7))) == (7, 7, 7)
    assert pixel(save(tmp_path, Image.new("1", (2, 2), 1))) == WHITE


def test_palette_with_and_without_transparency(tmp_path):
    image = Image.new("P", (2, 1))
    image.putpalette([*RED, *GREEN])
    image.putpixel((1, 0), 1)
    path = save(tmp_path, image)
    assert (pixel(path, x=0), pixel(path, x=1)) == (RED, GREEN)
    path = save(tmp_path, image, "t.png", transparency=1)
    assert (pixel(path, x=0), pixel(path, x=1)) == (RED, WHITE)


def test_transparency_lies_over_white(tmp_path):
    image = Image.new("RGBA", (3, 1), (0, 0, 0, 0))
    image.putpixel((1, 0), (*BLUE, 255))
    image.putpixel((2, 0), (0, 0, 0, 51))  # a fifth
    path = save(tmp_path, image)
    assert [pixel(path, x=x) for x in range(3)] == [WHITE, BLUE, (204, 204, 204)]
    assert pixel(save(tmp_path, Image.new("LA", (1, 1), (0, 51))), channels=1) == (204,)


def test_cmyk(tmp_path):
    path = save(tmp_path, Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "x.jpg", quality=100)
    assert np.abs(np.array(pixel(path)) - RED).max() <= 3
    path = save(tmp_path, Image.new("CMYK", (8, 8), (255, 255, 0, 0)), "x.tif")
    assert pixel(path) == BLUE


def test_sixteen_bit_grey_keeps_its_range(tmp_path):
    values = np.array([[0, 257, 32768, 65535]], np.uint16)
    path = save(tmp_path, Image.fromarray(values))
    assert read_picture(path, 1)[0, :, 0].tolist() == [0, 1, 128, 255]
    assert read_picture(path, 3)[0, 2].tolist() == [128] * 3


def test_dark_sixteen_bit_grey_stays_dark(tmp_path):
    path = save(tmp_path, Image.fromarray(np.full((2, 2), 200, np.uint16)))
    assert pixel(path, channels=1) == (1,)


def test_exif_rotation(tmp_path):
    image = Image.new("RGB", (2, 1), RED)
    image.putpixel((1, 0), BLUE)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise: what is left comes to the top
    path = save(tmp_path, image, exif=exif)
    assert read_picture(path, 3).shape == (2, 1, 3)
    assert (pixel(path, y=0), pixel(path, y=1)) == (RED, BLUE)


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif"])
def test_size_without_decoding(tmp_path, suffix):
    exif = Image.Exif()
    for orientation, size in [(None, (5, 3)), (1, (5, 3)), (3, (5, 3)), (6, (3, 5)), (8, (3, 5))]:
        exif[0x0112] = orientation or 1
        path = save(tmp_path, Image.new("RGB", (5, 3)), f"x.{suffix}", **({"exif": exif} if orientation else {}))
        assert pictures.picture_size(path) == size == read_picture(path, 3).shape[1::-1]


def test_animated_gif_gives_its_first_frame(tmp_path):
    frames = [Image.new("RGB", (4, 4), color) for color in (GREEN, RED, BLUE)]
    path = save(tmp_path, frames[0], "x.gif", save_all=True, append_images=frames[1:])
    assert pixel(path) == GREEN


def test_large_jpeg_is_decoded_small(tmp_path):
    path = save(tmp_path, Image.new("RGB", (1600, 800), BLUE), "x.jpg")
    assert read_picture(path, 3, at_least=64).shape == (200, 400, 3)  # no side below 2 x 64
    assert read_picture(path, 3).shape == (800, 1600, 3)


def damaged_files(folder):
    good = save(folder, Image.effect_noise((64, 64), 50).convert("RGB"), "good.jpg").read_bytes()
    png = save(folder, Image.effect_noise((64, 64), 50), "good.png").read_bytes()
    middle = bytearray(png)
    middle[len(png) // 2] ^= 255
    return {
        "empty.png": (b"", "an empty file"),
        "text.jpg": (b"this is no picture", "not a picture"),
        "half.jpg": (good[: len(good) // 2], "truncated"),
        "half.png": (png[: len(png) // 2], "truncated"),
        "middle.png": (bytes(middle), "truncated or damaged"),
    }


@pytest.mark.parametrize("name", ["empty.png", "text.jpg", "half.jpg", "half.png", "middle.png"])
def test_damaged_files_are_refused_with_their_reason(tmp_path, name):
    content, reason = damaged_files(tmp_path)[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadPicture, match=reason):
        read_picture(tmp_path / name, 3)
    found = pictures.check_picture(tmp_path / name)
    # Damage in the middle of a file is found only when it is decoded.
    assert found is None if name == "middle.png" else reason in found


def test_good_files_pass_the_check(tmp_path):
    image = Image.effect_noise((32, 32), 50)
    for name in ("a.png", "a.jpg", "a.webp", "a.bmp", "a.gif", "a.tif"):
        assert pictures.check_picture(save(tmp_path, image, name)) is None
    trailing = tmp_path / "trailing.jpg"  # as some cameras write them
    trailing.write_bytes((tmp_path / "a.jpg").read_bytes() + bytes(1000))
    assert pictures.check_picture(trailing) is None


def png_header(width, height):
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(("width", "height"), [(60_000, 60_000), (12_000, 10_000), (50_000, 1)])
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_absurd_dimensions_are_refused_before_decoding(tmp_path, width, height):
    path = tmp_path / "bomb.png"
    path.write_bytes(png_header(width, height))
    reason = pictures.check_picture(path)
    assert "megapixels" in reason or "narrow" in reason
    with pytest.raises(BadPicture, match=r"megapixels|narrow"):
        read_picture(path, 3)


def test_geometry():
    pixels = np.zeros((40, 80, 3), np.uint8)
    pixels[:, 20:60] = 255  # the central square
    assert pictures.center(pixels, 10, 10).min() > 200  # the filter reaches a little beyond the part
    assert (pictures.center(pixels, 10, 10)[:, 1:-1] == 255).all()
    assert pictures.cover(pixels, 10, 10).shape == (10, 20, 3)
    assert pictures.cover(pixels, 10, 30).shape == (15, 30, 3)
    squashed = pictures.squash(pixels, 10, 10)
    assert squashed.shape == (10, 10, 3)
    assert squashed[5, 0, 0] == 0
    assert squashed[5, 5, 0] == 255
    assert pictures.center(pixels[..., :1], 7, 5).shape == (7, 5, 1)
    same = np.random.default_rng(0).integers(0, 256, (9, 7, 3), np.uint8)
    assert pictures.center(same, 9, 7) is same  # nothing is resampled without need


def test_from_array():
    grey = np.full((4, 4), 9, np.uint8)
    assert pictures.from_array(grey, 3).tolist() == np.full((4, 4, 3), 9).tolist()
    assert (pictures.from_array(np.full((2, 2, 1), 65535, np.uint16), 1) == 255).all()
    rgba = np.zeros((2, 2, 4), np.uint8)
    assert (pictures.from_array(rgba, 3) == 255).all()
    with pytest.raises(BadPicture, match="float32"):
        pictures.from_array(np.zeros((4, 4, 3), np.float32), 3)
