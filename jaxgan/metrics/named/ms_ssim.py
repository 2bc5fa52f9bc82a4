"""Mean MS-SSIM over random pairs of generated pictures: how alike they are. Less is more diverse."""

from jaxgan.media import Picture
from jaxgan.metrics.seeing import format_of
from jaxgan.metrics.similarity import ms_ssim_diversity

TAKES, OF, LESS_IS_BETTER = (Picture,), "sets", True
KEEPS, REAL, NETWORK = ("examples",), True, False
PAIRS = 1000


def figures(real, made, network, seed):
    """Of the generated, and of the real ones beside it."""
    protocol = (
        f"MS-SSIM, mean over {PAIRS} random pairs of {len(made.examples)} {made.what} {format_of(made)}; comparable "
        "with the figure of the real pictures beside it, and at this size only; less is more diverse"
    )
    found = {"value": ms_ssim_diversity(made.examples, PAIRS, seed), "protocol": protocol}
    return found if real is None else {**found, "real": ms_ssim_diversity(real.examples, PAIRS, seed)}
