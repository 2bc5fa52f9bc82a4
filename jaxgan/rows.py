"""Rows of the global batch: noise and reductions that do not depend on how many devices share it.

The training step is written for one device, with the axis `AXIS` always bound (of size 1 on one device). Each device holds
a contiguous slice of the rows of the global batch. Two rules keep one device and eight the same up to float order:

- what is random is drawn per row, from a key folded with the row's index in the *global* batch (`per_row` and its
  shorthands `normal`, `uniform`, `bernoulli`);
- what enters the state (running statistics, pools, averages) is reduced over the devices first (`mean`, `gather`).

Where real and fake examples pass through a network together, interleave them on axis 1 and reshape (`interleave`), so that
the rows of a device stay its own.

>>> from jaxgan import rows
>>> key = jax.random.key(0)
>>> two, four = (jax.jit(rows.solo(lambda count=count: rows.uniform(key, count)))() for count in (2, 4))
>>> bool((two == four[:2]).all())  # a row draws the same, however many there are
True
"""

import contextlib
import contextvars
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

AXIS = "batch"
"""Name of the mapped axis over which the rows of the global batch are divided."""

_UNREDUCED = contextvars.ContextVar("unreduced", default=False)


def indices(count: int) -> jax.Array:
    """Global indices [count] of the `count` rows that this device holds."""
    return jax.lax.axis_index(AXIS) * count + jnp.arange(count)


def per_row(draw: Callable[[jax.Array], jax.Array], key: jax.Array, count: int) -> jax.Array:
    """Draw once for each of this device's `count` rows: `draw(key_of_row)`, stacked to [count, ...].

    The key of global row i is `fold_in(key, i)`, so a row's draw is the same on every layout of devices.
    """
    return jax.vmap(lambda index: draw(jax.random.fold_in(key, index)))(indices(count))


def normal(key: jax.Array, count: int, shape: tuple[int, ...] = (), dtype=jnp.float32) -> jax.Array:
    """Standard normal noise [count, *shape], row by row."""
    return per_row(lambda k: jax.random.normal(k, shape, dtype), key, count)


def uniform(
    key: jax.Array,
    count: int,
    shape: tuple[int, ...] = (),
    *,
    minval: float = 0.0,
    maxval: float = 1.0,
    dtype=jnp.float32,
) -> jax.Array:
    """Uniform noise [count, *shape] on [minval, maxval), row by row."""
    return per_row(lambda k: jax.random.uniform(k, shape, dtype, minval, maxval), key, count)


def bernoulli(key: jax.Array, probability, count: int, shape: tuple[int, ...] = ()) -> jax.Array:
    """Booleans [count, *shape], true with `probability`, row by row."""
    return per_row(lambda k: jax.random.bernoulli(k, probability, shape), key, count)


def randint(key: jax.Array, count: int, minval, maxval, shape: tuple[int, ...] = ()) -> jax.Array:
    """Integers [count, *shape] on [minval, maxval), row by row."""
    return per_row(lambda k: jax.random.randint(k, shape, minval, maxval), key, count)


def mean(x: jax.Array) -> jax.Array:
    """Mean over all elements of the global batch: a scalar, the same on every device."""
    return jax.lax.pmean(jnp.mean(x), AXIS)


@contextlib.contextmanager
def unreduced_on_one():
    """What is traced inside takes on one device no means over the devices (`device_mean`), which are themselves there.

    XLA keeps them in their order, and they keep its memory small; but it never finds that two of them are one, nor, so, that
    two passes through a network are.
    """
    token = _UNREDUCED.set(True)
    try:
        yield
    finally:
        _UNREDUCED.reset(token)


def device_mean(tree: Any) -> Any:
    """The mean over the devices of each leaf."""
    return tree if _UNREDUCED.get() and jax.lax.axis_size(AXIS) == 1 else jax.lax.pmean(tree, AXIS)


def gather(x: jax.Array) -> jax.Array:
    """All rows of the global batch, in their order: [local rows, ...] to [global rows, ...]."""
    return jax.lax.all_gather(x, AXIS, tiled=True)


def mine(x: jax.Array, count: int) -> jax.Array:
    """This device's `count` rows of `x` [global rows, ...]; undoes `gather`."""
    return jax.lax.dynamic_slice_in_dim(x, jax.lax.axis_index(AXIS) * count, count)


def interleave(*parts: jax.Array) -> jax.Array:
    """Parts of equal shape [B, ...] as one batch [B * len(parts), ...] in which each row's parts are neighbours.

    >>> both = interleave(jnp.array([1, 2]), jnp.array([10, 20]))
    >>> both.tolist(), [part.tolist() for part in deinterleave(both, 2)]
    ([1, 10, 2, 20], [[1, 2], [10, 20]])
    """
    stacked = jnp.stack(parts, axis=1)
    return stacked.reshape(-1, *stacked.shape[2:])


def deinterleave(x: jax.Array, count: int) -> tuple[jax.Array, ...]:
    """Undo `interleave` of `count` parts: [B * count, ...] to `count` arrays [B, ...]."""
    split = x.reshape(-1, count, *x.shape[1:])
    return tuple(split[:, i] for i in range(count))


def solo(function: Callable) -> Callable:
    """`function`, run outside of a training step: binds `AXIS` with size one.

    For initialisation, sampling and evaluation, whose networks use `AXIS` just as in training.

    >>> float(solo(mean)(jnp.array([1.0, 3.0])))
    2.0
    """

    def run(*args):
        out = jax.vmap(lambda _: function(*args), axis_name=AXIS, axis_size=1)(jnp.zeros(1))
        return jax.tree.map(lambda x: x[0], out)

    return run
