"""The controls for what a run makes its samples of: a choice of classes, sliders for named numbers, files for the rest."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxgan.conditions import Given, parse_label
from jaxgan.conditions.labels import attribute_groups
from jaxgan.demo import uploads
from jaxgan.demo.common import Settings
from jaxgan.errors import UserError
from jaxgan.media import Picture, Text, Vector

if TYPE_CHECKING:
    from jaxgan.workdir import Record

EACH = "each in turn"
"""The choice of all classes."""
NONE = "none"
SLIDERS = 64
"""Numbers that have a slider each; for more a file is given."""


@dataclasses.dataclass(frozen=True)
class Control:
    """How a person says one condition.

    Attributes:
        entry: which.
        parts: components of the page.
        value: of their values, what is given; None says nothing.
    """

    entry: str
    parts: Sequence[Any]
    value: Callable[..., Any]


def controls(record: "Record", settings: Settings, besides: Sequence[str] = (), in_turn: bool = False) -> list[Control]:
    """Puts a control for each condition of the run but `besides` into the page, where it is open.

    Args:
        record: of the run.
        settings: the limits of uploads.
        besides: conditions that the page asks for otherwise.
        in_turn: whether all classes, each in turn, are a choice.
    """
    return [
        _of_label(record, in_turn) if entry == "label" else _of_medium(record, entry, settings)
        for entry in record.system.conditions
        if entry not in besides
    ]


def parts(asked: Sequence[Control]) -> list[Any]:
    """All components, in their order."""
    return [part for control in asked for part in control.parts]


def given(asked: Sequence[Control], values: Sequence[Any]) -> Given:
    """What the values of all components say. UserError where one makes no sense."""
    rest, found = list(values), {}
    for control in asked:
        mine, rest = rest[: len(control.parts)], rest[len(control.parts) :]
        if (value := control.value(*mine)) is not None:
            found[control.entry] = value
    return found


def _of_label(record: "Record", in_turn: bool) -> Control:
    import gradio

    offered, classes = choices(record), record.classes
    if in_turn and classes and not record.shapes["label"].shape:
        part = gradio.Dropdown([EACH, *classes], value=EACH, label="Class", elem_id="class")
        return Control("label", [part], lambda chosen: None if chosen == EACH else _class(classes, chosen))
    if in_turn and not record.shapes["label"].shape:
        return Control("label", [], lambda: None)
    if not offered:
        made = [gradio.Textbox(label="Label", placeholder="1,0,0", elem_id="label")]
    else:
        made = [
            (gradio.CheckboxGroup if choice.several else gradio.Radio)(
                list(choice.options), value=choice.first, label=choice.name.replace("_", " "), elem_classes="choice"
            )
            for choice in offered
        ]
    return Control("label", made, lambda *chosen: label_of(record, offered, chosen)[None])


def _class(classes: Sequence[str], chosen: Any) -> np.ndarray:
    if chosen not in classes:
        raise UserError(f"Choose one of {', '.join(classes)}.")
    return np.array([classes.index(chosen)], np.int32)


def _of_medium(record: "Record", entry: str, settings: Settings) -> Control:
    import gradio

    medium, shape, name = record.spec.media[entry], record.shapes[entry].shape, entry.replace("_", " ")
    if isinstance(medium, Text):
        box = gradio.Textbox(label=name, elem_classes="condition")
        return Control(entry, [box], lambda text: medium.numbers(str(text or ""), shape[0])[None])
    if isinstance(medium, Vector) and shape[0] <= SLIDERS:
        limit = medium.limit
        names = medium.names or tuple(f"{name} {number}" for number in range(1, shape[0] + 1))
        bars = [
            gradio.Slider(-limit, limit, 0, step=limit / 50, label=bar, elem_classes="condition axis") for bar in names
        ]
        return Control(entry, bars, lambda *numbers: np.array([numbers], np.float32))
    # Pictures are looked at before they are decoded. What a file of another kind would take, nobody knows before.
    kinds = sorted({*medium.suffixes, ".npy"}) if isinstance(medium, Picture) else [".npy"]
    number = gradio.Number(0, label=f"{name}: example of the run's data", precision=0, elem_classes="condition")
    upload = gradio.File(
        label=f"or a file ({', '.join(kinds)})", file_types=kinds, height=150, elem_classes="condition-file"
    )

    def value(chosen, path):
        if path is None:
            if chosen is None or chosen != int(chosen) or chosen < 0:
                raise UserError("The number of an example is a whole one from 0.")
            return f"data:{int(chosen)}"
        if Path(path).suffix.lower() not in kinds:
            raise UserError(f"{name}: give a file that ends in {', '.join(kinds)}.")
        if Path(path).suffix.lower() == ".npy":
            uploads.check_size(Path(path), settings)
        else:
            uploads.check(Path(path), settings, min(shape[:2]))
        return medium.parse(path, shape)[None]

    return Control(entry, [number, upload], value)


@dataclasses.dataclass(frozen=True)
class Choice:
    """What a person chooses of a label: one of `options`, or, with `several`, any of them.

    Attributes:
        name: over it.
        options: what stands there.
        numbers: which class each is; None for none of them.
        several: ticks instead of one choice.
    """

    name: str
    options: tuple[str, ...]
    numbers: tuple[int | None, ...]
    several: bool = False

    @property
    def first(self) -> Any:
        """What is chosen when the page opens."""
        return [] if self.several else self.options[0]


def choices(record: "Record") -> list[Choice]:
    """The choices that make up a label: of an attribute with values one, any of the other attributes; or a class.

    None where the label's classes have no names: then a person writes it, see `label_of`.
    """
    classes = record.classes
    if not record.shapes["label"].shape:
        return [Choice("Class", classes, tuple(range(len(classes))))] if classes else []
    made, ticks = [], {}
    for attribute, values in attribute_groups(classes).items():
        if "" in values:
            ticks[attribute] = values[""]
            continue
        more = {} if NONE in values or "0" in values else {NONE: None}
        made.append(Choice(attribute, (*values, *more), (*values.values(), *more.values())))
    return made + ([Choice("Attributes", tuple(ticks), tuple(ticks.values()), several=True)] if ticks else [])


def label_of(record: "Record", offered: Sequence[Choice], chosen: Sequence[Any]) -> np.ndarray:
    """The label, [A] or a number [], that a person chose; of no choices the text that was written.

    Raises:
        UserError: it is none.
    """
    wanted = record.shapes["label"]
    if not offered:
        return parse_label(str(chosen[0] or ""), record)
    numbers = []
    for choice, options in zip(offered, chosen, strict=True):
        for option in options if choice.several else [options]:
            if option not in choice.options:
                raise UserError(f"Choose one of {', '.join(choice.options)}.")
            numbers.append(choice.numbers[choice.options.index(option)])
    if not wanted.shape:
        return np.array(numbers[0], wanted.dtype)
    label = np.zeros(wanted.shape, wanted.dtype)
    label[[number for number in numbers if number is not None]] = 1
    return label
