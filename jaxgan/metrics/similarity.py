"""PSNR, SSIM and MS-SSIM: a picture against the picture that it should be, and against others of its kind.

Pictures are uint8 [B, H, W, C]; the range of values is 255 throughout. SSIM is stated here rather than taken from
scikit-image because MS-SSIM needs its two factors apart, and because whole batches are filtered at once; a test holds it
equal to scikit-image's.
"""

from collections.abc import Iterable

import numpy as np

from jaxgan.errors import UserError

WINDOW = 11
"""Side of the Gaussian window of SSIM, of standard deviation 1.5; Wang et al. 2004, section III.C."""

SCALE_WEIGHTS = np.array([0.0448, 0.2856, 0.3001, 0.2363, 0.1333])
"""Exponents of the scales of MS-SSIM, the finest first; Wang et al. 2003, section 3.2."""

PAIRS_AT_ONCE = 64
"""Pairs that `ms_ssim_diversity` filters together: no slower than more, and in little memory."""


def psnr(a, b, *, luminance: bool = False, border: int = 0) -> np.ndarray:
    """Peak signal-to-noise ratio in decibels, 10 log10(255^2 / mean (a - b)^2), of each picture.

    Args:
        a, b: uint8 [B, H, W, C].
        luminance: compare `luminance_of` the pictures instead of RGB, as the literature on super-resolution does.
        border: pixels to leave out on each side; super-resolution by a factor s leaves out s.

    Returns:
        float64 [B]; infinite for equal pictures.

    Raises:
        UserError: the shapes differ or are not [B, H, W, C], the pictures are not uint8, the border leaves nothing, or
            `luminance` is asked of pictures without colour.

    >>> dark = np.zeros((1, 16, 16, 3), np.uint8)
    >>> psnr(dark, dark + 16).round(2).tolist()
    [24.05]
    """
    a, b = _compared(a, b, luminance, border)
    error = np.square(a - b).mean(axis=(1, 2, 3))
    with np.errstate(divide="ignore"):
        return 10 * np.log10(255.0**2 / error)


def ssim(a, b, *, luminance: bool = False, border: int = 0) -> np.ndarray:
    """Structural similarity of each picture: mean over all windows, and over the channels.

        (2 m_a m_b + c1) (2 s_ab + c2) / ((m_a^2 + m_b^2 + c1) (s_a^2 + s_b^2 + c2)),   c1 = (0.01 255)^2, c2 = (0.03 255)^2

    with means, variances and covariance under a Gaussian window of 11 x 11 that lies inside of the picture. Wang et al.
    2004, equation 13.

    Args:
        a, b, luminance, border: as of `psnr`; at least 11 x 11 pixels must be left.

    Returns:
        float64 [B], at most 1, which equal pictures reach.

    Raises:
        UserError: as `psnr`, or less than 11 x 11 pixels are left.

    >>> dark = np.zeros((1, 16, 16, 3), np.uint8)
    >>> ssim(dark, dark).round(3).tolist(), ssim(dark, dark + 16).round(3).tolist()
    ([1.0], [0.025])
    """
    a, b = _compared(a, b, luminance, border)
    _scales(a)
    similarity, _ = _similarity_and_structure(a, b)
    return similarity.mean(axis=1)


def ms_ssim(a, b) -> np.ndarray:
    """Multi-scale structural similarity of each picture: mean over the channels.

        prod_{j < M} cs_j^{w_j} * ssim_M^{w_M},   cs = (2 s_ab + c2) / (s_a^2 + s_b^2 + c2), mean over the windows, at least 0

    where each scale halves the one before by the mean of 2 x 2 pixels. Wang et al. 2003, equation 7, with M = 5 and the
    weights of section 3.2. Pictures with a side of at most 160 have no fifth scale that holds a window of 11 x 11: they are
    compared at as many scales as do (64 x 64 at 3, 32 x 32 at 2), with those weights scaled to sum 1. Figures of different
    sizes can therefore not be compared.

    Args:
        a, b: uint8 [B, H, W, C], at least 11 x 11.

    Returns:
        float64 [B] in [0, 1]; 1 for equal pictures.

    Raises:
        UserError: the shapes differ or are not [B, H, W, C], or the pictures are not uint8 or too small.
    """
    a, b = _compared(a, b, luminance=False, border=0)
    scales = _scales(a)
    weights = SCALE_WEIGHTS[:scales]
    if scales < len(SCALE_WEIGHTS):
        weights = weights / weights.sum()
    product = np.ones((len(a), a.shape[-1]))
    for scale, weight in enumerate(weights):
        similarity, structure = _similarity_and_structure(a, b)
        last = scale == scales - 1
        product *= np.maximum(similarity if last else structure, 0) ** weight
        if not last:
            a, b = _halved(a), _halved(b)
    return product.mean(axis=1)


