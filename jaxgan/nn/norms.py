"""Normalisation: y = scale * (x - mean) / sqrt(variance + epsilon) + bias, with statistics of several kinds.

Every norm is called as `norm(x, mode)`; only BatchNorm looks at the mode. `make_norm` picks one by name. A
norm that subtracts the mean of each channel cancels a bias before it, so the convolution in front takes
`use_bias=kind == "none"`. (Not so for LayerNorm, whose means span the channels; its own bias comes after.)

Statistics are computed in float32 whatever the type of `x`; the result has the type `dtype`, or that of `x`
if None.
"""

from collections.abc import Callable
from typing import Literal

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxgan import rows
from jaxgan.errors import UserError

Mode = Literal["batch", "running", "standing"]
NormKind = Literal["batch", "instance", "layer", "none"]
Initializer = jax.nn.initializers.Initializer

EPSILON = 1e-5


class BatchNorm(nn.Module):
    """Normalise each channel over the global batch: [B, ..., C] to the same.

    Ioffe and Szegedy 2015, algorithm 1; DCGAN, section 3. Where the statistics come from is said in each
    call:

    - "batch": from this batch, averaged over the devices that share it (the axis `rows.AXIS` must be bound,
      except in initialisation). Where the collection "batch_stats" is mutable, the running statistics follow:
      running = momentum * running + (1 - momentum) * batch.
    - "running": the running statistics, so that an example no longer depends on its neighbours.
    - "standing": normalise as in "batch", and make the running statistics the plain average over all passes
      in this mode; the first pass forgets what was there. A few passes over fresh latents, then "running",
      evaluate a generator whose weights (an average, say) never trained with its running statistics. Brock et
      al. 2018, BigGAN, experimental details. Count and averages live in "batch_stats", which must be mutable;
      training leaves the count at 0.

    The variance is E[x^2] - E[x]^2, one pass over the data and one all-reduce, and like flax's (unlike
    PyTorch's running variance) not corrected for the size of the batch.

    With `classes` it is conditional: each class has a scale and a bias of its own, picked by the labels of the
    call (Dumoulin et al. 2016; de Vries et al. 2017; the generator of Miyato & Koyama 2018).

    Parameters `scale` and `bias`, [C] or [classes, C], unless `affine` is off; in "batch_stats", `mean`, `var` [C] and `count`,
    the passes in "standing".

    Raises:
        ValueError: if the mode is none of the three.

    >>> norm, maps = BatchNorm(), jnp.zeros((8, 4, 4, 16))
    >>> variables = jax.eval_shape(lambda: norm.init(jax.random.key(0), maps, "batch"))
    >>> sorted((name, leaf.shape) for name, leaf in variables["batch_stats"].items())
    [('count', ()), ('mean', (16,)), ('var', (16,))]
    """

    classes: int = 0
    momentum: float = 0.9
    scale_init: Initializer = nn.initializers.ones
    dtype: jnp.dtype | None = None
    affine: bool = True

    @nn.compact
    def __call__(self, x: jax.Array, mode: Mode, labels: jax.Array | None = None) -> jax.Array:
        channels = x.shape[-1:]
        running_mean = self.variable("batch_stats", "mean", jnp.zeros, channels, jnp.float32)
        running_var = self.variable("batch_stats", "var", jnp.ones, channels, jnp.float32)
        count = self.variable("batch_stats", "count", jnp.zeros, (), jnp.float32)
        table = (self.classes, *channels) if self.classes else channels
        scale, bias = 1.0, 0.0
        if self.affine:
            scale = self.param("scale", self.scale_init, table, jnp.float32)
            bias = self.param("bias", nn.initializers.zeros, table, jnp.float32)
        if self.classes:
            one_hot = jax.nn.one_hot(labels, self.classes)
            scale, bias = ((one_hot @ values).reshape(-1, *[1] * (x.ndim - 2), *channels) for values in (scale, bias))

        if mode == "running":
            mean, var = running_mean.value, running_var.value
        elif mode in ("batch", "standing"):
            wide = x.astype(jnp.float32)
            axes = tuple(range(x.ndim - 1))
            moments = jnp.stack([jnp.mean(wide, axes), jnp.mean(jnp.square(wide), axes)])
            if not self.is_initializing():
                moments = rows.device_mean(moments)
            mean, var = moments[0], jnp.maximum(moments[1] - jnp.square(moments[0]), 0.0)
        else:
            raise ValueError(f'The mode of a norm is "batch", "running" or "standing", not {mode!r}.')

        if self.is_mutable_collection("batch_stats") and not self.is_initializing():
            if mode == "batch":
                running_mean.value = self.momentum * running_mean.value + (1 - self.momentum) * mean
                running_var.value = self.momentum * running_var.value + (1 - self.momentum) * var
            elif mode == "standing":
                count.value = count.value + 1
                share = 1 / count.value  # all of it in the first pass, which so forgets what was there
                running_mean.value = (1 - share) * running_mean.value + share * mean
                running_var.value = (1 - share) * running_var.value + share * var
        return _standardise(x, mean, var, scale, bias, self.dtype)


