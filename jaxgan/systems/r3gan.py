"""R3GAN: The GAN is Dead; Long Live the GAN! A Modern Baseline GAN (Huang et al. 2025, arXiv:2501.05441).

An objective with local convergence needs no tricks. RpGAN pairs each real example with a generated one, and the discriminator
says by how much the one is more real than the other: a generator that leaves out a mode loses to the examples of that mode
(section 2.1). Alone it need not converge; with zero-centred gradient penalties on the real *and* on the generated examples, R1
and R2, in every step, it does (section 2.2):

    L_D = E[f(D(G(z)) - D(x))] + gamma / 2 (E ||grad_x D(x)||^2 + E ||grad_x D(G(z))||^2)
    L_G = E[f(D(x) - D(G(z)))],  f(t) = log(1 + exp(t))

The networks are `jaxgan.networks.R3`. Rate, gamma, beta2, average and augmentation move from where they begin to where they
stay along half a cosine (appendix D).
"""

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp
import optax

from jaxgan.errors import UserError
from jaxgan.losses import adversarial, penalties
from jaxgan.networks import R3, AnyNetworks
from jaxgan.training.state import Context, Outcome
from jaxgan.training.system import Phase, System
from jaxgan.training.two_players import TwoPlayers


@dataclasses.dataclass(frozen=True)
class R3GAN(TwoPlayers, System):
    """Defaults are the paper's for faces of 64 pixels, at a batch size of 256.

    Both players look at the same real examples in a step; the paper's code draws others for the generator.
    """

    signed: ClassVar[bool] = False  # a logit says nothing by itself

    networks: AnyNetworks = R3()
    """Generator and discriminator."""
    r1: float = 2.0
    """gamma of gamma / 2 E[||grad_x D(x)||^2] at the beginning. The one number to tune: the paper has 0.05 for CIFAR-10, 2 for
    faces of 64 pixels and 150 for those of 256."""
    r2: float = 2.0
    """The same, of generated examples. As much as `r1` in the paper."""
    penalties_left: float = 0.1
    """Share of both penalties at the end."""
    learning_rate: float = 2e-4
    """Of Adam, both players, at the beginning; beta1 is 0."""
    final_learning_rate: float = 5e-5
    """At the end."""
    beta2: float = 0.9
    """Of Adam, both players, at the beginning."""
    final_beta2: float = 0.99
    """At the end."""
    anneal: int = 78_125
    """Steps from the beginning to the end, after which all stays: the paper's 20 million images. `ema` and the probability of
    the `augmentation` are those of the end, and rise from 0."""
    ema: float = dataclasses.field(default=0.99965, kw_only=True)
    """Decay of the moving average of the generator that samples are made with, at the end. Its memory grows from nothing."""

    def resolve(self, spec):
        if self.networks.apart and (self.r1 or self.r2):
            raise UserError(
                "R3GAN's penalties are on each example's own gradient, which it has none of under BatchNorm: set "
                "--system.networks.discriminator-norm none"
            )
        if self.augmentation.adaptive:
            raise UserError(
                "R3GAN's augmentation follows a schedule of its own, up to --system.augmentation.probability: leave out target"
            )
        return super().resolve(spec)

    def phases(self):
        return (
            Phase("discriminator", ("D",), self.discriminator_loss),
            Phase("generator", ("G",), self.generator_loss),
        )

    def annealed(self, step: int | jax.Array, begin: float, end: float) -> jax.Array:
        """From `begin` to `end` along half a cosine, over `anneal` steps."""
        done = jnp.minimum(jnp.asarray(step, jnp.float32) / max(self.anneal, 1), 1.0)
        return end + (begin - end) * (1 + jnp.cos(jnp.pi * done)) / 2

    def optimizer(self, network, slot):
        return optax.inject_hyperparams(optax.adam, static_args=("b1", "eps"))(
            learning_rate=lambda step: self.annealed(step, self.learning_rate, self.final_learning_rate),
            b1=0.0,
            b2=lambda step: self.annealed(step, self.beta2, self.final_beta2),
            eps=1e-8,
        )

    def ema_decay(self, network, step):
        if network != "G" or not self.ema:
            return None
        # The half-life, -log 2 / log decay, is what moves from 0 to its end.
        return self.ema ** (1 / jnp.maximum(self.annealed(step, 0.0, 1.0), 1e-6))

    def probability(self, c):
        return self.annealed(c.step, 0.0, self.augmentation.probability)

    def discriminator_loss(self, c: Context):
        z_key, real_key, fake_key = jax.random.split(c.key, 3)
        fake, _ = self._fakes(c, z_key)
        probability, labels = self.probability(c), self._labels(c.batch)

        def judged(real, fake):
            """Of the examples as they are, through their augmentation."""
            real = self.augmentation.apply(real_key, real, probability)
            fake = self.augmentation.apply(fake_key, fake, probability)
            return self._discriminate_both(c.variables["D"], real, fake, labels)[:2]

        (real, fake), norms = penalties.with_squared_gradient_norms(judged, c.batch["image"], fake)
        on_real, on_fake = (norm.mean() for norm in norms)
        left = self.annealed(c.step, 1.0, self.penalties_left)
        loss = adversarial.relativistic_loss(real, fake) + left / 2 * (self.r1 * on_real + self.r2 * on_fake)
        metrics = {"ahead": (real - fake).mean(), "r1": on_real, "r2": on_fake}
        return loss, Outcome(metrics=metrics)

    def generator_loss(self, c: Context):
        real_logits, fake_logits, outcome = self.relativistic_turn(c)
        return adversarial.relativistic_loss(fake_logits, real_logits), outcome
