"""The feature network `classifier`: a small CNN, trained by jaxgan on the labels of the data set that is scored.

It needs no downloaded weights, and it looks at what matters in that data set. Its figures can be compared with one another
only: the same data at the same size, the same digest. It is no better than its labels and its accuracy, so it is refused
where it knows fewer than 95% of the labels of held-out real pictures.

The avatars carry all their attributes, and the classifier learns all of them at once, one softmax for each: features that
know hair colour, mouth and clothes notice when one of them is missing, which features of `glasses` alone would not. The
features are the last layer before the softmaxes, after its ReLU. That layer sees a map of 4x4 positions, not its average: a
mouth on the forehead is no mouth.
"""

import dataclasses
import hashlib
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import flax.traverse_util
import numpy as np

from jaxgan.cache import cache_dir
from jaxgan.data import AvatarCaptions, Avatars, Captioned, Records, avatar_attributes
from jaxgan.errors import UserError
from jaxgan.metrics.classifier_network import DIMENSIONS, VERSION, compiled, fit_network
from jaxgan.metrics.features import BATCH, FeatureNetwork
from jaxgan.metrics.sources import fixed_examples, without_augmentation

NEEDED = 0.95  # accuracy on held-out pictures, of a metric and of a judge
EXAMPLES = 20_000  # at most, for training and held-out pictures together


