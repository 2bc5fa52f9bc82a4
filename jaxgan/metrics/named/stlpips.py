"""ST-LPIPS of a picture against the one that it should be: a perceptual distance with weights of its own, of a PyPI package."""

from jaxgan.media import Picture

TAKES, OF, LESS_IS_BETTER = (Picture,), "pairs", True


def compare(features_file):
    """The function of two uint8 pictures [1, H, W, C], and what it is called."""
    from jaxgan.metrics.stlpips import NAME, load_stlpips

    return load_stlpips(), NAME
