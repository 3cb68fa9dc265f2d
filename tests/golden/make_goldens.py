"""Make the golden tensors of this folder by running the published implementations on two small pictures.

    python tests/golden/make_goldens.py PEERS WEIGHTS

PEERS is a folder with these repositories, each under its own name and at this commit; only their network and transform
modules are imported, and packages that they want and that no longer exist get empty stand-ins.

    irasin/Pytorch_WCT                          6334ed981bab630c82460a4e0368840911500975   VGG-19 and its decoders
    pietrocarbo/deep-transfer                   e87e72f9f8612062431a82289b758ef570da52c3   whitening and colouring
    sunshineatnoon/PytorchWCT                   ee9d813020155cbb5c6e3937290cff3650f6ce8e   the same, plus the identity
    MingSun-Tse/Collaborative-Distillation      4a269dc90020721ef9b279b2926c62f5bcd6d209   the 16x smaller autoencoders
    naoto0804/pytorch-AdaIN                     47950d0e6656a95a80a4b105c4c0f58d38ef785c   AdaIN, CORAL
    zhanghang1989/PyTorch-Multi-Style-Transfer  75d256049a6af7ceccae01bd5c472556478048ea   MSG-Net, CoMatch
    ichunyeh/StyleBank                          7de425ad875a80bc773f1c5a1cf84f21c16ac200   StyleBank

WEIGHTS is a folder with `vgg19_wct` (deep-transfer's files, levels 1-3) and `small16x` (Collaborative-Distillation's,
NSE.pth and NSD.pth). MSG-Net and StyleBank run on the closed-form weights of formulas.py. Made with torch 2.13, on CPU.
"""

import argparse
import importlib
import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType
from unittest.mock import MagicMock, patch

import numpy as np
import PIL.Image  # noqa: F401  (loaded here, so that a peer's import leaves it in place)
import skimage.data
import torch
from formulas import fixed_weights, noise, thin
from safetensors.torch import save_file
from torch import Tensor, nn

HERE = Path(__file__).resolve().parent
Goldens = dict[str, Tensor]
Shapes = dict[str, tuple[int, ...]]
Transform = Callable[[float, Tensor, Tensor], Tensor]
STRENGTH = 0.6
ODD = (33, 61)

LUA = ("torch.utils.serialization",)
TORCHVISION = ("torchvision", "torchvision.models", "torchvision.transforms")
BIG_MODELS = ("model", "model.model_original", "model.model_cd", "model.model_kd2sd")


def peer(folder: Path, module: str, *absent: str) -> ModuleType:
    """Import `module` from a peer's folder, with stand-ins for the `absent` packages; nothing stays imported."""
    stand_ins = {name: MagicMock() for name in absent}
    with patch.dict(sys.modules, stand_ins), patch.object(sys, "path", [str(folder), *sys.path]):
        return importlib.import_module(module)


def pictures() -> Goldens:
    """A wide and a tall picture of scikit-image's, in 0..1, averaged down in whole blocks."""
    coffee, glands = skimage.data.coffee()[56:344, 12:588], skimage.data.immunohistochemistry()[:, 128:384]
    return {"content": _small(coffee, 9), "style": _small(glands, 8)}


