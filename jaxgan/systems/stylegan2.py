"""StyleGAN2: Analyzing and Improving the Image Quality of StyleGAN (Karras et al. 2019, 1912.04958), and ADA (2006.06676).

A mapping network turns the latent z into w, and w modulates each convolution of the synthesis (`jaxgan.networks.style`). The
objective is the non-saturating one with two lazy penalties, each every few steps, in the main optimisers: R1 on real pictures
(section 3.1 there, "lazy regularization"), and path length on the synthesis (section 3.2): a step in W should change the
picture by a step of the same length everywhere. Style mixing (StyleGAN, 1812.04948, section 3.1) draws the coarse and the fine
styles of a picture from two latents. Few pictures ask for `augmentation`, adapted by what the discriminator makes of the real
ones (2006.06676).
"""

import dataclasses
import math

import jax
import jax.numpy as jnp
import optax

from jaxgan import rows
from jaxgan.errors import UserError
from jaxgan.losses import adversarial, penalties
from jaxgan.media import Picture
from jaxgan.networks.augmentation import Augmentation
from jaxgan.networks.style import Architecture, Mapping, StyleDiscriminator, Synthesis, discriminator_layers, styles_of
from jaxgan.training.state import Context, Outcome
from jaxgan.training.system import Phase, System, check_labels, every, one_class_each

MEAN_DECAY = 0.998
"""Of the running mean of w, once a step; StyleGAN3's choice. (NVIDIA's earlier codes move it at every pass, by 0.995.)"""
PATH_DECAY = 0.99
"""Of the running mean of the path lengths."""


