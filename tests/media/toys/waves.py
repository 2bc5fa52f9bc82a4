"""Sounds of a quarter of a second, of four pitches, by a small WaveGAN."""

import dataclasses

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxgan import Experiment, Outcome, Phase, System, rows
from jaxgan.data import Records
from jaxgan.media import Audio

SAMPLES, RATE = 4096, 16_000


@dataclasses.dataclass(frozen=True)
class Tones:
    count: int = 128

    def load(self):
        random = np.random.default_rng(0)
        label = random.integers(0, 4, self.count)
        turn = 2 * np.pi * 220 * 2 ** (label[:, None] / 4) * np.arange(SAMPLES) / RATE
        waves = np.float32(0.5 * np.sin(turn + random.uniform(0, 6, (self.count, 1))))
        examples = [{"wave": wave, "label": int(which)} for wave, which in zip(waves, label, strict=True)]
        return Records(examples, ("A3", "C4", "D#4", "F#4"), media={"wave": Audio(rate=RATE)})

    def transform(self, example, random):
        return {"wave": example["wave"], "label": np.int32(example["label"])}


class Generator(nn.Module):
    @nn.compact
    def __call__(self, z):
        x = nn.Dense(64 * 16)(z).reshape(-1, 64, 16)
        for features in (8, 8, 1):
            x = nn.ConvTranspose(features, (16,), (4,))(nn.relu(x))
        return jnp.tanh(x[..., 0])


class Discriminator(nn.Module):
    @nn.compact
    def __call__(self, x):
        x = x[..., None]
        for features in (8, 8, 16):
            x = nn.leaky_relu(nn.Conv(features, (16,), (4,))(x), 0.2)
        return nn.Dense(1)(x.reshape(len(x), -1))[:, 0]


@dataclasses.dataclass(frozen=True)
class ToyWaveGAN(System):
    reads = ("wave",)
    makes = "wave"

    latent_dim: int = 8

    def init_variables(self, key, batch):
        keys = jax.random.split(key)
        generator = Generator().init(keys[0], jnp.zeros((2, self.latent_dim)))
        return {"G": generator, "D": Discriminator().init(keys[1], batch["wave"])}

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
        real = c.batch["wave"]
        fake = self.decode(c.variables, self.latents(c.key, len(real)), None)
        judge = lambda x: Discriminator().apply(c.variables["D"], x)  # noqa: E731
        return jax.nn.softplus(-judge(real)).mean() + jax.nn.softplus(judge(fake)).mean(), Outcome()

    def generator_loss(self, c):
        fake = self.decode(c.variables, self.latents(c.key, len(c.batch["wave"])), None)
        return jax.nn.softplus(-Discriminator().apply(c.variables["D"], fake)).mean(), Outcome()


def get_config() -> Experiment:
    return Experiment(
        system=ToyWaveGAN(), data=Tones(), batch_size=16, steps=20,
        log_every=5, sample_every=10, checkpoint_every=10, devices=1,
    )  # fmt: skip
