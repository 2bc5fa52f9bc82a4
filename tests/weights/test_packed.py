"""A run as one file, and back: on another machine it samples and trains on."""

import dataclasses
import json

import jax
import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

import jaxgan
from jaxgan.cli import main
from jaxgan.data import Arrays, Spec
from jaxgan.errors import UserError
from jaxgan.networks import Convolutional
from jaxgan.systems.dcgan import DCGAN
from jaxgan.training.checkpoint import Checkpoints
from jaxgan.training.step import fresh_state
from jaxgan.weights import pack, unpack
from tests.command import one_sentence
from tests.weights.test_workdirs import assert_equal, randomised

SYSTEM = DCGAN(networks=Convolutional(width=2, kernel=4, latent_dim=5), ema=0.5)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    file = tmp_path_factory.mktemp("data") / "pictures.npz"
    np.savez(file, image=np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3), dtype=np.uint8))
    return Arrays(path=str(file), size=32)


@pytest.fixture(scope="module")
def run(tmp_path_factory, pictures):
    """A run of three steps whose weights are random; its data are those pictures."""
    made = randomised(SYSTEM, tmp_path_factory.mktemp("run"))
    experiment = dataclasses.replace(made.experiment, data=pictures, batch_size=8, devices=1)
    shapes = {"image": made.record.shapes["image"]}
    made.record = dataclasses.replace(made.record, experiment=experiment, spec=Spec(shapes, count=8))
    state = made.state.replace(step=np.int32(3))
    return type(made)(made.workdir, made.record, 3, lambda: state, {})


@pytest.fixture(scope="module")
def file(run, tmp_path_factory):
    made = tmp_path_factory.mktemp("packed") / "run.safetensors"
    pack(run, made)
    return made


def raw_of(run):
    run.weights = "raw"
    variables = run.variables()
    run.weights = "ema"
    return variables


