"""From a picture to features and back: the loader, the encoder, the decoder."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from ..methods.protocol import Learnt
from ..methods.stylebank import kept_of
from ..models.networks.base import DECODERS, RECONSTRUCTION, FeatureMap
from ..models.networks.msgnet import LEVEL as COMATCH_LEVEL
from ..models.networks.precision import AUTOMATIC, PRECISIONS, compute_dtype
from ..models.networks.stylebank import LEVEL as BANK_LEVEL
from ..models.networks.stylebank import StyleBankNetwork
from ..models.networks.vgg import ADAIN_LEVEL
from ..models.networks.vgg import LEVELS as VGG_LEVELS
from ..models.registry import load_network
from ..models.weights.learnt_styles import find_style, learned_styles
from ..models.weights.manifest import read_manifest
from . import _host
from ._base import FEATURES, NETWORK, FeatureNode, ImageNode, Inputs, Node, choice, own_network, socket
from ._checks import choice_in, picture_in
from ._host import CachedFeatures, HostedNetwork, feature_cache

NAME_TIP = (
    "Weights that are not at hand are downloaded once, and verified. A StyleBank brings all styles that you taught it; "
    "'stylebank/...' brings that one."
)
COARSE_TO_FINE = tuple(reversed(VGG_LEVELS))
OWN_LEVELS = (COMATCH_LEVEL, BANK_LEVEL, ADAIN_LEVEL)
"""Of MSG-Net, of StyleBank, and the one where AdaIN works."""
LEVELS = (AUTOMATIC, *VGG_LEVELS, COMATCH_LEVEL, BANK_LEVEL)


class LoadStyleNetwork(Node):
    """A network by name, its weights found or fetched."""

    TITLE = "Load Style Network"
    CATEGORY = "brushwork/network"
    DESCRIPTION = "Loads a style network: an encoder, the decoders that belong to it, and what its method needs."
    SEARCH_ALIASES = ["vgg", "wct", "adain", "msg-net", "stylebank"]
    RETURN_TYPES = (NETWORK,)
    RETURN_NAMES = ("network",)
    OUTPUT_TOOLTIPS = ("For Style Encoder, Style Decoder and the nodes of its method.",)

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        folders = _host.weight_folders()  # from here on ComfyUI knows our folder too
        networks = read_manifest().networks
        found = [file.metadata for file in learned_styles(folders)]
        learned = [f"{style.network}/{style.style}" for style in found if style.network in networks]
        tip = (
            "'automatic' computes in half precision where the hardware is faster in it; 'float32' is exact, and slower."
        )
        return {
            "required": {
                "name": choice((*networks, *learned), NAME_TIP),
                "precision": choice(PRECISIONS, tip, advanced=True),
            }
        }

    def run(self, name: str, precision: str = AUTOMATIC) -> tuple[HostedNetwork]:
        read_manifest().network(name.partition("/")[0])  # a workflow names networks, and no files of this machine
        return (load_hosted(name, precision),)


def bank_styles(bank: str = "") -> tuple[str, ...]:
    """The styles of one bank in the manifest, or of every one, and those that were taught to it."""
    networks = read_manifest().networks
    published = [style for name, entry in networks.items() if bank in ("", name) for style in entry.styles]
    taught = [file.metadata for file in learned_styles(_host.weight_folders())]
    return tuple(dict.fromkeys([*published, *(style.style for style in taught if bank in ("", style.network))]))


def style_of(bank: StyleBankNetwork, name: str) -> str | Learnt:
    """A style's name, or what is kept of it: a bank may be older than the style, or hold what it was before."""
    own = name in bank.styles and name not in bank.in_files
    if own or not (found := find_style(bank, name, _host.weight_folders())):
        return name
    like, space = next(bank.parameters()), bank.spaces[BANK_LEVEL]
    return Learnt("stylebank", space.network, {space.level: kept_of(found.weight.to(like), found.bias.to(like))})


class StyleByName:
    """A node that runs again when one of the styles that its inputs name was learnt anew."""

    @classmethod
    def IS_CHANGED(cls, **inputs: Any) -> list[int]:  # noqa: ANN401 - whatever its widgets hold
        named = [file for file in learned_styles(_host.weight_folders()) if file.metadata.style in inputs.values()]
        return [file.path.stat().st_mtime_ns for file in named]


def load_hosted(name: str, precision: str = AUTOMATIC) -> HostedNetwork:
    """A network of the manifest, computing in the type that `precision` means on the compute device."""
    dtype = compute_dtype(precision, _host.compute_device())
    return HostedNetwork(load_network(name, _host.weight_folders(), _host.Progress(), dtype))


def expect_encoder(network: HostedNetwork, features: FeatureMap) -> None:
    """ValueError unless `network`, or another one that is the same there, encoded the features."""
    if features.space not in network.network.spaces.values():
        raise ValueError(
            f"'network' is not the one that encoded these features, {features.space}: disconnect it, since features "
            "know theirs."
        )


class StyleEncoder(FeatureNode):
    """A picture's features at one level."""

    TITLE = "Style Encoder"
    CATEGORY = "brushwork/network"
    DESCRIPTION = "Encodes a picture into features at one level: fine texture at relu1_1, large shapes at relu5_1."
    SEARCH_ALIASES = [
        "vgg encode",
        "features",
        "encode style",
        "encode content",
        "adain",
        "wct",
        "msg-net",
        "stylebank",
    ]
    OUTPUT_TOOLTIPS = ("Features that remember their network, level and the picture's exact size.",)

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        tip = (
            "'automatic' is 'comatch' for MSG-Net, 'bank' for StyleBank, and for others 'relu4_1', where AdaIN "
            "works. Content and style need the same level."
        )
        return {
            "required": {
                "network": socket(NETWORK, "From Load Style Network."),
                "image": socket("IMAGE", "A content or a style picture of any size, or a batch of them."),
                "level": choice(LEVELS, tip),
            }
        }

    def run(self, network: HostedNetwork, image: Tensor, level: str = AUTOMATIC) -> tuple[CachedFeatures]:
        if level == AUTOMATIC:
            spaces = network.network.spaces
            level = next((own for own in OWN_LEVELS if own in spaces), [*spaces][-1])
        return (feature_cache().add(network.encode(picture_in(image, "image"), level), network),)


class StyleDecoder(ImageNode):
    """Features back to a picture."""

    TITLE = "Style Decoder"
    CATEGORY = "brushwork/network"
    DESCRIPTION = "Decodes features into a picture of exactly the size that was encoded."
    SEARCH_ALIASES = ["vgg decode", "decode features", "invert features", "adain", "wct", "msg-net", "stylebank"]

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        tip = (
            "'automatic' goes by what the features went through; 'reconstruction' inverts the encoder, as WCT wants "
            "it; 'adain' was trained to paint AdaIN's features."
        )
        return {
            "required": {
                "features": socket(FEATURES, "From Style Encoder, or from any node that restyles or mixes features."),
            },
            "optional": {**own_network(), "trained_for": choice((AUTOMATIC, *DECODERS), tip)},
        }

    def run(
        self, features: CachedFeatures, network: HostedNetwork | None = None, trained_for: str = AUTOMATIC
    ) -> tuple[Tensor]:
        network, encoded = network or features.network, features.features
        expect_encoder(network, encoded)
        decoder, level = choice_in(trained_for, (AUTOMATIC, *DECODERS), "trained_for"), encoded.space.level
        if decoder == AUTOMATIC:
            there = network.network.decoders(level)
            decoder = next((own for own in (encoded.method, RECONSTRUCTION, *there) if own in there), RECONSTRUCTION)
        return (network.decode(encoded, decoder),)
