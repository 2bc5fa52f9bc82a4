"""A run that begins with another's networks: fine-tuning."""

import jax
import numpy as np
import pytest

import jaxgan
from jaxgan.cli import main
from tests.command import TINY, one_sentence

QUIET = ["--checkpoint-every", "100", "--sample-every", "100"]


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    folder = tmp_path_factory.mktemp("other") / "run"
    assert main([*TINY, *QUIET, "--steps", "3", "--workdir", str(folder)]) == 0
    return folder


def start(folder, other, *options, steps=1):
    return main([*TINY, *QUIET, "--steps", str(steps), "--workdir", str(folder), "--start-from", str(other), *options])


def test_it_begins_where_the_other_ended(other, tmp_path):
    """Its first step, by a rate that moves nothing, leaves the other's weights."""
    assert start(tmp_path / "run", other, "--system.learning-rate", "1e-30", "--seed", "5") == 0
    before, after = (jaxgan.restore(folder).state.networks for folder in (other, tmp_path / "run"))
    for name in before:
        for a, b in zip(jax.tree.leaves(before[name].params), jax.tree.leaves(after[name].params), strict=True):
            np.testing.assert_array_equal(a, b)


def test_it_goes_on_without_looking_again(other, tmp_path, capsys):
    assert start(tmp_path / "straight", other, steps=2) == 0
    digest = capsys.readouterr().out.split()[-1]
    assert start(tmp_path / "run", other, steps=1) == 0
    assert start(tmp_path / "run", other, steps=2) == 0
    assert capsys.readouterr().out.split()[-1] == digest


def test_other_sizes_are_refused(other, tmp_path, capsys):
    assert start(tmp_path / "run", other, "--system.latent-dim", "6") == 2
    sentence = one_sentence(capsys.readouterr().err)
    assert "differs from this run's in params/" in sentence
    assert "jaxgan info" in sentence
    assert not (tmp_path / "run").exists()


def test_what_is_no_run_is_refused(tmp_path, capsys):
    assert start(tmp_path / "run", tmp_path / "nowhere") == 2
    sentence = one_sentence(capsys.readouterr().err)
    assert "start_from is" in sentence
    assert "nowhere is not a folder" in sentence
