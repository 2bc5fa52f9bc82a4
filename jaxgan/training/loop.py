"""`fit`: from an experiment to a trained run in a workdir. The one training loop; knows nothing of any system."""

import contextlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jaxgan import bucket, workdir
from jaxgan.data import Batches
from jaxgan.errors import UserError
from jaxgan.experiment import Experiment
from jaxgan.run import Run
from jaxgan.training import guards, parallel, processes
from jaxgan.training.beginning import Beginning, begin
from jaxgan.training.checkpoint import digest, digests, host_copy, warn
from jaxgan.training.diverging import Standing, TrainingDiverged, culprit, not_finite
from jaxgan.training.grids import Grids
from jaxgan.training.logs import Logs, MetricSums
from jaxgan.training.parallel import Layout, assert_replicated
from jaxgan.training.preview import loss_curves
from jaxgan.training.signals import Stop
from jaxgan.training.state import TrainState


def fit(
    experiment: Experiment,
    directory: str | Path,
    *,
    overwrite: bool = False,
    callbacks: Sequence[Callable[[int, Run], None]] = (),
    quiet: bool = False,
) -> Run:
    """Train `experiment` in the workdir `directory`; go on where a run of the same experiment was stopped.

    Interrupted while it trains, by SIGINT (Ctrl-C, a notebook's stop button) or SIGTERM, it saves and returns, with
    `run.stopped` set.
    A run that was killed and resumed ends with the same state, bit for bit, as one that was not.
    Where JAX has been told of several processes (`jax.distributed.initialize`), all must call it alike: they train one run.

    Args:
        experiment: what to train.
        directory: the folder of the run, made if need be; or of a bucket, gs://bucket/run (`jaxgan.bucket`).
        overwrite: begin again, dropping the run that the folder holds.
        callbacks: each called as `callback(step, run)` after every step (after every window of fused steps). `run.state`
            is copied from the devices when it is read, which a callback must do before it returns, or never. Of several
            processes the first alone calls them.
        quiet: print nothing.

    Raises:
        UserError: bad input, and nothing was changed; or a disk that filled up or a picture that proved damaged on the way,
            and the last checkpoint is good.
        TrainingDiverged: training went wrong; the last good checkpoint is kept.

    >>> from jaxgan.data import Digits
    >>> from jaxgan.systems.gan import GAN
    >>> system = GAN(latent_dim=32, generator_hidden=256, discriminator_hidden=120)
    >>> experiment = jaxgan.Experiment(system=system, data=Digits(), steps=20)
    >>> run = fit(experiment, "runs/digits", quiet=True)
    >>> run.step, run.stopped
    (20, None)
    """
    directory, leads = bucket.local(directory), processes.leads
    callbacks = (*_evaluation(experiment), *callbacks)
    layout = Layout.create(experiment.parallel, experiment.batch_size, experiment.devices)
    processes.meet()
    with contextlib.ExitStack() as stack:
        stop = stack.enter_context(Stop())
        stack.enter_context(guards.full_disk(directory))
        stack.enter_context(guards.full_memory(experiment))
        if leads():
            stack.enter_context(guards.held(directory, overwrite, experiment))
        batches = stack.enter_context(_batches(experiment))
        record = workdir.describe(experiment, batches.spec)
        frozen = record.system.frozen()
        beginning = begin(record, directory, overwrite, frozen, stack)
        logs = Logs(directory if leads() else None, beginning.step, experiment.steps, quiet, record.medium.many)
        stack.callback(logs.close)
        _announce(record, layout, beginning, directory, logs)
        batches.seek(beginning.position)
        trainer = _Trainer(record, layout, beginning, logs, batches, frozen, directory)
        run = trainer.train(stop, callbacks if leads() else (), bool(callbacks))
        state = run.state  # on the host: the run that is returned must not hold the devices' memory
        run = Run(directory, record, run.step, lambda: state, frozen, run.stopped)
        if beginning.checkpoints is not None:
            beginning.checkpoints.wait()
            loss_curves(logs.records, directory / "loss.png")
        logs.close()
        if leads():
            bucket.send(directory, held=True)
        _say_how_it_ended(run, logs)
    return run


def _evaluation(experiment: Experiment) -> tuple[Callable[[int, Run], None], ...]:
    """The callback that the experiment's `evaluate_every` asks for."""
    if not experiment.evaluate_every:
        return ()
    from jaxgan.metrics.evaluation import During  # which needs what this module defines

    metrics = experiment.evaluate_metrics
    return (During(experiment.evaluate_every, metrics, experiment.evaluate_num, keep_best=metrics[0]),)


