"""The metrics by name: what each looks at, which figures it gives, and the sentence that says what these compare with.

A figure without its protocol cannot be compared with anything: the same FID changes with the network, the number of pictures
and their format. So every figure comes with a sentence that names all three.
"""

import dataclasses
import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from jaxgan.errors import UserError
from jaxgan.metrics.features import FeatureNetwork, batches, stream
from jaxgan.metrics.frechet import few_pictures_warning, frechet_distance
from jaxgan.metrics.inception_score import inception_score
from jaxgan.metrics.kernel import common_subset_size, kernel_distance
from jaxgan.metrics.manifold import density_coverage, precision_recall
from jaxgan.metrics.moments import Moments
from jaxgan.metrics.similarity import ms_ssim_diversity

OF_SETS = ("fid", "kid", "inception_score", "precision_recall", "density_coverage", "ms_ssim")
"""Metrics of a set of pictures, most of them against another set."""
OF_PAIRS = ("psnr", "ssim", "lpips")
"""Metrics of a picture against the one that it should be."""
OF_LATENTS = ("ppl",)
"""Metrics of a generator."""
NAMES = (*OF_SETS, *OF_LATENTS, *OF_PAIRS)

LESS_IS_BETTER = ("fid", "kid", "ms_ssim", "ppl", "lpips")
KEEPS_FEATURES = ("kid", "precision_recall", "density_coverage")  # the others stream in constant memory
KEPT_PICTURES = 2000  # of the first, for MS-SSIM, which compares pairs of them
PAIRS = 1000


def check_names(metrics: Iterable[str], allowed: tuple[str, ...] = NAMES, reason: str = "") -> tuple[str, ...]:
    """The metrics, each once, in the order given.

    Raises:
        UserError: one is unknown, or not `allowed` for the `reason`.
    """
    names = tuple(dict.fromkeys(metrics))
    if not names:
        raise UserError(f"no metric is named: give some of {', '.join(allowed)}")
    for name in names:
        if name not in NAMES:
            close = difflib.get_close_matches(name.lower().replace("-", "_"), NAMES, n=1)
            hint = f"; did you mean {close[0]}?" if close else "."
            raise UserError(f'there is no metric "{name}"{hint} The metrics are {", ".join(NAMES)}')
        if name not in allowed:
            raise UserError(f"the metric {name} does not apply here: {reason}")
    return names


@dataclass(frozen=True)
class Seen:
    """A set of pictures, as a feature network saw it.

    Attributes:
        what: whose pictures: "real", "generated".
        count: how many.
        shape: (H, W, C); None where a file of statistics does not say.
        moments: of the features; None without a network.
        features: [N, D], where a metric needs each of them.
        logits: [N, K], where a metric needs them and the network has them.
        pictures: the first of them, where a metric looks at pictures.
    """

    what: str
    count: int | None
    shape: tuple[int, ...] | None
    moments: Moments | None = None
    features: np.ndarray | None = None
    logits: np.ndarray | None = None
    pictures: np.ndarray | None = None


def see(what: str, pictures: Iterable[np.ndarray], network: FeatureNetwork | None, metrics: Iterable[str]) -> Seen:
    """Look at uint8 pictures [n, H, W, C], part by part, and keep what the metrics need and no more.

    Raises:
        UserError: there are none, they differ in size, or their features are not finite.
    """
    metrics = set(metrics)
    moments = Moments.empty(network.dimensions) if network else None
    features, logits, kept, shape, count = [], [], [], None, 0
    watched = stream(network, pictures) if network else ((batch, None, None) for batch in batches(pictures))
    for batch, vectors, scores in watched:
        if moments is not None:
            moments = moments.update(vectors)
        if metrics & set(KEEPS_FEATURES):
            features.append(vectors)
        if "inception_score" in metrics and scores is not None:
            logits.append(scores)
        if "ms_ssim" in metrics and count < KEPT_PICTURES:
            kept.append(batch[: KEPT_PICTURES - count])
        shape, count = batch.shape[1:], count + len(batch)
    if not count:
        raise UserError(f"there are no {what} pictures to score")
    joined = (np.concatenate(parts) if parts else None for parts in (features, logits, kept))
    return Seen(what, count, shape, moments, *joined)


def check_sizes(real: tuple[int, ...] | None, fake: tuple[int, ...], whose_real: Any, whose_fake: Any) -> None:
    """Compare the shapes [H, W, C] of pictures that are to be scored against each other; None is one that is not known.

    Raises:
        UserError: they differ; a figure of two sizes says nothing.
    """
    if real is not None and tuple(real) != tuple(fake):
        theirs, ours = ("x".join(map(str, shape)) for shape in (real, fake))
        raise UserError(
            f"the pictures of {whose_real or 'the reference'} are {theirs}, but those of {whose_fake} are "
            f"{ours}: bring both to one size"
        )


