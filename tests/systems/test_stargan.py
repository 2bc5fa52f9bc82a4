"""StarGAN: its losses by hand, targets, one of N, several data sets, one device against eight."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan import Experiment, fit, rows
from jaxgan.data import Records, Spec
from jaxgan.errors import UserError
from jaxgan.losses import penalties
from jaxgan.metrics import sources
from jaxgan.systems.stargan import StarGAN
from jaxgan.training.preview import preview_inputs
from jaxgan.training.state import Context
from jaxgan.training.step import initial_state
from tests.systems.conftest import beginning

SIZE, LABELS = 16, 3
SMALL = StarGAN(labels=LABELS, width=4, blocks=1, discriminator_width=4, discriminator_layers=2, discriminator_moves=1)
SHAPES = {"image": jax.ShapeDtypeStruct((64, 64, 3), jnp.float32), "label": jax.ShapeDtypeStruct((5,), jnp.int32)}


def examples(count, seed=0):
    random = np.random.default_rng(seed)
    image = random.uniform(-1, 1, (count, SIZE, SIZE, 3)).astype(np.float32)
    return {"image": image, "label": random.integers(0, 2, (count, LABELS)).astype(np.int32)}


def begun(system, batch, seed=1):
    state = beginning(system, batch)
    variables = {name: network.current for name, network in state.networks.items()}
    return Context(variables, {k: jnp.asarray(v) for k, v in batch.items()}, jax.random.key(seed), {}, jnp.int32(0))


def drawn(system, c, times):
    """The targets of so many keys."""
    draw = jax.jit(rows.solo(lambda seed: system._targets(c, jax.random.key(seed))))
    return [np.asarray(draw(seed)) for seed in range(times)]


def test_the_papers_networks_and_numbers():
    system = StarGAN().resolve(Spec({**SHAPES, "image": jax.ShapeDtypeStruct((128, 128, 3), jnp.float32)}))
    assert (system.classification, system.reconstruction, system.penalty_weight) == (1.0, 10.0, 10.0)
    assert system.plan(0) == (("discriminator", 5), ("generator", 1))
    batch = {"image": np.zeros((2, 128, 128, 3), np.float32), "label": np.zeros((2, 5), np.int32)}
    state = jax.eval_shape(lambda: initial_state(system, 0, batch))
    g, d = state.networks["G"].params, state.networks["D"].params
    assert g["first"]["kernel"].shape == (7, 7, 3 + 5, 64)
    assert [g[f"down_{i}"]["kernel"].shape for i in (0, 1)] == [(4, 4, 64, 128), (4, 4, 128, 256)]
    assert sum(name.startswith("block_") and not name.endswith("norm") for name in g) == 12
    assert [g[f"up_{i}"]["kernel"].shape for i in (0, 1)] == [(4, 4, 256, 128), (4, 4, 128, 64)]
    assert all("bias" not in g[name] for name in g if not name.endswith("norm"))
    assert [d[f"layer_{i}"]["kernel"].shape[3] for i in range(6)] == [64, 128, 256, 512, 1024, 2048]
    assert d["source"]["kernel"].shape == (3, 3, 2048, 1)
    assert d["labels"]["kernel"].shape == (2, 2, 2048, 5)


def test_losses_by_hand():
    c = begun(SMALL, examples(4))
    g, d = SMALL._generator, SMALL._discriminator(jnp.float32)

    def by_hand():
        target_key, penalty_key = jax.random.split(c.key)
        real, own = c.batch["image"], c.batch["label"].astype(jnp.float32)

        def make(x, label):
            return g.apply(c.variables["G"], x, label)

        def judge(x):
            return d.apply(c.variables["D"], x)

        def entropy(logits, y):
            return jnp.sum(jnp.logaddexp(0, logits) - y * logits, -1).mean()

        fake = make(real, SMALL._targets(c, target_key).astype(jnp.float32))
        penalty = penalties.gradient_penalty(lambda x: judge(x)[0].sum((1, 2)), real, fake, penalty_key)
        scores, logits = judge(real)
        d_loss = judge(fake)[0].mean() - scores.mean() + 10 * penalty + entropy(logits, own)
        wanted = SMALL._targets(c, c.key).astype(jnp.float32)
        fake = make(real, wanted)
        scores, logits = judge(fake)
        g_loss = -scores.mean() + entropy(logits, wanted) + 10 * jnp.abs(make(fake, own) - real).mean()
        return d_loss, g_loss

    expected = jax.jit(rows.solo(by_hand))()
    losses = jax.jit(rows.solo(lambda: (SMALL.discriminator_loss(c)[0], SMALL.generator_loss(c)[0])))()
    np.testing.assert_allclose(losses, expected, rtol=1e-4)


def test_the_label_changes_the_picture():
    c = begun(SMALL, examples(2))
    translate = jax.jit(lambda labels: SMALL.translate(c.variables, c.batch["image"], c.key, inputs={"label": labels}))
    off, on = (np.asarray(translate(jnp.full((2, LABELS), value))) for value in (0, 1))
    assert off.shape == (2, SIZE, SIZE, 3)
    assert np.abs(on - off).max() > 1e-3
    # Zero padding: inside, a constant plane alone would be taken away by the first InstanceNorm.
    inputs = {"image": c.batch["image"], "label": jnp.ones((2, LABELS), jnp.int32)}
    sample = jax.jit(lambda: SMALL.sample(c.variables, inputs, c.key))
    np.testing.assert_allclose(sample(), on, atol=1e-5)
    preview = jax.eval_shape(lambda: SMALL.preview(c.variables, {**inputs, "label": c.batch["label"]}, c.key))
    assert preview.shape == (2, 5, SIZE, SIZE, 3)


@pytest.mark.slow
def test_previews_and_scores_ask_for_something(tmp_path):
    """Two attributes, which are no points in the plane; and what is scored is told another example's label."""
    random, labels = np.random.default_rng(0), np.array([[0, 0], [0, 1], [1, 0], [1, 1]] * 4, np.int32)
    system = dataclasses.replace(SMALL, labels=None)

    @dataclasses.dataclass(frozen=True)
    class TwoAttributes:
        def load(self):
            return Records(
                [{"image": np.float32(random.uniform(-1, 1, (16, 16, 3))), "label": x} for x in labels], ("p", "q")
            )

        def transform(self, example, random):
            return example

    experiment = Experiment(system=system, data=TwoAttributes(), batch_size=4, steps=1, devices=1)
    run = fit(experiment, tmp_path / "run", quiet=True)
    inputs = preview_inputs(run.record, TwoAttributes().load().examples)
    assert len(inputs["label"]) == 16
    seen = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            sources, "compiled_sample", lambda system: lambda v, given, key: seen.append(given) or given["image"]
        )
        records = TwoAttributes().load()
        list(sources.generated_examples(run, 16, 0, experiment.data, records))
    given = seen[0]
    own = [
        next(e["label"] for e in records.examples if np.array_equal(e["image"], picture))
        for picture in given["image"][:16]
    ]
    assert not np.array_equal(own, given["label"][:16])
    np.testing.assert_array_equal(given["label"][:15], own[1:])


