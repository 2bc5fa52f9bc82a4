"""Distances between pictures."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxgan.losses import reconstruction


def test_l1_is_the_mean_of_absolute_differences():
    x, y = np.array([[0.0, 1.0], [-1.0, 0.5]], np.float32), np.array([[0.5, 1.5], [1.0, 0.0]], np.float32)
    assert reconstruction.l1(x, y) == 0.875
    np.testing.assert_array_equal(jax.grad(reconstruction.l1)(x, y), [[-0.25, -0.25], [-0.25, 0.25]])


def test_l1_is_float32_under_bfloat16():
    x = jnp.full((1024,), 1.0, jnp.bfloat16)
    distance = reconstruction.l1(x, x - jnp.bfloat16(0.0078125))
    assert distance.dtype == jnp.float32
    assert distance == 0.0078125
