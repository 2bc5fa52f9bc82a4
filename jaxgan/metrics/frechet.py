"""The Fréchet distance of two sets of features: FID when they are the Inception network's."""

import numpy as np

from jaxgan.errors import UserError
from jaxgan.metrics.moments import Moments


def frechet_distance(real: Moments, fake: Moments) -> float:
    """|m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)): squared distance of the Gaussians with these means and covariances.

    Dowson and Landau 1982; Heusel et al. 2017, equation 6 (FID).

    No matrix square root is taken. With S1 = A A^T and S2 = B B^T, tr (S1 S2)^(1/2) is the sum of the singular values of
    A^T B, so the second term is the least |A - B Q|^2 over rotations Q: never negative, 0 for equal sets whatever their
    rank, and as accurate as the factors. (Eigenvalues of S1 S2 are the squares of those singular values, and lose half of
    the digits: with fewer pictures than dimensions, that is the noise that other implementations return.)

    Args:
        real, fake: features of the same network.

    Returns:
        At least 0; 0 for equal sets.

    Raises:
        UserError: the features differ in length, or a set has fewer than 2 pictures.

    >>> from jaxgan.metrics.moments import Moments
    >>> real, fake = Moments.empty(1).update([[0.0], [2.0]]), Moments.empty(1).update([[3.0], [5.0]])
    >>> frechet_distance(real, fake), frechet_distance(real, real)
    (9.0, 0.0)
    """
    if real.dimensions != fake.dimensions:
        raise UserError(
            f"statistics of {real.dimensions} and of {fake.dimensions} features cannot be compared: "
            "make both with the same feature network"
        )
    first, second = _factor(real.covariance), _factor(fake.covariance)
    overlap = np.linalg.svd(first.T @ second, compute_uv=False).sum() if first.size and second.size else 0.0
    spread = np.square(first).sum() + np.square(second).sum() - 2 * overlap
    return float(np.square(real.mean - fake.mean).sum() + max(spread, 0.0))


def few_pictures_warning(moments: Moments) -> str | None:
    """A sentence, where there are too few pictures for the covariance of their features to have full rank; else None."""
    if moments.count is None or moments.count > moments.dimensions:
        return None
    return (
        f"{moments.count} examples are too few for {moments.dimensions} features: their covariance is singular and the "
        "Fréchet distance comes out too large; compare it only with figures of the same count, or use the kernel distance"
    )


def _factor(covariance: np.ndarray) -> np.ndarray:
    """F [D, rank] with covariance = F F^T, by Cholesky's method with pivoting.

    Of the correlations, which are then scaled back: rounding is relative to each feature's own variance, and a feature of a
    large scale does not drown the others.
    """
    from scipy.linalg import lapack

    scale = np.sqrt(np.maximum(np.diag(covariance), 0))
    safe = np.where(scale > 0, scale, 1.0)
    triangle, pivots, rank, _ = lapack.dpstrf(covariance / np.outer(safe, safe), lower=1)
    factor = np.empty((len(scale), rank))
    factor[pivots - 1] = np.tril(triangle)[:, :rank]
    return factor * scale[:, None]