def _small(picture: np.ndarray, block: int) -> Tensor:
    height, width, _ = picture.shape
    blocks = picture.reshape(height // block, block, width // block, block, 3).mean((1, 3)) / 255
    return torch.from_numpy(blocks).permute(2, 0, 1)[None].float().contiguous()


def autoencoders(pairs: dict[int, tuple[nn.Module, nn.Module]], images: Goldens, transform: Transform) -> Goldens:
    """Features and reconstructions of each level, and the cascade from the deepest level to the first."""
    goldens: Goldens = {}
    stylised = images["content"]
    for level, (encode, decode) in sorted(pairs.items(), reverse=True):
        features = encode(images["content"])
        goldens[f"relu{level}_1"] = thin(features)
        goldens[f"decoded{level}"] = decode(features)
        content, style = encode(stylised)[0], encode(images["style"])[0]
        stylised = decode(transform(STRENGTH, content, style))
    return goldens | {"cascade": stylised}


def vgg19(peers: Path, weights: Path) -> dict[int, tuple[nn.Module, nn.Module]]:
    layers = peer(peers / "Pytorch_WCT", "normalisedVGG").normalised_vgg_relu5_1
    decoder = peer(peers / "Pytorch_WCT", "VGGdecoder").Decoder
    ends = {1: 4, 2: 11, 3: 18}
    for level, end in ends.items():
        layers[:end].load_state_dict(torch.load(weights / f"vgg19_wct/vgg_normalised_conv{level}_1.pth"))
    return {
        level: (layers[:end], decoder(level, weights / f"vgg19_wct/feature_invertor_conv{level}_1.pth"))
        for level, end in ends.items()
    }


def small16x(peers: Path, weights: Path) -> dict[int, tuple[nn.Module, nn.Module]]:
    networks = peer(peers / "Collaborative-Distillation", "model.model_cd", *LUA, "utils")
    folder = weights / "small16x"
    return {
        level: (
            getattr(networks, f"SmallEncoder{level}_16x_aux")(folder / f"{level}SE.pth"),
            getattr(networks, f"SmallDecoder{level}_16x")(folder / f"{level}SD.pth"),
        )
        for level in range(1, 6)
    }


def fixed(network: nn.Module) -> Shapes:
    """Give `network` the fixed weights, and say which keys and shapes its file has."""
    shapes = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    network.load_state_dict(fixed_weights(shapes))
    return shapes


def msgnet(network: nn.Module, images: Goldens) -> Goldens:
    """MSG-Net on BGR in 0..255, with the style as its target."""
    content, style = (255 * images[name].flip(1) for name in ("content", "style"))
    network.setTarget(style)
    features = network.model1(content)
    return {
        "features": thin(features),
        "gram": network.ins.G[:, ::16, ::16],
        "matched": thin(network.ins(features)),
        "picture": paint(network, images["content"]),
    }


def paint(network: nn.Module, image: Tensor) -> Tensor:
    """MSG-Net's picture, RGB in 0..1 as everywhere else here."""
    return network(255 * image.flip(1)).flip(1) / 255


def old_running_statistics(network: nn.Module) -> Shapes:
    """The buffers that the torch of 2017 wrote for every instance norm, and that the published file therefore holds."""
    norms = [
        (name, module.num_features)
        for name, module in network.named_modules(remove_duplicate=False)
        if isinstance(module, nn.InstanceNorm2d)
    ]
    return {f"{name}.running_{kind}": (size,) for name, size in norms for kind in ("mean", "var")}


def stylebank(network: nn.Module, images: Goldens) -> Goldens:
    features = network.encoder_net(images["content"])
    return {
        "features": thin(features),
        "filtered": thin(network.style_bank[1](features)),
        "reconstruction": network(images["content"]),
        "picture": network(images["content"], [1]),
    }


def formulas(peers: Path) -> Goldens:
    """Each transform on tiny features, whose variances, like those of real ones, lie on both sides of one."""
    mixing = noise((8, 8), "mixing") * torch.logspace(-0.5, 0.5, 8)
    content = torch.einsum("ij,bjhw->bihw", mixing, noise((1, 8, 6, 7), "content")) + 1
    style = torch.einsum("ij,bjhw->bihw", mixing + 0.3 * noise((8, 8), "other"), noise((1, 8, 5, 9), "style")) - 0.5
    flat, flat_style = content[0].flatten(1).double(), style[0].flatten(1).double()
    adain = peer(peers / "pytorch-AdaIN", "function")
    plain = peer(peers / "Collaborative-Distillation/PytorchWCT", "util_wct", *LUA, *TORCHVISION, "utils", *BIG_MODELS)
    plus = peer(peers / "PytorchWCT", "util", *LUA, *TORCHVISION, "modelsNIPS")
    msgnet = peer(peers / "PyTorch-Multi-Style-Transfer/experiments", "net")
    comatch = msgnet.Inspiration(8)
    comatch.weight.data = noise((1, 8, 8), "comatch")
    comatch.setTarget(msgnet.GramMatrix()(style))
    image, reference = noise((3, 4, 5), "image") / 4 + 0.5, noise((3, 8, 10), "reference") / 6 + 0.4
    return {
        "content": content,
        "style": style,
        "adain": adain.adaptive_instance_normalization(content, style),
        "adain_faint": adain.adaptive_instance_normalization(content / 300, style),
        "wct": plain.WCT.whiten_and_color_torch(None, flat, flat_style).float().reshape(content.shape),
        "wct_plus_identity": plus.WCT.whiten_and_color(None, flat, flat_style).float().reshape(content.shape),
        "comatch": comatch(content),
        "comatch_weight": comatch.weight.data[0],
        "image": image[None],
        "reference": reference[None],
        "coral": adain.coral(image, reference)[None],
    }


def odd(networks: dict[str, Callable[[Tensor], Tensor]]) -> Goldens:
    """What each network gives back for a picture of odd sides: the height and width, and the picture, thinned."""
    picture = noise((1, 3, *ODD), "odd") / 2 + 0.5
    results = {name: network(picture) for name, network in networks.items()}
    sizes = {f"{name}.size": torch.tensor(result.shape[-2:]) for name, result in results.items()}
    return sizes | {name: thin(result) for name, result in results.items()}


def write(name: str, goldens: Goldens, shapes: Shapes | None = None) -> None:
    tensors = {key: value.detach().contiguous().clone() for key, value in goldens.items()}
    save_file(tensors, HERE / f"{name}.safetensors", {"shapes": json.dumps(shapes)} if shapes else None)


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("peers", type=Path)
    parser.add_argument("weights", type=Path)
    arguments = parser.parse_args()
    peers, images = arguments.peers.resolve(), pictures()
    transform = peer(peers / "deep-transfer", "feature_transforms").wct
    write("pictures", images)
    write("formulas", formulas(peers))
    networks: dict[str, Callable[[Tensor], Tensor]] = {}
    for name, build in (("vgg19", vgg19), ("small16x", small16x)):
        pairs = build(peers, arguments.weights)
        write(name, autoencoders(pairs, images, transform))
        networks |= {f"{name}_{level}": nn.Sequential(*pair) for level, pair in pairs.items()}
    for ngf in (64, 128):
        network = peer(peers / "PyTorch-Multi-Style-Transfer/experiments", "net").Net(ngf=ngf)
        shapes = fixed(network) | old_running_statistics(network)
        write(f"msgnet{ngf}", msgnet(network, images), shapes)
        networks["msgnet"] = partial(paint, network)
    networks["stylebank"] = peer(peers / "StyleBank", "network", *TORCHVISION).StyleBankNet(2)
    shapes = fixed(networks["stylebank"])
    write("stylebank", stylebank(networks["stylebank"], images), shapes)
    write("odd", odd(networks))


if __name__ == "__main__":
    main()
