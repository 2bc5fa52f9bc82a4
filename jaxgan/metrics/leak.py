"""Leaks of augmentation: whether pictures are turned, mirrored or recoloured more often than those that were learnt from.

A generator whose discriminator only ever sees augmented pictures may make such pictures itself (Karras et al. 2020,
arXiv:2006.06676, section 2.2). For each change a linear classifier of small pictures learns to tell half of the real ones from
the same ones changed. Which share of the generated it takes for changed says little by itself, since it errs; so it is set
against the shares of the other half, as they are and changed:

    leak = (generated - real) / (changed - real)

which is 0 where the generated ones are as the real, and 1 where all are changed; both in expectation. It is for samples that
otherwise look like the data: blots that resemble nothing may be taken for anything, and one change for another.
"""

from collections.abc import Callable

import numpy as np

from jaxgan.errors import UserError

SIDE = 8
"""Of the small pictures."""

LEAST = 64
"""Real pictures that are needed."""

POWER = 0.3
"""Of changed - real: where it is smaller, the real pictures do not say which way up, or of which colour, they are."""


def leaks(real: np.ndarray, made: np.ndarray, seed: int = 0) -> dict[str, tuple[float, float]]:
    """The leak of each change that can be told in these pictures, and its standard deviation by chance.

    Args:
        real, made: uint8 [N, H, W, C] and [M, H, W, C].
        seed: of the halves and of the angles.

    Returns:
        "mirrored", "turned" (by 1 to 3 quarters), "inverted" (light for dark), "recoloured" (hues turned by 90 to 270 degrees).

    Raises:
        UserError: there are too few real pictures.
    """
    if len(real) < LEAST:
        raise UserError(f"the metric leak needs at least {LEAST} real pictures, but there are {len(real)}")
    random = np.random.default_rng(seed)
    order = random.permutation(len(real))
    real, made = _small(real)[order], _small(made)
    half, found = len(real) // 2, {}
    for name, change in CHANGES.items():
        if real.shape[3] == 1 and name == "recoloured":
            continue
        changed = change(real, random)
        judge = _classifier(real[:half], changed[:half])
        shares = [judge(x).mean() for x in (real[half:], changed[half:], made)]
        power = shares[1] - shares[0]
        if power >= POWER:
            # Of two shares, by the binomial distribution; an error of none in n counts as half of one.
            variance = sum(
                max(share * (1 - share), 0.5 / count) / count
                for share, count in ((shares[0], len(real) - half), (shares[2], len(made)))
            )
            found[name] = (float((shares[2] - shares[0]) / power), float(np.sqrt(variance) / power))
    return found


def _mirrored(x, random):
    return x[:, :, ::-1]


def _turned(x, random):
    quarters = random.integers(1, 4, len(x))
    return np.stack([np.rot90(picture, count) for picture, count in zip(x, quarters, strict=True)])


def _inverted(x, random):
    return x - 2 * x.mean(3, keepdims=True)


def _recoloured(x, random):
    """Hues turned by a right angle or more: about the greys, as in ADA."""
    angle = random.uniform(0.5 * np.pi, 1.5 * np.pi, (len(x), 1, 1, 1))
    grey = x.mean(3, keepdims=True)
    across = (np.roll(x, 1, 3) - np.roll(x, -1, 3)) / np.sqrt(3)
    return grey + np.cos(angle) * (x - grey) + np.sin(angle) * across


CHANGES: dict[str, Callable] = {
    "mirrored": _mirrored, "turned": _turned, "inverted": _inverted, "recoloured": _recoloured
}  # fmt: skip


def _small(pictures: np.ndarray) -> np.ndarray:
    """In [-1, 1], float64 [N, 8, 8, C]: means over the parts of an even division."""
    x = pictures.astype(np.float64) / 127.5 - 1
    for axis in (1, 2):
        side = x.shape[axis]
        edges = np.linspace(0, side, SIDE + 1)
        place = np.arange(side)
        weights = np.clip(np.minimum(place + 1, edges[1:, None]) - np.maximum(place, edges[:-1, None]), 0, None)
        x = np.moveaxis(np.tensordot(weights / weights.sum(1, keepdims=True), x, (1, axis)), 0, axis)
    return x


def _classifier(real: np.ndarray, changed: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Which of pictures [N, 8, 8, C] are nearer to the changed ones: least squares on -1 and 1, with a ridge."""
    both = np.concatenate([real, changed]).reshape(2 * len(real), -1)
    targets = np.repeat([-1.0, 1.0], len(real))
    middle = both.mean(0)
    centred = both - middle
    covariance = centred.T @ centred / len(both)
    ridge = 0.1 * np.trace(covariance) / len(covariance) + 1e-9
    weights = np.linalg.solve(covariance + ridge * np.eye(len(covariance)), centred.T @ targets / len(both))
    return lambda x: (x.reshape(len(x), -1) - middle) @ weights > 0
