"""Pictures of every kind become the right pixels; what is no picture is refused with its reason."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

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


@pytest.mark.parametrize("name", ["x.png", "x.webp", "x.jpg"])
def test_exif_that_cannot_be_read_says_nothing(tmp_path, name):
    """Text of a Python bytes literal in its place, as some programs write."""
    path = save(tmp_path, Image.new("RGB", (5, 3), RED), name, exif=repr(b"Exif\x00\x00II*\x00").encode(), quality=100)
    assert pictures.check_picture(path) is None
    assert pictures.picture_size(path) == (5, 3) == read_picture(path, 3).shape[1::-1]
    assert np.abs(np.array(pixel(path)) - RED).max() <= 2


def test_exif_behind_the_pixels_says_nothing(tmp_path):
    """A size is read off the header: what is decoded must agree with it."""
    exif = Image.Exif()
    exif[0x0112] = 6
    content = save(tmp_path, Image.new("RGB", (5, 3)), exif=exif).read_bytes()
    start = content.index(b"eXIf") - 4
    end = start + 12 + int.from_bytes(content[start : start + 4], "big")
    moved = content[:start] + content[end:-12] + content[start:end] + content[-12:]
    (tmp_path / "moved.png").write_bytes(moved)
    for name, size in (("x.png", (3, 5)), ("moved.png", (5, 3))):
        assert pictures.picture_size(tmp_path / name) == size == read_picture(tmp_path / name, 3).shape[1::-1]


def test_every_orientation(tmp_path):
    image = Image.effect_noise((5, 3), 90)
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        path = save(tmp_path, image, exif=exif)
        with Image.open(path) as read:
            wanted = np.asarray(ImageOps.exif_transpose(read))
        assert (read_picture(path, 1)[..., 0] == wanted).all()


def profile_of(primaries, gamma, description):
    """An ICC profile (version 2, matrix and tone curve): `primaries` are XYZ under D50 of red, green and blue."""

    def fixed(*values):
        return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))

    text = description.encode() + b"\0"
    text = b"desc" + bytes(4) + struct.pack(">I", len(text)) + text + bytes(78)
    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256))
    tags = {b"desc": text, b"wtpt": b"XYZ " + bytes(4) + fixed(0.9642, 1.0, 0.8249)}
    for letter, xyz in zip((b"r", b"g", b"b"), primaries, strict=True):
        tags |= {letter + b"XYZ": b"XYZ " + bytes(4) + fixed(*xyz), letter + b"TRC": curve}
    table, body = b"", b""
    for name, content in tags.items():
        table += name + struct.pack(">II", 132 + 12 * len(tags) + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    head = bytes(4) + b"\x02\x10\0\0mntrRGB XYZ " + bytes(12) + b"acsp" + bytes(28) + fixed(0.9642, 1.0, 0.8249)
    head += bytes(128 - len(head) - 4)
    content = head + struct.pack(">I", len(tags)) + table + body
    return struct.pack(">I", 4 + len(content)) + content


P3 = ((0.51512, 0.2412, -0.00105), (0.29198, 0.69225, 0.04189), (0.1571, 0.06657, 0.78407))  # under D50
SRGB = ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.7141))


def in_srgb(color, primaries, gamma):
    linear = np.linalg.solve(np.array(SRGB).T, np.array(primaries).T @ (np.array(color) / 255) ** gamma).clip(0, 1)
    return 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize("name", ["x.png", "x.jpg", "x.webp", "x.tif"])
def test_colours_of_another_profile(tmp_path, name):
    """Numbers of Display P3 stand for more saturated colours than those of sRGB."""
    color = (150, 170, 90)
    options = {"quality": 100, "subsampling": 0} if name == "x.jpg" else {"lossless": True} if name == "x.webp" else {}
    profile = profile_of(P3, 2.2, "Display P3, or nearly")
    path = save(tmp_path, Image.new("RGB", (8, 8), color), name, icc_profile=profile, **options)
    wanted = in_srgb(color, P3, 2.2)
    assert np.abs(np.array(color) - wanted).max() > 8
    assert np.abs(np.array(pixel(path)) - wanted).max() <= (3 if name == "x.jpg" else 1.5)
    assert np.abs(pixel(path, channels=1)[0] - wanted @ (0.299, 0.587, 0.114)) <= 3


def test_profiles_of_transparent_grey_and_palette_pictures(tmp_path):
    profile = profile_of(P3, 2.2, "P3")
    color = (150, 170, 90)
    wanted = in_srgb(color, P3, 2.2)
    image = Image.new("RGBA", (2, 1), (*color, 255))
    image.putpixel((1, 0), (*color, 0))
    path = save(tmp_path, image, icc_profile=profile)
    assert np.abs(np.array(pixel(path)) - wanted).max() <= 1.5
    assert pixel(path, x=1) == WHITE
    palette = Image.new("RGB", (2, 1), color).quantize(2)
    assert np.abs(np.array(pixel(save(tmp_path, palette, icc_profile=profile))) - wanted).max() <= 1.5
    grey = Image.new("L", (2, 1), 150)  # a profile of colours is none for it
    assert pixel(save(tmp_path, grey, icc_profile=profile), channels=1) == (150,)


@pytest.mark.parametrize("profile", ["sRGB", "as good as sRGB", "damaged", "empty"])
def test_profiles_that_change_nothing(tmp_path, profile):
    """Not by a level: most pictures say that they are sRGB."""
    content = {
        "sRGB": ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
        "as good as sRGB": None,
        "damaged": b"no profile" * 20,
        "empty": b"",
    }[profile]
    pixels = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    if content is None:
        content = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
        content = bytes(content).replace(b"sRGB", b"mine")
    path = save(tmp_path, Image.fromarray(pixels), icc_profile=content)
    assert (read_picture(path, 3) == pixels).all()


def test_a_heic_is_called_one(tmp_path):
    path = tmp_path / "IMG_0001.jpg"
    path.write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100))
    with pytest.raises(BadPicture, match="a picture in the format HEIC, which Pillow does not read here: convert it"):
        read_picture(path, 3)
    assert "HEIC" in pictures.check_picture(path)


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
