"""Picture files made larger by a trained run: any size, in tiles, and all else that is in the file kept."""

import dataclasses
import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image

from jaxgan.data.pictures import BadPicture
from jaxgan.errors import OutOfMemory, UserError
from jaxgan.training.enlarging import between
from jaxgan.translation.originals import Original, read_original, write_levels
from jaxgan.translation.tiles import Tiling, in_tiles
from jaxgan.translation.translator import Translator, asked, pad, padded_size

if TYPE_CHECKING:
    from jaxgan.run import Run

TILE = 256
"""Side of the tiles, in pixels of the picture."""
WIDEST = 3
"""How far Pillow's filters reach, in pixels of the smaller one of two pictures: Lanczos' farthest."""


@dataclasses.dataclass(frozen=True)
class Upscaler:
    """A run that makes pictures larger, ready for files and arrays.

    Attributes:
        translator: of the run.
        tile: side of the tiles; of small pictures there is one, of their own size.
        scale: how many times larger the result is; the run's own number by default, another one by Lanczos' filter.
        ensemble: take the mean of what comes of a picture turned and mirrored in all eight ways: eight times the work, for
            some 0.1 dB (Lim et al. 2017, EDSR, section 3.4, "self-ensemble").
    """

    translator: Translator
    tile: int = TILE
    scale: float | None = None
    ensemble: bool = False

    @classmethod
    def of(
        cls,
        run: "Run",
        tile: int = TILE,
        scale: float | None = None,
        ensemble: bool = False,
        interpolate: float | None = None,
        smooth: "Run | None" = None,
    ) -> "Upscaler":
        """Of a trained run; with `interpolate`, of a generator between those of a GAN's two stages: 0 is smooth, 1 sharp.

        Args:
            run: what enlarges.
            tile: side of the tiles.
            scale: how many times larger.
            ensemble: in eight ways.
            interpolate: how far from the smooth generator to the run's.
            smooth: whose generator the smooth one is, where the run has no first stage (weights that were imported).

        Raises:
            UserError: the run does not turn pictures into pictures, or into pictures of grey or colour; or the generator of
                `smooth` is another network.
        """
        translator = run.translator("ab", "running")
        if interpolate is not None:
            variables = {**run.variables(), **run.frozen}
            if smooth is None:
                mixed = run.system.interpolated(variables, interpolate)
            else:
                name = run.system.directions["ab"]
                other = smooth.variables().get(name)
                if jax.tree.map(jnp.shape, other) != jax.tree.map(jnp.shape, variables[name]):
                    raise UserError(
                        f"{smooth.workdir} has another generator than {run.workdir}: none lies between them"
                    )
                mixed = {**variables, name: between(other, variables[name], interpolate)}
            translator = Translator(run.record, mixed, "ab", "running", trained=run.step > 0)
        if translator.channels not in (1, 3):
            raise UserError(f"the pictures of this run have {translator.channels} channels, and those of files 1 or 3")
        asked(run.record, {}, 1)  # what else it might want to be told
        return cls(translator, tile, scale, ensemble)

    @property
    def tiling(self) -> Tiling:
        """How pictures are cut."""
        system = self.translator.record.system
        return Tiling.of(system.reach, self.tile, system.multiple)

    def levels(self, original: Original, done: Callable[[int, int], None] | None = None) -> np.ndarray:
        """The picture larger, uint8 or uint16 [H', W', C]; the last channel is its transparency, where it has that.

        Args:
            original: grey stays grey.
            done: is told how many tiles are finished, and of how many.
        """
        pixels, top = original.pixels, 2**original.bits - 1
        (height, width), grey = pixels.shape[:2], pixels.shape[-1] == 1
        channels, multiple = self.translator.channels, self.tiling.multiple
        if channels == 1 and not grey:
            pixels, grey = _luminance(pixels), True
        padded = pad(pixels, *padded_size(height, width, multiple))
        whole = in_tiles(lambda tiles: self._turn(tiles, channels), padded, self.tiling, done)

        def bands() -> Iterator[np.ndarray]:
            for band in whole:
                band = _luminance(band) if grey and channels == 3 else band
                band = band[:, : width * band.shape[1] // padded.shape[1]]  # without what comes of the padding
                yield np.clip((band + 1) * (top / 2) + 0.5, 0, top).astype(np.uint16 if top > 255 else np.uint8)

        parts = bands()
        first = next(parts)
        factor = first.shape[1] // width
        size = factor * height, factor * width
        wanted = size if self.scale is None else tuple(max(1, round(self.scale * side)) for side in (height, width))
        made = _resized(itertools.chain((first,), parts), size, wanted, Image.Resampling.LANCZOS)
        if original.alpha is None:
            return made
        alpha = (original.alpha[..., None] * top + 0.5).astype(made.dtype)
        return np.concatenate([made, _resized((alpha,), alpha.shape[:2], wanted, Image.Resampling.BICUBIC)], -1)

    def file(self, source: Path, out: Path, done: Callable[[int, int], None] | None = None) -> tuple[str | None, str]:
        """One file into another: why it failed, or None; and what was lost, or "".

        Args:
            source: a picture in any format that Pillow reads.
            out: .png, .jpg or .webp; its folder is made.
            done: is told how many tiles are finished, and of how many.
        """
        try:
            original = read_original(source)
        except BadPicture as error:
            return f"cannot read {source}: {error}", ""
        try:
            levels = self.levels(original, done)
            write_levels(out, levels, original)
        except (OutOfMemory, MemoryError):
            return f"cannot enlarge {source}: there is not enough memory; give --tile {max(64, self.tile // 2)}", ""
        except (ValueError, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise  # not the picture's fault: no room, no permission
            out.unlink(missing_ok=True)
            return f"{out} cannot be written: {error}", ""
        return None, f"{source} {original.warning}" if original.warning else ""

    def _turn(self, tiles: np.ndarray, channels: int) -> np.ndarray:
        tiles = np.repeat(tiles, channels, -1) if tiles.shape[-1] < channels else tiles
        numbers, ways = np.zeros(len(tiles), np.uint32), range(8 if self.ensemble else 1)
        made = (undo(self.translator(do(tiles, way), numbers, {}), way) for way in ways)
        return sum(made) / len(ways)


def do(pictures: np.ndarray, way: int) -> np.ndarray:
    """Pictures [N, H, W, C], from 4 on mirrored, and turned by `way` modulo 4 quarters."""
    return np.rot90(pictures[:, :, ::-1] if way >= 4 else pictures, way % 4, (1, 2))


def undo(pictures: np.ndarray, way: int) -> np.ndarray:
    """What `do` did."""
    back = np.rot90(pictures, -(way % 4), (1, 2))
    return back[:, :, ::-1] if way >= 4 else back


def _luminance(pixels: np.ndarray) -> np.ndarray:
    """[..., 3] to [..., 1], as Pillow makes pictures grey (ITU-R 601-2)."""
    return pixels @ np.array([[0.299], [0.587], [0.114]], np.float32)


def _resized(
    parts: Iterable[np.ndarray], size: tuple[int, int], wanted: tuple[int, int], resampling: Image.Resampling
) -> np.ndarray:
    """A picture (height, width) of `size`, resized to `wanted`; only the result is ever held whole.

    Args:
        parts: uint8 or uint16 [h, W, C], from top to bottom; what is below the picture is left out.
        size: height and width of the picture.
        wanted: those of the result.
        resampling: Pillow's filter.
    """
    ratio = size[0] / wanted[0]
    around = 0 if size == wanted else math.ceil(WIDEST * max(ratio, 1)) + 1
    made = held = None
    begins = row = 0  # rows of the picture from `begins` on are held; `row` is the next to make
    for part in parts:
        held = part if held is None else np.concatenate([held, part])
        made = np.empty((*wanted, part.shape[-1]), part.dtype) if made is None else made
        ends = begins + len(held)
        if ends >= size[0]:
            held, until = held[: size[0] - begins], wanted[0]
        else:
            until = max(row, math.floor((ends - around) / ratio))
        if until > row:
            box = 0, row * ratio - begins, size[1], min(until * ratio - begins, len(held))
            for i in range(part.shape[-1]):
                made[row:until, :, i] = _channel(held[..., i], (until - row, wanted[1]), box, resampling)
            row = until
        kept = max(begins, math.floor(row * ratio) - around)
        held, begins = held[kept - begins :], kept
    return made


def _channel(
    levels: np.ndarray, size: tuple[int, int], box: tuple[float, float, float, float], resampling: Image.Resampling
) -> np.ndarray:
    """What is in `box` (left, top, right, bottom) of levels [H, W], resized; Pillow's filters see what is around it, too."""
    left, top, right, bottom = box
    if size == (bottom - top, right - left):
        return levels[round(top) : round(bottom)]
    made = Image.fromarray(levels.astype(np.float32)).resize(size[::-1], resampling, box)
    return np.clip(np.asarray(made) + 0.5, 0, np.iinfo(levels.dtype).max)
