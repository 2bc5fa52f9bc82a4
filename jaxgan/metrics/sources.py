"""Where the examples that are scored come from: a data set, a run, a folder. Part by part; pictures as uint8 [n, H, W, C]."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jaxgan.cache import expanded
from jaxgan.data import pictures
from jaxgan.data.base import Records
from jaxgan.data.folder import find_pictures
from jaxgan.errors import UserError
from jaxgan.media import Medium, Picture
from jaxgan.metrics.features import prepared
from jaxgan.run import Run
from jaxgan.sampling import CHUNK, compiled_sample, host


def without_augmentation(data: Any) -> Any:
    """The data set with nothing random about its pictures: no flips, and the centre instead of random crops."""
    return data.without_augmentation() if hasattr(data, "without_augmentation") else data


def fixed_examples(data: Any, records: Records, indices: Sequence[int]) -> Iterator[dict[str, np.ndarray]]:
    """The examples of these indices as they enter a batch; a transform that is random all the same draws as for seed 0."""
    for index in indices:
        yield data.transform(records.examples[int(index)], np.random.default_rng([0, int(index)]))


def real_examples(
    data: Any,
    records: Records,
    indices: Sequence[int],
    entry: str = "image",
    medium: Medium = Picture(),  # noqa: B008
) -> Iterator[np.ndarray]:
    """The `entry` of these examples of `data` (`without_augmentation`), in parts of up to `CHUNK`."""
    for start in range(0, len(indices), CHUNK):
        made = fixed_examples(data, records, indices[start : start + CHUNK])
        yield prepared(medium, np.stack([np.asarray(example[entry]) for example in made]), start)


def generated_examples(run: Run, num: int, seed: int, data: Any, records: Records) -> Iterator[np.ndarray]:
    """`num` samples of a run, in parts of up to `CHUNK`; picture i of a seed is the same whatever `num` is.

    What a conditional system is conditioned on (labels, pictures) comes from examples of its data, each once before any is
    repeated, in an order drawn with the seed: so labels are as frequent as they are in the real pictures.

    Raises:
        UserError: one of them is not finite, or is not what the run makes; the data's captions have other words now.
    """
    if records.vocabulary != run.record.spec.vocabulary:
        raise UserError(
            f"the captions of the data have other words than when {run.workdir} was trained, so its numbers would mean others: "
            "bring them back"
        )
    key = jax.random.key(np.uint32(seed), impl="threefry2x32")
    variables = jax.device_put({**run.variables(), **run.frozen})
    sample = compiled_sample(run.system)
    conditional = set(run.record.shapes) != {run.system.makes} or not run.system.has_latents
    order = np.random.default_rng(seed).permutation(len(records.examples)) if conditional else None
    for part, start in enumerate(range(0, num, CHUNK)):
        inputs = run.record.zeros(CHUNK)
        if order is not None:
            chosen = order[np.arange(start, start + CHUNK) % len(order)]
            examples = list(fixed_examples(data, records, chosen))
            inputs = {name: np.stack([np.asarray(example[name]) for example in examples]) for name in inputs}
            if run.system.directions and "label" in inputs:
                # Turned into what its own label says a picture would stay as it is: it takes that of another example.
                others = fixed_examples(data, records, order[np.arange(start + 1, start + 1 + CHUNK) % len(order)])
                pictures_of = {"input", run.system.makes}
                kept = {name: inputs[name] for name in inputs if name in pictures_of}
                labels = [
                    {name: np.asarray(other[name]) for name in inputs if name not in pictures_of} for other in others
                ]
                inputs = {**kept, **{name: np.stack([label[name] for label in labels]) for name in labels[0]}}
        made = run.record.medium.checked(host(sample(variables, inputs, jax.random.fold_in(key, part))))
        if made.shape[1:] != run.record.made.shape:
            raise UserError(
                f"{type(run.system).__name__} makes {list(made.shape[1:])}, and its data has {list(run.record.made.shape)}: "
                "metrics compare what is of one size"
            )
        yield prepared(run.record.medium, made[: num - start], start)


def folder_files(folder: Path) -> list[Path]:
    """The picture files of a folder, in the order of their names.

    Raises:
        UserError: there is no such folder, or no picture in it.
    """
    return find_pictures(expanded(folder))


def folder_pictures(files: Sequence[Path], channels: int = 3) -> Iterator[np.ndarray]:
    """The pictures of these files, as they are, one by one: [1, H, W, channels].

    Raises:
        UserError: a file cannot be read, or has another size than the first; the sentence names it.
    """
    first = None
    for path in files:
        try:
            pixels = pictures.read_picture(path, channels)
        except pictures.BadPicture as error:
            raise UserError(f"{path} cannot be scored: {error}. Repair it or move it out of the folder") from error
        if first is None:
            first = pixels.shape
        if pixels.shape != first:
            raise UserError(
                f"{path} is {pixels.shape[0]}x{pixels.shape[1]}, but {files[0]} is {first[0]}x{first[1]}: metrics compare "
                "pictures of one size; bring all to the same"
            )
        yield pixels[None]
