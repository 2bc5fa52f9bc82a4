"""Photographs in full size, and the same smaller: what super-resolution learns from.

A picture is made smaller once, as a whole, and crops of both are cut at the same place. Crops that are made smaller themselves
would have other borders than a photograph that somebody wants enlarged.
"""

import dataclasses
import importlib.util
import json
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import tyro
from PIL import Image

from jaxgan import fields
from jaxgan.cache import expanded
from jaxgan.data.base import Records, identity_of
from jaxgan.data.degradations import Degradation
from jaxgan.data.folder import find_pictures, identity_of_files, some
from jaxgan.data.pictures import BadPicture, read_picture
from jaxgan.data.prepared import prepared, progress
from jaxgan.errors import UserError
from jaxgan.media import to_image

VERSION = "1.0.0"  # of what is prepared: raise it when the pixels change

PIXELS = "pixels.uint8"  # of all photographs, each followed by the same smaller

BACKGROUNDS = Path("/usr/share/backgrounds")
"""Where Debian's packages of wallpapers put them."""
TRAIN = ("*_by_*.jpg", "mate/nature/*.jpg")
DRAWN = ("analogpattern_", "umang_")
INSTALL = "apt-get install lomiri-wallpapers-16.04 mate-backgrounds (62 MB)"
TEST = {
    "skimage": ("data/astronaut.png", "data/chelsea.png", "data/coffee.png", "data/rocket.jpg"),
    "sklearn": ("datasets/images/china.jpg", "datasets/images/flower.jpg"),
}
"""Of the wheels of scikit-image and scikit-learn."""

Pair = tuple[np.ndarray, np.ndarray]  # uint8, a photograph and the same smaller
LOSSY = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".webp"})
LONG = 4000  # pixels of the longer side, above which a lossy picture is taken for one that is soft at its full size


@dataclasses.dataclass(frozen=True, eq=False)
class Photograph:
    """A photograph and the same smaller.

    Attributes:
      name: of its file, below the folder.
      image: uint8 [H, W, C].
      input: uint8 [H / factor, W / factor, C].
    """

    name: str
    image: np.ndarray
    input: np.ndarray


