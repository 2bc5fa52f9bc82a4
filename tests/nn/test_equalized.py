"""Layers of equalised rate and the modulated convolution: equal, to second order, to the forms that the papers write down."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.nn import resample
from jaxgan.nn.equalized import EqualizedConv, EqualizedDense, ModulatedConv, leaky, minibatch_deviation


def of(shape, seed=0):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), jnp.float32)


def convolve(x, kernel, stride=1, padding=1, spread=1):
    return jax.lax.conv_general_dilated(
        x, kernel, (stride,) * 2, ((padding, padding),) * 2, lhs_dilation=(spread,) * 2,
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )  # fmt: skip


def kernel_for_each(kernel, styles, up, demodulate):
    """The kernels [B, k, k, C, D] of equations 1 and 3, one for each example."""
    if not demodulate:
        return kernel * styles[:, None, None, :, None] / np.sqrt(np.prod(kernel.shape[:3]))
    modulated = kernel * styles[:, None, None, :, None]
    return modulated / jnp.sqrt(jnp.square(modulated).sum((1, 2, 3), keepdims=True) + 1e-8)


def plain_modulated(x, kernel, styles, up, demodulate):
    """Each example by its own kernel; upwards after the filter, as a convolution of what has zeros between its pixels."""
    kernels = kernel_for_each(kernel, styles, up, demodulate)
    if not up:
        return jax.vmap(lambda x, k: convolve(x[None], k, 1, k.shape[0] // 2)[0])(x, kernels)
    taps = np.outer([1, 3, 3, 1], [1, 3, 3, 1]) / 16
    fir = jnp.asarray(np.einsum("pq,cd->pqcd", taps, np.eye(x.shape[-1])), jnp.float32)
    filtered = convolve(x, fir, 1, 3, spread=2)
    return jax.vmap(lambda x, k: convolve(x[None], k, 1, 0)[0])(filtered, kernels)


@pytest.mark.parametrize(
    ("kernel", "up", "demodulate"),
    [(3, False, True), (3, True, True), (1, False, False)],
    ids=["same", "up", "colours"],
)
def test_modulated_convolution_has_a_kernel_for_each_example(kernel, up, demodulate):
    layer = ModulatedConv(5, kernel, up, demodulate)
    x, styles = of((3, 6, 6, 4)), 1 + 0.5 * of((3, 4), 1)
    weights = layer.init(jax.random.key(0), x, styles)["params"]["kernel"]

    def ours(x, weights, styles):
        return layer.apply({"params": {"kernel": weights}}, x, styles)

    def plainly(x, weights, styles):
        return plain_modulated(x, weights, styles, up, demodulate)

    def everything(layer):
        def penalty(x, weights, styles):
            """As path length: the square of a gradient by the styles, which is differentiated again."""
            slopes = jax.grad(lambda styles: jnp.tanh(layer(x, weights, styles)).sum())(styles)
            return jnp.square(slopes).sum()

        y, pull = jax.vjp(layer, x, weights, styles)
        return y, pull(jnp.cos(y)), jax.grad(penalty, (0, 1, 2))(x, weights, styles)

    made, expected = jax.jit(lambda: everything(ours))(), jax.jit(lambda: everything(plainly))()
    assert made[0].shape == ((3, 12, 12, 5) if up else (3, 6, 6, 5))
    for a, b in zip(jax.tree.leaves(made), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-4 * float(jnp.abs(b).max()))


def test_demodulated_outputs_keep_unit_variance():
    """Whatever the size of the styles: of white noise."""
    layer, x = ModulatedConv(64), of((4, 16, 16, 64))
    styles = 10 * jnp.exp(of((4, 64), 1))
    y = layer.apply(layer.init(jax.random.key(0), x, styles), x, styles)[:, 1:-1, 1:-1]
    np.testing.assert_allclose(y.var((1, 2)).mean(-1), 1, rtol=0.15)


@pytest.mark.parametrize("kernel", [1, 3])
def test_downwards_the_picture_is_filtered_first(kernel):
    layer, x = EqualizedConv(5, kernel, down=True), of((2, 8, 8, 4))
    variables = layer.init(jax.random.key(0), x)
    weights = variables["params"]["kernel"] / np.sqrt(kernel * kernel * 4)
    filtered = resample.downsample(x) if kernel == 1 else resample.blur(x, 2, 2)
    expected = convolve(filtered, weights, 1 if kernel == 1 else 2, 0)
    np.testing.assert_allclose(layer.apply(variables, x), expected, atol=1e-5)
    assert expected.shape == (2, 4, 4, 5)


def test_the_rate_is_equalised():
    """Weights are kept as N(0, 1 / m^2), and used as N(0, 1 / width)."""
    layer, x = EqualizedDense(400, multiplier=0.01, bias_init=1.0), of((1, 400))
    variables = layer.init(jax.random.key(0), x)
    kernel = variables["params"]["kernel"]
    assert float(kernel.std()) == pytest.approx(100, rel=0.02)
    assert layer.apply(variables, 0 * x)[0, 0] == pytest.approx(1)
    np.testing.assert_allclose(layer.apply(variables, x)[0] - 1, x[0] @ kernel * 0.01 / 20, atol=1e-4)


def test_the_activation_keeps_the_second_moment():
    """E[f(x)^2] = (1 + 0.2^2) of a standard normal x, by the gain sqrt(2)."""
    assert float(jnp.square(leaky(of((100_000,)))).mean()) == pytest.approx(1.04, abs=0.02)


def test_deviation_of_groups_of_rows_that_follow_each_other():
    x = of((6, 4, 4, 2))
    made = minibatch_deviation(x, 3)
    np.testing.assert_array_equal(made[..., :2], x)
    for group in (slice(0, 3), slice(3, 6)):
        expected = np.sqrt(np.var(np.asarray(x[group]), 0) + 1e-8).mean()
        np.testing.assert_allclose(made[group, ..., 2], expected, rtol=1e-5)
    assert float(minibatch_deviation(x, 1)[..., 2].max()) == pytest.approx(1e-4)
    with pytest.raises(ValueError, match="groups of 4"):
        minibatch_deviation(x, 4)
