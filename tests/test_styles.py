"""The latent space W: what StyleGAN's mapping makes of noise is walked, mixed, truncated, edited, and found for a picture."""

import numpy as np
import pytest
from PIL import Image

import jaxgan
from jaxgan import media
from jaxgan.cli import main
from jaxgan.data import Avatars
from jaxgan.demo import latents as demo
from jaxgan.errors import UserError
from jaxgan.metrics.named import ppl_w
from jaxgan.systems.stylegan2 import StyleGAN2
from tests.command import TINY, one_sentence

pytestmark = pytest.mark.slow

LAYERS, WIDTH = 4, 5
SYSTEM = StyleGAN2(
    latent_dim=6, style_dim=WIDTH, mapping_layers=2, width=8, channel_base=64, group=2, r1=0.0, path_length=0.0,
    learning_rate=0.05,
)  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    experiment = jaxgan.Experiment(system=SYSTEM, data=Avatars(size=8, count=16), batch_size=4, steps=20, devices=1)
    return jaxgan.fit(experiment, tmp_path_factory.mktemp("styles") / "run", quiet=True)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """A run without a mapping network."""
    folder = tmp_path_factory.mktemp("plain") / "run"
    assert main([*TINY, "--steps", "1", "--workdir", str(folder)]) == 0
    return folder


def call(command, where, *argv) -> int:
    return main([command, str(where), *map(str, argv)])


def cell(path, row, column, shape):
    """Sixteen pixels of the middle of a tile of a sheet of rows and columns, where each is enlarged to a block of 8 x 8."""
    pixels = np.asarray(Image.open(path).convert("RGB"), int)
    y, x = (
        int((place + 0.5) * size / count)
        for place, size, count in zip((row, column), pixels.shape[:2], shape, strict=True)
    )
    middles = 8 * np.arange(-2, 2) + 4
    return pixels[(y + middles)[:, None], x + middles]


def test_w_makes_what_its_noise_makes(run):
    z, w = run.latents(5, seed=1), run.latents(5, seed=1, space="w")
    assert w.shape == (5, LAYERS, WIDTH)
    np.testing.assert_array_equal(w, np.repeat(w[:, :1], LAYERS, 1))
    np.testing.assert_allclose(run.decode(w), run.decode(z), atol=1e-5)
    np.testing.assert_allclose(run.sample(5, seed=1), run.decode(z), atol=1e-5)
    np.testing.assert_array_equal(run.latents(2, seed=1, space="w"), w[:2])


def test_a_sheet_mixes_the_row_and_the_column(run, tmp_path):
    sheets = {layers: tmp_path / f"{layers}.png" for layers in (0, 2, LAYERS)}
    for layers, out in sheets.items():
        assert call("mix", run.workdir, "--rows", 2, "--columns", 3, "--layers", layers, "--out", out) == 0
    shape = (3, 4)
    for row, column in ((1, 1), (2, 3)):
        left, above = (cell(sheets[0], *place, shape) for place in ((row, 0), (0, column)))
        assert np.abs(left - above).max() > 3
        np.testing.assert_array_equal(cell(sheets[0], row, column, shape), above)
        np.testing.assert_array_equal(cell(sheets[LAYERS], row, column, shape), left)
        both = cell(sheets[2], row, column, shape)
        assert not np.array_equal(both, left)
        assert not np.array_equal(both, above)


def test_the_demo_mixes_the_styles_of_two_seeds(run):
    own, other = (run.latents(4, seed, "w") for seed in (1, 2))
    mixed = demo.make(run, [], seed=1, count=4, mixing=(2, 2))
    np.testing.assert_array_equal(mixed, run.decode(np.concatenate([own[:, :2], other[:, 2:]], 1)))
    np.testing.assert_array_equal(demo.make(run, [], seed=1, count=4, mixing=(0, 2)), run.decode(other))


def test_what_cannot_be_mixed_is_refused(run, plain, capsys):
    assert call("mix", run.workdir, "--layers", 9) == 2
    assert "--layers 9: the run has 4 layers" in one_sentence(capsys.readouterr().err)
    assert call("mix", plain) == 2
    assert "nothing to mix" in one_sentence(capsys.readouterr().err)


def test_truncations_meet_in_the_mean(run, tmp_path, capsys):
    out = tmp_path / "truncations.png"
    assert call("interpolate", run.workdir, "--between", "truncations", "--num", 2, "--frames", 5, "--out", out) == 0
    np.testing.assert_array_equal(cell(out, 0, 2, (2, 5)), cell(out, 1, 2, (2, 5)))
    for column in (0, 4):
        assert np.abs(cell(out, 0, column, (2, 5)) - cell(out, 1, column, (2, 5))).max() > 3
    capsys.readouterr()
    assert call("interpolate", run.workdir, "--between", "truncations", "--frames", 1) == 2
    assert "--frames 1" in one_sentence(capsys.readouterr().err)


