"""The latent of a picture: where in its latent space a generator comes nearest to it, by gradient descent.

StyleGAN2 (Karras et al. 2019, arXiv:1912.04958, appendix D), without its noise maps: from the mean of the latents on, Adam with
a rate that rises and falls, and noise on the latent that fades, so that it finds the right valley first. Any latent space will
do.
"""

import dataclasses
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxgan import conditions, rows
from jaxgan.run import Run

Distance = Callable[[jax.Array, jax.Array], jax.Array]
"""Pictures a and b, float32 [B, H, W, C] in [-1, 1], to their distance [B], differentiable."""

RATE, RISE, FALL = 0.1, 0.05, 0.25
"""Of Adam, and the shares of the steps over which it rises and falls."""
NOISE, QUIET = 0.05, 0.75
"""Of the latents' deviation, to begin with, and the share of the steps after which there is none."""
DRAWN = 4096
"""Latents of which the mean and the deviation are taken."""


@dataclasses.dataclass(frozen=True)
class Projection:
    """Where the pictures were found.

    Attributes:
        latents: [N, ...], as `Run.decode` takes them.
        distances: [N], of what is made of them.
        way: [K, N, H, W, C], what was made on the way; the last is what is made of `latents`.
    """

    latents: np.ndarray
    distances: np.ndarray
    way: np.ndarray


def project(
    run: Run,
    pictures: np.ndarray,
    distance: Distance,
    steps: int = 500,
    *,
    each_layer: bool = False,
    frames: int = 1,
    seed: int = 0,
    held: conditions.Given | None = None,
) -> Projection:
    """The latents of pictures float32 [N, H, W, C] in [-1, 1], of the size that the run makes.

    Args:
        run: from `jaxgan.restore` or `jaxgan.fit`.
        pictures: each is found by itself.
        distance: `pyramid_distance`, or LPIPS.
        steps: of Adam.
        each_layer: in "w", a latent of its own for each layer, W+: nearer to the picture, and further from what can be
            edited.
        frames: how much is kept of the way.
        seed: of the noise.
        held: what the run's samples are conditioned on, as `conditions.held` gives it.

    Raises:
        UserError: the system has no latent space.
    """
    space = run.system.spaces[0]
    drawn = run.latents(DRAWN, seed, space, held)
    single = space == "w" and not each_layer  # one latent for all layers
    start = drawn[:, 0] if single else drawn
    mean, layers = start.mean(0), drawn.shape[1]
    deviation = np.sqrt(np.square(start - mean).sum(-1).mean() / start.shape[-1])
    inputs = conditions.complete(run.record, len(pictures), held or {})
    variables = jax.device_put({**run.variables(), **run.frozen})
    target = jnp.asarray(pictures, jnp.float32)
    optimizer = optax.adam(lambda step: _rate(step / steps))

    def made(variables, latents):
        ws = jnp.repeat(latents[:, None], layers, 1) if single else latents
        return rows.solo(lambda: run.system.decode(variables, ws, inputs))()

    @jax.jit
    def advance(variables, latents, state, step, key):
        share = jnp.maximum(0.0, 1 - step / steps / QUIET)
        noise = jax.random.normal(jax.random.fold_in(key, step), latents.shape) * (deviation * NOISE * share**2)

        def loss(latents):
            return distance(made(variables, latents + noise), target).sum()

        updates, state = optimizer.update(jax.grad(loss)(latents), state)
        return optax.apply_updates(latents, updates), state

    @jax.jit
    def seen(variables, latents):
        pictures = made(variables, latents)
        return pictures, distance(pictures, target)

    latents = jnp.repeat(jnp.asarray(mean)[None], len(pictures), 0)
    state, key = optimizer.init(latents), jax.random.key(np.uint32(seed), impl="threefry2x32")
    kept = set(np.linspace(0, steps, frames, dtype=int)[:-1].tolist())
    way = []
    for step in range(steps):
        if step in kept:
            way.append(np.asarray(seen(variables, latents)[0]))
        latents, state = advance(variables, latents, state, jnp.int32(step), key)
    last, distances = seen(variables, latents)
    found = np.asarray(latents)
    found = np.repeat(found[:, None], layers, 1) if single else found
    return Projection(found, np.asarray(distances), np.stack([*way, np.asarray(last)]))


def pyramid_distance(a: jax.Array, b: jax.Array) -> jax.Array:
    """The mean squared difference [B] of pictures [B, H, W, C], averaged over sizes: as they are, halved, ..., to 8 pixels.

    The small ones see what is where, when the large ones do not meet yet.

    >>> float(pyramid_distance(jnp.zeros((1, 16, 16, 3)), jnp.ones((1, 16, 16, 3)))[0])
    1.0
    """
    levels = []
    while True:
        levels.append(jnp.square(a - b).mean((1, 2, 3)))
        height, width = a.shape[1:3]
        if min(height, width) < 16 or height % 2 or width % 2:
            return jnp.stack(levels).mean(0)
        a, b = (x.reshape(len(x), height // 2, 2, width // 2, 2, -1).mean((2, 4)) for x in (a, b))


def _rate(t: jax.Array) -> jax.Array:
    """At the share t of the steps: rises along a line, falls along half a cosine."""
    falling = 0.5 - 0.5 * jnp.cos(jnp.minimum(1.0, (1 - t) / FALL) * jnp.pi)
    return RATE * jnp.minimum(1.0, (t + 1e-3) / RISE) * falling