@dataclasses.dataclass(frozen=True)
class Classifier:
    """A trained classifier of the pictures of one data set.

    Attributes:
        name: whose pictures it knows: "Avatars personas 32x32".
        shape: (H, W, C) of these pictures.
        classes: attribute -> the names of its values.
        accuracy: attribute -> the share of held-out real pictures on which it is right.
        label: the attribute that the data set has as its label; None where it has several, and none of them is.
        digest: SHA-256, hexadecimal, over the weights and all of the above but the label.
        variables: of the network.
    """

    name: str
    shape: tuple[int, int, int]
    classes: dict[str, tuple[str, ...]]
    accuracy: dict[str, float]
    label: str | None
    digest: str
    variables: dict[str, Any] = dataclasses.field(repr=False)

    @property
    def trusted(self) -> float:
        """The accuracy that decides whether features are a metric: of the label, or on average over the attributes."""
        return self.accuracy[self.label] if self.label else float(np.mean(list(self.accuracy.values())))

    @property
    def features(self) -> FeatureNetwork:
        """The last layer before the logits [B, 256]; the logits are those of the data's label.

        Raises:
            UserError: the accuracy on held-out real pictures is below 95%.
        """
        if self.trusted < NEEDED:
            what = f"the label {self.label}" if self.label else "the attributes on average"
            raise UserError(
                f"the classifier of {self.name} is right about {what} on {self.trusted:.1%} of held-out real pictures, and "
                f"below {NEEDED:.0%} its features are no metric: give --features inception, larger pictures (--data.size), or "
                "a data.label that can be seen"
            )

        def apply(pictures):
            features, logits = self._run(pictures)
            return features, logits.get(self.label)

        return FeatureNetwork(f"classifier of {self.name}", self.digest, DIMENSIONS, apply)

    def predict(self, pictures: np.ndarray) -> dict[str, np.ndarray]:
        """The most probable value of each attribute, int [B] each, of uint8 pictures [B, H, W, C]."""
        parts = []
        for start in range(0, len(pictures), BATCH):
            batch = pictures[start : start + BATCH]
            padded = np.concatenate([batch, np.repeat(batch[-1:], BATCH - len(batch), 0)])
            logits = self._run(padded)[1]
            parts.append({name: np.argmax(z[: len(batch)], 1) for name, z in logits.items()})
        return {name: np.concatenate([part[name] for part in parts]) for name in self.classes}

    def float_features(self, images: np.ndarray) -> np.ndarray:
        """Features [B, 256] of float pictures [B, H, W, C] in [-1, 1], not rounded to 8 bits; for the path length."""
        sizes = sum(len(values) for values in self.classes.values())
        return np.asarray(compiled(sizes)(self.variables, np.asarray(images, np.float32))[0])

    def judge(self, attribute: str) -> "Classifier":
        """This classifier, for someone who will take its word on `attribute`.

        Raises:
            UserError: there is no such attribute, or the accuracy on it is below 95%.
        """
        if attribute not in self.classes:
            raise UserError(
                f'the classifier of {self.name} knows no attribute "{attribute}": it knows {", ".join(self.classes)}'
            )
        if self.accuracy[attribute] < NEEDED:
            good = [name for name, accuracy in self.accuracy.items() if accuracy >= NEEDED]
            raise UserError(
                f"the classifier of {self.name} is right about {attribute} on {self.accuracy[attribute]:.1%} of held-out real "
                f"pictures, and below {NEEDED:.0%} it is no judge of it"
                + (f": it can judge {', '.join(good)}" if good else "; it can judge no other attribute either")
            )
        return self

    def _run(self, pictures: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Features [B, 256], and the logits [B, K] of each attribute."""
        if pictures.dtype != np.uint8 or pictures.shape[1:] != self.shape:
            raise UserError(
                f"the classifier of {self.name} looks at uint8 pictures {list(self.shape)}, not at {pictures.dtype} "
                f"{list(pictures.shape[1:])}"
            )
        sizes = tuple(len(values) for values in self.classes.values())
        features, logits = compiled(sum(sizes))(self.variables, pictures)
        parts = np.split(np.asarray(logits), np.cumsum(sizes)[:-1], axis=1)
        return np.asarray(features), dict(zip(self.classes, parts, strict=True))


def load_classifier(data: Any, seed: int = 0, quiet: bool = False) -> Classifier:
    """The classifier of a data set, trained the first time and then found in the cache.

    Args:
        data: a data set of pictures with labels.
        seed: of the split into training and held-out pictures, the initial weights and the augmentation.
        quiet: say nothing on standard error.

    Raises:
        UserError: the data has no labels, or too few examples.
    """
    data = data.pictures if isinstance(data, Captioned) else data
    if isinstance(data, AvatarCaptions):  # trusted by what captions say, not by noses, of which they say nothing
        data = dataclasses.replace(data.faces, label="hair_color")
    data = without_augmentation(data)
    records = data.load()
    labels = _Labels.of(data, records)
    key = {"version": VERSION, "seed": seed, "data": _fields(data), "examples": _fingerprint(records, labels)}
    place = cache_dir() / f"classifier-{hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:24]}.npz"
    found = _read(place)
    if found is None:
        if not quiet:
            print(
                f"training a classifier of {_name(data)} first, once, for a few minutes, into {place}; interrupted, it goes on "
                "where it was",
                file=sys.stderr,
                flush=True,
            )
        began = time.monotonic()
        found = _train(data, records, labels, seed, place.with_suffix(".training.npz"), quiet)
        _write(place, found)
        if not quiet:
            known = ", ".join(f"{name} {accuracy:.1%}" for name, accuracy in found.accuracy.items())
            took = time.monotonic() - began
            print(f"trained in {took:.0f} s; right on held-out pictures: {known}", file=sys.stderr, flush=True)
    return dataclasses.replace(found, label=labels.label)


@dataclasses.dataclass(frozen=True)
class _Labels:
    """What there is to learn: the attributes, where they are in an example, and which of them is the data's label."""

    classes: dict[str, tuple[str, ...]]
    label: str | None
    joint: bool  # whether they are the entries of one vector, "label"

    @classmethod
    def of(cls, data: Any, records: Records) -> "_Labels":
        if isinstance(data, Avatars):
            return cls(avatar_attributes(data.style), data.label if isinstance(data.label, str) else None, False)
        example = records.examples[0]
        if "label" not in example:
            raise UserError(
                f"{_name(data)} has no labels, and the feature network classifier is trained on them: give --features "
                "inception or vgg16 with --features-file, or put the pictures into one subfolder for each class"
            )
        if np.ndim(example["label"]) == 1:  # several yes-or-no attributes, as celeb_a has them
            return cls(dict.fromkeys(records.classes, ("no", "yes")), None, True)
        return cls({"label": tuple(records.classes)}, "label", False)

    def read(self, example: dict[str, Any]) -> np.ndarray:
        """int32 [attributes] of an example."""
        return np.int32(example["label"] if self.joint else [example[name] for name in self.classes])


def _name(data: Any) -> str:
    style = f" {data.style}" if isinstance(data, Avatars) else ""
    size = f" {data.shape[0]}x{data.shape[1]}" if hasattr(data, "shape") else ""
    return f"{type(data).__name__}{style}{size}"


def _fields(data: Any) -> dict[str, str]:
    """What the pictures and the attributes depend on: of the avatars, not which attribute is the label."""
    fields = {
        "class": type(data).__qualname__,
        **{f.name: repr(getattr(data, f.name)) for f in dataclasses.fields(data)},
    }
    return {name: value for name, value in fields.items() if not (name == "label" and isinstance(data, Avatars))}


def _fingerprint(records: Records, labels: _Labels) -> str:
    """SHA-256 over the number of examples and up to 512 of them: files may have changed under the same name."""
    total = hashlib.sha256(f"{len(records.examples)} {labels.classes}".encode())
    for index in np.unique(np.linspace(0, len(records.examples) - 1, 512).astype(int)):
        example = records.examples[int(index)]
        total.update(np.ascontiguousarray(example["image"]).tobytes() + labels.read(example).tobytes())
    return total.hexdigest()


def _train(data: Any, records: Records, labels: _Labels, seed: int, kept: Path, quiet: bool) -> Classifier:
    """Train on four fifths of the examples, and count on the others how often it is right."""
    random = np.random.default_rng(seed)
    order = random.permutation(len(records.examples))[:EXAMPLES]
    if len(order) < 20:
        raise UserError(f"{_name(data)} has {len(order)} examples: a classifier is trained on no fewer than 20")
    examples = list(fixed_examples(data, records, order))
    images = np.stack([np.uint8(np.round((example["image"] + 1) * 127.5)) for example in examples])
    targets = np.stack([labels.read(records.examples[int(index)]) for index in order])
    for name, values, column in zip(labels.classes, labels.classes.values(), targets.T, strict=True):
        if column.min() < 0 or column.max() >= len(values):
            raise UserError(
                f"{_name(data)} has {len(values)} classes of {name}, but labels from {column.min()} to {column.max()}"
            )
    held_out = len(order) // 5
    sizes = tuple(len(values) for values in labels.classes.values())
    what = None if quiet else "the classifier"
    variables = fit_network(images[held_out:], targets[held_out:], sizes, seed, kept, what)
    raw = Classifier(_name(data), images.shape[1:], labels.classes, {}, None, "", variables)
    right = raw.predict(images[:held_out])
    accuracy = {
        name: round(float(np.mean(right[name] == targets[:held_out, column])), 6)
        for column, name in enumerate(labels.classes)
    }
    trained = dataclasses.replace(raw, accuracy=accuracy)
    return dataclasses.replace(trained, digest=_digest(trained))


def _about(classifier: Classifier) -> str:
    fields = ("name", "shape", "classes", "accuracy")
    return json.dumps({"version": VERSION} | {name: getattr(classifier, name) for name in fields})


def _flat(classifier: Classifier) -> dict[str, np.ndarray]:
    return flax.traverse_util.flatten_dict(classifier.variables, sep="/")


def _digest(classifier: Classifier) -> str:
    total = hashlib.sha256(_about(classifier).encode())
    for name, array in sorted(_flat(classifier).items()):
        total.update(f"{name} {array.dtype} {array.shape}".encode() + np.ascontiguousarray(array).tobytes())
    return total.hexdigest()


def _write(place: Path, classifier: Classifier) -> None:
    """Write it under its name when it is complete."""
    about = {"about": np.array(_about(classifier)), "digest": np.array(classifier.digest)}
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        descriptor, partial = tempfile.mkstemp(prefix=f"{place.stem}.", suffix=".partial", dir=place.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                np.savez(file, **about, **_flat(classifier))
            os.chmod(partial, 0o644)  # mkstemp's are private; a cache may be shared
            os.replace(partial, place)
        finally:
            Path(partial).unlink(missing_ok=True)
    except OSError as error:
        raise UserError(
            f"the classifier cannot be written to {place} ({error.strerror}): make room there, or set JAXGAN_CACHE to another "
            "directory"
        ) from error


def _read(place: Path) -> Classifier | None:
    """What `_write` wrote; None where it is not there, or is not what it was: then it is trained again."""
    if not place.is_file():
        return None
    try:
        with np.load(place, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        about, digest = json.loads(str(arrays.pop("about"))), str(arrays.pop("digest"))
        classes = {name: tuple(values) for name, values in about["classes"].items()}
        variables = flax.traverse_util.unflatten_dict(arrays, sep="/")
        found = Classifier(about["name"], tuple(about["shape"]), classes, about["accuracy"], None, digest, variables)
        if _digest(found) == digest:
            return found
    except Exception:  # zip, JSON and numpy each raise their own for a damaged file
        pass
    print(f"jaxgan: {place} is damaged: the classifier is trained again", file=sys.stderr, flush=True)
    return None
