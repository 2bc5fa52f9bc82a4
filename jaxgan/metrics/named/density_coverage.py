"""Density and coverage: precision and recall that outliers of the real set do not inflate."""

from jaxgan.media import Medium
from jaxgan.metrics.manifold import density_coverage
from jaxgan.metrics.seeing import of_neighbourhoods

TAKES, OF, LESS_IS_BETTER, DECIDES = (Medium,), "sets", False, "coverage"
KEEPS, REAL, NETWORK = ("features",), True, True
NEIGHBOURS = 5


def figures(real, made, network, seed):
    """Both, by balls around 5 nearest neighbours."""
    return of_neighbourhoods(density_coverage, NEIGHBOURS, real, made, network)
