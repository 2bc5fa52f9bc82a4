"""FastGAN: Towards Faster and Stabilized GAN Training for High-fidelity Few-shot Image Synthesis (Liu et al. 2021, 2101.04775).

For few pictures and little time. The hinge loss, whose margins for the discriminator are drawn between 0.8 and 1, and a
discriminator that must also be able to draw each real picture again from its features (section 3.2):

    L_D = E[max(0, u - D(x))] + E[max(0, u + D(G(z)))] + sum over three decoders of E[d(decoder(features(x)), x)]
    L_G = -E[D(G(z))]

u ~ U(0.8, 1) for each logit; d is LPIPS where a file of VGG16's weights is named, and else the mean absolute difference.
Networks as in `jaxgan.networks.fast`; the discriminator sees all pictures through DiffAugment.

Where a feature network is to be had, the discriminator can judge its features instead, and draws nothing again: Projected GANs
Converge Faster (Sauer et al. 2021, 2111.01007), which uses FastGAN's generator. Its margins are 1.
"""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import optax

from jaxgan import rows
from jaxgan.errors import UserError
from jaxgan.losses import adversarial, reconstruction
from jaxgan.media import Picture
from jaxgan.networks.augmentation import Augmentation
from jaxgan.networks.fast import GENERATOR, LAST, Discriminator, Generator, quarter, shrunk, small_side
from jaxgan.networks.projected import MIXED, Projected
from jaxgan.nn import Mode
from jaxgan.training.state import Context, Outcome
from jaxgan.training.system import Phase, System, statistics_of

LEAST = 0.8
"""Of the hinge's margin."""
DISTANCE, FEATURES = "distance", "features"
"""The frozen networks that pictures are compared with, and judged by."""


