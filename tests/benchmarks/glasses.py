"""The glasses example: a direction in the latent space that puts glasses on drawn faces, and what else it changes.

    python -m tests.benchmarks.glasses --workdir runs/quickstart \\
        --json tests/benchmarks/results/glasses.json --gallery tests/benchmarks/results/gallery

Trains the config `quickstart` into the workdir if nothing is there. The protocol is in `PROTOCOL`, and so in the JSON. All that
is measured is what a classifier of the avatars' labels says of the pictures; its own accuracy is in the JSON too.
"""

import argparse
import dataclasses
import datetime
import json
import platform
import time
from pathlib import Path

import jax
import numpy as np

import jaxgan
from jaxgan import configs, workdir
from jaxgan.latent import arithmetic, attribute_direction, attributes, orthogonalized
from jaxgan.latent.directions import value_directions
from jaxgan.media import film
from jaxgan.metrics.classifier import NEEDED, Classifier, load_classifier
from jaxgan.run import Run

KEPT = ("hair_color", "skin_color", "mouth")
FOUND_ON, CHOSEN_ON, MEASURED_ON, SHOWN = (4096, 0), (512, 1), (1024, 2), (512, 3)  # how many latents, and their seed
STRENGTHS = np.arange(1, 21) / 4
WANTED = 0.85
RANDOM_DIRECTIONS = 8
PROTOCOL = f"""The direction: balanced logistic regression on {FOUND_ON[0]} latents (seed {FOUND_ON[1]}), labelled glasses or
sunglasses against none by the classifier. Strength 1 is one standard deviation of the latents along it. The strength: the
smallest of 0.25, 0.5, ..., 5 at which {WANTED:.0%} of the faces without glasses among {CHOSEN_ON[0]} other latents (seed
{CHOSEN_ON[1]}) wear some afterwards; for the removal, of those with glasses that wear none. Measured on the faces without
(for the removal, with) glasses among {MEASURED_ON[0]} latents of seed {MEASURED_ON[1]}: the share with glasses after the
edit, and for hair colour, skin colour and mouth the share of faces of which the classifier says something else than before.
"random": the same shares, averaged over {RANDOM_DIRECTIONS} random directions of the same length. "each_its_own": every face
at the smallest strength at which it wears glasses; here the classifier that judges also chooses. "orthogonal": the direction
without its part in the span of those of all values of hair colour, skin colour and mouth. "arithmetic": latent + average of M
latents with glasses - average of M without, those of seed {FOUND_ON[1]} in their order; for M = 3 (the paper's) the mean over
ten disjoint triples. The classifier must be a judge of glasses (at least {NEEDED:.0%} right on held-out real pictures); shares
of an attribute named in "not_trusted" are those of one that it is no judge of, and only an indication."""


@dataclasses.dataclass(frozen=True)
class Judge:
    """Latents to labels, by the run's generator and the classifier."""

    run: Run
    classifier: Classifier

    def __call__(self, latents: np.ndarray) -> dict[str, np.ndarray]:
        return attributes.judged(self.run, latents, self.classifier)

    def wear(self, labels: dict[str, np.ndarray]) -> np.ndarray:
        """Whose faces have glasses, truth values [N]."""
        return attributes.Condition("glasses").holds(labels, self.classifier.classes)

    def faces(self, count: int, seed: int) -> dict[bool, np.ndarray]:
        """The latents of a seed, with glasses (True) and without."""
        latents = self.run.latents(count, seed)
        wear = self.wear(self(latents))
        return {True: latents[wear], False: latents[~wear]}

    def effect(self, latents: np.ndarray, moved: np.ndarray) -> dict[str, float]:
        """Shares of faces: with glasses after the move, and with another value of each attribute than before."""
        before, after = self(latents), self(moved)
        changed = {f"{name}_changed": (before[name] != after[name]).mean() for name in KEPT}
        return {"glasses": self.wear(after).mean(), **changed}

    def strength(self, faces: np.ndarray, vector: np.ndarray, adding: bool) -> float:
        """See `PROTOCOL`; the largest where none is enough."""
        sign = 1 if adding else -1
        for strength in STRENGTHS:
            if (self.wear(self(faces + np.float32(sign * strength) * vector)) == adding).mean() >= WANTED:
                break
        return float(sign * strength)


def measured(judge: Judge, vector: np.ndarray, chosen_on: dict, measured_on: dict, *, adding: bool = True) -> dict:
    """One direction at its chosen strength."""
    strength = judge.strength(chosen_on[not adding], vector, adding)
    faces = measured_on[not adding]
    return {
        "strength": strength,
        "faces": len(faces),
        "after": judge.effect(faces, faces + np.float32(strength) * vector),
    }


def random_effect(judge: Judge, length: float, faces: np.ndarray) -> dict[str, float]:
    """The mean over random directions, the same for every length."""
    random = np.random.default_rng(0).standard_normal((RANDOM_DIRECTIONS, faces.shape[1]), np.float32)
    steps = length * random / np.linalg.norm(random, axis=1, keepdims=True)
    return mean([judge.effect(faces, faces + step) for step in steps])


