"""Whether text is obeyed: GAN-CLS, GAN-INT and their absence on drawn faces, scored on combinations that were held out.

    python -m tests.benchmarks.text_to_image table --workdir runs/text2image --json J --commit COMMIT
    python -m tests.benchmarks.text_to_image long  --workdir runs/text2image --json J --gallery G --commit COMMIT

J is tests/benchmarks/results/text2image_PART.json, G tests/benchmarks/results/gallery. All runs take over the encoder of
WORKDIR/encoder, which is trained first. A training that was stopped goes on by the same command. How is in `PROTOCOL`, and so
in the JSON.
"""

import argparse
import dataclasses
import datetime
import json
import os
import platform
import statistics
from pathlib import Path
from typing import Any

import jax
import numpy as np

import jaxgan
from jaxgan import configs, media, workdir
from jaxgan.media import film
from jaxgan.metrics.classifier import NEEDED, Classifier, load_classifier
from jaxgan.metrics.features import quantise
from jaxgan.metrics.seeing import see
from jaxgan.run import Run
from tests.benchmarks import text_to_image_scores as scores
from tests.benchmarks.text_to_image_scores import FACES, FIRST, PROTOCOL
from tests.benchmarks.translation_scores import OF_SETS, set_distances, spaced

CONFIG = "text2image_avatars"
VARIANTS = {
    "plain conditional": {"matching": False, "interpolation": False},
    "CLS": {"matching": True, "interpolation": False},
    "INT": {"matching": False, "interpolation": True},
    "CLS+INT": {"matching": True, "interpolation": True},
}
SAMPLES = 8


def trained(experiment: jaxgan.Experiment, where: Path) -> Run:
    """Trains to the end, from where it was."""
    run = jaxgan.fit(experiment, where)
    if run.stopped:
        raise SystemExit(f"{where} is at step {run.step} of {experiment.steps}: the same command goes on")
    return run


def encoder(arguments: argparse.Namespace) -> Run:
    """The run whose encoder all others take over: the config's first stage alone."""
    experiment = configs.load(CONFIG)
    steps = arguments.encoder_steps or experiment.system.encoder_steps
    system = dataclasses.replace(experiment.system, encoder_steps=steps, style_after=None)
    return trained(dataclasses.replace(experiment, system=system, steps=steps), arguments.workdir / "encoder")


def with_encoder(reader: Run, seed: int, steps: int, **fields: Any) -> jaxgan.Experiment:
    """The config with the encoder taken over, and fields of its system."""
    experiment = configs.load(CONFIG)
    system = dataclasses.replace(
        experiment.system, encoder_from=str(reader.workdir), encoder_steps=reader.system.encoder_steps, **fields
    )
    return dataclasses.replace(experiment, system=system, steps=steps, seed=seed)


@dataclasses.dataclass(frozen=True)
class Judges:
    """What pictures are scored by: held-out faces, the classifier, the encoders."""

    held_out: scores.Captions
    new: scores.Captions
    classifier: Classifier
    reader: Run
    real: Any

    @classmethod
    def of(cls, reader: Run) -> "Judges":
        data = reader.experiment.data
        classifier = load_classifier(data)
        held_out, new = (scores.Captions.of(data, reader.record.spec.vocabulary, part) for part in ("test", "all"))
        real = see("new faces", [quantise(new.pictures)], classifier.features, OF_SETS)
        return cls(held_out, new, classifier, reader, real)

    def score(self, run: Run) -> dict[str, Any]:
        """The figures of one run."""
        made = scores.drawn(run, self.held_out.numbers, seed=1)
        one_of_each = self.new.one_of_each()
        found = set_distances(self.real, scores.drawn(run, one_of_each, seed=2), self.classifier.features)
        return {
            **scores.obeyed(self.classifier, made, self.held_out),
            "retrieval": scores.retrieval(self.reader, made, self.held_out),
            **{metric: found[metric]["value"] for metric in OF_SETS},
        }

    def reference(self) -> dict[str, Any]:
        """The same of real pictures, right and at random, and of the faces that were trained on."""
        shown = self.held_out.pictures[self.held_out.face]
        training = scores.training_pictures(self.reader.experiment.data, len(self.new.pictures))
        found = set_distances(self.real, training, self.classifier.features)
        return {
            "real_pictures": {
                **scores.obeyed(self.classifier, shown, self.held_out),
                "retrieval": scores.retrieval(self.reader, shown, self.held_out),
            },
            "training_pictures": {metric: found[metric]["value"] for metric in OF_SETS},
            "features": {"name": self.classifier.name, "digest": self.classifier.digest},
            "classifier_accuracy": self.classifier.accuracy,
            "not_trusted": [name for name, accuracy in self.classifier.accuracy.items() if accuracy < NEEDED],
            "held_out": {"faces": len(self.held_out.pictures), "captions": len(self.held_out.texts)},
            "protocols": {metric: found[metric]["protocol"] for metric in OF_SETS},
        }


