"""FID, where the features are Inception's; with any others the Fréchet distance of the Gaussians fitted to both sets."""

import dataclasses

from jaxgan.media import Medium
from jaxgan.metrics.frechet import few_pictures_warning, frechet_distance
from jaxgan.metrics.seeing import by, comparable, counts

TAKES, OF, LESS_IS_BETTER = (Medium,), "sets", True
KEEPS, REAL, NETWORK = (), True, True


def figures(real, made, network, seed):
    """The distance; a warning where there are fewer examples than features."""
    value = frechet_distance(real.moments, made.moments)
    known = dataclasses.replace(real, count=real.moments.count)  # of saved statistics, where these are given
    protocol = (
        f"FID, {by(network)}, {counts(known, made)}, unbiased covariance; {comparable(network)}, at the same counts"
    )
    warning = few_pictures_warning(real.moments) or few_pictures_warning(made.moments)
    return {"value": value, "protocol": protocol, **({"warning": warning} if warning else {})}
