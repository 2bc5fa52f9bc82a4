"""The Inception Score where it is known."""

import numpy as np
import pytest

from jaxgan.errors import UserError
from jaxgan.metrics.inception_score import inception_score


def test_sure_and_varied_answers_score_the_number_of_classes():
    logits = 1000.0 * np.eye(5)[np.arange(500) % 5]
    mean, deviation = inception_score(logits, splits=1)
    assert mean == pytest.approx(5, rel=1e-12)
    assert deviation == 0


def test_answers_that_are_all_the_same_score_one():
    logits = np.tile([3.0, -1.0, 0.5], (40, 1))
    assert inception_score(logits) == pytest.approx((1, 0), abs=1e-12)


def test_by_its_formula():
    logits = np.random.default_rng(0).normal(size=(6, 3)) * 2
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    divergence = (probabilities * np.log(probabilities / probabilities.mean(0))).sum(1)
    assert inception_score(logits, splits=1).mean == pytest.approx(np.exp(divergence.mean()), rel=1e-12)
    assert inception_score(logits + 700, splits=1).mean == pytest.approx(np.exp(divergence.mean()), rel=1e-10)


def test_pictures_sorted_by_class_score_as_those_that_are_not():
    """Unshuffled, each of the ten parts would hold one class and score 1."""
    logits = 20.0 * np.eye(10)[np.repeat(np.arange(10), 200)]
    mean, deviation = inception_score(logits)
    assert mean > 9.5
    assert 0 < deviation < 0.2
    assert inception_score(logits) == (mean, deviation)


def test_logits_that_cannot_be_scored():
    with pytest.raises(UserError, match="at least 10 pictures, but there are 9"):
        inception_score(np.zeros((9, 3)))
    with pytest.raises(UserError, match=r"not finite .* picture 4"):
        inception_score(np.where(np.arange(20)[:, None] == 4, np.nan, np.zeros((20, 3))))
    with pytest.raises(UserError, match="shape"):
        inception_score(np.zeros(20))
