"""ESRGAN: Enhanced Super-Resolution Generative Adversarial Networks (Wang et al. 2018, arXiv:1809.00219), and Real-ESRGAN.

SRGAN with another generator, without norms; another discriminator, which says by how much a photograph is more real than the
average of what is made (RaGAN); and features before their activation, which are denser. First the L1 distance alone; then

    L_G = E[|phi(G(small)) - phi(large)|] + 0.005 L_Ra + 0.01 E[|G(small) - large|]

with phi the maps of VGG19's last convolution before its ReLU ("conv5_4"; section 3.3). Adam, 2e-4 in the first stage and 1e-4
in the second. Between the generators of both stages lie others: `jaxgan upscale --interpolate` (section 3.4).

Real-ESRGAN (Wang et al. 2021, 2107.10833), for pictures that people have: a U-Net with spectral norm that judges each pixel, by
GAN's own loss (`relativistic` off); features of five layers; weights of 1 for L1 and features and 0.1 for what D says; and
targets for both of these that are sharpened (`sharpened`). Its small network is `Compact`.
"""

import dataclasses
from typing import Annotated

import jax
import jax.numpy as jnp
import numpy as np
import optax
import tyro

from jaxgan.errors import UserError
from jaxgan.losses import adversarial, reconstruction
from jaxgan.networks.rdn import RDN, RRDN, MSRResNet
from jaxgan.networks.rrdb import RRDB, Compact, Halving, Judge
from jaxgan.training.enlarging import Enlarging
from jaxgan.training.state import Context, Outcome
from jaxgan.training.system import System

# Which of them is said in a config; the command line changes its fields.
Enlarger = Annotated[RRDB | Compact | MSRResNet | RRDN | RDN, tyro.conf.AvoidSubcommands]

RADIUS, DEVIATION = 25, 8.0
"""Of the Gaussian by which targets are sharpened, in pixels."""
AMOUNT, THRESHOLD = 0.5, 10 / 255
"""What of the difference from it is added, and where: pixels that differ by more, in [0, 1]."""


