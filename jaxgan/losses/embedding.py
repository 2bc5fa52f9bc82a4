"""Objectives that bring two kinds of things into one space."""

import jax
import jax.numpy as jnp

from jaxgan import rows
from jaxgan.losses.wide import wide


def joint_embedding_loss(
    a: jax.Array, b: jax.Array, same: jax.Array, *, margin: float = 1.0
) -> tuple[jax.Array, jax.Array]:
    """The symmetric structured joint embedding loss: row i of `a` belongs to row i of `b`, and to no other.

    E over i and j != i of max(0, margin + a_i . b_j - a_i . b_i), and the same with a and b exchanged: each must fit its
    partner better than any other of the batch, by a margin. Reed et al. 2016 (1605.05395), equations 2 to 5, with the sum over
    the batch in place of the maximum, as in the authors' code.

    Args:
        a, b: [B, D] each; the other rows are those of the *global* batch, so `jaxgan.rows.AXIS` must be bound.
        same: bool [B, B global]: pairs that are not to be told apart, besides i = j: two captions that say the same.
        margin: of the hinge.

    Returns:
        A float32 scalar, the mean over this device's rows; and the share of them, a scalar, whose partner in `b` is the one
        that fits best.
    """
    a, b = wide(a), wide(b)
    count = len(a)
    all_a, all_b = rows.gather(a), rows.gather(b)
    own = rows.indices(count)[:, None] == jnp.arange(len(all_a))
    others = ~(own | same)
    matched = jnp.sum(a * b, -1, keepdims=True)
    forward, backward = a @ all_b.T, b @ all_a.T

    def hinge(scores: jax.Array) -> jax.Array:
        cost = jnp.where(others, jax.nn.relu(margin + scores - matched), 0.0)
        return cost.sum() / jnp.maximum(rows.mean(others.astype(jnp.float32)) * others.size, 1.0)

    best = jnp.all(jnp.where(others, forward < matched, True), -1)
    return hinge(forward) + hinge(backward), best.mean()
