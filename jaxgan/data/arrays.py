"""Pictures as an array in an .npz file, as `numpy.savez` writes it."""

import sys
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jaxgan.cache import expanded
from jaxgan.data.attribute_tables import as_names
from jaxgan.data.base import ImageData, Records, identity_of
from jaxgan.errors import UserError


@dataclass(frozen=True, kw_only=True)
class Arrays(ImageData):
    """The array "image", and "label" and "input" if there are any, of an .npz file.

    >>> np.savez("faces.npz", image=np.zeros((4, 28, 28), np.uint8), label=np.array([0, 1, 1, 0]))
    >>> records = Arrays(path="faces.npz", size=32, channels=1).load()
    >>> len(records.examples), records.examples[0]["image"].shape, records.classes
    (4, (32, 32, 1), ('0', '1'))
    """

    places = ("path",)

    path: str
    """The file. "image": [N, H, W] or [N, H, W, C] with C from 1 to 4, uint8, or floats in [0, 1] or [-1, 1].
    "input", the pictures that they are to be made from: likewise. "label": [N] whole numbers from 0, which are the names of
    the classes. Any other array of N rows is kept with its example; [N, H, W, ...] is a map (a mask, say) that is cropped and
    flipped with the picture."""
    coordinates: tuple[str, ...] = ()
    """The arrays [N, ..., 2 or 3] that are places in the picture, x and y in pixels from its upper left corner: they are moved
    with it, and so is what stands for a place that is not seen, (-1, -1) say."""

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "coordinates", as_names("data.coordinates", self.coordinates))

    def load(self) -> Records:
        """Reads the file into memory.

        Floats are in [-1, 1] where any of them is negative, otherwise in [0, 1].

        Raises:
          UserError: the file is missing or damaged; "image" is missing, or of another shape, type or range,
            or not finite; "label" does not fit it.
        """
        path = expanded(self.path)
        arrays = _read(path)
        if "image" not in arrays:
            raise UserError(f'{path} has no array "image", only {", ".join(arrays) or "nothing"}')
        images = _check_images(arrays.pop("image"), path)
        pictures = {"image": images}
        if "input" in arrays:
            pictures["input"] = _check_images(arrays.pop("input"), path, "input")
            if pictures["input"].shape[:3] != images.shape[:3]:
                raise UserError(
                    f'{path}: "input" is {list(pictures["input"].shape[:3])} and "image" {list(images.shape[:3])}: '
                    "number, height and width of a pair must be the same"
                )
        classes = ()
        if "label" in arrays:
            labels = arrays["label"]
            if labels.shape != images.shape[:1] or labels.dtype.kind not in "iu" or labels.min() < 0:
                raise UserError(
                    f'{path}: "label" is {labels.dtype} {list(labels.shape)}, but for {len(images)} pictures '
                    f"it must be [{len(images)}] whole numbers from 0"
                )
            # Those that there are: labels from 1, or ids of millions, leave no class without pictures.
            values, arrays["label"] = np.unique(labels, return_inverse=True)
            classes = tuple(map(str, values.tolist()))
        if "text" in arrays and arrays["text"].shape[:1] != images.shape[:1]:
            raise UserError(
                f'{path}: "text" is {list(arrays["text"].shape)}, but for {len(images)} pictures it must be '
                f"[{len(images)}, D], or [{len(images)}, K, D] for K captions each"
            )
        for name in self.coordinates:
            found = arrays.get(name, np.zeros(0))
            fits = found.shape[:1] == images.shape[:1] and found.ndim >= 2 and found.shape[-1] in (2, 3)
            if not fits or found.dtype.kind not in "iuf":
                raise UserError(
                    f'{path}: data.coordinates names "{name}", which must be numbers [{len(images)}, ..., 2 or 3], x, y and '
                    f"what else there is (the corners of a box are [2, 2]), but is {found.dtype} {list(found.shape)}; the "
                    f"arrays are {', '.join(arrays)}"
                )
        if self.flip or self.crop != "none":
            _warn_of_other_sizes(arrays, images.shape, (*self.coordinates, "label", "text"), path)
        fields = {name: array for name, array in arrays.items() if array.shape[:1] == images.shape[:1]}

        def read(index: int) -> dict:
            return {name: array[index] for name, array in (fields | pictures).items()}

        examples = self.fitted(len(images), read, pictures=len(pictures))
        return Records(examples, classes, identity=_identity(path))


def _warn_of_other_sizes(
    arrays: dict[str, np.ndarray], images: tuple[int, ...], besides: tuple[str, ...], path: Path
) -> None:
    """Of what may be a map over the pictures at another resolution, which nobody crops or flips with them."""
    count, height, width = images[:3]
    for name, array in arrays.items():
        rows = array.shape[1:3]
        if name in besides or array.shape[:1] != (count,) or len(rows) < 2 or rows == (height, width):
            continue
        if rows[0] * width == rows[1] * height:
            print(
                f'warning: {path}: "{name}" is {list(array.shape)}, beside pictures of {height}x{width}: it is not cropped and '
                "flipped with them; if it is a map over them, save it at their size",
                file=sys.stderr,
                flush=True,
            )


def _identity(path: Path) -> str:
    """By the checksums that the archive has of its arrays."""
    with zipfile.ZipFile(path) as file:
        return identity_of(f"{item.filename} {item.CRC:08x}" for item in file.infolist())


def _read(path: Path) -> dict[str, np.ndarray]:
    if not path.is_file():
        raise UserError(f"the file {path.absolute()} does not exist")
    try:
        # Without pickle: a file of object arrays could run code.
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    # The last three: what zipfile says of a damaged header, besides its own error.
    except (
        ValueError, OSError, EOFError, zipfile.BadZipFile, AttributeError, NotImplementedError, RuntimeError, zlib.error,
    ) as error:  # fmt: skip
        raise UserError(f"{path} is no .npz file of plain arrays, or it is damaged: {error}") from error


def _check_images(images: np.ndarray, path: Path, name: str = "image") -> np.ndarray:
    """uint8 [N, H, W, C] of what the file holds."""
    if images.ndim == 3:
        images = images[..., None]
    if images.ndim != 4 or images.shape[3] not in (1, 2, 3, 4) or 0 in images.shape:
        raise UserError(
            f'{path}: "{name}" has the shape {list(images.shape)}, but pictures are [N, H, W] or [N, H, W, C] '
            "with C from 1 to 4"
        )
    if images.dtype == np.uint8:
        return images
    if images.dtype.kind != "f":
        raise UserError(f'{path}: "{name}" is {images.dtype}, but must be uint8, or floats in [0, 1] or [-1, 1]')
    if not np.isfinite(images).all():
        where = np.argwhere(~np.isfinite(images))[0]
        raise UserError(f'{path}: "{name}" is not finite, first in picture {where[0]}: remove what is NaN or infinite')
    low, high = float(images.min()), float(images.max())
    if low < -1 or high > 1:
        raise UserError(
            f'{path}: "{name}" has floats from {low:g} to {high:g}, but they must be in [0, 1] or [-1, 1]; '
            "or save it as uint8"
        )
    images = (images.astype(np.float32) + 1) / 2 if low < 0 else images
    return np.round(images * 255).astype(np.uint8)
