"""The shared networks: shapes, sizes of the papers, conditioning, Lipschitz bounds, refusals."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan import rows
from jaxgan.errors import UserError
from jaxgan.networks import Convolutional, Perceptrons, Residual

RESIDUAL = Residual(latent_dim=4, generator_width=8, discriminator_width=8)


def parameters(module, *args):
    """Name -> shape of every parameter, and the shape of the result."""
    made, variables = jax.eval_shape(lambda: module.init_with_output(jax.random.key(0), *args))
    found = {
        jax.tree_util.keystr(path, simple=True, separator="/"): leaf.shape
        for path, leaf in jax.tree_util.tree_leaves_with_path(variables["params"])
    }
    return found, made


@pytest.mark.parametrize(
    ("networks", "shape"),
    [
        (Convolutional(width=4), (32, 32, 3)),
        (Convolutional(width=4, discriminator_norm="none", spectral_norm=True), (64, 96, 1)),
        (RESIDUAL, (32, 32, 3)),
        (dataclasses.replace(RESIDUAL, spectral_norm=False, layer_norm=True), (64, 64, 1)),
        (Perceptrons(hidden=8), (2,)),
        (Perceptrons(hidden=8, spectral_norm=True), (8, 8, 1)),
    ],
)
def test_they_make_and_judge_examples_of_the_shape(networks, shape):
    networks.check(shape)
    z = jnp.zeros((3, networks.latent_dim))
    _, made = parameters(networks.generator(shape, 0, jnp.float32), z, None, "batch")
    _, score = parameters(networks.discriminator(0, jnp.float32), jnp.zeros((3, *shape)), None, "batch")
    assert made.shape == (3, *shape)
    assert score.shape == (3,)
    assert made.dtype == score.dtype == jnp.float32


def test_residual_networks_have_the_papers_sizes():
    """SNGAN, table 4: a dense layer to 4x4x256, three blocks and a convolution; four blocks of 128 and a dense layer."""
    found, _ = parameters(Residual().generator((32, 32, 3), 0, jnp.float32), jnp.zeros((2, 128)), None, "batch")
    kernels = [shape for name, shape in found.items() if name.startswith("Conv") and name.endswith("kernel")]
    assert found["Dense_0/kernel"] == (128, 4 * 4 * 256)
    assert sorted(kernels) == sorted([(1, 1, 256, 256)] * 3 + [(3, 3, 256, 256)] * 6 + [(3, 3, 256, 3)])
    found, _ = parameters(Residual().discriminator(0, jnp.float32), jnp.zeros((2, 32, 32, 3)), None, "batch")
    kernels = [shape for name, shape in found.items() if len(shape) == 4]
    assert sorted(kernels) == sorted([(1, 1, 3, 128), (1, 1, 128, 128), (3, 3, 3, 128)] + [(3, 3, 128, 128)] * 7)
    assert [shape for name, shape in found.items() if len(shape) == 2] == [(128, 1)]


@pytest.mark.slow
def test_labels_matter_only_where_there_are_classes():
    """Class 0 and class 1 differ in both networks; in the discriminator by the projection alone."""
    generator, discriminator = RESIDUAL.generator((32, 32, 3), 2, jnp.float32), RESIDUAL.discriminator(2, jnp.float32)
    z, zero, one = jnp.ones((2, 4)), jnp.zeros(2, int), jnp.ones(2, int)
    variables = jax.jit(generator.init, static_argnums=3)(jax.random.key(0), z, zero, "running")
    variables["params"]["BatchNorm_0"]["bias"] = variables["params"]["BatchNorm_0"]["bias"].at[1].add(1.0)
    generate = jax.jit(generator.apply, static_argnums=3)
    made = [generate(variables, z, labels, "running") for labels in (zero, one)]
    assert not np.allclose(*made, atol=1e-3)
    pictures = jax.random.normal(jax.random.key(1), (2, 32, 32, 3))
    variables = jax.jit(discriminator.init, static_argnums=3)(jax.random.key(2), pictures, zero, "batch")
    judge = jax.jit(discriminator.apply, static_argnums=3)
    scores = [judge(variables, pictures, labels, "batch") for labels in (zero, one)]
    assert not np.allclose(*scores, atol=1e-4)
    names = {jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_leaves_with_path(variables["params"])}
    assert sum("Dense_1" in name for name in names) == 1  # the embedding


def test_a_row_of_mixed_labels_is_that_of_its_label():
    generator = RESIDUAL.generator((32, 32, 3), 3, jnp.float32)
    z = jax.random.normal(jax.random.key(0), (3, 4))
    variables = jax.jit(generator.init, static_argnums=3)(jax.random.key(1), z, jnp.zeros(3, int), "running")
    generate = jax.jit(generator.apply, static_argnums=3)
    norms = variables["params"]["BatchNorm_1"]
    norms["scale"] = norms["scale"] * jnp.array([1.0, 2.0, 3.0])[:, None]
    mixed = generate(variables, z, jnp.array([2, 0, 1]), "running")
    alone = generate(variables, z[:1], jnp.array([2]), "running")
    np.testing.assert_allclose(mixed[:1], alone, atol=1e-5)


def test_spectral_norm_makes_the_discriminator_lipschitz():
    """A perceptron of layers with singular values of at most 1 cannot change faster than its input."""
    networks = Perceptrons(hidden=32, spectral_norm=True)
    discriminator = networks.discriminator(0, jnp.float32)
    x = 3 * jax.random.normal(jax.random.key(0), (64, 2))
    variables = jax.jit(discriminator.init, static_argnums=3)(jax.random.key(1), x, None, "batch")
    turn = jax.jit(lambda v: discriminator.apply(v, x, None, "batch", mutable=["spectral"])[1])
    for _ in range(50):
        variables = {**variables, **turn(variables)}
    slope = jax.grad(lambda row: discriminator.apply(variables, row[None], None, "batch")[0])
    slopes = jax.jit(jax.vmap(slope))(x)
    assert float(jnp.linalg.norm(slopes, axis=1).max()) <= 1.001
    assert float(jnp.linalg.norm(slopes, axis=1).max()) > 0.01


@pytest.mark.parametrize("latent", ["uniform", "normal"])
def test_latents(latent):
    z = np.asarray(rows.solo(lambda: Perceptrons(latent=latent, latent_dim=2000).latents(jax.random.key(0), 3))())
    assert z.shape == (3, 2000)
    assert z.std() == pytest.approx({"uniform": 3**-0.5, "normal": 1}[latent], rel=0.03)


@pytest.mark.parametrize(
    ("networks", "shape"),
    [
        (RESIDUAL, (48, 48, 3)),
        (RESIDUAL, (16, 16, 3)),
        (RESIDUAL, (2,)),
        (Convolutional(), (2,)),
        (RESIDUAL, (32, 36, 3)),
    ],
)
def test_shapes_that_they_cannot_make_are_refused(networks, shape):
    with pytest.raises(UserError, match=r"data\.size"):
        networks.check(shape)


def test_networks_without_labels_refuse_classes():
    with pytest.raises(UserError, match="Residual"):
        Convolutional().discriminator(3, jnp.float32)
    with pytest.raises(UserError, match="Residual"):
        Perceptrons().generator((2,), 3, jnp.float32)
