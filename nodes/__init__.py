"""The graph nodes: one dict of them all. Ids never change once published."""

from ._base import Node
from ._host import has_videos
from .combine import BlendByAlpha, MixStyles, RegionMask
from .entry import PaintedStyle, StyleTransfer
from .latents import LatentAdaIN, LatentWCT, StyleLatentOperation
from .learn_style import LearnStyle
from .networks import LoadStyleNetwork, StyleDecoder, StyleEncoder
from .pictures import BrushSize, ContactSheet, PreserveColor, SamplePicture, TextureNoise
from .report import StyleReport
from .stylize import StylizeLarge
from .transforms import WCT, AdaIN, CoMatch, StyleBankFilter, StyleBankMix, WCTLevel
from .video import HoldStill, SampleVideo

NODES: dict[str, type[Node]] = {
    "BrushworkStyleTransfer": StyleTransfer,
    "BrushworkPaintedStyle": PaintedStyle,
    "BrushworkLoadStyleNetwork": LoadStyleNetwork,
    "BrushworkStyleEncoder": StyleEncoder,
    "BrushworkStyleDecoder": StyleDecoder,
    "BrushworkAdaIN": AdaIN,
    "BrushworkWCT": WCT,
    "BrushworkWCTLevel": WCTLevel,
    "BrushworkStylizeLarge": StylizeLarge,
    "BrushworkCoMatch": CoMatch,
    "BrushworkStyleBankFilter": StyleBankFilter,
    "BrushworkStyleBankMix": StyleBankMix,
    "BrushworkBlendByAlpha": BlendByAlpha,
    "BrushworkMixStyles": MixStyles,
    "BrushworkRegionMask": RegionMask,
    "BrushworkPreserveColor": PreserveColor,
    "BrushworkBrushSize": BrushSize,
    "BrushworkTextureNoise": TextureNoise,
    "BrushworkSamplePicture": SamplePicture,
    "BrushworkContactSheet": ContactSheet,
    "BrushworkStyleReport": StyleReport,
    "BrushworkHoldStill": HoldStill,
    "BrushworkSampleVideo": SampleVideo,
    "BrushworkLearnStyle": LearnStyle,
    "BrushworkLatentAdaIN": LatentAdaIN,
    "BrushworkLatentWCT": LatentWCT,
    "BrushworkStyleLatentOperation": StyleLatentOperation,
}


def served() -> dict[str, type[Node]]:
    """Those for the server that this runs in, if any: one without videos has no use for a sample of them."""
    return {name: node for name, node in NODES.items() if node is not SampleVideo or has_videos()}


NODE_CLASS_MAPPINGS: dict[str, type[Node]] = served()
NODE_DISPLAY_NAME_MAPPINGS: dict[str, str] = {name: node.TITLE for name, node in NODE_CLASS_MAPPINGS.items()}
