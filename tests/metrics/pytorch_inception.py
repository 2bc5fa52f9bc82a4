"""FID's InceptionV3 in plain PyTorch, stated from its published description with the names of pytorch-fid's state dict.

pytorch-fid and torch-fidelity build theirs upon torchvision, which does not import beside every PyTorch for CPUs.
"""

import torch
import torch.nn.functional as F
from torch import nn


class Unit(nn.Module):
    """Convolution, BatchNorm, ReLU."""

    def __init__(self, inputs, outputs, kernel, stride=1, padding=0):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=0.001)

    def forward(self, x):
        return F.relu(self.bn(self.conv(x)))


def average(x):
    return F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)


class A(nn.Module):
    def __init__(self, inputs, pooled):
        super().__init__()
        self.branch1x1 = Unit(inputs, 64, 1)
        self.branch5x5_1 = Unit(inputs, 48, 1)
        self.branch5x5_2 = Unit(48, 64, 5, padding=2)
        self.branch3x3dbl_1 = Unit(inputs, 64, 1)
        self.branch3x3dbl_2 = Unit(64, 96, 3, padding=1)
        self.branch3x3dbl_3 = Unit(96, 96, 3, padding=1)
        self.branch_pool = Unit(inputs, pooled, 1)

    def forward(self, x):
        five = self.branch5x5_2(self.branch5x5_1(x))
        double = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        return torch.cat([self.branch1x1(x), five, double, self.branch_pool(average(x))], 1)


class B(nn.Module):
    def __init__(self, inputs):
        super().__init__()
        self.branch3x3 = Unit(inputs, 384, 3, stride=2)
        self.branch3x3dbl_1 = Unit(inputs, 64, 1)
        self.branch3x3dbl_2 = Unit(64, 96, 3, padding=1)
        self.branch3x3dbl_3 = Unit(96, 96, 3, stride=2)

    def forward(self, x):
        double = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        return torch.cat([self.branch3x3(x), double, F.max_pool2d(x, 3, stride=2)], 1)


class C(nn.Module):
    def __init__(self, inputs, width):
        super().__init__()
        row, column = {"kernel": (1, 7), "padding": (0, 3)}, {"kernel": (7, 1), "padding": (3, 0)}
        self.branch1x1 = Unit(inputs, 192, 1)
        self.branch7x7_1 = Unit(inputs, width, 1)
        self.branch7x7_2 = Unit(width, width, **row)
        self.branch7x7_3 = Unit(width, 192, **column)
        self.branch7x7dbl_1 = Unit(inputs, width, 1)
        self.branch7x7dbl_2 = Unit(width, width, **column)
        self.branch7x7dbl_3 = Unit(width, width, **row)
        self.branch7x7dbl_4 = Unit(width, width, **column)
        self.branch7x7dbl_5 = Unit(width, 192, **row)
        self.branch_pool = Unit(inputs, 192, 1)

    def forward(self, x):
        single = self.branch7x7_3(self.branch7x7_2(self.branch7x7_1(x)))
        double = self.branch7x7dbl_3(self.branch7x7dbl_2(self.branch7x7dbl_1(x)))
        double = self.branch7x7dbl_5(self.branch7x7dbl_4(double))
        return torch.cat([self.branch1x1(x), single, double, self.branch_pool(average(x))], 1)


class D(nn.Module):
    def __init__(self, inputs):
        super().__init__()
        self.branch3x3_1 = Unit(inputs, 192, 1)
        self.branch3x3_2 = Unit(192, 320, 3, stride=2)
        self.branch7x7x3_1 = Unit(inputs, 192, 1)
        self.branch7x7x3_2 = Unit(192, 192, (1, 7), padding=(0, 3))
        self.branch7x7x3_3 = Unit(192, 192, (7, 1), padding=(3, 0))
        self.branch7x7x3_4 = Unit(192, 192, 3, stride=2)

    def forward(self, x):
        seven = self.branch7x7x3_3(self.branch7x7x3_2(self.branch7x7x3_1(x)))
        return torch.cat(
            [self.branch3x3_2(self.branch3x3_1(x)), self.branch7x7x3_4(seven), F.max_pool2d(x, 3, stride=2)], 1
        )


