"""What a run says while it trains: lines or a live bar for the person, metrics.jsonl, TensorBoard."""

import contextlib
import json
import math
import os
import time
from pathlib import Path
from typing import Any

import jax
import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from jaxgan.cache import write_whole
from jaxgan.media.playing import summary

DECISIVE = ("/loss", "/gradient_norm")
"""How the names of the engine's own metrics end, those that must be finite."""


class MetricSums:
    """Metrics of the steps since the last log, summed and counted on the host.

    A phase that runs every 16th step is averaged over the moves that it made, not lost between two logs.
    """

    def __init__(self):
        self._pending: list[tuple[int, dict[str, int], Any]] = []

    def add(self, step: int, moves: dict[str, int], metrics: dict[str, jax.Array]) -> None:
        """Keep, without waiting for the device, the sums over `moves[phase]` moves in the steps from `step` on.

        The arrays are scalars, or [steps] where steps were fused.
        """
        self._pending.append((step, moves, metrics))

    def has(self, until: int) -> bool:
        """Whether there are any of the steps up to the number `until`."""
        return bool(self._pending) and self._pending[0][0] <= until

    def latest(self) -> Any:
        """The newest metrics, to wait for."""
        return self._pending[-1][2] if self._pending else None

    def drain(self, until: int) -> tuple[dict[str, float], tuple[int, set[str]] | None]:
        """The means over all moves since the last call, and the first step whose losses or gradients are not finite.

        Of the steps up to the number `until`, for which the device is waited for; later ones are left. With the step come the
        names of those. What else a system reports may be infinite (a ratio, a PSNR).
        """
        sums: dict[str, float] = {}
        counts: dict[str, int] = {}
        broken: dict[int, set[str]] = {}
        due = [entry for entry in self._pending if entry[0] <= until]
        self._pending = self._pending[len(due) :]
        for step, moves, metrics in jax.device_get(due):
            for name, value in metrics.items():
                values = np.atleast_1d(np.asarray(value, np.float64))
                for index in np.flatnonzero(~np.isfinite(values)) if name.endswith(DECISIVE) else ():
                    broken.setdefault(step + int(index), set()).add(name)
                sums[name] = sums.get(name, 0.0) + float(values.sum())
                counts[name] = counts.get(name, 0) + moves[name.split("/")[0]] * len(values)
        return {name: sums[name] / counts[name] for name in sums}, min(broken.items(), default=None)


