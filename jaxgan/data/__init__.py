"""Where examples come from, and the one pipeline that feeds every system.

Importing this is cheap: the libraries that a source needs are imported when it is loaded.

`Batches` makes minibatches of any source, and of one's own:

>>> from jaxgan.data import Batches, Points, Records
>>> class Two:
...     def load(self):
...         return Records([{"image": -1.0}, {"image": 1.0}])
...
...     def transform(self, example, random):
...         return {"image": np.full((4, 4, 1), example["image"], np.float32)}
>>> with Batches(Two(), batch_size=6, seed=0) as batches:
...     batches.spec.count, next(batches)["image"].shape
(2, (6, 4, 4, 1))
"""

from jaxgan.data.arrays import Arrays
from jaxgan.data.base import ImageData, Records
from jaxgan.data.captioned import Captioned
from jaxgan.data.captions import Caption
from jaxgan.data.derived import Downscaled, Grey, Masked
from jaxgan.data.files import Files
from jaxgan.data.folder import Folder
from jaxgan.data.joint import Joint
from jaxgan.data.pairs import Pairs
from jaxgan.data.photographs import Photographs
from jaxgan.data.pipeline import Batches
from jaxgan.data.sets.avatar_captions import AvatarCaptions
from jaxgan.data.sets.avatars import Avatars
from jaxgan.data.sets.clipart import Clipart
from jaxgan.data.sets.dicebear import avatar_attributes, avatar_options, render
from jaxgan.data.sets.digits import Digits
from jaxgan.data.sets.emoji import openmoji_attributes
from jaxgan.data.sets.letters import Letters
from jaxgan.data.sets.openmoji import OpenMoji
from jaxgan.data.sets.openmoji_pairs import OpenMojiPairs
from jaxgan.data.sets.points import Points
from jaxgan.data.sets.wording import caption_of
from jaxgan.data.sources import parse_source
from jaxgan.data.spec import Spec
from jaxgan.data.tfds import TFDS
from jaxgan.data.unpaired import Unpaired

__all__ = [
    "TFDS",
    "Arrays",
    "AvatarCaptions",
    "Avatars",
    "Batches",
    "Caption",
    "Captioned",
    "Clipart",
    "Digits",
    "Downscaled",
    "Files",
    "Folder",
    "Grey",
    "ImageData",
    "Joint",
    "Letters",
    "Masked",
    "OpenMoji",
    "OpenMojiPairs",
    "Pairs",
    "Photographs",
    "Points",
    "Records",
    "Spec",
    "Unpaired",
    "avatar_attributes",
    "avatar_options",
    "caption_of",
    "openmoji_attributes",
    "parse_source",
    "render",
]
