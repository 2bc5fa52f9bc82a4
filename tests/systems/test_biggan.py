"""BigGAN: chunks of z in every block, gains around 1, spectral norms in both players, orthogonality, truncation."""

import dataclasses

import flax
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import jaxgan
from jaxgan import rows
from jaxgan.data import Digits, Spec
from jaxgan.errors import UserError
from jaxgan.metrics.evaluation import evaluate
from jaxgan.networks import R3, Big, BigDeep, Convolutional, GivenVectors, big, big_deep
from jaxgan.sampling import with_standing_statistics
from jaxgan.systems.biggan import BigGAN, orthogonality
from jaxgan.systems.cogan import CoGAN
from jaxgan.systems.fastgan import FastGAN
from jaxgan.systems.infogan import InfoGAN
from jaxgan.systems.r3gan import R3GAN
from jaxgan.systems.text2image import TextToImage
from jaxgan.training.state import Context
from jaxgan.training.step import initial_state
from tests.systems.conftest import beginning, step_once
from tests.test_evaluation import projection

CLASSES = 3
TINY = BigGAN(
    Big(latent_dim=8, width=2, shared=4, attention=8), classes=CLASSES, discriminator_moves=1, ema=0.9, ema_start=1,
    orthogonality=1e-4,
)  # fmt: skip


def batch(count=4):
    random = np.random.default_rng(0)
    pictures = random.uniform(-1, 1, (count, 8, 8, 1)).astype(np.float32)
    return {"image": pictures, "label": random.integers(0, CLASSES, count, np.int32)}


@pytest.fixture(scope="module", autouse=True)
def smaller():
    """Pictures of 8x8, which no paper has: those of 32 take half a minute to compile."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(big.GENERATOR, 8, (4, 4))
        patch.setitem(big.DISCRIMINATOR, 8, (4, 4))
        patch.setitem(big_deep.DISCRIMINATOR, 8, (2, 4))
        yield


@pytest.fixture(scope="module")
def stepped(smaller):
    return step_once(TINY, batch(), 1, steps=2)


def test_two_steps(stepped):
    start, after, metrics = stepped
    assert all(np.isfinite(value) for value in metrics.values())
    for network in ("G", "D"):
        before, now = start.networks[network], after.networks[network]
        for one, other in zip(jax.tree.leaves(before), jax.tree.leaves(now), strict=True):
            assert np.isfinite(other).all()
            assert one.shape == other.shape
        # Singular vectors move on in their own player's turn.
        moved = jax.tree.map(
            lambda a, b: not np.array_equal(a, b), before.variables["spectral"], now.variables["spectral"]
        )
        assert any(jax.tree.leaves(moved))


def test_the_average_begins_late_and_holds_the_newest_statistics(stepped):
    _, after, _ = stepped
    network = after.networks["G"]
    for name in ("batch_stats", "spectral"):
        jax.tree.map(np.testing.assert_array_equal, network.ema[name], network.variables[name])
    assert [float(TINY.ema_decay("G", step)) for step in (0, 1, 2)] == pytest.approx([0, 0.9, 0.9])
    assert TINY.ema_decay("D", 2) is None


def test_weights_begin_orthogonal_and_every_layer_but_the_embedding_is_normalised(stepped):
    start, _, _ = stepped
    params = start.networks["G"].params
    kernels = flax.traverse_util.flatten_dict(params, sep="/")
    kernels = {name: leaf for name, leaf in kernels.items() if name.endswith("kernel")}
    for name, kernel in kernels.items():
        flat = kernel.reshape(-1, kernel.shape[-1])
        inner = flat.T @ flat if flat.shape[0] >= flat.shape[1] else flat @ flat.T
        np.testing.assert_allclose(inner, np.eye(len(inner)), atol=1e-5, err_msg=name)
    normed = set()
    for *above, _, leaf in flax.traverse_util.flatten_dict(start.networks["G"].variables["spectral"]):
        normed.add("/".join([*above, leaf.rpartition("/")[0]]))
    assert set(kernels) - normed == {"shared/kernel"}


def test_what_a_chunk_and_a_class_do(stepped):
    """Each chunk of z reaches the picture, and so does the class: with gains around 1 not by chance of the start."""
    _, after, _ = stepped
    variables = {name: {"params": n.params, **n.variables} for name, n in after.networks.items()}
    decode = jax.jit(rows.solo(lambda z, label: TINY.decode(variables, z, {"image": batch()["image"], "label": label})))
    z, label = np.random.default_rng(1).normal(size=(4, 8)).astype(np.float32), np.zeros(4, np.int32)
    plain = decode(z, label)
    for chunk in range(2):
        other = z.copy()
        other[:, 4 * chunk : 4 * chunk + 4] += 1
        assert np.abs(decode(other, label) - plain).max() > 1e-4
    assert np.abs(decode(z, label + 1) - plain).max() > 1e-4


def test_orthogonality():
    """The paper's equation in float64, without the vectors of classes."""
    random = np.random.default_rng(0)
    one, two = random.normal(size=(3, 3, 2, 4)), random.normal(size=(5, 6))
    expected = 0.0
    for kernel in (one, two):
        weights = kernel.reshape(-1, kernel.shape[-1]).T  # rows are outputs
        expected += np.square(weights @ weights.T * (1 - np.eye(len(weights)))).sum()
    params = {"conv": {"kernel": one, "bias": np.ones(4)}, "shared": {"kernel": two}, "dense": {"kernel": two}}
    assert float(orthogonality(params)) == pytest.approx(expected, rel=1e-5)


