"""Pictures of any height and width turned into others by a trained run; `translation_files` does it to files.

Networks want sides that a number divides (`System.multiple`). A picture is padded for that at the bottom and the right, by
reflection, and its translation is cropped. The padding is not without effect: a convolution sees it near the edge, and a
network that normalises by the picture's own statistics sees it everywhere, a little. So there is as little of it as possible;
but each padded shape is compiled, which takes seconds. Of files with more than `SHAPES` padded shapes the sides are
therefore padded to multiples of about `COARSE`.
"""

import functools
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Literal

import jax
import numpy as np

from jaxgan import conditions, rows
from jaxgan.errors import OutOfMemory, UserError, is_out_of_memory
from jaxgan.media import Picture
from jaxgan.sampling import in_chunks
from jaxgan.training.system import System

if TYPE_CHECKING:
    from jaxgan.workdir import Record

PIXELS = 64 * 64 * 64
"""Of pictures that are translated at once: 64 of 64x64, 4 of 256x256; at least one picture."""
SHAPES = 8
"""Padded shapes that files may have before they are padded more coarsely."""
COARSE = 64
TOO_LARGE = "a picture of {0} x {1} needs more memory than there is: make it smaller first (--size)"


class Translator:
    """`System.translate` of a run, compiled for each shape; its variables are put on the device once.

    Attributes:
        channels: of the pictures that it takes.
    """

    def __init__(
        self,
        record: "Record",
        variables: dict[str, Any],
        direction: str = "ab",
        statistics: Literal["batch", "running"] = "batch",
        seed: int = 0,
        trained: bool = True,
    ):
        """See `Run.translator`; `trained` says whether networks that were not imported have learnt anything.

        Raises:
            UserError: the run does not turn pictures into pictures, or not in this direction.
        """
        self.record, system = record, record.system
        name = type(system).__name__
        if not system.directions:
            raise UserError(f"{name} does not turn pictures into pictures: jaxgan sample shows what it makes")
        if direction not in system.directions:
            raise UserError(f"there is no direction {direction}: {name} goes {' and '.join(system.directions)}")
        network = system.directions[direction]
        if not trained and network in getattr(record.experiment.data, "fresh", ()):
            raise UserError(
                f"network {network}, which translates {direction}, was not imported and has learnt nothing: import its file, "
                "too, or go the other way"
            )
        if statistics not in ("batch", "running"):
            raise UserError(f"there are no statistics {statistics}: they are batch or running")
        self.channels = record.source(direction).shape[-1]
        self._variables = jax.device_put(variables)
        self._key = jax.random.key(np.uint32(seed), impl="threefry2x32")
        self._translate = _compiled_translate(system, direction, statistics)
        self._counts: dict[tuple[int, ...], int] = {}  # shape -> pictures at once, as compiled

    def translate(self, pictures: np.ndarray, given: conditions.Given) -> np.ndarray:
        """See `Run.translate`: pictures of any height and width, whose sides are padded for that."""
        pictures = np.asarray(pictures)
        if pictures.ndim != 4 or not len(pictures) or pictures.dtype.kind != "f":
            raise UserError(
                f"pictures are floats [N, height, width, channels] in [-1, 1], but these are {pictures.dtype} "
                f"{list(pictures.shape)}"
            )
        if pictures.shape[-1] != self.channels:
            raise UserError(f"the pictures have {pictures.shape[-1]} channels, but those of the run {self.channels}")
        height, width = pictures.shape[1:3]
        padded = pad(pictures, *padded_size(height, width, self.record.system.multiple))
        made = self(padded, np.arange(len(pictures)), asked(self.record, given, len(pictures)))
        return cropped(made, (height, width), padded.shape[1:3])

    def __call__(self, pictures: np.ndarray, numbers: np.ndarray, given: dict[str, np.ndarray]) -> np.ndarray:
        """Pictures [N, H, W, C] with sides that `multiple` divides, translated; the noise of each is that of its number [N].

        What comes of a picture is a function of it, its number and what is given of it: the others are not seen by it.
        """
        shape, enough = pictures.shape[1:], 1 << (len(pictures) - 1).bit_length()
        for entry, rows_ in given.items():
            if isinstance(self.record.spec.media[entry], Picture) and rows_.shape[1:3] != shape[:2]:
                raise UserError(
                    f"{entry} is {rows_.shape[1]}x{rows_.shape[2]} and belongs to pictures of that size, and here is one of "
                    f"{shape[0]}x{shape[1]}: bring pictures to the size of the training first (--size)"
                )
        # A power of two, and what is compiled already: nearly full, and at most a few programs for each shape.
        count = min(at_once(*shape[:2]), max(enough, self._counts.get(shape, 1)))
        self._counts[shape] = count
        try:
            return in_chunks(
                lambda part, _: self._translate(
                    self._variables, part["pictures"], self._key, part["numbers"], part["given"]
                ),
                {
                    "pictures": np.asarray(pictures, np.float32),
                    "numbers": np.asarray(numbers, np.uint32),
                    "given": given,
                },
                count,
            )
        except Exception as error:
            if is_out_of_memory(error):
                raise OutOfMemory(TOO_LARGE.format(*shape)) from error
            raise


