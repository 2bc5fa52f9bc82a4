"""StyleGAN2: lazy penalties against closed forms, mixing, truncation, the mean of w, one device against eight."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxgan
from jaxgan import rows
from jaxgan.data import Avatars, Spec
from jaxgan.errors import UserError
from jaxgan.networks.augmentation import Augmentation
from jaxgan.networks.style import channels_of, sides_of, styles_of
from jaxgan.systems.stylegan2 import StyleGAN2
from jaxgan.training.parallel import Layout, parts
from jaxgan.training.state import Context
from tests.systems.conftest import step_once

SHAPES = {"image": jax.ShapeDtypeStruct((8, 8, 3), jnp.float32), "label": jax.ShapeDtypeStruct((), jnp.int32)}
SMALL = StyleGAN2(
    latent_dim=6, style_dim=5, mapping_layers=2, label_layers=2, width=4, channel_base=64, group=2, conditional=True,
    ema_rampup=0.05, augmentation=Augmentation(color=True, target=0.6, adaptation_images=1000, probability=0.8),
).resolve(Spec(SHAPES, ("a", "b", "c")))  # fmt: skip


def batch(count):
    random = np.random.default_rng(0)
    return {
        "image": random.uniform(-1, 1, (count, 8, 8, 3)).astype(np.float32),
        "label": random.integers(0, 3, count).astype(np.int32),
    }


@pytest.fixture(scope="module")
def begun():
    """The variables with which it begins."""
    zeros = {name: jnp.asarray(value) for name, value in batch(2).items()}
    return jax.jit(lambda: SMALL.init_variables(jax.random.key(0), zeros))()


@pytest.fixture(scope="module")
def trained():
    return step_once(SMALL, batch(8), 1, steps=2)


def test_lazy_penalties_come_every_few_steps():
    assert [SMALL.plan(step) for step in (0, 1, 4, 16)] == [
        (("discriminator", 1), ("generator", 1), ("r1", 1), ("path_length", 1)),
        (("discriminator", 1), ("generator", 1)),
        (("discriminator", 1), ("generator", 1), ("path_length", 1)),
        (("discriminator", 1), ("generator", 1), ("r1", 1), ("path_length", 1)),
    ]


@pytest.mark.slow
def test_players_move_by_their_losses_and_penalties(trained):
    start, end, metrics = trained
    # Undecided players: log 2 for each of the pictures' kinds. The last step had no penalty.
    assert metrics["discriminator/loss"] == pytest.approx(2 * np.log(2), abs=0.3)
    assert "r1/penalty" not in metrics
    assert int(end.networks["D"].opt["main"][0].count) == 3
    assert int(end.networks["G"].opt["main"][0].count) == 3
    for name in ("G", "D"):
        for before, after in zip(
            *(jax.tree.leaves(state.networks[name].params) for state in (start, end)), strict=True
        ):
            assert not np.array_equal(before, after)


def test_programs_are_shared_by_steps_with_and_without_penalties():
    on = Layout.create("jit", 8, 1)
    programs = [{(turns, ended) for turns, _, ended in parts(SMALL, SMALL.plan(step), on)} for step in (0, 1, 4)]
    assert programs[1] <= programs[2] <= programs[0]
    assert len(programs[0]) == 4


def test_a_lazy_penalty_shrinks_the_rate():
    """k of k + 1 moves are the main loss's: rate c and beta2^c with c = k / (k + 1) (StyleGAN2, appendix B)."""
    params = {"w": jnp.ones(3)}
    for network, share in (("D", 16 / 17), ("G", 4 / 5)):
        optimizer = SMALL.optimizer(network, "main")
        updates, _ = optimizer.update({"w": jnp.full(3, 0.3)}, optimizer.init(params), params)
        np.testing.assert_allclose(updates["w"], -SMALL.learning_rate * share, rtol=1e-4)


@pytest.mark.slow
def test_the_mean_of_w_moves_by_the_generators_turn_and_is_not_averaged_again(trained):
    start, end, _ = trained
    assert not start.networks["G"].variables["w_mean"]["w"].any()
    now, averaged = end.networks["G"].variables["w_mean"]["w"], end.networks["G"].ema["w_mean"]["w"]
    assert np.abs(now).max() > 1e-4
    np.testing.assert_array_equal(now, averaged)
    np.testing.assert_array_equal(
        *(
            jax.tree.leaves(noise)[0]
            for noise in (start.networks["G"].variables["noise"], end.networks["G"].ema["noise"])
        )
    )


