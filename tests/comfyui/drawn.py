"""Small workflows as the page saves them, of what it keeps to itself: subgraphs, muted and bypassed nodes, notes."""

from typing import Any

Json = dict[str, Any]

ENTRANCE, EXIT = -10, -20
INPUTS = {
    "BrushworkBrushSize": [("style", "IMAGE", False), ("scale", "FLOAT", True)],
    "BrushworkPreserveColor": [("stylised", "IMAGE", False), ("content", "IMAGE", False)],
    "SaveImage": [("images", "IMAGE", False)],
    "Reroute": [("", "*", False)],
}
SHOWN = [("picture", "IMAGE", False), ("scale", "FLOAT", True)]
"""The inputs of the subgraphs here."""


def node(node_id: int, kind: str, values: Any = (), mode: int = 0, **links: int) -> Json:  # noqa: ANN401
    """A node with the number of the link into each input."""
    declared = INPUTS.get(kind, SHOWN if kind in ("big", "bigger") else [])
    inlets = [
        {"name": name, "type": type_, "link": links.get(name or "it"), **({"widget": {"name": name}} if field else {})}
        for name, type_, field in declared
    ]
    gives = {"PrimitiveFloat": "FLOAT", "PrimitiveNode": "FLOAT", "Reroute": "*", "SaveImage": ""}.get(kind, "IMAGE")
    outlets = [{"name": gives, "type": gives, "links": []}] if gives else []
    place = {"pos": [300 * node_id, 100], "size": [250, 100], "flags": {}, "order": node_id, "properties": {}}
    return {
        "id": node_id,
        "type": kind,
        "mode": mode,
        "inputs": inlets,
        "outputs": outlets,
        "widgets_values": list(values),
        **place,
    }


def filed(nodes: list[Json], links: list[list[Any]], definitions: list[Json] | None = None) -> Json:
    """The whole file; both ends of each link are written into the nodes, as the page does."""
    for link_id, origin, slot, target, target_slot, _ in links:
        for each in nodes:
            if each["id"] == origin and origin not in (ENTRANCE, EXIT):
                each["outputs"][slot]["links"].append(link_id)
            if each["id"] == target:
                each["inputs"][target_slot]["link"] = link_id
    numbers = {"last_node_id": 99, "last_link_id": 99, "revision": 0, "groups": [], "config": {}, "extra": {}}
    whole = {"id": "0b6f3c5e-0000-4000-8000-000000000000", "nodes": nodes, "links": links, "version": 0.4, **numbers}
    return {**whole, "definitions": {"subgraphs": definitions}} if definitions else whole


def subgraph(name: str, inner: str, values: list[Any], mode: int) -> Json:
    """A subgraph of a picture and a field around one node that takes both; bypassed as a whole, its nodes are too."""
    given = "style" if inner == "BrushworkBrushSize" else "picture"
    own = 3 if inner == "BrushworkBrushSize" else 4  # newer pages want ids that no other subgraph has
    inside = node(own, inner, values, mode, **{given: 1, "scale": 2})
    inside["outputs"][0]["links"] = [3]
    links = [
        (1, ENTRANCE, 0, own, 0, "IMAGE"),
        (2, ENTRANCE, 1, own, 1, "FLOAT"),
        (3, own, 0, EXIT, 0, "IMAGE"),
    ]
    names = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")
    ends = [("picture", "IMAGE", 1), ("scale", "FLOAT", 2)]
    state = {"lastGroupId": 0, "lastNodeId": 9, "lastLinkId": 9, "lastRerouteId": 0}
    return {
        "id": name,
        "version": 1,
        "state": state,
        "revision": 0,
        "config": {},
        "name": name,
        "inputNode": {"id": ENTRANCE, "bounding": [0, 0, 100, 100]},
        "outputNode": {"id": EXIT, "bounding": [900, 0, 100, 100]},
        "inputs": [
            {"id": f"{name}-{k}", "name": end, "type": type_, "linkIds": [link], "pos": [0, 0]}
            for k, (end, type_, link) in enumerate(ends)
        ],
        "outputs": [{"id": f"{name}-out", "name": "IMAGE", "type": "IMAGE", "linkIds": [3], "pos": [0, 0]}],
        "widgets": [],
        "nodes": [inside],
        "groups": [],
        "links": [dict(zip(names, link, strict=True)) for link in links],
        "extra": {},
    }


def through(kind: str, values: list[Any], mode: int = 0, more: list[Json] | None = None, *links: list[Any]) -> Json:
    """A sample picture, through one node, saved."""
    picture, save = node(1, "BrushworkSamplePicture", ["coffee"]), node(9, "SaveImage", ["x"])
    between = node(2, kind, values, mode)
    ends = [[21, 1, 0, 2, 0, "IMAGE"], [22, 2, 0, 9, 0, "IMAGE"], *links]
    known = [subgraph("big", "BrushworkBrushSize", [0.5], mode), subgraph("bigger", "big", [0.75], mode)]
    known = known if kind in ("big", "bigger") else []
    return filed([picture, between, save, *(more or [])], ends, known)


def grouped(values: list[Any]) -> Json:
    """A group node: a noise, blown up by what a primitive says, in the colours of the sample picture outside."""
    nodes = [
        node(0, "BrushworkTextureNoise", [32, 48, 7, "fixed"]),
        node(0, "PrimitiveNode", [3.0, "fixed"]),
        node(0, "BrushworkBrushSize", [0.5]),
        node(0, "BrushworkPreserveColor", ["luminance"]),
    ]
    nodes[1]["outputs"][0]["widget"] = {"name": "scale"}
    links = [[0, 0, 2, 0, 1, "IMAGE"], [1, 0, 2, 1, 2, "FLOAT"], [2, 0, 3, 0, 3, "IMAGE"]]
    content = {"nodes": nodes, "links": links, "external": [[3, 0, "IMAGE"]]}
    whole = through("BrushworkBrushSize", values)  # its one link goes to the only input of the group
    whole["nodes"][1] |= {"type": "workflow>Both", "inputs": [{"name": "content", "type": "IMAGE", "link": 21}]}
    return {**whole, "extra": {"groupNodes": {"Both": content}}}


def cases() -> dict[str, Json]:
    """Fresh workflows by name."""
    field = [23, 5, 0, 2, 1, "FLOAT"]
    return {
        "a subgraph": through("big", [2.0]),
        "a subgraph whose field has no value": through("big", []),
        "a subgraph inside of a subgraph": through("bigger", [2.0]),
        "a field fed from outside": through("big", [2.0], 0, [node(5, "PrimitiveFloat", [3.0])], field),
        "a field fed by a primitive": through(
            "BrushworkBrushSize", [2.0], 0, [node(5, "PrimitiveNode", [3.0, "fixed"])], field
        ),
        "a bypassed subgraph": through("big", [2.0], 4),
        "a bypassed node": through("BrushworkBrushSize", [2.0], 4),
        "a muted node": through("BrushworkBrushSize", [2.0], 2),
        "a reroute": through("Reroute", []),
        "a group node": grouped([64, 40, 9, "fixed", 2.0, "colour matching"]),
        "a note": through("BrushworkBrushSize", [2.0], 0, [node(5, "Note", ["hello"])]),
    }
