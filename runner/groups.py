"""Group nodes, which the page had before subgraphs: each becomes the subgraph that it stands for.

What a group node shows (names, order of inputs, fields and outputs) is nowhere written down: the page derives it from
the nodes inside, and so it is done here.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from .graph import WorkflowError
from .sockets import CONTROLS, SEEDS, Socket, sockets, widget_values

Json = Mapping[str, Any]

PREFIXES = ("workflow>", "workflow/")
MUTED, BYPASSED = 2, 4
"""Modes of a node."""
ENTRANCE, EXIT = "-10", "-20"
"""The ids of a subgraph's own two ends among its links."""
PRIMITIVE, REROUTE = "PrimitiveNode", "Reroute"


def without_groups(data: Json, classes: Mapping[str, type]) -> Json:
    """The workflow with a subgraph in the place of each group node; WorkflowError where one cannot be seen through."""
    saved = (data.get("extra") or {}).get("groupNodes") or {}
    new: list[Json] = []

    def canvas(level: Json) -> Json:
        nodes = []
        for node in level.get("nodes") or []:
            if str(node["type"]).startswith(PREFIXES) and node.get("mode") not in (MUTED, BYPASSED):
                definition, node = _as_subgraph(node, saved, classes, f"group {len(new)} of {id(data)}")
                new.append(definition)
            nodes.append(node)
        inside = [canvas(each) for each in (level.get("definitions") or {}).get("subgraphs") or []]
        return {**level, "nodes": nodes, **({"definitions": {"subgraphs": inside}} if inside else {})}

    whole = canvas(data)
    if not new:
        return data
    known = (whole.get("definitions") or {}).get("subgraphs") or []
    return {**whole, "definitions": {"subgraphs": [*known, *new]}}


def _as_subgraph(host: Json, saved: Json, classes: Mapping[str, type], name: str) -> tuple[Json, Json]:
    """The subgraph that a group node is, and the node with the values of its fields by name."""
    called = str(host.get("title") or host["type"][len(PREFIXES[0]) :])
    refusal = WorkflowError(f"'{called}' is a subgraph, which cannot run here: unpack it in ComfyUI and save again")
    group = saved.get(host["type"][len(PREFIXES[0]) :])
    if group is None:
        raise refusal
    nodes: list[Json] = group["nodes"]
    links = [link for link in group.get("links") or [] if link[0] is not None]
    into = {(target, slot): (origin, out) for origin, out, target, slot, *_ in links}
    used = {(origin, out) for origin, out, *_ in links}
    external = {(index, slot) for index, slot, *_ in group.get("external") or []}
    config = group.get("config") or {}
    seen: dict[str, int] = {}
    inputs: list[Json] = []
    wires: list[Json] = []
    fields: list[tuple[int, str, str, bool]] = []  # node, its input, the group's name for it, whether a control follows
    inside: list[dict[str, Any]] = []
    outputs: list[Json] = []
    late: list[tuple[int, int, Socket]] = []  # fields that were made sockets come after everything else

    def custom(index: int, side: str, key: object) -> Json:
        return ((config.get(str(index)) or {}).get(side) or {}).get(str(key)) or {}

    def shown(index: int, key: str) -> str:
        node = nodes[index]
        label = next((each.get("label") for each in node.get("inputs") or [] if each["name"] == key), None)
        found = str(custom(index, "input", key).get("name") or label or key)
        counted = found
        if (node["type"] == PRIMITIVE and node.get("title")) or found in seen:
            prefix = node.get("title") or node["type"]
            counted = found = f"{prefix} {key}"
            if found in seen:
                found = f"{prefix} {seen[counted]} {key}"
        seen[counted] = seen.get(counted, 1) + 1
        return found

    def wire(origin: object, out: int, target: object, slot: int) -> int:
        names = ("id", "origin_id", "origin_slot", "target_id", "target_slot")
        wires.append(dict(zip(names, (len(wires) + 1, origin, out, target, slot), strict=True)))
        return len(wires)

    def connect(index: int, slot: int, key: str, kind: str, field: bool) -> None:
        inlet: dict[str, Any] = {"name": key, "type": kind, "link": None}
        if (index, slot) in into:
            inlet["link"] = wire(*into[index, slot], index, slot)
        else:
            outer = shown(index, key)
            if custom(index, "input", key).get("visible") is not False or field:
                inlet["link"] = wire(ENTRANCE, len(inputs), index, slot)
                inputs.append({"name": outer, "type": kind})
            if field:
                fields.append((index, key, outer, key in SEEDS))
        inside[index]["inputs"].append(inlet | ({"widget": {"name": key}} if field else {}))

    for index, node in enumerate(nodes):
        inside.append({**node, "id": index, "inputs": []})
        known = node["type"] in classes or node["type"] in (PRIMITIVE, REROUTE)
        if not known and (node.get("inputs") or node.get("outputs") or node["type"].startswith(PREFIXES)):
            raise refusal
        for key, slot, kind in _declared(index, node, nodes, links, external, classes):
            if isinstance(kind, Socket):
                late.append((index, slot, kind))
            elif slot < 0:
                fields.append((index, key, shown(index, key), kind == "control"))
            else:
                connect(index, slot, key, kind, False)
        count = len(getattr(classes.get(node["type"]), "RETURN_TYPES", ()))
        for out in range(1 if node["type"] in (PRIMITIVE, REROUTE) else count):
            hidden = (index, out) in used and (index, out) not in external
            if node["type"] == PRIMITIVE and (index, out) not in used:
                continue
            if node["type"] == REROUTE and hidden and (index, 0) in into:
                continue
            if custom(index, "output", out).get("visible", not hidden):
                wire(index, out, EXIT, len(outputs))
                outputs.append({"name": str(len(outputs))})
    for index, slot, socket in late:
        connect(index, slot, socket.name, socket.type, True)
    values = host.get("widgets_values") or []
    named = dict(values) if isinstance(values, dict) else {}
    rest = [] if isinstance(values, dict) else list(values)
    for index, key, outer, control in fields:
        if rest:
            named[outer] = rest.pop(0)
        if control and rest and rest[0] in CONTROLS:
            rest.pop(0)
        own: Any = inside[index].get("widgets_values") or []
        declared = classes.get(nodes[index]["type"])
        own = widget_values(own, declared) if declared else dict(zip(("value",), own, strict=False))
        inside[index]["widgets_values"] = {**own, **({key: named[outer]} if outer in named else {})}
    definition = {"id": name, "name": called, "nodes": inside, "links": wires, "inputs": inputs, "outputs": outputs}
    return definition, {**host, "type": name, "widgets_values": named}


