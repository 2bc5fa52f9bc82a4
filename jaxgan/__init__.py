"""jaxgan: the GAN family in JAX and Flax.

    import jaxgan
    from jaxgan.data import Avatars
    from jaxgan.systems.dcgan import DCGAN

    experiment = jaxgan.Experiment(system=DCGAN(width=32), data=Avatars(size=64), steps=1000)
    run = jaxgan.fit(experiment, "runs/avatars")
    pictures = run.sample(64)

Importing it touches no device.
"""

from jaxgan.errors import UserError
from jaxgan.experiment import Experiment
from jaxgan.run import Run, restore
from jaxgan.training.loop import TrainingDiverged, fit
from jaxgan.training.state import Context, Network, Outcome, TrainState
from jaxgan.training.system import Phase, Schedule, System, after, before, every

__version__ = "0.1.0"

__all__ = [
    "Context",
    "Experiment",
    "Network",
    "Outcome",
    "Phase",
    "Run",
    "Schedule",
    "System",
    "TrainState",
    "TrainingDiverged",
    "UserError",
    "after",
    "before",
    "every",
    "fit",
    "restore",
]
