"""The fields of a configuration, checked where it is made: from a config, the command line or Python alike."""

import dataclasses
import difflib
import math
import types
import typing
from typing import Annotated, Any, Literal, Union

from jaxgan.errors import UserError


def check(instance: Any) -> None:
    """Check the fields of a frozen dataclass against their annotations, and give each value the annotated type.

    10 and 10.0 are equal and hash alike but trace differently: the compiled step of one must not serve the other. A whole
    number whose default is positive, such as a width, makes no sense at 0; no number makes sense below 0 unless its default
    is there.

    Raises:
        UserError: a value is none of its field's; the sentence names the nearest, or the limit.
    """
    hints = typing.get_type_hints(type(instance))
    for field in dataclasses.fields(instance):
        name = f"{type(instance).__name__}.{field.name}"
        value = _checked(name, getattr(instance, field.name), _alternatives(hints[field.name]), field.default)
        object.__setattr__(instance, field.name, value)


def _alternatives(hint: Any) -> tuple:
    if typing.get_origin(hint) is Annotated:
        hint = typing.get_args(hint)[0]
    union = isinstance(hint, types.UnionType) or typing.get_origin(hint) is Union
    return typing.get_args(hint) if union else (hint,)


def _checked(name: str, value: Any, kinds: tuple, default: Any) -> Any:
    if value is None and type(None) in kinds:
        return None
    if isinstance(value, list):
        return tuple(value)
    allowed = [option for kind in kinds if typing.get_origin(kind) is Literal for option in typing.get_args(kind)]
    if allowed:
        return _chosen(name, value, allowed)
    if (int in kinds or float in kinds) and not isinstance(value, tuple):
        return _number(name, value, float in kinds, default)
    if all(dataclasses.is_dataclass(kind) for kind in kinds) and not isinstance(value, kinds):
        raise UserError(f"{name} is {value!r}: it must be {' or '.join(kind.__name__ for kind in kinds)}")
    return value


def _chosen(name: str, value: Any, allowed: list) -> Any:
    if value in allowed:
        return value
    close = difflib.get_close_matches(str(value), [str(option) for option in allowed], n=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    raise UserError(f"{name} is {value!r}: it must be one of {', '.join(map(str, allowed))}{hint}")


def _number(name: str, value: Any, fraction: bool, default: Any) -> int | float:
    kind = "a number" if fraction else "a whole number"
    if isinstance(value, bool) or not isinstance(value, int | float if fraction else int) or not math.isfinite(value):
        raise UserError(f"{name} is {value!r}: it must be {kind}")
    # None stands for "as many as there are": where a number is given, it counts something.
    counts = not fraction and (default is None or (isinstance(default, int) and default >= 1))
    if counts and value < 1:
        raise UserError(f"{name} is {value!r}: it must be {kind} of at least 1")
    if value < 0 and not (isinstance(default, int | float) and default < 0):
        raise UserError(f"{name} is {value!r}: it must be {kind} of at least 0")
    return float(value) if fraction else value
