"""The StyleGAN2 training step in plain PyTorch, with the shapes, passes and optimisers of `jaxgan.systems.stylegan2`.

What jaxgan's step is timed against, and nothing else: eager, channels_last, without compiled extensions. Modulated convolutions
scale their input and output, as here and in NVIDIA's training; filters are depthwise convolutions.
"""

import itertools
import math

import torch
import torch.nn.functional as F
from torch import nn

from jaxgan.networks.style import channels_of, sides_of

FILTER = torch.outer(torch.tensor([1.0, 3, 3, 1]), torch.tensor([1.0, 3, 3, 1])) / 64


def fir(x: torch.Tensor, before: int, after: int, gain: float = 1) -> torch.Tensor:
    kernel = (gain * FILTER).to(x).expand(x.shape[1], 1, 4, 4)
    return F.conv2d(F.pad(x, (before, after, before, after)), kernel, groups=x.shape[1])


def upsample(x: torch.Tensor) -> torch.Tensor:
    kernel = (4 * FILTER).to(x).expand(x.shape[1], 1, 4, 4)
    return F.conv_transpose2d(x, kernel, stride=2, padding=1, groups=x.shape[1])


def leaky(x: torch.Tensor) -> torch.Tensor:
    return 2**0.5 * F.leaky_relu(x, 0.2)


class Dense(nn.Module):
    def __init__(self, inputs: int, outputs: int, multiplier: float = 1.0, bias: float = 0.0):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / multiplier)
        self.bias = nn.Parameter(torch.full((outputs,), bias / multiplier))
        self.scale, self.multiplier = multiplier / inputs**0.5, multiplier

    def forward(self, x):
        return F.linear(x, self.weight * self.scale, self.bias * self.multiplier)


