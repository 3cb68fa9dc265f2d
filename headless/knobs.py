"""`--set knob=value`: change fields of a frozen dataclass by name, dotted where a field is a dataclass itself."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

Knobs = TypeVar("Knobs")

KINDS = {int: "a whole number", float: "a number", bool: "true or false", str: "a word"}
SWITCH = {"true": True, "false": False}


def with_settings(knobs: Knobs, settings: Sequence[str]) -> Knobs:
    """The dataclass with each `knob=value` set; ValueError in one sentence for an unknown name or another type."""
    for text in settings:
        name, equals, value = text.partition("=")
        if not equals:
            raise ValueError(f"'{text}' is no setting: write KNOB=VALUE, the knob one of {listed(knobs)}.")
        if name not in dict(_knobs(knobs)):
            raise ValueError(f"there is no knob '{name}': choose one of {listed(knobs)}.")
        knobs = _with(knobs, name, name, value)
    return knobs


def listed(knobs: object) -> str:
    """All knobs, each with its value."""
    return ", ".join(f"{name}={_written(value)}" for name, value in _knobs(knobs))


def _knobs(knobs: Any, before: str = "") -> Iterator[tuple[str, object]]:  # noqa: ANN401 - any dataclass
    for field in fields(knobs):
        value = getattr(knobs, field.name)
        if is_dataclass(value):
            yield from _knobs(value, f"{before}{field.name}.")
        else:
            yield before + field.name, value


def _with(knobs: Any, path: str, name: str, text: str) -> Any:  # noqa: ANN401 - any dataclass
    first, _, rest = path.partition(".")
    kind = get_type_hints(type(knobs))[first]
    value = _with(getattr(knobs, first), rest, name, text) if rest else _parsed(kind, name, text)
    return replace(knobs, **{first: value})


def _parsed(kind: Any, name: str, text: str) -> object:  # noqa: ANN401 - a type, or what typing makes of one
    if get_origin(kind) is tuple:
        return tuple(_parsed(get_args(kind)[0], name, part) for part in text.split(","))
    try:
        value = SWITCH[text.lower()] if kind is bool else kind(text)
    except (KeyError, ValueError):
        value = None
    if value is None or (isinstance(value, int | float) and not (math.isfinite(value) and value >= 0)):
        positive = " from 0" if kind in (int, float) else ""
        raise ValueError(f"'{name}' is {KINDS[kind]}{positive}, not '{text}'.")
    return value


def _written(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
