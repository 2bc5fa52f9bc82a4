"""The command line: what it does, and what it says to bad input."""

import dataclasses
import json
import re
import shlex
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import jaxgan
from jaxgan import configs, workdir
from jaxgan.cli import main
from tests.command import TINY, content, digest, environment, one_sentence, run, start

OWN = '''
"""A system and a data set of one's own."""
import dataclasses, jax, jax.numpy as jnp, numpy as np, optax
from jaxgan import Experiment, Outcome, Phase, System, rows
from jaxgan.data import Records

@dataclasses.dataclass(frozen=True)
class Patches:
    def load(self):
        return Records([{"image": np.full((8, 8, 1), i / 8 - 1, np.float32)} for i in range(16)])
    def transform(self, example, random):
        return example

@dataclasses.dataclass(frozen=True)
class Own(System):
    """One number is the picture."""
    rate: float = 0.1
    breaks_at: int = 0
    def init_variables(self, key, batch):
        return {"G": {"params": {"value": jax.random.normal(key, (1,))}}}
    def phases(self):
        return (Phase("fit", ("G",), self.loss),)
    def optimizer(self, network, slot):
        return optax.sgd(self.rate)
    def ema_decay(self, network, step):
        return 0.9
    def loss(self, c):
        loss = ((c.batch["image"] - c.variables["G"]["params"]["value"]) ** 2).mean()
        return jnp.where(c.step + 1 == self.breaks_at, jnp.nan, loss), Outcome()
    def sample(self, variables, inputs, key):
        noise = rows.normal(key, inputs["image"].shape[0], (1, 1, 1))
        return jnp.zeros(inputs["image"].shape) + variables["G"]["params"]["value"] + noise / 100

def get_config():
    return Experiment(system=Own(), data=Patches(), batch_size=4, steps=6, checkpoint_every=2, log_every=1, devices=1)
'''

