"""What becomes of a photograph on its way to somebody's screen: made smaller, blurred, noisy, compressed.

Networks that were trained on pictures made smaller by a clean filter take the blocks of a JPEG for detail, and make them
larger. So the small pictures that a network learns from are made as such pictures are made: by one order of all this, by two
(Real-ESRGAN, Wang et al. 2021, 2107.10833, section 3; its code's numbers), or by orders of chance (BSRGAN). JPEG is the real
codec, not an approximation that could be differentiated: the data are made on the host. Everything is drawn from the generator
that is given, one for each example and epoch.
"""

import dataclasses
import io
import math

import numpy as np
from PIL import Image

from jaxgan import fields
from jaxgan.errors import UserError, missing_extra
from jaxgan.media import to_image


@dataclasses.dataclass(frozen=True)
class Jpeg:
    """The bicubic filter's small picture, compressed."""

    lowest: int = 30
    """Quality, as libjpeg counts it: drawn uniformly from here."""
    highest: int = 95
    """To here."""

    margin = 0

    def __post_init__(self):
        fields.check(self)
        if not self.lowest <= self.highest <= 100:
            raise UserError(
                f"the qualities of Jpeg go from {self.lowest} to {self.highest}: give 1 to 100, the lower first"
            )

    def apply(self, image: np.ndarray, small: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """uint8 [h, w, C] out of `small` [h, w, C]."""
        return compressed(small, int(random.integers(self.lowest, self.highest + 1)))


@dataclasses.dataclass(frozen=True)
class RealESRGAN:
    """Blur, resize, noise and JPEG, twice, with all the choices of Real-ESRGAN's code."""

    margin = 8
    """Pixels of the small picture around a crop that are made, too, and cut off: blurs reach over the border."""

    def apply(self, image: np.ndarray, small: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """uint8 [h, w, C] out of `image` [H, W, C], of the size of `small` [h, w, C].

        Raises:
            UserError: OpenCV is not installed.
        """
        size = small.shape[:2]
        x = image.astype(np.float32) / 255
        x = _filtered(x, _kernel(random, (0.2, 3.0)))
        x = _resized(x, image.shape[:2], random, (0.2, 0.7, 0.1), (1.0, 1.5), (0.15, 1.0))
        x = _noisy(x, random, (1.0, 30.0), (0.05, 3.0))
        x = _jpeg(x, random)
        if random.random() < 0.8:
            x = _filtered(x, _kernel(random, (0.2, 1.5)))
        x = _resized(x, size, random, (0.3, 0.4, 0.3), (1.0, 1.2), (0.3, 1.0))
        x = _noisy(x, random, (1.0, 25.0), (0.05, 2.5))
        last = _sinc(random, 2 * int(random.integers(3, 11)) + 1, math.pi / 3) if random.random() < 0.8 else None
        if random.random() < 0.5:
            x = _jpeg(_filtered(_to_size(x, size, random), last), random)
        else:
            x = _filtered(_to_size(_jpeg(x, random), size, random), last)
        return _bytes(x)


@dataclasses.dataclass(frozen=True)
class BSRGAN:
    """Two blurs, two reductions, noise and JPEG in an order of chance, and JPEG at the end (Zhang et al. 2021, 2103.14006).

    As in the authors' code, without the one of seven steps that needs a network (the camera's own processing).
    """

    margin = 8
    """As of `RealESRGAN`."""

    def apply(self, image: np.ndarray, small: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """uint8 [h, w, C] out of `image` [H, W, C], of the size of `small` [h, w, C].

        Raises:
            UserError: OpenCV is not installed.
        """
        size = small.shape[:2]
        factor = image.shape[0] // size[0]
        x = image.astype(np.float32) / 255
        if factor == 4 and random.random() < 0.25:
            x, factor = _to_size(x, (x.shape[0] // 2, x.shape[1] // 2), random), 2
        order = [str(name) for name in random.permutation(["blur", "blur", "reduce", "to size", "noise", "jpeg"])]
        first, last = sorted(order.index(name) for name in ("reduce", "to size"))
        order[first], order[last] = "reduce", "to size"
        for name in order:
            if name == "blur":
                x = _filtered(x, _blur_of(factor, random))
            elif name == "reduce" and random.random() < 0.75:
                scale = random.uniform(1, 2 * factor)
                x = _to_size(x, tuple(max(1, round(length / scale)) for length in x.shape[:2]), random)
            elif name == "reduce":
                width = random.uniform(0.1, 0.6 * factor)
                kernel = blur_kernel(25, (width, width), 0.0, "gaussian", 1.0)
                shift = np.float32(
                    [[1, 0, (factor - 1) / 2], [0, 1, (factor - 1) / 2]]
                )  # to the middle of the pixels taken
                x = _filtered(x, _opencv().warpAffine(kernel, shift, kernel.shape))[::factor, ::factor]
            elif name == "to size":
                x = _to_size(x, size, random)
            elif name == "noise":
                x = _coloured_noise(x, random)
            elif random.random() < 0.9:
                x = _jpeg(x, random)
        return _bytes(_jpeg(x, random))


Degradation = Jpeg | RealESRGAN | BSRGAN
"""Instead of none: the bicubic filter alone."""

SIZES = range(7, 22, 2)
"""Of blur kernels."""
KINDS = ("gaussian", "gaussian", "generalised", "generalised", "plateau", "plateau")
SHARES = (0.45, 0.25, 0.12, 0.03, 0.12, 0.03)
"""How often each: alike in all directions, or not."""


def compressed(pixels: np.ndarray, quality: int) -> np.ndarray:
    """uint8 [H, W, 1 or 3] after JPEG of this quality, 1 to 100."""
    file = io.BytesIO()
    to_image(np.ascontiguousarray(pixels)).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file)).reshape(pixels.shape)


def _opencv():
    try:
        import cv2
    except ImportError:
        raise missing_extra("opencv-python-headless", "upscale", "Real-ESRGAN's degradation") from None
    return cv2


def _bytes(x: np.ndarray) -> np.ndarray:
    return np.uint8(np.clip(x, 0, 1) * 255 + 0.5)


def _jpeg(x: np.ndarray, random: np.random.Generator) -> np.ndarray:
    return compressed(_bytes(x), int(random.integers(30, 96))).astype(np.float32) / 255


def _filtered(x: np.ndarray, kernel: np.ndarray | None) -> np.ndarray:
    """[H, W, C], reflected at the border."""
    if kernel is None:
        return x
    cv2 = _opencv()
    return cv2.filter2D(x, -1, kernel.astype(np.float32), borderType=cv2.BORDER_REFLECT_101).reshape(x.shape)


def _kernel(random: np.random.Generator, widths: tuple[float, float]) -> np.ndarray:
    """One of the blurs [size, size]; its values sum to 1."""
    size = int(random.choice(SIZES))
    if random.random() < 0.1:
        return _sinc(random, size, math.pi / 3 if size < 13 else math.pi / 5)
    number = int(random.choice(len(KINDS), p=SHARES))
    alike, kind = number % 2 == 0, KINDS[number]
    first = random.uniform(*widths)
    second, angle = (first, 0.0) if alike else (random.uniform(*widths), random.uniform(-math.pi, math.pi))
    power = 1.0
    if kind != "gaussian":
        low, high = (0.5, 4.0) if kind == "generalised" else (1.0, 2.0)
        power = random.uniform(low, 1.0) if random.random() < 0.5 else random.uniform(1.0, high)
    return blur_kernel(size, (first, second), angle, kind, power)


def blur_kernel(size: int, widths: tuple[float, float], angle: float, kind: str, power: float) -> np.ndarray:
    """exp(-q / 2), exp(-q^power / 2) ("generalised") or 1 / (1 + q^power) ("plateau"), [size, size], of the sum 1.

    q = x^T S^-1 x, for an ellipse S with the standard deviations `widths`, in pixels, along axes turned by `angle` (radians).
    """
    places = np.arange(size) - size // 2
    x, y = np.meshgrid(places, places)
    along, across = x * math.cos(angle) + y * math.sin(angle), y * math.cos(angle) - x * math.sin(angle)
    q = (along / widths[0]) ** 2 + (across / widths[1]) ** 2
    values = 1 / (1 + q**power) if kind == "plateau" else np.exp(-0.5 * q ** (power if kind == "generalised" else 1.0))
    return values / values.sum()


def _blur_of(factor: int, random: np.random.Generator) -> np.ndarray:
    """A Gaussian [size, size], alike in all directions or not, the wider the more the picture is to be reduced."""
    size = 2 * int(random.integers(2, 12)) + 3
    if random.random() < 0.5:
        widths = tuple((4 + factor) * random.random() + 0.01 for _ in range(2))
        # The authors' widths are eigenvalues of the covariance, squares of standard deviations.
        return blur_kernel(size, (widths[0] ** 0.5, widths[1] ** 0.5), math.pi * random.random(), "gaussian", 1.0)
    width = (2 + 0.2 * factor) * random.random() + 0.01
    return blur_kernel(size, (width, width), 0.0, "gaussian", 1.0)


def _coloured_noise(x: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """With Gaussian noise of 2 to 25 of 255: of each colour by itself, the same for all, or in between."""
    level, way = int(random.integers(2, 26)) / 255, random.random()
    if way > 0.6 or x.shape[2] == 1:
        noise = level * random.normal(size=x.shape)
    elif way < 0.4:
        noise = level * random.normal(size=(*x.shape[:2], 1))
    else:
        turned = np.linalg.qr(random.random((3, 3)))[0]
        covariance = level**2 * np.abs(turned.T @ np.diag(random.random(3)) @ turned)
        noise = random.multivariate_normal(np.zeros(3), covariance, x.shape[:2], check_valid="ignore")
    return np.clip(x + noise, 0, 1).astype(np.float32)


def _sinc(random: np.random.Generator, size: int, lowest: float) -> np.ndarray:
    return sinc_kernel(size, random.uniform(lowest, math.pi))


def sinc_kernel(size: int, cutoff: float) -> np.ndarray:
    """cutoff J1(cutoff r) / (2 pi r), [size, size], of the sum 1: nothing above `cutoff` (radians a pixel), and so rings."""
    from scipy.special import j1  # JAX has it

    places = np.arange(size) - size // 2
    radius = np.hypot(*np.meshgrid(places, places))
    with np.errstate(invalid="ignore", divide="ignore"):
        values = cutoff * j1(cutoff * radius) / (2 * math.pi * radius)
    values[size // 2, size // 2] = cutoff**2 / (4 * math.pi)
    return values / values.sum()


def _to_size(x: np.ndarray, size: tuple[int, int], random: np.random.Generator) -> np.ndarray:
    """[*size, C] by one of three filters; none widens for a reduction, as in PyTorch."""
    cv2 = _opencv()
    way = (cv2.INTER_AREA, cv2.INTER_LINEAR, cv2.INTER_CUBIC)[int(random.integers(3))]
    return cv2.resize(x, size[::-1], interpolation=way).reshape(*size, x.shape[2])


def _resized(
    x: np.ndarray,
    base: tuple[int, int],
    random: np.random.Generator,
    shares: tuple[float, float, float],
    up: tuple[float, float],
    down: tuple[float, float],
) -> np.ndarray:
    """Larger, smaller or as large as `base`, drawn by `shares`."""
    way = int(random.choice(3, p=shares))
    scale = random.uniform(*up) if way == 0 else random.uniform(*down) if way == 1 else 1.0
    return _to_size(x, tuple(max(1, round(scale * length)) for length in base), random)


def _noisy(
    x: np.ndarray, random: np.random.Generator, widths: tuple[float, float], strengths: tuple[float, float]
) -> np.ndarray:
    """With Gaussian noise of these standard deviations (of 255), or Poisson's of these strengths; grey in 2 of 5 cases."""
    grey = random.random() < 0.4
    if random.random() < 0.5:
        shape = (*x.shape[:2], 1) if grey else x.shape
        noise = random.normal(size=shape) * random.uniform(*widths) / 255
    else:
        seen = np.clip(x.mean(2, keepdims=True) if grey else x, 0, 1)
        levels = 2 ** math.ceil(math.log2(max(2, len(np.unique(_bytes(seen))))))
        noise = (random.poisson(seen * levels) / levels - seen) * random.uniform(*strengths)
    return np.clip(x + noise, 0, 1).astype(np.float32)
