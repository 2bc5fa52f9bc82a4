"""The training steps of Pix2Pix, CycleGAN and StarGAN in plain PyTorch, with the shapes, passes and optimisers of jaxgan's.

What jaxgan's steps are timed against, and nothing else: eager, channels_last. A minibatch is a tuple of tensors; pictures
are [B, 3, H, W] in [-1, 1], channels_last. Each step returns a loss as a number, so that it is complete.
"""

import itertools
import random

import torch
from torch import nn
from torch.nn import functional

from tests.weights import pytorch_networks as networks


def ready(network: nn.Module) -> nn.Module:
    return network.to(memory_format=torch.channels_last).train()


def adam(*players: nn.Module, rate: float = 2e-4) -> torch.optim.Adam:
    return torch.optim.Adam(itertools.chain(*(p.parameters() for p in players)), rate, (0.5, 0.999))


def learn(optimizer: torch.optim.Optimizer, loss: torch.Tensor) -> None:
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()


class Pix2PixStep:
    """The discriminator on the real pair and a fake one, then the generator with a fake of its own: two generator passes."""

    def __init__(self, width: int, size: int):
        torch.manual_seed(0)
        self.G = ready(networks.unet(size.bit_length() - 1, width, dropout=True))
        self.D = ready(networks.patch(3, width, channels=6))
        self.g_optimizer, self.d_optimizer = adam(self.G), adam(self.D)

    def __call__(self, minibatch: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        given, target = minibatch
        with torch.no_grad():
            fake = self.G(given)
        real_logits, fake_logits = self.D(torch.cat([given, target], 1)), self.D(torch.cat([given, fake], 1))
        d_loss = 0.5 * (functional.softplus(-real_logits).mean() + functional.softplus(fake_logits).mean())
        learn(self.d_optimizer, d_loss)
        # The discriminator's own gradients are not needed here, as they are not in jaxgan's step.
        self.D.requires_grad_(False)
        fake = self.G(given)
        logits = self.D(torch.cat([given, fake], 1))
        g_loss = functional.softplus(-logits).mean() + 100 * (fake - target).abs().mean()
        learn(self.g_optimizer, g_loss)
        self.D.requires_grad_(True)
        return g_loss.detach()


class Pool:
    """The last translations, from which half of what is shown comes."""

    def __init__(self, size: int = 50):
        self.size, self.pictures = size, []

    def exchange(self, fakes: torch.Tensor) -> torch.Tensor:
        shown = []
        for fake in fakes.detach():
            if len(self.pictures) < self.size:
                self.pictures.append(fake)
            elif random.random() < 0.5:
                place = random.randrange(self.size)
                fake, self.pictures[place] = self.pictures[place], fake
            shown.append(fake)
        return torch.stack(shown).contiguous(memory_format=torch.channels_last)


class CycleGANStep:
    """Both cycles for the generators, then both judges on the same translations, or older ones: four generator passes."""

    def __init__(self, width: int, blocks: int):
        torch.manual_seed(0)
        self.G, self.F = (ready(networks.resnet(blocks, width)) for _ in range(2))
        self.D_X, self.D_Y = (ready(networks.patch(3, width, "instance")) for _ in range(2))
        self.g_optimizer, self.d_optimizer = adam(self.G, self.F), adam(self.D_X, self.D_Y)
        self.pools = Pool(), Pool()

    def __call__(self, minibatch: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        x, y = minibatch
        judges = self.D_X, self.D_Y
        for judge in judges:
            judge.requires_grad_(False)
        fakes = self.F(y), self.G(x)
        cycles = (self.F(fakes[1]) - x).abs().mean() + (self.G(fakes[0]) - y).abs().mean()
        fooled = sum((judge(fake) - 1).square().mean() for judge, fake in zip(judges, fakes, strict=True))
        learn(self.g_optimizer, fooled + 10 * cycles)
        d_loss = 0
        for judge, pool, real, fake in zip(judges, self.pools, minibatch, fakes, strict=True):
            judge.requires_grad_(True)
            scores = judge(torch.cat([real, pool.exchange(fake)]))
            d_loss += 0.5 * ((scores[: len(real)] - 1).square().mean() + scores[len(real) :].square().mean())
        learn(self.d_optimizer, d_loss)
        return d_loss.detach()


class StarGANDiscriminator(networks.StarganDiscriminator):
    """The shared layers once for both heads."""

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x = self.main(x)
        return self.conv1(x), self.conv2(x).flatten(1)


class StarGANStep:
    """A discriminator move with the gradient penalty on each of the minibatches, then a generator move."""

    def __init__(self, width: int, size: int, labels: int):
        torch.manual_seed(0)
        self.G = networks.stargan_generator(6, width, labels)
        for module in self.G.modules():
            if isinstance(module, nn.InstanceNorm2d):  # jaxgan's has no running statistics
                module.track_running_stats, module.running_mean, module.running_var = False, None, None
                module.num_batches_tracked = None
        self.G, self.D = ready(self.G), ready(StarGANDiscriminator(size, 6, width, labels))
        self.g_optimizer, self.d_optimizer = adam(self.G, rate=1e-4), adam(self.D, rate=1e-4)

    def translate(self, pictures: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        planes = labels[:, :, None, None].expand(-1, -1, *pictures.shape[2:])
        return self.G(torch.cat([pictures, planes], 1))

    def __call__(self, *minibatches: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        """Each: pictures, and labels [B, labels] that are 0 or 1."""
        for real, labels in minibatches:
            with torch.no_grad():
                fake = self.translate(real, labels[torch.randint(len(labels), (len(labels),))])
            scores, logits = self.D(torch.cat([real, fake]))
            share = torch.rand(len(real), 1, 1, 1)
            between = (share * real + (1 - share) * fake).requires_grad_(True)
            (gradient,) = torch.autograd.grad(self.D(between)[0].sum(), between, create_graph=True)
            penalty = ((gradient.square().sum((1, 2, 3)) + 1e-12).sqrt() - 1).square().mean()
            distance = scores[: len(real)].mean() - scores[len(real) :].mean()
            learn(self.d_optimizer, 10 * penalty - distance + self.classification(logits[: len(real)], labels))
        real, labels = minibatches[0]
        targets = labels[torch.randint(len(labels), (len(labels),))]
        self.D.requires_grad_(False)
        fake = self.translate(real, targets)
        scores, logits = self.D(fake)
        back = (self.translate(fake, labels) - real).abs().mean()
        g_loss = self.classification(logits, targets) - scores.mean() + 10 * back
        learn(self.g_optimizer, g_loss)
        self.D.requires_grad_(True)
        return g_loss.detach()

    def classification(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return functional.binary_cross_entropy_with_logits(logits, labels, reduction="none").sum(1).mean()
