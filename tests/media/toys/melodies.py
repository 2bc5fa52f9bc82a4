"""Melodies [notes, pitch and length] and their medium, all in one file outside of the package."""

import dataclasses

import numpy as np

from jaxgan import Experiment
from jaxgan.data import Records
from jaxgan.media import Medium, Notes
from jaxgan.networks import Perceptrons
from jaxgan.systems.wgan_gp import WGANGP


@dataclasses.dataclass(frozen=True)
class Melody(Medium):
    """Notes one after the other, each (pitch, beats) in [-1, 1]."""

    one, many = "melody", "melodies"
    suffixes = (".mid",)
    plays = ".wav"
    shown = 16

    tempo: int = 120

    def roll(self, x):
        """The same as `jaxgan.media.Notes` have it, sixteenths of two octaves from C3."""
        lengths = np.clip(np.round(2 + 2 * x[:, 1]), 1, 4).astype(int)
        roll = np.zeros((lengths.sum(), 25), np.float32)
        for end, length, pitch in zip(np.cumsum(lengths), lengths, x[:, 0], strict=True):
            roll[end - length : end, int(np.clip(12 + 12 * pitch, 0, 24))] = 1
        return roll

    def still(self, x):
        return Notes(lowest=48).still(self.roll(x))

    def encode(self, x, suffix):
        return (
            Notes(lowest=48, tempo=self.tempo).encode(self.roll(x), suffix)
            if suffix != ".png"
            else super().encode(x, suffix)
        )


@dataclasses.dataclass(frozen=True)
class Scales:
    count: int = 64

    def load(self):
        steps = np.random.default_rng(0).choice([1, 2, 2], (self.count, 12))
        pitches = np.cumsum(steps, 1) / 12 - 1
        scales = np.float32(np.stack([pitches, np.full_like(pitches, -0.5)], -1))
        return Records([{"image": scale} for scale in scales], media={"image": Melody(tempo=140)})

    def transform(self, example, random):
        return example


def get_config() -> Experiment:
    system = WGANGP(networks=Perceptrons(hidden=16), critic_moves=1)
    return Experiment(
        system=system, data=Scales(), batch_size=8, steps=20,
        log_every=5, sample_every=10, checkpoint_every=10, devices=1,
    )  # fmt: skip
