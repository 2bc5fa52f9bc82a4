"""LSGAN: Least Squares Generative Adversarial Networks (Mao et al. 2016, arXiv:1611.04076).

The discriminator regresses to b on real examples and to a on generated ones, without a sigmoid; the generator wants c. Where
cross-entropy is content with a generated example on the right side, however far from the data, least squares still pulls it
towards the boundary. Networks as DCGAN's; Adam with beta1 0.5 (section 4).
"""

import dataclasses

import optax

from jaxgan.losses import adversarial
from jaxgan.training.state import Context
from jaxgan.training.system import Phase, System
from jaxgan.training.two_players import TwoPlayers


@dataclasses.dataclass(frozen=True)
class LSGAN(TwoPlayers, System):
    """Defaults are the paper's, with the targets (a, b, c) = (-1, 1, 0) that minimise the Pearson chi^2 divergence."""

    a: float = -1.0
    """The discriminator's target for generated examples. The paper's other choice of (a, b, c) is (0, 1, 1)."""
    b: float = 1.0
    """The discriminator's target for real examples."""
    c: float = 0.0
    """The generator's target."""
    learning_rate: float = 2e-4
    """Of Adam, both players. The paper's: 1e-3 for scenes, 2e-4 elsewhere."""
    beta1: float = 0.5
    """Of Adam, both players."""
    beta2: float = 0.999
    """Of Adam, both players."""

    @property
    def signed(self):
        return self.a + self.b == 0  # with targets of -1 and 1, 0 is half-way

    def phases(self):
        return (
            Phase("discriminator", ("D",), self.discriminator_loss),
            Phase("generator", ("G",), self.generator_loss),
        )

    def optimizer(self, network, slot):
        return optax.adam(self.learning_rate, self.beta1, self.beta2)

    def discriminator_loss(self, c: Context):
        turn = self.discriminator_turn(c)
        loss = adversarial.least_squares_discriminator_loss(turn.real_logits, turn.fake_logits, a=self.a, b=self.b)
        return loss, turn.outcome()

    def generator_loss(self, c: Context):
        scores, outcome = self.generator_turn(c)
        return adversarial.least_squares_generator_loss(scores, c=self.c), outcome
