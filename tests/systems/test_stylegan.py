"""StyleGAN: adaptive instance normalisation, its fused resizing, R1 in every step, one device against eight."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan import rows
from jaxgan.data import Spec
from jaxgan.nn.equalized import GAIN
from jaxgan.systems.stylegan import Epilogue, Resized, StyleGAN

SHAPES = {"image": jax.ShapeDtypeStruct((8, 8, 3), jnp.float32), "label": jax.ShapeDtypeStruct((), jnp.int32)}
SMALL = StyleGAN(
    latent_dim=6, style_dim=5, mapping_layers=2, width=4, channel_base=64, group=2, conditional=True, ema_rampup=0.05
).resolve(Spec(SHAPES, ("a", "b", "c")))  # fmt: skip


def batch(count):
    random = np.random.default_rng(0)
    return {
        "image": random.uniform(-1, 1, (count, 8, 8, 3)).astype(np.float32),
        "label": random.integers(0, 3, count).astype(np.int32),
    }


def convolve(x, kernel):
    return jax.lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))


@pytest.mark.parametrize("down", [False, True])
def test_resizing_and_convolution_in_one_are_the_two_in_turn(down):
    x = jnp.asarray(np.random.default_rng(0).normal(size=(2, 6, 6, 3)), jnp.float32)
    layer = Resized(4, down, jnp.float32)
    variables = layer.init(jax.random.key(0), x)
    kernel = variables["params"]["kernel"] * (GAIN / np.sqrt(27))
    if down:
        expected = convolve(x, kernel).reshape(2, 3, 2, 3, 2, 4).mean((2, 4))
    else:
        expected = convolve(x.repeat(2, 1).repeat(2, 2), kernel)
    np.testing.assert_allclose(layer.apply(variables, x), expected, atol=1e-5)


def test_a_style_is_the_mean_and_the_deviation_of_each_map():
    """Whatever came in: what StyleGAN2's demodulation replaced."""
    layer, x = Epilogue(), 3 + 7 * jax.random.normal(jax.random.key(1), (2, 8, 8, 4))
    w = jax.random.normal(jax.random.key(2), (2, 5))
    variables = layer.init(jax.random.key(0), x, w, None)
    y = layer.apply(variables, x, w, None)
    kernel = variables["params"]["style"]["kernel"] / np.sqrt(5)
    scale, shift = np.split(np.asarray(w @ kernel), 2, -1)
    np.testing.assert_allclose(y.mean((1, 2)), shift, atol=1e-4)
    np.testing.assert_allclose(y.std((1, 2)), np.abs(scale + 1), atol=1e-4)


def test_the_papers_plan():
    assert SMALL.plan(7) == (("discriminator", 1), ("generator", 1), ("r1", 1))
    assert StyleGAN().learning_rate == 1e-3
    assert dataclasses.replace(SMALL, r1=0).plan(7) == (("discriminator", 1), ("generator", 1))


def test_samples_differ_by_latent_and_label():
    zeros = {name: jnp.asarray(value) for name, value in batch(2).items()}
    variables = jax.jit(lambda: SMALL.init_variables(jax.random.key(0), zeros))()
    z = jnp.repeat(jax.random.normal(jax.random.key(1), (2, 6)), 2, 0)
    inputs = {"image": jnp.zeros((4, 8, 8, 3)), "label": jnp.asarray([0, 1, 0, 1])}
    made = jax.jit(rows.solo(lambda: SMALL.decode(variables, z, inputs)))()
    assert made.shape == (4, 8, 8, 3)
    for i in range(3):
        assert not np.allclose(made[i], made[i + 1], atol=1e-3)


@pytest.mark.slow
def test_eight_devices_equal_one(eight_devices_equal_one):
    eight_devices_equal_one(dataclasses.replace(SMALL, r1=0.1), batch(16), tolerance=1e-5)
