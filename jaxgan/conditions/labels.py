"""What label a person means, of a run whose system reads "label".

1,0,0,1,1                 the values of all attributes, in the order of the run's classes
hair_color=red,glasses=0  by name: a value, of classes named "attribute=value", or 0 or none for none of them; 1 or 0, of
                          another
cat, or 2                 where each picture is of one class: its name or number

Nobody but the person says which attributes something has, so all must be given.
"""

from typing import TYPE_CHECKING

import numpy as np

from jaxgan.data.base import class_number
from jaxgan.errors import UserError, nearest

if TYPE_CHECKING:
    from jaxgan.workdir import Record

Groups = dict[str, dict[str, int]]
"""attribute -> {value: its number among the classes}; {"": number} for an attribute of its own."""


def attribute_groups(classes: tuple[str, ...]) -> Groups:
    """The classes "attribute=value" by attribute, and the other classes."""
    groups: Groups = {}
    for number, name in enumerate(classes):
        attribute, _, value = name.partition("=")
        groups.setdefault(attribute, {})[value] = number
    return groups


def parse_label(text: str, record: "Record") -> np.ndarray:
    """The label, [A] or a number [], that a text names; the grammar is the module's.

    Raises:
        UserError: it names something else; the nearest is suggested.
    """
    shape, classes = record.shapes["label"].shape, record.classes
    if not shape:
        return np.array(_class(text.strip(), classes), record.shapes["label"].dtype)
    words = [word.strip() for word in text.split(",")]
    if classes and any("=" in word for word in words):
        values = _assigned(words, text, attribute_groups(classes))
    else:
        values = _vector(words, text, classes, shape[0])
    return np.array(values, record.shapes["label"].dtype)


def check(record: "Record", given: np.ndarray, made: np.ndarray) -> None:
    """Raises: UserError: of the labels `given`, as `made` has them in the data's type, some are none of the run's."""
    highest = 1 if made.ndim > 1 else len(record.classes) - 1 if record.classes else np.iinfo(np.int32).max
    if (made != given).any() or made.min() < 0 or (record.classes and made.max() > highest):
        raise UserError(f"labels are numbers from 0 to {highest}: {', '.join(record.classes)}")


def variants(record: "Record", base: np.ndarray | None) -> list[tuple[str, np.ndarray]]:
    """A label for each class, and what to call it: each attribute turned on alone, or what it changes of `base` [A].

    A value of a group takes the place of the others. An attribute of its own that `base` has is turned off.

    Raises:
        UserError: there are no classes, or they have no names; there is a base, but each picture is of one class.
    """
    if "label" not in record.system.conditions:
        raise UserError(
            f"{type(record.system).__name__} translates without attributes or classes: there is nothing to vary"
        )
    wanted, classes = record.shapes["label"], record.classes
    if not classes:
        raise UserError("--all-domains: the run's data has no names for its classes, so a sheet of them cannot be made")
    if not wanted.shape:
        if base is not None:
            raise UserError("--all-domains shows every class, and each picture is of one: leave --label out")
        return [(name, np.array(number, wanted.dtype)) for number, name in enumerate(classes)]
    made = []
    for attribute, values in attribute_groups(classes).items():
        for value, number in values.items():
            label = np.zeros(wanted.shape, wanted.dtype) if base is None else base.copy()
            if value:
                label[list(values.values())] = 0
            off = not value and label[number] == 1
            label[number] = 0 if off else 1
            made.append((f"{attribute}=0" if off else classes[number], label))
    return made


def _class(text: str, classes: tuple[str, ...]) -> int:
    if not classes and text.isdecimal() and int(text) < 2**31:
        return int(text)
    if (number := class_number(text, classes)) is not None:
        return number
    if not classes:
        raise UserError(f"--label {text}: the classes of the run have no names: give a whole number from 0")
    near = "." if text.isdecimal() else nearest(text, classes)
    raise UserError(f"--label {text}: there is no such class{near} There are {', '.join(classes)}")


def _vector(words: list[str], text: str, classes: tuple[str, ...], count: int) -> list[int]:
    names = f": {', '.join(classes)}" if classes else ""
    if any(word not in ("0", "1") for word in words):
        example = f", or names, as {next(iter(_example(classes)))}" if classes else ""
        raise UserError(f'--label "{text}": give {count} numbers, each 0 or 1{example}{names}')
    if len(words) != count:
        raise UserError(f'--label "{text}" has {len(words)} numbers, but the run {count} attributes{names}')
    return [int(word) for word in words]


def _assigned(words: list[str], text: str, groups: Groups) -> list[int]:
    values = [0] * sum(len(group) for group in groups.values())
    seen = set()
    for word in words:
        attribute, equals, value = (part.strip() for part in word.partition("="))
        if attribute not in groups:
            raise UserError(
                f'--label: there is no attribute "{attribute}"{nearest(attribute, groups)} There are {", ".join(groups)}'
            )
        group = groups[attribute]
        allowed = ["0", "1"] if "" in group else [value for value in group if value != "0"] + ["0"]
        if value == "none" and value not in group:  # as the data may call it
            value = "0"
        if value not in allowed:
            what = (
                f'no value "{value}" of {attribute}{nearest(value, allowed)}' if equals else f"no value of {attribute}."
            )
            raise UserError(f"--label: there is {what} There are {', '.join(f'{attribute}={v}' for v in allowed)}")
        if attribute in seen:
            raise UserError(f'--label "{text}" names {attribute} twice: say it once')
        seen.add(attribute)
        if value in group or value == "1":
            values[group[value if value in group else ""]] = 1
    missing = [attribute for attribute in groups if attribute not in seen]
    if missing:
        whole = ",".join([*words, *_example([n for n in _names(groups) if n.partition("=")[0] in missing])])
        raise UserError(
            f'--label "{text}" does not say {", ".join(missing)}, which nobody else knows: name all '
            f'(--label "{whole}"), or give all {len(values)} numbers'
        )
    return values


def _names(groups: Groups) -> list[str]:
    return [f"{attribute}={value}" if value else attribute for attribute, group in groups.items() for value in group]


def _example(classes) -> list[str]:
    """An assignment for each attribute."""
    groups = attribute_groups(tuple(classes))
    return [f"{attribute}={next(iter(group)) or 0}" for attribute, group in groups.items()]
