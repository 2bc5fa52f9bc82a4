"""A generator as a program of its own: StableHLO with the weights inside, for a process that has JAX and not jaxgan.

program = jax.export.deserialize(open("generator.stablehlo", "rb").read())
pictures = program.call(z)      # any number of rows, on CPU, GPU and TPU
"""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import jax
import jax.export
import jax.numpy as jnp
import numpy as np

from jaxgan import rows
from jaxgan.cache import expanded, write_for
from jaxgan.errors import UserError, missing_extra

if TYPE_CHECKING:
    from jaxgan.run import Run

PLATFORMS = ("cpu", "cuda", "tpu")


def export_program(run: "Run", out: str | Path, direction: str = "ab") -> tuple[dict[str, str], str]:
    """Write the generator of a run, as `jax.export` serialises it.

    Of latents z [B, ...] it makes pictures float32 [B, H, W, C] in [-1, 1], as `Run.decode` does; of pictures [B, H, W, C] of
    the size that the run was trained on, as `Run.translate` does with seed 0. What else they are made of follows
    (`System.conditions`): a label or a text, int32, say. B is any number.

    Args:
        run: a trained run.
        out: the file, which ends in .stablehlo.
        direction: of a system that turns pictures into pictures.

    Returns:
        Type and shape of each argument, by name and in order, and of what is made.

    Raises:
        UserError: the run makes its pictures of neither latents nor pictures, or does not go in this direction; the file
            cannot be written; the extra [export] is missing.
    """
    out = expanded(out)
    if out.suffix.lower() != ".stablehlo":
        raise UserError(f"--out {out}: it must end in .stablehlo")
    function, arguments = generator(run, direction, _one_after_the_other)
    try:
        import flatbuffers  # noqa: F401
    except ImportError:
        raise missing_extra("flatbuffers", "export", f"writing {out}") from None
    program = jax.export.export(jax.jit(function), platforms=PLATFORMS)(*arguments.values())
    write_for(out, program.serialize())
    (made,) = program.out_avals
    return {name: described(s) for name, s in arguments.items()}, described(made)


def generator(run: "Run", direction: str, mapped: Callable) -> tuple[Callable, dict[str, jax.ShapeDtypeStruct]]:
    """What is exported of a run: a function of arrays alone, with the weights inside, and what it takes, by name and in order.

    Args:
        run: a trained run.
        direction: of a system that turns pictures into pictures.
        mapped: `mapped(one, pictures, inputs)` is how a function `one(number, picture, inputs)` of a picture is one of many.

    Raises:
        UserError: see `export_program`.
    """
    if run.system.directions:
        function, first, shape = _translator(run, direction, mapped)
    else:
        function, first, shape = _decoder(run)
    (count,) = jax.export.symbolic_shape("B")
    arguments = {first: jax.ShapeDtypeStruct((count, *shape), jnp.float32)}
    for name in _conditions(run):
        row = run.record.shapes[name]
        arguments[name] = jax.ShapeDtypeStruct((count, *row.shape), row.dtype)
    return function, arguments


def _conditions(run: "Run") -> list[str]:
    """What the program takes besides latents or pictures."""
    return [name for name in run.system.conditions if not (run.system.directions and name == "input")]


def described(shape: jax.ShapeDtypeStruct) -> str:
    return f"{np.dtype(shape.dtype).name} [{', '.join(map(str, shape.shape))}]"


def _decoder(run: "Run"):
    """The function of (latents, conditions), the name of the first and the shape of a row of it."""
    shape = run.latents(1).shape[1:]
    variables = {**run.variables(), **run.frozen}
    names = _conditions(run)

    def decode(z, *conditions):
        inputs = {name: jnp.zeros((z.shape[0], *s.shape), s.dtype) for name, s in run.record.shapes.items()}
        inputs |= dict(zip(names, conditions, strict=True))
        return rows.solo(lambda: run.system.decode(variables, z, inputs))()

    return decode, "z", shape


def _translator(run: "Run", direction: str, mapped: Callable):
    """The function of (pictures, conditions), as `_decoder`."""
    channels = run.translator(direction).channels  # which says what cannot be done
    variables, key = {**run.variables(), **run.frozen}, jax.random.key(0, impl="threefry2x32")

    names = _conditions(run)

    def one(number, picture, inputs):
        noise = jax.random.fold_in(key, number)
        given = {name: row[None] for name, row in zip(names, inputs, strict=True)}
        translate = functools.partial(run.system.translate, direction=direction, inputs=given)
        return rows.solo(lambda: translate(variables, picture[None], noise)[0])()

    def translate(pictures, *inputs):
        return mapped(one, pictures, inputs)

    return translate, "pictures", (*run.record.source(direction).shape[:2], channels)


def _one_after_the_other(one, pictures, inputs):
    # Not side by side: JAX cannot write a mean over the devices for an unknown number of pictures.
    numbers = jnp.arange(pictures.shape[0], dtype=jnp.uint32)
    return jax.lax.map(lambda row: one(*row), (numbers, pictures, inputs))
