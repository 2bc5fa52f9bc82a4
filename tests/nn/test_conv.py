import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.nn import Conv, ConvTranspose


def convolution_matrix(kernel: np.ndarray, size: int) -> np.ndarray:
    """C of Y = C X, for X of size x size pixels and a square kernel, stride 1, no padding."""
    window = len(kernel)
    out = size - window + 1
    matrix = np.zeros((out, out, size, size))
    for i in range(out):
        for j in range(out):
            matrix[i, j, i : i + window, j : j + window] = kernel
    return matrix.reshape(out * out, size * size)


def test_a_convolution_is_a_matrix_and_the_transposed_convolution_its_transpose():
    generator = np.random.default_rng(0)
    kernel = generator.standard_normal((3, 3)).astype(np.float32)
    matrix = convolution_matrix(kernel, 4)
    assert matrix.shape == (4, 16)

    x = generator.standard_normal((4, 4)).astype(np.float32)
    variables = {"params": {"kernel": kernel[:, :, None, None]}}
    y = Conv(1, 3, 1, "VALID", use_bias=False).apply(variables, x[None, :, :, None])
    assert y.shape == (1, 2, 2, 1)
    np.testing.assert_allclose(y.ravel(), matrix @ x.ravel(), rtol=1e-5, atol=1e-6)

    small = generator.standard_normal((2, 2)).astype(np.float32)
    variables = {"params": {"kernel": kernel[::-1, ::-1, None, None]}}
    y = ConvTranspose(1, 3, 1, "VALID", use_bias=False).apply(variables, small[None, :, :, None])
    assert y.shape == (1, 4, 4, 1)
    np.testing.assert_allclose(y.ravel(), matrix.T @ small.ravel(), rtol=1e-5, atol=1e-6)


def test_transposed_convolution_scatters_the_kernel():
    """One lit pixel paints the kernel, as it is, `stride` pixels per pixel away."""
    kernel = jnp.arange(1.0, 10.0).reshape(3, 3, 1, 1)
    x = jnp.zeros((1, 2, 2, 1)).at[0, 1, 0, 0].set(1.0)
    y = ConvTranspose(1, 3, 2, "VALID", use_bias=False).apply({"params": {"kernel": kernel[::-1, ::-1]}}, x)
    assert y.shape == (1, 5, 5, 1)
    assert (y[0, 2:5, 0:3, 0] == kernel[:, :, 0, 0]).all()
    assert jnp.sum(y) == 45


@pytest.mark.parametrize(
    ("kernel", "stride", "padding"),
    [(4, 2, "SAME"), (5, 2, "SAME"), (3, 1, "VALID"), ((3, 4), (2, 1), "VALID"), (1, 2, "SAME"), (1, 2, "VALID")],
)
def test_same_parameters_and_values_as_flax(kernel, stride, padding):
    generator = np.random.default_rng(0)
    x = generator.standard_normal((2, 8, 6, 3)).astype(np.float32)
    window = (kernel, kernel) if isinstance(kernel, int) else kernel
    strides = (stride, stride) if isinstance(stride, int) else stride
    pairs = [
        (Conv(5, kernel, stride, padding), nn.Conv(5, window, strides, padding)),
        (ConvTranspose(5, kernel, stride, padding), nn.ConvTranspose(5, window, strides, padding)),
    ]
    for ours, reference in pairs:
        shapes = jax.eval_shape(reference.init, jax.random.key(1), x)
        assert jax.eval_shape(ours.init, jax.random.key(1), x) == shapes
        variables = jax.tree.map(lambda leaf: generator.standard_normal(leaf.shape).astype(np.float32), shapes)
        np.testing.assert_allclose(
            jax.jit(ours.apply)(variables, x), jax.jit(reference.apply)(variables, x), rtol=1e-4, atol=1e-5
        )


