"""Pickles, read as data: nothing in them is run.

A pickle is a program: it names functions and classes, and calls them. Here a name stands for nothing: it becomes a class of
`Inert`, which keeps what it is given, unless the reader says what it stands for, as `jaxgan.weights.torch_files` does of the
few that make tensors.

A file may be made to harm: lengths that are not there, numbers for the memo that would need gigabytes. What is read costs
memory in proportion to the file's size, or it is refused; and time, but for a dict whose keys are tuples of tuples of tuples,
which Python hashes.
"""

import io
import pickle
import pickletools
from collections.abc import Callable
from typing import Any

import numpy as np

DICTS = ("collections.OrderedDict", "collections.defaultdict", "dnnlib.util.EasyDict")
"""Classes that are dicts, even where they hold nothing."""
NUMPY = ("numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct")
FOREIGN = ("EXT1", "EXT2", "EXT4", "NEXT_BUFFER", "READONLY_BUFFER")
"""Opcodes that reach for what is not in the file."""


class Refused(Exception):
    """Why a file is not read: how a sentence goes on that begins with its name."""

    @classmethod
    def damaged(cls, how: str) -> "Refused":
        return cls(f"is damaged ({how}); download it again")


class Inert:
    """What stands for anything that a pickle names: a class that does nothing, whose instances keep what they are given.

    Attributes:
        name: what the pickle calls it, "posix.system".
        args: what it was called with.
        state: what `__setstate__` would have got; None if nothing.
        items: what was set by key.
    """

    __slots__ = ("args", "items", "state")
    name = ""

    def __new__(cls, /, *args, **_):
        self = super().__new__(cls)
        self.args, self.state, self.items = args, None, {}
        return self

    def __setstate__(self, state):
        self.state = state

    def __setitem__(self, key, value):
        self.items[key] = value

    def append(self, _):
        """A list's, or a set's; no tensor that is wanted is in one."""

    extend = add = append


class Sealed:
    """What a pickle can make, and cannot change: else it could set its fields, or the defaults of a function."""

    __slots__ = ()

    def __setstate__(self, _):
        raise Refused.damaged(f"it changes a {type(self).__name__}")


class Function(Sealed):
    """A function that a pickle may call."""

    __slots__ = ("_call",)

    def __init__(self, call: Callable[..., Any]):
        self._call = call

    def __call__(self, *args):
        return self._call(*args)


def load(file: io.BytesIO, names: dict[str, Any], persistent: Callable[[Any], Any] | None = None) -> Any:
    """The next pickle in a file: numbers, words and containers as they are, `Inert` for all else.

    Args:
        file: it is left behind the pickle.
        names: what names stand for, `{"torch._utils._rebuild_parameter": ...}`; those of `Inert` are added.
        persistent: gives what a persistent id stands for.

    Raises:
        Refused: it is made to harm.
        Exception: it is no pickle, and which error says so is Python's choice.
    """
    begin = file.tell()
    # Which raises where a length goes beyond the end.
    for count, (opcode, argument, _) in enumerate(pickletools.genops(file)):
        if opcode.name in FOREIGN:
            raise Refused.damaged("it asks for what is not in it")
        if opcode.name in ("PUT", "BINPUT", "LONG_BINPUT") and argument > count:
            raise Refused.damaged("its memo skips numbers")
    file.seek(begin)
    return _Unpickler(file, names, persistent).load()


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, names: dict[str, Any], persistent: Callable[[Any], Any] | None):
        super().__init__(file, encoding="latin1")  # Python 2's words
        self._names, self._persistent = names, persistent

    def find_class(self, module, name):
        name = f"{module}.{name}"
        if name not in self._names:
            self._names[name] = type(name.rpartition(".")[2], (Inert,), {"__slots__": (), "name": name})
        return self._names[name]

    def persistent_load(self, pid):
        if self._persistent is None:
            raise Refused.damaged("it asks for what is not in it")
        return self._persistent(pid)


def items_of(found: Any) -> dict[Any, Any] | None:
    """What is in a dict, or an ordered one, or the like; None of anything else."""
    if isinstance(found, dict):
        return found
    if not isinstance(found, Inert) or not (found.items or found.name in DICTS):
        return None
    if not found.items and len(found.args) == 1 and isinstance(found.args[0], list):  # Python 2's: a list of pairs
        return dict(pair for pair in found.args[0] if isinstance(pair, list | tuple) and len(pair) == 2)
    return found.items


def numpy_array(found: Any) -> np.ndarray | None:
    """The array that a pickle holds as numpy writes it; None of anything else, and of an array that has no numbers."""
    if not isinstance(found, Inert) or found.name not in NUMPY:
        return None
    try:
        _, shape, dtype, columns_first, data = found.state
        kind = np.dtype(dtype.state[1].replace("|", "") + dtype.args[0])
        if dtype.name != "numpy.dtype" or kind.kind not in "fiub" or not isinstance(data, bytes):
            return None
        return np.frombuffer(data, kind).reshape(shape, order="F" if columns_first else "C")
    except (TypeError, ValueError, IndexError, AttributeError):
        return None
