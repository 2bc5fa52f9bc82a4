"""Captions that a person writes, for a run that makes something of captions."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import jax
import numpy as np

from jaxgan import rows
from jaxgan.errors import UserError

if TYPE_CHECKING:
    from jaxgan.conditions.given import Given
    from jaxgan.run import Run
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


def embed(run: "Run", texts: Sequence[str]) -> np.ndarray:
    """The vectors float32 [N, dim] that captions become, between which there are others.

    Raises:
        UserError: as `read`; or the system does not turn captions into vectors.
    """
    numbers = read(run.record, texts)
    if not hasattr(run.system, "embed"):
        raise UserError(f"{type(run.system).__name__} turns captions into no vectors that one could go between")
    variables = {**run.variables(), **run.frozen}
    return np.asarray(jax.jit(rows.solo(run.system.embed))(variables, numbers))


def decode(
    run: "Run", z: np.ndarray, captions: np.ndarray, given: "Given | None" = None, truncation: float = 1.0
) -> np.ndarray:
    """Of each caption [C, ...], as `read` or `embed` gives it, the pictures [C, N, H, W, C] of the latents z [N, ...].

    One caption after the other, so that the pictures of one are the same to the bit whatever others are asked for.
    """
    made = [
        run.decode(z, given={**(given or {}), "text": caption[None]}, truncation=truncation) for caption in captions
    ]
    return np.stack(made)
