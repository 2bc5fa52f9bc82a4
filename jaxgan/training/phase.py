"""A player's turn in a training step, and in which steps it has one."""

import dataclasses
from collections.abc import Callable

import jax

from jaxgan.training.state import Context, Outcome

Loss = jax.Array | dict[tuple[str, ...], jax.Array]


@dataclasses.dataclass(frozen=True)
class Phase:
    """One player's turn in a training step.

    Attributes:
        name: "discriminator"; prefixes its metrics and seeds its keys, so it must be unique in the system.
        trains: the networks that the loss is differentiated by and that are updated; () changes only `aux` and `variables`.
        loss: `Context -> (loss, Outcome)`. The loss is a float32 scalar: the mean over this device's rows. Or a dict of one
            loss for each group of `trains`, where losses share a computation: `{("G", "F"): g_loss, ("D_X", "D_Y"): d_loss}`;
            then each network follows the gradient of its own group's loss only.
        moves: updates per step; n_critic. A function of the step (on the host) makes a schedule: see `every`, `before`,
            `after`. 0 skips the phase.
        accumulate: minibatches per update, whose gradients are averaged.
        slot: which optimiser of each trained network is used. Pretraining has its own; lazy penalties share "main".
        apart: compiled as a program of its own, for a phase that few steps have: steps with it and without then share the rest
            of what is compiled. Where steps are fused it means nothing.

    >>> phase = Phase("penalty", ("D",), loss=lambda context: ..., moves=every(16))
    >>> phase.moves_at(0), phase.moves_at(1), phase.moves_at(16)
    (1, 0, 1)
    """

    name: str
    trains: tuple[str, ...]
    loss: Callable[[Context], tuple[Loss, Outcome]]
    moves: int | Callable[[int], int] = 1
    accumulate: int = 1
    slot: str = "main"
    apart: bool = False

    def moves_at(self, step: int) -> int:
        """How many updates this phase makes in the step number `step` (from 0)."""
        return self.moves(step) if callable(self.moves) else self.moves


def every(interval: int) -> Callable[[int], int]:
    """Moves for `Phase`: one in the steps 0, interval, 2 interval, ...; none in the others. `interval` is at least 1.

    >>> [every(4)(step) for step in range(9)]
    [1, 0, 0, 0, 1, 0, 0, 0, 1]
    """
    return lambda step: int(step % interval == 0)


def before(limit: int) -> Callable[[int], int]:
    """Moves for `Phase`: one in each of the first `limit` steps.

    >>> [before(2)(step) for step in range(4)]
    [1, 1, 0, 0]
    """
    return lambda step: int(step < limit)


def after(limit: int) -> Callable[[int], int]:
    """Moves for `Phase`: none in the first `limit` steps, then one in each.

    >>> [after(2)(step) for step in range(4)]
    [0, 0, 1, 1]
    """
    return lambda step: int(step >= limit)
