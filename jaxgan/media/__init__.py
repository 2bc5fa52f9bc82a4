"""What data is made of, one file for each: how it is drawn, written, read and played.

A data set says it (`Records.media`), a system names the entry that it makes (`System.makes`), and all else asks the medium. A
new one is a new file with a subclass of `Medium`, or a class in your config, and no other file names it:

>>> import jaxgan.media
>>> jaxgan.media.Audio(rate=8000).encode(np.zeros(8000), ".wav")[:4]
b'RIFF'
>>> jaxgan.media.guessed((64, 64, 3))  # where data does not say
Picture()
"""

import numpy as np

from jaxgan.media.audio import Audio
from jaxgan.media.base import Medium
from jaxgan.media.notes import Notes
from jaxgan.media.picture import Picture, grid, to_image, to_uint8
from jaxgan.media.points import Points, level_sets, scatter
from jaxgan.media.text import Text
from jaxgan.media.tokens import Characters, Words
from jaxgan.media.vector import Vector
from jaxgan.media.video import Video
from jaxgan.media.voxels import Voxels

__all__ = ["Audio", "Characters", "Medium", "Notes", "Picture", "Points", "Text", "Vector", "Video", "Voxels", "Words",
           "grid", "guessed", "level_sets", "scatter", "to_image", "to_uint8"]  # fmt: skip


def guessed(shape: tuple[int, ...], dtype: type | np.dtype = np.float32) -> Medium:
    """What an example of this shape and type is, where the data, or an older workdir, does not say."""
    if np.dtype(dtype).kind != "f":
        return Medium()
    return Points() if shape == (2,) else Picture() if len(shape) == 3 and shape[-1] in (1, 3) else Medium()
