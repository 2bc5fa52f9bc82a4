"""StyleGAN2 out of other people's files: beside PyTorch, into a file and back, and what is refused."""

import importlib
import pickle
import sys
import types

import jax
import numpy as np
import pytest

from jaxgan import rows
from jaxgan.errors import UserError
from jaxgan.systems.stylegan2 import StyleGAN2
from jaxgan.weights import import_weights, stylegan2_nvidia, stylegan2_pytorch, torch_files
from jaxgan.weights.file import read_file
from jaxgan.weights.layers import read_network, write_network

TOLERANCE = 1e-4
"""Largest difference of pictures, relative to their largest value where that is above 1, and of logits."""


def variables_of(format, path):
    """The system, and by network the variables, that a file gives."""
    contents = read_file(path)
    recognised = format.recognise(format.networks_in(contents), None)
    shape = (recognised.size, recognised.size, recognised.channels)
    shapes = shapes_of(recognised.system, shape)
    return recognised, {
        name: read_network(shapes[name], weights, format.layers(recognised.system, shape, name))
        for name, weights in recognised.files.items()
    }


def shapes_of(system, shape):
    batch = {"image": np.zeros((4, *shape), np.float32), "label": np.zeros(4, np.int32)}
    batch = {name: batch[name] for name in system.reads}
    return jax.eval_shape(rows.solo(lambda: system.init_variables(jax.random.key(0), batch)))


def sentence(call, *arguments):
    with pytest.raises(UserError) as caught:
        call(*arguments)
    return str(caught.value)


class Stand:
    """A module of NVIDIA's code, pickled as there; the source in it would say so if it were run."""

    def __init__(self, state, reconstruct, trace):
        self.state, self.reconstruct, self.trace = state, reconstruct, trace

    def __reduce__(self):
        source = f"open({str(self.trace)!r}, 'w')"
        return self.reconstruct, (
            {"type": "class", "version": 6, "module_src": source, "class_name": "N", "state": self.state},
        )


def nvidia_pickle(path, networks, arguments=None):
    """{name: {tensor's name: tensor}} as that code writes it, by a package that is gone when this returns."""
    import torch

    package, module = types.ModuleType("torch_utils"), types.ModuleType("torch_utils.persistence")
    exec("def _reconstruct_persistent_obj(meta): exec(meta['module_src'])", module.__dict__)
    module._reconstruct_persistent_obj.__module__ = "torch_utils.persistence"
    sys.modules |= {"torch_utils": package, "torch_utils.persistence": module}
    trace = path.with_name("was_run")

    def stand(tensors, given):
        state = {"training": False, "_parameters": {}, "_buffers": {}, "_modules": {}, "_init_kwargs": given}
        for name in dict.fromkeys(name.partition(".")[0] for name in tensors):
            if name in tensors:
                buffer = name in ("w_avg", "noise_const", "resample_filter")
                held = tensors[name] if buffer else torch.nn.Parameter(tensors[name])
                state["_buffers" if buffer else "_parameters"][name] = held
            else:
                inner = {key.partition(".")[2]: one for key, one in tensors.items() if key.startswith(f"{name}.")}
                state["_modules"][name] = stand(inner, {})
        return Stand(state, module._reconstruct_persistent_obj, trace)

    try:
        made = {name: stand(tensors, (arguments or {}).get(name, {})) for name, tensors in networks.items()}
        path.write_bytes(
            pickle.dumps({**made, "augment_pipe": None, "training_set_kwargs": {"path": "x", "n": np.int64(3)}})
        )
    finally:
        del sys.modules["torch_utils"], sys.modules["torch_utils.persistence"]
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("torch_utils.persistence")
    return trace


def close(found, expected, what):
    expected = np.asarray(expected)
    difference = np.abs(np.asarray(found) - expected).max() / max(1, np.abs(expected).max())
    print(f"{what}: {difference:.1e} of {np.abs(expected).max():.1f}")
    assert expected.std() > 0.05, "the output shows nothing of the weights"
    assert difference < TOLERANCE, what