FILES = {
    "own.py": OWN,
    "broken.py": "def get_config():\n    return (\n",
    "raises.py": "x = 1\nx.nothing\n",
    "raises_later.py": "def get_config():\n    return 1 / 0\n",
    "no_get_config.py": '"""Nothing."""\n',
    "returns_none.py": "def get_config():\n    return None\n",
    "reads_labels.py": OWN.replace("rate: float", 'reads = ("image", "label")\n    rate: float'),
    "notes.txt": "not a config",
    "pictures/notes.txt": "no picture",
    "no_run/notes.txt": "no run",
    "no_checkpoint/notes.txt": "",
}


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A folder with bad things to name on the command line."""
    folder = tmp_path_factory.mktemp("place")
    for name, text in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """The workdir of a conditional system with a moving average, trained by the real command line."""
    folder = tmp_path_factory.mktemp("trained") / "run"
    names = ("noise-hidden", "label-hidden", "joint-hidden", "image-maxout", "label-maxout", "joint-maxout")
    fields = [word for name in names for word in (f"--system.{name}", 6)]
    out = run(
        "train", "cgan_digits", *fields, "--batch-size", 8, "--steps", 6, "--sample-every", 3, "--log-every", 2,
        "--checkpoint-every", 3, "--devices", 1, "--system.learning-rate", 3, "--workdir", folder,
    )  # fmt: skip
    assert out.stderr == ""
    assert digest(out.stdout) == jaxgan.restore(folder).digest
    return folder


# What is typed; what the sentence must hold. {place} is the folder above, {run} a trained run.
BAD = {
    "no command": ("", "give a command: train, sample, translate, upscale, interpolate, mix, project, directions, edit"),
    "unknown command": ("trian quickstart", "there is no command trian. Did you mean train?"),
    "no config": ("train", "needs a config first: jaxgan train CONFIG"),
    "unknown config": ("train quickstrat", "there is no config quickstrat. Did you mean quickstart?"),
    "missing file": ("train {place}/own_.py", "there is no config {place}/own_.py"),
    "folder as config": ("train {place}", "{place} is a folder, not a config"),
    "text as config": ("train {place}/notes.txt", "{place}/notes.txt is not a Python file"),
    "does not parse": ("train {place}/broken.py", "{place}/broken.py, line 2, is not Python: '(' was never closed"),
    "raises": ("train {place}/raises.py", "{place}/raises.py, line 2, fails: AttributeError"),
    "raises in get_config": ("train {place}/raises_later.py", "line 2: get_config() fails: ZeroDivisionError"),
    "no get_config": ("train {place}/no_get_config.py", "has no function get_config()"),
    "no experiment": ("train {place}/returns_none.py", "get_config() returns NoneType: it must return a jaxgan.Experiment"),
    "steps 0": ("train gan_digits --steps 0", "steps is 0: it must be a whole number of at least 1"),
    "batch 0": ("train gan_digits --batch-size 0", "batch_size is 0"),
    "negative interval": ("train gan_digits --log-every -3", "log_every is -3"),
    "negative size": ("train gan_digits --data.size -8", "data.size is -8"),
    "seed below": ("train gan_digits --seed -1", "seed is -1: it must be a whole number of at least 0"),
    "seed above": ("train gan_digits --seed 4294967296", "seed is 4294967296"),
    "devices 99": ("train gan_digits --batch-size 99 --devices 99", "--devices 99: this machine has"),
    "devices 0": ("train gan_digits --devices 0", "devices is 0: it must be a whole number of at least 1"),
    "unknown source": ("train gan_digits --source digitz", 'there is no data set "digitz", did you mean "digits"?'),
    "no pictures": ("train gan_digits --devices 1 --source {place}/pictures", "{place}/pictures has no pictures"),
    "no array file": ("train gan_digits --source {place}/none.npz", "{place}/none.npz does not exist"),
    "no labels": ("train {place}/reads_labels.py", "Own reads 'label', but the data Patches gives only image"),
    "wrong size": ("train quickstart --devices 1 --source digits --data.size 33", "networks make pictures of 32, 64"),
    "workdir is a file": ("train gan_digits --devices 1 --workdir {place}/notes.txt", "cannot use {place}/notes.txt as a"),
    "workdir in a file": ("train gan_digits --devices 1 --workdir {place}/notes.txt/run", "Not a directory"),
    "workdir not writable": ("train gan_digits --devices 1 --workdir /proc/run", "cannot use /proc/run as a workdir"),
    "another experiment": ("train cgan_digits --devices 1 --seed 9 --workdir {run}", "seed: 0 in the workdir, 9 now"),
    "sample of nothing": ("sample {place}/none", "{place}/none is not a folder"),
    "sample of a folder": ("sample {place}/no_run", "{place}/no_run is not a workdir: it has no experiment.json"),
    "sample untrained": ("sample {place}/no_checkpoint", "{place}/no_checkpoint holds no checkpoint yet"),
    "info untrained": ("info {place}/no_checkpoint", "{place}/no_checkpoint holds no checkpoint yet"),
    "info of a folder": ("info {place}/no_run", "is not a workdir"),
    "unknown step": ("sample {run} --step 5", "has no checkpoint of step 5: it has 1, 3, 6"),
    "unknown label": ("sample {run} --label cat", "--label cat: there is no such class. There are 0, 1, 2"),
    "num 0": ("sample {run} --num 0", "--num 0: it must be at least 1"),
    "sample seed": ("sample {run} --seed -1", "--seed -1: it must be a whole number from 0"),
    "out": ("sample {run} --out {place}/x.jpg", "--out {place}/x.jpg: it must end in .png"),
    "out in a file": ("sample {run} --num 1 --out {place}/notes.txt/x.png", "cannot use {place}/notes.txt: "),
    "separate is a file": ("sample {run} --num 1 --separate {place}/notes.txt", "cannot use {place}/notes.txt: "),
}  # fmt: skip
# These are told by tyro, in its own format.
FLAGS = {
    "unknown flag": ("train gan_digits --batchsize 3", "--batch-size"),
    "unknown field": ("train gan_digits --system.latent_dimm 3", "--system.latent-dim"),
    "wrong type": ("train gan_digits --steps many", "Error parsing --steps: invalid literal"),
    "wrong choice": ("train gan_digits --precision float7", "float32"),
    "unknown flag of sample": ("sample {run} --nun 3", "--num"),
}


def words(line: str, place: Path, trained: Path) -> list[str]:
    return line.format(place=place, run=trained).split()


@pytest.fixture(scope="module", autouse=True)
def no_checkpoint(place, trained):
    shutil.copy(trained / "experiment.json", place / "no_checkpoint")


@pytest.mark.parametrize("name", BAD)
def test_bad_input(name, place, trained, capfd, monkeypatch, tmp_path):
    line, expected = BAD[name]
    monkeypatch.chdir(tmp_path)
    before = content(place), content(trained)
    assert main(words(line, place, trained)) == 2
    sentence = one_sentence(capfd.readouterr().err)
    assert expected.format(place=place, run=trained) in sentence
    assert (content(place), content(trained)) == before
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize("name", FLAGS)
def test_bad_flag(name, place, trained, capfd):
    line, expected = FLAGS[name]
    with pytest.raises(SystemExit) as caught:
        main(words(line, place, trained))
    assert caught.value.code == 2
    assert expected in capfd.readouterr().err


@pytest.mark.eight_devices
def test_batch_that_the_devices_do_not_divide(capfd, tmp_path):
    """This process has eight devices."""
    assert main(["train", "gan_digits", "--batch-size", "20", "--workdir", str(tmp_path / "run")]) == 2
    sentence = one_sentence(capfd.readouterr().err)
    assert "a batch of 20 cannot be divided over 8 devices: give --batch-size 24" in sentence
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
@pytest.mark.parametrize("name", {**BAD, **FLAGS})
def test_bad_input_by_the_real_command_line(name, place, trained, tmp_path):
    line, expected = {**BAD, **FLAGS}[name]
    out = run(*words(line, place, trained), code=2, cwd=tmp_path)
    assert "Traceback" not in out.stderr
    assert expected.format(place=place, run=trained) in (one_sentence(out.stderr) if name in BAD else out.stderr)


def test_not_finite(place, tmp_path):
    out = run("train", place / "own.py", "--system.breaks-at", 5, "--workdir", tmp_path / "run", code=1)
    assert one_sentence(out.stderr).startswith(
        "jaxgan: training went wrong: in step 5 the loss of network G in phase fit is not finite. The checkpoint of step 4 "
    )


def test_own_system(place, tmp_path, capfd):
    """It trains by the command line; its workdir, being data, does not bring its code along."""
    config, folder = str(place / "own.py"), str(tmp_path / "run")
    assert main(["train", config, "--workdir", folder, "--system.rate", "0.2"]) == 0
    capfd.readouterr()
    for command in ("sample", "info"):
        assert main([command, folder]) == 2
        sentence = one_sentence(capfd.readouterr().err)
        assert "jaxgan_config_own:Own, which is not part of jaxgan" in sentence
        assert "--config FILE" in sentence
    assert main(["sample", folder, "--config", config]) == 2
    assert "system.rate: 0.2 in the workdir, 0.1 now" in one_sentence(capfd.readouterr().err)
    assert main(["train", config, "--workdir", folder, "--overwrite"]) == 0
    assert main(["sample", folder, "--config", config, "--num", "2"]) == 0
    assert main(["info", folder, "--config", config]) == 0
    assert "system       jaxgan_config_own:Own" in capfd.readouterr().out
    assert Image.open(tmp_path / "run" / "sample.png").size == (2 * 64 + 2, 64)


def pictures_in(folder: Path, count: int = 6, size: int = 8) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(count):
        pixels = np.random.default_rng(index).integers(0, 256, (size, size, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{index}.png")
    return folder


FOLDER = [*TINY, "--data.channels", "1"]


@pytest.mark.slow
def test_data_that_moved(tmp_path, capfd, monkeypatch):
    """Or is spelt otherwise: what counts is what it is. As many other files are said, and taken."""
    monkeypatch.chdir(tmp_path)
    pictures_in(tmp_path / "pics")
    assert main([*FOLDER, "--source", "pics", "--workdir", "run", "--steps", "2"]) == 0
    for steps, spelt in enumerate(["pics/", "./pics", str(tmp_path / "pics")], 3):
        assert main([*FOLDER, "--source", spelt, "--workdir", "run", "--steps", str(steps)]) == 0
    assert capfd.readouterr().err == ""
    (tmp_path / "pics").rename(tmp_path / "elsewhere")
    assert main([*FOLDER, "--source", "pics", "--workdir", "run", "--steps", "6"]) == 2
    assert f"a folder of pictures (there is none at {tmp_path / 'pics'})" in one_sentence(capfd.readouterr().err)
    assert main([*FOLDER, "--source", "elsewhere", "--workdir", "run", "--steps", "6"]) == 0
    assert json.loads((tmp_path / "run" / "experiment.json").read_text())["experiment"]["data"]["path"] == "elsewhere"
    captured = capfd.readouterr()
    assert (captured.err, "resuming from step 5" in captured.out) == ("", True)
    (tmp_path / "elsewhere" / "0.png").rename(tmp_path / "elsewhere" / "7.png")
    assert main([*FOLDER, "--source", "elsewhere", "--workdir", "run", "--steps", "7"]) == 0
    assert "as many examples as when run was trained, but they are others" in one_sentence(capfd.readouterr().err)
    pictures_in(tmp_path / "elsewhere")
    assert main([*FOLDER, "--source", "elsewhere", "--workdir", "run", "--steps", "8"]) == 2
    assert "examples: 6 in the workdir, 7 now" in one_sentence(capfd.readouterr().err)


@pytest.mark.slow
def test_a_workdir_among_the_pictures(tmp_path, capfd, monkeypatch):
    """The default one, runs/, in the folder that one is in: it is no class, and its grids are no pictures."""
    monkeypatch.chdir(tmp_path)
    for name in ("cats", "dogs"):
        pictures_in(tmp_path / name)
    for steps in ("2", "3"):
        assert main([*FOLDER, "--source", ".", "--steps", steps]) == 0
        assert "GAN on 12 examples" in capfd.readouterr().out
    assert jaxgan.restore(tmp_path / "runs" / "gan_digits").record.classes == ("cats", "dogs")
    assert main([*FOLDER, "--source", ".", "--workdir", "again", "--steps", "2"]) == 0
    assert "GAN on 12 examples" in capfd.readouterr().out
    (tmp_path / "runs" / "killed").mkdir()  # before it began
    assert main([*FOLDER, "--source", ".", "--workdir", "runs/two", "--seeds", "0,1", "--steps", "1"]) == 0
    assert capfd.readouterr().out.count("GAN on 12 examples") == 2
    before = content(tmp_path)
    for folder, expected in ((".", "is the workdir of a run, whose grids"), ("new/deep", '"empty" has no pictures')):
        (tmp_path / "empty").mkdir(exist_ok=True)
        assert main([*FOLDER, "--source", ".", "--workdir", folder, "--steps", "2"]) == 2
        assert expected in one_sentence(capfd.readouterr().err)
        assert content(tmp_path) == before
        assert not (tmp_path / "new").exists()


def test_the_last_source_counts(tmp_path, capfd):
    few, many = pictures_in(tmp_path / "few", 3), pictures_in(tmp_path / "many", 5)
    words = [*FOLDER, "--source", str(few), f"--source={many}", "--steps", "1", "--workdir", str(tmp_path / "run")]
    assert main(words) == 0
    assert "GAN on 5 examples" in capfd.readouterr().out


@pytest.mark.slow
def test_labels_that_are_numbers_are_names(tmp_path, capfd):
    """Class folders 1, 2, 3, or labels from 1: 0 is none of them, and 1 is one."""
    np.savez(tmp_path / "x.npz", image=np.zeros((6, 8, 8), np.uint8), label=np.arange(6) % 3 + 1)
    names = ("noise-hidden", "label-hidden", "joint-hidden", "image-maxout", "label-maxout", "joint-maxout")
    fields = [word for name in names for word in (f"--system.{name}", "6")]
    run = str(tmp_path / "run")
    words = ["train", "cgan_digits", *fields, "--source", str(tmp_path / "x.npz"), "--steps", "1", "--workdir", run]
    assert main([*words, "--batch-size", "8", "--devices", "1"]) == 0
    assert jaxgan.restore(run).record.classes == ("1", "2", "3")
    for label, code in (("0", 2), ("1", 0), ("3", 0), ("4", 2)):
        assert main(["sample", run, "--label", label, "--num", "1", "--out", f"{run}/{label}.png"]) == code
    assert (tmp_path / "run" / "1.png").read_bytes() != (tmp_path / "run" / "3.png").read_bytes()


@pytest.mark.slow
def test_no_streams_and_an_odd_place(tmp_path):
    """A service without a terminal, in a folder whose name Orbax would take for a pattern, named as a person names it."""
    home = tmp_path / "home"
    (home / "exp[1]").mkdir(parents=True)
    words = [sys.executable, "-m", "jaxgan.cli", *TINY, "--steps", "2", "--workdir=~/exp[1]/back\\slash"]
    env = {**environment(), "HOME": str(home)}
    shell = f"exec {shlex.join(words)} <&- >&- 2>&-"
    assert subprocess.run(["bash", "-c", shell], env=env, cwd=tmp_path, timeout=300).returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["home"]
    restored = jaxgan.restore(home / "exp[1]" / "back\\slash")
    assert restored.step == 2
    assert restored.sample(1).shape == (1, 8, 8, 1)


def test_seeds_in_an_odd_place(place, tmp_path, capfd):
    folder = tmp_path / "lr*[0.1]"
    assert main(["train", str(place / "own.py"), "--seeds", "0,1", "--workdir", str(folder)]) == 0
    capfd.readouterr()
    config = configs.load(str(place / "own.py"))
    runs = [jaxgan.restore(folder / f"seed{seed}", experiment=replace(config, seed=seed)) for seed in (0, 1)]
    assert [run.step for run in runs] == [6, 6]
    assert main(["train", str(place / "own.py"), "--seeds", "0,1", "--workdir", str(folder), "--steps", "8"]) == 0
    assert "resuming from step 6" in capfd.readouterr().out


@pytest.mark.parametrize("listening", ["", "2>&1"])
@pytest.mark.parametrize("line", ["--help", "train quickstart --help", "list", "info"])
def test_nobody_reads_on(line, listening):
    command = f"{sys.executable} -m jaxgan.cli {line} {listening} | true; exit ${{PIPESTATUS[0]}}"
    out = subprocess.run(["bash", "-c", command], capture_output=True, text=True, env=environment(), timeout=60)
    assert "Traceback" not in out.stderr
    assert "BrokenPipe" not in out.stderr
    assert out.returncode == (2 if line == "info" else 0)


LIMITED = """
import resource, sys, jax
from jaxgan import cli
jax.devices()
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 3 * 10**9,) * 2)
sys.exit(cli.main(sys.argv[1:]))
"""


@pytest.mark.slow
def test_memory_that_runs_out(tmp_path):
    """In 3 GB, which a network of 160 GB does not fit into, and one of 0.8 with its optimiser's moments does not either."""
    for units in ("200000", "14000"):
        words = [*TINY, "--system.generator-hidden", units, "--workdir", "run", "--overwrite"]
        out = subprocess.run(
            [sys.executable, "-c", LIMITED, *words],
            capture_output=True,
            text=True,
            env={**environment(), "JAX_PLATFORMS": "cpu"},
            cwd=tmp_path,
            timeout=120,
        )
        assert out.returncode == 2
        assert "jaxgan: memory ran out (RESOURCE_EXHAUSTED" in out.stderr
        assert "lower --batch-size (16)" in out.stderr
        assert "Traceback" not in out.stderr


