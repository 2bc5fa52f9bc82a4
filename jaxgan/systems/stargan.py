"""StarGAN: Unified Generative Adversarial Networks for Multi-Domain Image-to-Image Translation (Choi et al. 2017, 1711.09020).

One generator for all domains: it sees a picture and, as constant planes beside its colours, what the picture shall be. The
discriminator says whether a picture is real (WGAN-GP, weight 10) and which attributes it has (weight 1); and translated back
to what it was the picture must return (L1, weight 10). Five moves of the discriminator for one of the generator; Adam with
1e-4 and betas 0.5 and 0.999; batches of 16. Several data sets at once, each with labels of its own, by a mask vector (3.3).

Borders are zeros on purpose: with reflected ones every label plane would be constant to its edge, and the first InstanceNorm
would take it away.
"""

import dataclasses
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxgan import rows
from jaxgan.errors import UserError
from jaxgan.losses import adversarial, penalties, reconstruction
from jaxgan.nn import Conv, ConvTranspose, InstanceNorm
from jaxgan.training.state import Context, Outcome
from jaxgan.training.system import Phase, System, check_labels

# PyTorch's default, U(-1, 1) / sqrt(fan in), with which the paper's code begins; of a transposed convolution it counts what
# comes out as "in". Biases, of which there are some in the discriminator, begin at 0 here.
INIT = jax.nn.initializers.variance_scaling(1 / 3, "fan_in", "uniform")
TRANSPOSED_INIT = jax.nn.initializers.variance_scaling(1 / 3, "fan_in", "uniform", in_axis=-1, out_axis=-2)
HALVINGS = 2


class Generator(nn.Module):
    """Pictures [B, H, W, C] and domain vectors [B, K] to pictures [B, H, W, C] in [-1, 1]; 4 divides H and W."""

    width: int
    blocks: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, pictures: jax.Array, domains: jax.Array) -> jax.Array:
        kind = {"use_bias": False, "kernel_init": INIT, "dtype": self.dtype}

        def norm(x, name):
            return InstanceNorm(affine=True, dtype=self.dtype, name=f"{name}_norm")(x, "batch")

        planes = jnp.broadcast_to(domains[:, None, None], (*pictures.shape[:3], domains.shape[-1]))
        x = jnp.concatenate([pictures, planes.astype(pictures.dtype)], -1)
        x = nn.relu(norm(Conv(self.width, 7, padding=3, **kind, name="first")(x), "first"))
        features = self.width
        for level in range(HALVINGS):
            features, name = 2 * features, f"down_{level}"
            x = nn.relu(norm(Conv(features, 4, 2, padding=1, **kind, name=name)(x), name))
        for block in range(self.blocks):
            first, second = f"block_{block}_0", f"block_{block}_1"
            inner = nn.relu(norm(Conv(features, 3, padding=1, **kind, name=first)(x), first))
            x = x + norm(Conv(features, 3, padding=1, **kind, name=second)(inner), second)
        for level in range(HALVINGS):
            features, name = features // 2, f"up_{level}"
            up = ConvTranspose(features, 4, 2, padding=1, **kind | {"kernel_init": TRANSPOSED_INIT}, name=name)
            x = nn.relu(norm(up(x), name))
        x = Conv(pictures.shape[-1], 7, padding=3, **kind, name="last")(x)
        return jnp.tanh(x.astype(jnp.float32))


class Discriminator(nn.Module):
    """Pictures [B, H, W, C] to a map of scores [B, H', W'] and logits of the labels [B, labels], float32; no norm."""

    width: int
    layers: int
    labels: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        kind = {"kernel_init": INIT, "dtype": self.dtype}
        for layer in range(self.layers):
            x = Conv(self.width << layer, 4, 2, padding=1, **kind, name=f"layer_{layer}")(x)
            x = nn.leaky_relu(x, 0.01)
        scores = Conv(1, 3, padding=1, use_bias=False, **kind, name="source")(x)[..., 0]
        # One number for each label from the whole of the last map.
        logits = Conv(self.labels, x.shape[1:3], padding="VALID", use_bias=False, **kind, name="labels")(x)
        return scores.astype(jnp.float32), logits[:, 0, 0].astype(jnp.float32)


