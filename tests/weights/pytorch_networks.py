"""The networks of pytorch-CycleGAN-and-pix2pix, PyTorch's DCGAN example and StarGAN in plain PyTorch.

Stated from the papers' appendices, with the names of those state dicts: the numbers of layers in (nested) nn.Sequentials.
"""

import torch
from torch import nn


class Whole(nn.Module):
    """Layers one after the other, under one name."""

    def __init__(self, layers, name="model"):
        super().__init__()
        self.name = name
        setattr(self, name, nn.Sequential(*layers))

    def forward(self, x):
        return getattr(self, self.name)(x)


class Block(Whole):
    """What it was given beside what its layers make of it: a level of a U-Net but the outermost."""

    def forward(self, x):
        return torch.cat([x, super().forward(x)], 1)


class Residual(Whole):
    """The sum of both."""

    def forward(self, x):
        return x + super().forward(x)


def norm(kind, channels):
    return nn.BatchNorm2d(channels) if kind == "batch" else nn.InstanceNorm2d(channels)


def unet(levels, width=4, kind="batch", channels=3, dropout=False):
    """U-Net; its levels from the innermost to the outermost. A bias wherever no BatchNorm follows by design."""
    bias = kind != "batch"
    widths = [channels] + [width * min(2**level, 8) for level in range(levels)]
    inside = None
    for level in reversed(range(levels)):
        outer, inner = widths[level : level + 2]
        down = [nn.Conv2d(outer, inner, 4, 2, 1, bias=bias)]
        if level:
            down = [nn.LeakyReLU(0.2), *down]
        if inside is not None:
            down += [norm(kind, inner)] if level else []
            down += [inside]
        made = inner if inside is None else 2 * inner
        up = [nn.ReLU(), nn.ConvTranspose2d(made, outer, 4, 2, 1, bias=bias or not level)]
        up += [norm(kind, outer)] if level else [nn.Tanh()]
        if dropout and 4 <= level < levels - 1:
            up += [nn.Dropout(0.5)]
        inside = (Block if level else Whole)([*down, *up])
    generator = nn.Module()
    generator.model, generator.forward = inside, inside.forward
    return generator


