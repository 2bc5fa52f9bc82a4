"""Augmentation of what the discriminator sees: DiffAugment's transformations or ADA's, with ADA's probability.

With little data a discriminator learns its pictures by heart. Augmenting the data alone would teach the generator to make
augmented pictures; DiffAugment (Zhao et al. 2020, arXiv:2006.10738) transforms all that the discriminator sees, real and fake,
in both players' losses, by functions that the generator's gradient passes through. ADA (Karras et al. 2020, arXiv:2006.06676)
applies each transformation with a probability p, and raises p while the discriminator is too sure of the real pictures; its
own transformations are in `jaxgan.networks.ada`.

In a system's discriminator loss, with `augmentation: Augmentation = Augmentation()` among its fields:

    p = self.augmentation.probability_now(c.aux)
    real_key, fake_key = jax.random.split(key)                    # draws of their own
    real_logits = D(self.augmentation.apply(real_key, real, p))   # penalties on the real pictures take the same function
    fake_logits = D(self.augmentation.apply(fake_key, fake, p))
    adapted = self.augmentation.update(c.aux, real_logits)
    return loss, Outcome(aux=adapted, metrics={**metrics, **adapted})

in the generator's loss `D(apply(key, fake, p))`, and `init_aux` returns `self.augmentation.init_aux()` merged into its own.
Where nothing is enabled `apply` returns its argument, `init_aux` and `update` return {}: it costs nothing.
"""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from jaxgan import fields, rows
from jaxgan.errors import UserError
from jaxgan.networks.ada import Ada

AUX = "augmentation_probability"
"""The entry of `TrainState.aux`, and the metric, that holds the adapted probability."""


@dataclasses.dataclass(frozen=True)
class Augmentation:
    """Which transformations the discriminator's input goes through, and how often. Off by default.

    A transformation that is always applied may leak into what the generator makes, since nothing tells the discriminator
    that pictures without it are better; Karras et al. find leaks unlikely while the probability stays below 0.8.

    Raises:
        UserError: the fields contradict each other; the sentence names them.
    """

    color: bool = False
    """Brightness, saturation and contrast."""
    translation: bool = False
    """Moves by up to 1/8 of each side, in whole pixels; 0 (mid-grey) where nothing was."""
    cutout: bool = False
    """A rectangle of half of each side, anywhere, set to 0."""
    probability: float = 1.0
    """With which each transformation is applied to a picture, each by its own draw. With `target`: the most it may reach.
    Above 0.8 the generator may learn to make what is turned, moved or recoloured itself."""
    target: float = 0.0
    """Of E[sign(D(real))], for the probability to be adapted from 0 on: ADA takes 0.6. 0 keeps the probability fixed."""
    adaptation_images: int = 500_000
    """Real pictures over which the probability can go from 0 to 1."""
    ada: Ada = dataclasses.field(default=Ada())
    """ADA's own transformations, before those above, if any: a number from 0 (off) to 1 is what the probability is multiplied
    by for each of a group. The paper takes blit, geometry and color, each at 1."""

    def __post_init__(self):
        fields.check(self)
        if self.probability > 1:
            raise UserError(f"Augmentation.probability is {self.probability}: it must be from 0 to 1")
        if self.target >= 1:
            raise UserError(
                f"Augmentation.target is {self.target}: it must be below 1, the mean sign of a discriminator that is always "
                "right; ADA takes 0.6"
            )
        if self.target and not self.enabled:
            raise UserError(
                f"Augmentation.target is {self.target}, but there is nothing to adapt: choose at least one of color, "
                "translation, cutout and those of ada (blit, geometry, color, ...), and a probability above 0"
            )

    @property
    def enabled(self) -> bool:
        """Whether `apply` does anything."""
        return (self._diffaugment or self.ada.enabled) and self.probability > 0

    @property
    def _diffaugment(self) -> bool:
        """Whether any of DiffAugment's is on."""
        return self.color or self.translation or self.cutout

    @property
    def adaptive(self) -> bool:
        """Whether the probability is adapted (ADA)."""
        return self.target > 0

    def apply(self, key: jax.Array, pictures: jax.Array, probability: float | jax.Array) -> jax.Array:
        """`pictures` as the discriminator sees them: an affine function of each, so differentiable any number of times.

        Args:
            key: of this call; row i of the global batch draws the same on every layout of devices.
            pictures: [B, H, W, C] in [-1, 1].
            probability: of `probability_now`; at 0 nothing changes, to the bit.

        Returns:
            [B, H, W, C], of the same dtype; colours may leave [-1, 1], as in the paper.
        """
        if not self.enabled:
            return pictures
        if self.ada.enabled:
            key, ada_key = jax.random.split(key)
            pictures = self.ada.apply(ada_key, pictures, probability)
        if not self._diffaugment:
            return pictures
        # One draw for all, or compiling would take seconds; each transformation has its own numbers, whichever others are on:
        # a gate and two values, uniform on [0, 1), [B] each.
        numbers = rows.uniform(key, len(pictures), (5, 3)).transpose(1, 2, 0)
        brightness, saturation, contrast, translation, cutout = numbers
        if self.color:
            pictures = _brightness(brightness, pictures, probability)
            pictures = _saturation(saturation, pictures, probability)
            pictures = _contrast(contrast, pictures, probability)
        if self.translation:
            pictures = _translation(translation, pictures, probability)
        if self.cutout:
            pictures = _cutout(cutout, pictures, probability)
        return pictures

    def init_aux(self) -> dict[str, jax.Array]:
        """What `System.init_aux` adds: the probability, which begins at 0, where it is adapted; else {}."""
        return {AUX: jnp.float32(0)} if self.adaptive else {}

    def probability_now(self, aux: dict[str, Any]) -> float | jax.Array:
        """The probability at this step: of `aux` (`Context.aux`) where it is adapted, else the field."""
        return aux[AUX] if self.adaptive else self.probability

    def update(self, aux: dict[str, Any], real_logits: jax.Array) -> dict[str, jax.Array]:
        """ADA's step: p += sign(r - target) (rows seen) / adaptation_images, with r = E[sign(D(real))] (section 3).

        The expectation is over the global batch of this move; p changes at every move, where the paper averages over four
        minibatches and then moves by four times as much. r needs logits whose sign says real or fake (minimax,
        non-saturating, hinge); those of a Wasserstein critic have no zero, those of least squares another.

        Args:
            aux: `Context.aux`.
            real_logits: [B] or [B, ...], of this device's augmented real pictures.

        Returns:
            The new entry of aux, equal on all devices, for `Outcome.aux` (and its metrics); {} where p is fixed.
        """
        if not self.adaptive:
            return {}
        seen = real_logits.shape[0] * jax.lax.axis_size(rows.AXIS)
        overfitting = rows.mean(jnp.sign(jax.lax.stop_gradient(real_logits).astype(jnp.float32)))
        stride = jnp.sign(overfitting - self.target) * (seen / self.adaptation_images)
        return {AUX: jnp.clip(aux[AUX] + stride, 0.0, self.probability)}


