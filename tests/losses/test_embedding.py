"""The joint embedding loss: by hand, and over several devices."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan import rows
from jaxgan.losses.embedding import joint_embedding_loss


def loss_of(a, b, same):
    run = jax.jit(rows.solo(lambda *args: joint_embedding_loss(*args)))
    return [float(value) for value in run(jnp.asarray(a), jnp.asarray(b), jnp.asarray(same))]


def test_by_hand():
    """Three pairs; the hinges of all that do not belong together, both ways."""
    random = np.random.default_rng(0)
    a, b = random.normal(size=(2, 3, 4)).astype(np.float32)
    scores = np.float64(a) @ np.float64(b).T
    total = 0.0
    for i in range(3):
        for j in range(3):
            if i != j:
                total += max(0, 1 + scores[i, j] - scores[i, i]) + max(0, 1 + scores[j, i] - scores[i, i])
    best = np.mean([all(scores[i, i] > scores[i, j] for j in range(3) if j != i) for i in range(3)])
    assert loss_of(a, b, np.zeros((3, 3), bool)) == pytest.approx([total / 6, best], rel=1e-5)


def test_pairs_that_say_the_same_are_not_told_apart():
    a = b = np.eye(2, dtype=np.float32)[[0, 0, 1]] * 3
    same = np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1]], bool)
    assert loss_of(a, b, same) == [0.0, 1.0]  # all others are apart by more than the margin
    assert loss_of(a, b, np.eye(3, dtype=bool))[0] > 0.3


def test_none_to_compare_with():
    assert loss_of(np.ones((1, 2), np.float32), np.ones((1, 2), np.float32), [[False]]) == [0.0, 1.0]


@pytest.mark.eight_devices
def test_eight_devices_equal_one():
    """Loss and gradients: each device's rows are compared with the rows of all."""
    random = np.random.default_rng(1)
    a, b, weights = random.normal(size=(16, 4)), random.normal(size=(16, 4)), random.normal(size=(4, 4))

    def of(weights, a, b):
        loss, _ = joint_embedding_loss(a @ weights, b, jnp.zeros((len(a), 16), bool))
        return loss

    def mean(devices):
        split = [np.float32(x).reshape(devices, -1, 4) for x in (a, b)]
        both = jax.pmap(
            lambda w, a, b: jax.lax.pmean(jax.value_and_grad(of)(w, a, b), rows.AXIS), rows.AXIS, in_axes=(None, 0, 0)
        )
        loss, gradient = both(np.float32(weights), *split)
        return float(loss[0]), np.asarray(gradient[0])

    (one, one_gradient), (eight, eight_gradient) = mean(1), mean(8)
    assert eight == pytest.approx(one, rel=1e-6)
    np.testing.assert_allclose(eight_gradient, one_gradient, rtol=1e-5, atol=1e-6)
