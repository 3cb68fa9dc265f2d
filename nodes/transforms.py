"""AdaIN, WCT, CoMatch and StyleBank on features: one node a transform."""

from __future__ import annotations

from torch import Tensor

from ..methods import MATCHING, METHODS
from ..methods import wct as wct_method
from ..methods.matching import Matching
from ..methods.protocol import Step, Style, Tensors
from ..methods.render import transform
from ..methods.stylebank import bank_of, kept_of
from ..models.networks.stylebank import StyleBankNetwork
from ..models.weights.learnt_styles import EMPTY_SLOT as NONE
from ..models.weights.learnt_styles import find_style, learned_styles
from ..models.weights.manifest import read_manifest
from ..tiling.features import statistics_of_map
from ..transfer.moments import check_batches
from ..transfer.operators import masked_blend
from ..transfer.temporal import PER_IMAGE, pooled_style
from ..transfer.wct import WHITENING
from . import _base, _host
from ._base import FeatureNode, ImageNode
from ._checks import (
    cells_in,
    features_in,
    features_out,
    picture_in,
    region_in,
    statistics_in,
    style_mask_in,
)
from ._host import CachedFeatures

COARSE_TO_FINE = ("relu5_1", "relu4_1", "relu3_1", "relu2_1", "relu1_1")
UNIVERSAL = "universal style transfer via feature transforms"


class AdaIN(FeatureNode):
    """Adaptive instance normalisation."""

    TITLE = "AdaIN"
    CATEGORY = "brushwork/transform"
    DESCRIPTION = "Gives every channel of the content's features the mean and the deviation of the style's."
    SEARCH_ALIASES = ["adaptive instance normalization", "arbitrary style transfer in real-time", "huang belongie"]

    @classmethod
    def INPUT_TYPES(cls) -> _base.Inputs:
        return _base.transform()

    def run(
        self,
        content: CachedFeatures,
        style: CachedFeatures,
        statistics: str = PER_IMAGE,
        content_mask: Tensor | None = None,
        style_mask: Tensor | None = None,
    ) -> tuple[CachedFeatures]:
        return _restyle(MATCHING["adain"], content, style, statistics, content_mask, style_mask)


class WCT(FeatureNode):
    """The whitening and colouring transform."""

    TITLE = "WCT"
    CATEGORY = "brushwork/transform"
    DESCRIPTION = "Gives the content's features the whole covariance of the style's, not only each channel's deviation."
    SEARCH_ALIASES = ["whitening coloring transform", UNIVERSAL, "optimal transport"]

    @classmethod
    def INPUT_TYPES(cls) -> _base.Inputs:
        return _base.transform(method=_base.wct_method())

    def run(
        self,
        content: CachedFeatures,
        style: CachedFeatures,
        method: str = WHITENING,
        statistics: str = PER_IMAGE,
        content_mask: Tensor | None = None,
        style_mask: Tensor | None = None,
    ) -> tuple[CachedFeatures]:
        return _restyle(wct_method.WCT(method), content, style, statistics, content_mask, style_mask)


class WCTLevel(ImageNode):
    """One level of the cascade in one node."""

    TITLE = "WCT Level"
    CATEGORY = "brushwork/transform"
    DESCRIPTION = (
        "Encodes, whitens and colours, blends and decodes at one level: chain five, coarse to fine, for the paper."
    )
    SEARCH_ALIASES = ["whitening coloring transform", UNIVERSAL, "wct cascade", "multi-level"]

    @classmethod
    def INPUT_TYPES(cls) -> _base.Inputs:
        return {
            "required": {
                "network": _base.network(),
                "content": _base.image("The content, or what the coarser level made of it."),
                "style": _base.image("The style picture; one, or one a content."),
                "level": _base.choice(COARSE_TO_FINE, "relu5_1 moves large shapes, relu1_1 little more than colours."),
                "alpha": _base.alpha(
                    "Strength at this level: 0 leaves the content, 1 is the full style; the paper has 0.6."
                ),
                "method": _base.wct_method(),
            },
            "optional": _base.fitting(),
        }

    def run(
        self,
        network: _host.HostedNetwork,
        content: Tensor,
        style: Tensor,
        level: str,
        alpha: float = 1.0,
        method: str = WHITENING,
        statistics: str = PER_IMAGE,
        content_mask: Tensor | None = None,
        style_mask: Tensor | None = None,
    ) -> tuple[Tensor]:
        own, target = picture_in(content, "content"), picture_in(style, "style")
        region = region_in(content_mask, "content_mask", own)
        learnt_from = style_mask_in(style_mask, "style_mask", target)
        styles, how = [Style(target, region=region, mask=learnt_from)], statistics_in(statistics)
        return (network.render(wct_method.WCT(method), own, styles, {level: alpha}, how),)


