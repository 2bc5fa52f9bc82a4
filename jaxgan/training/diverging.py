"""What goes wrong in a training without an error: numbers that are not finite, statistics that stand still."""

from typing import Any

import jax
import numpy as np

from jaxgan.training.checkpoint import digest, warn
from jaxgan.training.state import TrainState
from jaxgan.training.system import Phase


class TrainingDiverged(Exception):
    """A loss, gradient or parameter is no longer finite. The message names step, phase and network."""


def culprit(phases: tuple[Phase, ...], step: int, metrics: set[str]) -> str | None:
    """The first of the metrics of a step that are not finite, by the order of the phases; in one the loss before gradients."""
    for phase in phases:
        own = {metric.removeprefix(f"{phase.name}/") for metric in metrics if metric.startswith(f"{phase.name}/")}
        for metric in sorted(own, key=lambda m: (not m.endswith("loss"), m)):
            network, _, what = metric.rpartition("/")
            what = f"the {what.replace('_', ' ')} of network {network or '+'.join(phase.trains)}"
            return f"in step {step} {what} in phase {phase.name} is not finite"
    return None


def not_finite(phases: tuple[Phase, ...], state: TrainState) -> str | None:
    """The first parameter, or statistic, that is not finite."""
    for name, network in state.networks.items():
        for path, leaf in jax.tree_util.tree_leaves_with_path(network.current):
            if np.issubdtype(leaf.dtype, np.floating) and not np.isfinite(leaf).all():
                trains = "+".join(phase.name for phase in phases if name in phase.trains)
                return (
                    f"after step {int(state.step)} {jax.tree_util.keystr(path, simple=True, separator='/')} of network {name}, "
                    f"which phase {trains} trains, is not finite"
                )
    return None


def statistics_in(state: TrainState) -> dict[str, Any]:
    """The running statistics of BatchNorm by network, of those that have any."""
    name = "batch_stats"
    return {key: network.variables[name] for key, network in state.networks.items() if name in network.variables}


class Standing:
    """Says once where a network learns and its running statistics are those that it began with: samples are made by them."""

    def __init__(self, phases: tuple[Phase, ...], state: TrainState):
        """`state`: what this process begins with."""
        self._phases, self._warned = phases, False
        self._began = {name: digest(collection) for name, collection in statistics_in(state).items()}

    def look(self, state: TrainState) -> None:
        """At a state."""
        step, now = int(state.step), statistics_in(state)
        trained = {network for phase in self._phases if phase.moves_at(step - 1) for network in phase.trains}
        still = [name for name in now if name in trained and digest(now[name]) == self._began[name]]
        if still and not self._warned:
            phases = [phase.name for phase in self._phases if still[0] in phase.trains]
            warn(
                f"warning: after step {step} the running statistics of network {still[0]} are those that it began with, "
                f"and samples are made by them: the loss of phase {' or '.join(phases)} should return them, "
                f'Outcome(variables={{"{still[0]}": changed}}) with what apply(..., mutable=...) gives back'
            )
            self._warned = True
