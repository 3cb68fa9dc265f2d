"""Workflows that ComfyUI's page saved with 0.1.0, before nodes had their newest inputs, mean what they meant."""

from pathlib import Path

import pytest

from brushwork.tests.frozen.entry import DECODERS, workflow
from brushwork.tests.frozen.make_pictures import WORKFLOWS, painted_by, read
from brushwork.tests.frozen.test_pictures import decibels
from brushwork.tests.tolerances import FROZEN
from brushwork.tools.workflows import FOLDER

METHODS = {"adain_regions": "adain", "msgnet_interpolation": "msgnet", "stylebank_fusion": "stylebank"} | {
    "stylize_large": "wct"
}
LEVELS = {f"alpha_relu{level}_1": 0.6 for level in (5, 4, 3, 2, 1)}
MEANT = {
    "adain_regions": {
        "BrushworkStyleDecoder": [{"trained_for": "adain"}],
        "BrushworkAdaIN": 2 * [{"statistics": "per image"}],
        "BrushworkRegionMask": [{"feather": 8.0}],
    },
    "msgnet_interpolation": {
        "BrushworkMixStyles": [{"weight_1": 1 - n / 4, "weight_2": n / 4, "weight_3": 1.0} for n in range(5)],
        "BrushworkContactSheet": [{"columns": 3, "side": 320}],
    },
    "stylebank_fusion": {
        "BrushworkStyleBankMix": [
            {
                **{"style_1": "van gogh starry night", "weight_1": 1 - n / 4},
                **{"style_2": "boccioni city rises", "weight_2": n / 4, "style_3": "none"},
            }
            for n in range(5)
        ],
    },
    "stylize_large": {
        "BrushworkStylizeLarge": [
            {"method": "whitening-colouring", **LEVELS, "weight_1": 1.0, "weight_4": 1.0, "statistics": "per image"}
        ],
        "BrushworkBrushSize": [{"scale": 4.0}, {"scale": 2.0}],
    },
}
"""What stands in each file by position, read from it by eye."""

NEED_NO_NETWORK = ("BrushworkStyleDecoder", "BrushworkCoMatch", "BrushworkStyleBankMix")

each_workflow = pytest.mark.parametrize("saved", WORKFLOWS, ids=lambda path: path.stem)


@each_workflow
def test_its_values_are_those_of_their_places(saved: Path) -> None:
    nodes = workflow(saved).nodes.values()
    for kind, meant in MEANT[saved.stem].items():
        found = [node.inputs for node in nodes if node.kind == kind]
        assert [{key: own[key] for key in each} for own, each in zip(found, meant, strict=True)] == meant


@each_workflow
def test_it_is_todays(saved: Path) -> None:
    """The same nodes, links and values; inputs that came later have their defaults.

    Decoders are still named, networks still wired to nodes that need none since features know theirs, and AdaIN's is
    still the one of before.
    """
    old, new = workflow(saved), workflow(FOLDER / saved.name)
    for node_id, node in old.nodes.items():
        kept = {"network": node.inputs["network"]} if node.kind in NEED_NO_NETWORK else {}
        if node.kind == "BrushworkStyleDecoder":
            assert node.inputs["trained_for"] in DECODERS
            kept["trained_for"] = node.inputs["trained_for"]
        if new.nodes[node_id].inputs.get("name") == "compact-adain":
            kept["name"] = "compact"
        new = new.with_node(node_id, new.nodes[node_id].with_inputs(**kept))
    assert len(old.nodes) > 5 and old == new


@each_workflow
def test_it_paints_what_it_painted(saved: Path, tmp_path: Path) -> None:
    """Frozen by python tests/frozen/make_pictures.py."""
    expected, actual = read(saved.with_suffix(".png")), painted_by(saved, tmp_path)
    assert actual.shape == expected.shape
    assert decibels(actual, expected) > FROZEN[METHODS[saved.stem]]
