"""Systems of every medium through every command: what is made is what it says, and what a command cannot do it refuses.

The toys are systems outside of the package, each with what its medium brings along: sequences of tokens with two stages,
sounds, clips, shapes, melodies whose medium is their own, pictures larger than what goes in, and conditions that are no label,
text or picture.
"""

import io
import json
import wave
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence

import jaxgan
from jaxgan import configs
from jaxgan.cli import main
from tests.command import content, one_sentence

pytestmark = pytest.mark.slow

HERE = Path(__file__).with_name("toys")
LATENT = ("waves", "videos", "voxels", "melodies")
MADE = {"tokens": "texts", "waves": "sounds", "videos": "clips", "voxels": "shapes", "melodies": "melodies",
        "upscaling": "pictures", "posed": "pictures"}  # fmt: skip
SAID = ("--given", "pose=data:1", "--given", "age=young=0.5,old=0.25", "--given", "mask=data:2")
FILES = {"tokens": ".txt", "waves": ".wav", "videos": ".gif", "voxels": ".obj", "melodies": ".mid"}
PLAYS = {"tokens": ".txt", "waves": ".wav", "videos": ".gif", "voxels": ".gif", "melodies": ".wav"}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """NAME -> the workdir of its toy, trained to step 10, then on to step 20."""
    folder, found = tmp_path_factory.mktemp("runs"), {}

    def of(name: str) -> Path:
        if name not in found:
            words = ["train", str(HERE / f"{name}.py"), "--workdir", str(folder / name)]
            assert main([*words, "--steps", "10"]) == 0
            assert main(words) == 0
            found[name] = folder / name
        return found[name]

    return of


def call(trained, name: str, command: str, *argv) -> int:
    return main([command, str(trained(name)), *map(str, argv), "--config", str(HERE / f"{name}.py")])


def opened(trained, name: str) -> jaxgan.Run:
    return jaxgan.restore(trained(name), experiment=configs.load(str(HERE / f"{name}.py")))


@pytest.mark.parametrize("name", MADE)
def test_training_shows_what_it_makes(trained, name, tmp_path):
    """A sheet at each step that is due, files that play, and in TensorBoard both; resumed, the same to the bit."""
    run, samples = opened(trained, name), trained(name) / "samples"
    assert run.record.medium.many == MADE[name]
    assert {"000010.png", "000020.png"} <= set(content(samples))
    assert jaxgan.fit(run.experiment, tmp_path / "whole", quiet=True).digest == run.digest
    played = sorted(path.name for path in samples.iterdir() if path.suffix != ".png")
    expected = [f"0000{step}-{i}{PLAYS[name]}" for step in (10, 20) for i in range(4)] if name in PLAYS else []
    assert played == expected
    tags = tensorboard(trained(name))
    assert tags["samples"] == "image"
    kind = {".wav": "audio", ".txt": "text"}.get(PLAYS.get(name), "image")
    assert {tag: found for tag, found in tags.items() if tag.startswith("samples/")} == {
        f"samples/{i}" + ("/text_summary" if kind == "text" else ""): kind for i in range(4 if name in PLAYS else 0)
    }


def tensorboard(workdir: Path) -> dict[str, str]:
    """Of each tag that is no number, what TensorBoard takes it for."""
    from tensorboardX.proto.event_pb2 import Event
    from tensorboardX.record_writer import RecordWriter  # noqa: F401 (the format below is its)

    found = {}
    for path in (workdir / "tensorboard").iterdir():
        data = path.read_bytes()
        while data:
            length = int.from_bytes(data[:8], "little")
            event = Event.FromString(data[12 : 12 + length])
            data = data[16 + length :]
            for value in event.summary.value:
                kind = value.WhichOneof("value")
                if kind in ("image", "audio", "tensor"):
                    found[value.tag] = "text" if kind == "tensor" else kind
    return found


@pytest.mark.parametrize("name", MADE)
def test_sampling(trained, name, tmp_path, capfd):
    out, each = tmp_path / "sheet.png", tmp_path / "each"
    code = call(trained, name, "sample", "--num", 5, "--out", out)
    if name in ("upscaling", "posed"):
        assert code == 2
        said = one_sentence(capfd.readouterr().err)
        assert ("use jaxgan translate" if name == "upscaling" else "of pose and age and mask, and nobody said") in said
        assert not content(tmp_path)
        if name == "posed":
            assert call(trained, name, "sample", "--num", 5, "--out", out, *SAID) == 0
            assert np.asarray(Image.open(out)).std() > 1
        return
    assert code == 0
    assert f"5 {MADE[name]} of step 20" in capfd.readouterr().out
    assert np.asarray(Image.open(out)).std() > 1
    assert call(trained, name, "sample", "--num", 3, "--separate", each) == 0
    assert sorted(content(each)) == [f"0000{i}{FILES[name]}" for i in range(3)]
    first, made = (each / f"00000{FILES[name]}").read_bytes(), opened(trained, name).sample(3)[0]
    if name == "tokens":
        assert first.decode().strip() == "".join("abcdefgh"[number - 1] for number in made if number)
        assert len(first) > 5
    elif name == "waves":
        with wave.open(io.BytesIO(first)) as file:
            assert (file.getframerate(), file.getnframes()) == (16_000, 4096)
            sound = np.frombuffer(file.readframes(4096), "<i2") / 32767
        np.testing.assert_allclose(sound, made, atol=1e-4)
    elif name == "videos":
        with Image.open(io.BytesIO(first)) as film:
            assert len(list(ImageSequence.Iterator(film))) == 8
    elif name == "voxels":
        assert {line.split()[0] for line in first.decode().splitlines()} <= {"v", "f"}
    else:
        assert first[:4] == b"MThd"


