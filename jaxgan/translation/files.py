"""Picture files turned into others by a trained run: many, of many sizes, read and written while the network works."""

import dataclasses
import os
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from PIL import Image

from jaxgan import conditions
from jaxgan.data.pictures import MAX_PIXELS, BadPicture, picture_size, read_picture, squash, upright
from jaxgan.errors import OutOfMemory, UserError
from jaxgan.media.picture import to_image, to_uint8
from jaxgan.translation.translator import (
    PIXELS,
    TOO_LARGE,
    Translator,
    asked,
    at_once,
    cropped,
    pad,
    padded_size,
    padding_multiple,
)

if TYPE_CHECKING:
    from jaxgan.run import Run

THREADS = max(2, min(8, os.cpu_count() or 1))
ENCODERS = {".png": {}, ".jpg": {"quality": 95}, ".jpeg": {"quality": 95}, ".webp": {"quality": 95}}
"""What can be written, and how."""
AHEAD = 4 * PIXELS
"""Of pictures that are read before it is their turn; at least one for each thread."""


@dataclasses.dataclass(frozen=True)
class File:
    """A picture file that is to be translated.

    Attributes:
        source: where it is.
        name: the path below the folder that it was found in, or the file's name; its noise is that of the name.
        out: where its translation goes: .png, .jpg, .jpeg or .webp.
        target: what the translation should look like, to be shown beside it.
    """

    source: Path
    name: str
    out: Path
    target: Path | None = None

    @property
    def number(self) -> int:
        """Of its noise: what comes of a file does not depend on the other files."""
        return zlib.crc32(os.fsencode(self.name))


@dataclasses.dataclass(frozen=True)
class Loaded:
    """What is in a file: pixels uint8 [H, W, C]; alpha [H, W] if it had any; the target's pixels [H', W', C]."""

    pixels: np.ndarray
    alpha: np.ndarray | None
    target: np.ndarray | None


def load(file: File, channels: int, size: int | None = None) -> Loaded:
    """Decodes a file, upright and over white; `size`: its short side is resized to so much, and alpha dropped.

    Raises:
        BadPicture: it cannot be used.
    """
    pixels = read_picture(file.source, channels, size)
    if size is not None:
        header = _header_size(file.source)
        # A large JPEG comes reduced, its proportions rounded. A header, though, may not know yet which side is up.
        full = header if header and (header[0] > header[1]) == (len(pixels) > pixels.shape[1]) else pixels.shape[:2]
        height, width = resized(*full, size)
        if height * width > MAX_PIXELS:
            raise BadPicture(f"resized to {height} x {width} it has more than {MAX_PIXELS // 1_000_000} megapixels")
        pixels = squash(pixels, height, width)
    target = None
    if file.target is not None:
        try:
            target = read_picture(file.target, channels)
        except BadPicture as error:
            raise BadPicture(f"its target {file.target} is {error}") from error
    return Loaded(pixels, _alpha(file.source) if size is None else None, target)


def resized(height: int, width: int, size: int | None) -> tuple[int, int]:
    """(height, width) with a short side of `size`; as it is without one."""
    scale = 1 if size is None else size / min(height, width)
    return round(scale * height), round(scale * width)


def _header_size(path: Path) -> tuple[int, int] | None:
    """(height, width) of an upright picture by its header; None where that is no use. Reading the picture decides."""
    try:
        return picture_size(path)[::-1]
    except Exception:
        return None


def _alpha(path: Path) -> np.ndarray | None:
    with Image.open(path) as image:
        if image.mode not in ("LA", "PA", "RGBA") and ("transparency" not in image.info or image.mode[0] in "IF"):
            return None
        return np.asarray(upright(image).convert("RGBA").getchannel("A"))


def beside(*pictures: np.ndarray) -> np.ndarray:
    """Pictures uint8 [H, W, C] of one height in a row; grey ones become RGB beside those."""
    channels = max(picture.shape[-1] for picture in pictures)
    return np.concatenate([np.repeat(p, channels, -1) if p.shape[-1] < channels else p for p in pictures], 1)


def write(file: File, loaded: Loaded, made: np.ndarray, compare: bool) -> str | None:
    """Writes the translation [H, W, C] in [-1, 1], and says why not where its format cannot hold it. The folder is made."""
    try:
        return _write(file, loaded, made, compare)
    except MemoryError:
        return f"cannot write {file.out}: {TOO_LARGE.format(*made.shape)}"


