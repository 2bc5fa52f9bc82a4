"""BigGAN into files and out of them, what is refused, and, beside its formulas in plain PyTorch, the same network."""

import jax
import numpy as np
import pytest

from jaxgan import rows
from jaxgan.errors import UserError
from jaxgan.networks import Big
from jaxgan.systems.biggan import BigGAN
from jaxgan.weights import biggan, torch_files
from jaxgan.weights.file import read_file
from jaxgan.weights.layers import read_network, write_network
from tests.weights.stylegan2_files import shapes_of, variables_of

SHAPE, CLASSES = (32, 32, 3), 5
SMALL = BigGAN(Big(latent_dim=8, width=2, shared=4, attention=16), classes=CLASSES)


@pytest.fixture(scope="module")
def small():
    random = np.random.default_rng(0)

    def leaf(path, shape):
        drawn = np.asarray(random.normal(size=shape.shape), shape.dtype)
        return np.square(drawn) if "var" in str(path[-1]) else drawn

    return jax.tree.map_with_path(leaf, shapes_of(SMALL, SHAPE))


def written(small, *networks):
    """{name: {tensor's name: tensor}}."""
    return {name: write_network(small[name], biggan.layers(SMALL, SHAPE, name))[0] for name in networks}


def saved(path, tensors):
    path.write_bytes(torch_files.write(tensors))
    return path


def without_counts(variables):
    return jax.tree.map_with_path(lambda path, leaf: 0 * leaf if "count" in str(path[-1]) else leaf, variables)


def test_a_round_trip_is_exact(tmp_path, small):
    for name, tensors in written(small, "G", "D").items():
        saved(tmp_path / f"{name}.pth", tensors)
    _, generator = variables_of(biggan, tmp_path / "G.pth")
    jax.tree.map(np.testing.assert_array_equal, generator["G"], without_counts(small["G"]))
    again = write_network(generator["G"], biggan.layers(SMALL, SHAPE, "G"))[0]
    for name, tensor in written(small, "G")["G"].items():
        np.testing.assert_array_equal(again[name], tensor)


def test_what_is_no_biggan_is_named(tmp_path, small):
    path, (generator, judge) = tmp_path / "net.pth", written(small, "G", "D").values()

    def said(tensors):
        saved(path, tensors)
        with pytest.raises(UserError) as caught:
            variables_of(biggan, path)
        return str(caught.value)

    def without(tensors, name):
        return {other: tensor for other, tensor in tensors.items() if other != name}

    assert "choose another --format" in said({"main.0.weight": np.zeros((1, 1), np.float32)})
    assert "is a discriminator" in said(judge)
    assert "BigGAN-deep" in said(generator | {"blocks.0.0.conv3.weight": np.zeros((1, 1, 1, 1), np.float32)})
    assert "a vector for each norm" in said(without(generator, "shared.weight"))
    assert "blocks.1.0.bn2.gain.u0" in said(without(generator, "blocks.1.0.bn2.gain.u0"))
    assert "are no BigGAN's" in said(generator | {"blocks.1.0.conv2.weight": np.zeros((7, 8, 3, 3), np.float32)})


@pytest.mark.slow
def test_a_file_samples_by_class_and_goes_out_again(tmp_path, small, capsys):
    """Through the command line: import, sample by the name of a class and by truncation, export."""
    from jaxgan.cli import main

    files = [str(saved(tmp_path / f"{name}.pth", tensors)) for name, tensors in written(small, "G", "D").items()]
    run, out = str(tmp_path / "run"), tmp_path / "out.safetensors"
    classes = ["--classes", "ant", "bee", "cat", "dog", "elk"]
    assert main(["import-weights", *files, "--format", "biggan-pytorch", "--out", run, *classes]) == 0
    sheets = {}
    for name, words in {
        "all": [],
        "cat": ["--label", "cat"],
        "narrow": ["--label", "cat", "--truncation", "0.2"],
    }.items():
        sheets[name] = tmp_path / f"{name}.png"
        assert main(["sample", run, "--num", "5", "--out", str(sheets[name]), *words]) == 0
    assert len({sheet.read_bytes() for sheet in sheets.values()}) == 3
    assert main(["export", run, "--out", str(out)]) == 0
    assert "biggan-pytorch" in capsys.readouterr().out
    _, again = variables_of(biggan, out)
    jax.tree.map(np.testing.assert_array_equal, again["G"], without_counts(small["G"]))


@pytest.mark.parity
@pytest.mark.parametrize(("side", "hierarchical", "attention"), [(32, True, 16), (64, False, 32), (32, False, None)])
def test_networks_beside_pytorch(tmp_path, side, hierarchical, attention):
    import torch

    from tests.weights import pytorch_biggan as theirs
    from tests.weights.test_parity_stylegan2 import close, contrasts

    torch.manual_seed(0)
    width, latent = (4, 20) if hierarchical else (8, 6)
    networks = {
        "G": theirs.Generator(side, width, latent, 6, CLASSES, attention, hierarchical),
        "D": theirs.Discriminator(side, width, CLASSES, attention),
    }
    with torch.no_grad():
        for network in networks.values():
            for parameter in network.parameters():
                parameter += 0.1 * torch.randn_like(parameter)
            for name, buffer in network.named_buffers():
                if name.endswith("stored_mean"):
                    buffer += 0.1 * torch.randn_like(buffer)
                elif name.endswith("stored_var"):
                    buffer += 0.5 * torch.rand_like(buffer)
    for name, network in networks.items():
        network.eval()
        torch.save(network.state_dict(), tmp_path / f"{name}.pth")
    weights = [one for name in networks for one in biggan.networks_in(read_file(tmp_path / f"{name}.pth"))]
    recognised = biggan.recognise(weights, None)
    system = recognised.system
    assert system.networks == Big(latent, "normal", width, 6, hierarchical, attention)
    assert (recognised.size, recognised.channels, recognised.classes) == (side, 3, CLASSES)
    shapes = (side, side, 3)
    found = shapes_of(system, shapes)
    variables = {
        name: read_network(found[name], recognised.files[name], biggan.layers(system, shapes, name))
        for name in networks
    }
    labels = np.array([0, 3, 1, 4])
    z, pictures = np.random.default_rng(0).normal(size=(4, latent)).astype(np.float32), contrasts(4, side)
    made = jax.jit(rows.solo(lambda z: system.decode(variables, z, {"image": pictures, "label": labels})))(z)
    judge = system.networks.discriminator(CLASSES, np.float32)
    logits = jax.jit(rows.solo(lambda x: judge.apply(variables["D"], x, labels, "batch")))(pictures)
    with torch.no_grad():
        hot = torch.from_numpy(labels)
        close(made, networks["G"](torch.from_numpy(z), hot).permute(0, 2, 3, 1), "pictures")
        close(logits, networks["D"](torch.from_numpy(pictures).permute(0, 3, 1, 2), hot), "logits")
