"""Building blocks that several systems share. Pictures are [B, H, W, C]; networks see them in [-1, 1].

A network of a system picks its own: `Conv` or `ConvTranspose`, then `make_norm(kind)(x, mode)`, then an
activation. The convolution in front of a norm has `use_bias=False` (`use_bias=kind == "none"` where the kind
is a field).
"""

from jaxgan.nn.conv import Conv, ConvTranspose
from jaxgan.nn.dense import Maxout
from jaxgan.nn.dropout import Dropout, dropout
from jaxgan.nn.initializers import normal, normal_around_one, uniform
from jaxgan.nn.norms import BatchNorm, InstanceNorm, LayerNorm, Mode, NormKind, make_norm
from jaxgan.nn.padding import reflect
from jaxgan.nn.spectral import spectral_norm

__all__ = [
    "BatchNorm",
    "Conv",
    "ConvTranspose",
    "Dropout",
    "InstanceNorm",
    "LayerNorm",
    "Maxout",
    "Mode",
    "NormKind",
    "dropout",
    "make_norm",
    "normal",
    "normal_around_one",
    "reflect",
    "spectral_norm",
    "uniform",
]
