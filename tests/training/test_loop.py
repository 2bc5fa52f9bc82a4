"""`jaxgan.fit` from Python, with a system and a data set of one's own: no edit to jaxgan."""

import dataclasses
import json
import math
import signal

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from tensorboardX.proto import event_pb2

import jaxgan
from jaxgan import Outcome, Phase, System, TrainingDiverged, UserError, rows
from jaxgan.data import Records
from jaxgan.training.checkpoint import digest
from jaxgan.training.logs import MetricSums, read_metrics
from jaxgan.training.parallel import Layout

DIM = 5


@dataclasses.dataclass(frozen=True)
class Toy(System):
    """A GAN of two matrices on vectors: it compiles in a moment."""

    latent_dim: int = 8

    def init_variables(self, key, batch):
        kernel = jax.random.normal(key, (self.latent_dim, DIM)) / 10
        return {"G": {"params": {"kernel": kernel}}, "D": {"params": {"kernel": jnp.ones(DIM)}}}

    def phases(self):
        return (
            Phase("discriminator", ("D",), self.discriminator_loss),
            Phase("generator", ("G",), self.generator_loss),
        )

    def optimizer(self, network, slot):
        return optax.sgd(1e-2, 0.5)

    def ema_decay(self, network, step):
        return 0.9 if network == "G" else None

    def generate(self, variables, key, count):
        return rows.normal(key, count, (self.latent_dim,)) @ variables["G"]["params"]["kernel"]

    def score(self, variables, x):
        return x @ variables["D"]["params"]["kernel"]

    def discriminator_loss(self, c):
        real = c.batch["image"]
        fake = self.generate(c.variables, c.key, real.shape[0])
        real_loss = jax.nn.softplus(-self.score(c.variables, real)).mean()
        return real_loss + jax.nn.softplus(self.score(c.variables, fake)).mean(), Outcome()

    def generator_loss(self, c):
        fake = self.generate(c.variables, c.key, c.batch["image"].shape[0])
        return jax.nn.softplus(-self.score(c.variables, fake)).mean(), Outcome()

    def sample(self, variables, inputs, key):
        return self.generate(variables, key, inputs["image"].shape[0])


@dataclasses.dataclass(frozen=True)
class Vectors:
    """All that a data set is: two methods."""

    count: int = 24

    def load(self):
        values = np.random.default_rng(0).normal(size=(self.count, DIM)).astype(np.float32)
        return Records([{"image": value} for value in values])

    def transform(self, example, random):
        return {"image": example["image"] + np.float32(0.1) * random.normal(size=DIM).astype(np.float32)}


def experiment(system=None, **changes) -> jaxgan.Experiment:
    fields = {"batch_size": 8, "steps": 6, "checkpoint_every": 2, "log_every": 2, "devices": 1} | changes
    return jaxgan.Experiment(system=system or Toy(), data=Vectors(), **fields)


@pytest.fixture(scope="module")
def straight(tmp_path_factory) -> str:
    return jaxgan.fit(experiment(), tmp_path_factory.mktemp("straight"), quiet=True).digest


def test_toy_system_trains(tmp_path, straight):
    run = jaxgan.fit(experiment(), tmp_path, quiet=True)
    assert (run.step, run.stopped, run.digest) == (6, None, straight)
    assert [line["step"] for line in run.metrics] == [1, 2, 4, 6]
    restored = jaxgan.restore(tmp_path, experiment=experiment())
    assert restored.digest == straight
    np.testing.assert_array_equal(restored.sample(3), run.sample(3))
    with pytest.raises(UserError, match=r"not part of jaxgan.*--config FILE"):
        jaxgan.restore(tmp_path)
    with pytest.raises(UserError, match=r"system\.latent_dim: 8 in the workdir, 5 now"):
        jaxgan.restore(tmp_path, experiment=experiment(Toy(latent_dim=5)))


