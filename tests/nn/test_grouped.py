"""Convolutions in groups against `lax`'s: values and derivatives to the second order, in float64; and what they cost."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jaxgan.nn import Conv, grouped, lowering
from tests.nn.test_lowering import derivatives

AXES = {1: "W", 2: "HW", 3: "DHW"}
# window, stride, padding, sides, features of input and output, groups
CASES = [
    ((3, 3), (1, 1), ((1, 1), (1, 1)), (5, 4), (6, 9), 3),  # one chunk
    ((3, 2), (2, 1), ((0, 1), (1, 0)), (5, 4), (12, 6), 6),
    ((4, 4), (1, 1), ((0, 0), (0, 0)), (4, 4), (3, 3), 3),  # depthwise, to one pixel
    ((3,), (2,), ((1, 1),), (7,), (4, 8), 2),
    ((2, 3, 3), (1, 2, 2), ((1, 0), (1, 1), (1, 1)), (3, 4, 4), (4, 4), 2),
]


def reference(groups):
    def conv(x, kernel, stride, padding):
        axes = AXES[x.ndim - 2]
        numbers = (f"N{axes}C", f"{axes}IO", f"N{axes}C")
        return lax.conv_general_dilated(
            x, kernel, stride, padding, dimension_numbers=numbers, feature_group_count=groups
        )

    return conv


@pytest.mark.parametrize("chunk", [32, 4])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_agrees_with_lax_to_the_second_derivative(case, chunk, monkeypatch):
    monkeypatch.setattr(grouped, "CHUNK", chunk)
    window, stride, padding, sides, (inputs, outputs), groups = case
    random = np.random.default_rng(0)
    x = random.standard_normal((2, *sides, inputs))
    kernel = random.standard_normal((*window, inputs // groups, outputs))
    ours = lambda *a: lowering.conv(*a, groups)  # noqa: E731
    with jax.enable_x64(True):
        got = derivatives(ours, x, kernel, stride, padding)
        wanted = derivatives(reference(groups), x, kernel, stride, padding)
    for a, b in zip(jax.tree.leaves(got), jax.tree.leaves(wanted), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10 * np.abs(b).max())


def test_one_convolution_for_each_chunk_on_cpu_alone():
    layer = Conv(256, 3, groups=16)
    x = jnp.zeros((1, 8, 8, 256))
    variables = layer.init(jax.random.key(0), x)
    assert variables["params"]["kernel"].shape == (3, 3, 16, 256)
    traced = jax.jit(layer.apply).trace(variables, x)
    on_cpu, elsewhere = (traced.lower(lowering_platforms=(name,)).as_text() for name in ("cpu", "tpu"))
    assert on_cpu.count("stablehlo.convolution") == 8  # of 32 features each
    assert "feature_group_count = 16" not in on_cpu
    assert elsewhere.count("stablehlo.convolution") == 1
    assert "feature_group_count = 16" in elsewhere
