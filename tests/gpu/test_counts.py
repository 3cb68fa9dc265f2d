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
from brushwork.models.networks import gpu_fast
from brushwork.models.networks.base import StyleNetwork
from brushwork.models.networks.msgnet import MsgNet
from brushwork.models.networks.stylebank import StyleBankNetwork
from brushwork.models.networks.vgg import ADAIN_LEVEL, COMPACT, COMPACT_ADAIN, LEVELS, VGG19, VggNetwork
from brushwork.tests.second_device import SecondDevice
from brushwork.tiling.policy import Host, Policy
from brushwork.transfer.temporal import PER_IMAGE, SMOOTHED

FREE = 40 << 30
"""Bytes of memory on the device."""
SIZES = {"512": (512, 512), "1080p": (1080, 1920), "4K": (2160, 3840)}

NETWORKS: dict[str, tuple[str, Callable[[], StyleNetwork]]] = {
    "AdaIN, vgg19": ("adain", lambda: VggNetwork(VGG19, (), ADAIN_LEVEL)),
    "AdaIN, compact": ("adain", lambda: VggNetwork(COMPACT, LEVELS, ADAIN_LEVEL)),
    "AdaIN, compact-adain": ("adain", lambda: VggNetwork(COMPACT_ADAIN, (), ADAIN_LEVEL)),
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
    """Limits of one call of `render`."""

    launches: int
    waits: int
    traffic: float
    """Gigabytes."""
    layout_copies: int = 0
    """In the networks and around them."""


FIRST, REGION, TIME = "style too", "region", "over time"
MOST = {
    ("AdaIN, vgg19", "512", 1, ""): Most(78, 1, 0.97),
    ("AdaIN, vgg19", "512", 8, ""): Most(78, 1, 7.6),
    ("AdaIN, vgg19", "512", 8, TIME): Most(156, 1, 7.6),
    ("AdaIN, vgg19", "512", 1, FIRST): Most(107, 1, 1.6),
    ("AdaIN, vgg19", "512", 1, REGION): Most(103, 1, 1.12),
    ("AdaIN, vgg19", "1080p", 1, ""): Most(78, 1, 7.6),
    ("AdaIN, vgg19", "4K", 1, ""): Most(78, 1, 30),
    ("AdaIN, compact", "512", 1, ""): Most(78, 1, 0.34),
    ("AdaIN, compact", "1080p", 1, ""): Most(78, 1, 2.7),
    ("AdaIN, compact", "4K", 1, ""): Most(78, 1, 10.8),
    ("AdaIN, compact-adain", "512", 1, ""): Most(81, 1, 0.44),
    ("AdaIN, compact-adain", "1080p", 1, ""): Most(81, 1, 3.44),
    ("AdaIN, compact-adain", "4K", 1, ""): Most(81, 1, 13.7),
    ("WCT, vgg19", "512", 1, ""): Most(373, 8, 4.6),
    ("WCT, vgg19", "1080p", 1, ""): Most(373, 8, 35),
    ("WCT, vgg19", "1080p", 1, FIRST): Most(527, 15, 36),
    ("WCT, vgg19", "1080p", 1, REGION): Most(489, 8, 45),
    ("WCT, vgg19", "4K", 1, ""): Most(373, 8, 138.7),
    ("WCT, compact", "512", 1, ""): Most(230, 5, 1.23),
    ("WCT, compact", "1080p", 1, ""): Most(230, 5, 9.7),
    ("WCT, compact", "1080p", 8, TIME): Most(542, 5, 77.1),
    ("WCT, compact", "4K", 1, ""): Most(230, 5, 38.5),
    ("EFDM, compact", "512", 1, ""): Most(127, 1, 1, layout_copies=1),
    ("EFDM, compact", "1080p", 1, ""): Most(127, 1, 6.7, layout_copies=1),
    ("EFDM, compact", "4K", 1, ""): Most(128, 1, 17.2, layout_copies=2),
    ("MSG-Net", "512", 1, ""): Most(82, 1, 0.38),
    ("MSG-Net", "1080p", 1, ""): Most(82, 1, 3.03),
    ("MSG-Net", "4K", 1, ""): Most(82, 1, 12.1),
    ("MSG-Net, published", "512", 1, ""): Most(221, 1, 3.1),
    ("MSG-Net, published", "1080p", 1, ""): Most(221, 1, 24.8),
    ("MSG-Net, published", "4K", 1, ""): Most(221, 1, 99.3),
    ("StyleBank", "512", 1, ""): Most(43, 1, 0.55),
    ("StyleBank", "512", 8, ""): Most(63, 1, 6.6),
    ("StyleBank", "1080p", 1, ""): Most(43, 1, 4.3),
    ("StyleBank", "4K", 1, ""): Most(43, 1, 17.3),
    ("StyleBank, on a backbone", "512", 1, ""): Most(56, 1, 0.28),
    ("StyleBank, on a backbone", "1080p", 1, ""): Most(56, 1, 2.22),
    ("StyleBank, on a backbone", "4K", 1, ""): Most(56, 1, 8.9),
}
"""As counted; what makes them fewer lowers the limit. Every method has every size."""


@pytest.mark.parametrize(("name", "size", "batch", "way"), MOST)
def test_a_picture_costs_no_more(name: str, size: str, batch: int, way: str) -> None:
    key, build = NETWORKS[name]
    method, most = METHODS[key], MOST[name, size, batch, way]
    with SecondDevice(values=False) as device:
        network, host = ready(build), Host(torch.device("cuda"), policy=Policy.within(FREE, torch.device("cuda")))
        source = torch.empty(1, 512, 512, 3).movedim(-1, 1) if method.style_input == "picture" else "waves"
        learnt = source if way == FIRST else learn(network, method, Style(source), host=host)
        content = torch.empty(batch, *SIZES[size], 3).movedim(-1, 1)
        region = torch.ones(1, *SIZES[size]) if way == REGION else None
        style, masks = Style(learnt, region=region), 0 if region is None else region.nbytes
        for _ in range(2):  # what is kept is there the second time
            device.reset()
            statistics = SMOOTHED if way == TIME else PER_IMAGE
            result = render(network, method, content, [style], strengths=1.0, statistics=statistics, host=host)
    copies = device.layout_copies + device.weight_copies
    found = Most(device.launches + device.biases, device.waits, device.traffic / 1e9, copies)
    for what, count in vars(found).items():
        assert count <= getattr(most, what), f"{what}: {found}"
    there, back = device.uploaded - content.nbytes - masks, device.downloaded - result.nbytes
    assert max(there, back) < 5e6 * batch, "pictures and masks cross once each way; beside them matrices and the style"


def test_every_method_is_counted_at_every_size() -> None:
    assert {(name, size) for name, size, batch, way in MOST if not way and batch == 1} == {
        (name, size) for name in NETWORKS for size in SIZES
    }


def ready(build: Callable[[], StyleNetwork]) -> StyleNetwork:
    """In half precision, on the device."""
    with torch.device("meta"):
        network = build().eval().requires_grad_(False)
    return network.to_empty(device="cuda").prepare(torch.float16)


def test_without_the_fused_convolution(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where cuDNN is old, or it is another library: a bias and a ReLU are kernels, 34 of them."""
    monkeypatch.setattr(gpu_fast, "_fuses", lambda device: False)
    monkeypatch.setitem(MOST, ("AdaIN, vgg19", "512", 1, ""), Most(112, 1, 1.2))
    test_a_picture_costs_no_more("AdaIN, vgg19", "512", 1, "")
