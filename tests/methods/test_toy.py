"""The method that CONTRIBUTING.md shows, as a reader would add it; everything paints with it."""

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from brushwork.cli.order import Stylization
from brushwork.cli.painter import Painter
from brushwork.methods import MATCHING, METHODS, api
from brushwork.methods.matching import Matching
from brushwork.methods.protocol import Style
from brushwork.methods.render import render
from brushwork.models.networks.base import StyleNetwork
from brushwork.models.registry import load_network
from brushwork.nodes import NODES
from brushwork.samples import load_sample
from brushwork.tests.tiling.hosts import tiles_of
from brushwork.tools.architecture import ROOT
from brushwork.transfer.resize import to_longer_side

CONTENT, STYLE = (to_longer_side(load_sample(name), side) for name, side in (("coffee", 64), ("hubble", 48)))


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> Matching:
    """The file of the guide as a module of the room, and its line in the registry."""
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len(code.splitlines()) < 30
    module: dict[str, Any] = {"__name__": "brushwork.methods.mean", "__package__": "brushwork.methods"}
    exec(code, module)  # noqa: S102 - our own
    method = module["MeanMatching"]()
    monkeypatch.setitem(METHODS, method.name, method)
    monkeypatch.setitem(MATCHING, method.name, method)
    return method


@pytest.fixture(scope="module")
def network() -> StyleNetwork:
    return load_network("compact")


def by_hand(network: StyleNetwork) -> Tensor:
    with torch.no_grad():
        own, other = (network.encode(image, "relu4_1") for image in (CONTENT, STYLE))
        means = (each.values.mean((2, 3), keepdim=True) for each in (other, own))
        return network.decode(own.with_values(own.values + next(means) - next(means)), "reconstruction").clamp(0, 1)


def test_it_is_what_it_says(toy: Matching, network: StyleNetwork) -> None:
    painted = render(network, toy, CONTENT, [Style(STYLE)])
    assert (painted - by_hand(network)).abs().max() < 1e-3
    assert (painted - CONTENT).abs().mean() > 0.02


def test_it_has_tiles_masks_and_several_styles(toy: Matching, network: StyleNetwork) -> None:
    region = torch.zeros(1, *CONTENT.shape[2:])
    region[..., 32:] = 1
    styles = [Style(STYLE, 1.0, region), Style(STYLE.flip(1), 2.0, region)]
    whole = render(network, toy, CONTENT, styles, strengths=0.8)
    assert (render(network, toy, CONTENT, styles, strengths=0.8, host=tiles_of(16)) - whole).abs().max() < 1 / 255
    assert torch.equal(whole[..., :32], CONTENT[..., :32])


@pytest.mark.usefixtures("toy")
def test_python_the_command_line_and_the_nodes_have_it(network: StyleNetwork) -> None:
    expected = api.render(CONTENT, STYLE, method="mean", network="compact")
    painter = Painter(
        Stylization(content="coffee", output=Path("o.png"), style=["hubble"], style_size=48, method="mean")
    )
    assert torch.equal(painter.paint(CONTENT), expected)
    (loaded,) = NODES["BrushworkLoadStyleNetwork"]().execute(name="compact", precision="automatic")
    pictures = {"content": CONTENT.movedim(1, -1), "style_1": STYLE.movedim(1, -1)}
    (painted,) = NODES["BrushworkStylizeLarge"]().execute(network=loaded, **pictures, method="mean")
    assert (painted.movedim(-1, 1) - expected).abs().max() < 2 / 255
