"""AdaIN and WCT: features take the statistics of the style's."""

from __future__ import annotations

from torch import Tensor

from ..models.features import FeatureMap
from ..tiling.stylize import Recipe, Style
from ..transfer.over_time import Past
from ..transfer.restyle import ADAIN, apply_within, fit
from ..transfer.wct import WHITENING
from . import _host, _inputs
from ._checks import (
    features_in,
    features_out,
    mask_at_rest,
    mask_over,
    picture_at_rest,
    pooling_in,
    style_mask_at_rest,
    style_mask_over,
)
from ._node import FeatureNode, ImageNode
from ._passes import restyle
from ._residency import KeptFeatures

COARSE_TO_FINE = ("relu5_1", "relu4_1", "relu3_1", "relu2_1", "relu1_1")
UNIVERSAL = "universal style transfer via feature transforms"


class AdaIN(FeatureNode):
    """Adaptive instance normalisation."""

    TITLE = "AdaIN"
    CATEGORY = "brushwork/transform"
    DESCRIPTION = "Gives every channel of the content's features the mean and the deviation of the style's."
    SEARCH_ALIASES = ["adaptive instance normalization", "arbitrary style transfer in real-time", "huang belongie"]

    @classmethod
    def INPUT_TYPES(cls) -> _inputs.Inputs:
        return _inputs.transform()

    def run(
        self,
        content: KeptFeatures,
        style: KeptFeatures,
        statistics: str = _inputs.PER_IMAGE,
        content_mask: Tensor | None = None,
        style_mask: Tensor | None = None,
        past: Past | None = None,
    ) -> tuple[KeptFeatures]:
        return features_out(
            _restyle(ADAIN, features_in(content), features_in(style), statistics, content_mask, style_mask, past)
        )


class WCT(FeatureNode):
    """The whitening and colouring transform."""

    TITLE = "WCT"
    CATEGORY = "brushwork/transform"
    DESCRIPTION = "Gives the content's features the whole covariance of the style's, not only each channel's deviation."
    SEARCH_ALIASES = ["whitening coloring transform", UNIVERSAL, "optimal transport"]

    @classmethod
    def INPUT_TYPES(cls) -> _inputs.Inputs:
        return _inputs.transform(method=_inputs.wct_method())

    def run(
        self,
        content: KeptFeatures,
        style: KeptFeatures,
        method: str = WHITENING,
        statistics: str = _inputs.PER_IMAGE,
        content_mask: Tensor | None = None,
        style_mask: Tensor | None = None,
        past: Past | None = None,
    ) -> tuple[KeptFeatures]:
        return features_out(
            _restyle(method, features_in(content), features_in(style), statistics, content_mask, style_mask, past)
        )


class WCTLevel(ImageNode):
    """One level of the cascade in one node."""

    TITLE = "WCT Level"
    CATEGORY = "brushwork/transform"
    DESCRIPTION = (
        "Encodes, whitens and colours, blends and decodes at one level: chain five, coarse to fine, for the paper."
    )
    SEARCH_ALIASES = ["whitening coloring transform", UNIVERSAL, "wct cascade", "multi-level"]

    @classmethod
    def INPUT_TYPES(cls) -> _inputs.Inputs:
        return {
            "required": {
                "network": _inputs.network(),
                "content": _inputs.image("The content, or what the coarser level made of it."),
                "style": _inputs.image("The style picture; one, or one a content."),
                "level": _inputs.choice(
                    COARSE_TO_FINE, "relu5_1 moves large shapes, relu1_1 little more than colours."
                ),
                "alpha": _inputs.alpha(
                    "Strength at this level: 0 leaves the content, 1 is the full style; the paper has 0.6."
                ),
                "method": _inputs.wct_method(),
            },
            "optional": _inputs.fitting(),
            "hidden": _inputs.past(),
        }

    def run(
        self,
        network: _host.HostedNetwork,
        content: Tensor,
        style: Tensor,
        level: str,
        alpha: float = 1.0,
        method: str = WHITENING,
        statistics: str = _inputs.PER_IMAGE,
        content_mask: Tensor | None = None,
        style_mask: Tensor | None = None,
        past: Past | None = None,
    ) -> tuple[Tensor]:
        own, target = picture_at_rest(content, "content"), picture_at_rest(style, "style")
        region = mask_at_rest(content_mask, "content_mask", own)
        learnt_from = style_mask_at_rest(style_mask, "style_mask", target)
        recipe = Recipe(method, {level: alpha}, *pooling_in(statistics, past))
        return (restyle(network, own, [Style(target, region=region, learnt_from=learnt_from)], recipe),)


def _restyle(
    method: str,
    content: FeatureMap,
    style: FeatureMap,
    statistics: str,
    content_mask: Tensor | None,
    style_mask: Tensor | None,
    past: Past | None,
) -> FeatureMap:
    style.expect(content.space)
    within = mask_over(content, content_mask, "content_mask")
    learnt_from = style_mask_over(style, style_mask, "style_mask")
    operator = fit(method, content.values, style.values, within, learnt_from, *pooling_in(statistics, past))
    return content.with_values(apply_within(operator, content.values, within))
