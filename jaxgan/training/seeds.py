"""One experiment with many seeds: an ordinary workdir for each, and what their figures have in common.

    DIR/seed0/  DIR/seed1/ ...   as `jaxgan train CONFIG --seed K --workdir DIR/seedK` makes them, to the bit
    DIR/summary.json             the last figures of each, their mean and their spread

The seeds train one after the other, in one process, which compiles the step once for all. Side by side in one program, by
`vmap` over the states and their minibatches, three seeds were measured against that on two CPU cores (which other work
shared; pairs of timings in turn, median of their ratios): a DCGAN of 32x32 pictures takes 7.5 times as long, since a
convolution whose kernels differ from seed to seed becomes a grouped one; the perceptrons of gan_digits take as long (1.06 and
0.89 times as fast), and so does a step of WGAN-GP on points, of 128 units (0.96). Only perceptrons of 32 units on batches of
32, whose step is all overhead, gain, 2.8 times. That is not worth a second way through the training loop, in which one seed's
divergence, signal or checkpoint would be everyone's.
"""

import dataclasses
import json
import math
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from jaxgan import bucket, workdir
from jaxgan.cache import write_whole
from jaxgan.errors import UserError
from jaxgan.experiment import Experiment
from jaxgan.training.logs import read_metrics
from jaxgan.training.loop import TrainingDiverged, fit

SUMMARY = "summary.json"

NO_FIGURES = ("step", "examples_per_second", "images_per_second")
"""Numbers of metrics.jsonl that are no result of a seed."""


@dataclasses.dataclass(frozen=True)
class SeedResult:
    """What became of one seed.

    Attributes:
        seed: its number.
        workdir: its folder.
        status: "finished"; "diverged"; "stopped" by a signal on the way; "waiting" where one before it was stopped.
        sentence: what went wrong, where it diverged.
        step: the last in metrics.jsonl.
        metrics: the last value in metrics.jsonl of each name.
        evaluation: the figures of evaluation.json: "fid", "kid", "kid.deviation"; {} where the workdir was not evaluated.
    """

    seed: int
    workdir: Path
    status: Literal["finished", "diverged", "stopped", "waiting"]
    sentence: str
    step: int
    metrics: dict[str, float]
    evaluation: dict[str, float]


@dataclasses.dataclass(frozen=True)
class Summary:
    """All seeds, in their order, and the signal that stopped them, if any."""

    results: tuple[SeedResult, ...]
    stopped: Literal["SIGINT", "SIGTERM"] | None

    @property
    def diverged(self) -> tuple[SeedResult, ...]:
        return tuple(result for result in self.results if result.status == "diverged")

    @property
    def finished(self) -> tuple[SeedResult, ...]:
        return tuple(result for result in self.results if result.status == "finished")

    def figures(self, kind: Literal["metrics", "evaluation"]) -> dict[str, dict[str, float | int | None]]:
        """`{name: {"mean", "deviation", "seeds"}}` over the finished seeds that have the figure.

        The deviation is that of the sample, with n - 1; None for a single seed.
        """
        values: dict[str, list[float]] = {}
        for result in self.finished:
            for name, value in getattr(result, kind).items():
                values.setdefault(name, []).append(value)
        return {
            name: {
                "mean": statistics.fmean(found),
                "deviation": statistics.stdev(found) if len(found) > 1 else None,
                "seeds": len(found),
            }
            for name, found in values.items()
        }

    def to_json(self) -> dict[str, Any]:
        """What summary.json holds."""
        results = [{**dataclasses.asdict(result), "workdir": result.workdir.name} for result in self.results]
        return {
            "metrics": self.figures("metrics"), "evaluation": self.figures("evaluation"), "seeds": results
        }  # fmt: skip

    def table(self) -> str:
        """For a person: each figure's mean and spread, and what is missing from them."""
        rows = [("figure", "mean", "deviation", "seeds")]
        for kind in ("evaluation", "metrics"):
            for name, figure in self.figures(kind).items():
                spread = "-" if figure["deviation"] is None else f"{figure['deviation']:.3g}"
                rows.append((name, f"{figure['mean']:.5g}", spread, str(figure["seeds"])))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [
            "  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))])
            for row in rows
        ]
        missing = [result for result in self.results if result.status != "finished"]
        return "\n".join(lines + [f"without seed {r.seed}: {r.status}, step {r.step}" for r in missing])


