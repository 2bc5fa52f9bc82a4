"""`fit`: from an experiment to a trained run in a workdir. The one training loop; knows nothing of any system."""

import contextlib
import functools
import hashlib
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jaxgan import bucket, workdir
from jaxgan.data import Batches
from jaxgan.data.base import places
from jaxgan.errors import OutOfMemory, UserError, is_out_of_memory
from jaxgan.experiment import Experiment
from jaxgan.media.base import png
from jaxgan.run import Run, abstract_state
from jaxgan.sampling import make_preview, network_variables
from jaxgan.training import parallel, processes
from jaxgan.training.checkpoint import (
    Checkpoints,
    check_frozen,
    check_path,
    digest,
    digests,
    host_copy,
    is_disk_full,
    warn,
)
from jaxgan.training.logs import Logs, MetricSums
from jaxgan.training.parallel import Layout, assert_replicated
from jaxgan.training.preview import loss_curves, preview_files, preview_inputs, preview_sheet
from jaxgan.training.signals import Stop
from jaxgan.training.state import TrainState
from jaxgan.training.step import fresh_state, with_pretrained


class TrainingDiverged(Exception):
    """A loss, gradient or parameter is no longer finite. The message names step, phase and network."""


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
    directory = bucket.local(directory)
    if experiment.evaluate_every:
        from jaxgan.metrics.evaluation import During  # which needs what this module defines

        metrics = experiment.evaluate_metrics
        watch = During(experiment.evaluate_every, metrics, experiment.evaluate_num, keep_best=metrics[0])
        callbacks = (watch, *callbacks)
    layout = Layout.create(experiment.parallel, experiment.batch_size, experiment.devices)
    processes.meet()
    leads = processes.leads()
    with contextlib.ExitStack() as stack:
        stop = stack.enter_context(Stop())
        stack.enter_context(_full_disk(directory))
        stack.enter_context(_full_memory(experiment))
        if leads:
            stack.enter_context(workdir.locked(directory))
            stack.push(functools.partial(_send_what_there_is, directory))
            bucket.fetch(directory, held=True)
        if leads and not overwrite:
            workdir.check_same(directory, experiment)
        batches = stack.enter_context(
            Batches(
                experiment.data,
                batch_size=experiment.batch_size,
                seed=experiment.seed,
                process_index=jax.process_index(),
                process_count=jax.process_count(),
            )
        )
        record = workdir.describe(experiment, batches.spec)
        frozen = record.system.frozen()
        _check_alike(record, frozen)
        if leads:
            checkpoints, state, position, warnings = _open(record, directory, overwrite, frozen, stack)
            bucket.send(directory, held=True, anew=overwrite)
        else:
            checkpoints, state, position, warnings = None, abstract_state(record), 0, []
        state, position = processes.from_leader((state, position))
        first = int(state.step)
        logs = Logs(directory if leads else None, first, experiment.steps, quiet, record.medium.many)
        stack.callback(logs.close)
        for sentence in warnings:
            warn(f"{sentence}; moved to {directory / 'damaged'}, using step {first}")
        logs.say(
            f"{workdir.system_name(record.system)} on {batches.spec.count} examples, {layout}; workdir {directory}"
        )
        if first:
            logs.say(f"resuming from step {first}")
        for phase in record.system.phases():
            if leads and not any(phase.moves_at(step) for step in range(experiment.steps)):
                warn(f"the phase {phase.name} makes no move in {experiment.steps} steps: raise --steps")
        batches.seek(int(position))
        trainer = _Trainer(record, layout, checkpoints, logs, batches, state, int(position), frozen, directory)
        run = trainer.train(stop, callbacks if leads else (), bool(callbacks))
        state = run.state  # on the host: the run that is returned must not hold the devices' memory
        run = Run(directory, record, run.step, lambda: state, frozen, run.stopped)
        if checkpoints is not None:
            checkpoints.wait()
            loss_curves(logs.records, directory / "loss.png")
        logs.close()
        if leads:
            bucket.send(directory, held=True)
        if run.stopped:
            saved = (
                "saved; the same command goes on from there" if run.step else "before the first step: nothing to save"
            )
            logs.say(f"stopped by {run.stopped} at step {run.step}, {saved}")
        logs.say(f"state digest: {run.digest}")
    return run


