"""DCGAN: Unsupervised Representation Learning with Deep Convolutional GANs (Radford et al. 2015, arXiv:1511.06434).

Its networks are `jaxgan.networks.Convolutional` (section 3). Its objective is that of the first GAN: the minimax loss for the
discriminator, the non-saturating one for the generator; Adam with beta1 0.5 and a learning rate of 2e-4 (section 4). Two
penalties, from later papers, keep it stable where the paper's recipe is not: R1 and DRAGAN's.
"""

import dataclasses

import optax

from jaxgan.losses import adversarial, penalties
from jaxgan.training.state import Context
from jaxgan.training.system import Phase, System
from jaxgan.training.two_players import TwoPlayers


@dataclasses.dataclass(frozen=True)
class DCGAN(TwoPlayers, System):
    """Defaults are the paper's. The size and the channels of the pictures are those of the data."""

    r1: float = 0.0
    """gamma of the penalty gamma / 2 E[||grad_x D(x)||^2] on real pictures (Mescheder et al. 2018); 0 is off."""
    dragan: float = 0.0
    """lambda of the penalty lambda E[(||grad_x D(x)|| - 1)^2] around the real pictures (Kodali et al. 2017: 10); 0 is off."""
    learning_rate: float = 2e-4
    """Of Adam, both players."""
    beta1: float = 0.5
    """Of Adam, both players."""
    beta2: float = 0.999
    """Of Adam, both players."""

    def phases(self):
        return (
            Phase("discriminator", ("D",), self.discriminator_loss),
            Phase("generator", ("G",), self.generator_loss),
        )

    def optimizer(self, network, slot):
        return optax.adam(self.learning_rate, self.beta1, self.beta2)

    def discriminator_loss(self, c: Context):
        turn = self.discriminator_turn(c)
        loss, metrics = adversarial.discriminator_loss(turn.real_logits, turn.fake_logits), {}
        if self.r1:
            metrics["r1"] = penalties.r1(turn.discriminator_fn, turn.real)
            loss += self.r1 / 2 * metrics["r1"]
        if self.dragan:
            metrics["dragan"] = penalties.dragan(turn.discriminator_fn, turn.real, turn.key)
            loss += self.dragan * metrics["dragan"]
        return loss, turn.outcome(**metrics)

    def generator_loss(self, c: Context):
        logits, outcome = self.generator_turn(c)
        return adversarial.generator_non_saturating_loss(logits), outcome
