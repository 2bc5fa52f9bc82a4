"""BigGAN on letters: is the letter right, do letters of one latent share a style, how many styles are there.

    jaxgan train biggan_letters --workdir DIR
    python -m tests.benchmarks.letters --workdir DIR --json tests/benchmarks/results/letters.json --commit COMMIT

Fonts of the part "test", of whose designs none is trained on, are the reference. For each source of letters:

- accuracy: the share whose letter a support vector machine finds, trained on the pixels of the training fonts.
- style: the correlation, over styles, of the ink of two letters, on average over all pairs of letters. A style is a font, or a
  latent. 0 where letters of one latent have nothing in common.
- precision, recall, FID: against the unseen fonts, by the features of jaxgan's classifier of letters.

Beside the samples stand what a fake would equal: the fonts that were trained on, which are copies; the mean letter; and one
font repeated. Then truncation, with statistics of that truncation, and running statistics beside standing ones.
"""

import argparse
import datetime
import json
import platform
from pathlib import Path

import numpy as np

import jaxgan
from jaxgan import media, workdir
from jaxgan.data import Letters
from jaxgan.metrics import named
from jaxgan.metrics.real import RealExamples
from jaxgan.metrics.seeing import see
from tests.benchmarks.objectives import figures_of

METRICS = ("fid", "precision_recall")
STYLES, LETTERS, PASSES = 78, 26, 16
COUNT = STYLES * LETTERS
TRUNCATIONS = (1.0, 0.8, 0.6, 0.4, 0.2, 0.05)


def drawn(part: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pictures [N, H, W, 1] in [-1, 1], labels, and the number of the font of each."""
    data = Letters(part=part)
    records = data.load()
    rows = [(data.transform(example, np.random.default_rng(0)), example) for example in records.examples]
    fonts = {}
    numbers = [fonts.setdefault((e["family"], e["style"]), len(fonts)) for _, e in rows]
    return (
        np.stack([row["image"] for row, _ in rows]),
        np.array([int(row["label"]) for row, _ in rows]),
        np.array(numbers),
    )


def correlation_of_ink(ink: np.ndarray) -> float:
    """Of [styles, letters], NaN where one is missing: the mean correlation of two letters over the styles that have both."""
    found = []
    for a in range(ink.shape[1]):
        for b in range(a):
            both = ~np.isnan(ink[:, a] + ink[:, b])
            if ink[both, a].std() > 1e-6 and ink[both, b].std() > 1e-6:
                found.append(np.corrcoef(ink[both, a], ink[both, b])[0, 1])
    return float(np.mean(found)) if found else 0.0


def ink_of(pictures: np.ndarray, labels: np.ndarray, styles: np.ndarray) -> np.ndarray:
    """Mean darkness by style and letter; NaN where there is none."""
    ink = np.full((styles.max() + 1, LETTERS), np.nan)
    ink[styles, labels] = (1 - pictures.mean((1, 2, 3))) / 2
    return ink


def bytes_of(pictures: np.ndarray) -> np.ndarray:
    return np.round((np.clip(pictures, -1, 1) + 1) * 127.5).astype(np.uint8)


def made_by(run: jaxgan.Run, truncation: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Each letter of each latent."""
    z = np.repeat(run.latents(STYLES), LETTERS, 0)
    labels, styles = np.tile(np.arange(LETTERS), STYLES), np.repeat(np.arange(STYLES), LETTERS)
    return run.decode(z, given={"label": labels}, truncation=truncation), labels, styles


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workdir", type=Path, required=True)
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--gallery", type=Path, help="a folder for biggan_letters.png and biggan_truncation.png")
    parser.add_argument("--commit", default="")
    arguments = parser.parse_args()
    from sklearn.svm import SVC

    train, test = drawn("train"), drawn("test")
    machine = SVC(C=10, gamma=0.005).fit(train[0].reshape(len(train[0]), -1), train[1])
    network = RealExamples(Letters()).network(METRICS)
    order = np.random.default_rng(0).permutation(len(test[0]))
    # Half of the unseen letters as the reference, that the other half can be the floor.
    half, other = order[: len(order) // 2], order[len(order) // 2 :]
    real = see("unseen", [bytes_of(test[0][half])], network, METRICS)
    rows = {}

    def scored(name, pictures, labels, styles):
        seen = see(name, [bytes_of(pictures)], network, METRICS)
        figures = figures_of(
            {m: named.find(m).figures(real, seen, network, 0) for m in METRICS} | {"kid": {"value": None}}
        )
        found = machine.predict(pictures.reshape(len(pictures), -1))
        rows[name] = {
            "accuracy": float((found == labels).mean()),
            "style": correlation_of_ink(ink_of(pictures, labels, styles)),
            **{key: value for key, value in figures.items() if value is not None},
        }
        print(name, {key: round(value, 3) for key, value in rows[name].items()}, flush=True)

    scored("unseen fonts", test[0][other], test[1][other], test[2][other])
    some = np.random.default_rng(1).permutation(len(train[0]))[:COUNT]
    scored("fonts trained on", train[0][some], train[1][some], train[2][some])
    mean = np.stack([train[0][train[1] == letter].mean(0) for letter in range(LETTERS)])
    labels, styles = np.tile(np.arange(LETTERS), STYLES), np.repeat(np.arange(STYLES), LETTERS)
    scored("mean letters", mean[labels], labels, styles)
    whole = next(font for font in range(train[2].max() + 1) if (train[2] == font).sum() == LETTERS)
    chosen = np.flatnonzero(train[2] == whole)
    chosen = chosen[np.argsort(train[1][chosen])]
    scored("one font", np.tile(train[0][chosen], (STYLES, 1, 1, 1)), labels, styles)
    run = jaxgan.restore(arguments.workdir)
    scored("running statistics", *made_by(run, 1.0))
    sheets = []
    for truncation in TRUNCATIONS:
        narrow = run.standing(PASSES, truncation)
        made = made_by(narrow, truncation)
        scored(f"truncation {truncation}", *made)
        sheets.append(made[0][: 2 * LETTERS])
    scored("truncation 0.2, statistics of 1", *made_by(run.standing(PASSES), 0.2))
    if arguments.gallery:
        made = made_by(run.standing(PASSES), 1.0)[0]
        media.grid(made[: 12 * LETTERS], LETTERS).save(arguments.gallery / "biggan_letters.png")
        media.grid(np.concatenate(sheets), LETTERS).save(arguments.gallery / "biggan_truncation.png")
    result = {
        "what": "letters of BigGAN beside unseen fonts",
        "command": "python -m tests.benchmarks.letters",
        "commit": arguments.commit,
        "config": "biggan_letters",
        "step": run.step,
        "count": COUNT,
        "fonts": {"train": int(train[2].max() + 1), "test": int(test[2].max() + 1)},
        "features": network.digest,
        "date": datetime.date.today().isoformat(),
        "hardware": f"cpu, 2 cores, {platform.machine()}",
        "versions": workdir.versions(),
        "rows": rows,
    }
    arguments.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
