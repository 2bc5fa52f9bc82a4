"""`evaluate`: what the pictures of a run, or what else it makes, are worth.

Each figure comes with its protocol: the sentence that says how it was computed and what it may be compared with. Real and
generated pictures are scored as 8 bits, at the size of the run's data and without random augmentation.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jaxgan import run as runs
from jaxgan.cache import expanded, write_whole
from jaxgan.errors import UserError
from jaxgan.experiment import Experiment
from jaxgan.metrics import named
from jaxgan.metrics.features import FeatureNetwork
from jaxgan.metrics.real import Features, RealExamples
from jaxgan.metrics.seeing import check_sizes, see
from jaxgan.metrics.sources import generated_examples
from jaxgan.run import Run
from jaxgan.training.checkpoint import Checkpoints, digests, warn
from jaxgan.workdir import versions

BEST = "best"  # the folder of the workdir that holds the best state; `restore(step="best")` reads it
MOST = 10_000  # examples that are generated where the number is left open


def evaluate(
    run_or_workdir: Run | str | Path,
    metrics: Sequence[str] = (),
    num: int | None = None,
    features: Features | FeatureNetwork | None = None,
    features_file: str | Path | None = None,
    step: int | None = None,
    seed: int = 0,
    reference: str | Path | None = None,
    *,
    standing: int = 0,
    experiment: Experiment | None = None,
    json_file: str | Path | None = None,
    save_statistics: str | Path | None = None,
) -> dict[str, Any]:
    """Score the pictures of a run against those that it learned from, and write the figures to its evaluation.json.

    Args:
        run_or_workdir: a run, or the folder of one.
        metrics: names (`jaxgan.metrics.named`); those of the medium of what the run makes by default.
        num: examples to generate; as many as there are real ones, at most 10,000, where None.
        features: the feature network, or one of your own; `load_network` says which there are. By default the classifier of
            pictures, and the numbers of anything else.
        features_file: the weights of inception or vgg16.
        step: which checkpoint of a workdir; the newest where None.
        seed: of the generated pictures, and of what a metric draws.
        reference: statistics of the real pictures, as `save_statistics` wrote them; for fid.
        standing: passes of `Run.standing`; 0 takes the statistics of training.
        experiment: the experiment again, for a system that is not part of jaxgan.
        json_file: where the figures are written, instead of evaluation.json in the workdir.
        save_statistics: a file for the statistics of the real pictures.

    Returns:
        What is written: "metrics": {name: {"value" (or names of the metric's own), "protocol", ...}}, "count", "features",
        "step", "seed", "versions", and "standing" where it is not 0.

    Raises:
        UserError: the sentence says what is wrong: an unknown metric or one that does not apply, no labels, too few pictures.
    """
    metrics = _checked(metrics) if metrics else ()
    run = run_or_workdir if isinstance(run_or_workdir, Run) else None
    if run is None:
        run = runs.restore(run_or_workdir, step=step, experiment=experiment)
    run = run.standing(standing)
    real = real_of(run, features, features_file, reference)
    figures = score_run(run, real, metrics or usual(run), num, seed, save_statistics)
    figures |= {"standing": standing} if standing else {}
    write(expanded(json_file) if json_file else run.workdir / "evaluation.json", figures)
    return figures


def _checked(metrics: Sequence[str]) -> tuple[str, ...]:
    return named.check_names(metrics, ("sets", "run"), "it compares pairs of pictures: give --real DIR and --fake DIR")


def usual(run: Run) -> tuple[str, ...]:
    """The metrics of what a run makes, where none is named."""
    found = {name: named.find(name) for name in run.record.medium.metrics}
    return tuple(name for name, module in found.items() if not hasattr(module, "suits") or module.suits(run))


def real_of(
    run: Run,
    features: Features | FeatureNetwork | None = None,
    features_file: str | Path | None = None,
    reference: str | Path | None = None,
) -> RealExamples:
    """The examples that a run learnt from; the other arguments as in `evaluate`."""
    makes, medium = run.system.makes, run.record.medium
    return RealExamples(run.experiment.data, features, features_file, reference, entry=makes, medium=medium)


def score_run(
    run: Run,
    real: RealExamples,
    metrics: Sequence[str],
    num: int | None = None,
    seed: int = 0,
    save_statistics: str | Path | None = None,
    quiet: bool = False,
) -> dict[str, Any]:
    """What `evaluate` returns, written nowhere: `real` may serve many runs, or many steps of one; `quiet`: no progress."""
    medium = run.record.medium
    if not metrics:
        raise UserError(f"no metric here knows {medium.many} by itself: name some with --metrics")
    named.check_run(metrics, run)
    if num is not None and num < 1:
        raise UserError(f"num is {num}: it must be at least 1")
    network, figures = None, {}
    num = num or min(run.record.spec.count, MOST)
    count = {"real": run.record.spec.count, "generated": num}
    if of_sets := [name for name in metrics if named.find(name).OF == "sets"]:
        network = real.network(of_sets)
        shown = real.see(of_sets, save_statistics, quiet)
        count["real"] = shown.count if shown else count["real"]
        made = generated_examples(run, num, seed, real.data, real.records)
        seen = see("generated", made, network, of_sets, medium, None if quiet else num)
        check_sizes(shown.shape if shown else None, seen.shape, real.reference or "the data", run.workdir)
        figures = {name: named.find(name).figures(shown, seen, network, seed) for name in of_sets}
    elif save_statistics:
        real.see((), save_statistics)
    for name in metrics:
        if named.find(name).OF == "run":
            figures[name] = named.find(name).of_run(run, real, num, seed)
    return result({name: figures[name] for name in metrics}, count, network, run.step, seed)


def result(figures: dict[str, dict], count: dict[str, int], network, step: int | None, seed: int) -> dict[str, Any]:
    """What `evaluate` returns; warnings about the figures are said, each once."""
    for warning in {entry["warning"] for entry in figures.values() if "warning" in entry}:
        warn(f"warning: {warning}")
    features = None if network is None else {"name": network.name, "digest": network.digest}
    return {
        "metrics": figures, "count": count, "features": features, "step": step, "seed": seed, "versions": versions()
    }  # fmt: skip


def write(path: Path, figures: dict[str, Any]) -> None:
    """Write an evaluation as JSON, all of it or nothing; what is infinite (the PSNR of equal pictures) becomes null."""
    metrics = {
        metric: {name: None if isinstance(v, float) and not np.isfinite(v) else v for name, v in entry.items()}
        for metric, entry in figures["metrics"].items()
    }
    write_whole(path, json.dumps({**figures, "metrics": metrics}, indent=2) + "\n")


class During:
    """A callback of `jaxgan.fit` that scores the run every so many steps, and keeps its best state.

        jaxgan.fit(experiment, workdir, callbacks=[During(every=500, metrics=("fid", "kid"), num=2048)])

    The figures go to metrics.jsonl and TensorBoard as "evaluation/fid". The best state is the only checkpoint of the folder
    WORKDIR/best, with the figures that it was kept for. Training is not changed by being watched: the bits stay the same.
    """

    def __init__(
        self,
        every: int,
        metrics: Sequence[str] = ("fid",),
        num: int = 2048,
        keep_best: str | None = "fid",
        features: Features | FeatureNetwork | None = None,
        features_file: str | Path | None = None,
        seed: int = 0,
    ):
        """See `evaluate` for the arguments that are not said here.

        Args:
            every: steps between evaluations; the last step of the experiment is evaluated too.
            keep_best: the metric, one of `metrics`, by which a state is the best; None keeps none.

        Raises:
            UserError: a value makes no sense.
        """
        self.metrics = named.check_names(metrics, ("sets", "run"), "it compares pairs of pictures")
        if every < 1 or num < 2:
            raise UserError(f"During: every is {every} and num is {num}: they must be at least 1 and 2")
        if keep_best is not None and keep_best not in self.metrics:
            raise UserError(
                f"During: keep_best is {keep_best!r}, which is not among its metrics {', '.join(self.metrics)}"
            )
        self.every, self.num, self.keep_best, self.seed = every, num, keep_best, seed
        self._features = features, features_file
        self._real: RealExamples | None = None
        self._last: int | None = None
        self._alike: dict[str, Any] = {}
        self._best: float | None = None

    def __call__(self, step: int, run: Run) -> None:
        """Called by `jaxgan.fit` after every step, or every window of fused steps."""
        if self._real is None:  # in the first step: what is wrong with data or network shows at once
            named.check_run(self.metrics, run)
            self._real = real_of(run, *self._features)
            network = self._real.network(self.metrics)
            alike = {"metric": self.keep_best, "num": self.num, "digest": network and network.digest, "seed": self.seed}
            self._alike, self._best = alike, _best_so_far(run.workdir, alike)
            self._last = step - 1
        due = step // self.every > self._last // self.every or step == run.experiment.steps
        self._last = step
        if not due:
            return
        found = score_run(run, self._real, self.metrics, self.num, self.seed, quiet=True)
        values = {f"evaluation/{name}": value for name, value in _scalars(found["metrics"])}
        run.log(values)
        if self.keep_best is not None:
            value = values[f"evaluation/{_decisive(self.keep_best)}"]
            sign = 1 if named.find(self.keep_best).LESS_IS_BETTER else -1
            if self._best is None or sign * value < sign * self._best:
                self._best = value
                _save_best(run, {"alike": self._alike, "value": value, **found})


def _decisive(metric: str) -> str:
    """The figure that decides where a metric has several."""
    return getattr(named.find(metric), "DECIDES", metric)


def _scalars(figures: dict[str, dict]) -> Iterator[tuple[str, float]]:
    """The numbers of an evaluation, one by one: fid, kid, kid_deviation, precision, recall, ..."""
    for metric, entry in figures.items():
        for name, value in entry.items():
            if isinstance(value, float):
                plain = "value" not in entry  # figures with names of their own
                yield (metric if name == "value" else name if plain else f"{metric}_{name}"), value


def _best_so_far(workdir: Path, alike: dict[str, Any]) -> float | None:
    """The figure that the state in WORKDIR/best was kept for; None where there is none, or one that cannot be compared."""
    if not (workdir / BEST).is_dir():
        return None
    checkpoints = Checkpoints(workdir / BEST, read_only=True)
    try:
        kept = (checkpoints.newest_meta() or {}).get("evaluation", {})
    finally:
        checkpoints.close()
    return kept.get("value") if kept.get("alike") == alike else None


def _save_best(run: Run, evaluation: dict[str, Any]) -> None:
    # Not to go on training from: the position in the data is the business of the ordinary checkpoints.
    meta = {
        "position": None,
        "experiment": run.experiment.to_json(),
        "frozen": digests(run.frozen),
        "evaluation": evaluation,
    }
    checkpoints = Checkpoints(run.workdir / BEST, keep=1)
    try:
        # A run that was killed and resumed comes by the same state again.
        if run.step not in checkpoints.steps():
            checkpoints.save(run.state, meta)
    finally:
        checkpoints.close()
