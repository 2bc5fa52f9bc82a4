"""Penalties: closed forms for a linear critic, finite differences in float64, and what is drawn row by row."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxgan import rows
from jaxgan.losses import penalties

SHAPE = (4, 4, 3)
RANDOM = np.random.default_rng(0)
WEIGHTS = RANDOM.normal(size=SHAPE)
REAL, FAKE = RANDOM.normal(size=(2, 5, *SHAPE))
KEY = jax.random.key(0)


@pytest.fixture
def doubles():
    with jax.enable_x64(True):
        yield


def norm(x):
    return np.sqrt((x**2).sum())


# name -> (penalty of a critic, its value for D(x) = w . x)
CLOSED = {
    "r1": (lambda d: penalties.r1(d, jnp.asarray(REAL)), lambda w: norm(w) ** 2),
    "r2": (lambda d: penalties.r2(d, jnp.asarray(FAKE)), lambda w: norm(w) ** 2),
    "two-sided": (
        lambda d: penalties.gradient_penalty(d, jnp.asarray(REAL), jnp.asarray(FAKE), KEY),
        lambda w: (norm(w) - 1) ** 2,
    ),
    "one-sided": (
        lambda d: penalties.gradient_penalty(d, jnp.asarray(REAL), jnp.asarray(FAKE), KEY, one_sided=True),
        lambda w: max(norm(w) - 1, 0) ** 2,
    ),
    "dragan": (lambda d: penalties.dragan(d, jnp.asarray(REAL), KEY), lambda w: (norm(w) - 1) ** 2),
}


@pytest.mark.parametrize("scale", [1.0, 0.05])
@pytest.mark.parametrize("name", CLOSED)
def test_closed_form_of_a_linear_critic(name, scale, doubles):
    """The norm is over all elements of an example: the root of a sum, not of a mean."""
    penalty, expected = CLOSED[name]
    weights = scale * WEIGHTS
    value = rows.solo(lambda: penalty(lambda x: (x * weights).sum((1, 2, 3))))()
    assert value.dtype == jnp.float64
    assert float(value) == pytest.approx(expected(weights), rel=1e-9, abs=1e-12)


def critic(weights, x):
    """A critic with curvature, so that where its gradient is taken matters."""
    return jnp.tanh(x.reshape(len(x), -1) @ weights).sum(-1)


def by_finite_differences(points, weights, step=1e-5):
    """|| grad_x D ||^2 for each row."""
    flat = np.asarray(points).reshape(len(points), -1)
    moves = step * np.eye(flat.shape[1])
    up = np.tanh((flat[:, None] + moves) @ weights).sum(-1)
    down = np.tanh((flat[:, None] - moves) @ weights).sum(-1)
    return (((up - down) / (2 * step)) ** 2).sum(1)


def test_values_by_finite_differences(doubles):
    weights = RANDOM.normal(size=(48, 7)) / 7
    d = lambda x: critic(weights, x)  # noqa: E731
    assert float(penalties.r1(d, REAL)) == pytest.approx(by_finite_differences(REAL, weights).mean(), rel=1e-7)
    share = rows.solo(lambda: rows.uniform(KEY, 5))()
    between = share[:, None, None, None] * REAL + (1 - share[:, None, None, None]) * FAKE
    expected = (np.sqrt(by_finite_differences(between, weights)) - 1) ** 2
    value = rows.solo(lambda: penalties.gradient_penalty(d, REAL, FAKE, KEY))()
    assert float(value) == pytest.approx(expected.mean(), rel=1e-7)


@pytest.mark.parametrize("name", CLOSED)
def test_derivative_by_the_weights(name, doubles):
    """What training follows: the gradient of the penalty, a derivative of a derivative."""
    penalty, _ = CLOSED[name]
    weights = RANDOM.normal(size=(48, 7)) / 7
    direction = RANDOM.normal(size=weights.shape)
    value = jax.jit(rows.solo(lambda w: penalty(lambda x: critic(w, x))))
    slope = (jax.grad(value)(weights) * direction).sum()
    difference = (value(weights + 1e-6 * direction) - value(weights - 1e-6 * direction)) / 2e-6
    assert float(slope) == pytest.approx(float(difference), rel=1e-6)


def test_a_flat_critic_has_a_gradient():
    """The root of the squared norm has no derivative at 0 but for the epsilon in it."""
    value = rows.solo(
        lambda w: penalties.gradient_penalty(
            lambda x: (x * w).sum((1, 2, 3)), jnp.asarray(REAL), jnp.asarray(FAKE), KEY
        )
    )
    assert np.isfinite(jax.grad(value)(jnp.zeros(SHAPE))).all()


def test_dragan_stays_near_the_data():
    """Where the points are: D(x) = |x|^2 / 2 has the gradient x, so the squared norms are those of the points."""
    seen = []
    real = jnp.ones((64, 10)) * jnp.array([-1.0, 1.0] * 5)

    def d(x):
        seen.append(x)
        return (x**2).sum(-1) / 2

    penalty = float(rows.solo(lambda: penalties.dragan(d, real, KEY))())
    # std of the data is 1, so each element moves up by a u / 2 with a, u ~ U(0, 1): by 1/8 on the average.
    away = jax.random.uniform(KEY, (2_000, 11))
    moved = jnp.array([-1.0, 1.0] * 5) + 0.5 * away[:, :1] * away[:, 1:]
    expected = float(((jnp.linalg.norm(moved, axis=1) - 1) ** 2).mean())
    assert seen[0].shape == (64, 10)
    assert penalty == pytest.approx(expected, rel=0.03)


def test_weights_are_kept_in_the_box():
    optimizer = optax.chain(optax.sgd(1.0), penalties.clip_weights(0.1))
    params = {"w": jnp.array([0.09, -0.05, 3.0])}
    updates, _ = optimizer.update({"w": jnp.array([-1.0, 0.02, 0.0])}, optimizer.init(params), params)
    np.testing.assert_allclose(optax.apply_updates(params, updates)["w"], [0.1, -0.07, 0.1], rtol=1e-6)
