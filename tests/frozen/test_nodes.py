"""Nodes keep what saved workflows hold: ids, inputs by position, types, defaults, choices and outputs."""

from typing import Any

import pytest

from brushwork import NODE_CLASS_MAPPINGS, NODE_DISPLAY_NAME_MAPPINGS
from brushwork.tests.frozen import entry

FROZEN = entry.frozen("nodes")
KEPT = ("default", "min", "max", "control_after_generate")
"""Of an input's options; the last one takes a place of its own among the values of a saved workflow."""
SECTIONS = ("required", "optional")

each_node = pytest.mark.parametrize("node", FROZEN)


def today() -> dict[str, Any]:
    return {node: _described(node) for node in NODE_CLASS_MAPPINGS}


@each_node
def test_words_stay(node: str) -> None:
    """Frozen by python -c "from brushwork.tests.frozen import entry; entry.freeze('nodes')"."""
    assert {key: _described(node)[key] for key in ("title", "category")} == {
        key: FROZEN[node][key] for key in ("title", "category")
    }


@each_node
def test_inputs_stay_in_their_places(node: str) -> None:
    """New ones go last."""
    before, now = _order(FROZEN[node]), _order(_described(node))
    assert now[: len(before)] == before


@each_node
def test_inputs_take_what_they_took(node: str) -> None:
    """Choices and ranges may grow."""
    now = _described(node)
    for section, name in _order(FROZEN[node]):
        old, new = FROZEN[node][section][name], now[section][name]
        for key in ("type", "default", "control_after_generate"):
            assert new.get(key) == old.get(key), (name, key)
        assert set(old.get("choices", ())) <= set(new.get("choices", ())), name
        assert new.get("min", 0) <= old.get("min", 0) and new.get("max", 0) >= old.get("max", 0), name


@each_node
def test_outputs_stay_in_their_places(node: str) -> None:
    before = FROZEN[node]["outputs"]
    assert _described(node)["outputs"][: len(before)] == before


def _described(node: str) -> dict[str, Any]:
    kind = NODE_CLASS_MAPPINGS[node]
    with entry.alone():
        inputs = kind.INPUT_TYPES()
    return {
        "title": NODE_DISPLAY_NAME_MAPPINGS[node],
        "category": kind.CATEGORY,
        **{section: {name: _input(*each) for name, each in inputs.get(section, {}).items()} for section in SECTIONS},
        "outputs": [list(each) for each in zip(kind.RETURN_NAMES, kind.RETURN_TYPES, strict=True)],
    }


def _input(kind: str | list[str], options: dict[str, Any]) -> dict[str, Any]:
    what = {"type": "COMBO", "choices": kind} if isinstance(kind, list) else {"type": kind}
    return what | {key: options[key] for key in KEPT if key in options}


def _order(node: dict[str, Any]) -> list[tuple[str, str]]:
    return [(section, name) for section in SECTIONS for name in node[section]]
