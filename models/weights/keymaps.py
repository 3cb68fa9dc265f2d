"""From published key names to those of the networks. Each map takes a file's tensors and the module they are for."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from ..networks.vgg import VggDecoder, VggEncoder

Tensors = Mapping[str, Tensor]
KeyMap = Callable[[Tensors, nn.Module], dict[str, Tensor]]


def sequential(tensors: Tensors, module: nn.Module) -> dict[str, Tensor]:
    """Positions in an nn.Sequential ('0.weight', '2.weight', ...), as in every port of the normalised VGG-19.

    Convolutions follow each other in the module's order. A file may go deeper than the module, and may start with the
    1x1 convolution that turns RGB in 0..1 into the published network's BGR.
    """
    positions = sorted({int(key.split(".")[0]) for key in tensors})
    layers = [(tensors[f"{position}.weight"], tensors[f"{position}.bias"]) for position in positions]
    return _in_order(layers, module)


def collaborative_distillation(tensors: Tensors, module: nn.Module) -> dict[str, Tensor]:
    """'conv11', 'conv12', ... and 'conv0'; the 'aux' projections served the distillation only."""
    names = [name.replace("_", "") for name in _names(module)]
    first = ["conv0"] if "conv0.weight" in tensors else []
    return _in_order([(tensors[f"{name}.weight"], tensors[f"{name}.bias"]) for name in first + names], module)


def msgnet(tensors: Tensors, module: nn.Module) -> dict[str, Tensor]:
    """The authors' MSG-Net: encoder and CoMatch are in the file twice, and old torch saved running statistics."""
    found = {"comatch": tensors["ins.weight"][0]}
    for key, value in tensors.items():
        if key.endswith(("running_mean", "running_var")) or key.startswith(("model.0.", "model.1.", "ins.")):
            continue
        # 'model1.3.conv_block.5.conv2d.weight' is 'encoder.3.branch.5.weight', and so on.
        sequence, position, *rest = key.split(".")
        number, path = int(position), [{"conv_block": "branch", "residual_layer": "shortcut"}.get(p, p) for p in rest]
        if sequence == "model1":
            place = f"encoder.{number}"
        else:
            place = f"body.{number - 2}" if number < 8 else f"decoder.{number - 8}"
        found[".".join([place, *(part for part in path if part != "conv2d")])] = value
    return found


def stylebank(tensors: Tensors, module: nn.Module) -> dict[str, Tensor]:
    """ichunyeh's StyleBank: 'N.conv2d.weight' in a sequence, '0.conv2d.weight' for a style's one kernel."""
    spare = "0.conv2d." if isinstance(module, nn.Conv2d) else "conv2d."
    return {key.replace(spare, ""): value for key, value in tensors.items()}


KEYMAPS: dict[str, KeyMap] = {
    "brushwork": lambda tensors, module: dict(tensors),  # files that this project wrote
    "sequential": sequential,
    "collaborative-distillation": collaborative_distillation,
    "msgnet": msgnet,
    "stylebank-ichunyeh": stylebank,
}


def _names(module: nn.Module) -> list[str]:
    return [name for name, layer in module.named_modules() if isinstance(layer, nn.Conv2d)]


def _in_order(layers: list[tuple[Tensor, Tensor]], module: nn.Module) -> dict[str, Tensor]:
    """Weight and bias of one convolution after the other, under the module's names; a 1x1 one at the start is folded.

    A 1x1 convolution and the next one are one: exactly, as reflection padding commutes with a map of channels.
    """
    assert isinstance(module, VggEncoder | VggDecoder)
    if layers[0][0].shape[-1] == 1:
        (mix, offset), (weight, bias) = ((weight.double(), bias.double()) for weight, bias in layers[:2])
        folded = torch.einsum("omhw,mi->oihw", weight, mix[:, :, 0, 0])
        shifted = bias + torch.einsum("omhw,m->o", weight, offset)
        layers = [(folded.to(layers[1][0]), shifted.to(layers[1][1])), *layers[2:]]
    pairs = dict(zip(_names(module), layers, strict=False))
    weights = {f"{name}.weight": weight for name, (weight, _) in pairs.items()}
    return weights | {f"{name}.bias": bias for name, (_, bias) in pairs.items()}