def test_what_comes_back_is_the_run_rounded_once(run, file, tmp_path):
    again = unpack(file, tmp_path / "run[1]")
    assert (again.step, again.system, again.record) == (3, run.system, run.record)
    half = jax.tree.map(lambda x: x.astype(np.float16).astype(np.float32), run.variables())
    assert_equal(again.variables(), half)
    assert_equal(raw_of(again)["G"], half["G"])  # training on begins with the average
    pack(again, tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == file.read_bytes()


def test_in_full_precision_it_is_exact(run, tmp_path, monkeypatch):
    monkeypatch.setattr(run, "weights", "raw")
    pack(run, tmp_path / "full.safetensors", dtype="float32")
    assert_equal(raw_of(unpack(tmp_path / "full.safetensors", tmp_path / "run")), raw_of(run))


@pytest.mark.slow
def test_it_trains_on_from_its_step_and_place_in_the_data(run, file, tmp_path, pictures):
    def position():
        checkpoints = Checkpoints(tmp_path / "run" / "checkpoints", read_only=True)
        try:
            return checkpoints.newest_meta()["position"]
        finally:
            checkpoints.close()

    experiment = dataclasses.replace(unpack(file, tmp_path / "run").experiment, steps=4)
    assert position() == 3
    trained = jaxgan.fit(experiment, tmp_path / "run", quiet=True)
    assert (trained.step, position()) == (4, 4)
    params = (raw_of(trained)["G"]["params"], run.variables()["G"]["params"])
    moved = jax.tree.map(lambda a, b: np.abs(a - b).max(), *params)
    assert 0 < max(jax.tree.leaves(moved)) < 0.01
    # Other pictures of that size do as well, and of another size they do not.
    other = dataclasses.replace(pictures, flip=True)
    assert unpack(file, tmp_path / "other", data=other).experiment.data == other
    with pytest.raises(
        UserError, match=r"other shapes than that of the packed run: image \[64, 64, 3\], not image \[32, 32, 3\]"
    ):
        unpack(file, tmp_path / "small", data=dataclasses.replace(pictures, size=64))
    assert not (tmp_path / "small").exists()


def damaged(file, out, **changes):
    """The file with other metadata, or other tensors; None takes what there is away."""
    with safe_open(file, "np") as opened:
        metadata = opened.metadata()
    if "metadata" in changes:
        about = changes.pop("metadata")
        metadata = {"jaxgan": json.dumps(about)} if about else {}
    tensors = {name: value for name, value in (load_file(file) | changes).items() if value is not None}
    save_file(tensors, out, metadata)
    return out


def test_what_is_refused_in_one_sentence(file, tmp_path, capsys):
    name = next(iter(load_file(file)))
    with safe_open(file, "np") as opened:
        about = json.loads(opened.metadata()["jaxgan"])
    record = about["record"]
    foreign = json.loads(json.dumps(record))
    foreign["experiment"]["system"]["class"] = "os:system"
    cases = {
        "the file lacks the tensor": {name: None},
        "there is no network X": {"X/params/kernel": np.zeros(2, np.float16)},
        "has the shape": {name: np.zeros((1, 2), np.float16)},
        "NaN or infinity": {name: np.full_like(load_file(file)[name], np.nan)},
        "is not a run that jaxgan packed": {"metadata": None},
        "its record cannot be read": {"metadata": about | {"step": -1}},
        "which is not part of jaxgan": {"metadata": about | {"record": foreign}},
        "is not what this version of jaxgan writes": {"metadata": about | {"record": {"experiment": record["experiment"]}}},
        "has no network Q": {"metadata": about | {"networks": ["G", "Q"]}},
    }  # fmt: skip
    for said, changes in cases.items():
        broken = damaged(file, tmp_path / "broken.safetensors", **changes)
        assert main(["import-weights", str(broken), "--format", "jaxgan", "--out", str(tmp_path / "run")]) == 2
        assert said in one_sentence(capsys.readouterr().err)
        assert not (tmp_path / "run").exists()


def test_the_commands(file, tmp_path, capsys):
    words = ["--format", "jaxgan", "--out", str(tmp_path / "run")]
    assert main(["import-weights", str(file), str(file), *words]) == 2
    assert "here are 2: name one" in one_sentence(capsys.readouterr().err)
    assert main(["import-weights", str(file), *words, "--size", "64"]) == 2
    assert "--size goes without" in one_sentence(capsys.readouterr().err)
    assert main(["import-weights", str(file), *words]) == 0
    assert "DCGAN at step 3" in capsys.readouterr().out
    again = tmp_path / "again.safetensors"
    assert main(["export", str(tmp_path / "run"), "--network", "all", "--dtype", "float16", "--out", str(again)]) == 0
    assert "--format jaxgan --out DIR" in capsys.readouterr().out
    assert again.read_bytes() == file.read_bytes()


def test_weights_too_large_for_half_precision(run, tmp_path):
    large = jax.tree.map(lambda x: x * np.float32(1e5), run.state.networks["D"].params)
    networks = run.state.networks | {"D": run.state.networks["D"].replace(params=large)}
    state = run.state.replace(networks=networks)
    other = type(run)(run.workdir, run.record, 3, lambda: state, {})
    with pytest.raises(UserError, match=r"tensor D/params/.* has values beyond float16: give --dtype float32"):
        pack(other, tmp_path / "large.safetensors")
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_networks_may_be_left_out(run, tmp_path):
    pack(run, tmp_path / "part.safetensors", dtype="float32", networks=["G"])
    again = unpack(tmp_path / "part.safetensors", tmp_path / "run")
    assert_equal(again.variables()["G"], run.variables()["G"])
    fresh = fresh_state(run.system, run.experiment.seed, lambda: run.record.zeros(2))
    assert_equal(again.variables()["D"], fresh.networks["D"].current)
    with pytest.raises(UserError, match=r"there is no network Q: .* has D, G"):
        pack(run, tmp_path / "part.safetensors", networks=["Q"])
