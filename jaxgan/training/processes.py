"""Several processes that train one run: the hosts of a TPU pod slice, the tasks of a SLURM job, or a few started by hand.

Every process runs the same program on its own devices and rows of each minibatch; what a step reduces is reduced over all of
them. Process 0 leads: it alone reads and writes the workdir, and the others get the state to begin with from it, so that they
need not see its disk. What stops one process stops all: a signal, by `Agreement`, after the same step; a process that is gone,
by JAX's heartbeats and `jaxgan.training.supervision`.
"""

import functools
import signal
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from jaxgan.errors import UserError

HEARTBEAT = 20
"""Seconds without a sign of life after which a process counts as gone."""
PARTING = 120
"""Seconds that a process waits for the others when it is done: process 0 may still be writing."""


def initialize(where: str) -> None:
    """Meet the other processes. To be called before JAX looks for devices.

    Args:
        where: "auto" on a cluster that JAX knows (a TPU pod slice, SLURM, Open MPI), or "HOST:PORT,COUNT,ID": where process 0
            listens, how many processes there are, and which of them this one is.

    JAX aborts the process where the others do not come within five minutes.

    Raises:
        UserError: there is no such cluster; `where` says something else; JAX has looked for devices already.
    """
    given = {}
    if where != "auto":
        address, *numbers = where.split(",")
        if len(numbers) != 2 or not all(n.isdigit() for n in numbers) or not address.rpartition(":")[2].isdigit():
            raise UserError(
                f"--distributed {where}: it must be HOST:PORT,COUNT,ID, such as 10.0.0.1:1234,4,0 on the first of 4 machines, "
                "or stand alone where JAX knows the cluster"
            )
        count, process = map(int, numbers)
        if process >= count:
            raise UserError(f"--distributed {where}: of {count} processes the last is {count - 1}, not {process}")
        # On a machine of one's own, nothing is to be detected.
        given = {
            "coordinator_address": address,
            "num_processes": count,
            "process_id": process,
            "cluster_detection_method": "deactivate",
        }
    # JAX would handle SIGTERM in its own way, which knows no other signal, and would swallow one that comes before training.
    jax.config.update("jax_enable_preemption_service", False)
    try:
        jax.distributed.initialize(**given, heartbeat_timeout_seconds=HEARTBEAT, shutdown_timeout_seconds=PARTING)
    except ValueError as error:
        raise UserError(
            f"--distributed: JAX detects no cluster here ({error}): give --distributed HOST:PORT,COUNT,ID"
        ) from None
    except RuntimeError as error:
        raise UserError(f"--distributed: {str(error).splitlines()[0]}") from None


def meet() -> None:
    """Wait for the other processes, for as long as it takes, before any of them prepares data.

    Over Gloo the first exchange of a group of devices fails where they come to it more than half a minute apart; later ones
    wait.
    """
    if jax.process_count() > 1:
        differing("00")
        jax.block_until_ready(_greatest(0))


def part() -> None:
    """Leave the others when all is done: none is gone while another needs it."""
    jax.distributed.shutdown()


def leads() -> bool:
    """Whether this is process 0, or the only one."""
    return jax.process_index() == 0


def from_leader(tree: Any) -> Any:
    """The pytree of arrays of process 0, bit for bit, on all; the others give one of the same shapes and types."""
    if jax.process_count() == 1:
        return tree
    host = jax.tree.map(np.asarray, tree)
    return unpacked(np.asarray(multihost_utils.broadcast_one_to_all(packed(host))), host)


def packed(tree: Any) -> np.ndarray:
    """The bytes [N] of a pytree of arrays. JAX sends by adding zeros, and -0.0 + 0.0 is another number than -0.0."""
    return np.frombuffer(b"".join(leaf.tobytes() for leaf in jax.tree.leaves(tree)), np.uint8)


def unpacked(data: np.ndarray, like: Any) -> Any:
    """What `packed` made bytes of, in the structure, shapes and types of `like`."""
    leaves, structure = jax.tree.flatten(like)
    made, start = [], 0
    for leaf in leaves:
        part_ = np.frombuffer(data[start : start + leaf.nbytes].tobytes(), leaf.dtype)
        made.append(part_.reshape(leaf.shape).copy())
        start += leaf.nbytes
    return jax.tree.unflatten(structure, made)


def differing(digest: str) -> list[int]:
    """The processes whose hexadecimal digest is another than that of process 0."""
    if jax.process_count() == 1:
        return []
    all_of_them = multihost_utils.process_allgather(np.frombuffer(bytes.fromhex(digest), np.uint8))
    return [process for process, one in enumerate(all_of_them) if not np.array_equal(one, all_of_them[0])]


class Agreement:
    """A signal that any of the processes has received, learnt by all after the same step.

    The numbers of the signals are reduced over the devices, as the gradients are, and read a step later, when they are there.
    """

    def __init__(self):
        self._pending: jax.Array | None = None

    def on(self, received: str | None) -> str | None:
        """The name of a signal that a process has given to the call before this one; to be called once before each step.

        Args:
            received: the name of the signal that this process has received, if any. Where it is the only one, the answer.
        """
        if jax.process_count() == 1:
            return received
        before, self._pending = self._pending, _greatest(signal.Signals[received] if received else 0)
        number = 0 if before is None else int(before)
        return signal.Signals(number).name if number else None


def _greatest(number: int) -> jax.Array:
    """The greatest of the numbers that the processes give."""
    divided, maximum = _maximum()
    mine = np.full(jax.local_device_count(), number, np.int32)
    return maximum(jax.make_array_from_process_local_data(divided, mine))


@functools.cache
def _maximum():
    """How a number of each device is laid out, and the greatest of them, on all."""
    mesh = Mesh(np.array(jax.devices()), ("devices",))
    return NamedSharding(mesh, P("devices")), jax.jit(jnp.max, out_shardings=NamedSharding(mesh, P()))
