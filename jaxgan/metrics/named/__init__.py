"""The metrics that `jaxgan evaluate --metrics` knows, a file each, found by its name: a new one is a new file here.

A module says
    TAKES             classes of media (`jaxgan.media`) that it can look at; Medium for all
    OF                "sets" of examples, "pairs" of pictures, or a "run"
    LESS_IS_BETTER    whether its deciding figure falls
    NETWORK           of sets and runs: whether it looks by the features of a network
and, of sets,
    KEEPS             what is kept of every example: "features", "logits", "examples"; () streams in constant memory
    REAL              whether it looks at the real ones
    figures(real, made, network, seed)    {"value", or names of its own: float, "protocol": str, "warning": str or not}
or, of pairs, compare(features_file); or, of a run, check(run), of_run(run, real, num, seed) and, where it is a default,
suits(run).
DECIDES names the figure that decides where there are several.
A figure without its protocol cannot be compared with anything: the same FID changes with the network, the number of examples
and their format. So every figure comes with a sentence that names all three.
"""

import functools
import importlib
import pkgutil
from collections.abc import Iterable
from types import ModuleType
from typing import TYPE_CHECKING

from jaxgan.errors import UserError, nearest
from jaxgan.media import Medium

if TYPE_CHECKING:
    from jaxgan.run import Run


@functools.cache
def names() -> tuple[str, ...]:
    """Of all metrics."""
    return tuple(module.name for module in pkgutil.iter_modules(__path__))


def find(name: str) -> ModuleType:
    """The module of a metric. UserError where there is none; the nearest is named."""
    if name not in names():
        hint = nearest(name.lower().replace("-", "_"), names())
        raise UserError(f'there is no metric "{name}"{hint} The metrics are {", ".join(names())}')
    return importlib.import_module(f"{__name__}.{name}")


def of(*kinds: str) -> tuple[str, ...]:
    """The metrics of these kinds: "sets", "pairs", "run"."""
    return tuple(name for name in names() if find(name).OF in kinds)


def check_names(metrics: Iterable[str], kinds: tuple[str, ...], reason: str = "") -> tuple[str, ...]:
    """The metrics, each once, in the order given.

    Raises:
        UserError: one is unknown, or of another kind, for the `reason`.
    """
    found = tuple(dict.fromkeys(metrics))
    if not found:
        raise UserError(f"no metric is named: give some of {', '.join(of(*kinds))}")
    for name in found:
        if find(name).OF not in kinds:
            raise UserError(f"the metric {name} does not apply here: {reason}")
    return found


def check_run(metrics: Iterable[str], run: "Run") -> None:
    """Raises: UserError: a metric cannot be measured of the run, of what it makes or of its system."""
    check_medium(metrics, run.record.medium)
    for name in metrics:
        if find(name).OF == "run":
            find(name).check(run)


def check_medium(metrics: Iterable[str], medium: Medium) -> None:
    """Raises: UserError: a metric cannot look at such examples; those that can are named."""
    for name in metrics:
        if not isinstance(medium, find(name).TAKES):
            others = [other for other in of("sets", "run") if isinstance(medium, find(other).TAKES)]
            raise UserError(f"the metric {name} does not take {medium.many}: of these there are {', '.join(others)}")
