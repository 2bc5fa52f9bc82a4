"""R3GAN's networks in plain PyTorch, their modules called as in its authors' code, by whose names files are read.

What jaxgan's are compared with, and the step of `tests.benchmarks.pytorch_r3gan` is made of.
"""

import itertools
import math

import torch
import torch.nn.functional as F
from torch import nn

FILTER = torch.outer(torch.tensor([1.0, 3, 3, 1]), torch.tensor([1.0, 3, 3, 1])) / 64


def begun(layer: nn.Module, gain: float = 1.0) -> nn.Module:
    """N(0, gain^2 / fan_in), of one group."""
    nn.init.normal_(layer.weight, 0, gain / layer.weight[0].numel() ** 0.5)
    return layer


class Convolution(nn.Module):
    def __init__(self, inputs: int, outputs: int, side: int, groups: int = 1, gain: float = 1.0):
        super().__init__()
        self.Layer = begun(nn.Conv2d(inputs, outputs, side, padding=side // 2, groups=groups, bias=False), gain)

    def forward(self, x):
        return self.Layer(x)


class BiasedActivation(nn.Module):
    def __init__(self, features: int):
        super().__init__()
        self.Bias = nn.Parameter(torch.zeros(features))

    def forward(self, x):
        return F.leaky_relu(x + self.Bias[:, None, None], 0.2)


class ResidualBlock(nn.Module):
    def __init__(self, features: int, group_width: int, blocks: int):
        super().__init__()
        wide, gain = 2 * features, math.sqrt(2 / 1.04) * blocks**-0.25
        self.LinearLayer1 = Convolution(features, wide, 1, gain=gain)
        self.LinearLayer2 = Convolution(wide, wide, 3, wide // group_width, gain)
        self.LinearLayer3 = Convolution(wide, features, 1, gain=0)
        self.NonLinearity1, self.NonLinearity2 = BiasedActivation(wide), BiasedActivation(wide)

    def forward(self, x):
        y = self.NonLinearity1(self.LinearLayer1(x))
        return x + self.LinearLayer3(self.NonLinearity2(self.LinearLayer2(y)))


class Upsample(nn.Module):
    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.LinearLayer = Convolution(inputs, outputs, 1) if inputs != outputs else None

    def forward(self, x):
        x = x if self.LinearLayer is None else self.LinearLayer(x)
        kernel = (4 * FILTER).to(x).expand(x.shape[1], 1, 4, 4)
        return F.conv_transpose2d(x, kernel, stride=2, padding=1, groups=x.shape[1])


class Downsample(Upsample):
    def forward(self, x):
        x = F.conv2d(x, FILTER.to(x).expand(x.shape[1], 1, 4, 4), stride=2, padding=1, groups=x.shape[1])
        return x if self.LinearLayer is None else self.LinearLayer(x)


class GenerativeBasis(nn.Module):
    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.Basis = nn.Parameter(torch.randn(outputs, 4, 4))
        self.LinearLayer = begun(nn.Linear(inputs, outputs, bias=False))

    def forward(self, z):
        return self.Basis * self.LinearLayer(z)[:, :, None, None]


class DiscriminativeBasis(nn.Module):
    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.Basis = begun(nn.Conv2d(inputs, inputs, 4, groups=inputs, bias=False))
        self.LinearLayer = begun(nn.Linear(inputs, outputs, bias=False))

    def forward(self, x):
        return self.LinearLayer(self.Basis(x)[:, :, 0, 0])


class Stage(nn.Module):
    def __init__(self, *layers: nn.Module):
        super().__init__()
        self.Layers = nn.ModuleList(layers)

    def forward(self, x):
        for layer in self.Layers:
            x = layer(x)
        return x


class Generator(nn.Module):
    """`widths` from the smallest map on."""

    def __init__(self, latent: int, widths: list[int], blocks: int, group_width: int, classes: int, colors: int = 3):
        super().__init__()
        inputs, total = latent * (2 if classes else 1), blocks * len(widths)
        before = [GenerativeBasis(inputs, widths[0]), *(Upsample(a, b) for a, b in itertools.pairwise(widths))]
        self.MainLayers = nn.ModuleList(
            Stage(first, *(ResidualBlock(width, group_width, total) for _ in range(blocks)))
            for first, width in zip(before, widths, strict=True)
        )
        self.AggregationLayer = Convolution(widths[-1], colors, 1)
        self.EmbeddingLayer = begun(nn.Linear(classes, latent, bias=False)) if classes else None

    def forward(self, z, hot=None):
        x = z if hot is None else torch.cat([z, self.EmbeddingLayer(hot)], 1)
        for stage in self.MainLayers:
            x = stage(x)
        return self.AggregationLayer(x)


class Discriminator(nn.Module):
    """`widths` from the smallest map on."""

    def __init__(self, widths: list[int], blocks: int, group_width: int, classes: int, colors: int = 3):
        super().__init__()
        down, total = widths[::-1], blocks * len(widths)
        last = DiscriminativeBasis(widths[0], widths[0] if classes else 1)
        after = [*(Downsample(a, b) for a, b in itertools.pairwise(down)), last]
        self.MainLayers = nn.ModuleList(
            Stage(*(ResidualBlock(width, group_width, total) for _ in range(blocks)), end)
            for end, width in zip(after, down, strict=True)
        )
        self.ExtractionLayer = Convolution(colors, down[0], 1)
        gain = widths[0] ** -0.5
        self.EmbeddingLayer = begun(nn.Linear(classes, widths[0], bias=False), gain) if classes else None

    def forward(self, x, hot=None):
        x = self.ExtractionLayer(x)
        for stage in self.MainLayers:
            x = stage(x)
        return x[:, 0] if hot is None else (x * self.EmbeddingLayer(hot)).sum(1)
