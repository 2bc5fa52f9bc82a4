"""The pool of generated pictures: what goes in comes out once, in one order on any number of devices."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import Mesh
from jax.sharding import PartitionSpec as P

from jaxgan import rows
from jaxgan.training.image_pool import ImagePool, empty_pool, exchange

SIZE = 5


def fakes(start, count):
    """Pictures [count, 1, 1, 1] that are numbered from `start`."""
    return jnp.arange(start, start + count, dtype=jnp.float32).reshape(-1, 1, 1, 1) + 1


def run(steps, rows_per_step=2, size=SIZE, devices=1):
    """What was shown in each step [rows], and the pool after it."""
    mesh = Mesh(np.array(jax.devices()[:devices]), (rows.AXIS,))
    step = jax.jit(
        jax.shard_map(
            exchange, mesh=mesh, in_specs=(P(), P(rows.AXIS), P()), out_specs=(P(rows.AXIS), P()), check_vma=False
        )
    )
    pool, history = empty_pool(size, (1, 1, 1)), []
    for number in range(steps):
        shown, pool = step(pool, fakes(number * rows_per_step, rows_per_step), jax.random.key(number))
        history.append((np.asarray(shown).ravel(), jax.device_get(pool)))
    return history


def test_while_it_fills_everything_is_kept_and_shown():
    for number, (shown, pool) in enumerate(run(2)):
        np.testing.assert_array_equal(shown, fakes(2 * number, 2).ravel())
        assert pool.count == 2 * (number + 1)
    np.testing.assert_array_equal(pool.images.ravel(), [1, 2, 3, 4, 0])


def test_full_it_swaps_half_and_loses_nothing():
    """Every fake is in the pool or has been shown; from a full pool each is shown just once (those of the filling twice)."""
    history = run(200)
    swapped = 0
    for number, (shown, pool) in enumerate(history):
        made = set(range(1, 2 * number + 3))
        out = [int(x) for step, _ in history[: number + 1] for x in step]
        assert made == set(out) | {int(x) for x in pool.images.ravel() if x}
        twice = {x for x in out if out.count(x) > 1} if number % 50 == 0 else set()
        assert all(x <= SIZE for x in twice)
        swapped += sum(x not in (2 * number + 1, 2 * number + 2) for x in shown)
    assert 0.4 < swapped / (2 * 200 - SIZE) < 0.6


@pytest.mark.parametrize("devices", [2, 4])
@pytest.mark.eight_devices
def test_devices_make_no_difference(devices):
    for (shown, pool), (other_shown, other_pool) in zip(run(12, 4), run(12, 4, devices=devices), strict=True):
        np.testing.assert_array_equal(shown, other_shown)
        np.testing.assert_array_equal(pool.images, other_pool.images)
        assert pool.count == other_pool.count


def test_no_gradient_passes():
    def total(x):
        return rows.solo(
            lambda: exchange(ImagePool(jnp.ones((2, 1, 1, 1)), jnp.int32(1)), x, jax.random.key(0))[0].sum()
        )()

    np.testing.assert_array_equal(jax.grad(total)(fakes(0, 2)), 0)
