"""SRGAN: Photo-Realistic Single Image Super-Resolution Using a Generative Adversarial Network (Ledig et al. 2017, 1609.04802).

First SRResNet, a residual network that minimises the squared distance to the photograph: the best PSNR, and smooth, since the
mean of all that might have been there is what minimises it. Then the GAN goes on from its weights (section 3.2):

    L_G = E[|phi(G(small)) - phi(large)|^2] + 0.001 E[-log D(G(small))]

with phi the maps of VGG19 after its last convolution before the fifth pooling ("VGG54"), divided by 12.75 as if they were
pictures, or of an early one ("VGG22"); without a file of VGG's weights phi is the picture itself (SRGAN-MSE). PSNR falls, and
pictures look sharper and more like photographs. D's loss is GAN's; one move each; Adam with beta1 0.9, 1e-4 and, for the last
half of the second stage, 1e-5 (`schedule` falls further).
"""

import dataclasses

import optax

from jaxgan.losses import adversarial, reconstruction
from jaxgan.networks.upscaling import SRResNet, Strided
from jaxgan.training.enlarging import Enlarging
from jaxgan.training.state import Context, Outcome
from jaxgan.training.system import System


@dataclasses.dataclass(frozen=True)
class SRGAN(Enlarging, System):
    """Defaults are the paper's: batches of 16 pieces of 96x96."""

    width: int = 64
    """Features of the generator."""
    blocks: int = 16
    """Its residual blocks."""
    discriminator_width: int = 64
    """Features of the discriminator's first layer; the last have eight times as many."""
    layer: str = "relu5_4"
    """VGG's layer that pictures are compared by: "relu5_4" of VGG19 in the paper, "relu2_2" in its variant VGG22."""
    content: float = 0.006
    """Weight of the squared distance of the maps, 1 / 12.75^2 in the paper; other files' maps have other sizes. Of pictures
    themselves, without a file, it is 1."""
    adversarial: float = 1e-3
    """Weight of what the discriminator says."""
    pretraining_rate: float = 1e-4
    """Of Adam in the first stage."""
    learning_rate: float = 1e-4
    """Of Adam in the second, both players."""
    ema: float = 0.0
    """Decay of the moving average of the generator; 0 for none, as in the paper."""

    @property
    def compared(self):
        return (self.layer,)

    def generator(self):
        return SRResNet(self.scale, self.width, self.blocks, self.dtype)

    def discriminator(self):
        return Strided(self.discriminator_width, self.dtype)

    def optimizer(self, network, slot):
        return optax.adam(self.pretraining_rate if slot == "pretraining" else self.learning_rate, 0.9)

    def pretraining_loss(self, c: Context):
        made, changed = self.enlarge(c.variables, c.batch["input"], "batch")
        return reconstruction.l2(made, c.batch["image"]), Outcome(variables={"G": changed})

    def discriminator_loss(self, c: Context):
        fake, _ = self.enlarge(c.variables, c.batch["input"], "batch")
        real_logits, fake_logits, changed = self.judge_both(c.variables, c.batch["image"], fake)
        metrics = {"real_logits": real_logits.mean(), "fake_logits": fake_logits.mean()}
        return adversarial.discriminator_loss(real_logits, fake_logits), Outcome({"D": changed}, metrics=metrics)

    def generator_loss(self, c: Context):
        made, changed = self.enlarge(c.variables, c.batch["input"], "batch")
        distance = reconstruction.l2(made, c.batch["image"])
        content = distance
        if self.vgg is not None:
            ((ours, theirs),) = self.maps(c, made, c.batch["image"])
            content = self.content * reconstruction.l2(ours, theirs)
        logits, _ = self.judge(c.variables, made)
        fooled = adversarial.generator_non_saturating_loss(logits)
        metrics = {"l2": distance, "content": content, "adversarial": fooled}
        return content + self.adversarial * fooled, Outcome({"G": changed}, metrics=metrics)