def each_its_own(judge: Judge, vector: np.ndarray, faces: np.ndarray) -> dict:
    """Every face moved only as far as it takes."""
    moved, strengths = faces + np.float32(STRENGTHS[-1]) * vector, np.full(len(faces), STRENGTHS[-1])
    waiting = np.arange(len(faces))
    for strength in STRENGTHS:
        tried = faces[waiting] + np.float32(strength) * vector
        wear = judge.wear(judge(tried))
        moved[waiting[wear]], strengths[waiting[wear]] = tried[wear], strength
        waiting = waiting[~wear]
        if not len(waiting):
            break
    return {"mean_strength": strengths.mean(), "after": judge.effect(faces, moved)}


def by_arithmetic(judge: Judge, found_on: dict, faces: np.ndarray, average: int, times: int) -> dict:
    """glasses - none + other, the mean over `times` disjoint groups."""
    effects = []
    for i in range(times):
        groups = [(1 if wear else -1, found_on[wear][i * average : (i + 1) * average]) for wear in (True, False)]
        effects.append(judge.effect(faces, faces + arithmetic(groups)))
    return {"averaged": average, "times": times, "after": mean(effects)}


def mean(effects: list[dict[str, float]]) -> dict[str, float]:
    return {name: np.mean([effect[name] for effect in effects]) for name in effects[0]}


def rounded(tree):
    return jax.tree.map(lambda leaf: leaf if isinstance(leaf, str | int) else round(float(leaf), 4), tree)


def draw(judge: Judge, vector: np.ndarray, found_on: dict, strength: float, folder: Path) -> None:
    """The strip: the first faces without glasses, moved further from column to column. The arithmetic: see `jaxgan edit`."""
    people = judge.faces(*SHOWN)[False][:8]
    strengths = np.linspace(0, 1.5 * strength, 7, dtype=np.float32)
    strip = np.stack([z + s * vector for z in people for s in strengths])
    film.write(judge.run.decode(strip), folder / "glasses.png", columns=len(strengths))
    groups = {wear: found_on[wear][:3] for wear in (True, False)}
    shift = arithmetic([(1, groups[True]), (-1, groups[False])])
    rows = [np.concatenate([g, g.mean(0, keepdims=True)]) for g in groups.values()]
    sheet = np.concatenate([*rows, people[:4], people[:4] + shift])
    film.write(judge.run.decode(sheet), folder / "glasses_arithmetic.png", columns=4)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workdir", type=Path, required=True)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--gallery", type=Path, help="folder for the pictures")
    arguments = parser.parse_args()
    if not (arguments.workdir / workdir.RECORD).exists():
        jaxgan.fit(configs.load("quickstart"), arguments.workdir)
    run = jaxgan.restore(arguments.workdir)
    classifier = load_classifier(run.experiment.data)
    classifier.judge("glasses")
    judge = Judge(run, classifier)

    began = time.monotonic()
    latents = run.latents(*FOUND_ON)
    labels = judge(latents)
    wear = judge.wear(labels)
    found_on = {True: latents[wear], False: latents[~wear]}
    vector = attribute_direction(latents, wear)
    seconds = time.monotonic() - began
    kept = np.concatenate([value_directions(latents, labels[name]) for name in KEPT])
    orthogonal = orthogonalized(vector, kept, latents)

    chosen_on, measured_on = judge.faces(*CHOSEN_ON), judge.faces(*MEASURED_ON)
    without = measured_on[False]
    adding = measured(judge, vector, chosen_on, measured_on)
    removing = measured(judge, vector, chosen_on, measured_on, adding=False)
    length = np.linalg.norm(vector)
    result = {
        "what": "glasses as a direction in the latent space of a GAN on avatars",
        "command": "python -m tests.benchmarks.glasses",
        "protocol": " ".join(PROTOCOL.split()),
        "date": datetime.date.today().isoformat(),
        "hardware": f"{jax.devices()[0].device_kind}, {platform.machine()}",
        "versions": {**workdir.versions(), "python": platform.python_version()},
        "run": {"experiment": run.experiment.to_json(), "step": run.step, "digest": run.digest},
        "classifier": {
            "accuracy": classifier.accuracy,
            "digest": classifier.digest,
            "not_trusted": [name for name in KEPT if classifier.accuracy[name] < NEEDED],
        },
        "share_with_glasses": wear.mean(),
        "seconds_to_find": seconds,
        "adding": {**adding, "random": random_effect(judge, adding["strength"] * length, without)},
        "removing": {**removing, "random": random_effect(judge, removing["strength"] * length, measured_on[True])},
        "each_its_own": each_its_own(judge, vector, without),
        "orthogonal": {
            "cosine": vector @ orthogonal / length / np.linalg.norm(orthogonal),
            **measured(judge, orthogonal, chosen_on, measured_on),
        },
        "arithmetic": [
            by_arithmetic(judge, found_on, without, average, times) for average, times in ((3, 10), (300, 1))
        ],
    }
    result = rounded(result)
    print(
        json.dumps(
            {name: result[name] for name in ("adding", "removing", "each_its_own", "orthogonal", "arithmetic")},
            indent=2,
        )
    )
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(result, indent=2) + "\n")
    if arguments.gallery:
        draw(judge, vector, found_on, adding["strength"], arguments.gallery)


if __name__ == "__main__":
    main()
