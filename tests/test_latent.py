"""The latent space: known paths and directions, the grammars, and the commands on a small run."""

import dataclasses
import sys
import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

import jaxgan
from jaxgan import workdir
from jaxgan.commands import directions, edit, interpolate
from jaxgan.conditions import held
from jaxgan.data import Digits, Spec
from jaxgan.errors import UserError
from jaxgan.latent import (
    arithmetic,
    attribute_direction,
    generator,
    lerp,
    orthogonalized,
    path,
    pca_directions,
    sefa_directions,
    slerp,
    standardized,
)
from jaxgan.latent.attributes import Condition, parse_condition, parse_conditions
from jaxgan.latent.concepts import Term, choose, parse_expression
from jaxgan.latent.directions import value_directions
from jaxgan.latent.files import Direction, file_name, load, save
from jaxgan.networks import Convolutional
from jaxgan.run import Run
from jaxgan.systems.cgan import CGAN
from jaxgan.systems.dcgan import DCGAN
from jaxgan.systems.gan import GAN
from jaxgan.training.step import fresh_state
from tests.weights.test_workdirs import randomised

CLASSES = {
    "glasses": ("none", "glasses", "sunglasses"),
    "eyes": ("open", "wink", "glasses", "sunglasses"),
    "hair": ("none", "long"),
    "hair_color": ("none", "pink", "black"),
}


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("between", [lerp, slerp])
def test_paths_keep_their_ends_and_types(between):
    a, b = normal(5, 7), normal(5, 7, seed=1)
    np.testing.assert_array_equal(between(a, b, 0.0), a)
    np.testing.assert_array_equal(between(a, b, 1.0), b)
    assert between(a, b, 0.3).dtype == np.float32
    np.testing.assert_allclose(between(a, b, 0.3), between(b, a, 0.7), atol=1e-6)


def test_slerp_turns_at_a_constant_rate_and_keeps_the_norm():
    a, b = np.array([2.0, 0, 0]), np.array([0, 2.0, 0])
    np.testing.assert_allclose(slerp(a, b, 1 / 3), [2 * np.cos(np.pi / 6), 2 * np.sin(np.pi / 6), 0], atol=1e-12)
    np.testing.assert_allclose(lerp(a, b, 0.5), [1, 1, 0])


@pytest.mark.parametrize(
    ("a", "b", "middle"),
    [
        ([1.0, 0], [1.0, 0], [1.0, 0]),
        ([1.0, 0], [3.0, 0], [2.0, 0]),
        ([0.0, 0], [3.0, 0], [1.5, 0]),
        ([0.0, 0], [0.0, 0], [0.0, 0]),
        ([1.0, 0], [-3.0, 0], [0, 2.0]),  # half-way round a circle whose radius grows
        ([1.0, 1e-9], [1.0, -1e-9], [1.0, 0]),
    ],
)
def test_slerp_of_degenerate_angles(a, b, middle):
    a, b = np.array(a), np.array(b)
    np.testing.assert_allclose(slerp(a, b, 0.5), middle, atol=1e-8)
    np.testing.assert_array_equal([slerp(a, b, 0.0), slerp(a, b, 1.0)], [a, b])


def test_slerp_mixes_degenerate_and_other_rows():
    a = np.array([[1.0, 0, 0], [1.0, 0, 0], [0, 0, 0]])
    b = np.array([[0, 1.0, 0], [-1.0, 0, 0], [0, 0, 2.0]])
    half = slerp(a, b, 0.5)
    np.testing.assert_allclose(half[0], [0.5**0.5, 0.5**0.5, 0])
    np.testing.assert_allclose([half[1] @ a[1], np.linalg.norm(half[1])], [0, 1], atol=1e-12)
    np.testing.assert_allclose(half[2], [0, 0, 1])


@pytest.mark.parametrize("method", ["slerp", "lerp"])
def test_a_path_passes_through_its_latents(method):
    latents = normal(3, 2, 4)  # of any shape
    points = path(latents, 5, method)
    assert points.shape == (9, 2, 4)
    np.testing.assert_array_equal(points[::4], latents)
    loop = path(latents, 5, method, closed=True)
    assert loop.shape == (12, 2, 4)
    np.testing.assert_array_equal(loop[:9], points)
    np.testing.assert_allclose(loop[9:], path(latents[[2, 0]], 5, method)[1:4], atol=1e-6)


