"""Files of pickles: what is read, and that nothing in them is run, whatever they are made to do."""

import contextlib
import io
import pickle
import pickletools
import random
import struct
import sys
import tarfile
import tracemalloc
import zipfile

import ml_dtypes
import numpy as np
import pytest

from jaxgan.errors import UserError
from jaxgan.weights import torch_files
from jaxgan.weights.file import read_file, read_weights, state_dicts
from jaxgan.weights.pickles import Inert
from jaxgan.weights.torch_files import array_of, read

TENSORS = {
    "weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "bias": np.float32([1, -2]),
    "count": np.array(7, np.float32),
}


def storage(kind="FloatStorage", key="0", count=6):
    """The opcodes of a persistent id."""
    pid = ("storage", torch_files._global("torch", kind), key, "cpu", count)
    return torch_files._pickled(pid, []) + pickle.BINPERSID


def tensor(at=None, offset=0, shape=(2, 3), strides=(3, 1)):
    """The opcodes of a tensor."""
    arguments = (storage() if at is None else at, offset, shape, strides, pickle.NEWFALSE, pickle.NONE)
    called = torch_files._global("torch._utils", "_rebuild_tensor_v2")
    return called + torch_files._pickled(arguments, []) + pickle.REDUCE


def program(opcodes):
    return b"\x80\x02" + opcodes + b"."


def zipped(opcodes, entries=None, kept=zipfile.ZIP_STORED):
    file = io.BytesIO()
    found = {"data/0": TENSORS["weight"].tobytes()} if entries is None else entries
    with zipfile.ZipFile(file, "w", kept) as archive:
        for name, content in {"data.pkl": program(opcodes), **found}.items():
            archive.writestr(f"whatever/{name}", content)
    return file.getvalue()


def legacy(opcodes, keys=("0",), count=6, little=True):
    head = [0x1950A86A20F9469CFC6C, 1001, {"protocol_version": 1001, "little_endian": little}]
    content = b"".join(pickle.dumps(one, 2) for one in head) + program(opcodes) + pickle.dumps(list(keys), 2)
    return content + b"".join(struct.pack("<q", count) + TENSORS["weight"].tobytes() for _ in keys)


def within(opcodes):
    """A pickle whose storage is bytes in it."""
    content = legacy(storage())
    held = b"B" + struct.pack("<I", len(content)) + content
    called = torch_files._global("torch.storage", "_load_from_bytes") + held + pickle.TUPLE1 + pickle.REDUCE
    return b"\x80\x03" + tensor(called) + b"." if opcodes is None else b"\x80\x03" + opcodes(called) + b"."


def refused(content, path="net.pt"):
    with pytest.raises(UserError) as caught:
        read(path, content)
    said = str(caught.value)
    assert said.startswith(path)
    assert "\n" not in said
    return said


@pytest.mark.parametrize("content", [zipped(tensor()), legacy(tensor()), within(None)], ids=["zip", "legacy", "pickle"])
def test_a_tensor_is_a_view_of_the_file(content):
    found = array_of(read("net.pt", content))
    np.testing.assert_array_equal(found, TENSORS["weight"])
    assert not found.flags.writeable
    assert not found.flags.owndata


def test_strides_and_types():
    turned = array_of(read("net.pt", zipped(tensor(shape=(3, 2), strides=(1, 3)))))
    np.testing.assert_array_equal(turned, TENSORS["weight"].T)
    assert array_of(read("net.pt", zipped(tensor(offset=5, shape=(), strides=())))) == 5
    assert array_of(read("net.pt", zipped(tensor(shape=(0, 3))))).shape == (0, 3)
    values = np.array([1, 0, 1, 1, 0, 1])
    for kind, dtype in {
        "BFloat16Storage": ml_dtypes.bfloat16,
        "HalfStorage": np.float16,
        "LongStorage": np.int64,
    }.items():
        content = zipped(tensor(storage(kind)), {"data/0": values.astype(dtype).tobytes()})
        found = array_of(read("net.pt", content))
        assert found.dtype == dtype
        np.testing.assert_array_equal(found.astype(int).ravel(), values)
    assert "a ComplexFloatStorage, which is not read" in refused(zipped(tensor(storage("ComplexFloatStorage"))))


@pytest.mark.parametrize("suffix", [".pth", ".pt", ".pkl", ".tar", ".pth.tar", ".bin", ".ckpt"])
def test_state_dicts_are_found_by_content(tmp_path, monkeypatch, suffix):
    """Without PyTorch, whatever the file is called, at any place in it."""
    monkeypatch.setitem(sys.modules, "torch", None)
    path = tmp_path / f"weights{suffix}"
    path.write_bytes(
        torch_files.write({"epoch": 3, "netG_state_dict": TENSORS, "more": {"netD": TENSORS, "no": "tensor"}})
    )
    found = state_dicts(read_file(path))
    assert [weights.place for weights in found] == ["netG_state_dict", "more.netD"]
    assert str(found[0]) == f"{path} (netG_state_dict)"
    for weights in found:
        assert set(weights.tensors) == set(TENSORS)
        for name, expected in TENSORS.items():
            np.testing.assert_array_equal(weights.tensors[name], expected)
    with pytest.raises(UserError, match="is not a state dict"):
        read_weights(path)


