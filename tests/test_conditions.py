"""What samples shall be, in words, through the commands and in Python: labels, named numbers, files, what the data has."""

import numpy as np
import pytest
from PIL import Image

import jaxgan
from jaxgan import UserError, conditions, configs
from jaxgan.cli import main
from tests.command import content, one_sentence

TOY = '''
"""The mean of a pose in red, a mood in green, a mask in blue: all that is said of a sample is to be seen."""
import dataclasses, jax.numpy as jnp, numpy as np
from jaxgan import Experiment
from jaxgan.data import Records
from jaxgan.media import Vector
from tests.value import Value

@dataclasses.dataclass(frozen=True)
class Examples:
    def load(self):
        entries = lambda i: {
            "image": np.zeros((8, 8, 3), np.float32), "pose": np.full((4, 2), i / 8, np.float32),
            "mood": np.array([i / 16, 0], np.float32), "mask": np.full((8, 8, 1), i / 8 - 1, np.float32),
            "label": np.array([i % 2, 1], np.int32),
        }
        return Records([entries(i) for i in range(8)], ("beard", "hat"), {"mood": Vector(names=("smile", "frown"))})
    def transform(self, example, random):
        return example

@dataclasses.dataclass(frozen=True)
class Seen(Value):
    reads = ("image", "pose", "mood", "mask", "label")
    def decode(self, variables, z, inputs):
        mood = inputs["mood"] @ jnp.array([1.0, -1.0]) + inputs["label"] @ jnp.array([0.25, 0.125])
        shades = jnp.stack([inputs["pose"].mean((1, 2)), mood, inputs["mask"].mean((1, 2, 3))], -1)
        return jnp.zeros(inputs["image"].shape) + shades[:, None, None]

def get_config():
    return Experiment(system=Seen(), data=Examples(), batch_size=4, steps=1, sample_every=1, devices=1)
'''


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    """The config, and the workdir of its run."""
    folder = tmp_path_factory.mktemp("conditions")
    (folder / "seen.py").write_text(TOY)
    jaxgan.fit(configs.load(str(folder / "seen.py")), folder / "run", quiet=True)
    return folder / "seen.py", folder / "run"


@pytest.fixture(scope="module")
def run(toy):
    return jaxgan.restore(toy[1], experiment=configs.load(str(toy[0])))


@pytest.fixture
def files(tmp_path):
    np.save(tmp_path / "pose.npy", np.full((4, 2), 0.5, np.float32))
    Image.new("L", (30, 20), 255).save(tmp_path / "mask.png")
    (tmp_path / "mood.csv").write_text("smile,frown\n0.25,0.5\n")
    return tmp_path


def shade(made):
    return made[:, 0, 0].tolist()


def test_files_names_and_numbers(toy, run, files, capsys):
    """Each is read by what it is; a picture is brought to the size and the channels that the run has."""
    given = [f"pose={files / 'pose.npy'}", f"mask={files / 'mask.png'}", "mood=smile=0.5"]
    words = [word for one in given for word in ("--given", one)]
    command = ["sample", str(toy[1]), "--config", str(toy[0]), "--num", "2", "--label", "hat=1,beard=0"]
    assert main([*command, *words, "--separate", str(files / "made")]) == 0, capsys.readouterr().err
    assert np.asarray(Image.open(files / "made" / "00001.png"))[0, 0].tolist() == [191, 207, 255]
    in_python = {"pose": np.full((1, 4, 2), 0.5), "mask": str(files / "mask.png"), "mood": "0.5,0", "label": "0,1"}
    assert shade(run.sample(2, given=in_python)) == [[0.5, 0.625, 1.0]] * 2
    in_python["mood"] = str(files / "mood.csv")
    assert shade(run.decode(run.latents(1), given=in_python)) == [[0.5, -0.125, 1.0]]


