"""SRGAN: its stages, its losses by hand, what is kept of the first stage, its generator beside PyTorch's."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan import rows
from jaxgan.metrics import vgg
from jaxgan.metrics.vgg import vgg_maps
from jaxgan.networks.upscaling import SRResNet, Strided
from jaxgan.systems.srgan import SRGAN
from tests.systems.enlarging import SPEC, batch, check_the_first_stage_is_kept, context

SRGAN_ = SRGAN(width=4, blocks=1, discriminator_width=2, pretraining=1).resolve(SPEC)


def test_first_the_distance_then_the_game():
    """The generator alone for `pretraining` steps; then its weights are kept, once, and both play."""
    system = dataclasses.replace(SRGAN_, pretraining=3)
    assert [dict(system.plan(step)) for step in (0, 2)] == [{"pretraining": 1}] * 2
    assert dict(system.plan(3)) == {"keep": 1, "discriminator": 1, "generator": 1}
    assert dict(system.plan(4)) == {"discriminator": 1, "generator": 1}
    without = dataclasses.replace(SRGAN_, pretraining=0)
    assert dict(without.plan(0)) == {"discriminator": 1, "generator": 1}


@pytest.mark.slow
def test_weights_of_the_first_stage_are_kept():
    check_the_first_stage_is_kept(SRGAN_)


def test_srgans_losses_by_hand():
    c = context(SRGAN_)

    def passes():
        made, _ = SRGAN_.enlarge(c.variables, c.batch["input"], "batch")
        real, fake, _ = SRGAN_.judge_both(c.variables, c.batch["image"], made)
        return (
            made,
            real,
            fake,
            *(f(c)[0] for f in (SRGAN_.pretraining_loss, SRGAN_.discriminator_loss, SRGAN_.generator_loss)),
        )

    made, real, fake, first, d, g = map(np.float64, jax.jit(rows.solo(passes))())
    distance = np.square(made - c.batch["image"]).mean()
    assert first == pytest.approx(distance, rel=1e-5)
    assert d == pytest.approx(np.log1p(np.exp(-real)).mean() + np.log1p(np.exp(fake)).mean(), rel=1e-5)
    assert g == pytest.approx(distance + 1e-3 * np.log1p(np.exp(-fake)).mean(), rel=1e-5)


def test_vgg_sees_a_part(monkeypatch):
    """With VGG's weights their maps are compared, of as many pixels as are asked for at a place of its own in each picture, and
    not the pictures."""
    monkeypatch.setattr(vgg, "BLOCKS", ((4, 2), (4, 2)))
    features = jax.jit(lambda: vgg.VGG16().init(jax.random.key(0), jnp.zeros((1, 32, 32, 3))))()
    system = dataclasses.replace(SRGAN_, vgg="vgg16.pth", vgg_size=6, layer="relu2_2", content=0.5)
    c = context(system)
    c = dataclasses.replace(c, variables={**c.variables, "features": features})

    def losses():
        made, _ = system.enlarge(c.variables, c.batch["input"], "batch")
        wanted = c.batch["image"]
        ((ours, theirs),) = system.maps(c, made, wanted)
        # Every place that there is, of the first picture and of the second.
        places = [(down, across) for down in range(16) for across in range(16)]
        cut = [
            jnp.stack([jnp.roll(x, (-d, -a), (1, 2))[:, :6, :6] for d, a in places]).reshape(-1, 6, 6, 3)
            for x in (made, wanted)
        ]
        either = [vgg_maps(features, x, ("relu2_2",))[0].reshape(len(places), *ours.shape) for x in cut]
        return ours, theirs, system.generator_loss(c)[1].metrics["content"], either

    ours, theirs, content, (of_made, of_wanted) = jax.tree.map(np.float64, jax.jit(rows.solo(losses))())
    assert ours.shape[1:3] == (3, 3)  # halved once
    assert content == pytest.approx(0.5 * np.square(ours - theirs).mean(), rel=1e-5)
    found = []
    for row in range(len(ours)):
        apart = [np.abs(own[:, row] - x[row]).max((1, 2, 3)) for own, x in ((of_made, ours), (of_wanted, theirs))]
        found.append(int(apart[0].argmin()))
        assert apart[0].argmin() == apart[1].argmin()
        assert max(apart[0].min(), apart[1].min()) < 1e-5
    assert len(set(found)) > 1


@pytest.mark.slow
def test_eight_devices_equal_one(eight_devices_equal_one):
    """The second stage, whose means are over all rows."""
    eight_devices_equal_one(dataclasses.replace(SRGAN_, pretraining=0), batch(), wide=True)


@pytest.mark.parity
def test_networks_beside_pytorch():
    """SRResNet's and SRGAN's discriminator's formula, with these weights; BatchNorm by running statistics."""
    import torch
    from torch.nn import functional as F

    pictures = batch(2)["input"]
    module = SRResNet(4, 8, 2, jnp.float32)
    variables = jax.jit(lambda: module.init(jax.random.key(0), pictures, "batch"))()
    random = np.random.default_rng(2)
    variables = jax.tree.map(lambda leaf: np.float32(leaf + 0.1 * random.random(leaf.shape)), variables)
    ours = np.asarray(jax.jit(lambda: module.apply(variables, pictures, "running"))())
    params, statistics = variables["params"], variables["batch_stats"]

    def conv(x, name, layers=params, **options):
        bias = torch.tensor(layers[name]["bias"]) if "bias" in layers[name] else None
        kernel = torch.tensor(layers[name]["kernel"].transpose(3, 2, 0, 1).copy())
        return F.conv2d(x, kernel, bias, padding=options.pop("padding", kernel.shape[-1] // 2), **options)

    def norm(x, name):
        mean, var = (torch.tensor(statistics[name][kind]) for kind in ("mean", "var"))
        return F.batch_norm(x, mean, var, torch.tensor(params[name]["scale"]), torch.tensor(params[name]["bias"]))

    def prelu(x, name):
        return F.prelu(x, torch.tensor(params[name]["slope"]))

    x = torch.tensor((pictures + 1) / 2).permute(0, 3, 1, 2)
    x = first = prelu(conv(x, "first"), "first_prelu")
    for i in range(2):
        inner = prelu(norm(conv(x, f"block_{i}_0"), f"block_{i}_0_norm"), f"block_{i}_prelu")
        x = x + norm(conv(inner, f"block_{i}_1"), f"block_{i}_1_norm")
    x = first + norm(conv(x, "after"), "after_norm")
    for i in range(2):
        x = prelu(F.pixel_shuffle(conv(x, f"larger_{i}"), 2), f"larger_{i}_prelu")
    theirs = conv(x, "last").permute(0, 2, 3, 1).numpy()
    np.testing.assert_allclose(ours, theirs, atol=1e-4 * np.abs(theirs).max())

    module = Strided(2, jnp.float32)
    large = batch(2)["image"]
    variables = jax.jit(lambda: module.init(jax.random.key(0), large, "batch"))()
    shapes = [variables["params"][f"conv_{i}"]["kernel"].shape for i in range(8)]
    assert [shape[-1] for shape in shapes] == [2, 2, 4, 4, 8, 8, 16, 16]
    assert variables["params"]["dense_0"]["kernel"].shape == (1 * 1 * 16, 32)