class E(nn.Module):
    def __init__(self, inputs, pool):
        super().__init__()
        self.pool = pool
        self.branch1x1 = Unit(inputs, 320, 1)
        self.branch3x3_1 = Unit(inputs, 384, 1)
        self.branch3x3_2a = Unit(384, 384, (1, 3), padding=(0, 1))
        self.branch3x3_2b = Unit(384, 384, (3, 1), padding=(1, 0))
        self.branch3x3dbl_1 = Unit(inputs, 448, 1)
        self.branch3x3dbl_2 = Unit(448, 384, 3, padding=1)
        self.branch3x3dbl_3a = Unit(384, 384, (1, 3), padding=(0, 1))
        self.branch3x3dbl_3b = Unit(384, 384, (3, 1), padding=(1, 0))
        self.branch_pool = Unit(inputs, 192, 1)

    def forward(self, x):
        single = self.branch3x3_1(x)
        double = self.branch3x3dbl_2(self.branch3x3dbl_1(x))
        forks = [self.branch3x3_2a(single), self.branch3x3_2b(single)]
        forks += [self.branch3x3dbl_3a(double), self.branch3x3dbl_3b(double)]
        return torch.cat([self.branch1x1(x), *forks, self.branch_pool(self.pool(x))], 1)


class InceptionV3(nn.Module):
    """[B, 3, 299, 299] in [-1, 1] to features [B, 2048] and logits [B, 1008] without bias."""

    def __init__(self):
        super().__init__()
        self.Conv2d_1a_3x3 = Unit(3, 32, 3, stride=2)
        self.Conv2d_2a_3x3 = Unit(32, 32, 3)
        self.Conv2d_2b_3x3 = Unit(32, 64, 3, padding=1)
        self.Conv2d_3b_1x1 = Unit(64, 80, 1)
        self.Conv2d_4a_3x3 = Unit(80, 192, 3)
        self.Mixed_5b = A(192, 32)
        self.Mixed_5c = A(256, 64)
        self.Mixed_5d = A(288, 64)
        self.Mixed_6a = B(288)
        self.Mixed_6b = C(768, 128)
        self.Mixed_6c = C(768, 160)
        self.Mixed_6d = C(768, 160)
        self.Mixed_6e = C(768, 192)
        self.Mixed_7a = D(768)
        self.Mixed_7b = E(1280, average)
        self.Mixed_7c = E(2048, lambda x: F.max_pool2d(x, 3, stride=1, padding=1))
        self.fc = nn.Linear(2048, 1008)

    def forward(self, x):
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x)))
        x = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(F.max_pool2d(x, 3, stride=2)))
        x = F.max_pool2d(x, 3, stride=2)
        for name, block in self.named_children():
            if name.startswith("Mixed"):
                x = block(x)
        features = x.mean((2, 3))
        return features, features @ self.fc.weight.T


def randomise(module: nn.Module, seed: int) -> None:
    """Random weights under which activations neither vanish nor explode: He's deviation, statistics away from 0 and 1."""
    generator = torch.Generator().manual_seed(seed)

    def uniform(tensor, low, high):
        tensor.data.uniform_(low, high, generator=generator)

    for part in module.modules():
        if isinstance(part, nn.Conv2d | nn.Linear):
            fan_in = part.weight[0].numel()
            part.weight.data.normal_(0, (2 / fan_in) ** 0.5, generator=generator)
            if part.bias is not None:
                uniform(part.bias, -0.2, 0.2)
        elif isinstance(part, nn.BatchNorm2d):
            uniform(part.weight, 0.8, 1.2)
            uniform(part.bias, -0.2, 0.2)
            uniform(part.running_mean, -0.2, 0.2)
            uniform(part.running_var, 0.8, 1.2)
