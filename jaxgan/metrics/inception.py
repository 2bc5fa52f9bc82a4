"""FID's InceptionV3, whose features nearly every published FID, KID and Inception Score was computed with.

The network is not the InceptionV3 of a textbook (Szegedy et al. 2015, arXiv:1512.00567) but one particular graph, TensorFlow's
`inception-2015-12-05`, quirks included, since they are in every published figure (Heusel et al. 2017, arXiv:1706.08500):

- the average poolings of the blocks A, C and the first E do not count the zeros beyond the border;
- the pooling of the last block E is a maximum instead of an average;
- the classifier has 1008 outputs, of which 1000 mean something; the Inception Score takes them without their bias.

Its weights are restated for PyTorch by pytorch-fid, in the file `pt_inception-2015-12-05-6726825d.pth`, the same bytes as
torch-fidelity's `weights-inception-2015-12-05-6726825d.pth`. The user brings it: it is too large to ship.

What comes before the network differs between the implementations (the features of noise of 32 x 32 pixels move by 1%, even
with random weights), so it is a part of the protocol, and of the network's name:

    tf1          TensorFlow 1's resize to 299 x 299, then (x - 128) / 128: what the graph itself does
    pytorch_fid  PyTorch's resize to 299 x 299, then 2 x / 255 - 1: what pytorch-fid does with the same weights

The default is "tf1": the figures of papers, from FID's own to StyleGAN's and BigGAN's, and torch-fidelity's, are the graph's.
Take "pytorch_fid" beside figures of pytorch-fid.
"""

import functools
from pathlib import Path
from typing import get_args

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from jaxgan.cache import expanded
from jaxgan.errors import UserError
from jaxgan.metrics.features import FeatureNetwork
from jaxgan.metrics.preprocessing import Resize, in_chunks, resize_bilinear, rgb
from jaxgan.nn import Conv
from jaxgan.weights.file import Weights, fill, read_weights

SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
"""Of pt_inception-2015-12-05-6726825d.pth, whose name ends with the first eight digits."""

SIZE, FEATURES, CLASSES = 299, 2048, 1008

WHERE = (
    "the file pt_inception-2015-12-05-6726825d.pth is an asset of the release fid_weights of mseitzer/pytorch-fid on GitHub; "
    "download it and give it as --features-file"
)


class ConvNormRelu(nn.Module):
    """Convolution without bias, BatchNorm with its running statistics, ReLU."""

    features: int
    kernel: int | tuple[int, int]
    stride: int = 1
    padding: str = "SAME"

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        x = Conv(self.features, self.kernel, self.stride, self.padding, use_bias=False, name="conv")(x)
        return nn.relu(nn.BatchNorm(use_running_average=True, epsilon=1e-3, name="bn")(x))


def _chain(x: jax.Array, *layers: tuple) -> jax.Array:
    """Layers one after the other, each (name, features, kernel[, stride, padding]), in the module that calls this."""
    for name, *arguments in layers:
        x = ConvNormRelu(*arguments, name=name)(x)
    return x


def _average_pool(x: jax.Array) -> jax.Array:
    return nn.avg_pool(x, (3, 3), (1, 1), "SAME", count_include_pad=False)


def _halve(x: jax.Array) -> jax.Array:
    return nn.max_pool(x, (3, 3), (2, 2))


class BlockA(nn.Module):
    """35 x 35 maps. Here and below a branch has its name in the state dict, and the branches are joined in this order."""

    pooled: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        double = (("branch3x3dbl_1", 64, 1), ("branch3x3dbl_2", 96, 3), ("branch3x3dbl_3", 96, 3))
        branches = (
            _chain(x, ("branch1x1", 64, 1)),
            _chain(x, ("branch5x5_1", 48, 1), ("branch5x5_2", 64, 5)),
            _chain(x, *double),
            _chain(_average_pool(x), ("branch_pool", self.pooled, 1)),
        )
        return jnp.concatenate(branches, -1)


class BlockB(nn.Module):
    """35 x 35 maps to 17 x 17."""

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        double = (("branch3x3dbl_1", 64, 1), ("branch3x3dbl_2", 96, 3), ("branch3x3dbl_3", 96, 3, 2, "VALID"))
        return jnp.concatenate((_chain(x, ("branch3x3", 384, 3, 2, "VALID")), _chain(x, *double), _halve(x)), -1)


class BlockC(nn.Module):
    """17 x 17 maps, with 7 x 7 convolutions taken apart into 1 x 7 and 7 x 1."""

    width: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        w, row, column = self.width, (1, 7), (7, 1)
        single = (("branch7x7_1", w, 1), ("branch7x7_2", w, row), ("branch7x7_3", 192, column))
        double = (
            ("branch7x7dbl_1", w, 1),
            ("branch7x7dbl_2", w, column),
            ("branch7x7dbl_3", w, row),
            ("branch7x7dbl_4", w, column),
            ("branch7x7dbl_5", 192, row),
        )
        branches = (
            _chain(x, ("branch1x1", 192, 1)),
            _chain(x, *single),
            _chain(x, *double),
            _chain(_average_pool(x), ("branch_pool", 192, 1)),
        )
        return jnp.concatenate(branches, -1)


