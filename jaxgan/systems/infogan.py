"""InfoGAN: Interpretable Representation Learning by Information Maximizing GANs (Chen et al. 2016, 1606.03657).

What a picture shows, found without labels. The latent is noise z, which may do what it likes, and a code c (section
3): a category and a few numbers, which the picture must tell. The mutual information I(c; G(z, c)) is not known, but
an auxiliary Q(c | x), which guesses the code of a picture, bounds it from below (section 5, equations 4 and 5):

    L_I(G, Q) = E_{c, x = G(z, c)}[log Q(c | x)] + H(c)  <=  I(c; G(z, c)),

and the game is (equation 6) min_{G, Q} max_D V(D, G) - lambda L_I(G, Q), with V of the first GAN.

Q is D's trunk and a head of its own (section 6), so that it costs nearly nothing. As in the authors' code the trunk
learns for both: D's turn minimises -V - lambda L_I, that of G and Q -E[log D(G)] - lambda L_I. Networks of appendix
C.1, MNIST: two convolutions of stride 2 for D, their mirror image for G, and a hidden layer at the end of both; at
other sizes the inner maps are a quarter of the picture.
"""

import dataclasses
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax

from jaxgan import rows
from jaxgan.errors import UserError
from jaxgan.losses import adversarial
from jaxgan.nn import Conv, ConvTranspose, Mode, make_norm, normal
from jaxgan.training.state import Context, Outcome
from jaxgan.training.system import Phase, System, statistics_of


class Generator(nn.Module):
    """Noise and code [B, latent] to pictures [B, H, W, C] in [-1, 1]."""

    shape: tuple[int, int, int]
    width: int
    hidden: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, z: jax.Array, mode: Mode) -> jax.Array:
        def norm_relu(x):
            return nn.relu(make_norm("batch", dtype=self.dtype)(x, mode))

        height, width, channels = self.shape
        inner = (height // 4, width // 4, 2 * self.width)
        x = norm_relu(nn.Dense(self.hidden, use_bias=False, dtype=self.dtype)(z))
        x = norm_relu(nn.Dense(inner[0] * inner[1] * inner[2], use_bias=False, dtype=self.dtype)(x))
        x = norm_relu(ConvTranspose(self.width, 4, 2, use_bias=False, dtype=self.dtype)(x.reshape(-1, *inner)))
        return jnp.tanh(ConvTranspose(channels, 4, 2, dtype=self.dtype)(x).astype(jnp.float32))


class Discriminator(nn.Module):
    """Pictures [B, H, W, C] to logits [B], and the trunk's features [B, hidden], of which Q makes its guess."""

    width: int
    hidden: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: jax.Array, mode: Mode) -> tuple[jax.Array, jax.Array]:
        def norm_leaky(x):
            return nn.leaky_relu(make_norm("batch", dtype=self.dtype)(x, mode), 0.1)

        x = nn.leaky_relu(Conv(self.width, 4, 2, dtype=self.dtype)(x), 0.1)
        x = norm_leaky(Conv(2 * self.width, 4, 2, use_bias=False, dtype=self.dtype)(x))
        x = norm_leaky(nn.Dense(self.hidden, use_bias=False, dtype=self.dtype)(x.reshape(x.shape[0], -1)))
        return nn.Dense(1, kernel_init=normal(), dtype=self.dtype)(x)[:, 0].astype(jnp.float32), x


class Posterior(nn.Module):
    """Q(c | x) of the trunk's features [B, hidden]: the category's logits [B, categories], means [B, K]."""

    categories: int
    continuous: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, features: jax.Array) -> tuple[jax.Array, jax.Array]:
        x = nn.leaky_relu(nn.Dense(128, dtype=self.dtype)(features), 0.1)
        x = nn.Dense(self.categories + self.continuous, kernel_init=normal(), dtype=self.dtype)(x).astype(jnp.float32)
        return x[:, : self.categories], x[:, self.categories :]


