"""The R3GAN training step in plain PyTorch, with the shapes, passes and optimisers of `jaxgan.systems.r3gan`.

What jaxgan's step is timed against, and nothing else: eager, channels_last.
"""

import torch
import torch.nn.functional as F

from jaxgan.networks.style import channels_of, sides_of
from tests.weights.pytorch_r3gan import Discriminator, Generator


class R3GANStep:
    """Called with a minibatch of pictures [B, 3, H, W]; gives the generator's loss."""

    def __init__(self, size: int, width: int, channel_base: int, blocks: int, latent: int = 64, group_width: int = 16):
        widths = [channels_of(side, channel_base, width) for side in sides_of(size)]
        self.latent = latent
        self.generator = Generator(latent, widths, blocks, group_width, 0).to(memory_format=torch.channels_last)
        self.discriminator = Discriminator(widths, blocks, group_width, 0).to(memory_format=torch.channels_last)
        self.optimizers = [
            torch.optim.Adam(network.parameters(), 2e-4, (0.0, 0.9)) for network in (self.generator, self.discriminator)
        ]

    def __call__(self, real: torch.Tensor) -> torch.Tensor:
        of_generator, of_discriminator = self.optimizers
        with torch.no_grad():
            fake = self.generator(torch.randn(len(real), self.latent, device=real.device))
        both = torch.cat([real, fake]).requires_grad_()
        logits = self.discriminator(both)
        (slopes,) = torch.autograd.grad(logits.sum(), both, create_graph=True)
        real_logits, fake_logits = logits.chunk(2)
        penalty = slopes.square().sum((1, 2, 3)).mean() * 2  # of both kinds
        loss = F.softplus(fake_logits - real_logits).mean() + penalty
        of_discriminator.zero_grad(set_to_none=True)
        loss.backward()
        of_discriminator.step()

        self.discriminator.requires_grad_(False)
        fake = self.generator(torch.randn(len(real), self.latent, device=real.device))
        real_logits, fake_logits = self.discriminator(torch.cat([real, fake])).chunk(2)
        loss = F.softplus(real_logits - fake_logits).mean()
        of_generator.zero_grad(set_to_none=True)
        loss.backward()
        of_generator.step()
        self.discriminator.requires_grad_(True)
        return loss.detach()
