"""CycleGAN: Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks (Zhu et al. 2017, 1703.10593).

Two sets of pictures without pairs: X ("input") and Y ("image"). G turns X into Y and F turns Y into X; D_Y and D_X tell
translations from the real things, with the least-squares loss; and F(G(x)) must bring x back, as G(F(y)) y (weight 10), so
that a translation keeps what it was made from. The discriminators learn from a pool of the last 50 translations (section 4).
Adam with 2e-4 and beta1 0.5, batches of one picture; the rate is constant for 100 epochs and falls to 0 over 100 more.
"""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import optax

from jaxgan import rows
from jaxgan.errors import UserError
from jaxgan.losses import adversarial, reconstruction
from jaxgan.networks import Patch, Transform, Translator, pass_through, translate_each
from jaxgan.training.image_pool import empty_pool, exchange
from jaxgan.training.state import Context, Outcome
from jaxgan.training.system import Phase, System, statistics_of

SIDES = {"G": "D_Y", "F": "D_X"}
"""The judge of each generator's translations."""


@dataclasses.dataclass(frozen=True)
class CycleGAN(System):
    """Defaults are the paper's for pictures of 256x256. It reads two sets: X is "input", Y is "image"."""

    reads = ("input", "image")
    directions = {"ab": "G", "ba": "F"}

    generator: Translator = Transform()
    """The architecture of G and of F: a residual transform network, or a U-Net."""
    discriminator: Patch = Patch(norm="instance")
    """The architecture of D_X and of D_Y."""
    cycle: float = 10.0
    """Weight of the cycles F(G(x)) = x and G(F(y)) = y."""
    identity: float = 0.0
    """Weight of G(y) = y and F(x) = x as a share of `cycle`, which keeps colours; the paper's 0.5 for paintings to photographs
    (section 5.2). 0 leaves it out, and saves two passes."""
    pool: int = 50
    """How many translations of earlier steps the discriminators learn from."""
    learning_rate: float = 2e-4
    """Of Adam, all players."""
    beta1: float = 0.5
    """Of Adam, all players."""

    def resolve(self, spec):
        shape = spec.shapes["image"].shape
        if spec.shapes["input"].shape != shape:
            raise UserError(
                f"CycleGAN's two sets have pictures of one size; the data's are {spec.shapes['input'].shape}, {shape}"
            )
        self.discriminator.check(shape)
        return dataclasses.replace(self, generator=self.generator.resolve(shape))

    def init_variables(self, key: jax.Array, batch: dict[str, jax.Array]) -> dict[str, Any]:
        x, y = batch["input"], batch["image"]
        keys = jax.random.split(key, 4)
        generator, judge = self.generator.module(x.shape[-1], self.dtype), self.discriminator.module(self.dtype)
        return {
            "G": generator.init(keys[0], x, "batch", True),
            "F": generator.init(keys[1], y, "batch", True),
            "D_X": judge.init(keys[2], x, "batch"),
            "D_Y": judge.init(keys[3], y, "batch"),
        }

    def init_aux(self, variables, batch):
        return {f"pool_{name}": empty_pool(self.pool, batch["image"].shape[1:]) for name in SIDES}

    def phases(self):
        # One phase: the discriminators judge the translations that the generators have just been trained on.
        return (Phase("cycle", ("G", "F", "D_X", "D_Y"), self.losses),)

    def optimizer(self, network, slot):
        return optax.adam(self.learning_rate, self.beta1)

    def losses(self, c: Context):
        real = {"G": c.batch["image"], "F": c.batch["input"]}  # what each generator's translations are taken for
        other = {"G": "F", "F": "G"}
        passes = _Passes(self, c)
        fakes = {name: passes.translate(name, real[other[name]]) for name in SIDES}
        returned = {name: passes.translate(other[name], fakes[name]) for name in SIDES}

        metrics = {}
        for name, judge in SIDES.items():
            # Twice: E[(D(G(x)) - 1)^2], which the cycle's weight is set against, where LSGAN's has one half before it.
            scores = passes.judge(judge, fakes[name])
            metrics[f"adversarial_{name}"] = 2 * adversarial.least_squares_generator_loss(scores, c=1.0)
            metrics[f"cycle_{name}"] = reconstruction.l1(returned[name], real[other[name]])
        generators = sum(metrics[f"adversarial_{n}"] + self.cycle * metrics[f"cycle_{n}"] for n in SIDES)
        if self.identity:
            for name in SIDES:
                metrics[f"identity_{name}"] = reconstruction.l1(passes.translate(name, real[name]), real[name])
            generators += self.cycle * self.identity * sum(metrics[f"identity_{name}"] for name in SIDES)

        judges, pools = jnp.float32(0), {}
        for index, (name, judge) in enumerate(SIDES.items()):
            pool_key = jax.random.fold_in(c.key, index)
            shown, pools[f"pool_{name}"] = exchange(c.aux[f"pool_{name}"], fakes[name], pool_key)
            metrics[f"judge_{judge}"] = passes.tell_apart(judge, real[name], shown)
            judges += metrics[f"judge_{judge}"]
        losses = {("G", "F"): generators, ("D_X", "D_Y"): judges}
        return losses, Outcome(variables=passes.changed, aux=pools, metrics=metrics)

    @property
    def multiple(self) -> int:
        return self.generator.multiple

    def translate(self, variables, pictures, key, *, direction="ab", inputs=None, statistics="batch"):
        generator = variables[self.directions[direction]]
        return translate_each(self.generator, generator, pictures, key, self.dtype, statistics)

    def sample(self, variables, inputs, key):
        """The translations of the pictures "input" by G."""
        return self.translate(variables, inputs["input"], key)

    def preview(self, variables, inputs, key):
        """There and back, from both sides."""
        made = []
        for first, there, back in ((inputs["input"], "ab", "ba"), (inputs["image"], "ba", "ab")):
            keys = [jax.random.fold_in(key, len(made) + turn) for turn in (1, 2)]
            second = self.translate(variables, first, keys[0], direction=there)
            made += [first, second, self.translate(variables, second, keys[1], direction=back)]
        return dict(zip(("x", "G(x)", "F(G(x))", "y", "F(y)", "G(F(y))"), made, strict=True))


