"""From a picture to features and back: the loader, the encoder, the decoder."""

from __future__ import annotations

from torch import Tensor

from ..models.networks.base import DECODERS, RECONSTRUCTION
from ..models.networks.precision import AUTOMATIC, PRECISIONS, compute_dtype
from ..models.registry import load_network
from ..models.weights.learnt_styles import learned_styles
from ..models.weights.manifest import read_manifest
from . import _base, _host
from ._base import FeatureNode, ImageNode, Node
from ._checks import choice_in, features_out, picture_in
from ._host import CachedFeatures

NAME_TIP = (
    "Weights that are not at hand are downloaded once, and verified. A StyleBank brings all styles that you taught it; "
    "'stylebank/...' brings that one."
)
LEVELS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1", "comatch", "bank")


class LoadStyleNetwork(Node):
    """A network by name, its weights found or fetched."""

    TITLE = "Load Style Network"
    CATEGORY = "brushwork/network"
    DESCRIPTION = "Loads a style network: an encoder, the decoders that belong to it, and what its method needs."
    SEARCH_ALIASES = ["vgg", "wct", "adain", "msg-net", "stylebank", "neural style"]
    RETURN_TYPES = (_base.NETWORK,)
    RETURN_NAMES = ("network",)
    OUTPUT_TOOLTIPS = ("For Style Encoder, Style Decoder and the nodes of its method.",)

    @classmethod
    def INPUT_TYPES(cls) -> _base.Inputs:
        folders = _host.weight_folders()  # from here on ComfyUI knows our folder too
        networks = read_manifest().networks
        found = [file.metadata for file in learned_styles(folders)]
        learned = [f"{style.network}/{style.style}" for style in found if style.network in networks]
        tip = "'automatic' computes in half precision where the hardware is faster in it; the pictures look the same."
        return {
            "required": {
                "name": _base.choice((*networks, *learned), NAME_TIP),
                "precision": _base.choice(PRECISIONS, tip, advanced=True),
            }
        }

    def run(self, name: str, precision: str = AUTOMATIC) -> tuple[_host.HostedNetwork]:
        read_manifest().network(name.partition("/")[0])  # a workflow names networks, and no files of this machine
        dtype = compute_dtype(precision, _host.compute_device())
        return (_host.HostedNetwork(load_network(name, _host.weight_folders(), _host.progress(), dtype)),)


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
    def INPUT_TYPES(cls) -> _base.Inputs:
        tip = "Content and style need the same level. MSG-Net has the level 'comatch', StyleBank the level 'bank'."
        return {
            "required": {
                "network": _base.network(),
                "image": _base.image("A content or a style picture of any size, or a batch of them."),
                "level": _base.choice(LEVELS, tip, default="relu4_1"),
            }
        }

    def run(self, network: _host.HostedNetwork, image: Tensor, level: str) -> tuple[CachedFeatures]:
        return features_out(network.encode(picture_in(image, "image"), level))


class StyleDecoder(ImageNode):
    """Features back to a picture."""

    TITLE = "Style Decoder"
    CATEGORY = "brushwork/network"
    DESCRIPTION = "Decodes features into a picture of exactly the size that was encoded."
    SEARCH_ALIASES = ["vgg decode", "decode features", "invert features", "adain", "wct", "msg-net", "stylebank"]

    @classmethod
    def INPUT_TYPES(cls) -> _base.Inputs:
        tip = "'reconstruction' inverts the encoder, as WCT wants it; 'adain' was trained to paint AdaIN's features."
        return {
            "required": {
                "network": _base.network("The network that encoded the features."),
                "features": _base.features("From Style Encoder, or from any node that restyles or mixes features."),
            },
            "optional": {"trained_for": _base.choice(DECODERS, tip)},
        }

    def run(
        self, network: _host.HostedNetwork, features: CachedFeatures, trained_for: str = RECONSTRUCTION
    ) -> tuple[Tensor]:
        return (network.decode(features.features, choice_in(trained_for, DECODERS, "trained_for")),)
