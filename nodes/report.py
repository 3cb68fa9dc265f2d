"""How far a result is from its content and from its style."""

from __future__ import annotations

from torch import Tensor

from ..media.charts import bar_chart
from ..transfer.distance import content_distance, style_distance
from ..transfer.moments import Moments
from . import _base, _host
from ._base import Node
from ._checks import picture_on_device, picture_out, same_pictures


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
    def INPUT_TYPES(cls) -> _base.Inputs:
        return {
            "required": {
                "network": _base.network("Any network; one with several levels says more."),
                "content": _base.image("The content picture."),
                "style": _base.image("The style picture."),
                "result": _base.image("The stylised picture, of the content's size."),
            }
        }

    def run(
        self, network: _host.HostedNetwork, content: Tensor, style: Tensor, result: Tensor
    ) -> tuple[float, float, Tensor]:
        before, after = picture_on_device(content, "content"), picture_on_device(result, "result")
        target = picture_on_device(style, "style")
        same_pictures(after, before)
        return _measure(network, before, target, after)


def _measure(
    network: _host.HostedNetwork, content: Tensor, style: Tensor, result: Tensor
) -> tuple[float, float, Tensor]:
    rows: dict[str, tuple[float, ...]] = {}
    away = 0.0
    for level in network.network.spaces:
        before, after = network.encode(content, level).values, network.encode(result, level).values
        target = Moments.of(network.encode(style, level).values, full=True)
        rows[level] = tuple(
            style_distance(Moments.of(values, full=True), target).mean().item() for values in (after, before)
        )
        away = content_distance(after, before).mean().item()
    styles = [after for after, _ in rows.values()]
    return away, sum(styles) / len(styles), picture_out(bar_chart(rows, ("result to style", "content to style")))
