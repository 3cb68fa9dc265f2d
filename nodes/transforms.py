"""AdaIN, WCT, CoMatch and StyleBank on features: one node a transform."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from torch import Tensor

from ..methods import MATCHING, METHODS
from ..methods.matching import Matching
from ..methods.protocol import Learnt, Operator, Style
from ..methods.stylebank import bank_of
from ..methods.whole_maps import measured, restyled, transform
from ..models.networks.base import FeatureMap
from ..models.weights.learnt_styles import EMPTY_SLOT as NONE
from ..tiling.features import Kind, Statistics
from ..transfer.moments import check_batches
from ..transfer.temporal import PER_IMAGE, pooled_style
from ..transfer.wct import METHODS as WCT_METHODS
from ..transfer.wct import WHITENING
from . import _host
from ._base import (
    FEATURES,
    NETWORK,
    FeatureNode,
    ImageNode,
    Inputs,
    choice,
    fitting,
    own_network,
    slider,
    socket,
    solver,
    weight,
)
from ._checks import cells_in, choice_in, for_each, picture_in, region_in, statistics_in
from ._host import CachedFeatures, HostedNetwork, feature_cache
from .networks import COARSE_TO_FINE, StyleByName, bank_styles, expect_encoder, style_of

UNIVERSAL = "universal style transfer via feature transforms"


class AdaIN(FeatureNode):
    """Adaptive instance normalisation."""

    TITLE = "AdaIN"
    CATEGORY = "brushwork/transform"
    DESCRIPTION = "Gives every channel of the content's features the mean and the deviation of the style's."
    SEARCH_ALIASES = ["adaptive instance normalization", "arbitrary style transfer in real-time", "huang belongie"]

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        style = "The style's features, from the same network and level; one picture, or one for each content."
        return {
            "required": {
                "content": socket(FEATURES, "The content's features, from Style Encoder."),
                "style": socket(FEATURES, style),
            },
            "optional": fitting(),
        }

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
    def INPUT_TYPES(cls) -> Inputs:
        inputs = AdaIN.INPUT_TYPES()
        return {**inputs, "required": {**inputs["required"], "method": solver()}}

    def run(
        self,
        content: CachedFeatures,
        style: CachedFeatures,
        method: str = WHITENING,
        statistics: str = PER_IMAGE,
        content_mask: Tensor | None = None,
        style_mask: Tensor | None = None,
    ) -> tuple[CachedFeatures]:
        return _restyle(_wct(method), content, style, statistics, content_mask, style_mask)


class WCTLevel(ImageNode):
    """One level of the cascade in one node."""

    TITLE = "WCT Level"
    CATEGORY = "brushwork/transform"
    DESCRIPTION = (
        "Encodes, whitens and colours, blends and decodes at one level: chain five, coarse to fine, for the paper."
    )
    SEARCH_ALIASES = ["whitening coloring transform", UNIVERSAL, "wct cascade", "multi-level"]

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {
            "required": {
                "network": socket(NETWORK, "From Load Style Network."),
                "content": socket("IMAGE", "The content, or what the coarser level made of it."),
                "style": socket("IMAGE", "The style picture: one, or one for each content."),
                "level": choice(COARSE_TO_FINE, "relu5_1 moves large shapes, relu1_1 little more than colours."),
                "alpha": slider(
                    "Strength at this level: 0 leaves the content, 1 is the full style; the paper has 0.6.",
                    MATCHING[WHITENING].strength,
                ),
                "method": solver(),
            },
            "optional": fitting(),
        }

    def run(
        self,
        network: HostedNetwork,
        content: Tensor,
        style: Tensor,
        level: str,
        alpha: float = MATCHING[WHITENING].strength,
        method: str = WHITENING,
        statistics: str = PER_IMAGE,
        content_mask: Tensor | None = None,
        style_mask: Tensor | None = None,
    ) -> tuple[Tensor]:
        target = picture_in(style, "style")
        own = for_each(picture_in(content, "content"), target)
        region = region_in(content_mask, "content_mask", own)
        learnt_from = region_in(style_mask, "style_mask", target, of_style=True)
        styles, how = [Style(target, region=region, mask=learnt_from)], statistics_in(statistics)
        return (network.render(_wct(method), own, styles, {level: alpha}, how),)


def _wct(method: str) -> Matching:
    return MATCHING[choice_in(method, WCT_METHODS, "method")]


def _restyle(
    method: Matching,
    content: CachedFeatures,
    style: CachedFeatures,
    statistics: str,
    content_mask: Tensor | None,
    style_mask: Tensor | None,
) -> tuple[CachedFeatures]:
    own, how = _paired(content.features, style.features), statistics_in(statistics)
    within = cells_in(content_mask, "content_mask", own)
    wanted, device = _measured(method.kind, style.features, style_mask, how), _host.compute_device()

    def fit(seen: Statistics, items: slice) -> Operator:
        _host.check_interrupted()
        return method.match(seen, wanted.of_items(items))

    values = restyled(own.values, method.kind, fit, device, within, how, _host.at_once())
    return (feature_cache().add(replace(own, values=values, method=method.name), content.network),)


def _paired(content: FeatureMap, style: FeatureMap) -> FeatureMap:
    """The content, once for each of several styles; ValueError unless both are of one space and their batches pair."""
    own = content.with_values(for_each(content.values, style.values))
    style.expect(own.space, "'style' holds")
    check_batches(own.values.shape[0], style.values.shape[0])
    return own


def _measured(kind: Kind, style: FeatureMap, mask: Tensor | None, how: str) -> Statistics:
    """The style's statistics within its mask, for each picture or for all together."""
    learnt_from = cells_in(mask, "style_mask", style, of_style=True)
    return pooled_style(measured(kind, style.values, learnt_from, _host.compute_device(), _host.at_once()), how)


