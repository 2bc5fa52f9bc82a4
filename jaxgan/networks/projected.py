"""The discriminator of Projected GANs (Sauer et al. 2021, 2111.01007): it judges features that others have learned.

A discriminator for each of four maps of a feature network that is never trained (section 3). Before, random weights, which
stay as they are, mix the channels of each map (CCM), and then each map with the smaller ones (CSM), so that no discriminator
can rely on the few features that tell real from generated best (section 3.2).
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from jaxgan.networks.fast import LAST, Layers

# Channels for each of the width: of the mixed maps, the largest first; of the discriminators' maps, by their side.
MIXED = (1, 2, 4, 8)
JUDGED = {8: 8, 16: 4, 32: 2}


def twice_as_large(x: jax.Array) -> jax.Array:
    """[B, H, W, C] to [B, 2H, 2W, C], bilinear, corners upon corners.

    >>> twice_as_large(jnp.array([0.0, 3.0]).reshape(1, 1, 2, 1))[0, 0, :, 0].tolist()
    [0.0, 1.0, 2.0, 3.0]
    """

    def weights(length):
        places = np.linspace(0, length - 1, 2 * length)
        return np.maximum(0, 1 - np.abs(places[:, None] - np.arange(length))).astype(np.float32)

    return jnp.einsum("bhwc,Hh,Ww->bHWc", x, weights(x.shape[1]), weights(x.shape[2]))


class RandomConv(nn.Module):
    """A 1x1 convolution that is not trained: its kernel and bias are in the collection "random"."""

    features: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        bound = x.shape[-1] ** -0.5

        def drawn(shape):
            return jax.random.uniform(self.make_rng("params"), shape, jnp.float32, -bound, bound)

        kernel = self.variable("random", "kernel", drawn, (x.shape[-1], self.features)).value
        bias = self.variable("random", "bias", drawn, (self.features,)).value
        return x @ kernel + bias


class Judge(Layers):
    """A map [B, H, W, C], of at least 8x8, to 25 logits [B, 25]."""

    width: int = 64

    @nn.compact
    def __call__(self, x: jax.Array, mode: str) -> jax.Array:
        while x.shape[1] > LAST:
            x = self.leaky(self.conv(x, self.width * JUDGED.get(x.shape[1] // 2, 1), 4, 2), mode)
        return self.conv(x, 1, 4, 1, "VALID").reshape(len(x), -1).astype(jnp.float32)


class Projected(nn.Module):
    """Four maps of a feature network, each half as large as the one before, to logits [B, 100].

    The maps of a picture are scaled to a root mean square of 1 each, since those of VGG16 are of hundreds.
    """

    dtype: jnp.dtype = jnp.float32
    width: int = 64

    @nn.compact
    def __call__(self, maps: tuple[jax.Array, ...], mode: str) -> jax.Array:
        mixed = []
        for number, (x, share) in enumerate(zip(maps, MIXED, strict=True)):
            x = x.astype(jnp.float32)
            x = x * jax.lax.rsqrt(jnp.square(x).mean((1, 2, 3), keepdims=True) + 1e-8)
            mixed.append(RandomConv(self.width * share, name=f"channels{number}")(x))
        scores, x = [], jnp.zeros_like(mixed[-1])
        for number in reversed(range(len(mixed))):
            x = x + mixed[number]
            # The largest map keeps its channels: the next smaller one has as many by then.
            features = x.shape[-1] if number == 0 else x.shape[-1] // 2
            x = RandomConv(features, name=f"scales{number}")(twice_as_large(x))
            scores.append(Judge(self.dtype, self.width, name=f"judge{number}")(x.astype(self.dtype), mode))
        return jnp.concatenate(scores[::-1], 1)