@pytest.mark.parametrize("name", MADE)
def test_the_latent_space(trained, name, tmp_path, capfd):
    """Walked, searched and edited where there is one, and refused where there is none."""
    given = SAID if name == "posed" else ()
    for argv, made in (
        (("interpolate", "--num", 2, "--frames", 3, "--out", tmp_path / "walk.png"), "walk.png"),
        (("interpolate", "--num", 2, "--frames", 3, "--out", tmp_path / "walk.gif"), "walk.gif"),
        (("directions", "--method", "pca", "--count", 1, "--num", 64, "--out", tmp_path / "pca.png"), "pca.png"),
        (("edit", "--direction", "pca1", "--num", 3, "--out", tmp_path / "edit.png"), "edit.png"),
    ):
        if name == "posed":
            assert call(trained, name, *argv) == 2
            assert "of pose and age and mask, and nobody said" in one_sentence(capfd.readouterr().err)
            assert not (tmp_path / made).exists()
        code = call(trained, name, *argv, *given)
        said = capfd.readouterr().err
        if name in LATENT or name == "posed":
            assert code == 0, said
            assert np.asarray(Image.open(tmp_path / made).convert("L")).std() > 1
        else:
            assert code == 2
            assert "no latent space" in one_sentence(said)
    if name not in LATENT and name != "posed":
        assert not content(tmp_path)


@pytest.mark.parametrize("name", MADE)
def test_reports_and_info(trained, name, capfd):
    assert call(trained, name, "report") == 0
    page = (trained(name) / "report.html").read_text()
    assert "media-src data:" in page
    shown = {".wav": "<audio controls", ".txt": "<pre>", ".gif": '<img alt="000020-0" src="data:image/gif'}
    for index in range(4) if name in PLAYS else ():
        assert shown[PLAYS[name]].replace("20-0", f"20-{index}") in page
    assert f"{MADE[name].capitalize()} a second" in page
    assert call(trained, name, "info") == 0
    assert "step         20 of 20" in capfd.readouterr().out


@pytest.mark.parametrize("name", MADE)
def test_evaluation(trained, name, tmp_path, capfd):
    code = call(trained, name, "evaluate", "--num", 16, "--metrics", "ms_ssim", "--json", tmp_path / "e.json")
    said = capfd.readouterr().err
    if name in ("upscaling", "posed"):
        assert code == 0, said
        assert json.loads((tmp_path / "e.json").read_text())["metrics"]["ms_ssim"]
        return
    assert code == 2
    assert f"the metric ms_ssim does not take {MADE[name]}: of these there are" in one_sentence(said)
    code, said = call(trained, name, "evaluate", "--num", 16, "--json", tmp_path / "e.json"), capfd.readouterr().err
    if name == "videos":
        assert code == 2
        assert "more than the 4096 that can be compared as they are" in one_sentence(said)
    else:
        assert code == 0, said
        found = json.loads((tmp_path / "e.json").read_text())["metrics"]
        assert set(found) == ({"novelty"} if name == "tokens" else {"fid", "kid"})


@pytest.mark.parametrize("name", MADE)
def test_programs(trained, name, tmp_path, capfd):
    from jax import export

    code = call(trained, name, "export", "--format", "stablehlo", "--out", tmp_path / "g.stablehlo")
    said = capfd.readouterr().err
    if name == "tokens":
        assert code == 2
        assert "no latent space" in one_sentence(said)
        return
    assert code == 0, said
    program = export.deserialize((tmp_path / "g.stablehlo").read_bytes())
    taken = {
        "upscaling": [(16, 16, 3)],
        "posed": [(4,), (32, 32, 5), (4,), (32, 32, 1)],
        "waves": [(8,)],
        "videos": [(8,)],
    }
    assert [aval.shape[1:] for aval in program.in_avals] == taken.get(name, [(2,)])
    assert [aval.shape[1:] for aval in program.out_avals] == [opened(trained, name).record.made.shape]


def test_a_picture_becomes_larger(trained, tmp_path, capfd):
    before = np.random.default_rng(0).integers(0, 256, (12, 20, 3), np.uint8)
    Image.fromarray(before).save(tmp_path / "in.png")
    assert call(trained, "upscaling", "translate", tmp_path / "in.png", tmp_path / "out.png") == 0
    assert Image.open(tmp_path / "out.png").size == (40, 24)
    for name in ("waves", "posed"):
        assert call(trained, name, "translate", tmp_path / "in.png", tmp_path / "no.png") == 2
    assert not (tmp_path / "no.png").exists()


def test_columns_of_two_sizes_have_their_titles(trained):
    """Two rows of input, output and target side by side, all enlarged to 64 pixels, below a line of titles."""
    sheet = Image.open(trained("upscaling") / "samples" / "000020.png")
    assert sheet.size == (6 * 66 - 2, 14 + 2 + 8 * 66 - 2)


@pytest.mark.parametrize("name", [*LATENT, "tokens"])
def test_the_demo_draws(trained, name, tmp_path):
    from jaxgan.demo import common, latents, server

    run = opened(trained, name)
    server.build(run, common.Settings(folder=tmp_path))
    made = latents.make(run, [], 0, 4)
    assert np.asarray(latents.sheet(run, made, None)).std() > 1
    played = common.players(run.record.medium, made)
    assert played.count({".wav": "<audio", ".txt": "<pre>", ".gif": "<img"}[PLAYS[name]]) == 4


def test_evaluations_while_it_trains_are_refused_before_a_step_is_lost(tmp_path, capfd):
    words = ["train", str(HERE / "waves.py"), "--workdir", str(tmp_path / "run"), "--evaluate-every", "2"]
    assert main([*words, "--evaluate-metrics", "ms_ssim"]) == 2
    assert "the metric ms_ssim does not take sounds" in one_sentence(capfd.readouterr().err)
