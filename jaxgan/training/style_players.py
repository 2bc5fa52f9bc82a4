"""A generator with styles and its discriminator at play: what StyleGAN and StyleGAN2 have in common.

A mapping network turns z into w; each layer of a synthesis takes its own style of w (`jaxgan.networks.style`). What is here:
the latent spaces Z and W, style mixing, truncation, the mean of w, noise, moving averages counted in images, both players'
losses and R1. A system mixes it in, and says its networks, phases and optimiser. Karras et al. 2018, StyleGAN (1812.04948);
Karras et al. 2020, ADA (2006.06676).
"""

import abc
import dataclasses

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax

from jaxgan import rows
from jaxgan.errors import UserError
from jaxgan.losses import adversarial, penalties
from jaxgan.media import Picture
from jaxgan.networks.augmentation import Augmentation
from jaxgan.networks.style import Mapping, discriminator_layers, styles_of
from jaxgan.training.state import Context, Outcome
from jaxgan.training.system import check_labels, one_class_each

MEAN_DECAY = 0.998
"""Of the running mean of w, once a step; StyleGAN3's choice. (NVIDIA's earlier codes move it at every pass, by 0.995.)"""


@dataclasses.dataclass(frozen=True)
class StylePlayers(abc.ABC):
    """A generator "G" of mapping and synthesis, and a discriminator "D".

    What is left to a system that mixes it in, before `System`: `phases`, `optimizer`, `synthesis` and `judge`.
    """

    spaces = ("w", "z")
    copied = ("w_mean", "noise")

    latent_dim: int = 512
    """Length of z, standard normal."""
    style_dim: int = 512
    """Length of w."""
    mapping_layers: int = 8
    """Of the network from z to w; 2 in ADA's code for small pictures."""
    width: int = 512
    """The most channels that a feature map has, in both networks."""
    channel_base: int = 32768
    """A feature map of side R has channel_base / R channels, at most `width`. 16384 is half of the paper's."""
    group: int = 4
    """Pictures whose standard deviation the discriminator sees: a device holds a multiple of so many. 1 shows it none."""
    conditional: bool = False
    """Whether both players see the label."""
    classes: int | None = None
    """How many labels there are, where `conditional`; None takes it from the data."""
    r1: float = 10.0
    """gamma of gamma / 2 E[||grad_x D(x)||^2]. ADA's code takes 0.0002 side^2 / batch: less for small pictures."""
    r1_every: int = 16
    """Steps from one R1 penalty, so many times as large, to the next."""
    style_mixing: float = 0.9
    """Probability that a minibatch mixes the styles of two latents."""
    learning_rate: float = 2e-3
    """Of Adam, both players."""
    beta2: float = 0.99
    """Of Adam, both players; beta1 is 0."""
    ema_images: float = 10_000.0
    """Images over which the generator's average forgets half; samples are made with it."""
    ema_rampup: float = 0.0
    """At most so much of the images seen so far, where it is less; ADA's code takes 0.05 where a run begins anew. 0 is off."""
    freeze_discriminator: int = 0
    """Convolutions of the discriminator, from the picture on, that keep their weights: for fine-tuning on few pictures
    (Freeze-D, Mo et al. 2020, 2002.10964; ADA's paper takes 10 or 13)."""
    augmentation: Augmentation = dataclasses.field(default=Augmentation(), kw_only=True)
    """Of all that the discriminator sees."""

    @property
    def reads(self):
        return ("image", "label") if self.conditional else ("image",)

    @property
    def label_values(self) -> int:
        """How many classes the networks know."""
        return (self.classes or 0) if self.conditional else 0

    def resolve(self, spec):
        shape = spec.shapes["image"].shape
        square = isinstance(spec.media["image"], Picture) and shape[0] == shape[1]
        if not square or shape[0] < 8 or shape[0] & (shape[0] - 1):
            raise UserError(
                f"{type(self).__name__} makes square pictures of a side of 8, 16, 32, ...; the data's are {list(shape)}: give "
                "--data.size"
            )
        return dataclasses.replace(self, classes=one_class_each(self, spec)) if self.conditional else self

    def check_batch(self, batch):
        if self.conditional:
            check_labels(batch["label"], self.classes)

    def mapping(self) -> Mapping:
        """From z [B, latent_dim], and labels, to w [B, style_dim]."""
        return Mapping(self.style_dim, self.mapping_layers, self.label_values)

    @abc.abstractmethod
    def synthesis(self, shape: tuple[int, int, int]) -> nn.Module:
        """From styles [B, styles, style_dim], and a key of noise or None, to float32 pictures [B, *shape]."""

    @abc.abstractmethod
    def judge(self, dtype: jnp.dtype) -> nn.Module:
        """From pictures, and labels or None, to float32 logits [B]."""

    def init_variables(self, key, batch):
        mapping_key, synthesis_key, d_key = jax.random.split(key, 3)
        image, labels = batch["image"], batch.get("label")
        z = jnp.zeros((len(image), self.latent_dim))
        ws = jnp.zeros((len(image), styles_of(image.shape[1]), self.style_dim))
        mapping = self.mapping().init(mapping_key, z, labels)
        synthesis = self.synthesis(image.shape[1:]).init(synthesis_key, ws, None)
        return {
            "G": {
                "params": {"mapping": mapping["params"], "synthesis": synthesis["params"]},
                "noise": synthesis["noise"],
                "w_mean": {"w": jnp.zeros(self.style_dim)},
            },
            "D": self.judge(self.dtype).init(d_key, image, labels),
        }

    def map(self, variables, z: jax.Array, labels: jax.Array | None) -> jax.Array:
        """w [B, style_dim] of z [B, latent_dim]."""
        return self.mapping().apply({"params": variables["G"]["params"]["mapping"]}, z, labels)

    def synthesize(self, variables, ws: jax.Array, shape: tuple[int, int, int], noise_key: jax.Array | None):
        """The pictures of ws [B, styles, style_dim]."""
        params, noise = variables["G"]["params"]["synthesis"], variables["G"]["noise"]
        return self.synthesis(shape).apply({"params": params, "noise": noise}, ws, noise_key)

    def init_aux(self, variables, batch):
        return self.augmentation.init_aux()

    def latents(self, key, count):
        return rows.normal(key, count, (self.latent_dim,))

    def truncate(self, variables, z, psi, inputs):
        """W's: w_mean + psi (w - w_mean) of each layer (StyleGAN, appendix B)."""
        ws = self.intermediate(variables, z, inputs)
        mean = variables["G"]["w_mean"]["w"]
        return mean + psi * (ws - mean)

    def intermediate(self, variables, z, inputs):
        """w for each layer, [B, styles, style_dim], of z [B, latent_dim]; what is one of these already stays."""
        if z.ndim == 3:
            return z
        w = self.map(variables, z, inputs.get("label") if self.conditional else None)
        return jnp.broadcast_to(w[:, None], (w.shape[0], styles_of(inputs["image"].shape[1]), w.shape[1]))

    def decode(self, variables, z, inputs):
        """With the noise that the generator keeps: a latent is one picture. Colours are cut off at [-1, 1]."""
        ws = self.intermediate(variables, z, inputs)
        return jnp.clip(self.synthesize(variables, ws, inputs["image"].shape[1:], None), -1, 1)

    def freezing(self, network: str, optimizer: optax.GradientTransformation) -> optax.GradientTransformation:
        """The optimiser, with what is frozen of the network left as it is."""
        if network != "D" or not self.freeze_discriminator:
            return optimizer
        return optax.chain(optimizer, optax.masked(optax.set_to_zero(), self.frozen_layers))

    def frozen_layers(self, params):
        """Of the discriminator's parameters, which stay: those of its first `freeze_discriminator` layers."""
        stay = discriminator_layers(params)[: self.freeze_discriminator]
        return {name: jax.tree.map(lambda _, s=name in stay: s, part) for name, part in params.items()}

    def ema_half_life(self, network, seen):
        if network != "G":
            return None
        half_life = jnp.float32(self.ema_images)
        return (
            jnp.minimum(half_life, self.ema_rampup * jnp.asarray(seen, jnp.float32)) if self.ema_rampup else half_life
        )

    def discriminator_loss(self, c: Context):
        fake_key, real_key, generated_key = jax.random.split(c.key, 3)
        fake, _ = self.generated(c, fake_key)
        probability = self.augmentation.probability_now(c.aux)
        seen = jnp.concatenate(
            [
                self.augmentation.apply(real_key, c.batch["image"], probability),
                self.augmentation.apply(generated_key, fake, probability),
            ]
        )
        # One pass, and yet no group of the standard deviation has both kinds: a device's real pictures come first.
        labels = jnp.concatenate([c.batch["label"]] * 2) if self.conditional else None
        real_logits, fake_logits = jnp.split(self.judged(c, seen, labels), 2)
        adapted = self.augmentation.update(c.aux, real_logits)
        metrics = {"real_logits": real_logits.mean(), "fake_logits": fake_logits.mean(), **adapted}
        return adversarial.discriminator_loss(real_logits, fake_logits), Outcome(aux=adapted, metrics=metrics)

    def generator_loss(self, c: Context):
        fake_key, augment_key = jax.random.split(c.key)
        fake, w = self.generated(c, fake_key)
        seen = self.augmentation.apply(augment_key, fake, self.augmentation.probability_now(c.aux))
        logits = self.judged(c, seen, c.batch.get("label"))
        mean, now = c.variables["G"]["w_mean"]["w"], jax.lax.pmean(jax.lax.stop_gradient(w).mean(0), rows.AXIS)
        changed = {"G": {"w_mean": {"w": mean + (1 - MEAN_DECAY) * (now - mean)}}}
        return adversarial.generator_non_saturating_loss(logits), Outcome(variables=changed)

    def r1_loss(self, c: Context):
        """Of the pictures as they are, through their augmentation."""
        probability = self.augmentation.probability_now(c.aux)

        def judged(pictures):
            seen = self.augmentation.apply(c.key, pictures, probability)
            return self.judged(c, seen, c.batch.get("label"), jnp.float32)

        penalty = penalties.r1(judged, c.batch["image"])
        return self.r1_every * self.r1 / 2 * penalty, Outcome(metrics={"penalty": penalty})

    def generated(self, c: Context, key: jax.Array) -> tuple[jax.Array, jax.Array]:
        """As many pictures as there are real ones, of mixed styles and fresh noise, and the w of the first latents."""
        style_key, noise_key = jax.random.split(key)
        image = c.batch["image"]
        ws, w = self.mixed(c.variables, style_key, len(image), image.shape[1], c.batch.get("label"))
        return self.synthesize(c.variables, ws, image.shape[1:], noise_key), w

    def mixed(self, variables, key: jax.Array, count: int, side: int, labels: jax.Array | None):
        """Styles [count, styles, style_dim], and w. From one cut on, the same for the minibatch, they are of other latents."""
        first_key, second_key, mixes_key, cut_key = jax.random.split(key, 4)
        labels, styles = labels if self.conditional else None, styles_of(side)
        w = self.map(variables, self.latents(first_key, count), labels)
        ws = jnp.broadcast_to(w[:, None], (count, styles, self.style_dim))
        if not self.style_mixing:
            return ws, w
        other = self.map(variables, self.latents(second_key, count), labels)
        cut = jnp.where(
            jax.random.bernoulli(mixes_key, self.style_mixing), jax.random.randint(cut_key, (), 1, styles), styles
        )
        return jnp.where((jnp.arange(styles) < cut)[None, :, None], ws, other[:, None]), w

    def judged(self, c: Context, pictures: jax.Array, labels: jax.Array | None, dtype=None) -> jax.Array:
        """Float32 logits [B]."""
        if len(c.batch["image"]) % self.group:
            raise UserError(
                f"the discriminator compares groups of {self.group} pictures, and a device has {len(c.batch['image'])}: give a "
                f"--batch-size of a multiple of {self.group} for each device, or another --system.group"
            )
        labels = labels if self.conditional else None
        return self.judge(dtype or self.dtype).apply(c.variables["D"], pictures, labels)