def test_a_path_needs_two_latents_and_two_frames():
    with pytest.raises(UserError, match="at least 2 latents"):
        path(normal(1, 4), 5)
    with pytest.raises(UserError, match="at least 2 frames"):
        path(normal(2, 4), 1)


def test_strength_one_is_one_standard_deviation():
    latents = normal(4000, 3) * np.float32([1, 2, 5])
    made = standardized(np.eye(3) * 7, latents)
    np.testing.assert_allclose(made, np.diag(latents.std(0)), rtol=1e-5)


def test_a_direction_is_found_from_labels():
    latents = normal(2000, 4, 5)
    truth = normal(20, seed=3)
    present = latents.reshape(-1, 20) @ truth > 3  # a third of them
    found = attribute_direction(latents, present)
    assert found.shape == (4, 5)
    assert truth @ found.ravel() / np.linalg.norm(truth) / np.linalg.norm(found) > 0.99
    np.testing.assert_array_equal(found, attribute_direction(latents, present))
    with pytest.raises(UserError, match="none of the 2000 samples"):
        attribute_direction(latents, np.zeros(2000, bool))


def test_a_direction_leaves_others_alone():
    latents, direction, others = normal(500, 6), normal(6, seed=1), normal(3, 6, seed=2)
    others = np.concatenate([others, others[:1] + others[1:2]])  # not independent
    rest = orthogonalized(direction, others, latents)
    np.testing.assert_allclose(others @ rest, 0, atol=1e-6)
    assert direction @ rest > 0
    np.testing.assert_allclose(np.linalg.norm(rest), (latents @ rest / np.linalg.norm(rest)).std(), rtol=1e-5)
    np.testing.assert_allclose(
        orthogonalized(direction, others[:0], latents), standardized(direction, latents), rtol=1e-5
    )
    with pytest.raises(UserError, match="mixture"):
        orthogonalized(others[0] + others[2], others, latents)


def test_an_attribute_has_a_direction_for_each_frequent_value():
    latents = normal(600, 3)
    labels = np.digitize(latents[:, 1], [-0.5, 0.5])
    labels[:9] = 3  # too rare
    found = value_directions(latents, labels)
    assert found.shape == (3, 3)
    assert found[0, 1] < -0.9
    assert found[2, 1] > 0.9
    assert value_directions(latents, np.zeros(600, int)).shape == (0, 3)


def test_sefa_finds_what_a_layer_stretches():
    basis, _ = np.linalg.qr(normal(6, 6))
    sizes = np.array([5, 3, 2, 1, 0.5, 0.1])
    kernel = basis @ np.diag(sizes) @ np.linalg.qr(normal(9, 6, seed=1))[0].T  # [D, F]
    found = sefa_directions(kernel, 3)
    np.testing.assert_allclose(np.abs(found @ basis), np.eye(6)[:3], atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(found @ kernel, axis=1), sizes[:3], rtol=1e-5)
    assert (np.take_along_axis(found, np.abs(found).argmax(1)[:, None], 1) > 0).all()


def test_pca_carries_components_of_features_back():
    latents = normal(3000, 5)
    features = np.tanh(0.3 * latents * [4, 0, 2, 0, 0.1]) @ np.linalg.qr(normal(8, 5))[0].T
    found = pca_directions(latents, features, 2)
    np.testing.assert_allclose(found, [[1, 0, 0, 0, 0], [0, 0, 1, 0, 0]], atol=0.05)


def test_arithmetic_sums_averages():
    terms = [(1, np.full((3, 2), 6.0)), (-1, np.array([[0, 1.0], [2, 3.0]])), (1, np.ones((1, 2)))]
    np.testing.assert_array_equal(arithmetic(terms), np.float32([6, 5]))


