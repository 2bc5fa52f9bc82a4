"""CoGAN: Coupled Generative Adversarial Networks (Liu & Tuzel 2016, arXiv:1606.07536).

Pictures that correspond (a face with glasses, the same face without) from examples of each domain alone, without pairs. Each
domain i has a GAN, a generator g_i and a discriminator f_i, and all play one game (section 3):

    max_g min_f  sum_i  -E[log f_i(x_i)] - E[log(1 - f_i(g_i(z)))],    x_i of domain i, the same z for every domain,

under a constraint: the generators' first layers, which decide what a picture is about, have the same weights, and so do the
discriminators' last ones. Only the layer at the pixels is a domain's own, so that one latent means the same in all of them.

Here "label" says of which domain a picture is: its first class is one (faces without glasses), all others together are the
other. Adam with 2e-4 and beta1 0.5 as in the paper; DCGAN's networks at any size, without norms in the discriminator; the
generators' loss is the non-saturating one.
"""

import dataclasses
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax

from jaxgan import rows
from jaxgan.errors import UserError
from jaxgan.losses import adversarial, penalties
from jaxgan.nn import Conv, ConvTranspose, Mode, make_norm, normal, normal_around_one
from jaxgan.training.state import Context, Outcome
from jaxgan.training.system import Phase, System, statistics_of

OWN_GENERATORS, OWN_DISCRIMINATORS = ("G_1", "G_2"), ("D_1", "D_2")


class SharedGenerator(nn.Module):
    """All layers of DCGAN's generator but the last: latents [B, latent] to 4x4 maps, then doublings to half the size."""

    size: int
    width: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, z: jax.Array, mode: Mode) -> jax.Array:
        features = self.width * self.size // 8
        x = nn.Dense(16 * features, use_bias=False, kernel_init=normal(), dtype=self.dtype)(z).reshape(
            -1, 4, 4, features
        )
        x = nn.relu(make_norm("batch", normal_around_one(), self.dtype)(x, mode))
        while x.shape[1] < self.size // 2:
            x = ConvTranspose(x.shape[-1] // 2, 4, 2, use_bias=False, dtype=self.dtype)(x)
            x = nn.relu(make_norm("batch", normal_around_one(), self.dtype)(x, mode))
        return x


class OwnGenerator(nn.Module):
    """A domain's last layer: maps [B, H / 2, W / 2, width] to pictures [B, H, W, channels] in [-1, 1]."""

    channels: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, maps: jax.Array) -> jax.Array:
        return jnp.tanh(ConvTranspose(self.channels, 4, 2, dtype=self.dtype)(maps).astype(jnp.float32))


class OwnDiscriminator(nn.Module):
    """A domain's first layer: pictures [B, H, W, C] to maps [B, H / 2, W / 2, width]."""

    width: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, pictures: jax.Array) -> jax.Array:
        return nn.leaky_relu(Conv(self.width, 4, 2, dtype=self.dtype)(pictures), 0.2)


class SharedDiscriminator(nn.Module):
    """All other layers of the discriminator, without norms: halvings to 4x4, then logits [B]."""

    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        while x.shape[1] > 4:
            x = nn.leaky_relu(Conv(2 * x.shape[-1], 4, 2, dtype=self.dtype)(x), 0.2)
        x = nn.Dense(1, kernel_init=normal(), dtype=self.dtype)(x.reshape(x.shape[0], -1))
        return x[:, 0].astype(jnp.float32)


