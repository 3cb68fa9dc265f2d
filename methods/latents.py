"""Latents of diffusion models, which take the statistics of other latents as any features do."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..transfer.moments import check_batches
from ..transfer.operators import blend
from ..transfer.temporal import PER_IMAGE, SMOOTHED
from .matching import Matching


@dataclass(frozen=True)
class LatentTransfer:
    """What gives latents the statistics of others: a method, a strength of 0 to 1, and one of temporal.STATISTICS."""

    method: Matching
    strength: float = 1.0
    statistics: str = PER_IMAGE

    def __call__(
        self, latent: Tensor, style: Tensor, within: Tensor | None = None, learnt_from: Tensor | None = None
    ) -> Tensor:
        """`latent` [B, C, h, w] with the statistics of `style` [B or 1, C, h', w'], in its own dtype, where it lies.

        Either may be a video's [B, C, T, h, w], whose frames are fitted together, as one picture: what stands still
        stays still. Only where statistics are smoothed over time has each frame an operator. `within` and `learnt_from`
        [B or 1, h, w] in 0..1 choose the pixels, in every frame. At strength 0 the values stay exactly. ValueError
        where the shapes do not go together.
        """
        _check(latent, style)
        style = style.to(latent.device)
        if self.statistics == SMOOTHED and latent.dim() == 5:
            masks = [(_item(within, index), _item(learnt_from, index)) for index in range(len(latent))]
            styles = style.expand(len(latent), *style.shape[1:]).split(1)
            return torch.stack([self._frame_by_frame(*video) for video in zip(latent, styles, masks, strict=True)])
        content, weights = _stacked(latent), _weights(latent, within)
        chosen = weights, _weights(style, learnt_from)
        operator = self.method.fit_values(content, _stacked(style), *chosen, self.statistics)
        share = self.strength if weights is None else weights * self.strength
        return blend(content, operator(content), share).reshape(latent.shape)

    def _frame_by_frame(self, video: Tensor, style: Tensor, masks: tuple[Tensor | None, Tensor | None]) -> Tensor:
        """One video [C, T, h, w], whose frames make a batch."""
        return self(video.movedim(1, 0), style, *masks).movedim(0, 1)


def _check(latent: Tensor, style: Tensor) -> None:
    for values in (latent, style):
        if values.dim() not in (4, 5):
            raise ValueError(
                f"a latent of the shape {list(values.shape)} is neither a picture's nor a video's: connect one of "
                "[batch, channels, height, width], or with frames before the height."
            )
    if latent.shape[1] != style.shape[1]:
        raise ValueError(
            f"this latent has {latent.shape[1]} channels and the style's {style.shape[1]}: "
            "encode both with the VAE of one model."
        )
    check_batches(latent.shape[0], style.shape[0])


def _stacked(latent: Tensor) -> Tensor:
    """[B, C, h, w]; a video's frames stand one below the other, [B, C, T h, w]."""
    return latent.flatten(2, -2)


def _weights(latent: Tensor, mask: Tensor | None) -> Tensor | None:
    """A mask [B or 1, h, w] as weights of the pixels of `_stacked`, the same for every frame."""
    if mask is None:
        return None
    frames = latent.shape[2] if latent.dim() == 5 else 1
    return mask.to(latent.device).repeat(1, frames, 1)[:, None]


def _item(mask: Tensor | None, index: int) -> Tensor | None:
    """One mask [1, h, w] of a batch; a single one goes with all."""
    return None if mask is None else mask[index % len(mask), None]