def test_one_of_n():
    """A label of one of N is a one-hot vector to the generator, and a softmax to the discriminator."""
    batch = {**examples(3), "label": np.array([0, 2, 1], np.int32)}
    c = begun(SMALL, batch)
    np.testing.assert_array_equal(SMALL._domains(c.batch["label"], None), np.eye(3)[[0, 2, 1]])
    logits = jnp.array([[1.0, 2.0, 3.0], [0.0, 0.0, 5.0], [0.0, 1.0, 0.0]])
    expected = -np.log(np.exp([1.0, 5.0, 1.0]) / np.exp(np.asarray(logits)).sum(-1)).mean()
    assert SMALL._classification_loss(logits, c.batch["label"], None) == pytest.approx(expected, rel=1e-5)


@pytest.mark.slow
def test_several_data_sets():
    """Labels of the other set are unknown, the mask vector says so, and only a picture's own set is classified."""
    system = dataclasses.replace(SMALL, sets=(1, 2), one_of=(False, True))
    label = jnp.array([[1, 0, 0], [0, 0, 1], [0, 1, 0], [0, 0, 0]])
    source = jnp.array([0, 1, 1, 0])
    np.testing.assert_array_equal(
        system._domains(label, source), [[1, 0, 0, 1, 0], [0, 0, 1, 0, 1], [0, 1, 0, 0, 1], [0, 0, 0, 1, 0]]
    )
    logits = jnp.array([[0.5, 9.0, -9.0], [7.0, 0.0, 1.0], [7.0, 2.0, 0.0], [-1.0, 9.0, 9.0]])
    yes_or_no = np.log1p(np.exp(-0.5)) + np.log1p(np.exp(-1.0))
    one_of_n = np.log1p(np.exp(-1.0)) + np.log1p(np.exp(-2.0))
    assert system._classification_loss(logits, label, source) == pytest.approx((yes_or_no + one_of_n) / 4, rel=1e-5)
    batch = {**examples(4), "label": np.asarray(label), "source": np.asarray(source)}
    c = begun(system, batch)
    for targets in drawn(system, c, 5):
        for row, (own, target) in enumerate(zip(source, targets, strict=True)):
            alike = np.asarray(label)[np.asarray(source) == own]
            assert any((target == other).all() for other in alike), row
    assert c.variables["G"]["params"]["first"]["kernel"].shape[2] == 3 + 3 + 2
    loss = jax.jit(rows.solo(lambda: system.discriminator_loss(c)[0] + system.generator_loss(c)[0]))()
    assert np.isfinite(loss)
    with pytest.raises(UserError, match=r"source must be 0 to 1.*system\.sets"):
        system.check_batch({"label": np.zeros((1, 4, 3)), "source": np.full((1, 4), 2)})
    # Asked for a label of the second set, it is the second set's; asked for none, the first's.
    asked = np.array([[1, 0, 0], [0, 0, 1], [0, 0, 0]], np.int32)
    made = system.translate(c.variables, c.batch["image"][:3], c.key, inputs={"label": asked})
    direct = system.sample(
        c.variables, {"image": c.batch["image"][:3], "label": asked, "source": np.array([0, 1, 0])}, c.key
    )
    np.testing.assert_array_equal(made, direct)