@dataclasses.dataclass(frozen=True)
class StarGAN(System):
    """Defaults are the paper's for pictures of 128x128. It reads "image" and "label": [A] yes-or-no attributes, or one of A."""

    directions = {"ab": "G"}

    labels: int | None = None
    """How many attributes, or classes, there are, A; None takes it from the data."""
    sets: tuple[int, ...] = ()
    """For several data sets at once: how many labels each has, A in all. Then "source" says whose a picture is."""
    one_of: tuple[bool, ...] = ()
    """For several data sets: whether the labels of each are one of N, as in RaFD, or yes and no, as in CelebA (the default)."""
    width: int = 64
    """Channels of the generator's largest feature maps."""
    blocks: int = 6
    """Residual blocks of the generator."""
    discriminator_width: int = 64
    """Channels of the discriminator's first layer; they double with each."""
    discriminator_layers: int = 6
    """Layers of the discriminator, which each halve the size."""
    classification: float = 1.0
    """Weight of the classification loss, lambda_cls."""
    reconstruction: float = 10.0
    """Weight of the way back, lambda_rec."""
    penalty_weight: float = 10.0
    """Weight of the gradient penalty, lambda_gp."""
    discriminator_moves: int = 5
    """Moves of the discriminator for one of the generator."""
    learning_rate: float = 1e-4
    """Of Adam, both players."""
    beta1: float = 0.5
    """Of Adam, both players."""
    beta2: float = 0.999
    """Of Adam, both players."""

    conditions = ("label",)

    @property
    def reads(self):
        return ("image", "label", "source") if self.sets else ("image", "label")

    def resolve(self, spec):
        shape, label = spec.shapes["image"].shape, spec.shapes["label"].shape
        least = 1 << self.discriminator_layers
        if len(shape) != 3 or any(side % least for side in shape[:2]):
            raise UserError(
                f"StarGAN's discriminator halves pictures {self.discriminator_layers} times, and the data's are "
                f"{'x'.join(map(str, shape[:2]))}: set --data.size to a multiple of {least}, or fewer "
                "--system.discriminator-layers"
            )
        if len(label) > 1 or (not label and not spec.classes and self.labels is None):
            raise UserError(
                "StarGAN takes labels [A] of yes-or-no attributes, or one of A named classes: choose the label of the data, "
                "or give --system.labels"
            )
        count = label[0] if label else len(spec.classes) or self.labels
        if self.labels not in (None, count):
            raise UserError(f"system.labels is {self.labels}, but the data has {count}: leave it out to take theirs")
        fits = sum(self.sets) == count and len(label) == 1 if self.sets else True
        if not fits or (self.one_of and len(self.one_of) != len(self.sets)):
            raise UserError(
                f"system.sets is {self.sets} and system.one_of {self.one_of}, but the data has {count} labels in one number"
                if not label
                else f"system.sets is {self.sets} and system.one_of {self.one_of}, but the data has {count} labels: give the "
                "number of each set's labels, and for each set whether they are one of N"
            )
        return dataclasses.replace(self, labels=count)

    def check_batch(self, batch):
        if batch["label"].ndim == 2:  # [minibatches, rows]: one of N
            check_labels(batch["label"], self.labels, "--system.labels")
        elif not set(np.unique(batch["label"])) <= {0, 1}:
            raise UserError("the data's attributes must be 0 or 1 each, for no and yes: mend the labels")
        if self.sets and not 0 <= batch["source"].min() <= batch["source"].max() < len(self.sets):
            raise UserError(
                f"the data's source must be 0 to {len(self.sets) - 1}, one of the {len(self.sets)} system.sets"
            )

    def init_variables(self, key: jax.Array, batch: dict[str, jax.Array]) -> dict[str, Any]:
        g_key, d_key = jax.random.split(key)
        domains = self._domains(batch["label"], batch.get("source"))
        return {
            "G": self._generator.init(g_key, batch["image"], domains),
            "D": self._discriminator(self.dtype).init(d_key, batch["image"]),
        }

    def phases(self):
        return (
            Phase("discriminator", ("D",), self.discriminator_loss, moves=self.discriminator_moves),
            Phase("generator", ("G",), self.generator_loss),
        )

    def optimizer(self, network, slot):
        return optax.adam(self.learning_rate, self.beta1, self.beta2)

    def discriminator_loss(self, c: Context):
        target_key, penalty_key = jax.random.split(c.key)
        real, labels, source = c.batch["image"], c.batch["label"], c.batch.get("source")
        fake = self._generate(c, real, self._domains(self._targets(c, target_key), source))
        scores, logits = self._discriminator(self.dtype).apply(c.variables["D"], rows.interleave(real, fake))
        real_scores, fake_scores = rows.deinterleave(scores, 2)
        exact = self._discriminator(jnp.float32)
        penalty = penalties.gradient_penalty(lambda x: exact.apply(c.variables["D"], x)[0], real, fake, penalty_key)
        distance = -adversarial.wasserstein_critic_loss(real_scores, fake_scores)
        wrong = self._classification_loss(rows.deinterleave(logits, 2)[0], labels, source)
        loss = self.penalty_weight * penalty - distance + self.classification * wrong
        return loss, Outcome(metrics={"distance": distance, "gradient_penalty": penalty, "classification": wrong})

    def generator_loss(self, c: Context):
        real, labels, source = c.batch["image"], c.batch["label"], c.batch.get("source")
        targets = self._targets(c, c.key)
        fake = self._generate(c, real, self._domains(targets, source))
        scores, logits = self._discriminator(self.dtype).apply(c.variables["D"], fake)
        fooled = adversarial.wasserstein_generator_loss(scores)
        wrong = self._classification_loss(logits, targets, source)
        back = reconstruction.l1(self._generate(c, fake, self._domains(labels, source)), real)
        loss = fooled + self.classification * wrong + self.reconstruction * back
        return loss, Outcome(metrics={"adversarial": fooled, "classification": wrong, "reconstruction": back})

    @property
    def multiple(self) -> int:
        return 2**HALVINGS

    def translate(self, variables, pictures, key, *, direction="ab", inputs=None, statistics="batch"):
        """Of several sets, the first one with a label that is 1 is meant, or the first of all; the others' are not seen."""
        labels, source = inputs["label"], None
        if self.sets:
            owners = np.repeat(np.arange(len(self.sets)), self.sets)
            source = jnp.asarray(owners)[jnp.argmax(labels, -1)]
        return self._generator.apply(variables["G"], pictures, self._domains(labels, source))

    def sample(self, variables, inputs, key):
        """The pictures "image", turned into what "label" says."""
        domains = self._domains(inputs["label"], inputs.get("source"))
        return self._generator.apply(variables["G"], inputs["image"], domains)

    def preview(self, variables, inputs, key):
        """Rows of a picture, itself again, and itself with the labels of three others."""
        made, quarter = [inputs["image"]], len(inputs["image"]) // 4
        for turn in range(4):  # rows come in the order of their labels: neighbours would say nothing new
            others = {name: jnp.roll(inputs[name], -turn * quarter, 0) for name in inputs if name != "image"}
            made.append(self.sample(variables, {**inputs, **others}, key))
        return jnp.stack(made, 1)

    def _targets(self, c: Context, key: jax.Array) -> jax.Array:
        """For each row the label of some row of the global batch of the same data set: the labels' own distribution."""
        everyones = rows.gather(c.batch["label"])
        if not self.sets:
            return everyones[rows.randint(key, len(c.batch["label"]), 0, len(everyones))]
        alike = c.batch["source"][:, None] == rows.gather(c.batch["source"])
        noise = rows.uniform(key, len(alike), alike.shape[1:])
        return everyones[jnp.argmax(jnp.where(alike, noise, -1.0), -1)]

    def _domains(self, labels: jax.Array, source: jax.Array | None) -> jax.Array:
        """float32 [B, A], and, of several sets, the one-hot mask vector [B, sets] after it; unknown labels are 0."""
        vector = jax.nn.one_hot(labels, self.labels) if labels.ndim == 1 else labels.astype(jnp.float32)
        if not self.sets:
            return vector
        mask = jax.nn.one_hot(source, len(self.sets))
        known = jnp.repeat(mask, jnp.array(self.sets), axis=-1, total_repeat_length=self.labels)
        return jnp.concatenate([vector * known, mask], -1)

    def _classification_loss(self, logits: jax.Array, labels: jax.Array, source: jax.Array | None) -> jax.Array:
        """Cross-entropy of the labels of each picture's own set: summed over yes-or-no attributes, averaged over rows."""
        if not self.sets:
            return _cross_entropy(logits, labels, labels.ndim == 1).mean()
        loss, start = jnp.float32(0), 0
        exclusive = self.one_of or (False,) * len(self.sets)
        for number, (count, one_of_n) in enumerate(zip(self.sets, exclusive, strict=True)):
            own = slice(start, start + count)
            values = jnp.argmax(labels[:, own], -1) if one_of_n else labels[:, own]
            loss += jnp.where(source == number, _cross_entropy(logits[:, own], values, one_of_n), 0).mean()
            start += count
        return loss

    @property
    def _generator(self):
        return Generator(self.width, self.blocks, self.dtype)

    def _discriminator(self, dtype: jnp.dtype):
        return Discriminator(self.discriminator_width, self.discriminator_layers, self.labels, dtype)

    def _generate(self, c: Context, pictures: jax.Array, domains: jax.Array) -> jax.Array:
        return self._generator.apply(c.variables["G"], pictures, domains)


def _cross_entropy(logits: jax.Array, labels: jax.Array, one_of_n: bool) -> jax.Array:
    """[B]: of one class, labels [B]; or the sum over attributes, labels [B, A]."""
    if one_of_n:
        return optax.softmax_cross_entropy_with_integer_labels(logits, labels)
    return optax.sigmoid_binary_cross_entropy(logits, labels.astype(jnp.float32)).sum(-1)
