"""What many of the workflows have in common: the nodes of this pack by short names, and words about them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...models.networks.vgg import LEVELS as VGG_LEVELS
from ...transfer.wct import WHITENING
from .page import BLUE, GREEN, Cell, Node, Output, Page

ABOUT_COMPACT = (
    "The network is *compact*, Brushwork's own and built in. For the papers' own choose *vgg19* or *vgg19-adain*, "
    "which are downloaded once."
)
ABOUT_COMPACT_ADAIN = (
    "The network is *compact-adain*, Brushwork's own and built in. For the paper's own choose *vgg19-adain*, which is "
    "downloaded once."
)
LEVELS = tuple(reversed(VGG_LEVELS))
"""Of WCT's cascade, coarse to fine."""
SHARES = ((1.0, 0.0), (0.75, 0.25), (0.5, 0.5), (0.25, 0.75), (0.0, 1.0))
"""Of two styles, from all of the first to all of the second."""
SHARE_LABELS = [f"{100 * first:g} : {100 * second:g}" for first, second in SHARES]


class Workflow(Page):
    """A page with this pack's nodes; each method but `start` and `save` adds a node at a cell, and gives it."""

    def network(self, cell: Cell = (1, 0), name: str = "compact", title: str = "") -> Node:
        return self.add("BrushworkLoadStyleNetwork", cell, title, name=name)

    def sample(self, row: int, title: str, name: str, column: int = 1) -> Node:
        """A sample picture, in the first column of nodes unless told."""
        return self.add("BrushworkSamplePicture", (column, row), title, name=name)

    def start(self, content: str, *styles: str, network: str = "compact") -> list[Node]:
        """The group that a workflow starts with: the network, one content and the styles."""
        titles = ("Style",) if len(styles) == 1 else ("First style", "Second style")
        with self.group("Start", BLUE):
            loaded = [self.network(name=network), self.sample(1, "Content", content)]
            rows = zip((2, 3), titles, styles, strict=False)
            return [*loaded, *(self.sample(row, title, style) for row, title, style in rows)]

    def square(self, cell: Cell, image: Node, side: int, left: int) -> Node:
        """The part of a wide picture that a contact sheet shows best."""
        return self.add("ImageCrop", cell, "Square", image=image, width=side, height=side, x=left)

    def encode(self, cell: Cell, network: Node, image: Node, level: str, title: str = "") -> Node:
        return self.add("BrushworkStyleEncoder", cell, title, network=network, image=image, level=level)

    def decode(self, cell: Cell, features: Node, collapsed: bool = False) -> Node:
        """A Style Decoder; `collapsed` where there are many, with nothing to set."""
        decoder = self.add("BrushworkStyleDecoder", cell, features=features)
        decoder.collapsed = collapsed
        return decoder

    def adain(self, cell: Cell, content: Node, style: Node, **masks: Any) -> Node:  # noqa: ANN401
        return self.add("BrushworkAdaIN", cell, content=content, style=style, **masks)

    def wct_level(self, cell: Cell, sources: Sequence[Node], level: str, alpha: float, **inputs: Any) -> Node:  # noqa: ANN401
        """One level of WCT's cascade, of network, content and style."""
        inputs |= dict(zip(("network", "content", "style"), sources, strict=True))
        return self.add("BrushworkWCTLevel", cell, level=level, alpha=alpha, **inputs)

    def cascade(self, cell: Cell, sources: Sequence[Node], alphas: Sequence[float]) -> Node:
        """WCT's five levels in a row, of network, content and style."""
        net, image, style = sources
        for index, (level, alpha) in enumerate(zip(LEVELS, alphas, strict=True)):
            if alpha:  # at 0 the decoder would still lose something
                place = cell[0] + index, cell[1]
                image = self.wct_level(place, (net, image, style), level, alpha, title=f"WCT {level}")
        return image

    def whole_cascade(
        self,
        cell: Cell,
        sources: Sequence[Node],
        alphas: Sequence[float],
        title: str = "",
        **inputs: Any,  # noqa: ANN401
    ) -> Node:
        """The same in one node."""
        inputs |= dict(zip(("network", "content", "style_1"), sources, strict=True))
        inputs |= {f"alpha_{level}": alpha for level, alpha in zip(LEVELS, alphas, strict=True)}
        return self.add("BrushworkStylizeLarge", cell, title, method=WHITENING, **inputs)

    def comatch(self, cell: Cell, content: Node, style: Node) -> Node:
        return self.add("BrushworkCoMatch", cell, content=content, style=style)

    def bank_style(self, cell: Cell, features: Node, style: str, title: str = "") -> Node:
        """Features filtered by a kernel of the bank."""
        return self.add("BrushworkStyleBankFilter", cell, title, features=features, style=style)

    def bright(self, content: Node) -> Node:
        """A mask, in the third column: what is bright in the photograph's blue, roughly a background of sky."""
        level = self.add("ImageToMask", (2, 1), image=content, channel="blue")
        return self.add("ThresholdMask", (2, 2), mask=level, value=0.65)

    def sheet(
        self, cell: Cell, images: Sequence[Node | Output], labels: Sequence[str], columns: int, side: int = 0
    ) -> Node:
        """All results on one picture, in order, each of `side` pixels; by default 960 for all columns."""
        slots: dict[str, Any] = {f"image_{index + 1}": image for index, image in enumerate(images)}
        shape = {"columns": columns, "side": side or 960 // columns}
        return self.add("BrushworkContactSheet", cell, labels="\n".join(labels), **shape, **slots)

    def save(self, cell: Cell, image: Node) -> None:
        """Where every workflow ends."""
        with self.group("Result", GREEN):
            self.add("SaveImage", cell, "Result", images=image, filename_prefix=f"brushwork/{self.name}")

    def save_video(self, cell: Cell, video: Node) -> None:
        """Where one with a video ends."""
        with self.group("Result", GREEN):
            self.add("SaveVideo", cell, "Result", video=video, filename_prefix=f"brushwork/{self.name}")
