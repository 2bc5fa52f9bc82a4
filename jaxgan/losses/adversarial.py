"""The adversarial objectives. Logits are the discriminator's output before the sigmoid, [B] or [B, ...]: D = sigmoid(logits).

All means run over this device's rows; the engine averages over the devices. Everything is computed in float32, from
`softplus(x) = log(1 + exp(x))`, which neither overflows nor loses the gradient where a discriminator is very sure.
"""

import jax
import jax.numpy as jnp
import optax


def discriminator_loss(real_logits: jax.Array, fake_logits: jax.Array, *, real_target: float = 1.0) -> jax.Array:
    """The discriminator's side of the minimax game, negated: -E[log D(x)] - E[log(1 - D(G(z)))].

    Goodfellow et al. 2014, equation 1. At an undecided discriminator it is 2 log 2 = 1.386.

    Args:
        real_logits, fake_logits: any shape.
        real_target: 0.9 for one-sided label smoothing (Salimans et al. 2016, section 3.4).

    Returns:
        A float32 scalar.
    """
    real = jnp.asarray(real_logits, jnp.float32)
    fake = jnp.asarray(fake_logits, jnp.float32)
    real_loss = optax.sigmoid_binary_cross_entropy(real, jnp.full_like(real, real_target)).mean()
    return real_loss + jax.nn.softplus(fake).mean()


def generator_minimax_loss(fake_logits: jax.Array) -> jax.Array:
    """The generator's side of the minimax game: E[log(1 - D(G(z)))], which it minimises.

    Goodfellow et al. 2014, equation 1. Its gradient vanishes where the discriminator rejects the fakes with confidence.
    Returns a float32 scalar, at most 0.
    """
    return -jax.nn.softplus(jnp.asarray(fake_logits, jnp.float32)).mean()


def generator_non_saturating_loss(fake_logits: jax.Array) -> jax.Array:
    """The generator maximises log D(G(z)) instead: -E[log D(G(z))].

    Goodfellow et al. 2014, section 3: the same fixed point, and strong gradients early on. Returns a float32 scalar.
    """
    return jax.nn.softplus(-jnp.asarray(fake_logits, jnp.float32)).mean()
