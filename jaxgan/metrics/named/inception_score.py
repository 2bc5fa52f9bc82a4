"""Inception Score: how sure a classifier is of each picture, and how varied its answers are. Looks at no real picture."""

from jaxgan.errors import UserError
from jaxgan.media import Picture
from jaxgan.metrics.inception_score import inception_score
from jaxgan.metrics.seeing import comparable, counts

TAKES, OF, LESS_IS_BETTER = (Picture,), "sets", False
KEEPS, REAL, NETWORK = ("logits",), False, True


def figures(real, made, network, seed):
    """Mean and deviation over 10 parts. UserError where the network gives no probabilities of classes."""
    if made.logits is None:
        raise UserError(
            f"the metric inception_score needs class probabilities, and {network.name} gives none: give --features inception "
            "with --features-file, or data with a label"
        )
    mean, deviation = inception_score(made.logits, seed=seed)
    protocol = (
        f"Inception Score, {made.logits.shape[1]} classes of {network.name} (digest {network.digest[:12]}), "
        f"{counts(None, made)}, mean and deviation over 10 parts; {comparable(network)}, at the same count"
    )
    return {"value": mean, "deviation": deviation, "protocol": protocol}
