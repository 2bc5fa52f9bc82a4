"""The metrics by name: what each takes, what is usual, and figures of points and texts through the command line."""

import json

import numpy as np
import pytest

import jaxgan
from jaxgan import Experiment, UserError, configs
from jaxgan.cli import main
from jaxgan.data import Points
from jaxgan.media import Audio, Medium, Notes, Picture, Text
from jaxgan.metrics import named
from jaxgan.metrics.evaluation import usual
from jaxgan.metrics.seeing import see
from jaxgan.networks import Perceptrons
from jaxgan.systems.wgan_gp import WGANGP
from tests.command import one_sentence

TEXTS = '''
"""Texts of which every second one is of the data, and all of one letter."""
import dataclasses, jax.numpy as jnp, numpy as np
from jaxgan import Experiment
from jaxgan.data import Records
from jaxgan.media import Text
from tests.value import Value

@dataclasses.dataclass(frozen=True)
class Letters:
    def load(self):
        words = [{"text": np.full(4, 1 + i % 3, np.int32)} for i in range(30)]
        return Records(words, media={"text": Text(vocabulary=tuple("abcdef"))})
    def transform(self, example, random):
        return example

@dataclasses.dataclass(frozen=True)
class Writer(Value):
    reads, makes, conditions = ("text",), "text", ()
    def decode(self, variables, z, inputs):
        return jnp.repeat(jnp.int32(3 + 2 * (z[:, :1] > 0)), 4, 1)

def get_config():
    return Experiment(system=Writer(), data=Letters(), batch_size=4, steps=1, devices=1)
'''


def test_every_metric_says_what_it_takes():
    assert set(named.names()) >= {"fid", "kid", "precision_recall", "modes", "ppl", "psnr", "novelty"}
    for name in named.names():
        module = named.find(name)
        assert module.OF in ("sets", "pairs", "run")
        assert all(issubclass(kind, Medium) for kind in module.TAKES)
        assert isinstance(module.LESS_IS_BETTER, bool)
        assert hasattr(module, {"sets": "figures", "pairs": "compare", "run": "of_run"}[module.OF])
    for medium in (Picture(), Audio(rate=8), Notes(), Medium(), Text(vocabulary=("a",))):
        named.check_medium(medium.metrics, medium)


def test_names_that_are_none():
    with pytest.raises(UserError, match='there is no metric "fdi", did you mean "fid"'):
        named.check_names(("fdi",), ("sets",))
    with pytest.raises(UserError, match="the metric psnr does not apply here: for a reason"):
        named.check_names(("fid", "psnr"), ("sets",), "for a reason")
    with pytest.raises(
        UserError, match=r"inception_score does not take sounds: of these there are density_coverage, fid, kid"
    ):
        named.check_medium(("fid", "inception_score"), Audio(rate=8))


def test_the_frechet_distance_of_numbers_is_that_of_gaussians():
    """Of two sets that differ by a shift alone it is the square of the shift."""
    random = np.random.default_rng(0)
    first, second = random.normal(size=(2, 20_000, 3))
    from jaxgan.metrics.features import numbers

    network = numbers(Medium(), (3,))
    seen = [see("real", [points], network, ("fid",), Medium()) for points in (first, second + np.array([3, 0, 4]))]
    found = named.find("fid").figures(*seen, network, 0)
    assert found["value"] == pytest.approx(25, rel=0.02)
    assert "features of numbers (digest" in found["protocol"]
    assert "20000 real against 20000 real examples [3]" in found["protocol"]


@pytest.fixture(scope="module")
def points(tmp_path_factory):
    folder = tmp_path_factory.mktemp("points") / "run"
    system = WGANGP(networks=Perceptrons(hidden=8))
    experiment = Experiment(system=system, data=Points(distribution="ring"), batch_size=32, steps=1, devices=1)
    jaxgan.fit(experiment, folder, quiet=True)
    return folder


@pytest.mark.slow
def test_points_have_modes_and_distances(points, tmp_path, capsys):
    run = jaxgan.restore(points)
    assert usual(run) == ("modes", "fid")
    assert main(["evaluate", str(points), "--num", "100", "--json", str(tmp_path / "e.json")]) == 0
    said, found = capsys.readouterr().out, json.loads((tmp_path / "e.json").read_text())
    assert found["count"]["generated"] == 100
    assert found["features"]["name"] == "numbers"
    assert 0 <= found["metrics"]["modes"]["covered"] <= 8
    assert found["metrics"]["fid"]["value"] > 0
    assert "modes  covered" in said
    assert main(["evaluate", str(points), "--metrics", "fid,ms_ssim"]) == 2
    assert "ms_ssim does not take points: of these there are" in one_sentence(capsys.readouterr().err)
    assert main(["evaluate", str(points), "--features", "inception", "--metrics", "kid"]) == 2
    assert "--features inception looks at pictures, not at points" in one_sentence(capsys.readouterr().err)


def test_texts_are_unique_and_novel(tmp_path, capsys):
    config, folder = tmp_path / "letters.py", tmp_path / "run"
    config.write_text(TEXTS)
    jaxgan.fit(configs.load(str(config)), folder, quiet=True)
    assert main(["evaluate", str(folder), "--config", str(config), "--num", "40"]) == 0
    found = json.loads((folder / "evaluation.json").read_text())["metrics"]["novelty"]
    assert found["unique"] == 2 / 40  # cccc and eeee, of which cccc was learnt from
    assert found["novel"] == 1 / 2
    capsys.readouterr()


def test_texts_are_compared_as_they_are_read():
    """Whatever whole numbers they are, and with nothing in between: a copy is not novel."""
    text = Text(vocabulary=("a", "b"))
    real = see("real", [np.array([[1, 2, 0], [2, 2, 2]], np.int64)], None, ("novelty",), text)
    made = see(
        "generated", [np.array([[1, 0, 2], [1, 2, 0], [2, 2, 2], [2, 1, 0]], np.int32)], None, ("novelty",), text
    )
    found = named.find("novelty").figures(real, made, None, 0)
    assert (found["unique"], found["novel"]) == (3 / 4, 1 / 3)