@dataclasses.dataclass(frozen=True)
class CoGAN(System):
    """Defaults are the paper's for digits, but for the networks, which are DCGAN's.

    "G" and "D" are the layers that both domains share, "G_1", "G_2", "D_1" and "D_2" those that are one domain's own.
    """

    reads = ("image", "label")

    first: int = 0
    """Number of the label's class that is the first domain; the pictures of all its other classes are the second."""
    latent_dim: int = 100
    """Length of the latent, uniform on (-1, 1)."""
    width: int = 64
    """Channels of the largest feature maps; they double with each halving of the size."""
    r1: float = 0.0
    """gamma of the penalty gamma / 2 E[||grad_x f(x)||^2] on real pictures (Mescheder et al. 2018); 0 is off."""
    ema: float = 0.0
    """Decay of the moving average of the generators that samples are made with; 0 keeps none."""
    learning_rate: float = 2e-4
    """Of Adam, both players."""
    beta1: float = 0.5
    """Of Adam, both players."""
    beta2: float = 0.999
    """Of Adam, both players."""

    def resolve(self, spec):
        shape, label = spec.shapes["image"].shape, spec.shapes["label"].shape
        if shape[0] != shape[1] or shape[0] not in (8, 16, 32, 64, 128, 256):
            raise UserError(f"CoGAN makes squares of 8, 16, ..., 256 pixels, not {list(shape[:2])}: set --data.size")
        if label != () or not 0 <= self.first < len(spec.classes) or len(spec.classes) < 2:
            found = f"{len(spec.classes)} classes in the shape {list(label)}"
            raise UserError(
                f"CoGAN couples class {self.first} with others; the data's label has {found}: set --data.label"
            )
        return self

    def init_variables(self, key: jax.Array, batch: dict[str, jax.Array]) -> dict[str, Any]:
        image, (g_key, d_key, *keys) = batch["image"], jax.random.split(key, 6)
        generator = SharedGenerator(image.shape[1], self.width, self.dtype)
        maps, generator = generator.init_with_output(g_key, jnp.zeros((image.shape[0], self.latent_dim)), "batch")
        variables = {"G": generator, "D": SharedDiscriminator(self.dtype).init(d_key, maps)}
        for i, (g_own, d_own) in enumerate(zip(OWN_GENERATORS, OWN_DISCRIMINATORS, strict=True)):
            variables[g_own] = OwnGenerator(image.shape[-1], self.dtype).init(keys[2 * i], maps)
            variables[d_own] = OwnDiscriminator(self.width, self.dtype).init(keys[2 * i + 1], image)
        return variables

    def phases(self):
        return (
            Phase("discriminator", ("D", *OWN_DISCRIMINATORS), self.discriminator_loss),
            Phase("generator", ("G", *OWN_GENERATORS), self.generator_loss),
        )

    def optimizer(self, network, slot):
        return optax.adam(self.learning_rate, self.beta1, self.beta2)

    def ema_decay(self, network, step):
        return self.ema if network.startswith("G") and self.ema else None

    def latents(self, key, count):
        return rows.uniform(key, count, (self.latent_dim,), minval=-1.0)

    def domain(self, batch) -> jax.Array:
        """The domain of each row, 0 or 1: int32 [B]."""
        return jnp.int32(batch["label"] != self.first)

    def generate(self, variables, z, image_shape, mode: Mode = "batch") -> tuple[jax.Array, dict[str, Any]]:
        """The pictures g_i(z) [2, B, H, W, C], which correspond; and the new statistics of the shared layers."""
        shared, own = SharedGenerator(image_shape[0], self.width, self.dtype), OwnGenerator(image_shape[-1], self.dtype)
        maps, changed = shared.apply(variables["G"], z, mode, mutable=statistics_of(variables["G"]))
        return jnp.stack([own.apply(variables[name], maps) for name in OWN_GENERATORS]), {"G": changed}

    def judge(self, variables, pictures: jax.Array, dtype=None) -> jax.Array:
        """The logits f_i [2, B] of the pictures [2, B, H, W, C]."""
        own, shared = OwnDiscriminator(self.width, dtype or self.dtype), SharedDiscriminator(dtype or self.dtype)
        maps = [own.apply(variables[name], x) for name, x in zip(OWN_DISCRIMINATORS, pictures, strict=True)]
        return jnp.stack(rows.deinterleave(shared.apply(variables["D"], rows.interleave(*maps)), 2))

    def discriminator_loss(self, c: Context):
        real, domain = c.batch["image"], self.domain(c.batch)
        fake, _ = self.generate(c.variables, self.latents(c.key, real.shape[0]), real.shape[1:])
        fake_logits = self.judge(c.variables, fake)

        def judge_real(x, dtype=None):
            return self.judge(c.variables, jnp.stack([x, x]), dtype)[domain, jnp.arange(x.shape[0])]

        # E over the pictures of one domain: the mean over the batch, of which they are a share.
        shares = jnp.stack([rows.mean(jnp.float32(domain == i)) for i in (0, 1)])
        real_logits = judge_real(real)
        loss = (nn.softplus(-real_logits) / shares[domain]).mean() + 2 * nn.softplus(fake_logits).mean()
        metrics = {"real_logits": real_logits.mean(), "fake_logits": fake_logits.mean()}
        if self.r1:
            metrics["r1"] = penalties.r1(lambda x: judge_real(x, jnp.float32), real)
            loss += self.r1 / 2 * metrics["r1"]
        return loss, Outcome(metrics=metrics)

    def generator_loss(self, c: Context):
        image = c.batch["image"]
        fake, changed = self.generate(c.variables, self.latents(c.key, image.shape[0]), image.shape[1:])
        loss = adversarial.generator_non_saturating_loss(self.judge(c.variables, fake))  # the mean over both domains
        return 2 * loss, Outcome(variables=changed)

    def decode(self, variables, z, inputs):
        """Of each latent the picture of the domain that "label" names."""
        pictures, _ = self.generate(variables, z, inputs["image"].shape[1:], "running")
        return pictures[self.domain(inputs), jnp.arange(z.shape[0])]

    def standing(self, variables, z, inputs):
        return self.generate(variables, z, inputs["image"].shape[1:], "standing")[1]["G"]

    def preview(self, variables, inputs, key):
        """Rows of one latent's two pictures."""
        count, *shape = inputs["image"].shape
        return self.generate(variables, self.latents(key, count // 2), shape, "running")[0].swapaxes(0, 1)
