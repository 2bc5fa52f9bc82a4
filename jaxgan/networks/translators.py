"""Generators from picture to picture: how systems pass pictures through one, whichever it is."""

from typing import Annotated, Any

import jax
import jax.numpy as jnp
import tyro

from jaxgan import rows
from jaxgan.networks.transform import Transform
from jaxgan.networks.unet import UNet
from jaxgan.nn import Mode
from jaxgan.training.system import statistics_of

# Which of them is said in a config; the command line changes its fields.
Translator = Annotated[UNet | Transform, tyro.conf.AvoidSubcommands]


def pass_through(
    generator: UNet | Transform,
    variables: dict[str, Any],
    pictures: jax.Array,
    key: jax.Array,
    dtype: jnp.dtype,
    mode: Mode = "batch",
) -> tuple[jax.Array, dict[str, Any]]:
    """The generator's pictures [B, H, W, C] of `pictures` [B, H, W, C], and its new statistics.

    `mode` is that of its norms; with "running" statistics nothing is dropped, otherwise dropout masks come of `key`.
    """
    module = generator.module(pictures.shape[-1], dtype)
    rest = {"mutable": statistics_of(variables), "rngs": {"dropout": key}}
    return module.apply(variables, pictures, mode, mode == "running", **rest)


def translate_each(
    generator: UNet | Transform,
    variables: dict[str, Any],
    pictures: jax.Array,
    key: jax.Array,
    dtype: jnp.dtype,
    mode: Mode = "batch",
) -> jax.Array:
    """`pass_through` with every picture alone in its batch, as in training with batches of one: none shares statistics."""

    def one(picture, index):
        row_key = jax.random.fold_in(key, index)
        return rows.solo(lambda: pass_through(generator, variables, picture[None], row_key, dtype, mode)[0][0])()

    return jax.vmap(one)(pictures, rows.indices(len(pictures)))
