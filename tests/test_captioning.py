"""Captions that a person writes: a small run that makes pictures of captions, and the commands on it."""

import dataclasses
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import jaxgan
from jaxgan import Experiment
from jaxgan.cli import main
from jaxgan.conditions import captions
from jaxgan.data import AvatarCaptions, Captioned
from jaxgan.errors import UserError
from jaxgan.media import Words, grid
from jaxgan.networks import Convolutional, WordGRU
from jaxgan.systems.text2image import TextToImage
from jaxgan.weights import shipped, unpack

pytestmark = pytest.mark.slow

FACES = AvatarCaptions(size=32, count=60)
BALD, PINK = "a bald person in a blue shirt", "someone with pink hair and sunglasses"


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    """Of a run that has read for two steps, and drawn for one."""
    experiment = Experiment(
        system=TextToImage(
            encoder=WordGRU(dim=8, width=8),
            encoder_steps=2,
            networks=Convolutional(latent_dim=4, latent="normal", width=4, kernel=4),
            projection=8,
            learning_rate=0.05,
            style_after=2,
        ),
        data=Captioned(pictures=FACES, text=Words(length=16)),
        batch_size=8,
        steps=3,
        devices=1,
    )
    folder = tmp_path_factory.mktemp("captions") / "run"
    jaxgan.fit(experiment, folder, quiet=True)
    return folder


@pytest.fixture(scope="module")
def run(workdir):
    return jaxgan.restore(workdir)


def test_pictures_of_a_caption_depend_on_nothing_else(run):
    """Not on other captions, nor on their number; and every caption has the same latents."""
    both = run.sample(3, seed=1, text=[BALD, PINK])
    assert both.shape == (6, 32, 32, 3)
    np.testing.assert_array_equal(both[3:], run.sample(3, seed=1, text=PINK))
    np.testing.assert_array_equal(both[:2], run.sample(2, seed=1, text=BALD))
    assert np.abs(both[:3] - both[3:]).max() > 1e-4
    assert np.abs(both - run.sample(3, seed=2, text=[BALD, PINK])).max() > 1e-4


def test_the_same_in_another_process(run, workdir, tmp_path):
    script = (
        f"import sys, numpy as np, jaxgan; run = jaxgan.restore({str(workdir)!r}); "
        f"np.save(sys.argv[1], run.sample(2, text={PINK!r}))"
    )
    subprocess.run([sys.executable, "-c", script, tmp_path / "made.npy"], check=True)
    np.testing.assert_array_equal(np.load(tmp_path / "made.npy"), run.sample(2, text=PINK))


def test_a_row_for_each_caption(workdir, run, tmp_path, capsys):
    out = tmp_path / "sheet.png"
    assert main(["sample", str(workdir), "--text", BALD, "--text", PINK, "--num", "3", "--out", str(out)]) == 0
    assert "6 pictures" in capsys.readouterr().out
    with Image.open(out) as sheet:
        assert sheet.size[0] / sheet.size[1] == pytest.approx(3 / 2, rel=0.02)


def test_what_is_not_known_is_said(workdir, tmp_path, capsys):
    out = str(tmp_path / "sheet.png")
    assert main(["sample", str(workdir), "--text", f"{BALD} and a zeppelin", "--num", "1", "--out", out]) == 0
    assert "zeppelin" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "makes its pictures of captions: give --text"),
        (["--text", "  "], "is empty"),
        (["--text", "zeppelin"], "zeppelin"),
        (
            ["--text", BALD, "--label", "1"],
            "--label 1: TextToImage makes its pictures of text. Give these, or leave it out",
        ),
    ],
    ids=["none", "empty", "unknown", "label"],
)
def test_captions_that_cannot_be_read(workdir, arguments, said, capsys):
    assert main(["sample", str(workdir), *arguments]) == 2
    assert said in capsys.readouterr().err


def test_a_system_without_captions(tmp_path, capsys):
    unpack(shipped()["coloured_faces"], tmp_path / "faces")
    assert main(["sample", str(tmp_path / "faces"), "--text", BALD]) == 2
    assert "without captions: leave --text out" in capsys.readouterr().err


def test_from_caption_to_caption(workdir, run, tmp_path, capsys):
    """Rows of latents; a strip begins and ends with the pictures of its captions."""
    out = tmp_path / "strip.png"
    arguments = ["--between", "texts", "--text", BALD, "--text", PINK, "--frames", "3", "--num", "2", "--out", str(out)]
    assert main(["interpolate", str(workdir), *arguments]) == 0
    assert "6 pictures through 2 captions" in capsys.readouterr().out
    points = run.embed([BALD, PINK])
    middle = run.decode_captions(run.latents(2), (points[:1] + points[1:]) / 2)[0]
    ends = [run.sample(2, text=caption) for caption in (BALD, PINK)]
    expected = np.stack([ends[0], middle, ends[1]], 1).reshape(6, 32, 32, 3)
    with Image.open(out) as strip:
        difference = np.abs(np.int32(strip) - np.int32(grid(expected, 3)))
    assert difference.max() <= 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--between", "texts", "--text", BALD], "give at least two"),
        (["--between", "latents"], "makes its pictures of captions: give --text"),
        (["--text", BALD, "--text", PINK], "not 2: to go between them, add --between texts"),
        (["--text", BALD, "--label", "7"], "--label 7: TextToImage makes its pictures of text"),
        (["--between", "texts", "--text", BALD, "--text", PINK, "--num", "2", "--out", "a.gif"], "a film shows one latent"),
    ],
    ids=["one", "none", "two", "label", "film"],
)  # fmt: skip
def test_walks_that_cannot_be_made(workdir, arguments, said, capsys):
    assert main(["interpolate", str(workdir), *arguments]) == 2
    assert said in capsys.readouterr().err


