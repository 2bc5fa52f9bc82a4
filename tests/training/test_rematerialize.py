"""A loss in pieces has the values and gradients of the whole, and needs less memory for them."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.networks import Convolutional
from jaxgan.systems.dcgan import DCGAN
from jaxgan.training import parallel
from jaxgan.training.benchmark import program_bytes
from jaxgan.training.parallel import Layout
from jaxgan.training.rematerialize import in_pieces
from jaxgan.training.step import initial_state
from tests.systems.conftest import beginning, disturbed, step_once, with_gradient_descent
from tests.training.toys import DIM, Deterministic, Toy


def layers(count):
    def loss(params):
        x = jnp.ones((2048, 32))
        for _ in range(count):
            x = jnp.tanh(x @ params["w"]) + x
        return jnp.mean(x**2), {"last": x[0], "unchanged": params["b"], "constant": 3.0}

    return loss


PARAMS = {"w": jnp.eye(32) * 0.1, "b": jnp.arange(3.0)}


@pytest.mark.parametrize("pieces", [2, 5, 1000])
def test_values_and_gradients_are_those_of_the_whole(pieces):
    """Through two derivatives, with results that are an argument or a constant, with more pieces than equations."""

    def penalty(function):
        def total(params):
            (value, rest), gradients = jax.value_and_grad(function, has_aux=True)(params)
            return value + sum(jnp.sum(g**2) for g in jax.tree.leaves(gradients)), rest

        return jax.value_and_grad(total, has_aux=True)(PARAMS)

    whole, cut = penalty(layers(4)), penalty(in_pieces(layers(4), pieces))
    assert jax.tree.structure(whole) == jax.tree.structure(cut)
    for a, b in zip(jax.tree.leaves(whole), jax.tree.leaves(cut), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)


def test_what_has_no_gradient_is_left_out_and_complex_numbers_have_one():
    """A loop over data of unknown length, which has no derivative; a whole number; a spectrum."""
    data = jnp.linspace(1, 2, 8)

    def loss(w):
        scale = jax.lax.while_loop(lambda s: s < 5, lambda s: 2 * s, data[0] + 0)
        count = jnp.arange(8) % 3
        spectrum = jnp.fft.fft(jnp.sin(w * data) * count) * scale
        return jnp.sum(jnp.abs(spectrum) ** 2), count

    (whole, _), wanted = jax.value_and_grad(loss, has_aux=True)(data)
    for pieces in (3, 5, 50):
        (value, _), gradient = jax.value_and_grad(in_pieces(loss, pieces), has_aux=True)(data)
        np.testing.assert_allclose(value, whole, rtol=1e-5)
        np.testing.assert_allclose(gradient, wanted, rtol=1e-4)


def test_the_compiled_program_needs_less_memory():
    def needed(function):
        return program_bytes(jax.jit(jax.grad(lambda p: function(p)[0])).lower(PARAMS).compile())

    assert needed(in_pieces(layers(36), 6)) < 0.6 * needed(layers(36))


@pytest.mark.slow
def test_accumulation_needs_the_memory_of_one_minibatch():
    def needed(system, rows):
        plan, layout = system.plan(0), Layout.create("jit", rows, 1)
        batch = {"image": np.zeros((system.minibatches(plan), rows, DIM), np.float32)}
        state = layout.place(initial_state(system, 0, {"image": batch["image"][0, :2]}))
        program = parallel.compiled_turns(system, plan, plan, layout)
        return program_bytes(program.lower(state, {}, layout.put(batch), jnp.int32(0)).compile())

    assert needed(Deterministic(accumulate=4), 2048) < 0.6 * needed(Deterministic(), 8192)


@pytest.mark.parametrize(
    ("system", "tolerance"),
    [
        (Toy(critic_moves=2), 1e-6),
        # Of BatchNorm, and of a gradient penalty.
        pytest.param(
            DCGAN(networks=Convolutional(width=4, kernel=4, latent_dim=8), r1=1.0), 1e-5, marks=pytest.mark.slow
        ),
    ],
    ids=["toy", "dcgan"],
)
def test_a_step_is_the_same(system, tolerance):
    random = np.random.default_rng(0)
    shape = (16, DIM) if isinstance(system, Toy) else (4, 32, 32, 3)
    batch = {"image": random.uniform(-1, 1, shape).astype(np.float32)}
    systems = [with_gradient_descent(dataclasses.replace(system, rematerialize=pieces)) for pieces in (1, 4)]
    start = disturbed(beginning(systems[0], batch))
    states = [step_once(one, batch, 1, start=start) for one in systems]
    (start, whole, metrics), (_, cut, cut_metrics) = states
    assert metrics.keys() == cut_metrics.keys()
    for before, a, b in zip(*map(jax.tree.leaves, (start, whole, cut)), strict=True):
        moved = np.abs(np.asarray(a, np.float64) - before).max()
        np.testing.assert_allclose(b, a, rtol=2.5e-7, atol=tolerance * moved)  # and rounding to a parameter's last bit


def test_a_system_accumulates_on_top_of_its_phases():
    system = Toy(accumulate=3, critic_moves=2)
    assert system.accumulated() == {"discriminator": 3, "generator": 3}
    assert system.minibatches(system.plan(0)) == 6
