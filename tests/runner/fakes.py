"""Small V1 node classes, as a pack would write them, and builders for workflows of both formats."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from brushwork.runner.core_nodes import CORE_NODES

Json = dict[str, Any]


def fake(run: Callable[..., Any], inputs: Json, outputs: tuple[Any, ...] = ("IMAGE",), **attributes: Any) -> type:  # noqa: ANN401
    """A V1 node class whose function is `run`; every call is counted in `calls`."""
    calls: list[None] = []

    def execute(self: object, **arguments: Any) -> Any:  # noqa: ANN401
        calls.append(None)
        return run(**arguments)

    members = {
        "INPUT_TYPES": classmethod(lambda cls: inputs),
        "RETURN_TYPES": outputs,
        "FUNCTION": "execute",
        "execute": execute,
        "calls": calls,
        **attributes,
    }
    return type("Fake", (), members)


def paint(level: float, width: int) -> tuple[Tensor]:
    return (torch.full((1, 2, width, 3), level),)


def blend(a: Tensor, b: Tensor, alpha: float, how: str = "mix") -> tuple[Tensor]:
    return (torch.lerp(a, b, alpha) if how == "mix" else a + b,)


def noise(seed: int, width: int) -> tuple[Tensor]:
    return (torch.full((1, 2, width, 3), seed / 255),)


def fail(image: Tensor) -> tuple[Tensor]:
    raise ValueError("the style is empty: choose another")


def bug(image: Tensor) -> tuple[Tensor]:
    raise RuntimeError("shapes cannot be multiplied")


UNIT = {"default": 0.5, "min": 0.0, "max": 1.0}


def fake_nodes() -> dict[str, type]:
    """Fresh fakes beside the stand-ins for ComfyUI's own nodes."""
    width = ("INT", {"default": 3, "min": 1, "max": 64})
    image = {"required": {"image": ("IMAGE",)}}
    mixing = {"a": ("IMAGE",), "b": ("IMAGE",), "alpha": ("FLOAT", UNIT)}
    return {
        **CORE_NODES,
        "Paint": fake(paint, {"required": {"level": ("FLOAT", UNIT), "width": width}}),
        "Blend": fake(blend, {"required": mixing, "optional": {"how": (["mix", "add"],)}}),
        "Noise": fake(
            noise, {"required": {"seed": ("INT", {"default": 0, "min": 0, "max": 2**64 - 1}), "width": width}}
        ),
        "Tint": fake(
            lambda image, force: (image * force,),
            {"required": {**image["required"], "force": ("FLOAT", {"forceInput": True})}},
        ),
        "Fail": fake(fail, image),
        "Bug": fake(bug, image),
        "Encode": fake(lambda image: ("features",), image, ("FEATURES",)),
    }


def api(**nodes: tuple[str, Json] | tuple[str, Json, str]) -> Json:
    """An API-format workflow: `api(n1=("Paint", {"level": 1}))`; the leading `n` is not part of the id."""
    return {
        key.removeprefix("n"): {
            "class_type": kind,
            "inputs": inputs,
            **({"_meta": {"title": title[0]}} if title else {}),
        }
        for key, (kind, inputs, *title) in nodes.items()
    }


def ui_node(
    node_id: int,
    kind: str,
    values: list[Any] | Json | None = None,
    inputs: list[Json] | None = None,
    mode: int = 0,
    title: str | None = None,
) -> Json:
    """A node of the UI format."""
    node: Json = {"id": node_id, "type": kind, "mode": mode, "inputs": inputs or [], "widgets_values": values}
    return {**node, "title": title} if title else node


def inlet(name: str, kind: str, link: int | None, widget: bool = False) -> Json:
    """An input socket of a node of the UI format; `widget` if it belongs to an input field."""
    socket: Json = {"name": name, "type": kind, "link": link}
    return {**socket, "widget": {"name": name}} if widget else socket


def ui(nodes: list[Json], links: list[Any], **more: Any) -> Json:  # noqa: ANN401
    """A UI-format workflow; a link is [id, from node, from slot, to node, to slot, type]."""
    return {"version": 0.4, "nodes": nodes, "links": links, **more}
