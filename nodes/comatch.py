"""MSG-Net's CoMatch layer."""

from __future__ import annotations

from ..models.msgnet import MsgNet
from ..transfer.comatch import comatch
from ..transfer.moments import Moments, check_batches
from . import _host, _inputs
from ._checks import features_in, features_out
from ._node import FeatureNode
from ._residency import KeptFeatures


class CoMatch(FeatureNode):
    """The style's Gram matrix through the learned matrix, onto the content."""

    TITLE = "CoMatch"
    CATEGORY = "brushwork/transform"
    DESCRIPTION = "MSG-Net's layer: a learned matrix matches the content's features to the style's Gram matrix."
    SEARCH_ALIASES = ["msg-net", "msgnet", "multi-style generative network", "inspiration layer", "gram matrix"]

    @classmethod
    def INPUT_TYPES(cls) -> _inputs.Inputs:
        return {
            "required": {
                "network": _inputs.network("An MSG-Net, the one that encoded both pictures."),
                "content": _inputs.features("The content's features at the level 'comatch'."),
                "style": _inputs.features("The style's features; a larger style picture gives larger strokes."),
            }
        }

    def run(self, network: _host.HostedNetwork, content: KeptFeatures, style: KeptFeatures) -> tuple[KeptFeatures]:
        ready = network.ready()
        if not isinstance(ready, MsgNet):
            raise ValueError("this network has no CoMatch layer: load an MSG-Net and encode both pictures with it.")
        own, target = features_in(content), features_in(style)
        for features in (own, target):
            features.expect(ready.space("comatch"))
        check_batches(own.values.shape[0], target.values.shape[0])
        operator = comatch(Moments.of(target.values, full=True).gram, ready.comatch)
        return features_out(own.with_values(operator(ready.for_comatch(own.values))))