def test_no_home(trained, tmp_path, monkeypatch, capfd):
    """Of an account without a home folder nothing is asked that needs none."""
    for name in ("HOME", "JAXGAN_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", lambda uid: {}[uid])
    assert main(["sample", str(trained), "--num", "1", "--out", str(tmp_path / "one.png")]) == 0
    assert main(["sample", "~/run"]) == 2
    assert "~/run: this account has no home folder" in one_sentence(capfd.readouterr().err)
    assert main(["train", "quickstart", "--devices", "1", "--workdir", str(tmp_path / "run")]) == 2
    assert "set JAXGAN_CACHE to a folder" in one_sentence(capfd.readouterr().err)


def test_a_home_in_python(trained, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "run").symlink_to(trained)
    assert jaxgan.restore("~/run").step == 6


def test_overwrite_keeps_a_link_to_another_disk(place, tmp_path):
    """Its checkpoints lie where there is room."""
    own, folder, disk = str(place / "own.py"), tmp_path / "run", tmp_path / "disk"
    assert main(["train", own, "--workdir", str(folder), "--steps", "2"]) == 0
    shutil.move(folder / "checkpoints", disk)
    (folder / "checkpoints").symlink_to(disk)
    (disk / "elsewhere").symlink_to(place)
    (disk / "thesis.txt").write_text("not jaxgan's")
    before = content(place)
    assert main(["train", own, "--workdir", str(folder), "--steps", "3", "--system.rate", "0.3", "--overwrite"]) == 0
    assert (folder / "checkpoints").is_symlink()
    assert sorted(path.name for path in disk.iterdir()) == ["1", "2", "3", "elsewhere", "thesis.txt"]
    assert content(place) == before
    shutil.move(folder / "samples", tmp_path / "kept")
    (folder / "samples").symlink_to(tmp_path / "kept")
    kept = content(tmp_path / "kept")
    assert main(["train", own, "--workdir", str(folder), "--steps", "1", "--system.rate", "0.4", "--overwrite"]) == 0
    assert content(tmp_path / "kept") == kept  # of other links only the link goes


