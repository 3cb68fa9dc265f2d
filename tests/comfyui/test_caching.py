"""What did not change does not run again."""

from brushwork.tests.comfyui.client import Client
from brushwork.tests.comfyui.graphs import adain, saved, small


def test_only_what_comes_after_a_change_runs(client: Client) -> None:
    first = client.run(saved("picture", **small(), **adain(alpha=0.7)))
    assert "own" in first.ran
    assert client.run(saved("picture", **small(), **adain(alpha=0.7))).ran == []
    assert client.run(saved("picture", **small(), **adain(alpha=0.4))).ran == ["blend", "picture", "save 0 picture"]