@dataclasses.dataclass(frozen=True, kw_only=True)
class Photographs:
    """Crops of photographs, "image", and of the same by Pillow's bicubic filter, "input", `factor` times smaller.

    Pictures are drawn in proportion to their area, so that an epoch sees as much as there is. Without a folder they are 25
    photographs of two Debian packages (CC0, CC BY, CC BY-SA, GPL), or six of the wheels of scikit-image and scikit-learn, on
    which nothing is ever trained.

    >>> data = Photographs(path="photos", size=48, factor=4)
    >>> data.shape, data.small
    ((48, 48, 3), 12)
    """

    places: ClassVar[tuple[str, ...]] = ("path",)

    path: str | None = None
    """A folder of photographs, and below."""
    tfds: str | None = None
    """Or a set of TensorFlow Datasets with photographs "hr", such as div2k/bicubic_x4. Without either the built-in ones."""
    split: str = "train"
    """Of that set."""
    part: Literal["train", "test"] = "train"
    """Of the built-in ones: train, or the six of test."""
    size: int = 96
    """Side of the crops "image", in pixels."""
    factor: Literal[2, 3, 4] = 4
    """How many times smaller "input" is."""
    reduce: int | None = None
    """How many times smaller the photographs are made before all else. By default 2 for those of lossy formats (.jpg, .webp),
    which takes their blocks away, 3 for those with more than 4,000 pixels on a side, and 1 for others and for the six of
    test."""
    channels: Literal[1, 3] = 3
    """3 for colour (RGB), 1 for grey; pictures of the other kind are converted."""
    degradation: Annotated[Degradation | None, tyro.conf.AvoidSubcommands] = None
    """What becomes of the smaller picture, or how it is made instead, drawn anew for each crop; None leaves it as it is."""
    flip: bool = True
    """Turn and mirror crops at random, in all eight ways."""

    def __post_init__(self) -> None:
        fields.check(self)
        if self.path is not None and self.tfds is not None:
            raise UserError("data.path and data.tfds are both given: give the folder or the set")
        if (self.path or self.tfds) is not None and self.part != "train":
            raise UserError(
                f'data.part is "{self.part}": that is for the built-in photographs; a folder has no parts, and a set of TFDS '
                "has data.split"
            )
        if self.size % self.factor:
            raise UserError(
                f"data.factor is {self.factor} and data.size {self.size}: give a multiple of the factor as the size"
            )

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of "image"."""
        return self.size, self.size, self.channels

    @property
    def small(self) -> int:
        """Side of "input"."""
        return self.size // self.factor

    def without_augmentation(self) -> "Photographs":
        """The same, upright. Where a crop is cut stays a matter of chance."""
        return dataclasses.replace(self, flip=False)

    def load(self) -> Records:
        """Each photograph as often as crops fit into its area.

        Raises:
          UserError: as `photographs`; or all are smaller than a crop.
        """
        found = self.photographs()
        fit = [one for one in found if min(one.image.shape[:2]) >= self.size]
        if small := [one.name for one in found if min(one.image.shape[:2]) < self.size]:
            names = some(small)
            print(f"{len(small)} photographs are smaller than {self.size} pixels: {names}", file=sys.stderr)
        if not fit:
            raise UserError(
                f"all {len(found)} photographs are smaller than data.size {self.size} on a side: give a smaller one"
            )
        counts = [max(1, round(one.image.shape[0] * one.image.shape[1] / self.size**2)) for one in fit]
        numbers = np.repeat(np.arange(len(fit)), counts)
        identity = identity_of(f"{one.name} {one.image.shape}" for one in fit)
        return Records(_Repeated(fit, numbers), identity=identity)

    def transform(self, example: dict[str, Any], random: np.random.Generator) -> dict[str, np.ndarray]:
        """A crop: "image" float32 [size, size, C] and "input" float32 [size / factor, size / factor, C], in [-1, 1]."""
        image, small, side = example["image"], example["input"], self.small
        top, left = random.integers(0, np.array(small.shape[:2]) - side + 1)
        way = int(random.integers(8)) if self.flip else 0
        if self.degradation is not None:
            # The crop, with what there is around it.
            above, before = (min(self.degradation.margin, int(start)) for start in (top, left))
            up, down = top - above, min(top + side + self.degradation.margin, small.shape[0])
            first, last = left - before, min(left + side + self.degradation.margin, small.shape[1])
            image = image[self.factor * up : self.factor * down, self.factor * first : self.factor * last]
            small = self.degradation.apply(image, small[up:down, first:last], random)
            top, left = above, before
        batch = {}
        for name, pixels, factor in (("image", image, self.factor), ("input", small, 1)):
            crop = pixels[factor * top : factor * (top + side), factor * left : factor * (left + side)]
            crop = np.rot90(crop[:, ::-1] if way >= 4 else crop, way % 4)
            batch[name] = crop.astype(np.float32) / np.float32(127.5) - np.float32(1)
        return batch

    def photographs(self) -> Sequence[Photograph]:
        """All of them, whole, cut to a multiple of `factor`; prepared once, and read from the disk as they are asked for.

        Raises:
          UserError: there is no such folder; the packages are not installed; a file cannot be used.
        """
        identity, names, read = self._of_tfds() if self.tfds is not None else self._of_files()
        channels = "grey" if self.channels == 1 else "RGB"
        reduced = "" if self._reduce is None else f"-reduced{self._reduce}"
        place = prepared(
            f"photographs-x{self.factor}-{channels}{reduced}-{VERSION}-{identity[:16]}",
            lambda target: self._prepare(names, read, target),
            f"{len(names)} photographs, and the same {self.factor} times smaller",
        )
        pixels = np.memmap(place / PIXELS, np.uint8, "r")
        found, start = [], 0
        for row in json.loads((place / "table.json").read_text()):
            both = []
            for height, width in (row["size"], [length // self.factor for length in row["size"]]):
                end = start + height * width * self.channels
                both.append(pixels[start:end].reshape(height, width, self.channels))
                start = end
            found.append(Photograph(row["name"], *both))
        return found

    @property
    def _reduce(self) -> int | None:
        test = self.path is None and self.tfds is None and self.part == "test"
        return 1 if self.reduce is None and test else self.reduce

    def _files(self) -> tuple[Path, list[Path]]:
        if self.path is not None:
            folder = expanded(self.path)
            return folder, find_pictures(folder)
        if self.part == "test":
            files = [path for package in TEST for path in _of_package(package)]
            return Path(os.path.commonpath(files)), files
        files = sorted(path for pattern in TRAIN for path in BACKGROUNDS.glob(pattern))
        files = [path for path in files if not path.name.startswith(DRAWN)]
        if not files:
            raise UserError(
                f"the built-in photographs are those of Debian packages, of which none is in {BACKGROUNDS}: {INSTALL}; or "
                "give a folder of photographs as data.path (--source)"
            )
        return BACKGROUNDS, files

    def _of_files(self) -> tuple[str, list[str], Callable[[int], Pair]]:
        """The identity of the photographs, their names, and what reads one and makes it smaller."""
        folder, files = self._files()

        def read(index: int) -> Pair:
            path = files[index]
            try:
                return pair(read_picture(path, self.channels), self.factor, reduction(path, self._reduce))
            except BadPicture as error:
                raise UserError(f"{path} is {error}: mend it, or take it out of the folder") from error

        return identity_of_files(files, folder), [str(path.relative_to(folder)) for path in files], read

    def _of_tfds(self) -> tuple[str, list[str], Callable[[int], Pair]]:
        """As `_of_files`."""
        from jaxgan.data.tfds import TFDS

        identity, count, photograph = TFDS(name=self.tfds, split=self.split, image_key="hr").pictures()

        def read(index: int) -> Pair:
            pixels = photograph(index)
            if self.channels == 1 and pixels.shape[-1] == 3:
                pixels = np.asarray(to_image(pixels).convert("L"))[..., None]
            return pair(pixels, self.factor, self._reduce or 1)

        return identity, [f"{index:04}" for index in range(count)], read

    def _prepare(self, names: list[str], read: Callable[[int], Pair], target: Path) -> None:
        table = []
        with (target / PIXELS).open("wb") as file, ThreadPoolExecutor(2) as threads:
            # Two at a time: a photograph takes up to 0.3 GB.
            for start in progress(range(0, len(names), 2), -(-len(names) // 2), "reading"):
                numbers = range(start, min(start + 2, len(names)))
                for number, (image, small) in zip(numbers, threads.map(read, numbers), strict=True):
                    if small.size:
                        file.write(image.tobytes())
                        file.write(small.tobytes())
                        table.append({"name": names[number], "size": image.shape[:2]})
        if not table:
            where = self.path or self.tfds
            raise UserError(f"all {len(names)} pictures in {where} are smaller than {self.factor} pixels")
        (target / "table.json").write_text(json.dumps(table))


class _Repeated(Sequence):
    """The examples of the photographs of these numbers."""

    def __init__(self, photographs: Sequence[Photograph], numbers: np.ndarray):
        self._photographs, self._numbers = photographs, numbers

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, index: int) -> dict[str, Any]:
        one = self._photographs[self._numbers[index]]
        return {"image": one.image, "input": one.input}


def pair(pixels: np.ndarray, factor: int, reduce: int = 1) -> Pair:
    """uint8 [H, W, C], made `reduce` times smaller by Lanczos' filter and cut to a multiple of `factor`; and smaller by that.

    >>> image, small = pair(np.zeros((103, 81, 3), np.uint8), 4)
    >>> image.shape, small.shape
    ((100, 80, 3), (25, 20, 3))
    """
    if reduce > 1:
        size = pixels.shape[1] // reduce, pixels.shape[0] // reduce
        pixels = _resized(pixels, size, Image.Resampling.LANCZOS)
    height, width = (length // factor * factor for length in pixels.shape[:2])
    image = np.ascontiguousarray(pixels[:height, :width])
    return image, _resized(image, (width // factor, height // factor), Image.Resampling.BICUBIC)


def _resized(pixels: np.ndarray, size: tuple[int, int], resampling: Image.Resampling) -> np.ndarray:
    if min(size) < 1:
        return np.zeros((0, 0, pixels.shape[2]), np.uint8)
    return np.asarray(to_image(pixels).resize(size, resampling)).reshape(size[1], size[0], pixels.shape[2])


def reduction(path: Path, reduce: int | None) -> int:
    """How many times smaller a photograph is made first: `reduce`, or what suits its format and size."""
    if reduce is not None or path.suffix.lower() not in LOSSY:
        return reduce or 1
    with Image.open(path) as image:
        return 3 if max(image.size) > LONG else 2


def _of_package(name: str) -> list[Path]:
    """The photographs in an installed package, which is not imported.

    Raises:
      UserError: it is not installed, or lacks one.
    """
    spec = importlib.util.find_spec(name)
    files = [Path(spec.origin).parent / path for path in TEST[name]] if spec is not None and spec.origin else []
    if not files or not all(path.is_file() for path in files):
        package = {"skimage": "scikit-image", "sklearn": "scikit-learn"}[name]
        raise UserError(f"the photographs to test with are those in the package {package}: pip install {package}")
    return files
