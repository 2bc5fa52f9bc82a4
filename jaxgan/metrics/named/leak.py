"""Leak: how much more often than real pictures the samples are mirrored, turned, inverted or recoloured. Near 0 is good."""

from jaxgan.media import Picture
from jaxgan.metrics.leak import leaks
from jaxgan.metrics.seeing import format_of

TAKES, OF, LESS_IS_BETTER = (Picture,), "sets", True
KEEPS, REAL, NETWORK = ("examples",), True, False


def figures(real, made, network, seed):
    """The greatest of the changes that can be told in such pictures, and each of them."""
    found = leaks(real.examples, made.examples, seed)
    deviations = ", ".join(f"{name} {deviation:.2g}" for name, (_, deviation) in found.items())
    protocol = (
        f"Share that is changed, by how linear classifiers of 8x8 pixels take {len(made.examples)} {made.what} "
        f"{format_of(made)} against {len(real.examples)} {real.what}; standard deviations by chance: {deviations or 'none'}; "
        "one change may count for another, and so may what is unlike the real at all: compare with a run without augmentation"
    )
    each = {name: share for name, (share, _) in found.items()}
    if not found:
        warning = "leak: in these pictures no change can be told from how they are, so nothing is known about leaks"
        return {"value": float("nan"), "protocol": protocol, "warning": warning}
    return {"value": max(each.values()), **each, "protocol": protocol}