class CoMatch(FeatureNode):
    """The style's Gram matrix through the learned matrix, onto the content."""

    TITLE = "CoMatch (MSG-Net)"
    CATEGORY = "brushwork/transform"
    DESCRIPTION = "MSG-Net's layer: a learned matrix matches the content's features to the style's Gram matrix."
    SEARCH_ALIASES = ["msg-net", "msgnet", "multi-style generative network", "inspiration layer", "gram matrix"]

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {
            "required": {
                "content": socket(FEATURES, "The content's features at the level 'comatch'."),
                "style": socket(FEATURES, "The style's features; a larger style picture gives larger strokes."),
            },
            "optional": {**own_network(), **fitting()},
        }

    def run(
        self,
        content: CachedFeatures,
        style: CachedFeatures,
        network: HostedNetwork | None = None,
        statistics: str = PER_IMAGE,
        content_mask: Tensor | None = None,
        style_mask: Tensor | None = None,
    ) -> tuple[CachedFeatures]:
        hosted, method, how = network or content.network, METHODS["msgnet"], statistics_in(statistics)
        with hosted.loaded() as ready:
            (step,) = method.steps(ready)
            expect_encoder(hosted, content.features)
            own = _paired(content.features, style.features)
            learnt = method.learn(ready, step, _measured(step.style, style.features, style_mask, how))
            within = cells_in(content_mask, "content_mask", own)
            painted = transform(ready, method, own, [learnt], [1.0], within, how, _host.at_once())
        return (feature_cache().add(painted, hosted),)


class StyleBankFilter(StyleByName, FeatureNode):
    """One style's kernel on the features."""

    TITLE = "StyleBank Filter"
    CATEGORY = "brushwork/transform"
    DESCRIPTION = "Paints features in one style of the bank: a convolution with that style's kernel."
    SEARCH_ALIASES = ["style bank", "filter bank", "select style", "explicit representation"]

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {
            "required": {
                "features": socket(FEATURES, "The content's features at the level 'bank'."),
                "style": choice(bank_styles(), "The style's name in the bank."),
            },
            "optional": {**own_network(), **fitting(of_style=False)},
        }

    @classmethod
    def VALIDATE_INPUTS(cls, style: str = "") -> bool:
        return True  # a bank may have learnt styles that no list knew; `run` names the ones there are

    def run(
        self,
        features: CachedFeatures,
        style: str,
        network: HostedNetwork | None = None,
        statistics: str = PER_IMAGE,
        content_mask: Tensor | None = None,
    ) -> tuple[CachedFeatures]:
        return _filter(network, features, [(style, 1.0)], statistics, content_mask)


class StyleBankMix(StyleByName, FeatureNode):
    """Several kernels fused into one."""

    TITLE = "StyleBank Mix"
    CATEGORY = "brushwork/transform"
    DESCRIPTION = "Fuses up to four styles of the bank by weight into one kernel, at the cost of one."
    SEARCH_ALIASES = ["style bank", "style fusion", "linear fusion", "explicit representation"]

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        inputs = StyleBankFilter.INPUT_TYPES()
        names, _ = inputs["required"].pop("style")
        for number, default in enumerate((names[0], NONE, NONE, NONE), 1):
            tip = "A style's name in the bank, or 'none'."
            inputs["required"][f"style_{number}"] = choice((NONE, *names), tip, default)
            inputs["required"][f"weight_{number}"] = weight(f"style_{number}")
        return inputs

    @classmethod
    def VALIDATE_INPUTS(cls, style_1: str = "", style_2: str = "", style_3: str = "", style_4: str = "") -> bool:
        return True

    def run(
        self,
        features: CachedFeatures,
        style_1: str,
        weight_1: float = 1.0,
        style_2: str = NONE,
        weight_2: float = 1.0,
        style_3: str = NONE,
        weight_3: float = 1.0,
        style_4: str = NONE,
        weight_4: float = 1.0,
        network: HostedNetwork | None = None,
        statistics: str = PER_IMAGE,
        content_mask: Tensor | None = None,
    ) -> tuple[CachedFeatures]:
        slots = ((style_1, weight_1), (style_2, weight_2), (style_3, weight_3), (style_4, weight_4))
        chosen = [(style, weight) for style, weight in slots if style != NONE]
        if not chosen:
            raise ValueError("no style is chosen: pick at least one style of the bank.")
        return _filter(network, features, chosen, statistics, content_mask)


def _filter(
    network: HostedNetwork | None,
    features: CachedFeatures,
    styles: Sequence[tuple[str, float]],
    statistics: str,
    content_mask: Tensor | None,
) -> tuple[CachedFeatures]:
    """The features through the kernels of `styles`, mixed by their weights."""
    hosted, method, own = network or features.network, METHODS["stylebank"], features.features
    with hosted.loaded() as ready:
        bank = bank_of(ready)
        expect_encoder(hosted, own)
        (step,), sources = method.steps(bank), [style_of(bank, style) for style, _ in styles]
        learnt = [
            source.levels[step.level] if isinstance(source, Learnt) else method.learn(bank, step, source)
            for source in sources
        ]
        how, within = statistics_in(statistics), cells_in(content_mask, "content_mask", own)
        shares, limit = [share for _, share in styles], _host.at_once()
        painted = transform(bank, method, own, learnt, shares, within, how, limit=limit)
    return (feature_cache().add(painted, hosted),)
