"""Penalties on the gradient of a discriminator with respect to its input, by `jax.grad`, and the clipping that they replaced.

Each takes the discriminator as a function `[B, ...] -> [B]` or [B, ...] whose row i depends on row i of its input alone: with
BatchNorm in it an example's gradient is not its own. Norms are over *all* elements of an example. Under bfloat16 a system
passes its discriminator in float32: squares of small gradients are what bfloat16 loses first.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax

from jaxgan import rows
from jaxgan.losses.wide import wide

Discriminator = Callable[[jax.Array], jax.Array]

EPSILON = 1e-12
"""Inside of the square root of a squared norm: at 0 the root has no derivative."""


def squared_gradient_norm(discriminator_fn: Discriminator, x: jax.Array) -> jax.Array:
    """|| grad_x D(x) ||^2 for each row of `x` [B, ...]: float32 [B]."""
    gradient = jax.grad(lambda x: jnp.sum(wide(discriminator_fn(x))))(x)
    return jnp.sum(jnp.square(wide(gradient)), axis=tuple(range(1, x.ndim)))


def with_squared_gradient_norms(
    discriminator_fn: Callable[..., tuple[jax.Array, ...]], *examples: jax.Array
) -> tuple[tuple[jax.Array, ...], tuple[jax.Array, ...]]:
    """The logits of several kinds of examples, and || grad_x D(x) ||^2 for each row of each, by one pass through D.

    Args:
        discriminator_fn: as many logits [B] as it is given examples [B, ...]; each row's depend on that row alone.
        examples: real and generated ones, say.

    Returns:
        The logits as they come, and float32 [B] for each kind.

    >>> weights = jnp.array([3.0, 4.0])
    >>> _, norms = with_squared_gradient_norms(lambda x, y: (x @ weights, y @ weights), jnp.zeros((2, 2)), jnp.ones((2, 2)))
    >>> [norm.tolist() for norm in norms]
    [[25.0, 25.0], [25.0, 25.0]]
    """
    logits, pull = jax.vjp(discriminator_fn, *examples)
    gradients = pull(jax.tree.map(jnp.ones_like, logits))
    return logits, tuple(jnp.sum(jnp.square(wide(g)), axis=tuple(range(1, g.ndim))) for g in gradients)


def r1(discriminator_fn: Discriminator, real: jax.Array) -> jax.Array:
    """E[|| grad_x D(x) ||^2] on real examples.

    Mescheder et al. 2018, section 4.1; a system multiplies it with gamma / 2. For a linear critic D(x) = w . x it is
    ||w||^2.

    Args:
        discriminator_fn: `[B, ...] -> logits [B]` or [B, ...]; each row's logits must depend on that row alone.
        real: [B, ...].

    Returns:
        A float32 scalar.

    >>> weights = jnp.array([3.0, 4.0])
    >>> float(r1(lambda x: x @ weights, real=jnp.zeros((2, 2))))
    25.0
    """
    return squared_gradient_norm(discriminator_fn, real).mean()


def r2(discriminator_fn: Discriminator, fake: jax.Array) -> jax.Array:
    """E[|| grad_x D(x) ||^2] on generated examples [B, ...]: R1's twin. Mescheder et al. 2018, section 4.1. A float32 scalar.

    Called in the generator's turn too it would penalise the generator: it belongs to the discriminator's loss.
    """
    return squared_gradient_norm(discriminator_fn, fake).mean()


def gradient_penalty(
    discriminator_fn: Discriminator,
    real: jax.Array,
    fake: jax.Array,
    key: jax.Array,
    *,
    one_sided: bool = False,
) -> jax.Array:
    """E[(|| grad_x D(x) || - 1)^2] at points x = e real + (1 - e) fake on the lines between pairs, one e ~ U(0, 1) for each.

    Gulrajani et al. 2017, WGAN-GP, equation 3 and algorithm 1; a system multiplies it with lambda. `one_sided` penalises only
    norms above 1 (section 4, "Two-sided penalty"). For a linear critic D(x) = w . x it is (||w|| - 1)^2.

    Args:
        discriminator_fn: `[B, ...] -> [B]`, or a map of logits for each row.
        real, fake: [B, ...] each; row i is paired with row i.
        key: of the e, drawn per row of the global batch.
        one_sided: leave norms below 1 alone.

    Returns:
        A float32 scalar.

    Outside of a training step the axis of rows must be bound, by `jaxgan.rows.solo`:

    >>> from jaxgan import rows
    >>> weights, key = jnp.array([3.0, 4.0]), jax.random.key(0)
    >>> penalty = rows.solo(lambda real, fake: gradient_penalty(lambda x: x @ weights, real, fake, key))
    >>> round(float(jax.jit(penalty)(jnp.zeros((2, 2)), jnp.ones((2, 2)))), 3)
    16.0
    """
    count = real.shape[0]
    share = rows.uniform(key, count).reshape(count, *[1] * (real.ndim - 1))
    between = share * real + (1 - share) * fake
    return _away_from_one(squared_gradient_norm(discriminator_fn, between), one_sided)


def dragan(discriminator_fn: Discriminator, real: jax.Array, key: jax.Array, *, spread: float = 0.5) -> jax.Array:
    """E[(|| grad_x D(x) || - 1)^2] around the real examples, at x = real + a spread std(real) u with one a ~ U(0, 1) for each.

    Kodali et al. 2017, On Convergence and Stability of GANs (1705.07215), section 3.2, with the noise of its code: u ~ U(0, 1)
    for each element, std over the whole batch. For a linear critic D(x) = w . x it is (||w|| - 1)^2.

    Args:
        discriminator_fn: `[B, ...] -> [B]`, or a map of logits for each row.
        real: [B, ...]. The standard deviation is that of the *global* batch.
        key: of the noise, drawn per row of the global batch.
        spread: how far the noise reaches, in standard deviations.

    Returns:
        A float32 scalar.
    """
    count = real.shape[0]
    noise_key, share_key = jax.random.split(key)
    mean = rows.mean(real)
    deviation = jnp.sqrt(rows.mean(jnp.square(real - mean)) + EPSILON)
    share = rows.uniform(share_key, count).reshape(count, *[1] * (real.ndim - 1))
    around = real + share * spread * deviation * rows.uniform(noise_key, count, real.shape[1:])
    return _away_from_one(squared_gradient_norm(discriminator_fn, around), one_sided=False)


def _away_from_one(squared_norm: jax.Array, one_sided: bool) -> jax.Array:
    excess = jnp.sqrt(squared_norm + EPSILON) - 1.0
    return jnp.square(jax.nn.relu(excess) if one_sided else excess).mean()


def clip_weights(limit: float) -> optax.GradientTransformation:
    """The last link of an optimiser's chain: shortens each update so that the parameters stay in [-limit, limit].

    w <- clip(w + update, -limit, limit): Arjovsky et al. 2017, WGAN, algorithm 1. Parameters that begin outside are brought in
    by the first update. Up to rounding: w + (clip(w + u) - w) may miss the limit by its last digit.

    >>> import optax
    >>> optimizer = optax.chain(optax.sgd(1.0), clip_weights(0.5))
    >>> weights = jnp.array([0.25])
    >>> updates, _ = optimizer.update(jnp.array([-3.0]), optimizer.init(weights), weights)
    >>> optax.apply_updates(weights, updates).tolist()
    [0.5]
    """

    def update(updates, state, params):
        clipped = jax.tree.map(lambda u, w: jnp.clip(w + u, -limit, limit) - w, updates, params)
        return clipped, state

    return optax.GradientTransformation(lambda params: optax.EmptyState(), update)
