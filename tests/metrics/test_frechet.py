"""The Fréchet distance against closed forms, and where other implementations return noise."""

import numpy as np
import pytest

from jaxgan.errors import UserError
from jaxgan.metrics.frechet import few_pictures_warning, frechet_distance
from jaxgan.metrics.moments import Moments


def known(mean, covariance):
    return Moments(None, np.array(mean, np.float64), np.array(covariance, np.float64))


def of(features):
    return Moments.empty(features.shape[1]).update(features)


def test_in_one_dimension():
    """(m1 - m2)^2 + (s1 - s2)^2."""
    assert frechet_distance(known([1], [[4]]), known([3], [[25]])) == pytest.approx(4 + 9, rel=1e-12)


def test_of_commuting_covariances():
    """|m1 - m2|^2 + sum (sqrt l1 - sqrt l2)^2, with the same eigenvectors and eigenvalues l1, l2."""
    rotation = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    first, second = np.array([1.0, 4.0, 9.0]), np.array([16.0, 0.0, 1.0])
    distance = frechet_distance(
        known([0, 0, 0], rotation * first @ rotation.T), known([1, 2, 2], rotation * second @ rotation.T)
    )
    assert distance == pytest.approx(9 + 9 + 4 + 4, rel=1e-10)


def test_of_any_covariances():
    """Eigenvalues of S1 S2 as they come, which is accurate enough where both are well conditioned."""
    generator = np.random.default_rng(1)
    real, fake = (
        of(generator.normal(size=(200, 5))),
        of(generator.normal(size=(300, 5)) @ generator.normal(size=(5, 5))),
    )
    overlap = np.sqrt(np.linalg.eigvals(real.covariance @ fake.covariance).real).sum()
    wanted = np.square(real.mean - fake.mean).sum() + np.trace(real.covariance + fake.covariance) - 2 * overlap
    assert frechet_distance(real, fake) == pytest.approx(wanted, rel=1e-10)
    assert frechet_distance(fake, real) == pytest.approx(wanted, rel=1e-10)


@pytest.mark.parametrize("count", [15, 200])
@pytest.mark.parametrize("scales", [np.ones(40), np.logspace(-4, 3, 40)], ids=["even", "badly scaled"])
def test_equal_sets(count, scales):
    """With fewer pictures than features, too, and when they came in another order and in other batches."""
    generator = np.random.default_rng(2)
    features = (generator.normal(size=(count, 40)) @ generator.normal(size=(40, 40)) + 10) * scales
    again = Moments.empty(40)
    for batch in np.array_split(features[generator.permutation(count)], 7):
        again = again.update(batch)
    assert 0 <= frechet_distance(of(features), of(features)) < 1e-6
    assert 0 <= frechet_distance(of(features), again) < 1e-3


def test_features_that_never_change():
    """A feature of no variance, and a set of none at all."""
    features = np.random.default_rng(3).normal(size=(20, 3)) * [1, 0, 1]
    constant = of(np.ones((5, 3)))
    wanted = np.trace(of(features).covariance) + np.square(of(features).mean - 1).sum()
    assert frechet_distance(of(features), constant) == pytest.approx(wanted, rel=1e-12)
    assert frechet_distance(constant, constant) == 0


def test_warning_of_few_pictures():
    features = np.random.default_rng(4).normal(size=(5, 4))
    assert few_pictures_warning(of(features)) is None
    assert "4 examples are too few for 4 features" in few_pictures_warning(of(features[:4]))
    assert few_pictures_warning(known([0], [[1]])) is None


def test_sets_that_cannot_be_compared():
    with pytest.raises(UserError, match="1 and of 2 features"):
        frechet_distance(known([0], [[1]]), known([0, 0], np.eye(2)))
    with pytest.raises(UserError, match="at least 2 pictures"):
        frechet_distance(Moments.empty(2), known([0, 0], np.eye(2)))