def test_a_workdir_of_before_a_field_came(place, tmp_path, capfd):
    """A system of one's own, too: what is not in its experiment.json was at its default then."""
    config, folder = str(place / "own.py"), str(tmp_path / "run")
    assert main(["train", config, "--workdir", folder, "--steps", "2"]) == 0
    record = tmp_path / "run" / "experiment.json"
    saved = json.loads(record.read_text())
    for part, field in (("system", "rate"), ("system", "accumulate"), ("experiment", "evaluate_num")):
        del (saved["experiment"] if part == "experiment" else saved["experiment"][part])[field]
    record.write_text(json.dumps(saved))
    assert main(["sample", folder, "--config", config, "--num", "1"]) == 0
    assert main(["train", config, "--workdir", folder, "--steps", "3", "--system.rate", "0.2"]) == 2
    assert "system.rate: 0.1 in the workdir, 0.2 now" in one_sentence(capfd.readouterr().err)
    assert main(["train", config, "--workdir", folder, "--steps", "3"]) == 0
    assert "resuming from step 2" in capfd.readouterr().out


def test_train_leaves_what_a_person_looks_at(trained):
    assert sorted(path.name for path in trained.iterdir()) == [
        "checkpoints", "experiment.json", "loss.png", "metrics.jsonl", "samples", "tensorboard",
    ]  # fmt: skip
    assert sorted(path.name for path in (trained / "samples").iterdir()) == ["000003.png", "000006.png"]
    assert len({path.read_bytes() for path in (trained / "samples").iterdir()}) == 2
    assert [line["step"] for line in jaxgan.restore(trained).metrics] == [1, 2, 3, 4, 6]


