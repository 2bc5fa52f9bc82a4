"""The networks of FastGAN (Liu et al. 2021, 2101.04775), for a hundred to a few thousand pictures.

A generator whose large maps are weighted, channel by channel, by what small ones, 16 times smaller, make of themselves:
skip-layer excitation (section 3.1). A discriminator that learns more from each real picture by drawing it again from its own
features (section 3.2). Both see the picture at two sizes.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxgan import rows
from jaxgan.networks.residual import double, halve
from jaxgan.nn import BatchNorm, Conv, Mode, normal, spectral_norm

SMALLEST, LAST, SMALL = 4, 8, 128
"""Sides: of the generator's first map; of the discriminator's last; of the smaller picture, at most."""
EXCITED = 16
"""How many times smaller the map is that weights another."""
# Channels for each of the width, by the side of the map.
GENERATOR = {4: 16, 8: 8, 16: 4, 32: 2, 64: 2, 128: 1, 256: 0.5, 512: 0.25, 1024: 0.125}
DISCRIMINATOR = {8: 16, 16: 8, 32: 4, 64: 2, 128: 1, 256: 0.5, 512: 0.25, 1024: 0.125}


def small_side(side: int) -> int:
    """Of the smaller picture: half as large as the picture, at most 128."""
    return min(SMALL, side // 2)


def shrunk(pictures: jax.Array, side: int) -> jax.Array:
    """[B, H, H, C] to [B, side, side, C] by means."""
    while pictures.shape[1] > side:
        pictures = halve(pictures)
    return pictures


class Layers(nn.Module):
    """What the modules here share: layers with a spectral norm, numbered as they come."""

    dtype: jnp.dtype

    def conv(self, x, features, kernel=3, stride=1, padding="SAME"):
        layer = Conv(features, kernel, stride, padding, use_bias=False, kernel_init=normal(), dtype=self.dtype)
        return spectral_norm(layer)(x)

    def gated(self, x, mode):
        """BatchNorm, and half of the channels times the sigmoid of the other half (GLU)."""
        return nn.glu(BatchNorm(dtype=self.dtype)(x, mode))

    def leaky(self, x, mode):
        return nn.leaky_relu(BatchNorm(dtype=self.dtype)(x, mode), 0.2)


class Up(Layers):
    """[B, H, W, C] to [B, 2H, 2W, features]: one convolution, or two, with noise after each."""

    features: int = 0
    noisy: bool = False

    @nn.compact
    def __call__(self, x: jax.Array, mode: Mode, key: jax.Array | None = None) -> jax.Array:
        x = double(x)
        for number in range(2 if self.noisy else 1):
            x = self.conv(x, 2 * self.features)
            if self.noisy:
                strength = self.param(f"strength{number}", nn.initializers.zeros, (), jnp.float32)
                if key is not None:
                    noise = rows.normal(jax.random.fold_in(key, number), len(x), (*x.shape[1:3], 1))
                    x = x + (strength * noise).astype(x.dtype)
            x = self.gated(x, mode)
        return x


class Excitation(Layers):
    """Weights [B, 1, 1, features] in (0, 1) for the channels of one map, of another [B, h, w, C]."""

    features: int = 0

    @nn.compact
    def __call__(self, small: jax.Array) -> jax.Array:
        batch, height, width, channels = small.shape
        x = small.reshape(batch, SMALLEST, height // SMALLEST, SMALLEST, width // SMALLEST, channels).mean((2, 4))
        x = nn.swish(self.conv(x, self.features, SMALLEST, 1, "VALID"))
        return nn.sigmoid(self.conv(x, self.features, 1))


class Generator(Layers):
    """Latents [B, latent] to pictures [B, side, side, C] in [-1, 1], and the same, smaller: see `small_side`."""

    side: int = 256
    channels: int = 3
    width: int = 64

    @nn.compact
    def __call__(self, z: jax.Array, mode: Mode, key: jax.Array | None) -> tuple[jax.Array, jax.Array]:
        def features(side):
            return max(1, int(self.width * GENERATOR[side]))

        dense = nn.Dense(
            2 * features(SMALLEST) * SMALLEST**2, use_bias=False, kernel_init=normal(), dtype=self.dtype, name="first"
        )
        x = spectral_norm(dense)(z).reshape(-1, SMALLEST, SMALLEST, 2 * features(SMALLEST))
        maps, side = {SMALLEST: self.gated(x, mode)}, SMALLEST
        while side < self.side:
            side *= 2
            noisy = side.bit_length() % 2 == 0  # at 8, 32, 128, 512
            own = None if key is None else jax.random.fold_in(key, side)
            x = Up(self.dtype, features(side), noisy, name=f"up{side}")(maps[side // 2], mode, own)
            if EXCITED * SMALLEST <= side <= 512:
                x = x * Excitation(self.dtype, features(side), name=f"excite{side}")(maps[side // EXCITED])
            maps[side] = x
        small = self.conv(maps[small_side(self.side)], self.channels, 1)
        return tuple(jnp.tanh(p.astype(jnp.float32)) for p in (self.conv(x, self.channels), small))


class Down(Layers):
    """[B, H, W, C] to [B, H/2, W/2, features]: the mean of two convolutions and of one of the halved map."""

    features: int = 0

    @nn.compact
    def __call__(self, x: jax.Array, mode: Mode) -> jax.Array:
        main = self.leaky(self.conv(x, self.features, 4, 2), mode)
        main = self.leaky(self.conv(main, self.features), mode)
        return (main + self.leaky(self.conv(halve(x), self.features, 1), mode)) / 2


class Decoder(Layers):
    """[B, 8, 8, C] to pictures [B, side, side, channels] in [-1, 1]."""

    side: int = 128
    channels: int = 3
    width: int = 32

    @nn.compact
    def __call__(self, x: jax.Array, mode: Mode) -> jax.Array:
        while x.shape[1] < self.side:
            features = max(1, int(self.width * GENERATOR[2 * x.shape[1]]))
            x = Up(self.dtype, features, name=f"up{2 * x.shape[1]}")(x, mode)
        return jnp.tanh(self.conv(x, self.channels).astype(jnp.float32))


class Discriminator(Layers):
    """Pictures [B, side, side, C] in [-1, 1], and the same smaller, to logits [B, N], and what the decoders draw.

    Of each picture, with `corner` (the number of one of its quarters, [B]): the whole from the features of the large one, the
    whole from those of the small one, and the quarter from features of that quarter, each [B, small, small, C].
    """

    width: int = 64

    @nn.compact
    def __call__(self, images: jax.Array, small: jax.Array, mode: Mode, corner: jax.Array | None = None):
        def features(side):
            return max(1, int(self.width * DISCRIMINATOR[side]))

        side, channels, target = images.shape[1], images.shape[3], small.shape[1]
        # At most 256 wide, by strides.
        x = self.conv(images, features(min(2 * side, 1024)), 4 if side > 256 else 3, 2 if side > 256 else 1)
        x = nn.leaky_relu(x, 0.2)
        while x.shape[1] > 256:
            x = self.leaky(self.conv(x, features(x.shape[1]), 4, 2), mode)
        maps = {x.shape[1]: x}
        while (side := x.shape[1]) > LAST:
            x = Down(self.dtype, features(side), name=f"down{side // 2}")(x, mode)
            if LAST * x.shape[1] in maps and x.shape[1] <= 32:
                x = x * Excitation(self.dtype, features(side), name=f"excite{side // 2}")(maps[LAST * x.shape[1]])
            maps[x.shape[1]] = x
        y = self.leaky(self.conv(x, features(LAST), 1), mode)
        large_logits = self.conv(y, 1, 4, 1, "VALID")

        y = nn.leaky_relu(self.conv(small, features(min(4 * target // 2, 1024)), 4, 2), 0.2)
        while y.shape[1] > LAST:
            y = self.leaky(self.conv(y, features(min(2 * y.shape[1], 1024)), 4, 2), mode)
        small_logits = self.conv(y, 1, 4, 1, "VALID")
        logits = [part.reshape(len(images), -1).astype(jnp.float32) for part in (large_logits, small_logits)]
        logits = jnp.concatenate(logits, 1)
        if corner is None:
            return logits, ()
        part = quarter(maps[2 * LAST], corner)
        drawn = {"whole": x, "small": y, "part": part}
        decoders = {name: Decoder(self.dtype, target, channels, name=f"decoder_{name}") for name in drawn}
        return logits, tuple(decoders[name](map_, mode) for name, map_ in drawn.items())


def quarter(x: jax.Array, corner: jax.Array) -> jax.Array:
    """Of [B, H, W, C] the quarter [B, H/2, W/2, C] of the number [B]: 0 and 1 above, left and right, 2 and 3 below.

    >>> x = jnp.arange(4.0).reshape(1, 2, 2, 1)
    >>> [int(quarter(x, jnp.array([number]))[0, 0, 0, 0]) for number in range(4)]
    [0, 1, 2, 3]
    """
    height, width = x.shape[1] // 2, x.shape[2] // 2
    parts = jnp.stack([x[:, i : i + height, j : j + width] for i in (0, height) for j in (0, width)])
    return jnp.einsum("nb,nbhwc->bhwc", jax.nn.one_hot(corner, 4, dtype=x.dtype).T, parts)
