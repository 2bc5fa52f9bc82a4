"""Pictures with captions, from which pictures of captions are learnt: one caption that is right, and one that is wrong.

The pictures come from any set whose examples have "captions", a tuple of `Caption` or of plain text, or, where these were
turned into vectors elsewhere, "text", floats [D], or [K, D] of K captions.
"""

import hashlib
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import numpy as np
import tyro

from jaxgan import fields
from jaxgan.data.base import ImageData, Records
from jaxgan.data.captions import Caption, Described
from jaxgan.data.folder import TOLERATED, some
from jaxgan.errors import UserError
from jaxgan.media import Characters, Text, Words
from jaxgan.media.tokens import Encoded

TEXTS = ("captions", "facts", "text")  # the fields of an example that are read here
DRAWS = 20  # captions that are drawn at random before all are gone through

# Which of them is said in a config; the command line changes its fields.
AnyText = Annotated[Characters | Words, tyro.conf.AvoidSubcommands]


@dataclass(frozen=True, kw_only=True)
class Captioned:
    """Pictures, each time with one of their captions and with one that is wrong for them, as GAN-CLS learns from them.

    With the example's "facts", a frozenset, a caption is wrong that says anything which is not among them; without, any that
    is not one of its own. One that only says less than it could is never taken for wrong.

    >>> from jaxgan.data import AvatarCaptions
    >>> from jaxgan.media import Words
    >>> data = Captioned(pictures=AvatarCaptions(size=64), text=Words(length=6))
    >>> data.encode(["a red ball"], vocabulary=("a", "ball", "blue", "red")).tolist()
    [[1, 4, 2, 0, 0, 0]]
    """

    pictures: ImageData
    """The pictures with captions: AvatarCaptions, OpenMoji, Folder with `captions`, TFDS with `caption_key`, Arrays."""
    text: AnyText = Characters()
    """How captions are read, as characters or as words; of no account where they are vectors already."""
    choice: Literal["random", "in order"] = "random"
    """How captions are chosen: drawn at each visit, for training; or number i (mod their number) of example i, and the next
    that is wrong for it, so that they are always the same, for a score."""

    def __post_init__(self) -> None:
        fields.check(self)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of the training pictures."""
        return self.pictures.shape

    def without_augmentation(self) -> "Captioned":
        """The same with nothing random about it."""
        return replace(self, pictures=self.pictures.without_augmentation(), choice="in order")

    def load(self, vocabulary: tuple[str, ...] | None = None) -> Records:
        """Loads the pictures and reads all captions; what is lost of them is said on standard error.

        An example is one of `pictures`, and in "others" the captions of all, of which `transform` draws.

        Args:
          vocabulary: of another set, a run's say, by which these captions are to be read; their own if None.

        Raises:
          UserError: there are no captions; 1% of the pictures or more have none that can be read (fewer are named and
            skipped); or there is a picture for which no caption is wrong.
        """
        records = self.pictures.load()
        examples = records.examples
        read_texts = getattr(examples, "texts", examples.__getitem__)
        found = [read_texts(index) for index in range(len(examples))]
        found = [{name: texts[name] for name in TEXTS if name in texts} for texts in found]
        if any("captions" in texts for texts in found):
            spoken = [_captions(texts) for texts in found]
            if vocabulary is None:
                vocabulary = self.text.vocabulary(caption.text for captions in spoken for caption in captions)
            read = _Reader(self.text, vocabulary)
        elif any(np.asarray(texts.get("text")).dtype.kind == "f" for texts in found):
            read, vocabulary = _read_vectors, ()
        else:
            raise UserError(
                f"the pictures of {type(self.pictures).__name__} have no captions: give AvatarCaptions, OpenMoji, a Folder "
                'with data.pictures.captions, TFDS with data.pictures.caption_key, or an .npz file with vectors, "text"'
            )
        texts = [read(fields) for fields in found]
        if isinstance(read, _Reader):
            read.report()
        kept = _with_texts(texts, examples)
        others = [texts[index] for index in kept]
        _check_wrong([_facts(found[index], texts[index]) for index in kept], others, kept)
        chosen = Described(examples, lambda index: {"others": _Others(index, others, read)}, kept)
        text = {name: Text(vocabulary=tuple(vocabulary)) for name in ("text", "wrong_text") if vocabulary}
        return Records(chosen, records.classes, {**records.media, **text}, records.identity)

    def transform(self, example: dict[str, Any], random: np.random.Generator) -> dict[str, np.ndarray]:
        """Crops and flips the picture, and draws the captions.

        Args:
          example: of `load().examples`.
          random: the example's own generator, a function of seed, example and epoch.

        Returns:
          "image" and the numeric fields, as `pictures` has them; "text", one of its captions, and "wrong_text", one of
          another picture that is wrong for this: int32 [length], or float32 [D] where captions are vectors.
        """
        plain = {name: value for name, value in example.items() if name not in (*TEXTS, "others")}
        batch = self.pictures.transform(plain, random)
        text, wrong = example["others"].draw(example, random if self.choice == "random" else None)
        dtype = np.float32 if text.dtype.kind == "f" else np.int32
        return {**batch, "text": text.astype(dtype), "wrong_text": wrong.astype(dtype)}

    def encode(self, texts: Sequence[str], vocabulary: tuple[str, ...]) -> np.ndarray:
        """New captions as numbers, by the vocabulary of a run; what is lost of them is said on standard error.

        Returns:
          int32 [N, length].

        Raises:
          UserError: a caption is empty, or nothing of it is known; or the data has vectors, and no captions to read.
        """
        if not vocabulary:
            raise UserError(
                "the captions of the data were turned into vectors elsewhere, so jaxgan cannot read others: turn them into "
                'vectors in the same way, and give these (in Python: given={"text": vectors})'
            )
        texts = (texts,) if isinstance(texts, str) else texts
        encoded = [self.text.encode(text, vocabulary) for text in texts]
        for number, (text, made) in enumerate(zip(texts, encoded, strict=True), 1):
            if not text.strip():
                raise UserError(f"caption {number} is empty: write what the picture should show")
            if made.empty:
                raise UserError(f'nothing in the caption "{text}" is known: {_way_out(self.text, vocabulary)}')
        for text, made in zip(texts, encoded, strict=True):
            lost = []
            if made.unknown:
                lost.append(f"{self.text.unit} that are not known are passed over: {some(made.unknown)}")
            if made.cut:
                lost.append(f"only its first {self.text.length} {self.text.unit} are read")
            if lost:
                print(f'warning: of the caption "{text}", {"; and ".join(lost)}', file=sys.stderr, flush=True)
        return np.stack([made.ids for made in encoded]) if encoded else np.zeros((0, self.text.length), np.int32)


@dataclass(frozen=True)
class _Text:
    """A caption as numbers, or as a vector."""

    numbers: np.ndarray
    says: frozenset


Read = Callable[[dict[str, Any]], tuple[_Text, ...]]  # the captions of an example of which anything can be read


class _Reader:
    """Reads the captions of examples as numbers, each of them once."""

    def __init__(self, text: Characters | Words, vocabulary: tuple[str, ...]):
        self._text, self._vocabulary = text, vocabulary
        self._dtype = np.min_scalar_type(len(vocabulary))  # many captions are kept
        self._known: dict[Caption, _Text | None] = {}
        self._lost: dict[str, list[tuple[str, Encoded]]] = {"unknown": [], "cut": [], "empty": []}

    def __call__(self, example: dict[str, Any]) -> tuple[_Text, ...]:
        texts = []
        for caption in _captions(example):
            if caption not in self._known:
                self._known[caption] = self._read(caption)
            texts.append(self._known[caption])
        return tuple(text for text in texts if text is not None)

    def _read(self, caption: Caption) -> _Text | None:
        encoded = self._text.encode(caption.text, self._vocabulary)
        for loss, which in self._lost.items():
            if getattr(encoded, loss):
                which.append((caption.text, encoded))
        if encoded.empty:
            return None
        numbers = encoded.ids.astype(self._dtype)
        # Plain text says itself: two that read alike say the same.
        return _Text(numbers, frozenset({_digest(numbers)}) if caption.says is None else caption.says)

    def report(self) -> None:
        """Says on standard error, once, what was lost of the captions so far."""
        unit, length = self._text.unit, self._text.length
        for loss, what in (
            ("unknown", f"have {unit} that are not known and passed over"),
            ("cut", f"are longer than {length} {unit} and cut off there (--data.text.length)"),
            ("empty", "are empty or have nothing that is known, and are left out"),
        ):
            if which := self._lost[loss]:
                text, encoded = which[0]
                named = f": {some(encoded.unknown)}" if loss == "unknown" else ""
                print(
                    f"warning: {len(which)} of {len(self._known)} different captions {what}, "
                    f'such as "{text if len(text) <= 200 else text[:200] + "..."}"{named}',
                    file=sys.stderr,
                    flush=True,
                )


def _captions(example: dict[str, Any]) -> tuple[Caption, ...]:
    """The captions of an example; of plain text it is not known what it says."""
    captions = example.get("captions", ())
    captions = (captions,) if isinstance(captions, str) else captions
    return tuple(caption if isinstance(caption, Caption) else Caption(str(caption)) for caption in captions)


def _read_vectors(example: dict[str, Any]) -> tuple[_Text, ...]:
    """The captions of an example that are vectors already. Each says itself."""
    vectors = np.asarray(example.get("text", ()), np.float32)
    if vectors.ndim not in (1, 2) or not np.isfinite(vectors).all():
        what = "is not finite" if vectors.ndim in (1, 2) else f"has the shape {list(vectors.shape)}"
        raise UserError(f'the "text" of an example {what}: it must be floats [D], or [K, D] of K captions')
    vectors = vectors.reshape(-1, vectors.shape[-1]) if vectors.size else ()
    return tuple(_Text(vector, frozenset({_digest(vector)})) for vector in vectors)


def _digest(numbers: np.ndarray) -> bytes:
    return hashlib.blake2b(numbers.tobytes(), digest_size=16).digest()


def _facts(example: dict[str, Any], own: tuple[_Text, ...]) -> frozenset:
    """What is true of a picture: its facts, or what its own captions say."""
    return example["facts"] if "facts" in example else frozenset().union(*(text.says for text in own))


def _with_texts(texts: list[tuple[_Text, ...]], examples: Sequence[dict[str, Any]]) -> list[int]:
    """The examples that have captions. Those without are named on standard error; UserError for 1% or more."""
    without = [index for index, own in enumerate(texts) if not own]
    if without:
        names = some([examples[index].get("file", f"number {index}") for index in without])
        share = f"{len(without)} of the {len(texts)} pictures have no caption that can be read: {names}"
        if len(without) >= TOLERATED * len(texts):
            raise UserError(f"{share}. Add captions, or take them out")
        print(f"warning: skipped, for {share}", file=sys.stderr, flush=True)
    return [index for index, own in enumerate(texts) if own]


def _check_wrong(facts: list[frozenset], texts: list[tuple[_Text, ...]], numbers: list[int]) -> None:
    """UserError where all captions of the set are true of one picture."""
    said = frozenset().union(*(text.says for own in texts for text in own))
    for number, true in zip(numbers, facts, strict=True):
        if said <= true:
            raise _never_wrong(number)


def _never_wrong(number: int) -> UserError:
    return UserError(
        f"there is no caption that is wrong for picture number {number}: all captions of the set are true of it, and a "
        "picture is learnt beside one that is not. Give pictures with different captions"
    )


def _way_out(text: Characters | Words, vocabulary: tuple[str, ...]) -> str:
    if isinstance(text, Characters):
        return "write it in Latin letters"
    return f"write it with words of the data's captions, which has {len(vocabulary)}: {', '.join(vocabulary[:20])}, ..."


class _Others:
    """The captions of all examples, as seen by number `index`."""

    def __init__(self, index: int, texts: list[tuple[_Text, ...]], read: Read):
        self._index, self._texts, self._read = index, texts, read

    def draw(self, example: dict[str, Any], random: np.random.Generator | None) -> tuple[np.ndarray, np.ndarray]:
        """A caption of `example`, and one that is wrong for it; without `random` always the same."""
        own = self._read(example)
        if not own:  # of a picture that stands in for a damaged one
            raise UserError(f"{example.get('file', 'a picture')} has no caption that can be read: take it out")
        facts, count = _facts(example, own), len(self._texts)
        right = own[self._index % len(own) if random is None else int(random.integers(len(own)))]

        def is_wrong(text: _Text) -> bool:
            # What was cut off or passed over may have been all the difference: then it reads as if it were right.
            return not text.says <= facts and not any(np.array_equal(text.numbers, true.numbers) for true in own)

        for _ in range(DRAWS if random is not None else 0):
            texts = self._texts[int(random.integers(count))]
            text = texts[int(random.integers(len(texts)))]
            if is_wrong(text):
                return right.numbers, text.numbers
        start = self._index + 1 if random is None else int(random.integers(count))
        for offset in range(count):
            texts = self._texts[(start + offset) % count]
            for turn in range(len(texts)):
                text = texts[(self._index + turn) % len(texts)]
                if is_wrong(text):
                    return right.numbers, text.numbers
        raise _never_wrong(self._index)
