"""Paths through the latent space: straight, or along the sphere on which high-dimensional latents lie."""

from collections.abc import Callable
from typing import Literal

import numpy as np

from jaxgan.errors import UserError

DEGENERATE = 1e-6
"""Sine of the angle below which two latents count as parallel, and do not span a great circle."""


def lerp(a: np.ndarray, b: np.ndarray, t: float | np.ndarray) -> np.ndarray:
    """Linear interpolation (1 - t) a + t b.

    Half-way between two independent normal latents its norm is 0.7 of theirs, which a generator has never seen: see `slerp`.

    Args:
        a, b: latents [..., D].
        t: 0 at `a`, 1 at `b`; a number, or an array that broadcasts against [...].

    Returns:
        [..., D], of the type of `a`; exactly `a` and `b` at the ends.
    """
    a, b, t, kind = _promoted(a, b, t)
    return ((1 - t) * a + t * b).astype(kind)


def slerp(a: np.ndarray, b: np.ndarray, t: float | np.ndarray) -> np.ndarray:
    """Spherical interpolation: sin((1 - t) w) / sin(w) a + sin(t w) / sin(w) b, where w is the angle between a and b.

    Shoemake 1985, for latents White 2016 (Sampling Generative Networks, arXiv:1609.04468, section 2.1). Parallel latents, and
    0, are joined by a straight line, the limit of the formula. Opposite ones lie on many great circles: the one taken passes
    through the axis to which `a` is nearest to perpendicular.

    Args:
        a, b: latents [..., D]; the sphere is that of the last axis.
        t: 0 at `a`, 1 at `b`; a number, or an array that broadcasts against [...].

    Returns:
        [..., D], of the type of `a`; exactly `a` and `b` at the ends.

    >>> a, b = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    >>> slerp(a, b, 0.5).round(4).tolist(), lerp(a, b, 0.5).tolist()
    ([0.7071, 0.7071], [0.5, 0.5])
    """
    a, b, t, kind = _promoted(a, b, t)
    a, b = np.broadcast_arrays(a, b)
    a_norm, b_norm = (np.linalg.norm(x, axis=-1, keepdims=True) for x in (a, b))
    safe = (a_norm > 0) & (b_norm > 0)
    a_unit, b_unit = (x / np.where(safe, norm, 1) for x, norm in ((a, a_norm), (b, b_norm)))
    cosine = np.clip(np.sum(a_unit * b_unit, -1, keepdims=True), -1, 1)
    # From the chord, and not from the cosine: it is exact for small angles too.
    angle = 2 * np.arcsin(np.clip(np.linalg.norm(a_unit - b_unit, axis=-1, keepdims=True) / 2, 0, 1))
    parallel = ~safe | (np.sin(angle) < DEGENERATE)
    sine = np.where(parallel, 1, np.sin(angle))
    along_circle = np.sin((1 - t) * angle) / sine * a + np.sin(t * angle) / sine * b
    straight = (1 - t) * a + t * b
    result = np.where(parallel, straight, along_circle)
    opposite = safe & parallel & (cosine < 0)
    if opposite.any():
        aside = _perpendicular(a_unit)
        norm = (1 - t) * a_norm + t * b_norm
        half_circle = norm * (np.cos(np.pi * t) * a_unit + np.sin(np.pi * t) * aside)
        result = np.where(opposite & (t > 0) & (t < 1), half_circle, result)
    return result.astype(kind)


METHODS: dict[str, Callable] = {"slerp": slerp, "lerp": lerp}


def path(
    latents: np.ndarray, frames: int, method: Literal["slerp", "lerp"] = "slerp", *, closed: bool = False
) -> np.ndarray:
    """A path through latents in their order, at equal steps of t.

    Args:
        latents: [K, ...], at least two; each latent is taken as one vector, whatever its shape.
        frames: points from one latent to the next, both of them included; at least 2.
        method: along spheres or along lines.
        closed: whether it goes back to the first, so that it can be shown in a loop; the first is not repeated.

    Returns:
        [(K - 1) (frames - 1) + 1, ...], where row i (frames - 1) is `latents[i]`; [K (frames - 1), ...] if `closed`.

    Raises:
        UserError: there are too few latents or frames.

    >>> path(np.array([[0.0], [1.0], [3.0]]), frames=3, method="lerp").ravel().tolist()
    [0.0, 0.5, 1.0, 2.0, 3.0]
    >>> path(np.eye(3), frames=5, closed=True).shape
    (12, 3)
    """
    if len(latents) < 2:
        raise UserError(f"a path needs at least 2 latents, not {len(latents)}: raise --num")
    if frames < 2:
        raise UserError(f"a path needs at least 2 frames from one latent to the next, not {frames}: raise --frames")
    flat = np.asarray(latents).reshape(len(latents), -1)
    stops = np.concatenate([flat, flat[:1]]) if closed else flat
    t = np.arange(frames - 1) / (frames - 1)
    legs = METHODS[method](stops[:-1, None], stops[1:, None], t)
    points = legs.reshape(-1, flat.shape[-1])
    points = points if closed else np.concatenate([points, flat[-1:]])
    return points.reshape(-1, *np.shape(latents)[1:])


def _promoted(a, b, t):
    """In float64, `t` with an axis for D; and the type to go back to."""
    a, b = np.asarray(a), np.asarray(b)
    return a.astype(np.float64), b.astype(np.float64), np.asarray(t, np.float64)[..., None], a.dtype


def _perpendicular(unit: np.ndarray) -> np.ndarray:
    """A unit vector [..., D] perpendicular to each of `unit`: the axis of its smallest element, made so."""
    axis = np.eye(unit.shape[-1])[np.argmin(np.abs(unit), -1)]
    aside = axis - np.sum(axis * unit, -1, keepdims=True) * unit
    return aside / np.maximum(np.linalg.norm(aside, axis=-1, keepdims=True), np.finfo(np.float64).tiny)
