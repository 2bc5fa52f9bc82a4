"""StyleGAN 1 and 2 on avatars, beside DCGAN's networks with R1 after as much computing, and what their W can do.

    python -m tests.benchmarks.stylegan2 --workdir DIR --json tests/benchmarks/results/stylegan2.json --commit COMMIT

DIR holds the runs: stylegan2 and stylegan, of the configs stylegan2_avatars and stylegan_avatars, and dcgan_r1, the R1 row of
`tests.benchmarks.objectives` trained for as many CPU seconds as the first (`--dcgan-steps`; it is trained here if it is not
there).
Each is scored as in that table: half of the real faces against as many generated ones, by the classifier's features.

Of StyleGAN2, too:
- mixing: coarse styles (4 to 8 pixels) of one face and the others of another. How often the classifier finds the first's value
  of each attribute, the second's, and, for chance, that of a third face.
- path length in Z and in W.
- the distance of held-out faces to what `jaxgan project` finds, beside that of the mean face.
"""

import argparse
import dataclasses
import datetime
import json
import platform
from pathlib import Path

import numpy as np

import jaxgan
from jaxgan import media, workdir
from jaxgan.data import Avatars
from jaxgan.latent.projection import project, pyramid_distance
from jaxgan.metrics import named
from jaxgan.metrics.classifier import load_classifier
from jaxgan.metrics.real import RealExamples
from jaxgan.metrics.seeing import see
from jaxgan.metrics.sources import generated_examples
from tests.benchmarks.objectives import COUNT, METRICS, avatars, experiment, figures_of

MIXED, COARSE, STEPS, PROJECTED = 512, 3, 500, 16


def score(runs: dict[str, jaxgan.Run], real: RealExamples) -> dict:
    order, network = real.order(), real.network(METRICS)
    half = see("real", real.examples(order[:COUNT]), network, METRICS)

    def compared(what, made):
        seen = see(what, made, network, METRICS)
        return figures_of({metric: named.find(metric).figures(half, seen, network, 0) for metric in METRICS})

    rows = {"floor": compared("other real", real.examples(order[COUNT:]))}
    for name, run in runs.items():
        made = generated_examples(run, COUNT, 0, real.data, real.records)
        rows[name] = {"step": run.step, "pictures": run.step * run.experiment.batch_size, **compared(name, made)}
        print(name, rows[name], flush=True)
    return rows


def mixing(run: jaxgan.Run) -> dict:
    """By attribute: the shares of mixed faces with the coarse face's value, the fine one's, and that of a third."""
    classifier = load_classifier(run.experiment.data)
    ws = run.latents(3 * MIXED, seed=1, space="w")
    coarse, fine, third = np.split(ws, 3)
    mixed = np.concatenate([coarse[:, :COARSE], fine[:, COARSE:]], 1)
    seen = {
        name: classifier.predict(media.to_uint8(run.decode(latents)))
        for name, latents in {"coarse": coarse, "fine": fine, "third": third, "mixed": mixed}.items()
    }
    return {
        attribute: {
            other: float((seen["mixed"][attribute] == seen[other][attribute]).mean())
            for other in seen
            if other != "mixed"
        }
        for attribute in classifier.classes
    }


def projections(run: jaxgan.Run) -> dict:
    """Of faces that the run has not seen."""
    data = dataclasses.replace(run.experiment.data, first=run.experiment.data.count, count=PROJECTED)
    records, random = data.load(), np.random.default_rng(0)
    faces = np.stack([data.transform(example, random)["image"] for example in records.examples])
    found = {
        "W": project(run, faces, pyramid_distance, STEPS),
        "W+": project(run, faces, pyramid_distance, STEPS, each_layer=True),
    }
    w = run.latents(512, space="w")
    mean = run.decode(np.repeat(w.mean(0, keepdims=True), PROJECTED, 0))
    distances = {space: float(one.distances.mean()) for space, one in found.items()}
    sheet = np.concatenate([faces[:8], *(np.clip(one.way[-1][:8], -1, 1) for one in found.values())])
    return distances | {"mean face": float(np.asarray(pyramid_distance(mean, faces)).mean())}, sheet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workdir", type=Path, required=True)
    parser.add_argument("--dcgan-steps", type=int, default=0)
    parser.add_argument("--train-only", action="store_true", help="only train dcgan_r1")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--commit", default="")
    parser.add_argument("--about", default="", help="minutes and hardware, in words")
    arguments = parser.parse_args()
    where = arguments.workdir / "dcgan_r1"
    if arguments.dcgan_steps:
        baseline = experiment("avatars", avatars()["R1"][0], arguments.dcgan_steps, 0)
        jaxgan.fit(dataclasses.replace(baseline, checkpoint_every=500, sample_every=2000), where, quiet=True)
    if arguments.train_only:
        return
    runs = {
        name: jaxgan.restore(arguments.workdir / name)
        for name in ("dcgan_r1", "stylegan2", "stylegan")
        if (arguments.workdir / name).is_dir()
    }
    real, run = RealExamples(Avatars(size=32)), runs["stylegan2"]
    result = {
        "what": "StyleGAN 1 and 2 on 32x32 avatars beside DCGAN's networks with R1 after as much computing",
        "command": "python -m tests.benchmarks.stylegan2",
        "commit": arguments.commit,
        "about": arguments.about,
        "date": datetime.date.today().isoformat(),
        "hardware": f"cpu, 2 cores, {platform.machine()}",
        "versions": workdir.versions(),
        "features": real.network(METRICS).digest,
        "rows": score(runs, real),
        "mixing": mixing(run),
        "path_length": {
            space: named.find("ppl" if space == "z" else "ppl_w").of_run(run, real, 1024, 0)["value"] for space in "zw"
        },
    }
    result["projection"], sheet = projections(run)
    media.grid(sheet, 8).save(arguments.workdir / "projection.png")
    arguments.json.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
