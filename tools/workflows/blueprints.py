"""Each system's first workflow as a subgraph: one node between content and picture, its stages inside.

Newer servers list the files of a pack's `subgraphs/` among their blueprints; any page with subgraphs opens them.
"""

from __future__ import annotations

import json
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from . import adain, msgnet, stylebank, wct
from .page import Json, Output
from .parts import Workflow

FOLDER = Path(__file__).parents[2] / "subgraphs"
BLUEPRINTS = {
    "AdaIN in stages": (adain.basic, {"Alpha": ["alpha"]}),
    "WCT in stages": (wct.basic, {f"WCT {level}": ["alpha"] for level in wct.LEVELS}),
    "MSG-Net in stages": (msgnet.basic, {}),
    "StyleBank in stages": (stylebank.basic, {"": ["style"], "Alpha": ["alpha"]}),
}
"""Title, what is inside, and which of its widgets show outside, by the titles of their nodes."""
INPUTS, OUTPUTS = -10, -20
"""The page's ids of a subgraph's two ends."""
OUTSIDE = ("BrushworkSamplePicture", "SaveImage", "MarkdownNote")
"""Kinds of nodes that stand for what is wired to a subgraph, or only explain."""


def blueprint(title: str) -> Json:
    """What the file of that title holds: a workflow of one node, and what is in it."""
    draw, shown = BLUEPRINTS[title]
    flow = Workflow(title)
    draw(flow)
    inside = [node for node in flow.nodes if node.kind not in OUTSIDE]
    sources = [node for node in flow.nodes if node.kind == "BrushworkSamplePicture"]
    (result,) = (node.inputs["images"] for node in flow.nodes if node.kind == "SaveImage")
    drawn = {node["id"]: node for node in flow.to_json()["nodes"]}
    links: list[Json] = []
    for node in inside:
        for slot, name in enumerate(node.declared):
            if isinstance(source := node.inputs.get(name), Output):
                given = source.node in sources
                origin = (INPUTS, sources.index(source.node)) if given else (source.node.id, source.slot)
                links.append(_link(len(links) + 1, *origin, node.id, slot, source.type))
    links.append(_link(len(links) + 1, result.node.id, result.slot, OUTPUTS, 0, "IMAGE"))
    nodes = [_wired(drawn[node.id], links) for node in inside]
    left, top = (min(node["pos"][axis] for node in nodes) for axis in (0, 1))
    right = max(node["pos"][0] + node["size"][0] for node in nodes)
    names = [source.title.lower() for source in sources]
    within = {
        "id": _id(title),
        "version": 1,
        "state": {"lastGroupId": 0, "lastNodeId": len(flow.nodes), "lastLinkId": len(links), "lastRerouteId": 0},
        "revision": 0,
        "config": {},
        "name": title,
        "inputNode": {"id": INPUTS, "bounding": [left - 200, top, 120, 40 + 20 * len(names)]},
        "outputNode": {"id": OUTPUTS, "bounding": [right + 80, top, 120, 60]},
        "inputs": [_end(title, name, _from(links, slot)) for slot, name in enumerate(names)],
        "outputs": [_end(title, "image", [links[-1]["id"]])],
        "widgets": [],
        "nodes": nodes,
        "groups": [],
        "links": links,
        "extra": {},
    }
    promoted = [[str(node.id), name] for node in inside for name in shown.get(node.title, []) if name in node.declared]
    outer = {
        "id": len(flow.nodes) + 1,  # that no node inside has
        "type": within["id"],
        "pos": [0, 0],
        "size": [280, 60 + 24 * len(promoted)],
        "flags": {},
        "order": 0,
        "mode": 0,
        "title": title,
        "inputs": [{"name": name, "type": "IMAGE", "link": None} for name in names],
        "outputs": [{"name": "image", "type": "IMAGE", "links": []}],
        "properties": {"proxyWidgets": promoted},
        "widgets_values": [],
    }
    return {
        "id": _id(f"{title}, file"),
        "revision": 0,
        "last_node_id": len(flow.nodes) + 1,
        "last_link_id": 0,
        "nodes": [outer],
        "links": [],
        "groups": [],
        "definitions": {"subgraphs": [within]},
        "config": {},
        "extra": {},
        "version": 0.4,
    }


def blueprint_text(title: str) -> str:
    """What its file holds."""
    return json.dumps(blueprint(title), indent=1, ensure_ascii=False) + "\n"


def _wired(node: Json, links: list[Json]) -> Json:
    """A node as it was drawn, with the subgraph's own links."""
    arriving = {link["target_slot"]: link["id"] for link in links if link["target_id"] == node["id"]}
    leaving = [link for link in links if link["origin_id"] == node["id"]]
    inputs = [{**entry, "link": arriving.get(slot)} for slot, entry in enumerate(node["inputs"])]
    outputs = [
        {**entry, "links": [link["id"] for link in leaving if link["origin_slot"] == slot]}
        for slot, entry in enumerate(node["outputs"])
    ]
    return {**node, "inputs": inputs, "outputs": outputs}


def _link(number: int, origin: int, origin_slot: int, target: int, target_slot: int, kind: str) -> Json:
    ends = {"origin_id": origin, "origin_slot": origin_slot, "target_id": target, "target_slot": target_slot}
    return {"id": number, **ends, "type": kind}


def _from(links: list[Json], slot: int) -> list[int]:
    """The links that leave one of the subgraph's own inputs."""
    return [link["id"] for link in links if (link["origin_id"], link["origin_slot"]) == (INPUTS, slot)]


def _end(title: str, name: str, links: list[int]) -> Json:
    return {"id": _id(f"{title}/{name}"), "name": name, "type": "IMAGE", "linkIds": links}


def _id(name: str) -> str:
    return str(uuid5(NAMESPACE_URL, f"brushwork/subgraphs/{name}"))
