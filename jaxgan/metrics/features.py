"""Feature networks: what turns examples, of pictures above all, into the vectors that FID, KID and their like compare.

A figure is a property of its feature network as much as of the pictures, so a network carries a name and a digest that go
wherever the figure goes. Real and generated pictures are both quantised to 8 bits before they are looked at: a network must
not tell them apart by the grey levels that no file can hold.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from jaxgan import media
from jaxgan.errors import UserError

BATCH = 64
"""Pictures in one call of a network; the last batch is padded, so that a network compiles once for a picture size."""


@dataclass(frozen=True)
class FeatureNetwork:
    """A network whose features pictures, or other examples, are compared by.

    Attributes:
        name: of the protocol: "inception", "vgg16", "classifier of Avatars 32x32".
        digest: SHA-256, hexadecimal, of its weights; figures of different digests cannot be compared.
        dimensions: D, the length of a feature vector.
        apply: uint8 pictures [B, H, W, C], or other examples as they are -> (features float32 [B, D], logits float32 [B, K], or
            None without classes).
    """

    name: str
    digest: str
    dimensions: int
    apply: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray | None]]


MOST_NUMBERS = 4096
"""Of an example, for `numbers`: a covariance of more is large, and says little."""


def numbers(medium: media.Medium, shape: tuple[int, ...]) -> FeatureNetwork:
    """No network: what `Medium.numbers` makes of an example [...]; for most media its numbers themselves, as one vector.

    What is far in these may be alike to a person: it is for points, vectors and other small things, and where there is nothing
    better yet.

    Raises:
        UserError: there are too many of them.
    """
    count = medium.numbers(np.zeros((1, *shape), np.float32)).shape[1]
    if count > MOST_NUMBERS:
        raise UserError(
            f"{list(shape)} are {count} numbers, more than the {MOST_NUMBERS} that can be compared as they are: in Python give "
            "jaxgan.metrics.evaluation.evaluate(features=...) a FeatureNetwork of your own"
        )
    of = "" if type(medium).numbers is media.Medium.numbers else f" of {medium.many}"
    digest = hashlib.sha256(f"numbers {shape}{of}".encode()).hexdigest()
    return FeatureNetwork(f"numbers{of}", digest, count, lambda x: (medium.numbers(x), None))


def prepared(medium: media.Medium, examples: np.ndarray, first: int = 0) -> np.ndarray:
    """What a generator, or data, gives [B, ...], as metrics look at it: pictures as uint8, the rest as it is. As `quantise`."""
    if isinstance(medium, media.Picture):
        return quantise(examples, first)
    _check_finite(examples, first, medium.one)
    return examples


def quantise(images: np.ndarray, first: int = 0) -> np.ndarray:
    """Pictures [B, H, W, C] in [-1, 1] as uint8; values outside are clipped.

    Args:
        images: what a generator made.
        first: number of the first of them, for the message.

    Raises:
        UserError: a picture is not finite.
    """
    _check_finite(images, first, "picture")
    return media.to_uint8(images)


def _check_finite(examples: np.ndarray, first: int, what: str) -> None:
    finite = np.isfinite(examples).reshape(len(examples), -1).all(1)
    if not finite.all():
        number = first + int(np.argmin(finite))
        raise UserError(
            f"generated {what} {number} is not finite (NaN or infinite), and cannot be scored: the weights are damaged or "
            "training diverged; give --step with an earlier checkpoint"
        )


def batches(source: Iterable[np.ndarray], size: int = BATCH) -> Iterator[np.ndarray]:
    """Regroup uint8 arrays [n, H, W, C] of any length n into arrays of `size` rows; only the last may be shorter.

    Raises:
        UserError: the pictures are not all of one size.
    """
    waiting: list[np.ndarray] = []
    count = 0
    for part in _of_one_shape(source):
        waiting.append(part)
        count += len(part)
        if count >= size:
            rows = np.concatenate(waiting)
            full = len(rows) // size * size
            for start in range(0, full, size):
                yield rows[start : start + size]
            waiting, count = [rows[full:]], len(rows) - full
    if count:
        yield np.concatenate(waiting)


def stream(
    network: FeatureNetwork, source: Iterable[np.ndarray]
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray | None]]:
    """(pictures, features, logits) of batch after batch of the uint8 pictures [n, H, W, C] of `source`; constant memory.

    Raises:
        UserError: the pictures are not all of one size.
    """
    for batch in batches(source):
        short = BATCH - len(batch)
        padded = np.concatenate([batch, np.zeros((short, *batch.shape[1:]), batch.dtype)]) if short else batch
        features, logits = network.apply(padded)
        features = np.asarray(features, np.float32)[: len(batch)]
        yield batch, features, None if logits is None else np.asarray(logits, np.float32)[: len(batch)]


def _of_one_shape(source: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    shape, count = None, 0
    for part in source:
        if shape is not None and part.shape[1:] != shape and part.ndim == len(shape) + 1 == 4:
            raise UserError(
                f"picture {count} is {part.shape[1]}x{part.shape[2]} with {part.shape[3]} channels, but those before it are "
                f"{shape[0]}x{shape[1]} with {shape[2]}: bring all to one size"
            )
        shape, count = part.shape[1:], count + len(part)
        yield part