@contextlib.contextmanager
def _full_disk(directory: Path):
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
def _full_memory(experiment: Experiment):
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


def _send_what_there_is(directory: Path, kind: type | None, *_) -> None:
    """Where training goes wrong, a bucket still gets what led to it."""
    if kind is not None:
        with contextlib.suppress(UserError):  # what went wrong before is the greater news
            bucket.send(directory, held=True)


def _check_alike(record: workdir.Record, frozen: dict[str, Any]) -> None:
    """Compare what the processes of a run are about to train.

    Raises:
        UserError: one of them was started with something else, or on other data.
    """
    if jax.process_count() == 1:
        return
    about = {**record.to_json(), "frozen": digests(frozen)}
    for place in places(record.experiment.data):  # each machine may have the data where it likes
        *parents, field = f"experiment.{place}".split(".")
        functools.reduce(dict.__getitem__, parents, about)[field] = None
    name = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()
    if others := processes.differing(name):
        raise UserError(
            f"process {others[0]} of {jax.process_count()} was started with another experiment, other data or other versions "
            "than process 0: they must be the same everywhere"
        )


def _open(
    record: workdir.Record, directory: Path, overwrite: bool, frozen: dict[str, Any], stack: contextlib.ExitStack
) -> tuple[Checkpoints, TrainState, int, list[str]]:
    """Make the workdir ready. Its checkpoints, and of the newest good one, or of step 0, what `_begin` gives."""
    if not overwrite:
        workdir.check_data(directory, record)
    # Looked up before anything is written: what is wrong with it can then be put right in the same workdir.
    begins = overwrite or not any((directory / "checkpoints").glob("[0-9]*"))
    pretrained = record.system.pretrained(record.spec) if begins else {}
    check_path(directory / "checkpoints")
    workdir.prepare(directory, record, overwrite)
    checkpoints = Checkpoints(directory / "checkpoints", record.experiment.keep_checkpoints)
    stack.callback(checkpoints.close)
    return checkpoints, *_begin(record, checkpoints, frozen, pretrained, directory)


def _begin(
    record: workdir.Record,
    checkpoints: Checkpoints,
    frozen: dict[str, Any],
    pretrained: dict[str, Any],
    directory: Path,
) -> tuple[TrainState, int, list[str]]:
    """The state to go on from, the position in the data, and warnings about damaged checkpoints."""
    if not checkpoints.steps():
        start = fresh_state(record.system, record.experiment.seed, lambda: record.zeros(2))
        return with_pretrained(start, pretrained), 0, []
    state, meta, warnings = checkpoints.restore(abstract_state(record))
    check_frozen(frozen, meta, directory)
    checkpoints.set_aside_after(int(state.step))
    return state, meta["position"], warnings


def statistics_in(state: TrainState) -> dict[str, Any]:
    """The running statistics of BatchNorm by network, of those that have any."""
    name = "batch_stats"
    return {key: network.variables[name] for key, network in state.networks.items() if name in network.variables}


