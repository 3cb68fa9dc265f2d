"""StyleBank: an encoder, a 3x3 kernel a style, a mirrored decoder (Chen et al. 2017)."""

from collections.abc import Sequence
from dataclasses import replace
from difflib import get_close_matches

from torch import Tensor, nn

from .base import FeatureSpace, StyleNetwork
from .layers import ReflectConv, StripSequential
from .norm import InstanceNorm
from .vgg import BACKBONE_LEVEL, VggEncoder, VggLayout, around_body, space_of, with_body

LEVEL = "bank"
BLOCKS = 3
"""Residual blocks on a backbone."""
MOST_NAMED = 8
"""Styles in a sentence."""


class StyleBankNetwork(StyleNetwork):
    """Without a kernel between them, encoder and decoder reconstruct the picture; `styles` name the kernels in order.

    Nearest upsampling and a convolution stand for the paper's fractionally strided ones, which leave a checkerboard.
    With a `backbone`, encoder and decoder are that layout's to relu3_1 in place of the paper's, and residual blocks
    stand before the decoder.
    """

    name: str = "stylebank"
    """In the manifest."""

    def __init__(
        self, styles: Sequence[str], widths: tuple[int, int, int] = (32, 64, 128), backbone: VggLayout | None = None
    ) -> None:
        super().__init__()
        self.encoder, self.body, self.decoder = around_body(backbone, BLOCKS) if backbone else _as_published(*widths)
        space = FeatureSpace("", "", widths[-1], stride=4, margin=17)
        space = with_body(space_of(backbone, BACKBONE_LEVEL), BLOCKS) if backbone else space
        self.spaces = {LEVEL: replace(space, network="stylebank", level=LEVEL, margin=space.margin + space.stride)}
        self.on_backbone = backbone is not None
        self.styles: tuple[str, ...] = ()
        self.in_files: set[str] = set()
        """Those of its styles that were read from a file, which may hold something newer by now."""
        self.bank = nn.ModuleList()
        for style in styles:
            self.add_style(style)

    @property
    def style_parts(self) -> tuple[str, ...]:
        return "encoder", "body", "decoder"

    def add_style(self, style: str) -> nn.Conv2d:
        """A kernel more, which starts as the identity; ValueError where the bank has a style of that name."""
        if style in self.styles:
            raise ValueError(f"this bank has a style '{style}' already: choose another name.")
        kernel = ReflectConv(self.spaces[LEVEL].channels, self.spaces[LEVEL].channels)
        nn.init.dirac_(kernel.weight)
        nn.init.zeros_(kernel.get_parameter("bias"))
        self.bank.append(kernel.to(next(self.encoder.parameters())))
        self.styles += (style,)
        return kernel

    def kernel(self, style: str) -> tuple[Tensor, Tensor]:
        """The style's kernel [C, C, 3, 3] and bias [C]; ValueError naming the styles there are, or the nearest."""
        if style not in self.styles:
            named, more = self.styles, ""
            if len(self.styles) > MOST_NAMED:
                named = get_close_matches(style, self.styles, MOST_NAMED, cutoff=0)
                more = f" or another of its {len(self.styles)}"
            raise ValueError(f"this bank has no style '{style}': choose one of {', '.join(named)}{more}.")
        place = f"bank.{self.styles.index(style)}"
        return self.get_parameter(f"{place}.weight"), self.get_parameter(f"{place}.bias")

    @property
    def local(self) -> bool:
        return self.on_backbone  # the paper's layout normalises inside

    @property
    def bfloat16_parts(self) -> tuple[str, ...]:
        return ("",)  # 50 to 57 dB over sixteen published styles

    def _encode(self, image: Tensor, levels: tuple[str, ...]) -> dict[str, Tensor]:
        if isinstance(self.encoder, VggEncoder):
            return {LEVEL: self.encoder(image, (BACKBONE_LEVEL,))[BACKBONE_LEVEL]}
        return {LEVEL: self.encoder(image)}

    def _decode(self, values: Tensor, level: str, decoder: str) -> Tensor:
        return self.decoder(self.body(values))


def _as_published(low: int, middle: int, high: int) -> tuple[nn.Module, nn.Module, nn.Module]:
    encoder = StripSequential(
        *_block(ReflectConv(3, low, 9)),
        *_block(ReflectConv(low, middle, 3, 2)),
        *_block(ReflectConv(middle, high, 3, 2)),
    )
    decoder = StripSequential(
        *_block(ReflectConv(high, middle, scale=2)),
        *_block(ReflectConv(middle, low, scale=2)),
        ReflectConv(low, 3, 9),
    )
    return encoder, nn.Identity(), decoder


def _block(layer: nn.Conv2d) -> tuple[nn.Module, ...]:
    return (layer, InstanceNorm(layer.out_channels), nn.ReLU())
