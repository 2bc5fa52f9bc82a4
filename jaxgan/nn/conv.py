"""Convolution and transposed convolution, the way GAN papers count their sizes.

A convolution is linear, so it is a matrix: write the input as one long vector X and the output as Y, and
Y = C X. Row i of C holds the kernel's weights, laid out where output i looks. For a 4x4 input and a 3x3
kernel without padding, C is 4 x 16 and takes 16 pixels to 2 x 2.

The *transposed* convolution (fractionally strided convolution; "deconvolution", though it inverts nothing) is
the map Y = C^T X: it takes 2 x 2 back to 4 x 4. Where convolution gathers, it scatters: each input pixel adds
a copy of the kernel, scaled by its value, to the output, and the copies start `stride` pixels apart. It is
also the gradient of the convolution with respect to its input, which is why a generator and a discriminator
of DCGAN mirror each other.

As in `lax.conv_transpose` (and flax), `ConvTranspose` applies its kernel K unflipped to the input spread out
with zeros: it is C^T of the convolution whose kernel is K rotated by 180 degrees, with its two channel axes
exchanged. (PyTorch stores that rotated kernel: see `ConvTranspose`.)
"""

from typing import Literal

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxgan.nn import initializers, lowering

Size = int | tuple[int, ...]
Padding = int | tuple[int, ...] | Literal["SAME", "VALID"]
Initializer = jax.nn.initializers.Initializer


class Conv(nn.Module):
    """Convolution over height and width: [B, H, W, C] to [B, H', W', features].

    Or over one axis, [B, T, C], of sounds and sequences, or three, [B, depth, H, W, C], of clips and shapes: what is said
    here of two holds for these. The input's shape says how many there are.

        y[i, j] = sum_{p, q} x[i * stride + p - padding, j * stride + q - padding] . kernel[p, q] + bias

    (cross-correlation, as everywhere in deep learning). H' = floor((H + 2 * padding - kernel) / stride) + 1,
    and with "SAME" ceil(H / stride): 4x4 and 5x5 kernels with stride 2 halve an even size exactly. A 4x4
    kernel with stride 2 and "SAME" is PyTorch's `padding=1`; a 5x5 one pads 1 before and 2 after, where
    PyTorch's `padding=2` pads 2 before and, in effect, 1 after.

    Parameters, in float32: `kernel` [kh, kw, C / groups, features] as in flax's `nn.Conv`, and `bias` [features].

    Attributes:
        features: channels of the output.
        kernel: of the kernel, along all axes or each.
        groups: into which the channels of input and output are cut, in order: each sees the one of its number alone.
        stride: pixels from one window to the next.
        padding: zeros on every side, or along each axis; "SAME", or "VALID" for none.
        use_bias: off in front of a norm, which would cancel it.
        train_bias: False keeps the bias as it is. Where a norm cancels it and it is there for the sake of other people's
            weights, its gradient is rounding error alone, of which Adam would make whole steps.
        kernel_init: how the kernel begins; N(0, 0.02^2) by default.
        dtype: type to compute in; that of `x` and the parameters if None.

    >>> layer, pictures = Conv(features=128, kernel=4, stride=2), jnp.zeros((1, 64, 64, 3))
    >>> y, variables = jax.eval_shape(layer.init_with_output, jax.random.key(0), pictures)
    >>> y.shape, variables["params"]["kernel"].shape
    ((1, 32, 32, 128), (4, 4, 3, 128))
    """

    features: int
    kernel: Size = 3
    stride: Size = 1
    padding: Padding = "SAME"
    use_bias: bool = True
    train_bias: bool = True
    kernel_init: Initializer = initializers.normal()
    dtype: jnp.dtype | None = None
    groups: int = 1

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        window, stride = _each(self.kernel, x), _each(self.stride, x)
        if isinstance(self.padding, int):
            padding = ((self.padding, self.padding),) * len(window)
        elif isinstance(self.padding, tuple):
            padding = tuple((pad, pad) for pad in self.padding)
        else:
            padding = tuple(jax.lax.padtype_to_pads(x.shape[1:-1], window, stride, self.padding))
        kernel, bias = _parameters(self, x, window, self.groups)
        x, kernel, bias = nn.dtypes.promote_dtype(x, kernel, bias, dtype=self.dtype)
        y = lowering.conv(x, kernel, stride, padding, self.groups)
        return y if bias is None else y + bias


