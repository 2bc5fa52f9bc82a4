"""EDSR: Enhanced Deep Residual Networks for Single Image Super-Resolution (Lim et al. 2017, arXiv:1707.02921).

Not a GAN, but what the generators of super-resolution are measured by: a residual network without norms that minimises the L1
distance to the photograph. What can be known of it comes out sharp, and what cannot comes out as the mean of all that might
be, which is blurred; SRGAN and ESRGAN, which begin with such a network, draw one of them instead.

The baseline has 16 blocks of 64 features (1.5 million parameters for four times as large); EDSR itself 32 of 256, whose
residuals are multiplied by 0.1, or training diverges (section 3.1). Adam with 1e-4, halved every 200,000 steps; batches of
16 pieces whose smaller versions are 48x48. Networks for three and four times as large begin with the weights of one for twice
(section 3.2): `smaller`.
"""

import dataclasses
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxgan.errors import UserError
from jaxgan.losses import reconstruction
from jaxgan.networks.upscaling import EnhancedResidual, doublings
from jaxgan.training.enlarging import scale_of
from jaxgan.training.state import Context, Outcome
from jaxgan.training.system import Phase, System


@dataclasses.dataclass(frozen=True)
class EDSR(System):
    """Defaults are the paper's baseline. "input" is enlarged into "image"."""

    reads = ("input", "image")
    directions = {"ab": "G"}

    scale: int | None = None
    """How many times larger; as the data have it, by default."""
    width: int = 64
    """Features of each layer."""
    blocks: int = 16
    """Residual blocks."""
    residual_scale: float = 1.0
    """By what the result of a block is multiplied before it is added: 0.1 for a width of 256. No file of weights says it."""
    smaller: str | None = None
    """Workdir of a run of EDSR that makes pictures fewer times as large: this one begins with its weights, and with new ones
    where it has layers of its own or of another size."""
    learning_rate: float = 1e-4
    """Of Adam."""
    halve_every: int = 200_000
    """Steps after which the rate is halved, each time."""
    ema: float = 0.0
    """Decay of the moving average of the weights, which makes the pictures; 0 for none, as in the paper."""

    def resolve(self, spec):
        return dataclasses.replace(self, scale=scale_of(spec, self.scale))

    def init_variables(self, key: jax.Array, batch: dict[str, jax.Array]) -> dict[str, Any]:
        return {"G": self._module().init(key, batch["input"])}

    def pretrained(self, spec):
        if self.smaller is None:
            return {}
        from jaxgan.run import restore

        where = f"system.smaller is {self.smaller}"
        try:
            other = restore(self.smaller)
        except UserError as error:
            raise UserError(f"{where}: {error}") from None
        theirs = other.variables().get("G", {}).get("params", {})
        picture = jnp.zeros((1, *spec.shapes["input"].shape))
        mine = jax.jit(self._module().init)(jax.random.key(0), picture)["params"]
        suitable = {
            name: name in theirs and jax.tree.map(jnp.shape, theirs[name]) == jax.tree.map(jnp.shape, layer)
            for name, layer in mine.items()
        }
        if not isinstance(other.system, EDSR) or not all(
            fits or name.startswith("larger_") for name, fits in suitable.items()
        ):
            raise UserError(f"{where}, which is no EDSR of the same width and blocks: give the sizes of its own")
        return {"G": {"params": {name: theirs[name] if suitable[name] else layer for name, layer in mine.items()}}}

    def phases(self):
        return (Phase("generator", ("G",), self.generator_loss),)

    def optimizer(self, network, slot):
        return optax.adam(optax.exponential_decay(self.learning_rate, self.halve_every, 0.5, staircase=True))

    def ema_decay(self, network, step):
        return self.ema or None

    def generator_loss(self, c: Context):
        loss = reconstruction.l1(self._module().apply(c.variables["G"], c.batch["input"]), c.batch["image"])
        return loss, Outcome()

    @property
    def reach(self):
        before_larger = 2 * self.blocks + 3  # convolutions, each of which sees one pixel further
        return math.ceil(before_larger + sum(1 / np.cumprod(doublings(self.scale))))

    def translate(self, variables, pictures, key, *, direction="ab", inputs=None, statistics="batch"):
        return self._module().apply(variables["G"], pictures)

    def sample(self, variables, inputs, key):
        """The pictures "input", larger."""
        return self.translate(variables, inputs["input"], key)

    def preview(self, variables, inputs, key):
        return {"input": inputs["input"], "output": self.sample(variables, inputs, key), "target": inputs["image"]}

    def _module(self) -> EnhancedResidual:
        return EnhancedResidual(self.scale, self.width, self.blocks, self.residual_scale, self.dtype)
