"""Less memory for more time: what the backward pass needs is computed anew, piece by piece (Chen et al. 2016,
arXiv:1604.06174).

A loss is cut into pieces of about as many bytes each. What passes from one piece to the next is kept; what the backward pass
needs from within a piece it computes again when it comes to it, and drops it before it comes to the next. With n pieces about
1/n of the activations are there at a time, for a second forward pass of all pieces but the last. Since a loss is a pure
function, its program can be cut anywhere: no network needs to know.
"""

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.extend import core


def in_pieces(function: Callable, pieces: int) -> Callable:
    """`function` of one pytree, with the same values and gradients."""

    def run(argument):
        closed, shapes = jax.make_jaxpr(function, return_shape=True)(argument)
        program = closed.jaxpr
        given = [*closed.consts, *jax.tree.leaves(argument)]
        values: dict[core.Var, Any] = dict(zip([*program.constvars, *program.invars], given, strict=True))
        groups = _cut(program.eqns, pieces)
        needed = {v: len(groups) for v in program.outvars if isinstance(v, core.Var)}
        for number, equations in reversed(list(enumerate(groups))):
            for variable in _read(equations):
                needed.setdefault(variable, number)
        params = set(program.invars)
        unnamed = program.debug_info._replace(arg_names=None, result_paths=None)
        for number, equations in enumerate(groups):
            made = [v for equation in equations for v in equation.outvars]
            inner = set(made)
            takes = [v for v in _read(equations) if v not in inner]
            gives = [v for v in made if needed.get(v, number) > number]
            piece = core.Jaxpr((), takes, gives, equations, program.effects, unnamed)
            compute = core.jaxpr_as_fun(core.ClosedJaxpr(piece, ()))
            if equations is not groups[-1]:  # what that one keeps is needed at once
                compute = _anew(compute, tuple(number == 0 or v not in params for v in takes))
            values.update(zip(gives, compute(*(values[v] for v in takes)), strict=True))
        results = [values[v] if isinstance(v, core.Var) else v.val for v in program.outvars]
        return jax.tree.unflatten(jax.tree.structure(shapes), results)

    return run


def _anew(compute: Callable, tied: tuple[bool, ...]) -> Callable:
    """`compute`, whose backward pass begins with computing it again.

    Not before its turn: the arguments that are `tied` wait for the cotangents. To do so is what `jax.checkpoint` asks of
    `optimization_barrier`, which XLA's CPU backend takes away before it puts the program in order; there a zero that is made of
    the cotangents is added.
    """

    @jax.custom_vjp
    def function(*arguments):
        return compute(*arguments)

    def backward(arguments, cotangents):
        real = [_is_real(argument) for argument in arguments]
        waiting = [argument for argument, ok, tie in zip(arguments, real, tied, strict=True) if ok and tie]
        waited = iter(lax.platform_dependent(waiting, cotangents, cpu=_with_zero, default=_behind_barrier))
        arguments = [next(waited) if ok and tie else a for a, ok, tie in zip(arguments, real, tied, strict=True)]

        def of_real(*given):
            given = iter(given)
            return compute(*(next(given) if ok else a for a, ok in zip(arguments, real, strict=True)))

        _, pull_back = jax.vjp(of_real, *(a for a, ok in zip(arguments, real, strict=True) if ok))
        pulled = iter(pull_back(cotangents))
        return tuple(next(pulled) if ok else None for ok in real)

    function.defvjp(lambda *arguments: (compute(*arguments), arguments), backward)
    return function


def _is_real(x) -> bool:
    return jnp.issubdtype(x.dtype, jnp.floating)


def _with_zero(values, cotangents):
    zero = sum(jnp.minimum(jnp.abs(c.ravel()[0]), 0).astype(jnp.float32) for c in cotangents if _is_real(c) and c.size)
    return [value + jnp.asarray(zero, value.dtype) for value in values]


def _behind_barrier(values, cotangents):
    return lax.optimization_barrier((values, cotangents))[0]


def _read(equations) -> list[core.Var]:
    """The variables that they read, each once."""
    return list(dict.fromkeys(v for equation in equations for v in equation.invars if isinstance(v, core.Var)))


def _cut(equations: list, pieces: int) -> list[list]:
    """In order, into groups that write about as many bytes."""
    sizes = [sum(math.prod(v.aval.shape) * v.aval.dtype.itemsize for v in e.outvars) for e in equations]
    groups, total, done = [[] for _ in range(pieces)], sum(sizes), 0
    for equation, size in zip(equations, sizes, strict=True):
        groups[min(done * pieces // max(total, 1), pieces - 1)].append(equation)
        done += size
    return [group for group in groups if group]
