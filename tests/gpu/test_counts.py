"""What a picture costs on a GPU: launches, copies between layouts, waits of the host and bytes, by method and size.

Counted on tensors that have shapes and CUDA's layouts, and no values; no GPU is needed, and none has been asked.
"""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch

from brushwork.methods import METHODS
from brushwork.methods.protocol import Style
from brushwork.methods.render import learn, render
from brushwork.models.networks.base import StyleNetwork
from brushwork.models.networks.msgnet import MsgNet
from brushwork.models.networks.stylebank import StyleBankNetwork
from brushwork.models.networks.vgg import ADAIN_LEVEL, COMPACT, LEVELS, VGG19, VggNetwork
from brushwork.tests.second_device import SecondDevice
from brushwork.tiling.policy import Host, Policy

FREE = 40 << 30
"""Bytes of memory on the device."""
SIZES = {"512": (512, 512), "1080p": (1080, 1920), "4K": (2160, 3840)}

NETWORKS: dict[str, tuple[str, Callable[[], StyleNetwork]]] = {
    "AdaIN, vgg19": ("adain", lambda: VggNetwork(VGG19, (), ADAIN_LEVEL)),
    "AdaIN, compact": ("adain", lambda: VggNetwork(COMPACT, LEVELS, ADAIN_LEVEL)),
    "WCT, vgg19": ("wct", lambda: VggNetwork(VGG19, LEVELS)),
    "WCT, compact": ("wct", lambda: VggNetwork(COMPACT, LEVELS, ADAIN_LEVEL)),
    "EFDM, compact": ("efdm", lambda: VggNetwork(COMPACT, LEVELS, ADAIN_LEVEL)),
    "MSG-Net": ("msgnet", lambda: MsgNet(backbone=COMPACT)),
    "MSG-Net, published": ("msgnet", MsgNet),
    "StyleBank": ("stylebank", lambda: StyleBankNetwork(("waves",))),
    "StyleBank, on a backbone": ("stylebank", lambda: StyleBankNetwork(("waves",), backbone=COMPACT)),
}


@dataclass(frozen=True)
class Most:
    """Limits of one call of `render` whose style is learnt."""

    launches: int
    layout_copies: int
    waits: int
    traffic: float
    """Gigabytes."""


MOST = {
    ("AdaIN, vgg19", "512", 1): Most(200, 4, 3, 1.6),
    ("AdaIN, vgg19", "512", 8): Most(200, 4, 3, 12.4),
    ("AdaIN, vgg19", "4K", 1): Most(1047, 30, 13, 53),
    ("AdaIN, compact", "512", 1): Most(200, 4, 3, 0.6),
    ("WCT, vgg19", "1080p", 1): Most(1135, 12, 65, 54),
    ("WCT, compact", "1080p", 1): Most(1135, 12, 65, 19),
    ("EFDM, compact", "512", 1): Most(226, 5, 2, 1.2),
    ("MSG-Net", "512", 1): Most(161, 7, 4, 0.6),
    ("MSG-Net, published", "512", 1): Most(425, 4, 4, 7.7),
    ("StyleBank", "512", 1): Most(111, 6, 3, 1.4),
    ("StyleBank", "512", 8): Most(111, 6, 3, 10.5),
    ("StyleBank, on a backbone", "512", 1): Most(126, 6, 3, 0.5),
}
"""As counted; what makes them fewer lowers the limit."""


@pytest.mark.parametrize(("name", "size", "batch"), MOST)
def test_a_picture_costs_no_more(name: str, size: str, batch: int) -> None:
    key, build = NETWORKS[name]
    method, most = METHODS[key], MOST[name, size, batch]
    with SecondDevice(values=False) as device:
        network, host = ready(build), Host(torch.device("cuda"), policy=Policy.within(FREE, torch.device("cuda")))
        source = torch.empty(1, 3, 512, 512) if method.style_input == "picture" else "waves"
        style = Style(learn(network, method, Style(source), host=host))
        content = torch.empty(batch, *SIZES[size], 3).movedim(-1, 1)
        for _ in range(2):  # what is kept is there the second time
            device.reset()
            render(network, method, content, [style], strengths=1.0, host=host)
    copies = device.layout_copies + device.weight_copies
    found = Most(device.launches + device.biases, copies, device.waits, device.traffic / 1e9)
    print(name, size, batch, found)
    for what, count in vars(found).items():
        assert count <= getattr(most, what), f"{what}: {found}"


def ready(build: Callable[[], StyleNetwork]) -> StyleNetwork:
    """In half precision, on the device."""
    with torch.device("meta"):
        network = build().eval().requires_grad_(False)
    return network.to_empty(device="cuda").prepare(torch.float16)

