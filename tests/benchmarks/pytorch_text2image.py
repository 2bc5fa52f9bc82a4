"""The training step of GAN-INT-CLS in plain PyTorch, with the shapes, passes and optimisers of `jaxgan.systems.text2image`.

What jaxgan's step is timed against, and nothing else: eager, channels_last. The captions are read by a GRU that is trained
already, once for all of the step; the discriminator looks at a picture once for both of its captions, as jaxgan's does.
"""

import torch
from torch import nn
from torch.nn import functional

from tests.benchmarks import pytorch_dcgan


class Reader(nn.Module):
    """Words [B, T], padded with 0, to vectors [B, dim]: the mean of a GRU's states."""

    def __init__(self, vocabulary: int, width: int, dim: int):
        super().__init__()
        self.words = nn.Embedding(vocabulary + 1, width)
        self.gru = nn.GRU(width, width, batch_first=True)
        self.project = nn.Linear(width, dim)

    def forward(self, text: torch.Tensor) -> torch.Tensor:
        states, _ = self.gru(self.words(text))
        counts = (text > 0).float()[..., None]
        return self.project((states * counts).sum(1) / counts.sum(1).clamp(min=1))


def standardised(text: torch.Tensor) -> torch.Tensor:
    return text * torch.rsqrt(text.square().mean(-1, keepdim=True) + 1e-8)


class Generator(nn.Module):
    def __init__(self, width: int, doublings: int, latent_dim: int, dim: int, projection: int):
        super().__init__()
        self.project = nn.Linear(dim, projection)
        self.layers = pytorch_dcgan.generator(width, latent_dim + projection, doublings)

    def forward(self, z: torch.Tensor, text: torch.Tensor) -> torch.Tensor:
        projected = functional.leaky_relu(self.project(standardised(text)), 0.2)
        return self.layers(torch.cat([z, projected], 1)[:, :, None, None])


class Discriminator(nn.Module):
    def __init__(self, width: int, halvings: int, dim: int, projection: int):
        super().__init__()
        features = width << (halvings - 1)
        self.look = pytorch_dcgan.discriminator(width, halvings)[:-2]
        self.project = nn.Linear(dim, projection)
        self.mix = nn.Sequential(
            nn.Conv2d(features + projection, features, 1, bias=False), nn.BatchNorm2d(features), nn.LeakyReLU(0.2, True)
        )
        self.last = nn.Linear(features * 16, 1)

    def forward(self, images: torch.Tensor, *texts: torch.Tensor) -> list[torch.Tensor]:
        seen, logits = self.look(images), []
        for text in texts:
            projected = functional.leaky_relu(self.project(standardised(text)), 0.2)[:, :, None, None]
            mixed = self.mix(torch.cat([seen, projected.expand(-1, -1, *seen.shape[2:])], 1))
            logits.append(self.last(mixed.flatten(1))[:, 0])
        return logits


class TextToImageStep:
    """The discriminator on real pictures with right and with wrong captions and on fakes; then the generator on more."""

    def __init__(self, width: int, size: int, vocabulary: int, words: int, dim: int, latent_dim: int, projection: int):
        torch.manual_seed(0)
        levels = (size // 4).bit_length() - 1
        self.latent_dim = latent_dim
        self.T = Reader(vocabulary, words, dim)
        self.G = Generator(width, levels, latent_dim, dim, projection).to(memory_format=torch.channels_last)
        self.D = Discriminator(width, levels, dim, projection).to(memory_format=torch.channels_last)
        self.g_optimizer = torch.optim.Adam(self.G.parameters(), 2e-4, (0.5, 0.999))
        self.d_optimizer = torch.optim.Adam(self.D.parameters(), 2e-4, (0.5, 0.999))

    def __call__(self, minibatch: tuple[torch.Tensor, torch.Tensor, torch.Tensor]) -> torch.Tensor:
        """Pictures [B, 3, H, W] in [-1, 1], channels_last; right and wrong captions [B, T]. Returns the generator's loss."""
        real, texts = minibatch[0], torch.cat(minibatch[1:]).long()
        count = len(real)
        with torch.no_grad():
            right, wrong = self.T(texts).split(count)
            between = (right + wrong) / 2
            shown = torch.where(torch.rand(count, 1) < 0.5, between, right)
            fake = self.G(torch.randn(count, self.latent_dim), shown)
        good, mismatched = self.D(real, shown, wrong)
        (bad,) = self.D(fake, shown)
        matched = functional.softplus(-good).mean()
        d_loss = matched + (functional.softplus(mismatched).mean() + functional.softplus(bad).mean()) / 2
        self.d_optimizer.zero_grad(set_to_none=True)
        d_loss.backward()
        self.d_optimizer.step()
        # The discriminator's own gradients are not needed here, as they are not in jaxgan's step.
        self.D.requires_grad_(False)
        text = torch.cat([right, between])
        (logits,) = self.D(self.G(torch.randn(2 * count, self.latent_dim), text), text)
        losses = functional.softplus(-logits)
        g_loss = losses[:count].mean() + losses[count:].mean()
        self.g_optimizer.zero_grad(set_to_none=True)
        g_loss.backward()
        self.D.requires_grad_(True)
        self.g_optimizer.step()
        return g_loss.detach()
