"""Runs in a bucket: here one that fsspec keeps in memory, behind the same `epath` as the real ones."""

import dataclasses
import shutil

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

import jaxgan
from jaxgan import bucket, configs
from jaxgan.cli import main
from tests.command import TINY

SMALL = {"batch_size": 16, "log_every": 1, "checkpoint_every": 2, "sample_every": 100, "devices": 1}


class Bucket(MemoryFileSystem):
    protocol = "gcs"
    store = {}
    pseudo_dirs = [""]

    @classmethod
    def _strip_protocol(cls, path):
        return super()._strip_protocol(path.replace("gs://", "memory://"))


@pytest.fixture
def store(monkeypatch, tmp_path):
    """The files of the bucket, by name."""
    fsspec.register_implementation("gcs", Bucket, clobber=True)  # as epath calls it
    monkeypatch.setattr(Bucket, "store", {})
    monkeypatch.setenv("JAXGAN_CACHE", str(tmp_path / "cache"))
    return Bucket.store


def lost(tmp_path):
    """Another machine, which has only the bucket."""
    shutil.rmtree(tmp_path / "cache" / "buckets")


def names(store):
    return {name.removeprefix("/bucket/run/") for name in store}


def steps(store):
    return {int(name.split("/")[1]) for name in names(store) if name.startswith("checkpoints/")}


def test_trained_sampled_and_gone_on_with_from_another_machine(store, tmp_path, capfd):
    train = [*TINY, "--checkpoint-every", "2", "--keep-checkpoints", "1", "--workdir", "gs://bucket/run"]
    assert main([*train, "--steps", "4"]) == 0
    assert {"experiment.json", "metrics.jsonl", "loss.png"} <= names(store)
    assert steps(store) == {4}
    lost(tmp_path)
    assert main(["sample", "gs://bucket/run", "--num", "4"]) == 0
    assert "sample.png" in names(store)
    lost(tmp_path)
    assert main([*train, "--steps", "6"]) == 0
    assert "resuming from step 4" in capfd.readouterr().out
    assert steps(store) == {6}

    assert main([*TINY, "--steps", "6", "--checkpoint-every", "2", "--workdir", str(tmp_path / "straight")]) == 0
    assert jaxgan.restore("gs://bucket/run").digest == jaxgan.restore(tmp_path / "straight").digest
    assert not list(tmp_path.rglob("gs:*"))


def test_only_what_changed_travels(store, tmp_path, monkeypatch):
    place = bucket.local("gs://bucket/run")
    (place / "deep").mkdir(parents=True)
    for name in ("a", "deep/b"):
        (place / name).write_text(name)
    copied, copy = [], bucket._copy
    monkeypatch.setattr(bucket, "_copy", lambda a, b: copied.append(b.name) or copy(a, b))
    bucket.send(place)
    bucket.send(place)
    bucket.fetch(place)
    assert sorted(copied) == ["a", "b"]
    (place / "a").write_text("longer")
    (place / "deep" / "b").unlink()
    bucket.send(place)
    assert copied[2:] == ["a"]
    assert names(store) == {"a"}
    assert bytes(store["/bucket/run/a"].getbuffer()) == b"longer"


def test_what_could_not_be_sent_stays_until_somebody_else_writes(store, tmp_path):
    place = bucket.local("gs://bucket/run")
    place.mkdir(parents=True)
    (place / "a").write_text("a")
    bucket.send(place)
    (place / "checkpoints" / "7").mkdir(parents=True)
    (place / "checkpoints" / "7" / "state").write_text("")
    bucket.fetch(place)
    assert (place / "checkpoints" / "7" / "state").exists()
    with Bucket().open("gs://bucket/run/b", "wb") as file:
        file.write(b"another machine's")
    bucket.fetch(place)  # with the folders, which would pass for a damaged checkpoint
    assert sorted(p.name for p in place.iterdir()) == ["a", "b"]


