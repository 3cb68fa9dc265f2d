"""Group nodes, which are what is inside of them; the page's own way with one is asked in tests/comfyui."""

from typing import Any

import pytest

from brushwork.runner.formats import parse_workflow
from brushwork.runner.graph import Link, Node, WorkflowError
from brushwork.tests.runner.fakes import Json, inlet, ui, ui_node


def group(**more: Any) -> Json:  # noqa: ANN401
    """A noise of a seed, blended with a picture from outside, its share fed by a primitive."""
    field = [inlet("a", "IMAGE", None), inlet("b", "IMAGE", None), inlet("alpha", "FLOAT", None, widget=True)]
    nodes = [
        {**ui_node(0, "Noise", [7, "fixed", 5]), "outputs": [{"name": "IMAGE"}]},
        {**ui_node(0, "PrimitiveNode", [0.25, "fixed"], title="Share"), "outputs": [{"widget": {"name": "alpha"}}]},
        {**ui_node(0, "Blend", [0.5, "mix"], field), "outputs": [{"name": "IMAGE"}]},
    ]
    links = [[0, 0, 2, 1, 3, "IMAGE"], [1, 0, 2, 2, 4, "FLOAT"]]
    return {"nodes": nodes, "links": links, "external": [[2, 0, "IMAGE"]], **more}


def grouped(values: Any, content: Json, kind: str = "workflow>Both", **more: Any) -> Json:  # noqa: ANN401
    """A paint, through the group node 5, saved."""
    host = {**ui_node(5, kind, values, [inlet("a", "IMAGE", 1)]), "outputs": [{"name": "IMAGE"}], **more}
    nodes = [ui_node(1, "Paint", [0.5, 4]), host, ui_node(9, "SaveImage", ["x"], [inlet("images", "IMAGE", 2)])]
    links = [[1, 1, 0, 5, 0, "IMAGE"], [2, 5, 0, 9, 0, "IMAGE"]]
    return ui(nodes, links, extra={"groupNodes": {"Both": content}})


@pytest.mark.parametrize("kind", ["workflow>Both", "workflow/Both"])
@pytest.mark.parametrize(
    ("values", "seed", "width", "alpha", "how"),
    [
        ([3, "randomize", 6, 0.75, "add"], 3, 6, 0.75, "add"),
        ([3, 6, 0.75, "add"], 3, 6, 0.75, "add"),
        ([], 7, 5, 0.25, "mix"),  # as the group was made
        ({"seed": 3, "Share value": 0.75}, 3, 5, 0.75, "mix"),
    ],
)
def test_a_group_is_what_is_inside(
    kind: str, values: Any, seed: int, width: int, alpha: float, how: str, nodes: dict[str, type]  # noqa: ANN401
) -> None:  # fmt: skip
    assert parse_workflow(grouped(values, group(), kind), nodes).nodes == {
        "1": Node("Paint", {"level": 0.5, "width": 4}),
        "5:0": Node("Noise", {"seed": seed, "width": width}),
        "5:2": Node("Blend", {"a": Link("1", 0), "b": Link("5:0", 0), "alpha": alpha, "how": how}),
        "9": Node("SaveImage", {"images": Link("5:2", 0), "filename_prefix": "x"}),
    }


def test_two_of_one_kind_have_values_of_their_own(nodes: dict[str, type]) -> None:
    data = grouped([3, "fixed", 6, 0.75, "add"], group())
    data["nodes"].append(ui_node(6, "workflow>Both", [4, "fixed", 9, 0.5, "mix"], [inlet("a", "IMAGE", 1)]))
    graph = parse_workflow(data, nodes)
    assert [graph.nodes[f"{k}:0"].inputs for k in "56"] == [{"seed": 3, "width": 6}, {"seed": 4, "width": 9}]


def test_a_hidden_output_is_not_counted_and_a_shown_one_is(nodes: dict[str, type]) -> None:
    data = grouped([], group(config={"0": {"output": {"0": {"visible": True}}}}))
    data["links"][1] = [2, 5, 1, 9, 0, "IMAGE"]
    assert parse_workflow(data, nodes).nodes["9"].inputs["images"] == Link("5:2", 0)
    data["links"][1] = [2, 5, 0, 9, 0, "IMAGE"]
    assert parse_workflow(data, nodes).nodes["9"].inputs["images"] == Link("5:0", 0)


