"""The 1,797 handwritten digits that come with scikit-learn: enough to try a system in seconds."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from jaxgan.data.base import ImageData, Records
from jaxgan.errors import missing_extra


@dataclass(frozen=True, kw_only=True)
class Digits(ImageData):
    """1,797 handwritten digits of 8 x 8 pixels (UCI, in scikit-learn: extra [data]).

    >>> records = Digits().load()
    >>> len(records.examples), records.examples[0]["image"].shape, records.examples[0]["label"]
    (1797, (8, 8, 1), 0)
    """

    size: int | tuple[int, int] = 8
    """Side, or height and width, of the training pictures, in pixels. The scans are 8 x 8."""
    channels: Literal[1, 3] = 1
    """1 for grey, 3 for colour (the same in all three)."""

    def load(self) -> Records:
        """The digits, white (255) on black; "label" is the digit.

        Raises:
          UserError: the package scikit-learn is missing.
        """
        try:
            from sklearn.datasets import load_digits
        except ModuleNotFoundError as error:
            raise missing_extra("scikit-learn", "data", "the data set digits") from error
        digits = load_digits()
        images = np.round(digits.images * (255 / 16)).astype(np.uint8)  # they have 17 grey levels, 0 to 16

        def read(index: int) -> dict:
            return {"image": images[index], "label": int(digits.target[index])}

        return Records(self.fitted(len(images), read), tuple(str(name) for name in digits.target_names))
