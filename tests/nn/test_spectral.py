"""Spectral normalisation: the largest singular value, the gradient through it, and when u moves on."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.nn import Conv, spectral_norm

X = jax.random.normal(jax.random.key(0), (2, 6, 6, 3))


class Layer(nn.Module):
    enabled: bool = True

    @nn.compact
    def __call__(self, x):
        return spectral_norm(Conv(5, 3, kernel_init=nn.initializers.normal(0.7)), self.enabled)(x)


def kernel_of(variables):
    return jax.tree.leaves(variables["params"])[-1]


@pytest.fixture(scope="module")
def settled():
    """Variables after fifty passes of power iteration."""
    variables = Layer().init(jax.random.key(1), X)
    turn = jax.jit(lambda v: Layer().apply(v, X, mutable=["spectral"])[1])
    for _ in range(50):
        variables = {**variables, **turn(variables)}
    return variables


def test_the_kernel_is_divided_by_its_largest_singular_value(settled):
    (kernel,) = [leaf for leaf in jax.tree.leaves(settled["params"]) if leaf.ndim == 4]
    sigma = np.linalg.svd(np.asarray(kernel).reshape(-1, 5), compute_uv=False)[0]
    plain = Layer(enabled=False)
    params = plain.init(jax.random.key(1), X)
    replaced = jax.tree.map(lambda leaf: kernel / sigma if leaf.ndim == 4 else leaf, params)
    np.testing.assert_allclose(Layer().apply(settled, X), plain.apply(replaced, X), rtol=1e-4, atol=1e-5)


def test_its_gradient_sees_the_division(settled):
    """W / sigma(W) does not change with the scale of W, so its gradient is orthogonal to W."""
    slope = jax.grad(lambda p: (Layer().apply({**settled, "params": p}, X) ** 3).sum())(settled["params"])
    product = sum(float((a * b).sum()) for a, b in zip(*map(jax.tree.leaves, (slope, settled["params"])), strict=True)
                  if a.ndim == 4)  # fmt: skip
    assert abs(product) < 1e-3 * float(jnp.sqrt(sum((leaf**2).sum() for leaf in jax.tree.leaves(slope))))


def test_u_moves_only_where_it_may(settled):
    start = Layer().init(jax.random.key(1), X)
    _, moved = Layer().apply(start, X, mutable=["spectral"])
    assert any(
        not np.array_equal(a, b)
        for a, b in zip(*map(jax.tree.leaves, (start["spectral"], moved["spectral"])), strict=True)
    )
    assert Layer().apply(start, X).shape == (2, 6, 6, 5)  # not mutable: nothing is asked to change
    assert "spectral" not in Layer(enabled=False).init(jax.random.key(1), X)
