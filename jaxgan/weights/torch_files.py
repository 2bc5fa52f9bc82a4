"""Files that PyTorch's `torch.save` and NVIDIA's code write, read without PyTorch; and written.

Three kinds, told apart by their content, whatever they are called:

    zip       torch.save since PyTorch 1.6: NAME/data.pkl, and NAME/data/KEY for the bytes of each storage
    legacy    torch.save before: pickles of a magic number, a version, the system, the object and the keys of the storages, then
              for each key the count, int64, and the bytes
    pickle    one pickle; a storage is bytes in it, a legacy file of their own. NVIDIA's .pkl

Tensors are views of the file's bytes, each checked against the bounds of its storage; `jaxgan.weights.pickles` reads the rest.
"""

import io
import math
import pickle
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import ml_dtypes  # JAX has it
import numpy as np

from jaxgan.errors import UserError
from jaxgan.weights.pickles import Function, Inert, Refused, Sealed, items_of, load, numpy_array

MAGIC, VERSION = 0x1950A86A20F9469CFC6C, 1001
"""The first two pickles of a legacy file."""
STORAGES = {
    "DoubleStorage": np.float64, "FloatStorage": np.float32, "HalfStorage": np.float16, "BFloat16Storage": ml_dtypes.bfloat16,
    "LongStorage": np.int64, "IntStorage": np.int32, "ShortStorage": np.int16, "CharStorage": np.int8,
    "ByteStorage": np.uint8, "BoolStorage": np.bool_,
}  # fmt: skip
EXPANDED = 1 << 16
"""Numbers that a tensor may have, at most, that has more than its storage: one that was expanded."""
LOADER = "torch.storage._load_from_bytes"


class Storage(Sealed):
    """`count` numbers of a type; `data` are their bytes, once they are found."""

    __slots__ = ("count", "data", "dtype")

    def __init__(self, dtype: type, count: int):
        self.dtype, self.count, self.data = np.dtype(dtype), count, None


class Tensor(Sealed):
    """A view of a storage."""

    __slots__ = ("offset", "shape", "storage", "strides")

    def __init__(self, storage: Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]):
        self.storage, self.offset, self.shape, self.strides = storage, offset, shape, strides

    def check(self) -> None:
        """Raises: Refused: it reaches beyond its storage, or is no view of one."""
        storage, numbers = self.storage, (self.offset, *self.shape, *self.strides)
        if (
            not isinstance(storage, Storage)
            or not isinstance(storage.data, memoryview)
            or len(storage.data) < storage.count * storage.dtype.itemsize
            or len(self.shape) != len(self.strides)
            or len(self.shape) > 32
            or not all(isinstance(number, int) and number >= 0 for number in numbers)
            or math.prod(max(size, 1) for size in self.shape) > max(storage.count, EXPANDED)
        ):
            raise Refused.damaged("a tensor without its numbers")
        last = self.offset + sum((size - 1) * stride for size, stride in zip(self.shape, self.strides, strict=True))
        if math.prod(self.shape) and last >= storage.count:
            raise Refused.damaged("a tensor that reaches beyond its numbers")

    def array(self) -> np.ndarray:
        """Its numbers, read only, of the type that they have in the file; not copied."""
        kind = self.storage.dtype
        if not math.prod(self.shape):
            return np.zeros(self.shape, kind)
        numbers = np.frombuffer(self.storage.data, kind, self.storage.count)[self.offset :]
        strides = [stride * kind.itemsize for stride in self.strides]
        return np.lib.stride_tricks.as_strided(numbers, self.shape, strides, writeable=False)


def read(path: Path, content: bytes) -> Any:
    """The object in a file: numbers, words and containers as they are, `Tensor`, and `Inert` for all else.

    Raises:
        UserError: the file is damaged, or is none of these; in a sentence that names it.
    """
    try:
        return _Reader(content).read()
    except Refused as error:
        raise UserError(f"{path} {error}") from None
    except MemoryError:
        raise  # the machine's: no file asks for more than its size
    except Exception as error:  # bytes that are no pickle fail in whatever way they happen to
        raise UserError(f"{path} is damaged ({type(error).__name__}); download it again") from None


