"""What an entry of the data is to a person: a picture, a sound, a text. The base class is for numbers that are none."""

import dataclasses
import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from jaxgan.cache import expanded, is_file
from jaxgan.errors import UserError

GAP = 2
"""Pixels between two on a sheet."""
SMALLEST = 64
"""Stills with a shorter side are enlarged by a whole factor, or nobody could see them."""
LARGEST = 256
"""Longest side of a map of numbers."""
FONT, LINE = 11, 14
"""Of titles, in pixels: the letters, and the height of a line."""


@dataclasses.dataclass(frozen=True)
class Medium:
    """How the values of one entry are checked, drawn, written, read and played.

    A subclass is one file, and no other file names it: data says what it is of (`media` of `jaxgan.data.Records`), a system
    names the entry that it makes (`jaxgan.System.makes`), and all else asks the medium. `still` alone makes grids, sheets,
    reports and the demo work, since all of them show pictures. Its fields are what the numbers do not say, such as a sampling
    rate; they are kept with a run.

    >>> import dataclasses
    >>> from PIL import Image
    >>> @dataclasses.dataclass(frozen=True)
    ... class Traffic(Medium):  # one of your own, in your config
    ...     one, many = "crossing", "crossings"
    ...
    ...     def still(self, x):
    ...         return Image.new("RGB", (64, 64), "green" if x.mean() > 0 else "red")
    >>> Traffic().sheet(np.zeros((6, 3), np.float32)).size
    (196, 130)
    """

    one: ClassVar[str] = "example"
    """What one is called."""
    many: ClassVar[str] = "examples"
    """What several are called."""
    suffixes: ClassVar[tuple[str, ...]] = (".npy",)
    """Of the files that one can be written as; the first is the usual one."""
    plays: ClassVar[str] = ".png"
    """The file that a browser shows or plays, which goes into reports, the demo and TensorBoard; .png is `still`."""
    shown: ClassVar[int] = 64
    """How many are on a sheet while a run trains."""
    metrics: ClassVar[tuple[str, ...]] = ("fid", "kid")
    """What `jaxgan evaluate` takes where none is named."""
    alone: ClassVar[bool] = True
    """Whether one by itself shows something."""

    def check(self, shape: tuple[int, ...], dtype: np.dtype) -> None:
        """Raise a UserError where no such thing has the shape and the type of one example. Numbers may have any."""

    def numbers(self, examples: np.ndarray) -> np.ndarray:
        """Several [N, ...] as vectors float32 [N, D] that are near each other where the examples are alike, for metrics.

        Here the numbers of each as they are. A medium of which that says little says what is better.
        """
        return np.asarray(examples, np.float32).reshape(len(examples), -1)

    def still(self, x: np.ndarray) -> Image.Image:
        """One example as a picture: all that a new medium must say. Of numbers, a map of them, from black to white.

        A long row of them goes on in the next; maps of many are made smaller.
        """
        values = np.asarray(x, np.float32)
        width = values.shape[-1] if values.ndim > 1 else math.ceil(math.sqrt(values.size))
        low, high = float(values.min()), float(values.max())
        shades = np.uint8((values.ravel() - low) / (high - low or 1.0) * 255)
        shades = np.pad(shades, (0, -len(shades) % width), constant_values=255).reshape(-1, width)
        image = Image.fromarray(shades)
        factor = max(1, min(SMALLEST // min(image.size), LARGEST // max(image.size)))
        image = image.resize((factor * image.width, factor * image.height), Image.Resampling.NEAREST)
        image.thumbnail((LARGEST, LARGEST))
        return image

    def sheet(self, examples: np.ndarray, columns: int | None = None, real: np.ndarray | None = None) -> Image.Image:
        """Several [N, ...] as one picture, row by row; as square as it goes without `columns`.

        `real`: some of the data, for a medium of which samples alone show little.
        """
        del real
        return tiled([self.still(x) for x in examples], columns)

    def encode(self, x: np.ndarray, suffix: str) -> bytes:
        """The content of a file of one example, with a suffix of `suffixes`, or `plays`, or .png."""
        if suffix == ".png":
            return png(self.still(x))
        file = io.BytesIO()
        np.save(file, np.asarray(x), allow_pickle=False)
        return file.getvalue()

    def decode(self, path: Path) -> np.ndarray:
        """One example of a file with a suffix of `suffixes`. Raises ValueError or OSError where it is none, or is not read."""
        if path.suffix.lower() != ".npy":
            raise ValueError(
                f"{self.many} are written as {path.suffix} files, and not read: give .npy files of their numbers"
            )
        return np.load(path, allow_pickle=False)

    def parse(self, words: str, shape: tuple[int, ...]) -> np.ndarray:
        """One example of this shape as a person says it: the path of a file, or numbers, as 0.5,1.

        Raises:
            UserError: it is neither, or of another shape.
        """
        path = expanded(words)
        if is_file(path):
            try:
                x = self._read(path, shape)
            except (UserError, ValueError, OSError, EOFError, Image.DecompressionBombError) as error:
                raise UserError(f"cannot read {words}: {error}") from None
        else:
            try:
                x = np.array([float(word) for word in words.split(",")], np.float32)
            except ValueError:
                kinds = ", ".join(sorted({*self.suffixes, ".npy"}))
                raise UserError(f'"{words}" is neither a file ({kinds}) nor numbers, such as 0.5,1') from None
            x = x.reshape(shape) if x.size == math.prod(shape) else x
        if x.shape != shape:
            raise UserError(f'"{words}" has the shape {list(x.shape)}, and {list(shape)} is wanted')
        return x

    def _read(self, path: Path, shape: tuple[int, ...]) -> np.ndarray:
        """What is in a file, as long as `shape`."""
        x = self.decode(path) if path.suffix.lower() != ".npy" else np.load(path, allow_pickle=False)
        if not isinstance(x, np.ndarray) or x.dtype.kind not in "biuf":
            raise ValueError("it holds no array of numbers")
        return self.fitted(x, shape[0]) if x.ndim and x.shape[1:] == shape[1:] else x

    def fitted(self, x: np.ndarray, length: int) -> np.ndarray:
        """The first `length` of one example along its first axis; what it lacks is nothing, 0."""
        return np.pad(x[:length], [(0, max(0, length - len(x))), *[(0, 0)] * (x.ndim - 1)])

    def checked(self, examples: np.ndarray) -> np.ndarray:
        """The same [N, ...], if each is one of these: nothing is written as what it is not.

        Raises:
            UserError: they are something else.
        """
        try:
            self.check(examples.shape[1:], examples.dtype)
        except UserError as error:
            raise UserError(
                f"what was made are {examples.dtype} arrays {list(examples.shape[1:])}: {error}; in Python, run.sample(...) "
                "gives the numbers themselves"
            ) from None
        return examples

    def refuse(self, shape: tuple[int, ...], dtype: np.dtype, wanted: str) -> None:
        """For `check`. Raises: UserError: always."""
        raise UserError(f"{self.many} are {wanted}, not {np.dtype(dtype)} {list(shape)}")


def tiled(tiles: Sequence[Image.Image | None], columns: int | None = None, titles: Sequence[str] = ()) -> Image.Image:
    """Pictures of any sizes as one, row by row, each in the middle of its cell; where None, the cell stays empty.

    Args:
        tiles: the pictures.
        columns: how many are in a row; as square as it goes if None.
        titles: above the columns, on two lines where one is "attribute=value"; too long ones are cut.

    >>> from PIL import Image
    >>> tiled([Image.new("L", (64, 64))] * 6, columns=3).size  # width and height: 3 * 64 + 2 * 2 and 2 * 64 + 2
    (196, 130)
    """
    columns = columns or math.ceil(math.sqrt(len(tiles)))
    there = [tile for tile in tiles if tile is not None]
    widths = [
        max((tile.width for tile in tiles[c::columns] if tile is not None), default=SMALLEST) for c in range(columns)
    ]
    lefts = [sum(widths[:column]) + column * GAP for column in range(columns)]
    height, lines = max(tile.height for tile in there), math.ceil(len(tiles) / columns)
    head = (2 if any("=" in title for title in titles) else 1) * LINE + GAP if titles else 0
    mode = "L" if all(tile.mode == "L" for tile in there) else "RGB"
    made = Image.new(mode, (lefts[-1] + widths[-1], head + lines * (height + GAP) - GAP), "white")
    for index, tile in enumerate(tiles):
        if tile is not None:
            column, line = index % columns, index // columns
            top = head + line * (height + GAP) + (height - tile.height) // 2
            made.paste(tile, (lefts[column] + (widths[column] - tile.width) // 2, top))
    draw, font = ImageDraw.Draw(made), ImageFont.load_default(FONT)
    for title, left, width in zip(titles, lefts, widths, strict=False):
        for line, words in enumerate(title.split("=", 1)):
            while draw.textlength(words, font) > width and len(words) > 2:
                words = words.rstrip("…")[:-1] + "…"
            draw.text((left, 1 + line * LINE), words, fill="black", font=font)
    return made


def enlarged(image: Image.Image, least: int = SMALLEST) -> Image.Image:
    """With each pixel a square of several where the shorter side is below `least`."""
    factor = max(1, least // min(image.size))
    return image.resize((factor * image.width, factor * image.height), Image.Resampling.NEAREST)


def png(image: Image.Image) -> bytes:
    """The content of a PNG file."""
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()