def _declared(
    index: int,
    node: Json,
    nodes: list[Json],
    links: list[list[Any]],
    external: set[tuple[int, int]],
    classes: Mapping[str, type],
) -> Iterator[tuple[str, int, str | Socket]]:
    """What a node of a group takes, in the page's order: name, slot, and type.

    Fields have the slot -1, and "control" for a type where one more value follows; a field that was made a socket comes
    with what its class declares.
    """
    kind = node["type"]
    if kind == PRIMITIVE:
        for link in links:
            if link[0] == index:  # the page gives the field a control where it is a whole number or a choice
                yield "value", -1, "control" if str(link[5]) in ("INT", "COMBO") else str(link[5])
                break
    elif kind == REROUTE:
        out = next((link for link in links if link[0] == index), None)
        back = next((link for link in links if link[2] == index), None)
        if out and back and (index, 0) not in external:
            yield "", 0, "*"  # inside only; it has a link, so that it gets no name
            return
        type_ = nodes[out[2]]["inputs"][out[3]]["type"] if out else str(back[5]) if back and len(back) > 5 else "*"
        yield type_, 0, type_
    elif kind in classes:
        declared = sockets(classes[kind])
        made = {
            str(each["name"]): place
            for place, each in enumerate(node.get("inputs") or [])
            if (each.get("widget") or {}).get("name") == each["name"]
        }
        for name, socket in declared.items():
            if socket.widget and name not in made:
                yield name, -1, "control" if socket.control or name in SEEDS else socket.type
        plain = [name for name, socket in declared.items() if not socket.widget]
        for slot, name in enumerate(plain):
            yield name, slot, declared[name].type
        converted = [name for name in declared if declared[name].widget and name in made]
        for place, name in enumerate(sorted(converted, key=lambda each: str(made[each]))):  # as letters, as the page
            yield name, len(plain) + place, declared[name]
