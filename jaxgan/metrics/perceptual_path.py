"""Perceptual path length: how evenly the pictures change along a path through the latent space (Karras et al. 2018).

    PPL = E[ d(G(p(t)), G(p(t + epsilon))) / epsilon^2 ]        (StyleGAN, arXiv:1812.04948, section 4.1)

with p a path between two random latents and d a perceptual distance that is quadratic in small changes, LPIPS in the paper. A
generator whose pictures jump between two latents has a long path. Figures are comparable for one distance, one size of
pictures and one kind of latents. (The paper's for faces are of crops, at 256 x 256; here pictures are compared as they are.)
"""

import dataclasses
from collections.abc import Callable
from typing import Literal

import jax
import numpy as np

from jaxgan import conditions
from jaxgan.errors import UserError
from jaxgan.latent import lerp, slerp
from jaxgan.run import Run
from jaxgan.sampling import CHUNK

Distance = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Pictures a and b, float32 [B, H, W, C] in [-1, 1], to their perceptual distance [B]."""


@dataclasses.dataclass(frozen=True)
class PathLength:
    """The figure, and what it stands on.

    Attributes:
        mean: the perceptual path length.
        deviation: of the single steps' values about it.
        count: steps measured.
        kept: of them, those within the percentiles.
        path: "slerp" or "lerp".
    """

    mean: float
    deviation: float
    count: int
    kept: int
    path: Literal["slerp", "lerp"]


def perceptual_path_length(
    run: Run,
    distance: Distance,
    num: int = 10_000,
    epsilon: float = 1e-4,
    seed: int = 0,
    *,
    sampling: Literal["full", "end"] = "full",
    percentiles: tuple[float, float] = (1.0, 99.0),
    space: str = "z",
) -> PathLength:
    """The perceptual path length of a run's generator, in its space of noise (the paper's Z) or another of its `spaces`.

    Normal latents are joined along the sphere; others (those that never leave [-1, 1], so uniform ones), and those of W, along
    a line. Both pictures of a step have the same label; a conditional system goes through all classes in turn.

    The pictures are compared as floats: rounded to 8 bits, pictures so close would be equal. For the same reason the generator
    computes in float32 here, whatever it was trained in, on every device; and the place on the path is found in float64.

    Args:
        run: from `jaxgan.restore` or `jaxgan.fit`.
        distance: `load_lpips(...)` for the paper's; without its weights, `feature_distance` of some network.
        num: steps; the paper takes 100,000.
        epsilon: length of a step, as a share of the path.
        seed: of the latents and of the places on the paths.
        sampling: t uniform on [0, 1) ("full"), or t = 0, the latents themselves ("end").
        space: "z" or "w".
        percentiles: steps whose value is outside of these are left out, as in the authors' code; the paper does not say so.
            (0, 100) keeps all.

    Raises:
        UserError: the system has no latent space; the generator or the distance gives NaN; an argument is out of range.
    """
    if num < 1:
        raise UserError(f"perceptual path length: num is {num}: it must be at least 1")
    if not 0 < epsilon <= 1:
        raise UserError(f"perceptual path length: epsilon is {epsilon}: it must be above 0 and at most 1")
    low, high = percentiles
    if not 0 <= low < high <= 100:
        raise UserError(f"perceptual path length: percentiles are {low} and {high}: they must rise, from 0 to 100")
    if "text" in run.system.conditions:
        raise UserError(
            "perceptual path length is not measured of systems that read captions: leave the metric ppl out"
        )
    run = _in_float32(run)
    latents = run.latents(2 * num, seed, space, _given(run, 0, 2 * num)).astype(np.float64)
    path = "lerp" if space == "w" or np.abs(latents).max() <= 1 else "slerp"
    # One vector for each latent, whatever its shape.
    starts, ends = latents.reshape(2, num, -1)
    places = np.random.default_rng(seed).uniform(size=num) if sampling == "full" else np.zeros(num)

    def pictures(rows: slice, t: np.ndarray) -> np.ndarray:
        z = {"lerp": lerp, "slerp": slerp}[path](starts[rows], ends[rows], t)
        return run.decode(z.reshape(-1, *latents.shape[1:]), given=_given(run, rows.start, len(z)))

    values = []
    with jax.default_matmul_precision("float32"):
        for start in range(0, num, CHUNK):
            rows = slice(start, start + CHUNK)
            t = places[rows]
            values.append(distance(pictures(rows, t), pictures(rows, t + epsilon)))
    return _summary(np.concatenate(values).astype(np.float64) / epsilon**2, percentiles, path)


def feature_distance(features: Callable[[np.ndarray], np.ndarray]) -> Distance:
    """The squared distance of two pictures' features, each scaled to length 1: LPIPS's form, with one layer and equal weights.

    Args:
        features: float pictures [B, H, W, C] in [-1, 1] to vectors [B, D]; it must not round the pictures to 8 bits.
    """

    def unit(images: np.ndarray) -> np.ndarray:
        vectors = np.asarray(features(images), np.float64)
        return vectors / (np.linalg.norm(vectors, axis=1, keepdims=True) + 1e-10)

    return lambda a, b: np.square(unit(a) - unit(b)).sum(1)


def _summary(values: np.ndarray, percentiles: tuple[float, float], path: Literal["slerp", "lerp"]) -> PathLength:
    if not np.isfinite(values).all():
        raise UserError(
            "perceptual path length: the generator's pictures, or their distances, are not finite: the weights are damaged or "
            "training diverged; give --step with an earlier checkpoint"
        )
    low = np.percentile(values, percentiles[0], method="lower")
    high = np.percentile(values, percentiles[1], method="higher")
    kept = values[(values >= low) & (values <= high)]
    return PathLength(float(kept.mean()), float(kept.std()), len(values), len(kept), path)


def _given(run: Run, first: int, count: int) -> dict[str, np.ndarray]:
    """What the rows from `first` on are conditioned on; the same for both ends of a step."""
    return {name: values[first:] for name, values in conditions.values(run.record, first + count, {}).items()}


def _in_float32(run: Run) -> Run:
    system = dataclasses.replace(run.system, precision="float32")
    record = dataclasses.replace(run.record, system=system)
    return Run(run.workdir, record, run.step, lambda: run.state, run.frozen, weights=run.weights)
