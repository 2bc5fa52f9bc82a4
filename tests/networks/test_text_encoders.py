"""Text encoders: sizes of the paper, and what they must not depend on."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.errors import UserError
from jaxgan.networks import CharCNNRNN, PictureEncoder, WordGRU


def test_the_papers_sizes():
    """Of the network for birds: 201 characters of 70, 18 steps of a GRU of 512, a vector of 1024."""
    module = CharCNNRNN().module(jnp.float32)
    shapes = jax.eval_shape(lambda: module.init(jax.random.key(0), jnp.zeros((2, 201), jnp.int32)))["params"]
    assert [shapes[f"Conv_{i}"]["kernel"].shape for i in range(3)] == [(4, 70, 384), (4, 384, 512), (4, 512, 512)]
    assert shapes["GRUCell_0"]["hn"]["kernel"].shape == (512, 512)
    assert shapes["Dense_0"]["kernel"].shape == (512, 1024)


def test_the_shortest_caption():
    encoder = CharCNNRNN(dim=4, width=2)
    module = encoder.module(jnp.float32)

    def made(length):
        text = jnp.ones((1, length), jnp.int32)
        return jax.jit(module.init_with_output)(jax.random.key(0), text)[0]

    assert np.isfinite(made(encoder.shortest)).all()
    # One less leaves no step to average.
    assert not np.isfinite(made(encoder.shortest - 1)).all()


@pytest.mark.parametrize("encoder", [CharCNNRNN(dim=6, width=4), WordGRU(dim=6, width=8, vocabulary=70)])
def test_order_matters_and_neighbours_do_not(encoder):
    text = np.random.default_rng(0).integers(1, 71, (3, 60)).astype(np.int32)
    module = encoder.module(jnp.float32)
    variables = jax.jit(module.init)(jax.random.key(0), text)
    apply = jax.jit(module.apply)
    made = np.asarray(apply(variables, text))
    assert made.shape == (3, 6)
    assert made.dtype == np.float32
    reordered = np.asarray(apply(variables, np.stack([text[0], text[0, ::-1], text[2]])))
    np.testing.assert_allclose(reordered[[0, 2]], made[[0, 2]], atol=1e-6)
    assert np.abs(reordered[1] - made[0]).max() > 1e-3


def test_padding_changes_nothing_of_words():
    encoder = WordGRU(dim=6, width=8, vocabulary=20)
    module = encoder.module(jnp.float32)
    short = np.array([[3, 1, 2]], np.int32)
    variables = jax.jit(module.init)(jax.random.key(0), short)
    padded = np.pad(short, ((0, 0), (0, 5)))
    np.testing.assert_allclose(module.apply(variables, padded), module.apply(variables, short), atol=1e-6)
    assert np.isfinite(module.apply(variables, np.zeros((1, 4), np.int32))).all()


@pytest.mark.parametrize("shape", [(32, 32, 3), (64, 64, 1), (48, 64, 3)])
def test_pictures_of_any_size(shape):
    module = PictureEncoder(dim=5, width=4, dtype=jnp.float32)
    made = jax.eval_shape(lambda: module.init_with_output(jax.random.key(0), jnp.zeros((2, *shape)))[0])
    assert made.shape == (2, 5)


def test_fields_are_checked():
    with pytest.raises(UserError, match=r"CharCNNRNN\.width"):
        dataclasses.replace(CharCNNRNN(), width=0)
