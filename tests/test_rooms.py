"""The design's arrows between rooms, read from the imports; and what importing the pack brings along."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from brushwork.tools.architecture import ROOMS, ROOT, arrows, modules, room_of, tree

HEAVY = ("kornia", "typer", "rich", "PIL", "torchvision", "safetensors", "comfy", "folder_paths")


def absolute_imports(module: Path) -> Iterator[str]:
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module or ""


def test_arrows_point_one_way() -> None:
    assert {room_of(module.parts) for module in modules()} == set(ROOMS)
    assert [(room, reached) for room, reached in arrows() if ROOMS.index(reached) >= ROOMS.index(room)] == []


def test_the_arrows_are_seen() -> None:
    """The reader above finds what is known to be there."""
    assert {("", "nodes"), ("nodes", "transfer"), ("nodes", "models"), ("cli", "methods")} <= arrows()


def test_only_relative_imports_inside_the_package() -> None:
    own = {path.name for path in ROOT.iterdir() if (path / "__init__.py").is_file()} | {"brushwork", "tests"}
    absolute = [(module, name) for module in modules() for name in absolute_imports(module)]
    assert len(absolute) > 100 and [found for found in absolute if found[1].split(".")[0] in own] == []


def test_only_the_host_knows_comfyui() -> None:
    mention = re.compile(r"\b(comfy|comfy_\w+|folder_paths)\b")
    assert [m for m in modules() if mention.search((ROOT / m).read_text(encoding="utf-8"))] == [Path("nodes/_host.py")]


def test_the_host_imports_comfyui_inside_functions_only() -> None:
    body = tree(Path("nodes/_host.py")).body
    names = [alias.name for node in body if isinstance(node, ast.Import | ast.ImportFrom) for alias in node.names]
    assert not [name for name in names if name.split(".")[0] in ("comfy", "folder_paths")]


def prints_or_searches(code: ast.AST) -> bool:
    """Whether it prints, or touches somebody's `sys.path`."""
    return any(
        (isinstance(node, ast.Name) and node.id == "print")
        or (isinstance(node, ast.Attribute) and ast.unparse(node) == "sys.path")
        or (isinstance(node, ast.ImportFrom) and node.module == "sys" and node.names[0].name == "path")
        for node in ast.walk(code)
    )


def test_neither_print_nor_search_path() -> None:
    assert [module for module in modules() if prints_or_searches(tree(module))] == []
    assert all(map(prints_or_searches, map(ast.parse, ("print(1)", "import sys; sys.path", "from sys import path"))))


def test_packages_are_the_folders() -> None:
    tomllib = pytest.importorskip("tomllib")
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    initialised = [path.parent.relative_to(ROOT) for path in ROOT.rglob("__init__.py")]
    apart = {"tests", "benchmarks", "tools", "build", "out"}
    ours = [p for p in initialised if not (p.parts and (p.parts[0] in apart or p.parts[0].startswith(".")))]
    assert sorted(settings["tool"]["setuptools"]["packages"]) == sorted(".".join(("brushwork", *p.parts)) for p in ours)


def test_every_folder_with_modules_is_a_package() -> None:
    assert {module.parent for module in modules()} == {m.parent for m in modules() if m.name == "__init__.py"}


def test_importing_the_pack_brings_nothing_heavy() -> None:
    """As ComfyUI imports it, in a process of its own, under a name that is no identifier."""
    code = (
        "import importlib.util, sys, torch\n"
        f"spec = importlib.util.spec_from_file_location('ComfyUI Brush-work', {str(ROOT / '__init__.py')!r})\n"
        "before = set(sys.modules)\n"
        "module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)\n"
        "path = list(sys.path)\n"
        "spec.loader.exec_module(module)\n"
        "assert module.NODE_CLASS_MAPPINGS and sys.path == path\n"
        "print(*(set(sys.modules) - before), sep='\\n')\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    brought = {name.split(".")[0] for name in result.stdout.splitlines()}
    assert "ComfyUI Brush-work" in brought
    assert brought.isdisjoint(HEAVY)
