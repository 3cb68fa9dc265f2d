"""Every node as ComfyUI and a person meet it: its ids, inputs, defaults and words."""

import inspect

import pytest

from brushwork.nodes import NODE_CLASS_MAPPINGS, NODE_DISPLAY_NAME_MAPPINGS, NODES
from brushwork.nodes._base import FEATURES, NETWORK

PUBLISHED = {
    "BrushworkStyleTransfer",
    "BrushworkPaintedStyle",
    "BrushworkLoadStyleNetwork",
    "BrushworkStyleEncoder",
    "BrushworkStyleDecoder",
    "BrushworkAdaIN",
    "BrushworkWCT",
    "BrushworkWCTLevel",
    "BrushworkCoMatch",
    "BrushworkStyleBankFilter",
    "BrushworkStyleBankMix",
    "BrushworkBlendByAlpha",
    "BrushworkMixStyles",
    "BrushworkRegionMask",
    "BrushworkPreserveColor",
    "BrushworkBrushSize",
    "BrushworkTextureNoise",
    "BrushworkSamplePicture",
    "BrushworkContactSheet",
    "BrushworkStyleReport",
    "BrushworkLearnStyle",
    "BrushworkStylizeLarge",
    "BrushworkLatentAdaIN",
    "BrushworkLatentWCT",
    "BrushworkStyleLatentOperation",
    "BrushworkHoldStill",
    "BrushworkSampleVideo",
}
"""Ids in people's workflows: this list may only grow."""
WIDGETS = ("INT", "FLOAT", "STRING")
SOCKETS = ("IMAGE", "MASK", "VIDEO", "LATENT", "LATENT_OPERATION", "MODEL", NETWORK, FEATURES)

every_node = pytest.mark.parametrize("name", NODES)


def test_no_published_id_is_gone() -> None:
    assert set(NODES) >= PUBLISHED
    assert all(name.startswith("Brushwork") for name in NODES)


def test_titles_are_there_and_differ() -> None:
    assert dict(NODES) == NODE_CLASS_MAPPINGS
    assert set(NODE_DISPLAY_NAME_MAPPINGS) == set(NODES)
    assert len(set(NODE_DISPLAY_NAME_MAPPINGS.values())) == len(NODES)


@every_node
def test_words(name: str) -> None:
    node = NODES[name]
    assert node.CATEGORY.partition("/")[0] == "brushwork"
    assert node.DESCRIPTION.endswith(".")
    assert node.SEARCH_ALIASES and all(alias == alias.lower() for alias in node.SEARCH_ALIASES)


@every_node
def test_outputs_are_described(name: str) -> None:
    node = NODES[name]
    assert len(node.RETURN_TYPES) == len(node.RETURN_NAMES) == len(node.OUTPUT_TOOLTIPS) > 0
    assert all(tip.endswith(".") for tip in node.OUTPUT_TOOLTIPS)


@every_node
def test_every_input_is_well_formed(name: str) -> None:
    inputs = NODES[name].INPUT_TYPES()
    assert set(inputs) <= {"required", "optional", "hidden"}
    for kind, options in {**inputs["required"], **inputs.get("optional", {})}.values():
        assert options["tooltip"].endswith(".")
        if isinstance(kind, list):
            assert options["default"] in kind and len(set(kind)) == len(kind)
        elif kind in ("INT", "FLOAT"):
            assert options["min"] <= options["default"] <= options["max"]
        else:
            assert kind in (*SOCKETS, "STRING")


@every_node
def test_arguments_are_the_inputs(name: str) -> None:
    inputs = NODES[name].INPUT_TYPES()
    required, optional = inputs["required"], inputs.get("optional", {})
    taken = _arguments(name)
    named = {key for key, argument in taken.items() if argument.kind is not argument.VAR_KEYWORD}
    known = {*required, *optional, *inputs.get("hidden", {})}
    assert named <= known
    if len(named) == len(taken):  # no **rest
        assert named == known
    assert set(required) <= named
    assert all(taken[key].default is not inspect.Parameter.empty for key in optional if key in taken)


@every_node
def test_defaults_of_widgets_are_those_of_arguments(name: str) -> None:
    taken = _arguments(name)
    inputs = NODES[name].INPUT_TYPES()
    for key, (_, options) in {**inputs["required"], **inputs.get("optional", {})}.items():
        if key in taken and "default" in options and taken[key].default is not inspect.Parameter.empty:
            assert options["default"] == taken[key].default


@every_node
def test_types_are_our_own_or_the_hosts(name: str) -> None:
    assert set(NODES[name].RETURN_TYPES) <= {*SOCKETS, *WIDGETS}


def _arguments(name: str) -> dict[str, inspect.Parameter]:
    function = NODES[name].run
    return {key: value for key, value in inspect.signature(function).parameters.items() if key != "self"}
