"""DCGAN: Unsupervised Representation Learning with Deep Convolutional GANs (Radford et al. 2015, arXiv:1511.06434).

The architecture of section 3: strided convolutions instead of pooling, BatchNorm in both networks but not at the generator's
output and the discriminator's input, no hidden dense layers, ReLU and tanh in the generator, LeakyReLU in the discriminator.
Weights begin from N(0, 0.02); Adam with beta1 0.5 and a learning rate of 2e-4 (section 4).
"""

import dataclasses
from typing import Literal

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax

from jaxgan import rows
from jaxgan.errors import UserError
from jaxgan.losses import adversarial, penalties
from jaxgan.nn import Conv, ConvTranspose, Mode, NormKind, make_norm, normal, normal_around_one
from jaxgan.training.state import Context, Outcome
from jaxgan.training.system import Phase, System

SMALLEST_MAP = 4
"""Side of the first feature map of the generator, the last of the discriminator."""


class Generator(nn.Module):
    """Latents [B, latent] to pictures [B, H, W, C] in [-1, 1]: a projection to 4x4, then doublings."""

    image_shape: tuple[int, int, int]
    width: int
    kernel: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, z: jax.Array, mode: Mode) -> jax.Array:
        height, width, channels = self.image_shape
        doublings = (height // SMALLEST_MAP).bit_length() - 1

        def norm_relu(x):
            return nn.relu(make_norm("batch", normal_around_one(), self.dtype)(x, mode))

        features = self.width * 2 ** (doublings - 1)
        first = (height >> doublings, width >> doublings, features)
        # Not a hidden dense layer in the paper's sense: its result is the first feature map.
        x = nn.Dense(first[0] * first[1] * features, use_bias=False, kernel_init=normal(), dtype=self.dtype)(z)
        x = norm_relu(x.reshape(-1, *first))
        for level in range(1, doublings):
            x = ConvTranspose(features >> level, self.kernel, 2, use_bias=False, dtype=self.dtype)(x)
            x = norm_relu(x)
        x = ConvTranspose(channels, self.kernel, 2, dtype=self.dtype)(x)
        return jnp.tanh(x.astype(jnp.float32))


class Discriminator(nn.Module):
    """Pictures [B, H, W, C] in [-1, 1] to logits [B]: halvings down to 4x4, then one number."""

    width: int
    kernel: int
    norm: NormKind
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, images: jax.Array, mode: Mode) -> jax.Array:
        x = images
        for level in range((images.shape[1] // SMALLEST_MAP).bit_length() - 1):
            norm = self.norm if level else "none"  # never at the input
            x = Conv(self.width << level, self.kernel, 2, use_bias=norm == "none", dtype=self.dtype)(x)
            x = nn.leaky_relu(make_norm(norm, normal_around_one(), self.dtype)(x, mode), 0.2)
        x = x.reshape(x.shape[0], -1)
        return nn.Dense(1, kernel_init=normal(), dtype=self.dtype)(x)[:, 0].astype(jnp.float32)


@dataclasses.dataclass(frozen=True)
class DCGAN(System):
    """Defaults are the paper's. The size and the channels of the pictures are those of the data."""

    latent_dim: int = 100
    """Length of the latent vector z."""
    latent: Literal["uniform", "normal"] = "uniform"
    """Distribution of z: uniform on (-1, 1) as in the paper, or standard normal as in the common ports."""
    width: int = 128
    """Channels of the largest feature maps; they double with each halving of the size (1024 at 4x4 for 64x64 pictures)."""
    kernel: Literal[4, 5] = 5
    """Side of the kernels: 5 in the paper, 4 in the common ports."""
    discriminator_norm: Literal["batch", "layer", "instance", "none"] = "batch"
    """Norm in the discriminator. With `r1` use none: under BatchNorm an example's gradient is not its own."""
    r1: float = 0.0
    """gamma of the penalty gamma / 2 E[||grad_x D(x)||^2] on real pictures (Mescheder et al. 2018); 0 is off."""
    learning_rate: float = 2e-4
    """Of Adam, both players."""
    beta1: float = 0.5
    """Of Adam, both players."""
    beta2: float = 0.999
    """Of Adam, both players."""
    ema: float = 0.0
    """Decay of the moving average of the generator that samples are made with; 0 keeps none."""

    def resolve(self, shapes, classes):
        height, width, _ = shapes["image"].shape
        doublings = max((height // SMALLEST_MAP).bit_length() - 1, 0)
        if not 32 <= height <= 256 or height != SMALLEST_MAP << doublings or width % (1 << doublings):
            raise UserError(
                f"DCGAN makes pictures of 32, 64, 128 or 256 rows and a width that it can halve as often; the data gives "
                f"{height}x{width}: set --data.size"
            )
        return self

    def generator(self, image_shape: tuple[int, int, int]) -> Generator:
        return Generator(image_shape, self.width, self.kernel, self.dtype)

    def discriminator(self) -> Discriminator:
        return Discriminator(self.width, self.kernel, self.discriminator_norm, self.dtype)

    def init_variables(self, key, batch):
        g_key, d_key = jax.random.split(key)
        image = batch["image"]
        z = jnp.zeros((image.shape[0], self.latent_dim))
        return {
            "G": self.generator(image.shape[1:]).init(g_key, z, "batch"),
            "D": {"batch_stats": {}, **self.discriminator().init(d_key, image, "batch")},
        }

    def phases(self):
        return (
            Phase("discriminator", ("D",), self.discriminator_loss),
            Phase("generator", ("G",), self.generator_loss),
        )

    def optimizer(self, network, slot):
        return optax.adam(self.learning_rate, self.beta1, self.beta2)

    def ema_decay(self, network, step):
        return self.ema if network == "G" and self.ema else None

    def latents(self, key: jax.Array, count: int) -> jax.Array:
        """[count, latent_dim], row by row."""
        if self.latent == "uniform":
            return rows.uniform(key, count, (self.latent_dim,), minval=-1.0)
        return rows.normal(key, count, (self.latent_dim,))

    def generate(self, variables, z: jax.Array, image_shape: tuple[int, int, int], mode: Mode = "batch"):
        """Pictures [B, H, W, C], and the generator's new running statistics."""
        return self.generator(image_shape).apply(variables["G"], z, mode, mutable=["batch_stats"])

    def discriminate(self, variables, images: jax.Array):
        """Logits [B], and the discriminator's new running statistics."""
        return self.discriminator().apply(variables, images, "batch", mutable=["batch_stats"])

    def discriminator_loss(self, c: Context):
        real = c.batch["image"]
        fake, _ = self.generate(c.variables, self.latents(c.key, real.shape[0]), real.shape[1:])
        # Real and fake pictures are batches of their own: mixed, BatchNorm's statistics would give them away.
        real_logits, changed = self.discriminate(c.variables["D"], real)
        fake_logits, changed = self.discriminate({**c.variables["D"], **changed}, fake)
        loss = adversarial.discriminator_loss(real_logits, fake_logits)
        metrics = {"real_logits": real_logits.mean(), "fake_logits": fake_logits.mean()}
        if self.r1:
            penalty = penalties.r1(lambda x: self.discriminate(c.variables["D"], x)[0], real)
            loss += self.r1 / 2 * penalty
            metrics["r1"] = penalty
        return loss, Outcome(variables={"D": changed}, metrics=metrics)

    def generator_loss(self, c: Context):
        image = c.batch["image"]
        fake, changed = self.generate(c.variables, self.latents(c.key, image.shape[0]), image.shape[1:])
        logits, _ = self.discriminate(c.variables["D"], fake)
        return adversarial.generator_non_saturating_loss(logits), Outcome(variables={"G": changed})

    def decode(self, variables, z, inputs):
        return self.generate(variables, z, inputs["image"].shape[1:], mode="running")[0]
