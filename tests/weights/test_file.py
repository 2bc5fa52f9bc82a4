"""Files of weights: what is in them, and what is said of files that are not what they should be."""

import hashlib
import json
import pickle

import jax
import numpy as np
import pytest

from jaxgan.errors import UserError
from jaxgan.weights.file import Weights, fill, read_weights

KERNEL = np.arange(24, dtype=np.float32).reshape(2, 3, 2, 2)  # [out, in, kh, kw]
TENSORS = {
    "conv.weight": KERNEL,
    "fc.weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "fc.bias": np.ones(2, np.float32),
}
SHAPES = {
    "params": {
        "conv": {"kernel": jax.ShapeDtypeStruct((2, 2, 3, 2), np.float32)},
        "fc": {
            "kernel": jax.ShapeDtypeStruct((3, 2), np.float32),
            "bias": jax.ShapeDtypeStruct((2,), np.float32),
        },
    }
}


def name_of(leaf):
    return f"{leaf[1]}.{'bias' if leaf[2] == 'bias' else 'weight'}"


def sentence(call, *arguments, **named):
    with pytest.raises(UserError) as caught:
        call(*arguments, **named)
    return str(caught.value)


def weights(tmp_path, **changes):
    return Weights(tmp_path / "net.pth", "0" * 64, {**TENSORS, **changes})


