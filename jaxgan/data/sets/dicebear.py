"""Drawn faces with exact attributes: DiceBear's styles, drawn on this machine, nothing downloaded.

A face is a choice of one value for each attribute of its style, so a picture can be drawn again with one
attribute changed and everything else alike:

>>> options = avatar_options("personas", 3)
>>> without = render("personas", {**options, "eyes": "open"}, 64)
>>> with_glasses = render("personas", {**options, "eyes": "sunglasses"}, 64)
>>> with_glasses.shape, bool((with_glasses == without).all())
((64, 64, 3), False)

The code of DiceBear is MIT-licensed; each style has its own licence, which its
definition in the package dicebear-styles names.
"""

import functools
import io
import json
import re
from dataclasses import dataclass
from importlib.resources import files
from typing import Literal, get_args

import numpy as np
from PIL import Image

from jaxgan.errors import UserError, nearest

Style = Literal["personas", "adventurer", "toon-head", "lorelei", "open-peeps", "notionists", "pixel-art"]

VERSION = "1.0.0"  # of what is prepared: raise it when the pixels or the labels change
NONE = "none"  # the value of an attribute that a face does not have: no beard; the hair colour of a bald head

# What the colours of `personas` look like; those of other styles are named by their hexadecimal value.
COLOR_NAMES = {
    "hair_color": {
        "#362c47": "black",
        "#f29c65": "orange",
        "#6c4545": "brown",
        "#f27d65": "coral",
        "#dee1f5": "silver",
        "#e16381": "pink",
        "#e15c66": "red",
    },
    "clothing_color": {
        "#456dff": "blue",
        "#6dbb58": "green",
        "#f55d81": "pink",
        "#7555ca": "purple",
        "#e24553": "red",
        "#54d7c7": "turquoise",
        "#f3b63a": "yellow",
    },
}
COLOR_NAMES["facial_hair_color"] = COLOR_NAMES["hair_color"]

# Attributes that are read off another one: (of the style, attribute) -> (its source, its values).
DERIVED = {
    ("personas", "glasses"): ("eyes", (NONE, "glasses", "sunglasses")),
    ("open-peeps", "glasses"): (
        "accessories",
        (NONE, "glasses", "glasses2", "glasses3", "glasses4", "glasses5", "sunglasses", "sunglasses2"),
    ),
}


def avatar_attributes(style: str) -> dict[str, tuple[str, ...]]:
    """The attributes of a style that vary, each with the names of its values: what the integers mean.

    "none" comes first where a face may lack the attribute. An attribute that is derived from another
    (`glasses` from `eyes`, in personas) is in the records but not among the options of `render`.

    >>> avatar_attributes("personas")["glasses"]
    ('none', 'glasses', 'sunglasses')
    """
    attributes = {name: attribute.values for name, attribute in _drawn(style).items()}
    return attributes | {name: values for (of, name), (_, values) in DERIVED.items() if of == style}


def avatar_options(style: str, index: int) -> dict[str, str]:
    """What face number `index` of a style looks like: attribute -> value, all that `render` wants."""
    return _options(style, _avatar(style, {"seed": str(index)}))


def avatar_svg(style: str, index: int) -> tuple[str, dict[str, str]]:
    """Face number `index` of a style as an SVG, and the values of all its attributes, derived ones too."""
    avatar = _avatar(style, {"seed": str(index)})
    return avatar.to_string(), with_derived(style, _options(style, avatar))


def with_derived(style: str, options: dict[str, str]) -> dict[str, str]:
    """The options of a face, and the attributes that are derived from them."""
    derived = {}
    for (of, name), (source, values) in DERIVED.items():
        if of == style:
            derived[name] = options[source] if options[source] in values else NONE
    return options | derived


