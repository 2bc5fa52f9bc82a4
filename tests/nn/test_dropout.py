import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan import rows
from jaxgan.errors import UserError
from jaxgan.nn import Dropout, dropout


def test_drops_at_the_rate_and_keeps_the_mean():
    y = rows.solo(lambda: dropout(jnp.ones((64, 500)), 0.25, jax.random.key(0)))()
    assert set(np.unique(y)) == {np.float32(0), np.float32(1 / 0.75)}
    assert abs(float(jnp.mean(y == 0)) - 0.25) < 0.01
    assert abs(float(jnp.mean(y)) - 1.0) < 0.01


def test_each_row_has_its_own_mask_whatever_the_batch():
    x = jnp.ones((4, 100), jnp.bfloat16)
    whole = rows.solo(lambda: dropout(x, 0.5, jax.random.key(0)))()
    part = rows.solo(lambda: dropout(x[:2], 0.5, jax.random.key(0)))()
    assert whole.dtype == jnp.bfloat16
    assert (whole[:2] == part).all()
    assert len(np.unique(np.asarray(whole, np.float32), axis=0)) == 4


@pytest.mark.eight_devices
def test_eight_devices_drop_what_one_drops(shared_by):
    def step(key, x):
        return dropout(x, 0.5, key), None

    x = jax.random.normal(jax.random.key(1), (16, 3, 3, 2))
    one, eight = (shared_by(devices, step)(jax.random.key(0), x)[0] for devices in (1, 8))
    np.testing.assert_array_equal(one, eight)


def test_module():
    x = jnp.ones((4, 100))
    block = Dropout(0.5)
    assert block.init(jax.random.key(0), x, False) == {}
    assert block.apply({}, x, True) is x

    def apply(seed):
        return rows.solo(lambda: block.apply({}, x, False, rngs={"dropout": jax.random.key(seed)}))()

    assert 0 < jnp.sum(apply(0) == 0) < x.size
    assert (apply(0) == apply(0)).all()
    assert (apply(0) != apply(1)).any()


def test_rates():
    x = jnp.ones((2, 3))
    assert dropout(x, 0.0, jax.random.key(0)) is x
    for rate in (1.0, -0.1):
        with pytest.raises(UserError, match=str(rate)):
            dropout(x, rate, jax.random.key(0))