@pytest.mark.parametrize(
    ("block", "size", "wanted"),
    [
        (Conv(2, 4, 2, 1), (8, 6), (4, 3)),
        (Conv(2, 4, 2), (8, 6), (4, 3)),
        (Conv(2, 5, 2), (8, 6), (4, 3)),
        (Conv(2, 5, 2, 2), (8, 6), (4, 3)),
        (Conv(2, 3, 1, 1), (8, 6), (8, 6)),
        (Conv(2, 4, 1, "VALID"), (4, 4), (1, 1)),
        (Conv(2, (7, 1), (3, 1), "VALID"), (19, 2), (5, 2)),
        (ConvTranspose(2, 4, 2, 1), (4, 3), (8, 6)),
        (ConvTranspose(2, 4, 2), (4, 3), (8, 6)),
        (ConvTranspose(2, 5, 2), (4, 3), (8, 6)),
        (ConvTranspose(2, 5, 2, 2, output_padding=1), (4, 3), (8, 6)),
        (ConvTranspose(2, 3, 2, 1, output_padding=1), (4, 3), (8, 6)),
        (ConvTranspose(2, 4, 1, "VALID"), (1, 1), (4, 4)),
        (ConvTranspose(2, 4, 1, 0), (1, 1), (4, 4)),
    ],
    ids=str,
)
def test_sizes(block, size, wanted):
    y, _ = jax.eval_shape(block.init_with_output, jax.random.key(0), jnp.ones((1, *size, 3)))
    assert y.shape == (1, *wanted, 2)


def test_output_padding_of_same_is_refused():
    with pytest.raises(ValueError, match="output_padding"):
        ConvTranspose(2, 4, 2, "SAME", output_padding=1).init(jax.random.key(0), jnp.ones((1, 4, 4, 1)))


@pytest.mark.parametrize("block", [Conv(2), ConvTranspose(2)], ids=["Conv", "ConvTranspose"])
def test_bfloat16_computes_narrow_and_keeps_wide_parameters(block):
    x = jax.random.normal(jax.random.key(0), (2, 4, 4, 3))
    narrow = block.clone(dtype=jnp.bfloat16)
    variables = narrow.init(jax.random.key(1), x)
    y = narrow.apply(variables, x)
    assert y.dtype == jnp.bfloat16
    np.testing.assert_allclose(y.astype(jnp.float32), block.apply(variables, x), atol=2e-3)
    gradient = jax.grad(lambda v: jnp.sum(narrow.apply(v, x).astype(jnp.float32)))(variables)
    assert {leaf.dtype for leaf in jax.tree.leaves((variables, gradient))} == {jnp.dtype("float32")}


def test_no_bias_where_none_is_wanted():
    x = jnp.ones((1, 4, 4, 1))
    assert set(Conv(2, use_bias=False).init(jax.random.key(0), x)["params"]) == {"kernel"}
    assert set(ConvTranspose(2, use_bias=False).init(jax.random.key(0), x)["params"]) == {"kernel"}


@pytest.mark.parity
@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "extra"), [(4, 2, 1, 0), (5, 2, 2, 1), (3, 2, 1, 1), (4, 1, 0, 0)]
)
def test_against_pytorch(kernel, stride, padding, extra):
    torch = pytest.importorskip("torch")
    x = jax.random.normal(jax.random.key(0), (2, 6, 8, 3))
    pictures = torch.tensor(np.array(x.transpose(0, 3, 1, 2)))

    block = Conv(5, kernel, stride, padding)
    y, variables = block.init_with_output(jax.random.key(1), x)
    weight = torch.tensor(np.array(variables["params"]["kernel"].transpose(3, 2, 0, 1)))
    wanted = torch.nn.functional.conv2d(pictures, weight, stride=stride, padding=padding)
    np.testing.assert_allclose(y, wanted.permute(0, 2, 3, 1), atol=1e-5)

    block = ConvTranspose(5, kernel, stride, padding, output_padding=extra)
    y, variables = block.init_with_output(jax.random.key(1), x)
    weight = torch.tensor(np.array(variables["params"]["kernel"][::-1, ::-1].transpose(2, 3, 0, 1)))
    wanted = torch.nn.functional.conv_transpose2d(pictures, weight, None, stride, padding, extra)
    np.testing.assert_allclose(y, wanted.permute(0, 2, 3, 1), atol=1e-5)