def _per_picture(numbers: jax.Array, probability: float | jax.Array, drawn: jax.Array, otherwise: float) -> jax.Array:
    """`drawn` [B] where a row's gate, numbers[0], opens, which it does with the probability; else `otherwise`: [B, 1, 1, 1]."""
    return jnp.where(numbers[0] < probability, drawn, otherwise)[:, None, None, None]


def _around(mean: jax.Array, pictures: jax.Array, factor: jax.Array) -> jax.Array:
    """mean + factor (pictures - mean), in a form that is exact at a factor of 1."""
    return pictures * factor + mean * (1 - factor)


def _brightness(numbers, pictures, probability):
    """Adds U(-0.5, 0.5)."""
    offset = _per_picture(numbers, probability, numbers[1] - 0.5, 0.0)
    return pictures + offset.astype(pictures.dtype)


def _saturation(numbers, pictures, probability):
    """Scales by U(0, 2) around the mean of each pixel's channels."""
    factor = _per_picture(numbers, probability, 2 * numbers[1], 1.0)
    return _around(pictures.mean(-1, keepdims=True), pictures, factor.astype(pictures.dtype))


def _contrast(numbers, pictures, probability):
    """Scales by U(0.5, 1.5) around the picture's mean."""
    factor = _per_picture(numbers, probability, numbers[1] + 0.5, 1.0)
    return _around(pictures.mean((1, 2, 3), keepdims=True), pictures, factor.astype(pictures.dtype))


def _whole(numbers: jax.Array, limit: int) -> jax.Array:
    """Whole numbers 0, ..., limit - 1, equally likely, of numbers uniform on [0, 1)."""
    return jnp.floor(numbers * limit).astype(jnp.int32)


def _translation(numbers, pictures, probability):
    """Moves by whole pixels from -side/8 to side/8, each equally likely."""
    far = [side // 8 for side in pictures.shape[1:3]]
    padded = jnp.pad(pictures, ((0, 0), *((limit, limit) for limit in far), (0, 0)))
    moved = numbers[0] < probability
    starts = [
        jnp.where(moved, _whole(number, 2 * limit + 1), limit) for number, limit in zip(numbers[1:], far, strict=True)
    ]

    def window(picture, *start):
        return jax.lax.dynamic_slice(picture, (*start, jnp.int32(0)), pictures.shape[1:])

    # Measured on CPU, with the gradient, 2 to 15 times faster than products with shifted identities, than shifts by powers
    # of two and than a choice among all shifts.
    return jax.vmap(window)(padded, *starts)


def _cutout(numbers, pictures, probability):
    """Sets a rectangle of half of each side to 0. Its middle is anywhere in the picture: at the borders less of it is seen."""
    hidden = (numbers[0] < probability)[:, None, None, None]
    for axis, number in zip((1, 2), numbers[1:], strict=True):
        side = pictures.shape[axis]
        size = side // 2
        # An even size has its middle between two pixels, and one place more to be.
        start = _whole(number, side + 1 - size % 2) - size // 2
        offset = jax.lax.broadcasted_iota(jnp.int32, (1, *pictures.shape[1:3], 1), axis) - start[:, None, None, None]
        hidden &= (offset >= 0) & (offset < size)
    return jnp.where(hidden, 0, pictures)
