"""What ComfyUI's memory management may do to us: every flag, a full card, models that come and go in turns."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from brushwork.nodes._host import CachedFeatures, HostedNetwork
from brushwork.tests.gpu.managed import FLAGS, INFERENCE, RESERVED, ManagedComfy, diffusion
from brushwork.tests.nodes.stand_ins import (
    COMPUTING,
    STAGES,
    arguments,
    bank,
    call,
    encoded,
    msgnet,
    pictures,
    tiny,
    values,
)
from brushwork.tests.second_device import DeviceTensor
from brushwork.tests.tolerances import assert_close


@pytest.fixture
def comfy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ManagedComfy:
    fake = ManagedComfy(tmp_path / "models")
    fake.install(monkeypatch)
    return fake


def on_card(network: HostedNetwork) -> set[str]:
    """Where its weights are."""
    return {value.device.type for value in network.network.state_dict().values()}


def adain(network: HostedNetwork, content: Tensor, style: Tensor) -> tuple[CachedFeatures, Tensor]:
    features = encoded(network, content), encoded(network, style)
    restyled = call("BrushworkAdaIN", content=features[0], style=features[1])
    return restyled, call("BrushworkStyleDecoder", features=restyled)


@pytest.mark.parametrize("flags", FLAGS)
@pytest.mark.parametrize("node", COMPUTING)
def test_every_way_to_start_gives_the_same(node: str, flags: str, comfy: ManagedComfy) -> None:
    comfy.flags = "--cpu"
    expected = values(call(node, **arguments(node, pictures(2))))
    comfy.flags = flags
    with comfy.started() as card:
        for _ in range(2):
            inputs = arguments(node, pictures(2))
            found = values(call(node, **inputs))
            hosted = inputs.get("network") or inputs["features" if "features" in inputs else "content"].network
            assert on_card(hosted) == {"cpu" if flags in ("--novram", "--cpu") else "cuda"}
            assert_close(found.cpu(), expected, torch.float32)
        assert (card.allocations == 0) == (flags == "--cpu")


@pytest.mark.parametrize("hosted", [tiny, msgnet, bank])
def test_a_network_that_was_half_unloaded_comes_back_whole(
    hosted: Callable[[], HostedNetwork], comfy: ManagedComfy
) -> None:
    network, level = hosted(), next(iter(hosted().network.spaces))
    expected = values(encoded(network, pictures(), level))
    with comfy.started():
        network = hosted()
        encoded(network, pictures(), level)
        (patcher,) = comfy.patchers()
        patcher.unload_part(patcher.size / 3)
        assert on_card(network) == {"cpu", "cuda"}
        assert_close(values(encoded(network, pictures(), level)), expected, torch.float32)
        assert on_card(network) == {"cuda"}


def test_networks_and_a_diffusion_model_take_turns(comfy: ManagedComfy) -> None:
    content, style = pictures(2), pictures(1, seed=5)
    wct = {"content": content, "style": style, "level": "relu3_1"}
    expected = adain(tiny("first"), content, style)[1], call("BrushworkWCTLevel", network=tiny("second"), **wct)
    with comfy.started() as card:
        first, second, other = tiny("first"), tiny("second"), diffusion()
        card.memory = int(1.1 * other.size) + INFERENCE + RESERVED + 1
        kept = []
        for _ in range(3):
            features, picture = adain(first, content, style)
            kept = [features]
            assert_close(picture, expected[0])
            assert_close(call("BrushworkWCTLevel", network=second, **wct), expected[1])
            comfy.load_models_gpu([other], INFERENCE)  # pyright: ignore
            assert other.loaded == other.size  # we made way, to the last byte
            assert card.taken == other.size
        assert kept


@pytest.mark.parametrize("node", STAGES)
def test_a_long_batch_goes_through_in_parts(node: str, comfy: ManagedComfy) -> None:
    """Of the card a quarter at most is a map that comes, a quarter one that goes, and the rest of it tiles."""
    expected = values(call(node, **arguments(node, pictures(64))))
    with comfy.started() as card:
        card.memory = 1 << 20
        inputs = arguments(node, pictures(64))
        card.reset()
        found = values(call(node, **inputs))
        assert not isinstance(found, DeviceTensor) and card.peak < 0.75 * card.memory
    assert_close(found, expected, torch.float32)


@pytest.mark.parametrize("node", ["BrushworkStyleReport", "BrushworkContactSheet"])
def test_a_long_batch_can_be_summed_up(node: str, comfy: ManagedComfy) -> None:
    """Even where one map of the three that are compared has no room on the card."""
    inputs = {name: picture for name, picture in arguments(node, pictures(64)).items() if name != "network"}
    network = {"network": tiny()} if node == "BrushworkStyleReport" else {}
    expected = call(node, **inputs, **network)
    with comfy.started() as card:
        card.memory = 1 << 20
        found = call(node, **inputs, **({"network": tiny()} if network else {}))
        assert card.peak < 0.75 * card.memory
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("node", STAGES)
@pytest.mark.parametrize("once", [True, False])
def test_a_card_that_is_full_at_any_moment(node: str, once: bool, comfy: ManagedComfy) -> None:
    """It gives the same in a second try or in smaller tiles, or says what to do; and nothing is broken afterwards."""
    expected = values(call(node, **arguments(node, pictures(2))))
    with comfy.started() as card:
        inputs = arguments(node, pictures(2))
        card.reset()
        call(node, **inputs)
        for first in range(1, card.allocations + 1, 1 + card.allocations // (4 if once else 2)):
            inputs = arguments(node, pictures(2))
            card.reset()
            card.refused = lambda number, _, first=first: number == first if once else number >= first
            try:
                assert_close(values(call(node, **inputs)).cpu(), expected, torch.float32)
            except ValueError as error:
                assert not once and re.fullmatch(r"[^\n.]*memory[^\n.]*: [^\n.]*\.", str(error)), error
            finally:
                card.refused = lambda *_: False
            assert_close(values(call(node, **inputs)).cpu(), expected, torch.float32)