class _Passes:
    """The passes of one move through the four networks; each pass goes on from the statistics that the last one left."""

    def __init__(self, system: CycleGAN, c: Context):
        self.system, self.variables, self.key = system, c.variables, jax.random.fold_in(c.key, len(SIDES))
        self.changed: dict[str, Any] = {}
        self.count = 0

    def translate(self, name: str, pictures: jax.Array) -> jax.Array:
        """By the generator of this name, with dropout masks of this pass's own."""
        self.count += 1
        key = jax.random.fold_in(self.key, self.count)
        system = self.system
        made, self.changed[name] = pass_through(system.generator, self._now(name), pictures, key, system.dtype)
        return made

    def judge(self, name: str, pictures: jax.Array) -> jax.Array:
        """The scores of translations, in the generators' turn: the judge's statistics stay as they are."""
        return self._scores(name, pictures)[0]

    def tell_apart(self, name: str, real: jax.Array, fake: jax.Array) -> jax.Array:
        """The loss of a judge: 1/2 (E[(D(real) - 1)^2] + E[D(fake)^2])."""
        if self.system.discriminator.apart:
            real_scores, self.changed[name] = self._scores(name, real)
            fake_scores, self.changed[name] = self._scores(name, fake)
        else:
            scores, _ = self._scores(name, rows.interleave(real, fake))
            real_scores, fake_scores = rows.deinterleave(scores, 2)
        return adversarial.least_squares_discriminator_loss(real_scores, fake_scores, a=0.0, b=1.0)

    def _scores(self, name: str, pictures: jax.Array):
        variables, module = self._now(name), self.system.discriminator.module(self.system.dtype)
        return module.apply(variables, pictures, "batch", mutable=statistics_of(variables))

    def _now(self, name: str) -> dict[str, Any]:
        return {**self.variables[name], **self.changed.get(name, {})}
