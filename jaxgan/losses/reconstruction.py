"""Distances of a picture from what it should be. Means over this device's rows and all their elements, float32 scalars."""

import jax
import jax.numpy as jnp

from jaxgan.losses.wide import wide


def l1(x: jax.Array, y: jax.Array) -> jax.Array:
    """E[|x - y|], for `x`, `y` of one shape [B, ...]; between pictures in [-1, 1] at most 2.

    Pix2pix (Isola et al. 2017, equation 3), CycleGAN's cycle (Zhu et al. 2017, equation 2), StarGAN's (Choi et al. 2017,
    equation 4): it blurs less than squares do.

    >>> float(l1(jnp.array([[-1.0, 1.0]]), jnp.array([[1.0, 1.0]])))
    1.0
    """
    return jnp.abs(wide(x) - wide(y)).mean()


def l2(x: jax.Array, y: jax.Array) -> jax.Array:
    """E[(x - y)^2], the mean squared error, for `x`, `y` of one shape [B, ...]; between pictures in [-1, 1] at most 4.

    What PSNR is made of, and so what SRResNet minimises (Ledig et al. 2017, equation 4).

    >>> float(l2(jnp.array([[-1.0, 1.0]]), jnp.array([[1.0, 1.0]])))
    2.0
    """
    return jnp.square(wide(x) - wide(y)).mean()