def test_sample_is_a_function_of_its_arguments(trained, tmp_path):
    out = tmp_path / "here.png"
    run("sample", trained, "--num", 5, "--seed", 3, "--out", tmp_path / "there.png")
    assert main(["sample", str(trained), "--num", "5", "--seed", "3", "--out", str(out)]) == 0
    assert out.read_bytes() == (tmp_path / "there.png").read_bytes()
    few = ["sample", str(trained), "--num", "3", "--separate", str(tmp_path / "few")]
    many = ["sample", str(trained), "--num", "70", "--separate", str(tmp_path / "many")]
    assert main(few) == main(many) == 0
    assert sorted(content(tmp_path / "few")) == ["00000.png", "00001.png", "00002.png"]
    assert len(content(tmp_path / "many")) == 70
    assert content(tmp_path / "few").items() <= content(tmp_path / "many").items()
    assert not (trained / "sample.png").exists()  # --separate is instead of the sheet


def test_sample_labels(trained, tmp_path):
    opened = jaxgan.restore(trained)
    np.testing.assert_array_equal(opened.sample(4, label="7"), opened.sample(4, label=7))
    in_turn = opened.sample(12)
    np.testing.assert_array_equal(in_turn[3], opened.sample(12, label=3)[3])
    assert np.abs(in_turn[3] - opened.sample(12, label=4)[3]).max() > 0
    with pytest.raises(jaxgan.UserError, match="no such class"):
        opened.sample(1, label=10)