class _Trainer:
    """The state of the loop: what is on the devices, and what is due when."""

    def __init__(self, record, layout, checkpoints, logs, batches, state, position, frozen, directory):
        self.record, self.layout, self.logs, self.directory = record, layout, logs, directory
        self.checkpoints, self.batches = checkpoints, batches
        self.experiment, self.system = record.experiment, record.system
        self.step, self.position = int(state.step), position
        self.state = layout.place(state)
        self.frozen_digests, self.host_frozen = digests(frozen), frozen
        self.frozen = layout.replicate(frozen)
        self.phases = self.system.phases()
        self.sums = MetricSums()
        self.preview = preview_inputs(record, batches.examples)
        self.saved = self.step  # the state of step 0 is made anew from the seed
        # Of running statistics, by the network, what they were when this process began.
        self.statistics = {name: digest(collection) for name, collection in statistics_in(state).items()}
        self.warned = False
        self.gridless = False  # whether it has been said that there are no sample grids

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
                self.show_grid()
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
        if broken is not None:
            self._diverged(*broken)
        self.logs.record(until, means, self.experiment.batch_size)

    def _diverged(self, step: int, metrics: set[str]) -> None:
        """Name the first culprit of a step: by the order of the phases; in a phase the loss before the gradients.

        Raises:
            TrainingDiverged: always.
        """
        for phase in self.phases:
            own = {metric.removeprefix(f"{phase.name}/") for metric in metrics if metric.startswith(f"{phase.name}/")}
            for metric in sorted(own, key=lambda m: (not m.endswith("loss"), m)):
                network, _, what = metric.rpartition("/")
                what = f"the {what.replace('_', ' ')} of network {network or '+'.join(phase.trains)}"
                self._raise(f"in step {step} {what} in phase {phase.name} is not finite")

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
        self.check_statistics(state)
        for name, network in state.networks.items():
            for path, leaf in jax.tree_util.tree_leaves_with_path(network.current):
                if np.issubdtype(leaf.dtype, np.floating) and not np.isfinite(leaf).all():
                    phases = "+".join(p.name for p in self.phases if name in p.trains)
                    self._raise(
                        f"after step {self.step} {jax.tree_util.keystr(path, simple=True, separator='/')} of network "
                        f"{name}, which phase {phases} trains, is not finite"
                    )
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

    def check_statistics(self, state: TrainState) -> None:
        """Say once where a network learns and its running statistics are those that it began with: samples are made by them."""
        now = statistics_in(state)
        trained = {network for phase in self.phases if phase.moves_at(self.step - 1) for network in phase.trains}
        still = [name for name in now if name in trained and digest(now[name]) == self.statistics[name]]
        if still and not self.warned and processes.leads():
            phases = [phase.name for phase in self.phases if still[0] in phase.trains]
            warn(
                f"warning: after step {self.step} the running statistics of network {still[0]} are those that it began with, "
                f"and samples are made by them: the loss of phase {' or '.join(phases)} should return them, "
                f'Outcome(variables={{"{still[0]}": changed}}) with what apply(..., mutable=...) gives back'
            )
            self.warned = True

    def host_state(self) -> TrainState:
        return host_copy(self.layout.single(self.state))

    def show_grid(self) -> None:
        """`save_grid`; what goes wrong with it is said once, and stops no training."""
        try:
            self.save_grid()
        except Exception as error:
            if is_disk_full(error):
                raise
            reason = next(iter(str(error).strip().splitlines()), "")
            what = reason if isinstance(error, UserError) else f"{type(error).__name__}: {reason}"
            self.without_grid(f"no sample grid could be made ({what}); training goes on")

    def without_grid(self, why: str) -> None:
        """Say once that there are no grids. A run of hours should not end without one sample, and nobody know why."""
        if not self.gridless:
            made = self.record.made
            self.logs.say(
                f"warning: step {self.step}: {why}. What {type(self.system).__name__}.preview returns should be like "
                f"{self.system.makes!r}, [B, {', '.join(map(str, made.shape))}], or rows of K [B, K, ...], or "
                "{title: [B, ...]} of what has several columns"
            )
        self.gridless = True

    def save_grid(self) -> None:
        """The sheet of the preview, and some of it as files that play, from the same latents and inputs at every step."""
        networks = self.layout.single(self.state.networks)  # without the way over the host that a Run's state takes
        variables = {**network_variables(networks), **self.host_frozen}
        made = make_preview(self.system, variables, self.preview)
        sheet = preview_sheet(self.record, made, self.preview)
        folder = self.directory / "samples"
        folder.mkdir(exist_ok=True)
        for name, content, suffix in (("", png(sheet), ".png"), *preview_files(self.record, made)):
            (folder / f"{self.step:06d}{name and f'-{name}'}{suffix}").write_bytes(content)
            self.logs.shown(self.step, f"samples{name and f'/{name}'}", content, suffix)

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
