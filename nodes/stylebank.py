"""StyleBank's filters: one style, or several fused."""

from __future__ import annotations

from ..models.learned import find_style
from ..models.manifest import read_manifest
from ..models.network import StyleNetwork
from ..models.style_file import EMPTY_SLOT as NONE
from ..models.style_file import learned_styles
from ..models.stylebank import StyleBankNetwork
from ..transfer.bank import KernelMap
from . import _host, _inputs
from ._checks import features_in, features_out
from ._node import FeatureNode
from ._residency import KeptFeatures


class StyleBankFilter(FeatureNode):
    """One style's kernel on the features."""

    TITLE = "StyleBank Filter"
    CATEGORY = "brushwork/transform"
    DESCRIPTION = "Paints features in one style of the bank: a convolution with that style's kernel."
    SEARCH_ALIASES = ["style bank", "filter bank", "select style", "explicit representation"]

    @classmethod
    def INPUT_TYPES(cls) -> _inputs.Inputs:
        return {
            "required": {
                "network": _inputs.network("A StyleBank, the one that encoded the features."),
                "features": _inputs.features("The content's features at the level 'bank'."),
                "style": _inputs.choice(_style_names(), "The style's name in the bank."),
            }
        }

    @classmethod
    def VALIDATE_INPUTS(cls, style: str) -> bool:
        return True  # a bank may have learnt styles that no list knew; `run` names the ones there are

    def run(self, network: _host.HostedNetwork, features: KeptFeatures, style: str) -> tuple[KeptFeatures]:
        return _filter(network, features, [style], [1.0])


class StyleBankMix(FeatureNode):
    """Several kernels fused into one."""

    TITLE = "StyleBank Mix"
    CATEGORY = "brushwork/transform"
    DESCRIPTION = "Fuses up to four styles of the bank by weight into one kernel, at the cost of one."
    SEARCH_ALIASES = ["style bank", "style fusion", "linear fusion", "explicit representation"]

    @classmethod
    def INPUT_TYPES(cls) -> _inputs.Inputs:
        names = _style_names()
        styles = {}
        for number, default in enumerate((names[0], NONE, NONE, NONE), 1):
            tip = "A style's name in the bank, or 'none'."
            styles[f"style_{number}"] = _inputs.choice((NONE, *names), tip, default)
            styles[f"weight_{number}"] = _inputs.weight(f"style_{number}")
        return {
            "required": {
                "network": _inputs.network("A StyleBank, the one that encoded the features."),
                "features": _inputs.features("The content's features at the level 'bank'."),
                **styles,
            }
        }

    @classmethod
    def VALIDATE_INPUTS(cls, style_1: str, style_2: str, style_3: str, style_4: str) -> bool:
        return True

    def run(
        self,
        network: _host.HostedNetwork,
        features: KeptFeatures,
        style_1: str,
        weight_1: float = 1.0,
        style_2: str = NONE,
        weight_2: float = 1.0,
        style_3: str = NONE,
        weight_3: float = 1.0,
        style_4: str = NONE,
        weight_4: float = 1.0,
    ) -> tuple[KeptFeatures]:
        slots = ((style_1, weight_1), (style_2, weight_2), (style_3, weight_3), (style_4, weight_4))
        chosen = [(style, weight) for style, weight in slots if style != NONE]
        if not chosen:
            raise ValueError("no style is chosen: pick at least one style of the bank.")
        return _filter(network, features, [style for style, _ in chosen], [weight for _, weight in chosen])


def _filter(
    network: _host.HostedNetwork, features: KeptFeatures, styles: list[str], weights: list[float]
) -> tuple[KeptFeatures]:
    bank = bank_in(network.ready())
    own = features_in(features)
    own.expect(bank.space("bank"))
    operator = KernelMap.mix([_kernel(bank, style) for style in styles], weights)
    return features_out(own.with_values(operator(bank.for_kernels(own.values))))


def bank_in(network: StyleNetwork) -> StyleBankNetwork:
    """The network itself; ValueError where it is of another kind."""
    if not isinstance(network, StyleBankNetwork):
        raise ValueError("this network has no bank of styles: load a StyleBank and encode the picture with it.")
    return network


def _kernel(bank: StyleBankNetwork, style: str) -> KernelMap:
    # ComfyUI may hold a bank that was loaded before the style was learnt, when the list already has it.
    if style not in bank.styles and (found := find_style(bank, style, _host.weight_folders())):
        like = next(bank.parameters())
        return KernelMap(found.weight.to(like), found.bias.to(like))
    return KernelMap(*bank.kernel(style))


def _style_names() -> tuple[str, ...]:
    """The styles of every bank in the manifest, and the learnt ones."""
    published = [style for network in read_manifest().networks.values() for style in network.styles]
    learned = [file.card.style for file in learned_styles(_host.weight_folders())]
    return tuple(dict.fromkeys([*published, *learned]))
