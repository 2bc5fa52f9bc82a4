"""The type that losses are computed in."""

import jax
import jax.numpy as jnp


def wide(x: jax.Array) -> jax.Array:
    """`x` in float32, or in float64 where it has that: what bfloat16 rounds away, means and squares need."""
    x = jnp.asarray(x)
    return x.astype(jnp.promote_types(x.dtype, jnp.float32))
