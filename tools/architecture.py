"""The drawing of `docs/ARCHITECTURE.md`: the rooms from the bottom of the house to the top, and who imports whom.

Lower rooms are wider. An arrow leaves the importing room to the right, bends down, and enters the imported room from
above; so a bend is an import, a plain crossing is none. Colours can be read on white and on black.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DRAWING = ROOT / "docs" / "architecture.svg"
ROOMS: tuple[str, ...] = (
    "transfer",
    "media",
    "samples",
    "models",
    "tiling",
    "methods",
    "training",
    "nodes",
    "runner",
    "cli",
    "",
    "tools",
)
"""From the bottom of the house to the top: a room imports those before it. The root's own modules are a room, too."""
COLOURS = ("#3f789e", "#57803f", "#9a6f1e", "#a0564a", "#7a5c99")
ROW, BOX, NARROWEST, LANE, BEND, RIM = 64, 46, 480, 44, 12, 12
"""Pixels: from row to row, height of a box, width of the uppermost, from lane to lane, radius of a bend, margin."""


def modules() -> list[Path]:
    """Every module of the package, relative to its root."""
    rooms = [path.parent for path in ROOT.glob("*/__init__.py")]
    return [path.relative_to(ROOT) for path in [*ROOT.glob("*.py"), *(p for room in rooms for p in room.rglob("*.py"))]]


@cache
def tree(module: Path) -> ast.Module:
    """The syntax tree of a module, of a path from the root."""
    return ast.parse((ROOT / module).read_text(encoding="utf-8"))


def room_of(parts: tuple[str, ...]) -> str:
    """The first folder of a module's path; the root's own modules have none."""
    return parts[0] if len(parts) > 1 else ""


def relative_imports(module: Path) -> Iterator[tuple[str, ...]]:
    """What `module` imports of the package, as paths from the root: ("transfer", "moments")."""
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = module.parts[: len(module.parts) - node.level]
            path = (*base, *(node.module or "").split(".")) if node.module else base
            yield from [path] if path else [(alias.name,) for alias in node.names]


def arrows() -> set[tuple[str, str]]:
    """Who imports whom: (importing room, imported room)."""
    pairs = {(room_of(module.parts), path[0]) for module in modules() for path in relative_imports(module)}
    return {(room, reached) for room, reached in pairs if (ROOT / reached).is_dir() and reached != room}


def drawing() -> str:
    """The SVG's text; arrows are paths of class `arrow`, whose `id` is `importing-imported`."""
    names = {room: room or "brushwork" for room in ROOMS}
    tops = {room: RIM + (len(ROOMS) - 1 - index) * ROW for index, room in enumerate(ROOMS)}
    rights = {room: RIM + NARROWEST + (len(ROOMS) - 1 - index) * LANE for index, room in enumerate(ROOMS)}
    lines = dict.fromkeys(ROOMS, 0)
    for module in modules():
        lines[room_of(module.parts)] += len((ROOT / module).read_text(encoding="utf-8").splitlines())
    width, height = max(rights.values()) + RIM, tops[ROOMS[0]] + BOX + RIM
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'font-family="system-ui, sans-serif" font-size="13">',
        "<title>The rooms of Brushwork, and who imports whom</title>",
        "<style>.arrow { fill: none; stroke-width: 2 } text { fill: #fff } .name { font-weight: bold }</style>",
    ]
    for index, room in enumerate(ROOMS):
        colour = COLOURS[index % len(COLOURS)]
        purpose = (ast.get_docstring(tree(Path(room, "__init__.py"))) or "").replace("`", "").partition(". ")[0]
        purpose = purpose.partition("; ")[0].splitlines()[0].rstrip(".")
        left, top = RIM + 10, tops[room]
        parts += [
            f'<rect id="{names[room]}" x="{RIM}" y="{top}" width="{rights[room] - RIM}" height="{BOX}" rx="6" '
            f'fill="{colour}"/>',
            f'<text x="{left}" y="{top + 19}"><tspan class="name">{names[room]}</tspan> {lines[room]:,} lines</text>',
            f'<text x="{left}" y="{top + 37}" font-size="11">{escape(purpose)}</text>',
        ]
    for room, reached in sorted(arrows(), key=lambda pair: (-ROOMS.index(pair[0]), ROOMS.index(pair[1]))):
        index = ROOMS.index(reached)
        colour, lane, end = COLOURS[index % len(COLOURS)], rights[reached] - LANE // 2, tops[reached]
        level = tops[room] + BOX // 2
        parts += [
            f'<path class="arrow" id="{names[room]}-{names[reached]}" stroke="{colour}" d="M {rights[room]} {level} '
            f'H {lane - BEND} Q {lane} {level} {lane} {level + BEND} V {end - 7}"/>',
            f'<path fill="{colour}" d="M {lane - 5} {end - 8} H {lane + 5} L {lane} {end} Z"/>',
        ]
    return "\n".join([*parts, "</svg>"]) + "\n"
