"""Several processes that train one run: the hosts of a TPU pod slice, the tasks of a SLURM job, or a few started by hand.

Every process runs the same program on its own devices and rows of each minibatch; what a step reduces is reduced over all of
them. Process 0 leads: it alone reads and writes the workdir, and the others get the state to begin with from it, so that they
need not see its disk. What stops one process stops all: a signal, by `Agreement`, after the same step; a process that is gone,
by JAX's heartbeats and `supervise`.
"""

import functools
import os
import signal
import subprocess
import sys
import threading
import time
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
SUPERVISED = "JAXGAN_SUPERVISED_BY"
"""The environment variable by which a process knows the number of the process that watches over it."""
GONE = (
    "this process was stopped because another one of the run is gone (what that one printed says why): start the same command "
    "on all again, and the run goes on from its last checkpoint"
)


def initialize(where: str) -> None:
    """Meet the other processes. To be called before JAX looks for devices.

    Args:
        where: "auto" on a cluster that JAX knows (a TPU pod slice, SLURM, Open MPI), or "HOST:PORT,COUNT,ID": where process 0
            listens, how many processes there are, and which of them this one is.

    Raises:
        UserError: there is no such cluster; `where` says something else; the others did not come.
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
    try:
        jax.distributed.initialize(**given, heartbeat_timeout_seconds=HEARTBEAT)
    except ValueError as error:
        raise UserError(
            f"--distributed: JAX detects no cluster here ({error}): give --distributed HOST:PORT,COUNT,ID"
        ) from None
    except jax.errors.JaxRuntimeError as error:
        raise UserError(f"--distributed: the processes did not meet ({str(error).splitlines()[0]})") from None


def leads() -> bool:
    """Whether this is process 0, or the only one."""
    return jax.process_index() == 0


def from_leader(tree: Any) -> Any:
    """The pytree of arrays of process 0, bit for bit, on all; the others give one of the same shapes and types."""
    if jax.process_count() == 1:
        return tree
    leaves, structure = jax.tree.flatten(jax.tree.map(np.asarray, tree))
    # As bytes: JAX adds zeros, and -0.0 + 0.0 is another number.
    sent = np.frombuffer(b"".join(leaf.tobytes() for leaf in leaves), np.uint8)
    received, made, start = np.asarray(multihost_utils.broadcast_one_to_all(sent)).tobytes(), [], 0
    for leaf in leaves:
        part = np.frombuffer(received, leaf.dtype, leaf.size, start)
        made.append(part.reshape(leaf.shape).copy())
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
        before, self._pending = self._pending, self._greatest(signal.Signals[received] if received else 0)
        number = 0 if before is None else int(before)
        return signal.Signals(number).name if number else None

    def _greatest(self, number: int) -> jax.Array:
        divided, maximum = _maximum()
        mine = np.full(jax.local_device_count(), number, np.int32)
        return maximum(jax.make_array_from_process_local_data(divided, mine))


@functools.cache
def _maximum():
    """How a number of each device is laid out, and the greatest of them, on all."""
    mesh = Mesh(np.array(jax.devices()), ("devices",))
    return NamedSharding(mesh, P("devices")), jax.jit(jnp.max, out_shardings=NamedSharding(mesh, P()))


# Watching over a process


def is_supervised() -> bool:
    """Whether `supervise` has started this process."""
    return SUPERVISED in os.environ


def supervise(argv: list[str]) -> int:
    """Run `jaxgan ARGV` in a process of its own, pass signals on to it, and say so if it ends without a word.

    JAX aborts a process when another of the run is gone: no code of ours runs then in that process. Returns the exit code.
    """
    environment = {**os.environ, SUPERVISED: str(os.getpid())}
    # In a session of its own: a Ctrl-C of the terminal reaches it once, from here.
    process = subprocess.Popen([sys.executable, "-m", "jaxgan.cli", *argv], env=environment, start_new_session=True)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: process.send_signal(number))
    code = process.wait()
    if code >= 0:
        return code
    name = signal.Signals(-code).name
    sentence = GONE if name == "SIGABRT" else f"this process was ended by {name}: the same command goes on"
    print(f"jaxgan: {sentence}", file=sys.stderr, flush=True)
    return 1


def end(code: int) -> None:
    """Leave the others, with an exit code: together where the run has ended well, at once where it has not.

    At once, because those who wait for this process in the middle of a step would be waited for.
    """
    if code in (0, 128 + signal.SIGINT, 128 + signal.SIGTERM):
        jax.distributed.shutdown()
        return
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def follow_supervisor() -> None:
    """End this process when the one that watches over it is gone, killed for instance."""
    supervisor = int(os.environ[SUPERVISED])

    def watch():
        while os.getppid() == supervisor:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
