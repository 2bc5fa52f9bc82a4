"""Systems that make something else than pictures of the size of what goes in, through the real commands.

What a command cannot do it refuses by name; nothing is cut, filled with zeros or written as something that it is not.
"""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import jaxgan
from jaxgan import UserError, configs
from jaxgan.cli import main
from tests.command import content, one_sentence

TOYS = '''
"""Systems and data whose products are known."""
import dataclasses, jax, jax.numpy as jnp, numpy as np, optax
from jaxgan import Experiment, Outcome, Phase, System, UserError, rows
from jaxgan.data import Records
from tests.value import Value

@dataclasses.dataclass(frozen=True)
class Examples:
    kind: str = "waves"
    def load(self):
        random = np.random.default_rng(0)
        def of(*shape):
            return random.uniform(-1, 1, shape).astype(np.float32)
        make = {
            "waves": lambda: {"wave": of(40)},
            "tokens": lambda: {"text": random.integers(1, 9, 5).astype(np.int32)},
            "voxels": lambda: {"image": of(4, 4, 4)},
            "enlarged": lambda: {"input": of(8, 8, 3), "image": of(16, 16, 3)},
            "shrunk": lambda: {"input": of(8, 8, 3), "image": of(4, 4, 3)},
            "people": lambda: {"image": of(8, 8, 3), "pose": of(8, 8, 2), "age": of(1), "seen_by_the_loss": of(3)},
        }[self.kind]
        return Records([make() for _ in range(8)])
    def transform(self, example, random):
        return example

class Waves(Value):
    reads = ("wave",)
    makes = "wave"
    def decode(self, variables, z, inputs):
        return jnp.repeat(z, 20, 1)

class Tokens(Value):
    reads = ("text",)
    makes = "text"
    def decode(self, variables, z, inputs):
        return jnp.int32(jnp.abs(jnp.repeat(z, 3, 1)) * 1e8)

class Voxels(Value):
    def decode(self, variables, z, inputs):
        return jnp.zeros((len(z), 4, 4, 4)) + z[:, :1, None, None]

class People(Value):
    reads = ("image", "pose", "age", "seen_by_the_loss")
    conditions = ("pose", "age")
    def decode(self, variables, z, inputs):
        number = inputs["pose"].mean((1, 2, 3)) + inputs["age"][:, 0]
        return jnp.zeros(inputs["image"].shape) + number[:, None, None, None]

class Scaled(Value):
    """Each pixel becomes a square of four, or of four of them the first stays."""
    reads = ("input", "image")
    directions = {"ab": "G"}
    latents, decode = System.latents, System.decode
    @property
    def multiple(self):
        return 4
    def translate(self, variables, pictures, key, *, direction="ab", inputs=None, statistics="batch"):
        assert pictures.shape[1] % 4 == pictures.shape[2] % 4 == 0
        return pictures.repeat(2, 1).repeat(2, 2)
    def sample(self, variables, inputs, key):
        return self.translate(variables, inputs["input"], key)
    def preview(self, variables, inputs, key):
        return jnp.stack([inputs["input"], self.sample(variables, inputs, key)], 1)  # of two sizes

class Shrunk(Scaled):
    def translate(self, variables, pictures, key, **_):
        return pictures[:, ::2, ::2]

class Refusing(Value):
    reads = ("wave",)
    makes = "wave"
    def decode(self, variables, z, inputs):
        return jnp.repeat(z, 20, 1)
    def preview(self, variables, inputs, key):
        raise UserError("no")

class Hungry(Scaled):
    def translate(self, variables, pictures, key, **options):
        if pictures.shape[1] >= 64:
            raise MemoryError
        return super().translate(variables, pictures, key, **options)

def get_config():
    return Experiment(system=SYSTEM(), data=Examples("DATA"), batch_size=4, steps=2, sample_every=1, devices=1)
'''
KINDS = {
    "Waves": "waves",
    "Tokens": "tokens",
    "Voxels": "voxels",
    "People": "people",
    "Scaled": "enlarged",
    "Shrunk": "shrunk",
    "Hungry": "enlarged",
    "Refusing": "waves",
}
RANDOM = np.random.default_rng(0)


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Path:
    """NAME.py, its workdir NAME, and NAME.log, what was said on standard output."""
    folder = tmp_path_factory.mktemp("runs")
    for name, data in KINDS.items():
        (folder / f"{name}.py").write_text(TOYS.replace("SYSTEM", name).replace("DATA", data))
    return folder


