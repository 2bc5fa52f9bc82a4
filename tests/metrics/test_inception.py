"""FID's InceptionV3 without its weights: its shape, its names, its preprocessing, and what is said of files."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.errors import UserError
from jaxgan.metrics import inception
from jaxgan.metrics.preprocessing import in_chunks, resize_bilinear, rgb
from jaxgan.weights.file import Weights


def names():
    shapes = jax.tree_util.tree_flatten_with_path(inception.variable_shapes())[0]
    return {inception.state_dict_name(tuple(key.key for key in path)): leaf.shape for path, leaf in shapes}


def test_it_has_the_parameters_of_the_published_graph():
    count = sum(leaf.size for leaf in jax.tree.leaves(inception.variable_shapes()["params"]))
    # torchvision's without the auxiliary head has 21,785,568 before its classifier; the bias is not used.
    assert count == 21_785_568 + 2048 * 1008
    results = jax.eval_shape(inception.InceptionV3().apply, inception.variable_shapes(), jnp.zeros((2, 299, 299, 3)))
    assert [result.shape for result in results] == [(2, 2048), (2, 1008)]


def test_names_are_those_of_the_state_dict_one_to_one():
    found = names()
    assert len(found) == len(jax.tree.leaves(inception.variable_shapes())) == 94 * 5 + 1
    assert found["Conv2d_1a_3x3.conv.weight"] == (3, 3, 3, 32)
    assert found["Mixed_6c.branch7x7dbl_3.conv.weight"] == (1, 7, 160, 160)
    assert found["Mixed_7b.branch3x3dbl_3b.bn.running_var"] == (384,)
    assert found["Mixed_7a.branch7x7x3_4.bn.weight"] == (192,)
    assert found["fc.weight"] == (2048, 1008)


def test_variables_come_from_the_tensors_of_their_names(tmp_path):
    tensors = {}
    for number, (name, shape) in enumerate(names().items()):
        order = {4: (3, 2, 0, 1), 2: (1, 0)}.get(len(shape), (0,))
        tensors[name] = np.broadcast_to(np.float32(number), [shape[axis] for axis in order])
        if name.endswith("running_mean"):
            tensors[name.replace("running_mean", "num_batches_tracked")] = np.zeros((), np.float32)
    tensors["fc.bias"] = np.zeros(1008, np.float32)
    variables = inception.inception_variables(Weights(tmp_path / "net.pth", "", tensors))
    kernel = variables["params"]["Mixed_5b"]["branch5x5_2"]["conv"]["kernel"]
    assert kernel.shape == (5, 5, 48, 64)
    assert kernel[0, 0, 0, 0] == tensors["Mixed_5b.branch5x5_2.conv.weight"][0, 0, 0, 0]
    assert variables["batch_stats"]["Mixed_7c"]["branch_pool"]["bn"]["mean"].shape == (192,)
    del tensors["Mixed_6a.branch3x3.bn.bias"]
    with pytest.raises(UserError, match=r"lacks the tensor Mixed_6a\.branch3x3\.bn\.bias"):
        inception.inception_variables(Weights(tmp_path / "net.pth", "", tensors))


def test_average_pooling_does_not_count_the_border():
    np.testing.assert_allclose(inception._average_pool(jnp.ones((1, 4, 5, 2))), np.ones((1, 4, 5, 2)), rtol=1e-6)


def test_resize_by_hand():
    row = jnp.array([0.0, 10.0]).reshape(1, 1, 2, 1)
    tf1 = resize_bilinear(row, 4, "tf1")
    assert tf1.shape == (1, 4, 4, 1)
    assert tf1[0, 2, :, 0].tolist() == [0, 5, 10, 10]
    assert resize_bilinear(row, 4, "pytorch_fid")[0, 0, :, 0].tolist() == [0, 2.5, 7.5, 10]
    column = jnp.arange(4.0).reshape(1, 4, 1, 1)
    assert resize_bilinear(column, 2, "tf1")[0, :, 0, 0].tolist() == [0, 2]
    assert resize_bilinear(column, 2, "pytorch_fid")[0, :, 1, 0].tolist() == [0.5, 2.5]


@pytest.mark.parametrize("resize", ["tf1", "pytorch_fid"])
def test_a_picture_of_the_right_size_is_left_alone(resize):
    picture = np.random.default_rng(0).uniform(size=(1, 7, 7, 3)).astype(np.float32)
    np.testing.assert_array_equal(resize_bilinear(picture, 7, resize), picture)


def test_resize_with_centres_on_centres_is_that_of_jax():
    picture = np.random.default_rng(0).uniform(size=(2, 9, 5, 3)).astype(np.float32)
    for size in (4, 23):
        ours = resize_bilinear(picture, size, "pytorch_fid")
        theirs = jax.image.resize(picture, (2, size, size, 3), "linear", antialias=False)
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_preprocessing_scales_as_the_protocol_says():
    extremes = np.array([0, 255], np.uint8).reshape(2, 1, 1, 1)
    tf1, pytorch = (inception.preprocess(extremes, resize) for resize in ("tf1", "pytorch_fid"))
    assert tf1.shape == (2, 299, 299, 3)
    assert (tf1[0, 0, 0, 0], tf1[1, 298, 298, 2]) == (-1, 127 / 128)
    np.testing.assert_allclose(pytorch[:, 150, 150, 1], [-1, 1], atol=1e-6)


def test_other_channels_are_refused():
    with pytest.raises(UserError, match="grey or RGB"):
        rgb(np.zeros((1, 4, 4, 4)))


def test_chunks_are_the_rows_in_order():
    sizes = []

    def double(x, y):
        sizes.append(len(x))
        return 2 * x, x + y

    rows = np.arange(10.0)
    doubled, sums = in_chunks(double, rows, rows, size=4)
    assert sizes == [4, 4, 2]
    assert doubled.tolist() == sums.tolist() == (2 * rows).tolist()


def test_without_the_file_it_says_where_to_get_it(tmp_path):
    for path in (None, tmp_path / "none.pth"):
        with pytest.raises(UserError) as caught:
            inception.load_inception(path)
        for part in ("mseitzer/pytorch-fid", "pt_inception-2015-12-05-6726825d.pth", "--features-file"):
            assert part in str(caught.value)


def test_another_file_is_refused_by_its_hash(tmp_path):
    path = tmp_path / "pt_inception-2015-12-05-6726825d.pth"
    path.write_bytes(b"something else")
    with pytest.raises(UserError, match=f"SHA-256 is .*, not {inception.SHA256}"):
        inception.load_inception(path)
    with pytest.raises(UserError, match="tf1, pytorch_fid"):
        inception.load_inception(path, resize="bicubic")