def render(style: str, options: dict[str, str], size: int) -> np.ndarray:
    """Draws one face with every attribute given.

    Args:
      style: one of `Style`.
      options: attribute -> value, for each attribute of `avatar_options`.
      size: side of the picture in pixels.

    Returns:
      uint8 [size, size, 3].

    Raises:
      UserError: an attribute is missing, or the style does not have it, or not this value of it.
    """
    from jaxgan.data.drawing import draw

    drawn = _drawn(style)
    for name in options:
        if name not in drawn:
            near = nearest(name, drawn)
            raise UserError(f'render: style {style} has no option "{name}"{near} It has {", ".join(drawn)}')
    pinned: dict[str, str | int] = {"seed": "0"}
    for name, attribute in drawn.items():
        if name not in options:
            raise UserError(f'render: the option "{name}" of style {style} is missing: see avatar_options')
        value = options[name]
        if value not in attribute.values:
            raise UserError(
                f'render: "{name}" of style {style} cannot be "{value}"{nearest(value, attribute.values)} '
                f"It can be {', '.join(attribute.values)}"
            )
        if not attribute.is_color:
            pinned[f"{attribute.source}Probability"] = 0 if value == NONE else 100
        if value != NONE:
            pinned[attribute.option] = attribute.meanings[attribute.values.index(value)]
    svg = _avatar(style, pinned).to_string()
    return np.array(Image.open(io.BytesIO(draw(svg, size))).convert("RGB"))


@dataclass(frozen=True)
class _Attribute:
    """One choice that DiceBear makes for a face: a variant of a part, or the colour of something."""

    source: str  # DiceBear's name of the part or the colour
    is_color: bool
    values: tuple[str, ...]  # our names
    meanings: tuple[str, ...]  # DiceBear's: variants, or hexadecimal colours

    @property
    def option(self) -> str:
        return f"{self.source}{'Color' if self.is_color else 'Variant'}"


@functools.cache
def _drawn(style: str) -> dict[str, _Attribute]:
    """The attributes of a style that are drawn as such, if they have more than one value."""
    all_of_it = definition(style)
    drawn = {}
    for source, component in all_of_it["components"].items():
        none = (NONE,) if component.get("probability", 100) < 100 else ()
        values = (*none, *component.get("variants", ()))
        drawn[_snake(source)] = _Attribute(source, False, values, values)
    for source, color in all_of_it["colors"].items():
        if len(color["values"]) > 1:
            name = f"{_snake(source)}_color"
            none = () if _always_shown(all_of_it, source) else (NONE,)
            names = (_color_name(style, name, value) for value in color["values"])
            drawn[name] = _Attribute(source, True, (*none, *names), (*none, *color["values"]))
    return {name: attribute for name, attribute in drawn.items() if len(attribute.values) > 1}


def _options(style: str, avatar) -> dict[str, str]:
    chosen = avatar.to_json()["options"]
    options = {}
    for name, attribute in _drawn(style).items():
        value = chosen.get(attribute.option) or NONE  # what is not shown is not chosen either
        value = value[0] if isinstance(value, list) else value  # a colour is a list of gradient stops, here of one
        options[name] = attribute.values[attribute.meanings.index(value)]
    return options


def _always_shown(style: dict, color: str) -> bool:
    """Whether every face of the style has something of this colour."""
    mark = f'"type": "color", "name": "{color}"'
    return mark in json.dumps(style["canvas"]) or any(
        all(mark in json.dumps(variant) for variant in component["variants"].values())
        for component in style["components"].values()
        if component.get("probability", 100) == 100 and component.get("variants")
    )


def _avatar(style: str, options: dict):
    from dicebear import Avatar

    return Avatar(_style(style), options)


@functools.cache
def _style(style: str):
    from dicebear import Style as DiceBearStyle

    return DiceBearStyle(definition(style))


@functools.cache
def definition(style: str) -> dict:
    """What DiceBear says of a style. UserError where there is none."""
    if style not in get_args(Style):
        raise UserError(
            f'there is no avatar style "{style}"{nearest(style, get_args(Style))} '
            f"The styles are {', '.join(get_args(Style))}"
        )
    return json.loads(files("dicebear_styles").joinpath(f"{style}.json").read_text("utf-8"))


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()


def _color_name(style: str, attribute: str, value: str) -> str:
    if style != "personas":
        return value
    if attribute == "skin_color":
        return f"tone{definition(style)['colors']['skin']['values'].index(value) + 1}"  # 1 is the lightest
    return COLOR_NAMES.get(attribute, {}).get(value, value)