@pytest.mark.slow
def test_what_this_machine_trains_in_is_left_alone(store, tmp_path):
    """By a callback, and by commands beside it."""
    seen = []

    def callback(step, run):
        seen.append(jaxgan.restore("gs://bucket/run").step if step == 3 else 0)
        assert main(["sample", "gs://bucket/run", "--num", "2"]) == 0 if step == 3 else True
        assert (run.workdir / "metrics.jsonl").read_text().count("\n") == step

    experiment = dataclasses.replace(configs.load("gan_digits"), **SMALL, steps=4)
    run = jaxgan.fit(experiment, "gs://bucket/run", callbacks=[callback], quiet=True)
    assert seen == [0, 0, 2, 0]
    assert {"sample.png", "loss.png"} <= names(store)
    assert run.step == 4


def test_begun_again_nothing_of_the_old_run_comes_back(store, tmp_path, monkeypatch):
    experiment = dataclasses.replace(configs.load("gan_digits"), **SMALL, steps=4)
    jaxgan.fit(experiment, "gs://bucket/run", quiet=True)
    assert steps(store) == {1, 2, 4}
    copy = bucket._copy
    monkeypatch.setattr(bucket, "_copy", lambda *_: (_ for _ in ()).throw(OSError("the machine is lost")))
    with pytest.raises(jaxgan.UserError, match="the machine is lost"):
        jaxgan.fit(dataclasses.replace(experiment, seed=1), "gs://bucket/run", overwrite=True, quiet=True)
    monkeypatch.setattr(bucket, "_copy", copy)
    lost(tmp_path)
    assert steps(store) == set()


def test_many_seeds(store, tmp_path):
    experiment = dataclasses.replace(configs.load("gan_digits"), **SMALL, steps=2)
    jaxgan.fit_seeds(experiment, (0, 1), "gs://bucket/run", quiet=True)
    assert {"summary.json", "seed0/experiment.json", "seed1/experiment.json"} <= names(store)


def test_paths_of_buckets_and_of_disks(store, tmp_path):
    assert (
        bucket.local("gs://bucket/run") == bucket.local("gs:/bucket/run/") == tmp_path / "cache/buckets/gs/bucket/run"
    )
    assert bucket.local("runs/gs") == bucket.local(tmp_path / "x").relative_to(tmp_path).with_name("runs") / "gs"
    assert not bucket.holds(tmp_path / "run")


@pytest.mark.parametrize(
    ("scheme", "error", "sentence"),
    [
        ("s3", None, "s3://bucket/run needs the package s3fs: pip install s3fs"),
        ("gs", PermissionError("you may not"), "cannot use gs://bucket/run: you may not"),
    ],
)
def test_one_sentence_where_it_cannot_be_had(store, capfd, monkeypatch, scheme, error, sentence):
    if error:
        monkeypatch.setattr(Bucket, "info", lambda *_, **__: (_ for _ in ()).throw(error))
    assert main([*TINY, "--steps", "1", "--workdir", f"{scheme}://bucket/run"]) == 2
    assert sentence in capfd.readouterr().err


@pytest.mark.parametrize("what", ["", "experiment.json", "checkpoints/4"])
def test_a_copy_that_was_cleaned_away_comes_back_and_costs_the_bucket_nothing(store, tmp_path, what):
    """The notes about it are in a file beside it, which may stay."""
    experiment = dataclasses.replace(configs.load("gan_digits"), **SMALL, steps=4)
    run = jaxgan.fit(experiment, "gs://bucket/run", quiet=True)
    kept = set(store)
    place = bucket.local("gs://bucket/run")

    def clean():
        (place / what).unlink() if (place / what).is_file() else shutil.rmtree(place / what)

    clean()
    if not what.startswith("checkpoints"):  # of which training itself drops the older ones
        bucket.send(place)
        assert set(store) == kept
    assert jaxgan.restore("gs://bucket/run").digest == run.digest
    clean()
    assert jaxgan.fit(dataclasses.replace(experiment, steps=5), "gs://bucket/run", quiet=True).step == 5
    assert 4 in steps(store)
