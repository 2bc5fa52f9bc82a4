"""Less memory for more time: what the backward pass needs is computed anew, piece by piece (Chen et al. 2016,
arXiv:1604.06174).

A loss is cut into pieces of about as many bytes each. What passes from one piece to the next is kept; what the backward pass
needs from within a piece it computes again when it comes to it, and drops it before it comes to the next. With n pieces about
1/n of the activations are there at a time, for a second forward pass of all pieces but the last. Since a loss is a pure
function, its program can be cut wherever it is not within a `jax.jit`, a loop or a branch: no network needs to know.
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
        moved = set(program.invars)  # what a gradient can be taken of; of data, loops without end may be run, too
        for equation in program.eqns:
            if any(isinstance(v, core.Var) and v in moved for v in equation.invars):
                moved.update(equation.outvars)
        for number, equations in enumerate(groups):
            made = [v for equation in equations for v in equation.outvars]
            inner = set(made)
            takes = [v for v in _read(equations) if v not in inner]
            gives = [v for v in made if needed.get(v, number) > number]
            piece = core.Jaxpr((), takes, gives, equations, program.effects, unnamed)
            compute = core.jaxpr_as_fun(core.ClosedJaxpr(piece, ()))
            if equations is not groups[-1]:  # what that one keeps is needed at once
                compute = _anew(
                    compute,
                    tuple(v in moved and _is_real(v.aval) for v in takes),
                    tuple(_is_real(v.aval) and (number == 0 or v not in params) for v in takes),
                )
            values.update(zip(gives, compute(*(values[v] for v in takes)), strict=True))
        results = [values[v] if isinstance(v, core.Var) else v.val for v in program.outvars]
        return jax.tree.unflatten(jax.tree.structure(shapes), results)

    return run


def _anew(compute: Callable, moved: tuple[bool, ...], tied: tuple[bool, ...]) -> Callable:
    """`compute`, whose backward pass begins with computing it again; its gradients are by the arguments that are `moved`.

    Not before its turn: the arguments that are `tied` wait for the cotangents.
    """

    @jax.custom_vjp
    def function(*arguments):
        return compute(*arguments)

    def backward(arguments, cotangents):
        waiting = [argument for argument, tie in zip(arguments, tied, strict=True) if tie]
        waited = iter(after(waiting, cotangents))
        arguments = [next(waited) if tie else a for a, tie in zip(arguments, tied, strict=True)]

        def of_moved(*given):
            given = iter(given)
            return compute(*(next(given) if move else a for a, move in zip(arguments, moved, strict=True)))

        _, pull_back = jax.vjp(of_moved, *(a for a, move in zip(arguments, moved, strict=True) if move))
        pulled = iter(pull_back(cotangents))
        return tuple(next(pulled) if move else None for move in moved)

    function.defvjp(lambda *arguments: (compute(*arguments), arguments), backward)
    return function


def after(values: Any, others: Any) -> Any:
    """`values`, with which nothing is computed before all of `others` are there: memory is then needed for one thing at a time.

    That is what `optimization_barrier` is for. XLA's CPU backend takes barriers away before it puts a program in order; there a
    zero that is made of the others is added.
    """
    if not any(_is_real(x) and x.size for x in jax.tree.leaves(others)):
        return values
    return lax.platform_dependent(values, others, cpu=_with_zero, default=_behind_barrier)


def _is_real(x) -> bool:
    """Or complex: whether it has a gradient."""
    return jnp.issubdtype(x.dtype, jnp.inexact)


def _with_zero(values, others):
    firsts = [jnp.abs(x.ravel()[0]).astype(jnp.float32) for x in jax.tree.leaves(others) if _is_real(x) and x.size]
    zero = sum(jnp.minimum(first, 0) for first in firsts)
    return jax.tree.map(lambda value: value + jnp.asarray(zero, value.dtype) if _is_real(value) else value, values)


def _behind_barrier(values, others):
    return lax.optimization_barrier((values, others))[0]


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