def opened(runs: Path, name: str) -> jaxgan.Run:
    config = runs / f"{name}.py"
    if not (runs / name).exists():
        jaxgan.fit(configs.load(str(config)), runs / name, quiet=True)
    return jaxgan.restore(runs / name, experiment=configs.load(str(config)))


def call(runs: Path, name: str, command: str, *argv) -> int:
    opened(runs, name)
    return main([command, str(runs / name), *map(str, argv), "--config", str(runs / f"{name}.py")])


def test_a_grid_that_fails_costs_no_run(runs, capfd, tmp_path):
    """Its pictures are of two sizes; said once, not at every grid."""
    assert main(["train", str(runs / "Scaled.py"), "--workdir", str(tmp_path / "run")]) == 0
    out = capfd.readouterr().out
    assert out.count("warning: step 1: no sample grid could be made (ValueError: ") == 1
    assert "training goes on. What Scaled.preview returns" in out
    assert jaxgan.restore(tmp_path / "run", experiment=configs.load(str(runs / "Scaled.py"))).step == 2


def test_whatever_a_grid_raises(runs, tmp_path):
    assert main(["train", str(runs / "Refusing.py"), "--workdir", str(tmp_path / "run")]) == 0


@pytest.mark.parametrize("name", ["Waves", "Tokens", "Voxels"])
def test_plain_numbers_are_drawn_as_a_map_and_written_as_numbers(runs, name, tmp_path, capfd):
    """What nobody has said the medium of is no picture, whatever its shape: files hold the numbers themselves."""
    run = opened(runs, name)
    assert (runs / name / "samples" / "000002.png").exists()
    assert call(runs, name, "sample", "--num", 3, "--separate", tmp_path / "each") == 0
    assert "3 examples of step 2" in capfd.readouterr().out
    assert sorted(content(tmp_path / "each")) == ["00000.npy", "00001.npy", "00002.npy"]
    for index, made in enumerate(run.sample(3)):
        np.testing.assert_array_equal(np.load(tmp_path / "each" / f"0000{index}.npy"), made)
    for argv in (
        ("sample", "--out", tmp_path / "y.png"),
        ("interpolate", "--num", 2, "--frames", 2, "--out", tmp_path / "z.gif"),
    ):
        assert call(runs, name, *argv) == 0
        with Image.open(argv[-1]) as image:
            image.load()


@pytest.mark.parametrize("name", ["Waves", "Tokens", "Voxels"])
def test_what_is_no_picture_is_not_scored_as_one(runs, name, capfd, tmp_path):
    opened(runs, name)
    before, out = content(runs), tmp_path / "e.json"
    assert call(runs, name, "evaluate", "--metrics", "ms_ssim", "--json", out) == 2
    assert "the metric ms_ssim does not take examples: of these there are" in one_sentence(capfd.readouterr().err)
    code, said = call(runs, name, "evaluate", "--metrics", "fid", "--num", "16", "--json", out), capfd.readouterr()
    if name == "Tokens":  # which makes six where its data has five
        assert (code, one_sentence(said.err)) == (
            2, "jaxgan: Tokens makes [6], and its data has [5]: metrics compare what is of one size"
        )  # fmt: skip
        assert not content(tmp_path)
    else:
        assert code == 0
        assert f"against 16 generated examples {[40] if name == 'Waves' else [4, 4, 4]}" in said.out
    assert content(runs) == before


