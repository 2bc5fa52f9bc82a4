"""R3GAN into files and out of them, what is refused, and, beside its formulas in plain PyTorch, that it is the same network."""

import jax
import numpy as np
import pytest

from jaxgan import rows
from jaxgan.errors import UserError
from jaxgan.networks import R3
from jaxgan.systems.r3gan import R3GAN
from jaxgan.weights import import_weights, r3gan, torch_files
from jaxgan.weights.layers import write_network
from tests.weights.stylegan2_files import shapes_of, variables_of

SHAPE, CLASSES = (16, 16, 3), 5
SMALL = R3GAN(R3(latent_dim=6, width=8, channel_base=64, blocks=2, group_width=4), conditional=True, classes=CLASSES)


@pytest.fixture(scope="module")
def small():
    random = np.random.default_rng(0)
    return jax.tree.map(lambda s: np.asarray(random.normal(size=s.shape), s.dtype), shapes_of(SMALL, SHAPE))


def written(small, *networks):
    """{name: {tensor's name: tensor}}."""
    return {name: write_network(small[name], r3gan.layers(SMALL, SHAPE, name))[0] for name in networks}


def saved(path, tensors):
    path.write_bytes(torch_files.write(tensors))
    return path


@pytest.mark.slow
def test_a_round_trip_is_exact(tmp_path, small):
    """And a run of a file makes what the file's networks make, by the name of a class."""
    files = [saved(tmp_path / f"{name}.pt", tensors) for name, tensors in written(small, "G", "D").items()]
    names = ("ant", "bee", "cat", "dog", "elk")
    run = import_weights(files, "r3gan", tmp_path / "run", classes=names)
    assert run.system == SMALL
    variables = run.variables()
    jax.tree.map(np.testing.assert_array_equal, variables, {"G": small["G"], "D": small["D"]})
    z = np.random.default_rng(0).normal(size=(2, 6)).astype(np.float32)
    made = SMALL.decode(small, z, {"image": np.zeros((2, *SHAPE)), "label": np.array([2, 2])})
    np.testing.assert_allclose(run.decode(z, label="cat"), made, atol=1e-5)


def test_what_is_no_r3gan_is_named(tmp_path, small):
    path, (generator, judge) = tmp_path / "net.pt", written(small, "G", "D").values()

    def said(tensors):
        saved(path, tensors)
        with pytest.raises(UserError) as caught:
            variables_of(r3gan, path)
        return str(caught.value)

    assert "choose another --format" in said({"main.0.weight": np.zeros((1, 1), np.float32)})
    assert "is a discriminator" in said(judge)
    assert "MainLayers.1.Layers.2.NonLinearity1.Bias" in said(
        {name: t for name, t in generator.items() if name != "MainLayers.1.Layers.2.NonLinearity1.Bias"}
    )
    odd = generator | {"MainLayers.1.Layers.1.LinearLayer3.Layer.weight": np.zeros((7, 16, 1, 1), np.float32)}
    assert "7 channels at 8" in said(odd)
    one = {name: tensor for name, tensor in generator.items() if not name.startswith(("MainLayers.1", "MainLayers.2"))}
    assert "1 stages with blocks" in said(one)


@pytest.mark.parity
@pytest.mark.parametrize("classes", [0, CLASSES])
def test_networks_beside_pytorch(tmp_path, classes):
    """Of a snapshot as that code writes it, whose classes are not here."""
    import torch

    from tests.weights import pytorch_r3gan as theirs
    from tests.weights.test_parity_stylegan2 import close, contrasts

    torch.manual_seed(0)
    widths, group = [16, 16, 8, 4], 4
    networks = {
        "G": theirs.Generator(6, widths, 2, group, classes),
        "D": theirs.Discriminator(widths, 2, group, classes),
    }
    with torch.no_grad():
        for network in networks.values():  # past the start, where blocks are the identity
            for parameter in network.parameters():
                parameter += 0.2 * torch.randn_like(parameter)
    # Pickled whole, as modules of a package that is gone when they are read.
    path = tmp_path / "network-snapshot-000100.pkl"
    snapshot(path, {**networks, "G_ema": networks["G"]})
    recognised, variables = variables_of(r3gan, path)
    system = recognised.system
    assert system.networks == R3(latent_dim=6, width=16, channel_base=128, blocks=2, group_width=group)
    assert (recognised.size, recognised.channels, recognised.classes) == (32, 3, classes)
    random, numbers = np.random.default_rng(0), np.array([0, 3, 1, 4]) if classes else None
    z = random.normal(size=(4, 6)).astype(np.float32)
    hot = torch.eye(classes)[numbers] if classes else None
    pictures = contrasts(4, 32)
    made = jax.jit(rows.solo(lambda z: system.generate(variables, z, {"image": pictures, "label": numbers})[0]))(z)
    with torch.no_grad():
        close(made, networks["G"](torch.from_numpy(z), hot).permute(0, 2, 3, 1), "pictures")
        judge = system.networks.discriminator(classes, np.float32)
        logits = jax.jit(rows.solo(lambda x: judge.apply(variables["D"], x, numbers, "batch")))(pictures)
        close(logits, networks["D"](torch.from_numpy(pictures).permute(0, 3, 1, 2), hot), "logits")


def snapshot(path, networks):
    """A pickle of whole modules, each below `Model` in one of `training.networks`, which nobody can import."""
    import pickle
    import sys
    import types

    from torch import nn

    module = types.ModuleType("training.networks")
    package = types.ModuleType("training")

    def made(name):
        kind = type(name, (nn.Module,), {"__module__": "training.networks"})
        setattr(module, name, kind)
        return kind

    kinds = {"G": made("Generator"), "D": made("Discriminator")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "training", package)
        patch.setitem(sys.modules, "training.networks", module)
        held = {}
        for name, network in networks.items():
            held[name] = kinds[name[0]]()
            held[name].Model = network
        path.write_bytes(pickle.dumps({**held, "training_set_kwargs": {"resolution": 32}, "cur_nimg": 100}))