def test_weights_and_step(place, tmp_path, capfd):
    """The moving average, where there is one, of the newest checkpoint by default."""
    config, folder = str(place / "own.py"), tmp_path / "run"
    assert main(["train", config, "--workdir", str(folder)]) == 0
    opened = jaxgan.restore(folder, experiment=configs.load(config))
    ema = opened.sample(2)
    raw = jaxgan.restore(folder, weights="raw", experiment=configs.load(config)).sample(2)
    assert np.abs(ema - raw).max() > 0.05
    command = ["sample", str(folder), "--config", config, "--num", "2", "--weights", "raw", "--separate"]
    assert main([*command, str(tmp_path / "raw")]) == 0
    shown = np.asarray(Image.open(tmp_path / "raw" / "00001.png"))
    np.testing.assert_array_equal(shown, np.uint8(np.round((raw[1, ..., 0] + 1) * 127.5)))
    assert main([*command, str(tmp_path / "earlier"), "--step", "2"]) == 0
    assert "2 pictures of step 2 in" in capfd.readouterr().out
    assert not np.array_equal(np.asarray(Image.open(tmp_path / "earlier" / "00001.png")), shown)


def test_info_and_list(trained, capsys):
    assert main(["info", str(trained)]) == 0
    out = capsys.readouterr().out
    assert "system       CGAN" in out
    assert "step         6 of 6, 8 rows each, seed 0" in out
    assert "classes      0, 1, 2" in out
    assert "system.learning_rate" in out
    assert "sample_every" in out
    assert "system.beta1" not in out  # which is the default
    assert "checkpoints  1, 3, 6" in out
    assert digest(out) == jaxgan.restore(trained).digest
    assert main(["list"]) == 0
    assert "gan_digits" in capsys.readouterr().out


