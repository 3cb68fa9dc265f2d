"""A graph on a sheet of cells: nodes, links and groups, checked against the node classes while it is drawn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ...runner.core_nodes import known_nodes
from ...runner.sockets import Socket, compatible, sockets

Cell = tuple[int, int]
"""Column and row, from the top left."""
BLUE, GREEN, OCHRE, RED, VIOLET = "#3f789e", "#6a8f5a", "#b58b2a", "#a0564a", "#7a5c99"
NOTE = "MarkdownNote"


@dataclass(eq=False)
class Box:
    """One node: its id, its kind, where it stands, and its inputs: values, or what it reads."""

    id: int
    kind: str
    cell: Cell
    title: str = ""
    inputs: dict[str, Any] = field(default_factory=dict)
    text: str = ""
    models: list[dict[str, str]] = field(default_factory=list)
    """Files that the node needs and the page may offer to download: name, address, and folder under models/."""

    @property
    def declared(self) -> dict[str, Socket]:
        """The inputs in the order in which the page has them: sockets first, then those with a widget."""
        if self.kind == NOTE:
            return {}
        return dict(sorted(sockets(known_nodes()[self.kind]).items(), key=lambda item: item[1].widget))

    @property
    def outputs(self) -> list[tuple[str, str]]:
        """Name and type of each output."""
        node = known_nodes().get(self.kind)
        types = getattr(node, "RETURN_TYPES", ())
        return list(zip(getattr(node, "RETURN_NAMES", types), types, strict=True))

    def output(self, name: str) -> Outlet:
        """One of several outputs, to be read by another node; ValueError where there is none of that name."""
        names = [output for output, _ in self.outputs]
        if name not in names:
            raise ValueError(f"{self.kind} has no output '{name}': the outputs are {', '.join(names)}.")
        return Outlet(self, names.index(name))


@dataclass(frozen=True)
class Outlet:
    """An output of a box."""

    box: Box
    slot: int

    @property
    def type(self) -> str:
        """What comes out, or "" where there is no such output."""
        outputs = self.box.outputs
        return outputs[self.slot][1] if self.slot < len(outputs) else ""


@dataclass(eq=False)
class Group:
    """A titled frame around boxes."""

    title: str
    colour: str
    boxes: list[Box] = field(default_factory=list)


class Canvas:
    """What a workflow is drawn on."""

    def __init__(self) -> None:
        self.boxes: list[Box] = []
        self.groups: list[Group] = []
        self._open: Group | None = None

    def add(self, kind: str, cell: Cell, title: str = "", **inputs: Any) -> Box:  # noqa: ANN401
        """A node at a cell; an input is a constant, the box whose first output it reads, or an outlet.

        ValueError where the node has no such input, or the input takes no such value.
        """
        box = Box(len(self.boxes) + 1, kind, cell, title)
        box.inputs = {name: _accepted(box.declared, name, value) for name, value in inputs.items()}
        self._place(box)
        return box

    def note(self, text: str) -> None:
        """What the workflow shows and what to play with, at the top left, above where it starts."""
        self._place(Box(len(self.boxes) + 1, NOTE, (1, -1), "What this shows", text=text))

    @contextmanager
    def group(self, title: str, colour: str) -> Iterator[None]:
        """A frame around the nodes that are added inside."""
        self._open = Group(title, colour)
        self.groups.append(self._open)
        yield
        self._open = None

    def _place(self, box: Box) -> None:
        self.boxes.append(box)
        if self._open is not None:
            self._open.boxes.append(box)


def _accepted(declared: Mapping[str, Socket], name: str, value: Any) -> Any:  # noqa: ANN401
    if name not in declared:
        raise ValueError(f"there is no input '{name}': the inputs are {', '.join(declared)}.")
    source = Outlet(value, 0) if isinstance(value, Box) else value
    if not isinstance(source, Outlet):
        return declared[name].accept(value)
    if not source.type or not compatible(source.type, declared[name].type):
        raise ValueError(f"'{name}' takes {declared[name].type}, which {source.box.kind} does not give.")
    return source
