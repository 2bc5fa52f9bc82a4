"""The objectives against values worked out by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan import rows
from jaxgan.losses import adversarial


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


REAL, FAKE = np.array([1.5, 0.2]), np.array([0.4, -2.5])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (lambda: adversarial.least_squares_discriminator_loss(REAL, FAKE), (0.25 + 0.64) / 4 + (1.96 + 2.25) / 4),
        (
            lambda: adversarial.least_squares_discriminator_loss(REAL, FAKE, a=0, b=1),
            (0.25 + 0.64) / 4 + (0.16 + 6.25) / 4,
        ),
        (lambda: adversarial.least_squares_generator_loss(FAKE), (0.16 + 6.25) / 4),
        (lambda: adversarial.least_squares_generator_loss(FAKE, c=1), (0.36 + 12.25) / 4),
        (lambda: adversarial.wasserstein_critic_loss(REAL, FAKE), -1.05 - 0.85),
        (lambda: adversarial.wasserstein_generator_loss(FAKE), 1.05),
        (lambda: adversarial.hinge_discriminator_loss(REAL, FAKE), (0 + 0.8) / 2 + (1.4 + 0) / 2),
        (lambda: adversarial.relativistic_loss(REAL, FAKE), np.log1p(np.exp([-1.1, -2.7])).mean()),
    ],
    ids=lambda x: "" if callable(x) else None,
)
def test_values_by_hand(value, expected):
    assert float(value()) == pytest.approx(expected, rel=1e-5)


def test_margins_and_targets_are_reached_without_a_gradient():
    slope = jax.grad(lambda real, fake: adversarial.hinge_discriminator_loss(real, fake), (0, 1))
    real, fake = slope(np.float32([1.5, 0.5]), np.float32([-1.5, -0.5]))
    np.testing.assert_allclose(real, [0, -0.5])
    np.testing.assert_allclose(fake, [0, 0.5])
    assert float(adversarial.least_squares_discriminator_loss(np.ones(3), -np.ones(3))) == 0


def test_relativistic_average_compares_with_the_average_of_the_other_kind():
    sigmoid = lambda x: 1 / (1 + np.exp(-x))  # noqa: E731
    expected = -np.log(sigmoid(REAL - FAKE.mean())).mean() - np.log(1 - sigmoid(FAKE - REAL.mean())).mean()
    value = rows.solo(lambda: adversarial.relativistic_average_loss(REAL, FAKE))()
    assert float(value) == pytest.approx(expected, rel=1e-5)


@pytest.mark.eight_devices
def test_relativistic_average_is_over_the_global_batch():
    """Eight devices with one row each: the mean of their losses, and of its gradients, is that of one device with all rows."""
    real, fake = np.random.default_rng(0).normal(size=(2, 8)).astype(np.float32)

    def loss(shift, real, fake):
        return adversarial.relativistic_average_loss(real + shift * real, fake - shift * fake)

    one = rows.solo(lambda: jax.value_and_grad(loss)(0.5, real, fake))()
    eight = jax.pmap(lambda r, f: jax.value_and_grad(loss)(0.5, r, f), axis_name=rows.AXIS)(
        real[:, None], fake[:, None]
    )
    np.testing.assert_allclose(one[0], eight[0].mean(), rtol=1e-6)
    np.testing.assert_allclose(one[1], eight[1].mean(), rtol=1e-5)


def test_half_precision_logits_are_averaged_in_float32():
    logits = jnp.full(1000, 1.001, jnp.bfloat16)
    assert adversarial.wasserstein_critic_loss(logits, -logits).dtype == jnp.float32
