"""What a run shows while it trains, of the same inputs at every step: a sheet, and files that play."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from jaxgan import workdir
from jaxgan.errors import UserError
from jaxgan.media import Medium
from jaxgan.media.base import tiled

ROWS = 16
"""Of what belongs together (input, output, target) on the sheet of a system that turns one thing into another."""
PLAYED = 4
"""Examples that are written as files, too, where the medium plays."""


def preview_inputs(record: workdir.Record, examples: Sequence[dict[str, Any]]) -> dict[str, np.ndarray]:
    """What the sheets are conditioned on: the first examples of the data, in the order of their labels."""
    random = np.random.default_rng(record.experiment.seed)
    transform = record.experiment.data.transform
    count = ROWS if record.system.directions else record.medium.shown
    made = [transform(examples[i % len(examples)], random) for i in range(count)]
    if "label" in record.shapes:
        made.sort(key=lambda example: tuple(np.ravel(example["label"])))
    return {name: np.stack([np.asarray(example[name]) for example in made]) for name in record.shapes}


def preview_sheet(record: workdir.Record, made: Any, inputs: dict[str, np.ndarray]) -> Image.Image:
    """What `System.preview` gave, as one picture.

    Columns {title: [N, ...]} with their titles, and rows of K [N, K, ...] without, two rows side by side; [N, ...] as the
    medium shows several.

    Raises:
        UserError: it is none of these.
    """
    if not isinstance(made, dict) and made.ndim != len(record.made.shape) + 2:
        return record.medium.sheet(record.medium.checked(made), real=inputs[record.system.makes])
    columns = _columns(record, made)
    if dots := [title for title, (medium, _) in columns.items() if not medium.alone]:
        raise UserError(f"the column {dots[0]!r} is of {columns[dots[0]][0].many}, of which one alone shows nothing")
    count = {len(values) for _, values in columns.values()}
    if len(count) != 1:
        raise UserError(f"the columns {', '.join(columns)} are of different lengths")
    beside = 2 if count.pop() > 1 else 1
    rows = zip(*(map(medium.still, values) for medium, values in columns.values()), strict=True)
    titles = list(columns) * beside if isinstance(made, dict) else ()
    return tiled([still for row in rows for still in row], beside * len(columns), titles)


def preview_files(record: workdir.Record, made: Any) -> Iterator[tuple[str, bytes, str]]:
    """(name, content, suffix) of the files of the first examples, of those media that play."""
    if not isinstance(made, dict) and made.ndim != len(record.made.shape) + 2:
        made = {"": made}
    for title, (medium, values) in _columns(record, made).items():
        for index, example in enumerate(values[:PLAYED] if medium.plays != ".png" else ()):
            yield "-".join(filter(None, (str(index), re.sub(r"\W+", "_", title)))), *_played(medium, example)


def _played(medium: Medium, example: np.ndarray) -> tuple[bytes, str]:
    return medium.encode(example, medium.plays), medium.plays


def _columns(record: workdir.Record, made: Any) -> dict[str, tuple[Medium, np.ndarray]]:
    """{title: (medium, [N, ...])}: a column that is called as an entry of the data is of its medium, others of what is made."""
    if not isinstance(made, dict):
        made = {str(index): made[:, index] for index in range(made.shape[1])}
    columns = {
        title: (record.spec.media.get(title, record.medium), np.asarray(values)) for title, values in made.items()
    }
    for title, (medium, values) in columns.items():
        try:
            medium.check(values.shape[1:], values.dtype)
        except UserError as error:
            raise UserError(f"the column {title!r}: {error}") from None
    return columns


def loss_curves(records: list[dict], path: Path) -> None:
    """Every loss of `records` (the lines of metrics.jsonl) against the step, as a PNG."""
    from matplotlib.figure import Figure  # slow to import, and needed once a run

    names = sorted({name for record in records for name in record if name.endswith("loss")})
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.add_subplot()
    for name in names:
        points = [(record["step"], record[name]) for record in records if name in record]
        axes.plot(*zip(*points, strict=True), label=name, linewidth=1)
    axes.set_xlabel("step")
    axes.set_ylabel("loss")
    axes.grid(alpha=0.3)
    if names:
        axes.legend()
    figure.savefig(path, dpi=110)
