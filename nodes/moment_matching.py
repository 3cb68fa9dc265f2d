"""AdaIN and WCT: features take the statistics of the style's."""

from __future__ import annotations

from functools import partial

from torch import Tensor

from ..models.features import FeatureMap
from ..models.network import RECONSTRUCTION
from ..transfer.over_time import Past, smoothed
from ..transfer.restyle import apply_within, fit
from ..transfer.wct import METHODS as WCT_METHODS
from ..transfer.wct import WHITENING
from . import _host, _inputs
from ._checks import alpha_in, choice_in, features_in, features_out, mask_over, picture_in, picture_out, style_mask_over
from ._node import FeatureNode, ImageNode
from ._passes import decode, encode
from ._residency import KeptFeatures

COARSE_TO_FINE = ("relu5_1", "relu4_1", "relu3_1", "relu2_1", "relu1_1")
METHOD_TIP = (
    "Whitening-colouring is the paper's; optimal transport reaches the same statistics and moves features least."
)


class AdaIN(FeatureNode):
    """Adaptive instance normalisation."""

    TITLE = "AdaIN"
    CATEGORY = "brushwork/transform"
    DESCRIPTION = "Gives every channel of the content's features the mean and the deviation of the style's."
    SEARCH_ALIASES = ["adaptive instance normalization", "arbitrary style transfer"]

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
            _restyle("adain", features_in(content), features_in(style), statistics, content_mask, style_mask, past)
        )


class WCT(FeatureNode):
    """The whitening and colouring transform."""

    TITLE = "WCT"
    CATEGORY = "brushwork/transform"
    DESCRIPTION = "Gives the content's features the whole covariance of the style's, not only each channel's deviation."
    SEARCH_ALIASES = ["whitening coloring transform", "universal style transfer", "optimal transport"]

    @classmethod
    def INPUT_TYPES(cls) -> _inputs.Inputs:
        return _inputs.transform(method=_inputs.choice(WCT_METHODS, METHOD_TIP))

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
    SEARCH_ALIASES = ["universal style transfer", "wct cascade", "multi-level"]

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
                "method": _inputs.choice(WCT_METHODS, METHOD_TIP),
            },
            "optional": _inputs.fitting(),
            "hidden": {"past": _inputs.PAST},
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
        alpha = alpha_in(alpha)
        own = encode(network, picture_in(content, "content"), level)
        target = encode(network, picture_in(style, "style"), level)
        restyled = _restyle(method, own, target, statistics, content_mask, style_mask, past, alpha)
        return (picture_out(decode(network, restyled, RECONSTRUCTION)),)


def _restyle(
    method: str,
    content: FeatureMap,
    style: FeatureMap,
    statistics: str,
    content_mask: Tensor | None,
    style_mask: Tensor | None,
    past: Past | None,
    alpha: float = 1.0,
) -> FeatureMap:
    style.expect(content.space)
    within = mask_over(content, content_mask, "content_mask")
    learnt_from = style_mask_over(style, style_mask, "style_mask")
    how = choice_in(statistics, _inputs.STATISTICS, "statistics")
    pooled = partial(smoothed, past=past) if how == _inputs.SMOOTHED else None
    operator = fit(method, content.values, style.values, within, learnt_from, how == _inputs.WHOLE_BATCH, pooled)
    return content.with_values(apply_within(operator.blend(alpha), content.values, within))
