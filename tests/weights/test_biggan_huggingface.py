"""BigGAN-deep out of a file as Hugging Face's code writes it, beside its formula in plain PyTorch."""

import jax
import numpy as np
import pytest

from jaxgan import rows
from jaxgan.errors import UserError
from jaxgan.networks import BigDeep
from jaxgan.weights import biggan_huggingface, torch_files
from tests.weights.stylegan2_files import variables_of

WIDTH, LATENT, CLASSES, STATISTICS, EPSILON = 8, 6, 5, 51, 1e-4
# Of 64 pixels: (doubles, channels before, channels behind), with attention before the layer of this number.
LAYERS, ATTENTION = (
    [(i % 2 == 1, a, b if i % 2 else a) for a, b in ((16, 16), (16, 8), (8, 4), (4, 2)) for i in (0, 1)],
    6,
)


def normalised(random, name, *shape):
    flat = int(np.prod(shape[1:]))
    return {
        f"{name}.weight_orig": random.normal(size=shape),
        f"{name}.weight_u": random.normal(size=shape[0]),
        f"{name}.weight_v": random.normal(size=flat) / flat,
    }


def file_tensors():
    """Random tensors under that code's names."""
    random, condition = np.random.default_rng(0), 2 * LATENT
    found = {"embeddings.weight": random.normal(size=(LATENT, CLASSES))}

    def layer(name, *shape):
        found.update(normalised(random, name, *shape))
        found[f"{name}.bias"] = 0.01 * random.normal(size=shape[0])

    def statistics(name, channels):
        found[f"{name}.running_means"] = 0.01 * random.normal(size=(STATISTICS, channels))
        found[f"{name}.running_vars"] = random.uniform(0.005, 0.02, size=(STATISTICS, channels))

    layer("generator.gen_z", 16 * 16 * WIDTH, condition)
    number = 0
    for index, (_, before, behind) in enumerate(LAYERS):
        if index == ATTENTION:
            channels, name = before * WIDTH, f"generator.layers.{number}"
            for part, out, into in (("theta", 8, 1), ("phi", 8, 1), ("g", 2, 1), ("o_conv", 1, 2)):
                shape = (channels // out, channels // into, 1, 1)
                found.update(normalised(random, f"{name}.snconv1x1_{part}", *shape))
            found[f"{name}.gamma"] = np.array([0.7])
            number += 1
        name, wide, narrow, inner = f"generator.layers.{number}", before * WIDTH, behind * WIDTH, before * WIDTH // 4
        for conv, (inputs, outputs, side) in enumerate(
            ((wide, inner, 1), (inner, inner, 3), (inner, inner, 3), (inner, narrow, 1))
        ):
            layer(f"{name}.conv_{conv}", outputs, inputs, side, side)
            statistics(f"{name}.bn_{conv}", inputs)
            for part in ("scale", "offset"):
                found.update(normalised(random, f"{name}.bn_{conv}.{part}", inputs, condition))
        number += 1
    last = LAYERS[-1][2] * WIDTH
    statistics("generator.bn", last)
    found["generator.bn.weight"], found["generator.bn.bias"] = random.normal(size=last), random.normal(size=last)
    layer("generator.conv_to_rgb", last, last, 3, 3)
    return {name: np.asarray(tensor, np.float32) for name, tensor in found.items()}


def expected(tensors, z, labels):
    """That code's pictures at a truncation of 1, [B, H, W, 3]."""
    import torch
    import torch.nn.functional as F

    t = {name: torch.from_numpy(tensor) for name, tensor in tensors.items()}

    def weight(name):
        flat = t[f"{name}.weight_orig"]
        return flat / (t[f"{name}.weight_u"] @ flat.flatten(1) @ t[f"{name}.weight_v"])

    def conv(x, name, side=1, bias=True):
        return F.conv2d(x, weight(name), t[f"{name}.bias"] if bias else None, padding=side // 2)

    condition = torch.cat([torch.from_numpy(z), t["embeddings.weight"].T[labels]], 1)
    x = F.linear(condition, weight("generator.gen_z"), t["generator.gen_z.bias"])
    x, number = x.view(len(z), 4, 4, -1).permute(0, 3, 1, 2), 0

    def norm(x, name):
        mean, var = (t[f"{name}.running_{kind}"][-1][:, None, None] for kind in ("means", "vars"))
        gain, bias = (F.linear(condition, weight(f"{name}.{part}"))[:, :, None, None] for part in ("scale", "offset"))
        return F.relu((x - mean) / torch.sqrt(var + EPSILON) * (1 + gain) + bias)

    for index, (doubles, _, behind) in enumerate(LAYERS):
        if index == ATTENTION:
            name = f"generator.layers.{number}.snconv1x1"
            theta, phi, g = (conv(x, f"{name}_{part}", bias=False) for part in ("theta", "phi", "g"))
            phi, g = F.max_pool2d(phi, 2).flatten(2), F.max_pool2d(g, 2).flatten(2)
            shares = torch.softmax(theta.flatten(2).transpose(1, 2) @ phi, -1)
            seen = (g @ shares.transpose(1, 2)).view(len(z), -1, *x.shape[2:])
            x = x + t[f"generator.layers.{number}.gamma"] * conv(seen, f"{name}_o_conv", bias=False)
            number += 1
        name = f"generator.layers.{number}"
        y = norm(conv(norm(x, f"{name}.bn_0"), f"{name}.conv_0"), f"{name}.bn_1")
        past = x[:, : behind * WIDTH]
        if doubles:
            y, past = F.interpolate(y, scale_factor=2), F.interpolate(past, scale_factor=2)
        y = conv(norm(conv(y, f"{name}.conv_1", 3), f"{name}.bn_2"), f"{name}.conv_2", 3)
        x = past + conv(norm(y, f"{name}.bn_3"), f"{name}.conv_3")
        number += 1
    x = F.batch_norm(
        x, t["generator.bn.running_means"][-1], t["generator.bn.running_vars"][-1], t["generator.bn.weight"],
        t["generator.bn.bias"], training=False, eps=EPSILON,
    )  # fmt: skip
    return torch.tanh(conv(F.relu(x), "generator.conv_to_rgb", 3)[:, :3]).permute(0, 2, 3, 1)


@pytest.mark.parity
def test_the_generator_beside_pytorch(tmp_path):
    from tests.weights.test_parity_stylegan2 import close

    tensors, path = file_tensors(), tmp_path / "pytorch_model.bin"
    # Random singular vectors would give weights of any size. These give maps a tenth of their input's, which norms undo.
    for name, tensor in tensors.items():
        if name.endswith("weight_orig"):
            stem, flat = name.removesuffix("_orig"), tensor.reshape(len(tensor), -1)
            tensors[f"{stem}_v"] *= 10 * flat.shape[1] ** 0.5 / (tensors[f"{stem}_u"] @ flat @ tensors[f"{stem}_v"])
    path.write_bytes(torch_files.write(tensors))
    recognised, variables = variables_of(biggan_huggingface, path)
    system = recognised.system
    assert system.networks == BigDeep(LATENT, "normal", WIDTH, LATENT, 32, generator_spectral_norm=False)
    assert (recognised.size, recognised.channels, recognised.classes) == (64, 3, CLASSES)
    z, labels = np.random.default_rng(1).normal(size=(3, LATENT)).astype(np.float32), np.array([4, 0, 2])
    inputs = {"image": np.zeros((3, 64, 64, 3)), "label": labels}
    made = jax.jit(rows.solo(lambda z: system.decode(variables, z, inputs)))(z)
    close(made, expected(tensors, z, labels), "pictures")


def test_what_is_no_such_generator_is_named(tmp_path):
    path, tensors = tmp_path / "pytorch_model.bin", file_tensors()

    def said(changed):
        path.write_bytes(torch_files.write(changed))
        with pytest.raises(UserError) as caught:
            variables_of(biggan_huggingface, path)
        return str(caught.value)

    assert "choose another --format" in said({"main.0.weight": np.zeros((1, 1), np.float32)})
    without = {name: t for name, t in tensors.items() if name != "generator.layers.0.conv_1.weight_u"}
    assert "lacks its singular vectors" in said(without)
    odd = tensors | normalised(np.random.default_rng(0), "generator.layers.1.conv_3", 7, 32, 1, 1)
    assert "are no BigGAN-deep's" in said({name: np.asarray(tensor, np.float32) for name, tensor in odd.items()})
