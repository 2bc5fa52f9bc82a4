"""What stands for the data of a run whose weights were imported."""

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np

from jaxgan.data import Records
from jaxgan.errors import UserError


@dataclass(frozen=True)
class Imported:
    """Where a run's weights come from; and its data, if it was given some to be trained on.

    Attributes:
        format: of the files.
        files: the paths, in the order of `networks`.
        digests: their SHA-256.
        networks: what was imported. The system's others have fresh weights.
        fresh: these others.
        data: a data set of `jaxgan.data`, or None.
        left_out: which network of the files was not taken, and why.
    """

    format: str
    files: tuple[str, ...]
    digests: tuple[str, ...]
    networks: tuple[str, ...]
    fresh: tuple[str, ...]
    data: Any = None
    left_out: str = ""

    def without_augmentation(self) -> "Imported":
        """The same with nothing random about the pictures of its data."""
        plain = self.data.without_augmentation() if hasattr(self.data, "without_augmentation") else self.data
        return dataclasses.replace(self, data=plain)

    def load(self) -> Records:
        """The data's. Raises: UserError: there is none."""
        if self.data is None:
            raise UserError(
                f"the weights of this workdir were imported from {', '.join(self.files)}, without data to train on or to be "
                "scored against: import them once more in Python, jaxgan.weights.import_weights(..., data=...), and train "
                "with run = jaxgan.fit(run.experiment, run.workdir)"
            )
        return self.data.load()

    def transform(self, example: dict[str, Any], random: np.random.Generator) -> dict[str, np.ndarray]:
        """The data's."""
        return self.data.transform(example, random)