def made_here(system, variables, z, labels, shape, *psis):
    """Pictures of the latents, for each psi."""
    inputs = {"image": np.zeros((len(z), *shape), np.float32), "label": labels}

    @jax.jit
    @rows.solo
    def make(z, psi):
        return system.decode(variables, system.truncate(variables, z, psi, inputs), inputs)

    return [make(z, psi) for psi in psis]


def contrasts(count, side):
    """Pictures of noise, each of another contrast, which a discriminator tells from each other."""
    pictures = np.random.default_rng(1).normal(size=(count, side, side, 3)).astype(np.float32)
    return pictures * np.linspace(0.2, 2, count, dtype=np.float32)[:, None, None, None]


def judged_here(system, variables, pictures, labels):
    judge = system.judge(np.float32)
    return jax.jit(rows.solo(lambda x: judge.apply(variables["D"], x, labels)))(pictures)


@pytest.mark.parity
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


@pytest.mark.parity
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


SMALL = StyleGAN2(
    latent_dim=6, style_dim=7, mapping_layers=2, width=6, channel_base=64, generator="skip", discriminator="resnet"
)


@pytest.fixture(scope="module")
def small():
    """The variables of G and D with random leaves, for pictures of 16x16."""
    random = np.random.default_rng(0)
    return jax.tree.map(lambda s: np.asarray(random.normal(size=s.shape), s.dtype), shapes_of(SMALL, (16, 16, 3)))


def written(small, *networks):
    layers = {name: stylegan2_pytorch.layers(SMALL, (16, 16, 3), name) for name in networks}
    return stylegan2_pytorch.checkpoint({name: write_network(small[name], layers[name])[0] for name in networks})


def test_a_round_trip_is_exact(tmp_path, small):
    path = tmp_path / "small.pt"
    path.write_bytes(torch_files.write(written(small, "G", "D")))
    recognised, variables = variables_of(stylegan2_pytorch, path)
    assert recognised.system == SMALL
    assert jax.tree.structure(variables) == jax.tree.structure({"G": small["G"], "D": small["D"]})
    jax.tree.map(np.testing.assert_array_equal, variables, {"G": small["G"], "D": small["D"]})


def test_the_mean_of_w_is_found(tmp_path, small):
    tree = written(small, "G")
    del tree["latent_avg"]
    path = tmp_path / "small.pt"
    path.write_bytes(torch_files.write(tree))
    _, variables = variables_of(stylegan2_pytorch, path)
    z = np.random.default_rng(1).normal(size=(20_000, 6)).astype(np.float32)
    w = np.asarray(jax.jit(rows.solo(lambda z: SMALL.map(variables, z, None)))(z))
    error = np.abs(variables["G"]["w_mean"]["w"] - w.mean(0)) / w.std(0)
    assert error.max() < 5 * (1 / 4096 + 1 / 20_000) ** 0.5


def nvidia(small, side=16):
    """Tensors under NVIDIA's names."""
    return {
        name: write_network(small[name], stylegan2_nvidia.layers(SMALL, (side, side, 3), name))[0]
        for name in ("G", "D")
    }


def test_what_is_no_stylegan2_is_named(tmp_path, small):
    path = tmp_path / "net.pt"
    theirs = nvidia(small)

    def said(tree, format=stylegan2_nvidia):
        path.write_bytes(tree if isinstance(tree, bytes) else torch_files.write(tree))
        return sentence(variables_of, format, path)

    one = np.zeros((1, 1), np.float32)
    assert "StyleGAN3's generator" in said({"synthesis.input.weight": one, "mapping.fc0.weight": one})
    lucidrains = {"GAN": {"GE.blocks.0.conv1.weight": one}, "version": "1.8"}
    assert all("lucidrains" in said(lucidrains, format) for format in (stylegan2_nvidia, stylegan2_pytorch))
    network = b"cdnnlib.tflib.network\nNetwork\n)\x81}(X\x07\x00\x00\x00versionK\x04ub"
    tensorflow = b"\x80\x02" + network * 3 + b"\x87."
    assert all("TensorFlow code" in said(tensorflow, format) for format in (stylegan2_nvidia, stylegan2_pytorch))
    assert "give --format stylegan2-nvidia" in said(theirs["G"], stylegan2_pytorch)
    assert "give --format stylegan2-pytorch" in said(written(small, "G")["g_ema"])
    assert "choose another --format" in said({"main.0.weight": one})
    assert "is a discriminator" in said(theirs["D"])
    assert "is a discriminator" in said(written(small, "D"), stylegan2_pytorch)
    other = theirs["G"] | {"synthesis.b8.conv1.resample_filter": np.ones((4, 4), np.float32) / 16}
    assert "is not [1, 3, 3, 1]" in said(other)
    assert "mapping.w_avg is missing" in said({name: t for name, t in theirs["G"].items() if name != "mapping.w_avg"})
    odd = theirs["G"] | {"synthesis.b8.conv1.weight": np.zeros((5, 6, 3, 3), np.float32)}
    assert "6 channels at 4, 5 channels at 8" in said(odd)


