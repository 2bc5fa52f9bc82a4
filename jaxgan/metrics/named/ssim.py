"""SSIM of a picture against the one that it should be."""

from jaxgan.media import Picture
from jaxgan.metrics import similarity

TAKES, OF, LESS_IS_BETTER = (Picture,), "pairs", False


def compare(features_file):
    """The function of two uint8 pictures [1, H, W, C], and what it is called."""
    return similarity.ssim, "SSIM, RGB, Gaussian window of 11x11"
