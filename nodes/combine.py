"""Features with features: strength, mixtures, regions."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from ..models.networks.base import FeatureMap
from ..transfer.masks import feather as soften
from ..transfer.operators import blend, mix
from ._base import FEATURES, FeatureNode, Inputs, number, slider, socket, weight
from ._checks import cells_of, mask_in, same_space
from ._host import CachedFeatures, feature_cache, in_parts


class BlendByAlpha(FeatureNode):
    """Strength: between the content and its restyled version."""

    TITLE = "Blend by Alpha"
    CATEGORY = "brushwork/combine"
    DESCRIPTION = "Blends the content's features with the restyled ones: the strength of the style."
    SEARCH_ALIASES = ["strength", "content style trade-off", "interpolate", "adain", "wct", "msg-net"]

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {
            "required": {
                "stylised": socket(FEATURES, "The features after the transform."),  # what a bypass passes on
                "content": socket(FEATURES, "The features before it."),
                "alpha": slider("0 is the content, 1 the full style."),
            }
        }

    def run(self, stylised: CachedFeatures, content: CachedFeatures, alpha: float = 1.0) -> tuple[CachedFeatures]:
        own, restyled = content.features, stylised.features
        same_space([restyled, own])
        values = in_parts(lambda first, second: blend(first, second, alpha), own.values, restyled.values)
        return (feature_cache().add(restyled.with_values(values), stylised.network),)


class MixStyles(FeatureNode):
    """A weighted mean of restyled features."""

    TITLE = "Mix Styles"
    CATEGORY = "brushwork/combine"
    DESCRIPTION = "Mixes up to four versions of the same content by weight: between styles, or between methods."
    SEARCH_ALIASES = ["interpolate styles", "style interpolation", "average", "adain", "wct", "msg-net"]

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        tip = "Restyled features of one content, all of one network and level."
        names = [f"features_{number}" for number in range(1, 5)]
        weights = {f"weight_{number}": weight(f"features_{number}") for number in range(1, 5)}
        return {
            "required": {names[0]: socket(FEATURES, tip), **weights},
            "optional": {name: socket(FEATURES, tip) for name in names[1:]},
        }

    def run(
        self,
        features_1: CachedFeatures,
        weight_1: float = 1.0,
        weight_2: float = 1.0,
        weight_3: float = 1.0,
        weight_4: float = 1.0,
        features_2: CachedFeatures | None = None,
        features_3: CachedFeatures | None = None,
        features_4: CachedFeatures | None = None,
    ) -> tuple[CachedFeatures]:
        slots = ((features_1, weight_1), (features_2, weight_2), (features_3, weight_3), (features_4, weight_4))
        maps = [features.features for features, _ in slots if features is not None]
        same_space(maps)
        weights = [weight for features, weight in slots if features is not None]
        values = in_parts(lambda *parts: mix(parts, weights), *(each.values for each in maps))
        return (feature_cache().add(replace(maps[0], values=values, method=_method_of(*maps)), features_1.network),)


class RegionMask(FeatureNode):
    """One version inside a mask, another outside."""

    TITLE = "Region Mask"
    CATEGORY = "brushwork/combine"
    DESCRIPTION = "Puts one version of the content's features inside a mask and another outside it, with a soft edge."
    SEARCH_ALIASES = ["spatial control", "composite features", "region", "adain", "stylebank"]

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {
            "required": {
                "inside": socket(FEATURES, "What stands where the mask is white."),
                "outside": socket(FEATURES, "What stands where the mask is black."),
                "mask": socket("MASK", "The region, in the content picture; other sizes are resized."),
                "feather": number(0.0, 0.0, 512.0, 1.0, "Pixels over which the edge fades, to both sides."),
            }
        }

    def run(
        self, inside: CachedFeatures, outside: CachedFeatures, mask: Tensor, feather: float = 0.0
    ) -> tuple[CachedFeatures]:
        within, without = inside.features, outside.features
        same_space([within, without])
        region = mask_in(mask.to(within.values.device), "mask", within.values.shape[0], within.image_size)
        blended = in_parts(blend, without.values, within.values, cells_of(within, soften(region, feather)))
        blended_map = replace(within, values=blended, method=_method_of(within, without))
        return (feature_cache().add(blended_map, inside.network),)


def _method_of(*maps: FeatureMap) -> str:
    """The one that restyled some of them, where it is one: its decoder paints what they make together."""
    methods = {each.method for each in maps} - {""}
    return methods.pop() if len(methods) == 1 else ""
