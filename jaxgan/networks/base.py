"""What a pair of networks offers to the systems that share it."""

import abc
import dataclasses
from typing import Literal

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxgan import fields, rows
from jaxgan.errors import UserError


@dataclasses.dataclass(frozen=True)
class Networks(abc.ABC):
    """A generator and a discriminator: their sizes and their noise, without an objective.

    A subclass is a frozen dataclass whose fields are sizes; it is a field of a system, and so part of its hyper-parameters.
    """

    latent_dim: int = 100
    """Length of the latent vector z."""
    latent: Literal["uniform", "normal"] = "uniform"
    """Distribution of z: uniform on (-1, 1), or standard normal."""

    def __post_init__(self):
        fields.check(self)

    @property
    @abc.abstractmethod
    def apart(self) -> bool:
        """Whether real and generated examples must pass through the discriminator as batches of their own.

        So it is under BatchNorm: mixed, its statistics would give the generated ones away.
        """

    @abc.abstractmethod
    def check(self, shape: tuple[int, ...]) -> None:
        """Raise a UserError where the networks cannot make, or judge, examples of this shape."""

    @abc.abstractmethod
    def generator(self, shape: tuple[int, ...], classes: int, dtype: jnp.dtype) -> nn.Module:
        """A module `(z [B, latent_dim], labels [B] or None, mode) -> float32 [B, *shape]`; unconditional with 0 classes."""

    @abc.abstractmethod
    def discriminator(self, classes: int, dtype: jnp.dtype) -> nn.Module:
        """A module `(examples [B, ...], labels [B] or None, mode) -> float32 [B]`."""

    def latents(self, key: jax.Array, count: int) -> jax.Array:
        """[count, latent_dim], row by row."""
        if self.latent == "uniform":
            return rows.uniform(key, count, (self.latent_dim,), minval=-1.0)
        return rows.normal(key, count, (self.latent_dim,))


def refuse_classes(networks: Networks, classes: int) -> None:
    """For networks that take no labels. Raises: UserError: there are classes."""
    if classes:
        raise UserError(
            f"{type(networks).__name__} networks take no labels: use Residual ones for a conditional system"
        )
