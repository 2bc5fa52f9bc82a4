"""A generator that is exported as a program runs where jaxgan cannot be imported, and makes what the run makes."""

import subprocess
import sys

import jax
import jax.export
import numpy as np
import pytest
from jax.extend.core import jaxprs_in_params

from jaxgan.cli import main
from jaxgan.errors import UserError
from jaxgan.weights.onnx import _side_by_side, export_onnx, plain
from jaxgan.weights.program import export_program, generator
from tests.command import one_sentence
from tests.translating import opened, train
from tests.weights.test_workdirs import CLASSES, SYSTEMS, randomised

ALONE = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("jaxgan", "flax"):
            raise ImportError(name)

sys.meta_path.insert(0, Missing())
import jax.export
import numpy as np

program = jax.export.deserialize(open(sys.argv[1], "rb").read())
given = np.load(sys.argv[2])
np.save(sys.argv[3], program.call(*given.values()))
assert "jaxgan" not in sys.modules
"""


def alone(file, tmp_path, **given):
    """What the program makes in a process of its own."""
    np.savez(tmp_path / "given.npz", **given)
    command = [sys.executable, "-c", ALONE, str(file), str(tmp_path / "given.npz"), str(tmp_path / "made.npy")]
    subprocess.run(command, check=True, cwd=tmp_path)
    return np.load(tmp_path / "made.npy")


def test_latents_become_the_runs_pictures_in_a_process_without_jaxgan(tmp_path):
    run, file = randomised(SYSTEMS["dcgan"], tmp_path / "run"), tmp_path / "g.stablehlo"
    assert export_program(run, file) == ({"z": "float32 [B, 5]"}, "float32 [B, 32, 32, 3]")
    for count in (1, 3):
        z = run.latents(count, seed=count)
        np.testing.assert_allclose(alone(file, tmp_path, z=z), run.decode(z), atol=1e-5)
    assert not list(tmp_path.glob(".*"))


@pytest.mark.slow
def test_a_translator_with_dropout(tmp_path):
    run, file = randomised(SYSTEMS["unet"], tmp_path / "run"), tmp_path / "g.stablehlo"
    export_program(run, file)
    pictures = np.random.default_rng(0).uniform(-1, 1, (3, 32, 32, 3)).astype(np.float32)
    np.testing.assert_allclose(alone(file, tmp_path, pictures=pictures), run.translate(pictures), atol=1e-5)


def test_a_translator_with_labels(tmp_path):
    run, file = randomised(SYSTEMS["stargan"], tmp_path / "run"), tmp_path / "g.stablehlo"
    given, _ = export_program(run, file)
    assert given["label"] == f"int32 [B, {len(CLASSES)}]"
    pictures = np.random.default_rng(0).uniform(-1, 1, (2, 32, 32, 3)).astype(np.float32)
    labels = np.array([[1, 0, 0, 1], [0, 0, 0, 0]], np.int32)
    made = alone(file, tmp_path, pictures=pictures, label=labels)
    np.testing.assert_allclose(made, run.translate(pictures, label=labels), atol=1e-5)


def test_the_command_and_what_it_refuses(tmp_path, capsys):
    (tmp_path / "runs").mkdir()
    runs = train(tmp_path / "runs")
    there = tmp_path / "there.stablehlo"
    words = ["--format", "stablehlo", "--config", str(runs / "invert.py")]
    assert main(["export", str(runs / "invert"), *words, "--direction", "ba", "--out", str(there)]) == 0
    printed = capsys.readouterr().out
    assert "pictures float32 [B, 16, 16, 3] -> float32 [B, 16, 16, 3]" in printed
    picture = np.full((1, 16, 16, 3), 0.5, np.float32)
    np.testing.assert_array_equal(alone(there, tmp_path, pictures=picture), picture)
    assert main(["export", str(runs / "invert"), *words, "--out", str(tmp_path / "g.onnx")]) == 2
    assert "it must end in .stablehlo" in one_sentence(capsys.readouterr().err)
    with pytest.raises(UserError, match="NoWay has no latent space"):
        export_program(opened(runs, "no_way"), there)


def primitives(jaxpr):
    for equation in jaxpr.eqns:
        yield equation.primitive.name
        for inner in jaxprs_in_params(equation.params):
            yield from primitives(inner)


# Dropout, and statistics of the batch.
@pytest.mark.parametrize("name", [pytest.param("unet", marks=pytest.mark.slow), "unconditional"])
def test_what_a_converter_gets_is_plain_and_the_same(tmp_path, name):
    run = randomised(SYSTEMS[name], tmp_path / "run")
    function, arguments = generator(run, "ab", _side_by_side)
    simple = plain(function, *arguments.values())
    left = set(primitives(jax.make_jaxpr(simple)(*arguments.values()).jaxpr))
    assert "conv_general_dilated" in left
    assert not left & {"cond", "platform_index", "custom_vjp_call", "jit", "psum", "random_bits", "random_fold_in"}
    pictures = np.random.default_rng(0).uniform(-1, 1, (2, 32, 32, 3)).astype(np.float32)
    alone = [run.translate(pictures[i : i + 1])[0] for i in range(2)]
    program = jax.export.export(jax.jit(simple))(*arguments.values())
    np.testing.assert_allclose(program.call(pictures), alone, atol=1e-5)


def test_a_model_needs_its_extra(tmp_path, monkeypatch):
    run = randomised(SYSTEMS["dcgan"], tmp_path / "run")
    with pytest.raises(UserError, match=r"it must end in \.onnx"):
        export_onnx(run, tmp_path / "g.stablehlo")
    for package in ("onnxruntime", "jax2onnx"):
        monkeypatch.setitem(sys.modules, package, None)
        with pytest.raises(UserError, match=r'pip install "jaxgan\[onnx\]"'):
            export_onnx(run, tmp_path / "g.onnx")
    assert not list(tmp_path.iterdir())
