"""SNGAN: Spectral Normalization for Generative Adversarial Networks (Miyato et al. 2018, arXiv:1802.05957).

Every layer of the discriminator is divided by its largest singular value, so that it is 1-Lipschitz everywhere, not only where
a penalty looks. The hinge loss (equations 16 and 17), residual networks (table 4), 5 discriminator moves a step, Adam with
2e-4, beta1 0 and beta2 0.9 (the paper's setting for residual networks). Conditional: BatchNorm by class in the generator, and
the projection discriminator of Miyato & Koyama 2018 (1802.05637).
"""

import dataclasses

import optax

from jaxgan.losses import adversarial
from jaxgan.networks import AnyNetworks, Residual
from jaxgan.training.state import Context
from jaxgan.training.system import Phase, System
from jaxgan.training.two_players import TwoPlayers


@dataclasses.dataclass(frozen=True)
class SNGAN(TwoPlayers, System):
    """Defaults are the paper's for 32x32 pictures."""

    networks: AnyNetworks = Residual()
    """Generator and discriminator. Their `spectral_norm` makes it an SNGAN; without, it is a GAN with a hinge loss."""
    discriminator_moves: int = 5
    """Moves of the discriminator for one of the generator."""
    learning_rate: float = 2e-4
    """Of Adam, both players."""
    beta1: float = 0.0
    """Of Adam, both players."""
    beta2: float = 0.9
    """Of Adam, both players."""

    def phases(self):
        return (
            Phase("discriminator", ("D",), self.discriminator_loss, moves=self.discriminator_moves),
            Phase("generator", ("G",), self.generator_loss),
        )

    def optimizer(self, network, slot):
        return optax.adam(self.learning_rate, self.beta1, self.beta2)

    def discriminator_loss(self, c: Context):
        turn = self.discriminator_turn(c)
        return adversarial.hinge_discriminator_loss(turn.real_logits, turn.fake_logits), turn.outcome()

    def generator_loss(self, c: Context):
        scores, outcome = self.generator_turn(c)
        return adversarial.wasserstein_generator_loss(scores), outcome
