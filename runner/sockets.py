"""What a V1 node class says of its inputs, and which constants they take."""

import inspect
import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from .graph import WorkflowError

WIDGETS = {
    "INT": 0,
    "FLOAT": 0.0,
    "STRING": "",
    "BOOLEAN": False,
    "COMBO": None,
}  # types, and what their fields start with
TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
LONGEST = 80
"""Characters of a value in a message."""
CONTROLS = ("fixed", "increment", "decrement", "randomize")  # values of the field "control after generate"
SEEDS = ("seed", "noise_seed")  # the page adds "control after generate" even where the class does not ask for it


@dataclass(frozen=True)
class Socket:
    """One input of a node class."""

    name: str
    type: str  # "COMBO" for a choice
    options: Mapping[str, Any]
    choices: tuple[Any, ...]  # empty where the class lists none
    required: bool
    bound: bool  # whether range and choices bind; not where VALIDATE_INPUTS names the input, as in ComfyUI

    @property
    def widget(self) -> bool:
        """Whether the page shows an input field, so that it has an entry in `widgets_values`."""
        return self.options.get("widgetType", self.type) in WIDGETS and not self.options.get("forceInput", False)

    @property
    def control(self) -> bool:
        """Whether the page adds "control after generate", one more entry in `widgets_values`."""
        asked = self.options.get("control_after_generate", self.type == "INT" and self.name in SEEDS)
        return self.widget and bool(asked)

    @property
    def picture(self) -> bool:
        """Whether it takes the name of a picture in the input folder."""
        return bool(self.options.get("image_upload", False))

    @property
    def default(self) -> Any:  # noqa: ANN401 - a constant of any type
        """The value that the page starts with."""
        if "default" in self.options:
            return self.options["default"]
        return self.choices[0] if self.choices else WIDGETS.get(self.type)

    def accept(self, value: Any) -> Any:  # noqa: ANN401 - a constant of any type
        """`value` in the input's own type, be it a number, its text, or (for names of files) a path."""
        if self.type == "*":
            return value
        if self.type not in WIDGETS:
            raise WorkflowError(f"'{self.name}' takes a link of type {self.type}, not the value {shown(repr(value))}")
        if value is None:
            raise WorkflowError(f"'{self.name}' has no value: give it one")
        if self.picture and not isinstance(value, str | Path):
            raise WorkflowError(f"'{self.name}' is {shown(repr(value))}, but takes the name of a picture")
        if self.type == "STRING":
            return value if isinstance(value, Path) else str(value)
        if self.type != "BOOLEAN":
            return _choice(self, value) if self.type == "COMBO" else _number(self, value)
        truth = TRUTHS.get(str(value).lower())
        if truth is None:
            raise WorkflowError(f"'{self.name}' is {shown(repr(value))}, but takes true or false")
        return truth


def sockets(node_class: type) -> dict[str, Socket]:
    """The inputs of a node class by name: required ones first, as the page orders them."""
    declared, validate = node_class.INPUT_TYPES(), getattr(node_class, "VALIDATE_INPUTS", None)
    found: dict[str, Socket] = {}
    for group in ("required", "optional"):
        for name, (kind, *more) in declared.get(group, {}).items():
            options = more[0] if more else {}
            choices = options.get("options", ()) if isinstance(kind, str) else kind
            bound = validate is None or not takes(validate, name)
            found[name] = Socket(name, socket_type(kind), options, tuple(choices), group == "required", bound)
    return found


def widget_values(saved: Any, node_class: type) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """The values of a node's input fields by name, from its `widgets_values`; of those that it lacks, the defaults."""
    fields = [socket for socket in sockets(node_class).values() if socket.widget]
    if isinstance(saved, dict):
        return {field.name: saved.get(field.name, field.default) for field in fields}
    values: dict[str, Any] = {}
    rest = list(saved or [])
    for field in fields:
        values[field.name] = rest.pop(0) if rest else field.default
        if field.control and rest and rest[0] in CONTROLS:
            rest.pop(0)
    return values


def takes(function: Callable[..., object], name: str) -> bool:
    """Whether the function has an argument of that name."""
    parameters = inspect.signature(function).parameters
    return name in parameters or any(each.kind is each.VAR_KEYWORD for each in parameters.values())


def hidden(node_class: type) -> dict[str, str]:
    """The hidden inputs of a node class: their names and what they ask for."""
    asked = node_class.INPUT_TYPES().get("hidden", {})
    return {name: spec if isinstance(spec, str) else spec[0] for name, spec in asked.items()}


def socket_type(declared: str | list[Any] | tuple[Any, ...]) -> str:
    """The name of a type; a list of choices is a "COMBO"."""
    return declared if isinstance(declared, str) else "COMBO"


def compatible(output: str, taken: str) -> bool:
    """Whether a link may go from one type to another: `*` is any, a comma separates alternatives."""
    given, accepted = ({part.strip() for part in types.split(",")} for types in (output, taken))
    return bool(given & accepted) or "*" in given | accepted


def listed(values: Any, limit: int = 12) -> str:  # noqa: ANN401 - any iterable
    """The first values with commas between, for a message."""
    texts = [shown(str(value)) for value in values]
    return ", ".join(texts[:limit]) + (f" and {len(texts) - limit} more" if len(texts) > limit else "")


def shown(value: object) -> str:
    """A value from a workflow for a message, cut where it is long; a text without quotes."""
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def _number(socket: Socket, value: Any) -> int | float:  # noqa: ANN401 - to be checked here
    number: int | float = math.nan
    with suppress(TypeError, ValueError, OverflowError):
        number = float(value)
    if socket.type == "INT":
        try:  # a seed has up to 64 bits, more than a float holds
            number = int(value if isinstance(value, int) else str(value))
        except ValueError:
            number = int(number) if number.is_integer() else math.nan
    if isinstance(number, float) and not math.isfinite(number):
        kind = "a whole number" if socket.type == "INT" else "a number"
        raise WorkflowError(f"'{socket.name}' is {shown(repr(value))}, but takes {kind}")
    low, high = socket.options.get("min", -math.inf), socket.options.get("max", math.inf)
    if socket.bound and not low <= number <= high:
        edge = f"less than its smallest value {low}" if number < low else f"more than its largest value {high}"
        raise WorkflowError(f"'{socket.name}' is {shown(str(number))}, {edge}")
    return number


def _choice(socket: Socket, value: Any) -> Any:  # noqa: ANN401 - choices may be of any type
    if not (socket.choices and socket.bound):
        return value
    if isinstance(value, list) and socket.options.get("multi_select", False):
        return [_choice(socket, each) for each in value]
    for choice in socket.choices:
        if value == choice or value == str(choice):
            return choice
    near = get_close_matches(str(value), map(str, socket.choices), 1)
    hint = f"did you mean {near[0]}?" if near else f"it is one of {listed(socket.choices)}"
    raise WorkflowError(f"'{socket.name}' has no choice {shown(repr(value))}: {hint}")
