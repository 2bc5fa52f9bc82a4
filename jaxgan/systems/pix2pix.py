"""Pix2Pix: Image-to-Image Translation with Conditional Adversarial Networks (Isola et al. 2017, arXiv:1611.07004).

The generator turns a picture into its counterpart; pairs of them are the data. It minimises the L1 distance to the counterpart
(weight 100) and what a PatchGAN says of the pair (input, output): the first gets the layout right and blurs, the second
judges patches of 70x70 for texture. Dropout is the only noise. Adam with 2e-4 and beta1 0.5, batches of one picture; the
discriminator's loss is halved, to slow it down beside the generator (section 3.3).

At test time the paper keeps dropout and normalises every picture by its own statistics, as in training with batches of one.
"""

import dataclasses
from typing import Any, Literal

import jax
import jax.numpy as jnp
import optax

from jaxgan.errors import UserError
from jaxgan.losses import adversarial, reconstruction
from jaxgan.networks import Patch, Translator, UNet, pass_through, translate_each
from jaxgan.training.state import Context, Outcome
from jaxgan.training.system import Phase, System, statistics_of


@dataclasses.dataclass(frozen=True)
class Pix2Pix(System):
    """Defaults are the paper's. It reads pairs: "input" is turned into "image"."""

    reads = ("input", "image")
    directions = {"ab": "G"}

    generator: Translator = UNet()
    """A U-Net; without its skips an encoder-decoder; or a residual transform network."""
    discriminator: Patch = Patch()
    """PatchGAN on the input beside the output."""
    adversarial: Literal["conditional", "unconditional", "none"] = "conditional"
    """Whether the discriminator sees the input beside the output (cGAN), the output alone (GAN), or nothing judges but L1."""
    l1: float = 100.0
    """Weight of the L1 distance to the target; 0 leaves it out."""
    learning_rate: float = 2e-4
    """Of Adam, both players."""
    beta1: float = 0.5
    """Of Adam, both players."""

    def resolve(self, spec):
        shape = spec.shapes["image"].shape
        if spec.shapes["input"].shape != shape:
            raise UserError(
                f"Pix2Pix turns pictures into others of their size; the data's are {spec.shapes['input'].shape}, {shape}"
            )
        if not self.l1 and self.adversarial == "none":
            raise UserError('system.l1 is 0 and system.adversarial is "none": nothing would be left to learn from')
        self.discriminator.check(shape)
        return dataclasses.replace(self, generator=self.generator.resolve(shape))

    def init_variables(self, key: jax.Array, batch: dict[str, jax.Array]) -> dict[str, Any]:
        g_key, d_key = jax.random.split(key)
        variables = {
            "G": self.generator.module(batch["image"].shape[-1], self.dtype).init(g_key, batch["input"], "batch", True)
        }
        if self.adversarial != "none":
            seen = self._seen(batch["input"], batch["image"])
            variables["D"] = self.discriminator.module(self.dtype).init(d_key, seen, "batch")
        return variables

    def phases(self):
        generator = Phase("generator", ("G",), self.generator_loss)
        if self.adversarial == "none":
            return (generator,)
        return (Phase("discriminator", ("D",), self.discriminator_loss), generator)

    def optimizer(self, network, slot):
        return optax.adam(self.learning_rate, self.beta1)

    def discriminator_loss(self, c: Context):
        fake, _ = self._translate(c.variables["G"], c.batch["input"], c.key)
        real_logits, changed = self._judge(c.variables["D"], c.batch["input"], c.batch["image"])
        fake_logits, changed = self._judge({**c.variables["D"], **changed}, c.batch["input"], fake)
        loss = 0.5 * adversarial.discriminator_loss(real_logits, fake_logits)
        metrics = {"real_logits": real_logits.mean(), "fake_logits": fake_logits.mean()}
        return loss, Outcome(variables={"D": changed}, metrics=metrics)

    def generator_loss(self, c: Context):
        fake, changed = self._translate(c.variables["G"], c.batch["input"], c.key)
        distance = reconstruction.l1(fake, c.batch["image"])
        loss, metrics = self.l1 * distance, {"l1": distance}
        if self.adversarial != "none":
            logits, _ = self._judge(c.variables["D"], c.batch["input"], fake)
            metrics["adversarial"] = adversarial.generator_non_saturating_loss(logits)
            loss += metrics["adversarial"]
        return loss, Outcome(variables={"G": changed}, metrics=metrics)

    @property
    def multiple(self) -> int:
        return self.generator.multiple

    def translate(self, variables, pictures, key, *, direction="ab", inputs=None, statistics="batch"):
        return translate_each(self.generator, variables["G"], pictures, key, self.dtype, statistics)

    def sample(self, variables, inputs, key):
        """The translations of the pictures "input"."""
        return self.translate(variables, inputs["input"], key)

    def preview(self, variables, inputs, key):
        return {"input": inputs["input"], "output": self.sample(variables, inputs, key), "target": inputs["image"]}

    def _translate(self, variables: dict[str, Any], pictures: jax.Array, key: jax.Array):
        return pass_through(self.generator, variables, pictures, key, self.dtype)

    def _judge(self, variables: dict[str, Any], inputs: jax.Array, outputs: jax.Array):
        """The map of logits [B, H', W'], and the discriminator's new statistics."""
        module, mutable = self.discriminator.module(self.dtype), statistics_of(variables)
        return module.apply(variables, self._seen(inputs, outputs), "batch", mutable=mutable)

    def _seen(self, inputs: jax.Array, outputs: jax.Array) -> jax.Array:
        return jnp.concatenate([inputs, outputs], -1) if self.adversarial == "conditional" else outputs
