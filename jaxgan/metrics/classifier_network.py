"""The network of the feature network `classifier`, and how it is trained. `jaxgan.metrics.classifier` says what it is for."""

import contextlib
import functools
import io
import time
import zipfile
from pathlib import Path
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxgan import rows
from jaxgan.cache import write_whole
from jaxgan.metrics.features import BATCH
from jaxgan.metrics.progress import shown
from jaxgan.nn import BatchNorm, Conv, Mode

VERSION = 3  # of the network and its training: raise it when either changes, and cached classifiers are trained again
DIMENSIONS = 256
LARGEST = 64  # longer sides are scaled down to it: what a label says is seen at this size
EPOCHS, FEWEST_STEPS = 18, 300
LEARNING_RATE = 3e-3
KEPT_EVERY = 20.0  # seconds
SHIFT, NOISE = 1, 0.05  # augmentation: pixels, and the largest deviation of noise on pictures in [-1, 1]

INITIALIZER = nn.initializers.he_normal()


class Network(nn.Module):
    """Pictures [B, H, W, C] in [-1, 1] to features [B, 256] and the logits of all attributes, side by side."""

    outputs: int

    @nn.compact
    def __call__(self, x: jax.Array, mode: Mode) -> tuple[jax.Array, jax.Array]:
        def block(x, width, kernel, stride):
            x = Conv(width, kernel, stride, use_bias=False, kernel_init=INITIALIZER)(x)
            return nn.relu(BatchNorm()(x, mode))

        if max(x.shape[1:3]) > LARGEST:
            scale = LARGEST / max(x.shape[1:3])
            size = [max(round(scale * side), 1) for side in x.shape[1:3]]
            x = jax.image.resize(x, (len(x), *size, x.shape[3]), "linear")  # antialiased
        window = tuple(max(side // 8, 1) for side in x.shape[1:3])
        colors = nn.avg_pool(x, window, window)  # what a stack of norms and ReLUs takes long to learn
        width = 32
        x = block(x, width, 4, 2) if min(x.shape[1:3]) >= 64 else block(x, width, 3, 1)
        while min(x.shape[1:3]) > 4:
            width = min(2 * width, 128)
            x = block(x, width, 4, 2)
        x = block(x, width, 3, 1)
        x = nn.Dense(DIMENSIONS, use_bias=False, kernel_init=INITIALIZER)(
            jnp.concatenate([x.reshape(len(x), -1), colors.reshape(len(x), -1)], 1)
        )
        features = nn.relu(BatchNorm()(x, mode))
        return features, nn.Dense(self.outputs)(features)


def fit_network(
    images: np.ndarray,
    targets: np.ndarray,
    sizes: tuple[int, ...],
    seed: int,
    kept: Path | None = None,
    what: str | None = None,
) -> dict[str, Any]:
    """The variables of the network, trained by AdamW on a one-cycle cosine schedule; the same bits for the same arguments.

    Args:
        images: uint8 [N, H, W, C].
        targets: int32 [N, A].
        sizes: classes of each of the A attributes.
        seed: of weights, order and augmentation.
        kept: a file in which the training is kept on its way, to go on from after an interruption, with the same bits in the
            end; it is gone at the end.
        what: what is trained, to show progress; None shows none.
    """
    batch = min(BATCH, len(images))
    steps = max(EPOCHS * (len(images) // batch), FEWEST_STEPS)
    network, optimizer = Network(sum(sizes)), _optimizer(steps)
    key = jax.random.key(np.uint32(seed), impl="threefry2x32")
    start = jnp.zeros((2, *images.shape[1:]))
    variables = jax.jit(rows.solo(lambda: network.init(jax.random.fold_in(key, 2**31), start, "batch")))()
    optimizer_state = optimizer.init(variables["params"])
    random = np.random.default_rng(seed)
    order = np.concatenate([random.permutation(len(images)) for _ in range(-(-steps * batch // len(images)))])
    step = _compiled_step(sizes, steps)
    first, variables, optimizer_state = _kept(kept, (variables, optimizer_state))
    saved = time.monotonic()
    for number in shown(range(first, steps), f"training {what}", steps if what else None, first):
        if kept is not None and time.monotonic() - saved > KEPT_EVERY:
            _keep(kept, number, (variables, optimizer_state))
            saved = time.monotonic()
        chosen = order[number * batch : (number + 1) * batch]
        variables, optimizer_state = step(
            variables, optimizer_state, images[chosen], targets[chosen], jax.random.fold_in(key, number)
        )
    if kept is not None:
        kept.unlink(missing_ok=True)
    return jax.tree.map(np.asarray, variables)


def _keep(path: Path, number: int, state: Any) -> None:
    """The state before the step of a number. A disk that is full ends no training that needs none."""
    content = io.BytesIO()
    np.savez(content, np.int64(number), *map(np.asarray, jax.tree.leaves(state)))
    with contextlib.suppress(OSError):
        write_whole(path, content.getvalue())


def _kept(path: Path | None, state: Any) -> tuple[int, Any, Any]:
    """The step to go on from, and the state; step 0 and `state` itself where none is kept, or one that does not fit."""
    if path is not None and path.is_file():
        try:
            with np.load(path, allow_pickle=False) as file:
                number, *leaves = (file[name] for name in file.files)
        except (OSError, ValueError, EOFError, zipfile.BadZipFile):
            leaves = []
        known, structure = jax.tree.flatten(state)
        if [(x.shape, x.dtype) for x in leaves] == [(x.shape, x.dtype) for x in map(np.asarray, known)]:
            return int(number), *jax.tree.unflatten(structure, leaves)
    return 0, *state


def _optimizer(steps: int) -> optax.GradientTransformation:
    return optax.adamw(optax.cosine_onecycle_schedule(steps, LEARNING_RATE, pct_start=0.15), weight_decay=1e-2)


@functools.lru_cache(maxsize=4)
def _compiled_step(sizes: tuple[int, ...], steps: int):
    network, optimizer = Network(sum(sizes)), _optimizer(steps)

    def loss(params, batch_stats, x, targets):
        variables = {"params": params, "batch_stats": batch_stats}
        (_, logits), changed = network.apply(variables, x, "batch", mutable=["batch_stats"])
        parts = jnp.split(logits, np.cumsum(sizes)[:-1], axis=1)
        losses = [
            optax.softmax_cross_entropy_with_integer_labels(part, targets[:, column]).mean()
            for column, part in enumerate(parts)
        ]
        return sum(losses), changed["batch_stats"]

    @jax.jit
    def step(variables, optimizer_state, images, targets, key):
        def gradient():
            x = _augmented(key, _scaled(images))
            return jax.grad(loss, has_aux=True)(variables["params"], variables["batch_stats"], x, targets)

        gradients, batch_stats = rows.solo(gradient)()
        updates, optimizer_state = optimizer.update(gradients, optimizer_state, variables["params"])
        return {
            "params": optax.apply_updates(variables["params"], updates),
            "batch_stats": batch_stats,
        }, optimizer_state

    return step


@functools.lru_cache(maxsize=4)
def compiled(outputs: int):
    """`Network(outputs)` as it judges, jitted: variables and pictures [B, H, W, C], uint8 or in [-1, 1], to its outputs.

    Made once for each number of outputs.
    """
    network = Network(outputs)
    return jax.jit(lambda variables, images: rows.solo(lambda: network.apply(variables, _scaled(images), "running"))())


def _scaled(images: jax.Array) -> jax.Array:
    """uint8 pictures in [-1, 1]; floats are there already."""
    return images.astype(jnp.float32) / 127.5 - 1 if images.dtype == jnp.uint8 else images


def _augmented(key: jax.Array, x: jax.Array) -> jax.Array:
    """Each picture shifted by up to a pixel, with noise of a strength of its own: generated ones are not as clean."""
    count, height, width, channels = x.shape
    shift_key, strength_key, noise_key = jax.random.split(key, 3)
    padded = jnp.pad(x, ((0, 0), (SHIFT, SHIFT), (SHIFT, SHIFT), (0, 0)), mode="edge")
    corner = jax.random.randint(shift_key, (count, 2), 0, 2 * SHIFT + 1)

    def cut(picture, corner):
        return jax.lax.dynamic_slice(picture, (*corner, 0), (height, width, channels))

    strength = jax.random.uniform(strength_key, (count, 1, 1, 1), maxval=NOISE)
    return jax.vmap(cut)(padded, corner) + strength * jax.random.normal(noise_key, x.shape)
