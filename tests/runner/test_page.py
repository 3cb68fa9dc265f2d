"""What the page keeps to itself: walls of subgraphs, Set and Get, other packs' nodes; no file here is from a page."""

from typing import Any

import pytest

from brushwork.runner.formats import parse_workflow
from brushwork.runner.graph import Graph, Link, Node, WorkflowError
from brushwork.tests.runner.fakes import Json, fake_nodes, inlet, ui, ui_node

ENTRANCE, EXIT = -10, -20


def link(number: int, origin: int, slot: int, target: int, target_slot: int, kind: str = "IMAGE") -> Json:
    names = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")
    return dict(zip(names, (number, origin, slot, target, target_slot, kind), strict=True))


def tone(definition: str = "tone", inner: str = "Blend") -> Json:
    """A subgraph of two inputs, a picture and a field, that blends the picture with a paint of its own."""
    field = [inlet("a", "IMAGE", 1), inlet("b", "IMAGE", 2), inlet("alpha", "FLOAT", 3, widget=True)]
    return {
        "id": definition,
        "name": "Tone",
        "inputs": [{"name": "picture", "type": "IMAGE"}, {"name": "strength", "type": "FLOAT"}],
        "outputs": [{"name": "out", "type": "IMAGE"}],
        "nodes": [ui_node(1, "Paint", [1.0, 4]), ui_node(2, inner, [0.1, "mix"], field)],
        "links": [
            link(1, ENTRANCE, 0, 2, 0),
            link(2, 1, 0, 2, 1),
            link(3, ENTRANCE, 1, 2, 2, "FLOAT"),
            link(4, 2, 0, EXIT, 0),
        ],
    }


def toned(host: Json, *definitions: Json, more: list[Json] | None = None, links: list[Json] | None = None) -> Json:
    """A paint, through the subgraph node 5, saved."""
    nodes = [ui_node(1, "Paint", [0.5, 4]), host, ui_node(9, "SaveImage", ["x"], [inlet("images", "IMAGE", 2)])]
    between = [link(1, 1, 0, 5, 0), link(2, 5, 0, 9, 0), *(links or [])]
    return ui([*nodes, *(more or [])], between, definitions={"subgraphs": list(definitions)})


def host(kind: str = "tone", values: Any = (), mode: int = 0, strength: Json | None = None) -> Json:  # noqa: ANN401
    inlets = [inlet("picture", "IMAGE", 1), *([strength] if strength else [])]
    return {**ui_node(5, kind, values, inlets, mode), "outputs": [{"name": "out", "type": "IMAGE"}]}


def blended(alpha: object) -> Node:
    return Node("Blend", {"a": Link("1", 0), "b": Link("5:1", 0), "alpha": alpha, "how": "mix"})


@pytest.mark.parametrize(
    ("values", "alpha"),
    [
        ([0.75], 0.75),
        ([], 0.1),  # the inner node's own
        ([None], 0.1),
        ({"strength": 0.75}, 0.75),
    ],
)
def test_a_subgraph_is_seen_through(values: Any, alpha: float, nodes: dict[str, type]) -> None:  # noqa: ANN401
    assert parse_workflow(toned(host(values=values), tone()), nodes).nodes == {
        "1": Node("Paint", {"level": 0.5, "width": 4}),
        "5:1": Node("Paint", {"level": 1.0, "width": 4}),
        "5:2": blended(alpha),
        "9": Node("SaveImage", {"images": Link("5:2", 0), "filename_prefix": "x"}),
    }


def test_a_field_that_the_page_has_not_written_as_one(nodes: dict[str, type]) -> None:
    definition = tone()
    del definition["nodes"][1]["inputs"][2]["widget"]
    assert parse_workflow(toned(host(values=[0.75]), definition), nodes).nodes["5:2"] == blended(0.75)


def test_a_link_into_a_shown_field(nodes: dict[str, type]) -> None:
    changed = toned(
        host(values=[0.75], strength=inlet("strength", "FLOAT", 3, widget=True)),
        tone(),
        more=[ui_node(3, "PrimitiveFloat", [0.25])],
        links=[link(3, 3, 0, 5, 1, "FLOAT")],
    )
    assert parse_workflow(changed, nodes).nodes["5:2"] == blended(Link("3", 0))
    changed["nodes"][3]["type"] = "PrimitiveNode"
    assert parse_workflow(changed, nodes).nodes["5:2"] == blended(0.25)


def test_fields_of_nodes_inside_have_their_values_there(nodes: dict[str, type]) -> None:
    proxies = {"properties": {"proxyWidgets": [["1", "level"], ["-1", "strength"]]}}
    graph = parse_workflow(toned({**host(values=[0.9, 0.75]), **proxies}, tone()), nodes)
    assert graph.nodes["5:1"].inputs["level"] == 1.0
    assert graph.nodes["5:2"] == blended(0.75)


