import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan import rows
from jaxgan.errors import UserError
from jaxgan.nn import BatchNorm, InstanceNorm, LayerNorm, make_norm, normal_around_one

X = 3.0 + 2.0 * jax.random.normal(jax.random.key(0), (8, 3, 2, 4))
MUTABLE = ["batch_stats"]


def variables_of(norm):
    """Initialised outside of any mapped axis, with a scale and a bias that show."""
    variables = norm.init(jax.random.key(1), X, "batch")
    assert set(variables["batch_stats"]) == {"mean", "var", "count"}
    return {**variables, "params": {"scale": jnp.arange(1.0, 5.0), "bias": jnp.arange(4.0)}}


def statistics(x):
    return {"mean": np.mean(x, (0, 1, 2)), "var": np.var(x, (0, 1, 2))}


def assert_statistics(variables, wanted, count):
    assert variables["batch_stats"]["count"] == count
    for name, value in wanted.items():
        np.testing.assert_allclose(variables["batch_stats"][name], value, rtol=1e-4)


def test_batch_mode_is_flax_batchnorm():
    ours, reference = BatchNorm(), nn.BatchNorm(use_running_average=False, momentum=0.9)
    variables = variables_of(ours)
    y, updated = rows.solo(lambda: ours.apply(variables, X, "batch", mutable=MUTABLE))()
    flax_stats = {name: variables["batch_stats"][name] for name in ("mean", "var")}
    flax_variables = {"params": variables["params"], "batch_stats": flax_stats}
    wanted, flax_updated = reference.apply(flax_variables, X, mutable=MUTABLE)
    np.testing.assert_allclose(y, wanted, rtol=1e-4, atol=1e-5)
    assert_statistics(updated, flax_updated["batch_stats"], count=0)


def test_running_mode_uses_what_training_left_and_changes_nothing():
    norm = BatchNorm()
    variables = variables_of(norm)
    variables["batch_stats"] = {"mean": jnp.full(4, 3.0), "var": jnp.full(4, 4.0), "count": jnp.zeros(())}
    y, updated = norm.apply(variables, X, "running", mutable=MUTABLE)
    np.testing.assert_allclose(y, (X - 3) / np.sqrt(4 + 1e-5) * np.arange(1, 5) + np.arange(4), rtol=1e-4, atol=1e-5)
    assert_statistics(updated, {"mean": 3.0, "var": 4.0}, count=0)


def test_batch_mode_leaves_an_immutable_collection_alone():
    norm = BatchNorm()
    y = rows.solo(lambda: norm.apply(variables_of(norm), X, "batch"))()
    assert y.shape == X.shape


def test_standing_mode_averages_its_passes_and_forgets_the_running_statistics():
    norm = BatchNorm()
    variables = variables_of(norm)
    variables["batch_stats"]["mean"] = jnp.full(4, 1000.0)
    passes = [X, 2 * X, X + 1]
    for x in passes:
        y, updated = rows.solo(lambda v, x: norm.apply(v, x, "standing", mutable=MUTABLE))(variables, x)
        np.testing.assert_allclose(y, rows.solo(lambda v, x: norm.apply(v, x, "batch"))(variables, x))
        variables = {**variables, **updated}
    mean = np.mean([statistics(x)["mean"] for x in passes], 0)
    var = np.mean([statistics(x)["var"] for x in passes], 0)
    assert_statistics(variables, {"mean": mean, "var": var}, count=3)


def test_unknown_mode():
    with pytest.raises(ValueError, match="'train'"):
        BatchNorm().init(jax.random.key(0), X, "train")


@pytest.mark.parametrize("mode", ["batch", "standing"])
@pytest.mark.eight_devices
def test_eight_devices_normalise_as_one(shared_by, mode):
    norm = BatchNorm(scale_init=normal_around_one())
    variables = norm.init(jax.random.key(1), X, "batch")
    weights = jax.random.normal(jax.random.key(2), X.shape)

    def step(variables, rows_of_batch):
        x, weights = rows_of_batch

        def loss(params, x):
            y, updated = norm.apply({**variables, "params": params}, x, mode, mutable=MUTABLE)
            return jnp.sum(jnp.sin(y) * weights), (y, updated)

        (g_params, g_x), (y, updated) = jax.grad(loss, (0, 1), has_aux=True)(variables["params"], x)
        return (y, g_x), (updated, jax.lax.psum(g_params, rows.AXIS))

    one, eight = (shared_by(devices, step)(variables, (X, weights)) for devices in (1, 8))
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(eight), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    assert_statistics(eight[1][0], {} if mode == "batch" else statistics(X), count=float(mode == "standing"))


@pytest.mark.parametrize(
    ("ours", "reference"),
    [
        (InstanceNorm(), nn.InstanceNorm(use_bias=False, use_scale=False, epsilon=1e-5)),
        (InstanceNorm(affine=True), nn.InstanceNorm(epsilon=1e-5)),
        (LayerNorm(), nn.LayerNorm(reduction_axes=(1, 2, 3), feature_axes=-1, epsilon=1e-5)),
    ],
    ids=["instance", "affine instance", "layer"],
)
def test_norms_of_one_example(ours, reference):
    variables = ours.init(jax.random.key(1), X, "batch")
    variables = jax.tree.map(lambda leaf: leaf + jnp.arange(4.0), variables)
    y = ours.apply(variables, X, "batch")
    np.testing.assert_allclose(y, reference.apply(variables, X), rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(y[:1], ours.apply(variables, X[:1], "running"), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", ["batch", "instance", "layer"])
def test_half_precision_keeps_statistics_in_single(kind):
    x = (10 + X).astype(jnp.bfloat16)
    norm = make_norm(kind)
    variables = norm.init(jax.random.key(1), x, "batch")
    y = rows.solo(lambda: norm.apply(variables, x, "batch"))()
    wanted = rows.solo(lambda: norm.apply(variables, x.astype(jnp.float32), "batch"))()
    assert y.dtype == jnp.bfloat16
    np.testing.assert_allclose(y.astype(jnp.float32), wanted, atol=0.02)
    assert make_norm(kind, dtype=jnp.float32).init_with_output(jax.random.key(1), x, "batch")[0].dtype == jnp.float32
    assert all(leaf.dtype == jnp.float32 for leaf in jax.tree.leaves(variables))


def test_a_constant_map_has_finite_gradients():
    for norm in (BatchNorm(), InstanceNorm(), LayerNorm()):
        x = jnp.full((2, 3, 3, 4), 7.0)
        variables = norm.init(jax.random.key(0), x, "batch")

        def loss(x, norm=norm, variables=variables):
            return jnp.sum(norm.apply(variables, x, "batch") ** 2)

        assert jnp.isfinite(rows.solo(jax.jit(jax.grad(loss)))(x)).all()


def test_norms_by_name():
    assert isinstance(make_norm("batch", normal_around_one()), BatchNorm)
    assert isinstance(make_norm("instance"), InstanceNorm)
    assert isinstance(make_norm("layer"), LayerNorm)
    assert make_norm("none")(X, "batch") is X
    with pytest.raises(UserError, match="'group'"):
        make_norm("group")
