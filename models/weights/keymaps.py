"""From the key names of published checkpoints to ours. Each map takes a file's tensors and the module they are for."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from ..networks.vgg import VggDecoder, VggEncoder

Tensors = Mapping[str, Tensor]
KeyMap = Callable[[Tensors, nn.Module], dict[str, Tensor]]


def own(tensors: Tensors, module: nn.Module) -> dict[str, Tensor]:
    """Files that this project wrote."""
    return dict(tensors)


def sequential(tensors: Tensors, module: nn.Module) -> dict[str, Tensor]:
    """Positions in an nn.Sequential ('0.weight', '2.weight', ...), as in every port of the normalised VGG-19.

    Convolutions follow each other in our order. A file may go deeper than the module, and may start with the 1x1
    convolution that turns RGB in 0..1 into the network's own BGR.
    """
    positions = sorted({int(key.split(".")[0]) for key in tensors})
    layers = [(tensors[f"{position}.weight"], tensors[f"{position}.bias"]) for position in positions]
    return _in_order(layers, module)


def collaborative_distillation(tensors: Tensors, module: nn.Module) -> dict[str, Tensor]:
    """'conv11', 'conv12', ... and 'conv0'; the 'aux' heads served the distillation only."""
    names = [f"conv{name[4]}{name[6]}" for name in _names(module)]
    first = ["conv0"] if "conv0.weight" in tensors else []
    return _in_order([(tensors[f"{name}.weight"], tensors[f"{name}.bias"]) for name in first + names], module)


def msgnet(tensors: Tensors, module: nn.Module) -> dict[str, Tensor]:
    """The authors' MSG-Net: encoder and CoMatch are in the file twice, and old torch saved running statistics."""
    ours = {"comatch": tensors["ins.weight"][0]}
    for key, value in tensors.items():
        if key.endswith(("running_mean", "running_var")) or key.startswith(("model.0.", "model.1.", "ins.")):
            continue
        ours[_msgnet_name(key)] = value
    return ours


def stylebank(tensors: Tensors, module: nn.Module) -> dict[str, Tensor]:
    """ichunyeh's StyleBank: 'N.conv2d.weight' in a sequence, '0.conv2d.weight' for a style's one kernel."""
    spare = "0.conv2d." if isinstance(module, nn.Conv2d) else "conv2d."
    return {key.replace(spare, ""): value for key, value in tensors.items()}


KEYMAPS: dict[str, KeyMap] = {
    "brushwork": own,
    "sequential": sequential,
    "collaborative-distillation": collaborative_distillation,
    "msgnet": msgnet,
    "stylebank-ichunyeh": stylebank,
}


def _names(module: nn.Module) -> list[str]:
    return [name for name, layer in module.named_modules() if isinstance(layer, nn.Conv2d)]


def _in_order(layers: list[tuple[Tensor, Tensor]], module: nn.Module) -> dict[str, Tensor]:
    assert isinstance(module, VggEncoder | VggDecoder)
    if layers[0][0].shape[-1] == 1:
        layers = [_fold(layers[0], layers[1]), *layers[2:]]
    named = zip(_names(module), layers, strict=False)
    return {
        f"{name}.{part}": tensor
        for name, layer in named
        for part, tensor in zip(("weight", "bias"), layer, strict=True)
    }


def _fold(point: tuple[Tensor, Tensor], conv: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """A 1x1 convolution and the next one as one: exact, as a reflected border commutes with a map of channels."""
    (mix, offset), (weight, bias) = ((w.double(), b.double()) for w, b in (point, conv))
    folded = torch.einsum("omhw,mi->oihw", weight, mix[:, :, 0, 0])
    return folded.to(conv[0]), (bias + torch.einsum("omhw,m->o", weight, offset)).to(conv[1])


def _msgnet_name(key: str) -> str:
    """'model1.3.conv_block.5.conv2d.weight' -> 'encoder.3.branch.5.weight', and so on."""
    sequence, position, *rest = key.split(".")
    number = int(position)
    if sequence == "model1":
        place = f"encoder.{number}"
    else:
        place = f"body.{number - 2}" if number < 8 else f"decoder.{number - 8}"
    path = [{"conv_block": "branch", "residual_layer": "shortcut"}.get(part, part) for part in rest if part != "conv2d"]
    return ".".join([place, *path])
