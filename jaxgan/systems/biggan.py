"""BigGAN: Large Scale GAN Training for High Fidelity Natural Image Synthesis (Brock et al. 2018, arXiv:1809.11096).

SNGAN's hinge loss and projection discriminator, made large: big batches, wide networks of `jaxgan.networks.Big`, spectral
normalisation in both, two moves of the discriminator for one of the generator, an average of the generator's weights. Its
samples are scored with standing statistics (appendix B). The generator's weights may be kept near orthogonal (section 3.1,
equation 3), for latents that are cut off:

    L_G = -E[D(G(z, y), y)] + beta sum_W || W W^T * (1 - I) ||_F^2
"""

import dataclasses

import flax
import jax
import jax.numpy as jnp
import optax
from jax.scipy.stats import norm as normal

from jaxgan.losses import adversarial
from jaxgan.networks import AnyNetworks, Big
from jaxgan.training.state import Context
from jaxgan.training.system import Phase, System
from jaxgan.training.two_players import TwoPlayers

EDGE = 1e-6
"""Of a probability: the normal distribution's quantiles are finite within."""


@dataclasses.dataclass(frozen=True)
class BigGAN(TwoPlayers, System):
    """Defaults are the paper's for 128 pixels, at a batch size of 2,048.

    Generated pictures have the labels of the real ones of the step, so that classes are as frequent as in the data.
    """

    copied = ("batch_stats", "spectral")

    networks: AnyNetworks = Big()
    """Generator and discriminator."""
    conditional: bool = dataclasses.field(default=True, kw_only=True)
    """Whether both players see the label."""
    discriminator_moves: int = 2
    """Moves of the discriminator for one of the generator."""
    generator_learning_rate: float = 5e-5
    """Of the generator's Adam."""
    discriminator_learning_rate: float = 2e-4
    """Of the discriminator's Adam."""
    beta2: float = 0.999
    """Of Adam, both players; beta1 is 0."""
    orthogonality: float = 0.0
    """beta of the penalty on the generator's weights; 1e-4 in the paper. 0 is off."""
    ema: float = dataclasses.field(default=0.9999, kw_only=True)
    """Decay of the moving average of the generator that samples are made with."""
    ema_start: int = 20_000
    """Steps before there is an average: until then it is the generator itself."""

    def phases(self):
        return (
            Phase("discriminator", ("D",), self.discriminator_loss, moves=self.discriminator_moves),
            Phase("generator", ("G",), self.generator_loss),
        )

    def optimizer(self, network, slot):
        rate = self.generator_learning_rate if network == "G" else self.discriminator_learning_rate
        return optax.adam(rate, 0.0, self.beta2)

    def ema_decay(self, network, step):
        if network != "G" or not self.ema:
            return None
        return jnp.where(jnp.asarray(step) < self.ema_start, 0.0, self.ema)

    def truncate(self, variables, z, psi, inputs):
        """z as if drawn again until all its numbers lie in the middle `psi` of their distribution (section 3.1).

        The threshold t of the paper keeps psi = P(|z| < t): 0.95 for t = 2, 0.68 for 1, 0.38 for 0.5, 0.03 for 0.04. Instead
        of drawing again each z moves to where it stands, in the same order, among those that remain.
        """
        if self.networks.latent == "uniform":
            return psi * z
        middle = jnp.clip(0.5 + psi * (normal.cdf(z) - 0.5), EDGE, 1 - EDGE)
        return jnp.where(psi == 1, z, normal.ppf(middle))

    def discriminator_loss(self, c: Context):
        turn = self.discriminator_turn(c)
        return adversarial.hinge_discriminator_loss(turn.real_logits, turn.fake_logits), turn.outcome()

    def generator_loss(self, c: Context):
        scores, outcome = self.generator_turn(c)
        loss = adversarial.wasserstein_generator_loss(scores)
        if not self.orthogonality:
            return loss, outcome
        penalty = orthogonality(c.variables["G"]["params"])
        return loss + self.orthogonality * penalty, outcome.replace(metrics={"orthogonality": penalty})


def orthogonality(params: dict) -> jax.Array:
    """sum_W || W W^T * (1 - I) ||_F^2 over the kernels of a network, their rows the outputs; without embeddings of classes.

    Brock et al. 2018, equation 3. A float32 scalar; 0 where all outputs of each layer are orthogonal.

    >>> float(orthogonality({"linear": {"kernel": jnp.array([[1.0, 1.0], [0.0, 2.0]])}}))
    2.0
    """
    total = jnp.float32(0)
    for path, leaf in flax.traverse_util.flatten_dict(params).items():
        if path[-1] == "kernel" and path[-2] not in ("shared", "embed"):
            weights = leaf.reshape(-1, leaf.shape[-1])
            products = weights.T @ weights
            total += jnp.square(products).sum() - jnp.square(jnp.diagonal(products)).sum()
    return total
