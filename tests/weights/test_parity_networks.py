"""Imported networks beside the PyTorch networks whose weights they have, through files as a person would have them."""

import jax
import numpy as np
import pytest

from jaxgan import rows
from jaxgan.data import Spec
from jaxgan.systems.cyclegan import CycleGAN
from jaxgan.systems.pix2pix import Pix2Pix
from jaxgan.systems.stargan import StarGAN
from jaxgan.weights import dcgan, stargan, translators
from jaxgan.weights.file import read_weights
from jaxgan.weights.layers import read_network, unprefixed, write_network

pytestmark = pytest.mark.parity

TOLERANCE = 1e-4
"""Largest difference of outputs in [-1, 1], and of logits of about 1, in float32."""


def save(network, path, parallel=False, old=False):
    """As that code saves: with DataParallel's prefix, or with the buffers that InstanceNorm once had."""
    import torch

    state = dict(network.state_dict())
    if old:
        for name, module in network.named_modules():
            if isinstance(module, torch.nn.InstanceNorm2d):
                channels = module.num_features
                state |= {f"{name}.running_mean": torch.ones(channels), f"{name}.running_var": torch.ones(channels)}
                state[f"{name}.num_batches_tracked"] = torch.tensor(7)
    torch.save({f"module.{name}" if parallel else name: tensor for name, tensor in state.items()}, path)
    return unprefixed(read_weights(path))


def variables_of(format, recognised, shape):
    """By network: the variables that its file gives."""
    system = recognised.system
    specs = {name: jax.ShapeDtypeStruct(shape, np.float32) for name in ("input", "image")}
    specs["label"] = jax.ShapeDtypeStruct((recognised.labels,), np.int32)
    system = system.resolve(Spec(specs))
    batch = {name: np.zeros((2, *specs[name].shape), specs[name].dtype) for name in system.reads}
    shapes = jax.eval_shape(rows.solo(lambda: system.init_variables(jax.random.key(0), batch)))
    read = {}
    for name, weights in recognised.files.items():
        read[name] = read_network(shapes[name], weights, format.layers(system, shape, name))
    return system, read


def loads(network, format, system, shape, name, variables):
    """What is written of these variables is what PyTorch's strict loading wants, tensor by tensor; to the bit what was read."""
    import torch

    written, spare = write_network(variables[name], format.layers(system, shape, name))
    assert spare == []
    state = {key: torch.from_numpy(tensor) for key, tensor in written.items()}
    before = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    assert {key: tensor.dtype for key, tensor in state.items()} == {key: tensor.dtype for key, tensor in before.items()}
    network.load_state_dict(state, strict=True)
    unused = ("running_mean", "running_var") if isinstance(system, StarGAN) else ()
    for key, tensor in network.state_dict().items():
        assert key.endswith(unused) or torch.equal(tensor, before[key]), key