def test_the_generator_pays_for_what_is_not_orthogonal(stepped):
    """Its weights begin orthogonal where a layer has no more outputs than inputs; what the rest costs is in the loss."""
    start, _, _ = stepped
    context = Context(
        {name: network.current for name, network in start.networks.items()},
        {name: jnp.asarray(value) for name, value in batch().items()}, jax.random.key(0), {}, jnp.int32(0),
    )  # fmt: skip
    heavy = dataclasses.replace(TINY, orthogonality=0.5)

    @jax.jit
    @rows.solo
    def losses():
        return [system.generator_loss(context)[0] for system in (dataclasses.replace(TINY, orthogonality=0.0), heavy)]

    without, found = losses()
    cost = float(orthogonality(start.networks["G"].params))
    assert cost > 1
    assert float(found - without) == pytest.approx(0.5 * cost, rel=1e-4)


def test_truncation_is_the_prior_s_middle():
    z = np.random.default_rng(0).normal(size=(500, 8)).astype(np.float32)
    cut = np.asarray(TINY.truncate({}, z, jnp.float32(0.683), {}))
    assert np.abs(cut).max() < 1.01
    assert stats.kstest(cut.ravel(), stats.truncnorm(-1, 1).cdf).pvalue > 0.01
    np.testing.assert_array_equal(np.argsort(cut[:, 0]), np.argsort(z[:, 0]))
    np.testing.assert_array_equal(TINY.truncate({}, z, jnp.float32(1), {}), z)
    assert np.abs(TINY.truncate({}, z, jnp.float32(0), {})).max() < 1e-6


def test_what_it_refuses():
    spec = Spec({"image": batch()["image"][0], "label": np.int32(0)}, classes=("a", "b", "c"))
    with pytest.raises(UserError, match="2 chunks of equal length"):
        dataclasses.replace(TINY, networks=Big(latent_dim=9, width=2)).resolve(spec)
    with pytest.raises(UserError, match="32, 64, 128, 256, 512, 8 pixels"):
        TINY.resolve(Spec({"image": np.zeros((48, 48, 3)), "label": np.int32(0)}, classes=("a", "b", "c")))


@pytest.mark.slow
def test_without_classes_and_without_chunks():
    system = dataclasses.replace(
        TINY, conditional=False, classes=None, networks=Big(latent_dim=5, width=2, hierarchical=False)
    )
    state = beginning(system, {"image": batch()["image"]})
    assert "shared" not in state.networks["G"].params
    assert "embed" not in state.networks["D"].params


@pytest.mark.slow
def test_the_deep_variant():
    """A step of it; and what goes past a block is not changed by it: with its last convolution 0 it is the input."""
    networks = BigDeep(latent_dim=3, width=4, shared=4, attention=8)
    _, after, metrics = step_once(dataclasses.replace(TINY, networks=networks), batch(), 1)
    assert all(np.isfinite(value) for value in metrics.values())
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(after.networks))
    assert after.networks["D"].params["block0_0"]["shortcut"]["kernel"].shape == (1, 1, 8, 8)  # those that are missing
    block, x = big_deep.Up(4, True, False, jnp.float32), jnp.arange(32.0).reshape(1, 2, 2, 8)
    call = lambda method, *a: rows.solo(lambda: method(*a, x, jnp.ones((1, 3)), "running"))()  # noqa: E731
    variables = call(block.init, jax.random.key(0))
    variables["params"]["conv3"]["kernel"] *= 0
    np.testing.assert_array_equal(call(block.apply, variables), x[..., :4].repeat(2, 1).repeat(2, 2))


@pytest.mark.slow
@pytest.mark.eight_devices
def test_eight_devices_equal_one(eight_devices_equal_one):
    eight_devices_equal_one(TINY, batch(16), wide=True)


