"""What the report shows of a workdir: read once, each part by itself, so that one that is damaged costs no other."""

import dataclasses
import io
import json
import math
from pathlib import Path
from typing import Any

from PIL import Image

from jaxgan import run as runs
from jaxgan import workdir
from jaxgan.errors import UserError
from jaxgan.experiment import Experiment
from jaxgan.media.playing import KINDS
from jaxgan.run import Run
from jaxgan.training.logs import read_metrics

MOST_SHEETS = 40
MOST_BYTES = 12 * 2**20
"""So many sample grids, and bytes of their PNGs, go into a page; of more, some evenly over the run. A phone must open it."""

LARGEST = 1e300
"""No axes reach from its negative to beyond it; nor does a training."""


@dataclasses.dataclass(frozen=True)
class Sheet:
    """A sample grid: the step that it was made at, its file's content, and its size in pixels."""

    step: int
    png: bytes
    width: int
    height: int


@dataclasses.dataclass(frozen=True)
class Contents:
    """What the workdir holds.

    Attributes:
        name: of the folder, without the way to it.
        saved: experiment.json.
        step: the last that anything tells of.
        series: `{metric: [(step, value)]}`; nan for what was not finite, where JSON has null.
        sheets: the sample grids that are shown, by step.
        sheets_found: how many there are.
        evaluation: evaluation.json.
        run: the run at its newest good checkpoint.
        missing: a sentence about each thing that a report could show and the workdir does not have.
        played: (name, content, suffix) of the files of the newest sheet that a browser plays.
    """

    name: str
    saved: dict[str, Any]
    step: int
    series: dict[str, list[tuple[int, float]]]
    sheets: list[Sheet]
    sheets_found: int
    evaluation: dict[str, Any] | None
    run: Run | None
    missing: list[str]
    played: list[tuple[str, bytes, str]]


def read(directory: Path, experiment: Experiment | None = None) -> Contents:
    """What a workdir holds.

    Raises:
        UserError: it is not a workdir, or its experiment is not `experiment`.
    """
    if experiment is not None or not (directory / workdir.RECORD).is_file():
        workdir.read(directory, experiment)  # which says what is wrong
    saved = _saved(directory / workdir.RECORD)
    missing: list[str] = []
    run = _restored(directory, experiment, missing)
    series = _series(directory / "metrics.jsonl", missing)
    sheets, found = _sheets(directory / "samples", missing)
    evaluation = _evaluation(directory / "evaluation.json", missing)
    steps = [points[-1][0] for points in series.values()] + [sheet.step for sheet in sheets]
    if run is not None:
        steps.append(run.step)
    return Contents(
        directory.resolve().name, saved, max(steps, default=0), series, sheets, found, evaluation, run, missing,
        _played(directory / "samples", sheets),
    )  # fmt: skip


def _saved(path: Path) -> dict[str, Any]:
    saved = workdir.load_json(path)
    kinds = {"experiment": dict, "shapes": dict, "classes": list, "examples": int}
    if wrong := [name for name, kind in kinds.items() if not isinstance(saved[name], kind)]:
        raise UserError(f"{path} is damaged: {wrong[0]!r} is not what jaxgan wrote there")
    return saved


def _restored(directory: Path, experiment: Experiment | None, missing: list[str]) -> Run | None:
    try:
        return runs.restore(directory, experiment=experiment)
    except UserError as error:
        # The way to the folder is nobody's business, and would make the bytes depend on where it lies.
        sentence = str(error).replace(str(directory.absolute()), directory.name).replace(str(directory), directory.name)
        missing.append(f"Neither digest nor parameter counts: {sentence}.")
        return None


def _series(path: Path, missing: list[str]) -> dict[str, list[tuple[int, float]]]:
    try:
        records = read_metrics(path)
        lines = sum(bool(line.strip()) for line in path.read_text().splitlines()) if path.is_file() else 0
    except (ValueError, OverflowError):  # not text, or a step beyond all numbers
        missing.append("No curves: metrics.jsonl is damaged.")
        return {}
    if lines > len(records):
        missing.append(f"{lines - len(records)} of {lines} lines of metrics.jsonl cannot be read and are left out.")
    series: dict[str, list[tuple[int, float]]] = {}
    for record in records:
        for name, value in record.items():
            if name != "step" and (number := _number(value)) is not None:
                name = {"images_per_second": "examples_per_second"}.get(name, name)  # of older workdirs
                series.setdefault(name, []).append((record["step"], number))
    if not series:
        missing.append("No curves: metrics.jsonl has no figures yet.")
    return {name: sorted(points, key=lambda point: point[0]) for name, points in sorted(series.items())}


def _number(value: Any) -> float | None:
    """A figure as a float, nan for null; None for what is no number."""
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < LARGEST else math.nan


def _sheets(folder: Path, missing: list[str]) -> tuple[list[Sheet], int]:
    """The grids that are shown, and how many there are."""
    files = [path for path in folder.glob("*.png") if path.stem.isascii() and path.stem.isdigit()]
    files.sort(key=lambda path: (int(path.stem), path.name))
    sheets, damaged = [], []
    for path in _few(files):
        try:
            png = path.read_bytes()
            with Image.open(io.BytesIO(png), formats=["PNG"]) as image:
                width, height = image.size
                image.verify()  # of one that is being written the end is missing
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
            damaged.append(path.name)
        else:
            sheets.append(Sheet(int(path.stem), png, width, height))
    if damaged:
        missing.append(f"Sample grids that cannot be read: {', '.join(damaged)}.")
    elif not files:
        missing.append("No sample grids: the folder samples has none yet.")
    return sheets, len(files)


def _played(folder: Path, sheets: list[Sheet]) -> list[tuple[str, bytes, str]]:
    """The files beside the newest sheet, as far as the page takes them."""
    found, size = [], 0
    for path in sorted(folder.glob(f"{sheets[-1].step:06d}-*")) if sheets else ():
        if path.suffix in KINDS and path.suffix != ".png" and (size := size + path.stat().st_size) <= MOST_BYTES:
            found.append((path.stem, path.read_bytes(), path.suffix))
    return found


def _few(files: list[Path]) -> list[Path]:
    """As many as the page takes, evenly, with the first and the last."""
    count = min(len(files), MOST_SHEETS)
    while True:
        chosen = [files[round(index * (len(files) - 1) / max(count - 1, 1))] for index in range(count)]
        if count <= 2 or sum(path.stat().st_size for path in chosen) <= MOST_BYTES:
            return chosen
        count -= 1


def _evaluation(path: Path, missing: list[str]) -> dict[str, Any] | None:
    if not path.is_file():
        missing.append("No evaluation: jaxgan evaluate WORKDIR writes one.")
        return None
    try:
        found = json.loads(path.read_text())
        if all(isinstance(entry, dict) for entry in found["metrics"].values()):
            return found
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    missing.append("No evaluation: evaluation.json is damaged; jaxgan evaluate WORKDIR writes it anew.")
    return None