@pytest.mark.parametrize(
    ("word", "beside", "expected"),
    [
        ("glasses=sunglasses", (), Condition("glasses", "sunglasses")),
        ("glasses", (), Condition("glasses")),  # the attribute, though it is a value too
        ("pink", (), Condition("hair_color", "pink")),
        ("none", ("glasses",), Condition("glasses", "none")),
        ("sunglasses", ("glasses", "hair"), Condition("glasses", "sunglasses")),
    ],
)
def test_words_name_conditions(word, beside, expected):
    assert parse_condition(word, CLASSES, beside) == expected


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("glases", 'no attribute or value "glases", did you mean "glasses"'),
        ("hare=long", 'no attribute "hare", did you mean "hair"'),
        ("hair=lonk", 'no value of hair "lonk", did you mean "long"'),
        ("none", "glasses=none or hair=none or hair_color=none"),
        ("eyes", "every picture has some eyes: say which, as eyes=open"),
    ],
)
def test_words_that_name_nothing(word, sentence):
    with pytest.raises(UserError, match=sentence):
        parse_condition(word, CLASSES)


def test_conditions_hold():
    labels = {name: np.array(values) for name, values in {"glasses": [0, 1, 2], "hair": [1, 0, 1]}.items()}
    both = Term(1, parse_conditions("glasses&long", CLASSES))
    np.testing.assert_array_equal(choose(both, labels, CLASSES, 1), [2])
    with pytest.raises(UserError, match='only 1 of 3 samples are "glasses&hair=long", and 2 are averaged'):
        choose(both, labels, CLASSES, 2)


def test_expressions():
    terms = parse_expression("glasses - none + other", CLASSES)
    assert [(term.sign, str(term)) for term in terms] == [(1, "glasses"), (-1, "glasses=none"), (1, "other")]
    terms = parse_expression("- hair=long&none + pink", {**CLASSES, "glasses": ("no", "yes"), "hair_color": ("pink",)})
    assert [(term.sign, str(term)) for term in terms] == [(-1, "hair=long&hair=none"), (1, "hair_color=pink")]


@pytest.mark.parametrize(
    ("expression", "sentence"),
    [
        ("", "words joined by"),
        ("glasses none", "words joined by"),
        ("glasses -", "words joined by"),
        ("glasses - + pink", "words joined by"),
        ("glasses - other", "can only be added"),
        ("glasses + other + other", "and once"),
        ("other", "alone changes nothing"),
        ("glasses - nonne", 'no attribute or value "nonne", did you mean "none"'),
    ],
)
def test_expressions_that_are_none(expression, sentence):
    with pytest.raises(UserError, match=sentence):
        parse_expression(expression, CLASSES)


# The commands, on runs of a few units.


class Halves:
    """A classifier of 8x8 pictures: whether the left half is lighter than the right, and the upper than the lower."""

    classes = {"glasses": ("none", "glasses"), "tone": ("dark", "light")}

    def predict(self, pictures):
        lighter = {"glasses": pictures[:, :, :4].mean((1, 2, 3)) - pictures[:, :, 4:].mean((1, 2, 3))}
        lighter["tone"] = pictures[:, :4].mean((1, 2, 3)) - pictures[:, 4:].mean((1, 2, 3))
        return {name: (difference > 0).astype(int) for name, difference in lighter.items()}

    def judge(self, attribute):
        assert attribute in self.classes
        return self


@pytest.fixture(autouse=True)
def classifier(monkeypatch):
    module = types.SimpleNamespace(load_classifier=lambda data: Halves())
    monkeypatch.setitem(sys.modules, "jaxgan.metrics.classifier", module)


def untrained(system, folder):
    """A run that no step has been made of, with weights so large that its pictures differ."""
    experiment = jaxgan.Experiment(system=system, data=Digits())
    shapes = {"image": jax.ShapeDtypeStruct((8, 8, 1), jnp.float32), "label": jax.ShapeDtypeStruct((), jnp.int32)}
    record = workdir.describe(experiment, Spec(shapes, tuple("0123456789"), count=100))
    state = fresh_state(record.system, 0, lambda: record.zeros(2))
    state = jax.tree.map(np.asarray, state)
    params = jax.tree.map(lambda leaf: leaf * 20, state.networks["G"].params)
    networks = {**state.networks, "G": dataclasses.replace(state.networks["G"], params=params)}
    return Run(folder, record, 1, lambda: dataclasses.replace(state, networks=networks), {})


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    system = GAN(latent_dim=4, generator_hidden=16, discriminator_hidden=8, pieces=2)
    return untrained(system, tmp_path_factory.mktemp("gan"))


@pytest.fixture(scope="module")
def conditional(tmp_path_factory):
    system = CGAN(
        latent_dim=4, noise_hidden=8, label_hidden=6, joint_hidden=16, image_maxout=8, label_maxout=8, joint_maxout=8
    )
    return untrained(system, tmp_path_factory.mktemp("cgan"))


