"""The objectives against values worked out by hand."""

import jax
import numpy as np
import pytest

from jaxgan.losses import adversarial, penalties


def test_minimax_values():
    real, fake = np.array([2.0, -1.0]), np.array([0.5, -3.0])
    probability = lambda x: 1 / (1 + np.exp(-x))  # noqa: E731
    expected = -np.log(probability(real)).mean() - np.log(1 - probability(fake)).mean()
    assert float(adversarial.discriminator_loss(real, fake)) == pytest.approx(expected, rel=1e-6)
    assert float(adversarial.generator_minimax_loss(fake)) == pytest.approx(
        np.log(1 - probability(fake)).mean(), rel=1e-6
    )
    assert float(adversarial.generator_non_saturating_loss(fake)) == pytest.approx(
        -np.log(probability(fake)).mean(), rel=1e-6
    )


def test_label_smoothing_is_one_sided():
    real, fake = np.array([1.5]), np.array([-0.5])
    p = 1 / (1 + np.exp(-1.5))
    expected = -(0.9 * np.log(p) + 0.1 * np.log(1 - p)) - np.log(1 - 1 / (1 + np.exp(0.5)))
    assert float(adversarial.discriminator_loss(real, fake, real_target=0.9)) == pytest.approx(expected, rel=1e-6)


def test_a_very_sure_discriminator_leaves_a_gradient():
    slope = jax.grad(lambda x: adversarial.generator_non_saturating_loss(x))
    assert float(slope(np.array([-200.0], np.float32))[0]) == pytest.approx(-1)
    minimax = jax.grad(lambda x: adversarial.generator_minimax_loss(x))
    assert float(minimax(np.array([-200.0], np.float32))[0]) == pytest.approx(0)
    assert np.isfinite(float(adversarial.discriminator_loss(np.array([-1e4]), np.array([1e4]))))


def test_r1_of_a_linear_critic_is_the_squared_norm_of_its_weights():
    weights = np.random.default_rng(0).normal(size=(4, 4, 3)).astype(np.float32)
    real = np.random.default_rng(1).normal(size=(5, 4, 4, 3)).astype(np.float32)
    value = penalties.r1(lambda x: (x * weights).sum((1, 2, 3)), real)
    assert float(value) == pytest.approx(float((weights**2).sum()), rel=1e-5)


def test_r1_of_a_quadratic_critic():
    """D(x) = |x|^2 / 2 has the gradient x."""
    real = np.random.default_rng(1).normal(size=(5, 6)).astype(np.float32)
    value = penalties.r1(lambda x: (x**2).sum(-1) / 2, real)
    assert float(value) == pytest.approx(float((real**2).sum(1).mean()), rel=1e-5)
