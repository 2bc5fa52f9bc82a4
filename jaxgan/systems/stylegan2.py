"""StyleGAN2: Analyzing and Improving the Image Quality of StyleGAN (Karras et al. 2019, 1912.04958), and ADA (2006.06676).

A mapping network turns the latent z into w, and w modulates each convolution of the synthesis (`jaxgan.networks.style`). The
objective is the non-saturating one with two lazy penalties, each every few steps, in the main optimisers: R1 on real pictures
(section 3.1 there, "lazy regularization"), and path length on the synthesis (section 3.2): a step in W should change the
picture by a step of the same length everywhere. Few pictures ask for `augmentation`, adapted by what the discriminator makes
of the real ones (2006.06676). Style mixing, truncation and the rest of what StyleGAN began with are
`jaxgan.training.style_players`.
"""

import dataclasses
import math

import jax
import jax.numpy as jnp
import optax

from jaxgan import rows
from jaxgan.losses import penalties
from jaxgan.networks.style import Architecture, StyleDiscriminator, Synthesis
from jaxgan.training.phase import Phase, every
from jaxgan.training.state import Context, Outcome
from jaxgan.training.style_players import StylePlayers
from jaxgan.training.system import System

PATH_DECAY = 0.99
"""Of the running mean of the path lengths."""


@dataclasses.dataclass(frozen=True)
class StyleGAN2(StylePlayers, System):
    """Defaults are the paper's for faces of 1024 pixels (configuration F)."""

    generator: Architecture = "skip"
    """What leads past the generator's convolutions."""
    discriminator: Architecture = "resnet"
    """What leads past the discriminator's convolutions."""
    label_layers: int = 8
    """Of the discriminator's network from a label to what its features are compared with."""
    path_length: float = 2.0
    """Weight of the path length penalty; 0 is off."""
    path_length_every: int = 4
    """Steps from one path length penalty, so many times as large, to the next."""

    def synthesis(self, shape):
        return Synthesis(shape[0], shape[2], self.channel_base, self.width, self.generator, self.dtype)

    def judge(self, dtype):
        return StyleDiscriminator(
            self.channel_base, self.width, self.discriminator, self.group, self.label_values, self.label_layers, dtype
        )

    def init_aux(self, variables, batch):
        return {"path_length": jnp.float32(0), **super().init_aux(variables, batch)}

    def phases(self):
        turns = [
            Phase("discriminator", ("D",), self.discriminator_loss),
            Phase("generator", ("G",), self.generator_loss),
        ]
        if self.r1:
            turns.append(Phase("r1", ("D",), self.r1_loss, moves=every(self.r1_every), apart=True))
        if self.path_length:
            lazy = every(self.path_length_every)
            turns.append(Phase("path_length", ("G",), self.path_length_loss, moves=lazy, apart=True))
        return tuple(turns)

    def optimizer(self, network, slot):
        """A network with a lazy penalty every k steps moves (k + 1) / k times a step: rate and memory shrink to match."""
        interval = {"D": self.r1_every if self.r1 else 0, "G": self.path_length_every if self.path_length else 0}
        share = interval[network] / (interval[network] + 1) if interval[network] else 1.0
        return self.freezing(network, optax.adam(self.learning_rate * share, 0.0, self.beta2**share, eps=1e-8))

    def path_length_loss(self, c: Context):
        """E[(||J^T y|| - a)^2], J = dG/dw, y ~ N(0, 1) / side, a their running mean (equation 4), of half of a minibatch.

        The mean of the squares over the layers stands under the root, as in the code. a is a constant here; there the
        gradient passes through a hundredth of it.
        """
        z_key, noise_key, y_key = jax.random.split(c.key, 3)
        # Every other row, which is the same half on one device and on eight, as groups of an even size divide them.
        some = jax.tree.map(lambda x: x[:: 2 if self.group % 2 == 0 else 1], c.batch)
        shape, count = some["image"].shape[1:], len(some["image"])
        ws = self.mixed(c.variables, z_key, count, shape[0], some.get("label"))[0]
        y = rows.normal(y_key, count, shape) / math.sqrt(shape[0] * shape[1])
        slopes = jax.grad(lambda ws: (self.synthesize(c.variables, ws, shape, noise_key) * y).sum())(ws)
        lengths = jnp.sqrt(jnp.square(slopes).sum(2).mean(1) + penalties.EPSILON)
        mean = c.aux["path_length"]
        mean += (1 - PATH_DECAY) * (rows.mean(jax.lax.stop_gradient(lengths)) - mean)
        penalty = jnp.square(lengths - mean).mean()
        metrics = {"penalty": penalty, "length": lengths.mean()}
        return self.path_length_every * self.path_length * penalty, Outcome(aux={"path_length": mean}, metrics=metrics)