def test_what_is_said_to_be_a_picture_and_is_none(runs, tmp_path, capfd):
    """The data's medium does not suit its numbers; and a system makes something else than it says."""
    said = (runs / "Voxels.py").read_text()
    wrong = said.replace(
        "for _ in range(8)])", "for _ in range(8)], media={'image': __import__('jaxgan').media.Picture()})"
    )
    (tmp_path / "wrong.py").write_text(wrong)
    assert main(["train", str(tmp_path / "wrong.py"), "--workdir", str(tmp_path / "run")]) == 2
    assert (
        "'image' of the data Examples: pictures are floats [height, width, 1 or 3], not float32 [4, 4, 4]"
        in one_sentence(capfd.readouterr().err)
    )
    (tmp_path / "other.py").write_text(said.replace('Examples("voxels")', 'Examples("people")'))
    words = ["--workdir", str(tmp_path / "other")]
    assert main(["train", str(tmp_path / "other.py"), *words]) == 0
    assert (
        "no sample grid could be made (what was made are float32 arrays [4, 4, 4]: pictures are"
        in capfd.readouterr().out
    )
    assert main(["sample", str(tmp_path / "other"), "--config", str(tmp_path / "other.py")]) == 2
    assert "what was made are float32 arrays [4, 4, 4]: pictures are floats" in one_sentence(capfd.readouterr().err)
    assert not (tmp_path / "other" / "sample.png").exists()


def test_evaluation_of_what_is_no_picture_is_refused_before_the_first_step_ends(runs, tmp_path, capfd):
    words = ["train", str(runs / "Waves.py"), "--workdir", str(tmp_path / "run"), "--evaluate-every", "1"]
    assert main([*words, "--evaluate-metrics", "ppl"]) == 2
    assert "the metric ppl does not take examples" in one_sentence(capfd.readouterr().err)


def test_numbers_that_stand_for_something_stay_whole(runs):
    made = opened(runs, "Tokens").sample(3)
    assert made.dtype == np.int32
    assert made.max() > 2**25  # which a float32 could not hold to the last digit
    assert opened(runs, "Waves").sample(3).shape == (3, 40)


@pytest.mark.parametrize("command", [("sample",), ("interpolate",), ("directions", "--method", "pca", "--count", "1")])
def test_conditions_that_nobody_named_are_refused(runs, command, capfd):
    """Not the pose and the age of zeros; what only a loss looks at is not asked for."""
    opened(runs, "People")
    before = content(runs)
    assert call(runs, "People", *command) == 2
    sentence = one_sentence(capfd.readouterr().err)
    assert "People makes its pictures of pose and age, and nobody said what these shall be" in sentence
    assert "give --given pose=FILE --given age=FILE, or --given pose=data" in sentence
    assert content(runs) == before


def test_conditions_in_python(runs):
    run = opened(runs, "People")
    pose, age = RANDOM.normal(size=(3, 8, 8, 2)).astype(np.float32), RANDOM.normal(size=(3, 1)).astype(np.float32)
    made = run.sample(3, given={"pose": pose, "age": age})
    assert made.shape == (3, 8, 8, 3)
    np.testing.assert_allclose(made[:, 0, 0, 0], pose.mean((1, 2, 3)) + age[:, 0], atol=1e-6)
    with pytest.raises(UserError, match=r"of age, and nobody said what that shall be: give --given age=FILE"):
        run.sample(3, given={"pose": pose})
    with pytest.raises(UserError, match=r"age is \[2, 1\], and must be \[3, 1\]"):
        run.sample(3, given={"pose": pose, "age": age[:2]})
    with pytest.raises(UserError, match="of pose and age"):
        run.decode(run.latents(2))


def test_an_exported_program_takes_its_conditions(runs, tmp_path):
    assert call(runs, "People", "export", "--format", "stablehlo", "--out", tmp_path / "g.stablehlo") == 0
    from jax import export

    program = export.deserialize((tmp_path / "g.stablehlo").read_bytes())
    assert [a.shape[1:] for a in program.in_avals] == [(2,), (8, 8, 2), (1,)]
    z, pose, age = (
        opened(runs, "People").latents(3),
        np.ones((3, 8, 8, 2), np.float32),
        np.full((3, 1), 0.5, np.float32),
    )
    np.testing.assert_allclose(np.asarray(program.call(z, pose, age))[:, 0, 0, 0], 1.5, atol=1e-6)