def array_of(found: Any) -> np.ndarray | None:
    """The numbers of a tensor, or of an array; None of anything else."""
    if isinstance(found, Tensor):
        return found.array()
    return found if isinstance(found, np.ndarray) else numpy_array(found)


class _Reader:
    """What the pickles of a file share: its tensors, and how many of its bytes may still be taken."""

    def __init__(self, content: bytes):
        self.content, self.left, self.tensors = content, len(content), []
        self.names = {
            "torch._utils._rebuild_tensor_v2": Function(self._tensor),
            "torch._utils._rebuild_parameter": Function(lambda tensor, *_: tensor),
            LOADER: Function(self._nested),
        }

    def read(self) -> Any:
        """The object of the file."""
        file = io.BytesIO(self.content)
        if self.content.startswith(b"PK\x03\x04"):
            found = self._zip(file)
        elif self.content[257:262] == b"ustar":
            raise Refused("is a tar archive: unpack it, and name the file of weights in it")
        else:
            found = load(file, self.names)
            if isinstance(found, int) and found == MAGIC:
                found = self._legacy(file)
        for tensor in self.tensors:
            tensor.check()
        return found

    def spend(self, size: int) -> None:
        """No part of a file is in it twice: whoever takes more than its size takes the same bytes again and again."""
        self.left -= size
        if self.left < 0:
            raise Refused.damaged("it uses the same bytes again and again")

    def _tensor(self, storage, offset, shape, strides, *_) -> Tensor:
        self.tensors.append(Tensor(storage, offset, tuple(shape), tuple(strides)))
        return self.tensors[-1]

    def _nested(self, content) -> Any:
        if not isinstance(content, bytes):
            raise Refused.damaged("a storage that is not bytes")
        self.spend(len(content))
        inner = _Reader(content)
        del inner.names[LOADER]  # one level: a storage in a storage's bytes is none that PyTorch writes
        return inner.read()

    def _zip(self, file: io.BytesIO) -> Any:
        with zipfile.ZipFile(file) as archive:
            entries = {entry.filename: entry for entry in archive.infolist()}
        if any(name.endswith("/constants.pkl") for name in entries):
            raise Refused(
                "is a TorchScript program, which would run code when loaded: it was not; where it was made, save its "
                "state_dict() instead"
            )
        found = [name for name in entries if name.rpartition("/")[2] == "data.pkl"]
        if len(found) != 1:
            raise Refused("is a zip archive of something else: no torch.save has written it")
        prefix = found[0].removesuffix("data.pkl")
        order = entries.get(f"{prefix}byteorder")
        _check_order(order is None or self._entry(order) == b"little")
        storages: dict[str, Storage] = {}

        def persistent(pid: Any) -> Storage:
            dtype, key, count = _storage_of(pid)
            if key not in storages:
                storages[key] = Storage(dtype, count)
                storages[key].data = self._entry(entries[f"{prefix}data/{key}"])
            return storages[key]

        return load(io.BytesIO(self._entry(entries[found[0]])), self.names, persistent)

    def _entry(self, entry: zipfile.ZipInfo) -> memoryview:
        """The bytes of a file in the archive, where they lie: PyTorch compresses none."""
        self.spend(entry.file_size)
        signature, *_, name, extra = struct.unpack_from("<4s5H3L2H", self.content, entry.header_offset)
        begin = entry.header_offset + 30 + name + extra
        data = memoryview(self.content)[begin : begin + entry.file_size]
        if (
            entry.compress_type != zipfile.ZIP_STORED
            or signature != b"PK\x03\x04"
            or len(data) != entry.file_size
            or zlib.crc32(data) != entry.CRC
        ):
            raise Refused.damaged(f"{entry.filename!r} in it is not whole")
        return data

    def _legacy(self, file: io.BytesIO) -> Any:
        if load(file, self.names) != VERSION:
            raise Refused("is of a version of torch.save that is not known: save it with a newer PyTorch")
        _check_order(items_of(load(file, self.names))["little_endian"])
        storages: dict[str, Storage] = {}

        def persistent(pid: Any) -> Any:
            if pid[0] == "module":  # a class and its source, in files of whole models
                return pid[1]
            if pid[5:] not in ((), (None,)):
                raise Refused("has storages that share bytes, as PyTorch 0.3 wrote them: save it with a newer one")
            dtype, key, count = _storage_of(pid)
            return storages.setdefault(key, Storage(dtype, count))

        found = load(file, self.names, persistent)
        for key in load(file, self.names):
            storage = storages[key]
            (count,) = struct.unpack("<q", file.read(8))
            begin, size = file.tell(), storage.count * storage.dtype.itemsize
            if count != storage.count or begin + size > len(self.content):
                raise Refused.damaged("a storage of another size")
            storage.data = memoryview(self.content)[begin : begin + size]
            file.seek(begin + size)
        return found


