"""Clips of a square that moves, by a small VideoGAN of three-dimensional convolutions."""

import dataclasses

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxgan import Experiment, Outcome, Phase, System, rows
from jaxgan.data import Records
from jaxgan.media import Video

SHAPE = (8, 16, 16, 3)


@dataclasses.dataclass(frozen=True)
class Squares:
    count: int = 128

    def load(self):
        random, made = np.random.default_rng(0), []
        for _ in range(self.count):
            clip = -np.ones(SHAPE, np.float32)
            x, y, speed, color = (*random.integers(0, 12, 2), random.integers(-1, 2), random.uniform(0, 1, 3))
            for t in range(len(clip)):
                left = int(np.clip(x + speed * t, 0, 12))
                clip[t, y : y + 4, left : left + 4] = color
            made.append({"video": clip})
        return Records(made, media={"video": Video(fps=8)})

    def transform(self, example, random):
        return example


class Generator(nn.Module):
    @nn.compact
    def __call__(self, z):
        x = nn.relu(nn.Dense(2 * 4 * 4 * 16)(z)).reshape(-1, 2, 4, 4, 16)
        x = nn.relu(nn.ConvTranspose(8, (4, 4, 4), (2, 2, 2))(x))
        return jnp.tanh(nn.ConvTranspose(3, (4, 4, 4), (2, 2, 2))(x))


class Discriminator(nn.Module):
    @nn.compact
    def __call__(self, x):
        x = nn.leaky_relu(nn.Conv(8, (4, 4, 4), (2, 2, 2))(x), 0.2)
        return nn.Dense(1)(x.reshape(len(x), -1))[:, 0]


@dataclasses.dataclass(frozen=True)
class ToyVideoGAN(System):
    reads = ("video",)
    makes = "video"

    latent_dim: int = 8

    def init_variables(self, key, batch):
        keys = jax.random.split(key)
        generator = Generator().init(keys[0], jnp.zeros((2, self.latent_dim)))
        return {"G": generator, "D": Discriminator().init(keys[1], batch["video"])}

    def phases(self):
        return (
            Phase("discriminator", ("D",), self.discriminator_loss),
            Phase("generator", ("G",), self.generator_loss),
        )

    def optimizer(self, network, slot):
        return optax.adam(1e-3, 0.5)

    def latents(self, key, count):
        return rows.normal(key, count, (self.latent_dim,))

    def decode(self, variables, z, inputs):
        return Generator().apply(variables["G"], z)

    def discriminator_loss(self, c):
        real = c.batch["video"]
        fake = self.decode(c.variables, self.latents(c.key, len(real)), None)
        judge = lambda x: Discriminator().apply(c.variables["D"], x)  # noqa: E731
        return jax.nn.softplus(-judge(real)).mean() + jax.nn.softplus(judge(fake)).mean(), Outcome()

    def generator_loss(self, c):
        fake = self.decode(c.variables, self.latents(c.key, len(c.batch["video"])), None)
        return jax.nn.softplus(-Discriminator().apply(c.variables["D"], fake)).mean(), Outcome()


def get_config() -> Experiment:
    return Experiment(
        system=ToyVideoGAN(), data=Squares(), batch_size=16, steps=20,
        log_every=5, sample_every=10, checkpoint_every=10, devices=1,
    )  # fmt: skip
