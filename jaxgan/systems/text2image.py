"""Text to image: Generative Adversarial Text to Image Synthesis (Reed et al. 2016, arXiv:1605.05396).

A caption and noise in, a picture that shows what the caption says out. First a text encoder learns, beside an encoder of
pictures, to bring captions and their pictures together (section 3.2); then it is left as it is, and generator and discriminator
both see the caption's vector phi(t), projected to a few numbers (section 4.1):

    G(z, phi(t)):  DCGAN's generator of [z, projection]
    D(x, phi(t)):  DCGAN's halvings down to 4x4, the projection repeated over the map, a 1x1 convolution, and one number

GAN-CLS (section 4.2, algorithm 1): the discriminator also sees real pictures with captions that are wrong for them, and must
reject those too. GAN-INT (section 4.3): the generator also learns from captions half-way between two, which no one wrote.
Beyond the paper's algorithm the discriminator meets them too, with half of the pictures, real and fake alike. One that never
met any took noise for pictures there, and the generator soon drew it; one that met them with fakes alone would know a fake by
its caption.

Style transfer (section 4.4): a network S learns to find the noise of what the generator makes, so that a picture can be drawn
again with another caption and all that captions do not say kept.
"""

import dataclasses
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxgan import rows
from jaxgan.errors import UserError
from jaxgan.losses import adversarial, penalties
from jaxgan.losses.embedding import joint_embedding_loss
from jaxgan.networks import CharCNNRNN, Convolutional, GivenVectors, PictureEncoder, TextEncoder
from jaxgan.networks import convolutional as dcgan
from jaxgan.nn import Conv, Mode, make_norm, normal, normal_around_one, spectral_norm
from jaxgan.training.phase import Phase, after, before
from jaxgan.training.state import Context, Outcome
from jaxgan.training.system import System, statistics_of


def standardised(text: jax.Array) -> jax.Array:
    """Captions' vectors [B, dim], scaled to a mean square of 1, as the noise has.

    An encoder that was trained to a margin, or to vectors of length 1, gives numbers so small that generator and discriminator
    would begin with hardly a trace of the caption.
    """
    return text * jax.lax.rsqrt(jnp.mean(jnp.square(text), -1, keepdims=True) + 1e-8)


class Generator(nn.Module):
    """Latents [B, latent] and captions' vectors [B, dim] to pictures [B, H, W, C] in [-1, 1]."""

    networks: Convolutional
    image_shape: tuple[int, int, int]
    projection: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, z: jax.Array, text: jax.Array, mode: Mode) -> jax.Array:
        projected = nn.leaky_relu(nn.Dense(self.projection, dtype=self.dtype)(standardised(text)), 0.2)
        generator = dcgan.Generator(self.image_shape, self.networks.width, self.networks.kernel, self.dtype)
        return generator(jnp.concatenate([z, projected.astype(z.dtype)], -1), None, mode)


class Discriminator(nn.Module):
    """Pictures [B, H, W, C] in [-1, 1] and, of each, several captions' vectors [B, dim] to as many logits [B].

    The picture is looked at once, whatever the number of captions.
    """

    networks: Convolutional
    projection: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, images: jax.Array, texts: tuple[jax.Array, ...], mode: Mode) -> tuple[jax.Array, ...]:
        networks = self.networks
        kind, spectral = networks.discriminator_norm, networks.spectral_norm
        seen = dcgan.halved(images, mode, networks.width, networks.kernel, kind, spectral, self.dtype)
        project = spectral_norm(nn.Dense(self.projection, dtype=self.dtype), spectral)
        mix = spectral_norm(Conv(seen.shape[-1], 1, use_bias=kind == "none", dtype=self.dtype), spectral)
        norm = make_norm(kind, normal_around_one(), self.dtype)
        last = spectral_norm(nn.Dense(1, kernel_init=normal(), dtype=self.dtype), spectral)
        logits = []
        for text in texts:  # each a batch of its own: BatchNorm would tell right captions from wrong ones
            projected = nn.leaky_relu(project(standardised(text)), 0.2)[:, None, None]
            repeated = jnp.broadcast_to(projected, (*seen.shape[:-1], self.projection))
            x = nn.leaky_relu(norm(mix(jnp.concatenate([seen, repeated.astype(seen.dtype)], -1)), mode), 0.2)
            logits.append(last(x.reshape(len(x), -1))[:, 0].astype(jnp.float32))
        return tuple(logits)


