"""On a GPU every method paints the picture that it paints on a CPU: whole, in tiles, by region, over time."""

import pytest
import torch
from torch import Tensor

from brushwork.benchmarks.measure import decibels
from brushwork.methods import METHODS
from brushwork.methods.protocol import Style
from brushwork.methods.render import render
from brushwork.models.networks.base import StyleNetwork
from brushwork.models.networks.msgnet import MsgNet
from brushwork.models.networks.stylebank import StyleBankNetwork
from brushwork.models.networks.vgg import VggLayout
from brushwork.tests.laws import picture
from brushwork.tests.models.small import TINY, enlivened, small_network
from brushwork.tests.second_device import SecondDevice
from brushwork.tests.tolerances import VISIBLE
from brushwork.tiling.policy import Host, Policy
from brushwork.transfer.temporal import SMOOTHED, TemporalWindow

WIDE = VggLayout("wide", (8, 16, 16, 16, 16))
"""Channels that a gather moves together in half precision."""
KINDS = {
    "adain": lambda: small_network("shared encoder"),
    "adain, an encoder a level": lambda: small_network("an encoder a level"),
    "wct": lambda: small_network("shared encoder"),
    "efdm": lambda: small_network("shared encoder"),
    "msgnet": lambda: small_network("MSG-Net"),
    "msgnet, on a backbone": lambda: enlivened(MsgNet(backbone=TINY)).eval().requires_grad_(False),
    "stylebank": lambda: small_network("StyleBank"),
    "stylebank, on a backbone": lambda: enlivened(StyleBankNetwork(("waves",), backbone=WIDE)).requires_grad_(False),
}


def left(size: tuple[int, int]) -> Tensor:
    """A region with a soft edge."""
    return (torch.linspace(3, -2, size[1])[None, None].expand(1, *size)).clamp(0, 1)


def painted(name: str, network: StyleNetwork, device: str, **how: object) -> Tensor:
    method = METHODS[name.partition(",")[0]]
    policy = how.pop("policy", Policy())
    host = Host(torch.device(device), policy=policy)  # pyright: ignore[reportArgumentType]
    content = picture(51, 46, how.pop("batch", 2), 3)  # pyright: ignore[reportArgumentType]
    source = "waves" if method.style_input == "name" else picture(40, 37, 1, 5)
    style = Style(source, region=left((51, 46)) if how.pop("region", False) else None)
    return render(network.to(device), method, content, [style], host=host, **how)  # pyright: ignore[reportArgumentType]


WAYS = {
    "whole": {},
    "one": {"batch": 1},
    "tiles": {"policy": Policy(tile_bytes=1 << 17, whole_bytes=1 << 17, feature_bytes=0)},
    "tiles of kept features": {"policy": Policy(tile_bytes=1 << 17, whole_bytes=1 << 17)},
    "region": {"region": True, "strengths": 0.7},
    "over time": {"batch": 11, "statistics": SMOOTHED},
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", KINDS)
def test_the_picture_is_the_cpus(name: str, way: str) -> None:
    network = KINDS[name]()
    expected = painted(name, network, "cpu", **WAYS[way])
    with SecondDevice():
        found = painted(name, network, "cuda", **WAYS[way])
    assert type(found) is Tensor and found.movedim(1, -1).is_contiguous()
    assert decibels(found, expected) > 80


@pytest.mark.parametrize("name", [name for name in KINDS if not name.startswith("wct")])
def test_half_precision_cannot_be_seen(name: str) -> None:
    network = KINDS[name]()
    expected = painted(name, network, "cpu", batch=1)
    with SecondDevice():
        found = painted(name, network.half(), "cuda", batch=1)
    assert decibels(found, expected) > VISIBLE


def test_a_video_goes_on() -> None:
    """In parts, by one window, whose statistics stay on the device."""
    network, frames = small_network("shared encoder"), picture(40, 40, 9)
    style = Style(picture(30, 30, 1, 5))

    def parts(device: str) -> Tensor:
        window, host = TemporalWindow(), Host(torch.device(device))
        how = {"statistics": SMOOTHED, "window": window, "host": host}
        return torch.cat(
            [render(network.to(device), METHODS["adain"], part, [style], **how) for part in frames.split(4)]
        )

    expected = parts("cpu")
    with SecondDevice():
        assert decibels(parts("cuda"), expected) > 80