def test_arrays_of_numpy(tmp_path):
    path = tmp_path / "net.pkl"
    arrays = {
        **TENSORS,
        "turned": np.asfortranarray(TENSORS["weight"]),
        "flags": np.array([True, False]),
        "count": np.ones(()),
    }
    path.write_bytes(pickle.dumps(arrays))
    found = read_weights(path).tensors
    for name, expected in arrays.items():
        np.testing.assert_array_equal(found[name], expected)
    path.write_bytes(pickle.dumps({"objects": np.array([None, {}])}))
    with pytest.raises(UserError, match="would run code"):
        read_weights(path)


RUN = []


def tripwire(*words):
    RUN.append(words)


CALLS = {
    "system": b"cposix\nsystem\n(X\x04\x00\x00\x00exittR.",
    "eval": b"\x80\x02c__builtin__\neval\nX\x07\x00\x00\x001 / 0.0\x85R.",
    "builtins": b"\x80\x04\x8c\x08builtins\x8c\x04exec\x93\x8c\x05raise\x85R.",
    "within": b"\x80\x02c__builtin__\ngetattr\n(c__builtin__\neval\nX\x01\x00\x00\x001\x85RX\x01\x00\x00\x00atR.",
    "instance": b"(S'exit 1'\nios\nsystem\n.",
    "ours": f"c{__name__}\ntripwire\n(I1\ntR.".encode(),
    "dotted": b"\x80\x04\x8c\x05numpy\x8c\x11core.multiarray.x\x93)R.",
}


@pytest.mark.parametrize("call", CALLS)
def test_a_call_is_inert(call):
    for found in (
        read("net.pkl", CALLS[call]),
        read("net.pkl", b"\x80\x02}X\x01\x00\x00\x00a" + CALLS[call][:-1] + b"s."),
    ):
        found = found["a"] if isinstance(found, dict) else found
        assert isinstance(found, Inert)
        assert found.name not in ("", "Inert")
    assert RUN == []
    assert sys.modules[__name__].tripwire is tripwire


PARAMETER = torch_files._global("torch._utils", "_rebuild_parameter")
HOSTILE = {
    # Numbers that would need more memory than there is.
    "memo": b"\x80\x02}r\xff\xff\xff\xff.",
    "memo in words": b"}p4000000000\n.",
    "bytes": b"\x80\x04\x8e" + struct.pack("<Q", 1 << 40) + b"x.",
    "bytearray": b"\x80\x05\x96" + struct.pack("<Q", 1 << 40) + b"x.",
    "word": b"\x80\x04\x8d" + struct.pack("<Q", 1 << 62) + b"x.",
    "frame": b"\x80\x04\x95" + struct.pack("<Q", 1 << 50) + b"N.",
    "integer": b"\x80\x02\x8b\xff\xff\xff\x7f1.",
    "expanded": zipped(tensor(shape=(1 << 40,), strides=(0,))),
    "nothing, largely": zipped(tensor(shape=(0, 1 << 60, 1 << 60), strides=(1, 1, 1))),
    "count": legacy(tensor(), count=1 << 60),
    "storage": legacy(tensor(storage(count=1 << 60)), count=1 << 60),
    "bomb": zipped(tensor(storage(count=1 << 22)), {"data/0": bytes(1 << 24)}, zipfile.ZIP_DEFLATED),
    # Beyond the numbers that are there.
    "size": zipped(tensor(shape=(2, 4))),
    "offset": zipped(tensor(offset=1)),
    "stride": zipped(tensor(strides=(4, 1))),
    "before": zipped(tensor(offset=-1)),
    "backwards": zipped(tensor(offset=5, strides=(-3, 1))),
    "negative": zipped(tensor(shape=(-2, 3))),
    "ranks": zipped(tensor(strides=(1,))),
    "words": zipped(tensor(shape=("a", "b"))),
    "short": zipped(tensor(storage(count=7), shape=(7,), strides=(1,))),
    "negative storage": zipped(tensor(storage(count=-6))),
    "missing storage": zipped(tensor(storage(key="1"))),
    "outside": zipped(tensor(storage(key="../../etc/passwd"))),
    "no storage": zipped(tensor(pickle.NONE)),
    "inert storage": zipped(tensor(torch_files._global("os", "system"))),
    "no type": zipped(tensor(pickle.MARK + b"X\x07\x00\x00\x00storageNX\x01\x00\x00\x000NK\x06tQ")),
    "no keys": legacy(tensor(), keys=()),
    "keys that are none": legacy(tensor(), keys=("1",)),
    # What is read is not changed from within.
    "state of a tensor": zipped(tensor() + pickle.EMPTY_DICT + pickle.BUILD),
    "state of a function": program(PARAMETER + b"N}X\x0c\x00\x00\x00__defaults__)s\x86b"),
    "state of a class": program(torch_files._global("os", "system") + b"}b"),
    # What PyTorch does not write.
    "extension": b"\x80\x02\x82\x01.",
    "id": b"\x80\x02X\x01\x00\x00\x00aQ.",
    "id in words": b"Pabc\n.",
    "storages in storages": within(lambda called: torch_files._global("torch.storage", "_load_from_bytes") + called + b"\x85R"),
    "big endian": legacy(tensor(), little=False),
    "no pickle": b"hello",
    "nothing": b"",
    "half a zip": b"PK\x03\x04",
    "another zip": zipped(tensor()).replace(b"data.pkl", b"data.txt"),
    "no stop": b"\x80\x02}",
}  # fmt: skip


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_files_are_refused_in_a_sentence(what):
    content = HOSTILE[what]
    tracemalloc.start()
    refused(content)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20


