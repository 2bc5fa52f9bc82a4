import jax
import jax.numpy as jnp
import numpy as np

from jaxgan.nn import Maxout, normal, normal_around_one, uniform


def test_maxout_is_the_largest_of_affine_maps():
    x = jax.random.normal(jax.random.key(0), (5, 4))
    y, variables = Maxout(3, pieces=2, kernel_init=normal(1.0)).init_with_output(jax.random.key(1), x)
    dense = variables["params"]["Dense_0"]
    first, second = x @ dense["kernel"][:, :3], x @ dense["kernel"][:, 3:]
    assert y.shape == (5, 3)
    np.testing.assert_allclose(y, np.maximum(first, second), rtol=1e-5, atol=1e-6)
    assert 0 < jnp.sum(first > second) < first.size


def test_initializers():
    draws = {
        init: init_of(jax.random.key(0), (100, 100))
        for init, init_of in {
            "normal": normal(),
            "around one": normal_around_one(),
            "uniform": uniform(0.05),
        }.items()
    }
    for name, mean, deviation in (
        ("normal", 0, 0.02),
        ("around one", 1, 0.02),
        ("uniform", 0, 0.05 / 3**0.5),
    ):
        assert abs(float(jnp.mean(draws[name])) - mean) < 1e-3
        assert abs(float(jnp.std(draws[name])) / deviation - 1) < 0.02
    assert float(jnp.abs(draws["uniform"]).max()) <= 0.05