def _restyle(
    method: Matching,
    content: CachedFeatures,
    style: CachedFeatures,
    statistics: str,
    content_mask: Tensor | None,
    style_mask: Tensor | None,
) -> tuple[CachedFeatures]:
    own, target = features_in(content), features_in(style)
    target.expect(own.space)
    within = cells_in(content_mask, "content_mask", own)
    learnt_from = cells_in(style_mask, "style_mask", target, of_style=True)
    operator = method.fit_values(own.values, target.values, within, learnt_from, statistics_in(statistics))
    return features_out(own.with_values(masked_blend(operator, own.values, within)))


class CoMatch(FeatureNode):
    """The style's Gram matrix through the learned matrix, onto the content."""

    TITLE = "CoMatch"
    CATEGORY = "brushwork/transform"
    DESCRIPTION = "MSG-Net's layer: a learned matrix matches the content's features to the style's Gram matrix."
    SEARCH_ALIASES = ["msg-net", "msgnet", "multi-style generative network", "inspiration layer", "gram matrix"]

    @classmethod
    def INPUT_TYPES(cls) -> _base.Inputs:
        return {
            "required": {
                "network": _base.network("An MSG-Net, the one that encoded both pictures."),
                "content": _base.features("The content's features at the level 'comatch'."),
                "style": _base.features("The style's features; a larger style picture gives larger strokes."),
            },
            "optional": _base.fitting(),
        }

    def run(
        self,
        network: _host.HostedNetwork,
        content: CachedFeatures,
        style: CachedFeatures,
        statistics: str = PER_IMAGE,
        content_mask: Tensor | None = None,
        style_mask: Tensor | None = None,
    ) -> tuple[CachedFeatures]:
        ready, method = network.ready(), METHODS["msgnet"]
        step = method.steps(ready)[0]
        own, target = features_in(content), features_in(style)
        for features in (own, target):
            features.expect(ready.space(step.level))
        check_batches(own.values.shape[0], target.values.shape[0])
        how = statistics_in(statistics)
        seen = statistics_of_map(step.style, target.values, cells_in(style_mask, "style_mask", target, of_style=True))
        learnt = method.learn(ready, step, pooled_style(seen, how))
        within = cells_in(content_mask, "content_mask", own)
        return features_out(transform(ready, method, own, [learnt], [1.0], within, how))


class StyleBankFilter(FeatureNode):
    """One style's kernel on the features."""

    TITLE = "StyleBank Filter"
    CATEGORY = "brushwork/transform"
    DESCRIPTION = "Paints features in one style of the bank: a convolution with that style's kernel."
    SEARCH_ALIASES = ["style bank", "filter bank", "select style", "explicit representation"]

    @classmethod
    def INPUT_TYPES(cls) -> _base.Inputs:
        return {
            "required": {
                "network": _base.network("A StyleBank, the one that encoded the features."),
                "features": _base.features("The content's features at the level 'bank'."),
                "style": _base.choice(_style_names(), "The style's name in the bank."),
            },
            "optional": _of_content(),
        }

    @classmethod
    def VALIDATE_INPUTS(cls, style: str) -> bool:
        return True  # a bank may have learnt styles that no list knew; `run` names the ones there are

    def run(
        self,
        network: _host.HostedNetwork,
        features: CachedFeatures,
        style: str,
        statistics: str = PER_IMAGE,
        content_mask: Tensor | None = None,
    ) -> tuple[CachedFeatures]:
        return _filter(network, features, [style], [1.0], statistics, content_mask)


