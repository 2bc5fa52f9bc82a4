"""Every config that ships: imported, shrunk, and trained for two steps."""

import ast
import contextlib
import dataclasses
import functools
from pathlib import Path

import jax
import jax.numpy as jnp
import matplotlib
import numpy as np
import pytest
from PIL import Image

import jaxgan
from jaxgan import configs, rows, workdir
from jaxgan.data import TFDS, Batches, Clipart, Folder, Letters, Pairs, Photographs
from jaxgan.data.sets import emoji
from jaxgan.training.step import initial_state, take_turns
from jaxgan.training.style_players import StylePlayers

SMALL = {
    "latent_dim": 4, "width": 4, "generator_hidden": 8, "discriminator_hidden": 4, "noise_hidden": 4, "label_hidden": 4,
    "joint_hidden": 8, "image_maxout": 4, "label_maxout": 4, "joint_maxout": 4, "hidden": 8, "generator_width": 4,
    "discriminator_width": 4, "critic_moves": 1, "eager_moves": 1, "blocks": 1, "discriminator_layers": 3,
    "discriminator_moves": 1, "pool": 3, "encoder_steps": 1, "noise_dim": 4,
    "style_dim": 4, "mapping_layers": 2, "label_layers": 2, "group_width": 4, "shared": 4,
    "growth": 4, "layers": 2, "pretraining": 1,
}  # fmt: skip
SIZE = 32
QUICK = {"gan_digits", "cgan_digits", "wgan_gp_grid"}
"""What the default tests train of all configs; the slow ones train the rest."""
TRANSLATORS = {"cyclegan_avatars", "pix2pix_openmoji", "stargan_avatars"}
"""Slow to compile, however small; the tests of their systems train them, too."""
DEAR = {"biggan_letters", "esrgan_photographs", "fastgan_clipart", "stylegan2_avatars"}
"""Slower yet: the tests of their systems, or those of another config, train runs, save and restore them; here they are only
traced."""
LARGE = {"cyclegan_horse2zebra", "edsr_div2k", "pix2pix_edges2shoes", "pix2pix_facades", "stargan_celeba", "stylegan2_ada",
         "text2image_birds"}  # fmt: skip
"""The papers' settings, far too large for a test to train, of systems that have a small config too."""


def smaller(part):
    """The same hyper-parameters, or data, with small sizes, and those of the parts in it."""
    changes = {}
    for field in dataclasses.fields(part):
        value = getattr(part, field.name)
        if field.name in SMALL:
            changes[field.name] = SMALL[field.name] if type(value) is int else value
        elif field.name == "count":
            changes["count"] = 12
        elif field.name == "size" and value > SIZE:
            changes |= {"size": SIZE} | ({"resize": SIZE + 4} if getattr(part, "resize", None) else {})
        elif field.name == "field":
            changes["field"] = 16
        elif dataclasses.is_dataclass(value):
            changes[field.name] = smaller(value)
    return dataclasses.replace(part, **changes)


def shrink(experiment: jaxgan.Experiment) -> jaxgan.Experiment:
    """The same experiment on one device with tiny networks and few pictures."""
    system, data = smaller(experiment.system), smaller(experiment.data)
    if isinstance(system, StylePlayers):  # slow to compile, and the slower the more sizes there are
        data = dataclasses.replace(data, size=8)
    return dataclasses.replace(experiment, system=system, data=data, batch_size=4, steps=2, devices=1)


@pytest.fixture
def few_emoji(monkeypatch, tmp_path):
    """Every 90th emoji, in a cache of its own: drawing all of them would take longer than the test."""
    some = emoji.annotations()[::90]
    monkeypatch.setattr(emoji, "annotations", lambda: some)
    monkeypatch.setenv("JAXGAN_CACHE", str(tmp_path / "cache"))


