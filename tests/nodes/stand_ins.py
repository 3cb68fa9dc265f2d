"""Tiny networks, pictures, and arguments for any node from what its sockets ask for."""

from typing import Any

import torch
from torch import Tensor, nn

from brushwork.models.networks.base import StyleNetwork
from brushwork.models.networks.msgnet import MsgNet
from brushwork.models.networks.stylebank import StyleBankNetwork
from brushwork.models.networks.vgg import VggLayout, VggNetwork
from brushwork.nodes import NODES
from brushwork.nodes._base import FEATURES, NETWORK
from brushwork.nodes._host import CachedFeatures, HostedNetwork

WIDTHS = (4, 6, 8, 8, 8)
SIZE = (17, 22)
SOURCES = ("BrushworkSampleVideo", "BrushworkLoadStyleNetwork", "BrushworkTextureNoise")
"""Nodes that take no picture and no features."""
SUMMARIES = ("BrushworkContactSheet", "BrushworkStyleReport", "BrushworkLearnStyle", "BrushworkStyleLatentOperation")
"""Nodes whose result is one for a whole batch."""
COMPUTING = ("BrushworkStyleEncoder", "BrushworkStyleDecoder", "BrushworkCoMatch", "BrushworkStyleBankFilter")
COMPUTING += ("BrushworkWCTLevel", "BrushworkStylizeLarge")
"""Nodes that compute with a network."""
STAGES = tuple(name for name in NODES if name not in SOURCES + SUMMARIES)
"""Nodes that turn each picture of a batch into one."""


def hosted(network: StyleNetwork) -> HostedNetwork:
    """`network` ready for a socket, its weights always the same, and such that features keep their size."""
    generator = torch.Generator().manual_seed(1)
    network.requires_grad_(False)
    for weight in network.parameters():
        spread = (2 / weight[0].numel()) ** 0.5 if weight.dim() > 1 else 0.1
        weight.normal_(0, spread, generator=generator)
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d) and layer.out_channels == 3 and layer.bias is not None:
            layer.weight *= 0.1  # pictures come out around middle grey
            layer.bias.fill_(0.5)
    return HostedNetwork(network.eval())


def tiny(name: str = "tiny", **options: Any) -> HostedNetwork:  # noqa: ANN401
    return hosted(VggNetwork(VggLayout(name, WIDTHS), **options))


def msgnet() -> HostedNetwork:
    return hosted(MsgNet(width=4))


def bank(*styles: str) -> HostedNetwork:
    return hosted(StyleBankNetwork(styles or ("a", "b"), (4, 6, 8)))


def pictures(batch: int = 1, size: tuple[int, int] = SIZE, seed: int = 0) -> Tensor:
    """IMAGE [batch, H, W, 3] with patches of colour and some noise, another one for each item."""
    generator = torch.Generator().manual_seed(seed)
    patches = torch.rand(batch, 3, 4, 4, generator=generator)
    noise = torch.rand(batch, 3, *size, generator=generator)
    smooth = nn.functional.interpolate(patches, size=size, mode="bilinear", align_corners=False)
    return (0.8 * smooth + 0.2 * noise).movedim(1, -1).contiguous()


def call(node: str, /, **inputs: Any) -> Any:  # noqa: ANN401
    """The node's outputs, run as ComfyUI runs it; the bare output where there is one."""
    with torch.inference_mode():
        results = getattr(NODES[node](), NODES[node].FUNCTION)(**inputs)
    assert len(results) == len(NODES[node].RETURN_TYPES)
    return results[0] if len(results) == 1 else results


def encoded(network: HostedNetwork, image: Tensor, level: str = "relu2_1") -> CachedFeatures:
    return call("BrushworkStyleEncoder", network=network, image=image, level=level)


def latent(image: Tensor) -> dict[str, Any]:
    """LATENT of an IMAGE, of its size and with four channels."""
    return {"samples": torch.cat([image, image.mean(-1, keepdim=True)], -1).movedim(-1, 1) * 8 - 4}


def values(result: CachedFeatures | Tensor | dict[str, Any]) -> Tensor:
    """The tensor behind an output."""
    if isinstance(result, dict):
        return result["samples"]
    return result if isinstance(result, Tensor) else result.features.values.cpu()


def sockets(node: str, kind: str) -> list[str]:
    """The inputs of one type, required ones first."""
    given = NODES[node].INPUT_TYPES()
    return [name for name, spec in {**given["required"], **given.get("optional", {})}.items() if spec[0] == kind]


def network_for(node: str) -> tuple[HostedNetwork, str]:
    """The network that a node works with, and the level to encode at."""
    if "StyleBank" in node or node in ("BrushworkLearnStyle", "BrushworkPaintedStyle"):
        return bank(), "bank"
    return (msgnet(), "comatch") if node == "BrushworkCoMatch" else (tiny(), "relu2_1")


def arguments(node: str, content: Tensor, style: Tensor | None = None) -> dict[str, Any]:
    """Inputs of `node` for a batch of contents; further pictures are `style` where one is meant, else mirrored."""
    network, level = network_for(node)
    style = pictures(seed=5) if style is None else style
    inputs: dict[str, Any] = dict.fromkeys(sockets(node, NETWORK), network)
    forms = {"IMAGE": lambda image: image, FEATURES: lambda image: encoded(network, image, level), "LATENT": latent}
    for kind, form in forms.items():
        for index, name in enumerate(sockets(node, kind)):
            inputs[name] = form(content if index == 0 else style if name == "style" else content.flip(2))
    for name in sockets(node, "MASK"):
        inputs[name] = torch.linspace(0, 1, SIZE[1]).expand(SIZE)
    return inputs | CHOICES.get(node, {})


CHOICES: dict[str, dict[str, Any]] = {
    "BrushworkPaintedStyle": {"style": "b", "second_style": "a", "share": 0.3},
    "BrushworkSamplePicture": {"name": "coffee"},
    "BrushworkStyleEncoder": {"level": "relu3_1"},
    "BrushworkWCTLevel": {"level": "relu2_1", "alpha": 0.7},
    "BrushworkStylizeLarge": {"method": "optimal transport", "alpha_relu4_1": 0.0, "alpha_relu3_1": 0.5},
    "BrushworkBlendByAlpha": {"alpha": 0.3},
    "BrushworkRegionMask": {"feather": 2.0},
    "BrushworkStyleBankFilter": {"style": "b"},
    "BrushworkStyleBankMix": {"style_1": "a", "style_2": "b", "weight_2": 2.0},
    "BrushworkBrushSize": {"scale": 1.5},
    "BrushworkLatentWCT": {"strength": 0.7},
    "BrushworkLearnStyle": {"name": "c", "save": "do not save"},
}
"""Widgets whose default would not do, or would do nothing."""
