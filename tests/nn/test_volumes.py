"""Convolutions over one axis and over three: values, gradients and their gradients are those of the plain forms."""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.nn import Conv, ConvTranspose, cpu, lowering, volumes
from jaxgan.nn.cpu import Geometry

# (size, window, stride, padding, features before and behind)
SHAPES = {
    "doubles": ((8, 8, 8), (4, 4, 4), (2, 2, 2), ((1, 1),) * 3, 3, 5),
    "first layer": ((12, 12, 12), (4, 4, 4), (2, 2, 2), ((1, 1),) * 3, 1, 6),
    "wide": ((12, 12, 12), (4, 4, 4), (2, 2, 2), ((1, 1),) * 3, 6, 3),
    "clips": ((9, 12, 12), (4, 4, 4), (1, 2, 2), ((0, 0), (1, 1), (1, 1)), 3, 4),
    "same": ((5, 6, 7), (3, 3, 3), (1, 1, 1), ((1, 1),) * 3, 4, 2),
    "to one": ((2, 4, 4), (2, 4, 4), (1, 1, 1), ((0, 0),) * 3, 3, 2),
    "uneven": ((7, 9, 11), (3, 2, 4), (2, 1, 3), ((1, 0), (0, 1), (2, 2)), 2, 3),
}


def of(shape, seed=0):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), jnp.float32)


def close(made, expected):
    for x, y in zip(jax.tree.leaves(made), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(x, y, rtol=2e-4, atol=2e-4 * float(jnp.abs(y).max() + 1e-6))


SOME = ("doubles", "uneven")
"""Which the default suite compiles; the others are slow."""
EACH = [pytest.param(name, marks=() if name in SOME else pytest.mark.slow) for name in SHAPES]


@pytest.mark.parametrize("name", EACH)
def test_values_gradients_and_their_gradients(name):
    size, window, stride, padding, features, behind = SHAPES[name]
    x, kernel = of((2, *size, features)), of((*window, features, behind), 1)
    geometry = Geometry(stride, padding, size, window)
    ours, plain = partial(lowering.conv, stride=stride, padding=padding), partial(cpu.convolve, geometry)

    def everything(convolve):
        y, pull = jax.vjp(convolve, x, kernel)
        return y, pull(jnp.cos(y)), jax.grad(penalty, (0, 1))(x, kernel, convolve)

    def penalty(x, kernel, convolve):
        """As of a critic: the square of a gradient, which is differentiated again."""
        gradient = jax.grad(lambda x: jnp.sum(jnp.tanh(convolve(x, kernel))))(x)
        return jnp.sum(gradient**2)

    close(jax.jit(lambda: everything(ours))(), jax.jit(lambda: everything(plain))())


@pytest.mark.parametrize("name", EACH)
def test_every_form_is_the_plain_one(name, monkeypatch):
    """Each of the forms of a shape, whichever is taken: as matrix products, in blocks, by slices."""
    size, window, stride, padding, features, behind = SHAPES[name]
    geometry = Geometry(stride, padding, size, window)
    x, kernel = of((3, *size, features)), of((*window, features, behind), 1)
    y = of((3, *geometry.positions, behind), 2)
    expected = (
        cpu.convolve(geometry, x, kernel),
        cpu.transposed_in_input(geometry, kernel, y),
        cpu.transposed_in_kernel(geometry, x, y),
    )
    for small, large, group in ((10**6, 0, 2**21), (0, 0, 2**21), (0, 10**6, 1)):
        for name_, value in (("SMALL", small), ("LARGE", large), ("GROUP", group)):
            monkeypatch.setattr(volumes, name_, value)
        made = (
            volumes.output_form(geometry, x, kernel)(x, kernel),
            volumes.input_form(geometry, kernel, y)(kernel, y),
            volumes.kernel_form(geometry, x, y)(x, y),
        )
        close(made, expected)


@pytest.mark.parametrize("axes", [1, 3])
@pytest.mark.parametrize(("kernel", "stride"), [(4, 2), pytest.param(5, 3, marks=pytest.mark.slow)])
def test_layers_are_flaxs(axes, kernel, stride):
    x = of((2, *(9,) * axes, 3))
    window, strides = (kernel,) * axes, (stride,) * axes
    pairs = [
        (Conv(5, kernel, stride, "VALID"), nn.Conv(5, window, strides, "VALID")),
        (Conv(5, kernel, stride, "SAME"), nn.Conv(5, window, strides, "SAME")),
        (ConvTranspose(5, kernel, stride, "VALID"), nn.ConvTranspose(5, window, strides, "VALID")),
        (ConvTranspose(5, kernel, stride, "SAME"), nn.ConvTranspose(5, window, strides, "SAME")),
    ]
    for ours, theirs in pairs:
        variables = theirs.init(jax.random.key(0), x)
        close(jax.jit(ours.apply)(variables, x), theirs.apply(variables, x))
        assert jax.tree.map(jnp.shape, ours.init(jax.random.key(0), x)) == jax.tree.map(jnp.shape, variables)


def test_sizes_and_pads_of_each_axis():
    clips = jnp.zeros((1, 16, 32, 32, 3))
    layer = Conv(8, 4, (1, 2, 2), (0, 1, 1))  # MoCoGAN's
    assert jax.eval_shape(layer.init_with_output, jax.random.key(0), clips)[0].shape == (1, 13, 16, 16, 8)
    begin = ConvTranspose(8, (2, 4, 4), 1, 0)  # VideoGAN's
    assert jax.eval_shape(begin.init_with_output, jax.random.key(0), clips[:, :1, :1, :1])[0].shape == (1, 2, 4, 4, 8)
    for layer, x in ((Conv(8, (3, 3)), clips), (Conv(8, 3), jnp.zeros((2, 3)))):
        with pytest.raises(ValueError, match="give a number, or one for each"):
            layer.init(jax.random.key(0), x)
