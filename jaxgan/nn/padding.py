"""What lies beyond the border of a picture."""

import jax
import jax.numpy as jnp


def reflect(x: jax.Array, count: int) -> jax.Array:
    """`count` pixels more on every side of [B, H, W, C], mirrored at the border, whose own pixels are not repeated.

    >>> row = jnp.array([[1.0, 2.0, 3.0]] * 2).reshape(1, 2, 3, 1)
    >>> reflect(row, 1)[0, 0, :, 0].tolist()
    [2.0, 1.0, 2.0, 3.0, 2.0]
    """
    return jnp.pad(x, ((0, 0), (count, count), (count, count), (0, 0)), mode="reflect") if count else x
