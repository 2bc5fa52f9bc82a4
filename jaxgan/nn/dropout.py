"""Dropout whose masks do not depend on how many devices share the batch."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxgan import rows
from jaxgan.errors import UserError


def dropout(x: jax.Array, rate: float, key: jax.Array) -> jax.Array:
    """Zero each element of `x` [B, ...] with probability `rate`, divide the others by 1 - rate.

    The mask of global row i comes from `fold_in(key, i)`, so that eight devices drop what one would. (flax's
    own Dropout draws one mask for the local shape: every device the same.) The axis `rows.AXIS` must be
    bound. Srivastava et al. 2014; pix2pix (section 3.1) keeps it on at test time as the generator's only
    noise.

    Raises:
        UserError: if `rate` is not in [0, 1).
    """
    if not 0.0 <= rate < 1.0:
        raise UserError(f"a dropout rate of {rate} makes no sense: it is at least 0 and below 1")
    if rate == 0.0:
        return x
    kept = rows.bernoulli(key, 1.0 - rate, x.shape[0], x.shape[1:])
    return jnp.where(kept, x / (1.0 - rate), jnp.zeros_like(x))


class Dropout(nn.Module):
    """`dropout` of `x` [B, ...] with a key of the stream "dropout"; the identity where `deterministic`."""

    rate: float

    @nn.compact
    def __call__(self, x: jax.Array, deterministic: bool) -> jax.Array:
        # Initialisation needs shapes only, and may run where the axis is not bound.
        if deterministic or self.is_initializing():
            return x
        return dropout(x, self.rate, self.make_rng("dropout"))
