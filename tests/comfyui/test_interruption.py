"""The stop button stops within a second, wherever the work is, and the next run is none the worse."""

import time
from collections.abc import Callable

import pytest

from brushwork.nodes.networks import COARSE_TO_FINE
from brushwork.runner.graph import Graph, Link, Node
from brushwork.tests.comfyui.client import Client, Event, Outcome
from brushwork.tests.comfyui.graphs import CONTENT, NETWORK, STYLE, adain, saved, scaled, small

SOON = 1.0
"""Seconds."""


def interrupted(client: Client, graph: Graph, when: Callable[[Event], bool]) -> tuple[Outcome, float]:
    """How a graph ends that is interrupted at the first event for which `when` is true, and how many seconds later."""
    asked: list[float] = []

    def look(event: Event) -> None:
        if not asked and when(event):
            client.interrupt()
            asked.append(time.monotonic())

    outcome = client.run(graph, look)
    return outcome, outcome.at - asked[0]


def begins(node: str) -> Callable[[Event], bool]:
    return lambda event: event["type"] == "executing" and event["data"]["node"] == node


def goes_on(node: str) -> Callable[[Event], bool]:
    """Whether the node has told of progress."""
    return lambda event: event["type"] == "progress" and event["data"]["node"] == node and event["data"]["value"] > 1


def cascade() -> Graph:
    """Of two megapixels."""
    nodes = {**NETWORK, "small": CONTENT["content"], **STYLE, "content": scaled("small", 1600, 1200)}
    before = "content"
    for level in COARSE_TO_FINE:
        inputs = {"network": Link("network", 0), "content": Link(before, 0), "style": Link("style", 0)}
        settings = {"level": level, "alpha": 0.6, "method": "whitening-colouring", "statistics": "per image"}
        nodes[level] = Node("BrushworkWCTLevel", {**inputs, **settings})
        before = level
    return saved(before, **nodes)


def learning(steps: int) -> Graph:
    settings = {"name": "mine", "steps": steps, "size": 256, "style_weight": 1.0, "save": "do not save", "seed": 0}
    inputs = {"network": Link("bank", 0), "style_image": Link("style", 0), **settings}
    bank = Node("BrushworkLoadStyleNetwork", {"name": "stylebank", "precision": "automatic"})
    return Graph(
        {
            **STYLE,
            "bank": bank,
            "learning": Node("BrushworkLearnStyle", inputs),
            "chart": Node("PreviewImage", {"images": Link("learning", 1)}),
        }
    )


def check_stops_soon(client: Client, graph: Graph, when: Callable[[Event], bool]) -> None:
    """One of three times, since the machine may be busy with something else."""
    for _ in range(3):
        outcome, seconds = interrupted(client, graph, when)
        assert outcome.end == "interrupted"
        if seconds < SOON:
            return
    pytest.fail(f"it stopped {seconds:.1f} seconds after it was asked to")


@pytest.mark.parametrize("event", [begins("relu5_1"), goes_on("relu5_1"), goes_on("relu3_1"), goes_on("relu1_1")])
def test_a_cascade(client: Client, event: Callable[[Event], bool]) -> None:
    check_stops_soon(client, cascade(), event)
    assert client.run(saved("picture", **small(), **adain())).end == "success"


@pytest.mark.parametrize("event", [begins("learning"), goes_on("learning")])
def test_learning_a_style(client: Client, event: Callable[[Event], bool]) -> None:
    check_stops_soon(client, learning(50), event)
    assert client.run(learning(2)).end == "success"
