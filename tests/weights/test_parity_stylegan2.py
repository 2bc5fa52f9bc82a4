"""StyleGAN2 out of the files of two codes, beside its formulas in plain PyTorch."""

import jax
import numpy as np
import pytest

from jaxgan import rows
from jaxgan.weights import stylegan2_nvidia, stylegan2_pytorch, torch_files
from jaxgan.weights.layers import write_network
from tests.weights.stylegan2_files import made_here, nvidia_pickle, variables_of

pytestmark = pytest.mark.parity

TOLERANCE = 1e-4
"""Largest difference of pictures, whose values go to 12 here, and of logits, which go to 16."""


def close(found, expected, what):
    expected = np.asarray(expected)
    difference = np.abs(np.asarray(found) - expected).max()
    print(f"{what}: {difference:.1e} of {np.abs(expected).max():.1f}")
    assert expected.std() > 0.05, "the output shows nothing of the weights"
    assert difference < TOLERANCE, what


def contrasts(count, side):
    """Pictures of noise, each of another contrast, which a discriminator tells from each other."""
    pictures = np.random.default_rng(1).normal(size=(count, side, side, 3)).astype(np.float32)
    return pictures * np.linspace(0.2, 2, count, dtype=np.float32)[:, None, None, None]


def judged_here(system, variables, pictures, labels):
    judge = system.judge(np.float32)
    return jax.jit(rows.solo(lambda x: judge.apply(variables["D"], x, labels)))(pictures)


@pytest.mark.parametrize(("kind", "judge"), [("skip", "resnet"), ("resnet", "skip"), ("orig", "orig")])
@pytest.mark.parametrize("labels", [False, True])
def test_nvidias_networks(tmp_path, kind, judge, labels):
    import torch

    from tests.weights import pytorch_stylegan2 as theirs

    generator, discriminator = theirs.nvidia_generator(kind, labels), theirs.nvidia_discriminator(judge, labels)
    path = tmp_path / "network-snapshot-000100.pkl"
    raw = {name: torch.zeros_like(tensor) for name, tensor in generator.items()}
    networks = {"G": raw, "D": discriminator, "G_ema": generator}
    trace = nvidia_pickle(path, networks, {"D": {"epilogue_kwargs": {"mbstd_group_size": 8}}})
    recognised, variables = variables_of(stylegan2_nvidia, path)
    assert not trace.exists()
    system, side = recognised.system, theirs.SIDES[-1]
    assert (recognised.size, recognised.channels, recognised.classes) == (side, 3, theirs.CLASSES if labels else 0)
    assert (system.generator, system.discriminator, system.group) == (kind, judge, 8)
    assert (system.latent_dim, system.style_dim, system.mapping_layers) == (theirs.LATENT, theirs.STYLE, theirs.MAPPING)
    assert (system.channel_base, system.width) == (256, 12)
    assert set(variables) == {"G", "D"}

    random = np.random.default_rng(0)
    z = random.normal(size=(4, theirs.LATENT)).astype(np.float32)
    numbers = np.array([0, 3, 1, 4]) if labels else None
    hot = torch.eye(theirs.CLASSES)[numbers] if labels else None
    psis = (1.0, 0.6)
    for psi, made in zip(psis, made_here(system, variables, z, numbers, (side, side, 3), *psis), strict=True):
        expected = theirs.nvidia_generated(generator, torch.from_numpy(z), hot, psi).permute(0, 2, 3, 1)
        close(made, expected, f"pictures, psi {psi}")

    pictures = contrasts(8, side)
    eight = None if hot is None else hot.repeat(2, 1)
    logits = judged_here(system, variables, pictures, None if numbers is None else np.tile(numbers, 2))
    expected = theirs.nvidia_judged(discriminator, torch.from_numpy(pictures).permute(0, 3, 1, 2), eight)
    close(logits, expected, "logits")


@pytest.mark.parametrize("zipped", [True, False])
def test_rosinalitys_networks(tmp_path, zipped):
    import argparse

    import torch

    from tests.weights import pytorch_stylegan2 as theirs

    generator, discriminator = theirs.nvidia_generator("skip", False), theirs.nvidia_discriminator("resnet", False)
    path, side = tmp_path / "550000.pt", theirs.SIDES[-1]
    saved = {
        "g": {"style.1.weight": torch.zeros(1)},
        "d": theirs.rosinality_discriminator(discriminator),
        "g_ema": theirs.rosinality_generator(generator),
        "latent_avg": generator["mapping.w_avg"],
        "g_optim": {"state": {0: {"step": 3, "exp_avg": torch.zeros(2)}}, "param_groups": [{"lr": 0.1}]},
        "args": argparse.Namespace(size=side, path="x"),
        "ada_aug_p": 0.1,
    }
    torch.save(saved, path, _use_new_zipfile_serialization=zipped)
    recognised, variables = variables_of(stylegan2_pytorch, path)
    z = np.random.default_rng(0).normal(size=(4, theirs.LATENT)).astype(np.float32)
    psis = (1.0, 0.6)
    for psi, made in zip(psis, made_here(recognised.system, variables, z, None, (side, side, 3), *psis), strict=True):
        expected = theirs.nvidia_generated(generator, torch.from_numpy(z), psi=psi).permute(0, 2, 3, 1)
        close(made, expected, f"pictures, psi {psi}")
    pictures = contrasts(4, side)
    logits = judged_here(recognised.system, variables, pictures, None)
    close(logits, theirs.nvidia_judged(discriminator, torch.from_numpy(pictures).permute(0, 3, 1, 2)), "logits")

    # What is written is what was read, tensor by tensor, and PyTorch loads it without running anything.
    shape = (side, side, 3)
    tensors = {
        name: write_network(variables[name], stylegan2_pytorch.layers(recognised.system, shape, name))[0]
        for name in ("G", "D")
    }
    (tmp_path / "again.pt").write_bytes(torch_files.write(stylegan2_pytorch.checkpoint(tensors)))
    again = torch.load(tmp_path / "again.pt", weights_only=True)
    assert set(again) == {"g_ema", "d", "latent_avg"}
    assert torch.equal(again["latent_avg"], saved["latent_avg"])
    for part in ("g_ema", "d"):
        assert set(again[part]) == set(saved[part])
        assert all(torch.equal(again[part][name], tensor) for name, tensor in saved[part].items())