def test_between_latents_of_one_caption(workdir, tmp_path):
    out = tmp_path / "walk.png"
    assert main(["interpolate", str(workdir), "--text", BALD, "--num", "2", "--frames", "4", "--out", str(out)]) == 0
    assert out.exists()


def test_pictures_of_ones_own_by_other_captions(workdir, run, tmp_path, capsys):
    """A row for each picture that can be read: itself, then what its latent gives with each caption."""
    folder, out = tmp_path / "mine", tmp_path / "sheet.png"
    folder.mkdir()
    mine = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), np.uint8)
    for name, pixels in zip(("a.png", "b.png"), mine, strict=True):
        Image.fromarray(pixels).save(folder / name)
    (folder / "broken.png").write_bytes(b"no picture")
    shown = ["edit", str(workdir), "--text", BALD, "--text", PINK, "--out", str(out)]
    assert main([*shown, "--picture", str(folder)]) == 1
    said = capsys.readouterr()
    assert "2 pictures" in said.out
    assert "broken.png" in said.err
    latents = run.invert(mine / np.float32(127.5) - 1)
    assert latents.shape == (2, 4)
    assert np.abs(latents[0] - latents[1]).max() > 1e-4
    made = run.decode_captions(latents, captions.read(run.record, [BALD, PINK]))
    rows = np.stack([mine / np.float32(127.5) - 1, *made], 1)
    with Image.open(out) as sheet:
        np.testing.assert_array_equal(np.asarray(sheet), np.asarray(grid(np.concatenate(rows), 3)))
    assert main([*shown, "--picture", str(folder / "broken.png")]) == 2
    assert "none of the pictures" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--picture", "x.png"], "--text"),
        (["--text", BALD], "say what is edited"),
        (["--picture", "nowhere.png", "--text", BALD], "no picture or folder nowhere.png"),
        (["--picture", "x.png", "--text", BALD, "--direction", "a"], "in one of three ways"),
    ],
    ids=["no text", "no picture", "nowhere", "two ways"],
)
def test_style_that_cannot_be_transferred(workdir, arguments, said, capsys):
    assert main(["edit", str(workdir), *arguments]) == 2
    assert said in capsys.readouterr().err


def test_directions_find_no_captions(workdir, tmp_path, capsys):
    """But hold one."""
    assert main(["directions", str(workdir), "--method", "sefa"]) == 2
    assert "makes its pictures of captions: give --text" in capsys.readouterr().err
    held = [
        "--num",
        "64",
        "--method",
        "pca",
        "--count",
        "1",
        "--given",
        f"text={BALD}",
        "--out",
        str(tmp_path / "a.png"),
    ]
    assert main(["directions", str(workdir), *held]) == 0


def test_an_encoder_of_another_run(run, workdir, tmp_path):
    """It is taken over when the run begins, and not looked for again; there is no first stage."""
    other = tmp_path / "other"
    shutil.copytree(workdir, other)
    system = dataclasses.replace(run.experiment.system, encoder_from=str(other))
    again = dataclasses.replace(run.experiment, system=system, steps=1)
    second = jaxgan.fit(again, tmp_path / "second", quiet=True)
    assert set(second.state.networks) == {"G", "D", "T", "S"}
    shutil.rmtree(other)
    opened = jaxgan.restore(tmp_path / "second")
    np.testing.assert_array_equal(opened.embed([BALD]), run.embed([BALD]))
    assert jaxgan.fit(dataclasses.replace(again, steps=2), tmp_path / "second", quiet=True).step == 2


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"data": Captioned(pictures=FACES, text=Words(length=16, limit=12))}, "learnt other words"),
        ({"system.encoder": WordGRU(dim=9, width=8)}, "has no encoder WordGRU"),
        ({"system.encoder_from": "nowhere"}, "encoder_from is nowhere: nowhere is not a folder"),
        ({"data": Captioned(pictures=FACES)}, "does not read what the data gives, characters"),
    ],
    ids=["words", "sizes", "nowhere", "characters"],
)
def test_an_encoder_that_does_not_fit(changes, said, run, workdir, tmp_path):
    system = dataclasses.replace(run.experiment.system, encoder_from=str(workdir))
    inner = {name.removeprefix("system."): value for name, value in changes.items() if name.startswith("system.")}
    outer = {name: value for name, value in changes.items() if not name.startswith("system.")}
    wrong = dataclasses.replace(run.experiment, system=dataclasses.replace(system, **inner), **outer)
    with pytest.raises(UserError, match=said):
        jaxgan.fit(wrong, tmp_path / "run", quiet=True)
    assert not (tmp_path / "run").exists()  # and nothing stands in the way of the right one


def test_a_stage_that_is_never_reached_is_said(run, tmp_path, capsys):
    jaxgan.fit(dataclasses.replace(run.experiment, steps=1), tmp_path / "run", quiet=True)
    assert "the phase generator makes no move in 1 steps: raise --steps" in capsys.readouterr().err


def test_a_run_that_goes_on_is_the_same(run, workdir, tmp_path):
    """Stopped within each stage."""
    for steps in (1, 2, 3):
        again = jaxgan.fit(dataclasses.replace(run.experiment, steps=steps), tmp_path / "run", quiet=True)
    assert again.digest == run.digest


def test_what_a_run_says_of_itself(workdir, capsys):
    assert main(["info", str(workdir)]) == 0
    assert "vocabulary   " in capsys.readouterr().out


def test_path_length_is_refused(workdir, capsys):
    assert main(["evaluate", str(workdir), "--metrics", "ppl", "--num", "4"]) == 2
    assert "systems that read captions" in capsys.readouterr().err
