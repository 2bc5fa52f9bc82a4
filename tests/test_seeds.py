"""Many seeds: a workdir for each, as if trained alone, and a summary of them all."""

import dataclasses
import json
import os
import signal

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import jaxgan
from jaxgan import Experiment, Outcome, Phase, System, UserError, every, rows
from jaxgan.cli import main
from jaxgan.data import Records
from jaxgan.training.logs import read_metrics
from jaxgan.training.seeds import fit_seeds, parse_seeds
from tests.command import content, one_sentence


@dataclasses.dataclass(frozen=True)
class Patches:
    """Sixteen grey pictures."""

    def load(self):
        return Records([{"image": np.full((8, 8, 1), i / 8 - 1, np.float32)} for i in range(16)])

    def transform(self, example, random):
        return example


@dataclasses.dataclass(frozen=True)
class Value(System):
    """One number is the picture. Where it began above a limit, training goes wrong in the third step."""

    limit: float = 100.0

    def init_variables(self, key, batch):
        value = jax.random.normal(key, (1,))
        return {"G": {"params": {"value": value}, "begin": {"value": value}}}

    def phases(self):
        return Phase("fit", ("G",), self.loss), Phase("look", (), self.look, every(2))

    def optimizer(self, network, slot):
        return optax.sgd(0.1)

    def loss(self, c):
        noise = rows.normal(c.key, 4, (1, 1, 1))
        loss = jnp.square(c.batch["image"] + noise - c.variables["G"]["params"]["value"]).mean()
        wrong = (c.step == 2) & (c.variables["G"]["begin"]["value"][0] > self.limit)
        return jnp.where(wrong, jnp.nan, loss), Outcome()

    def look(self, c):
        return None, Outcome(metrics={"constant": 2.0})

    def sample(self, variables, inputs, key):
        return jnp.zeros(inputs["image"].shape) + variables["G"]["params"]["value"]


EXPERIMENT = Experiment(
    system=Value(), data=Patches(), batch_size=4, steps=4, log_every=1, checkpoint_every=2, sample_every=4, devices=1
)
CONFIG = "from tests.test_seeds import EXPERIMENT\n\ndef get_config():\n    return EXPERIMENT\n"


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "value.py"
    path.write_text(CONFIG)
    return path


def opened(folder, experiment=EXPERIMENT):
    """The run of a seed's folder."""
    seed = int(folder.name.removeprefix("seed"))
    return jaxgan.restore(folder, experiment=dataclasses.replace(experiment, seed=seed))


def test_each_seed_is_trained_as_if_alone(config, tmp_path, capsys):
    folder, alone = tmp_path / "many", tmp_path / "alone" / "seed5"
    assert main(["train", str(config), "--seeds", "3,5", "--workdir", str(folder)]) == 0
    out = capsys.readouterr().out
    assert main(["train", str(config), "--seed", "5", "--workdir", str(alone)]) == 0
    runs = [opened(folder / f"seed{seed}") for seed in (3, 5)]
    assert runs[0].digest != runs[1].digest == opened(alone).digest
    for name in ("experiment.json", "samples/000004.png"):
        assert (folder / "seed5" / name).read_bytes() == (alone / name).read_bytes()

    summary = json.loads((folder / "summary.json").read_text())
    assert [(s["seed"], s["workdir"], s["status"], s["step"]) for s in summary["seeds"]] == [
        (3, "seed3", "finished", 4),
        (5, "seed5", "finished", 4),
    ]
    a, b = (run.metrics[-1]["fit/loss"] for run in runs)
    figure = summary["metrics"]["fit/loss"]
    assert figure["seeds"] == 2
    np.testing.assert_allclose([figure["mean"], figure["deviation"]], [(a + b) / 2, abs(a - b) / np.sqrt(2)])
    assert "look/constant" not in runs[0].metrics[-1]
    assert summary["metrics"]["look/constant"] == {"mean": 2.0, "deviation": 0.0, "seeds": 2}
    assert not {"step", "examples_per_second"} & set(summary["metrics"])
    row = next(line.split() for line in out.splitlines() if line.startswith("fit/loss"))
    assert row == ["fit/loss", f"{figure['mean']:.5g}", f"{figure['deviation']:.3g}", "2"]


def test_a_stopped_command_goes_on_with_the_seed_that_it_was_at(tmp_path, capsys):
    def stop(step, run):
        if (run.experiment.seed, step) == (1, 3):
            os.kill(os.getpid(), signal.SIGTERM)

    stopped = fit_seeds(EXPERIMENT, (0, 1, 2), tmp_path / "many", callbacks=[stop])
    assert stopped.stopped == "SIGTERM"
    assert [(r.status, r.step) for r in stopped.results] == [("finished", 4), ("stopped", 3), ("waiting", 0)]
    assert stopped.figures("metrics")["look/constant"] == {"mean": 2.0, "deviation": None, "seeds": 1}
    assert "without seed 1: stopped, step 3" in stopped.table()
    assert not (tmp_path / "many" / "seed2").exists()
    capsys.readouterr()

    summary = fit_seeds(EXPERIMENT, (0, 1, 2), tmp_path / "many")
    out = capsys.readouterr().out
    assert "already at step 4" in out
    assert "resuming from step 3" in out
    assert [r.status for r in summary.results] == ["finished"] * 3
    fit_seeds(EXPERIMENT, (1,), tmp_path / "straight", quiet=True)
    assert opened(tmp_path / "many" / "seed1").digest == opened(tmp_path / "straight" / "seed1").digest


