"""BigGAN's networks in plain PyTorch, their tensors called as in ajbrock's code, by whose names files are read.

What jaxgan's are compared with, and the step of `tests.benchmarks.pytorch_biggan` is made of.
"""

import torch
import torch.nn.functional as F
from torch import nn

from jaxgan.networks.big import DISCRIMINATOR, GENERATOR, SAME


class Spectral(nn.Module):
    """A layer whose weight is divided by its largest singular value, by one turn of power iteration."""

    def begin(self) -> None:
        nn.init.orthogonal_(self.weight)
        self.register_buffer("u0", torch.randn(1, len(self.weight)))
        self.register_buffer("sv0", torch.ones(1))

    def normalised(self) -> torch.Tensor:
        flat = self.weight.flatten(1)
        with torch.no_grad():
            v = F.normalize(self.u0 @ flat)
            u = F.normalize(v @ flat.T)
            if self.training:
                self.u0.copy_(u)
        return self.weight / (v @ flat.T @ u.T)


class Conv(nn.Conv2d, Spectral):
    def __init__(self, inputs: int, outputs: int, side: int, bias: bool = True):
        super().__init__(inputs, outputs, side, padding=side // 2, bias=bias)
        self.begin()

    def forward(self, x):
        return F.conv2d(x, self.normalised(), self.bias, padding=self.padding)


class Dense(nn.Linear, Spectral):
    def __init__(self, inputs: int, outputs: int, bias: bool = True):
        super().__init__(inputs, outputs, bias)
        self.begin()

    def forward(self, x):
        return F.linear(x, self.normalised(), self.bias)


class Embedding(nn.Embedding, Spectral):
    def __init__(self, classes: int, features: int):
        super().__init__(classes, features)
        self.begin()

    def forward(self, labels):
        return F.embedding(labels, self.normalised())


class Statistics(nn.Module):
    def __init__(self, features: int):
        super().__init__()
        self.register_buffer("stored_mean", torch.zeros(features))
        self.register_buffer("stored_var", torch.ones(features))

    def standardised(self, x):
        return F.batch_norm(x, self.stored_mean, self.stored_var, training=self.training)


class ConditionalNorm(Statistics):
    def __init__(self, features: int, condition: int):
        super().__init__(features)
        self.gain, self.bias = Dense(condition, features, False), Dense(condition, features, False)

    def forward(self, x, condition):
        gain, bias = 1 + self.gain(condition), self.bias(condition)
        return self.standardised(x) * gain[:, :, None, None] + bias[:, :, None, None]


class Norm(Statistics):
    def __init__(self, features: int):
        super().__init__(features)
        self.gain, self.bias = nn.Parameter(torch.ones(features)), nn.Parameter(torch.zeros(features))

    def forward(self, x):
        return self.standardised(x) * self.gain[:, None, None] + self.bias[:, None, None]


class Attention(nn.Module):
    def __init__(self, features: int):
        super().__init__()
        self.theta, self.phi = (Conv(features, features // 8, 1, False) for _ in range(2))
        self.g, self.o = Conv(features, features // 2, 1, False), Conv(features // 2, features, 1, False)
        self.gamma = nn.Parameter(torch.zeros(()))

    def forward(self, x):
        theta, phi, g = self.theta(x), F.max_pool2d(self.phi(x), 2), F.max_pool2d(self.g(x), 2)
        shares = torch.softmax(theta.flatten(2).transpose(1, 2) @ phi.flatten(2), -1)
        seen = (g.flatten(2) @ shares.transpose(1, 2)).reshape(len(x), -1, *x.shape[2:])
        return x + self.gamma * self.o(seen)


class Up(nn.Module):
    def __init__(self, inputs: int, outputs: int, condition: int):
        super().__init__()
        self.conv1, self.conv2 = Conv(inputs, outputs, 3), Conv(outputs, outputs, 3)
        self.conv_sc = Conv(inputs, outputs, 1)
        self.bn1, self.bn2 = ConditionalNorm(inputs, condition), ConditionalNorm(outputs, condition)

    def forward(self, x, condition):
        y = self.conv1(F.interpolate(F.relu(self.bn1(x, condition)), scale_factor=2))
        y = self.conv2(F.relu(self.bn2(y, condition)))
        return y + self.conv_sc(F.interpolate(x, scale_factor=2))


class Down(nn.Module):
    def __init__(self, inputs: int, outputs: int, first: bool, down: bool):
        super().__init__()
        self.first, self.down = first, down
        self.conv1, self.conv2 = Conv(inputs, outputs, 3), Conv(outputs, outputs, 3)
        self.conv_sc = Conv(inputs, outputs, 1) if down or inputs != outputs else nn.Identity()

    def forward(self, x):
        y = self.conv2(F.relu(self.conv1(x if self.first else F.relu(x))))
        if not self.down:
            return y + self.conv_sc(x)
        y = F.avg_pool2d(y, 2)
        return y + (self.conv_sc(F.avg_pool2d(x, 2)) if self.first else F.avg_pool2d(self.conv_sc(x), 2))


class Generator(nn.Module):
    """With hierarchical latents where `hierarchical`."""

    def __init__(self, side, width, latent, shared, classes, attention=0, hierarchical=True, colors=3):
        super().__init__()
        first, *features = (width * share for share in GENERATOR[side])
        self.chunks = len(features) + 1 if hierarchical else 1
        chunk = latent // self.chunks
        condition = shared + (chunk if hierarchical else 0)
        self.shared = nn.Embedding(classes, shared)
        self.linear = Dense(chunk, 16 * first)
        self.blocks, before, now = nn.ModuleList(), first, 4
        for out in features:
            now *= 2
            block = [Up(before, out, condition)] + ([Attention(out)] if now == attention else [])
            self.blocks.append(nn.ModuleList(block))
            before = out
        self.output_layer = nn.Sequential(Norm(before), nn.ReLU(), Conv(before, colors, 3))

    def forward(self, z, labels):
        y, parts = self.shared(labels), z.chunk(self.chunks, 1)
        x = self.linear(parts[0]).reshape(len(z), -1, 4, 4)
        for number, (block, *attention) in enumerate(self.blocks):
            condition = torch.cat([y, parts[number + 1]], 1) if self.chunks > 1 else y
            x = block(x, condition)
            for layer in attention:
                x = layer(x)
        return torch.tanh(self.output_layer(x))


class Discriminator(nn.Module):
    def __init__(self, side, width, classes, attention=0, colors=3):
        super().__init__()
        features = [width * share for share in DISCRIMINATOR[side]]
        self.blocks, before, now = nn.ModuleList(), colors, side
        for number, out in enumerate(features):
            down = number < len(features) - SAME.get(side, 1)
            now = now // 2 if down else now
            block = [Down(before, out, number == 0, down)] + ([Attention(out)] if down and now == attention else [])
            self.blocks.append(nn.ModuleList(block))
            before = out
        self.linear, self.embed = Dense(before, 1), Embedding(classes, before)

    def forward(self, x, labels):
        for block in self.blocks:
            for layer in block:
                x = layer(x)
        features = F.relu(x).sum((2, 3))
        return self.linear(features)[:, 0] + (self.embed(labels) * features).sum(1)
