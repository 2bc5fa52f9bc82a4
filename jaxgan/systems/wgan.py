"""WGAN: Wasserstein GAN (Arjovsky et al. 2017, arXiv:1701.07875).

The critic f, linear at its output, maximises E[f(x)] - E[f(G(z))]; with f K-Lipschitz its best value is K times the
Wasserstein distance between data and generator, which is continuous where the divergence of the first GAN is not, and falls
as samples get better. Its weights are clipped to a small box after every move to keep it Lipschitz (algorithm 1). It is
trained to near its best: 5 moves a step, but 100 in the first 25 steps and in every 500th (the paper's code). RMSprop, since
momentum made the critic unstable (section 4.3).
"""

import dataclasses

import optax

from jaxgan.errors import UserError
from jaxgan.losses import adversarial, penalties
from jaxgan.training.state import Context
from jaxgan.training.system import Phase, System
from jaxgan.training.two_players import TwoPlayers


@dataclasses.dataclass(frozen=True)
class WGAN(TwoPlayers, System):
    """Defaults are the paper's: algorithm 1, and the schedule of its code."""

    signed = False

    clip: float = 0.01
    """Largest absolute value of every parameter of the critic."""
    critic_moves: int = 5
    """Moves of the critic for one of the generator."""
    eager_moves: int = 100
    """Moves of the critic in the first `eager_steps` steps and in every `eager_interval`th; `critic_moves` for none such."""
    eager_steps: int = 25
    """Steps at the beginning in which the critic makes `eager_moves`."""
    eager_interval: int = 500
    """Steps from one with `eager_moves` to the next."""
    learning_rate: float = 5e-5
    """Of RMSprop, both players."""

    def resolve(self, spec):
        if self.schedule.warmup:
            raise UserError(
                "WGAN's schedule cannot have a warm-up: the first updates must bring the critic's weights into their box; set "
                "--system.schedule.warmup 0"
            )
        return super().resolve(spec)

    def phases(self):
        # A plain number where it is one: a schedule of the rates then counts steps, not moves.
        moves = self.critic_moves if self.eager_moves == self.critic_moves else self.moves_of_critic
        return (
            Phase("critic", ("D",), self.critic_loss, moves=moves),
            Phase("generator", ("G",), self.generator_loss),
        )

    def moves_of_critic(self, step: int) -> int:
        """How many moves the critic makes in the step number `step`, from 0."""
        eager = step < self.eager_steps or step % self.eager_interval == 0
        return self.eager_moves if eager else self.critic_moves

    def optimizer(self, network, slot):
        # PyTorch's and the paper's RMSprop: decay 0.99, and an epsilon beside the root.
        optimizer = optax.rmsprop(self.learning_rate, decay=0.99, eps=1e-8, eps_in_sqrt=False)
        return optax.chain(optimizer, penalties.clip_weights(self.clip)) if network == "D" else optimizer

    def critic_loss(self, c: Context):
        turn = self.discriminator_turn(c)
        loss = adversarial.wasserstein_critic_loss(turn.real_logits, turn.fake_logits)
        return loss, turn.outcome(distance=-loss)

    def generator_loss(self, c: Context):
        scores, outcome = self.generator_turn(c)
        return adversarial.wasserstein_generator_loss(scores), outcome
