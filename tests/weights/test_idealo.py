"""idealo's networks: TensorFlow.js's files, and their formulas in PyTorch."""

import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.cli import main
from jaxgan.errors import UserError
from jaxgan.networks.rdn import RDN, RRDN
from jaxgan.run import restore
from jaxgan.systems.esrgan import ESRGAN
from jaxgan.weights import idealo, import_weights
from jaxgan.weights.layers import write_network

SYSTEMS = {
    "RRDN": ESRGAN(scale=2, network=RRDN(width=6, growth=4, blocks=2)),
    "RDN": ESRGAN(scale=3, network=RDN(width=6, growth=4, convolutions=2, blocks=2)),
}


def tensors_of(system):
    """Random weights, by idealo's names and with PyTorch's order of axes."""
    module = system.generator()
    shapes = jax.eval_shape(lambda: module.init(jax.random.key(0), jnp.zeros((1, 8, 8, 3)), "batch"))
    random = np.random.default_rng(0)
    variables = jax.tree.map(lambda leaf: np.float32(random.normal(size=leaf.shape) * 0.3), shapes)
    return write_network(variables, idealo.layers(system, (16, 16, 3), "G"))[0]


def write(folder: Path, tensors, shards=2):
    """A model.json and its shards."""
    folder.mkdir(exist_ok=True)
    table, data = [], b""
    for name, tensor in tensors.items():
        layer, part = name.rsplit(".", 1)
        array = tensor.transpose(2, 3, 1, 0) if tensor.ndim == 4 else tensor
        kind = {"weight": "kernel"}.get(part, part)
        table.append({"name": f"{layer}/{kind}", "shape": array.shape, "dtype": "float32"})
        data += np.ascontiguousarray(array, "<f4").tobytes()
    paths = [f"group1-shard{i + 1}of{shards}.bin" for i in range(shards)]
    size = -(-len(data) // shards)
    for i, path in enumerate(paths):
        (folder / path).write_bytes(data[i * size : (i + 1) * size])
    model = {"format": "layers-model", "weightsManifest": [{"paths": paths, "weights": table}]}
    (folder / "model.json").write_text(json.dumps(model))
    return folder / "model.json"


def in_pytorch(system, tensors, pictures):
    import torch
    from torch.nn import functional as F

    sd = {name: torch.tensor(np.ascontiguousarray(tensor)) for name, tensor in tensors.items()}
    network, scale = system.network, system.scale

    def conv(x, name):
        kernel = sd[f"{name}.weight"]
        return F.conv2d(x, kernel, sd[f"{name}.bias"], padding=kernel.shape[-1] // 2)

    x = torch.tensor(pictures).permute(0, 3, 1, 2)
    if isinstance(network, RRDN):
        first = x = conv((x + 1) / 2, "Pre_blocks_conv")
        for i in range(1, network.blocks + 1):
            outer = x
            for j in (1, 2, 3):
                known = [x]
                for k in (1, 2, 3, 4):
                    known.append(F.relu(conv(torch.cat(known, 1), f"F_{i}_{j}_{k}")))
                x = x + 0.2 * conv(torch.cat(known, 1), f"LFF_{i}_{j}")
            x = outer + 0.2 * x
        x = conv(first + conv(x, "post_blocks_conv"), "PreShuffle")
        batch, _, height, width = x.shape  # TensorFlow's depth_to_space: colours are the last of a pixel's channels
        x = x.reshape(batch, scale, scale, 3, height, width).permute(0, 3, 4, 1, 5, 2)
        return (2 * conv(x.reshape(batch, 3, scale * height, scale * width), "SR") - 1).permute(0, 2, 3, 1).numpy()
    first = conv(127.5 * (x + 1), "F_m1")
    x, found = conv(first, "F_0"), []
    for i in range(1, network.blocks + 1):
        inner = x
        for k in range(1, network.convolutions + 1):
            inner = torch.cat([inner, F.relu(conv(inner, f"F_{i}_{k}"))], 1)
        x = x + conv(inner, f"LFF_{i}")
        found.append(x)
    x = first + conv(conv(torch.cat(found, 1), "GFF_1"), "GFF_2")
    x = conv(F.relu(conv(F.relu(conv(x, "UPN1")), "UPN2")), "UPN3")
    x = conv(F.interpolate(x, scale_factor=scale, mode="nearest"), "SR")
    return (x / 127.5 - 1).permute(0, 2, 3, 1).numpy()


@pytest.mark.parity
@pytest.mark.parametrize("name", SYSTEMS)
def test_through_the_command_line(name, tmp_path):
    """Found out by its tensors: the same pictures as PyTorch's formula, and the same tensors when they are written again."""
    pytest.importorskip("torch")
    system = SYSTEMS[name]
    tensors = tensors_of(system)
    path = write(tmp_path / "model", tensors)
    assert main(["import-weights", str(path), "--out", str(tmp_path / "run")]) == 0
    run = restore(tmp_path / "run")
    assert (run.system.scale, run.system.network) == (system.scale, system.network)
    pictures = np.random.default_rng(1).uniform(-1, 1, (2, 12, 8, 3)).astype(np.float32)
    ours, theirs = run.translate(pictures), in_pytorch(system, tensors, pictures)
    np.testing.assert_allclose(ours, theirs, atol=2e-5 * np.abs(theirs).max())
    out = tmp_path / "again.safetensors"
    assert main(["export", str(tmp_path / "run"), "--format", "safetensors", "--out", str(out)]) == 0
    from safetensors.numpy import load_file

    again = load_file(out)
    assert again.keys() == tensors.keys()
    for key, tensor in tensors.items():
        np.testing.assert_array_equal(again[key], tensor)


def test_files_that_are_not_whole_are_said(tmp_path):
    tensors = tensors_of(SYSTEMS["RDN"])
    path = write(tmp_path / "model", tensors)
    second, whole = tmp_path / "model/group1-shard2of2.bin", (tmp_path / "model/group1-shard2of2.bin").read_bytes()
    for content, message in ((whole[:-8], "shards end before the tensor"), (whole + bytes(4), "4 bytes more")):
        second.write_bytes(content)
        with pytest.raises(UserError, match=message):
            import_weights([path], "auto", tmp_path / "no")
    second.unlink()
    with pytest.raises(UserError, match=r"shard2of2\.bin, of model\.json, cannot be read"):
        import_weights([path], "auto", tmp_path / "no")
    model = json.loads(path.read_text())
    for change, message in (
        ({"paths": ["../secret"]}, "another folder"),
        ({"weights": [{"name": "a/kernel", "shape": [1], "dtype": "uint8"}]}, "is not float32"),
        ({"weights": [{"name": "a/kernel"}]}, "is damaged"),
    ):
        second.write_bytes(whole)
        path.write_text(json.dumps(model | {"weightsManifest": [model["weightsManifest"][0] | change]}))
        with pytest.raises(UserError, match=message):
            import_weights([path], "auto", tmp_path / "no")
    path.write_text("{}")
    with pytest.raises(UserError, match=r"is no model\.json of TensorFlow\.js"):
        import_weights([path], "auto", tmp_path / "no")
