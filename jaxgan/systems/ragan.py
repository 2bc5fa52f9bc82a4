"""RaGAN: the relativistic average discriminator (Jolicoeur-Martineau 2018, arXiv:1807.00734).

The discriminator does not say whether an example is real, but by how much more real it is than the average example of the other
kind. So the generator learns from real examples, too: as its own become better, those must become less real (section 3). The
objective is that of the standard GAN (RaSGAN, equations 8 to 11), which ESRGAN took over; with the gradient penalty of WGAN-GP
it is RaSGAN-GP (section 5). Networks as DCGAN's; Adam with beta1 0.5.
"""

import dataclasses
from typing import ClassVar

import optax

from jaxgan.errors import UserError
from jaxgan.losses import adversarial, penalties
from jaxgan.training.state import Context
from jaxgan.training.system import Phase, System
from jaxgan.training.two_players import TwoPlayers


@dataclasses.dataclass(frozen=True)
class RaGAN(TwoPlayers, System):
    """Defaults are the paper's for RaSGAN on CIFAR-10."""

    signed: ClassVar[bool] = False  # a logit says nothing by itself

    penalty_weight: float = 0.0
    """lambda of the penalty lambda E[(||grad_x C(x)|| - 1)^2] between real and generated examples (the paper: 10); 0 is off."""
    learning_rate: float = 2e-4
    """Of Adam, both players."""
    beta1: float = 0.5
    """Of Adam, both players."""
    beta2: float = 0.999
    """Of Adam, both players."""

    def resolve(self, spec):
        if self.penalty_weight and self.networks.apart:
            raise UserError(
                "RaGAN's penalty is on each example's own gradient, which it has none of under BatchNorm: set "
                "--system.networks.discriminator-norm none, or --system.penalty-weight 0"
            )
        return super().resolve(spec)

    def phases(self):
        return (
            Phase("discriminator", ("D",), self.discriminator_loss),
            Phase("generator", ("G",), self.generator_loss),
        )

    def optimizer(self, network, slot):
        return optax.adam(self.learning_rate, self.beta1, self.beta2)

    def discriminator_loss(self, c: Context):
        turn = self.discriminator_turn(c)
        loss, metrics = adversarial.relativistic_average_loss(turn.real_logits, turn.fake_logits), {}
        if self.penalty_weight:
            penalty = penalties.gradient_penalty(turn.discriminator_fn, turn.real, turn.fake, turn.key)
            metrics["gradient_penalty"] = penalty
            loss += self.penalty_weight * penalty
        return loss, turn.outcome(**metrics)

    def generator_loss(self, c: Context):
        real_logits, fake_logits, outcome = self.relativistic_turn(c)
        return adversarial.relativistic_average_loss(fake_logits, real_logits), outcome
