"""GAN: Generative Adversarial Nets (Goodfellow et al. 2014, arXiv:1406.2661), the multilayer perceptrons of its section 5.

Two players and one value, min_G max_D V(D, G) = E[log D(x)] + E[log(1 - D(G(z)))]: the discriminator tells real examples
from generated ones, the generator learns to be mistaken for the data. One step of each in turn, by stochastic gradient
descent with momentum. The discriminator is a maxout network with dropout, as in the paper's code.
"""

import dataclasses
import math
from typing import Literal

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax

from jaxgan import rows
from jaxgan.losses import adversarial
from jaxgan.nn import Dropout, Maxout, uniform
from jaxgan.training.state import Context, Outcome
from jaxgan.training.system import Phase, System


class Generator(nn.Module):
    """Noise [B, latent] to pictures [B, H, W, C] in [-1, 1]: two rectified layers, then a sigmoid for each pixel."""

    image_shape: tuple[int, int, int]
    hidden: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, z: jax.Array) -> jax.Array:
        init = uniform(0.05)  # as the paper's code
        x = z
        for _ in range(2):
            x = nn.relu(nn.Dense(self.hidden, kernel_init=init, dtype=self.dtype)(x))
        x = nn.Dense(math.prod(self.image_shape), kernel_init=init, dtype=self.dtype)(x)
        # The sigmoid of the paper, stretched from [0, 1] to the [-1, 1] of the data.
        return jnp.tanh(x.astype(jnp.float32) / 2).reshape(-1, *self.image_shape)


class Discriminator(nn.Module):
    """Pictures [B, H, W, C] in [-1, 1] to logits [B]: two maxout layers of 5 pieces, with dropout in front of each."""

    hidden: int
    pieces: int
    dropout: float
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, images: jax.Array) -> jax.Array:
        init = uniform(0.005)  # as the paper's code
        x = (images.reshape(images.shape[0], -1) + 1) / 2
        for rate in (
            0.4 * self.dropout,
            self.dropout,
        ):  # of the pixels less is dropped: 0.2, against 0.5 of the units
            x = Dropout(rate)(x, deterministic=False)
            x = Maxout(self.hidden, self.pieces, kernel_init=init, dtype=self.dtype)(x)
        x = Dropout(self.dropout)(x, deterministic=False)
        return nn.Dense(1, kernel_init=init, dtype=self.dtype)(x)[:, 0].astype(jnp.float32)


@dataclasses.dataclass(frozen=True)
class GAN(System):
    """The first GAN. Defaults are those of the paper's MNIST experiment."""

    latent_dim: int = 100
    """Length of the noise vector, uniform on (-1, 1)."""
    loss: Literal["non_saturating", "minimax"] = "non_saturating"
    """What the generator minimises: -log D(G(z)), as the paper trains, or its value function's log(1 - D(G(z)))."""
    generator_hidden: int = 1200
    """Units in each of the generator's hidden layers."""
    discriminator_hidden: int = 240
    """Units in each of the discriminator's maxout layers."""
    pieces: int = 5
    """Linear pieces of a maxout unit."""
    dropout: float = 0.5
    """Share of the discriminator's units that are dropped."""
    learning_rate: float = 0.1
    """Of gradient descent, both players."""
    momentum: float = 0.5
    """Of gradient descent, both players."""

    def generator(self, image_shape: tuple[int, int, int]) -> Generator:
        return Generator(image_shape, self.generator_hidden, self.dtype)

    def discriminator(self) -> Discriminator:
        return Discriminator(self.discriminator_hidden, self.pieces, self.dropout, self.dtype)

    def init_variables(self, key, batch):
        g_key, d_key = jax.random.split(key)
        image = batch["image"]
        return {
            "G": self.generator(image.shape[1:]).init(g_key, jnp.zeros((1, self.latent_dim))),
            "D": self.discriminator().init(d_key, image),
        }

    def phases(self):
        return (
            Phase("discriminator", ("D",), self.discriminator_loss),
            Phase("generator", ("G",), self.generator_loss),
        )

    def optimizer(self, network, slot):
        return optax.sgd(self.learning_rate, self.momentum)

    def latents(self, key, count):
        return rows.uniform(key, count, (self.latent_dim,), minval=-1.0)

    def decode(self, variables, z, inputs):
        return self.generator(inputs["image"].shape[1:]).apply(variables["G"], z)

    def discriminator_loss(self, c: Context):
        real = c.batch["image"]
        z_key, dropout_key = jax.random.split(c.key)
        fake = self.decode(c.variables, self.latents(z_key, real.shape[0]), c.batch)
        logits = self.discriminator().apply(
            c.variables["D"], rows.interleave(real, fake), rngs={"dropout": dropout_key}
        )
        real_logits, fake_logits = rows.deinterleave(logits, 2)
        metrics = {
            "real_probability": nn.sigmoid(real_logits).mean(),
            "fake_probability": nn.sigmoid(fake_logits).mean(),
        }
        return adversarial.discriminator_loss(real_logits, fake_logits), Outcome(metrics=metrics)

    def generator_loss(self, c: Context):
        z_key, dropout_key = jax.random.split(c.key)
        fake = self.decode(c.variables, self.latents(z_key, c.batch["image"].shape[0]), c.batch)
        logits = self.discriminator().apply(c.variables["D"], fake, rngs={"dropout": dropout_key})
        if self.loss == "minimax":
            return adversarial.generator_minimax_loss(logits), Outcome()
        return adversarial.generator_non_saturating_loss(logits), Outcome()
