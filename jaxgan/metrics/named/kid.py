"""KID: the squared maximum mean discrepancy of the features with a cubic kernel; unbiased, so small sets can be compared."""

from jaxgan.media import Medium
from jaxgan.metrics.kernel import common_subset_size, kernel_distance
from jaxgan.metrics.seeing import by, comparable, counts

TAKES, OF, LESS_IS_BETTER = (Medium,), "sets", True
KEEPS, REAL, NETWORK = ("features",), True, True


def figures(real, made, network, seed):
    """Mean and deviation over subsets."""
    mean, deviation = kernel_distance(real.features, made.features, seed=seed)
    size = common_subset_size(real.count, made.count)
    subsets = (
        "of the whole sets" if size == real.count == made.count else f"mean and deviation over 100 subsets of {size}"
    )
    protocol = (
        f"KID, {by(network)}, {counts(real, made)}, {subsets}, kernel (x.y/D + 1)^3, not scaled; {comparable(network)}"
    )
    return {"value": mean, "deviation": deviation, "protocol": protocol}
