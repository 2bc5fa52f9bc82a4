"""Perceptual path length of linear generators, where it is known in closed form."""

import dataclasses
from typing import Literal

import jax.numpy as jnp
import numpy as np
import optax
import pytest

import jaxgan
from jaxgan import rows, workdir
from jaxgan.data import Digits, Spec
from jaxgan.errors import UserError
from jaxgan.metrics.perceptual_path import feature_distance, perceptual_path_length
from jaxgan.run import Run
from jaxgan.training.state import Network, TrainState

LATENT = 5
MATRIX = np.random.default_rng(0).normal(size=(LATENT, 12)).astype(np.float32) / 8


@dataclasses.dataclass(frozen=True)
class Linear(jaxgan.System):
    """G(z) = z A + label: pictures of 2 x 2 x 3."""

    reads = ("image", "label")
    latent: Literal["uniform", "normal"] = "uniform"

    def init_variables(self, key, batch):
        return {"G": {"params": {"matrix": jnp.asarray(MATRIX)}}}

    def phases(self):
        return ()

    def optimizer(self, network, slot):
        return optax.sgd(1.0)

    def latents(self, key, count):
        if self.latent == "normal":
            return rows.normal(key, count, (LATENT,))
        return rows.uniform(key, count, (LATENT,), minval=-1.0)

    def decode(self, variables, z, inputs):
        made = z.astype(self.dtype) @ variables["G"]["params"]["matrix"].astype(self.dtype)
        return (made + inputs["label"][:, None]).astype(jnp.float32).reshape(-1, 2, 2, 3)


def make_run(tmp_path, system, matrix=MATRIX):
    shapes = {"image": jnp.zeros((2, 2, 3)), "label": jnp.zeros((), jnp.int32)}
    record = workdir.describe(jaxgan.Experiment(system=system, data=Digits()), Spec(shapes, ("a", "b", "c"), count=8))
    generator = Network(params={"matrix": matrix}, variables={}, opt={}, ema=None)
    state = TrainState(step=np.int32(0), seed=np.uint32(0), networks={"G": generator}, aux={})
    return Run(tmp_path, record, 0, lambda: state, {})


def squared(a, b):
    return np.square(a.astype(np.float64) - b).reshape(len(a), -1).sum(1)


def test_lines_between_uniform_latents(tmp_path):
    """d / epsilon^2 = |(z2 - z1) A|^2 wherever it is measured; the labels of a step, equal, drop out."""
    run = make_run(tmp_path, Linear())
    z = run.latents(140, seed=3)
    expected = np.square((z[70:] - z[:70]) @ MATRIX).sum(1)
    for sampling in ("full", "end"):
        found = perceptual_path_length(
            run, squared, num=70, epsilon=1e-2, seed=3, sampling=sampling, percentiles=(0, 100)
        )
        assert (found.path, found.count, found.kept) == ("lerp", 70, 70)
        np.testing.assert_allclose(found.mean, expected.mean(), rtol=1e-3)
        np.testing.assert_allclose(found.deviation, expected.std(), rtol=1e-3)


def test_the_ends_of_the_distribution_are_trimmed(tmp_path):
    run = make_run(tmp_path, Linear())
    z = run.latents(140, seed=0)
    expected = np.sort(np.square((z[70:] - z[:70]) @ MATRIX).sum(1))[7:-7]  # of 70, the percentiles 11 and 89
    found = perceptual_path_length(run, squared, num=70, epsilon=1e-2, percentiles=(11, 89))
    assert found.kept == len(expected)
    np.testing.assert_allclose(found.mean, expected.mean(), rtol=1e-3)


def test_great_circles_between_normal_latents(tmp_path):
    """G halves lengths and nothing else, so PPL = |dp/dt|^2 / 4, at t = 0 that of slerp's derivative."""
    rotation = np.linalg.qr(np.random.default_rng(1).normal(size=(12, 12)))[0][:LATENT].astype(np.float32)
    run = make_run(tmp_path, Linear(latent="normal"), rotation / 2)
    z = run.latents(8, seed=0).astype(np.float64)
    a, b = z[:4], z[4:]
    cosine = (
        (a * b).sum(1, keepdims=True)
        / np.linalg.norm(a, axis=1, keepdims=True)
        / np.linalg.norm(b, axis=1, keepdims=True)
    )
    velocity = np.arccos(cosine) / np.sqrt(1 - cosine**2) * (b - cosine * a)
    found = perceptual_path_length(run, squared, num=4, epsilon=1e-3, sampling="end", percentiles=(0, 100))
    assert found.path == "slerp"
    np.testing.assert_allclose(found.mean, np.square(velocity / 2).sum(1).mean(), rtol=1e-2)


def test_bfloat16_does_not_swallow_the_steps(tmp_path):
    arguments = {"num": 8, "epsilon": 1e-3}
    exact = perceptual_path_length(make_run(tmp_path, Linear()), squared, **arguments)
    trained_in_bfloat16 = make_run(tmp_path, Linear(precision="bfloat16"))
    assert perceptual_path_length(trained_in_bfloat16, squared, **arguments) == exact


def test_feature_distance_has_no_scale():
    distance = feature_distance(lambda images: images.reshape(len(images), -1))
    a, b = np.array([[[[1.0, 0.0]]]]), np.array([[[[0.0, 3.0]]]])
    np.testing.assert_allclose(distance(a, b), [2.0])
    np.testing.assert_allclose(distance(7 * a, b), [2.0])
    np.testing.assert_allclose(distance(a, 5 * a), [0.0], atol=1e-15)


def test_bad_input_is_said(tmp_path):
    run = make_run(tmp_path, Linear())
    for arguments, message in (
        ({"num": 0}, "num is 0"),
        ({"epsilon": 0.0}, "epsilon is 0.0"),
        ({"percentiles": (99, 1)}, "percentiles are 99 and 1"),
    ):
        with pytest.raises(UserError, match=message):
            perceptual_path_length(run, squared, **arguments)
    broken = make_run(tmp_path, Linear(), np.full_like(MATRIX, np.nan))
    with pytest.raises(UserError, match="not finite"):
        perceptual_path_length(broken, squared, num=2)
