"""StyleGAN2 into files and out of them, and what is refused; that it is the same network shows `test_parity_stylegan2`."""

import dataclasses

import jax
import numpy as np
import pytest

from jaxgan import rows
from jaxgan.errors import UserError
from jaxgan.systems.stylegan2 import StyleGAN2
from jaxgan.weights import import_weights, stylegan2_nvidia, stylegan2_pytorch, torch_files
from jaxgan.weights.file import read_file
from jaxgan.weights.layers import write_network
from tests.weights.stylegan2_files import made_here, shapes_of, variables_of


def sentence(call, *arguments):
    with pytest.raises(UserError) as caught:
        call(*arguments)
    return str(caught.value)


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
def test_a_run_of_a_file(tmp_path, small, capsys):
    """Into a workdir, whose averages are the file's, and out of it by the command."""
    from jaxgan.cli import main

    path, again = tmp_path / "small.pt", tmp_path / "again.pt"
    path.write_bytes(torch_files.write(written(small, "G", "D")))
    run = import_weights([path], "stylegan2-pytorch", tmp_path / "run")
    z = np.random.default_rng(0).normal(size=(4, 6)).astype(np.float32)
    (made,) = made_here(SMALL, small, z, None, (16, 16, 3), 0.5)
    np.testing.assert_allclose(run.decode(z, truncation=0.5), np.clip(made, -1, 1), atol=1e-5)
    words = ["export", str(tmp_path / "run"), "--format", "stylegan2-pytorch", "--network", "all", "--out", str(again)]
    assert main(words) == 0
    assert again.read_bytes() == path.read_bytes()
    assert main(["export", str(tmp_path / "run"), "--out", str(tmp_path / "net.safetensors")]) == 2
    assert "give --format stylegan2-pytorch" in capsys.readouterr().err


@pytest.mark.slow
def test_a_run_with_labels(tmp_path):
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
    np.testing.assert_allclose(run.decode(z, label="dog"), np.clip(made, -1, 1), atol=1e-5)


def test_what_that_code_cannot_have_is_refused():
    for changed, network, said in (
        ({"generator": "resnet"}, "G", "system.generator is 'resnet'"),
        ({"discriminator": "skip"}, "D", "system.discriminator is 'skip'"),
        ({"group": 8}, "D", "system.group is 8"),
        ({"conditional": True, "classes": 3}, "G", "system.conditional is True"),
    ):
        system = dataclasses.replace(SMALL, **changed)
        assert said in sentence(stylegan2_pytorch.layers, system, (16, 16, 3), network)
