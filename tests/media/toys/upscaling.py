"""Super-resolution: pictures of 16 pixels to pictures of 32, the three columns of the sheet of two sizes."""

import dataclasses

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
import optax

from jaxgan import Experiment, Outcome, Phase, System
from jaxgan.data import Records


@dataclasses.dataclass(frozen=True)
class Gradients:
    count: int = 64

    def load(self):
        random, made = np.random.default_rng(0), []
        down = np.linspace(0, 1, 32)[:, None, None]
        for _ in range(self.count):
            above, below = random.uniform(-1, 1, (2, 3))
            large = np.float32((1 - down) * above + down * below + np.zeros((32, 32, 3)))
            made.append({"image": large, "input": large.reshape(16, 2, 16, 2, 3).mean((1, 3))})
        return Records(made)

    def transform(self, example, random):
        return example


class Upscaler(nn.Module):
    @nn.compact
    def __call__(self, x):
        y = nn.Conv(12, (3, 3))(nn.relu(nn.Conv(8, (3, 3))(x)))
        rows, height, width, _ = y.shape
        y = y.reshape(rows, height, width, 2, 2, 3).transpose(0, 1, 3, 2, 4, 5).reshape(rows, 2 * height, 2 * width, 3)
        return jnp.tanh(y + x.repeat(2, 1).repeat(2, 2))


@dataclasses.dataclass(frozen=True)
class ToyUpscaling(System):
    reads = ("input", "image")
    directions = {"ab": "G"}

    def init_variables(self, key, batch):
        return {"G": Upscaler().init(key, batch["input"])}

    def phases(self):
        return (Phase("pixel", ("G",), self.loss),)

    def optimizer(self, network, slot):
        return optax.adam(1e-3)

    def loss(self, c):
        return jnp.abs(Upscaler().apply(c.variables["G"], c.batch["input"]) - c.batch["image"]).mean(), Outcome()

    def translate(self, variables, pictures, key, *, direction="ab", inputs=None, statistics="batch"):
        return Upscaler().apply(variables["G"], pictures)

    def sample(self, variables, inputs, key):
        return self.translate(variables, inputs["input"], key)

    def preview(self, variables, inputs, key):
        return {"input": inputs["input"], "output": self.sample(variables, inputs, key), "target": inputs["image"]}


def get_config() -> Experiment:
    return Experiment(
        system=ToyUpscaling(), data=Gradients(), batch_size=8, steps=20,
        log_every=5, sample_every=10, checkpoint_every=10, devices=1,
    )  # fmt: skip