def parse_seeds(text: str) -> tuple[int, ...]:
    """The seeds of `--seeds 0,1,2`.

    >>> parse_seeds("0, 1,2")
    (0, 1, 2)

    Raises:
        UserError: it is no such list.
    """
    words = [word.strip() for word in text.split(",")]
    if not all(word.isdecimal() for word in words):
        raise UserError(f"--seeds {text}: it must be whole numbers with commas between them, such as 0,1,2")
    return tuple(map(int, words))


def fit_seeds(experiment: Experiment, seeds: Sequence[int], directory: str | Path, **options: Any) -> Summary:
    """Train `experiment` with each of the seeds, in `directory`/seedK; go on where that was stopped.

    A seed whose training goes wrong does not keep the others from theirs. Interrupted, the seed that trains is saved, and
    those behind it wait for the next call; a seed that is finished already takes no time. `directory`/summary.json is
    written after each. It takes the evaluation.json of the workdirs as they are: after `jaxgan evaluate`, call again.

    Args:
        experiment: what to train; its own seed is not used.
        seeds: in the order in which they train.
        directory: the folder of the workdirs, made if need be.
        options: of `jaxgan.fit`, for every seed.

    Returns:
        The summary.

    Raises:
        UserError: as `jaxgan.fit` does. Folders that hold other experiments are found before the first seed trains.
    """
    directory = bucket.local(directory)
    bucket.fetch(directory)
    seeds = tuple(seeds)
    if not seeds:
        raise UserError("there are no seeds: give at least one")
    if twice := sorted({seed for seed in seeds if seeds.count(seed) > 1}):
        raise UserError(f"seed {twice[0]} is given twice: each seed has one folder")
    if (directory / workdir.RECORD).exists():
        raise UserError(
            f"{directory} is the workdir of a run, and many seeds need a folder with one for each: give another --workdir"
        )
    experiments = [dataclasses.replace(experiment, seed=seed) for seed in seeds]
    folders = [directory / f"seed{seed}" for seed in seeds]
    if not options.get("overwrite"):
        for one, folder in zip(experiments, folders, strict=True):
            workdir.check_same(folder, one)

    results = [_result(one.seed, folder, "waiting") for one, folder in zip(experiments, folders, strict=True)]
    stopped = None
    for index, (one, folder) in enumerate(zip(experiments, folders, strict=True)):
        status, sentence = "finished", ""
        try:
            stopped = fit(one, folder, **options).stopped
        except TrainingDiverged as error:
            status, sentence = "diverged", str(error)
        results[index] = _result(one.seed, folder, "stopped" if stopped else status, sentence)
        summary = Summary(tuple(results), stopped)
        write_whole(directory / SUMMARY, json.dumps(summary.to_json(), indent=2) + "\n")
        bucket.send(directory)
        if stopped:
            break
    return summary


def _result(seed: int, folder: Path, status: str, sentence: str = "") -> SeedResult:
    """What the workdir of a seed holds."""
    last = {"step": 0}
    for line in read_metrics(folder / "metrics.jsonl"):
        last |= line  # what is measured at some steps only is not in every line
    metrics = {name: float(value) for name, value in last.items() if name not in NO_FIGURES and _finite(value)}
    return SeedResult(
        seed, folder, status, sentence, last["step"], metrics, _evaluation(folder / "evaluation.json", last["step"])
    )


def _evaluation(path: Path, step: int) -> dict[str, float]:
    """The figures of an evaluation.json, `{"metrics": {name: {"value": ..., ...}}}`; {} where there is none of
    the step that the run is at.

    Raises:
        UserError: it is damaged.
    """
    if not path.exists():
        return {}
    try:
        found = json.loads(path.read_text())
        if found["step"] != step:
            return {}
        return {
            metric if name == "value" else f"{metric}.{name}": value
            for metric, entry in found["metrics"].items()
            for name, value in entry.items()
            # Whole numbers there are counts of pictures and the like.
            if isinstance(value, float) and _finite(value)
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UserError(f"{path} is damaged: remove it, or have jaxgan evaluate write it anew") from None


def _finite(value: Any) -> bool:
    """Whether it is a number that there can be a mean of."""
    return isinstance(value, int | float) and math.isfinite(value)