@functools.lru_cache(maxsize=8)
def _compiled_translate(system: System, direction: str, statistics: str) -> Callable:
    def one(variables, key, picture, number, given):
        given = {name: row[None] for name, row in given.items()}
        options = {"direction": direction, "inputs": given, "statistics": statistics}
        return system.translate(variables, picture[None], jax.random.fold_in(key, number), **options)[0]

    def translate(variables, pictures, key, numbers, given):
        each = jax.vmap(functools.partial(one, variables, key))
        return rows.solo(lambda: each(pictures, numbers, given))()

    return jax.jit(translate)


def at_once(height: int, width: int) -> int:
    """How many pictures of a size are translated at once: a power of two, about `PIXELS` together."""
    return 1 << max(PIXELS // (height * width), 1).bit_length() - 1


def padded_size(height: int, width: int, multiple: int) -> tuple[int, int]:
    """(height, width), rounded up to multiples."""
    return -(-height // multiple) * multiple, -(-width // multiple) * multiple


def padding_multiple(sizes: Iterable[tuple[int, int]], multiple: int) -> int:
    """What pictures of these sizes are padded to multiples of: `multiple`, or about `COARSE` where they differ too much."""
    shapes = {padded_size(*size, multiple) for size in sizes}
    return multiple if len(shapes) <= SHAPES else padded_size(COARSE, COARSE, multiple)[0]


def pad(pictures: np.ndarray, height: int, width: int) -> np.ndarray:
    """Pads [..., H, W, C] to [..., height, width, C]: by reflection, or, of what is too small for it, by its edge."""
    for axis, side in ((-3, height), (-2, width)):
        more = side - pictures.shape[axis]
        around = [(0, 0)] * pictures.ndim
        around[axis] = (0, more)
        pictures = np.pad(pictures, around, "reflect" if more < pictures.shape[axis] else "edge") if more else pictures
    return pictures


def cropped(made: np.ndarray, size: tuple[int, int], padded: tuple[int, int]) -> np.ndarray:
    """What comes of the pictures themselves [..., H', W', C], without what comes of their padding.

    Args:
        made: the translations [..., H'', W'', C], of pictures that were padded.
        size: height and width before the padding.
        padded: and after it; H'' and W'' may be others, in proportion.
    """
    height, width = (made.shape[-3 + i] * size[i] // padded[i] for i in (0, 1))
    return made[..., :height, :width, :]


def asked(record: "Record", given: conditions.Given, count: int) -> dict[str, np.ndarray]:
    """What `count` translated pictures shall be, `{entry: [count, ...]}`, besides what they are made of.

    Raises:
        UserError: the run takes no such thing, or is not told something.
    """
    return conditions.values(record, count, given, in_turn=False, besides=("input",))