@dataclasses.dataclass(frozen=True)
class ESRGAN(Enlarging, System):
    """Defaults are ESRGAN's: batches of 16 pieces of 128x128."""

    network: Enlarger = RRDB()
    """The generator: RRDB, Compact, which a CPU can bear, or one of those of `jaxgan.networks.rdn`."""
    judge_network: Judge = Halving()
    """The discriminator: ESRGAN's, or Real-ESRGAN's U-Net."""
    relativistic: bool = True
    """Judge real and generated pictures against the average of the other kind (RaGAN), or each by itself (GAN)."""
    layers: tuple[str, ...] = ("conv5_4",)
    """VGG's layers that pictures are compared by; "conv" is before the ReLU, "relu" after it."""
    layer_weights: tuple[float, ...] = (1.0,)
    """Of the L1 distances of their maps, one each; other files' maps than VGG19's have other sizes."""
    adversarial: float = 5e-3
    """Weight of what the discriminator says."""
    l1: float = 1e-2
    """Weight of the L1 distance in the second stage."""
    sharpened: bool = False
    """Whether what pictures should be is sharpened; the discriminator is shown them as they are."""
    pretraining_rate: float = 2e-4
    """Of Adam in the first stage."""
    learning_rate: float = 1e-4
    """Of Adam in the second, both players."""
    beta2: float = 0.999
    """Of Adam."""
    ema: float = 0.0
    """Decay of the moving average of the generator; 0 for none. Real-ESRGAN has 0.999."""

    @property
    def compared(self):
        return self.layers

    def resolve(self, spec):
        if len(self.layers) != len(self.layer_weights):
            raise UserError(
                f"system.layers has {len(self.layers)} and system.layer_weights {len(self.layer_weights)}: give one for each"
            )
        return super().resolve(spec)

    @property
    def multiple(self):
        return getattr(self.network, "unshuffle", 1)

    @property
    def reach(self):
        return self.network.reach(self.scale)

    def generator(self):
        return self.network.module(self.scale, self.dtype)

    def discriminator(self):
        return self.judge_network.module(self.dtype)

    def optimizer(self, network, slot):
        return optax.adam(self.pretraining_rate if slot == "pretraining" else self.learning_rate, 0.9, self.beta2)

    def pretraining_loss(self, c: Context):
        made, changed = self.enlarge(c.variables, c.batch["input"], "batch")
        return reconstruction.l1(made, self.wanted(c)), Outcome(variables={"G": changed})

    def discriminator_loss(self, c: Context):
        fake, _ = self.enlarge(c.variables, c.batch["input"], "batch")
        real_logits, fake_logits, changed = self.judge_both(c.variables, c.batch["image"], fake)
        metrics = {"real_logits": real_logits.mean(), "fake_logits": fake_logits.mean()}
        if self.relativistic:
            loss = 0.5 * adversarial.relativistic_average_loss(real_logits, fake_logits)
        else:
            loss = adversarial.discriminator_loss(real_logits, fake_logits)
        return loss, Outcome({"D": changed}, metrics=metrics)

    def generator_loss(self, c: Context):
        made, changed = self.enlarge(c.variables, c.batch["input"], "batch")
        wanted = self.wanted(c)
        distance = reconstruction.l1(made, wanted)
        if self.relativistic:  # real pictures become less real, too
            real_logits, fake_logits, _ = self.judge_both(c.variables, c.batch["image"], made)
            fooled = 0.5 * adversarial.relativistic_average_loss(fake_logits, real_logits)
        else:
            fooled = adversarial.generator_non_saturating_loss(self.judge(c.variables, made)[0])
        loss, metrics = self.l1 * distance + self.adversarial * fooled, {"l1": distance, "adversarial": fooled}
        if self.vgg is not None:
            maps = self.maps(c, made, wanted)
            distances = [reconstruction.l1(ours, theirs) for ours, theirs in maps]
            metrics["content"] = sum(w * d for w, d in zip(self.layer_weights, distances, strict=True))
            loss += metrics["content"]
        return loss, Outcome({"G": changed}, metrics=metrics)

    def wanted(self, c: Context) -> jax.Array:
        """The photographs as they should come out."""
        return sharpened(c.batch["image"]) if self.sharpened else c.batch["image"]


def sharpened(pictures: jax.Array) -> jax.Array:
    """Pictures [B, H, W, C] in [-1, 1], sharpened where that is seen: an unsharp mask, as Real-ESRGAN's targets are.

    To a picture half of its difference from a blurred one is added, where the difference is more than 10 / 255; the mask of
    where that is, is blurred, too.
    """
    x = (pictures + 1) / 2
    rest = x - _blurred(x)
    mask = _blurred((jnp.abs(rest) > THRESHOLD).astype(x.dtype))
    sharp = jnp.clip(x + AMOUNT * rest, 0, 1)
    return 2 * (mask * sharp + (1 - mask) * x) - 1


def _blurred(x: jax.Array) -> jax.Array:
    """By a Gaussian, along one axis as a product with the matrix that does it, and then the other; reflected at the edges."""
    down, across = (jnp.asarray(_gaussian(side)) for side in x.shape[1:3])
    return jnp.einsum("bhwc,Hh,Ww->bHWc", x, down, across)


def _gaussian(side: int) -> np.ndarray:
    """[side, side]: row i holds what each pixel gives to pixel i."""
    offsets = np.arange(-RADIUS, RADIUS + 1)
    weights = np.exp(-(offsets**2) / (2 * DEVIATION**2))
    places = np.abs(np.arange(side)[:, None] + offsets)
    period = max(2 * (side - 1), 1)
    places = np.minimum(places % period, period - places % period)
    matrix = np.zeros((side, side))
    np.add.at(matrix, (np.arange(side)[:, None].repeat(len(offsets), 1), places), weights / weights.sum())
    return matrix.astype(np.float32)
