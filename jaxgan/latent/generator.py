"""The layers of a generator that take its latents: what SeFa and GANSpace look at, found in any system.

A system shows no layers, only `decode`. But its networks are flax modules, whose calls can be watched: the layers are the
calls of modules that own a "kernel", in their order, of which those count whose input differs between two latents (a layer
on the label does not).
"""

import functools
from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import numpy as np
from flax.core import tracers

from jaxgan import conditions, rows
from jaxgan.errors import UserError
from jaxgan.run import Run

CHUNK = 64
"""Latents whose features are computed at a time."""


def first_kernel(run: Run, held: conditions.Given | None = None, space: str = "z") -> np.ndarray:
    """The kernel [D, F] of the first layer that takes the latents, where that is one linear map of the whole latent.

    In "w" it is all layers that take one, side by side: those of the styles (SeFa, section 3.2).

    `held`: what the run's samples are conditioned on meanwhile, as `conditions.held` gives it.

    Raises:
        UserError: the system has no latent space, or the layer is none such.
    """
    if space == "w":
        ws = run.latents(2, space="w", given=held)

        def of_styles(calls):
            return [kernel for kernel, x in calls if x.shape == ws[:, 0].shape and kernel.ndim == 2]

        return np.concatenate(_watched(run, held, of_styles)(ws), 1)
    size = run.latents(1).size
    index = _layers_of_latents(run, held)[:1]
    kernel = _watched(run, held, lambda calls: calls[index[0]][0])(run.latents(2)) if index else np.zeros(0)
    if kernel.ndim != 2 or len(kernel) != size:
        raise UserError(
            f"{type(run.system).__name__}: SeFa needs a first layer that is a linear map of all {size} numbers of a latent, "
            f"and the kernel of the first that takes them is {list(kernel.shape)}: take --method pca"
        )
    return np.asarray(kernel)


def features(run: Run, latents: np.ndarray, held: conditions.Given | None = None) -> np.ndarray:
    """What enters the second layer that takes the latents, [N, F]: the first activation after a nonlinearity.

    Raises:
        UserError: the system has no latent space, or its generator only one layer.
    """
    index = _layers_of_latents(run, held)[1:2]
    if not index:
        raise UserError(
            f"{type(run.system).__name__}: the generator has no second layer, whose input --method pca looks at: take sefa"
        )
    compute = _watched(run, held, lambda calls: calls[index[0]][1])
    short = -len(latents) % CHUNK
    padded = np.concatenate([latents, np.repeat(latents[-1:], short, 0)])
    parts = [np.asarray(compute(padded[i : i + CHUNK]), np.float32) for i in range(0, len(padded), CHUNK)]
    return np.concatenate(parts).reshape(len(padded), -1)[: len(latents)]


def _layers_of_latents(run: Run, held: conditions.Given | None) -> list[int]:
    """Which of the calls of layers have an input that the latents change, in their order."""
    pair = run.latents(2)
    differs = _watched(run, held, lambda calls: [(x[0] != x[1]).any() for _, x in calls])(pair)
    return [index for index, differing in enumerate(differs) if differing]


def _watched(run: Run, held: conditions.Given | None, look: Callable) -> Callable[[np.ndarray], Any]:
    """Jitted: latents [N, ...] to `look([(kernel, input), ...])` of the calls of layers during `decode`."""
    system = run.system
    given = conditions.held(run.record, held or {})

    def decode(variables, z):
        inputs = conditions.complete(run.record, len(z), given)
        calls, here = [], tracers.current_trace()

        def watch(call, args, kwargs, context):
            # What happens within a loop, in a recurrent network that reads a caption, say, is no layer of latents.
            outside = tracers.current_trace() == here
            if (
                outside
                and context.method_name == "__call__"
                and args
                and context.module.has_variable("params", "kernel")
            ):
                calls.append((context.module.get_variable("params", "kernel"), args[0]))
            return call(*args, **kwargs)

        with nn.intercept_methods(watch):
            system.decode(variables, z, inputs)
        return look(calls)

    return functools.partial(jax.jit(rows.solo(decode)), jax.device_put({**run.variables(), **run.frozen}))
