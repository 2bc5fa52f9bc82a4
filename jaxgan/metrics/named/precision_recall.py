"""Precision and recall: how much of what is made lies where the real is, and how much of the real is reached."""

from jaxgan.media import Medium
from jaxgan.metrics.manifold import precision_recall
from jaxgan.metrics.seeing import of_neighbourhoods

TAKES, OF, LESS_IS_BETTER, DECIDES = (Medium,), "sets", False, "recall"
KEEPS, REAL, NETWORK = ("features",), True, True
NEIGHBOURS = 3


def figures(real, made, network, seed):
    """Both, by balls around 3 nearest neighbours."""
    return of_neighbourhoods(precision_recall, NEIGHBOURS, real, made, network)
