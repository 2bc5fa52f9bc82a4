"""jaxgan: the GAN family in JAX and Flax.

    import jaxgan
    from jaxgan.data import Avatars
    from jaxgan.systems.dcgan import DCGAN

    experiment = jaxgan.Experiment(system=DCGAN(), data=Avatars(size=64), steps=1000)
    run = jaxgan.fit(experiment, "runs/avatars")
    pictures = run.sample(64)

Importing it touches no device, and its parts are imported when they are first used, so that the command line answers at once.
"""

import importlib
from typing import TYPE_CHECKING

__version__ = "0.1.0"

_WHERE = {
    "Augmentation": "jaxgan.augmentation",
    "UserError": "jaxgan.errors",
    "Experiment": "jaxgan.experiment",
    "Run": "jaxgan.run",
    "restore": "jaxgan.run",
    "TrainingDiverged": "jaxgan.training.loop",
    "fit": "jaxgan.training.loop",
    "fit_seeds": "jaxgan.seeds",
    "Context": "jaxgan.training.state",
    "Network": "jaxgan.training.state",
    "Outcome": "jaxgan.training.state",
    "TrainState": "jaxgan.training.state",
    "Phase": "jaxgan.training.system",
    "Schedule": "jaxgan.training.system",
    "System": "jaxgan.training.system",
    "after": "jaxgan.training.system",
    "before": "jaxgan.training.system",
    "every": "jaxgan.training.system",
}
__all__ = list(_WHERE)

if TYPE_CHECKING:
    from jaxgan.augmentation import Augmentation
    from jaxgan.errors import UserError
    from jaxgan.experiment import Experiment
    from jaxgan.run import Run, restore
    from jaxgan.seeds import fit_seeds
    from jaxgan.training.loop import TrainingDiverged, fit
    from jaxgan.training.state import Context, Network, Outcome, TrainState
    from jaxgan.training.system import Phase, Schedule, System, after, before, every


def __getattr__(name: str):
    if name not in _WHERE:
        raise AttributeError(f"module 'jaxgan' has no attribute {name!r}")
    return getattr(importlib.import_module(_WHERE[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
