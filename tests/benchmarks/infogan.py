"""What InfoGAN's categories are: on digits that it has not seen, beside k-means.

    python -m tests.benchmarks.infogan --workdir DIR --json tests/benchmarks/results/infogan.json --commit COMMIT

Of scikit-learn's 1,797 digits 397 are held out, stratified. Of each seed of `infogan_digits`, trained on the other 1,400:

- held-out: Q's category of the real held-out digits. Purity is the share of the most frequent digit of each category; matching
  is the share that is right when each category stands for one digit, the best way round.
- samples: the mean over categories of the share of the most frequent digit among 200 samples, as a nearest-neighbour classifier
  of the real digits sees them. By itself it proves little: a generator that has collapsed has pure categories.
"""

import argparse
import datetime
import json
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier

import jaxgan
from jaxgan import rows, workdir

HELD_OUT, SAMPLES = 397, 2000


def split() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Pictures uint8 [N, 8, 8, 1] for training and held out, and their digits."""
    digits, labels = load_digits(return_X_y=True)
    pictures = np.round(digits.reshape(-1, 8, 8, 1) / 16 * 255).astype(np.uint8)
    return train_test_split(pictures, labels, test_size=HELD_OUT, stratify=labels, random_state=0)


def flat(pictures: np.ndarray) -> np.ndarray:
    """Vectors [N, 64] in [-1, 1]."""
    scaled = pictures.astype(np.float32) / 127.5 - 1 if pictures.dtype == np.uint8 else pictures
    return scaled.reshape(len(scaled), -1)


def table(categories: np.ndarray, digits: np.ndarray) -> np.ndarray:
    """How often each category [10] is each digit [10]."""
    counts = np.zeros((10, 10), int)
    np.add.at(counts, (categories, digits), 1)
    return counts


def scores(categories: np.ndarray, digits: np.ndarray) -> dict[str, float]:
    counts = table(categories, digits)
    best = counts[linear_sum_assignment(-counts)].sum()
    return {"purity": float(counts.max(1).sum() / counts.sum()), "matching": float(best / counts.sum())}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workdir", type=Path, required=True, help="folder of the runs")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--steps", type=int, help="(default: the config's)")
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--commit", required=True)
    arguments = parser.parse_args()
    train, held_out, digits, held_out_digits = split()
    arguments.workdir.mkdir(parents=True, exist_ok=True)
    path = arguments.workdir / "digits.npz"
    np.savez(path, image=train, label=digits)
    judge = KNeighborsClassifier(3).fit(flat(train), digits)
    clusters = KMeans(10, n_init=20, random_state=0).fit(flat(train)).predict(flat(held_out))
    found = {"k-means": {"held-out": scores(clusters, held_out_digits)}}
    for seed in arguments.seeds:
        # In a process of its own: beside scikit-learn's threads a step takes 25 times as long.
        where = arguments.workdir / f"seed{seed}"
        command = [sys.executable, "-m", "jaxgan.cli", "train", "infogan_digits", "--source", path, "--workdir", where]
        command += ["--seed", seed, *(["--steps", arguments.steps] if arguments.steps else [])]
        subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL)
        run = jaxgan.restore(where)
        system, variables = run.system, run.variables()
        guess = jax.jit(rows.solo(lambda x, s=system, v=variables: s.guess(v, x)[0]))
        seen = np.asarray(guess(held_out.astype(np.float32) / 127.5 - 1)).argmax(1)
        z = run.latents(SAMPLES, seed=1)
        counts = table(np.asarray(system.split(z)[1]).argmax(1), judge.predict(flat(run.decode(z))))
        found[f"seed {seed}"] = {
            "held-out": scores(seen, held_out_digits),
            "samples": {"purity": float((counts.max(1) / counts.sum(1)).mean()), "digits": len(set(counts.argmax(1)))},
        }
        print(seed, found[f"seed {seed}"], flush=True)
    result = {
        "what": "InfoGAN's categories against digits, seeds 0 and 1, beside k-means with ten clusters",
        "command": "python -m tests.benchmarks.infogan",
        "commit": arguments.commit,
        "date": datetime.date.today().isoformat(),
        "versions": workdir.versions(),
        "judge_accuracy": float(judge.score(flat(held_out), held_out_digits)),
        "rows": found,
    }
    arguments.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
