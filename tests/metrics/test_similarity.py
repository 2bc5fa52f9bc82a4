"""PSNR, SSIM and MS-SSIM against values worked out by hand and a plain restatement."""

import numpy as np
import pytest
from scipy.signal import correlate2d

from jaxgan.errors import UserError
from jaxgan.metrics.similarity import luminance_of, ms_ssim, ms_ssim_diversity, psnr, ssim


def smooth(count, height=64, width=64, channels=3, seed=0):
    """Pictures of a few waves each, as uint8: noise alone has no structure to compare."""
    generator = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]

    def wave():
        down, right = generator.uniform(0.05, 0.6, (2, count, 1, 1, channels))
        return np.sin(down * y[..., None] + right * x[..., None])

    return np.uint8(127.5 + 40 * (wave() + wave() + wave()))


def noisy(pictures, strength=20, seed=1):
    noise = np.random.default_rng(seed).normal(size=pictures.shape) * strength
    return np.uint8(np.clip(pictures + noise, 0, 255))


def test_psnr_by_hand():
    a = np.zeros((2, 4, 4, 3), np.uint8)
    b = a.copy()
    b[1] = 255
    b[0, 0, 0, 0] = 12  # mean square 144 / 48 = 3
    assert psnr(a, b) == pytest.approx([10 * np.log10(255**2 / 3), 0])
    assert psnr(a, a).tolist() == [np.inf, np.inf]


def test_luminance_by_hand():
    """Black 16, white 235, and the primaries of BT.601."""
    colours = np.array([[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 255, 0], [0, 0, 255]], np.uint8)
    np.testing.assert_allclose(luminance_of(colours)[:, 0], [16, 235, 81.481, 144.553, 40.966], rtol=1e-12)
    a, b = np.zeros((1, 2, 2, 3), np.uint8), np.full((1, 2, 2, 3), 255, np.uint8)
    assert psnr(a, b, luminance=True) == pytest.approx([20 * np.log10(255 / 219)])


def test_the_border_is_left_out():
    a = smooth(2, 24, 32)
    b = a.copy()
    b[:, :4], b[:, -4:], b[:, :, :4], b[:, :, -4:] = 0, 0, 0, 0
    assert np.isinf(psnr(a, b, border=4)).all()
    assert np.isfinite(psnr(a, b, border=3)).all()
    assert ssim(a, b, border=4, luminance=True) == pytest.approx([1, 1])
    c = noisy(a)
    np.testing.assert_allclose(ssim(a, c, border=4), ssim(a[:, 4:-4, 4:-4], c[:, 4:-4, 4:-4]))


def plain_factors(a, b):
    """Of one channel, mean luminance times structure and mean structure, window by window in two dimensions."""
    line = np.exp(-((np.arange(11) - 5.0) ** 2) / 4.5)
    window = np.outer(line, line) / np.outer(line, line).sum()
    mean = lambda x: correlate2d(x, window, "valid")  # noqa: E731
    c1, c2 = 6.5025, 58.5225
    structure = (2 * (mean(a * b) - mean(a) * mean(b)) + c2) / (
        (mean(a * a) - mean(a) ** 2) + (mean(b * b) - mean(b) ** 2) + c2
    )
    light = (2 * mean(a) * mean(b) + c1) / (mean(a) ** 2 + mean(b) ** 2 + c1)
    return (light * structure).mean(), structure.mean()


def test_ssim_and_ms_ssim_against_a_plain_restatement():
    """44 x 50: three scales, 44 x 50, 22 x 25 and 11 x 13 (the odd column twice)."""
    a = smooth(1, 44, 50, 1)
    b = noisy(a)
    x, y = a[0, ..., 0].astype(float), b[0, ..., 0].astype(float)
    assert ssim(a, b) == pytest.approx([plain_factors(x, y)[0]], rel=1e-10)
    weights = np.array([0.0448, 0.2856, 0.3001])
    weights /= weights.sum()
    wanted = 1.0
    for scale in range(3):
        similarity, structure = plain_factors(x, y)
        wanted *= (similarity if scale == 2 else structure) ** weights[scale]
        if x.shape[1] % 2:
            x, y = np.hstack([x, x[:, -1:]]), np.hstack([y, y[:, -1:]])
        x, y = (z.reshape(z.shape[0] // 2, 2, z.shape[1] // 2, 2).mean((1, 3)) for z in (x, y)) if scale < 2 else (x, y)
    assert 0.2 < wanted < 0.99
    assert ms_ssim(a, b) == pytest.approx([wanted], rel=1e-10)


def test_equal_pictures_reach_one_and_more_noise_less():
    a = smooth(3)
    for figure in (ssim, ms_ssim):
        np.testing.assert_allclose(figure(a, a), 1, rtol=1e-12)
        assert (figure(a, noisy(a, 10)) > figure(a, noisy(a, 40))).all()
        np.testing.assert_allclose(figure(a, noisy(a)), figure(noisy(a), a))
    # An inverted picture has negative structure: 0, not NaN.
    assert ms_ssim(a, 255 - a).min() >= 0


def test_diversity():
    one = smooth(1)
    assert ms_ssim_diversity(np.repeat(one, 5, 0), pairs=10) == pytest.approx(1)
    varied = smooth(20, 32, 32)
    alike = np.concatenate([noisy(varied[:1], 5, seed) for seed in range(20)])
    assert ms_ssim_diversity(varied, pairs=100) < ms_ssim_diversity(alike, pairs=100) - 0.2
    assert ms_ssim_diversity(varied, 30, seed=3) == ms_ssim_diversity(varied, 30, seed=3)
    # Two pictures make one pair, either way round: never a picture with itself.
    assert ms_ssim_diversity(varied[:2], pairs=70) == pytest.approx(ms_ssim(varied[:1], varied[1:2]).item())


def test_pictures_that_cannot_be_compared():
    a = smooth(2, 16, 16)
    with pytest.raises(UserError, match="of one size"):
        psnr(a, a[:, 1:])
    with pytest.raises(UserError, match="must be uint8"):
        psnr(a / 255, a / 255)
    with pytest.raises(UserError, match=r"must be uint8 \[B, H, W, C\]"):
        psnr(a[0], a[0])
    with pytest.raises(UserError, match="1 channels"):
        psnr(a[..., :1], a[..., :1], luminance=True)
    with pytest.raises(UserError, match="border of 8 leaves nothing"):
        psnr(a, a, border=8)
    with pytest.raises(UserError, match="at least 11 x 11"):
        ssim(a, a, border=3)
    with pytest.raises(UserError, match="at least 11 x 11"):
        ms_ssim(a[:, :10], a[:, :10])
    with pytest.raises(UserError, match="at least 2 pictures"):
        ms_ssim_diversity(a[:1])
