"""Picture files made larger by a trained run: any size, in tiles, and all else that is in the file kept."""

import dataclasses
from collections.abc import Callable
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
from jaxgan.translation.translator import Translator, asked, cropped, pad, padded_size

if TYPE_CHECKING:
    from jaxgan.run import Run

TILE = 256
"""Side of the tiles, in pixels of the picture."""


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
        bands = []
        for band in in_tiles(lambda tiles: self._turn(tiles, channels), padded, self.tiling, done):
            band = _luminance(band) if grey and channels == 3 else band
            bands.append(np.clip((band + 1) * (top / 2) + 0.5, 0, top).astype(np.uint16 if top > 255 else np.uint8))
        made = cropped(np.concatenate(bands), (height, width), padded.shape[:2])
        if self.scale is not None:
            size = max(1, round(self.scale * height)), max(1, round(self.scale * width))
            if made.shape[:2] != size:
                made = _resized(made, size, Image.Resampling.LANCZOS)
        if original.alpha is None:
            return made
        alpha = (original.alpha[..., None] * top + 0.5).astype(made.dtype)
        return np.concatenate([made, _resized(alpha, made.shape[:2], Image.Resampling.BICUBIC)], -1)

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


def _resized(levels: np.ndarray, size: tuple[int, int], resampling: Image.Resampling) -> np.ndarray:
    """uint8 or uint16 [H, W, C], channel by channel, to (height, width)."""
    top = np.iinfo(levels.dtype).max
    made = np.empty((*size, levels.shape[-1]), levels.dtype)
    for i in range(levels.shape[-1]):
        channel = Image.fromarray(levels[..., i].astype(np.float32)).resize(size[::-1], resampling)
        made[..., i] = np.clip(np.asarray(channel) + 0.5, 0, top)
    return made
