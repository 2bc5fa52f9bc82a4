"""The filters of StyleGAN2: shifted slices are the depthwise convolutions that they stand for."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.nn import resample

FILTER = np.outer([1, 3, 3, 1], [1, 3, 3, 1]) / 64


def plainly(x, spread, stride, before, after, gain):
    """Zeros between the pixels, zeros around, the filter, every other pixel: as one depthwise convolution."""
    kernel = jnp.asarray(np.repeat(FILTER[:, :, None, None] * gain, x.shape[-1], 3), jnp.float32)
    return jax.lax.conv_general_dilated(
        x, kernel, (stride,) * 2, ((before, after),) * 2, lhs_dilation=(spread,) * 2,
        dimension_numbers=("NHWC", "HWIO", "NHWC"), feature_group_count=x.shape[-1],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("ours", "plain"),
    [
        # PyTorch's zeros stand behind the last pixel, too: one more after it than here.
        pytest.param(resample.upsample, lambda x: plainly(x, 2, 1, 2, 2, 4), id="up"),
        pytest.param(resample.downsample, lambda x: plainly(x, 1, 2, 1, 1, 1), id="down"),
        pytest.param(lambda x: resample.blur(x, 2, 2), lambda x: plainly(x, 1, 1, 2, 2, 1), id="blur"),
        pytest.param(lambda x: resample.blur(x, 2, 1), lambda x: plainly(x, 1, 1, 2, 1, 1), id="uneven blur"),
        pytest.param(lambda x: resample.blur(x, 3, 0), lambda x: plainly(x, 1, 1, 3, 0, 1), id="blur of one side"),
    ],
)
def test_is_the_depthwise_convolution(ours, plain):
    x = jnp.asarray(np.random.default_rng(0).normal(size=(2, 6, 8, 3)), jnp.float32)
    made, pull = jax.vjp(ours, x)
    expected, pull_plain = jax.vjp(plain, x)
    np.testing.assert_allclose(made, expected, atol=1e-6)
    np.testing.assert_allclose(pull(jnp.cos(expected))[0], pull_plain(jnp.cos(expected))[0], atol=1e-6)


def test_what_is_even_stays_even_inside():
    ones = jnp.ones((1, 8, 8, 1))
    for made, border in ((resample.upsample(ones), 1), (resample.downsample(ones), 1)):
        np.testing.assert_allclose(made[:, border:-border, border:-border], 1, atol=1e-6)
