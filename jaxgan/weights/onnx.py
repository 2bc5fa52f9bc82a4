"""A generator as an ONNX model, for programs without Python or JAX: converted by jax2onnx, and run before it is written.

The converter knows primitives of JAX, not all of them and not in all forms. So it is given the generator in the plainest form
that there is (`plain`), and what it made of that is compared with what the run itself makes, in onnxruntime, on the CPU. A
file is written only where they agree.

    session = onnxruntime.InferenceSession("generator.onnx")
    (pictures,) = session.run(None, {"z": z})
"""

import contextlib
import importlib.metadata
import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.extend.core import ClosedJaxpr, JaxprEqn
from jax.extend.core import Literal as Constant

from jaxgan.cache import expanded, write_for
from jaxgan.errors import UserError, missing_extra
from jaxgan.weights.program import described, generator

if TYPE_CHECKING:
    from jaxgan.run import Run

TOLERANCE = 1e-4
"""Between what onnxruntime and what JAX makes; the values of pictures go from -1 to 1."""
COUNT = 2
"""Rows for which they are compared, together and the first alone: some models would be right for one number of rows only."""
INSTEAD = "No file is written. --format stablehlo exports it, for what has JAX"


def export_onnx(run: "Run", out: str | Path, direction: str = "ab") -> tuple[dict[str, str], str]:
    """Write the generator of a run as an ONNX model in float32, in one file, with the weights inside.

    Its inputs are named and shaped as those of `export_program`; its output is called "output". Heights and widths are
    those that the run was trained on, and B is any number. A picture's translation is that of `Run.translate` of this
    picture alone, with seed 0: where there is noise, as the dropout of Pix2Pix, it is part of the model and the same for
    each picture.

    Args:
        run: a trained run.
        out: the file, which ends in .onnx.
        direction: of a system that turns pictures into pictures.

    Returns:
        Type and shape of each input, by name and in order, and of the output.

    Raises:
        UserError: as `export_program`; the extra [onnx] is missing; the converter or onnxruntime does not know something in
            this generator, or what they make of it is not what JAX makes.
    """
    out = expanded(out)
    if out.suffix.lower() != ".onnx":
        raise UserError(f"--out {out}: it must end in .onnx")
    function, arguments = generator(run, direction, _side_by_side)
    with _quiet():
        try:
            from jax2onnx import to_onnx
        except ImportError:
            raise missing_extra("jax2onnx", "onnx", f"writing {out}") from None
        try:
            import onnxruntime
        except ImportError:
            raise missing_extra("onnxruntime", "onnx", f"writing {out}") from None
        name = f"the generator of {type(run.system).__name__}"
        # What the converter cannot do it says by exceptions of any type; what it wrote may be no model to onnxruntime.
        with _refused(f"jax2onnx {importlib.metadata.version('jax2onnx')} cannot convert {name}"):
            simple = plain(function, *arguments.values())
            names = {"input_names": list(arguments), "output_names": ["output"]}
            model = to_onnx(simple, list(arguments.values()), **names).SerializeToString()
        with _refused(f"onnxruntime {onnxruntime.__version__} cannot run what jax2onnx made of {name}"):
            options = onnxruntime.SessionOptions()
            options.log_severity_level = 3  # errors
            session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
            inputs = examples(run, arguments, COUNT)
            found = session.run(None, inputs)[0]
            alone = session.run(None, {name: rows[:1] for name, rows in inputs.items()})[0]
    expected = made_by_the_run(run, inputs, direction)
    for made, wanted in ((found, expected), (alone, expected[:1])):
        off = np.abs(made - wanted).max() if made.shape == wanted.shape else np.inf
        if not off <= TOLERANCE:  # not so of NaN either
            raise UserError(f"what jax2onnx made of {name} is off by {off:.2g} from what JAX makes. {INSTEAD}")
    write_for(out, model)
    (made,) = jax.tree.leaves(jax.eval_shape(function, *arguments.values()))
    return {name: described(s) for name, s in arguments.items()}, described(made)


def plain(function: Callable, *arguments: jax.ShapeDtypeStruct) -> Callable:
    """`function`, which makes one array, in primitives that a converter knows.

    - What does not depend on the arguments is computed now: what noise comes of keys, for instance, which ONNX cannot draw.
    - Of what jaxgan computes in one form on CPU and in another elsewhere (`jaxgan.nn.lowering`), only the latter is left.
    - Functions with derivatives of their own and functions in `jax.jit` become their contents.
    - The kernel of a transposed convolution has its axes where that of a convolution has them.
    """
    closed = jax.make_jaxpr(function)(*arguments)

    def simple(*inputs):
        (made,) = _evaluate(closed, inputs)
        return made

    return simple


