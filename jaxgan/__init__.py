"""jaxgan: the GAN family in JAX and Flax.

>>> import jaxgan
>>> from jaxgan.data import Digits
>>> from jaxgan.systems.gan import GAN
>>> system = GAN(latent_dim=32, generator_hidden=256, discriminator_hidden=120)
>>> experiment = jaxgan.Experiment(system=system, data=Digits(), steps=20)
>>> run = jaxgan.fit(experiment, "runs/digits", quiet=True)
>>> run.sample(64).shape
(64, 8, 8, 1)

(5,000 steps make digits that one can read.)

Importing it touches no device, and its parts are imported when they are first used, so that the command line answers at once.
"""

import importlib
from typing import TYPE_CHECKING

__version__ = "0.1.0"

_WHERE = {
    "Ada": "jaxgan.networks.ada",
    "Augmentation": "jaxgan.networks.augmentation",
    "UserError": "jaxgan.errors",
    "Experiment": "jaxgan.experiment",
    "Run": "jaxgan.run",
    "restore": "jaxgan.run",
    "TrainingDiverged": "jaxgan.training.loop",
    "fit": "jaxgan.training.loop",
    "fit_seeds": "jaxgan.training.seeds",
    "Phase": "jaxgan.training.phase",
    "after": "jaxgan.training.phase",
    "before": "jaxgan.training.phase",
    "every": "jaxgan.training.phase",
    "Context": "jaxgan.training.state",
    "Network": "jaxgan.training.state",
    "Outcome": "jaxgan.training.state",
    "TrainState": "jaxgan.training.state",
    "Schedule": "jaxgan.training.system",
    "System": "jaxgan.training.system",
}
__all__ = list(_WHERE)
_PACKAGES = ("data", "latent", "losses", "metrics", "networks", "nn", "systems", "weights")
"""Reached as `jaxgan.data` after `import jaxgan`, too."""

if TYPE_CHECKING:
    from jaxgan.errors import UserError
    from jaxgan.experiment import Experiment
    from jaxgan.networks.ada import Ada
    from jaxgan.networks.augmentation import Augmentation
    from jaxgan.run import Run, restore
    from jaxgan.training.loop import TrainingDiverged, fit
    from jaxgan.training.phase import Phase, after, before, every
    from jaxgan.training.seeds import fit_seeds
    from jaxgan.training.state import Context, Network, Outcome, TrainState
    from jaxgan.training.system import Schedule, System


def __getattr__(name: str):
    if name in _PACKAGES:
        return importlib.import_module(f"jaxgan.{name}")
    if name not in _WHERE:
        raise AttributeError(f"module 'jaxgan' has no attribute {name!r}")
    return getattr(importlib.import_module(_WHERE[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_PACKAGES})