def test_the_average_ramps_up_with_the_images_seen():
    """Half-life: the lesser of 10,000 images and 5% of those seen."""
    assert SMALL.ema_half_life("D", 5) is None
    assert float(SMALL.ema_half_life("G", 0)) == 0
    assert float(SMALL.ema_half_life("G", 32_000)) == pytest.approx(1600)
    assert float(SMALL.ema_half_life("G", 10**6)) == 10_000


@pytest.mark.slow
def test_eight_devices_equal_one(eight_devices_equal_one):
    """Groups of the standard deviation, the cut of the styles, the means of w and of path lengths, p: all of one step.

    Its penalties are small: steps of plain descent that are large and opposed would leave rounding errors.
    """
    eight_devices_equal_one(dataclasses.replace(SMALL, r1=0.01, path_length=0.01), batch(16))


@pytest.mark.slow
def test_resumes_with_all_that_lasts(tmp_path):
    """The means of w and of path lengths, p, and where the average is: stopped between two lazy penalties."""
    eager = dataclasses.replace(SMALL.augmentation, target=0.1, adaptation_images=50)
    system = dataclasses.replace(
        SMALL, conditional=False, classes=None, augmentation=eager, r1_every=3, r1=0.1, learning_rate=0.02
    )
    straight = jaxgan.Experiment(system=system, data=Avatars(size=8, count=16), batch_size=4, steps=8, devices=1)
    expected = jaxgan.fit(straight, tmp_path / "straight", quiet=True)
    assert jaxgan.fit(dataclasses.replace(straight, steps=5), tmp_path / "run", quiet=True).step == 5
    assert jaxgan.fit(straight, tmp_path / "run", quiet=True).digest == expected.digest
    lasting = [*jax.tree.leaves(expected.state.aux), *jax.tree.leaves(expected.state.networks["G"].variables["w_mean"])]
    assert len(lasting) >= 3
    assert all(np.any(value) for value in lasting)


class LinearGenerator(StyleGAN2):
    """Pictures that are linear in the styles: the gradient by them is known."""

    def synthesize(self, variables, ws, shape, noise_key):
        return jnp.einsum("blw,lwhkc->bhkc", ws, weights_of(shape))


def weights_of(shape):
    return jnp.asarray(np.random.default_rng(1).normal(size=(styles_of(shape[0]), 5, *shape)), jnp.float32)


def linear(kind=LinearGenerator, **changes):
    known = {field.name: getattr(SMALL, field.name) for field in dataclasses.fields(SMALL)}
    return dataclasses.dataclass(frozen=True)(kind)(**(known | changes))


def context(variables, aux, step=0):
    made = {name: jnp.asarray(value) for name, value in batch(4).items()}
    return Context(variables, made, jax.random.key(3), aux, jnp.int32(step), jax.random.key(4))


def test_path_lengths_of_a_linear_generator(begun):
    """J^T y is y through the weights, so ||J^T y|| is known; the mean starts at 0, of which 1 / 100 moves."""
    system, shape = linear(), (8, 8, 3)
    c = context(begun, {"path_length": jnp.float32(0)})
    loss, outcome = rows.solo(lambda: system.path_length_loss(c))()
    y = rows.solo(lambda: rows.normal(jax.random.split(c.key, 3)[2], 2, shape))() / 8
    slopes = np.einsum("bhkc,lwhkc->blw", y, weights_of(shape))
    lengths = np.sqrt(np.square(slopes).sum(2).mean(1))
    mean = 0.01 * lengths.mean()
    assert outcome.aux["path_length"] == pytest.approx(mean, rel=1e-4)
    assert outcome.metrics["length"] == pytest.approx(lengths.mean(), rel=1e-4)
    assert float(loss) == pytest.approx(4 * 2 * np.square(lengths - mean).mean(), rel=1e-4)