def test_targets_are_labels_of_the_global_batch():
    batch = examples(8)
    c = begun(SMALL, batch)
    known = {tuple(label) for label in batch["label"]}
    seen = {tuple(label) for target in drawn(SMALL, c, 30) for label in target}
    assert seen == known


@pytest.mark.parametrize(
    ("changes", "shapes", "sentence"),
    [
        (
            {},
            {"image": jax.ShapeDtypeStruct((48, 48, 3), jnp.float32)},
            r"multiple of 64.*--system\.discriminator-layers",
        ),
        ({}, {"label": jax.ShapeDtypeStruct((), jnp.int32)}, "one of A named classes"),
        ({"labels": 4}, {}, r"system\.labels is 4, but the data has 5"),
        ({"sets": (2, 2)}, {}, "but the data has 5 labels"),
        ({"sets": (2, 3), "labels": 5}, {"label": jax.ShapeDtypeStruct((), jnp.int32)}, "5 labels in one number"),
        ({"one_of": (True,)}, {}, r"system\.one_of \(True,\)"),
    ],
)
def test_data_that_does_not_fit_is_refused(changes, shapes, sentence):
    with pytest.raises(UserError, match=sentence):
        StarGAN(**changes).resolve(Spec({**SHAPES, **shapes}))


def test_labels_beyond_yes_and_no_are_refused():
    with pytest.raises(UserError, match="must be 0 or 1"):
        SMALL.check_batch({"label": np.full((1, 4, LABELS), 2)})
    with pytest.raises(UserError, match=r"the label 3.*--system\.labels"):
        SMALL.check_batch({"label": np.full((1, 4), 3)})
    SMALL.check_batch({"label": np.full((1, 4), 2)})  # one of three


@pytest.mark.slow
def test_eight_devices_equal_one(eight_devices_equal_one):
    """Targets are drawn from the rows of all devices."""
    # The order of sums alone makes 2e-5 on some CPUs, in the first norm's bias, which all of the generator is above.
    eight_devices_equal_one(SMALL, examples(8), tolerance=5e-5)