def spread(rows: list[dict[str, Any]]) -> Any:
    """Mean and sample standard deviation of each figure that trees have in common."""
    if isinstance(rows[0], dict):
        return {name: spread([row[name] for row in rows]) for name in rows[0] if all(name in row for row in rows)}
    deviation = statistics.stdev(rows) if len(rows) > 1 else None
    return {"mean": statistics.fmean(rows), "deviation": deviation}


def table(arguments: argparse.Namespace) -> dict[str, Any]:
    """GAN-CLS and GAN-INT, both and neither, on captions of held-out combinations"""
    reader, steps = encoder(arguments), arguments.steps or 600
    judges = Judges.of(reader)
    rows: dict[str, dict] = {}
    for seed in range(arguments.seeds):
        for name, fields in VARIANTS.items():
            run = trained(
                with_encoder(reader, seed, steps, **fields, style_after=None), arguments.workdir / f"{name} {seed}"
            )
            rows.setdefault(name, {})[str(seed)] = {**judges.score(run), "digest": run.digest}
            print(name, seed, {k: rows[name][str(seed)][k] for k in ("colors", "retrieval", "fid")}, flush=True)
            if arguments.gallery and seed == 0:
                texts = scores.shown_captions(judges.held_out, 8)
                made = run.sample(SAMPLES, seed=0, text=texts)
                path = arguments.gallery / f"text2image_{name.replace(' ', '_').replace('+', '_')}.png"
                media.grid(made, SAMPLES).save(path, optimize=True)
    figures = {
        name: spread([{k: v for k, v in row.items() if k != "digest"} for row in seeds.values()])
        for name, seeds in rows.items()
    }
    return {"steps": steps, **about(reader), "rows": figures, "seeds": rows, **judges.reference()}


def long(arguments: argparse.Namespace) -> dict[str, Any]:
    """The config as it stands, on captions of held-out combinations"""
    reader, experiment = encoder(arguments), configs.load(CONFIG)
    first_stage = experiment.system.encoder_steps  # which the encoder's run has done
    steps = arguments.steps or experiment.steps - first_stage
    style_after = max(min(experiment.system.style_after - first_stage, steps // 2), 1)
    run = trained(with_encoder(reader, 0, steps, style_after=style_after), arguments.workdir / "long")
    judges = Judges.of(reader)
    held_out = judges.held_out
    texts = scores.shown_captions(held_out, 8)
    if arguments.gallery:
        made = run.sample(SAMPLES, seed=0, text=texts)
        scores.captioned_sheet(made, texts, SAMPLES).save(arguments.gallery / "text2image_avatars.png", optimize=True)
        strips, names = scores.strip(run, 4)
        scores.captioned_sheet(strips, names, len(strips) // len(names)).save(
            arguments.gallery / "text2image_between.png", optimize=True
        )
        own = held_out.pictures[spaced(len(held_out.pictures), 6)]
        film.write(
            scores.restyled(run, own), arguments.gallery / "text2image_style.png", columns=1 + len(scores.RESTYLED)
        )
    return {
        "steps": run.step,
        **about(reader),
        "experiment": run.experiment.to_json(),
        "digest": run.digest,
        "figures": judges.score(run),
        "style": scores.style(run, judges.classifier, held_out),
        "shown": texts,
        **judges.reference(),
    }


def about(reader: Run) -> dict[str, Any]:
    return {"encoder": {"steps": reader.step, "digest": reader.digest}}


PARTS = {"table": table, "long": long}


def plain(tree: Any) -> Any:
    """For JSON: floats rounded."""
    if isinstance(tree, dict):
        return {name: plain(value) for name, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [plain(value) for value in tree]
    return round(float(tree), 5) if isinstance(tree, float | np.floating) else tree


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=list(PARTS))
    parser.add_argument("--workdir", type=Path, required=True, help="a folder for all runs")
    parser.add_argument("--steps", type=int, help="of each run: 600 in the table, the config's for the long one")
    parser.add_argument("--encoder-steps", type=int, help="the config's")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--gallery", type=Path, help="folder for the pictures")
    parser.add_argument("--commit", default="", help="of the training, to stand in the results")
    arguments = parser.parse_args()
    if arguments.gallery:
        arguments.gallery.mkdir(parents=True, exist_ok=True)
    figures = PARTS[arguments.part](arguments)
    result = {
        "what": PARTS[arguments.part].__doc__,
        "command": f"python -m tests.benchmarks.text_to_image {arguments.part}",
        "protocol": " ".join(PROTOCOL.format(first=FIRST, last=FIRST + FACES - 1).split()),
        "commit": arguments.commit,
        "date": datetime.date.today().isoformat(),
        "hardware": f"{jax.devices()[0].device_kind}, {os.cpu_count()} cores, {platform.machine()}",
        "versions": {**workdir.versions(), "python": platform.python_version()},
        **figures,
    }
    print(
        json.dumps(
            plain({name: figures[name] for name in ("rows", "figures", "style", "real_pictures") if name in figures}),
            indent=1,
        )
    )
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(plain(result), indent=2) + "\n")


if __name__ == "__main__":
    main()
