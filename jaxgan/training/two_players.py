"""The two networks at play: what the turns of the discriminator and of the generator have in common in every objective.

A system mixes `TwoPlayers` in, and its phases, optimiser and losses say what is its own:

>>> import dataclasses, optax
>>> from jaxgan import Phase, System
>>> from jaxgan.losses import adversarial
>>> @dataclasses.dataclass(frozen=True)
... class HingeGAN(TwoPlayers, System):
...     def phases(self):
...         return (
...             Phase("discriminator", ("D",), self.discriminator_loss),
...             Phase("generator", ("G",), self.generator_loss),
...         )
...
...     def optimizer(self, network, slot):
...         return optax.adam(2e-4, 0.0, 0.9)
...
...     def discriminator_loss(self, c):
...         turn = self.discriminator_turn(c)
...         return adversarial.hinge_discriminator_loss(turn.real_logits, turn.fake_logits), turn.outcome()
...
...     def generator_loss(self, c):
...         logits, outcome = self.generator_turn(c)
...         return adversarial.wasserstein_generator_loss(logits), outcome
>>> HingeGAN().plan(0)
(('discriminator', 1), ('generator', 1))
"""

import dataclasses
from collections.abc import Callable
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from jaxgan import rows
from jaxgan.errors import UserError
from jaxgan.media import Picture
from jaxgan.networks import AnyNetworks, Convolutional
from jaxgan.networks.augmentation import Augmentation
from jaxgan.nn import Mode
from jaxgan.training.state import Context, Outcome
from jaxgan.training.system import check_labels, one_class_each, statistics_of


@dataclasses.dataclass(frozen=True)
class Turn:
    """What the discriminator saw and said in its own turn.

    Attributes:
        real, fake: examples [B, ...] as it saw them: augmented, if they are.
        real_logits, fake_logits: float32 [B].
        discriminator_fn: `examples [B, ...] -> logits [B]`, in float32 whatever the precision: for penalties.
        key: for what a penalty draws.
        variables, aux: what changed.
    """

    real: jax.Array
    fake: jax.Array
    real_logits: jax.Array
    fake_logits: jax.Array
    discriminator_fn: Callable[[jax.Array], jax.Array]
    key: jax.Array
    variables: dict[str, Any]
    aux: dict[str, Any]

    def outcome(self, **metrics: jax.Array) -> Outcome:
        """What the loss returns beside its value, with these metrics of its own."""
        common = {"real_logits": self.real_logits.mean(), "fake_logits": self.fake_logits.mean(), **self.aux}
        return Outcome(variables={"D": self.variables}, aux=self.aux, metrics={**common, **metrics})


