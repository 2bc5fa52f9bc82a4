"""FastGAN: skip-layer excitation, a discriminator that draws real pictures again, at two sizes."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan import rows
from jaxgan.data import Spec
from jaxgan.errors import UserError
from jaxgan.losses import adversarial
from jaxgan.metrics import vgg
from jaxgan.networks import fast, projected
from jaxgan.networks.augmentation import Augmentation
from jaxgan.systems.fastgan import FastGAN
from jaxgan.training.step import initial_state
from tests.systems.conftest import step_once

TINY = FastGAN(latent_dim=4, width=2, discriminator_width=2, ema=0.9)


def pictures(count=4, side=32):
    return np.random.default_rng(0).uniform(-1, 1, (count, side, side, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def stepped():
    return step_once(TINY, {"image": pictures()}, 1)


@pytest.mark.slow
def test_one_step(stepped):
    start, after, metrics = stepped
    assert all(np.isfinite(value) for value in metrics.values())
    # Scores begin at 0, margins are 0.9 on average, and three decoders draw nothing yet.
    drawn = metrics["discriminator/drawn_again"]
    assert metrics["discriminator/loss"] - drawn == pytest.approx(1.8, abs=0.1)
    assert drawn == pytest.approx(3 * np.abs(pictures()).mean(), rel=0.5)
    for network in ("G", "D"):
        for one, other in zip(
            jax.tree.leaves(start.networks[network]), jax.tree.leaves(after.networks[network]), strict=True
        ):
            assert np.isfinite(other).all()
            assert one.shape == other.shape
    for name in ("batch_stats", "spectral"):
        jax.tree.map(np.testing.assert_array_equal, after.networks["G"].ema[name], after.networks["G"].variables[name])


@pytest.mark.slow
def test_the_decoders_learn_with_the_discriminator_and_from_real_pictures_alone(stepped):
    start, after, _ = stepped
    for name in ("decoder_whole", "decoder_small", "decoder_part"):
        before, now = start.networks["D"].params[name], after.networks["D"].params[name]
        moved = jax.tree.map(lambda a, b: not np.array_equal(a, b), before, now)
        assert all(jax.tree.leaves(moved))
    assert not any("decoder" in name for name in after.networks["G"].params)


@pytest.mark.slow
def test_a_latent_is_one_picture(stepped):
    _, after, _ = stepped
    variables = {name: {"params": n.params, **n.variables} for name, n in after.networks.items()}
    decode = jax.jit(rows.solo(lambda z: TINY.decode(variables, z, {"image": pictures()})))
    z = np.random.default_rng(1).normal(size=(4, 4)).astype(np.float32)
    made = decode(z)
    assert made.shape == (4, 32, 32, 3)
    assert np.abs(made).max() <= 1
    np.testing.assert_allclose(decode(z[::-1])[::-1], made, atol=1e-6)  # whatever its neighbours are


def test_the_papers_architecture():
    """Of 256 pixels: channels, which map weights which, and five by five logits of either size."""
    generator, judge = fast.Generator(jnp.float32, 256), fast.Discriminator(jnp.float32)
    z, corner = jnp.zeros((2, 256)), jnp.zeros(2, jnp.int32)
    (large, small), variables = jax.eval_shape(lambda: generator.init_with_output(jax.random.key(0), z, "batch", None))
    assert (large.shape, small.shape) == ((2, 256, 256, 3), (2, 128, 128, 3))
    params = variables["params"]
    features = {name: leaf["Conv_0"]["kernel"].shape[-1] // 2 for name, leaf in params.items() if name.startswith("up")}
    assert features == {"up8": 512, "up16": 256, "up32": 128, "up64": 128, "up128": 64, "up256": 32}
    weighted = {name: leaf["Conv_0"]["kernel"].shape[-2:] for name, leaf in params.items() if name.startswith("excite")}
    assert weighted == {"excite64": (1024, 128), "excite128": (512, 64), "excite256": (256, 32)}
    (logits, drawn), variables = jax.eval_shape(
        lambda: judge.init_with_output(
            jax.random.key(0), jnp.zeros(large.shape), jnp.zeros(small.shape), "batch", corner
        )
    )
    assert logits.shape == (2, 50)
    assert [part.shape for part in drawn] == [(2, 128, 128, 3)] * 3
    weighted = {n: p["Conv_0"]["kernel"].shape[-2:] for n, p in variables["params"].items() if n.startswith("excite")}
    assert weighted == {"excite32": (16, 128), "excite16": (32, 256), "excite8": (64, 512)}


def test_margins_and_quarters():
    real, fake, margins = np.random.default_rng(0).normal(size=(3, 8))
    expected = np.maximum(0, margins - real).mean() + np.maximum(0, 0.8 + fake).mean()
    found = adversarial.hinge_discriminator_loss(jnp.array(real), jnp.array(fake), margins=(jnp.array(margins), 0.8))
    assert float(found) == pytest.approx(expected, rel=1e-6)
    images = pictures(4, 8)
    cut = fast.quarter(jnp.array(images), jnp.array([0, 1, 2, 3]))
    corners = [
        (slice(0, 4), slice(0, 4)),
        (slice(0, 4), slice(4, 8)),
        (slice(4, 8), slice(0, 4)),
        (slice(4, 8), slice(4, 8)),
    ]
    for number, place in enumerate(corners):
        np.testing.assert_array_equal(cut[number], images[number][place])


def test_excitation():
    """By hand: a 4x4 convolution of the 4x4 map, swish, 1x1, sigmoid."""
    module = fast.Excitation(jnp.float32, 8)
    small = jnp.array(np.random.default_rng(1).normal(size=(2, 4, 4, 6)), jnp.float32)
    own = jax.tree.map(lambda leaf: 10 * leaf, module.init(jax.random.key(0), small))
    kernels = [own["params"][f"Conv_{number}"]["kernel"] for number in (0, 1)]
    us = [own["spectral"][f"SpectralNorm_{number}"][f"Conv_{number}/kernel/u"] for number in (0, 1)]

    def normed(kernel, u):
        flat = np.asarray(kernel).reshape(-1, kernel.shape[-1])
        v = np.asarray(u) @ flat.T
        return flat / np.linalg.norm(v / np.linalg.norm(v) @ flat)

    first, second = map(normed, kernels, us)
    hidden = np.asarray(small).reshape(2, -1) @ first
    expected = 1 / (1 + np.exp(-(hidden / (1 + np.exp(-hidden))) @ second))
    np.testing.assert_allclose(module.apply(own, small)[:, 0, 0], expected, rtol=1e-4)


def test_what_it_refuses():
    seen = Spec({"image": np.zeros((32, 32, 3), np.float32)})
    with pytest.raises(UserError, match="pictures of 64 pixels or more"):
        dataclasses.replace(TINY, projected="vgg16.pth").resolve(seen)
    with pytest.raises(UserError, match=r"leave out --system\.vgg16"):
        dataclasses.replace(TINY, projected="vgg16.pth", vgg16="vgg16.pth").resolve(seen)
    for shape in ((48, 48, 3), (32, 64, 3), (16, 16, 3)):
        with pytest.raises(UserError, match="a side of 32, 64"):
            TINY.resolve(Spec({"image": np.zeros(shape, np.float32)}))


@pytest.mark.slow
def test_large_pictures_begin_with_strides():
    system = dataclasses.replace(TINY, width=4, discriminator_width=4)
    image = {"image": np.zeros((1, 1024, 1024, 1), np.float32)}
    state = jax.eval_shape(lambda: initial_state(system, 0, image))
    assert state.networks["D"].params["down128"]["Conv_0"]["kernel"].shape == (4, 4, 1, 2)


@pytest.mark.slow
@pytest.mark.eight_devices
def test_eight_devices_equal_one(eight_devices_equal_one):
    eight_devices_equal_one(TINY, {"image": pictures(16)}, wide=True)


def maps_of(count, side, channels):
    random = np.random.default_rng(0)
    return tuple(
        jnp.array(random.normal(size=(count, side >> i, side >> i, c)), jnp.float32) for i, c in enumerate(channels)
    )


@pytest.mark.parity
def test_the_projected_discriminator_is_the_reference_s():
    """Its formula in PyTorch: channels mixed, scales mixed from the smallest up, a discriminator for each."""
    import torch
    from torch.nn import functional

    maps, module = maps_of(2, 32, (3, 4, 5, 6)), projected.Projected(width=2)
    variables = module.init(jax.random.key(0), maps, "batch")
    judged = rows.solo(lambda: module.apply(variables, maps, "batch", mutable=["batch_stats", "spectral"]))
    logits, changed = jax.jit(judged)()
    assert logits.shape == (2, 100)
    assert set(changed) == {"batch_stats", "spectral"}  # and "random" is not

    def mix(x, name):
        own = variables["random"][name]
        return functional.conv2d(
            x, torch.tensor(np.array(own["kernel"])).T[:, :, None, None], torch.tensor(np.array(own["bias"]))
        )

    def normed(judge, number):
        kernel = np.array(variables["params"][judge][f"Conv_{number}"]["kernel"])
        u = np.array(variables["spectral"][judge][f"SpectralNorm_{number}"][f"Conv_{number}/kernel/u"])
        flat = kernel.reshape(-1, kernel.shape[-1])
        v = (u @ flat.T) / np.linalg.norm(u @ flat.T)
        return torch.tensor((kernel / np.linalg.norm(v @ flat)).transpose(3, 2, 0, 1))

    x, found = 0, []
    for number in (3, 2, 1, 0):
        own = torch.tensor(np.array(maps[number])).permute(0, 3, 1, 2)
        x = x + mix(own / own.square().mean((1, 2, 3), keepdim=True).sqrt(), f"channels{number}")
        x = functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)
        x = y = mix(x, f"scales{number}")
        layer = 0
        while y.shape[2] > 8:
            y = functional.conv2d(y, normed(f"judge{number}", layer), stride=2, padding=1)
            y, layer = functional.leaky_relu(functional.batch_norm(y, None, None, training=True), 0.2), layer + 1
        found.insert(0, functional.conv2d(y, normed(f"judge{number}", layer)).flatten(1))
    np.testing.assert_allclose(logits, torch.cat(found, 1), atol=1e-4)


@pytest.mark.slow
def test_random_weights_stay_while_the_discriminators_learn(tmp_path, monkeypatch):
    """With a file of VGG16 in hand; the loss is the hinge's of margin 1, and nothing is drawn again."""
    monkeypatch.setattr(vgg, "BLOCKS", tuple((4, 1) for _ in vgg.BLOCKS))
    monkeypatch.setattr(vgg, "read_vgg16", lambda path: (None, small_vgg16()))
    system = dataclasses.replace(TINY, projected="vgg16.pth", augmentation=Augmentation())
    images = {"image": pictures(4, 64)}
    start, after, metrics = step_once(system, images, 1)
    assert "discriminator/drawn_again" not in metrics
    before, now = start.networks["D"], after.networks["D"]
    jax.tree.map(np.testing.assert_array_equal, before.variables["random"], now.variables["random"])
    assert all(jax.tree.leaves(jax.tree.map(lambda a, b: not np.array_equal(a, b), before.params, now.params)))
    assert any(
        jax.tree.leaves(
            jax.tree.map(lambda a, b: not np.array_equal(a, b), start.networks["G"].params, after.networks["G"].params)
        )
    )


def small_vgg16():
    shape = jnp.zeros((1, 32, 32, 3))
    variables = vgg.VGG16().init(jax.random.key(0), shape)
    return {"params": variables["params"], "constants": variables["constants"]}
