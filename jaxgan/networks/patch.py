"""PatchGAN, a discriminator that judges patches (pix2pix, section 3.2.2 and appendix 6.1.2; Isola et al. 2017, 1611.07004).

Its logits are a map: each sees a patch of the picture, and the loss is their mean. Texture is judged at the patch's scale and
the rest left to the L1 or cycle loss; and it takes pictures of any size.
"""

import dataclasses
from collections.abc import Iterable
from typing import Literal

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxgan import fields
from jaxgan.errors import UserError
from jaxgan.nn import Conv, Mode, make_norm, normal_around_one

WIDEST = 8


def receptive_field(layers: Iterable[tuple[int, int]]) -> int:
    """Side in pixels of the patch that one output of a stack of convolutions sees.

    From the last layer back: field <- (field - 1) * stride + kernel.

    Args:
        layers: (kernel, stride) of each, the first one first.

    >>> receptive_field([(4, 2), (4, 2), (4, 2), (4, 1), (4, 1)])
    70
    """
    field = 1
    for kernel, stride in reversed(list(layers)):
        field = (field - 1) * stride + kernel
    return field


def layer_sizes(halvings: int) -> tuple[tuple[int, int], ...]:
    """(kernel, stride) of the layers of a PatchGAN with so many halvings; of the 1x1 PatchGAN with none."""
    return ((1, 1),) * 3 if not halvings else ((4, 2),) * halvings + ((4, 1),) * 2


HALVINGS = {receptive_field(layer_sizes(count)): count for count in range(6)}
"""By receptive field."""


class PatchModule(nn.Module):
    """Pictures [B, H, W, C] to a map of float32 logits [B, H', W']: 30x30 for 256x256 pictures and a field of 70."""

    width: int
    halvings: int
    norm: Literal["batch", "instance", "none"]
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: jax.Array, mode: Mode) -> jax.Array:
        bias = self.norm != "batch"
        sizes = layer_sizes(self.halvings)
        for index, (kernel, stride) in enumerate(sizes[:-1]):
            features = self.width * min(2**index, WIDEST)
            name, padding = f"layer_{index}", kernel // 4
            norm = index > 0 and self.norm != "none"  # no norm at the input
            x = Conv(features, kernel, stride, padding, bias or not index, not norm, dtype=self.dtype, name=name)(x)
            if norm:
                x = make_norm(self.norm, normal_around_one(), self.dtype, name=f"{name}_norm")(x, mode)
            x = nn.leaky_relu(x, 0.2)
        kernel, stride = sizes[-1]
        # The 1x1 PatchGAN of the papers' code has no bias after BatchNorm at its last layer either.
        last = Conv(
            1, kernel, stride, kernel // 4, bias or kernel > 1, dtype=self.dtype, name=f"layer_{len(sizes) - 1}"
        )
        return last(x)[..., 0].astype(jnp.float32)


@dataclasses.dataclass(frozen=True)
class Patch:
    """A PatchGAN. Defaults are pix2pix's 70x70.

    >>> module, pictures = Patch(field=70).module(jnp.float32), jnp.zeros((1, 256, 256, 6))
    >>> jax.eval_shape(lambda: module.init_with_output(jax.random.key(0), pictures, "batch")[0]).shape
    (1, 30, 30)
    """

    width: int = 64
    """Channels of the first layer; they double with each layer, up to eight times as many."""
    field: Literal[1, 16, 34, 70, 142, 286] = 70
    """Side of the patch that a logit sees. 1 is a PixelGAN; 286 sees all of a 256x256 picture (an ImageGAN)."""
    norm: Literal["batch", "instance", "none"] = "batch"
    """Norm of all layers but the first and the last."""

    def __post_init__(self):
        fields.check(self)

    @property
    def apart(self) -> bool:
        """Whether real and generated pictures must be judged as batches of their own: BatchNorm would mix them."""
        return self.norm == "batch"

    def check(self, shape: tuple[int, ...]) -> None:
        """Raise a UserError where pictures of `shape` [H, W, C] leave no logit."""
        needed = 3 << HALVINGS[self.field]  # two layers take a pixel each from the last map
        if self.field > 1 and min(shape[:2]) < needed:
            raise UserError(
                f"a PatchGAN with a field of {self.field} takes pictures of at least {needed}x{needed} pixels, and the data's "
                f"are {shape[0]}x{shape[1]}: set --data.size, or a smaller --system.discriminator.field"
            )

    def module(self, dtype: jnp.dtype) -> PatchModule:
        """A module `(pictures [B, H, W, C], mode) -> float32 logits [B, H', W']`."""
        return PatchModule(self.width, HALVINGS[self.field], self.norm, dtype)
