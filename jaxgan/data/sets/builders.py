"""The built-in data sets as TFDS builders: what is in a record, and how it is written.

Imported only to prepare a data set (it imports tensorflow_datasets); reading does not need it. The files are
array_record, which is read and written without TensorFlow.
"""

import contextlib
import io
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import tensorflow_datasets as tfds
from PIL import Image

from jaxgan.data.drawing import draw_all
from jaxgan.data.prepared import progress, quiet
from jaxgan.data.sets import clipart, dicebear, emoji, letters
from jaxgan.data.sets.fonts import Font


@dataclass(kw_only=True)
class AvatarsConfig(tfds.core.BuilderConfig):
    """Faces `first` to `first` + `count` - 1 of one style, `side` x `side` pixels."""

    style: str = "personas"
    first: int = 0
    count: int = 4096
    side: int = 64


class AvatarsBuilder(tfds.core.GeneratorBasedBuilder):
    """Drawn faces with all their attributes."""

    name = "avatars"
    VERSION = tfds.core.Version(dicebear.VERSION)

    def _info(self) -> tfds.core.DatasetInfo:
        config = self.builder_config
        attributes = dicebear.avatar_attributes(config.style)
        features = {name: tfds.features.ClassLabel(names=values) for name, values in attributes.items()}
        image = tfds.features.Image(shape=(config.side, config.side, 3))
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict({"image": image, **features}), disable_shuffling=True
        )

    def _split_generators(self, dl_manager) -> dict:
        return {"train": self._generate_examples()}

    def _generate_examples(self) -> Iterator[tuple[int, dict]]:
        config = self.builder_config
        waiting = deque()  # attributes of the faces that are being drawn

        def svgs() -> Iterator[str]:
            for index in range(config.first, config.first + config.count):
                svg, options = dicebear.avatar_svg(config.style, index)
                waiting.append(options)
                yield svg

        pictures = draw_all(svgs(), config.side)
        for index, png in enumerate(progress(pictures, config.count)):
            yield index, {"image": _opaque(png), **waiting.popleft()}


@dataclass(kw_only=True)
class OpenMojiConfig(tfds.core.BuilderConfig):
    """All emoji, `side` x `side` pixels."""

    side: int = 64


class OpenMojiBuilder(tfds.core.GeneratorBasedBuilder):
    """OpenMoji in colour and as line art, with captions and annotations."""

    name = "openmoji"
    VERSION = tfds.core.Version(emoji.VERSION)

    def _info(self) -> tfds.core.DatasetInfo:
        side = self.builder_config.side
        features = {
            "color": tfds.features.Image(shape=(side, side, 3)),
            "line": tfds.features.Image(shape=(side, side, 3)),
            "caption": tfds.features.Text(),
            "hexcode": tfds.features.Text(),
            "base": tfds.features.Text(),
            "colorable": tfds.features.Scalar(dtype=np.bool_),
        }
        for name, values in emoji.openmoji_attributes().items():
            features[name] = tfds.features.ClassLabel(names=values)
        return self.dataset_info_from_configs(features=tfds.features.FeaturesDict(features), disable_shuffling=True)

    def _split_generators(self, dl_manager) -> dict:
        return {"train": self._generate_examples()}

    def _generate_examples(self) -> Iterator[tuple[int, dict]]:
        annotations = emoji.annotations()

        def svgs() -> Iterator[str]:
            for annotation in annotations:
                svg = emoji.read_svg(annotation["hexcode"])
                yield svg
                yield emoji.line_art(svg)

        pictures = draw_all(svgs(), self.builder_config.side)
        for index, annotation in enumerate(progress(annotations, len(annotations))):
            color, line = next(pictures), next(pictures)
            example = emoji.describe(annotation)
            colorable = example["colorable"] and color != line
            images = {"color": _opaque(color), "line": _opaque(line)}
            yield index, {**example, **images, "colorable": colorable}
        pictures.close()


@dataclass(kw_only=True)
class ClipartConfig(tfds.core.BuilderConfig):
    """These files of the folder, whose subfolders are the classes, `side` x `side` pixels."""

    folder: Path = Path()
    classes: tuple[str, ...] = ()
    files: list[Path] = field(default_factory=list)
    side: int = 64


class ClipartBuilder(tfds.core.GeneratorBasedBuilder):
    """Open Clip Art with its topics."""

    name = "clipart"
    VERSION = tfds.core.Version(clipart.VERSION)

    def _info(self) -> tfds.core.DatasetInfo:
        config = self.builder_config
        features = {
            "image": tfds.features.Image(shape=(config.side, config.side, 3)),
            "label": tfds.features.ClassLabel(names=config.classes),
            "file": tfds.features.Text(),
        }
        return self.dataset_info_from_configs(features=tfds.features.FeaturesDict(features), disable_shuffling=True)

    def _split_generators(self, dl_manager) -> dict:
        return {"train": self._generate_examples()}

    def _generate_examples(self) -> Iterator[tuple[int, dict]]:
        config = self.builder_config
        for index, (path, pixels) in enumerate(clipart.read_clipart(config.files, config.folder, config.side)):
            file = path.relative_to(config.folder)
            yield index, {"image": Image.fromarray(pixels), "label": file.parts[0], "file": file.as_posix()}


@dataclass(kw_only=True)
class LettersConfig(tfds.core.BuilderConfig):
    """The characters `classes` of these fonts, `side` x `side` pixels."""

    fonts: list[tuple[Font, Path]] = field(default_factory=list)
    classes: tuple[str, ...] = ()
    side: int = 32


class LettersBuilder(tfds.core.GeneratorBasedBuilder):
    """Letters of fonts, with the names of these."""

    name = "letters"
    VERSION = tfds.core.Version(letters.VERSION)

    def _info(self) -> tfds.core.DatasetInfo:
        config = self.builder_config
        features = {
            "image": tfds.features.Image(shape=(config.side, config.side, 1)),
            "label": tfds.features.ClassLabel(names=config.classes),
            "family": tfds.features.Text(),
            "style": tfds.features.Text(),
        }
        return self.dataset_info_from_configs(features=tfds.features.FeaturesDict(features), disable_shuffling=True)

    def _split_generators(self, dl_manager) -> dict:
        return {"train": self._generate_examples()}

    def _generate_examples(self) -> Iterator[tuple[int, dict]]:
        config = self.builder_config
        drawn = letters.draw_letters(config.fonts, config.classes, config.side)
        for index, (font, character, pixels) in enumerate(drawn):
            image = Image.fromarray(pixels[..., 0])
            yield index, {"image": image, "label": character, "family": font.family, "style": font.style}


def build(builder: type, config: tfds.core.BuilderConfig, folder: Path) -> None:
    """Writes the data set into <folder>/<name>/<config>/<version>."""
    tfds.disable_progress_bar()  # ours is on standard error, and says what it counts
    with quiet(), contextlib.redirect_stdout(None):
        builder(data_dir=folder, config=config, file_format="array_record").download_and_prepare()


def _opaque(png: bytes) -> Image.Image:
    # TFDS decodes an RGBA PNG to four channels, whatever the feature says, so the picture is converted here.
    return Image.open(io.BytesIO(png)).convert("RGB")
