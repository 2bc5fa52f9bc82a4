"""Any set of pictures that TensorFlow Datasets knows, by name, without TensorFlow."""

import contextlib
import copy
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from jaxgan.data.attribute_tables import as_names, choose
from jaxgan.data.base import PICTURES, ImageData, Records, identity_of
from jaxgan.data.captions import Described
from jaxgan.data.prepared import quiet
from jaxgan.errors import UserError, nearest


@dataclass(frozen=True, kw_only=True)
class TFDS(ImageData):
    """A data set of TensorFlow Datasets, downloaded and prepared the first time; TensorFlow is not needed.

    >>> data = TFDS(name="celeb_a", label_key="attributes", chosen=("Smiling", "Eyeglasses"), size=64)
    >>> data.shape  # nothing is downloaded before `load`
    (64, 64, 3)
    """

    places = ("data_dir",)

    name: str
    """As in the catalogue of TFDS: mnist, celeb_a, cycle_gan/horse2zebra."""
    split: str = "train"
    """The part that is read: train, test, train[:1000], ..."""
    data_dir: str | None = None
    """Where TFDS keeps its data. The default is $TFDS_DATA_DIR, else ~/tensorflow_datasets."""
    image_key: str = "image"
    """The field that is the picture."""
    label_key: str = "label"
    """The field that is the label, if the set has it. Several yes-or-no attributes (celeb_a: attributes)
    become one label of zeros and ones, [A]."""
    chosen: tuple[str, ...] = ()
    """Which of several yes-or-no attributes, in this order; all if empty."""
    caption_key: str | None = None
    """The field that has captions: a text, several, or what has a text in it (coco_captions: captions)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "chosen", as_names("data.chosen", self.chosen))

    def load(self) -> Records:
        """Downloads and prepares what is not there. "image", "label" if the set has it, plain fields.

        With `caption_key`, there is "captions", a tuple of texts.

        Raises:
          UserError: there is no such data set, split or field; the download failed; the data is there
            in a format without random access, or preparing it needs TensorFlow (it says the command).
        """
        import tensorflow_datasets as tfds

        with contextlib.redirect_stdout(sys.stderr):  # TFDS says on standard output that it downloads
            builder, source = self._open(tfds)
        fields = self._checked(tfds, builder)
        classes, read_label = self._label(tfds, fields.get(self.label_key), self.chosen)
        if read_label is None and self.label_key != "label":
            labels = [name for name, field in fields.items() if self._label(tfds, field)[1] is not None]
            close = nearest(self.label_key, labels)
            raise UserError(
                f'tfds:{self.name} has no field of classes "{self.label_key}"{close} '
                f"It has {', '.join(labels) or 'none at all'}: give one as data.label_key"
            )
        several = [
            name
            for name, field in fields.items()
            if isinstance(field, tfds.features.FeaturesDict) and self._label(tfds, field)[0]
        ]
        if self.chosen and self.label_key not in several:
            out = f"give data.label_key {' or '.join(several)}" if several else "it has none, so leave data.chosen out"
            raise UserError(f"data.chosen is a choice among the yes-or-no attributes of tfds:{self.name}: {out}")
        read_captions = self._captions(tfds, fields)
        # What cannot be stacked into a batch is left out: other pictures, lists of boxes, nested fields.
        plain = [name for name, field in fields.items() if _is_plain(tfds, field)]
        left_out = (self.label_key, self.caption_key, *PICTURES)

        def read(index: int) -> dict[str, Any]:
            example = source[index]
            kept = {name: example[name] for name in plain if name not in left_out}
            if read_label is not None:
                kept["label"] = read_label(example[self.label_key])
            if read_captions is not None:
                kept["captions"] = read_captions(example)
            return {**kept, "image": example[self.image_key]}

        with quiet():
            read(0)  # TFDS complains once, at the first picture, that OpenCV would be faster
        examples = self.fitted(len(source), read)
        if read_captions is not None:
            texts = copy.copy(source)  # of the same files, but pictures stay as they are in them
            texts.decoders = {
                name: tfds.decode.SkipDecoding()
                for name, field in fields.items()
                if isinstance(field, tfds.features.Image)
            }
            examples = Described(examples, lambda index: {"captions": read_captions(texts[index])})
        return Records(examples, classes, identity=identity_of([builder.info.full_name, self.split, str(len(source))]))

    def pictures(self) -> tuple[str, int, Callable[[int], np.ndarray]]:
        """Whole pictures: the identity of the set, how many there are, and what reads one, uint8 [H, W, C].

        Raises:
          UserError: as `load`.
        """
        import tensorflow_datasets as tfds

        with contextlib.redirect_stdout(sys.stderr):
            builder, source = self._open(tfds)
        self._checked(tfds, builder)
        identity = identity_of([builder.info.full_name, self.split, str(len(source))])
        return identity, len(source), lambda index: source[index][self.image_key]

    def _checked(self, tfds, builder) -> dict[str, Any]:
        """The fields of an example, of which `image_key` is a picture."""
        fields = dict(builder.info.features)
        if not isinstance(fields.get(self.image_key), tfds.features.Image):
            pictures = [name for name, field in fields.items() if isinstance(field, tfds.features.Image)]
            out = f"data.image_key can be {' or '.join(pictures)}" if pictures else "it is no set of pictures"
            raise UserError(f'tfds:{self.name} has no picture field "{self.image_key}": {out}')
        return fields

    def _captions(self, tfds, fields: dict[str, Any]):
        """How to read the captions of an example; None where none are asked for."""
        if self.caption_key is None:
            return None
        with_texts = {name: key for name, field in fields.items() if (key := _text_key(tfds, field)) is not None}
        if self.caption_key not in with_texts:
            close = nearest(self.caption_key, with_texts)
            raise UserError(
                f'tfds:{self.name} has no field of texts "{self.caption_key}"{close} '
                f"It has {', '.join(with_texts) or 'none at all'}: give one as data.caption_key, or None"
            )
        key = with_texts[self.caption_key]

        def read(example: dict[str, Any]) -> tuple[str, ...]:
            value = example[self.caption_key]
            if key:  # TFDS gives a dict of lists, but does not promise it
                value = value[key] if isinstance(value, dict) else [item[key] for item in value]
            texts = [value] if isinstance(value, str | bytes) else value
            return tuple(text.decode() if isinstance(text, bytes) else str(text) for text in texts)

        return read

    def _label(self, tfds, feature, chosen: tuple[str, ...] = ()):
        """The names of the classes, and how to read a label; () and None without a label."""
        if isinstance(feature, tfds.features.ClassLabel):
            return tuple(feature.names or ()), int
        if isinstance(feature, tfds.features.FeaturesDict):
            names = tuple(name for name, part in feature.items() if part.np_dtype == np.bool_ and not part.shape)
            names = choose(names, chosen, f"tfds:{self.name}")
            return names, lambda values: np.array([values[name] for name in names], np.int32)
        return (), None

    def _open(self, tfds):
        try:
            builder = tfds.builder(self.name, data_dir=self.data_dir, file_format="array_record")
        except tfds.core.DatasetNotFoundError as error:
            names = tfds.list_builders(with_community_datasets=False)
            close = nearest(self.name.split("/")[0].split(":")[0], names)
            raise UserError(
                f'TFDS has no data set "{self.name}"{close} Its catalogue is at tensorflow.org/datasets'
            ) from error
        except Exception as error:
            raise self._explained(error, self.data_dir or "~/tensorflow_datasets") from error
        try:
            builder.download_and_prepare()
            return builder, builder.as_data_source(split=self.split)
        except Exception as error:
            raise self._explained(error, builder.data_dir) from error

    def _explained(self, error: Exception, folder: Any) -> Exception:
        """What an error of TFDS means to a user; an error that is not known, as it is."""
        command = f"tfds build {self.name} --file_format=array_record"
        elsewhere = (
            f"run `{command}` once where TensorFlow is installed (Colab has it) and copy what it writes to {folder}"
        )
        kinds = {kind.__name__ for kind in type(error).__mro__}
        text = str(error)
        if isinstance(error, ImportError):
            if "tensorflow" in text:
                return UserError(f"preparing tfds:{self.name} needs TensorFlow: {elsewhere}")
            return UserError(f"preparing tfds:{self.name} needs a package ({text}): install it, or {elsewhere}")
        formats = ("File format is already set", "does not match the file", "Random access data source")
        if any(words in text for words in formats):
            return UserError(
                f"tfds:{self.name} is already prepared in {folder}, in a file format without random access "
                "(tfrecord): give another data.data_dir, or delete it to have it prepared again; "
                f"or {elsewhere}"
            )
        if "Unknown split" in text:
            return UserError(f'tfds:{self.name} has no split "{self.split}": {text}')
        if "BuilderConfig" in text and "not found" in text:
            return UserError(f'TFDS has no data set "{self.name}": {text.partition("BuilderConfig ")[2]}')
        if "Manual directory" in text:
            return UserError(f"tfds:{self.name} must be downloaded by hand, says TFDS: {text}")
        if kinds & {"RequestException", "DownloadError", "NonMatchingChecksumError", "URLError", "HTTPError"}:
            return UserError(
                f"downloading tfds:{self.name} failed ({_first_line(text)}): check the network, try again; "
                f"or run `{command}` where it can be downloaded and copy what it writes to {folder}"
            )
        return error


def _is_plain(tfds, feature) -> bool:
    """Whether a field is a number, a class, a text, or an array of one shape for all examples."""
    plain = tfds.features.Scalar | tfds.features.ClassLabel | tfds.features.Text
    return isinstance(feature, plain) or (type(feature) is tfds.features.Tensor and None not in feature.shape)


def _text_key(tfds, feature) -> str | None:
    """Where the text of a field is: "" if it is one, or several; the name in what it consists of; None without a text."""
    inner = feature.feature if isinstance(feature, tfds.features.Sequence) else feature
    if isinstance(inner, tfds.features.Text):
        return ""
    if isinstance(inner, tfds.features.FeaturesDict):
        return next((name for name, part in inner.items() if isinstance(part, tfds.features.Text)), None)
    return None


def _first_line(text: str) -> str:
    line = text.strip().split("\n")[0]
    return line if len(line) <= 200 else line[:200] + "..."