def _evaluate(closed: ClosedJaxpr, inputs) -> list[Any]:
    jaxpr = closed.jaxpr
    values = dict(zip((*jaxpr.constvars, *jaxpr.invars), (*closed.consts, *inputs), strict=True))

    def read(atoms):
        return [atom.val if isinstance(atom, Constant) else values[atom] for atom in atoms]

    for equation in jaxpr.eqns:
        values.update(zip(equation.outvars, _made_by(equation, read(equation.invars)), strict=True))
    return read(jaxpr.outvars)


def _made_by(equation: JaxprEqn, given: list[Any]) -> list[Any]:
    primitive, params = equation.primitive, equation.params
    if primitive.name == "platform_index":
        return [None]  # which only the next one reads
    if primitive.name == "cond" and params.get("branches_platforms"):
        return _evaluate(params["branches"][params["branches_platforms"].index(None)], given[1:])
    traced = any(isinstance(x, jax.core.Tracer) for x in given) or primitive.name == "dim_as_value"
    if not traced and all(isinstance(size, int) for variable in equation.outvars for size in variable.aval.shape):
        with jax.ensure_compile_time_eval():
            made = primitive.bind(*given, **params)
        return made if primitive.multiple_results else [made]
    match primitive.name:
        case "jit":
            return _evaluate(params["jaxpr"], given)
        case "custom_jvp_call" | "custom_vjp_call":
            return _evaluate(params["call_jaxpr"], given)
        case "psum" if all(isinstance(axis, int) for axis in params["axes"]):
            return [jnp.sum(x, params["axes"]) for x in given]  # the axis of devices, of which there is one
        case "conv_general_dilated":
            return [_convolved(*given, **params)]
    made = primitive.bind(*given, **params)
    return made if primitive.multiple_results else [made]


def _convolved(x, kernel, *, dimension_numbers, **params):
    """With the kernel as [height, width, in, out]."""
    out, inner, *window = dimension_numbers.rhs_spec
    if not isinstance(kernel, jax.core.Tracer):
        kernel = np.transpose(kernel, (*window, inner, out))
        axes = range(kernel.ndim)
        dimension_numbers = dimension_numbers._replace(rhs_spec=(axes[-1], axes[-2], *axes[:-2]))
    return lax.conv_general_dilated_p.bind(x, kernel, dimension_numbers=dimension_numbers, **params)


def _side_by_side(one, pictures, inputs):
    # All with the first one's noise, which so is a constant.
    return jax.vmap(lambda picture, inputs: one(0, picture, inputs))(pictures, inputs)


def examples(run: "Run", arguments: dict[str, jax.ShapeDtypeStruct], count: int) -> dict[str, np.ndarray]:
    """Random inputs of `count` rows, by name."""
    random, inputs = np.random.default_rng(count), {}
    for name, argument in arguments.items():
        shape = (count, *argument.shape[1:])
        if name == "z":
            made = run.latents(count, seed=count)
        elif name == "pictures":
            made = random.uniform(-1, 1, shape)
        elif np.issubdtype(argument.dtype, np.floating):
            made = random.normal(size=shape)
        elif name == "label":
            made = random.integers(0, 2 if shape[1:] else max(len(run.record.classes), 1), shape)
        else:  # texts of different lengths, with 0 behind the last word
            lengths = random.integers(1, shape[1], (count, 1), endpoint=True)
            made = random.integers(1, max(len(run.record.spec.vocabulary), 1), shape, endpoint=True)
            made = np.where(np.arange(shape[1]) < lengths, made, 0)
        inputs[name] = np.asarray(made, argument.dtype)
    return inputs


def made_by_the_run(run: "Run", inputs: dict[str, np.ndarray], direction: str = "ab") -> np.ndarray:
    """What the model is to make of such inputs, by the run's own methods."""
    # Full float32, which GPUs leave out of convolutions to be faster.
    with jax.default_matmul_precision("highest"):
        if "z" in inputs:
            given = {name: x for name, x in inputs.items() if name != "z"}
            return run.decode(inputs["z"], given=given)
        given = {name: x for name, x in inputs.items() if name != "pictures"}
        each = []
        for i in range(len(inputs["pictures"])):
            alone = {name: x[i : i + 1] for name, x in given.items()}
            each.append(run.translate(inputs["pictures"][i : i + 1], direction, given=alone))
        return np.concatenate(each)


@contextlib.contextmanager
def _refused(what: str):
    """Whatever goes wrong inside, as one sentence."""
    try:
        yield
    except Exception as error:
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise UserError(f"{what}: {reason.rstrip('.')}. {INSTEAD}") from error


@contextlib.contextmanager
def _quiet():
    """Without the converter's warnings, which are about its own work."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
