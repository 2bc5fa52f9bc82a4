"""What lies beyond the border of a picture."""

import jax
import jax.numpy as jnp


def reflect(x: jax.Array, count: int) -> jax.Array:
    """`count` pixels more on every side of [B, H, W, C], mirrored at the border, whose own pixels are not repeated."""
    return jnp.pad(x, ((0, 0), (count, count), (count, count), (0, 0)), mode="reflect") if count else x