class BlockD(nn.Module):
    """17 x 17 maps to 8 x 8."""

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        single = (("branch3x3_1", 192, 1), ("branch3x3_2", 320, 3, 2, "VALID"))
        seven = (
            ("branch7x7x3_1", 192, 1),
            ("branch7x7x3_2", 192, (1, 7)),
            ("branch7x7x3_3", 192, (7, 1)),
            ("branch7x7x3_4", 192, 3, 2, "VALID"),
        )
        return jnp.concatenate((_chain(x, *single), _chain(x, *seven), _halve(x)), -1)


class BlockE(nn.Module):
    """8 x 8 maps, with branches that fork once more. `pool` is "average", and "max" in the last block."""

    pool: str

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        single = _chain(x, ("branch3x3_1", 384, 1))
        double = _chain(x, ("branch3x3dbl_1", 448, 1), ("branch3x3dbl_2", 384, 3))
        pooled = _average_pool(x) if self.pool == "average" else nn.max_pool(x, (3, 3), (1, 1), "SAME")
        branches = (
            _chain(x, ("branch1x1", 320, 1)),
            _chain(single, ("branch3x3_2a", 384, (1, 3))),
            _chain(single, ("branch3x3_2b", 384, (3, 1))),
            _chain(double, ("branch3x3dbl_3a", 384, (1, 3))),
            _chain(double, ("branch3x3dbl_3b", 384, (3, 1))),
            _chain(pooled, ("branch_pool", 192, 1)),
        )
        return jnp.concatenate(branches, -1)


class InceptionV3(nn.Module):
    """Pictures [B, 299, 299, 3] in [-1, 1] to features [B, 2048] and logits [B, 1008] without their bias.

    The names of its modules are those of the PyTorch state dict.
    """

    @nn.compact
    def __call__(self, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        x = _chain(
            x, ("Conv2d_1a_3x3", 32, 3, 2, "VALID"), ("Conv2d_2a_3x3", 32, 3, 1, "VALID"), ("Conv2d_2b_3x3", 64, 3)
        )
        x = _chain(_halve(x), ("Conv2d_3b_1x1", 80, 1), ("Conv2d_4a_3x3", 192, 3, 1, "VALID"))
        x = _halve(x)
        for letter, pooled in zip("bcd", (32, 64, 64), strict=True):
            x = BlockA(pooled, name=f"Mixed_5{letter}")(x)
        x = BlockB(name="Mixed_6a")(x)
        for letter, width in zip("bcde", (128, 160, 160, 192), strict=True):
            x = BlockC(width, name=f"Mixed_6{letter}")(x)
        x = BlockD(name="Mixed_7a")(x)
        x = BlockE("average", name="Mixed_7b")(x)
        x = BlockE("max", name="Mixed_7c")(x)
        features = x.mean((1, 2))
        return features, nn.Dense(CLASSES, use_bias=False, name="fc")(features)


def state_dict_name(leaf: tuple[str, ...]) -> str:
    """The name in PyTorch's state dict of the leaf at a path of the variables.

    >>> state_dict_name(("batch_stats", "Mixed_5b", "branch1x1", "bn", "mean"))
    'Mixed_5b.branch1x1.bn.running_mean'
    """
    names = {"kernel": "weight", "scale": "weight", "mean": "running_mean", "var": "running_var"}
    return ".".join((*leaf[1:-1], names.get(leaf[-1], leaf[-1])))


@functools.cache
def variable_shapes() -> dict:
    """The variables of `InceptionV3` as `jax.ShapeDtypeStruct`s."""
    return jax.eval_shape(InceptionV3().init, jax.random.key(0), jnp.zeros((1, SIZE, SIZE, 3)))


def inception_variables(weights: Weights) -> dict:
    """The variables of `InceptionV3` from a PyTorch state dict.

    Raises:
        UserError: names the tensor that is missing, superfluous, misshapen or not finite.
    """
    unused = ("fc.bias", ".num_batches_tracked")
    return fill(variable_shapes(), weights, state_dict_name, lambda name: name.endswith(unused))


def preprocess(images: jax.Array, resize: Resize) -> jax.Array:
    """Pictures [B, H, W, 1 or 3] of 0 to 255 as what the network takes, [B, 299, 299, 3]; the module says how."""
    x = resize_bilinear(rgb(images).astype(jnp.float32), SIZE, resize)
    return (x - 128) / 128 if resize == "tf1" else x * (2 / 255) - 1


def load_inception(path: str | Path | None, resize: Resize = "tf1") -> FeatureNetwork:
    """FID's InceptionV3: features [B, 2048] of the last pooling, logits [B, 1008] without bias.

    It compiles once for each shape of its input, in float32 on every device.

    Args:
        path: the user's pt_inception-2015-12-05-6726825d.pth.
        resize: what comes before the network; the module says which figures it makes comparable.

    Raises:
        UserError: no file is named, or it is not that file.
    """
    if resize not in get_args(Resize):
        raise UserError(f"resize is {resize!r}: it must be one of {', '.join(get_args(Resize))}")
    if path is None:
        raise UserError(f"Inception features need weights that are not part of jaxgan: {WHERE}")
    if not expanded(path).is_file():
        raise UserError(f"there is no file {path}: {WHERE}")
    weights = read_weights(path, SHA256)
    variables = jax.device_put(inception_variables(weights))

    @jax.jit
    def network(variables, images):
        with jax.default_matmul_precision("float32"):
            return InceptionV3().apply(variables, preprocess(images, resize))

    def apply(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return in_chunks(lambda part: network(variables, part), images)

    return FeatureNetwork(f"inception-{resize}", weights.digest, FEATURES, apply)
