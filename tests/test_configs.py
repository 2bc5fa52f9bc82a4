"""Every config that ships: imported, shrunk, and trained for two steps."""

import ast
import dataclasses

import numpy as np
import pytest

import jaxgan
from jaxgan import configs
from jaxgan.data import TFDS, openmoji

SMALL = {
    "latent_dim": 4, "width": 4, "generator_hidden": 8, "discriminator_hidden": 4, "noise_hidden": 4, "label_hidden": 4,
    "joint_hidden": 8, "image_maxout": 4, "label_maxout": 4, "joint_maxout": 4, "hidden": 8, "generator_width": 4,
    "discriminator_width": 4, "critic_moves": 1, "eager_moves": 1,
}  # fmt: skip


def smaller(part):
    """The same hyper-parameters with small sizes."""
    fields = {f.name for f in dataclasses.fields(part)}
    return dataclasses.replace(part, **{name: value for name, value in SMALL.items() if name in fields})


def shrink(experiment: jaxgan.Experiment) -> jaxgan.Experiment:
    """The same experiment on one device with tiny networks and few pictures."""
    system = smaller(experiment.system)
    if hasattr(system, "networks"):
        system = dataclasses.replace(system, networks=smaller(system.networks))
    data = experiment.data
    if hasattr(data, "count"):
        data = dataclasses.replace(data, count=12)
    if getattr(data, "size", None) == 64:
        data = dataclasses.replace(data, size=32)
    return dataclasses.replace(experiment, system=system, data=data, batch_size=4, steps=2, devices=1)


@pytest.fixture
def few_emoji(monkeypatch, tmp_path):
    """Every 90th emoji, in a cache of its own: drawing all of them would take longer than the test."""
    some = openmoji.annotations()[::90]
    monkeypatch.setattr(openmoji, "annotations", lambda: some)
    monkeypatch.setenv("JAXGAN_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize("name", sorted(configs.shipped()))
def test_config_trains(name, tmp_path, few_emoji):
    experiment = configs.load(name)
    documentation = ast.get_docstring(ast.parse(configs.find(name).read_text()))
    assert f"jaxgan train {name}" in documentation.replace("configs/", "").replace(".py", "")
    small = shrink(experiment)
    if isinstance(small.data, TFDS):
        import tensorflow_datasets as tfds

        with tfds.testing.mock_data(num_examples=8):
            run = jaxgan.fit(small, tmp_path / "run", quiet=True)
    else:
        run = jaxgan.fit(small, tmp_path / "run", quiet=True)
    assert run.step == 2
    assert all(np.isfinite(value) for value in run.metrics[-1].values())
    pictures = run.sample(3)
    assert pictures.shape == (3, *run.record.shapes["image"].shape)
    assert pictures.ndim == 2 or np.abs(pictures).max() <= 1
    assert run.digest == jaxgan.restore(tmp_path / "run").digest
