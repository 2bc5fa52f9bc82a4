"""The convolution and its transpose against those of `lax`: values and derivatives, in float64."""

import jax
import jax.extend
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jaxgan.nn import cpu, lowering

NUMBERS = ("NHWC", "HWIO", "NHWC")
# kernel, stride, padding, input height and width
FEW = [
    ((3, 3), (1, 1), ((1, 1), (1, 1)), (5, 4)),
    ((4, 4), (2, 2), ((1, 1), (1, 1)), (8, 6)),
    ((5, 5), (2, 2), ((1, 2), (1, 2)), (6, 8)),
    ((4, 4), (1, 1), ((0, 0), (0, 0)), (4, 4)),
    ((3, 3), (2, 2), ((0, 1), (1, 0)), (7, 6)),  # the last row is in no window
    ((1, 1), (2, 2), ((0, 0), (0, 0)), (5, 4)),  # the kernel is smaller than the stride
    ((4, 3), (3, 1), ((1, 0), (1, 1)), (8, 3)),
    # Small maps, which are matrix products on CPU.
    ((4, 4), (2, 2), ((1, 1), (1, 1)), (4, 4)),
    ((4, 4), (2, 2), ((1, 1), (1, 1)), (2, 2)),
    ((3, 2), (1, 2), ((1, 1), (0, 1)), (2, 3)),
    ((3, 3), (1, 1), ((-1, -2), (-2, -1)), (7, 7)),  # padding that crops
    # Wide kernels of few features, which are narrow ones of more on CPU.
    ((7, 7), (1, 1), ((3, 3), (3, 3)), (6, 7)),
    ((2, 5), (1, 1), ((2, 1), (-1, 3)), (8, 7)),
    ((5, 4), (1, 1), ((0, 0), (0, 0)), (8, 9)),  # more than 3x3, and no zeros around
    # Blocks of pixels as features; of the first the last row is in no window.
    ((4, 2), (2, 2), ((1, 0), (0, 1)), (8, 7)),
    ((6, 4), (3, 2), ((2, 1), (0, 2)), (12, 8)),
    ((4, 4), (2, 2), ((-1, 0), (2, -1)), (11, 10)),
]
MORE = [
    ((4, 4), (2, 2), ((1, 1), (1, 1)), (8, 6)),
    # Large maps, where pixels that are spread out are features on CPU; at these, each phase begins elsewhere.
    ((4, 4), (2, 2), ((1, 1), (1, 1)), (32, 32)),
    ((6, 4), (3, 2), ((2, 1), (0, 2)), (48, 32)),
    ((2, 2), (2, 1), ((-2, 0), (5, -2)), (34, 20)),
    ((6, 6), (2, 2), ((2, 2), (2, 2)), (8, 8)),  # a small map and a large kernel
    ((1, 1), (1, 1), ((0, 0), (0, 0)), (5, 4)),  # a matrix product on a map of any size
]
# Of many features: a matrix product for each place of the kernel, in its gradient.
MANY = [
    ((3, 3), (1, 1), ((1, 1), (1, 1)), (5, 4)),
    ((3, 2), (2, 2), ((0, 1), (-1, 2)), (7, 6)),  # the last row is in no window
]
# The same, with how many features the input and the output have.
CASES = [(*case, features) for cases, features in ((FEW, (3, 2)), (MORE, (5, 5)), (MANY, (16, 17))) for case in cases]


def reference_conv(x, kernel, stride, padding):
    return lax.conv_general_dilated(x, kernel, stride, padding, dimension_numbers=NUMBERS)


def reference_conv_transpose(x, kernel, stride, padding):
    return lax.conv_transpose(x, kernel, stride, padding, dimension_numbers=NUMBERS)


def derivatives(function, x, kernel, stride, padding):
    """The value, its gradients, and those of a penalty on the gradients."""

    def loss(x, kernel):
        y = function(x, kernel, stride, padding)
        return jnp.sum(y * y * y), y

    def penalty(x, kernel):
        gradients, y = jax.grad(loss, (0, 1), has_aux=True)(x, kernel)
        return sum(jnp.sum(gradient * gradient) for gradient in gradients), (y, gradients)

    quick_to_compile = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}
    return jax.jit(jax.grad(penalty, (0, 1), has_aux=True), compiler_options=quick_to_compile)(x, kernel)


@pytest.mark.parametrize(
    ("ours", "reference"),
    [(lowering.conv, reference_conv), (lowering.conv_transpose, reference_conv_transpose)],
    ids=["conv", "conv_transpose"],
)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_agrees_with_lax_to_the_second_derivative(ours, reference, case):
    window, stride, padding, size, features = case
    generator = np.random.default_rng(0)
    x = generator.standard_normal((2, *size, features[0]))
    kernel = generator.standard_normal((*window, *features))
    with jax.enable_x64(True):
        got = derivatives(ours, x, kernel, stride, padding)
        wanted = derivatives(reference, x, kernel, stride, padding)
    for a, b in zip(jax.tree.leaves(got), jax.tree.leaves(wanted), strict=True):
        assert a.dtype == np.float64
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10 * np.abs(b).max())


