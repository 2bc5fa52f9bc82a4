"""LPIPS of a picture against the one that it should be, by features of VGG16."""

from jaxgan.media import Picture

TAKES, OF, LESS_IS_BETTER = (Picture,), "pairs", True


def compare(features_file):
    """The function of two uint8 pictures [1, H, W, C], and what it is called."""
    from jaxgan.metrics.lpips import load_lpips

    network = load_lpips(features_file)
    return network, f"LPIPS {network.name} (digest {network.digest[:12]})"
