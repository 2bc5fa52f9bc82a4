"""Boxes in space, by the package's own WGAN-GP on perceptrons: a medium is the data's to say, and no system's."""

import dataclasses

import numpy as np

from jaxgan import Experiment
from jaxgan.data import Records
from jaxgan.media import Voxels
from jaxgan.networks import Perceptrons
from jaxgan.systems.wgan_gp import WGANGP


@dataclasses.dataclass(frozen=True)
class Boxes:
    count: int = 64

    def load(self):
        random, made = np.random.default_rng(0), np.zeros((self.count, 8, 8, 8), np.float32)
        for shape in made:
            a, b, c = random.integers(0, 4, 3)
            shape[a : a + 4, b : b + 4, c : c + 4] = 1
        return Records([{"image": shape} for shape in made], media={"image": Voxels()})

    def transform(self, example, random):
        return example


def get_config() -> Experiment:
    system = WGANGP(networks=Perceptrons(hidden=16), critic_moves=1)
    return Experiment(
        system=system, data=Boxes(), batch_size=8, steps=20,
        log_every=5, sample_every=10, checkpoint_every=10, devices=1,
    )  # fmt: skip
