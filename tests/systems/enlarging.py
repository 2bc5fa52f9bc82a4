"""What the tests of SRGAN and ESRGAN share: tiny pictures, a context of a loss, and what is kept of the first stage."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.data import Spec
from jaxgan.errors import UserError
from jaxgan.training.state import Context
from tests.systems.conftest import beginning, step_once

SIDE, SCALE = 8, 2
SHAPES = {"input": (SIDE, SIDE, 3), "image": (SCALE * SIDE, SCALE * SIDE, 3)}
SPEC = Spec({name: jax.ShapeDtypeStruct(shape, jnp.float32) for name, shape in SHAPES.items()})


def batch(count=8):
    random = np.random.default_rng(0)
    return {name: random.uniform(-1, 1, (count, *shape)).astype(np.float32) for name, shape in SHAPES.items()}


def context(system, count=4):
    state = beginning(system, batch(count))
    variables = {name: network.current for name, network in state.networks.items()}
    return Context(variables, {k: jnp.asarray(v) for k, v in batch(count).items()}, jax.random.key(1), {}, jnp.int32(0))


def check_the_first_stage_is_kept(system):
    """After two steps P holds what the first made, and a generator between both is their mixture."""
    first = step_once(system, batch(), 1, steps=1)[1]
    after = step_once(system, batch(), 1, steps=2)[1]
    kept, then = after.networks["P"].variables["kept"], first.networks["G"].current
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), kept, then)
    variables = {name: network.current for name, network in after.networks.items()}
    for amount in (0.0, 0.25, 1.0):
        mixed = system.interpolated(variables, amount)["G"]["params"]
        expected = jax.tree.map(lambda a, b, t=amount: (1 - t) * a + t * b, kept["params"], variables["G"]["params"])
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-7), mixed, expected)
    with pytest.raises(UserError, match="no first stage"):
        dataclasses.replace(system, pretraining=0).interpolated({"G": {}}, 0.5)
