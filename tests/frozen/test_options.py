"""The command line keeps its commands, the names of their options, and what these are unless given."""

from collections.abc import Iterator
from inspect import signature
from types import NoneType
from typing import Any, Literal, get_args, get_origin

import pytest

from brushwork.tests.frozen import entry

FROZEN = entry.frozen("options")

each_command = pytest.mark.parametrize("command", FROZEN)


def today() -> dict[str, dict[str, list[dict[str, Any]]]]:
    """The parameters of every command: by position, and by name."""
    return {
        name: {
            kind: [_described(parameter, command) for parameter in command.params if parameter.param_type_name == kind]
            for kind in ("argument", "option")
        }
        for name, command in _commands(entry.command_line())
    }


@pytest.fixture(scope="module")
def now() -> dict[str, dict[str, list[dict[str, Any]]]]:
    return today()


@each_command
def test_options_stay(command: str, now: dict[str, dict[str, list[dict[str, Any]]]]) -> None:
    """Frozen by python -c "from brushwork.tests.frozen import entry; entry.freeze('options')"."""
    by_name = {name: option for option in now[command]["option"] for name in option["names"]}
    for option in FROZEN[command]["option"]:
        assert set(option["names"]) <= set(by_name)
        for name in option["names"]:
            _same(by_name[name], option)


@each_command
def test_no_option_more_is_required(command: str, now: dict[str, dict[str, list[dict[str, Any]]]]) -> None:
    before = {name for option in FROZEN[command]["option"] if option["required"] for name in option["names"]}
    assert all(before.intersection(option["names"]) for option in now[command]["option"] if option["required"])


@each_command
def test_arguments_stay_in_their_places(command: str, now: dict[str, dict[str, list[dict[str, Any]]]]) -> None:
    for argument, before in zip(now[command]["argument"], FROZEN[command]["argument"], strict=True):
        _same(argument, before)


def _same(now: dict[str, Any], before: dict[str, Any]) -> None:
    """Choices may grow."""
    apart = ("names", "choices")
    assert {key: now[key] for key in now if key not in apart} == {
        key: before[key] for key in before if key not in apart
    }
    assert set(before["choices"]) <= set(now["choices"])


def _commands(group: Any, *path: str) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - typer's own
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, *path, name)
        else:
            yield " ".join((*path, name)), command


def _described(parameter: Any, command: Any) -> dict[str, Any]:  # noqa: ANN401 - typer's own
    kind, default = _kind(signature(command.callback).parameters[parameter.name].annotation), parameter.default
    return {
        "names": [*parameter.opts, *parameter.secondary_opts],
        "type": kind.__name__ if kind in (int, float) else "text",
        "choices": list(get_args(kind)),
        "default": default if default is None or isinstance(default, bool | int | float) else str(default),
        "required": parameter.required,
        "multiple": parameter.multiple,
        "flag": getattr(parameter, "is_flag", False),
    }


def _kind(annotation: Any) -> Any:  # noqa: ANN401 - type forms have no type of their own
    """The type of one value: without `Annotated`, `list` and `None`."""
    inner = [each for each in get_args(annotation) if each is not NoneType]
    return annotation if get_origin(annotation) is Literal or not inner else _kind(inner[0])
