"""The whole of training as one pytree, and what a loss sees and returns."""

from typing import Any

import jax
from flax import struct


@struct.dataclass
class Network:
    """One trained network.

    Attributes:
        params: what the optimisers change: the flax collection "params".
        variables: the other flax collections by name: running statistics, spectral norms, average latents.
        opt: the state of each of its optimisers, by slot; schedules count the moves of their slot.
        ema: moving average of `{"params": params, **variables}`, or None where the system asks for none.
    """

    params: Any
    variables: dict[str, Any]
    opt: dict[str, Any]
    ema: dict[str, Any] | None

    @property
    def current(self) -> dict[str, Any]:
        """What `module.apply` takes: the parameters and the other collections."""
        return {"params": self.params, **self.variables}


@struct.dataclass
class TrainState:
    """Everything that a step reads and writes; equal on every device; what a checkpoint holds.

    Attributes:
        step: steps done, int32.
        seed: the experiment's seed, uint32. Keys are derived from it, never stored: a stored key would be deleted by the
            donation of the state.
        networks: the trained networks by name.
        aux: what else lasts from step to step: image pools, running path lengths, augmentation probabilities.
    """

    step: jax.Array
    seed: jax.Array
    networks: dict[str, Network]
    aux: dict[str, Any]


@struct.dataclass
class Context:
    """What a loss sees.

    Attributes:
        variables: `{network: {"params": ..., other collections}}`, for `module.apply(context.variables["G"], ...)`.
            Includes the frozen networks.
        batch: this device's rows of the minibatch: dict of arrays [B, ...].
        key: the key of this move. Draw per row of the global batch, by `jaxgan.rows`.
        aux: `TrainState.aux`.
        step: steps done before this one, int32.
        shared_key: the key of this move that is the same in every phase: what two phases draw by it is equal.
    """

    variables: dict[str, dict[str, Any]]
    batch: dict[str, jax.Array]
    key: jax.Array
    aux: dict[str, Any]
    step: jax.Array
    shared_key: jax.Array | None = None


@struct.dataclass
class Outcome:
    """What a loss changes besides what its gradients change. Entries are merged; their names must exist.

    Attributes:
        variables: `{network: {collection: new value}}`, as `module.apply(..., mutable=[...])` returns it.
        aux: `{name: new value}`.
        metrics: scalars to log, by name; averaged over devices and moves and prefixed with the name of the phase.
    """

    variables: dict[str, dict[str, Any]] = struct.field(default_factory=dict)
    aux: dict[str, Any] = struct.field(default_factory=dict)
    metrics: dict[str, jax.Array] = struct.field(default_factory=dict)
