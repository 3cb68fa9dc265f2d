"""`--set FIELD=VALUE`: change fields of a frozen dataclass by name, dotted where a field is a dataclass itself."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

Config = TypeVar("Config")

KINDS = {int: "a whole number", float: "a number", bool: "true or false", str: "a word"}
SWITCH = {"true": True, "false": False}


def with_settings(config: Config, settings: Sequence[str]) -> Config:
    """The dataclass with each `FIELD=VALUE` set; ValueError in one sentence for an unknown name or another type."""
    for text in settings:
        name, equals, value = text.partition("=")
        if not equals:
            raise ValueError(f"'{text}' is no setting: write FIELD=VALUE, the field one of {listed(config)}.")
        if name not in dict(named_fields(config)):
            raise ValueError(f"there is no field '{name}': choose one of {listed(config)}.")
        config = _with(config, name, name, value)
    return config


def listed(config: object) -> str:
    """All fields, each with its value."""
    return ", ".join(f"{name}={_written(value)}" for name, value in named_fields(config))


def named_fields(config: Any, before: str = "") -> Iterator[tuple[str, object]]:  # noqa: ANN401 - any dataclass
    """Each field's name, dotted where it is one of a field's, and its value."""
    for field in fields(config):
        value = getattr(config, field.name)
        if is_dataclass(value):
            yield from named_fields(value, f"{before}{field.name}.")
        else:
            yield before + field.name, value


def _with(config: Any, path: str, name: str, text: str) -> Any:  # noqa: ANN401 - any dataclass
    first, _, rest = path.partition(".")
    kind = get_type_hints(type(config))[first]
    value = _with(getattr(config, first), rest, name, text) if rest else _parsed(kind, name, text)
    return replace(config, **{first: value})


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
