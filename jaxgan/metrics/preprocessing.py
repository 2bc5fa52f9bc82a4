"""How pictures come to a network of other people's weights: three channels, the network's size, a bounded batch."""

from collections.abc import Callable
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np

from jaxgan.errors import UserError

Resize = Literal["tf1", "pytorch_fid"]
"""Two bilinear resizes that read the same two neighbours at different places: see `resize_bilinear`."""

CHUNK = 16
"""Pictures that a large network sees at once: the first maps of 16 take 0.2 GB at 224 x 224."""


def resize_bilinear(images: jax.Array, size: int, resize: Resize) -> jax.Array:
    """Pictures [B, H, W, C] as [B, size, size, C], by linear interpolation along each axis, without a blur before shrinking.

    Output pixel i of an axis of n input pixels is read at the place s, between the pixels floor(s) and floor(s) + 1 (the
    last pixel stands for all beyond it):

        tf1           s = i n / size                            TensorFlow 1's resize_bilinear: pictures shift to the top left
        pytorch_fid   s = max((i + 1/2) n / size - 1/2, 0)      centres on centres: PyTorch's align_corners=False
    """
    return _resize_axis(_resize_axis(images, 2, size, resize), 1, size, resize)


def _resize_axis(images: jax.Array, axis: int, size: int, resize: Resize) -> jax.Array:
    count = images.shape[axis]
    scale = np.float32(count / size)  # in single precision, as TensorFlow and PyTorch have it
    place = np.arange(size, dtype=np.float32)
    place = place * scale if resize == "tf1" else np.maximum((place + np.float32(0.5)) * scale - np.float32(0.5), 0)
    low = np.minimum(place.astype(np.int32), count - 1)
    weight = (place - low).reshape([-1 if i == axis else 1 for i in range(images.ndim)])
    below = jnp.take(images, low, axis)
    above = jnp.take(images, np.minimum(low + 1, count - 1), axis)
    return below + (above - below) * weight


def rgb(images: jax.Array) -> jax.Array:
    """Pictures [B, H, W, 1] or [B, H, W, 3] as [B, H, W, 3]; a grey picture has three equal channels.

    Raises:
        UserError: they have other channels.
    """
    if images.ndim != 4 or images.shape[-1] not in (1, 3):
        raise UserError(
            f"a feature network takes grey or RGB pictures [B, H, W, 1 or 3], not {list(images.shape)}: convert them"
        )
    return jnp.broadcast_to(images, (*images.shape[:3], 3))


def in_chunks(function: Callable, *arrays: np.ndarray, size: int = CHUNK):
    """`function` of arrays [B, ...] called with at most `size` rows at a time; a pytree of numpy arrays [B, ...]."""
    made = [
        jax.device_get(function(*(array[start : start + size] for array in arrays)))
        for start in range(0, max(len(arrays[0]), 1), size)
    ]
    return jax.tree.map(lambda *parts: np.concatenate(parts), *made)
