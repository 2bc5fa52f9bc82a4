"""What `tests.benchmarks.translation` measures: pictures [N, H, W, C] in [-1, 1] and labels go in, figures come out."""

import dataclasses
import json
from collections.abc import Iterable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ImageColor
from scipy.ndimage import binary_dilation
from scipy.stats import rankdata

from jaxgan.conditions.labels import variants
from jaxgan.data import Avatars, avatar_attributes, avatar_options, render
from jaxgan.data.sets.dicebear import DERIVED, NONE
from jaxgan.media import grid
from jaxgan.metrics import named
from jaxgan.metrics.classifier import NEEDED, Classifier
from jaxgan.metrics.features import FeatureNetwork, quantise
from jaxgan.metrics.seeing import Seen, see
from jaxgan.metrics.similarity import luminance_of, psnr, ssim
from jaxgan.metrics.sources import fixed_examples, without_augmentation
from jaxgan.run import Run
from jaxgan.translation.sheet import titled

OF_SETS = ("fid", "kid")
LESS_IS_BETTER = ("l1", *OF_SETS)
HELD_OUT, FACES = 4096, 256  # of the avatars: number of the first, and how many of each style
SURVIVE = ("hair_color", "skin_color")
KEPT = ("skin_color", "mouth", "clothing_color", "hair_color", "glasses")
SHUFFLES = 1000
TRUE_EDIT = 8.5 / 127.5  # more than 8 of 255 grey levels
CHANGED = 0.1
LARGEST_FILE = 300_000

NO_FEATURES = """No --features-file was given. A classifier of the groups of the emoji is no metric (below 95% on held-out
ones it is refused), and other features for FID need weights that are not part of jaxgan."""
PAIRS = """Held-out emoji (OpenMojiPairs(part="test", size=64), no variant of which is trained on, without augmentation), each
translated once, with dropout and the picture's own statistics as in training (seed 0). l1: mean absolute difference to the
target on the scale [-1, 1]; psnr (dB) and ssim: of 8-bit RGB by jaxgan.metrics.similarity; each the mean over the pictures."""
THESE = f"numbers {HELD_OUT} to {HELD_OUT + FACES - 1}, without flips, on none of which GAN or classifier was trained"
CLASSIFIER = """What a picture shows is what a classifier says that jaxgan trains on the labels of the training faces
(jaxgan.metrics.classifier): its accuracy is in the JSON, and figures of an attribute in "not_trusted" (below 95% on held-out
real pictures) are only an indication."""
PROTOCOLS = {
    "pix2pix": f"""{PAIRS} "input": the line art itself in place of a translation; "mean_picture": the mean of all training
    targets. The gallery: 16 rows of input, output and target, evenly spaced in the set, two side by side.""",
    "ablation": f"""The config with, in turn, adversarial="none" (L1), l1=0 (cGAN), nothing changed (L1+cGAN), and with
    generator.skips=False (encoder-decoder), the same seed and number of steps. {PAIRS} fid, kid: of the outputs against the
    targets of all held-out emoji by the features named, comparable only with one another; "training_targets": as many evenly
    spaced training targets in the outputs' place, the floor. The ordering is computed from the figures (of one seed).""",
    "cyclegan": f"""Faces of both styles, {THESE}. cycle_l1: mean absolute difference of F(G(x)) to x and of G(F(y)) to y
    on the scale [-1, 1], at the early step and at the last; ratio: last / early. {CLASSIFIER} survive: the share of F(G(x))
    (of G(F(y))) of which the classifier of that style says the true hair and skin colour; "untranslated": the same of x
    itself; "at_random": what faces paired at random would give. skin_one_way: Spearman's rank correlation of the luminance
    (BT.601) of the true skin colour with that of the translation's skin as the classifier of the other style sees it; beside
    it mean and 97.5% quantile over {SHUFFLES} random pairings. The gallery: faces evenly spaced in the set.""",
    "stargan": f"""Faces {THESE}. Each is translated to its own labels with one attribute set, the others of its group not; for
    hair colours the bald are left out. {CLASSIFIER} has_it_after: the share in which the classifier sees the value; kept: the
    share of which it says the true value of what was not edited ("accuracy_on_the_faces_scored": before the edit). The true
    edit is the face drawn again with that value (jaxgan.data.render); a pixel lies inside where that differs from the face by
    more than 8 of 255 in a channel, or beside such a pixel. pixels_changed: the share that the translation changes by more
    than {CHANGED} of [-1, 1] in a channel. error: mean absolute difference to the true edit on that scale; error_left_alone:
    of the untouched face to it. "all" counts every face, "that_had_it_not" those that the edit should change; "mean": over
    the values of an attribute. The gallery: faces evenly spaced in the set, a column per attribute.""",
}


