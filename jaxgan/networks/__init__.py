"""Generators and discriminators without an objective: what systems that differ only in theirs share.

`Convolutional` are DCGAN's, `Residual` those of WGAN-GP and SNGAN, `Big` and `BigDeep` those of BigGAN, `R3` those of R3GAN,
`Perceptrons` for points. A system has them as its field `networks`, of the type `AnyNetworks` (see
`jaxgan.training.two_players`).

`CharCNNRNN` and `WordGRU` read captions; a system has one as a field of the type `TextEncoder`.

From picture to picture: `UNet` and `Transform` are generators, `Patch` is a discriminator. A system has one of the former as a
field of the type `Translator`.
"""

from typing import Annotated

import tyro

from jaxgan.networks.base import Networks
from jaxgan.networks.big import Big
from jaxgan.networks.big_deep import BigDeep
from jaxgan.networks.convolutional import Convolutional
from jaxgan.networks.patch import Patch
from jaxgan.networks.perceptrons import Perceptrons
from jaxgan.networks.r3 import R3
from jaxgan.networks.residual import Residual
from jaxgan.networks.text_encoders import CharCNNRNN, GivenVectors, PictureEncoder, TextEncoder, WordGRU
from jaxgan.networks.transform import Transform
from jaxgan.networks.translators import Translator, pass_through, translate_each
from jaxgan.networks.unet import UNet

# Which of them is said in a config; the command line changes its fields.
AnyNetworks = Annotated[Convolutional | Residual | Big | BigDeep | R3 | Perceptrons, tyro.conf.AvoidSubcommands]

__all__ = [
    "R3",
    "AnyNetworks",
    "Big",
    "BigDeep",
    "CharCNNRNN",
    "Convolutional",
    "GivenVectors",
    "Networks",
    "Patch",
    "Perceptrons",
    "PictureEncoder",
    "Residual",
    "TextEncoder",
    "Transform",
    "Translator",
    "UNet",
    "WordGRU",
    "pass_through",
    "translate_each",
]
