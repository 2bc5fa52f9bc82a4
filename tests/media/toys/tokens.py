"""Tokens: likelihood first, then a policy gradient by a discriminator, as SeqGAN trains; the alphabet in a ring is learnt."""

import dataclasses

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxgan import Experiment, Outcome, Phase, System, after, before, rows
from jaxgan.data import Records
from jaxgan.media import Text

VOCABULARY = tuple("abcdefgh")
LENGTH = 10


@dataclasses.dataclass(frozen=True)
class Rings:
    """abcdefgh in a ring, from any letter."""

    count: int = 256

    def load(self):
        first = np.random.default_rng(0).integers(0, 8, self.count)
        rings = (first[:, None] + np.arange(LENGTH)) % 8 + 1
        return Records(
            [{"tokens": ring.astype(np.int32)} for ring in rings], media={"tokens": Text(vocabulary=VOCABULARY)}
        )

    def transform(self, example, random):
        return example


class Writer(nn.Module):
    """Logits [B, T, V + 1] of each next token."""

    @nn.compact
    def __call__(self, tokens):
        before_it = jnp.pad(tokens[:, :-1], ((0, 0), (1, 0)))
        x = nn.Embed(len(VOCABULARY) + 1, 16)(before_it)
        return nn.Dense(len(VOCABULARY) + 1)(nn.RNN(nn.LSTMCell(16))(x))


class Judge(nn.Module):
    @nn.compact
    def __call__(self, tokens):
        x = nn.Embed(len(VOCABULARY) + 1, 16)(tokens)
        return nn.Dense(1)(nn.relu(nn.Dense(32)(x.reshape(len(x), -1))))[:, 0]


@dataclasses.dataclass(frozen=True)
class ToySeqGAN(System):
    reads = ("tokens",)
    makes = "tokens"

    pretrain: int = 10

    def init_variables(self, key, batch):
        keys = jax.random.split(key)
        return {"G": Writer().init(keys[0], batch["tokens"]), "D": Judge().init(keys[1], batch["tokens"])}

    def init_aux(self, variables, batch):
        return {"rollout": variables["G"]["params"]}

    def phases(self):
        later = after(self.pretrain)
        return (
            Phase("likelihood", ("G",), self.likelihood, before(self.pretrain)),
            Phase("discriminator", ("D",), self.discriminator_loss, later),
            Phase("policy", ("G",), self.policy, later),
            Phase("lag", (), self.lag, later),
        )

    def optimizer(self, network, slot):
        return optax.adam(1e-2)

    def draw(self, params, key, count):
        def step(tokens, t):
            logits = Writer().apply({"params": params}, tokens)[:, t]
            keys = jax.vmap(lambda row: jax.random.fold_in(jax.random.fold_in(key, t), row))(rows.indices(count))
            return tokens.at[:, t].set(jax.vmap(jax.random.categorical)(keys, logits)), None

        return jax.lax.scan(step, jnp.zeros((count, LENGTH), jnp.int32), jnp.arange(LENGTH))[0]

    def likelihood(self, c):
        x = c.batch["tokens"]
        loss = optax.softmax_cross_entropy_with_integer_labels(Writer().apply(c.variables["G"], x), x).mean()
        return loss, Outcome(metrics={"nll": loss})

    def discriminator_loss(self, c):
        real = c.batch["tokens"]
        fake = self.draw(c.variables["G"]["params"], c.key, len(real))
        judge = lambda x: Judge().apply(c.variables["D"], x)  # noqa: E731
        return jax.nn.softplus(-judge(real)).mean() + jax.nn.softplus(judge(fake)).mean(), Outcome()

    def policy(self, c):
        fake = jax.lax.stop_gradient(self.draw(c.variables["G"]["params"], c.key, len(c.batch["tokens"])))
        reward = jax.lax.stop_gradient(jax.nn.sigmoid(Judge().apply(c.variables["D"], fake)))
        nll = optax.softmax_cross_entropy_with_integer_labels(Writer().apply(c.variables["G"], fake), fake).sum(-1)
        return (nll * reward).mean(), Outcome(metrics={"reward": reward.mean()})

    def lag(self, c):
        mixed = jax.tree.map(lambda a, b: 0.8 * a + 0.2 * b, c.aux["rollout"], c.variables["G"]["params"])
        return None, Outcome(aux={"rollout": mixed})

    def sample(self, variables, inputs, key):
        return self.draw(variables["G"]["params"], key, len(inputs["tokens"]))


def get_config() -> Experiment:
    return Experiment(
        system=ToySeqGAN(), data=Rings(), batch_size=16, steps=20,
        log_every=5, sample_every=10, checkpoint_every=10, devices=1,
    )  # fmt: skip
