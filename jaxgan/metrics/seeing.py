"""What metrics look at: a set of examples as a feature network saw it, and the words of a protocol."""

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from jaxgan.errors import UserError
from jaxgan.media import Medium, Picture
from jaxgan.metrics import named
from jaxgan.metrics.features import FeatureNetwork, batches, stream
from jaxgan.metrics.moments import Moments
from jaxgan.metrics.progress import shown

KEPT_PICTURES = 2000  # of the first, for MS-SSIM, which compares pairs of them


@dataclasses.dataclass(frozen=True)
class Seen:
    """A set of examples, as a feature network saw it.

    Attributes:
        what: whose they are: "real", "generated".
        count: how many.
        shape: of one, (H, W, C) of a picture; None where a file of statistics does not say.
        medium: what they are.
        moments: of the features; None without a network.
        features: [N, D], where a metric needs each of them.
        logits: [N, K], where a metric needs them and the network has them.
        examples: the first of them, or all, where a metric looks at these.
    """

    what: str
    count: int | None
    shape: tuple[int, ...] | None
    medium: Medium = dataclasses.field(default_factory=Picture)
    moments: Moments | None = None
    features: np.ndarray | None = None
    logits: np.ndarray | None = None
    examples: np.ndarray | None = None


def see(
    what: str,
    examples: Iterable[np.ndarray],
    network: FeatureNetwork | None,
    metrics: Iterable[str],
    medium: Medium = Picture(),  # noqa: B008
    expected: int | None = None,
) -> Seen:
    """Look at examples [n, ...], pictures as uint8, part by part, and keep what the metrics need and no more.

    Args:
        what: whose they are.
        examples: in parts.
        network: whose features are looked at; None for metrics that need none.
        metrics: of sets.
        medium: what they are.
        expected: how many there are going to be: then progress is shown, with the time that is left.

    Raises:
        UserError: there are none, they differ in size, or their features are not finite.
    """
    keeps = {part for name in metrics for part in named.find(name).KEEPS}
    most = None if "all" in keeps else KEPT_PICTURES if "examples" in keeps else 0
    moments = Moments.empty(network.dimensions) if network else None
    features, logits, kept, shape, count = [], [], [], None, 0
    watched = stream(network, examples) if network else ((batch, None, None) for batch in batches(examples))
    title = f"looking at {what} {medium.many}"
    for batch, vectors, scores in shown(watched, title, expected, size=lambda seen: len(seen[0])):
        if moments is not None:
            moments = moments.update(vectors)
        if "features" in keeps:
            features.append(vectors)
        if "logits" in keeps and scores is not None:
            logits.append(scores)
        if most is None or count < most:
            kept.append(batch if most is None else batch[: most - count])
        shape, count = batch.shape[1:], count + len(batch)
    if not count:
        raise UserError(f"there are no {what} {medium.many} to score")
    joined = (np.concatenate(parts) if parts else None for parts in (features, logits, kept))
    return Seen(what, count, shape, medium, moments, *joined)


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


def of_neighbourhoods(
    function: Callable, neighbours: int, real: Seen, made: Seen, network: FeatureNetwork
) -> dict[str, Any]:
    """The figures of a function of two sets of features that looks at so many nearest neighbours."""
    count = min(len(real.features), len(made.features))  # these figures fall as the sets grow: equal counts
    found = function(real.features[:count], made.features[:count], neighbours)._asdict()
    protocol = (
        f"{' and '.join(found)}, {by(network)}, {count} {real.what} against {count} {made.what} {format_of(made)}, "
        f"{neighbours} neighbours; {comparable(network)}, at the same counts"
    )
    return {**found, "protocol": protocol[0].upper() + protocol[1:]}


def by(network: FeatureNetwork) -> str:
    """Which features."""
    return f"features of {network.name} (digest {network.digest[:12]})"


def format_of(seen: Seen) -> str:
    """What was looked at, in which format."""
    if isinstance(seen.medium, Picture):
        return f"{seen.shape[0]}x{seen.shape[1]} uint8 {'RGB' if seen.shape[2] == 3 else 'grey'} pictures"
    return f"{seen.medium.many} {list(seen.shape)}"


def counts(real: Seen | None, made: Seen) -> str:
    """How many against how many."""
    against = f"{real.count or 'an unknown number of'} {real.what} against " if real else ""
    return f"{against}{made.count} {made.what} {format_of(made)}"


def comparable(network: FeatureNetwork) -> str:
    """What a figure by this network may be compared with."""
    if network.name.startswith("inception-tf1"):
        return "comparable with published figures on the same pictures"
    if network.name.startswith("inception-pytorch_fid"):
        return "comparable with figures of pytorch-fid on the same pictures"
    return f"comparable only with figures of the same {network.name.split()[0]} digest"