def _write(file: File, loaded: Loaded, made: np.ndarray, compare: bool) -> str | None:
    shown = to_uint8(made)
    suffix = file.out.suffix.lower()
    if compare:
        others = [loaded.pixels, *([loaded.target] if loaded.target is not None else [])]
        source, *target = (squash(pixels, *shown.shape[:2]) for pixels in others)  # to the size of what is judged
        shown = beside(source, shown, *target)
    image = to_image(shown)
    if loaded.alpha is not None and not compare and suffix in (".png", ".webp"):
        image.putalpha(Image.fromarray(loaded.alpha).resize(image.size, Image.Resampling.BICUBIC))
    file.out.parent.mkdir(parents=True, exist_ok=True)
    try:
        image.save(file.out, **ENCODERS[suffix])
    except (ValueError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # not the picture's fault: no room, no permission
        file.out.unlink(missing_ok=True)
        return f"{file.out} cannot be written: {error}"
    return None


def translate_files(
    run: "Run",
    files: Sequence[File],
    direction: str = "ab",
    given: conditions.Given | None = None,
    statistics: Literal["batch", "running"] = "batch",
    seed: int = 0,
    size: int | None = None,
    compare: bool = False,
) -> Iterator[tuple[File, str | None]]:
    """Translates files, sorted by their sizes, so that those of a size go through the network together.

    Args:
        run: a trained run whose system has `directions`.
        files: what is read and where it goes.
        direction: one of the system's.
        given: what all pictures shall be, as `Run.translate` takes it.
        statistics: as `System.translate`.
        seed: of the noise, which is a function of it and the file's name.
        size: of the short side, to which the pictures are resized first; None leaves them as they are.
        compare: writes input, output and, where there is one, target side by side.

    Yields:
        Each file when it is done, and None, or why it could not be read or written: one sentence.
    """
    translator = run.translator(direction, statistics, seed)
    channels = checked_channels(translator)
    held = asked(run.record, given or {}, 1)
    pool = ThreadPoolExecutor(THREADS)
    writing: list[tuple[File, Future]] = []
    try:
        plan, multiple = planned(pool, files, size, run.system.multiple)
        reading = _ahead(pool, lambda item: load(item[0], channels, size), plan, lambda item: item[1][0] * item[1][1])
        for batch, failed in _batches(reading, multiple):
            yield from failed
            try:
                made = _translated(translator, batch, multiple, held)
            except OutOfMemory as error:  # of these; smaller ones may come
                yield from ((file, f"cannot translate {file.source}: {error}") for file, _ in batch)
                continue
            written, writing = writing, []
            for (file, loaded), picture in zip(batch, made, strict=True):
                writing.append((file, pool.submit(write, file, loaded, picture, compare)))
            yield from ((file, future.result()) for file, future in written)
        yield from ((file, future.result()) for file, future in writing)
    finally:
        pool.shutdown(cancel_futures=True)


def planned(
    pool: ThreadPoolExecutor, files: Sequence[File], size: int | None, multiple: int
) -> tuple[list[tuple[File, tuple[int, int]]], int]:
    """The files with their expected sizes, those of a padded shape together; and what they are padded to multiples of."""
    found = pool.map(_header_size, [file.source for file in files])
    sizes = [resized(*header, size) if header else (0, 0) for header in found]  # of (0, 0) reading will tell
    multiple = padding_multiple([one for one in sizes if one != (0, 0)], multiple)
    plan = sorted(zip(files, sizes, strict=True), key=lambda item: (padded_size(*item[1], multiple), item[0].name))
    return plan, multiple


def checked_channels(translator: Translator) -> int:
    """How many channels the run's pictures have. UserError where files have no such pictures."""
    if translator.channels not in (1, 3):
        raise UserError(
            f"the pictures of this run have {translator.channels} channels, those of files 1 or 3: use run.translate in Python"
        )
    return translator.channels


def _ahead(
    pool: ThreadPoolExecutor, function: Callable[[Any], Any], items: Iterable[Any], cost: Callable[[Any], int]
) -> Iterator[tuple[Any, Future]]:
    """`function` of each item in turn, begun before it is asked for: of items that together cost up to `AHEAD`."""
    waiting: deque[tuple[Any, Future]] = deque()
    begun = 0
    for item in items:
        waiting.append((item, pool.submit(function, item)))
        begun += cost(item)
        while begun > AHEAD and len(waiting) > THREADS:
            begun -= cost(waiting[0][0])
            yield waiting.popleft()
    yield from waiting


Batch = list[tuple[File, Loaded]]


def _batches(
    reading: Iterator[tuple[tuple[File, Any], Future]], multiple: int
) -> Iterator[tuple[Batch, list[tuple[File, str]]]]:
    """Files of one padded shape, as many as are translated at once, and those that could not be read since the last."""
    batch: Batch = []
    failed: list[tuple[File, str]] = []
    shape = (0, 0)
    for (file, expected), future in reading:
        try:
            loaded = future.result()
        except BadPicture as error:
            failed.append((file, f"cannot read {file.source}: {error}"))
            continue
        except MemoryError:
            failed.append((file, f"cannot read {file.source}: {TOO_LARGE.format(*expected)}"))
            continue
        its = padded_size(*loaded.pixels.shape[:2], multiple)
        if batch and (its != shape or len(batch) == at_once(*shape)):
            yield batch, failed
            batch, failed = [], []
        batch.append((file, loaded))
        shape = its
    yield batch, failed


def _translated(translator: Translator, batch: Batch, multiple: int, held: dict[str, np.ndarray]) -> list[np.ndarray]:
    """The translations [H, W, C] of pictures of one padded shape, each of its own size; all by what is `held` [1, ...]."""
    if not batch:
        return []
    sizes = [loaded.pixels.shape[:2] for _, loaded in batch]
    try:
        padded = np.stack([pad(to_float(loaded.pixels), *padded_size(*sizes[0], multiple)) for _, loaded in batch])
    except MemoryError as error:
        raise OutOfMemory(TOO_LARGE.format(*sizes[0])) from error
    given = {entry: np.repeat(row, len(batch), 0) for entry, row in held.items()}
    made = translator(padded, np.array([file.number for file, _ in batch], np.uint32), given)
    return [cropped(picture, size, padded.shape[1:3]) for picture, size in zip(made, sizes, strict=True)]


def to_float(pixels: np.ndarray) -> np.ndarray:
    """uint8 as float32 in [-1, 1], as the training pictures are."""
    return pixels.astype(np.float32) / np.float32(127.5) - np.float32(1)
