"""PSNR of a picture against the one that it should be, in decibels."""

from jaxgan.media import Picture
from jaxgan.metrics import similarity

TAKES, OF, LESS_IS_BETTER = (Picture,), "pairs", False


def compare(features_file):
    """The function of two uint8 pictures [1, H, W, C], and what it is called."""
    return similarity.psnr, "PSNR in decibels, RGB, peak 255"