class StyleBankMix(FeatureNode):
    """Several kernels fused into one."""

    TITLE = "StyleBank Mix"
    CATEGORY = "brushwork/transform"
    DESCRIPTION = "Fuses up to four styles of the bank by weight into one kernel, at the cost of one."
    SEARCH_ALIASES = ["style bank", "style fusion", "linear fusion", "explicit representation"]

    @classmethod
    def INPUT_TYPES(cls) -> _base.Inputs:
        names = _style_names()
        styles = {}
        for number, default in enumerate((names[0], NONE, NONE, NONE), 1):
            tip = "A style's name in the bank, or 'none'."
            styles[f"style_{number}"] = _base.choice((NONE, *names), tip, default)
            styles[f"weight_{number}"] = _base.weight(f"style_{number}")
        return {
            "required": {
                "network": _base.network("A StyleBank, the one that encoded the features."),
                "features": _base.features("The content's features at the level 'bank'."),
                **styles,
            },
            "optional": _of_content(),
        }

    @classmethod
    def VALIDATE_INPUTS(cls, style_1: str, style_2: str, style_3: str, style_4: str) -> bool:
        return True

    def run(
        self,
        network: _host.HostedNetwork,
        features: CachedFeatures,
        style_1: str,
        weight_1: float = 1.0,
        style_2: str = NONE,
        weight_2: float = 1.0,
        style_3: str = NONE,
        weight_3: float = 1.0,
        style_4: str = NONE,
        weight_4: float = 1.0,
        statistics: str = PER_IMAGE,
        content_mask: Tensor | None = None,
    ) -> tuple[CachedFeatures]:
        slots = ((style_1, weight_1), (style_2, weight_2), (style_3, weight_3), (style_4, weight_4))
        chosen = [(style, weight) for style, weight in slots if style != NONE]
        if not chosen:
            raise ValueError("no style is chosen: pick at least one style of the bank.")
        names, weights = [style for style, _ in chosen], [weight for _, weight in chosen]
        return _filter(network, features, names, weights, statistics, content_mask)


def _filter(
    network: _host.HostedNetwork,
    features: CachedFeatures,
    styles: list[str],
    weights: list[float],
    statistics: str,
    content_mask: Tensor | None,
) -> tuple[CachedFeatures]:
    bank, method = bank_of(network.ready()), METHODS["stylebank"]
    step = method.steps(bank)[0]
    own = features_in(features)
    own.expect(bank.space(step.level))
    learnt = [_kernel(bank, step, style) for style in styles]
    how, within = statistics_in(statistics), cells_in(content_mask, "content_mask", own)
    return features_out(transform(bank, method, own, learnt, weights, within, how))


def _kernel(bank: StyleBankNetwork, step: Step, style: str) -> Tensors:
    # ComfyUI may hold a bank that was loaded before the style was learnt, when the list already has it.
    if style not in bank.styles and (found := find_style(bank, style, _host.weight_folders())):
        like = next(bank.parameters())
        return kept_of(found.weight.to(like), found.bias.to(like))
    return METHODS["stylebank"].learn(bank, step, style)


def _of_content() -> dict[str, _base.Input]:
    return {name: each for name, each in _base.fitting().items() if name != "style_mask"}


def _style_names() -> tuple[str, ...]:
    """The styles of every bank in the manifest, and the learnt ones."""
    published = [style for network in read_manifest().networks.values() for style in network.styles]
    learned = [file.metadata.style for file in learned_styles(_host.weight_folders())]
    return tuple(dict.fromkeys([*published, *learned]))
