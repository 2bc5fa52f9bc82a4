"""The 1,797 handwritten digits that come with scikit-learn: enough to try a system in seconds."""

import importlib.util
from dataclasses import dataclass
from pathlib import Path
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
        # The file that `sklearn.datasets.load_digits` reads: importing scikit-learn takes two seconds, its file none.
        package = importlib.util.find_spec("sklearn")
        if package is None or package.origin is None:
            raise missing_extra("scikit-learn", "data", "the data set digits")
        table = np.loadtxt(Path(package.origin).with_name("datasets") / "data" / "digits.csv.gz", delimiter=",")
        images = np.round(table[:, :-1].reshape(-1, 8, 8) * (255 / 16)).astype(np.uint8)  # 17 grey levels, 0 to 16
        labels = table[:, -1].astype(int)

        def read(index: int) -> dict:
            return {"image": images[index], "label": int(labels[index])}

        return Records(self.fitted(len(images), read), tuple(map(str, range(10))))
