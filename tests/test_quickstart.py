"""The quickstart, whole: its pictures are as varied as the data, and look like it. Takes minutes."""

import os
import subprocess
import sys

import numpy as np
import pytest

import jaxgan
from jaxgan import media


def distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Euclidean distances [len(a), len(b)] of flattened pictures."""
    a, b = a.reshape(len(a), -1).astype(np.float64), b.reshape(len(b), -1).astype(np.float64)
    squares = (a**2).sum(1)[:, None] + (b**2).sum(1)[None] - 2 * a @ b.T
    return np.sqrt(np.maximum(squares, 0))


@pytest.mark.slow
def test_samples_are_varied_and_near_the_data(tmp_path):
    # By the command line, in a process of its own: without the fake devices and unoptimised programs of the tests.
    environment = {name: value for name, value in os.environ.items() if name != "XLA_FLAGS"}
    command = [sys.executable, "-m", "jaxgan.cli", "train", "quickstart", "--workdir", str(tmp_path / "run")]
    subprocess.run(command, check=True, env=environment)
    run = jaxgan.restore(tmp_path / "run")
    experiment = run.experiment
    made = run.sample(512)
    examples = experiment.data.load().examples
    random = np.random.default_rng(0)
    data = np.stack([experiment.data.transform(examples[i], random)["image"] for i in range(len(examples))])

    among_made, among_data = distances(made, made), distances(data[:512], data[:512])
    pairs = np.triu_indices(512, 1)
    diversity = among_made[pairs].mean() / among_data[pairs].mean()
    assert diversity >= 0.7

    to_others = distances(data[:512], data)
    to_others[np.arange(512), np.arange(512)] = np.inf  # not to itself
    nearness = distances(made, data).min(1).mean() / to_others.min(1).mean()
    assert nearness <= 2
    print(f"pairwise distance {diversity:.2f} of the data's, nearest neighbour {nearness:.2f} of the data's")
    media.grid(made[:64]).save(tmp_path / "grid.png")