def score(metric: str, real: Seen | None, fake: Seen, network: FeatureNetwork | None, seed: int) -> dict:
    """The figures of one of `OF_SETS`: {"value", or names of the metric's own: float, "protocol": str, "warning": str or not}.

    Args:
        metric: which of `OF_SETS`.
        real: None for metrics that look at `fake` alone.
        fake: what is scored.
        network: the feature network that both were seen by; None for metrics of pixels.
        seed: of what is drawn: subsets, parts, pairs.

    Raises:
        UserError: the network cannot serve this metric, or there are too few pictures.
    """
    return {
        "fid": _fid,
        "kid": _kid,
        "inception_score": _inception_score,
        "precision_recall": _neighbourhoods(precision_recall, 3),
        "density_coverage": _neighbourhoods(density_coverage, 5),
        "ms_ssim": _ms_ssim,
    }[metric](real, fake, network, seed)


def _fid(real, fake, network, seed):
    value = frechet_distance(real.moments, fake.moments)
    known = dataclasses.replace(real, count=real.moments.count)  # of saved statistics, where these are given
    protocol = (
        f"FID, {_by(network)}, {_counts(known, fake)}, unbiased covariance; {_comparable(network)}, at the same counts"
    )
    warning = few_pictures_warning(real.moments) or few_pictures_warning(fake.moments)
    return {"value": value, "protocol": protocol, **({"warning": warning} if warning else {})}


def _kid(real, fake, network, seed):
    mean, deviation = kernel_distance(real.features, fake.features, seed=seed)
    size = common_subset_size(real.count, fake.count)
    subsets = (
        "of the whole sets" if size == real.count == fake.count else f"mean and deviation over 100 subsets of {size}"
    )
    protocol = (
        f"KID, {_by(network)}, {_counts(real, fake)}, {subsets}, kernel (x.y/D + 1)^3, not scaled; "
        f"{_comparable(network)}"
    )
    return {"value": mean, "deviation": deviation, "protocol": protocol}


def _inception_score(real, fake, network, seed):
    if fake.logits is None:
        raise UserError(
            f"the metric inception_score needs class probabilities, and {network.name} gives none: give --features inception "
            "with --features-file, or data with a label"
        )
    mean, deviation = inception_score(fake.logits, seed=seed)
    protocol = (
        f"Inception Score, {fake.logits.shape[1]} classes of {network.name} (digest {network.digest[:12]}), "
        f"{_counts(None, fake)}, mean and deviation over 10 parts; {_comparable(network)}, at the same count"
    )
    return {"value": mean, "deviation": deviation, "protocol": protocol}


def _neighbourhoods(function, neighbours: int):
    def figures(real, fake, network, seed):
        count = min(len(real.features), len(fake.features))  # these figures fall as the sets grow: equal counts
        found = function(real.features[:count], fake.features[:count], neighbours)._asdict()
        protocol = (
            f"{' and '.join(found)}, {_by(network)}, {count} {real.what} against {count} {fake.what} {_format(fake)} pictures, "
            f"{neighbours} neighbours; {_comparable(network)}, at the same counts"
        )
        return {**found, "protocol": protocol[0].upper() + protocol[1:]}

    return figures


def _ms_ssim(real, fake, network, seed):
    protocol = (
        f"MS-SSIM, mean over {PAIRS} random pairs of {len(fake.pictures)} {fake.what} {_format(fake)} pictures; comparable "
        "with the figure of the real pictures beside it, and at this size only; less is more diverse"
    )
    figures = {"value": ms_ssim_diversity(fake.pictures, PAIRS, seed), "protocol": protocol}
    return figures if real is None else {**figures, "real": ms_ssim_diversity(real.pictures, PAIRS, seed)}


def _by(network: FeatureNetwork) -> str:
    return f"features of {network.name} (digest {network.digest[:12]})"


def _format(seen: Seen) -> str:
    return f"{seen.shape[0]}x{seen.shape[1]} uint8 {'RGB' if seen.shape[2] == 3 else 'grey'}"


def _counts(real: Seen | None, fake: Seen) -> str:
    against = f"{real.count or 'an unknown number of'} {real.what} against " if real else ""
    return f"{against}{fake.count} {fake.what} {_format(fake)} pictures"


def _comparable(network: FeatureNetwork) -> str:
    if network.name.startswith("inception-tf1"):
        return "comparable with published figures on the same pictures"
    if network.name.startswith("inception-pytorch_fid"):
        return "comparable with figures of pytorch-fid on the same pictures"
    return f"comparable only with figures of the same {network.name.split()[0]} digest"
