"""Fully connected blocks."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxgan.nn import initializers


class Maxout(nn.Module):
    """The largest of `pieces` affine maps, unit by unit: [..., D] to [..., features].

        y_i = max_j (x . W[:, j, i] + b[j, i])

    A unit learns its own convex activation from pieces that are linear. Goodfellow et al. 2013, Maxout
    Networks, section 3; the discriminators of the first GAN and of the conditional GAN are made of it.

    >>> jax.eval_shape(Maxout(features=240, pieces=5).init_with_output, jax.random.key(0), jnp.zeros((8, 784)))[0].shape
    (8, 240)
    """

    features: int
    pieces: int
    kernel_init: jax.nn.initializers.Initializer = initializers.normal()
    dtype: jnp.dtype | None = None

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        y = nn.Dense(self.pieces * self.features, kernel_init=self.kernel_init, dtype=self.dtype)(x)
        return jnp.max(y.reshape(*y.shape[:-1], self.pieces, self.features), axis=-2)
