"""Directions in the latent space along which one thing changes.

All are scaled alike (`standardized`): strength 1 moves a latent by one standard deviation of the latents along the direction.
"""

import numpy as np

from jaxgan.errors import UserError, missing_extra


def standardized(directions: np.ndarray, latents: np.ndarray) -> np.ndarray:
    """Directions whose length is the standard deviation of the latents along them, so that strength 1 is one of those.

    Args:
        directions: [..., D], of any length but 0.
        latents: [N, D].

    Returns:
        float32 [..., D]: u std(latents . u), where u is the unit vector of the direction. Latents of N(0, 1) have a standard
        deviation of 1 in every direction, those uniform on (-1, 1) one of 0.577.

    >>> standardized(np.array([2.0, 0.0]), latents=np.array([[3.0, 5.0], [-3.0, 7.0]])).tolist()
    [3.0, 0.0]
    """
    directions = np.asarray(directions, np.float64)
    units = directions / np.linalg.norm(directions, axis=-1, keepdims=True)
    spread = np.std(np.asarray(latents, np.float64) @ np.moveaxis(units, -1, 0), axis=0)
    return (units * spread[..., None]).astype(np.float32)


def one_layer(latents: np.ndarray, space: str) -> np.ndarray:
    """Latents as vectors [N, D], in which directions are found: in "w", where all layers have the same, those of one.

    >>> one_layer(np.zeros((5, 4, 3)), "w").shape, one_layer(np.zeros((5, 4, 3)), "z").shape
    ((5, 3), (5, 12))
    """
    return latents[:, 0] if space == "w" else latents.reshape(len(latents), -1)


def all_layers(vectors: np.ndarray, latents: np.ndarray, space: str) -> np.ndarray:
    """Directions [K, D] as they are added to latents [N, ...]: [K, ...]; in "w" to each layer.

    >>> all_layers(np.eye(3)[:2], np.zeros((5, 4, 3)), "w").shape
    (2, 4, 3)
    """
    shape = latents.shape[1:]
    if space == "w":
        return np.repeat(vectors[:, None], shape[0], 1)
    return vectors.reshape(-1, *shape)


def attribute_direction(latents: np.ndarray, present: np.ndarray) -> np.ndarray:
    """The direction along which an attribute appears: the normal of the plane that logistic regression puts between.

    InterFaceGAN (Shen et al. 2020, Interpreting the Latent Space of GANs, arXiv:1907.10786, section 2.1) takes the normal of a
    support vector machine; the logistic loss gives as linear a boundary. Balanced: a rare attribute counts as much as its
    absence. Deterministic.

    Args:
        latents: [N, ...].
        present: truth values [N]: which of them the generator gives the attribute.

    Returns:
        float32 of the shape of one latent, `standardized`; positive strengths add the attribute.

    Raises:
        UserError: all the latents are of one side; or scikit-learn is not installed.
    """
    try:
        from sklearn.linear_model import LogisticRegression
    except ImportError as error:
        raise missing_extra("sklearn", "data", "a direction from labels") from error
    flat, present = np.reshape(latents, (len(latents), -1)).astype(np.float64), np.asarray(present, bool)
    if present.all() or not present.any():
        raise UserError(
            f"{'all' if present.all() else 'none'} of the {len(present)} samples have the attribute, and a direction is told "
            "from samples with and without it: take more samples (--num), or another attribute"
        )
    model = LogisticRegression(class_weight="balanced", max_iter=1000).fit(flat, present)
    return standardized(model.coef_[0], flat).reshape(np.shape(latents)[1:])


