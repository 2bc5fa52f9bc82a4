"""Workdirs and packed runs of 1f89636, of 2026-11-27, before media and rooms: they open, make the same, and go on.

`fixtures/1f89636.tar.xz` was made by that commit: two runs of two steps, one of them packed, six samples of seed 3 of each, and
the experiment.json of a run that reads captions.
"""

import dataclasses
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest

import jaxgan
from jaxgan import media, workdir
from jaxgan.data import Points
from jaxgan.media import Words
from jaxgan.weights import unpack


@pytest.fixture(scope="module")
def old(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("old")
    with tarfile.open(Path(__file__).parent / "fixtures" / "1f89636.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return folder


@pytest.mark.parametrize(("name", "medium"), [("digits", media.Picture()), ("points", media.Points())])
def test_a_workdir_opens_makes_the_same_and_goes_on(old, name, medium):
    run = jaxgan.restore(old / name)
    assert run.step == 2
    assert run.record.medium == medium
    np.testing.assert_allclose(run.sample(6, seed=3), np.load(old / "samples.npz")[name], atol=1e-5)
    again = jaxgan.fit(dataclasses.replace(run.experiment, steps=3), old / name, quiet=True)
    assert again.step == 3
    saved = json.loads((old / name / workdir.RECORD).read_text())
    assert saved["experiment"]["data"]["class"] == f"jaxgan.data:{'Digits' if name == 'digits' else 'Points'}"
    if name == "points":
        with pytest.raises(jaxgan.UserError, match=r"differs in data\.count: 64 in the workdir, 65 now"):
            jaxgan.fit(dataclasses.replace(run.experiment, data=Points(count=65)), old / name, quiet=True)


def test_a_packed_run_opens_and_makes_the_same(old, tmp_path):
    run = unpack(old / "digits.safetensors", tmp_path / "run")
    np.testing.assert_allclose(run.sample(6, seed=3), np.load(old / "samples.npz")["digits"], atol=1e-5)


def test_the_record_of_a_run_that_reads_captions(old):
    """Its words were in a place of their own, and its classes in modules that have moved."""
    saved = workdir.load_json(old / "captions.json")
    record = workdir.decode(saved, "captions.json")
    assert isinstance(record.experiment.data.text, Words)
    assert record.spec.vocabulary == tuple(saved["vocabulary"])
    again = record.to_json()
    assert workdir.decode(json.loads(json.dumps(again)), "captions.json") == record
    assert again["experiment"]["data"]["text"]["class"] == "jaxgan.media:Words"
