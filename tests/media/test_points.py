"""Pictures of points: what is seen where, and that a run of points shows itself in them."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import optax
import pytest
from PIL import Image

import jaxgan
from jaxgan import rows
from jaxgan.data import Points
from jaxgan.media.points import FAKE, REAL, level_sets, scatter
from tests import command

CORNERS = np.array([[-1, -1], [1, 1]], np.float32)
SIZE = 480


def color_at(picture: Image.Image, x: float, y: float) -> np.ndarray:
    """The colour at a point of a window around [-1, 1]^2: 0.65 of the extent on either side."""
    column, row = (int(SIZE * (0.5 + value / 2.6)) for value in (x, -y))
    return np.asarray(picture)[row, column].astype(int)


def rgb(color: str) -> np.ndarray:
    return np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)])


def test_scatter_shows_each_point_in_its_place():
    points = np.array([[0.5, -0.25]] * 8)  # dots are translucent: several are as good as opaque
    picture = scatter(points, real=np.repeat(CORNERS, 8, axis=0))
    assert (picture.size, picture.mode) == ((SIZE, SIZE), "RGB")
    np.testing.assert_allclose(color_at(picture, 0.5, -0.25), rgb(FAKE), atol=3)
    np.testing.assert_allclose(color_at(picture, 1, 1), rgb(REAL), atol=3)
    assert color_at(picture, 0, 0).tolist() == [255, 255, 255]
    colored = (np.asarray(picture) != 255).any(axis=-1).sum()
    assert 10 < colored < 200


def test_scatter_is_deterministic_and_needs_no_data():
    points = np.random.default_rng(0).normal(size=(50, 2))
    assert scatter(points).tobytes() == scatter(points).tobytes()
    assert scatter(points[:1]).size == (SIZE, SIZE)  # no extent at all
    far = scatter(np.array([[100.0, 100.0]]), real=CORNERS)
    assert far.tobytes() == scatter(np.empty((0, 2)), real=CORNERS).tobytes()  # the window is the data's


def test_level_sets_are_brighter_where_the_critic_scores_higher():
    picture = level_sets(lambda points: points[:, 0] + 2 * points[:, 1], CORNERS, CORNERS)
    assert picture.size == (SIZE, SIZE)
    brightness = [color_at(picture, x, y).mean() for x, y in [(-0.9, -0.8), (0.8, -0.8), (-0.7, 0.85), (0.9, 0.8)]]
    assert brightness == sorted(brightness)
    assert brightness[-1] - brightness[0] > 100


@dataclasses.dataclass(frozen=True)
class Shift(jaxgan.System):
    """Noise around a learned place: the least that makes points."""

    def init_variables(self, key, batch):
        return {"G": {"params": {"place": jnp.zeros(2)}}}

    def phases(self):
        return (jaxgan.Phase("generator", ("G",), self.loss),)

    def optimizer(self, network, slot):
        return optax.sgd(0.1)

    def loss(self, c):
        return jnp.mean((c.batch["image"] - c.variables["G"]["params"]["place"]) ** 2), jaxgan.Outcome()

    def latents(self, key, count):
        return rows.normal(key, count, (2,))

    def decode(self, variables, z, inputs):
        return variables["G"]["params"]["place"] + 0.1 * z


CONFIG = """
import jaxgan
from tests.media.test_points import Shift

def get_config():
    return jaxgan.Experiment(system=Shift(), data=jaxgan.data.Points(count=40), batch_size=8, steps=1, devices=1)
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    place = tmp_path_factory.mktemp("points")
    experiment = jaxgan.Experiment(system=Shift(), data=Points(count=40), batch_size=8, steps=1, devices=1)
    run = jaxgan.fit(experiment, place / "run", quiet=True)
    (place / "config.py").write_text(CONFIG)
    return run, place


def test_preview_of_points_lies_over_the_data(trained):
    run, _ = trained
    preview = np.asarray(Image.open(run.workdir / "samples" / "000001.png"))
    assert preview.shape == (SIZE, SIZE, 3)
    for color in (REAL, FAKE):
        assert (np.abs(preview.astype(int) - rgb(color)).max(axis=-1) < 12).any()


def test_sample_plots_points(trained, capsys):
    from jaxgan.cli import main

    run, place = trained
    arguments = ["sample", str(run.workdir), "--config", str(place / "config.py"), "--num", "70"]
    assert main(arguments) == 0
    assert capsys.readouterr().out == f"70 points of step 1 in {run.workdir / 'sample.png'}\n"
    assert Image.open(run.workdir / "sample.png").tobytes() == scatter(run.sample(70)).tobytes()
    assert main([*arguments, "--separate", str(place / "each")]) == 2
    assert "makes points, of which one alone shows nothing" in command.one_sentence(capsys.readouterr().err)
    assert not (place / "each").exists()
