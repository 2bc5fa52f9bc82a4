"""The DCGAN training step in plain PyTorch, with the shapes, passes and optimiser of `jaxgan.systems.dcgan`.

What jaxgan's step is timed against, and nothing else: eager, channels_last.
"""

import torch
from torch import nn
from torch.nn import functional


def generator(width: int, latent_dim: int, doublings: int) -> nn.Sequential:
    features = width * 2 ** (doublings - 1)
    layers = [nn.ConvTranspose2d(latent_dim, features, 4, 1, 0, bias=False), nn.BatchNorm2d(features), nn.ReLU(True)]
    for _ in range(doublings - 1):
        layers += [
            nn.ConvTranspose2d(features, features // 2, 4, 2, 1, bias=False),
            nn.BatchNorm2d(features // 2),
            nn.ReLU(True),
        ]
        features //= 2
    return nn.Sequential(*layers, nn.ConvTranspose2d(features, 3, 4, 2, 1), nn.Tanh())


def discriminator(width: int, halvings: int, norm: bool = True) -> nn.Sequential:
    layers = [nn.Conv2d(3, width, 4, 2, 1), nn.LeakyReLU(0.2, True)]
    for _ in range(halvings - 1):
        layers += [
            nn.Conv2d(width, 2 * width, 4, 2, 1, bias=not norm),
            nn.BatchNorm2d(2 * width) if norm else nn.Identity(),
            nn.LeakyReLU(0.2, True),
        ]
        width *= 2
    return nn.Sequential(*layers, nn.Conv2d(width, 1, 4, 1, 0), nn.Flatten(0))


class ExampleStep:
    """A step with the passes of PyTorch's own DCGAN example: fakes once for both players, real and fake pictures through the
    discriminator one after the other with a backward pass each, and its gradients computed in the generator's turn, too."""

    def __init__(self, width: int, size: int = 64, latent_dim: int = 100):
        step = Step(width, size, latent_dim)
        self.latent_dim, self.G, self.D = latent_dim, step.G, step.D
        self.g_optimizer, self.d_optimizer = step.g_optimizer, step.d_optimizer

    def __call__(self, real: torch.Tensor) -> torch.Tensor:
        """As `Step`."""
        self.d_optimizer.zero_grad(set_to_none=True)
        functional.softplus(-self.D(real)).mean().backward()
        fake = self.G(torch.rand(real.shape[0], self.latent_dim, 1, 1) * 2 - 1)
        functional.softplus(self.D(fake.detach())).mean().backward()
        self.d_optimizer.step()
        self.g_optimizer.zero_grad(set_to_none=True)
        g_loss = functional.softplus(-self.D(fake)).mean()
        g_loss.backward()
        self.g_optimizer.step()
        return g_loss.detach()


class Step:
    """One step: the discriminator on real and fresh fakes, then the generator on fresh fakes. Two generator passes."""

    def __init__(self, width: int, size: int = 64, latent_dim: int = 100):
        torch.manual_seed(0)
        levels = (size // 4).bit_length() - 1
        self.latent_dim = latent_dim
        self.G = generator(width, latent_dim, levels).to(memory_format=torch.channels_last)
        self.D = discriminator(width, levels).to(memory_format=torch.channels_last)
        self.g_optimizer = torch.optim.Adam(self.G.parameters(), 2e-4, (0.5, 0.999))
        self.d_optimizer = torch.optim.Adam(self.D.parameters(), 2e-4, (0.5, 0.999))

    def __call__(self, real: torch.Tensor) -> torch.Tensor:
        """`real`: [B, 3, H, W] in [-1, 1], channels_last. Returns the generator's loss, so that the step is complete."""
        count = real.shape[0]
        with torch.no_grad():
            fake = self.G(torch.rand(count, self.latent_dim, 1, 1) * 2 - 1)
        self.d_optimizer.zero_grad(set_to_none=True)
        d_loss = functional.softplus(-self.D(real)).mean() + functional.softplus(self.D(fake)).mean()
        d_loss.backward()
        self.d_optimizer.step()
        self.g_optimizer.zero_grad(set_to_none=True)
        # The discriminator's own gradients are not needed here, as they are not in jaxgan's step.
        self.D.requires_grad_(False)
        g_loss = functional.softplus(-self.D(self.G(torch.rand(count, self.latent_dim, 1, 1) * 2 - 1))).mean()
        g_loss.backward()
        self.D.requires_grad_(True)
        self.g_optimizer.step()
        return g_loss.detach()
