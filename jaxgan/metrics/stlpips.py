"""ST-LPIPS, a learned perceptual distance that a shift by a pixel hardly changes (Ghildyal & Liu 2022, ECCV, arXiv:2207.13686).

LPIPS with a trunk of its own, AlexNet whose strides are blurs, trained from the beginning on people's judgements. Version
ST0.0, "alex". The weights are those of the PyPI package `stlpips-pytorch`, whose file is read without importing it:
`pip install --no-deps stlpips-pytorch`. Only figures of the same version compare.
"""

import functools
import importlib.metadata

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from jaxgan.errors import UserError
from jaxgan.metrics.preprocessing import in_chunks, rgb
from jaxgan.nn import lowering
from jaxgan.weights.file import Weights, read_weights

FILE = "stlpips_pytorch/weights/vST0.0/alex_shift_tolerant.pth"
NAME = "ST-LPIPS (alex, ST0.0)"
CONVOLUTIONS = (("slice1.0", 2), ("slice2.5", 2), ("slice3.9", 1), ("slice4.11", 1), ("slice5.13", 1))
"""Names in the file, and zeros around."""
SHIFT, SCALE = np.float32([-0.030, -0.088, -0.188]), np.float32([0.458, 0.448, 0.450])
"""Of pictures in [-1, 1]."""
SMALLEST = 32
"""Side of the smallest pictures that are compared."""


@functools.cache
def load_stlpips():
    """The function of two uint8 pictures [B, H, W, 1 or 3] that gives their distances, float32 [B].

    Raises:
        UserError: the package is not installed, or its file is another.
    """
    try:
        path = importlib.metadata.distribution("stlpips-pytorch").locate_file(FILE)
    except importlib.metadata.PackageNotFoundError:
        raise UserError(
            "stlpips needs the weights in the package 'stlpips-pytorch', which is not installed: "
            "pip install --no-deps stlpips-pytorch"
        ) from None
    variables = jax.device_put(variables_of(read_weights(str(path))))

    @jax.jit
    def distance(variables, a, b):
        with jax.default_matmul_precision("float32"):
            return stlpips_distance(variables, *(rgb(x).astype(jnp.float32) / 127.5 - 1 for x in (a, b)))

    def compare(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        if min(a.shape[1:3]) < SMALLEST:
            raise UserError(
                f"stlpips compares pictures of {SMALLEST}x{SMALLEST} or more, not {a.shape[1]}x{a.shape[2]}"
            )
        return in_chunks(lambda a, b: distance(variables, a, b), a, b)

    return compare


def variables_of(weights: Weights) -> list[dict[str, np.ndarray]]:
    """Kernel, bias and head of each of the five layers. Raises: UserError: the file lacks one."""
    found = []
    for number, (name, _) in enumerate(CONVOLUTIONS):
        names = [f"net.{name}.weight", f"net.{name}.bias", f"lin{number}.model.1.weight"]
        if missing := [name for name in names if name not in weights.tensors]:
            raise UserError(f"{weights}: it lacks {missing[0]}: install stlpips-pytorch 0.0.2")
        kernel, bias, head = (weights.tensors[name] for name in names)
        found.append({"kernel": kernel.transpose(2, 3, 1, 0), "bias": bias, "head": head.reshape(-1)})
    return found


def stlpips_distance(variables: list[dict[str, jax.Array]], a: jax.Array, b: jax.Array) -> jax.Array:
    """The distances [B] of pictures [B, H, W, 3] in [-1, 1]: at five layers, of activations scaled to length 1."""
    total, both = jnp.zeros(len(a)), (jnp.concatenate([a, b]) - SHIFT) / SCALE
    for number, layer in enumerate(variables):
        pad = CONVOLUTIONS[number][1]
        if number in (1, 2):
            both = _blur(nn.max_pool(both, (3, 3), (1, 1)))
        both = lowering.conv(both, layer["kernel"], (1, 1), ((pad, pad), (pad, pad))) + layer["bias"]
        both = nn.relu(_blur(both) if number == 0 else both)
        unit = both / (jnp.sqrt(jnp.square(both).sum(-1, keepdims=True)) + 1e-10)
        ours, theirs = jnp.split(unit, 2)
        total += (jnp.square(ours - theirs) * layer["head"]).sum(-1).mean((1, 2))
    return total


def _blur(x: jax.Array) -> jax.Array:
    """[1 2 1] / 4 along both axes, every other pixel, with two pixels reflected at each border."""
    x = jnp.pad(x, ((0, 0), (2, 2), (2, 2), (0, 0)), "reflect")
    for axis in (1, 2):
        size = x.shape[axis]
        parts = [jax.lax.slice_in_dim(x, i, size - 2 + i, 2, axis) for i in range(3)]
        x = 0.25 * parts[0] + 0.5 * parts[1] + 0.25 * parts[2]
    return x
