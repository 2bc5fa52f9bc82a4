"""What a training is held in: sentences for a full disk and for too little memory, the workdir's lock, its bucket."""

import contextlib
import functools
from pathlib import Path

from jaxgan import bucket, workdir
from jaxgan.errors import OutOfMemory, UserError, is_out_of_memory
from jaxgan.experiment import Experiment
from jaxgan.training.checkpoint import is_disk_full


@contextlib.contextmanager
def full_disk(directory: Path):
    """Say so where the disk of the workdir fills up: a log or a picture, too, may be what meets it."""
    try:
        yield
    except OSError as error:
        if not is_disk_full(error):
            raise
        raise UserError(
            f"the disk is full (writing {error.filename or directory}): make room and run the same command to go on"
        ) from error


@contextlib.contextmanager
def full_memory(experiment: Experiment):
    """Say so where memory runs out, of the host or of a device: compiling, in a step, or for a copy of the state."""
    try:
        yield
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        reason = next(iter(str(error).splitlines()), "") or "no more is to be had"
        raise OutOfMemory(
            f"memory ran out ({reason[:200]}): lower --batch-size ({experiment.batch_size}) or the widths of the networks "
            "(--system....), or give --system.rematerialize 4 or --precision bfloat16; what was saved before is good"
        ) from error


@contextlib.contextmanager
def held(directory: Path, overwrite: bool, experiment: Experiment):
    """Hold the workdir, with what its bucket has, for a run of the experiment; it is the first process that does.

    Raises:
        UserError: another process trains there, or it holds another experiment.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(workdir.locked(directory))
        stack.push(functools.partial(_send_what_there_is, directory))
        bucket.fetch(directory, held=True)
        if not overwrite:
            workdir.check_same(directory, experiment)
        yield


def _send_what_there_is(directory: Path, kind: type | None, *_) -> None:
    """Where training goes wrong, a bucket still gets what led to it."""
    if kind is not None:
        with contextlib.suppress(UserError):  # what went wrong before is the greater news
            bucket.send(directory, held=True)