def examples(data: Any) -> dict[str, np.ndarray]:
    """Everything in a data set that enters a batch, without augmentation, stacked by name."""
    data = without_augmentation(data)
    records = data.load()
    each = list(fixed_examples(data, records, range(len(records.examples))))
    return {name: np.stack([example[name] for example in each]) for name in each[0]}


def spaced(total: int, count: int) -> np.ndarray:
    """`count` numbers below `total`, evenly spaced: what a gallery shows, not chosen."""
    return np.linspace(0, total - 1, count).astype(int)


def save_sheet(rows: np.ndarray, titles: Sequence[str], path: Path) -> None:
    """Rows [R, columns, H, W, C] under titles; the last are left out until the file is below `LARGEST_FILE` bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        titled(grid(np.concatenate(rows), len(titles)), list(titles)).save(path, optimize=True)
        if path.stat().st_size < LARGEST_FILE or len(rows) == 1:
            return
        rows = rows[:-1]


# Pairs


def fidelity(made: np.ndarray, targets: np.ndarray) -> dict[str, float]:
    """How near each picture is to the one that it should be, mean over the set."""
    a, b = quantise(made), quantise(targets)
    return {
        "l1": float(np.abs(made - targets).mean(dtype=np.float64)),
        "psnr": float(psnr(a, b).mean()),
        "ssim": float(ssim(a, b).mean()),
    }


def set_distances(real: Seen, made: np.ndarray, network: FeatureNetwork) -> dict[str, dict]:
    """FID and KID of pictures against those that were seen."""
    seen = see("generated", [quantise(made)], network, OF_SETS)
    return {metric: named.find(metric).figures(real, seen, network, 0) for metric in OF_SETS}


def better(a: dict[str, float], b: dict[str, float], figure: str) -> bool | None:
    """Whether `a` is better than `b` by a figure; None where it was not measured."""
    if a.get(figure) is None or b.get(figure) is None:
        return None
    return a[figure] < b[figure] if figure in LESS_IS_BETTER else a[figure] > b[figure]


def ordering(rows: dict[str, dict[str, float]]) -> dict[str, Any]:
    """Whether the figures are in the order of the paper's section 4.2 and of its tables 1 and 2; computed from them."""
    full = rows["L1+cGAN"]
    claims = {
        "l1_alone_has_the_least_l1": all(better(rows["L1"], rows[name], "l1") for name in ("cGAN", "L1+cGAN")),
        "l1_and_cgan_has_better_fid_than_l1": better(full, rows["L1"], "fid"),
        "unet_better_than_encoder_decoder": {
            figure: better(full, rows["encoder-decoder"], figure) for figure in ("l1", "psnr", "ssim", *OF_SETS)
        },
    }
    *others, by_figure = claims.values()
    said = [*others, *by_figure.values()]
    return {**claims, "all_that_was_measured_holds": all(claim for claim in said if claim is not None)}


# Classifiers


def judged(classifier: Classifier, pictures: np.ndarray) -> dict[str, np.ndarray]:
    """What a classifier says: attribute -> the number of its value [N]."""
    return classifier.predict(quantise(pictures))


def about_classifier(
    classifier: Classifier, pictures: np.ndarray, truth: dict[str, np.ndarray], attributes: Iterable[str]
) -> dict[str, Any]:
    """How often it is right about real pictures: its own held-out ones, and those that are translated here."""
    said = judged(classifier, pictures)
    return {
        "name": classifier.name,
        "digest": classifier.digest,
        "accuracy": {name: classifier.accuracy[name] for name in attributes},
        "accuracy_on_the_faces_scored": {name: float((said[name] == truth[name]).mean()) for name in attributes},
        "not_trusted": [name for name in attributes if classifier.accuracy[name] < NEEDED],
    }


def survival(said: dict[str, np.ndarray], truth: dict[str, np.ndarray], attributes: Iterable[str]) -> dict[str, dict]:
    """The share of faces of which the classifier says the truth, and what it would be if faces were paired at random."""
    found = {}
    for name in attributes:
        values = np.arange(max(said[name].max(), truth[name].max()) + 1)
        at_random = sum((said[name] == value).mean() * (truth[name] == value).mean() for value in values)
        found[name] = {"kept": float((said[name] == truth[name]).mean()), "at_random": float(at_random)}
    return found


# CycleGAN


def cycle(run: Run, pictures: np.ndarray, there: str, back: str) -> np.ndarray:
    """[3, N, H, W, C]: the pictures, their translations, and these translated back."""
    translated = run.translate(pictures, there)
    return np.stack([pictures, translated, run.translate(translated, back)])


def cycle_l1(passes: np.ndarray) -> float:
    return float(np.abs(passes[2] - passes[0]).mean(dtype=np.float64))


