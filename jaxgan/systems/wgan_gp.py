"""WGAN-GP: Improved Training of Wasserstein GANs (Gulrajani et al. 2017, arXiv:1704.00028).

Clipping leaves a critic that is simple and its gradients vanishing or exploding. Instead the norm of the critic's gradient,
which a 1-Lipschitz optimum has at 1 on the lines between coupled points, is penalised for leaving 1, at random points between
real and generated examples (algorithm 1, lambda 10). No BatchNorm in the critic: the penalty is each example's own. 5 critic
moves a step, Adam with 1e-4, beta1 0 and beta2 0.9. The CIFAR ResNet of appendix F is
`Residual(generator_width=128, spectral_norm=False, pool="mean")` with 2e-4 decayed to 0; that its generator sees a batch of
twice the critic's is not kept: both see one size.
"""

import dataclasses
from typing import Literal

import optax

from jaxgan.errors import UserError
from jaxgan.losses import adversarial, penalties
from jaxgan.networks import AnyNetworks, Convolutional
from jaxgan.training.state import Context
from jaxgan.training.system import Phase, System
from jaxgan.training.two_players import TwoPlayers


@dataclasses.dataclass(frozen=True)
class WGANGP(TwoPlayers, System):
    """Defaults are the paper's: algorithm 1 on networks of DCGAN's size, LayerNorm in the critic (section 4)."""

    signed = False

    networks: AnyNetworks = Convolutional(latent="normal", latent_dim=128, discriminator_norm="layer")
    """Generator and critic."""
    penalty_weight: float = 10.0
    """lambda, of the gradient penalty."""
    penalty: Literal["two-sided", "one-sided"] = "two-sided"
    """Whether norms below 1 are penalised, too, or only those above (section 4)."""
    critic_moves: int = 5
    """Moves of the critic for one of the generator."""
    learning_rate: float = 1e-4
    """Of Adam, both players."""
    beta1: float = 0.0
    """Of Adam, both players."""
    beta2: float = 0.9
    """Of Adam, both players."""

    def resolve(self, spec):
        if self.networks.apart:
            raise UserError(
                "WGANGP cannot have BatchNorm in its critic, since the penalty is on each example's own gradient: set "
                "--system.networks.discriminator-norm to layer or none"
            )
        return super().resolve(spec)

    def phases(self):
        return (
            Phase("critic", ("D",), self.critic_loss, moves=self.critic_moves),
            Phase("generator", ("G",), self.generator_loss),
        )

    def optimizer(self, network, slot):
        return optax.adam(self.learning_rate, self.beta1, self.beta2)

    def critic_loss(self, c: Context):
        turn = self.discriminator_turn(c)
        distance = -adversarial.wasserstein_critic_loss(turn.real_logits, turn.fake_logits)
        penalty = penalties.gradient_penalty(
            turn.discriminator_fn, turn.real, turn.fake, turn.key, one_sided=self.penalty == "one-sided"
        )
        return self.penalty_weight * penalty - distance, turn.outcome(distance=distance, gradient_penalty=penalty)

    def generator_loss(self, c: Context):
        scores, outcome = self.generator_turn(c)
        return adversarial.wasserstein_generator_loss(scores), outcome
