"""Pictures on condition of a map of keypoints, of a vector and of a masked picture: none of label, text and input."""

import dataclasses

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
import optax

from jaxgan import Experiment, Outcome, Phase, System, rows
from jaxgan.data import Records
from jaxgan.media import Vector


@dataclasses.dataclass(frozen=True)
class Posed:
    count: int = 64

    def load(self):
        random = np.random.default_rng(0)
        make = lambda: {  # noqa: E731
            "image": np.float32(random.uniform(-1, 1, (32, 32, 3))),
            "pose": np.float32(random.uniform(0, 1, (32, 32, 5))),
            "age": np.float32(random.uniform(0, 1, 4)),
            "mask": np.float32(random.integers(0, 2, (32, 32, 1))),
        }
        names = ("child", "young", "middle", "old")
        return Records([make() for _ in range(self.count)], media={"age": Vector(names=names)})

    def transform(self, example, random):
        return example


class Painter(nn.Module):
    @nn.compact
    def __call__(self, z, pose, age, masked):
        x = nn.Dense(32 * 32 * 2)(jnp.concatenate([z, age], -1)).reshape(-1, 32, 32, 2)
        return jnp.tanh(nn.Conv(3, (3, 3))(jnp.concatenate([x, pose, masked], -1)))


@dataclasses.dataclass(frozen=True)
class ToyPose(System):
    reads = ("image", "pose", "age", "mask")

    def init_variables(self, key, batch):
        z, masked = jnp.zeros((len(batch["image"]), 4)), batch["image"] * batch["mask"]
        return {"G": Painter().init(key, z, batch["pose"], batch["age"], masked)}

    def phases(self):
        return (Phase("pixel", ("G",), self.loss),)

    def optimizer(self, network, slot):
        return optax.adam(1e-3)

    def latents(self, key, count):
        return rows.normal(key, count, (4,))

    def decode(self, variables, z, inputs):
        masked = inputs["image"] * inputs["mask"]
        return Painter().apply(variables["G"], z, inputs["pose"], inputs["age"], masked)

    def loss(self, c):
        made = self.decode(c.variables, self.latents(c.key, len(c.batch["image"])), c.batch)
        return jnp.abs(made - c.batch["image"]).mean(), Outcome()

    def preview(self, variables, inputs, key):
        keypoints = 2 * inputs["pose"].mean(-1, keepdims=True) - 1
        return {"keypoints": keypoints, "age": inputs["age"], "made": self.sample(variables, inputs, key)}


def get_config() -> Experiment:
    return Experiment(
        system=ToyPose(), data=Posed(), batch_size=8, steps=20,
        log_every=5, sample_every=10, checkpoint_every=10, devices=1,
    )  # fmt: skip
