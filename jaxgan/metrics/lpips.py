"""LPIPS, the learned perceptual distance of two pictures (Zhang et al. 2018, arXiv:1801.03924), with VGG16.

    d(a, b) = sum_l mean_{h,w} sum_c w_lc (a_l[h, w, c] - b_l[h, w, c])^2

where a_l are the activations of the layer l (relu1_2, relu2_2, relu3_3, relu4_3, relu5_3), each place's vector scaled to length
1, and w_l >= 0 are fitted to people's judgements. The weights w of version 0.1 come from the PyPI package `lpips`, whose file
is read without importing it (that would import torchvision); the VGG16 comes from the user's file. With torchvision's weights
the distance is the published LPIPS (`net="vgg"`); with others it is a distance of the same form, and is named differently.
"""

import importlib.metadata
from dataclasses import dataclass
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from jaxgan.errors import UserError
from jaxgan.metrics.preprocessing import in_chunks
from jaxgan.metrics.vgg import BLOCKS, Variables, protocol_name, read_vgg16, vgg16_activations
from jaxgan.weights.file import fill, read_weights

HEADS = "lpips/weights/v0.1/vgg.pth"
HEADS_SHA256 = "a78928a0af1e5f0fcb1f3b9e8f8c3a2a5a3de244d830ad5c1feddc79b8432868"


@dataclass(frozen=True, eq=False)
class LPIPS:
    """The distance with its weights.

    Attributes:
        name: of the protocol: "lpips-vgg16" or "lpips-vgg16-hed", version 0.1 both.
        digest: SHA-256, hexadecimal, of the file of VGG16.
        variables: {"vgg": of `VGG16`, "heads": {"lin0": [64], ..., "lin4": [512]}}.
    """

    name: str
    digest: str
    variables: Variables

    def __call__(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """`lpips(self, a, b)`."""
        return lpips(self, a, b)


def load_lpips(path: str | Path | None) -> LPIPS:
    """LPIPS with the VGG16 of the user's file (`read_vgg16`) and the heads of the installed `lpips` package.

    Raises:
        UserError: the file is not one of VGG16, or the package is not installed or not version 0.1.
    """
    weights, vgg = read_vgg16(path)
    vgg["params"] = {name: leaf for name, leaf in vgg["params"].items() if name.startswith("conv")}
    variables = jax.device_put({"vgg": vgg, "heads": read_heads()})
    return LPIPS(f"lpips-{protocol_name(weights)}", weights.digest, variables)


def read_heads() -> dict[str, np.ndarray]:
    """w_l of the five layers, {"lin0": [64], ..., "lin4": [512]}, from the installed package `lpips`."""
    try:
        found = importlib.metadata.distribution("lpips").locate_file(HEADS)
    except importlib.metadata.PackageNotFoundError:
        raise UserError(
            "LPIPS needs the file of its linear heads in the package 'lpips', which is not installed: "
            "pip install --no-deps lpips"
        ) from None
    weights = read_weights(str(found), HEADS_SHA256)
    shapes = {
        f"lin{i}": jax.ShapeDtypeStruct((1, 1, channels, 1), np.float32) for i, (channels, _) in enumerate(BLOCKS)
    }
    heads = fill(shapes, weights, lambda leaf: f"{leaf[0]}.model.1.weight")
    return {name: kernel.reshape(-1) for name, kernel in heads.items()}


def lpips_distance(variables: Variables, a: jax.Array, b: jax.Array) -> jax.Array:
    """d [B] of pictures `a` and `b` [B, H, W, 1 or 3] in [-1, 1]; differentiable, for losses too."""
    activations = vgg16_activations(variables["vgg"], jnp.concatenate([a, b]))
    total = jnp.zeros(len(a))
    for layer, maps in enumerate(activations):
        of_a, of_b = jnp.split(_unit(maps), 2)
        total += (jnp.square(of_a - of_b) @ variables["heads"][f"lin{layer}"]).mean((1, 2))
    return total


def _unit(maps: jax.Array) -> jax.Array:
    """Each place's vector scaled to length 1. The square of 1e-10 within the root keeps its derivative finite at 0."""
    return maps / jnp.sqrt(jnp.sum(jnp.square(maps), -1, keepdims=True) + 1e-20)


@jax.jit
def _compiled(variables: Variables, a: jax.Array, b: jax.Array) -> jax.Array:
    with jax.default_matmul_precision("float32"):
        return lpips_distance(variables, a, b)


def lpips(network: LPIPS, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """LPIPS [B] of pictures `a` and `b` [B, H, W, 1 or 3], row by row; nothing is resized.

    Args:
        network: from `load_lpips`.
        a, b: uint8, or floats in [-1, 1]; at least 16 x 16.

    Raises:
        UserError: the pictures differ in shape, or are too small.
    """
    a, b = _floats(a), _floats(b)
    if a.shape != b.shape:
        raise UserError(f"LPIPS compares pictures of one shape, not {list(a.shape)} with {list(b.shape)}")
    return in_chunks(lambda x, y: _compiled(network.variables, x, y), a, b)


def _floats(images: np.ndarray) -> np.ndarray:
    images = np.asarray(images)
    return images / np.float32(127.5) - 1 if images.dtype == np.uint8 else images.astype(np.float32)
