import json
import types

import numpy as np
import pytest
from PIL import Image

import jaxgan
from jaxgan import media
from jaxgan.commands import evaluate as command
from jaxgan.data import Arrays
from jaxgan.errors import UserError
from jaxgan.metrics import real
from jaxgan.metrics.evaluation import During, evaluate
from jaxgan.metrics.features import FeatureNetwork
from jaxgan.metrics.folders import evaluate_folders
from jaxgan.metrics.moments import Moments
from jaxgan.metrics.real import RealExamples
from jaxgan.metrics.sources import generated_examples, without_augmentation
from jaxgan.run import CHUNK
from jaxgan.systems.gan import GAN
from jaxgan.training.checkpoint import Checkpoints

SETS = ("fid", "kid", "inception_score", "precision_recall", "density_coverage")


def projection(digest="a" * 64, with_logits=True):
    """A feature network that needs no training: sums of pixels with fixed weights."""

    def apply(images):
        weights = np.random.default_rng(0).normal(size=(images[0].size, 6))
        features = np.float32(images.reshape(len(images), -1) @ weights / 255)
        return features, features[:, :3] if with_logits else None

    return FeatureNetwork("projection", digest, 6, apply)


@pytest.fixture(autouse=True)
def network(monkeypatch):
    """Stands in for every feature network."""
    monkeypatch.setattr(real, "load_network", lambda *_: projection())


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    random = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("data") / "noise.npz"
    np.savez(path, image=random.integers(0, 256, (150, 12, 12, 1), dtype=np.uint8), label=random.integers(0, 3, 150))
    return Arrays(path=str(path), size=12, channels=1, flip=True)


def experiment(data, **changes):
    system = GAN(latent_dim=4, generator_hidden=8, discriminator_hidden=4, pieces=2)
    fields = {"batch_size": 16, "steps": 4, "devices": 1, "log_every": 2, "sample_every": 100, "checkpoint_every": 100}
    return jaxgan.Experiment(system=system, data=data, **{**fields, **changes})


@pytest.fixture(scope="module")
def run(data, tmp_path_factory):
    return jaxgan.fit(experiment(data), tmp_path_factory.mktemp("run"), quiet=True)


def test_an_evaluation_says_what_was_compared_and_is_the_same_again(run):
    found = evaluate(run.workdir, (*SETS, "ms_ssim"), num=70)
    written = json.loads((run.workdir / "evaluation.json").read_text())
    assert written == json.loads(json.dumps(found))
    assert list(found["metrics"]) == [*SETS, "ms_ssim"]
    assert found["count"] == {"real": 150, "generated": 70}
    assert found["step"] == 4
    assert found["features"] == {"name": "projection", "digest": "a" * 64}
    protocol = found["metrics"]["fid"]["protocol"]
    assert "150 real against 70 generated 12x12 uint8 grey pictures" in protocol
    assert "aaaaaaaaaaaa" in protocol
    assert found["metrics"]["precision_recall"]["protocol"].count("70") == 2  # equal counts
    assert evaluate(run, (*SETS, "ms_ssim"), num=70) == found
    assert evaluate(run, ("fid",), num=70, seed=1)["metrics"]["fid"] != found["metrics"]["fid"]


def test_generated_examples_are_the_samples_of_the_seed(run, data):
    records = data.load()
    made = np.concatenate(list(generated_examples(run, CHUNK + 5, 3, data, records)))
    np.testing.assert_array_equal(made, media.to_uint8(run.sample(CHUNK + 5, seed=3)))


def test_a_conditional_system_is_given_the_labels_of_the_data(run, data, monkeypatch):
    """Each example once before any is repeated."""
    given = []
    monkeypatch.setattr(
        "jaxgan.metrics.sources.compiled_sample",
        lambda system: lambda variables, inputs, key: given.append(inputs["label"]) or np.zeros((CHUNK, 12, 12, 1)),
    )
    record = types.SimpleNamespace(
        shapes={"image": None, "label": None},
        made=types.SimpleNamespace(shape=(12, 12, 1)),
        medium=media.Picture(),
        spec=types.SimpleNamespace(vocabulary=()),
        zeros=lambda n: {"image": np.zeros((n, 12, 12, 1)), "label": np.zeros(n)},
    )
    conditional = types.SimpleNamespace(record=record, system=run.system, variables=dict, frozen={})
    records = data.load()
    sum(len(part) for part in generated_examples(conditional, 150, 0, data, records))
    labels = [int(example["label"]) for example in records.examples]
    np.testing.assert_array_equal(np.bincount(np.concatenate(given)[:150]), np.bincount(labels))


def test_real_pictures_are_neither_mirrored_nor_cropped_at_random(data):
    assert not without_augmentation(data).flip
    cropped = Arrays(path="x.npz", size=8, crop="random", resize=12)
    assert without_augmentation(cropped) == Arrays(path="x.npz", size=8)