def test_what_the_data_has(toy, run, capsys, tmp_path):
    everything = dict.fromkeys(("pose", "mood", "mask", "label"), "data")
    made = run.sample(3, given=everything)
    expected = [[i / 8, i / 16 + 0.25 * (i % 2) + 0.125, i / 8 - 1] for i in range(3)]
    np.testing.assert_allclose(shade(made), expected)
    np.testing.assert_allclose(
        shade(run.sample(2, given={**everything, "pose": "data:7"}))[1], [7 / 8, *expected[1][1:]]
    )
    np.testing.assert_array_equal(run.sample(10, given=everything)[8:], made[:2])  # of eight, from the first again
    words = [word for name in everything for word in ("--given", f"{name}=data:2")]
    out = str(tmp_path / "a.png")
    assert main(["interpolate", str(toy[1]), *words, "--config", str(toy[0]), "--out", out]) == 0, (
        capsys.readouterr().err
    )
    shown = np.asarray(Image.open(tmp_path / "a.png"))
    assert (np.abs(shown[1, 1].astype(int) - [159, 159, 32]) <= 1).all()


REFUSED = {
    "nothing said": (
        [],
        "Seen makes its pictures of pose and mood and mask and label, and nobody said what these shall be",
    ),
    "no name": (["pose"], "--given pose: give it as NAME=VALUE"),
    "twice": (["pose=data", "pose=1"], "--given pose comes twice"),
    "unknown": (["poze=data"], 'mask and label, did you mean "pose"?'),
    "no file": (["pose=pose.np"], '--given pose: "pose.np" is neither a file (.npy) nor numbers'),
    "shape": (["pose=1,2,3"], '--given pose: "1,2,3" has the shape [3], and [4, 2] is wanted'),
    "beyond": (["pose=data:8"], "--given pose=data:8: the run's data has 8 examples, 0 to 7"),
    "name": (["mood=smlie=1"], 'there is no "smlie", did you mean "smile"? There are smile, frown'),
    "no number": (["mood=smile=much"], '"smile=much": give a number, such as smile=0.5'),
    "attributes": (["label=beard"], '--label "beard": give 2 numbers, each 0 or 1, or names, as beard=0'),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_in_one_sentence(toy, name, capsys):
    given, sentence = REFUSED[name]
    before = content(toy[1])
    words = [word for one in given for word in ("--given", one)]
    assert main(["sample", str(toy[1]), "--config", str(toy[0]), *words]) == 2
    assert sentence in one_sentence(capsys.readouterr().err)
    assert content(toy[1]) == before


def test_refused_in_python(run):
    everything = dict.fromkeys(("pose", "mood", "mask", "label"), "data")
    for given, sentence in (
        ({"pose": np.zeros((3, 4, 2))}, r"pose is \[3, 4, 2\], and must be \[2, 4, 2\]"),
        ({"label": [[1, 2]]}, "labels are numbers from 0 to 1: beard, hat"),
    ):
        with pytest.raises(UserError, match=sentence):
            run.sample(2, given={**everything, **given})
    with pytest.raises(UserError, match="the label is given twice"):
        run.sample(2, label="1,0", given=everything)


def test_a_label_by_itself_and_rows_of_one(run):
    others = dict.fromkeys(("pose", "mood", "mask"), "data:0")
    np.testing.assert_allclose(run.sample(2, label=[[1, 0], [1, 1]], given=others)[:, 0, 0, 1], [0.25, 0.375])
    held = conditions.held(run.record, {**others, "label": "1,1"})
    assert {name: rows.shape for name, rows in held.items()} == {
        "pose": (1, 4, 2), "mood": (1, 2), "mask": (1, 8, 8, 1), "label": (1, 2)
    }  # fmt: skip
    np.testing.assert_allclose(run.decode(run.latents(3), given=held)[:, 0, 0, 1], [0.375] * 3)


def test_many_numbers_and_files_that_are_none(run, tmp_path):
    others = dict.fromkeys(("mood", "mask", "label"), "data:0")
    many = ",".join(["0.123456789012345678901234567890123456789"] * 8)  # longer than a path may be
    np.testing.assert_allclose(run.sample(1, given={**others, "pose": many})[0, 0, 0, 0], 0.123456789, rtol=1e-6)
    np.savez(tmp_path / "archive.npz", a=np.zeros((4, 2)))
    (tmp_path / "archive.npz").rename(tmp_path / "archive.npy")
    np.save(tmp_path / "words.npy", np.array([["a", "b"]] * 4))
    for file in ("archive.npy", "words.npy"):
        with pytest.raises(UserError, match=f"cannot read .*{file}: it holds no array of numbers"):
            run.sample(1, given={**others, "pose": str(tmp_path / file)})
    with pytest.raises(UserError, match="pose is of <U1, and must be numbers"):
        run.sample(1, given={**others, "pose": np.array([[["a", "b"]] * 4])})
