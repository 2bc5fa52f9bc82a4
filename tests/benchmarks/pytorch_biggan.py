"""The BigGAN training step in plain PyTorch, with the shapes, passes and optimisers of `jaxgan.systems.biggan`.

What jaxgan's step is timed against, and nothing else: eager, channels_last.
"""

import torch
import torch.nn.functional as F

from tests.weights.pytorch_biggan import Discriminator, Generator


class BigGANStep:
    """Called with as many minibatches of pictures [B, 3, H, W] and labels as the discriminator has moves."""

    def __init__(self, size: int, width: int, latent: int, shared: int, classes: int):
        self.latent, self.size = latent, size
        generator, judge = Generator(size, width, latent, shared, classes), Discriminator(size, width, classes)
        self.generator, self.discriminator = (n.to(memory_format=torch.channels_last) for n in (generator, judge))
        self.of_generator = torch.optim.Adam(self.generator.parameters(), 5e-5, (0.0, 0.999))
        self.of_discriminator = torch.optim.Adam(self.discriminator.parameters(), 2e-4, (0.0, 0.999))

    def fakes(self, labels):
        return self.generator(torch.randn(len(labels), self.latent, device=labels.device), labels)

    def __call__(self, *minibatches) -> torch.Tensor:
        for real, labels in minibatches:
            with torch.no_grad():
                fake = self.fakes(labels)
            scores = self.discriminator(torch.cat([real, fake]), torch.cat([labels, labels]))
            real_scores, fake_scores = scores.chunk(2)
            loss = F.relu(1 - real_scores).mean() + F.relu(1 + fake_scores).mean()
            self.of_discriminator.zero_grad(set_to_none=True)
            loss.backward()
            self.of_discriminator.step()
        labels = minibatches[0][1]
        self.discriminator.requires_grad_(False)
        loss = -self.discriminator(self.fakes(labels), labels).mean()
        self.of_generator.zero_grad(set_to_none=True)
        loss.backward()
        self.of_generator.step()
        self.discriminator.requires_grad_(True)
        return loss.detach()