def resnet(blocks, width=4, kind="instance", channels=3, dropout=False):
    """c7s1-k, d2k, d4k, residual blocks of 4k, u2k, uk, c7s1-3."""
    bias = kind != "batch"
    layers = [nn.ReflectionPad2d(3), nn.Conv2d(channels, width, 7, bias=bias), norm(kind, width), nn.ReLU()]
    for _ in range(2):
        layers += [nn.Conv2d(width, 2 * width, 3, 2, 1, bias=bias), norm(kind, 2 * width), nn.ReLU()]
        width *= 2
    for _ in range(blocks):
        half = lambda: [nn.ReflectionPad2d(1), nn.Conv2d(width, width, 3, bias=bias), norm(kind, width)]  # noqa: E731
        dropped = [nn.Dropout(0.5)] if dropout else []
        layers.append(Residual([*half(), nn.ReLU(), *dropped, *half()], "conv_block"))
    for _ in range(2):
        up = nn.ConvTranspose2d(width, width // 2, 3, 2, 1, output_padding=1, bias=bias)
        width //= 2
        layers += [up, norm(kind, width), nn.ReLU()]
    return Whole([*layers, nn.ReflectionPad2d(3), nn.Conv2d(width, channels, 7), nn.Tanh()])


def patch(halvings, width=4, kind="batch", channels=3):
    """PatchGAN with so many halvings."""
    bias = kind != "batch"
    layers = [nn.Conv2d(channels, width, 4, 2, 1), nn.LeakyReLU(0.2)]
    before = width
    for level in range(1, halvings + 1):
        after, stride = width * min(2**level, 8), 2 if level < halvings else 1
        layers += [nn.Conv2d(before, after, 4, stride, 1, bias=bias), norm(kind, after), nn.LeakyReLU(0.2)]
        before = after
    return Whole([*layers, nn.Conv2d(before, 1, 4, 1, 1)])


def pixel(width=4, kind="batch", channels=3):
    """The PatchGAN whose patches are pixels."""
    bias = kind != "batch"
    layers = [nn.Conv2d(channels, width, 1), nn.LeakyReLU(0.2), nn.Conv2d(width, 2 * width, 1, bias=bias)]
    return Whole([*layers, norm(kind, 2 * width), nn.LeakyReLU(0.2), nn.Conv2d(2 * width, 1, 1, bias=bias)], "net")


def dcgan_generator(doublings, width=4, latent=10, channels=3):
    """From z [B, latent, 1, 1] to 4x4, and doublings."""
    layers, before = [], latent
    for level in range(doublings):
        after = width * 2 ** (doublings - 1 - level)
        stride, padding = (2, 1) if level else (1, 0)
        layers += [nn.ConvTranspose2d(before, after, 4, stride, padding, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
        before = after
    return Whole([*layers, nn.ConvTranspose2d(before, channels, 4, 2, 1, bias=False), nn.Tanh()], "main")


def dcgan_discriminator(doublings, width=4, channels=3):
    """Halvings to 4x4, and one number [B, 1, 1, 1] in (0, 1)."""
    layers, before = [nn.Conv2d(channels, width, 4, 2, 1, bias=False), nn.LeakyReLU(0.2)], width
    for _ in range(1, doublings):
        layers += [nn.Conv2d(before, 2 * before, 4, 2, 1, bias=False), nn.BatchNorm2d(2 * before), nn.LeakyReLU(0.2)]
        before *= 2
    return Whole([*layers, nn.Conv2d(before, 1, 4, 1, 0, bias=False), nn.Sigmoid()], "main")


def tracked(channels):
    return nn.InstanceNorm2d(channels, affine=True, track_running_stats=True)


def stargan_generator(blocks, width=4, labels=5, channels=3):
    """c7s1-k, d2k, d4k, residual blocks of 4k, u2k, uk, c7s1-3, of a picture and planes of labels; borders are zeros."""
    layers = [nn.Conv2d(channels + labels, width, 7, 1, 3, bias=False), tracked(width), nn.ReLU()]
    for _ in range(2):
        layers += [nn.Conv2d(width, 2 * width, 4, 2, 1, bias=False), tracked(2 * width), nn.ReLU()]
        width *= 2
    for _ in range(blocks):
        half = lambda: [nn.Conv2d(width, width, 3, 1, 1, bias=False), tracked(width)]  # noqa: E731
        layers.append(Residual([*half(), nn.ReLU(), *half()], "main"))
    for _ in range(2):
        layers += [nn.ConvTranspose2d(width, width // 2, 4, 2, 1, bias=False), tracked(width // 2), nn.ReLU()]
        width //= 2
    return Whole([*layers, nn.Conv2d(width, channels, 7, 1, 3, bias=False), nn.Tanh()], "main")


class StarganDiscriminator(Whole):
    """Halvings, then a map of scores and one number for each label."""

    def __init__(self, size, halvings, width=4, labels=5, channels=3):
        layers = []
        for level in range(halvings):
            layers += [nn.Conv2d(channels, width << level, 4, 2, 1), nn.LeakyReLU(0.01)]
            channels = width << level
        super().__init__(layers, "main")
        self.conv1 = nn.Conv2d(channels, 1, 3, 1, 1, bias=False)
        self.conv2 = nn.Conv2d(channels, labels, size >> halvings, bias=False)

    def forward(self, x):
        return self.conv1(super().forward(x)), self.conv2(super().forward(x))


def randomise(network, seed=0):
    """Weights that keep the scale of what passes through, and running statistics that no layer begins with."""
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                inputs = module.in_channels * module.kernel_size[0] * module.kernel_size[1]
                if isinstance(module, nn.ConvTranspose2d):
                    inputs /= module.stride[0] ** 2
                module.weight.normal_(0, (2 / inputs) ** 0.5, generator=random)
                if module.bias is not None:
                    module.bias.normal_(0, 0.3, generator=random)
            elif isinstance(module, nn.BatchNorm2d) or getattr(module, "affine", False):
                module.weight.normal_(1, 0.2, generator=random)
                module.bias.normal_(0, 0.3, generator=random)
                module.running_mean.normal_(0, 0.3, generator=random)
                module.running_var.uniform_(0.5, 2, generator=random)
    return network.eval()