def test_a_discriminator_of_another_system_is_left_out(tmp_path, small):
    files, tensors = [], nvidia(small)
    tensors["D"]["b4.out.weight"] = np.zeros((6, 6), np.float32)
    tensors["D"] |= {"mapping.embed.weight": np.zeros((6, 5), np.float32)}
    for name, found in tensors.items():
        files.append(tmp_path / f"{name}.pt")
        files[-1].write_bytes(torch_files.write(found))
    weights = [one for file in files for one in stylegan2_nvidia.networks_in(read_file(file))]
    recognised = stylegan2_nvidia.recognise(weights, None)
    assert set(recognised.files) == {"G"}
    assert "conditional True where the generator has False" in recognised.left_out


@pytest.mark.slow
def test_a_run_of_a_file(tmp_path, small):
    """Into a workdir, whose averages are the file's, and out of it by the command."""
    from jaxgan.cli import main

    path, again = tmp_path / "small.pt", tmp_path / "again.pt"
    path.write_bytes(torch_files.write(written(small, "G", "D")))
    run = import_weights([path], "stylegan2-pytorch", tmp_path / "run")
    z = np.random.default_rng(0).normal(size=(4, 6)).astype(np.float32)
    (made,) = made_here(SMALL, small, z, None, (16, 16, 3), 0.5)
    np.testing.assert_allclose(run.decode(z, truncation=0.5), made, atol=1e-5)
    words = ["export", str(tmp_path / "run"), "--format", "stylegan2-pytorch", "--network", "all", "--out", str(again)]
    assert main(words) == 0
    assert again.read_bytes() == path.read_bytes()


@pytest.mark.slow
def test_a_run_with_labels(tmp_path):
    import dataclasses

    system = dataclasses.replace(SMALL, conditional=True, classes=3)
    random = np.random.default_rng(0)
    variables = jax.tree.map(lambda s: np.asarray(random.normal(size=s.shape), s.dtype), shapes_of(system, (16, 16, 3)))
    layers = stylegan2_nvidia.layers(system, (16, 16, 3), "G")
    path = tmp_path / "G.pt"
    path.write_bytes(torch_files.write(write_network(variables["G"], layers)[0]))
    run = import_weights([path], "stylegan2-nvidia", tmp_path / "run", classes=("cat", "dog", "fox"))
    assert run.experiment.data.fresh == ("D",)
    z = random.normal(size=(2, 6)).astype(np.float32)
    (made,) = made_here(system, variables, z, np.array([1, 1]), (16, 16, 3), 1.0)
    np.testing.assert_allclose(run.decode(z, label="dog"), made, atol=1e-5)


def test_what_that_code_cannot_have_is_refused():
    import dataclasses

    for changed, network, said in (
        ({"generator": "resnet"}, "G", "system.generator is 'resnet'"),
        ({"discriminator": "skip"}, "D", "system.discriminator is 'skip'"),
        ({"group": 8}, "D", "system.group is 8"),
        ({"conditional": True, "classes": 3}, "G", "system.conditional is True"),
    ):
        system = dataclasses.replace(SMALL, **changed)
        assert said in sentence(stylegan2_pytorch.layers, system, (16, 16, 3), network)
