"""What a trained system makes, compiled once and in chunks: samples, previews, latents, and what is decoded of these."""

import functools
from collections.abc import Callable
from typing import Any, Literal

import jax
import numpy as np

from jaxgan import rows
from jaxgan.errors import UserError
from jaxgan.training.state import Network
from jaxgan.training.system import System

Weights = Literal["ema", "raw"]
"""Moving averages where the system keeps them, or the parameters themselves."""
CHUNK = 64
"""Samples are made so many at a time, the last few padded: sample i of a seed never depends on how many were asked for."""


LARGE = 64 * 64
"""Pixels from which on fewer are made at a time, where a latent is all that decides one."""


def at_once(shape: tuple[int, ...]) -> int:
    """How many of what has this shape are decoded at a time: `CHUNK`; of large pictures fewer, or the first would take minutes.

    >>> at_once((64, 64, 3)), at_once((256, 256, 3)), at_once((16000,))
    (64, 4, 64)
    """
    pixels = shape[0] * shape[1] if len(shape) == 3 else 0
    return CHUNK if pixels <= LARGE else max(4, CHUNK * LARGE // pixels)


def network_variables(networks: dict[str, Network], weights: Weights = "ema") -> dict[str, dict[str, Any]]:
    """What samples are made with: `{network: variables}`."""
    return {
        name: network.ema if weights == "ema" and network.ema is not None else network.current
        for name, network in networks.items()
    }


def make_samples(system: System, variables: dict[str, Any], inputs: dict[str, np.ndarray], seed: int) -> np.ndarray:
    """Samples [N, ...] for inputs [N, ...] each, on one device."""
    key = jax.random.key(np.uint32(seed), impl="threefry2x32")
    variables = jax.device_put(variables)  # once, not for every chunk
    sample = compiled_sample(system)
    return in_chunks(lambda part, index: sample(variables, part, jax.random.fold_in(key, index)), inputs)


def make_preview(system: System, variables: dict[str, Any], inputs: dict[str, np.ndarray]) -> Any:
    """What `System.preview` shows for inputs [N, ...] each, on the host: an array, or a dict of columns in its order.

    Always of the same noise: the sheets of a run are to be compared.
    """
    key = jax.random.key(np.uint32(0), impl="threefry2x32")
    variables = jax.device_put(variables)
    (preview, titles), size = _compiled_preview(system), min(CHUNK, len(next(iter(inputs.values()))))
    made = in_chunks(lambda part, index: preview(variables, part, jax.random.fold_in(key, index)), inputs, size)
    return {title: made[title] for title in titles} if isinstance(made, dict) else made


def in_chunks(function: Callable[[Any, int], Any], rows_: Any, size: int = CHUNK) -> Any:
    """`function(chunk of `size` rows, number of the chunk)` over a pytree of arrays [N, ...], the last chunk padded.

    On the host: real numbers as float32; whole ones, which stand for something, as they are.
    """
    num = len(jax.tree.leaves(rows_)[0])
    made = []
    for index, start in enumerate(range(0, num, size)):
        part = jax.tree.map(lambda value, start=start: value[start : start + size], rows_)
        short = max(start + size - num, 0)
        part = jax.tree.map(lambda v, short=short: np.concatenate([v, np.repeat(v[-1:], short, 0)]), part)
        part = jax.block_until_ready(function(part, index))
        made.append(jax.tree.map(lambda x, keep=size - short: host(x)[:keep], part))
    return jax.tree.map(lambda *parts: np.concatenate(parts), *made)


def host(x: jax.Array) -> np.ndarray:
    """On the host: real numbers as float32; whole ones, which stand for something, as they are."""
    made = np.asarray(x)
    return made if made.dtype.kind in "iub" else np.asarray(made, np.float32)


@functools.lru_cache(maxsize=8)
def compiled_sample(system: System):
    """`system.sample`, jitted, with the axis of rows bound."""

    def sample(variables, inputs, key):
        return rows.solo(lambda: system.sample(variables, inputs, key))()

    return jax.jit(sample)


@functools.lru_cache(maxsize=8)
def _compiled_preview(system: System):
    """The jitted preview, and the titles of its columns in their order, which no dict keeps on its way through jit."""
    titles: list[str] = []

    def show(variables, inputs, key):
        made = system.preview(variables, inputs, key)
        titles[:] = list(made) if isinstance(made, dict) else []
        return made

    return jax.jit(lambda variables, inputs, key: rows.solo(lambda: show(variables, inputs, key))()), titles


@functools.lru_cache(maxsize=8)
def compiled_latents(system: System):
    return jax.jit(rows.solo(lambda key: system.latents(key, CHUNK)))


@functools.lru_cache(maxsize=8)
def compiled_intermediate(system: System):
    return jax.jit(lambda variables, z, inputs: rows.solo(system.intermediate)(variables, z, inputs))


@functools.lru_cache(maxsize=8)
def compiled_invert(system: System):
    return jax.jit(rows.solo(lambda variables, pictures: system.invert(variables, pictures)))


@functools.lru_cache(maxsize=8)
def compiled_decode(system: System):
    def decode(variables, z, inputs, psi):
        return rows.solo(lambda: system.decode(variables, system.truncate(variables, z, psi, inputs), inputs))()

    return jax.jit(decode)


def with_standing_statistics(
    system: System, variables: dict[str, Any], inputs: dict[str, np.ndarray], passes: int, seed: int, psi: float
) -> dict[str, Any]:
    """The variables, on the host, with the generator's statistics those of `passes` batches of fresh latents.

    Raises:
        UserError: the system's generator has none.
    """
    if "batch_stats" not in variables.get("G", {}):
        raise UserError(f"{type(system).__name__}'s generator has no running statistics here: leave standing out")
    key, draw = jax.random.key(np.uint32(seed), impl="threefry2x32"), compiled_latents(system)

    @jax.jit
    def one_pass(variables, z, inputs):
        made = rows.solo(lambda: system.standing(variables, system.truncate(variables, z, psi, inputs), inputs))()
        return {**variables, "G": {**variables["G"], "batch_stats": made["batch_stats"]}}

    for number in range(passes):
        # Not those of the samples of this seed.
        variables = one_pass(variables, draw(jax.random.fold_in(jax.random.fold_in(key, passes), number)), inputs)
    return jax.device_get(variables)
