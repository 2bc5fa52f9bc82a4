"""Captions that a person writes, for a run that makes something of captions."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from jaxgan.errors import UserError

if TYPE_CHECKING:
    from jaxgan.workdir import Record


def check_reads(record: "Record", option: str = "--text") -> None:
    """Raises: UserError: the run's system takes no captions, so that this option makes no sense."""
    if "text" not in record.system.conditions:
        name, many = type(record.system).__name__, record.medium.many
        raise UserError(f"{name} makes {many} without captions: leave {option} out")


def read(record: "Record", texts: Sequence[str]) -> np.ndarray:
    """Captions as the run's data reads them, int32 [N, length]; what is not known of them is said on standard error.

    Raises:
        UserError: the system takes no captions, or a caption cannot be read.
    """
    check_reads(record)
    texts = (texts,) if isinstance(texts, str) else tuple(texts)
    if not texts:
        raise UserError("no caption was given: write what the pictures should show")
    encode = getattr(record.experiment.data, "encode", None)
    if encode is None:
        raise UserError(
            f"the data of the run, {type(record.experiment.data).__name__}, has no `encode` that reads captions: give the "
            'numbers themselves, in Python as given={"text": ...}'
        )
    return encode(texts, record.spec.vocabulary)
