"""Toy runs that turn pictures into pictures in a way that is known, and files to translate."""

from pathlib import Path

import numpy as np
from PIL import Image

import jaxgan
from jaxgan import configs
from jaxgan.cli import main

CLASSES = ("hair=black", "hair=red", "Glasses", "Male")
TOYS = '''
"""Systems that turn pictures into pictures, and a data set."""
import dataclasses, jax, jax.numpy as jnp, numpy as np, optax
from jaxgan import Experiment, Outcome, Phase, System, rows
from jaxgan.data import Records

TRACED = []

@dataclasses.dataclass(frozen=True)
class Pictures:
    label: tuple[int, ...] | None = None
    classes: tuple[str, ...] = ()
    channels: int = 3
    def load(self):
        example = {"image": np.zeros((16, 16, self.channels), np.float32)}
        if self.label is not None:
            example["label"] = np.array(self.label if len(self.label) > 1 else self.label[0], np.int32)
        return Records([example] * 8, self.classes)
    def transform(self, example, random):
        return example

@dataclasses.dataclass(frozen=True)
class Invert(System):
    """ab inverts the colours, ba leaves them. So does the average of the weight; the weight itself moves to -1.5."""
    directions = {"ab": "G", "ba": "G"}
    def init_variables(self, key, batch):
        return {"G": {"params": {"value": -jnp.ones(())}}}
    def phases(self):
        return (Phase("fit", ("G",), lambda c: (c.variables["G"]["params"]["value"], Outcome())),)
    def optimizer(self, network, slot):
        return optax.sgd(0.5)
    def ema_decay(self, network, step):
        return 1.0
    @property
    def multiple(self):
        return 8
    def translate(self, variables, pictures, key, *, direction="ab", inputs=None, statistics="batch"):
        TRACED.append(pictures.shape)
        assert pictures.shape[1] % 8 == pictures.shape[2] % 8 == 0
        made = pictures * (variables["G"]["params"]["value"] if direction == "ab" else 1)
        return made / 2 if statistics == "running" else made
    def sample(self, variables, inputs, key):
        return inputs["image"]

class OneWay(Invert):
    directions = {"ab": "G"}

class Noisy(Invert):
    """A number for each picture, whatever it shows."""
    def translate(self, variables, pictures, key, **_):
        return jnp.zeros(pictures.shape) + rows.uniform(key, pictures.shape[0], (1, 1, 1), minval=-1)

class Bright(Invert):
    """Black, and lighter by the label: the number of a class, or attribute i counts 2^i, in 16ths."""
    reads = ("image", "label")
    def translate(self, variables, pictures, key, *, direction="ab", inputs=None, statistics="batch"):
        labels = inputs["label"]
        number = labels if labels.ndim == 1 else labels @ (2 ** jnp.arange(labels.shape[1]))
        return jnp.zeros(pictures.shape) - 1 + number[:, None, None, None] / 8

class NoWay(Invert):
    directions = {}

def get_config():
    return Experiment(system=SYSTEM, data=Pictures(DATA), batch_size=8, steps=1, devices=1)
'''
SYSTEMS = {
    "invert": ("Invert()", ""),
    "grey": ("Invert()", "channels=1"),
    "one_way": ("OneWay()", ""),
    "noisy": ("Noisy()", ""),
    "attributes": ("Bright()", f"(0, 1, 0, 1), {CLASSES}"),
    "classes": ("Bright()", "(2,), ('cat', 'dog', 'fox')"),
    "no_way": ("NoWay()", ""),
}


def train(folder: Path) -> Path:
    """NAME.py and its workdir NAME of each system, in the folder."""
    for name, (system, data) in SYSTEMS.items():
        config = folder / f"{name}.py"
        config.write_text(TOYS.replace("SYSTEM", system).replace("DATA", data))
        jaxgan.fit(configs.load(str(config)), folder / name)
    return folder


def opened(runs: Path, name: str) -> jaxgan.Run:
    return jaxgan.restore(runs / name, experiment=configs.load(str(runs / f"{name}.py")))


def translate(runs: Path, name: str, *argv) -> int:
    return main(["translate", str(runs / name), *map(str, argv), "--config", str(runs / f"{name}.py")])


def save(path: Path, *size: int, seed: int = 0, **options) -> np.ndarray:
    """A picture [*size] of noise in a file, and its pixels."""
    pixels = np.random.default_rng(seed).integers(0, 256, size, np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)
    return pixels


def pixels_of(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)
