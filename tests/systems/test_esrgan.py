"""ESRGAN and Real-ESRGAN: losses by hand, both stages to the bit, interpolation, their networks beside PyTorch's."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

import jaxgan
from jaxgan import rows
from jaxgan.cli import main
from jaxgan.data import Photographs
from jaxgan.data.degradations import Jpeg
from jaxgan.networks.rrdb import RRDB, Compact, Halving, UNetJudge, dense_block
from jaxgan.systems.esrgan import ESRGAN, sharpened
from tests.systems.enlarging import SCALE, SIDE, SPEC, batch, check_the_first_stage_is_kept, context

ESRGAN_ = ESRGAN(network=Compact(width=4, layers=1), judge_network=Halving(width=2), pretraining=1).resolve(SPEC)
REAL = dataclasses.replace(ESRGAN_, judge_network=UNetJudge(width=2), relativistic=False, sharpened=True, l1=1.0)


def test_the_papers_numbers():
    """Parameters of the generators, by the papers' figures and the files that there are of them."""
    counts = {
        RRDB().module(4, jnp.float32): 16_697_987,
        RRDB(blocks=6).module(4, jnp.float32): 4_467_779,
        Compact().module(4, jnp.float32): 621_424,
    }
    for module, count in counts.items():
        shapes = jax.eval_shape(lambda m=module: m.init(jax.random.key(0), jnp.zeros((1, 8, 8, 3)), "batch"))
        assert sum(leaf.size for leaf in jax.tree.leaves(shapes["params"])) == count


@pytest.mark.slow
def test_weights_of_the_first_stage_are_kept():
    check_the_first_stage_is_kept(ESRGAN_)


def test_esrgans_losses_by_hand():
    """Relativistic average, halved, on both sides; and Real-ESRGAN's: plain, with the distance to what is sharpened."""
    c = context(ESRGAN_)

    def passes():
        made, _ = ESRGAN_.enlarge(c.variables, c.batch["input"], "batch")
        real, fake, _ = ESRGAN_.judge_both(c.variables, c.batch["image"], made)
        return made, real, fake, ESRGAN_.discriminator_loss(c)[0], ESRGAN_.generator_loss(c)[0]

    made, real, fake, d, g = map(np.float64, jax.jit(rows.solo(passes))())
    plus = lambda x: np.log1p(np.exp(x)).mean()  # noqa: E731
    assert d == pytest.approx(0.5 * (plus(fake.mean() - real) + plus(fake - real.mean())), rel=1e-5)
    distance = np.abs(made - c.batch["image"]).mean()
    assert g == pytest.approx(
        1e-2 * distance + 5e-3 * 0.5 * (plus(real.mean() - fake) + plus(real - fake.mean())), rel=1e-5
    )

    c = context(REAL)

    def again():
        made, _ = REAL.enlarge(c.variables, c.batch["input"], "batch")
        real, fake, _ = REAL.judge_both(c.variables, c.batch["image"], made)
        return made, real, fake, REAL.discriminator_loss(c)[0], REAL.generator_loss(c)[0], sharpened(c.batch["image"])

    made, real, fake, d, g, wanted = map(np.float64, jax.jit(rows.solo(again))())
    assert fake.shape == (4, SCALE * SIDE, SCALE * SIDE)
    assert d == pytest.approx(plus(-real) + plus(fake), rel=1e-5)
    assert g == pytest.approx(np.abs(made - wanted).mean() + 5e-3 * plus(-fake), rel=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("system", [ESRGAN_, REAL], ids=["ESRGAN", "Real-ESRGAN"])
def test_eight_devices_equal_one(system, eight_devices_equal_one):
    """The second stage, whose means are over all rows."""
    eight_devices_equal_one(dataclasses.replace(system, pretraining=0), batch(), tolerance=1e-5, wide=True)


@pytest.mark.slow
def test_a_loop_over_blocks_is_the_blocks():
    """What compiles fast and what trains fast are the same function."""
    module = RRDB(width=4, growth=2, blocks=3).module(2, jnp.float32)
    pictures = batch()["input"]
    variables = jax.jit(lambda: module.init(jax.random.key(0), pictures, "batch"))()
    looped, unrolled = (jax.jit(lambda m=mode: module.apply(variables, pictures, m))() for mode in ("running", "batch"))
    np.testing.assert_allclose(looped, unrolled, atol=1e-6)


@pytest.mark.slow
def test_trained_resumed_and_interpolated(tmp_path, monkeypatch, capsys):
    """Through both stages in one go and stopped between them, to the bit; pictures between both by the command line."""
    monkeypatch.setenv("JAXGAN_CACHE", str(tmp_path / "cache"))
    (tmp_path / "photos").mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (48, 40, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photos" / "a.png")
    data = Photographs(path=str(tmp_path / "photos"), size=16, factor=2, degradation=Jpeg())
    system = ESRGAN(
        network=Compact(width=4, layers=1),
        judge_network=Halving(width=2),
        pretraining=2,
        pretraining_rate=0.01,
        learning_rate=0.01,
    )
    experiment = jaxgan.Experiment(system=system, data=data, batch_size=4, steps=4, devices=1)
    run = jaxgan.fit(experiment, tmp_path / "run", quiet=True)
    jaxgan.fit(dataclasses.replace(experiment, steps=2), tmp_path / "again", quiet=True)
    again = jaxgan.fit(experiment, tmp_path / "again", quiet=True)
    jax.tree.map(np.testing.assert_array_equal, run.state.networks, again.state.networks)
    Image.fromarray(pixels).save(tmp_path / "in.png")
    made = []
    for amount in ("0", "0.5", "1"):
        words = [str(tmp_path / "run"), str(tmp_path / "in.png"), str(tmp_path / "out.png"), "--interpolate", amount]
        assert main(["upscale", *words]) == 0
        made.append(np.asarray(Image.open(tmp_path / "out.png"), float))
    assert np.abs(made[0] - made[2]).max() > 1
    assert np.abs(made[1] - (made[0] + made[2]) / 2).mean() < np.abs(made[0] - made[2]).mean() / 4
    assert main(["upscale", str(tmp_path / "run"), str(tmp_path / "in.png"), str(tmp_path / "out.png")]) == 0
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "out.png")), made[2])
    # The first stage's run is the smooth end, as well as what the whole run kept of it.
    jaxgan.fit(dataclasses.replace(experiment, steps=2), tmp_path / "smooth", quiet=True)
    between = [*words[:-1], "0.5", "--smooth", str(tmp_path / "smooth")]
    assert main(["upscale", *between]) == 0
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "out.png")), made[1])
    other = dataclasses.replace(
        experiment, steps=1, system=dataclasses.replace(system, network=Compact(width=2, layers=1))
    )
    jaxgan.fit(other, tmp_path / "other", quiet=True)
    assert main(["upscale", *words[:-1], "0.5", "--smooth", str(tmp_path / "other")]) == 2
    assert "has another generator than" in capsys.readouterr().err
    assert main(["upscale", *words[:-2], "--smooth", str(tmp_path / "smooth")]) == 2
    assert "--smooth is one end of what --interpolate goes between" in capsys.readouterr().err
    assert main(["upscale", *words[:-1], "1.5"]) == 2
    assert "--interpolate 1.5: it must be from 0 to 1" in capsys.readouterr().err