@pytest.mark.eight_devices
@pytest.mark.parametrize("devices", [1, 2])
def test_a_step_that_moves_what_it_did_not_ask_for_fails_in_all_these_tests(tmp_path, monkeypatch, devices):
    """As the fixture `no_hidden_transfers` has it; here rows stay on the host until the program is called."""
    monkeypatch.setattr(Layout, "put", lambda layout, batches: batches)
    with pytest.raises(RuntimeError, match="Disallowed host-to-device transfer"):
        jaxgan.fit(experiment(devices=devices), tmp_path, quiet=True)


def test_callbacks(tmp_path, straight):
    seen, kept = [], []

    def callback(step, run):
        kept.append(run)
        if step % 3 == 0:
            seen.append((step, run.step, int(run.state.step), digest(run.state)))

    jaxgan.fit(experiment(), tmp_path, callbacks=[callback], quiet=True)
    assert [run.step for run in kept] == [1, 2, 3, 4, 5, 6]
    assert [entry[:3] for entry in seen] == [(3, 3, 3), (6, 6, 6)]
    assert seen[1][3] == straight
    assert digest(kept[2].state) == seen[0][3]  # read in time, it is the callback's own
    with pytest.raises(RuntimeError, match="the state of step 4 is gone"):
        _ = kept[3].state


def test_a_callback_that_fails_loses_nothing(tmp_path, straight):
    def fails(step, run):
        if step == 5:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        jaxgan.fit(experiment(), tmp_path, callbacks=[fails], quiet=True)
    run = jaxgan.fit(experiment(), tmp_path, quiet=True)
    assert run.digest == straight


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_in_python(tmp_path, straight, number):
    """It returns, having saved, and leaves the handlers as they were."""
    before = signal.getsignal(number)
    interrupt = lambda step, run: signal.raise_signal(number) if step == 3 else None  # noqa: E731
    run = jaxgan.fit(experiment(), tmp_path, callbacks=[interrupt], quiet=True)
    assert (run.stopped, run.step) == (number.name, 3)
    assert signal.getsignal(number) is before
    assert jaxgan.restore(tmp_path, experiment=experiment()).step == 3
    assert jaxgan.fit(experiment(), tmp_path, quiet=True).digest == straight


def test_interrupted_in_the_last_step_is_finished(tmp_path):
    interrupt = lambda step, run: signal.raise_signal(signal.SIGINT) if step == 6 else None  # noqa: E731
    run = jaxgan.fit(experiment(), tmp_path, callbacks=[interrupt], quiet=True)
    assert (run.stopped, run.step) == (None, 6)


def test_second_ctrl_c_ends_at_once(tmp_path, straight):
    def twice(step, run):
        if step == 3:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        jaxgan.fit(experiment(), tmp_path, callbacks=[twice], quiet=True)
    assert jaxgan.restore(tmp_path, experiment=experiment()).step == 2
    assert jaxgan.fit(experiment(), tmp_path, quiet=True).digest == straight


@pytest.mark.parametrize(("number", "error"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)])
def test_interrupted_before_the_first_step_ends_at_once(tmp_path, number, error):
    """While data are prepared, for minutes perhaps, there is nothing to save and nothing to wait for."""

    class Slow(Vectors):
        def load(self):
            signal.raise_signal(number)
            raise AssertionError("not interrupted")

    with pytest.raises(error):
        jaxgan.fit(dataclasses.replace(experiment(), data=Slow()), tmp_path / "run", quiet=True)
    assert not (tmp_path / "run").exists()


def test_quiet(tmp_path, capfd):
    jaxgan.fit(experiment(steps=2), tmp_path, quiet=True)
    assert capfd.readouterr() == ("", "")


