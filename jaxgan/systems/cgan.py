"""CGAN: Conditional Generative Adversarial Nets (Mirza & Osindero 2014, arXiv:1411.1784), section 4.1.

Both players are given the label y: min_G max_D E[log D(x | y)] + E[log(1 - D(G(z | y)))]. The generator maps noise and label
to hidden layers of 200 and 1000 units, and both to a joint layer of 1200; the discriminator maps picture and label to
maxout layers, and both to a joint one. Trained with the binary cross-entropy of the value function (some ports use a
squared error: that is LSGAN's objective, not this paper's).
"""

import dataclasses
import math

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax

from jaxgan import rows
from jaxgan.losses import adversarial
from jaxgan.nn import Dropout, Maxout, uniform
from jaxgan.training.state import Context, Outcome
from jaxgan.training.system import Phase, System, check_labels, one_class_each


class Generator(nn.Module):
    """Noise [B, latent] and one-hot labels [B, classes] to pictures [B, H, W, C] in [-1, 1]."""

    image_shape: tuple[int, int, int]
    noise_hidden: int
    label_hidden: int
    joint_hidden: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, z: jax.Array, labels: jax.Array) -> jax.Array:
        def dense(features):
            return nn.Dense(features, kernel_init=uniform(0.05), dtype=self.dtype)

        noise = nn.relu(dense(self.noise_hidden)(z))
        label = nn.relu(dense(self.label_hidden)(labels))
        joint = nn.relu(dense(self.joint_hidden)(jnp.concatenate([noise, label], axis=-1)))
        x = dense(math.prod(self.image_shape))(joint)
        # The sigmoid of the paper, stretched from [0, 1] to the [-1, 1] of the data.
        return jnp.tanh(x.astype(jnp.float32) / 2).reshape(-1, *self.image_shape)


class Discriminator(nn.Module):
    """Pictures [B, H, W, C] in [-1, 1] and one-hot labels [B, classes] to logits [B].

    Maxout of 240 units and 5 pieces for the picture, 50 and 5 for the label, 240 and 4 for both.
    """

    image_hidden: int
    label_hidden: int
    joint_hidden: int
    dropout: float
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, images: jax.Array, labels: jax.Array) -> jax.Array:
        def maxout(features, pieces):
            return Maxout(features, pieces, kernel_init=uniform(0.005), dtype=self.dtype)

        pixels = (images.reshape(images.shape[0], -1) + 1) / 2
        # As in the code of the first GAN. Without it the discriminator wins, and the generator collapses.
        pixels = Dropout(0.4 * self.dropout)(pixels, deterministic=False)
        image = Dropout(self.dropout)(maxout(self.image_hidden, 5)(pixels), deterministic=False)
        label = Dropout(self.dropout)(maxout(self.label_hidden, 5)(labels), deterministic=False)
        joint = maxout(self.joint_hidden, 4)(jnp.concatenate([image, label], axis=-1))
        joint = Dropout(self.dropout)(joint, deterministic=False)
        return nn.Dense(1, kernel_init=uniform(0.005), dtype=self.dtype)(joint)[:, 0].astype(jnp.float32)


@dataclasses.dataclass(frozen=True)
class CGAN(System):
    """The conditional GAN. Defaults are those of the paper's MNIST experiment."""

    reads = ("image", "label")

    classes: int | None = None
    """How many labels there are; None takes it from the data."""
    latent_dim: int = 100
    """Length of the noise vector, uniform on (-1, 1): the paper's unit hypercube, centred. On (0, 1) its mean drowns its
    variation, and the generator collapses to one picture (measured on digits)."""
    noise_hidden: int = 200
    """Units of the generator's layer on the noise."""
    label_hidden: int = 1000
    """Units of the generator's layer on the label."""
    joint_hidden: int = 1200
    """Units of the generator's joint layer."""
    image_maxout: int = 240
    """Units of the discriminator's maxout layer on the picture."""
    label_maxout: int = 50
    """Units of the discriminator's maxout layer on the label."""
    joint_maxout: int = 240
    """Units of the discriminator's joint maxout layer."""
    dropout: float = 0.5
    """Share of the discriminator's units that are dropped."""
    learning_rate: float = 0.1
    """Of gradient descent, both players."""
    momentum: float = 0.5
    """Of gradient descent, both players."""

    def resolve(self, spec):
        return dataclasses.replace(self, classes=one_class_each(self, spec))

    def generator(self, image_shape: tuple[int, int, int]) -> Generator:
        return Generator(image_shape, self.noise_hidden, self.label_hidden, self.joint_hidden, self.dtype)

    def discriminator(self) -> Discriminator:
        return Discriminator(self.image_maxout, self.label_maxout, self.joint_maxout, self.dropout, self.dtype)

    def one_hot(self, labels: jax.Array) -> jax.Array:
        return jax.nn.one_hot(labels, self.classes)

    def init_variables(self, key, batch):
        g_key, d_key = jax.random.split(key)
        image, labels = batch["image"], self.one_hot(batch["label"])
        z = jnp.zeros((labels.shape[0], self.latent_dim))
        return {
            "G": self.generator(image.shape[1:]).init(g_key, z, labels),
            "D": self.discriminator().init(d_key, image, labels),
        }

    def check_batch(self, batch):
        check_labels(batch["label"], self.classes)

    def phases(self):
        return (
            Phase("discriminator", ("D",), self.discriminator_loss),
            Phase("generator", ("G",), self.generator_loss),
        )

    def optimizer(self, network, slot):
        return optax.sgd(self.learning_rate, self.momentum)

    def latents(self, key, count):
        return rows.uniform(key, count, (self.latent_dim,), minval=-1.0)

    def decode(self, variables, z, inputs):
        return self.generator(inputs["image"].shape[1:]).apply(variables["G"], z, self.one_hot(inputs["label"]))

    def discriminator_loss(self, c: Context):
        real, labels = c.batch["image"], self.one_hot(c.batch["label"])
        z_key, dropout_key = jax.random.split(c.key)
        fake = self.decode(c.variables, self.latents(z_key, real.shape[0]), c.batch)
        logits = self.discriminator().apply(
            c.variables["D"],
            rows.interleave(real, fake),
            rows.interleave(labels, labels),
            rngs={"dropout": dropout_key},
        )
        real_logits, fake_logits = rows.deinterleave(logits, 2)
        metrics = {
            "real_probability": nn.sigmoid(real_logits).mean(),
            "fake_probability": nn.sigmoid(fake_logits).mean(),
        }
        return adversarial.discriminator_loss(real_logits, fake_logits), Outcome(metrics=metrics)

    def generator_loss(self, c: Context):
        labels = self.one_hot(c.batch["label"])
        z_key, dropout_key = jax.random.split(c.key)
        fake = self.decode(c.variables, self.latents(z_key, labels.shape[0]), c.batch)
        logits = self.discriminator().apply(c.variables["D"], fake, labels, rngs={"dropout": dropout_key})
        return adversarial.generator_non_saturating_loss(logits), Outcome()
