"""Nodes keep what saved workflows hold: ids, inputs by position, types, defaults, choices and outputs."""

from typing import Any

import pytest

from brushwork import NODE_CLASS_MAPPINGS, NODE_DISPLAY_NAME_MAPPINGS
from brushwork.tests.frozen import entry

FROZEN = entry.frozen("nodes")
KEPT = ("default", "min", "max", "control_after_generate")
"""Of an input's options; the last one takes a place of its own among the values of a saved workflow."""
SECTIONS = ("required", "optional")


def today() -> dict[str, Any]:
    return {node: _described(node) for node in NODE_CLASS_MAPPINGS}


@pytest.fixture(scope="module")
def now() -> dict[str, Any]:
    return today()


def test_words_stay(now: dict[str, Any]) -> None:
    """Frozen by python -c "from brushwork.tests.frozen import entry; entry.freeze('nodes')"."""
    assert [
        (node, key) for node in FROZEN for key in ("title", "category") if now[node][key] != FROZEN[node][key]
    ] == []


def test_widgets_stay_in_their_places(now: dict[str, Any]) -> None:
    """A workflow has their values in order: new ones go last."""
    for node, before in ((node, _widgets(each)) for node, each in FROZEN.items()):
        assert _widgets(now[node])[: len(before)] == before, node


def test_no_more_is_required(now: dict[str, Any]) -> None:
    """A workflow has sockets by their names, so that they may move, and ask for less."""
    for node, each in FROZEN.items():
        assert set(now[node]["required"]) <= set(each["required"]), node


def test_inputs_take_what_they_took(now: dict[str, Any]) -> None:
    """Choices and ranges may grow."""
    every = [(node, name) for node in FROZEN for name in _inputs(FROZEN[node])]
    narrower = [(node, name) for node, name in every if not _takes(*(_inputs(e[node])[name] for e in (now, FROZEN)))]
    assert len(every) > 100 and narrower == []


def test_a_narrower_input_is_seen() -> None:
    wide = {"type": "FLOAT", "default": 1.0, "min": 0.0, "max": 1.0, "choices": ["a", "b"]}
    narrow = ({"type": "INT"}, {"default": 0.5}, {"min": 0.1}, {"max": 0.9}, {"choices": ["a"]})
    assert _takes(wide, wide) and not any(_takes(wide | each, wide) for each in narrow)


def test_outputs_stay_in_their_places(now: dict[str, Any]) -> None:
    for node, each in FROZEN.items():
        assert now[node]["outputs"][: len(each["outputs"])] == each["outputs"], node


def _takes(new: dict[str, Any], old: dict[str, Any]) -> bool:
    """Whether an input takes all that it took, and unasked the same."""
    same = all(new.get(key) == old.get(key) for key in ("type", "default", "control_after_generate"))
    ranged = new.get("min", 0) <= old.get("min", 0) and new.get("max", 0) >= old.get("max", 0)
    return same and ranged and set(old.get("choices", ())) <= set(new.get("choices", ()))


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


def _inputs(node: dict[str, Any]) -> dict[str, Any]:
    return {name: each for section in SECTIONS for name, each in node[section].items()}


def _widgets(node: dict[str, Any]) -> list[str]:
    return [name for name, each in _inputs(node).items() if each["type"] in ("COMBO", "INT", "FLOAT", "STRING")]