def ms_ssim_diversity(pictures, pairs: int = 1000, seed: int = 0) -> float:
    """Mean `ms_ssim` over random pairs of different pictures of one set: the lower, the more diverse.

    Odena et al. 2017, section 4.2, who took 100 pairs within each class. To be read beside the figure of the real pictures:
    noise is diverse, too.

    Args:
        pictures: uint8 [N, H, W, C].
        pairs: how many, drawn with replacement.
        seed: of the pairs.

    Raises:
        UserError: fewer than 2 pictures; or as `ms_ssim`.
    """
    pictures = np.asarray(pictures)
    if len(pictures) < 2:
        raise UserError(f"pairs need at least 2 pictures, but there are {len(pictures)}")
    generator = np.random.default_rng(seed)
    first = generator.integers(len(pictures), size=pairs)
    second = (first + generator.integers(1, len(pictures), size=pairs)) % len(pictures)
    chunks = [slice(start, start + PAIRS_AT_ONCE) for start in range(0, pairs, PAIRS_AT_ONCE)]
    return float(np.concatenate([ms_ssim(pictures[first[chunk]], pictures[second[chunk]]) for chunk in chunks]).mean())


def luminance_of(pictures) -> np.ndarray:
    """Y [..., 1] in [16, 235] of RGB [..., 3] in [0, 255]: 16 + (65.481 R + 128.553 G + 24.966 B) / 255.

    ITU-R BT.601 in the studio's range, which is MATLAB's `rgb2ycbcr`; float64, not rounded.
    """
    weights = np.array([65.481, 128.553, 24.966]) / 255
    return 16 + np.asarray(pictures, np.float64) @ weights[:, None]


def _compared(a, b, luminance: bool, border: int) -> tuple[np.ndarray, np.ndarray]:
    """Both pictures as float64 [B, h, w, c], checked, cropped and converted."""
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape:
        raise UserError(f"pictures {list(a.shape)} and {list(b.shape)} cannot be compared: they must be of one size")
    if a.ndim != 4 or a.dtype != np.uint8 or b.dtype != np.uint8:
        raise UserError(
            f"pictures to compare must be uint8 [B, H, W, C], but are {a.dtype} and {b.dtype} {list(a.shape)}"
        )
    if luminance and a.shape[3] != 3:
        raise UserError(f"luminance is of RGB pictures, but these have {a.shape[3]} channels: compare them as they are")
    if border < 0 or 2 * border >= min(a.shape[1:3]):
        raise UserError(f"a border of {border} leaves nothing of pictures of {a.shape[2]} x {a.shape[1]} pixels")
    inner = slice(border, -border or None)
    convert = luminance_of if luminance else (lambda pictures: pictures.astype(np.float64))
    return convert(a[:, inner, inner]), convert(b[:, inner, inner])


def _scales(pictures: np.ndarray) -> int:
    """How many times the pictures can be halved and still hold a window, and once more; at most 5."""
    height, width = pictures.shape[1:3]
    side, scales = min(height, width), 0
    while side >= WINDOW and scales < len(SCALE_WEIGHTS):
        side, scales = (side + 1) // 2, scales + 1
    if not scales:
        raise UserError(
            f"SSIM needs pictures of at least {WINDOW} x {WINDOW} pixels inside the border, but these have {width} x {height}"
        )
    return scales


def _similarity_and_structure(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """SSIM, and its factor of contrast and structure, of float64 [B, H, W, C]: mean over the windows, each [B, C]."""
    mean_a, mean_b, square_a, square_b, cross = _windowed([a, b, a * a, b * b, a * b])
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    variances = square_a - mean_a**2 + square_b - mean_b**2
    structure = (2 * (cross - mean_a * mean_b) + c2) / (variances + c2)
    luminance = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    return (luminance * structure).mean(axis=(1, 2)), structure.mean(axis=(1, 2))


def _windowed(arrays: Iterable[np.ndarray]) -> list[np.ndarray]:
    """Means under the Gaussian window of each array [B, H, W, C], where it lies inside: [B, H - 10, W - 10, C]."""
    from scipy.ndimage import correlate1d

    radius = WINDOW // 2
    window = np.exp(-np.square(np.arange(-radius, radius + 1)) / (2 * 1.5**2))
    window /= window.sum()
    inner = slice(radius, -radius)
    return [correlate1d(correlate1d(x, window, 1)[:, inner], window, 2)[:, :, inner] for x in arrays]


def _halved(pictures: np.ndarray) -> np.ndarray:
    """Means of 2 x 2 pixels; an odd last row or column counts twice."""
    _, height, width, _ = pictures.shape
    even = np.pad(pictures, [(0, 0), (0, height % 2), (0, width % 2), (0, 0)], mode="edge")
    return (even[:, ::2, ::2] + even[:, 1::2, ::2] + even[:, ::2, 1::2] + even[:, 1::2, 1::2]) / 4
