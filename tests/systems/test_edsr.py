"""EDSR: its formula in PyTorch, what makes it this network, weights for twice as large as a beginning for four times."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

import jaxgan
from jaxgan.data import Photographs, Spec
from jaxgan.errors import UserError
from jaxgan.networks.upscaling import EnhancedResidual, pixel_shuffle, pixel_unshuffle
from jaxgan.systems.edsr import EDSR
from tests.systems.conftest import step_once


def spec(scale=4, side=6, channels=3):
    shapes = {"input": (side, side, channels), "image": (scale * side, scale * side, channels)}
    return Spec({name: jax.ShapeDtypeStruct(shape, jnp.float32) for name, shape in shapes.items()})


SMALL = EDSR(width=4, blocks=1).resolve(spec())


def batch(count=8, scale=4):
    random = np.random.default_rng(0)
    sides = {"input": 6, "image": 6 * scale}
    return {name: random.uniform(-1, 1, (count, side, side, 3)).astype(np.float32) for name, side in sides.items()}


def test_the_papers_numbers():
    """Parameters of the baseline and of EDSR, in millions, as the paper's table 1 and the authors' files have them."""
    system = EDSR()
    assert (system.learning_rate, system.halve_every, system.residual_scale) == (1e-4, 200_000, 1.0)
    for scale, width, blocks, millions in (
        (2, 64, 16, 1.37),
        (3, 64, 16, 1.55),
        (4, 64, 16, 1.52),
        (4, 256, 32, 43.09),
    ):
        module = EnhancedResidual(scale, width, blocks, 1.0, jnp.float32)
        variables = jax.eval_shape(module.init, jax.random.key(0), jnp.zeros((1, 8, 8, 3)))
        assert sum(leaf.size for leaf in jax.tree.leaves(variables)) / 1e6 == pytest.approx(millions, abs=0.005)


@pytest.mark.parametrize("factor", [2, 3])
def test_pixels_out_of_channels(factor):
    """PyTorch's order, by a loop; and back."""
    x = np.random.default_rng(0).normal(size=(2, 3, 5, 2 * factor**2)).astype(np.float32)
    y = np.asarray(pixel_shuffle(x, factor))
    assert y.shape == (2, 3 * factor, 5 * factor, 2)
    for h, w, c in np.ndindex(3 * factor, 5 * factor, 2):
        n = c * factor**2 + h % factor * factor + w % factor
        np.testing.assert_array_equal(y[:, h, w, c], x[:, h // factor, w // factor, n])
    np.testing.assert_array_equal(pixel_unshuffle(y, factor), x)


def test_a_step_and_eight_devices(eight_devices_equal_one):
    """The loss is the L1 distance in [-1, 1] of what is enlarged."""
    start, _, metrics = step_once(SMALL, batch(), 1)
    made = jax.jit(SMALL._module().apply)(start.networks["G"].current, batch()["input"])
    assert metrics["generator/loss"] == pytest.approx(np.abs(made - batch()["image"]).mean(), rel=1e-5)
    eight_devices_equal_one(SMALL, batch(), tolerance=1e-5)


def test_the_rate_is_halved():
    optimizer = dataclasses.replace(SMALL, halve_every=2, learning_rate=1.0).optimizer("G", "main")
    params = {"w": jnp.zeros(())}
    state, moved = optimizer.init(params), []
    for _ in range(5):
        update, state = optimizer.update({"w": jnp.ones(())}, state, params)
        moved.append(-float(update["w"]))
    np.testing.assert_allclose(moved, [1, 1, 0.5, 0.5, 0.25], rtol=1e-4)


def test_bad_data_is_refused():
    with pytest.raises(UserError, match=r"4 or 8 times .* \(6, 6, 3\), and \(30, 30, 3\)"):
        EDSR().resolve(spec(5))
    with pytest.raises(UserError, match=r"scale is 2, but .* 4 times"):
        EDSR(scale=2).resolve(spec(4))
    assert EDSR().resolve(spec(3, channels=1)).scale == 3


@pytest.mark.slow
def test_four_times_begins_with_the_weights_for_twice(tmp_path, monkeypatch):
    """All but the step of enlargement that is new; and a network of another width is refused."""
    monkeypatch.setenv("JAXGAN_CACHE", str(tmp_path / "cache"))
    (tmp_path / "photos").mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (40, 48, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photos" / "a.png")
    data = Photographs(path=str(tmp_path / "photos"), size=16, factor=2)
    small = jaxgan.Experiment(system=EDSR(width=4, blocks=1), data=data, batch_size=4, steps=2, devices=1)
    twice = jaxgan.fit(small, tmp_path / "x2", quiet=True)
    larger = dataclasses.replace(data, factor=4)

    def four_times(**fields):
        system = dataclasses.replace(small.system, smaller=str(tmp_path / "x2"), **fields)
        return dataclasses.replace(small, system=system, data=larger, steps=1)

    still = jaxgan.fit(four_times(learning_rate=1e-9), tmp_path / "x4", quiet=True).state.networks["G"].params
    learnt = twice.state.networks["G"].params
    assert set(still) - set(learnt) == {"larger_1"}
    for name, layer in learnt.items():
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-8), still[name], layer)
    with pytest.raises(UserError, match="no EDSR of the same width"):
        jaxgan.fit(four_times(width=8), tmp_path / "wide", quiet=True)
    with pytest.raises(UserError, match=r"system\.smaller is nowhere"):
        jaxgan.fit(dataclasses.replace(four_times(), system=EDSR(smaller="nowhere")), tmp_path / "none", quiet=True)


@pytest.mark.parity
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_the_formula_in_pytorch(scale):
    """The paper's figure 3 and the authors' values of 0 to 255, written in PyTorch with these weights."""
    import torch
    from torch.nn import functional as F

    module = EnhancedResidual(scale, 8, 2, 0.1, jnp.float32)
    pictures = np.random.default_rng(1).uniform(-1, 1, (2, 7, 9, 3)).astype(np.float32)
    variables = jax.jit(module.init)(jax.random.key(0), pictures)
    ours = np.asarray(jax.jit(module.apply)(variables, pictures))
    weights = {
        name: [torch.tensor(np.asarray(a)) for a in (layer["kernel"].transpose(3, 2, 0, 1), layer["bias"])]
        for name, layer in variables["params"].items()
    }

    def conv(x, name):
        return F.conv2d(x, *weights[name], padding=1)

    mean = 255 * torch.tensor([0.4488, 0.4371, 0.4040]).reshape(1, 3, 1, 1)
    x = torch.tensor((pictures + 1) * 127.5).permute(0, 3, 1, 2) - mean
    head = x = conv(x, "first")
    for i in range(2):
        x = x + 0.1 * conv(torch.relu(conv(x, f"block_{i}_0")), f"block_{i}_1")
    x = head + conv(x, "after")
    for i, factor in enumerate({2: (2,), 3: (3,), 4: (2, 2)}[scale]):
        x = F.pixel_shuffle(conv(x, f"larger_{i}"), factor)
    theirs = (conv(x, "last") + mean).permute(0, 2, 3, 1).numpy() / 127.5 - 1
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
