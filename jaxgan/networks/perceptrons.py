"""Two multilayer perceptrons, for points and other vectors: what the toy experiments of the papers are made of."""

import dataclasses
import math
from typing import Literal

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxgan.errors import UserError
from jaxgan.networks.base import Networks, refuse_classes
from jaxgan.nn import Mode, spectral_norm


class Generator(nn.Module):
    """Latents [B, latent] to examples [B, *shape], unbounded: rectified layers, then a linear one."""

    shape: tuple[int, ...]
    hidden: int
    layers: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, z: jax.Array, labels: None, mode: Mode) -> jax.Array:
        x = z
        for _ in range(self.layers):
            x = nn.relu(nn.Dense(self.hidden, kernel_init=nn.initializers.he_normal(), dtype=self.dtype)(x))
        x = nn.Dense(math.prod(self.shape), dtype=self.dtype)(x)
        return x.astype(jnp.float32).reshape(-1, *self.shape)


class Discriminator(nn.Module):
    """Examples [B, ...] to scores [B]: rectified layers, then a linear one."""

    hidden: int
    layers: int
    spectral: bool
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: jax.Array, labels: None, mode: Mode) -> jax.Array:
        x = x.reshape(x.shape[0], -1)
        for _ in range(self.layers):
            layer = nn.Dense(self.hidden, kernel_init=nn.initializers.he_normal(), dtype=self.dtype)
            x = nn.relu(spectral_norm(layer, self.spectral)(x))
        return spectral_norm(nn.Dense(1, dtype=self.dtype), self.spectral)(x)[:, 0].astype(jnp.float32)


@dataclasses.dataclass(frozen=True)
class Perceptrons(Networks):
    """A generator and a discriminator of rectified layers: Gulrajani et al. 2017, WGAN-GP, figure 1 (three layers of 512)."""

    latent_dim: int = 2
    """Length of the latent vector z."""
    latent: Literal["uniform", "normal"] = "normal"
    """Distribution of z: uniform on (-1, 1), or standard normal."""
    hidden: int = 512
    """Units in each hidden layer."""
    layers: int = 3
    """Hidden layers of each network."""
    spectral_norm: bool = False
    """Spectral normalisation of the discriminator's weights (SNGAN)."""

    @property
    def apart(self):
        return False

    def check(self, shape):
        if math.prod(shape) > 1 << 20:
            raise UserError(f"examples of {shape} are too many numbers for perceptrons: set --data.size")

    def generator(self, shape, classes, dtype):
        refuse_classes(self, classes)
        return Generator(shape, self.hidden, self.layers, dtype)

    def discriminator(self, classes, dtype):
        refuse_classes(self, classes)
        return Discriminator(self.hidden, self.layers, self.spectral_norm, dtype)