@dataclasses.dataclass(frozen=True)
class TwoPlayers:
    """A generator "G" and a discriminator (or critic) "D" that share their networks with other systems.

    What is left to a system that mixes it in, before `System`: `phases`, `optimizer` and the losses.
    """

    signed: ClassVar[bool] = True
    """Whether the sign of a logit says real or fake, which adaptive augmentation goes by. A critic's score has no such zero."""

    networks: AnyNetworks = Convolutional()
    """Generator and discriminator."""
    conditional: bool = dataclasses.field(default=False, kw_only=True)
    """Whether both players see the label: with Residual, Big and R3 networks."""
    classes: int | None = dataclasses.field(default=None, kw_only=True)
    """How many labels there are, where `conditional`; None takes it from the data."""
    ema: float = dataclasses.field(default=0.0, kw_only=True)
    """Decay of the moving average of the generator that samples are made with; 0 keeps none."""
    augmentation: Augmentation = dataclasses.field(default=Augmentation(), kw_only=True)
    """Of all that the discriminator sees."""
    shared_latents: bool = dataclasses.field(default=False, kw_only=True)
    """Both players' turns take the same latents, as in PyTorch's DCGAN example: the generator's first pass serves both."""

    @property
    def reads(self):
        return ("image", "label") if self.conditional else ("image",)

    @property
    def label_values(self) -> int:
        """How many classes the networks know; 0 without labels."""
        return (self.classes or 0) if self.conditional else 0

    def resolve(self, spec):
        """The networks must be able to make, and judge, examples of the data's shape, and of its labels."""
        shape = spec.shapes["image"].shape
        self.networks.check(shape)
        if self.ema >= 1:
            raise UserError(f"system.ema is {self.ema}: it must be below 1, such as 0.999; 0 keeps no average")
        if self.augmentation.enabled and not isinstance(spec.media["image"], Picture):
            raise UserError(
                f"augmentation is for pictures [height, width, 1 or 3], but the data's examples are {list(shape)}: leave it out"
            )
        if self.augmentation.adaptive and not self.signed:
            raise UserError(
                f"{type(self).__name__}'s scores have no zero between real and fake to adapt an augmentation by: set "
                "--system.augmentation.target 0 and a fixed probability"
            )
        if not self.conditional:
            return self
        counted = dataclasses.replace(self, classes=one_class_each(self, spec))
        counted.networks.discriminator(counted.label_values, self.dtype)  # refuses labels where it takes none
        return counted

    def check_batch(self, batch):
        if self.conditional:
            check_labels(batch["label"], self.label_values)

    def init_variables(self, key: jax.Array, batch: dict[str, jax.Array]) -> dict[str, Any]:
        g_key, d_key = jax.random.split(key)
        image, labels = batch["image"], self._labels(batch)
        z = jnp.zeros((image.shape[0], self.networks.latent_dim))
        generator, discriminator = self._generator(batch), self._discriminator(self.dtype)
        return {"G": generator.init(g_key, z, labels, "batch"), "D": discriminator.init(d_key, image, labels, "batch")}

    def init_aux(self, variables: dict[str, Any], batch: dict[str, jax.Array]) -> dict[str, Any]:
        return self.augmentation.init_aux()

    def probability(self, c: Context) -> float | jax.Array:
        """With which the augmentation is applied at this step."""
        return self.augmentation.probability_now(c.aux)

    def ema_decay(self, network: str, step: int | jax.Array) -> float | None:
        return self.ema if network == "G" and self.ema else None

    def latents(self, key: jax.Array, count: int) -> jax.Array:
        return self.networks.latents(key, count)

    def decode(self, variables: dict[str, Any], z: jax.Array, inputs: dict[str, jax.Array]) -> jax.Array:
        """An example does not depend on its neighbours: running statistics."""
        return self.generate(variables, z, inputs, "running")[0]

    def generate(self, variables: dict[str, Any], z: jax.Array, batch: dict[str, jax.Array], mode: Mode = "batch"):
        """The examples [B, ...] of latents z [B, latent_dim], in [-1, 1] for pictures; and G's new statistics."""
        return self._generator(batch).apply(
            variables["G"], z, self._labels(batch), mode, mutable=statistics_of(variables["G"])
        )

    def standing(self, variables: dict[str, Any], z: jax.Array, inputs: dict[str, jax.Array]) -> dict[str, Any]:
        return self.generate(variables, z, inputs, "standing")[1]

    def discriminator_turn(self, c: Context) -> Turn:
        """Fresh fakes, and what the discriminator makes of them and of the real examples."""
        z_key, real_key, fake_key, penalty_key = jax.random.split(c.key, 4)
        labels, probability = self._labels(c.batch), self.probability(c)
        fake, _ = self._fakes(c, z_key)
        real = self.augmentation.apply(real_key, c.batch["image"], probability)
        fake = self.augmentation.apply(fake_key, fake, probability)
        real_logits, fake_logits, changed = self._discriminate_both(c.variables["D"], real, fake, labels)
        exact = self._discriminator(jnp.float32)
        return Turn(
            real=real,
            fake=fake,
            real_logits=real_logits,
            fake_logits=fake_logits,
            discriminator_fn=lambda x: exact.apply(c.variables["D"], x, labels, "batch"),
            key=penalty_key,
            variables=changed,
            aux=self.augmentation.update(c.aux, real_logits),
        )

    def generator_turn(self, c: Context) -> tuple[jax.Array, Outcome]:
        """The discriminator's float32 logits [B] of fresh fakes, and what changed in the generator."""
        z_key, augment_key = jax.random.split(c.key)
        fake, changed = self._fakes(c, z_key)
        seen = self.augmentation.apply(augment_key, fake, self.probability(c))
        # What this pass changes in the discriminator (statistics, singular vectors) is dropped: it is not its turn.
        logits, _ = self._discriminate(c.variables["D"], seen, self._labels(c.batch))
        return logits, Outcome(variables={"G": changed})

    def relativistic_turn(self, c: Context) -> tuple[jax.Array, jax.Array, Outcome]:
        """`generator_turn` for an objective that compares with real examples: logits [B] of real ones and of fresh fakes.

        Not `discriminator_turn`, whose outcome changes the discriminator, and leaves the generator's statistics as they were.
        """
        z_key, augment_key = jax.random.split(c.key)
        real_key, fake_key = jax.random.split(augment_key)
        fake, changed = self._fakes(c, z_key)
        probability = self.probability(c)
        real = self.augmentation.apply(real_key, c.batch["image"], probability)
        fake = self.augmentation.apply(fake_key, fake, probability)
        real_logits, fake_logits, _ = self._discriminate_both(c.variables["D"], real, fake, self._labels(c.batch))
        return real_logits, fake_logits, Outcome(variables={"G": changed})

    def _fakes(self, c: Context, key: jax.Array):
        """As many fakes as there are real examples, and G's new statistics."""
        count = c.batch["image"].shape[0]
        if not self.shared_latents:
            return self.generate(c.variables, self.latents(key, count), c.batch)
        with rows.unreduced_on_one():  # that XLA may see that both turns compute the same
            return self.generate(c.variables, self.latents(c.shared_key, count), c.batch)

    def _discriminate_both(self, variables: dict[str, Any], real: jax.Array, fake: jax.Array, labels: jax.Array | None):
        """Logits of real and of fake examples, and the discriminator's new statistics."""
        if self.networks.apart:
            real_logits, changed = self._discriminate(variables, real, labels)
            fake_logits, changed = self._discriminate({**variables, **changed}, fake, labels)
            return real_logits, fake_logits, changed
        both = None if labels is None else rows.interleave(labels, labels)
        logits, changed = self._discriminate(variables, rows.interleave(real, fake), both)
        return *rows.deinterleave(logits, 2), changed

    def _generator(self, batch: dict[str, jax.Array]):
        return self.networks.generator(batch["image"].shape[1:], self.label_values, self.dtype)

    def _discriminator(self, dtype: jnp.dtype):
        return self.networks.discriminator(self.label_values, dtype)

    def _discriminate(self, variables: dict[str, Any], examples: jax.Array, labels: jax.Array | None):
        return self._discriminator(self.dtype).apply(
            variables, examples, labels, "batch", mutable=statistics_of(variables)
        )

    def _labels(self, batch: dict[str, jax.Array]) -> jax.Array | None:
        return batch["label"] if self.label_values else None
