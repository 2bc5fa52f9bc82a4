"""What a run says while it trains: lines or a live bar for the person, metrics.jsonl, TensorBoard."""

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

    def __len__(self) -> int:
        return len(self._pending)

    def latest(self) -> Any:
        """The newest metrics, to wait for."""
        return self._pending[-1][2] if self._pending else None

    def drain(self) -> tuple[dict[str, float], tuple[int, str] | None]:
        """The means over all moves since the last call, and where the first non-finite value was: (step, metric)."""
        sums: dict[str, float] = {}
        counts: dict[str, int] = {}
        broken: tuple[int, str] | None = None
        for step, moves, metrics in jax.device_get(self._pending):
            for name, value in metrics.items():
                values = np.atleast_1d(np.asarray(value, np.float64))
                finite = np.isfinite(values)
                if broken is None and not finite.all():
                    broken = step + int(np.argmin(finite)), name
                sums[name] = sums.get(name, 0.0) + float(values.sum())
                counts[name] = counts.get(name, 0) + moves[name.split("/")[0]] * len(values)
        self._pending.clear()
        return {name: sums[name] / counts[name] for name in sums}, broken


class Logs:
    """The log files of a workdir and the person's screen."""

    def __init__(self, workdir: Path, first_step: int, last_step: int, quiet: bool = False):
        """Open the logs to go on from `first_step`; lines of later steps, of a run that was killed, are dropped."""
        self.workdir, self.first_step, self.last_step = workdir, first_step, last_step
        self.path = workdir / "metrics.jsonl"
        kept = [line for line in read_metrics(self.path) if line["step"] <= first_step]
        partial = self.path.with_suffix(".partial")
        partial.write_text("".join(json.dumps(line) + "\n" for line in kept))
        os.replace(partial, self.path)
        self.records = kept
        self.console = Console(quiet=quiet, highlight=False, soft_wrap=True)
        self._progress: Progress | None = None
        self._writer = None

    def say(self, sentence: str) -> None:
        """One line to the person."""
        self.console.print(sentence, markup=False)

    def start(self) -> None:
        """Begin to show progress."""
        self._began = self._last = time.monotonic()
        self._last_step = self.first_step
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

    def advance(self, step: int) -> None:
        """Move the live bar."""
        if self._progress:
            self._progress.update(self._task, completed=step)

    def record(self, step: int, metrics: dict[str, float], rows_per_step: int) -> None:
        """Write the means since the last record, with the speed, everywhere."""
        now = time.monotonic()
        speed = (step - self._last_step) * rows_per_step / max(now - self._last, 1e-9)
        remaining = (now - self._last) / max(step - self._last_step, 1) * (self.last_step - step)
        self._last, self._last_step = now, step
        line = {"step": step, **metrics, "images_per_second": round(speed, 2)}
        self.records.append(line)
        with self.path.open("a") as file:
            file.write(json.dumps(line) + "\n")
        for name, value in metrics.items():
            self.writer.add_scalar(name, value, step)
        self.writer.add_scalar("images_per_second", speed, step)
        losses = "  ".join(f"{name} {value:.4g}" for name, value in metrics.items() if name.endswith("loss"))
        eta = f"{int(remaining) // 60}:{int(remaining) % 60:02d}"
        self.say(f"step {step}/{self.last_step}  {losses}  {speed:.1f} images/s  ETA {eta}")
        if self._progress:
            self._progress.update(self._task, completed=step, speed=f"{speed:.0f} images/s")

    def picture(self, step: int, name: str, picture: np.ndarray) -> None:
        """Show a uint8 picture [H, W, C] in TensorBoard."""
        self.writer.add_image(name, picture, step, dataformats="HWC")

    @property
    def writer(self):
        """The TensorBoard writer, made when first used: its import is slow."""
        if self._writer is None:
            from tensorboardX import SummaryWriter

            self._writer = SummaryWriter(str(self.workdir / "tensorboard"), purge_step=self.first_step + 1)
        return self._writer

    def close(self) -> None:
        if self._progress:
            self._progress.stop()
        if self._writer:
            self._writer.close()


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """The lines of a metrics.jsonl; a last line that a killed run left half-written is passed over."""
    if not path.exists():
        return []
    lines = []
    for line in path.read_text().splitlines():
        try:
            record = json.loads(line)
        except json.JSONDecodeError:
            continue
        if isinstance(record, dict) and isinstance(record.get("step"), int) and math.isfinite(record["step"]):
            lines.append(record)
    return lines