def test_saved_statistics_stand_for_the_real_pictures(run, data, tmp_path, monkeypatch):
    expected = evaluate(run, ("fid", "kid"), num=70)["metrics"]
    RealExamples(data).see(("fid",), tmp_path / "real.npz")
    found = evaluate(run, ("fid", "kid"), num=70, reference=tmp_path / "real.npz")["metrics"]
    assert found == expected
    alone = evaluate(run, ("fid",), num=70, reference=tmp_path / "real.npz", save_statistics=tmp_path / "again.npz")
    assert alone["metrics"]["fid"] == expected["fid"]
    assert (tmp_path / "again.npz").read_bytes() == (tmp_path / "real.npz").read_bytes()
    monkeypatch.setattr(real, "load_network", lambda *_: projection("b" * 64))
    with pytest.raises(UserError, match="statistics of another feature network"):
        evaluate(run, ("fid",), num=70, reference=tmp_path / "real.npz")


@pytest.mark.parametrize("metrics", [("fid",), ("fid", "kid")])
def test_statistics_of_pictures_of_another_size(run, data, tmp_path, metrics):
    """A figure of two sizes is one of nothing."""
    moments = RealExamples(data).see(("fid",), tmp_path / "real.npz").moments
    _, about = Moments.load(tmp_path / "real.npz")
    height, width, channels = about["pictures"]
    moments.save(tmp_path / "large.npz", {**about, "pictures": [2 * height, 2 * width, channels]})
    with pytest.raises(
        UserError, match=rf"large\.npz are {2 * height}x{2 * width}x{channels}, .*are {height}x{width}x"
    ):
        evaluate(run, metrics, num=70, reference=tmp_path / "large.npz")
    assert (
        not (run.workdir / "evaluation.json").exists() or "large" not in (run.workdir / "evaluation.json").read_text()
    )


@pytest.mark.parametrize(
    ("metrics", "num", "sentence"),
    [
        (("fdi",), 70, 'no metric "fdi", did you mean "fid"?'),
        (("psnr",), 70, "--real DIR and --fake DIR"),
        (("fid",), 1, "at least 2 pictures"),
    ],
)
def test_what_cannot_be_scored_is_a_sentence(run, metrics, num, sentence):
    with pytest.raises(UserError) as error:
        evaluate(run, metrics, num=num)
    assert sentence in str(error.value)


def test_metrics_that_do_not_apply_to_the_system_or_the_network(run, monkeypatch):
    monkeypatch.setattr(real, "load_network", lambda *_: projection(with_logits=False))
    with pytest.raises(UserError, match="projection gives none"):
        evaluate(run, ("inception_score",), num=70)
    monkeypatch.setattr(type(run.system), "has_latents", False)
    with pytest.raises(UserError, match="GAN has no latent space"):
        evaluate(run, ("ppl",), num=70)


def test_watching_a_run_changes_no_bit_and_keeps_its_best_state(run, data, tmp_path):
    watch = During(every=1, num=40)
    watched = jaxgan.fit(experiment(data), tmp_path, callbacks=[watch], quiet=True)
    assert watched.digest == run.digest
    figures = {line["step"]: line["evaluation/fid"] for line in watched.metrics if "evaluation/fid" in line}
    assert sorted(figures) == [1, 2, 3, 4]
    best = min(figures, key=figures.get)
    kept = Checkpoints(tmp_path / "best", read_only=True)
    assert kept.steps() == [best]
    assert kept.newest_meta()["evaluation"]["value"] == figures[best]
    kept.close()
    assert jaxgan.restore(tmp_path, step="best").step == best
    # A run that goes on, even one that is watched anew, knows what it has to beat.
    jaxgan.fit(experiment(data, steps=5), tmp_path, callbacks=[again := During(every=100, num=40)], quiet=True)
    last = jaxgan.restore(tmp_path).metrics[-1]
    assert last["step"] == 5  # the last step is evaluated, whatever the interval
    assert again._best == min(*figures.values(), last["evaluation/fid"])


def test_an_experiment_is_watched_by_its_fields(data, run, tmp_path):
    watched = experiment(data, evaluate_every=2, evaluate_metrics=("fid", "precision_recall"), evaluate_num=40)
    found = jaxgan.fit(watched, tmp_path, quiet=True)
    assert found.digest == run.digest
    lines = [line for line in found.metrics if "evaluation/fid" in line]
    assert [line["step"] for line in lines] == [2, 4]
    assert 0 <= lines[-1]["evaluation/recall"] <= 1
    assert jaxgan.restore(tmp_path, step="best").step == min(lines, key=lambda line: line["evaluation/fid"])["step"]
    with pytest.raises(UserError, match=r"keeps no best checkpoint.*--evaluate-every"):
        jaxgan.restore(run.workdir, step="best")


