"""The Inception Score: how sure a classifier is of the pictures, and how varied they are to it."""

import itertools
from typing import NamedTuple

import numpy as np

from jaxgan.errors import UserError
from jaxgan.metrics.moments import checked_features


class InceptionScore(NamedTuple):
    """What `inception_score` returns. From 1 (each answer the same) to the number of classes."""

    mean: float
    """Over the parts."""
    deviation: float
    """Standard deviation over the parts (divided by their number)."""


def inception_score(logits, splits: int = 10, seed: int = 0) -> InceptionScore:
    """exp E_x KL(p(y | x) || p(y)) of each of `splits` parts of the pictures, where p(y) is the part's mean of p(y | x).

    Salimans et al. 2016, section 4: 50000 pictures in 10 parts. The fewer pictures a part has, the smaller the score. The
    pictures are shuffled first: sorted by class, each part would hold a few classes, and score low.

    Args:
        logits: [N, K], the classifier's output before the softmax.
        splits: number of parts.
        seed: of the shuffle.

    Raises:
        UserError: another shape, logits that are not finite, or fewer pictures than parts.

    >>> sure_and_varied = 100 * np.eye(4)
    >>> score = inception_score(sure_and_varied, splits=1)
    >>> round(score.mean, 3), score.deviation
    (4.0, 0.0)
    """
    from scipy.special import log_softmax

    logits = checked_features(logits, "the pictures (logits)").astype(np.float64)
    if len(logits) < splits:
        raise UserError(
            f"the Inception Score in {splits} parts needs at least {splits} pictures, but there are {len(logits)}"
        )
    log_probabilities = log_softmax(logits[np.random.default_rng(seed).permutation(len(logits))], axis=1)
    bounds = [part * len(logits) // splits for part in range(splits + 1)]
    scores = [_score(log_probabilities[low:high]) for low, high in itertools.pairwise(bounds)]
    return InceptionScore(float(np.mean(scores)), float(np.std(scores)))


def _score(log_probabilities: np.ndarray) -> float:
    from scipy.special import rel_entr

    probabilities = np.exp(log_probabilities)
    marginal = probabilities.mean(axis=0)
    # A class without any probability contributes 0, where log(0) - log(0) would be NaN.
    return float(np.exp(rel_entr(probabilities, marginal).sum(axis=1).mean()))
