"""How far a result is from its content and from its style."""

from __future__ import annotations

from statistics import fmean
from typing import cast

from torch import Tensor

from ..media.charts import bar_chart
from ..methods.whole_maps import measured
from ..transfer.distance import content_distance, style_distance
from ..transfer.moments import Moments, check_batches
from ._base import NETWORK, Inputs, Node, socket
from ._checks import picture_in, picture_out, same_pictures
from ._host import HostedNetwork, at_once, compute_device, in_parts


class StyleReport(Node):
    """Content and style distance, as numbers and as a chart."""

    TITLE = "Style Report"
    CATEGORY = "brushwork/picture"
    DESCRIPTION = "Measures how far a result is from its content and from its style, level by level."
    SEARCH_ALIASES = ["style loss", "content loss", "gram distance", "metrics"]
    RETURN_TYPES = ("FLOAT", "FLOAT", "IMAGE")
    RETURN_NAMES = ("content_distance", "style_distance", "chart")
    OUTPUT_TOOLTIPS = (
        "Relative squared error of the coarsest level's features: 0 is the content itself.",
        "Mean over the levels of the relative difference of Gram matrices: 0 is the style itself.",
        "The style distance at every level, of the result and of the untouched content.",
    )

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {
            "required": {
                "network": socket(NETWORK, "Any network; one with several levels says more."),
                "content": socket("IMAGE", "The content picture."),
                "style": socket("IMAGE", "The style picture."),
                "result": socket("IMAGE", "The stylised picture, of the content's size."),
            }
        }

    def run(
        self, network: HostedNetwork, content: Tensor, style: Tensor, result: Tensor
    ) -> tuple[float, float, Tensor]:
        before, after, target = picture_in(content, "content"), picture_in(result, "result"), picture_in(style, "style")
        same_pictures(after, before)
        check_batches(len(after), len(target))
        rows: dict[str, tuple[float, ...]] = {}
        distance = 0.0
        for level in network.network.spaces:
            maps = [network.encode(image, level).values for image in (before, after, target)]
            found = [measured("full", values, None, compute_device(), at_once()) for values in maps]
            untouched, painted, gram = cast("list[Moments]", found)
            rows[level] = tuple(style_distance(own, gram).mean().item() for own in (painted, untouched))
            distance = in_parts(content_distance, maps[1], maps[0]).mean().item()
        styles = [painted for painted, _ in rows.values()]
        chart = bar_chart(rows, ("result to style", "content to style"))
        return distance, fmean(styles), picture_out(chart)
