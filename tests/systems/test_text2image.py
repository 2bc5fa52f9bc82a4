"""Text to image: its losses by hand, its stages, that captions are obeyed by construction, one device against eight."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan import rows
from jaxgan.data import Spec
from jaxgan.errors import UserError
from jaxgan.media import Text
from jaxgan.networks import CharCNNRNN, Convolutional, GivenVectors, WordGRU
from jaxgan.systems.text2image import TextToImage
from jaxgan.training.state import Context
from tests.systems.conftest import beginning, step_once

WORDS = jax.ShapeDtypeStruct((6,), jnp.int32)
VECTOR = jax.ShapeDtypeStruct((6,), jnp.float32)
IMAGE = jax.ShapeDtypeStruct((32, 32, 3), jnp.float32)
READING = TextToImage(
    encoder=WordGRU(dim=6, width=8, vocabulary=20),
    encoder_steps=1,
    networks=Convolutional(latent_dim=4, latent="normal", width=4, kernel=4),
    projection=5,
)
GIVEN = dataclasses.replace(READING, encoder=GivenVectors())


def shapes(text):
    return {"image": IMAGE, "text": text, "wrong_text": text}


def examples(count, vectors=False):
    random = np.random.default_rng(0)
    draw = (lambda: random.normal(size=(count, 6)).astype(np.float32)) if vectors else (
        lambda: random.integers(1, 21, (count, 6)).astype(np.int32)
    )  # fmt: skip
    image = random.uniform(-1, 1, (count, 32, 32, 3)).astype(np.float32)
    return {"image": image, "text": draw(), "wrong_text": draw()}


def enlarged(params):
    random = np.random.default_rng(0)
    return jax.tree.map(lambda p: p + np.float32(0.2) * random.normal(size=p.shape).astype(np.float32), params)


@pytest.fixture(scope="module")
def begun():
    """A context of one minibatch, with variables of some size: where training begins, weights of 0.02 leave hardly a trace."""
    batch = examples(4, vectors=True)
    state = beginning(GIVEN, batch)
    variables = {
        name: {**network.current, "params": enlarged(network.params)} for name, network in state.networks.items()
    }
    return Context(variables, {k: jnp.asarray(v) for k, v in batch.items()}, jax.random.key(1), {}, jnp.int32(0))


def test_the_papers_numbers():
    system = TextToImage()
    assert (system.networks.latent_dim, system.networks.latent, system.projection) == (100, "normal", 128)
    assert (system.learning_rate, system.beta1, system.beta) == (2e-4, 0.5, 0.5)
    assert system.encoder == CharCNNRNN(dim=1024)


@pytest.mark.slow
def test_stages():
    """The encoders learn first, alone; then they are as they are."""
    assert [READING.plan(step) for step in (0, 1, 9)] == [
        (("embedding", 1),),
        *[(("discriminator", 1), ("generator", 1))] * 2,
    ]
    batch = examples(4)
    before, after_reading, metrics = step_once(READING, batch, 1)
    assert set(metrics) >= {"embedding/loss", "embedding/captions_found"}

    def changed(first, second):
        pairs = {name: (first.networks[name].params, second.networks[name].params) for name in first.networks}
        return {name for name, (a, b) in pairs.items() if not jax.tree.all(jax.tree.map(np.array_equal, a, b))}

    assert changed(before, after_reading) == {"T", "V"}
    _, after_both, _ = step_once(READING, batch, 1, steps=2)
    assert changed(after_reading, after_both) == {"G", "D"}


def test_discriminator_by_hand(begun):
    """log D(x, t) + (log(1 - D(x, wrong)) + log(1 - D(G(z, t), t))) / 2; and without the wrong ones.

    With GAN-INT some of the captions are between two, of real pictures and fakes alike.
    """
    right, wrong, real = (begun.batch[name] for name in ("text", "wrong_text", "image"))
    system = dataclasses.replace(GIVEN, beta=0.75)
    alone, plain = (dataclasses.replace(GIVEN, interpolation=False, matching=matching) for matching in (True, False))

    def passes():
        between = rows.bernoulli(jax.random.fold_in(begun.key, 0), 0.5, 4)
        mixed = jnp.where(between[:, None], 0.75 * right + 0.25 * wrong, right)
        z = GIVEN.latents(begun.key, 4)
        fake, mixed_fake = (GIVEN._generate(begun.variables, z, text, real)[0] for text in (right, mixed))
        judged = ((real, right), (real, wrong), (fake, right), (real, mixed), (mixed_fake, mixed))
        logits = [GIVEN._judge(begun.variables["D"], images, (text,))[0][0] for images, text in judged]
        return between, *logits, *(each.discriminator_loss(begun)[0] for each in (system, alone, plain))

    between, *found = jax.jit(rows.solo(passes))()
    good, mismatched, fake, mixed_good, mixed, loss, alone_loss, plain_loss = map(np.float64, found)
    assert 0 < between.sum() < 4
    assert np.abs(good - mismatched).max() > 1e-4
    assert np.abs(mixed - fake).max() > 1e-4
    softplus = lambda x: np.log1p(np.exp(x)).mean()  # noqa: E731
    assert loss == pytest.approx(softplus(-mixed_good) + (softplus(mismatched) + softplus(mixed)) / 2, rel=1e-5)
    assert alone_loss == pytest.approx(softplus(-good) + (softplus(mismatched) + softplus(fake)) / 2, rel=1e-5)
    assert plain_loss == pytest.approx(softplus(-good) + softplus(fake), rel=1e-5)


def test_generator_by_hand(begun):
    """-log D(G(z, t), t), and the same of captions on the way to others."""
    system, plain = dataclasses.replace(GIVEN, beta=0.75), dataclasses.replace(GIVEN, interpolation=False)
    right, wrong, real = (begun.batch[name] for name in ("text", "wrong_text", "image"))

    def passes():
        text = rows.interleave(right, 0.75 * right + 0.25 * wrong)
        fake, _ = GIVEN._generate(begun.variables, GIVEN.latents(begun.key, 8), text, real)
        alone, _ = GIVEN._generate(begun.variables, GIVEN.latents(begun.key, 4), right, real)
        logits = [GIVEN._judge(begun.variables["D"], x, (t,))[0][0] for x, t in ((fake, text), (alone, right))]
        return *logits, system.generator_loss(begun)[0], plain.generator_loss(begun)[0]

    logits, plain_logits, loss, plain_loss = map(np.float64, jax.jit(rows.solo(passes))())
    assert loss == pytest.approx(2 * np.log1p(np.exp(-logits)).mean(), rel=1e-5)
    assert plain_loss == pytest.approx(np.log1p(np.exp(-plain_logits)).mean(), rel=1e-5)


def test_style_by_hand(begun):
    """The mean squared distance between the noise and what S finds of it in the picture: nothing else is changed by it."""
    system = dataclasses.replace(GIVEN, style_after=3)
    assert [dict(system.plan(step)).get("style", 0) for step in (2, 3)] == [0, 1]
    assert dict(dataclasses.replace(READING, encoder_steps=9, style_after=3).plan(8)) == {"embedding": 1}

    def passes():
        found = system.init_variables(jax.random.key(0), begun.batch)["S"]
        context = dataclasses.replace(begun, variables={**begun.variables, "S": found})
        loss, outcome = system.style_loss(context)
        z = system.latents(begun.key, 4)
        return loss, z, system.invert(context.variables, system.decode(begun.variables, z, begun.batch)), outcome

    loss, z, found, outcome = jax.jit(rows.solo(passes))()
    assert loss == pytest.approx(np.square(np.asarray(z) - found).mean(), rel=1e-5)
    assert not outcome.variables
    with pytest.raises(UserError, match=r"--system\.style-after"):
        GIVEN.invert(begun.variables, begun.batch["image"])


def test_the_penalty_is_on_real_pictures_with_their_captions(begun):
    """gamma / 2 of the squared gradient of D(x, t) there, by hand."""

    networks = dataclasses.replace(GIVEN.networks, discriminator_norm="none")
    none, some = (dataclasses.replace(GIVEN, networks=networks, interpolation=False, r1=r1) for r1 in (0.0, 3.0))
    real, right = begun.batch["image"], begun.batch["text"]

    def losses():
        variables = none.init_variables(jax.random.key(0), begun.batch)
        variables = {
            name: {"params": enlarged(network.pop("params")), **network} for name, network in variables.items()
        }
        context = dataclasses.replace(begun, variables=variables)
        slope = jax.grad(lambda x: none._judge(variables["D"], x, (right,))[0][0].sum())(real)
        by_hand = jnp.square(slope).sum((1, 2, 3)).mean()
        return by_hand, none.discriminator_loss(context)[0], some.discriminator_loss(context)[0]

    by_hand, without, with_penalty = map(float, jax.jit(rows.solo(losses))())
    assert by_hand > 1e-4
    assert with_penalty - without == pytest.approx(3 / 2 * by_hand, rel=1e-3)


def test_the_caption_changes_the_sample_and_the_neighbours_do_not(begun, sampled):
    inputs = {name: np.asarray(value) for name, value in begun.batch.items()}
    made = sampled(GIVEN, begun.variables, inputs)
    assert made.shape == (4, 32, 32, 3)
    assert np.abs(made).max() <= 1
    text = np.concatenate([inputs["text"][:3], np.ones((1, 6), np.float32)])
    changed = sampled(GIVEN, begun.variables, {**inputs, "text": text})
    np.testing.assert_array_equal(changed[:3], made[:3])
    assert np.abs(changed[3] - made[3]).max() > 1e-4


@pytest.mark.parametrize(
    ("system", "text", "said"),
    [
        (READING, VECTOR, "are vectors already, and WordGRU reads text"),
        (GIVEN, WORDS, "has captions, not vectors"),
        (dataclasses.replace(READING, encoder=CharCNNRNN()), WORDS, "at least 48 characters.* cut at 6"),
        (dataclasses.replace(GIVEN, encoder_from="runs/other"), VECTOR, "nothing to take from"),
        (dataclasses.replace(READING, ema=1.0), WORDS, r"system\.ema is 1\.0"),
    ],
    ids=["vectors", "no-vectors", "short", "nothing-to-take", "ema"],
)  # fmt: skip
def test_bad_data_is_refused(system, text, said):
    with pytest.raises(UserError, match=said):
        system.resolve(Spec(shapes(text)))


def test_captions_of_another_shape_are_refused():
    other = {**shapes(WORDS), "wrong_text": jax.ShapeDtypeStruct((7,), jnp.int32)}
    for wrong in (
        other,
        shapes(jax.ShapeDtypeStruct((), jnp.int32)),
        shapes(jax.ShapeDtypeStruct((2, 6), jnp.float32)),
    ):
        with pytest.raises(UserError, match="a row of numbers for each caption"):
            READING.resolve(Spec(wrong))


def test_too_many_words_are_refused():
    text = jax.ShapeDtypeStruct((6,), jnp.int32)

    def of_words(count):
        return Spec(shapes(text), media={"text": Text(vocabulary=tuple(f"word{number}" for number in range(count)))})

    READING.resolve(of_words(20))
    READING.check_batch(examples(4))
    with pytest.raises(UserError, match="have the number 21"):
        READING.check_batch({**examples(4), "wrong_text": np.full((4, 6), 21, np.int32)})
    with pytest.raises(UserError, match=r"21 words.*system\.encoder\.vocabulary is 20"):
        READING.resolve(of_words(21))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("system", "vectors"),
    [
        (READING, False),
        (GIVEN, True),
        (
            dataclasses.replace(READING, encoder_from="taken over", style_after=1),
            False,
        ),
    ],
    ids=["embedding", "vectors", "generator, discriminator and style"],
)
def test_eight_devices_equal_one(system, vectors, eight_devices_equal_one):
    eight_devices_equal_one(system, examples(16, vectors), tolerance=1e-5)
