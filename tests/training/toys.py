"""Toy systems, defined outside of the package: each exercises what some real system will need of the engine."""

import dataclasses

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxgan import rows
from jaxgan.training.phase import Phase, every
from jaxgan.training.state import Outcome
from jaxgan.training.system import System

DIM = 12


class MLP(nn.Module):
    out: int
    norm: bool = False

    @nn.compact
    def __call__(self, x):
        x = nn.Dense(32, use_bias=not self.norm)(x)  # the bias before a norm would only hold rounding errors
        if self.norm:
            x = nn.BatchNorm(use_running_average=False, axis_name=rows.AXIS, momentum=0.9)(x)
        return nn.Dense(self.out)(nn.leaky_relu(x, 0.2))


G, D = MLP(DIM, norm=True), MLP(1)


@dataclasses.dataclass(frozen=True)
class Toy(System):
    """A non-saturating GAN on vectors, with BatchNorm in G and plain gradient descent (Adam would hide errors of scale)."""

    reads = ("image",)
    latent_dim: int = 8
    critic_moves: int = 1
    momentum: float = 0.0

    def init_variables(self, key, batch):
        k1, k2 = jax.random.split(key)
        make = rows.solo(lambda: {"G": G.init(k1, jnp.zeros((2, self.latent_dim))), "D": D.init(k2, batch["image"])})
        return make()

    def phases(self):
        return (
            Phase("discriminator", ("D",), self.discriminator_loss, self.critic_moves),
            Phase("generator", ("G",), self.generator_loss),
        )

    def optimizer(self, network, slot):
        return optax.sgd(1e-2, self.momentum or None)

    def ema_decay(self, network, step):
        return 0.9 if network == "G" else None

    def fake(self, c):
        z = rows.normal(c.key, c.batch["image"].shape[0], (self.latent_dim,))
        return G.apply(c.variables["G"], z, mutable=["batch_stats"])

    def discriminator_loss(self, c):
        fake, _ = self.fake(c)
        real_logits, fake_logits = (
            D.apply(c.variables["D"], c.batch["image"]),
            D.apply(c.variables["D"], fake),
        )
        loss = jax.nn.softplus(-real_logits).mean() + jax.nn.softplus(fake_logits).mean()
        return loss, Outcome(metrics={"real_logits": real_logits.mean()})

    def generator_loss(self, c):
        fake, changed = self.fake(c)
        return jax.nn.softplus(-D.apply(c.variables["D"], fake)).mean(), Outcome(variables={"G": changed})

    def sample(self, variables, inputs, key):
        z = rows.normal(key, inputs["image"].shape[0], (self.latent_dim,))
        return G.apply(variables["G"], z, mutable=["batch_stats"])[0]


@dataclasses.dataclass(frozen=True)
class Deterministic(Toy):
    """No noise, no batch statistics: what accumulation is compared on."""

    def init_variables(self, key, batch):
        k1, k2 = jax.random.split(key)
        return {"G": MLP(DIM).init(k1, batch["image"]), "D": D.init(k2, batch["image"])}

    def fake(self, c):
        return MLP(DIM).apply(c.variables["G"], jnp.flip(c.batch["image"], -1)), {}


@dataclasses.dataclass(frozen=True)
class Pairs(Toy):
    """CycleGAN's shape: one phase whose two losses share their fakes, a pool in aux, a lazy phase, one without gradients."""

    pool: int = 6

    def init_variables(self, key, batch):
        names = ("G", "F", "D")
        return {
            name: MLP(1 if name == "D" else DIM).init(jax.random.fold_in(key, i), batch["image"])
            for i, name in enumerate(names)
        }

    def init_aux(self, variables, batch):
        return {"pool": jnp.zeros((self.pool, DIM)), "calls": 0, "copy": variables["G"]["params"]}

    def phases(self):
        return (
            Phase("all", ("G", "F", "D"), self.losses),
            Phase("penalty", ("D",), self.penalty, every(3)),
            Phase("lag", (), self.lag, every(2)),
        )

    def losses(self, c):
        x = c.batch["image"]
        fake = MLP(DIM).apply(c.variables["G"], x)
        back = MLP(DIM).apply(c.variables["F"], fake)
        score = lambda y: MLP(1).apply(c.variables["D"], y)  # noqa: E731
        pool = jnp.concatenate([rows.gather(fake), c.aux["pool"]])[: self.pool]
        old = rows.mine(jnp.resize(c.aux["pool"], rows.gather(x).shape), x.shape[0])
        discriminator = ((score(x) - 1) ** 2).mean() + (score(old) ** 2).mean() + (score(fake) ** 2).mean()
        generator = ((score(fake) - 1) ** 2).mean() + 10 * jnp.abs(back - x).mean()
        return {("G", "F"): generator, ("D",): discriminator}, Outcome(aux={"pool": pool})

    def penalty(self, c):
        gradient = jax.grad(lambda x: MLP(1).apply(c.variables["D"], x).sum())(c.batch["image"])
        return (gradient**2).sum(-1).mean(), Outcome()

    def lag(self, c):
        mixed = jax.tree.map(lambda a, b: 0.8 * a + 0.2 * b, c.aux["copy"], c.variables["G"]["params"])
        return None, Outcome(aux={"copy": mixed, "calls": c.aux["calls"] + 1})


def minibatches(steps: int, count: int = 1, size: int = 16, seed: int = 0) -> list[dict[str, np.ndarray]]:
    """Random vectors: `steps` times `count` minibatches of `size` rows."""
    random = np.random.default_rng(seed)
    return [{"image": random.normal(size=(count, size, DIM)).astype(np.float32)} for _ in range(steps)]
