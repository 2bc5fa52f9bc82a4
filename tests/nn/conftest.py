"""Running a function of a batch on one device or on eight."""

import jax
import pytest
from jax.sharding import AxisType
from jax.sharding import PartitionSpec as P

from jaxgan.rows import AXIS


@pytest.fixture
def shared_by():
    """`shared_by(devices, function)(whole, batch)`: jitted, `batch` divided over the devices.

    `whole` is given to each. Of the results (rows, rest) the rows are put together again and the rest must be
    the same on every device.
    """

    def build(devices: int, function):
        mesh = jax.make_mesh((devices,), (AXIS,), (AxisType.Auto,), devices=jax.devices()[:devices])
        return jax.jit(
            jax.shard_map(function, mesh=mesh, in_specs=(P(), P(AXIS)), out_specs=(P(AXIS), P()), check_vma=False)
        )

    return build
