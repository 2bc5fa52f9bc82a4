"""`jaxgan evaluate`: what the pictures of a run, or of a folder, are worth."""

import dataclasses
from pathlib import Path
from typing import Any, Literal

import tyro

from jaxgan import configs
from jaxgan.commands.parsing import parse
from jaxgan.errors import UserError


@dataclasses.dataclass(frozen=True)
class Evaluate:
    """Score the pictures of a run, or of the folder --fake, against real ones; each figure says what it compares with."""

    workdir: tyro.conf.Positional[Path | None] = None
    """Folder of the run; leave it out with --fake."""
    metrics: str | None = None
    """Names with commas between them. Of anything: fid, kid, precision_recall, density_coverage. Of pictures: inception_score,
    ms_ssim (diversity), leak (of augmentation), ppl; psnr, ssim, lpips and stlpips of two folders with the same names. Of
    points: modes. Of texts: novelty. By default what suits what the run makes, fid,kid of pictures."""
    num: int | None = None
    """How many to generate; as many as there are real ones, at most 10000, by default."""
    features: Literal["classifier", "inception", "vgg16", "numbers"] | None = None
    """What is compared: the features of a classifier that is trained on the data's labels, once (of pictures, by default), or
    of a network whose weights are in a file; or the numbers themselves (of what is no picture; of
    sounds their loudness by time and frequency)."""
    features_file: Path | None = None
    """The weights of inception (pytorch-fid's file) or vgg16."""
    step: int | Literal["best"] | None = None
    """Which checkpoint, or best: what --evaluate-every kept; the newest by default."""
    seed: int = 0
    """Of the generated pictures, and of what a metric draws."""
    standing: int = 0
    """Passes over which the statistics of the generator's BatchNorm are averaged anew; 0 takes those of training."""
    reference: Path | None = None
    """Statistics of the real pictures, as --save-statistics wrote them, instead of looking at them again; for fid."""
    save_statistics: Path | None = None
    """A file for the statistics of the real pictures."""
    real: Path | None = None
    """A folder of real pictures."""
    fake: Path | None = None
    """A folder of pictures, made by anything, to score instead of a run's."""
    json: Path | None = None
    """Where the figures are written; WORKDIR/evaluation.json by default."""
    config: str | None = None
    """The config again, for a system that is not part of jaxgan."""


def run(argv: list[str]) -> int:
    """Score pictures."""
    arguments = parse(Evaluate, "jaxgan evaluate", argv)
    _check(arguments)
    from jaxgan.metrics.evaluation import evaluate
    from jaxgan.metrics.folders import evaluate_folders

    metrics = [name.strip() for name in (arguments.metrics or "").split(",") if name.strip()]
    if arguments.metrics is not None and not metrics:
        raise UserError(f'--metrics "{arguments.metrics}" names none: give some, such as fid,kid, or leave it out')
    common = {
        **({"metrics": metrics} if metrics else {}),
        "features": arguments.features,
        "features_file": arguments.features_file,
        "seed": arguments.seed,
        "reference": arguments.reference,
        "json_file": arguments.json,
        "save_statistics": arguments.save_statistics,
    }
    if arguments.fake is not None:
        found = evaluate_folders(arguments.real, arguments.fake, **common)
    else:
        experiment = configs.load(arguments.config) if arguments.config else None
        found = evaluate(
            arguments.workdir, num=arguments.num, step=arguments.step, standing=arguments.standing, experiment=experiment,
            **common,
        )  # fmt: skip
    for name, entry in found["metrics"].items():
        print(f"{name}  {shown(entry)}  ({entry['protocol']})")
    where = arguments.json or (arguments.workdir and arguments.workdir / "evaluation.json")
    if where:
        print(f"written to {where}")
    return 0


def shown(entry: dict[str, Any]) -> str:
    """The figures of a metric as a person reads them: "12.3", "0.0123 +- 0.0004", "precision 0.71  recall 0.42"."""
    deviation = f" +- {entry['deviation']:.4g}" if "deviation" in entry else ""
    named = [
        f"{name} {value:.4g}"
        for name, value in entry.items()
        if isinstance(value, float) and name not in ("value", "deviation")
    ]
    return "  ".join(([f"{entry['value']:.5g}{deviation}"] if "value" in entry else []) + named)


def _check(arguments: Evaluate) -> None:
    """Refuse flags that make no sense together, before anything is loaded."""
    if (arguments.workdir is None) == (arguments.fake is None):
        raise UserError("jaxgan evaluate needs either the folder of a run, or --real DIR and --fake DIR")
    if arguments.workdir is not None and arguments.real is not None:
        raise UserError("--real goes with --fake: a run is scored against the data that it learned from")
    if arguments.fake is not None:
        for name in ("num", "step", "config", "standing"):
            if getattr(arguments, name) not in (None, 0):
                raise UserError(f"--{name} is about a run: leave it out with --fake")
    if arguments.num is not None and arguments.num < 2:
        raise UserError(f"--num {arguments.num}: it must be at least 2")
    if not 0 <= arguments.seed < 2**32:
        raise UserError(f"--seed {arguments.seed}: it must be a whole number from 0 to {2**32 - 1}")