def test_latents_are_those_of_the_samples(run):
    """`decode` of `latents` is `sample`; truncation draws the latents in, and at 0 all pictures are one."""
    z = run.latents(CHUNK + 3, seed=2)
    assert z.shape == (CHUNK + 3, 4)
    np.testing.assert_allclose(run.decode(z), run.sample(CHUNK + 3, seed=2), atol=1e-6)
    np.testing.assert_allclose(run.decode(0.5 * z), run.sample(CHUNK + 3, seed=2, truncation=0.5), atol=1e-6)
    one = run.sample(3, truncation=0.0)
    np.testing.assert_array_equal(one[0], one[2])
    np.testing.assert_array_equal(run.latents(2, seed=2), z[:2])


def test_during_refuses_what_it_could_not_keep():
    with pytest.raises(UserError, match="not among its metrics fid"):
        During(every=10, keep_best="kid")
    with pytest.raises(UserError, match="every is 0"):
        During(every=0)


@pytest.fixture
def folders(tmp_path):
    """The same 30 pictures twice, and a function that draws one."""
    random = np.random.default_rng(0)
    for index in range(30):
        image = Image.fromarray(random.integers(0, 256, (12, 12, 3), dtype=np.uint8))
        for name in ("real", "fake"):
            (tmp_path / name).mkdir(exist_ok=True)
            image.save(tmp_path / name / f"{index:02d}.png")
    return tmp_path / "real", tmp_path / "fake"


def test_equal_folders_have_no_distance(folders, tmp_path):
    found = evaluate_folders(*folders, metrics=("fid", "psnr", "ssim"), json_file=tmp_path / "found.json")
    assert found["metrics"]["fid"]["value"] < 1e-3
    assert found["metrics"]["ssim"]["value"] == pytest.approx(1)
    assert found["metrics"]["psnr"]["value"] == np.inf
    assert json.loads((tmp_path / "found.json").read_text())["metrics"]["psnr"]["value"] is None  # JSON has no infinity


def test_a_folder_against_saved_statistics(folders, tmp_path):
    theirs, ours = folders
    evaluate_folders(theirs, ours, ("fid",), save_statistics=tmp_path / "real.npz")
    found = evaluate_folders(None, ours, ("fid",), reference=tmp_path / "real.npz")
    assert found["metrics"]["fid"]["value"] < 1e-3
    with pytest.raises(UserError, match="need the real pictures"):
        evaluate_folders(None, ours, ("kid",), reference=tmp_path / "real.npz")
    with pytest.raises(UserError, match="fid needs the real pictures"):
        evaluate_folders(None, ours, ("fid",))


def test_folders_that_do_not_fit(folders):
    theirs, ours = folders
    with pytest.raises(UserError, match="looks at a generator"):
        evaluate_folders(theirs, ours, ("ppl",))
    (ours / "29.png").rename(ours / "other.png")
    with pytest.raises(UserError, match=r"has a picture 29, but .*fake has none"):
        evaluate_folders(theirs, ours, ("psnr",))
    (ours / "03.png").write_bytes(b"\x89PNG")
    with pytest.raises(UserError, match=r"03\.png cannot be scored"):
        evaluate_folders(theirs, ours, ("ms_ssim",))
    (ours / "03.png").unlink()
    for file in ours.glob("*.png"):
        Image.open(file).resize((10, 14)).save(file)
    with pytest.raises(UserError, match=r"real are 12x12x3, but those of .*fake are 14x10x3"):
        evaluate_folders(theirs, ours, ("fid",))


def test_the_command_prints_each_figure_with_its_protocol(run, folders, capsys):
    assert command.run([str(run.workdir), "--metrics", "fid,kid", "--num", "70"]) == 0
    fid, kid, where = capsys.readouterr().out.splitlines()
    assert fid.startswith("fid  ")
    assert "features of projection" in fid
    assert " +- " in kid
    assert where.endswith("evaluation.json")
    assert command.run(["--real", str(folders[0]), "--fake", str(folders[1]), "--metrics", "density_coverage"]) == 0
    assert capsys.readouterr().out.startswith("density_coverage  density 1  coverage 1  (")


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        ([], "needs either the folder of a run"),
        (["DIR", "--fake", "OTHER"], "needs either the folder of a run"),
        (["DIR", "--real", "OTHER"], "--real goes with --fake"),
        (["--fake", "DIR", "--num", "5"], "--num is about a run"),
        (["DIR", "--num", "1"], "at least 2"),
        (["DIR", "--seed", "-1"], "--seed -1"),
    ],
)
def test_flags_that_make_no_sense_together(flags, sentence):
    with pytest.raises(UserError) as error:
        command.run(flags)
    assert sentence in str(error.value)