def test_a_dense_block_is_the_papers():
    """Each convolution sees all before it."""
    random = np.random.default_rng(0)
    x = random.normal(size=(2, 5, 6, 4)).astype(np.float32)
    weights = {
        f"conv_{k}": {
            "kernel": random.normal(size=(3, 3, 4 + 2 * (k - 1), 2 if k < 5 else 4)).astype(np.float32) / 5,
            "bias": random.normal(size=2 if k < 5 else 4).astype(np.float32),
        }
        for k in range(1, 6)
    }

    def plain():
        known = [x]
        for k in range(1, 6):
            conv = weights[f"conv_{k}"]
            dimensions = ("NHWC", "HWIO", "NHWC")
            y = jax.lax.conv_general_dilated(
                jnp.concatenate(known, -1), conv["kernel"], (1, 1), "SAME", dimension_numbers=dimensions
            )
            known.append(jax.nn.leaky_relu(y + conv["bias"], 0.2) if k < 5 else y + conv["bias"])
        return x + 0.2 * known[-1]

    np.testing.assert_allclose(jax.jit(lambda: dense_block(weights, x))(), jax.jit(plain)(), atol=1e-5)


def test_sharpened():
    """A soft edge becomes steeper, and what is nearly flat stays: noise is not made louder."""
    edge = np.tile(np.clip(np.linspace(-3, 3, 64), -0.6, 0.6).astype(np.float32)[None, None, :, None], (1, 64, 1, 3))
    made = np.asarray(sharpened(edge))
    assert made[0, 32, 40, 0] > edge[0, 32, 40, 0] + 0.02
    assert made[0, 32, 23, 0] < edge[0, 32, 23, 0] - 0.02
    flat = edge * 0.01
    np.testing.assert_allclose(sharpened(flat), flat, atol=1e-6)


@pytest.mark.parity
def test_the_u_net_beside_pytorch():
    """Real-ESRGAN's discriminator by its code's formula: sums for skips, bilinear enlargements, spectral norm inside."""
    import torch
    from torch.nn import functional as F

    pictures = batch(2)["image"]
    module = UNetJudge(width=4).module(jnp.float32)
    variables = jax.jit(lambda: module.init(jax.random.key(0), pictures, "batch"))()
    ours = np.asarray(jax.jit(lambda: module.apply(variables, pictures, "batch"))())
    params = variables["params"]

    def conv(x, name, stride=1):
        kernel = torch.tensor(np.asarray(params[name]["kernel"]).transpose(3, 2, 0, 1).copy())
        if f"{name}_sigma" in variables["spectral"]:  # one turn of the power iteration, from where it is
            u = np.asarray(variables["spectral"][f"{name}_sigma"][f"{name}/kernel/u"])[0]
            matrix = np.asarray(params[name]["kernel"]).reshape(-1, len(u))
            v = matrix @ u / np.linalg.norm(matrix @ u)
            kernel = kernel / float(np.linalg.norm(matrix.T @ v))
        bias = torch.tensor(np.asarray(params[name]["bias"])) if "bias" in params[name] else None
        return F.conv2d(x, kernel, bias, stride=stride, padding=1)

    def leaky(x):
        return F.leaky_relu(x, 0.2)

    def larger(x):
        return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)

    x0 = leaky(conv(torch.tensor(pictures).permute(0, 3, 1, 2), "conv0"))
    x1 = leaky(conv(x0, "conv1", 2))
    x2 = leaky(conv(x1, "conv2", 2))
    x3 = leaky(conv(x2, "conv3", 2))
    x = leaky(conv(larger(x3), "conv4")) + x2
    x = leaky(conv(larger(x), "conv5")) + x1
    x = leaky(conv(larger(x), "conv6")) + x0
    theirs = conv(leaky(conv(leaky(conv(x, "conv7")), "conv8")), "conv9")[:, 0].numpy()
    assert theirs.shape == ours.shape
    np.testing.assert_allclose(ours, theirs, atol=1e-4 * np.abs(theirs).max())
