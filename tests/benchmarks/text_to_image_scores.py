"""What `tests.benchmarks.text_to_image` measures: captions and pictures [N, H, W, C] in [-1, 1] go in, figures come out."""

import dataclasses
import textwrap
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from jaxgan import media
from jaxgan.conditions import captions as captioning
from jaxgan.data import Captioned
from jaxgan.data.captions import Caption
from jaxgan.data.sets.wording import facts_of
from jaxgan.latent import path
from jaxgan.metrics.classifier import Classifier
from jaxgan.metrics.features import quantise
from jaxgan.metrics.sources import fixed_examples, without_augmentation
from jaxgan.networks import PictureEncoder
from jaxgan.run import Run
from tests.benchmarks.translation_scores import spaced

FIRST, FACES = 4096, 2048  # of the avatars: those on which neither GAN nor classifier was trained
AMONG = 100
COLORS = ("hair_color", "clothing_color", "skin_color")
BETWEEN = (
    "a person with long pink hair, no glasses and a blue shirt",
    "a bald person with sunglasses and a yellow shirt",
    "someone with short black hair, glasses and a green top",
)
RESTYLED = (
    "a person with pink hair, no glasses and a turquoise shirt",
    "a bald person with sunglasses and a yellow shirt",
    "a person with black hair, glasses and a red shirt",
)

PROTOCOL = """AvatarCaptions of the numbers {first} to {last}, on none of which GAN, encoder or classifier was trained.
"held_out": all captions of those whose combination of hair colour, glasses and colour of clothes never occurs in training
(part test); one picture is drawn of each caption. What a picture shows is what a classifier says that jaxgan trains on the
labels of the training faces (jaxgan.metrics.classifier); an attribute in "not_trusted" (below 95% on held-out real pictures)
is only an indication. obeyed: of the captions that say something of an attribute, the share of whose pictures it is true;
"colors" is the mean of the colours of hair, clothes and skin. ignored: the same pictures, each judged by the caption of
another, drawn at random: what a generator would reach that ignores the text. retrieval: the encoder of pictures of the run
"encoder" sees each picture and ranks its caption among {AMONG}, the others drawn from those that say something that is not
true of the face: the share ranked first, and the mean rank (from 1). fid, kid: one picture of one caption of each of the new
faces, held out or not, against these faces, by the classifier's features; "training_pictures" is the floor. real_pictures:
the true faces in the place of those drawn. style: S finds the noise of each held-out real face, which is drawn again with
the caption of another; obeyed as above; kept: of what that caption does not speak of, the share in which the attribute is
still that of the face; kept_by_other_noise: with fresh noise instead.""".replace("{AMONG}", str(AMONG))


@dataclasses.dataclass(frozen=True)
class Captions:
    """Faces and all of their captions.

    Attributes:
        pictures: of the faces [F, H, W, C].
        facts: what is true of each face.
        texts: the captions [N] of all faces.
        numbers: as the run reads them, int32 [N, length].
        face: the face of each caption, [N].
    """

    pictures: np.ndarray
    facts: list[frozenset]
    texts: list[Caption]
    numbers: np.ndarray
    face: np.ndarray

    @classmethod
    def of(cls, data: Captioned, vocabulary: tuple[str, ...], part: str) -> "Captions":
        faces = dataclasses.replace(data.pictures, first=FIRST, count=FACES, part=part, flip=False)
        records = faces.load()
        each = [records.examples[index] for index in range(len(records.examples))]
        shown = np.stack([e["image"].astype(np.float32) / np.float32(127.5) - 1 for e in each])
        texts = [caption for e in each for caption in e["captions"]]
        face = np.repeat(np.arange(len(each)), [len(e["captions"]) for e in each])
        numbers = data.encode([caption.text for caption in texts], vocabulary)
        return cls(shown, [e["facts"] for e in each], texts, numbers, face)

    def one_of_each(self) -> np.ndarray:
        """The numbers of one caption of each face, of each form in turn."""
        starts = np.flatnonzero(np.diff(self.face, prepend=-1))
        counts = np.diff([*starts, len(self.face)])
        return self.numbers[starts + np.arange(len(starts)) % counts]


def training_pictures(data: Captioned, count: int) -> np.ndarray:
    """Evenly spaced faces that were trained on."""
    data = without_augmentation(data.pictures)
    records = data.load()
    each = fixed_examples(data, records, spaced(len(records.examples), min(count, len(records.examples))))
    return np.stack([example["image"] for example in each])


def drawn(run: Run, numbers: np.ndarray, seed: int) -> np.ndarray:
    """A picture of each caption [N, length]."""
    return run.decode(run.latents(len(numbers), seed), given={"text": numbers})


def seen(classifier: Classifier, shown: np.ndarray) -> list[frozenset]:
    """What is true of each picture, by the classifier."""
    said = classifier.predict(quantise(shown))
    named = {name: [classifier.classes[name][value] for value in values] for name, values in said.items()}
    return [facts_of({name: values[index] for name, values in named.items()}) for index in range(len(shown))]