def test_a_walk_is_straight_in_w(run, plain, tmp_path, capsys):
    for space in ("w", "z"):
        assert call("interpolate", run.workdir, "--num", 2, "--space", space, "--out", tmp_path / f"{space}.png") == 0
    assert (tmp_path / "w.png").read_bytes() != (tmp_path / "z.png").read_bytes()
    a, b = run.latents(2, space="w")
    made = media.grid(run.decode(np.stack([a + (b - a) * i / 7 for i in range(8)])), 8)
    np.testing.assert_array_equal(np.asarray(made), np.asarray(Image.open(tmp_path / "w.png")))
    capsys.readouterr()
    assert call("interpolate", plain, "--space", "w") == 2
    assert "GAN has no latents 'w'" in one_sentence(capsys.readouterr().err)


@pytest.mark.parametrize("method", ["sefa", "pca"])
def test_directions_are_of_w_and_move_all_layers(run, method):
    assert call("directions", run.workdir, "--method", method, "--num", 64, "--count", 2) == 0
    with np.load(run.workdir / "directions" / f"{method}1.npz") as file:
        vector = file["vector"]
    assert vector.shape == (LAYERS, WIDTH)
    np.testing.assert_array_equal(vector, np.repeat(vector[:1], LAYERS, 0))
    spread = run.latents(64, space="w")[:, 0] @ (vector[0] / np.linalg.norm(vector[0]))
    assert np.linalg.norm(vector[0]) == pytest.approx(spread.std(), rel=1e-3)


def test_a_picture_is_found_and_edited(run, tmp_path, capsys):
    """One that the run itself can make, from far: nearer than the mean by far."""
    (wanted,) = run.sample(1, seed=7)
    Image.fromarray(media.to_uint8(wanted)).save(tmp_path / "face.png")
    assert call("project", run.workdir, tmp_path / "face.png", "--steps", 150, "--out", tmp_path / "sheet.png") == 0
    found = np.load(run.workdir / "projections" / "face.npy")
    assert found.shape == (1, LAYERS, WIDTH)
    np.testing.assert_array_equal(found, np.repeat(found[:, :1], LAYERS, 1))
    mean = run.latents(512, space="w").mean(0, keepdims=True)
    near, far = (np.square(run.decode(w) - wanted).mean() for w in (found, mean))
    assert near < 0.2 * far
    film = ["--steps", 20, "--each-layer", "--out", tmp_path / "way.gif"]
    assert call("project", run.workdir, tmp_path / "face.png", *film) == 0
    assert Image.open(tmp_path / "way.gif").n_frames > 10

    assert call("directions", run.workdir, "--method", "pca", "--num", 64, "--count", 1) == 0
    edited = [
        "--direction",
        "pca1",
        "--latents",
        run.workdir / "projections" / "face.npy",
        "--out",
        tmp_path / "edited.png",
    ]
    assert call("edit", run.workdir, *edited) == 0
    assert np.asarray(Image.open(tmp_path / "edited.png")).std() > 1
    np.save(tmp_path / "other.npy", np.zeros((1, 3), np.float32))
    capsys.readouterr()
    assert call("edit", run.workdir, "--direction", "pca1", "--latents", tmp_path / "other.npy") == 2
    assert "latents of this run are [N, 4, 5]" in one_sentence(capsys.readouterr().err)


def test_noise_is_found_too(plain, tmp_path):
    """Of a run without a mapping, in its only space."""
    (wanted,) = jaxgan.restore(plain).sample(1, seed=7)
    Image.fromarray(media.to_uint8(wanted)[..., 0]).save(tmp_path / "digit.png")
    assert call("project", plain, tmp_path / "digit.png", "--steps", 20, "--out", tmp_path / "sheet.png") == 0
    assert np.load(plain / "projections" / "digit.npy").shape == (1, 4)


def test_path_length_in_w_is_for_a_mapping(plain):
    with pytest.raises(UserError, match="no mapping network; take ppl"):
        ppl_w.check(jaxgan.restore(plain))


def test_the_other_commands_work_for_it(run, tmp_path):
    assert call("report", run.workdir, "--out", tmp_path / "report.html") == 0
    assert call("export", run.workdir, "--format", "stablehlo", "--out", tmp_path / "g.stablehlo") == 0
    assert call("export", run.workdir, "--network", "all", "--out", tmp_path / "run.safetensors") == 0
    packed = tmp_path / "unpacked"
    assert main(["import-weights", str(tmp_path / "run.safetensors"), "--format", "jaxgan", "--out", str(packed)]) == 0
    np.testing.assert_array_equal(jaxgan.restore(packed).sample(3), run.sample(3))