class LinearDiscriminator(StyleGAN2):
    """Logits w . x: the gradient by what it sees is w."""

    def judged(self, c, pictures, labels, dtype=None):
        return pictures.reshape(len(pictures), -1) @ jnp.linspace(-1, 1, 192)


def test_r1_is_of_the_plain_picture_through_its_augmentation():
    """A cutout hides some of it, of which the gradient is 0; of the rest it is w."""
    system = linear(LinearDiscriminator, augmentation=Augmentation(cutout=True))
    c = context({}, {})
    loss, outcome = rows.solo(lambda: system.r1_loss(c))()
    weights = np.linspace(-1, 1, 192).reshape(8, 8, 3)
    seen = np.asarray(rows.solo(lambda: system.augmentation.apply(c.key, c.batch["image"], 1.0))()) != 0
    expected = np.square(weights * seen).sum((1, 2, 3)).mean()
    assert expected < np.square(weights).sum()
    assert outcome.metrics["penalty"] == pytest.approx(expected, rel=1e-4)
    assert float(loss) == pytest.approx(16 * 10 / 2 * expected, rel=1e-4)


def test_styles_mix_from_one_cut_on(begun):
    """Of the whole minibatch: the same number of styles of each picture are the second latent's."""
    system = dataclasses.replace(SMALL, style_mixing=1.0)
    labels, cuts = jnp.zeros(4, jnp.int32), set()
    mixed = jax.jit(rows.solo(lambda key: system.mixed(begun, key, 4, 8, labels)))
    for seed in range(12):
        ws, w = mixed(jax.random.key(seed))
        first = np.isclose(ws, w[:, None], atol=1e-7).all(2)
        assert (first == first[0]).all()
        assert (np.diff(first[0].astype(int)) <= 0).all()
        cuts.add(int(first[0].sum()))
    assert cuts == {1, 2, 3}


def test_truncation_is_in_w_and_a_latent_is_one_picture(begun):
    system, mean = SMALL, jnp.linspace(-1, 1, 5)
    variables = {"G": begun["G"] | {"w_mean": {"w": mean}}}
    inputs = {name: jnp.asarray(value) for name, value in batch(3).items()}
    z = jax.random.normal(jax.random.key(0), (3, 6))
    truncate = jax.jit(lambda z, psi: system.truncate(variables, z, psi, inputs))
    decode = jax.jit(lambda z: system.decode(variables, z, inputs))
    full, none, half = (truncate(z, psi) for psi in (1.0, 0.0, 0.5))
    assert full.shape == (3, 4, 5)
    np.testing.assert_allclose(none, np.broadcast_to(mean, none.shape), atol=1e-6)
    np.testing.assert_allclose(half, (full + mean) / 2, atol=1e-6)
    pictures = decode(z)
    assert pictures.shape == (3, 8, 8, 3)
    np.testing.assert_allclose(decode(full), pictures, atol=1e-5)
    np.testing.assert_array_equal(decode(z), pictures)


def test_frozen_layers_keep_their_weights(begun):
    optimizer = dataclasses.replace(SMALL, freeze_discriminator=2).optimizer("D", "main")
    params = begun["D"]["params"]
    updates, _ = optimizer.update(jax.tree.map(jnp.ones_like, params), optimizer.init(params), params)
    stay = {name for name, part in updates.items() if not any(leaf.any() for leaf in jax.tree.leaves(part))}
    assert stay == {"8_from_colors", "8_conv0"}


def test_sizes():
    assert sides_of(32) == (4, 8, 16, 32)
    assert [channels_of(side, 32768, 512) for side in (4, 64, 128, 1024)] == [512, 512, 256, 32]


@pytest.mark.parametrize("shape", [(12, 12, 3), (8, 16, 3), (4, 4, 3)])
def test_other_sides_are_refused(shape):
    with pytest.raises(UserError, match="square pictures of a side of 8, 16"):
        StyleGAN2().resolve(Spec({"image": jax.ShapeDtypeStruct(shape, jnp.float32)}))


def test_a_batch_that_is_no_groups_is_refused():
    c = Context({}, {"image": jnp.zeros((3, 8, 8, 3))}, jax.random.key(0), {}, jnp.int32(0))
    with pytest.raises(UserError, match="groups of 2 pictures, and a device has 3"):
        SMALL.judged(c, c.batch["image"], None)