@dataclasses.dataclass(frozen=True)
class FastGAN(System):
    """Defaults are the paper's for pictures of 256 to 1024 pixels."""

    copied = ("batch_stats", "spectral")

    latent_dim: int = 256
    """Length of z, standard normal."""
    width: int = 64
    """Channels of the generator's map of 128 pixels; those of 4 have 16 times as many."""
    discriminator_width: int = 64
    """Channels of the discriminator at 128 pixels."""
    vgg16: str | None = None
    """A file of VGG16's weights: pictures that are drawn again are compared by LPIPS then."""
    projected: str | None = None
    """A file of VGG16's weights: the discriminator judges its features then. Projected GANs also have batches of 64, a `beta1`
    of 0, an `ema` of 0.998 and `augmentation.cutout`."""
    learning_rate: float = 2e-4
    """Of Adam, both players."""
    beta1: float = 0.5
    """Of Adam, both players."""
    ema: float = 0.999
    """Decay of the moving average of the generator that samples are made with."""
    augmentation: Augmentation = dataclasses.field(default=Augmentation(color=True, translation=True), kw_only=True)
    """Of all that the discriminator sees."""

    def resolve(self, spec):
        shape = spec.shapes["image"].shape
        square = isinstance(spec.media["image"], Picture) and shape[0] == shape[1]
        if not square or shape[0] not in GENERATOR or shape[0] < 32:
            raise UserError(
                f"FastGAN makes square pictures of a side of 32, 64, ... or 1024; the data's are {list(shape)}: give "
                "--data.size"
            )
        if self.projected and self.vgg16:
            raise UserError("a projected discriminator draws no pictures again: leave out --system.vgg16")
        smallest = LAST << (len(MIXED) - 1)
        if self.projected and shape[0] < smallest:
            raise UserError(f"a projected discriminator needs pictures of {smallest} pixels or more: give --data.size")
        if self.ema >= 1:
            raise UserError(f"system.ema is {self.ema}: it must be below 1, such as 0.999; 0 keeps no average")
        return self

    def frozen(self):
        if self.projected:
            from jaxgan.metrics.vgg import read_vgg16

            _, features = read_vgg16(self.projected)
            features["params"] = {name: leaf for name, leaf in features["params"].items() if name.startswith("conv")}
            return {FEATURES: features}
        if self.vgg16 is None:
            return {}
        from jaxgan.metrics.lpips import load_lpips

        return {DISTANCE: jax.device_get(load_lpips(self.vgg16).variables)}

    def generator(self, shape: tuple[int, ...]) -> Generator:
        return Generator(self.dtype, shape[0], shape[2], self.width)

    def discriminator(self) -> Discriminator | Projected:
        return (Projected if self.projected else Discriminator)(self.dtype, self.discriminator_width)

    def init_variables(self, key, batch):
        g_key, d_key = jax.random.split(key)
        image = batch["image"]
        count, side = image.shape[:2]
        if self.projected:
            from jaxgan.metrics.vgg import BLOCKS

            sides = {number: side >> number for number in range(1, len(BLOCKS))}
            maps = tuple(jnp.zeros((count, s, s, BLOCKS[number][0])) for number, s in sides.items())
            d = self.discriminator().init(d_key, maps, "batch")
        else:
            small = jnp.zeros((count, *(small_side(side),) * 2, image.shape[3]))
            d = self.discriminator().init(d_key, image, small, "batch", jnp.zeros(count, jnp.int32))
        g = self.generator(image.shape[1:]).init(g_key, jnp.zeros((count, self.latent_dim)), "batch", None)
        return {"G": g, "D": d}

    def init_aux(self, variables, batch):
        return self.augmentation.init_aux()

    def phases(self):
        return (
            Phase("discriminator", ("D",), self.discriminator_loss),
            Phase("generator", ("G",), self.generator_loss),
        )

    def optimizer(self, network, slot):
        return optax.adam(self.learning_rate, self.beta1, 0.999)

    def ema_decay(self, network, step):
        return self.ema if network == "G" and self.ema else None

    def latents(self, key, count):
        return rows.normal(key, count, (self.latent_dim,))

    def decode(self, variables, z, inputs):
        """Without noise, and with running statistics: a latent is one picture."""
        return self.generate(variables, z, inputs["image"].shape[1:], "running", None)[0][0]

    def generate(
        self, variables: dict[str, Any], z: jax.Array, shape: tuple[int, ...], mode: Mode, key: jax.Array | None
    ) -> tuple[tuple[jax.Array, jax.Array], dict[str, Any]]:
        """The pictures of latents, large and small, and G's new statistics."""
        mutable = statistics_of(variables["G"])
        return self.generator(shape).apply(variables["G"], z, mode, key, mutable=mutable)

    def standing(self, variables, z, inputs):
        return self.generate(variables, z, inputs["image"].shape[1:], "standing", None)[1]

    def fakes(self, c: Context, key: jax.Array):
        """As many pictures as there are real ones, of fresh latents and noise."""
        z_key, noise_key = jax.random.split(key)
        shape = c.batch["image"].shape
        return self.generate(c.variables, self.latents(z_key, shape[0]), shape[1:], "batch", noise_key)

    def judge(
        self, variables: dict[str, Any], pictures: tuple[jax.Array, jax.Array], corner: jax.Array | None = None
    ) -> tuple[tuple[jax.Array, tuple[jax.Array, ...]], dict[str, Any]]:
        """((logits, what the decoders draw), D's new statistics) of the large and the small pictures."""
        own, mutable = variables["D"], statistics_of(variables["D"])
        if not self.projected:
            return self.discriminator().apply(own, *pictures, "batch", corner, mutable=mutable)
        from jaxgan.metrics.vgg import vgg16_activations

        maps = vgg16_activations(variables[FEATURES], pictures[0])[1:]
        logits, changed = self.discriminator().apply(own, maps, "batch", mutable=mutable)
        return (logits, ()), changed

    def seen(self, c: Context, key: jax.Array, *pictures: jax.Array) -> tuple[jax.Array, ...]:
        """Pictures of the same content as the discriminator sees them, each augmented by draws of its own."""
        probability = self.augmentation.probability_now(c.aux)
        keys = jax.random.split(key, len(pictures))
        return tuple(self.augmentation.apply(k, p, probability) for k, p in zip(keys, pictures, strict=True))

    def discriminator_loss(self, c: Context):
        fake_key, augment_key, real_key, corner_key, margin_key = jax.random.split(c.key, 5)
        count, side = c.batch["image"].shape[:2]
        (real,) = self.seen(c, real_key, c.batch["image"])
        real = (real, shrunk(real, small_side(side)))
        fake = self.seen(c, augment_key, *self.fakes(c, fake_key)[0])
        corner = rows.randint(corner_key, count, 0, 4)
        (real_logits, drawn), changed = self.judge(c.variables, real, corner)
        variables = {**c.variables, "D": {**c.variables["D"], **changed}}
        (fake_logits, _), changed = self.judge(variables, fake)
        adapted = self.augmentation.update(c.aux, real_logits)
        metrics = {"real_logits": real_logits.mean(), "fake_logits": fake_logits.mean(), **adapted}
        if self.projected:
            loss = adversarial.hinge_discriminator_loss(real_logits, fake_logits)
            return loss, Outcome(variables={"D": changed}, aux=adapted, metrics=metrics)
        margins = rows.uniform(margin_key, count, (2, real_logits.shape[1]), minval=LEAST)
        hinge = adversarial.hinge_discriminator_loss(real_logits, fake_logits, margins=(margins[:, 0], margins[:, 1]))
        part = shrunk(quarter(real[0], corner), real[1].shape[1])
        again = sum(self.distance(c.variables, a, b) for a, b in zip(drawn, (real[1], real[1], part), strict=True))
        return hinge + again, Outcome(variables={"D": changed}, aux=adapted, metrics=metrics | {"drawn_again": again})

    def distance(self, variables: dict[str, Any], made: jax.Array, wanted: jax.Array) -> jax.Array:
        """Of pictures [B, H, W, C] that were drawn again, and those that they should be."""
        if self.vgg16 is None:
            return reconstruction.l1(made, wanted)
        from jaxgan.metrics.lpips import lpips_distance

        return lpips_distance(variables[DISTANCE], made, wanted).mean()

    def generator_loss(self, c: Context):
        fake_key, augment_key = jax.random.split(c.key)
        fake, changed = self.fakes(c, fake_key)
        (logits, _), _ = self.judge(c.variables, self.seen(c, augment_key, *fake))
        return adversarial.wasserstein_generator_loss(logits), Outcome(variables={"G": changed})
