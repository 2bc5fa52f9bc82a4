"""R3GAN: pairs, R1 and R2 in every step through the augmentation, schedules, and networks that begin as the identity."""

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan import rows
from jaxgan.data import Spec
from jaxgan.errors import UserError
from jaxgan.losses import penalties
from jaxgan.networks import R3, Perceptrons
from jaxgan.networks.augmentation import Augmentation
from jaxgan.systems.r3gan import R3GAN
from jaxgan.training.state import Context
from tests.systems.conftest import beginning, disturbed, step_once

TINY = R3GAN(R3(latent_dim=4, width=8, blocks=1), ema=0.9, r1=1.0, r2=3.0, anneal=4)
MOVED = dataclasses.replace(TINY, augmentation=Augmentation(translation=True, color=True, cutout=True))
POINTS = R3GAN(Perceptrons(hidden=8, layers=1), anneal=4)


def faces(count=4, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (count, 8, 8, 3)).astype(np.float32)


def test_one_step():
    """Blocks begin as the identity, by weights of the scale that their number asks for."""
    start, after, metrics = step_once(TINY, {"image": faces()}, 1)
    for network in start.networks.values():
        blocks = [v for name, v in network.params.items() if "block" in name]
        assert len(blocks) == 2
        assert all((block["narrow"]["kernel"] == 0).all() for block in blocks)
        deviation = np.concatenate([block["wide"]["kernel"].ravel() for block in blocks]).std()
        assert deviation == pytest.approx(math.sqrt(2 / 1.04 / 8) * 2**-0.25, rel=0.2)  # two blocks, of eight features
    assert min(metrics["discriminator/r1"], metrics["discriminator/r2"]) > 0
    for before, now in zip(jax.tree.leaves(start.networks), jax.tree.leaves(after.networks), strict=True):
        assert np.isfinite(now).all()
        assert before.shape == now.shape


def moved(system):
    """The variables of a system past its first steps, as the last convolutions of all blocks begin at 0."""
    state = beginning(system, {"image": faces()})
    variables = {name: network.current for name, network in state.networks.items()}
    return jax.tree.map(lambda x: x + 0.1 * jax.random.normal(jax.random.key(1), x.shape), variables)


def test_the_losses_are_the_paper_s():
    """Pair by pair, with both penalties at what is left of them: from D alone, real and generated pictures apart."""
    variables, judge = moved(TINY), TINY.networks.discriminator(0, jnp.float32)
    context = Context(variables, {"image": jnp.asarray(faces())}, jax.random.key(0), {}, jnp.int32(2))

    @jax.jit
    @rows.solo
    def both():
        fake, _ = TINY._fakes(context, jax.random.split(context.key, 3)[0])
        judged = lambda x: judge.apply(variables["D"], x, None, "batch")  # noqa: E731
        apart = judged(context.batch["image"]), judged(fake), penalties.r1(judged, context.batch["image"])
        generated = TINY._fakes(context, jax.random.split(context.key)[0])[0]
        return (
            TINY.discriminator_loss(context)[0], TINY.generator_loss(context)[0], *apart, penalties.r2(judged, fake),
            judged(generated),
        )  # fmt: skip

    d_loss, g_loss, real, fake, r1, r2, generated = map(np.float64, both())
    left = 0.1 + 0.9 * (1 + math.cos(math.pi / 2)) / 2  # half-way
    expected = np.log1p(np.exp(fake - real)).mean() + left / 2 * (1.0 * r1 + 3.0 * r2)
    assert d_loss == pytest.approx(expected, rel=1e-5)
    assert g_loss == pytest.approx(np.log1p(np.exp(real - generated)).mean(), rel=1e-5)
    assert np.ptp(real) > 1e-3  # of which the pairing shows