def test_third_derivatives_exist():
    x, kernel = jnp.ones((1, 4, 4, 1)), jnp.full((3, 3, 1, 1), 0.1)

    def cube(function):
        def total(kernel):
            return jnp.sum(function(x, kernel, (2, 2), ((1, 1), (1, 1))) ** 3)

        twice = jax.grad(lambda k: jnp.sum(jax.grad(total)(k) ** 2))
        return jax.grad(lambda k: jnp.sum(twice(k) ** 2))(kernel)

    assert jnp.allclose(cube(lowering.conv), cube(reference_conv), rtol=1e-4)
    assert jnp.allclose(cube(lowering.conv_transpose), cube(reference_conv_transpose), rtol=1e-4)


def spread_out(jaxpr) -> int:
    """Convolutions of an input spread out with zeros, in this program and those inside it."""
    count = 0
    for equation in jaxpr.eqns:
        if equation.primitive.name == "conv_general_dilated":
            count += equation.params["lhs_dilation"] != (1, 1)
        count += sum(spread_out(inner) for inner in jax.extend.core.jaxprs_in_params(equation.params))
    return count


@pytest.mark.parametrize(("function", "wanted"), [(lowering.conv_transpose, 1), (reference_conv_transpose, 2)])
def test_the_kernel_gradient_does_not_spread_the_input(function, wanted):
    """Only the forward pass may: for such a kernel gradient XLA's CPU backend has no fast path."""
    x, kernel = jnp.ones((1, 4, 4, 2)), jnp.ones((4, 4, 2, 3))
    gradient = jax.grad(lambda kernel: jnp.sum(function(x, kernel, (2, 2), ((2, 2), (2, 2)))))
    assert spread_out(jax.make_jaxpr(gradient)(kernel).jaxpr) == wanted


def test_half_precision_and_batches_of_batches():
    x = jnp.ones((3, 2, 4, 4, 1), jnp.bfloat16)
    kernel = jnp.ones((4, 4, 1, 2), jnp.bfloat16)

    def loss(kernel, x):
        return jnp.sum(lowering.conv_transpose(x, kernel, (2, 2), ((2, 2), (2, 2)))).astype(jnp.float32)

    assert jax.vmap(jax.grad(loss), (None, 0))(kernel, x).dtype == jnp.bfloat16


def contractions(function, *operands) -> list[str]:
    """What the program for CPU computes with: convolution or dot."""
    text = jax.jit(function).trace(*operands).lower(lowering_platforms=("cpu",)).as_text()
    return [name for name in ("convolution", "dot_general") if f"stablehlo.{name}" in text]


@pytest.mark.parametrize(
    ("size", "rows", "stride", "features"),
    [
        ((8, 8), 33, 2, 3),
        ((17, 16), 150, 2, 3),
        ((128, 128), 3, 2, 3),
        ((33, 32), 9, 1, 2),
        ((80, 80), 3, 1, 1),
    ],
)
def test_the_kernels_gradient_in_groups_of_rows(size, rows, stride, features):
    """The last group is smaller; with 150 rows, groups are larger, to be no more than eight; of large maps, smaller."""
    random = np.random.default_rng(0)
    x, kernel = random.standard_normal((rows, *size, 2)), random.standard_normal((3, 3, 2, features))

    def gradient(conv):
        return jax.jit(jax.grad(lambda k: jnp.sum(conv(x, k, (stride, stride), ((1, 1), (1, 0))) ** 2)))(kernel)

    with jax.enable_x64(True):
        np.testing.assert_allclose(gradient(lowering.conv), gradient(reference_conv), rtol=1e-10)


def test_each_of_the_forms_for_cpu_is_met_here(monkeypatch):
    met, forms = set(), ("_Product", "_Blocks", "_spread", "_swapped", "_by_rows", "_bordered", "_by_places")
    for name in forms:
        form = getattr(cpu, name)
        monkeypatch.setattr(cpu, name, lambda *a, form=form, name=name: met.add(name) or form(*a))
    for window, stride, padding, size, features in CASES:
        for function in (lowering.conv, lowering.conv_transpose):
            loss = lambda x, k: (function(x, k, stride, padding) ** 2).sum()  # noqa: B023, E731
            jax.eval_shape(jax.grad(loss, (0, 1)), jnp.ones((1, *size, features[0])), jnp.ones((*window, *features)))
    assert met == set(forms)


def test_only_small_maps_and_few_features_are_products_and_only_on_cpu():
    def conv(x, kernel):
        return lowering.conv(x, kernel, (2, 2), ((1, 1), (1, 1)))

    for features, size, wanted in ((5, 4, "dot_general"), (5, 8, "convolution"), (4, 8, "dot_general")):
        x, kernel = jnp.ones((1, size, size, features)), jnp.ones((4, 4, features, 2))
        assert contractions(conv, x, kernel) == [wanted]
        elsewhere = jax.jit(conv).trace(x, kernel).lower(lowering_platforms=("tpu",)).as_text()
        assert "stablehlo.convolution" in elsewhere
        assert "stablehlo.dot_general" not in elsewhere
