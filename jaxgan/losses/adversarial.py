"""The adversarial objectives. Logits are the discriminator's output before the sigmoid, [B] or [B, ...]: D = sigmoid(logits).
Objectives without a sigmoid call the same output scores.

All means run over this device's rows; the engine averages over the devices. Everything is computed in float32, from
`softplus(x) = log(1 + exp(x))`, which neither overflows nor loses the gradient where a discriminator is very sure.
"""

import jax
import jax.numpy as jnp
import optax

from jaxgan import rows
from jaxgan.losses.wide import wide


def discriminator_loss(real_logits: jax.Array, fake_logits: jax.Array, *, real_target: float = 1.0) -> jax.Array:
    """The discriminator's side of the minimax game, negated: -E[log D(x)] - E[log(1 - D(G(z)))].

    Goodfellow et al. 2014, equation 1. At an undecided discriminator it is 2 log 2 = 1.386.

    Args:
        real_logits, fake_logits: any shape.
        real_target: 0.9 for one-sided label smoothing (Salimans et al. 2016, section 3.4).

    Returns:
        A float32 scalar.

    >>> undecided = jnp.zeros(2)
    >>> round(float(discriminator_loss(undecided, undecided)), 3)
    1.386
    """
    real = wide(real_logits)
    fake = wide(fake_logits)
    real_loss = optax.sigmoid_binary_cross_entropy(real, jnp.full_like(real, real_target)).mean()
    return real_loss + jax.nn.softplus(fake).mean()


def generator_minimax_loss(fake_logits: jax.Array) -> jax.Array:
    """The generator's side of the minimax game: E[log(1 - D(G(z)))], which it minimises.

    Goodfellow et al. 2014, equation 1. Its gradient vanishes where the discriminator rejects the fakes with confidence.
    Returns a float32 scalar, at most 0.

    >>> rejected = jnp.full(2, -10.0)
    >>> f"{float(generator_minimax_loss(rejected)):.4f}"  # hardly falls any further when D is sure
    '-0.0000'
    """
    return -jax.nn.softplus(wide(fake_logits)).mean()


def generator_non_saturating_loss(fake_logits: jax.Array) -> jax.Array:
    """The generator maximises log D(G(z)) instead: -E[log D(G(z))].

    Goodfellow et al. 2014, section 3: the same fixed point, and strong gradients early on. Returns a float32 scalar.

    >>> rejected = jnp.full(2, -10.0)
    >>> round(float(generator_non_saturating_loss(rejected)), 3)
    10.0
    """
    return jax.nn.softplus(-wide(fake_logits)).mean()


def least_squares_discriminator_loss(
    real_scores: jax.Array, fake_scores: jax.Array, *, a: float = -1.0, b: float = 1.0
) -> jax.Array:
    """1/2 E[(D(x) - b)^2] + 1/2 E[(D(G(z)) - a)^2]: real examples are scored b, generated ones a.

    Mao et al. 2016, LSGAN, equation 2. There is no sigmoid: the score is D's output itself. Returns a float32 scalar; at
    D = (a + b) / 2 it is (b - a)^2 / 4.

    >>> undecided = jnp.zeros(2)
    >>> float(least_squares_discriminator_loss(undecided, undecided))
    1.0
    >>> float(least_squares_discriminator_loss(undecided + 1, undecided - 1))
    0.0
    """
    real = wide(real_scores)
    fake = wide(fake_scores)
    return optax.l2_loss(real - b).mean() + optax.l2_loss(fake - a).mean()


def least_squares_generator_loss(fake_scores: jax.Array, *, c: float = 0.0) -> jax.Array:
    """1/2 E[(D(G(z)) - c)^2]: c is the score that the generator wants for its examples.

    Mao et al. 2016, LSGAN, equation 2. (a, b, c) = (-1, 1, 0) or (0, 1, 1); with b - c = 1 and b - a = 2 the generator
    minimises the Pearson chi^2 divergence (section 3.2). Returns a float32 scalar.

    >>> fooled = jnp.ones(2)
    >>> float(least_squares_generator_loss(fooled)), float(least_squares_generator_loss(fooled, c=1.0))
    (0.5, 0.0)
    """
    return optax.l2_loss(wide(fake_scores) - c).mean()