class InstanceNorm(nn.Module):
    """Normalise each channel of each example over its positions: [B, H, W, C] to the same.

    Ulyanov et al. 2016; pix2pix and CycleGAN (appendix) use it without scale and bias, hence
    `affine=False`.

    >>> x = jnp.array([1.0, 3.0]).reshape(1, 1, 2, 1)
    >>> InstanceNorm().apply({}, x, "batch").ravel().round(3).tolist()
    [-1.0, 1.0]
    """

    affine: bool = False
    dtype: jnp.dtype | None = None

    @nn.compact
    def __call__(self, x: jax.Array, mode: Mode) -> jax.Array:
        scale_init = nn.initializers.ones if self.affine else None
        return _per_example(self, x, tuple(range(1, x.ndim - 1)), scale_init)


class LayerNorm(nn.Module):
    """Normalise each example over all its axes, then scale and shift by channel: [B, H, W, C] to the same.

    Ba et al. 2016. The norm of WGAN-GP's critic (section 4, "No critic batch normalization"): unlike
    BatchNorm it ties no example to another, so the penalty on each example's gradient stays meaningful.
    """

    scale_init: Initializer = nn.initializers.ones
    dtype: jnp.dtype | None = None

    @nn.compact
    def __call__(self, x: jax.Array, mode: Mode) -> jax.Array:
        return _per_example(self, x, tuple(range(1, x.ndim)), self.scale_init)


def make_norm(
    kind: NormKind,
    scale_init: Initializer = nn.initializers.ones,
    dtype: jnp.dtype | None = None,
    *,
    name: str | None = None,
) -> Callable[[jax.Array, Mode], jax.Array]:
    """The norm of this name, to be called as `make_norm(kind)(x, mode)` inside a compact module.

    "none" is the identity, and "instance" has no scale to initialise. `name` is the module's; flax numbers them where None.

    Raises:
        UserError: if there is no norm of this name.
    """
    if kind == "batch":
        return BatchNorm(scale_init=scale_init, dtype=dtype, name=name)
    if kind == "instance":
        return InstanceNorm(dtype=dtype, name=name)
    if kind == "layer":
        return LayerNorm(scale_init=scale_init, dtype=dtype, name=name)
    if kind == "none":
        return lambda x, mode: x
    raise UserError(f'a norm is "batch", "instance", "layer" or "none", not {kind!r}.')


def _per_example(module: nn.Module, x: jax.Array, axes: tuple[int, ...], scale_init: Initializer | None) -> jax.Array:
    """Standardise each example over `axes`; with `scale_init`, scale and shift by parameters of `module`."""
    wide = x.astype(jnp.float32)
    mean = jnp.mean(wide, axes, keepdims=True)
    # Two passes: over one small map, E[x^2] - E[x]^2 can lose every digit of the variance.
    var = jnp.mean(jnp.square(wide - mean), axes, keepdims=True)
    if scale_init:
        scale = module.param("scale", scale_init, x.shape[-1:], jnp.float32)
        bias = module.param("bias", nn.initializers.zeros, x.shape[-1:], jnp.float32)
    else:
        scale, bias = 1.0, 0.0
    return _standardise(x, mean, var, scale, bias, module.dtype)


def _standardise(x, mean, var, scale, bias, dtype) -> jax.Array:
    factor = scale * jax.lax.rsqrt(var + EPSILON)
    return ((x.astype(jnp.float32) - mean) * factor + bias).astype(dtype or x.dtype)