def test_penalties_are_of_pictures_as_they_are_through_their_augmentation():
    """The gradient of D(augmented x) by x; at a probability of 1 another number than that without."""
    variables = moved(MOVED)

    def norms(step):
        context = Context(variables, {"image": jnp.asarray(faces())}, jax.random.key(0), {}, jnp.int32(step))
        return jax.jit(rows.solo(lambda: MOVED.discriminator_loss(context)[1].metrics))()

    _, real_key, _ = jax.random.split(jax.random.key(0), 3)
    judge = MOVED.networks.discriminator(0, jnp.float32)

    @jax.jit
    @rows.solo
    def alone():
        def judged(x):
            return judge.apply(variables["D"], MOVED.augmentation.apply(real_key, x, 1.0), None, "batch")

        return penalties.r1(judged, jnp.asarray(faces()))

    assert float(norms(4)["r1"]) == pytest.approx(float(alone()), rel=1e-4)
    assert float(norms(0)["r1"]) != pytest.approx(float(alone()), rel=1e-2)  # p begins at 0


def test_schedules():
    """Half a cosine from the first to the last value, then constant; the average's memory begins at nothing."""
    assert [round(float(TINY.annealed(step, 2.0, 1.0)), 4) for step in (0, 1, 2, 4, 9)] == [2, 1.8536, 1.5, 1, 1]
    decays = [float(TINY.ema_decay("G", step)) for step in (0, 2, 4, 9)]
    assert decays == pytest.approx([0, 0.9**2, 0.9, 0.9])  # half of the memory is the square of the decay
    assert TINY.ema_decay("D", 4) is None
    # The first step of Adam without momentum is the rate, whatever the gradient; the fifth shows both schedules.
    optimizer, params = TINY.optimizer("D", "main"), {"w": jnp.zeros(1)}
    state, moves = optimizer.init(params), []
    gradients = [1.0, 2.0, 1.0, 3.0, 0.5]
    for gradient in gradients:
        updates, state = optimizer.update({"w": jnp.full(1, gradient)}, state, params)
        moves.append(-float(updates["w"][0]))
    square = 0.0
    for step, gradient in enumerate(gradients):
        beta = float(TINY.annealed(step, 0.9, 0.99))
        square = beta * square + (1 - beta) * gradient**2
        rate = float(TINY.annealed(step, 2e-4, 5e-5))
        wanted = rate * gradient / math.sqrt(square / (1 - beta ** (step + 1)))
        assert moves[step] == pytest.approx(wanted, rel=1e-4)


def test_a_pair_has_one_label():
    """Conditional: of the real and of the generated one of a pair the same, and labels matter to both players."""
    system = dataclasses.replace(TINY, conditional=True)
    system = system.resolve(Spec({"image": faces()[0], "label": np.int32(0)}, classes=("cat", "dog")))
    batch = {"image": faces(), "label": np.array([0, 1, 0, 1], np.int32)}
    _, after, _ = step_once(system, batch, 1, start=disturbed(beginning(system, batch)))
    variables = {name: {"params": network.params} for name, network in after.networks.items()}
    z = np.ones((2, 4), np.float32)
    made = system.decode(variables, z, {"image": faces(2), "label": np.array([0, 1])})
    assert not np.allclose(made[0], made[1])
    assert np.abs(made).max() <= 1
    with pytest.raises(UserError, match="the data has the label 2"):
        system.check_batch({"label": np.array([2])})


def test_what_it_refuses():
    spec = Spec({"image": faces()[0]})
    adaptive = Augmentation(color=True, target=0.6)
    with pytest.raises(UserError, match="leave out target"):
        dataclasses.replace(TINY, augmentation=adaptive).resolve(spec)
    with pytest.raises(UserError, match="does not divide the 24 channels"):
        dataclasses.replace(TINY, networks=R3(width=12)).resolve(spec)
    with pytest.raises(UserError, match="8, 16, 32"):
        TINY.resolve(Spec({"image": np.zeros((12, 12, 3), np.float32)}))


@pytest.mark.slow
@pytest.mark.eight_devices
def test_eight_devices_equal_one(eight_devices_equal_one):
    eight_devices_equal_one(MOVED, {"image": faces(16)})
    points = np.random.default_rng(0).normal(size=(16, 2)).astype(np.float32)
    eight_devices_equal_one(POINTS, {"image": points})
