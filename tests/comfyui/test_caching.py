"""What did not change does not run again."""

from brushwork.runner.graph import Graph, Link, Node
from brushwork.tests.comfyui.client import Client
from brushwork.tests.comfyui.graphs import adain, encode, saved, small


def test_only_what_comes_after_a_change_runs(client: Client) -> None:
    first = client.run(saved("picture", **small(), **adain(alpha=0.7)))
    assert "own" in first.ran
    assert client.run(saved("picture", **small(), **adain(alpha=0.7))).ran == []
    assert client.run(saved("picture", **small(), **adain(alpha=0.4))).ran == ["blend", "picture", "save 0 picture"]


def test_a_style_that_is_learnt_anew_is_painted_anew(client: Client) -> None:
    bank = {"network": Node("BrushworkLoadStyleNetwork", {"name": "stylebank", "precision": "float32"})}
    pictures = {name: node for name, node in small(64, 64).items() if name != "network"}
    encoded = {"own": encode("content", "bank")}
    painting = {"style": "taught", "features": Link("own", 0)}
    decoded = {"network": Link("network", 0), "features": Link("filter", 0), "trained_for": "automatic"}
    paint = saved(
        "picture",
        **(bank | pictures | encoded),
        filter=Node("BrushworkStyleBankFilter", painting),
        picture=Node("BrushworkStyleDecoder", decoded),
    )

    def teach(steps: int) -> list[str]:
        inputs = {"network": Link("network", 0), "style_image": Link("style", 0), "photos": Link("content", 0)}
        how = {"name": "taught", "steps": steps, "size": 64, "style_weight": 1.0, "save": "overwrite", "seed": 0}
        learn = {"learn": Node("BrushworkLearnStyle", inputs | how)}
        chart = {"chart": Node("PreviewImage", {"images": Link("learn", 1)})}
        return client.run(Graph(bank | pictures | learn | chart)).ran

    assert "learn" in teach(1)
    before = client.run(paint)
    assert "filter" in before.ran
    assert client.run(paint).ran == []
    assert "network" not in teach(2)
    again = client.run(paint)
    assert "filter" in again.ran and "network" not in again.ran
    assert again.pictures[0].read_bytes() != before.pictures[0].read_bytes()
