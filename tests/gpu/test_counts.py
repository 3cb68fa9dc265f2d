"""What a picture costs on a GPU: launches, copies between layouts, waits of the host and bytes, by method and size.

Counted on tensors that have shapes and CUDA's layouts, and no values; no GPU is needed, and none has been asked.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

import pytest
import torch

from brushwork.methods import METHODS
from brushwork.methods.protocol import Style
from brushwork.methods.render import learn, render
from brushwork.models.networks import gpu_fast
from brushwork.models.networks.base import StyleNetwork
from brushwork.models.networks.gpu_fast import Kernels
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
    "WCT, vgg19": ("whitening-colouring", lambda: VggNetwork(VGG19, LEVELS)),
    "WCT, compact": ("whitening-colouring", lambda: VggNetwork(COMPACT, LEVELS, ADAIN_LEVEL)),
    "WCT by transport, compact": ("wct", lambda: VggNetwork(COMPACT, LEVELS, ADAIN_LEVEL)),
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
    ("AdaIN, vgg19", "512", 1, ""): Most(75, 1, 0.88),
    ("AdaIN, vgg19", "512", 8, ""): Most(75, 1, 6.9),
    ("AdaIN, vgg19", "512", 8, TIME): Most(153, 1, 6.9),
    ("AdaIN, vgg19", "512", 1, FIRST): Most(101, 1, 1.37),
    ("AdaIN, vgg19", "512", 1, REGION): Most(100, 1, 1.03),
    ("AdaIN, vgg19", "1080p", 1, ""): Most(75, 1, 6.8),
    ("AdaIN, vgg19", "4K", 1, ""): Most(75, 1, 27),
    ("AdaIN, compact", "512", 1, ""): Most(75, 1, 0.31),
    ("AdaIN, compact", "1080p", 1, ""): Most(75, 1, 2.41),
    ("AdaIN, compact", "4K", 1, ""): Most(75, 1, 9.6),
    ("AdaIN, compact-adain", "512", 1, ""): Most(78, 1, 0.41),
    ("AdaIN, compact-adain", "1080p", 1, ""): Most(78, 1, 3.14),
    ("AdaIN, compact-adain", "4K", 1, ""): Most(78, 1, 12.5),
    ("WCT, vgg19", "512", 1, ""): Most(363, 8, 4.22),
    ("WCT, vgg19", "1080p", 1, ""): Most(363, 8, 31.8),
    ("WCT, vgg19", "1080p", 1, FIRST): Most(513, 15, 33),
    ("WCT, vgg19", "1080p", 1, REGION): Most(479, 8, 42),
    ("WCT, vgg19", "4K", 1, ""): Most(363, 8, 126.2),
    ("WCT, compact", "512", 1, ""): Most(224, 5, 1.15),
    ("WCT, compact", "1080p", 1, ""): Most(224, 5, 9.1),
    ("WCT, compact", "1080p", 8, TIME): Most(536, 5, 72.2),
    ("WCT, compact", "4K", 1, ""): Most(224, 5, 36.1),
    ("WCT by transport, compact", "512", 1, ""): Most(272, 9, 1.16),
    ("WCT by transport, compact", "1080p", 1, ""): Most(272, 9, 9.1),
    ("WCT by transport, compact", "4K", 1, ""): Most(272, 9, 36.1),
    ("EFDM, compact", "512", 1, ""): Most(124, 1, 0.93, layout_copies=1),
    ("EFDM, compact", "1080p", 1, ""): Most(124, 1, 6.4, layout_copies=1),
    ("EFDM, compact", "4K", 1, ""): Most(125, 1, 15.9, layout_copies=2),
    ("MSG-Net", "512", 1, ""): Most(88, 1, 0.39),
    ("MSG-Net", "1080p", 1, ""): Most(88, 1, 3.06),
    ("MSG-Net", "4K", 1, ""): Most(88, 1, 12.2),
    ("MSG-Net, published", "512", 1, ""): Most(178, 1, 2.55),
    ("MSG-Net, published", "1080p", 1, ""): Most(178, 1, 20),
    ("MSG-Net, published", "4K", 1, ""): Most(178, 1, 79.9),
    ("StyleBank", "512", 1, ""): Most(34, 1, 0.39),
    ("StyleBank", "512", 8, ""): Most(34, 1, 3.1),
    ("StyleBank", "1080p", 1, ""): Most(34, 1, 3.04),
    ("StyleBank", "4K", 1, ""): Most(34, 1, 12.1),
    ("StyleBank, on a backbone", "512", 1, ""): Most(75, 1, 0.34),
    ("StyleBank, on a backbone", "1080p", 1, ""): Most(75, 1, 2.65),
    ("StyleBank, on a backbone", "4K", 1, ""): Most(75, 1, 10.6),
}
"""As counted with Triton; what makes them fewer lowers the limit. Every method has every size."""
PLAIN = {
    ("AdaIN, vgg19", "512", 1, ""): Most(78, 1, 0.97),
    ("AdaIN, compact", "1080p", 1, ""): Most(78, 1, 2.7),
    ("WCT, compact", "1080p", 1, ""): Most(230, 5, 9.7),
    ("MSG-Net", "512", 1, ""): Most(90, 1, 0.42),
    ("MSG-Net, published", "512", 1, ""): Most(221, 1, 3.1),
    ("StyleBank", "512", 1, ""): Most(43, 1, 0.55),
    ("StyleBank", "512", 8, ""): Most(63, 1, 6.6),
}
"""Without."""


@pytest.mark.skipif(find_spec("triton") is None, reason="the limits are those with Triton, which is not installed")
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
    monkeypatch.setattr(gpu_fast, "kernels_of", lambda device: Kernels(work=False))
    monkeypatch.setitem(MOST, ("AdaIN, vgg19", "512", 1, ""), Most(112, 1, 1.2))
    test_a_picture_costs_no_more("AdaIN, vgg19", "512", 1, "")


@pytest.mark.parametrize(("name", "size", "batch", "way"), PLAIN)
def test_without_triton(name: str, size: str, batch: int, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """On Windows, or where it does not know the card."""
    monkeypatch.setattr(gpu_fast, "kernels_of", lambda device: Kernels(work=False))
    monkeypatch.setitem(MOST, (name, size, batch, way), PLAIN[name, size, batch, way])
    test_a_picture_costs_no_more(name, size, batch, way)
