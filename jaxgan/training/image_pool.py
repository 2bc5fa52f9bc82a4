"""The pool of generated pictures that a discriminator learns from besides the newest (Shrivastava et al. 2017, section 2.3).

Half of the fakes that a discriminator is shown were made by earlier generators, so that it does not forget what they did:
CycleGAN (Zhu et al. 2017, section 4) keeps 50. The pool is part of the TrainState, and so of every checkpoint. It is filled
in the order of the rows of the *global* batch, and so is the same on every device, however many there are.
"""

import jax
import jax.numpy as jnp
from flax import struct

from jaxgan import rows


@struct.dataclass
class ImagePool:
    """The pictures that were kept.

    Attributes:
        images: [size, H, W, C]; the first `count` are in use.
        count: int32.
    """

    images: jax.Array
    count: jax.Array


def empty_pool(size: int, shape: tuple[int, ...]) -> ImagePool:
    """A pool for `size` pictures of `shape` [H, W, C]."""
    return ImagePool(jnp.zeros((size, *shape)), jnp.int32(0))


def exchange(pool: ImagePool, fakes: jax.Array, key: jax.Array) -> tuple[jax.Array, ImagePool]:
    """What the discriminator is shown instead of `fakes`, and the pool afterwards.

    While the pool fills, every fake is kept and shown. Then, one after the other, a fake is shown as it is with probability
    one half; otherwise it takes the place of one of the pool, which is shown instead.

    Args:
        pool: the same on every device.
        fakes: this device's rows [B, H, W, C]; no gradient passes to them.
        key: the same on every device.

    Returns:
        This device's rows [B, H, W, C], and the pool, the same on every device.
    """
    fakes = jax.lax.stop_gradient(fakes)
    size = pool.images.shape[0]
    everyones = rows.gather(fakes)

    def one(pool, indexed):
        index, fake = indexed
        place_key, swap_key = jax.random.split(jax.random.fold_in(key, index))
        full = pool.count >= size
        place = jnp.where(full, jax.random.randint(place_key, (), 0, size), pool.count)
        swap = full & jax.random.bernoulli(swap_key)
        old = pool.images[place]
        images = pool.images.at[place].set(jnp.where(swap | ~full, fake, old))
        return ImagePool(images, jnp.minimum(pool.count + 1, size)), jnp.where(swap, old, fake)

    pool, shown = jax.lax.scan(one, pool, (jnp.arange(len(everyones)), everyones))
    return rows.mine(shown, len(fakes)), pool