def test_safetensors(tmp_path):
    from safetensors.numpy import save_file

    path = tmp_path / "net.safetensors"
    save_file({**TENSORS, "half": np.array([0.5], np.float16)}, path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    found = read_weights(path, digest)
    assert found.digest == digest
    assert set(found.tensors) == {*TENSORS, "half"}
    np.testing.assert_array_equal(found.tensors["conv.weight"], KERNEL)
    assert found.tensors["half"].dtype == np.float32
    path.write_bytes(path.read_bytes()[:-8])
    assert "damaged" in sentence(read_weights, path)


def test_safetensors_of_few_bits(tmp_path):
    """As they are published more and more; the values are those of the format, and no file is called damaged."""
    import ml_dtypes

    values = np.array([0.5, -1.5, 3.0], np.float32)
    kinds = {"BF16": ml_dtypes.bfloat16, "F8_E4M3": ml_dtypes.float8_e4m3fn, "F8_E5M2": ml_dtypes.float8_e5m2}
    header, body = {}, b""
    for name, kind in kinds.items():
        content = values.astype(kind).tobytes()
        header[name] = {"dtype": name, "shape": [3], "data_offsets": [len(body), len(body) + len(content)]}
        body += content
    head = json.dumps(header).encode()
    (tmp_path / "net.safetensors").write_bytes(len(head).to_bytes(8, "little") + head + body)
    found = read_weights(tmp_path / "net.safetensors").tensors
    assert set(found) == set(kinds)
    for tensor in found.values():
        assert tensor.dtype == np.float32
        np.testing.assert_array_equal(tensor, values)


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module."])
def test_names_as_pytorch_wraps_them(tmp_path, prefix):
    from jaxgan.weights.layers import unprefixed

    wrapped = Weights(tmp_path, "", {f"{prefix}{name}": tensor for name, tensor in TENSORS.items()})
    assert list(unprefixed(wrapped).tensors) == list(TENSORS)
    within = Weights(tmp_path, "", {"main._orig_mod.0.weight": KERNEL, "module.weight": KERNEL})
    assert list(unprefixed(within).tensors) == ["main.0.weight", "module.weight"]


def test_h5(tmp_path):
    import h5py

    path = tmp_path / "net.h5"
    (tmp_path / "secret.txt").write_text("not for others")
    with h5py.File(path, "w") as file:
        file["block1/vars/0"] = KERNEL
        file["note"] = "no tensor"
        file["elsewhere"] = h5py.ExternalLink(str(tmp_path / "secret.txt"), "/")
    found = read_weights(path)
    assert list(found.tensors) == ["block1/vars/0"]
    np.testing.assert_array_equal(found.tensors["block1/vars/0"], KERNEL)
    path.write_bytes(path.read_bytes()[:100])
    assert "damaged" in sentence(read_weights, path)


def test_what_is_not_the_file_is_said(tmp_path):
    path = tmp_path / "net.pth"
    assert "No such file" in sentence(read_weights, path)
    (tmp_path / "folder.pth").mkdir()
    assert "directory" in sentence(read_weights, tmp_path / "folder.pth")
    path.write_bytes(b"abc")
    wrong = sentence(read_weights, path, "1" * 64)
    assert str(path) in wrong
    assert hashlib.sha256(b"abc").hexdigest() in wrong
    assert "1" * 64 in wrong
    assert ".safetensors" in sentence(read_weights, tmp_path / "net.npz")


def test_fill_transposes_to_flax(tmp_path):
    variables = fill(SHAPES, weights(tmp_path), name_of)
    kernel = variables["params"]["conv"]["kernel"]
    assert kernel[1, 0, 2, 1] == KERNEL[1, 2, 1, 0]
    np.testing.assert_array_equal(variables["params"]["fc"]["kernel"], TENSORS["fc.weight"].T)
    np.testing.assert_array_equal(variables["params"]["fc"]["bias"], TENSORS["fc.bias"])


def test_a_layout_is_written_as_it_is_read():
    from jaxgan.weights.file import FLAX, PYTORCH

    kernel = PYTORCH.read(KERNEL)
    assert kernel.shape == (2, 2, 3, 2)
    np.testing.assert_array_equal(PYTORCH.write(kernel), KERNEL)
    np.testing.assert_array_equal(FLAX.write(KERNEL), KERNEL)


def test_fill_names_the_tensor_that_is_wrong(tmp_path):
    missing = weights(tmp_path)
    del missing.tensors["fc.weight"], missing.tensors["fc.bias"]
    assert "lacks the tensor fc.weight, fc.bias; " in sentence(fill, SHAPES, missing, name_of)
    extra = weights(tmp_path, **{"aux.weight": KERNEL})
    assert "has no place for the tensor aux.weight; " in sentence(fill, SHAPES, extra, name_of)
    fill(SHAPES, extra, name_of, lambda name: name.startswith("aux."))
    misshapen = weights(tmp_path, **{"fc.weight": TENSORS["fc.weight"].T})
    assert "fc.weight has the shape [3, 2], not [2, 3]" in sentence(fill, SHAPES, misshapen, name_of)
    both = weights(tmp_path, **{f"aux.{number}": KERNEL for number in range(5)})
    del both.tensors["fc.bias"]
    said = sentence(fill, SHAPES, both, name_of)
    assert (
        "lacks the tensor fc.bias, and the network has no place for the tensor aux.0, aux.1, aux.2 and 2 more" in said
    )
    damaged = weights(tmp_path, **{"fc.bias": np.array([1, np.nan], np.float32)})
    assert "NaN or infinity in the tensor fc.bias; " in sentence(fill, SHAPES, damaged, name_of)


@pytest.mark.parity
@pytest.mark.parametrize("zipped", [True, False])
def test_pth(tmp_path, zipped):
    import torch

    path = tmp_path / "net.pth"
    state = {name: torch.from_numpy(tensor) for name, tensor in TENSORS.items()}
    torch.save(state | {"half": torch.tensor([0.5]).bfloat16()}, path, _use_new_zipfile_serialization=zipped)
    found = read_weights(path)
    assert found.digest == hashlib.sha256(path.read_bytes()).hexdigest()
    np.testing.assert_array_equal(found.tensors["conv.weight"], KERNEL)
    np.testing.assert_array_equal(found.tensors["half"], [0.5])
    path.write_bytes(path.read_bytes()[:-100])
    assert "damaged" in sentence(read_weights, path)


class Evil:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (self.path, "w")


@pytest.mark.parity
def test_code_in_a_pth_is_not_run(tmp_path):
    import torch

    trace = tmp_path / "was_run"
    torch.save({"fc.weight": torch.ones(1), "evil": Evil(str(trace))}, tmp_path / "net.pth")
    assert "would run code" in sentence(read_weights, tmp_path / "net.pth")
    (tmp_path / "bare.pth").write_bytes(pickle.dumps(Evil(str(trace))))
    assert "would run code" in sentence(read_weights, tmp_path / "bare.pth")
    assert not trace.exists()
    torch.load(tmp_path / "net.pth", weights_only=False)
    assert trace.exists()  # it was a trap


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_torchscript_is_called_so(tmp_path):
    import torch

    torch.jit.script(torch.nn.Linear(2, 2)).save(str(tmp_path / "net.pt"))
    assert "is a TorchScript program, which would run code" in sentence(read_weights, tmp_path / "net.pt")


@pytest.mark.parity
def test_a_pth_of_something_else_is_said(tmp_path):
    import torch

    torch.save([torch.ones(1)], tmp_path / "list.pth")
    assert "state dict" in sentence(read_weights, tmp_path / "list.pth")
    torch.save({"epoch": 3, "model": {"fc.weight": torch.ones(1)}}, tmp_path / "nested.pth")
    assert "state dict" in sentence(read_weights, tmp_path / "nested.pth")
    (tmp_path / "noise.pth").write_bytes(bytes(range(256)))
    assert "damaged" in sentence(read_weights, tmp_path / "noise.pth")
    (tmp_path / "empty.pth").write_bytes(b"")
    assert "damaged" in sentence(read_weights, tmp_path / "empty.pth")