@dataclasses.dataclass(frozen=True)
class Failing(Toy):
    """Goes wrong in one way at one step (counted from 1, as in the logs)."""

    what: str = "loss"
    at: int = 5
    first: str = "discriminator"

    def phases(self):
        phases = super().phases()
        return phases if self.first == "discriminator" else phases[::-1]

    def broken(self, c):
        return c.step + 1 == self.at

    def discriminator_loss(self, c):
        loss, outcome = super().discriminator_loss(c)
        if self.what == "metric":
            return loss, outcome.replace(metrics={"psnr": jnp.where(self.broken(c), jnp.inf, 1.0)})
        if self.what == "D loss":
            loss = jnp.where(self.broken(c), jnp.nan, loss)
        return loss, outcome

    def generator_loss(self, c):
        loss, outcome = super().generator_loss(c)
        if self.what == "G loss":
            loss = jnp.where(self.broken(c), jnp.inf, loss)
        if self.what == "G gradient":  # finite, with an infinite slope
            parameter = jax.tree.leaves(c.variables["G"]["params"])[0].ravel()[0]
            zero = parameter - jax.lax.stop_gradient(parameter)
            loss = loss + jnp.sqrt(jnp.where(self.broken(c), zero, 1.0))
        return loss, outcome

    def optimizer(self, network, slot):
        if self.what != "G parameter" or network != "G":
            return super().optimizer(network, slot)
        # A rate that is not a number, at one move: loss and gradient of the step are finite, its update is not.
        return optax.sgd(lambda count: jnp.where(count + 1 == self.at, jnp.nan, 0.01))


@pytest.mark.parametrize(
    ("what", "first", "sentence"),
    [
        ("D loss", "discriminator", "in step 5 the loss of network D in phase discriminator"),
        ("G loss", "discriminator", "in step 5 the loss of network G in phase generator"),
        # D then learns from what the broken G makes: the culprit is the phase that came first.
        ("G loss", "generator", "in step 5 the loss of network G in phase generator"),
        ("G gradient", "discriminator", "in step 5 the gradient norm of network G in phase generator"),
    ],
)
def test_not_finite(tmp_path, what, first, sentence):
    # Logs are far apart: the step is named that went wrong, not the one at which it was looked for.
    failing = experiment(Failing(what=what, first=first), steps=9, log_every=100, checkpoint_every=4)
    with pytest.raises(TrainingDiverged, match=sentence) as caught:
        jaxgan.fit(failing, tmp_path, quiet=True)
    assert "is not finite. The checkpoint of step 4 " in str(caught.value)
    kept = jaxgan.restore(tmp_path, experiment=failing)
    assert kept.step == 4
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(kept.state))


def test_parameter_not_finite(tmp_path):
    """A parameter that breaks while loss and gradient are finite is never saved."""
    failing = experiment(Failing(what="G parameter"), steps=5, log_every=100, checkpoint_every=1)
    with pytest.raises(TrainingDiverged, match=r"after step 5 params/\S+ of network G, which phase generator trains"):
        jaxgan.fit(failing, tmp_path, quiet=True)
    assert jaxgan.restore(tmp_path, experiment=failing).step == 4


def test_a_systems_own_metric_may_be_infinite(tmp_path):
    run = jaxgan.fit(experiment(Failing(what="metric"), log_every=1), tmp_path, quiet=True)
    assert run.step == 6
    values = [line["discriminator/psnr"] for line in read_metrics(tmp_path / "metrics.jsonl")]
    assert values == [1, 1, 1, 1, None, 1]
    assert "Infinity" not in (tmp_path / "metrics.jsonl").read_text()


