"""How weights begin."""

import jax
import jax.numpy as jnp


def normal(stddev: float = 0.02) -> jax.nn.initializers.Initializer:
    """N(0, stddev^2): every weight of DCGAN (section 4), and since then of pix2pix and CycleGAN."""
    return jax.nn.initializers.normal(stddev)


def normal_around_one(stddev: float = 0.02) -> jax.nn.initializers.Initializer:
    """N(1, stddev^2): the scales of DCGAN's batch normalisation, as its code has them."""

    def init(key, shape, dtype=jnp.float32):
        return 1.0 + stddev * jax.random.normal(key, shape, dtype)

    return init


def uniform(limit: float) -> jax.nn.initializers.Initializer:
    """U(-limit, limit), as the perceptrons of the first GANs begin."""

    def init(key, shape, dtype=jnp.float32):
        return jax.random.uniform(key, shape, dtype, -limit, limit)

    return init