@pytest.mark.slow
def test_exact_resume_and_standing_statistics(tmp_path, capsys):
    """Plain averages over passes, for the truncation that is asked for; the weights, and the run itself, stay as they are."""
    from jaxgan.cli import main

    data = Digits(size=8)
    system = dataclasses.replace(
        TINY, networks=dataclasses.replace(TINY.networks, width=4), classes=None, orthogonality=0.0
    )
    system = dataclasses.replace(system, accumulate=2, ema_start=1)
    experiment = jaxgan.Experiment(system=system, data=data, batch_size=8, steps=3, devices=1)
    run = jaxgan.fit(experiment, tmp_path / "run", quiet=True)
    # Spectral vectors, running statistics and minibatches that are added up go on as if nobody had stopped.
    assert jaxgan.fit(dataclasses.replace(experiment, steps=2), tmp_path / "stopped", quiet=True).step == 2
    assert jaxgan.fit(experiment, tmp_path / "stopped", quiet=True).digest == run.digest
    own, stands = run.variables()["G"], run.standing(4).variables()["G"]
    jax.tree.map(np.testing.assert_array_equal, own["params"], stands["params"])
    jax.tree.map(np.testing.assert_array_equal, own["spectral"], stands["spectral"])
    assert own["batch_stats"]["norm"]["count"] == 0
    assert stands["batch_stats"]["norm"]["count"] == 4
    jax.tree.map(np.testing.assert_array_equal, own, run.variables()["G"])

    # The first norm looks at the first layer: the mean of its values over the same latents, by hand.
    stood = run.standing(1).variables()["G"]["batch_stats"]["block0"]["norm0"]["norm"]
    many = run.standing(32).variables()["G"]["batch_stats"]["block0"]["norm0"]["norm"]
    kernel, u = own["params"]["linear"]["kernel"], own["spectral"]["linear_norm"]["linear/kernel/u"]
    v = u @ kernel.T
    v /= np.linalg.norm(v)
    sigma = np.linalg.norm(v @ kernel)
    z = np.random.default_rng(0).normal(size=(4096, 4))
    values = (z @ kernel / sigma + own["params"]["linear"]["bias"]).reshape(-1, 16)
    np.testing.assert_allclose(many["mean"], values.mean(0), atol=0.05)
    np.testing.assert_allclose(many["var"], values.var(0), rtol=0.15)
    assert not np.array_equal(stood["mean"], many["mean"])
    narrow = run.standing(32, truncation=0.3).variables()["G"]["batch_stats"]["block0"]["norm0"]["norm"]
    assert (narrow["var"] < 0.5 * many["var"]).all()

    words = ["sample", str(tmp_path / "run"), "--num", "4", "--out", str(tmp_path / "a.png")]
    assert main(words) == main([*words[:-1], str(tmp_path / "b.png"), "--standing", "4"]) == 0
    assert (tmp_path / "a.png").read_bytes() != (tmp_path / "b.png").read_bytes()
    found = evaluate(run, ("fid",), num=64, features=projection(), standing=2)
    assert found["standing"] == 2
    other = dataclasses.replace(experiment, system=R3GAN(R3(width=8, blocks=1), anneal=4), steps=1)
    without = jaxgan.fit(other, tmp_path / "other", quiet=True)
    with pytest.raises(UserError, match="no running statistics here: leave standing out"):
        without.standing(2)
    assert main([*words, "--standing", "-1"]) == 2
    assert "must be a number of passes" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize(
    "system",
    [
        InfoGAN(width=2, hidden=4, noise_dim=3),
        CoGAN(latent_dim=3, width=2),
        TextToImage(networks=Convolutional(latent_dim=3, width=2, kernel=4), encoder=GivenVectors(), projection=4),
        FastGAN(latent_dim=4, width=2, discriminator_width=2),
    ],
    ids=lambda system: type(system).__name__,
)
def test_standing_statistics_of_other_generators(system):
    """Of all that have BatchNorm: found anew, by as many passes as were asked for."""
    random = np.random.default_rng(0)
    data = {"image": random.uniform(-1, 1, (64, 32, 32, 3)).astype(np.float32), "label": np.zeros(64, np.int32)}
    data |= {name: random.normal(size=(64, 5)).astype(np.float32) for name in ("text", "wrong_text")}
    inputs = {name: data[name] for name in system.reads}
    state = jax.jit(rows.solo(lambda: initial_state(system, 0, inputs)))()
    variables = {name: network.current for name, network in state.networks.items()}
    found = with_standing_statistics(system, variables, inputs, 2, 0, 1.0)
    jax.tree.map(np.testing.assert_array_equal, found["G"]["params"], variables["G"]["params"])
    for path, leaf in flax.traverse_util.flatten_dict(found["G"]["batch_stats"]).items():
        if path[-1] == "count":
            assert leaf == 2
        if path[-1] == "var":
            assert not (leaf == 1).any()  # with which they began