def pictures(*shape, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


def theirs(network, x):
    """Of [B, H, W, C]."""
    import torch

    with torch.no_grad():
        made = network(torch.from_numpy(np.ascontiguousarray(x.transpose(0, 3, 1, 2))))
    return made.permute(0, 2, 3, 1).numpy()


def close(found, expected, what):
    difference = np.abs(np.asarray(found) - expected).max()
    print(f"{what}: {difference:.1e}")
    assert expected.std() > 0.05, "the output shows nothing of the weights"
    assert difference < TOLERANCE, what


def translated(system, variables, x, mode):
    module = system.generator.module(x.shape[-1], np.float32)
    return jax.jit(rows.solo(lambda x: module.apply(variables, x, mode, True)))(x)


def judged(system, variables, x, mode="running"):
    module = system.discriminator.module(np.float32)
    return jax.jit(rows.solo(lambda x: module.apply(variables, x, mode)))(x)[..., None]


GENERATORS = [
    ("unet", 5, "batch", False, {"parallel": True}),
    ("unet", 5, "instance", False, {"old": True}),
    ("unet", 6, "instance", True, {"parallel": True}),
    ("unet", 7, "batch", True, {}),
    ("unet", 8, "batch", False, {}),
    ("resnet", 9, "instance", False, {}),
    ("resnet", 6, "instance", False, {"old": True, "parallel": True}),
    ("resnet", 6, "batch", True, {}),
    ("resnet", 2, "batch", False, {"parallel": True}),
    ("resnet", 1, "instance", True, {}),
]


@pytest.mark.parametrize(("kind", "depth", "norm", "dropout", "saved"), GENERATORS)
def test_generators_of_translators(tmp_path, kind, depth, norm, dropout, saved):
    import torch

    from tests.weights import pytorch_networks

    channels = 1 if depth == 6 else 3
    network = getattr(pytorch_networks, kind)(depth, kind=norm, channels=channels, dropout=dropout)
    pytorch_networks.randomise(network, depth)
    recognised = translators.recognise([save(network, tmp_path / "latest_net_G.pth", **saved)], None)
    assert type(recognised.system) is (Pix2Pix if norm == "batch" else CycleGAN)
    side, multiple = recognised.size if kind == "unet" else 16, recognised.system.generator.multiple
    assert recognised.size == (2**depth if kind == "unet" else 256)
    shape = (side, side + multiple if side < 64 else side, channels)
    system, variables = variables_of(translators, recognised, (2 * side, 2 * side, channels))
    generator = system.generator
    assert (generator.width, generator.norm) == (4, norm)
    if kind == "unet":
        assert (generator.levels, generator.dropout_blocks) == (depth, tuple(range(1, depth - 4)))
        assert generator.dropout == (0.5 if norm == "batch" else 0.0)  # which leaves no trace in the file
    else:
        assert (generator.blocks, generator.dropout) == (depth, 0.5 if dropout else 0.0)
    x, what = pictures(2, *shape), f"{kind} {depth} {norm}"
    close(translated(system, variables["G"], x, "running"), theirs(network, x), what)
    loads(network, translators, system, (side, side, channels), "G", variables)
    if norm == "batch":  # as pix2pix tests: by the batch's own statistics
        for module in network.modules():
            module.training = isinstance(module, torch.nn.BatchNorm2d)
        made = translated(system, variables["G"], x, "batch")
        close(made, theirs(network, x), f"{what}, own statistics")


@pytest.mark.parametrize("norm", ["batch", "instance"])
@pytest.mark.parametrize("halvings", [0, 1, 2, 3, 4, 5])
def test_discriminators_of_translators(tmp_path, halvings, norm):
    from tests.weights import pytorch_networks as pytorch

    generator = pytorch.randomise(pytorch.unet(5, kind=norm))
    inputs = 6 if norm == "batch" else 3
    judge = pytorch.pixel(kind=norm, channels=inputs)
    if halvings:
        judge = pytorch.patch(halvings, kind=norm, channels=inputs)
    pytorch.randomise(judge, halvings)
    files = [
        save(judge, tmp_path / "net_D.pth", parallel=halvings == 2, old=True),
        save(generator, tmp_path / "net_G.pth"),
    ]
    recognised = translators.recognise(files, None)
    system, variables = variables_of(translators, recognised, (96, 96, 3))
    name = "D" if norm == "batch" else "D_Y"
    assert set(variables) == {"G", name}
    if norm == "batch":
        assert system.adversarial == "conditional"
    assert system.discriminator.norm == norm
    assert system.discriminator.field == {0: 1, 1: 16, 2: 34, 3: 70, 4: 142, 5: 286}[halvings]
    x = pictures(2, 96, 96 + 32, inputs)
    close(judged(system, variables[name], x), theirs(judge, x), f"patch {halvings} {norm}")
    loads(judge, translators, system, (96, 96, 3), name, variables)


@pytest.mark.parametrize(("doublings", "channels", "latent"), [(3, 3, 10), (4, 1, 100), (5, 3, 7)])
def test_dcgan(tmp_path, doublings, channels, latent):
    import torch

    from tests.weights import pytorch_networks as pytorch

    generator = pytorch.randomise(pytorch.dcgan_generator(doublings, latent=latent, channels=channels))
    judge = pytorch.randomise(pytorch.dcgan_discriminator(doublings, channels=channels), 1)
    files = [save(generator, tmp_path / "netG.pth", parallel=doublings == 4), save(judge, tmp_path / "netD.pth")]
    recognised = dcgan.recognise(files, None)
    side = 4 << doublings
    assert (recognised.size, recognised.channels) == (side, channels)
    system, variables = variables_of(dcgan, recognised, (side, side, channels))
    networks = system.networks
    assert (networks.latent, networks.latent_dim, networks.width, networks.kernel) == ("normal", latent, 4, 4)
    z = np.random.default_rng(0).normal(size=(3, latent)).astype(np.float32)
    module = networks.generator((side, side, channels), 0, np.float32)
    made = rows.solo(lambda: module.apply(variables["G"], z, None, "running"))()
    close(made, theirs(generator, z[:, None, None]), f"dcgan G {doublings}")
    x = pictures(3, side, side, channels)
    module = networks.discriminator(0, np.float32)
    logits = rows.solo(lambda: module.apply(variables["D"], x, None, "running"))()
    with torch.no_grad():
        expected = judge.main[:-1](torch.from_numpy(x.transpose(0, 3, 1, 2).copy()))[:, 0, 0, 0].numpy()
    close(logits, expected, f"dcgan D {doublings}")
    loads(generator, dcgan, system, (side, side, channels), "G", variables)
    loads(judge, dcgan, system, (side, side, channels), "D", variables)


@pytest.mark.parametrize(("blocks", "halvings", "side", "labels"), [(6, 6, 64, 5), (2, 3, 32, 8)])
def test_stargan(tmp_path, blocks, halvings, side, labels):
    import torch

    from tests.weights import pytorch_networks as pytorch

    generator = pytorch.randomise(pytorch.stargan_generator(blocks, labels=labels))
    judge = pytorch.randomise(pytorch.StarganDiscriminator(side, halvings, labels=labels, width=2), 1)
    files = [save(judge, tmp_path / "9-D.ckpt", parallel=blocks == 2), save(generator, tmp_path / "9-G.ckpt")]
    recognised = stargan.recognise(files, None)
    assert (recognised.size, recognised.channels, recognised.labels, recognised.multiple) == (side, 3, labels, None)
    assert stargan.recognise(files[1:], None).multiple == 64
    system, variables = variables_of(stargan, recognised, (side, side, 3))
    assert (system.width, system.blocks, system.discriminator_width) == (4, blocks, 2)
    assert (system.discriminator_layers, system.labels) == (halvings, labels)
    random = np.random.default_rng(0)
    wide, domains = pictures(3, side, 2 * side, 3), random.integers(0, 2, (3, labels))
    planes = np.broadcast_to(domains[:, None, None].astype(np.float32), (3, side, 2 * side, labels))
    expected = theirs(generator.train(), np.concatenate([wide, planes], -1))  # as that code is tested, too
    made = jax.jit(lambda x: system.translate(variables, x, jax.random.key(0), inputs={"label": domains}))(wide)
    close(made, expected, f"stargan G {blocks}")
    x = np.clip(pictures(3, 1, 1, 3, seed=1) + 0.3 * pictures(3, side, side, 3), -1, 1)  # noise alone averages out
    scores, logits = system._discriminator(np.float32).apply(variables["D"], x)
    with torch.no_grad():
        expected = [out.numpy() for out in judge(torch.from_numpy(x.transpose(0, 3, 1, 2).copy()))]
    close(scores, expected[0][:, 0], f"stargan D {halvings}, scores")
    close(logits, expected[1][:, :, 0, 0], f"stargan D {halvings}, labels")
    loads(generator, stargan, system, (side, side, 3), "G", variables)
    loads(judge, stargan, system, (side, side, 3), "D", variables)


def test_own_pytorch_networks_have_the_names_of_the_real_files():
    """Some names of the real files, as their documentation and code have them, which the networks here must have."""
    from tests.weights import pytorch_networks as pytorch

    unet = set(pytorch.unet(8, dropout=True).state_dict())
    inside = "model.model.1." + "model.3." * 6
    assert {name for name in unet if name.startswith(inside)} == {
        f"{inside}model.{rest}"
        for rest in (
            "1.weight",
            "3.weight",
            "4.weight",
            "4.bias",
            "4.running_mean",
            "4.running_var",
            "4.num_batches_tracked",
        )
    }
    assert {"model.model.0.weight", "model.model.1.model.2.running_var", "model.model.1.model.5.weight"} < unet
    assert [n for n in unet if n.endswith("bias") and n.replace("bias", "running_var") not in unet] == [
        "model.model.3.bias"
    ]
    resnet = pytorch.resnet(9).state_dict()
    assert {"model.1.bias", "model.10.conv_block.5.weight", "model.18.conv_block.1.bias", "model.26.bias"} <= set(
        resnet
    )
    assert "model.10.conv_block.6.weight" in pytorch.resnet(6, dropout=True).state_dict()
    patch = pytorch.patch(3).state_dict()
    assert {"model.0.bias", "model.2.weight", "model.3.running_mean", "model.9.weight", "model.11.bias"} <= set(patch)
    assert {"net.0.bias", "net.2.weight", "net.3.bias", "net.5.weight"} <= set(pytorch.pixel().state_dict())
    assert set(pytorch.dcgan_generator(4).state_dict()) >= {"main.0.weight", "main.10.bias", "main.12.weight"}
    assert set(pytorch.dcgan_discriminator(4).state_dict()) >= {"main.0.weight", "main.9.running_var", "main.11.weight"}
    stargan = set(pytorch.stargan_generator(6).state_dict())
    assert {
        "main.1.running_mean",
        "main.9.main.4.bias",
        "main.14.main.3.weight",
        "main.18.weight",
        "main.21.weight",
    } <= stargan
    assert "main.21.bias" not in stargan
    judge = set(pytorch.StarganDiscriminator(128, 6).state_dict())
    assert {"main.0.weight", "main.10.bias", "conv1.weight", "conv2.weight"} <= judge
    assert "conv1.bias" not in judge
