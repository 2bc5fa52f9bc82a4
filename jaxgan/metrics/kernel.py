"""The kernel distance of two sets of features: KID when they are the Inception network's."""

from typing import NamedTuple

import numpy as np

from jaxgan.errors import UserError
from jaxgan.metrics.moments import checked_features


class KernelDistance(NamedTuple):
    """What `kernel_distance` returns."""

    mean: float
    """Over the subsets. May be slightly below 0 for sets that are alike: the estimate is unbiased."""
    deviation: float
    """Standard deviation over the subsets (divided by their number); 0 where a subset is all there is."""


def common_subset_size(real_count: int, fake_count: int, subset_size: int = 1000) -> int:
    """Size of the subsets that `kernel_distance` draws: `subset_size`, or the smaller set's where that is less.

    It is part of the protocol, to be written beside the figure: the mean does not depend on it, the deviation does.
    """
    return min(subset_size, real_count, fake_count)


def kernel_distance(real, fake, subsets: int = 100, subset_size: int = 1000, seed: int = 0) -> KernelDistance:
    """Mean and deviation of `polynomial_mmd2` over random subsets.

    Binkowski et al. 2018, section 4 (KID). Unlike the Fréchet distance it is unbiased, and can be used with few pictures.

    Args:
        real: features [N, D].
        fake: features [M, D].
        subsets: how many.
        subset_size: pictures in a subset of each set, drawn without replacement; see `common_subset_size`.
        seed: of the subsets.

    Raises:
        UserError: the features differ in length or are not finite, or a set has fewer than 2 pictures.

    >>> distance = kernel_distance(real=[[1.0], [1.0]], fake=[[0.0], [0.0]])  # 8 + 1 - 2 * 1
    >>> distance.mean, distance.deviation
    (7.0, 0.0)
    """
    real = checked_features(real, "the real pictures")
    fake = checked_features(fake, "the fake pictures", real.shape[1])
    size = common_subset_size(len(real), len(fake), subset_size)
    if size == len(real) == len(fake):
        return KernelDistance(polynomial_mmd2(real, fake), 0.0)  # every subset would be the whole
    generator = np.random.default_rng(seed)
    distances = [
        polynomial_mmd2(
            real[generator.choice(len(real), size, replace=False)],
            fake[generator.choice(len(fake), size, replace=False)],
        )
        for _ in range(subsets)
    ]
    return KernelDistance(float(np.mean(distances)), float(np.std(distances)))


def polynomial_mmd2(real, fake) -> float:
    """Unbiased estimate of the squared maximum mean discrepancy, with the kernel k(x, y) = (x . y / D + 1)^3.

        mean_{i != j} k(x_i, x_j) + mean_{i != j} k(y_i, y_j) - 2 mean_{i, j} k(x_i, y_j)

    Gretton et al. 2012, equation 3; Binkowski et al. 2018, section 4, for the kernel.

    Args:
        real, fake: features [N, D] and [M, D].

    Raises:
        UserError: a set has fewer than 2 pictures.
    """
    real, fake = np.asarray(real, np.float64), np.asarray(fake, np.float64)
    if min(len(real), len(fake)) < 2:
        raise UserError(
            f"the kernel distance needs at least 2 pictures of each set, but there are {len(real)} real and {len(fake)} fake"
        )
    return float(_mean_of_pairs(real) + _mean_of_pairs(fake) - 2 * _kernel(real, fake).mean())


def _kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    product = x @ y.T / x.shape[1] + 1
    return product * product * product  # several times faster than ** 3


def _mean_of_pairs(x: np.ndarray) -> float:
    kernel = _kernel(x, x)
    return (kernel.sum() - np.trace(kernel)) / (len(x) * (len(x) - 1))