def wasserstein_critic_loss(real_scores: jax.Array, fake_scores: jax.Array) -> jax.Array:
    """E[f(G(z))] - E[f(x)]: its negative estimates the Wasserstein distance, for a critic f that is 1-Lipschitz.

    Arjovsky et al. 2017, WGAN, algorithm 1. Returns a float32 scalar.

    >>> float(wasserstein_critic_loss(real_scores=jnp.array([3.0, 1.0]), fake_scores=jnp.array([-1.0, 0.0])))
    -2.5
    """
    return wide(fake_scores).mean() - wide(real_scores).mean()


def wasserstein_generator_loss(fake_scores: jax.Array) -> jax.Array:
    """-E[f(G(z))]: Arjovsky et al. 2017, WGAN, algorithm 1; with a hinge for the critic, Miyato et al. 2018, equation 17.

    Returns a float32 scalar.
    """
    return -wide(fake_scores).mean()


def hinge_discriminator_loss(
    real_scores: jax.Array,
    fake_scores: jax.Array,
    *,
    margins: tuple[float | jax.Array, float | jax.Array] = (1.0, 1.0),
) -> jax.Array:
    """E[max(0, 1 - D(x))] + E[max(0, 1 + D(G(z)))]: scores beyond the margin of 1 bring nothing more.

    Lim & Ye 2017, Geometric GAN; Miyato et al. 2018, SNGAN, equation 16. The generator's side is
    `wasserstein_generator_loss`. Returns a float32 scalar; at D = 0 it is 2.

    Args:
        real_scores, fake_scores: any shape.
        margins: other ones than 1, for real and for generated examples: numbers, or arrays as the scores (FastGAN).

    >>> real, fake = jnp.array([0.5, 3.0]), jnp.array([-2.0, 0.0])
    >>> float(hinge_discriminator_loss(real, fake))  # (0.5 + 0) / 2 + (0 + 1) / 2
    0.75
    """
    real = wide(real_scores)
    fake = wide(fake_scores)
    return jax.nn.relu(margins[0] - real).mean() + jax.nn.relu(margins[1] + fake).mean()


def relativistic_loss(winner_logits: jax.Array, loser_logits: jax.Array) -> jax.Array:
    """-E[log sigmoid(C(winner) - C(loser))], row against row.

    The discriminator's loss with (real, fake), the generator's with (fake, real). Jolicoeur-Martineau 2018, The relativistic
    discriminator (1807.00734), equations 4 and 5.

    Args:
        winner_logits, loser_logits: of the same shape; row i of one is compared with row i of the other.

    Returns:
        A float32 scalar; log 2 where both are equal.
    """
    winner = wide(winner_logits)
    loser = wide(loser_logits)
    return jax.nn.softplus(loser - winner).mean()


def relativistic_average_loss(winner_logits: jax.Array, loser_logits: jax.Array) -> jax.Array:
    """-E[log sigmoid(C(winner) - E C(loser))] - E[log(1 - sigmoid(C(loser) - E C(winner)))].

    Each example is compared with the average of the other kind over the *global* batch, so the axis `jaxgan.rows.AXIS` must
    be bound, as it is in a training step. The discriminator's loss with (real, fake), the generator's with (fake, real).
    Jolicoeur-Martineau 2018 (1807.00734), equations 8 to 11; the loss of ESRGAN.

    Returns:
        A float32 scalar, the mean over this device's rows; 2 log 2 where both are equal.

    >>> from jaxgan import rows
    >>> logits = jnp.zeros(2)
    >>> round(float(rows.solo(relativistic_average_loss)(logits, logits)), 3)
    1.386
    """
    winner = wide(winner_logits)
    loser = wide(loser_logits)
    ahead = winner - rows.mean(loser)
    behind = loser - rows.mean(winner)
    return jax.nn.softplus(-ahead).mean() + jax.nn.softplus(behind).mean()
