"""ST-LPIPS with random weights: what a distance must be, and its formula in PyTorch."""

import importlib.metadata

import jax
import numpy as np
import pytest

from jaxgan.errors import UserError
from jaxgan.metrics import stlpips
from jaxgan.weights.file import Weights

CHANNELS = (3, 64, 192, 384, 256, 256)
SIDES = (11, 5, 3, 3, 3)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    random, tensors = np.random.default_rng(0), {}
    for i, (name, _) in enumerate(stlpips.CONVOLUTIONS):
        shape = (CHANNELS[i + 1], CHANNELS[i], SIDES[i], SIDES[i])
        kernel = random.normal(size=shape) * (2 / np.prod(shape[1:])) ** 0.5
        tensors |= {
            f"net.{name}.weight": np.float32(kernel),
            f"net.{name}.bias": np.float32(random.normal(size=shape[0]) / 9),
        }
        tensors[f"lin{i}.model.1.weight"] = np.float32(random.random((1, CHANNELS[i + 1], 1, 1)))
    return Weights(tmp_path_factory.mktemp("stlpips") / "alex.pth", "0" * 64, tensors)


@pytest.fixture(scope="module")
def pictures():
    return np.random.default_rng(1).uniform(-1, 1, (3, 40, 33, 3)).astype(np.float32)


def test_it_is_a_distance(weights, pictures):
    distance = jax.jit(lambda a, b: stlpips.stlpips_distance(stlpips.variables_of(weights), a, b))
    others = pictures[::-1].copy()
    found = np.asarray(distance(pictures, others))
    assert found[1] < 1e-9
    assert found[0] > 1e-3
    np.testing.assert_allclose(distance(others, pictures), found, rtol=1e-4, atol=1e-9)


def test_without_the_package_it_says_what_to_install(monkeypatch):
    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    stlpips.load_stlpips.cache_clear()
    monkeypatch.setattr(importlib.metadata, "distribution", missing)
    with pytest.raises(UserError, match="pip install --no-deps stlpips-pytorch"):
        stlpips.load_stlpips()


def test_a_file_that_lacks_a_layer_is_named(weights):
    part = {name: tensor for name, tensor in weights.tensors.items() if name != "lin3.model.1.weight"}
    with pytest.raises(UserError, match=r"lacks lin3\.model\.1\.weight"):
        stlpips.variables_of(Weights(weights.path, weights.digest, part))


@pytest.mark.parity
def test_the_formula_in_pytorch(weights, pictures):
    """The paper's AlexNet: stride 1, and blurs of [1 2 1] with two reflected pixels in place of strides."""
    import torch
    from torch.nn import functional as F

    sd = {name: torch.tensor(tensor) for name, tensor in weights.tensors.items()}

    def blur(x):
        line = torch.tensor([1.0, 2.0, 1.0]) / 4
        kernel = (line[:, None] * line).repeat(x.shape[1], 1, 1, 1)
        return F.conv2d(F.pad(x, (2, 2, 2, 2), "reflect"), kernel, stride=2, groups=x.shape[1])

    def conv(x, name, padding):
        return F.conv2d(x, sd[f"net.{name}.weight"], sd[f"net.{name}.bias"], padding=padding)

    def maps(x):
        shift, scale = (torch.tensor(v).reshape(1, 3, 1, 1) for v in (stlpips.SHIFT, stlpips.SCALE))
        x = (torch.tensor(x).permute(0, 3, 1, 2) - shift) / scale
        found = [F.relu(blur(conv(x, "slice1.0", 2)))]
        found.append(F.relu(conv(blur(F.max_pool2d(found[-1], 3, 1)), "slice2.5", 2)))
        found.append(F.relu(conv(blur(F.max_pool2d(found[-1], 3, 1)), "slice3.9", 1)))
        for name in ("slice4.11", "slice5.13"):
            found.append(F.relu(conv(found[-1], name, 1)))
        return [x / (x.square().sum(1, keepdim=True).sqrt() + 1e-10) for x in found]

    others = np.roll(pictures, 1, 0)
    theirs = sum(
        F.conv2d((a - b).square(), sd[f"lin{i}.model.1.weight"]).mean((1, 2, 3))
        for i, (a, b) in enumerate(zip(maps(pictures), maps(others), strict=True))
    )
    ours = jax.jit(lambda a, b: stlpips.stlpips_distance(stlpips.variables_of(weights), a, b))(pictures, others)
    np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-4)
