"""Modes: how many of the modes of a mixture of points the samples cover, and which share of them is good."""

import numpy as np

from jaxgan.errors import UserError
from jaxgan.media import Points
from jaxgan.metrics.modes import PROTOCOL_SAMPLES, modes_covered

TAKES, OF, LESS_IS_BETTER, NETWORK = (Points,), "run", False, False
DECIDES = "covered"


def suits(run):
    """Whether the data of the run says where its modes are."""
    return len(getattr(run.experiment.data, "modes", ())) > 0


def check(run):
    """Raises: UserError: the data does not say where its modes are."""
    if not suits(run):
        raise UserError(
            f"the metric modes needs data that says where its modes are, and {_data(run)} does not: leave it out"
        )


def of_run(run, real, num, seed):
    """Modes covered and the share of good samples, of `num` samples."""
    found = modes_covered(np.asarray(run.sample(num, seed)), run.experiment.data)
    protocol = (
        f"Modes of {_data(run)}, of {found.of}, covered by {num} samples (the literature takes "
        f"{PROTOCOL_SAMPLES}: more would cover more); good ones lie within three deviations of a mode, of the data 98.9%"
    )
    return {"covered": float(found.covered), "good": found.good, "protocol": protocol}


def _data(run):
    return type(run.experiment.data).__name__
