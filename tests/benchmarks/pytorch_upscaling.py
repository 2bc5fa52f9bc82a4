"""The training step of EDSR in plain PyTorch, with the shapes and the optimiser of jaxgan's.

What jaxgan's step is timed against, and nothing else: eager, channels_last. A minibatch is a tuple of tensors [B, 3, H, W] in
[-1, 1], channels_last. The step returns its loss as a number, so that it is complete.
"""

import torch
from torch import nn
from torch.nn import functional


class Enlarging(nn.Module):
    """EDSR's generator four times as large (Lim et al. 2017, figures 2 and 3)."""

    def __init__(self, width: int, blocks: int):
        super().__init__()
        self.first, self.after = nn.Conv2d(3, width, 3, padding=1), nn.Conv2d(width, width, 3, padding=1)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.Conv2d(width, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1))
            for _ in range(blocks)
        )
        larger = (layer for _ in range(2) for layer in (nn.Conv2d(width, 4 * width, 3, padding=1), nn.PixelShuffle(2)))
        self.larger = nn.Sequential(*larger, nn.Conv2d(width, 3, 3, padding=1))

    def forward(self, x):
        mean = 255 * torch.tensor([0.4488, 0.4371, 0.4040]).reshape(1, 3, 1, 1)
        x = first = self.first(127.5 * (x + 1) - mean)
        for block in self.blocks:
            x = x + block(x)
        return (self.larger(first + self.after(x)) + mean) / 127.5 - 1


class EDSRStep:
    """The L1 distance, one update of Adam."""

    def __init__(self, width: int, blocks: int):
        torch.manual_seed(0)
        self.G = Enlarging(width, blocks).to(memory_format=torch.channels_last).train()
        self.optimizer = torch.optim.Adam(self.G.parameters(), 1e-4)

    def __call__(self, minibatch: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        given, target = minibatch
        loss = functional.l1_loss(self.G(given), target)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        return loss.detach()