def test_an_unknown_config_that_is_near_a_known_one(capfd):
    """One name, not one name and then all."""
    assert main(["train", "quickstrat"]) == 2
    sentence = one_sentence(capfd.readouterr().err)
    assert "Did you mean quickstart?" in sentence
    assert "gan_digits" not in sentence
    assert main(["train", "zzz"]) == 2
    assert "gan_digits" in one_sentence(capfd.readouterr().err)


@pytest.mark.slow
def test_the_size_of_a_source_is_said(tmp_path, capfd):
    """It is the config's, whatever the pictures have."""
    pictures_in(tmp_path / "pics", size=40)
    words = [*FOLDER, "--source", str(tmp_path / "pics"), "--steps", "1", "--workdir", str(tmp_path / "run")]
    assert main(words) == 0
    assert "brought to 8x8 in grey, as the config has it; --data.size sets another size" in capfd.readouterr().out
    assert main([*words, "--overwrite", "--data.size", "9"]) == 0
    assert "brought to" not in capfd.readouterr().out


def test_what_a_second_seed_says_of_compiling(place, tmp_path, capfd):
    words = ["train", str(place / "own.py"), "--seeds", "3,4", "--workdir", str(tmp_path), "--system.rate", "0.07"]
    assert main(words) == 0
    first, second = capfd.readouterr().out.split("on 16 examples")[1:]
    assert "compiling the training step" in first
    assert ", compilation included" in first
    assert "compiling the training step" not in second
    assert ", compiled before" in second


