"""Penalties on the gradient of a discriminator with respect to its input, by `jax.grad`."""

from collections.abc import Callable

import jax
import jax.numpy as jnp


def r1(discriminator_fn: Callable[[jax.Array], jax.Array], real: jax.Array) -> jax.Array:
    """E[|| grad_x D(x) ||^2] on real examples, the squared norm over all elements of an example.

    Mescheder et al. 2018, section 4.1; a system multiplies it with gamma / 2. For a linear critic D(x) = w . x it is
    ||w||^2.

    Args:
        discriminator_fn: `[B, ...] -> logits [B]` or [B, ...]; each row's logits must depend on that row alone.
        real: [B, ...].

    Returns:
        A float32 scalar.
    """
    gradient = jax.grad(lambda x: jnp.sum(discriminator_fn(x).astype(jnp.float32)))(real)
    return jnp.mean(jnp.sum(jnp.square(gradient.astype(jnp.float32)), axis=tuple(range(1, real.ndim))))