class ConvTranspose(nn.Module):
    """Transposed convolution over height and width: [B, H, W, C] to [B, H', W', features]; over one axis or three as `Conv`.

    H' = (H - 1) * stride - 2 * padding + kernel + output_padding, and with "SAME" H * stride: 4x4 and 5x5
    kernels with stride 2 double the size exactly. The module's docstring says what it computes. Radford et
    al. 2015, DCGAN, section 3 (after Dumoulin and Visin 2016, A guide to convolution arithmetic, chapter 4).

    Parameters, in float32: `kernel` [kh, kw, C, features] as in flax's
    `nn.ConvTranspose(transpose_kernel=False)`, and `bias` [features]. PyTorch's weight [C, features, kh, kw]
    is `kernel[::-1, ::-1].transpose(2, 3, 0, 1)`.

    Attributes:
        features: channels of the output.
        kernel: of the kernel, along all axes or each.
        stride: pixels in the output from one copy of the kernel to the next.
        padding: pixels cut off every side of the sum of copies (PyTorch's meaning), or along each axis; "SAME", or "VALID"
            for none.
        output_padding: pixels given back at the end of each axis, where `padding` is a number: 5x5, stride 2,
            padding 2 doubles the size with 1. ("SAME" doubles too, aligned one pixel differently.)
        use_bias: off in front of a norm, which would cancel it.
        train_bias: False keeps the bias as it is. Where a norm cancels it and it is there for the sake of other people's
            weights, its gradient is rounding error alone, of which Adam would make whole steps.
        kernel_init: how the kernel begins; N(0, 0.02^2) by default.
        dtype: type to compute in; that of `x` and the parameters if None.

    Raises:
        ValueError: if `output_padding` is given with "SAME" or "VALID".

    >>> layer, maps = ConvTranspose(features=3, kernel=4, stride=2), jnp.zeros((1, 32, 32, 128))
    >>> jax.eval_shape(layer.init_with_output, jax.random.key(0), maps)[0].shape
    (1, 64, 64, 3)
    """

    features: int
    kernel: Size = 4
    stride: Size = 2
    padding: Padding = "SAME"
    output_padding: int = 0
    use_bias: bool = True
    train_bias: bool = True
    kernel_init: Initializer = initializers.normal()
    dtype: jnp.dtype | None = None

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        window, stride = _each(self.kernel, x), _each(self.stride, x)
        if not isinstance(self.padding, str):
            before = [k - 1 - pad for k, pad in zip(window, _each(self.padding, x), strict=True)]
            padding = tuple((b, b + self.output_padding) for b in before)
        elif self.output_padding:
            raise ValueError(f"output_padding goes with a padding in pixels, not with {self.padding!r}.")
        else:
            padding = tuple(_transposed_padding(k, s, self.padding) for k, s in zip(window, stride, strict=True))
        kernel, bias = _parameters(self, x, window)
        x, kernel, bias = nn.dtypes.promote_dtype(x, kernel, bias, dtype=self.dtype)
        y = lowering.conv_transpose(x, kernel, stride, padding)
        return y if bias is None else y + bias


def _parameters(
    module: nn.Module, x: jax.Array, window: tuple[int, ...], groups: int = 1
) -> tuple[jax.Array, jax.Array | None]:
    kernel = module.param("kernel", module.kernel_init, (*window, x.shape[-1] // groups, module.features), jnp.float32)
    if not module.use_bias:
        return kernel, None
    bias = module.param("bias", nn.initializers.zeros, (module.features,), jnp.float32)
    return kernel, bias if module.train_bias else jax.lax.stop_gradient(bias)


def _transposed_padding(window: int, stride: int, padding: str) -> tuple[int, int]:
    """Zeros around the spread-out input, by the convention of `lax.conv_transpose`."""
    if padding == "VALID":
        return window - 1, window - 1 + max(stride - window, 0)
    total = window + stride - 2
    before = window - 1 if stride > window - 1 else -(-total // 2)
    return before, total - before


def _each(size: Size, x: jax.Array) -> tuple[int, ...]:
    """Along each axis of `x` [B, ..., C].

    Raises:
        ValueError: it says something of another number of axes, or `x` has none, or more than three.
    """
    axes = x.ndim - 2
    if not 1 <= axes <= 3 or not (isinstance(size, int) or len(size) == axes):
        raise ValueError(
            f"a convolution of {x.shape} over {axes} axes cannot have {size}: give a number, or one for each."
        )
    return (size,) * axes if isinstance(size, int) else tuple(size)
