"""From what a person says of conditions to their arrays."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from jaxgan.conditions import captions, labels
from jaxgan.errors import UserError, nearest

if TYPE_CHECKING:
    from jaxgan.workdir import Record

Given = Mapping[str, Any]
"""entry -> what it shall be: words, a list of words, or an array [N, ...], or [1, ...] for all alike."""
DATA = "data"
"""The word for what the run's own data has."""


def assigned(words: Sequence[str]) -> dict[str, str]:
    """What `--given NAME=VALUE` says, given several times.

    >>> assigned(["pose=pose.npy", "age=young=1,old=0"])
    {'pose': 'pose.npy', 'age': 'young=1,old=0'}

    Raises:
        UserError: there is no "=", or a name comes twice.
    """
    found: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name.strip() or not value:
            raise UserError(f"--given {word}: give it as NAME=VALUE, such as --given label=2")
        if name.strip() in found:
            raise UserError(f"--given {name.strip()} comes twice: say it once")
        found[name.strip()] = value
    return found


def merged(label: Any, given: Given | None) -> dict[str, Any]:
    """`given` with the label, where it was given by itself. UserError where both say it."""
    if label is None:
        return dict(given or {})
    if given and "label" in given:
        raise UserError("the label is given twice, by itself and among what else is given: say it once")
    return {**(given or {}), "label": label}


def values(
    record: "Record", num: int, given: Given, *, in_turn: bool = True, besides: Sequence[str] = ()
) -> dict[str, Any]:
    """What `num` samples are conditioned on, `{entry: [num, ...]}`, of each of the system's conditions.

    Args:
        record: of the run.
        num: how many.
        given: what somebody says of them.
        in_turn: whether a class of which nobody says anything is each in turn.
        besides: conditions that come otherwise, such as the pictures that are translated.

    Raises:
        UserError: the system takes no such condition, nobody says anything of one, or what is said makes no sense.
    """
    conditions = [name for name in record.system.conditions if name not in besides]
    for entry, value in given.items():
        if entry not in conditions:
            raise UserError(_not_taken(record, entry, value, conditions))
    made = {entry: _rows(record, entry, given[entry], num) for entry in conditions if entry in given}
    if in_turn and "label" in conditions and "label" not in made and not record.shapes["label"].shape:
        made["label"] = np.arange(num, dtype=np.int32) % max(len(record.classes), 1)
    if missing := [entry for entry in conditions if entry not in made]:
        raise UserError(_not_said(record, missing))
    return made


def complete(record: "Record", num: int, given: Given) -> dict[str, np.ndarray]:
    """`values`, and zeros for the entries that no sample depends on: what `System.sample` and `decode` take."""
    return {**record.zeros(num), **values(record, num, given)}


def held(record: "Record", given: Given) -> dict[str, np.ndarray]:
    """`values` of one, [1, ...] each, at which a walk through the latents is held; the first class where nobody says it."""
    return values(record, 1, given)


def _rows(record: "Record", entry: str, value: Any, num: int) -> np.ndarray:
    """The rows [num, ...] of one condition."""
    wanted = record.shapes[entry]
    if isinstance(value, str) and value == DATA:
        count = len(record.examples)  # beyond the last it begins again
        rows = np.stack([_of_data(record, entry, number % count) for number in range(num)])
    elif isinstance(value, str | int | np.integer):
        rows = _read(record, entry, str(value))[None]
    elif isinstance(value, list | tuple) and value and all(isinstance(words, str) for words in value):
        rows = np.stack([_read(record, entry, words) for words in value])
    else:
        rows = np.asarray(value)
    if entry == "text" and rows.dtype.kind == "f" and hasattr(record.system, "embed"):
        wanted = jax.ShapeDtypeStruct(rows.shape[1:], np.float32)  # what `captions.embed` gives is as good
    if rows.dtype.kind not in "biuf":
        raise UserError(f"{entry} is of {rows.dtype}, and must be numbers {[num, *wanted.shape]}, or words")
    if rows.ndim == 0 or rows.shape[1:] != wanted.shape or len(rows) not in (1, num):
        raise UserError(f"{entry} is {list(rows.shape)}, and must be {[num, *wanted.shape]}")
    made = rows.astype(wanted.dtype)
    if entry == "label":
        labels.check(record, rows, made)
    return made if len(made) == num else np.repeat(made, num, 0)


def _read(record: "Record", entry: str, words: str) -> np.ndarray:
    """One value [...] of an entry, of a person's words."""
    of_data, _, number = words.partition(":")
    if of_data == DATA and (not number or number.isdecimal()):
        return _of_data(record, entry, int(number or 0))
    if entry == "label":
        return labels.parse_label(words, record)
    if entry == "text" and np.issubdtype(record.shapes[entry].dtype, np.integer):
        return captions.read(record, [words])[0]
    shape = record.shapes[entry].shape
    try:
        return record.spec.media[entry].parse(words, shape)
    except UserError as error:
        raise UserError(f"--given {entry}: {error}") from None


def _of_data(record: "Record", entry: str, number: int) -> np.ndarray:
    count = len(record.examples)
    if number >= count:
        raise UserError(f"--given {entry}={DATA}:{number}: the run's data has {count} examples, 0 to {count - 1}")
    return np.asarray(record.example(number)[entry])


def _not_taken(record: "Record", entry: str, value: Any, conditions: list[str]) -> str:
    name, many = type(record.system).__name__, record.medium.many
    said = f"--label {value}" if entry == "label" else f"--given {entry}={value}"
    said = said if isinstance(value, str | int) else entry
    if not conditions:
        return f"{said}: {name} makes its {many} without any {entry}; leave it out"
    near = nearest(entry, conditions)
    return f"{said}: {name} makes its {many} of {' and '.join(conditions)}{near} Give these, or leave it out"


def _not_said(record: "Record", missing: list[str]) -> str:
    name, many = type(record.system).__name__, record.medium.many
    if missing == ["text"]:
        return f'{name} makes its {many} of captions: give --text "...", or --given text="...", or in Python text'
    if missing == ["label"]:
        knows = f": it knows {', '.join(record.classes)}" if record.classes else ""
        return f"{name} must be told what the {many} shall be: give --label, or in Python label{knows}"
    flags = " ".join(f"--given {entry}=FILE" for entry in missing)
    python = ", ".join(f'"{entry}": {list(record.shapes[entry].shape)} for each' for entry in missing)
    return (
        f"{name} makes its {many} of {' and '.join(missing)}, and nobody said what {'these' if missing[1:] else 'that'} shall "
        f"be: give {flags}, or --given {missing[0]}={DATA} for what the run's data has; in Python given={{{python}}}"
    )
