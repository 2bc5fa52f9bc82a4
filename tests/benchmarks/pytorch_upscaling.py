"""Training steps of networks that enlarge in plain PyTorch, with the shapes and the optimiser of jaxgan's.

What jaxgan's step is timed against, and nothing else: eager, channels_last. A minibatch is a tuple of tensors [B, 3, H, W] in
[-1, 1], channels_last. The step returns its loss as a number, so that it is complete.
"""

from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional


def conv(given: int, made: int, kernel: int = 3, bias: bool = True) -> nn.Conv2d:
    return nn.Conv2d(given, made, kernel, padding=kernel // 2, bias=bias)


class Enlarging(nn.Module):
    """EDSR's generator four times as large (Lim et al. 2017, figures 2 and 3)."""

    def __init__(self, width: int, blocks: int):
        super().__init__()
        self.first, self.after = conv(3, width), conv(width, width)
        self.blocks = nn.ModuleList(
            nn.Sequential(conv(width, width), nn.ReLU(), conv(width, width)) for _ in range(blocks)
        )
        larger = (layer for _ in range(2) for layer in (conv(width, 4 * width), nn.PixelShuffle(2)))
        self.larger = nn.Sequential(*larger, conv(width, 3))

    def forward(self, x):
        mean = 255 * torch.tensor([0.4488, 0.4371, 0.4040]).reshape(1, 3, 1, 1)
        x = first = self.first(127.5 * (x + 1) - mean)
        for block in self.blocks:
            x = x + block(x)
        return (self.larger(first + self.after(x)) + mean) / 127.5 - 1


class SRResNet(nn.Module):
    """SRGAN's generator four times as large (Ledig et al. 2017, figure 4)."""

    def __init__(self, width: int, blocks: int):
        super().__init__()

        def block():
            first = conv(width, width, bias=False), nn.BatchNorm2d(width), nn.PReLU(width)
            return nn.Sequential(*first, conv(width, width, bias=False), nn.BatchNorm2d(width))

        self.first = nn.Sequential(conv(3, width, 9), nn.PReLU(width))
        self.blocks = nn.ModuleList(block() for _ in range(blocks))
        self.after = nn.Sequential(conv(width, width, bias=False), nn.BatchNorm2d(width))
        larger = (m for _ in range(2) for m in (conv(width, 4 * width), nn.PixelShuffle(2), nn.PReLU(width)))
        self.larger = nn.Sequential(*larger, conv(width, 3, 9))

    def forward(self, x):
        x = first = self.first((x + 1) / 2)
        for block in self.blocks:
            x = x + block(x)
        return self.larger(first + self.after(x))


class DenseBlock(nn.Module):
    """Each convolution sees all that comes before it, concatenated (Wang et al. 2018, figure 4)."""

    def __init__(self, width: int, growth: int):
        super().__init__()
        made = [growth] * 4 + [width]
        self.convs = nn.ModuleList(conv(width + i * growth, features) for i, features in enumerate(made))

    def forward(self, x):
        seen = [x]
        for layer in self.convs[:-1]:
            seen.append(functional.leaky_relu(layer(torch.cat(seen, 1)), 0.2))
        return x + 0.2 * self.convs[-1](torch.cat(seen, 1))


class RRDB(nn.Module):
    """ESRGAN's generator four times as large."""

    def __init__(self, width: int, growth: int, blocks: int):
        super().__init__()
        self.first, self.body, self.fine, self.last = (
            conv(3, width),
            conv(width, width),
            conv(width, width),
            conv(width, 3),
        )
        self.blocks = nn.ModuleList(
            nn.Sequential(*(DenseBlock(width, growth) for _ in range(3))) for _ in range(blocks)
        )
        self.larger = nn.ModuleList(conv(width, width) for _ in range(2))

    def forward(self, x):
        x = first = self.first((x + 1) / 2)
        for block in self.blocks:
            x = x + 0.2 * block(x)
        x = first + self.body(x)
        for layer in self.larger:
            x = functional.leaky_relu(layer(functional.interpolate(x, scale_factor=2, mode="nearest")), 0.2)
        return 2 * self.last(functional.leaky_relu(self.fine(x), 0.2)) - 1


class Compact(nn.Module):
    """Real-ESRGAN's small network four times as large."""

    def __init__(self, width: int, layers: int):
        super().__init__()
        inner = (m for _ in range(layers) for m in (conv(width, width), nn.PReLU(width)))
        self.layers = nn.Sequential(conv(3, width), nn.PReLU(width), *inner, conv(width, 48), nn.PixelShuffle(4))

    def forward(self, x):
        return 2 * self.layers((x + 1) / 2) + functional.interpolate(x, scale_factor=4, mode="nearest")


class DistanceStep:
    """The distance to the photograph, one update of Adam: EDSR's step, and the first stage of the GANs."""

    def __init__(self, network: Callable[[], nn.Module], distance: Callable, rate: float):
        torch.manual_seed(0)
        self.G, self.distance = network().to(memory_format=torch.channels_last).train(), distance
        self.optimizer = torch.optim.Adam(self.G.parameters(), rate)

    def __call__(self, minibatch: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        given, target = minibatch
        loss = self.distance(self.G(given), target)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        return loss.detach()