def saved(path: Path, height: int, width: int, channels: int = 3) -> np.ndarray:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = RANDOM.integers(0, 256, (height, width, channels), np.uint8)
    Image.fromarray(pixels).save(path)
    return pixels


def pixels_of(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


@pytest.mark.parametrize(
    ("name", "change"), [("Scaled", lambda x: x.repeat(2, 0).repeat(2, 1)), ("Shrunk", lambda x: x[::2, ::2])]
)
def test_what_comes_out_keeps_its_own_size(runs, tmp_path, name, change):
    """Larger or smaller than what went in, also where that was padded to a multiple of 4."""
    for height, width in ((8, 12), (10, 14), (6, 4)):
        before = saved(tmp_path / "in" / f"{height}.png", height, width)
        assert call(runs, name, "translate", tmp_path / "in" / f"{height}.png", tmp_path / "out.png") == 0
        np.testing.assert_array_equal(pixels_of(tmp_path / "out.png"), change(before))
        made = opened(runs, name).translate(np.float32(before[None]) / 127.5 - 1)
        assert made.shape == (1, *change(before).shape)
    assert call(runs, name, "translate", tmp_path / "in", tmp_path / "all") == 0
    for path in (tmp_path / "in").iterdir():
        np.testing.assert_array_equal(pixels_of(tmp_path / "all" / path.name), change(pixels_of(path)))


def test_what_is_larger_beside_what_it_comes_of(runs, tmp_path):
    """Input and target are brought to the size of the output, which keeps its own; so is transparency."""
    before, target = saved(tmp_path / "A" / "a.png", 8, 12), saved(tmp_path / "B" / "a.png", 16, 24)
    assert call(runs, "Scaled", "translate", tmp_path / "A", tmp_path / "out", "--compare") == 0
    made = pixels_of(tmp_path / "out" / "a.png")
    assert made.shape == (16, 72, 3)
    np.testing.assert_array_equal(
        made[:, :24], np.asarray(Image.fromarray(before).resize((24, 16), Image.Resampling.BICUBIC))
    )
    np.testing.assert_array_equal(made[:, 24:48], before.repeat(2, 0).repeat(2, 1))
    np.testing.assert_array_equal(made[:, 48:], target)
    clear = saved(tmp_path / "clear.png", 8, 8, 4)
    clear[..., 3] = 77
    Image.fromarray(clear).save(tmp_path / "clear.png")
    assert call(runs, "Scaled", "translate", tmp_path / "clear.png", tmp_path / "out.png") == 0
    assert pixels_of(tmp_path / "out.png").shape == (16, 16, 4)
    assert (pixels_of(tmp_path / "out.png")[..., 3] == 77).all()


def test_an_exported_translation_says_both_sizes(runs, tmp_path, capfd):
    assert call(runs, "Scaled", "export", "--format", "stablehlo", "--out", tmp_path / "t.stablehlo") == 0
    assert "pictures float32 [B, 8, 8, 3] -> float32 [B, 16, 16, 3]" in capfd.readouterr().out


def test_a_picture_too_large_for_the_memory(runs, tmp_path, capfd):
    """It is named, with the way out; those after it are made."""
    for number, side in enumerate((8, 64, 12)):
        saved(tmp_path / "in" / f"{number}.png", side, side)
    assert call(runs, "Hungry", "translate", tmp_path / "in", tmp_path / "out") == 1
    said = capfd.readouterr().err
    assert f"cannot translate {tmp_path}/in/1.png: a picture of 64 x 64 needs more memory than there is" in said
    assert "--size" in said
    assert "Traceback" not in said
    assert sorted(content(tmp_path / "out")) == ["0.png", "2.png"]