class Conv(nn.Module):
    def __init__(self, inputs: int, outputs: int, side: int = 3, down: bool = False, bias: bool = True):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, side, side))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        self.scale, self.down, self.side = 1 / (inputs * side * side) ** 0.5, down, side

    def forward(self, x):
        weight = self.weight * self.scale
        if not self.down:
            return F.conv2d(x, weight, self.bias, padding=self.side // 2)
        if self.side == 1:
            return F.conv2d(fir(x, 1, 1)[:, :, ::2, ::2], weight, self.bias)
        return F.conv2d(fir(x, 2, 2), weight, self.bias, stride=2)


class Modulated(nn.Module):
    def __init__(self, inputs: int, outputs: int, style: int, side: int = 3, up: bool = False, colors: bool = False):
        super().__init__()
        self.affine, self.up, self.colors = Dense(style, inputs, bias=1.0), up, colors
        self.weight = nn.Parameter(torch.randn(outputs, inputs, side, side))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.strength = nn.Parameter(torch.zeros(()))

    def forward(self, x, w):
        styles, weight = self.affine(w), self.weight
        if self.colors:
            styles = styles / weight[0].numel() ** 0.5
            return F.conv2d(x * styles[:, :, None, None], weight, self.bias)
        after = torch.rsqrt(styles.square() @ weight.square().sum((2, 3)).T + 1e-8)
        x = x * styles[:, :, None, None]
        if self.up:
            x = fir(F.conv_transpose2d(x, weight.transpose(0, 1), stride=2), 1, 1, 4)
        else:
            x = F.conv2d(x, weight, padding=1)
        noise = torch.randn(len(x), 1, *x.shape[2:], device=x.device) * self.strength
        return leaky(x * after[:, :, None, None] + noise + self.bias[:, None, None])


class Generator(nn.Module):
    def __init__(self, side: int, base: int, width: int, latent: int, style: int, layers: int):
        super().__init__()
        self.mapping = nn.ModuleList(Dense(latent if i == 0 else style, style, 0.01) for i in range(layers))
        sides, channels = sides_of(side), [channels_of(s, base, width) for s in sides_of(side)]
        self.constant = nn.Parameter(torch.randn(1, channels[0], 4, 4))
        before = [channels[0], *channels]
        self.ups = nn.ModuleList(
            Modulated(i, o, style, up=True) for i, o in zip(before[1:], channels[1:], strict=False)
        )
        self.convs = nn.ModuleList(Modulated(c, c, style) for c in channels)
        self.colors = nn.ModuleList(Modulated(c, 3, style, 1, colors=True) for c in channels)
        self.styles = 2 * len(sides)

    def map(self, z):
        x = z * torch.rsqrt(z.square().mean(1, keepdim=True) + 1e-8)
        for layer in self.mapping:
            x = leaky(layer(x))
        return x

    def mixed(self, z, other, cut):
        first, second = self.map(z), self.map(other)
        return torch.stack([first if i < cut else second for i in range(self.styles)], 1)

    def forward(self, ws):
        x, picture, index = self.constant.expand(len(ws), -1, -1, -1), None, 0
        for level, conv in enumerate(self.convs):
            if level:
                x, index = self.ups[level - 1](x, ws[:, index]), index + 1
            x, index = conv(x, ws[:, index]), index + 1
            colors = self.colors[level](x, ws[:, index])
            picture = colors if picture is None else upsample(picture) + colors
        return picture


class Discriminator(nn.Module):
    def __init__(self, side: int, base: int, width: int, group: int):
        super().__init__()
        channels = [channels_of(s, base, width) for s in sides_of(side)[::-1]]
        self.first, self.group = Conv(3, channels[0], 1), group
        pairs = list(itertools.pairwise(channels))
        self.main = nn.ModuleList(nn.ModuleList([Conv(i, i), Conv(i, o, down=True)]) for i, o in pairs)
        self.past = nn.ModuleList(Conv(i, o, 1, down=True, bias=False) for i, o in pairs)
        last = channels[-1]
        self.conv, self.dense, self.out = Conv(last + 1, last), Dense(last * 16, last), Dense(last, 1)

    def forward(self, x):
        x = leaky(self.first(x))
        for (one, two), past in zip(self.main, self.past, strict=True):
            x = 0.5**0.5 * (leaky(two(leaky(one(x)))) + past(x))
        grouped = x.reshape(-1, self.group, *x.shape[1:])
        spread = torch.sqrt(grouped.var(1, unbiased=False) + 1e-8).mean((1, 2, 3)).repeat_interleave(self.group)
        x = torch.cat([x, spread[:, None, None, None].expand(-1, 1, *x.shape[2:])], 1)
        return self.out(leaky(self.dense(leaky(self.conv(x)).flatten(1))))[:, 0]


class StyleGAN2Step:
    """One step: the discriminator's turn, the generator's, and with `lazy` R1 and the path length penalty."""

    def __init__(self, side: int, base: int, width: int, layers: int, lazy: bool):
        torch.manual_seed(0)
        self.G = Generator(side, base, width, width, width, layers).to(memory_format=torch.channels_last)
        self.D = Discriminator(side, base, width, 4).to(memory_format=torch.channels_last)
        self.width, self.lazy, self.mean = width, lazy, torch.zeros(())
        self.g_optimizer = torch.optim.Adam(self.G.parameters(), 2e-3 * 4 / 5, (0.0, 0.99 ** (4 / 5)))
        self.d_optimizer = torch.optim.Adam(self.D.parameters(), 2e-3 * 16 / 17, (0.0, 0.99 ** (16 / 17)))

    def styles(self, count: int) -> torch.Tensor:
        z, other = torch.randn(2, count, self.width, device=self.G.constant.device)
        return self.G.mixed(z, other, int(torch.randint(1, self.G.styles, ())))

    def __call__(self, real: torch.Tensor) -> torch.Tensor:
        """[B, 3, H, W] in [-1, 1], channels_last. Returns the generator's loss, so that the step is complete."""
        with torch.no_grad():
            fake = self.G(self.styles(len(real)))
        logits = self.D(torch.cat([real, fake]))
        self._update(self.d_optimizer, (F.softplus(-logits[: len(real)]) + F.softplus(logits[len(real) :])).mean())
        self.D.requires_grad_(False)
        loss = F.softplus(-self.D(self.G(self.styles(len(real))))).mean()
        self._update(self.g_optimizer, loss)
        self.D.requires_grad_(True)
        if self.lazy:
            real = real.detach().requires_grad_(True)
            (slopes,) = torch.autograd.grad(self.D(real).sum(), real, create_graph=True)
            self._update(self.d_optimizer, 16 * 10 / 2 * slopes.square().sum((1, 2, 3)).mean())
            ws = self.styles(len(real) // 2)
            made = self.G(ws)
            y = torch.randn_like(made) / math.sqrt(made.shape[2] * made.shape[3])
            (slopes,) = torch.autograd.grad((made * y).sum(), ws, create_graph=True)
            lengths = slopes.square().sum(2).mean(1).sqrt()
            self.mean = self.mean.to(lengths) + 0.01 * (lengths.detach().mean() - self.mean.to(lengths))
            self._update(self.g_optimizer, 4 * 2 * (lengths - self.mean).square().mean())
        return loss.detach()

    def _update(self, optimizer: torch.optim.Optimizer, loss: torch.Tensor) -> None:
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
