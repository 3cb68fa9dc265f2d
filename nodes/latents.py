"""Latents of diffusion models: AdaIN and WCT on them, once or at every step of sampling."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

from ..methods import MATCHING
from ..methods.latents import LatentTransfer
from ..models.networks.base import ADAIN
from ..transfer.temporal import PER_IMAGE
from ..transfer.wct import WHITENING
from . import _host
from ._base import Inputs, Node, fitting, method_choice, slider, socket, solver, statistics_choice
from ._checks import choice_in, latent_in, region_in, statistics_in

Latent = dict[str, Any]
Operation = Callable[..., Tensor]


class LatentNode(Node):
    """A node with a latent as its result."""

    CATEGORY = "brushwork/latent"
    RETURN_TYPES = ("LATENT",)
    RETURN_NAMES = ("latent",)
    OUTPUT_TOOLTIPS = ("The content's latent with the style's statistics; its noise mask and all else stay with it.",)


class LatentAdaIN(LatentNode):
    """AdaIN, on latents."""

    TITLE = "Latent AdaIN"
    DESCRIPTION = "Gives every channel of a latent the mean and the deviation of another's: its colours and contrast."
    SEARCH_ALIASES = ["adaptive instance normalization", "latent colour match", "latent color match"]

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {
            "required": {
                "content": socket("LATENT", "The latent to restyle, of a picture, a batch or a video."),
                "style": socket("LATENT", "The style's latent, from the same VAE: one, or one for each content."),
                "strength": slider("0 is the content, 1 the full style."),
            },
            "optional": fitting(),
        }

    def run(
        self,
        content: Latent,
        style: Latent,
        strength: float = 1.0,
        statistics: str = PER_IMAGE,
        content_mask: Tensor | None = None,
        style_mask: Tensor | None = None,
    ) -> tuple[Latent]:
        return _transferred(_latent_transfer(ADAIN, strength, statistics), content, style, content_mask, style_mask)


class LatentWCT(LatentNode):
    """WCT, on latents."""

    TITLE = "Latent WCT"
    DESCRIPTION = "Gives a latent the whole covariance of another latent's, not only each channel's deviation."
    SEARCH_ALIASES = ["whitening coloring transform", "latent colour match", "latent color match", "optimal transport"]

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        inputs = LatentAdaIN.INPUT_TYPES()
        return {**inputs, "required": {**inputs["required"], "method": solver()}}

    def run(
        self,
        content: Latent,
        style: Latent,
        strength: float = 1.0,
        method: str = WHITENING,
        statistics: str = PER_IMAGE,
        content_mask: Tensor | None = None,
        style_mask: Tensor | None = None,
    ) -> tuple[Latent]:
        return _transferred(_latent_transfer(method, strength, statistics), content, style, content_mask, style_mask)


class StyleLatentOperation(Node):
    """The same as an operation that core applies, to a latent or at every step of sampling."""

    TITLE = "Style Latent Operation"
    CATEGORY = "brushwork/latent"
    DESCRIPTION = (
        "Aligns the statistics of latents to a style latent's, as an operation for LatentApplyOperation, or at every "
        "step of sampling for LatentApplyOperationCFG: then connect the model, and sample at cfg 1."
    )
    SEARCH_ALIASES = ["latent operation", "style guidance", "align latents while sampling", "adain sampling"]
    RETURN_TYPES = ("LATENT_OPERATION",)
    RETURN_NAMES = ("operation",)
    OUTPUT_TOOLTIPS = ("For LatentApplyOperation or LatentApplyOperationCFG.",)

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        model = "For LatentApplyOperationCFG: the model that will sample, since models scale latents their own way."
        return {
            "required": {
                "style": socket("LATENT", "The style picture's latent; one, or one a latent of the batch."),
                "method": method_choice(),
                "strength": slider("0 leaves latents as they are, 1 is the full style.", 0.5),
            },
            "optional": {"model": socket("MODEL", model), "statistics": statistics_choice()},
        }

    def run(
        self,
        style: Latent,
        method: str = ADAIN,
        strength: float = 0.5,
        model: Any | None = None,  # noqa: ANN401 - ComfyUI's
        statistics: str = PER_IMAGE,
    ) -> tuple[Operation]:
        target = latent_in(style, "style")
        target = target if model is None else _host.as_sampled(model, target)
        transfer = _latent_transfer(method, strength, statistics)

        def operation(latent: Tensor, **_: object) -> Tensor:
            return transfer(latent, target)

        return (operation,)


def _latent_transfer(method: str, strength: float, statistics: str) -> LatentTransfer:
    choice_in(method, tuple(MATCHING), "method")
    return LatentTransfer(MATCHING[method], strength, statistics_in(statistics))


def _transferred(
    transfer: LatentTransfer, content: Latent, style: Latent, content_mask: Tensor | None, style_mask: Tensor | None
) -> tuple[Latent]:
    own, target = latent_in(content, "content"), latent_in(style, "style")
    within = region_in(content_mask, "content_mask", own)
    learnt_from = region_in(style_mask, "style_mask", target, of_style=True)
    return ({**content, "samples": transfer(own, target, within, learnt_from)},)