def orthogonalized(direction: np.ndarray, others: np.ndarray, latents: np.ndarray) -> np.ndarray:
    """The direction without its part in the span of others: what is left moves none of them, to first order.

    Conditional manipulation, InterFaceGAN (Shen et al. 2020, arXiv:1907.10786, section 2.2): n1 - (n1 . n2) n2 for unit
    normals, and the projection off the span where there are several.

    Args:
        direction: of the shape of one latent.
        others: [K, ...]; they need not be independent.
        latents: [N, ...], for the scale.

    Returns:
        float32 of the shape of one latent, `standardized`.

    Raises:
        UserError: the direction lies in the span of the others.
    """
    flat = np.reshape(direction, -1).astype(np.float64)
    span = np.reshape(others, (len(others), flat.size)).astype(np.float64)
    _, sizes, basis = np.linalg.svd(span, full_matrices=False)
    basis = basis[sizes > 1e-6 * sizes.max(initial=0)]  # the rows that are more than rounding
    rest = flat - basis.T @ (basis @ flat)
    if np.linalg.norm(rest) < 1e-6 * np.linalg.norm(flat):
        raise UserError("the direction is a mixture of those that it is to leave alone: keep fewer attributes")
    return standardized(rest, np.reshape(latents, (len(latents), -1))).reshape(np.shape(direction))


def value_directions(latents: np.ndarray, labels: np.ndarray, fewest: int = 10) -> np.ndarray:
    """The directions of all values of an attribute, each against the others: what `orthogonalized` keeps an attribute by.

    Args:
        latents: [N, ...].
        labels: whole numbers [N].
        fewest: samples with a value, and without it, that a direction takes; the others are left out.

    Returns:
        float32 [K, ...], K at most the number of different labels, and 0 where hardly anything varies.
    """
    masks = (labels == value for value in np.unique(labels))
    found = [attribute_direction(latents, m) for m in masks if fewest <= m.sum() <= len(m) - fewest]
    return np.stack(found) if found else np.zeros((0, *np.shape(latents)[1:]), np.float32)


def sefa_directions(kernel: np.ndarray, count: int) -> np.ndarray:
    """Closed-form factorisation: the unit directions n that the first layer y = A z + b stretches most, max ||A n||^2.

    SeFa (Shen & Zhou 2020, Closed-Form Factorization of Latent Semantics in GANs, arXiv:2007.06600, section 3): the
    eigenvectors of A^T A of the largest eigenvalues.

    Args:
        kernel: [D, F], as flax keeps it: A is its transpose.
        count: how many, at most D.

    Returns:
        [count, D], orthonormal, the strongest first; the largest element of each is positive, which fixes its sign.
    """
    kernel = np.asarray(kernel, np.float64)
    _, vectors = np.linalg.eigh(kernel @ kernel.T)
    return _signed(vectors.T[::-1][:count])


def pca_directions(latents: np.ndarray, features: np.ndarray, count: int) -> np.ndarray:
    """Principal components of the generator's features, carried back to the latent space.

    GANSpace (Harkonen et al. 2020, arXiv:2004.02546, section 2.2, for generators without a mapping network): the features of
    random latents have coordinates x = V^T (y - mean) along their principal components, and the directions are the columns
    of U = argmin sum_j ||U x_j - z_j||^2, by least squares.

    Args:
        latents: [N, D].
        features: [N, F], an activation of the generator for each of them. Not that of its first linear layer: of normal
            latents that gives the directions of `sefa_directions` again.
        count: how many, at most min(N, F).

    Returns:
        [count, D] unit vectors, the component of the largest variance first, signs as in `sefa_directions`.

    Raises:
        UserError: scikit-learn is not installed.
    """
    try:
        from sklearn.decomposition import PCA
    except ImportError as error:
        raise missing_extra("sklearn", "data", "the method pca") from error
    coordinates = PCA(count, svd_solver="auto", random_state=0).fit_transform(np.asarray(features, np.float32))
    centred = np.asarray(latents, np.float64) - np.mean(latents, 0, np.float64)
    columns, *_ = np.linalg.lstsq(coordinates.astype(np.float64), centred, rcond=None)
    return _signed(columns / np.linalg.norm(columns, axis=-1, keepdims=True))


def _signed(vectors: np.ndarray) -> np.ndarray:
    largest = np.take_along_axis(vectors, np.argmax(np.abs(vectors), -1)[:, None], -1)
    return vectors * np.sign(largest)