@pytest.fixture(autouse=True)
def restored(run, monkeypatch):
    monkeypatch.setattr(jaxgan, "restore", lambda directory, **_: run, raising=False)


def test_layers_are_found_in_any_system(run, conditional):
    params = run.variables()["G"]["params"]
    np.testing.assert_array_equal(generator.first_kernel(run), params["Dense_0"]["kernel"])
    z = run.latents(70)
    hidden = np.maximum(z @ params["Dense_0"]["kernel"] + params["Dense_0"]["bias"], 0)
    np.testing.assert_allclose(generator.features(run, z), hidden, atol=1e-4)
    # The layer on the label takes no latents: the second that does is the joint one.
    assert generator.features(conditional, conditional.latents(3)).shape == (3, 8 + 6)
    assert not np.array_equal(
        generator.features(conditional, conditional.latents(3), {"label": "3"}),
        generator.features(conditional, conditional.latents(3)),
    )


def test_a_layer_that_is_not_linear_in_the_whole_latent(run, monkeypatch):
    whole = GAN.decode
    monkeypatch.setattr(
        GAN, "decode", lambda self, v, z, inputs: whole(self, v, z.reshape(-1, 2, 2).reshape(-1, 4), inputs)
    )
    assert generator.first_kernel(run).shape == (4, 16)  # reshaped, it is still the latent
    monkeypatch.setattr(
        GAN, "decode", lambda self, v, z, inputs: jnp.zeros(inputs["image"].shape) + z[:, 0, None, None, None]
    )
    with pytest.raises(UserError, match=r"all 4 numbers .* take --method pca"):
        generator.first_kernel(run)
    with pytest.raises(UserError, match="no second layer"):
        generator.features(run, run.latents(2))


def test_interpolate(run, tmp_path, capsys):
    out = tmp_path / "walk.png"
    assert interpolate.run([str(run.workdir), "--num", "3", "--frames", "4", "--seed", "5", "--out", str(out)]) == 0
    assert "8 pictures through 3 latents of step 1" in capsys.readouterr().out
    sheet = np.array(Image.open(out))
    assert sheet.shape == (2 * 64 + 2, 4 * 64 + 6)
    np.testing.assert_array_equal(sheet[:64, -64:], sheet[-64:, :64])  # a leg begins where the last one ended
    film = tmp_path / "walk.gif"
    assert interpolate.run([str(run.workdir), "--num", "2", "--frames", "4", "--out", str(film)]) == 0
    with Image.open(film) as gif:
        assert gif.n_frames == 6


def test_directions_and_edit(run, tmp_path, capsys):
    where = str(run.workdir)
    assert directions.run([where, "--attribute", "glasses", "--keep", "tone", "--num", "300"]) == 0
    assert "at strength 3" in capsys.readouterr().out
    assert Image.open(run.workdir / "directions" / "glasses.png").size == (7 * 64 + 12, 8 * 64 + 14)
    found = load(run, "glasses")
    assert found.vector.shape == (4,)
    assert found.made == "logistic regression on glasses, orthogonal to tone: 300 samples of seed 0"
    assert found.step == 1
    for method in ("sefa", "pca"):
        assert directions.run([where, "--method", method, "--count", "2", "--num", "100"]) == 0
        first, second = load(run, f"{method}1").vector, load(run, f"{method}2").vector
        assert np.linalg.norm(first) > 0.4  # uniform latents: about 0.577
        assert not np.allclose(first, second)

    out = tmp_path / "edit.png"
    assert edit.run([where, "--direction", "glasses", "--strength", "0", "--num", "3", "--out", str(out)]) == 0
    sheet = np.array(Image.open(out))
    np.testing.assert_array_equal(sheet[:64], sheet[-64:])
    assert edit.run([where, "--direction", "glasses", "--num", "3", "--out", str(out)]) == 0
    moved = np.array(Image.open(out))
    np.testing.assert_array_equal(sheet[:64], moved[:64])
    assert not np.array_equal(sheet[-64:], moved[-64:])