def pairs_of_pictures(folder):
    """Two pictures side by side in each file, as the pix2pix data sets come."""
    folder.mkdir()
    for index in range(6):
        pixels = np.random.default_rng(index).integers(0, 256, (40, 80, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{index}.png")


def pictures_with_captions(folder):
    """Pictures in a folder and, in the table that is returned, a caption of each."""
    folder.mkdir()
    lines = ["file,caption"]
    for index, color in enumerate(("black", "grey", "white")):
        Image.new("RGB", (120, 110), color).save(folder / f"{index}.png")
        lines.append(f"{index}.png,a {color} bird")
    table = folder / "captions.csv"
    table.write_text("\n".join(lines))
    return str(table)


@contextlib.contextmanager
def data_at_hand(experiment: jaxgan.Experiment, folder):
    """The experiment with data that a machine without a network has: pictures in `folder`, or examples that TFDS mocks."""
    data, kinds = experiment.data, [experiment.data, getattr(experiment.data, "a", None)]
    with contextlib.ExitStack() as stack:
        if isinstance(data, Pairs):
            pairs_of_pictures(folder)
            data = dataclasses.replace(data, path=str(folder))
        elif isinstance(getattr(data, "pictures", None), Folder):
            table = pictures_with_captions(folder)
            data = dataclasses.replace(
                data, pictures=dataclasses.replace(data.pictures, path=str(folder), captions=table)
            )
        elif isinstance(data, Letters):
            data = dataclasses.replace(data, path=str(Path(matplotlib.get_data_path()) / "fonts" / "ttf"), part="all")
        elif isinstance(data, Clipart):
            folder.mkdir()
            pictures_with_captions(folder / data.topics[0])
            data = dataclasses.replace(data, path=str(folder))
        elif isinstance(data, Photographs) and data.tfds is not None:
            import tensorflow_datasets as tfds

            stack.enter_context(tfds.testing.mock_data(num_examples=8))
            data = dataclasses.replace(data, size=16)  # mocked pictures are small
        elif isinstance(data, Folder | Photographs):
            pictures_with_captions(folder)
            data = dataclasses.replace(data, path=str(folder))
        elif any(isinstance(kind, TFDS) for kind in kinds):
            import tensorflow_datasets as tfds

            stack.enter_context(tfds.testing.mock_data(num_examples=8))
        yield dataclasses.replace(experiment, data=data)


def loaded(name: str) -> jaxgan.Experiment:
    """The config's experiment; its docstring names its command."""
    documentation = ast.get_docstring(ast.parse(configs.find(name).read_text()))
    assert f"jaxgan train {name}" in documentation.replace("configs/", "").replace(".py", "")
    return configs.load(name)


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=() if n in LARGE else pytest.mark.slow) for n in sorted(LARGE | DEAR | TRANSLATORS)]
)
def test_a_config_fits_its_data(name, tmp_path, few_emoji):
    """At its full size: a batch is read, and the state and the step are traced, which a small config of its system trains."""
    with (
        data_at_hand(loaded(name), tmp_path / "pairs") as experiment,
        Batches(experiment.data, batch_size=experiment.batch_size, seed=0) as batches,
    ):
        record = workdir.describe(experiment, batches.spec)
        batch = {key: next(batches)[key] for key in record.system.reads}
    state = jax.eval_shape(lambda: initial_state(record.system, 0, batch))
    for plan in {record.system.plan(0), record.system.plan(experiment.steps - 1)}:  # all stages there are
        turns = {key: np.stack([value] * record.system.minibatches(plan)) for key, value in batch.items()}
        turn = functools.partial(take_turns, record.system, plan, plan, True)
        after, metrics = jax.eval_shape(rows.solo(lambda s, b, turn=turn: turn(s, {}, b, jnp.int32(0))), state, turns)
        same = jax.tree.map(lambda a, b: a.shape == b.shape and a.dtype == b.dtype, after, state)
        assert jax.tree.all(same)
        assert all(metric.shape == () for metric in metrics.values())


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(n, marks=() if n in QUICK else pytest.mark.slow)
        for n in sorted(set(configs.shipped()) - LARGE - DEAR)
    ],
)
def test_config_trains(name, tmp_path, few_emoji):
    with data_at_hand(shrink(loaded(name)), tmp_path / "pairs") as small:
        run = jaxgan.fit(small, tmp_path / "run", quiet=True)
    assert run.step == 2
    assert all(np.isfinite(value) for value in run.metrics[-1].values())
    shape = (3, *run.record.shapes["image"].shape)
    if run.system.directions:
        labels = np.zeros((3, *run.record.shapes["label"].shape), np.int32) if "label" in run.system.reads else None
        given = np.zeros((3, *run.record.source("ab").shape), np.float32)
        pictures = run.translate(given, label=labels)
    else:
        pictures = run.sample(3, text="a person with glasses" if "text" in run.system.reads else None)
    assert pictures.shape == shape
    limit = 1.5 if hasattr(run.system, "scale") else 1  # networks that enlarge have no tanh
    assert pictures.ndim == 2 or np.abs(pictures).max() <= limit
    assert run.digest == jaxgan.restore(tmp_path / "run").digest
