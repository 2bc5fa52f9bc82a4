"""Pictures made larger: in tiles as if whole, and all that is in a file kept."""

import dataclasses
import io
import itertools
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

import jaxgan
from jaxgan import configs
from jaxgan.cli import main
from jaxgan.data import Photographs
from jaxgan.systems.edsr import EDSR
from jaxgan.translation.originals import Original, filled, read_original, turned
from jaxgan.translation.tiles import BLEND, EXACT, MARGIN, Tiling, in_tiles
from jaxgan.translation.upscaling import Upscaler, _resized
from tests.smooth import smooth


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("upscale")


@pytest.fixture(scope="module")
def run(folder):
    """An EDSR of two blocks that makes pictures twice as large, trained so far that they can be told."""
    photos = folder / "photos"
    photos.mkdir()
    Image.fromarray(smooth(96, 96)).save(photos / "a.png")
    data = Photographs(path=str(photos), size=32, factor=2)
    system = EDSR(width=8, blocks=2, learning_rate=2e-3)
    experiment = jaxgan.Experiment(system=system, data=data, batch_size=8, steps=60, devices=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAXGAN_CACHE", str(folder / "cache"))
        return jaxgan.fit(experiment, folder / "run", quiet=True)


def upscale(folder, source, out, *words):
    return main(["upscale", str(folder / "run"), str(source), str(out), *map(str, words)])


@pytest.mark.parametrize("length", [5, 63, 64, 65, 90, 200, 1001])
@pytest.mark.parametrize(("margin", "multiple"), [(4, 1), (12, 4)])
def test_tiles_reach_from_end_to_end(length, margin, multiple):
    """They begin at multiples, share at least the overlap, and no more than two transitions fall together."""
    length = -(-length // multiple) * multiple
    tiling = Tiling(tile=64, margin=margin, multiple=multiple)
    starts = tiling.starts(length)
    assert starts[0] == 0
    assert all(start % multiple == 0 for start in starts)
    assert starts[-1] + 64 == length if length > 64 else starts == [0]
    for one, next_ in itertools.pairwise(starts):
        assert one + 64 - next_ >= 2 * margin + BLEND
    for one, _, third in zip(starts, starts[1:], starts[2:], strict=False):
        assert (third - one) / 2 >= BLEND


@pytest.mark.parametrize("factor", [1, 2, 3])
def test_tiles_of_what_looks_at_one_pixel(factor):
    """Weights add up to 1: enlarging pixel by pixel gives the same, in tiles of any kind."""
    picture = np.random.default_rng(0).normal(size=(150, 131, 3)).astype(np.float32)
    tiling, told = Tiling(tile=48, margin=6), []

    def turn(tiles):
        assert tiles.shape[1:] == (48, 48, 3)
        return tiles.repeat(factor, 1).repeat(factor, 2) ** 2

    bands = list(in_tiles(turn, picture, tiling, lambda *counts: told.append(counts)))
    np.testing.assert_allclose(np.concatenate(bands), turn_all(picture, factor), rtol=1e-5)
    rows, columns = len(tiling.starts(150)), len(tiling.starts(131))
    assert len(bands) == rows == len(told)
    assert told[-1] == (rows * columns, rows * columns)


def turn_all(picture, factor):
    return picture.repeat(factor, 0).repeat(factor, 1) ** 2


def test_overlap_by_the_reach_of_the_network():
    assert Tiling.of(20, 256) == Tiling(256, 20)
    assert Tiling.of(EXACT + 1, 256).margin == Tiling.of(None, 256).margin == MARGIN
    assert Tiling.of(None, 16).tile == 2 * (2 * MARGIN + BLEND)
    assert EDSR(scale=2, blocks=2).reach == 8
    assert EDSR(scale=4, blocks=16).reach == 36


def test_reach_is_how_far_the_network_looks(run):
    """A pixel that is changed changes nothing further away, and something as far as that."""
    reach = run.system.reach
    picture = np.zeros((1, 41, 41, 3), np.float32)
    other = picture.copy()
    other[0, 20, 20] = 1.0
    changed = np.abs(run.translate(other) - run.translate(picture))[0].max(-1)
    rows = np.nonzero(changed.max(1))[0]
    assert 20 - reach <= rows[0] // 2 <= 20 - reach + 1
    assert 20 + reach - 1 <= rows[-1] // 2 <= 20 + reach


def test_in_tiles_as_if_whole(run, folder):
    """To float order; and the command writes that."""
    picture = smooth(150, 173, 3)
    floats = picture.astype(np.float32) / 127.5 - 1
    whole = run.translate(floats[None])[0]
    translator = run.translator("ab", "running")
    tiling = Tiling.of(run.system.reach, 64)
    assert tiling.tile == 64
    tiled = in_tiles(lambda tiles: translator(tiles, np.zeros(len(tiles), np.uint32), {}), floats, tiling)
    np.testing.assert_allclose(np.concatenate(list(tiled)), whole, atol=1e-5)
    Image.fromarray(picture).save(folder / "in.png")
    assert upscale(folder, folder / "in.png", folder / "out.png", "--tile", 64) == 0
    written = np.asarray(Image.open(folder / "out.png"))
    assert written.shape == (300, 346, 3)
    assert np.abs(written - np.clip((whole + 1) * 127.5, 0, 255)).max() <= 0.51


def test_in_eight_ways_it_does_not_matter_which_is_up(run):
    """What comes of a picture turned and mirrored is what comes of it, turned and mirrored: not so without the ensemble."""
    picture = smooth(24, 30, 5).astype(np.float32) / 127.5 - 1
    upscaler = Upscaler.of(run, ensemble=True)
    made = upscaler.levels(Original(picture)).astype(int)
    turned_first = upscaler.levels(Original(np.rot90(picture[:, ::-1]).copy()))
    assert np.abs(np.rot90(made[:, ::-1]) - turned_first).max() <= 1
    alone = run.translate(np.rot90(picture[:, ::-1]).copy()[None])[0]
    assert np.abs(np.rot90(run.translate(picture[None])[0][:, ::-1]) - alone).max() > 0.02


@pytest.mark.parametrize("scale", [1.5, 3])
def test_another_scale_by_a_resize(scale, run, folder):
    Image.fromarray(smooth(40, 30)).save(folder / "small.png")
    assert upscale(folder, folder / "small.png", folder / "scaled.png", "--scale", scale) == 0
    made = Image.open(folder / "scaled.png")
    assert made.size == (30 * scale, 40 * scale)
    reference = Image.fromarray(smooth(40, 30)).resize(made.size, Image.Resampling.BICUBIC)
    assert np.abs(np.asarray(made, float) - np.asarray(reference, float)).mean() < 8


@pytest.mark.parametrize("wanted", [(100, 75), (150, 131), (37, 131), (233, 201), (300, 1)])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_part_by_part_as_the_whole_is_resized(wanted, kind):
    levels = (smooth(150, 131).astype(np.uint16) * (257 if kind is np.uint16 else 1)).astype(kind)
    below = np.zeros((9, 131, 3), kind)  # of padding, which is not of the picture
    parts = [levels[:70], levels[70:71], np.concatenate([levels[71:], below])]
    made = _resized(parts, (150, 131), wanted, Image.Resampling.LANCZOS)
    assert made.dtype == kind
    channels = [Image.fromarray(levels[..., i].astype(np.float32)) for i in range(3)]
    whole = np.stack([np.asarray(c.resize(wanted[::-1], Image.Resampling.LANCZOS)) for c in channels], -1)
    assert made.shape == whole.shape
    assert np.abs(made - np.clip(whole, 0, np.iinfo(kind).max)).max() <= 0.52  # float32 holds 16 bits to 1/256
    if wanted == (150, 131):
        np.testing.assert_array_equal(made, levels)


def test_what_is_resized_is_never_held_whole():
    tracemalloc.start()
    made = _resized(
        (np.full((50, 1000, 3), 9, np.uint8) for _ in range(80)), (4000, 1000), (400, 100), Image.Resampling.LANCZOS
    )
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (made == 9).all()
    assert peak < 4000 * 1000 * 3 / 5


def test_grey_16_bits_profile_and_exif_stay(run, folder):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "a camera"
    Image.fromarray(smooth(20, 30)).save(folder / "photo.jpg", icc_profile=profile, exif=exif, quality=95)
    Image.fromarray(smooth(20, 30)[..., 0].astype(np.uint16) * 257 + 100).save(folder / "grey16.png")
    Image.fromarray(smooth(20, 30)[..., 0]).save(folder / "grey.png")
    for name in ("photo.jpg", "grey16.png", "grey.png"):
        assert upscale(folder, folder / name, folder / f"large_{name}") == 0
    photo = Image.open(folder / "large_photo.jpg")
    assert photo.size == (40, 60)  # turned upright
    assert photo.info["icc_profile"] == profile
    assert photo.getexif().get(0x010F) == "a camera"
    assert 0x0112 not in photo.getexif()
    grey = Image.open(folder / "large_grey16.png")
    assert grey.mode == "I;16"
    assert grey.size == (60, 40)
    assert np.asarray(grey).max() > 255
    assert Image.open(folder / "large_grey.png").mode == "L"


def test_16_bits_of_each_colour(run, folder):
    cv2 = pytest.importorskip("cv2", reason="OpenCV reads colours of 16 bits")
    values = smooth(20, 30).astype(np.uint16) * 257 - 7
    assert cv2.imwrite(str(folder / "deep.png"), values[..., ::-1])
    original = read_original(folder / "deep.png")
    np.testing.assert_array_equal(np.round((original.pixels + 1) / 2 * 65535), values)
    assert upscale(folder, folder / "deep.png", folder / "large_deep.png") == 0
    large = cv2.imread(str(folder / "large_deep.png"), cv2.IMREAD_UNCHANGED)
    assert large.dtype == np.uint16
    assert large.shape == (40, 60, 3)
    assert len(np.unique(large % 257)) > 100
    shrunk = np.asarray(Image.open(folder / "large_deep.png"), float)  # by Pillow, in 8 bits
    assert np.abs(shrunk - large[..., ::-1] / 257.0).max() < 1.1


def test_16_bits_without_opencv_are_said(run, folder, capsys, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "cv2", None)
    rows = b"".join(b"\0" + struct.pack(">90H", *range(0, 65520, 728)) for _ in range(20))
    header = struct.pack(">IIBBBBB", 30, 20, 16, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    content = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    (folder / "deep_too.png").write_bytes(content)
    assert upscale(folder, folder / "deep_too.png", folder / "shallow.png") == 0
    assert "deep_too.png has 16 bits of each colour, of which 8 are lost" in capsys.readouterr().err
    assert Image.open(folder / "shallow.png").size == (60, 40)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_upright_as_pillow_makes_it(orientation):
    values = np.arange(12, dtype=np.uint8).reshape(3, 4)
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    Image.fromarray(values).save(file, "PNG", exif=exif)
    from PIL import ImageOps

    expected = np.asarray(ImageOps.exif_transpose(Image.open(file)))
    np.testing.assert_array_equal(turned(values[..., None], orientation)[..., 0], expected)


def test_transparency(run, folder):
    """It stays, enlarged; what hides below it does not come through as a dark fringe; a JPEG shows white there."""
    pixels = np.full((32, 32, 4), (200, 150, 100, 255), np.uint8)
    pixels[:, 16:] = (0, 0, 0, 0)
    Image.fromarray(pixels).save(folder / "clear.png")
    plain = np.full((32, 32, 3), (200, 150, 100), np.uint8)
    Image.fromarray(plain).save(folder / "plain.png")
    for name, out in (("clear.png", "c.png"), ("clear.png", "c.jpg"), ("plain.png", "p.png")):
        assert upscale(folder, folder / name, folder / out) == 0
    clear, opaque = np.asarray(Image.open(folder / "c.png")), np.asarray(Image.open(folder / "p.png"))
    np.testing.assert_array_equal(clear[..., :3], opaque)
    assert clear[:, :28, 3].min() > 250
    assert clear[:, 36:, 3].max() < 5
    white = np.asarray(Image.open(folder / "c.jpg"))
    assert white.shape == (64, 64, 3)
    assert white[:, 40:].min() > 245


def test_transparent_pixels_take_the_colours_around():
    pixels = np.random.default_rng(0).random((13, 9, 3)).astype(np.float32)
    alpha = np.zeros((13, 9), np.float32)
    alpha[3:5, 2:4] = 1.0
    made = filled(pixels, alpha)
    np.testing.assert_array_equal(made[3:5, 2:4], pixels[3:5, 2:4])
    assert made.min() >= pixels[3:5, 2:4].min()
    assert made.max() <= pixels[3:5, 2:4].max()
    np.testing.assert_array_equal(filled(pixels, np.ones((13, 9), np.float32)), pixels)


def test_a_folder_with_a_broken_picture(run, folder, capsys):
    source = folder / "album"
    (source / "deep").mkdir(parents=True)
    Image.fromarray(smooth(20, 30)).save(source / "deep" / "one.tif")
    Image.fromarray(smooth(20, 30)).save(source / "two.webp")
    (source / "bad.png").write_bytes(b"nothing")
    assert upscale(folder, source, folder / "albums") == 1
    said = capsys.readouterr()
    assert "2 pictures enlarged" in said.out
    assert "bad.png" in said.err
    assert "1 of 3" in said.err
    assert Image.open(folder / "albums" / "deep" / "one.png").size == (60, 40)
    assert Image.open(folder / "albums" / "two.webp").size == (60, 40)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--scale", "0"], "--scale 0.0: it must be above 0"),
        (["--tile", "0"], "--tile 0: it must be at least 1"),
    ],
)
def test_bad_numbers(words, said, run, folder, capsys):
    Image.fromarray(smooth(8, 8)).save(folder / "tiny.png")
    assert upscale(folder, folder / "tiny.png", folder / "no.png", *words) == 2
    assert said in capsys.readouterr().err


def test_what_makes_no_pictures_of_pictures_is_refused(folder, tmp_path, capsys):
    experiment = dataclasses.replace(configs.load("wgan_gp_grid"), steps=1)
    jaxgan.fit(experiment, tmp_path / "points", quiet=True)
    Image.fromarray(smooth(8, 8)).save(tmp_path / "tiny.png")
    assert main(["upscale", str(tmp_path / "points"), str(tmp_path / "tiny.png"), str(tmp_path / "no.png")]) == 2
    assert "WGANGP does not turn pictures into pictures" in capsys.readouterr().err


def test_one_generator_alone_is_not_between_two(run, folder, capsys):
    Image.fromarray(smooth(8, 8)).save(folder / "tiny.png")
    assert upscale(folder, folder / "tiny.png", folder / "no.png", "--interpolate", 0.5) == 2
    assert "EDSR has no two generators" in capsys.readouterr().err