@dataclasses.dataclass(frozen=True)
class TextToImage(System):
    """GAN-INT-CLS; without `matching` and `interpolation`, a GAN that is merely given the caption.

    Defaults are the paper's for 64x64 pictures. Of the first stage it has only the loss and the text encoder: here the encoder
    of pictures is learnt, too, and both by Adam.
    """

    reads = ("image", "text", "wrong_text")
    conditions = ("text",)

    encoder: TextEncoder = CharCNNRNN()
    """What reads the captions."""
    encoder_steps: int = 5000
    """Steps of the first stage, in which the encoder learns and the GAN rests."""
    encoder_from: str | None = None
    """Workdir of another run whose encoder is taken over when this run begins; there is no first stage then."""
    networks: Convolutional = Convolutional(latent="normal", width=64, kernel=4)
    """Sizes of generator, discriminator and the encoder of pictures, and the noise."""
    projection: int = 128
    """How many numbers of the caption's vector generator and discriminator see."""
    matching: bool = True
    """GAN-CLS: the discriminator learns from real pictures with wrong captions, too."""
    interpolation: bool = True
    """GAN-INT: the generator learns from captions between two, too."""
    beta: float = 0.5
    """Of GAN-INT: where between the two, beta t1 + (1 - beta) t2."""
    r1: float = 0.0
    """gamma of the penalty gamma / 2 E[||grad_x D(x, t)||^2] on real pictures with their captions; 0 is off."""
    learning_rate: float = 2e-4
    """Of Adam, generator and discriminator."""
    beta1: float = 0.5
    """Of Adam, generator and discriminator."""
    beta2: float = 0.999
    """Of Adam, generator and discriminator."""
    encoder_learning_rate: float = 7e-4
    """Of Adam, the encoders of the first stage, and S."""
    ema: float = 0.0
    """Decay of the moving average of the generator that samples are made with; 0 keeps none."""
    style_after: int | None = None
    """Step from which the network S that style transfer needs learns, too, beside the GAN; None for no such network. The paper
    trains it when the generator is done: the last quarter of the steps will do."""

    def resolve(self, spec):
        self.networks.check(spec.shapes["image"].shape)
        text, given = spec.shapes["text"], isinstance(self.encoder, GivenVectors)
        wrong = spec.shapes["wrong_text"]
        if len(text.shape) != 1 or (text.shape, text.dtype) != (wrong.shape, wrong.dtype):
            raise UserError(
                'the data\'s "text" and "wrong_text" must be alike, a row of numbers for each caption, but they are '
                f"{list(text.shape)} and {list(wrong.shape)}: see jaxgan.data.Captioned"
            )
        vectors = np.issubdtype(text.dtype, np.floating)
        if given and not vectors:
            raise UserError(
                "system.encoder is GivenVectors, but the data has captions, not vectors: choose CharCNNRNN or WordGRU, or data "
                'whose "text" is floats'
            )
        if vectors and not given:
            raise UserError(
                f"the captions of the data are vectors already, and {type(self.encoder).__name__} reads text: set "
                "system.encoder to GivenVectors()"
            )
        if not given and text.shape[0] < self.encoder.shortest:
            raise UserError(
                f"{type(self.encoder).__name__} reads captions of at least {self.encoder.shortest} characters, and the data's "
                f"are cut at {text.shape[0]}: set --data.text.length"
            )
        if given and self.encoder_from is not None:
            raise UserError(
                "system.encoder is GivenVectors, which has nothing to take from system.encoder_from: leave one out"
            )
        if self.ema >= 1:
            raise UserError(f"system.ema is {self.ema}: it must be below 1, such as 0.999; 0 keeps no average")
        if self.beta > 1:
            raise UserError(f"system.beta is {self.beta}: it must be at most 1")
        if not given:
            self._check_vocabulary(spec.vocabulary)
        return self

    def _check_vocabulary(self, vocabulary):
        if len(vocabulary) > self.encoder.vocabulary:
            raise UserError(
                f"the data has {len(vocabulary)} words or characters, and system.encoder.vocabulary is "
                f"{self.encoder.vocabulary}: raise it, or lower data.text.limit"
            )
        characters = all(len(entry) == 1 for entry in vocabulary)
        if vocabulary and characters != isinstance(self.encoder, CharCNNRNN):
            gives, reader = ("characters", "CharCNNRNN") if characters else ("words", "WordGRU")
            raise UserError(
                f"{type(self.encoder).__name__} does not read what the data gives, {gives}: set data.text to Characters() for "
                f"CharCNNRNN and to Words() for WordGRU, or system.encoder to {reader}()"
            )

    def check_batch(self, batch):
        if isinstance(self.encoder, GivenVectors):
            return
        largest = max(int(batch[name].max()) for name in ("text", "wrong_text"))
        if largest > self.encoder.vocabulary:
            raise UserError(
                f"the data's captions have the number {largest}, and system.encoder.vocabulary is {self.encoder.vocabulary}: "
                "raise it"
            )

    @property
    def learns_to_read(self) -> bool:
        """Whether there is a first stage."""
        return not isinstance(self.encoder, GivenVectors) and self.encoder_from is None

    def init_variables(self, key, batch):
        g_key, d_key, t_key, v_key = jax.random.split(key, 4)
        image, text = batch["image"], batch["text"]
        variables = {}
        if not isinstance(self.encoder, GivenVectors):
            variables["T"] = self.encoder.module(self.dtype).init(t_key, text)
        if self.learns_to_read:
            variables["V"] = self._picture_encoder().init(v_key, image)
        vector = jnp.zeros((len(image), text.shape[1] if isinstance(self.encoder, GivenVectors) else self.encoder.dim))
        z = jnp.zeros((len(image), self.networks.latent_dim))
        variables["G"] = self._generator(image).init(g_key, z, vector, "batch")
        variables["D"] = self._discriminator(self.dtype).init(d_key, image, (vector,), "batch")
        if self.style_after is not None:
            variables["S"] = self._style_encoder().init(jax.random.fold_in(key, 0), image)
        return variables

    def pretrained(self, spec):
        if self.encoder_from is None:
            return {}
        from jaxgan.run import restore

        where = f"system.encoder_from is {self.encoder_from}"
        try:
            other = restore(self.encoder_from)
        except UserError as error:
            raise UserError(f"{where}: {error}") from None
        if not isinstance(other.system, TextToImage) or other.system.encoder != self.encoder:
            raise UserError(
                f"{where}, which has no encoder {self.encoder}: give the sizes of its own, or another workdir"
            )
        if other.record.spec.vocabulary != spec.vocabulary:
            raise UserError(
                f"{where}, whose encoder learnt other words than the data has: train one on this data first"
            )
        if other.system.learns_to_read and other.step < other.system.encoder_steps:
            raise UserError(
                f"{where}, whose encoder is at step {other.step} of {other.system.encoder_steps}: train it on first"
            )
        return {"T": other.state.networks["T"].current}

    def phases(self):
        start = self.encoder_steps if self.learns_to_read else 0
        reading = (Phase("embedding", ("T", "V"), self.embedding_loss, moves=before(start)),) if start else ()
        style = ()
        if self.style_after is not None:
            style = (Phase("style", ("S",), self.style_loss, moves=after(max(start, self.style_after))),)
        return (
            *reading,
            Phase("discriminator", ("D",), self.discriminator_loss, moves=after(start)),
            Phase("generator", ("G",), self.generator_loss, moves=after(start)),
            *style,
        )

    def optimizer(self, network, slot):
        if network in ("T", "V", "S"):
            return optax.adam(self.encoder_learning_rate)
        return optax.adam(self.learning_rate, self.beta1, self.beta2)

    def ema_decay(self, network, step):
        return self.ema if network in ("G", "S") and self.ema else None

    def latents(self, key, count):
        return self.networks.latents(key, count)

    def embed(self, variables: dict[str, Any], text: jax.Array) -> jax.Array:
        """The vectors [B, dim] of captions: numbers [B, T], or vectors, which are returned as they are."""
        if jnp.issubdtype(text.dtype, jnp.floating):
            return text
        return self.encoder.module(self.dtype).apply(variables["T"], text)

    def decode(self, variables, z, inputs):
        """`inputs["text"]` may also be the vectors of captions, or points between them."""
        return self._generator(inputs["image"]).apply(
            variables["G"], z, self.embed(variables, inputs["text"]), "running"
        )

    def standing(self, variables, z, inputs):
        generator, mutable = self._generator(inputs["image"]), statistics_of(variables["G"])
        return generator.apply(variables["G"], z, self.embed(variables, inputs["text"]), "standing", mutable=mutable)[1]

    def invert(self, variables, pictures):
        if self.style_after is None:
            raise UserError(
                "this run has not learnt to find the noise of a picture: train one with --system.style-after, the step from "
                "which it learns that, too"
            )
        return self._style_encoder().apply(variables["S"], pictures)

    def preview(self, variables, inputs, key):
        """Each caption, what it says of, and what is made of it."""
        return {"text": inputs["text"], "real": inputs["image"], "made": self.sample(variables, inputs, key)}

    def embedding_loss(self, c: Context):
        """The first stage: captions and pictures of the batch, each to find its own among the others."""
        text = c.batch["text"]
        # Two captions that read alike are not told apart. Others may both be true of a picture, too; that costs some accuracy.
        same = jnp.all(text[:, None] == rows.gather(text)[None], -1)
        pictures = self._picture_encoder().apply(c.variables["V"], c.batch["image"])
        loss, found = joint_embedding_loss(pictures, self.embed(c.variables, text), same)
        return loss, Outcome(metrics={"captions_found": found})

    def discriminator_loss(self, c: Context):
        real, (right, wrong) = c.batch["image"], self._captions(c, self.matching or self.interpolation)
        text = right
        if self.interpolation:
            # For half of the rows, real and fake alike: see the top.
            between = rows.bernoulli(jax.random.fold_in(c.key, 0), 0.5, len(real))
            text = jnp.where(between[:, None], self._between(right, wrong), right)
        fake, _ = self._generate(c.variables, self.latents(c.key, len(real)), text, real)
        texts = (text, wrong) if self.matching else (text,)
        (real_logits, *wrong_logits), changed = self._judge(c.variables["D"], real, texts)
        (fake_logits,), changed = self._judge({**c.variables["D"], **changed}, fake, (text,))
        metrics = {"real_logits": real_logits.mean(), "fake_logits": fake_logits.mean()}
        if self.matching:
            (wrong_logits,) = wrong_logits
            metrics["wrong_logits"] = wrong_logits.mean()
            # log D(x, t) + (log(1 - D(x, wrong)) + log(1 - D(G(z, t), t))) / 2
            loss = (
                adversarial.discriminator_loss(real_logits, wrong_logits)
                + adversarial.discriminator_loss(real_logits, fake_logits)
            ) / 2
        else:
            loss = adversarial.discriminator_loss(real_logits, fake_logits)
        if self.r1:
            exact = self._discriminator(jnp.float32)
            metrics["r1"] = penalties.r1(lambda x: exact.apply(c.variables["D"], x, (text,), "batch")[0], real)
            loss += self.r1 / 2 * metrics["r1"]
        return loss, Outcome(variables={"D": changed}, metrics=metrics)

    def generator_loss(self, c: Context):
        image, (right, wrong) = c.batch["image"], self._captions(c, self.interpolation)
        text = right
        if self.interpolation:
            text = rows.interleave(right, self._between(right, wrong))
        fake, changed = self._generate(c.variables, self.latents(c.key, len(text)), text, image)
        (logits,), _ = self._judge(c.variables["D"], fake, (text,))
        parts = rows.deinterleave(logits, 2) if self.interpolation else (logits,)
        loss = sum(adversarial.generator_non_saturating_loss(part) for part in parts)
        return loss, Outcome(variables={"G": changed})

    def style_loss(self, c: Context):
        """E ||z - S(G(z, phi(t)))||^2 (equation 6) over the noise's length: 1 at first, 0 where all of the noise is seen."""
        z = self.latents(c.key, len(c.batch["image"]))
        found = self._style_encoder().apply(c.variables["S"], self.decode(c.variables, z, c.batch))
        return jnp.mean(jnp.square(z - found)), Outcome()

    def _between(self, right: jax.Array, wrong: jax.Array) -> jax.Array:
        return self.beta * right + (1 - self.beta) * wrong

    def _captions(self, c: Context, with_wrong: bool) -> tuple[jax.Array, jax.Array | None]:
        """The vectors of the right captions, and of the wrong ones where they are of use."""
        if not with_wrong:
            return self.embed(c.variables, c.batch["text"]), None
        both = self.embed(c.variables, rows.interleave(c.batch["text"], c.batch["wrong_text"]))
        right, wrong = rows.deinterleave(both, 2)
        return right, wrong

    def _generate(self, variables: dict[str, Any], z: jax.Array, text: jax.Array, image: jax.Array):
        collections = statistics_of(variables["G"])
        return self._generator(image).apply(variables["G"], z, text, "batch", mutable=collections)

    def _judge(self, variables: dict[str, Any], images: jax.Array, texts: tuple[jax.Array, ...]):
        return self._discriminator(self.dtype).apply(
            variables, images, texts, "batch", mutable=statistics_of(variables)
        )

    def _generator(self, image: jax.Array) -> Generator:
        return Generator(self.networks, image.shape[1:], self.projection, self.dtype)

    def _discriminator(self, dtype: jnp.dtype) -> Discriminator:
        return Discriminator(self.networks, self.projection, dtype)

    def _picture_encoder(self) -> PictureEncoder:
        return PictureEncoder(self.encoder.dim, self.networks.width, self.dtype)

    def _style_encoder(self) -> PictureEncoder:
        return PictureEncoder(self.networks.latent_dim, self.networks.width, self.dtype)