def skin_luminance(style: str) -> np.ndarray:
    """The luminance of each value of skin_color, in the order of `avatar_attributes`."""
    colors = json.loads(files("dicebear_styles").joinpath(f"{style}.json").read_text("utf-8"))["colors"]["skin"]
    if len(colors["values"]) != len(avatar_attributes(style)["skin_color"]):
        raise ValueError(f"the skin colours of {style} are not those of its definition")
    return luminance_of(np.array([ImageColor.getrgb(value) for value in colors["values"]]))[:, 0]


def rank_correlation(a: np.ndarray, b: np.ndarray) -> dict[str, float | None]:
    """Spearman's of pairs (a, b), and of the same a with the b of another; None where one of them is constant."""
    a, b = rankdata(a), rankdata(b)
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return {"spearman": None, "random_pairs_mean": None, "random_pairs_97.5%": None}
    random = np.random.default_rng(0)
    others = [np.corrcoef(a, random.permutation(b))[0, 1] for _ in range(SHUFFLES)]
    return {
        "spearman": float(np.corrcoef(a, b)[0, 1]),
        "random_pairs_mean": float(np.mean(others)),
        "random_pairs_97.5%": float(np.quantile(others, 0.975)),
    }


# StarGAN


@dataclasses.dataclass(frozen=True)
class Faces:
    """Drawn faces of which everything is known.

    Attributes:
        data: where they are from.
        pictures: [N, H, W, C].
        labels: of the run, [N, A].
        truth: attribute -> the number of its value, [N].
        options: what `render` draws each of them from.
    """

    data: Avatars
    pictures: np.ndarray
    labels: np.ndarray
    truth: dict[str, np.ndarray]
    options: list[dict[str, str]]

    @classmethod
    def of(cls, data: Avatars) -> "Faces":
        found = examples(data)
        truth = {name: found[name] for name in avatar_attributes(data.style)}
        options = [avatar_options(data.style, data.first + index) for index in range(data.count)]
        return cls(data, found["image"], found["label"], truth, options)

    def labelled(self, run: Run, name: str) -> np.ndarray:
        """The labels [N, A] with the attribute `name` set, and the others of its group not."""
        return np.stack([dict(variants(run.record, label))[name] for label in self.labels])

    def drawn(self, attribute: str, value: str, taken: np.ndarray) -> np.ndarray:
        """The true edit: the faces `taken` (truth values [N]) drawn with one attribute changed, the others as they are."""
        option, made = DERIVED.get((self.data.style, attribute), (attribute,))[0], self.pictures.copy()
        for index in np.flatnonzero(taken):
            drawn = render(self.data.style, {**self.options[index], option: value}, self.data.shape[0])
            made[index] = drawn.astype(np.float32) / np.float32(127.5) - np.float32(1)
        return made


def edit(run: Run, faces: Faces, name: str, classifier: Classifier, kept: Iterable[str]) -> tuple[np.ndarray, dict]:
    """The translations by one attribute ("hair_color=pink") of all faces, and their figures; see the protocol."""
    attribute, value = name.split("=")
    made = run.translate(faces.pictures, label=faces.labelled(run, name))
    said, number = judged(classifier, made), classifier.classes[attribute].index(value)
    # The bald have no hair to draw in a colour; to have none is one of the values of glasses.
    bald = faces.truth["hair_color"] == classifier.classes["hair_color"].index(NONE)
    taken = ~bald if attribute == "hair_color" else np.full(len(made), True)
    target = faces.drawn(attribute, value, taken)
    different = (np.abs(target - faces.pictures) > TRUE_EDIT).any(-1)
    inside = binary_dilation(different, np.ones((1, 3, 3), bool))
    changed = (np.abs(made - faces.pictures) > CHANGED).any(-1)

    def figures(of: np.ndarray) -> dict[str, Any]:
        def share(where: np.ndarray) -> float | None:
            return float(changed[of][where[of]].mean()) if where[of].any() else None

        if not of.any():
            return {"faces": 0}
        values = {name: said[name][of] for name in said}
        truth = {name: faces.truth[name][of] for name in said}
        return {
            "faces": int(of.sum()),
            "has_it_after": float((values[attribute] == number).mean()),
            "kept": {other: float((values[other] == truth[other]).mean()) for other in kept if other != attribute},
            "pixels_changed_outside": share(~inside),
            "pixels_changed_inside": share(inside),
            "error": float(np.abs(made - target)[of].mean(dtype=np.float64)),
            "error_left_alone": float(np.abs(faces.pictures - target)[of].mean(dtype=np.float64)),
        }

    return made, {"all": figures(taken), "that_had_it_not": figures(taken & (faces.truth[attribute] != number))}


def mean_of(trees: Sequence[Any]) -> Any:
    """The mean, leaf by leaf, of what several trees all have; None where one has none."""
    if isinstance(trees[0], dict):
        shared = [name for name in trees[0] if all(name in tree for tree in trees)]
        return {name: mean_of([tree[name] for tree in trees]) for name in shared}
    return None if any(leaf is None for leaf in trees) else float(np.mean(trees))
