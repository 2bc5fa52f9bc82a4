"""The WGAN-GP training step in plain PyTorch, with the shapes, passes and optimiser of `jaxgan.systems.wgan_gp`.

What jaxgan's step is timed against, and nothing else: eager, channels_last.
"""

import torch

from tests.benchmarks.pytorch_dcgan import discriminator, generator


class WGANGPStep:
    """One step: a critic move with the gradient penalty on each of the minibatches, then a generator move."""

    def __init__(self, width: int, size: int = 64, latent_dim: int = 100):
        torch.manual_seed(0)
        levels = (size // 4).bit_length() - 1
        self.latent_dim = latent_dim
        self.G = generator(width, latent_dim, levels).to(memory_format=torch.channels_last)
        self.D = discriminator(width, levels, norm=False).to(memory_format=torch.channels_last)
        self.g_optimizer = torch.optim.Adam(self.G.parameters(), 1e-4, (0.0, 0.9))
        self.d_optimizer = torch.optim.Adam(self.D.parameters(), 1e-4, (0.0, 0.9))

    def latents(self, count: int) -> torch.Tensor:
        return torch.rand(count, self.latent_dim, 1, 1) * 2 - 1

    def __call__(self, *minibatches: torch.Tensor) -> torch.Tensor:
        """Each: [B, 3, H, W] in [-1, 1], channels_last. Returns the generator's loss, so that the step is complete."""
        for real in minibatches:
            with torch.no_grad():
                fake = self.G(self.latents(len(real)))
            share = torch.rand(len(real), 1, 1, 1)
            between = (share * real + (1 - share) * fake).requires_grad_(True)
            (gradient,) = torch.autograd.grad(self.D(between).sum(), between, create_graph=True)
            penalty = ((gradient.square().sum((1, 2, 3)) + 1e-12).sqrt() - 1).square().mean()
            scores = self.D(torch.cat([real, fake]))
            loss = scores[len(real) :].mean() - scores[: len(real)].mean() + 10 * penalty
            self.d_optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self.d_optimizer.step()
        self.g_optimizer.zero_grad(set_to_none=True)
        self.D.requires_grad_(False)
        g_loss = -self.D(self.G(self.latents(len(minibatches[0])))).mean()
        g_loss.backward()
        self.D.requires_grad_(True)
        self.g_optimizer.step()
        return g_loss.detach()