def test_a_field_made_a_socket_takes_a_link_or_its_value(nodes: dict[str, type]) -> None:
    content = group()
    del content["links"][1], content["nodes"][1]
    content["links"][0][2], content["external"] = 1, []
    data = grouped([3, "fixed", 6, "add", 0.75], content)
    assert parse_workflow(data, nodes).nodes["5:1"].inputs["alpha"] == 0.75
    data["nodes"][1]["inputs"].append(inlet("alpha", "FLOAT", 3, widget=True))
    data["nodes"].append(ui_node(2, "PrimitiveFloat", [0.1]))
    data["links"].append([3, 2, 0, 5, 1, "FLOAT"])
    inputs = parse_workflow(data, nodes).nodes["5:1"].inputs
    assert inputs == {"a": Link("1", 0), "b": Link("5:0", 0), "alpha": Link("2", 0), "how": "add"}


def test_inputs_of_one_name_have_the_title_before_them(nodes: dict[str, type]) -> None:
    """Two tints side by side: `image`, and `Second image`."""
    both = [inlet("image", "IMAGE", None), inlet("force", "FLOAT", None)]
    tints = [ui_node(0, "Tint", [], both), ui_node(0, "Tint", [], both, title="Second")]
    content = {"nodes": [{**each, "outputs": [{"name": "IMAGE"}]} for each in tints], "links": [], "external": []}
    host = [inlet("image", "IMAGE", 1), inlet("force", "FLOAT", 3), inlet("Second image", "IMAGE", 1)]
    data = grouped([], content, inputs=[*host, inlet("Second force", "FLOAT", 3)])
    data["nodes"].append(ui_node(2, "PrimitiveFloat", [0.1]))
    data["links"].append([3, 2, 0, 5, 1, "FLOAT"])
    graph = parse_workflow(data, nodes)
    assert graph.nodes["5:0"].inputs == graph.nodes["5:1"].inputs == {"image": Link("1", 0), "force": Link("2", 0)}


def test_a_reroute_inside(nodes: dict[str, type]) -> None:
    """One that hands on from outside, one between nodes."""
    noise = {**ui_node(0, "Encode", [], [inlet("image", "IMAGE", None)]), "outputs": [{"name": "FEATURES"}]}
    first, second = (ui_node(0, "Reroute", [], [inlet("", "*", None)]) for _ in range(2))
    invert = ui_node(0, "Blend", [0.5, "mix"], [inlet("a", "IMAGE", None), inlet("b", "IMAGE", None)])
    links = [[0, 0, 1, 0, 9, "IMAGE"], [1, 0, 2, 0, 9, "IMAGE"], [1, 0, 3, 0, 9, "IMAGE"], [2, 0, 3, 1, 9, "IMAGE"]]
    content = {"nodes": [first, second, {**second}, invert, noise], "links": links, "external": []}
    content["nodes"][2] = ui_node(0, "Reroute", [], [inlet("", "*", None)])
    data = grouped([], content, inputs=[inlet("IMAGE", "IMAGE", 1), inlet("*", "*", 1)])
    inputs = parse_workflow(data, nodes).nodes["5:3"].inputs
    assert inputs["b"] == inputs["a"] == Link("1", 0)


@pytest.mark.parametrize(
    "content",
    [
        {"nodes": [ui_node(0, "workflow>Other", [])], "links": []},
        {"nodes": [{**ui_node(0, "OfAnotherPack", [3]), "outputs": [{"name": "IMAGE"}]}], "links": []},
        None,
    ],
)
def test_what_cannot_be_seen_through_is_one_sentence(content: Json | None, nodes: dict[str, type]) -> None:
    data = grouped([], content or {}, title="Mine")
    if content is None:
        data["extra"] = {}
    with pytest.raises(WorkflowError, match="^'Mine' is a subgraph, which cannot run here: unpack it in ComfyUI"):
        parse_workflow(data, nodes)


@pytest.mark.parametrize("mode", [2, 4])
def test_one_that_does_not_run_need_not_be_known(mode: int, nodes: dict[str, type]) -> None:
    graph = parse_workflow(grouped([], {}, mode=mode), nodes)
    assert set(graph.nodes) == {"1", "9"}