def nested() -> Json:
    """A subgraph that hands both its inputs to another one, and back what that one gives."""
    inlets = [inlet("picture", "IMAGE", 1), inlet("strength", "FLOAT", 2, widget=True)]
    return {
        "id": "outer",
        "name": "Outer",
        "inputs": [{"name": "it", "type": "IMAGE"}, {"name": "share", "type": "FLOAT"}],
        "outputs": [{"name": "out", "type": "IMAGE"}],
        "nodes": [ui_node(7, "tone", [0.3], inlets)],
        "links": [link(1, ENTRANCE, 0, 7, 0), link(2, ENTRANCE, 1, 7, 1, "FLOAT"), link(3, 7, 0, EXIT, 0)],
    }


@pytest.mark.parametrize("where", ["beside", "inside"])
def test_subgraphs_inside_of_subgraphs(where: str, nodes: dict[str, type]) -> None:
    outer = nested()
    if where == "inside":
        outer["definitions"] = {"subgraphs": [tone()]}
    known = [outer] if where == "inside" else [outer, tone()]
    it = {**host("outer", [0.75]), "inputs": [inlet("it", "IMAGE", 1)]}
    graph = parse_workflow(toned(it, *known), nodes)
    assert set(graph.nodes) == {"1", "5:7:1", "5:7:2", "9"}
    assert graph.nodes["5:7:2"].inputs == {"a": Link("1", 0), "b": Link("5:7:1", 0), "alpha": 0.75, "how": "mix"}
    assert graph.nodes["9"].inputs["images"] == Link("5:7:2", 0)


def test_one_subgraph_in_two_places_has_two_values(nodes: dict[str, type]) -> None:
    second = {**host(values=[0.25]), "id": 6, "inputs": [inlet("picture", "IMAGE", 3)]}
    save = ui_node(8, "SaveImage", ["y"], [inlet("images", "IMAGE", 4)])
    links = [link(3, 5, 0, 6, 0), link(4, 6, 0, 8, 0)]
    graph = parse_workflow(toned(host(values=[0.75]), tone(), more=[second, save], links=links), nodes)
    assert [graph.nodes[f"{k}:2"].inputs["alpha"] for k in (5, 6)] == [0.75, 0.25]
    assert graph.nodes["6:2"].inputs["a"] == Link("5:2", 0)


def test_an_output_node_inside(nodes: dict[str, type]) -> None:
    definition = tone(inner="SaveImage")
    definition["nodes"][1]["inputs"] = [inlet("images", "IMAGE", 1)]
    definition["links"] = [link(1, ENTRANCE, 0, 2, 0)]
    graph = parse_workflow(toned(host(), definition), nodes)
    assert graph.nodes["5:2"].inputs["images"] == Link("1", 0)
    assert "images" not in graph.nodes["9"].inputs  # nothing comes out


def test_a_muted_subgraph_is_gone_and_a_bypassed_one_hands_on(nodes: dict[str, type]) -> None:
    muted = parse_workflow(toned(host(mode=2), tone()), nodes)
    assert set(muted.nodes) == {"1", "9"} and "images" not in muted.nodes["9"].inputs
    assert parse_workflow(toned(host(mode=4), tone()), nodes).nodes["9"].inputs["images"] == Link("1", 0)


def test_a_subgraph_inside_of_itself(nodes: dict[str, type]) -> None:
    definition = tone(inner="tone")
    with pytest.raises(WorkflowError, match="^the subgraph 'Tone' is inside of itself: remove it there$"):
        parse_workflow(toned(host(), definition), nodes)


def test_subgraphs_that_multiply(nodes: dict[str, type]) -> None:
    """Ten of ten of ten ... are too many before they fill the memory."""
    definitions = [
        {"id": f"d{level}", "nodes": [ui_node(k, f"d{level + 1}") for k in range(10)], "links": []}
        for level in range(12)
    ]
    with pytest.raises(WorkflowError, match="^this workflow has more than 20000 nodes: cut it into several$"):
        parse_workflow(ui([ui_node(5, "d0")], [], definitions={"subgraphs": definitions}), nodes)


def chained(between: Json, *more: Json) -> Graph:
    """A paint by link 1, through a node, saved by link 9."""
    nodes = [ui_node(1, "Paint", [0.5, 4]), ui_node(9, "SaveImage", ["x"], [inlet("images", "IMAGE", 9)])]
    links = [[1, 1, 0, 2, 0, "IMAGE"], [9, between["id"], 0, 9, 0, "*"]]
    return parse_workflow(ui([*nodes, between, *more], links), fake_nodes())


@pytest.mark.parametrize("kind", ["Reroute", "Reroute (rgthree)", "ReroutePrimitive|pysssss", "SetNode"])
def test_reroutes_of_other_packs(kind: str) -> None:
    graph = chained(ui_node(2, kind, ["name"], [inlet("", "*", 1)]))
    assert graph.nodes["9"].inputs["images"] == Link("1", 0) and set(graph.nodes) == {"1", "9"}