def test_edit_by_arithmetic(run, tmp_path):
    where, out = str(run.workdir), tmp_path / "edit.png"
    few = ["--among", "64", "--average", "2", "--num", "10", "--out", str(out)]
    assert edit.run([where, "--arithmetic", "glasses - none + other", *few]) == 0
    sheet = np.array(Image.open(out))
    assert sheet.shape == (4 * 66 - 2, 8 * 66 - 2)  # ten in two rows of eight, each above its edit
    assert (sheet[-64:, 2 * 66 :] == 255).all()
    assert edit.run([where, "--arithmetic", "glasses - none + light", *few]) == 0
    assert np.array(Image.open(out)).shape == (4 * 66 - 2, 3 * 66 - 2)  # three concepts and the result


def test_a_direction_belongs_to_its_checkpoint(run, conditional):
    good = Direction("mine", np.ones(4, np.float32), "by hand", run.step, run.digest)
    place = save(run.workdir, good)
    np.testing.assert_array_equal(load(run, "mine").vector, good.vector)
    cases = {
        "another run": Direction("mine", good.vector, "", 1, conditional.digest),
        "step 7, and this is step 1": Direction("mine", good.vector, "", 7, conditional.digest),
        r"shape \[5\], and those of this run are \[4\]": Direction("mine", np.ones(5, np.float32), "", 1, run.digest),
    }
    for sentence, direction in cases.items():
        save(run.workdir, direction)
        with pytest.raises(UserError, match=sentence):
            load(run, "mine")
    np.savez(place, vector=np.array([object()]), made="", step=1, digest=run.digest)
    with pytest.raises(UserError, match="not a direction that jaxgan can read"):
        load(run, "mine")
    place.write_bytes(b"damaged")
    with pytest.raises(UserError, match="not a direction that jaxgan can read"):
        load(run, "mine")
    with pytest.raises(UserError, match='no direction "mime", did you mean "mine"'):
        load(run, "mime")
    assert file_name("hair=long&glasses") == "hair=long-glasses"


def test_bad_input_is_said(run, conditional):
    where = str(run.workdir)
    cases = [
        (interpolate, [where, "--out", "a.avi"], "must end in"),
        (interpolate, [where, "--num", "1"], "at least 2 latents"),
        (interpolate, [where, "--frames", "1"], "at least 2 frames"),
        (interpolate, [where, "--label", "3"], "without any label"),
        (interpolate, [where, "--seed", "-1"], "--seed -1"),
        (directions, [where], "say which direction"),
        (directions, [where, "--attribute", "glases"], 'did you mean "glasses"'),
        (directions, [where, "--attribute", "glasses", "--keep", "tones"], 'did you mean "tone"'),
        (directions, [where, "--method", "sefa", "--keep", "tone"], "--keep goes with"),
        (directions, [where, "--method", "sefa", "--count", "5"], "at most 4"),
        (directions, [where, "--method", "pca", "--out", "a.gif"], r"must end in \.png"),
        (edit, [where], "say what is edited"),
        (edit, [where, "--direction", "nothing", "--num", "2"], 'no direction "nothing"'),
        (edit, [where, "--direction", "a", "--strength", "nan"], "--strength nan"),
    ]
    for command, argv, sentence in cases:
        with pytest.raises(UserError, match=sentence):
            command.run(argv)
    with pytest.raises(UserError, match=r"no such class\. There are 0, 1"):
        held(conditional.record, {"label": "30"})
    assert held(conditional.record, {})["label"] == 0
    assert held(conditional.record, {"label": "3"})["label"] == 3


def test_a_system_without_latents_has_none(run, monkeypatch):
    monkeypatch.setattr(GAN, "has_latents", False)
    for command, argv in ((interpolate, []), (directions, ["--method", "sefa"]), (edit, ["--direction", "a"])):
        with pytest.raises(UserError, match="GAN has no latent space"):
            command.run([str(run.workdir), *argv])


@dataclasses.dataclass(frozen=True)
class OfAttributes(DCGAN):
    """Reads several labels of each picture."""

    reads = ("image", "label")


def test_a_class_cannot_stand_for_several_labels(tmp_path):
    run = randomised(OfAttributes(networks=Convolutional(width=2, kernel=4, latent_dim=5)), tmp_path)
    for label, sentence in (
        (None, "must be told what the pictures shall be: give --label, .* it knows glasses, hat"),
        ("hat", '"hat": give 4 numbers, each 0 or 1, or names'),
    ):
        with pytest.raises(UserError, match=sentence):
            run.sample(2, label=label)