def _batches(experiment: Experiment) -> Batches:
    """This process's rows of the minibatches."""
    return Batches(
        experiment.data,
        batch_size=experiment.batch_size,
        seed=experiment.seed,
        process_index=jax.process_index(),
        process_count=jax.process_count(),
    )


def _announce(record: workdir.Record, layout: Layout, beginning: Beginning, directory: Path, logs: Logs) -> None:
    for sentence in beginning.warnings:
        warn(f"{sentence}; moved to {directory / 'damaged'}, using step {beginning.step}")
    logs.say(f"{workdir.system_name(record.system)} on {record.spec.count} examples, {layout}; workdir {directory}")
    if beginning.step:
        logs.say(f"resuming from step {beginning.step}")
    steps = record.experiment.steps
    for phase in record.system.phases():
        if processes.leads() and not any(phase.moves_at(step) for step in range(steps)):
            warn(f"the phase {phase.name} makes no move in {steps} steps: raise --steps")


def _say_how_it_ended(run: Run, logs: Logs) -> None:
    if run.stopped:
        saved = "saved; the same command goes on from there" if run.step else "before the first step: nothing to save"
        logs.say(f"stopped by {run.stopped} at step {run.step}, {saved}")
    logs.say(f"state digest: {run.digest}")


class _Trainer:
    """The state of the loop: what is on the devices, and what is due when."""

    def __init__(self, record, layout, beginning, logs, batches, frozen, directory):
        self.record, self.layout, self.logs, self.directory = record, layout, logs, directory
        self.checkpoints, self.batches = beginning.checkpoints, batches
        self.experiment, self.system = record.experiment, record.system
        self.step, self.position = beginning.step, beginning.position
        self.state = layout.place(beginning.state)
        self.frozen_digests, self.host_frozen = digests(frozen), frozen
        self.frozen = layout.replicate(frozen)
        self.phases = self.system.phases()
        self.sums = MetricSums()
        self.grids = Grids(record, batches.examples, frozen, directory, logs)
        self.saved = self.step  # the state of step 0 is made anew from the seed
        self.standing = Standing(self.phases, beginning.state)

    def train(self, stop: Stop, callbacks, watched: bool) -> Run:
        """Train to the end, or until it is stopped. `watched`: whether the process that leads calls something at each step."""
        if self.step >= self.experiment.steps:
            self.logs.say(f"already at step {self.step} of {self.experiment.steps}: nothing to do")
            return self.run(None)
        compiles = parallel.begin(
            self.system, self.system.plan(self.step), self.layout, self.experiment.batch_size, self.record.shapes
        )
        if compiles:
            self.logs.say("compiling the training step ...")
        self.logs.start()
        stop.training = True
        began, compiling = time.monotonic(), True
        agreement, stopped, owed = processes.Agreement(), None, None
        while self.step < self.experiment.steps and (stopped := agreement.on(stop.name)) is None:
            before = self.sums.latest()
            self.advance()
            if owed is not None:  # fetched and written while the device is at the next step
                self.record_metrics(owed)
                owed = None
            # One step in flight: the device is never idle, and the person's bar is never ahead of it.
            jax.block_until_ready(self.sums.latest() if compiling else before)
            if compiling:
                included = ", compilation included" if compiles else ", compiled before"
                self.logs.say(f"first step done after {time.monotonic() - began:.1f} s{included}")
                self.logs.time_from(self.step)
                compiling = False
            self.logs.advance(self.step)
            last = self.step == self.experiment.steps
            if self._due(self.experiment.log_every) or last:
                owed = self.step
                if last or watched or self._due(self.experiment.sample_every):
                    self.record_metrics(owed)
                    owed = None
            if processes.leads() and (self._due(self.experiment.sample_every) or last):
                # Without the way over the host that a Run's state takes.
                self.grids.show(self.step, lambda: self.layout.single(self.state.networks))
            # Before the save: a run that is killed in a callback comes by this step again.
            called = time.monotonic()
            for callback in callbacks:
                callback(self.step, self.run(None))
            self.logs.leave_out(time.monotonic() - called)
            if self._due(self.experiment.checkpoint_every) or self.step == 1 or last:
                self.save()
                owed = None
        if self.saved != self.step:
            self.save()
        # A signal that came during the last step stopped nothing.
        return self.run(stopped if self.step < self.experiment.steps else None)

    def _due(self, interval: int) -> bool:
        return self.step % interval == 0

    def advance(self) -> None:
        """One step; or several of one plan as one program, up to the next that something is due after."""
        plan = self.system.plan(self.step)
        count = self._window(plan)
        needed = self.system.minibatches(plan)
        taken = [next(self.batches) for _ in range(needed * count)]
        stacked = {name: np.stack([batch[name] for batch in taken]) for name in self.system.reads} if taken else {}
        if stacked:
            self.system.check_batch(stacked)
        moves = dict(plan)
        if count > 1:
            split = {k: v.reshape(count, needed, *v.shape[1:]) for k, v in stacked.items()}
            self.state, metrics = parallel.run_window(self.system, plan, self.layout, self.state, self.frozen, split)
            self.sums.add(self.step + 1, moves, metrics)
        else:
            self.state, parts = parallel.run_step(self.system, plan, self.layout, self.state, self.frozen, stacked)
            merged: dict[str, Any] = {}
            for part in parts:
                merged |= {name: merged[name] + v if name in merged else v for name, v in part.items()}
            self.sums.add(self.step + 1, moves, merged)
        self.step += count
        self.position += needed * count

    def _window(self, plan) -> int:
        """How many steps to fuse: none on CPU; never across a change of plan, a log, a sample or a checkpoint."""
        if not self.layout.scan or self.step == 0:
            return 1
        e = self.experiment
        ends = [
            self.step + interval - self.step % interval
            for interval in (e.log_every, e.sample_every, e.checkpoint_every, e.evaluate_every or e.checkpoint_every)
        ]
        limit = min(e.fuse, e.steps - self.step, *(end - self.step for end in ends))
        count = 1
        while count < limit and self.system.plan(self.step + count) == plan:
            count += 1
        # Every length is a program of its own: only whole windows are worth one.
        return count if count == e.fuse else 1

    def record_metrics(self, until: int) -> None:
        """Write the metrics from the last record to the step `until`, if there are any.

        Raises:
            TrainingDiverged: one of them is not finite.
        """
        if not self.sums.has(until):
            return
        means, broken = self.sums.drain(until)
        if broken is not None and (what := culprit(self.phases, *broken)) is not None:
            self._raise(what)
        self.logs.record(until, means, self.experiment.batch_size)

    def _raise(self, what: str) -> None:
        raise TrainingDiverged(
            f"training went wrong: {what}.{self._kept()} "
            "A lower learning rate, gradient clipping (--system.gradient-clip 1) or float32 may help."
        )

    def _kept(self) -> str:
        """What there is to go back to, as process 0 sees it."""
        if self.checkpoints is None:
            return ""
        with contextlib.suppress(UserError):  # that the last save failed, too, is the lesser news
            self.checkpoints.wait()
        kept = self.checkpoints.steps()
        return (
            f" The checkpoint of step {kept[-1]} in {self.directory} is good." if kept else " There is no checkpoint."
        )

    def save(self) -> None:
        """Save the state, if it is finite and the same on all devices.

        Raises:
            TrainingDiverged: it is not finite.
            UserError: it could not be written.
        """
        self.record_metrics(self.step)
        assert_replicated(self.layout, self.state)
        state = self.host_state()
        if processes.leads():
            self.standing.look(state)
        if (what := not_finite(self.phases, state)) is not None:
            self._raise(what)
        if jax.process_count() > 1 and (others := processes.differing(digest(state))):
            raise AssertionError(f"after step {self.step} process {others[0]} has another state than process 0")
        meta = {
            "position": self.position, "experiment": self.experiment.to_json(), "frozen": self.frozen_digests
        }  # fmt: skip
        if self.checkpoints is not None:
            self.checkpoints.save(state, meta)
            if bucket.holds(self.directory):
                self.checkpoints.wait()
                bucket.send(self.directory, held=True)
        self.saved = self.step

    def host_state(self) -> TrainState:
        return host_copy(self.layout.single(self.state))

    def run(self, stopped) -> Run:
        """The run as it stands; its state is copied to the host when it is read, which must be before the next step."""
        step = self.step

        def state():
            if self.step != step:
                raise RuntimeError(
                    f"the state of step {step} is gone: read run.state in the callback, before it returns"
                )
            return self.host_state()

        log = lambda figures: self.logs.figures(step, figures)  # noqa: E731
        return Run(self.directory, self.record, step, state, self.host_frozen, stopped, log)