@pytest.mark.parametrize(("put", "take"), [("SetNode", "GetNode"), ("easy setNode", "easy getNode")])
def test_set_and_get(put: str, take: str) -> None:
    setters = (ui_node(2, put, ["other"], []), ui_node(3, put, ["style"], [inlet("IMAGE", "IMAGE", 1)]))
    graph = chained(ui_node(4, take, ["style"]), *setters)
    assert graph.nodes["9"].inputs["images"] == Link("1", 0) and set(graph.nodes) == {"1", "9"}
    missing = chained(ui_node(4, take, ["nobody"]), *setters)
    assert "images" not in missing.nodes["9"].inputs


def test_a_get_inside_of_a_subgraph_finds_the_set_outside(nodes: dict[str, type]) -> None:
    definition = tone()
    definition["nodes"][0] = ui_node(1, "GetNode", ["style"])
    setter = ui_node(3, "SetNode", ["style"], [inlet("IMAGE", "IMAGE", 7)])
    graph = parse_workflow(toned(host(), definition, more=[setter], links=[link(7, 1, 0, 3, 0)]), nodes)
    assert graph.nodes["5:2"].inputs["b"] == Link("1", 0)


def test_a_circle_of_set_and_get() -> None:
    with pytest.raises(WorkflowError, match="^nodes 4 form a circle of links: remove one of the links$"):
        chained(ui_node(4, "GetNode", ["a"]), ui_node(5, "SetNode", ["a"], [inlet("IMAGE", "IMAGE", 9)]))


def test_a_class_of_the_same_name_is_no_node_of_the_page(nodes: dict[str, type]) -> None:
    nodes["ImageReroute"] = nodes["Encode"]
    data = ui([ui_node(1, "ImageReroute", None, [inlet("image", "IMAGE", None)])], [])
    assert set(parse_workflow(data, nodes).nodes) == {"1"}


def test_what_has_no_link_is_a_label_and_what_has_one_is_not(nodes: dict[str, type]) -> None:
    muter = ui_node(3, "Fast Muter (rgthree)", [], [inlet("Paint", "*", 1)])
    strange = ui_node(4, "VideoOfAnotherPack", [], [inlet("images", "IMAGE", 2)])
    data = ui(
        [ui_node(1, "Paint", [0.5, 4]), ui_node(2, "Label (somebody)", ["hello"]), muter, strange],
        [[1, 1, 0, 3, 0, "*"], None, [2, 1, 0, 4, 0, "IMAGE"]],
    )
    assert set(parse_workflow(data, nodes).nodes) == {"1", "4"}


@pytest.mark.parametrize(
    ("inlets", "given", "wanted", "passed"),
    [
        ("MASK IMAGE", "IMAGE", "IMAGE", 1),
        ("IMAGE IMAGE", "IMAGE", "IMAGE", 0),
        ("MASK IMAGE", "IMAGE", "*", 0),
        ("MASK,IMAGE IMAGE", "IMAGE", "IMAGE", 0),  # the one opposite, where its types allow it
        ("MASK * IMAGE", "IMAGE", "IMAGE", 2),  # else the very type before any
        ("MASK *", "IMAGE", "IMAGE", 1),
        ("MASK LATENT", "IMAGE", "IMAGE", None),
        ("", "IMAGE", "IMAGE", None),
    ],
)
def test_what_a_bypassed_node_hands_on(
    inlets: str, given: str, wanted: str, passed: int | None, nodes: dict[str, type]
) -> None:
    kinds = inlets.split()
    bypassed = ui_node(5, "Blend", [], [inlet(f"i{k}", kind, k + 1) for k, kind in enumerate(kinds)], mode=4)
    bypassed["outputs"] = [{"name": "image", "type": given}]
    sources = [ui_node(k + 10, "Paint", [0.5, 4]) for k in range(len(kinds))]
    links = [[k + 1, k + 10, 0, 5, k, kind] for k, kind in enumerate(kinds)]
    save = ui_node(9, "SaveImage", ["x"], [inlet("images", wanted, 50)])
    graph = parse_workflow(ui([bypassed, save, *sources], [*links, [50, 5, 0, 9, 0, wanted]]), nodes)
    assert graph.nodes["9"].inputs.get("images") == (None if passed is None else Link(str(passed + 10), 0))


def test_a_name_for_prefixes_is_kept_where_it_is_another(nodes: dict[str, type]) -> None:
    named = {**ui_node(1, "Paint", [0.5, 4]), "properties": {"Node name for S&R": "brush"}}
    usual = {**ui_node(2, "Paint", [0.5, 4]), "properties": {"Node name for S&R": "Paint"}}
    graph = parse_workflow(ui([named, usual], []), nodes)
    assert [graph.nodes[key].alias for key in "12"] == ["brush", ""]


def test_a_name_of_an_input_that_is_no_text(nodes: dict[str, type]) -> None:
    strange = {"name": "level", "type": "FLOAT", "link": 1, "widget": {"name": True}}
    data = ui([ui_node(1, "Paint", [0.5, 4], [strange]), ui_node(2, "Paint", [0.5, 4])], [[1, 2, 0, 1, 0, "IMAGE"]])
    assert set(parse_workflow(data, nodes).nodes["1"].inputs) == {"level", "width", "True"}