def test_metrics_are_averaged_over_the_moves_of_their_phase():
    sums = MetricSums()
    sums.add(1, {"d": 2, "g": 1}, {"d/loss": jnp.float32(6), "g/loss": jnp.float32(4)})
    sums.add(2, {"d": 2}, {"d/loss": jnp.float32(2)})
    sums.add(3, {"d": 1, "g": 1}, {"d/loss": jnp.array([1.0, 3.0]), "g/loss": jnp.array([5.0, 6.0])})
    means, broken = sums.drain(100)
    assert means == {"d/loss": 2.0, "g/loss": 5.0}
    assert broken is None
    assert not sums.has(100)
    sums.add(
        5, {"d": 1}, {"d/loss": jnp.array([1.0, math.nan, math.nan]), "d/D/gradient_norm": jnp.array([1, 1, math.inf])}
    )
    sums.add(8, {"d": 1}, {"d/loss": jnp.float32(7)})
    assert not sums.has(4)
    assert sums.drain(7)[1] == (6, {"d/loss"})
    assert sums.drain(8) == ({"d/loss": 7.0}, None)


@dataclasses.dataclass(frozen=True)
class Guided(Toy):
    """Uses a pretrained network, which is not in its checkpoints."""

    weights: float = 1.0

    def frozen(self):
        return {"F": {"params": {"scale": np.full(3, self.weights, np.float32)}}}

    def generator_loss(self, c):
        loss, outcome = super().generator_loss(c)
        return loss * c.variables["F"]["params"]["scale"].mean(), outcome


def test_frozen_networks_are_compared_by_digest(tmp_path, monkeypatch):
    jaxgan.fit(experiment(Guided(), steps=2), tmp_path, quiet=True)
    assert "F" not in jaxgan.restore(tmp_path, experiment=experiment(Guided())).state.networks
    # The same experiment, but the file of weights is another one now.
    monkeypatch.setattr(Guided, "frozen", lambda self: {"F": {"params": {"scale": np.zeros(3, np.float32)}}})
    with pytest.raises(UserError, match="the pretrained network F is not the one"):
        jaxgan.restore(tmp_path, experiment=experiment(Guided()))
    with pytest.raises(UserError, match="the pretrained network F is not the one"):
        jaxgan.fit(experiment(Guided()), tmp_path, quiet=True)


def events(folder):
    """Every event of a TensorBoard folder: records of length, checksum, bytes, checksum."""
    for path in sorted(folder.iterdir()):
        data, start = path.read_bytes(), 0
        while start < len(data):
            length = int.from_bytes(data[start : start + 8], "little")
            yield event_pb2.Event.FromString(data[start + 12 : start + 12 + length])
            start += length + 16


def test_tensorboard(tmp_path):
    jaxgan.fit(experiment(steps=4), tmp_path, quiet=True)
    jaxgan.fit(experiment(steps=6), tmp_path, quiet=True)
    found = list(events(tmp_path / "tensorboard"))
    scalars = {(event.step, value.tag): value.simple_value for event in found for value in event.summary.value}
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [1, 2, 4, 6]
    for line in lines:
        assert scalars[line["step"], "generator/loss"] == pytest.approx(line["generator/loss"])
    # TensorBoard hides what came after the checkpoint that the second run went on from.
    assert [event.step for event in found if event.session_log.status == event_pb2.SessionLog.START] == [5]
    assert (tmp_path / "loss.png").read_bytes().startswith(b"\x89PNG")


def test_data_that_changed_is_refused_and_nothing_touched(tmp_path):
    run = jaxgan.fit(experiment(steps=2), tmp_path, quiet=True)

    @dataclasses.dataclass(frozen=True)
    class Fewer(Vectors):
        """The same set by its fields, as a folder is of which a file was removed."""

        def load(self):
            return Records(super().load().examples[1:])

    Fewer.__module__, Fewer.__qualname__ = Vectors.__module__, Vectors.__qualname__
    before = (tmp_path / "experiment.json").read_bytes()
    with pytest.raises(UserError, match=r"the data is not what it was .*examples: 24 in the workdir, 23 now"):
        jaxgan.fit(dataclasses.replace(experiment(steps=4), data=Fewer()), tmp_path, quiet=True)
    assert (tmp_path / "experiment.json").read_bytes() == before
    assert jaxgan.fit(experiment(steps=2), tmp_path, quiet=True).digest == run.digest