def test_a_tar_is_called_so():
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("netG.pth"))
    assert "is a tar archive: unpack it" in refused(file.getvalue())


def test_the_same_bytes_again_and_again():
    """Ten storages that are all the same bytes."""
    content = legacy(storage())
    held = b"B" + struct.pack("<I", len(content)) + content + b"q\x00"
    called = torch_files._global("torch.storage", "_load_from_bytes") + b"h\x00\x85R0"
    assert "again and again" in refused(b"\x80\x03" + held + called * 10 + b".")


def test_many_names_of_one_tensor(tmp_path):
    pairs = b"".join(b"X\x05\x00\x00\x00" + b"%05d" % number + b"h\x00" for number in range(2000))
    large = {"data/0": bytes(4 << 16)}
    one = tensor(storage(count=1 << 16), shape=(1 << 16,), strides=(1,)) + b"q\x000"
    (tmp_path / "net.pt").write_bytes(zipped(one + b"}(" + pairs + b"u", large))
    with pytest.raises(UserError, match="more numbers than it"):
        read_weights(tmp_path / "net.pt")


@pytest.mark.parametrize("depth", [30, 3000])
def test_dicts_that_hold_each_other(tmp_path, depth):
    """Two to the thirty ways through a small file are not walked, nor those in a circle."""
    opcodes = b"}q\x00"
    for _ in range(depth):
        opcodes += b"q\x000}X\x01\x00\x00\x00ah\x00sX\x01\x00\x00\x00bh\x00s"
    (tmp_path / "net.pt").write_bytes(program(opcodes))
    with pytest.raises(UserError, match="is not a state dict"):
        state_dicts(read_file(tmp_path / "net.pt"))
    (tmp_path / "net.pt").write_bytes(program(b"}q\x00X\x01\x00\x00\x00ah\x00s"))
    with pytest.raises(UserError, match="is not a state dict"):
        state_dicts(read_file(tmp_path / "net.pt"))


def test_damaged_files_are_refused_in_a_sentence():
    """Cut, or with other bytes: a sentence, or numbers within the file; nothing else."""
    draw = random.Random(0)
    for content in (zipped(tensor()), legacy(tensor()), within(None), pickle.dumps(TENSORS)):
        for _ in range(150):
            damaged = bytearray(content[: draw.randrange(len(content))] if draw.random() < 0.3 else content)
            for _ in range(draw.randrange(4)):
                if damaged:
                    damaged[draw.randrange(len(damaged))] = draw.randrange(256)
            with contextlib.suppress(UserError):
                array_of(read("net.pt", bytes(damaged)))


def test_a_zip_whose_numbers_changed_is_damaged():
    content = bytearray(zipped(tensor()))
    place = bytes(content).index(TENSORS["weight"].tobytes())
    content[place + 9] ^= 1
    assert "'whatever/data/0' in it is not whole" in refused(bytes(content))


def test_what_is_written_is_plain(tmp_path):
    """No name but those of tensors is in it, and the same tensors are the same file."""
    content = torch_files.write({"g_ema": TENSORS})
    assert content == torch_files.write({"g_ema": TENSORS})
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        opcodes = list(pickletools.genops(archive.read("archive/data.pkl")))
    named = {argument for opcode, argument, _ in opcodes if opcode.name == "GLOBAL"}
    assert named == {"torch._utils _rebuild_tensor_v2", "torch FloatStorage", "collections OrderedDict"}