class Logs:
    """The log files of a workdir and the person's screen."""

    def __init__(
        self, workdir: Path | None, first_step: int, last_step: int, quiet: bool = False, unit: str = "examples"
    ):
        """Open the logs to go on from `first_step`; lines of later steps, of a run that was killed, are dropped.

        Without a `workdir` nothing is written, and nothing said: so do those processes of a run that do not lead. `unit` is
        what the rows of a batch are called.
        """
        self.workdir, self.first_step, self.last_step, self.unit = workdir, first_step, last_step, unit
        self.records: list[dict[str, Any]] = []
        if workdir is not None:
            path = workdir / "metrics.jsonl"
            self.records = [line for line in read_metrics(path) if line["step"] <= first_step]
            write_whole(path, "".join(json.dumps(line) + "\n" for line in self.records))
        self.console = Console(quiet=quiet or workdir is None, highlight=False, soft_wrap=True)
        self._progress: Progress | None = None
        self._events: _Events | None = None

    def say(self, sentence: str) -> None:
        """One line to the person; a person who has gone away (`| head`) stops no training."""
        try:
            self.console.print(sentence, markup=False)
        except (BrokenPipeError, SystemExit):  # rich ends the program where a pipe is closed
            self.console.quiet = True

    def start(self) -> None:
        """Begin to show progress."""
        self.time_from(self.first_step)
        if self.console.is_terminal and not self.console.quiet:
            columns = (
                TextColumn("training"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                TextColumn("{task.fields[speed]}"),
            )
            self._progress = Progress(*columns, console=self.console, transient=True)
            self._task = self._progress.add_task("train", total=self.last_step, completed=self.first_step, speed="")
            self._progress.start()

    def time_from(self, step: int) -> None:
        """Measure the speed from here on: `step` is done, and the step is compiled."""
        self._last, self._last_step = time.monotonic(), step

    def leave_out(self, seconds: float) -> None:
        """Do not count the last `seconds` in the speed: they went into something else than training."""
        self._last += seconds

    def advance(self, step: int) -> None:
        """Move the live bar."""
        if self._progress:
            self._progress.update(self._task, completed=step)

    def record(self, step: int, metrics: dict[str, float], rows_per_step: int) -> None:
        """Write the means since the last record, with the speed, everywhere."""
        now = time.monotonic()
        speed, shown = {}, ""
        if done := step - self._last_step:
            seconds = max(now - self._last, 1e-9)
            speed = {"examples_per_second": round(done * rows_per_step / seconds, 2)}
            remaining = int(seconds / done * (self.last_step - step))
            shown = f"  {speed['examples_per_second']:.1f} {self.unit}/s  ETA {remaining // 60}:{remaining % 60:02d}"
        self._last, self._last_step = now, step
        # JSON knows no infinity.
        finite = {name: value if math.isfinite(value) else None for name, value in metrics.items()}
        self._write(step, {**finite, **speed}, {**metrics, **speed})
        losses = "  ".join(f"{name} {value:.4g}" for name, value in metrics.items() if name.endswith("loss"))
        self.say(f"step {step}/{self.last_step}  {losses}{shown}")
        if self._progress and speed:
            self._progress.update(self._task, completed=step, speed=f"{speed['examples_per_second']:.0f} {self.unit}/s")

    def figures(self, step: int, values: dict[str, float]) -> None:
        """Write figures that are not the training step's own, of an evaluation, say: a line for themselves."""
        self._write(step, {name: value if math.isfinite(value) else None for name, value in values.items()}, values)
        self.say(f"step {step}/{self.last_step}  " + "  ".join(f"{name} {value:.4g}" for name, value in values.items()))

    def _write(self, step: int, line: dict[str, float | None], scalars: dict[str, float]) -> None:
        self.records.append({"step": step, **line})
        if self.workdir is not None:
            with (self.workdir / "metrics.jsonl").open("a") as file:
                file.write(json.dumps(self.records[-1]) + "\n")
            self.events.scalars(step, scalars)

    def shown(self, step: int, name: str, content: bytes, suffix: str) -> None:
        """Show the content of a file in TensorBoard: a picture, which may move, a sound or a text, by its suffix."""
        self.events.shown(step, name, content, suffix)

    @property
    def events(self) -> "_Events":
        """The TensorBoard events, begun when first used: the import is slow."""
        if self._events is None:
            self._events = _Events(self.workdir / "tensorboard", self.first_step)
        return self._events

    def close(self) -> None:
        if self._progress:
            self._progress.stop()
        if self._events:
            self._events.close()
            self._events = None


class _Events:
    """An event file for TensorBoard.

    Written in the caller's thread. tensorboardX's SummaryWriter has a thread of its own, and where that meets a full disk it
    dies with a traceback, and the caller waits for it for ever.
    """

    def __init__(self, folder: Path, first_step: int):
        from tensorboardX import summary
        from tensorboardX.event_file_writer import EventsWriter
        from tensorboardX.proto import event_pb2

        folder.mkdir(exist_ok=True)
        self._summary, self._event = summary, event_pb2.Event
        # Their names hold the second at which they were begun: a run resumed within it must not overwrite the one before.
        self._file = EventsWriter(str(folder / "events"), f".{os.getpid()}.{time.monotonic_ns()}")
        # Hides what a killed run wrote after its last checkpoint.
        start = {"session_log": {"status": "START"}} if first_step else {}
        self._write(first_step + 1, **start)

    def _write(self, step: int, **content) -> None:
        self._file.write_event(self._event(wall_time=time.time(), step=step, **content))

    def scalars(self, step: int, values: dict[str, float]) -> None:
        for name, value in values.items():
            self._write(step, summary=self._summary.scalar(name, value))
        self._file.flush()

    def shown(self, step: int, name: str, content: bytes, suffix: str) -> None:
        self._write(step, summary=summary(name, content, suffix))
        self._file.flush()

    def close(self) -> None:
        with contextlib.suppress(OSError):  # every event has been flushed: only what failed already can fail again
            self._file.close()


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """The lines of a metrics.jsonl; one that is damaged, as the last of a killed run may be, is passed over."""
    if not path.exists():
        return []
    lines = []
    for line in path.read_text(errors="replace").splitlines():
        try:
            record = json.loads(line)
        except ValueError:  # not JSON, or a number of more digits than Python reads
            continue
        if isinstance(record, dict) and isinstance(record.get("step"), int) and abs(record["step"]) < 2**63:
            lines.append(record)
    return lines