@dataclasses.dataclass(frozen=True)
class StyleGAN2(System):
    """Defaults are the paper's for faces of 1024 pixels (configuration F)."""

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
    generator: Architecture = "skip"
    """What leads past the generator's convolutions."""
    discriminator: Architecture = "resnet"
    """What leads past the discriminator's convolutions."""
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
    path_length: float = 2.0
    """Weight of the path length penalty; 0 is off."""
    path_length_every: int = 4
    """Steps from one path length penalty, so many times as large, to the next."""
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

    def resolve(self, spec):
        shape = spec.shapes["image"].shape
        if (
            not isinstance(spec.media["image"], Picture)
            or shape[0] != shape[1]
            or shape[0] < 8
            or shape[0] & (shape[0] - 1)
        ):
            raise UserError(
                f"StyleGAN2 makes square pictures of a side of 8, 16, 32, ...; the data's are {list(shape)}: give --data.size"
            )
        return dataclasses.replace(self, classes=one_class_each(self, spec)) if self.conditional else self

    def check_batch(self, batch):
        if self.conditional:
            check_labels(batch["label"], self.classes)

    # The networks.

    def mapping(self) -> Mapping:
        return Mapping(self.style_dim, self.mapping_layers, (self.classes or 0) if self.conditional else 0)

    def synthesis(self, shape: tuple[int, int, int]) -> Synthesis:
        return Synthesis(shape[0], shape[2], self.channel_base, self.width, self.generator, self.dtype)

    def judge(self, dtype) -> StyleDiscriminator:
        classes = (self.classes or 0) if self.conditional else 0
        return StyleDiscriminator(
            self.channel_base, self.width, self.discriminator, self.group, classes, self.mapping_layers, dtype
        )

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

    def init_aux(self, variables, batch):
        return {"path_length": jnp.float32(0), **self.augmentation.init_aux()}

    def map(self, variables, z: jax.Array, labels: jax.Array | None) -> jax.Array:
        """w [B, style_dim] of z [B, latent_dim]."""
        return self.mapping().apply({"params": variables["G"]["params"]["mapping"]}, z, labels)

    def synthesize(self, variables, ws: jax.Array, shape: tuple[int, int, int], noise_key: jax.Array | None):
        """The pictures of ws [B, styles, style_dim]."""
        params, noise = variables["G"]["params"]["synthesis"], variables["G"]["noise"]
        return self.synthesis(shape).apply({"params": params, "noise": noise}, ws, noise_key)

    # The latent space: z [B, latent_dim], or w for each layer [B, styles, style_dim].

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
        return jnp.broadcast_to(w[:, None], (len(w), styles_of(inputs["image"].shape[1]), w.shape[1]))

    def decode(self, variables, z, inputs):
        """With the noise that the generator keeps: a latent is one picture."""
        return self.synthesize(variables, self.intermediate(variables, z, inputs), inputs["image"].shape[1:], None)

    # Training.

    def phases(self):
        turns = [
            Phase("discriminator", ("D",), self.discriminator_loss),
            Phase("generator", ("G",), self.generator_loss),
        ]
        if self.r1:
            turns.append(Phase("r1", ("D",), self.r1_loss, moves=every(self.r1_every), apart=True))
        if self.path_length:
            lazy = every(self.path_length_every)
            turns.append(Phase("path_length", ("G",), self.path_length_loss, moves=lazy, apart=True))
        return tuple(turns)

    def optimizer(self, network, slot):
        """A network with a lazy penalty every k steps moves (k + 1) / k times a step: rate and memory shrink to match."""
        interval = {"D": self.r1_every if self.r1 else 0, "G": self.path_length_every if self.path_length else 0}[
            network
        ]
        share = interval / (interval + 1) if interval else 1.0
        adam = optax.adam(self.learning_rate * share, 0.0, self.beta2**share, eps=1e-8)
        if network != "D" or not self.freeze_discriminator:
            return adam
        return optax.chain(adam, optax.masked(optax.set_to_zero(), self.frozen_layers))

    def frozen_layers(self, params):
        """Of the discriminator's parameters, which stay: those of its first `freeze_discriminator` layers."""
        stay = discriminator_layers(params)[: self.freeze_discriminator]
        return {name: jax.tree.map(lambda _, s=name in stay: s, part) for name, part in params.items()}

    def ema_decay(self, network, step, images):
        """0.5^(images of a step / half-life)."""
        if network != "G":
            return None
        half_life = jnp.float32(self.ema_images)
        if self.ema_rampup:
            half_life = jnp.minimum(half_life, self.ema_rampup * images * jnp.asarray(step, jnp.float32))
        return 0.5 ** (images / jnp.maximum(half_life, 1e-8))

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

    def path_length_loss(self, c: Context):
        """E[(||J^T y|| - a)^2], J = dG/dw, y ~ N(0, 1) / side, a their running mean (equation 4), of half of a minibatch.

        The mean of the squares over the layers stands under the root, as in the code. a is a constant here; there the
        gradient passes through a hundredth of it.
        """
        z_key, noise_key, y_key = jax.random.split(c.key, 3)
        shape, count = c.batch["image"].shape[1:], max(1, len(c.batch["image"]) // 2)
        labels = c.batch["label"][:count] if self.conditional else None
        ws = self.mixed(c.variables, z_key, count, shape[0], labels)[0]
        y = rows.normal(y_key, count, shape) / math.sqrt(shape[0] * shape[1])
        slopes = jax.grad(lambda ws: (self.synthesize(c.variables, ws, shape, noise_key) * y).sum())(ws)
        lengths = jnp.sqrt(jnp.square(slopes).sum(2).mean(1) + penalties.EPSILON)
        mean = c.aux["path_length"]
        mean += (1 - PATH_DECAY) * (rows.mean(jax.lax.stop_gradient(lengths)) - mean)
        penalty = jnp.square(lengths - mean).mean()
        metrics = {"penalty": penalty, "length": lengths.mean()}
        return self.path_length_every * self.path_length * penalty, Outcome(aux={"path_length": mean}, metrics=metrics)

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
        if len(pictures) % self.group:
            raise UserError(
                f"the discriminator compares groups of {self.group} pictures, and a device has {len(c.batch['image'])}: give a "
                f"--batch-size of a multiple of {self.group} for each device, or another --system.group"
            )
        labels = labels if self.conditional else None
        return self.judge(dtype or self.dtype).apply(c.variables["D"], pictures, labels)
