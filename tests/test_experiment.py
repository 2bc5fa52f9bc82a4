"""An experiment as a value: checked, written to JSON and back, compared."""

import dataclasses
import json

import pytest

from jaxgan import Experiment, UserError, configs
from jaxgan.data import Digits
from jaxgan.experiment import differences
from jaxgan.systems.gan import GAN
from tests.training.toys import Toy


def encoded(experiment: Experiment) -> dict:
    """Through real JSON, as in a workdir."""
    return json.loads(json.dumps(experiment.to_json()))


@pytest.mark.parametrize("name", sorted(configs.shipped()))
def test_json_round_trip(name):
    experiment = configs.load(name)
    assert Experiment.from_json(encoded(experiment)) == experiment
    assert encoded(Experiment.from_json(encoded(experiment))) == encoded(experiment)


def test_tuples_come_back():
    experiment = Experiment(system=GAN(), data=Digits(size=(8, 12)))
    assert Experiment.from_json(encoded(experiment)) == experiment


def test_precision_is_one_value():
    """The experiment's wins, and is written into the system; the system's own is taken where there is none."""
    assert Experiment(system=GAN(), data=Digits()).precision == "float32"
    own = Experiment(system=GAN(precision="bfloat16"), data=Digits())
    assert (own.precision, own.system.precision) == ("bfloat16", "bfloat16")
    given = Experiment(system=GAN(), data=Digits(), precision="bfloat16")
    assert given == own
    assert dataclasses.replace(given, precision="float32").system.precision == "float32"


def test_metrics_are_named_as_for_evaluate():
    for names in (("fid", "kid"), "fid,kid", ("fid, kid",)):
        assert Experiment(system=GAN(), data=Digits(), evaluate_metrics=names).evaluate_metrics == ("fid", "kid")
    with pytest.raises(UserError, match=r"evaluate_metrics is \(',',\)"):
        Experiment(system=GAN(), data=Digits(), evaluate_metrics=(",",))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("steps", 0), ("steps", 1.5), ("steps", True), ("batch_size", -1), ("seed", -1), ("seed", 2**32), ("seed", None),
        ("devices", 0), ("fuse", 0), ("keep_checkpoints", 0), ("checkpoint_every", "often"), ("precision", "float16"),
        ("parallel", "tpu"), ("system", GAN), ("data", "digits"),
    ],
)  # fmt: skip
def test_senseless_values_are_named(field, value):
    with pytest.raises(UserError, match=rf"^(Experiment\.)?{field} is "):
        Experiment(**{"system": GAN(), "data": Digits(), field: value})


@pytest.mark.parametrize(
    "path",
    [
        "os:system", "subprocess:Popen", "tests.training.toys:Toy", "jaxgan_other:System",
        # In jaxgan, but code to call: a config named by the file would be run.
        "jaxgan.configs:load", "jaxgan.cli:main", "jaxgan.workdir:shutil", "jaxgan.experiment:Path", "jaxgan.nothing:Here",
        "jaxgan.systems.gan:Nothing", "jaxgan.systems.gan:nn.Module",
    ],
)  # fmt: skip
def test_a_workdir_runs_no_code(path):
    damaged = encoded(Experiment(system=GAN(), data=Digits()))
    damaged["system"] = {"class": path, "config": "/tmp/evil.py"}
    with pytest.raises(UserError, match=path.replace(".", r"\.")):
        Experiment.from_json(damaged)


def test_a_system_of_ones_own_is_named():
    with pytest.raises(UserError, match=r"tests\.training\.toys:Toy, which is not part of jaxgan.*--config FILE"):
        Experiment.from_json(encoded(Experiment(system=Toy(), data=Digits())))


@pytest.mark.parametrize(
    "change", [{"system": {"class": "jaxgan.systems.gan:GAN", "horns": 2}}, {"system": None}, {"steps": "many"}]
)
def test_damaged_values(change):
    with pytest.raises(UserError):
        Experiment.from_json({**encoded(Experiment(system=GAN(), data=Digits())), **change})


def test_differences():
    a = encoded(Experiment(system=GAN(), data=Digits()))
    b = encoded(Experiment(system=GAN(momentum=0.9, latent_dim=3), data=Digits(), steps=7, parallel="pmap", seed=2))
    assert differences(a, a) == []
    assert differences(a, b) == [
        "system.latent_dim: 3 in the workdir, 100 now",
        "system.momentum: 0.9 in the workdir, 0.5 now",
        "seed: 2 in the workdir, 0 now",
    ]
