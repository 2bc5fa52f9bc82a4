"""What becomes of a picture: the real codec, kernels by hand, everything by the example's own draws."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

from jaxgan.data import Batches, Photographs
from jaxgan.data.degradations import BSRGAN, Jpeg, RealESRGAN, blur_kernel, compressed, sinc_kernel
from jaxgan.errors import UserError
from tests.smooth import smooth


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.setenv("JAXGAN_CACHE", str(tmp_path / "cache"))
    (tmp_path / "photos").mkdir()
    Image.fromarray(smooth(160, 192)).save(tmp_path / "photos" / "a.png")
    return Photographs(path=str(tmp_path / "photos"), size=64, factor=4)


def test_blocks_of_eight():
    """Low qualities leave edges where blocks of 8 pixels meet, high ones hardly any difference."""
    picture = smooth(64, 64)
    assert np.abs(compressed(picture, 95).astype(int) - picture).mean() < 3
    poor = compressed(picture, 10).astype(int)
    jumps = np.abs(np.diff(poor, axis=1)).mean((0, 2))
    assert jumps[7::8].mean() > 1.5 * np.delete(jumps, np.arange(7, 63, 8)).mean()


@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_of_crops(data, channels):
    """The crop of the clean small picture, compressed; another quality for each example and epoch, always the same ones."""
    data = dataclasses.replace(data, channels=channels)
    poor = dataclasses.replace(data, degradation=Jpeg(lowest=20, highest=40))
    example = data.load().examples[0]
    clean, worse = (d.transform(example, np.random.default_rng(5)) for d in (data, poor))
    np.testing.assert_array_equal(clean["image"], worse["image"])
    differences = np.abs(clean["input"] - worse["input"])
    assert 0.005 < differences.mean() < 0.4
    np.testing.assert_array_equal(poor.transform(example, np.random.default_rng(5))["input"], worse["input"])
    with Batches(poor, batch_size=4, seed=0) as batches:
        assert next(batches)["input"].shape == (4, 16, 16, channels)


@pytest.mark.parametrize(("lowest", "highest"), [(0, 50), (50, 101), (60, 50)])
def test_qualities_that_there_are_none_of(lowest, highest):
    with pytest.raises(UserError, match=r"give 1 to 100, the lower first|at least 1"):
        Jpeg(lowest=lowest, highest=highest)


def test_kernels_by_hand():
    kernel = blur_kernel(21, (1.5, 1.5), 0.0, "gaussian", 1.0)
    assert kernel.sum() == pytest.approx(1)
    assert kernel[10, 12] / kernel[10, 10] == pytest.approx(np.exp(-4 / (2 * 1.5**2)))
    turned = blur_kernel(21, (3.0, 1.0), np.pi / 2, "gaussian", 1.0)
    assert turned[12, 10] / turned[10, 10] == pytest.approx(np.exp(-4 / 18))
    plateau = blur_kernel(21, (2.0, 2.0), 0.0, "plateau", 2.0)
    assert plateau[10, 12] / plateau[10, 10] == pytest.approx(1 / 2)
    wide = blur_kernel(21, (2.0, 2.0), 0.0, "generalised", 0.5)
    assert wide[10, 14] / wide[10, 10] == pytest.approx(np.exp(-0.5 * 2.0))


def test_a_sinc_lets_through_what_is_below_its_cutoff():
    kernel = sinc_kernel(21, np.pi / 2)
    spectrum = np.abs(np.fft.fft2(kernel, (64, 64)))
    frequency = np.hypot(*np.meshgrid(*[np.fft.fftfreq(64) * 2 * np.pi] * 2))
    assert np.abs(spectrum[frequency < 1.2] - 1).max() < 0.2
    assert spectrum[frequency > 2.0].max() < 0.2


@pytest.mark.parametrize("kind", [RealESRGAN, BSRGAN])
def test_many_kinds_of_damage(data, kind):
    """Every draw is of the right size and range, and different; on average darker or brighter by nothing; noisy or blurred."""
    pytest.importorskip("cv2", reason="it needs OpenCV")
    poor, example = dataclasses.replace(data, degradation=kind(), flip=False), data.load().examples[0]
    plain = dataclasses.replace(data, flip=False)
    seen, means = [], []
    for seed in range(24):
        clean, worse = (d.transform(example, np.random.default_rng(seed)) for d in (plain, poor))
        assert worse["input"].shape == (16, 16, 3)
        assert worse["input"].dtype == np.float32
        assert np.abs(worse["input"]).max() <= 1
        np.testing.assert_array_equal(clean["image"], worse["image"])
        again = poor.transform(example, np.random.default_rng(seed))["input"]
        np.testing.assert_array_equal(again, worse["input"])
        seen.append(np.abs(worse["input"] - clean["input"]).mean())
        means.append((worse["input"] - clean["input"]).mean())
    assert min(seen) > 0.01
    assert np.std(seen) > 0.01
    assert abs(np.mean(means)) < 0.05


def test_without_opencv_a_sentence(data, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "cv2", None)
    poor = dataclasses.replace(data, degradation=RealESRGAN())
    with pytest.raises(
        UserError, match=r"Real-ESRGAN's degradation needs the package 'opencv-python-headless'.*\[upscale\]"
    ):
        poor.transform(data.load().examples[0], np.random.default_rng(0))
