"""RaGAN: whose loss compares with the average of the other kind, in both turns; and the public way to a generator's turn."""

import dataclasses

import flax.linen as nn
import jax
import numpy as np
import pytest

import jaxgan
from jaxgan import rows
from jaxgan.data import Digits, Spec
from jaxgan.errors import UserError
from jaxgan.losses import adversarial
from jaxgan.networks import Convolutional, Perceptrons
from jaxgan.systems.ragan import RaGAN
from jaxgan.training.state import Context
from tests.systems.conftest import beginning, step_once
from tests.training import toys
from tests.training.toys import Toy

POINTS = RaGAN(networks=Perceptrons(hidden=8, layers=1), ema=0.9)
FACES = RaGAN(Convolutional(width=4, kernel=4, latent_dim=4, discriminator_norm="none"))


def points(seed=0, count=16):
    return np.random.default_rng(seed).normal(size=(count, 2)).astype(np.float32)


def test_one_step_from_an_undecided_discriminator():
    """Both losses begin at 2 log 2; the statistics of the generator's BatchNorm move, which `step_once` looks at."""
    real = np.random.default_rng(0).uniform(-1, 1, (4, 32, 32, 3)).astype(np.float32)
    start, after, metrics = step_once(FACES, {"image": real}, 1)
    assert metrics["discriminator/loss"] == pytest.approx(2 * np.log(2), abs=0.1)
    assert metrics["generator/loss"] == pytest.approx(2 * np.log(2), abs=0.2)
    for before, now in zip(jax.tree.leaves(start.networks), jax.tree.leaves(after.networks), strict=True):
        assert np.isfinite(now).all()
        assert before.shape == now.shape


def test_the_paper_s_formula():
    """Equations 8 to 11 in float64: each logit against the average of the other kind."""
    real, fake = np.random.default_rng(1).normal(size=(2, 32))

    def log_sigmoid(x):
        return -np.logaddexp(0, -x)

    d = -log_sigmoid(real - fake.mean()).mean() - log_sigmoid(-(fake - real.mean())).mean()
    g = -log_sigmoid(fake - real.mean()).mean() - log_sigmoid(-(real - fake.mean())).mean()
    loss = rows.solo(adversarial.relativistic_average_loss)
    assert float(loss(np.float32(real), np.float32(fake))) == pytest.approx(d, rel=1e-6)
    assert float(loss(np.float32(fake), np.float32(real))) == pytest.approx(g, rel=1e-6)


def test_the_generator_learns_from_real_examples():
    """What no standard GAN's does: its gradient changes with them."""
    state = beginning(POINTS, {"image": points()})
    variables = {name: network.current for name, network in state.networks.items()}

    def gradient(real):
        def loss(params):
            changed = {**variables, "G": {**variables["G"], "params": params}}
            return POINTS.generator_loss(Context(changed, {"image": real}, jax.random.key(0), {}, 0))[0]

        return jax.grad(rows.solo(loss))(variables["G"]["params"])

    one, other = (jax.tree.leaves(gradient(points(seed) * 5)) for seed in (0, 1))
    assert all(not np.allclose(a, b, rtol=1e-3) for a, b in zip(one, other, strict=True))


def test_what_changes_in_a_generator_s_turn():
    """The generator's statistics, as in `generator_turn`; of the discriminator nothing."""
    system = RaGAN(Convolutional(width=4, kernel=4, latent_dim=4, discriminator_norm="batch"))
    real = np.random.default_rng(0).uniform(-1, 1, (4, 32, 32, 3)).astype(np.float32)
    state = beginning(system, {"image": real})
    context = Context({n: x.current for n, x in state.networks.items()}, {"image": real}, jax.random.key(0), {}, 0)

    @jax.jit
    @rows.solo
    def turns():
        real_logits, fake_logits, outcome = system.relativistic_turn(context)
        alone, expected = system.generator_turn(context)
        return real_logits, fake_logits, alone, outcome.variables, expected.variables

    real_logits, fake_logits, alone, changed, expected = turns()
    assert list(changed) == ["G"]
    jax.tree.map(np.testing.assert_array_equal, changed, expected)  # of the same fakes
    np.testing.assert_allclose(fake_logits, alone, rtol=1e-5, atol=1e-6)
    assert real_logits.shape == (4,)
    assert real_logits.dtype == np.float32


def test_penalty():
    with pytest.raises(UserError, match=r"BatchNorm: set --system\.networks\.discriminator-norm none"):
        RaGAN(penalty_weight=10.0).resolve(Spec({"image": np.zeros((32, 32, 3))}))
    _, _, metrics = step_once(dataclasses.replace(POINTS, penalty_weight=10.0), {"image": points()}, 1)
    assert metrics["discriminator/gradient_penalty"] > 0


@pytest.mark.slow
def test_eight_devices_equal_one(eight_devices_equal_one):
    eight_devices_equal_one(POINTS, {"image": points()})
    for change in ({"penalty_weight": 10.0}, {"shared_latents": True}):
        eight_devices_equal_one(dataclasses.replace(POINTS, **change), {"image": points()})


@dataclasses.dataclass(frozen=True)
class Wrong(RaGAN):
    """The generator's loss by the discriminator's turn, whose outcome is dropped: somebody wrote that."""

    def generator_loss(self, c):
        turn = self.discriminator_turn(c)
        return adversarial.relativistic_average_loss(turn.fake_logits, turn.real_logits), jaxgan.Outcome()


@pytest.mark.slow
def test_statistics_that_no_phase_changes_are_noticed(tmp_path, capfd):
    """By whoever trains it, and by the tests that each system has."""
    system = Wrong(FACES.networks)
    experiment = jaxgan.Experiment(system=system, data=Digits(size=32), batch_size=4, steps=2, devices=1)
    jaxgan.fit(experiment, tmp_path / "run", quiet=True)
    said = capfd.readouterr().err
    assert said.count("the running statistics of network G are those that it began with") == 1
    assert "the loss of phase generator should return them" in said
    with pytest.raises(AssertionError, match="no phase returns the running statistics of"):
        step_once(system, {"image": np.zeros((4, 32, 32, 1), np.float32)}, 1)


class Biased(nn.Module):
    """A bias before a norm: its gradient is 0, and what a step moves it by is what rounding left of large terms."""

    @nn.compact
    def __call__(self, x):
        x = nn.Dense(32)(x)
        return 1000 * nn.Dense(12)(nn.BatchNorm(use_running_average=False, axis_name=rows.AXIS)(x))


@pytest.mark.slow
@pytest.mark.eight_devices
def test_a_gradient_that_is_zero_is_no_difference(eight_devices_equal_one, monkeypatch):
    monkeypatch.setattr(toys, "G", Biased())
    data = {"image": np.random.default_rng(0).normal(size=(16, 12)).astype(np.float32)}
    eight_devices_equal_one(Toy(), data)


class Careless(Toy):
    """Its noise is not drawn row by row."""

    def fake(self, c):
        z = jax.random.normal(c.key, (c.batch["image"].shape[0], self.latent_dim))
        return toys.G.apply(c.variables["G"], z, mutable=["batch_stats"])


@pytest.mark.slow
@pytest.mark.eight_devices
def test_a_difference_is_said_with_its_limit(eight_devices_equal_one):
    data = {"image": np.random.default_rng(0).normal(size=(16, 12)).astype(np.float32)}
    with pytest.raises(
        AssertionError, match=r"moves by .* otherwise on eight; the limit is .*, with tolerance=1e-06.*row by row"
    ):
        eight_devices_equal_one(Careless(), data)