def obeyed(classifier: Classifier, made: np.ndarray, captions: Captions) -> dict[str, Any]:
    """By attribute the share of pictures of which is true what their caption says of it; and that of another caption."""
    facts = seen(classifier, made)
    right = captions.texts
    others = [right[index] for index in np.random.default_rng(0).permutation(len(right))]

    def shares(texts: Sequence[Caption]) -> dict[str, float]:
        hits: dict[str, list[bool]] = {}
        for text, true in zip(texts, facts, strict=True):
            for attribute, value in text.says:
                hits.setdefault(attribute, []).append((attribute, value) in true)
        return {name: float(np.mean(hits[name])) for name in sorted(hits)}

    found, at_random = shares(right), shares(others)
    return {
        "obeyed": found,
        "ignored": at_random,
        "colors": float(np.mean([found[name] for name in COLORS])),
        "colors_ignored": float(np.mean([at_random[name] for name in COLORS])),
    }


def retrieval(reader: Run, made: np.ndarray, captions: Captions) -> dict[str, float]:
    """Where the caption of each picture ranks among `AMONG`."""
    system, variables = reader.system, reader.variables()
    module = PictureEncoder(system.encoder.dim, system.networks.width, system.dtype)
    look = jax.jit(module.apply)
    size = 256
    parts = [made[start : start + size] for start in range(0, len(made), size)]
    shown = np.concatenate([np.asarray(look(variables["V"], part)) for part in parts])
    texts = captioning_vectors(reader, captions.numbers)
    random, ranks = np.random.default_rng(0), []
    for index, vector in enumerate(shown):
        true, others = captions.facts[captions.face[index]], []
        for other in random.permutation(len(texts)):
            if not captions.texts[other].says <= true:
                others.append(other)
            if len(others) == AMONG - 1:
                break
        ranks.append(1 + int(np.sum(texts[others] @ vector >= texts[index] @ vector)))
    return {"first": float(np.mean(np.equal(ranks, 1))), "mean_rank": float(np.mean(ranks))}


def captioning_vectors(reader: Run, numbers: np.ndarray) -> np.ndarray:
    """The vectors [N, dim] of captions that were read already."""
    embed = jax.jit(reader.system.embed)
    return np.asarray(embed(reader.variables(), numbers))


def style(run: Run, classifier: Classifier, captions: Captions) -> dict[str, Any]:
    """Held-out real faces, drawn again with the captions of others in their own style."""
    faces = len(captions.pictures)
    random = np.random.default_rng(0)
    chosen = random.integers(0, len(captions.texts), faces)
    texts, numbers = [captions.texts[index] for index in chosen], captions.numbers[chosen]
    inputs = {"text": numbers}
    fresh = run.latents(faces, 3)
    made = run.decode(fresh, given=inputs)
    noise = float(np.mean(np.square(run.invert(made) - fresh)))
    restyled_ = run.decode(run.invert(captions.pictures), given=inputs)
    real = classifier.predict(quantise(captions.pictures))

    def kept(shown: np.ndarray) -> dict[str, float]:
        said, hits = classifier.predict(quantise(shown)), {}
        for index, text in enumerate(texts):
            spoken = {attribute for attribute, _ in text.says}
            for name in said:
                if name not in spoken:
                    hits.setdefault(name, []).append(said[name][index] == real[name][index])
        return {name: float(np.mean(values)) for name, values in hits.items()}

    facts = seen(classifier, restyled_)
    told = [
        (attribute, value) in true for text, true in zip(texts, facts, strict=True) for attribute, value in text.says
    ]
    return {
        "mean_squared_error_of_noise": noise,
        "obeyed": float(np.mean(told)),
        "kept": kept(restyled_),
        "kept_by_other_noise": kept(made),
    }


# Sheets


def shown_captions(captions: Captions, count: int) -> list[str]:
    """Evenly spaced captions, of another form each: not chosen."""
    faces = spaced(len(captions.pictures), count)
    starts = [int(np.flatnonzero(captions.face == face)[0]) for face in faces]
    return [captions.texts[start + turn % 10].text for turn, start in enumerate(starts)]


def strip(run: Run, latents: int) -> tuple[np.ndarray, list[str]]:
    """Rows from one caption to the next, one of `BETWEEN` after the other, for each latent; and what is written beside them."""
    points = path(run.embed(BETWEEN), 5, "lerp", closed=False)
    made = run.decode_captions(run.latents(latents, 0), points)
    words = [f"from {BETWEEN[0]}", f"by {BETWEEN[1]}", f"to {BETWEEN[2]}"]
    return np.concatenate(made.swapaxes(0, 1)), [*words, ""][:latents]


def restyled(run: Run, own: np.ndarray) -> np.ndarray:
    """Rows of a face and what it becomes by each of `RESTYLED`."""
    made = run.decode_captions(run.invert(own), captioning.read(run.record, RESTYLED))
    return np.concatenate(np.concatenate([own[None], made]).swapaxes(0, 1))


def captioned_sheet(made: np.ndarray, texts: Sequence[str], columns: int, scale: int = 2) -> Image.Image:
    """Rows of pictures, each right of its caption."""
    sheet = media.grid(made, columns)
    sheet = sheet.resize((sheet.width * scale, sheet.height * scale), Image.Resampling.NEAREST)
    font, margin, line = ImageFont.load_default(13), 230, 17
    titled = Image.new("RGB", (margin + sheet.width, sheet.height), "white")
    titled.paste(sheet, (margin, 0))
    draw, step = ImageDraw.Draw(titled), sheet.height / len(texts)
    for row, text in enumerate(texts):
        for number, words in enumerate(textwrap.wrap(text, 34)):
            draw.text((4, round(row * step) + 6 + number * line), words, fill="black", font=font)
    return titled
