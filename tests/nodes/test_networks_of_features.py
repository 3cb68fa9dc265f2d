"""Features know the network that encoded them, and the method that they went through: nothing more has to be wired."""

from __future__ import annotations

import pytest
import torch

from brushwork.methods import MATCHING
from brushwork.methods.wct import WCT
from brushwork.models.registry import load_network
from brushwork.nodes._base import FEATURES
from brushwork.nodes._host import HostedNetwork
from brushwork.tests.nodes.stand_ins import (
    arguments,
    bank,
    call,
    encoded,
    msgnet,
    network_for,
    pictures,
    sockets,
    tiny,
    values,
)
from brushwork.tests.nodes.test_bad_input import refused

WITHOUT = ("BrushworkStyleDecoder", "BrushworkCoMatch", "BrushworkStyleBankFilter", "BrushworkStyleBankMix")


@pytest.mark.parametrize("node", WITHOUT)
def test_a_network_is_not_needed(node: str) -> None:
    inputs = arguments(node, pictures())
    wired = values(call(node, **inputs))
    del inputs["network"]
    assert torch.equal(values(call(node, **inputs)), wired)


@pytest.mark.parametrize(
    "node", ["BrushworkAdaIN", "BrushworkBlendByAlpha", "BrushworkMixStyles", "BrushworkRegionMask"]
)
def test_a_network_travels_with_features(node: str) -> None:
    inputs = arguments(node, pictures())
    features = call(node, **inputs)
    assert features.network is inputs[sockets(node, FEATURES)[0]].network
    assert call("BrushworkStyleDecoder", features=features).shape == pictures().shape


def test_features_of_another_kind_are_refused_by_its_name() -> None:
    features = encoded(tiny(), pictures())
    with refused("no bank of styles", "load a StyleBank"):
        call("BrushworkStyleBankFilter", features=features, style="a")
    with refused("no CoMatch layer", "load an MSG-Net"):
        call("BrushworkCoMatch", content=features, style=features)


@pytest.mark.parametrize(("network", "level"), [(tiny(), "relu4_1"), (msgnet(), "comatch"), (bank(), "bank")])
def test_the_level_is_the_networks_own(network: HostedNetwork, level: str) -> None:
    assert call("BrushworkStyleEncoder", network=network, image=pictures()).features.space.level == level


@pytest.mark.parametrize("node", ["BrushworkAdaIN", "BrushworkWCT", "BrushworkCoMatch", "BrushworkWCTLevel"])
def test_one_content_goes_with_several_styles(node: str) -> None:
    (network, level), styles = network_for(node), pictures(3, seed=7)
    inputs, by_picture = arguments(node, pictures()), "style" in sockets(node, "IMAGE")

    def painted(style: torch.Tensor) -> torch.Tensor:
        return values(call(node, **inputs | {"style": style if by_picture else encoded(network, style, level)}))

    together = painted(styles)
    for number in range(3):
        torch.testing.assert_close(together[number, None], painted(styles[number, None]))


@pytest.mark.parametrize("method", MATCHING)
def test_levels_of_the_paper(method: str) -> None:
    """The alphas do not count then, and are what the paper has."""
    chosen, network = MATCHING[method], HostedNetwork(load_network("compact"))
    given = {"network": network, "content": pictures(), "style_1": pictures(seed=3), "method": method}
    levels = chosen.default_levels(network.network)
    alphas = {f"alpha_{at}": chosen.strength if at in levels else 0.0 for at in network.network.spaces}
    paper = call("BrushworkStylizeLarge", **given, levels="the paper's", alpha_relu4_1=0.2)
    assert torch.equal(paper, call("BrushworkStylizeLarge", **given, **alphas))
    assert len(levels) == (5 if isinstance(chosen, WCT) else 1)