def test_a_seed_that_diverges_does_not_keep_the_others(config, tmp_path, capsys):
    begins = {}
    for seed in range(4):
        value = Value().init_variables(jax.random.key(jnp.uint32(seed), impl="threefry2x32"), {})
        begins[seed] = float(value["G"]["params"]["value"][0])
    low, middle, high, highest = sorted(begins, key=begins.get)
    limit = (begins[high] + begins[highest]) / 2
    command = ["train", str(config), "--system.limit", str(limit), "--workdir", str(tmp_path / "many")]
    assert limit > 0  # a field that cannot be below
    assert main([*command, "--seeds", f"{low},{highest},{middle}"]) == 1
    captured = capsys.readouterr()
    sentence = one_sentence(captured.err)
    assert (
        f"seed {highest}: training went wrong: in step 3 the loss of network G in phase fit is not finite" in sentence
    )
    assert f"without seed {highest}: diverged, step 2" in captured.out
    summary = json.loads((tmp_path / "many" / "summary.json").read_text())
    assert [s["status"] for s in summary["seeds"]] == ["finished", "diverged", "finished"]
    assert summary["seeds"][1]["sentence"] in sentence
    last = [read_metrics(tmp_path / "many" / f"seed{seed}" / "metrics.jsonl")[-1] for seed in (low, middle)]
    figure = summary["metrics"]["fit/loss"]
    np.testing.assert_allclose(figure["mean"], np.mean([line["fit/loss"] for line in last]))
    assert figure["seeds"] == 2


def test_figures_of_evaluations(tmp_path):
    seeds, folder = (0, 1), tmp_path / "many"
    once = dataclasses.replace(EXPERIMENT, steps=1, sample_every=2)
    fit_seeds(once, seeds, folder, quiet=True)
    for seed, fid in zip(seeds, (1.0, 4.0), strict=True):
        found = {
            "step": 1,
            "seed": seed,
            "count": {"real": 16, "generated": 16},
            "metrics": {
                "fid": {"value": fid, "protocol": "FID of the classifier"},
                "kid": {"value": -fid, "deviation": 0.5, "subsets": 10},
                "psnr": {"value": None},
            },
        }
        (folder / f"seed{seed}" / "evaluation.json").write_text(json.dumps(found))
    summary = fit_seeds(once, seeds, folder, quiet=True)
    figures = summary.figures("evaluation")
    assert set(figures) == {"fid", "kid", "kid.deviation"}
    np.testing.assert_allclose(figures["fid"]["mean"], 2.5)
    np.testing.assert_allclose(figures["kid"]["deviation"], 3 / np.sqrt(2))
    assert json.loads((folder / "summary.json").read_text())["evaluation"] == figures
    (folder / "seed1" / "evaluation.json").write_text('{"step": 1}')
    with pytest.raises(UserError, match=r"seed1/evaluation.json is damaged"):
        fit_seeds(once, seeds, folder, quiet=True)
    # Of another step than the run is at: old figures beside new losses would say nothing.
    (folder / "seed1" / "evaluation.json").write_text('{"step": 4, "metrics": {"fid": {"value": 4.0}}}')
    assert fit_seeds(once, seeds, folder, quiet=True).figures("evaluation")["fid"]["seeds"] == 1


def test_bad_input_touches_nothing(config, tmp_path, capfd):
    folder = tmp_path / "many"
    (folder / "seed2").mkdir(parents=True)
    other = dataclasses.replace(EXPERIMENT, seed=2, batch_size=8).to_json()
    (folder / "seed2" / "experiment.json").write_text(
        json.dumps({"experiment": other, "shapes": {}, "classes": [], "examples": 16})
    )
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "experiment.json").write_text("")
    before = content(tmp_path)
    train = ["train", str(config)]
    for flags, words in (
        (["--seeds", "0,1", "--seed", "3"], "--seed and --seeds are both given"),
        (["--seeds=0", "--seed=3"], "--seed and --seeds are both given"),
        (["--seeds", "0,one"], "--seeds 0,one: it must be whole numbers"),
        (["--seeds", ""], "it must be whole numbers"),
        (["--seeds", "0,1,0"], "seed 0 is given twice"),
        (["--seeds", "0,4294967296"], "seed is 4294967296"),
        (["--seeds", "0,1", "--workdir", str(tmp_path / "run")], "is the workdir of a run"),
        (["--seeds", "0,2", "--workdir", str(folder)], "seed2 holds another experiment"),
        (["--seeds", "0", "--devices", "99"], "--devices 99"),
        (["--seeds", "0", "--source", str(tmp_path / "none.npz")], "none.npz"),
    ):
        where = [] if "--workdir" in flags else ["--workdir", str(tmp_path / "new")]
        capfd.readouterr()
        assert main([*train, *flags, *where]) == 2, flags
        assert words in one_sentence(capfd.readouterr().err)
        assert content(tmp_path) == before
        assert not (tmp_path / "new").exists()


def test_lists_of_seeds():
    assert parse_seeds("7") == (7,)
    assert parse_seeds("0, 12,3") == (0, 12, 3)
    with pytest.raises(UserError, match="at least one"):
        fit_seeds(EXPERIMENT, (), "nowhere")
