"""Inception, VGG16 and LPIPS beside plain PyTorch with the same weights, through files as a person would have them."""

import hashlib

import numpy as np
import pytest

from jaxgan.metrics import inception, lpips, vgg
from jaxgan.metrics.preprocessing import resize_bilinear

pytestmark = pytest.mark.parity

PICTURES = np.random.default_rng(0).integers(0, 256, (2, 40, 32, 3), dtype=np.uint8)


def channels_first(pictures):
    import torch

    return torch.from_numpy(np.ascontiguousarray(pictures.transpose(0, 3, 1, 2)))


def tensorflow1_resize(pictures, size):
    """Of uint8 pictures, [B, 3, size, size]: each output pixel from its two by two neighbours, line by line."""
    import torch

    x = channels_first(pictures).double()

    def along(x, axis):
        count = x.shape[axis]
        lines = []
        for i in range(size):
            place = i * count / size
            low = int(place)
            below, above = x.select(axis, low), x.select(axis, min(low + 1, count - 1))
            lines.append(below * (1 - place + low) + above * (place - low))
        return torch.stack(lines, axis)

    return along(along(x, 2), 3).float()


def close(found, expected):
    """Largest difference relative to the largest value, which must be neither 0 nor huge."""
    expected = expected.detach().numpy()
    assert 1e-2 < np.abs(expected).max() < 1e3
    assert expected.std() > 1e-3
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-3 * np.abs(expected).max())


def test_inception(tmp_path, monkeypatch):
    import torch

    from tests.metrics.pytorch_inception import InceptionV3, randomise

    network = InceptionV3().eval()
    randomise(network, 0)
    path = tmp_path / "inception.pth"
    torch.save(network.state_dict(), path)
    monkeypatch.setattr(inception, "SHA256", hashlib.sha256(path.read_bytes()).hexdigest())
    ours = inception.load_inception(path)
    features, logits = ours.apply(PICTURES)
    with torch.no_grad():
        expected = network((tensorflow1_resize(PICTURES, 299) - 128) / 128)
    close(features, expected[0])
    close(logits, expected[1])
    assert (ours.dimensions, logits.shape) == (2048, (2, 1008))


def test_resize_is_that_of_pytorch():
    import torch.nn.functional as F

    ours = resize_bilinear(PICTURES.astype(np.float32), 299, "pytorch_fid")
    theirs = F.interpolate(channels_first(PICTURES).float(), size=(299, 299), mode="bilinear", align_corners=False)
    np.testing.assert_allclose(ours, theirs.permute(0, 2, 3, 1), atol=1e-3)
    shrunk = resize_bilinear(PICTURES.astype(np.float32), 13, "pytorch_fid")
    theirs = F.interpolate(channels_first(PICTURES).float(), size=(13, 13), mode="bilinear", align_corners=False)
    np.testing.assert_allclose(shrunk, theirs.permute(0, 2, 3, 1), atol=1e-3)


def pytorch_vgg16(classifier):
    """With the names of torchvision's state dict."""
    from torch import nn

    from tests.metrics.pytorch_inception import randomise

    layers, inputs = [], 3
    for channels, convolutions in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(convolutions):
            layers += [nn.Conv2d(inputs, channels, 3, padding=1), nn.ReLU()]
            inputs = channels
        layers.append(nn.MaxPool2d(2))
    parts = {"features": nn.Sequential(*layers)}
    if classifier:
        dense = [nn.Linear(25088, 4096), nn.ReLU(), nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU()]
        parts["classifier"] = nn.Sequential(*dense, nn.Dropout(), nn.Linear(4096, 10))
    network = nn.ModuleDict(parts).eval()
    randomise(network, 1)
    return network


def imagenet(x):
    """Of pictures in [0, 1], [B, 3, H, W]."""
    import torch

    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    return (x - mean[:, None, None]) / deviation[:, None, None]


def test_vgg16_with_its_classifier(tmp_path):
    import torch

    network = pytorch_vgg16(classifier=True)
    torch.save(network.state_dict(), tmp_path / "vgg16.pth")
    ours = vgg.load_vgg16(tmp_path / "vgg16.pth")
    assert (ours.name, ours.dimensions) == ("vgg16-fc2", 4096)
    with torch.no_grad():
        maps = network["features"](imagenet(tensorflow1_resize(PICTURES, 224) / 255))
        expected = network["classifier"][:5](maps.flatten(1))
    found, logits = ours.apply(PICTURES)
    assert logits is None
    close(found, expected)


def test_lpips(tmp_path):
    import torch

    network = pytorch_vgg16(classifier=False)
    torch.save(network.state_dict(), tmp_path / "vgg16.pth")
    distance = lpips.load_lpips(tmp_path / "vgg16.pth")
    heads = [torch.from_numpy(head) for head in lpips.read_heads().values()]
    others = PICTURES[:, ::-1].copy()

    def unit_maps(pictures):
        x, maps = imagenet(channels_first(pictures) / 255), []
        for number, layer in enumerate(network["features"]):
            x = layer(x)
            if number in (3, 8, 15, 22, 29):  # relu1_2, relu2_2, relu3_3, relu4_3, relu5_3
                maps.append(x / (x.square().sum(1, keepdim=True).sqrt() + 1e-10))
        return maps

    with torch.no_grad():
        expected = 0
        for head, a, b in zip(heads, unit_maps(PICTURES), unit_maps(others), strict=True):
            expected += (head[:, None, None] * (a - b).square()).sum(1).mean((1, 2))
    np.testing.assert_allclose(distance(PICTURES, others), expected, rtol=1e-3)
    assert expected.min() > 0.05