def test_profile(place, tmp_path, monkeypatch, capfd):
    """A trace where TensorBoard looks for it, of a run that is the same without."""
    monkeypatch.chdir(place)
    assert main(["train", "own.py", "--steps", "12", "--workdir", str(tmp_path / "run"), "--profile"]) == 0
    (trace,) = (tmp_path / "run" / "tensorboard" / "plugins" / "profile").rglob("*.xplane.pb")
    assert trace.stat().st_size > 1000
    watched = digest(capfd.readouterr().out)
    assert main(["train", "own.py", "--steps", "12", "--workdir", str(tmp_path / "other")]) == 0
    assert digest(capfd.readouterr().out) == watched
    assert main(["train", "own.py", "--steps", "13", "--workdir", str(tmp_path / "run"), "--profile"]) == 0
    assert "nothing was traced" in capfd.readouterr().err


def test_help(capsys):
    assert main(["--help"]) == 0
    assert "jaxgan train CONFIG" in capsys.readouterr().out
    for argv in (["train", "--help"], ["train", "gan_digits", "-h"], ["sample", "--help"]):
        with pytest.raises(SystemExit) as caught:
            main(argv)
        assert not caught.value.code
    captured = capsys.readouterr()
    assert "Steps between checkpoints" in captured.out
    assert ">>>" not in captured.out  # examples are for Python
    assert "Picture i of a seed is the same whatever --num is" in " ".join(captured.out.replace("│", "").split())
    assert captured.err == ""


@pytest.mark.slow
def test_a_pipe_shows_progress_at_once(tmp_path):
    """The first line comes before JAX is imported, and each line when it is said."""
    began = time.monotonic()
    process = start(*TINY, "--steps", 2, "--deterministic", "--workdir", tmp_path / "run")
    assert process.stdout.readline() == f"jaxgan {jaxgan.__version__}: training gan_digits\n"
    first = time.monotonic() - began
    assert process.stdout.readline().startswith("deterministic: XLA_FLAGS has --xla_gpu_deterministic_ops=true")
    assert process.stdout.readline().startswith("GAN on 1797 examples, 1 x ")
    assert process.poll() is None
    out, err = process.communicate()
    whole = time.monotonic() - began
    assert err == ""
    assert first < whole / 2  # a second or less where nothing else runs
    assert re.search(r"^first step done after [\d.]+ s, compilation included$", out, re.MULTILINE)
    assert digest(out)


def test_a_read_only_disk(tmp_path, capfd, monkeypatch):
    """Root may write anywhere, so the system's answer is replaced."""
    monkeypatch.setattr(workdir.os, "access", lambda *_: False)
    assert main([*TINY, "--workdir", str(tmp_path)]) == 2
    assert f"cannot write in {tmp_path}" in one_sentence(capfd.readouterr().err)


def test_record_names_its_versions(trained):
    saved = json.loads((trained / "experiment.json").read_text())
    assert saved["versions"]["jax"]
    assert dataclasses.asdict(jaxgan.restore(trained).experiment)["steps"] == 6
