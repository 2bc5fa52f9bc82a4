"""Networks that read captions: from the numbers of characters or words, as `jaxgan.media.tokens` gives them, to one vector.

`CharCNNRNN` reads characters, `WordGRU` words, and `GivenVectors` stands for vectors that were computed elsewhere. A system has
one of them as a field of the type `TextEncoder`. They are trained beside `PictureEncoder`, which brings pictures into the same
space.
"""

import dataclasses
from typing import Annotated, ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp
import tyro

from jaxgan import fields
from jaxgan.nn import Conv


def _mean_state(x: jax.Array, lengths: jax.Array | None, dtype: jnp.dtype) -> jax.Array:
    """The mean over the steps of a GRU's states [B, features] for inputs [B, T, features] of which `lengths` [B] count."""
    states = nn.RNN(nn.GRUCell(x.shape[-1], dtype=dtype))(x, seq_lengths=lengths)
    if lengths is None:
        return states.mean(1)
    counts = jnp.arange(x.shape[1]) < lengths[:, None]
    return jnp.sum(states * counts[..., None], 1) / jnp.maximum(lengths, 1)[:, None]


class CharacterModule(nn.Module):
    """Characters int32 [B, T] (0 is a blank) to float32 [B, dim]."""

    dim: int
    width: int
    vocabulary: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, text: jax.Array) -> jax.Array:
        x = jax.nn.one_hot(text - 1, self.vocabulary, dtype=self.dtype)  # a blank is a row of zeros
        for features, pooled in ((3, True), (4, True), (4, False)):
            x = nn.relu(nn.Conv(features * self.width, (4,), padding="VALID", dtype=self.dtype)(x))
            if pooled:
                x = nn.max_pool(x, (3,), (3,))
        return nn.Dense(self.dim, dtype=self.dtype)(_mean_state(x, None, self.dtype)).astype(jnp.float32)


class WordModule(nn.Module):
    """Words int32 [B, T], padded with 0 behind the last, to float32 [B, dim]."""

    dim: int
    width: int
    vocabulary: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, text: jax.Array) -> jax.Array:
        x = nn.Embed(self.vocabulary + 1, self.width, dtype=self.dtype)(text)
        state = _mean_state(x, jnp.sum(text > 0, 1), self.dtype)
        return nn.Dense(self.dim, dtype=self.dtype)(state).astype(jnp.float32)


class PictureEncoder(nn.Module):
    """Pictures [B, H, W, C] in [-1, 1] to float32 [B, dim], in the space of a text encoder.

    Convolutions that halve the picture until its shorter side is below 8 pixels, without a norm: what comes of a picture does
    not depend on the others. It takes the place of the GoogLeNet features of the papers, which were pretrained on ImageNet.
    """

    dim: int
    width: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, pictures: jax.Array) -> jax.Array:
        x, init = pictures, nn.initializers.he_normal()
        for level in range(max((min(x.shape[1:3]) // 4).bit_length() - 1, 1)):
            x = nn.leaky_relu(Conv(self.width << level, 4, 2, kernel_init=init, dtype=self.dtype)(x), 0.2)
        return nn.Dense(self.dim, dtype=self.dtype)(x.reshape(len(x), -1)).astype(jnp.float32)


@dataclasses.dataclass(frozen=True)
class CharCNNRNN:
    """Reads characters: convolutions along the caption, and a recurrent network over what they leave of it.

    Reed et al. 2016, Learning Deep Representations of Fine-grained Visual Descriptions (1605.05395, section 3.2). Sizes and
    layers are those of the network that GAN-INT-CLS uses for birds: three convolutions of 4 characters, the first two
    followed by a maximum over 3, then a GRU over 18 steps for captions of 201 characters, averaged, and a projection.
    """

    dim: int = 1024
    """Length of the vector that a caption becomes."""
    width: int = 128
    """A third of the features of the first convolution, a quarter of those of the others and of the recurrent network."""
    vocabulary: int = 70
    """The most characters that the data may tell apart."""

    shortest: ClassVar[int] = 48
    """Fewest characters of which a step is left for the recurrent network."""

    def __post_init__(self):
        fields.check(self)

    def module(self, dtype: jnp.dtype) -> CharacterModule:
        """A module `int32 [B, T] -> float32 [B, dim]`."""
        return CharacterModule(self.dim, self.width, self.vocabulary, dtype)


@dataclasses.dataclass(frozen=True)
class WordGRU:
    """Reads words: a vector for each, and a GRU (Cho et al. 2014) whose states are averaged. Light, and fast on two cores."""

    dim: int = 128
    """Length of the vector that a caption becomes."""
    width: int = 128
    """Length of a word's vector and of the GRU's state."""
    vocabulary: int = 1000
    """The most words that the data may have."""

    shortest: ClassVar[int] = 1

    def __post_init__(self):
        fields.check(self)

    def module(self, dtype: jnp.dtype) -> WordModule:
        """A module `int32 [B, T] -> float32 [B, dim]`."""
        return WordModule(self.dim, self.width, self.vocabulary, dtype)


@dataclasses.dataclass(frozen=True)
class GivenVectors:
    """Reads nothing: the data has a vector for each caption, computed elsewhere, by a sentence transformer for instance."""


# Which of them is said in a config; the command line changes its fields.
TextEncoder = Annotated[CharCNNRNN | WordGRU | GivenVectors, tyro.conf.AvoidSubcommands]