@dataclasses.dataclass(frozen=True)
class InfoGAN(System):
    """Defaults are the paper's for MNIST: a latent of 62 + 10 + 2, the codes at its end."""

    noise_dim: int = 62
    """Length of the incompressible noise z, uniform on (-1, 1)."""
    categories: int = 10
    """Values of the categorical code, equally likely; one-hot in the latent, after the noise."""
    continuous: int = 2
    """How many continuous codes there are, uniform on (-1, 1); the last numbers of the latent."""
    category_weight: float = 1.0
    """lambda of the category's part of L_I."""
    continuous_weight: float = 0.1
    """lambda of the continuous codes' part of L_I."""
    width: int = 64
    """Channels of the feature maps at half the size; twice as many at a quarter."""
    hidden: int = 1024
    """Units of the layer at the end of either network."""
    ema: float = 0.0
    """Decay of the moving average of the generator that samples are made with; 0 keeps none."""
    learning_rate: float = 2e-4
    """Of Adam, the discriminator."""
    generator_learning_rate: float = 1e-3
    """Of Adam, the generator and Q."""
    beta1: float = 0.5
    """Of Adam, all networks."""
    beta2: float = 0.999
    """Of Adam, all networks."""

    @property
    def latent_dim(self) -> int:
        return self.noise_dim + self.categories + self.continuous

    def resolve(self, spec):
        shape = spec.shapes["image"].shape
        if len(shape) != 3 or shape[0] % 4 or shape[1] % 4:
            raise UserError(f"InfoGAN makes pictures whose sides 4 divides, not {list(shape)}: set --data.size")
        return self

    def posterior(self) -> Posterior:
        return Posterior(self.categories, self.continuous, self.dtype)

    def init_variables(self, key: jax.Array, batch: dict[str, jax.Array]) -> dict[str, Any]:
        image, (g_key, d_key, q_key) = batch["image"], jax.random.split(key, 3)
        z = jnp.zeros((image.shape[0], self.latent_dim))
        discriminator = Discriminator(self.width, self.hidden, self.dtype)
        (_, features), discriminator = discriminator.init_with_output(d_key, image, "batch")
        return {
            "G": Generator(image.shape[1:], self.width, self.hidden, self.dtype).init(g_key, z, "batch"),
            "D": discriminator,
            "Q": self.posterior().init(q_key, features),
        }

    def phases(self):
        return (
            Phase("discriminator", ("D",), self.discriminator_loss),
            Phase("generator", ("G", "Q"), self.generator_loss),
        )

    def optimizer(self, network, slot):
        rate = self.learning_rate if network == "D" else self.generator_learning_rate
        return optax.adam(rate, self.beta1, self.beta2)

    def ema_decay(self, network, step):
        return self.ema if network == "G" and self.ema else None

    def latents(self, key: jax.Array, count: int) -> jax.Array:
        """(z, c) [count, noise + categories + continuous]: noise, a category as one-hot, continuous codes."""
        uniform_key, category_key = jax.random.split(key)
        z = rows.uniform(uniform_key, count, (self.latent_dim,), minval=-1.0)
        return self.with_category(z, rows.randint(category_key, count, 0, self.categories))

    def split(self, z: jax.Array) -> list[jax.Array]:
        """Latents [B, ...] as noise [B, noise], category [B, categories] and continuous codes [B, K]."""
        return jnp.split(z, (self.noise_dim, self.noise_dim + self.categories), axis=1)

    def with_category(self, z: jax.Array, category: jax.Array) -> jax.Array:
        """The same latents with these categories, whole numbers [B]."""
        noise, _, continuous = self.split(z)
        return jnp.concatenate([noise, jax.nn.one_hot(category, self.categories), continuous], axis=1)

    def truncate(self, variables, z, psi, inputs):
        """Noise and continuous codes nearer to 0; the category stays."""
        noise, category, continuous = self.split(z)
        return jnp.concatenate([psi * noise, category, psi * continuous], axis=1)

    def generate(self, variables, z: jax.Array, shape, mode: Mode) -> tuple[jax.Array, dict[str, Any]]:
        """The pictures G(z, c) [B, *shape] of latents [B, latent], and G's new statistics."""
        network = Generator(shape, self.width, self.hidden, self.dtype)
        return network.apply(variables["G"], z, mode, mutable=statistics_of(variables["G"]))

    def decode(self, variables, z, inputs):
        return self.generate(variables, z, inputs["image"].shape[1:], "running")[0]

    def standing(self, variables, z, inputs):
        return self.generate(variables, z, inputs["image"].shape[1:], "standing")[1]

    def judge(self, variables, pictures: jax.Array, mode: Mode = "batch"):
        """(D's logits [B], its features [B, hidden]) of pictures [B, H, W, C], and its new statistics."""
        network = Discriminator(self.width, self.hidden, self.dtype)
        return network.apply(variables["D"], pictures, mode, mutable=statistics_of(variables["D"]))

    def guess(self, variables, pictures: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Q(c | x) of pictures [B, H, W, C], each by itself: logits [B, categories], means [B, K]."""
        (_, features), _ = self.judge(variables, pictures, "running")
        return self.posterior().apply(variables["Q"], features)

    def turn(self, c: Context):
        """Fresh pictures: D's logits [B] of them, -lambda L_I up to a constant, what Q found, and G's new statistics.

        log Q(c | x) is the category's cross-entropy and, for each number, a Gaussian's -(c - mean)^2 / 2.
        """
        count, *shape = c.batch["image"].shape
        z = self.latents(c.key, count)
        fake, changed = self.generate(c.variables, z, tuple(shape), "batch")
        (fake_logits, features), _ = self.judge(c.variables, fake)
        logits, means = self.posterior().apply(c.variables["Q"], features)
        _, category, continuous = self.split(z)
        cross_entropy = optax.softmax_cross_entropy(logits, category).mean()
        squares = jnp.square(continuous - means).sum(axis=1).mean() / 2
        metrics = {"category_nats": jnp.log(self.categories) - cross_entropy, "continuous_error": squares}
        return fake_logits, self.category_weight * cross_entropy + self.continuous_weight * squares, metrics, changed

    def discriminator_loss(self, c: Context):
        (real_logits, _), changed = self.judge(c.variables, c.batch["image"])  # running statistics are of real pictures
        fake_logits, information, metrics, _ = self.turn(c)
        metrics |= {"real_logits": real_logits.mean(), "fake_logits": fake_logits.mean()}
        loss = adversarial.discriminator_loss(real_logits, fake_logits) + information
        return loss, Outcome(variables={"D": changed}, metrics=metrics)

    def generator_loss(self, c: Context):
        fake_logits, information, metrics, changed = self.turn(c)
        loss = adversarial.generator_non_saturating_loss(fake_logits) + information
        return loss, Outcome(variables={"G": changed}, metrics=metrics)

    def preview(self, variables, inputs, key):
        """A category a line, of the same eight latents: two rows [4, H, W, C] each, which lie side by side."""
        z = jnp.tile(self.latents(key, 8), (self.categories, 1))
        made = self.decode(variables, self.with_category(z, jnp.repeat(jnp.arange(self.categories), 8)), inputs)
        return made.reshape(2 * self.categories, 4, *made.shape[1:])