def _check_order(little: bool) -> None:
    if little is not True:
        raise Refused("is of a big-endian machine: save it on another")


def _storage_of(pid: tuple) -> tuple[type, str, int]:
    """Type, key and count of ("storage", class, key, device, count)."""
    kind, made, key, _, count = pid[:5]
    name = made.name.rpartition(".")[2] if isinstance(made, type) and issubclass(made, Inert) else ""
    if kind != "storage" or not name or not isinstance(key, str) or not isinstance(count, int) or count < 0:
        raise Refused.damaged("a storage that is none")
    if name not in STORAGES:
        raise Refused(f"has tensors in a {name}, which is not read: save them as float32")
    return STORAGES[name], key, count


def write(tree: dict[str, Any]) -> bytes:
    """What `torch.load` reads: dicts in dicts, by name, of float32 arrays, as a zip file."""
    storages: list[bytes] = []
    pickled = b"\x80\x02" + _pickled(tree, storages) + pickle.STOP
    entries = {"data.pkl": pickled, "byteorder": b"little", "version": b"3\n"}
    entries |= {f"data/{number}": content for number, content in enumerate(storages)}
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, content in entries.items():
            archive.writestr(zipfile.ZipInfo(f"archive/{name}"), content)  # a date of its own: the same file each time
    return file.getvalue()


def _pickled(found: Any, storages: list[bytes]) -> bytes:
    """In protocol 2, opcode by opcode: pickle itself would have to import PyTorch for the names."""
    if isinstance(found, dict):
        pairs = b"".join(_pickled(name, storages) + _pickled(value, storages) for name, value in found.items())
        return pickle.EMPTY_DICT + pickle.MARK + pairs + pickle.SETITEMS
    if isinstance(found, np.ndarray):
        storages.append(np.ascontiguousarray(found, "<f4").tobytes())
        strides = tuple(math.prod(found.shape[axis + 1 :]) for axis in range(found.ndim))
        storage = ("storage", _global("torch", "FloatStorage"), str(len(storages) - 1), "cpu", found.size)
        hooks = _global("collections", "OrderedDict") + pickle.EMPTY_TUPLE + pickle.REDUCE
        pid = _pickled(storage, storages) + pickle.BINPERSID
        arguments = _pickled((pid, 0, found.shape, strides, pickle.NEWFALSE, hooks), storages)
        return _global("torch._utils", "_rebuild_tensor_v2") + arguments + pickle.REDUCE
    if isinstance(found, tuple):
        return pickle.MARK + b"".join(_pickled(value, storages) for value in found) + pickle.TUPLE
    if isinstance(found, str):
        encoded = found.encode()
        return pickle.BINUNICODE + struct.pack("<I", len(encoded)) + encoded
    if isinstance(found, int):
        return pickle.LONG1 + b"\x08" + struct.pack("<q", found)
    return found  # opcodes


def _global(module: str, name: str) -> bytes:
    return pickle.GLOBAL + f"{module}\n{name}\n".encode()
