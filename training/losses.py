"""What the recipes minimise: distances of features [B, C, h, w] and of their moments, and the losses of a picture.

All are without units, so that levels compare, and sum in float32 whatever type features come in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from ..transfer.moments import Moments, pixel_blocks
from .loss_network import LossNetwork
from .trainer import Losses

STYLE_LEVELS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")
CONTENT_LEVEL = STYLE_LEVELS[-1]
PIXEL_WEIGHT = 3.0  # of the distance to the teacher's pixels, beside that of features and moments at each level
SHIFT, NOISE = 4, 2 / 255  # by how many pixels at most, and by what deviation, a crop differs when it is painted again
COLOUR = "colour"  # beside levels, what moments are those of the pixels themselves
STRIDES = (2, 4, 8)  # pixels between the cells that decoders upsample from
POWER_FLOOR = 1e-6  # under what the rounding of pixels to eight bits leaves in a spectrum
EPSILON = 1e-8  # under roots, whose slope at zero is infinite, and of denominators


@dataclass(frozen=True)
class LossWeights:
    """Weights of the losses of a stylised picture."""

    content: float = 1.0  # features at the deepest level
    style: float = 1.0  # a level
    total_variation: float = 0.0
    taught: float = 1.0  # where there is a teacher: how far from its picture
    taught_levels: int = 3  # from relu1_1 on, where the loss network compares with that picture; two take half the time
    steady: float = 0.0  # how far the crop's picture changes when the crop is moved and gets noise
    grid: float = 0.0  # a decibel by which the strides of decoders stand out
    colour: float = 0.0  # means and deviations of luminance and chroma


def relative_error(values: Tensor, target: Tensor) -> Tensor:
    """The content loss |F - T|^2 / |T|^2, the mean over the batch."""
    return _relative_squares(values, target).mean()


def relative_distance(values: Tensor, target: Tensor) -> Tensor:
    """|F - T| / |T|, the mean over the batch: unlike its square it still pulls where little is left to gain."""
    return (_relative_squares(values, target) + EPSILON).sqrt().mean()


def _relative_squares(values: Tensor, target: Tensor) -> Tensor:
    pixels = values.flatten(2), target.flatten(2)
    size = reduce(torch.add, (block.float().square().sum((1, 2)) for block in pixel_blocks(pixels[1])))
    return _SquaredDistance.apply(*pixels) / (size + EPSILON)


class _SquaredDistance(torch.autograd.Function):
    """|F - T|^2 [B] of features [B, C, N], T fixed. No whole map of float32 is made, which would take twice as long."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, target: Tensor) -> Tensor:  # noqa: ANN401 - torch's own type
        ctx.save_for_backward(values, target)
        pairs = zip(pixel_blocks(values), pixel_blocks(target), strict=True)
        return reduce(torch.add, ((own.float() - aim).square_().sum((1, 2)) for own, aim in pairs))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401 # pyright: ignore[reportIncompatibleMethodOverride]
        values, target = ctx.saved_tensors
        result, twice = torch.empty_like(values), 2 * slope[:, None, None]
        for part, own, aim in zip(*map(pixel_blocks, (result, values, target)), strict=True):
            part.copy_((own.float() - aim) * twice)
        return result, None


def moment_distance(result: Moments, style: Moments) -> Tensor:
    """AdaIN's style loss (Huang & Belongie 2017, eq. 13) at one level: the distance of means and deviations.

    Departures from the paper: relative to the style's own, and not squared, so that neither a bright painting nor one
    level outweighs the rest.
    """
    deviations = (result.variance + EPSILON).sqrt(), (style.variance + EPSILON).sqrt()
    error = (result.mean - style.mean).square().sum(1) + (deviations[0] - deviations[1]).square().sum(1)
    size = style.mean.square().sum(1) + deviations[1].square().sum(1)
    return (error / (size + EPSILON) + EPSILON).sqrt().mean()


def gram_distance(result: Moments, style: Moments) -> Tensor:
    """The style loss of MSG-Net and StyleBank at one level, |G - G_s| / |G_s| of the Gram matrices of full moments.

    Departure from the papers, which square it: squares of bright paintings and of fine levels swamp all the rest.
    """
    gram = style.gram
    error = (result.gram - gram).square().sum((1, 2)) / (gram.square().sum((1, 2)) + EPSILON)
    return (error + EPSILON).sqrt().mean()


def colour_moments(image: Tensor) -> Moments:
    """Moments of the pixels of [B, 3, H, W] in 0..1 along luminance, red against blue, and green against both."""
    red, green, blue = image.float().unbind(1)  # not a product of matrices, which a training may compute in half types
    axes = (red + green + blue) / 3**0.5, (red - blue) / 2**0.5, (red - 2 * green + blue) / 6**0.5
    return Moments.of(torch.stack(axes, 1))


def colour_distance(result: Moments, style: Moments) -> Tensor:
    """The sum of the differences of means and deviations, the mean over the batch: under a grey style chroma itself."""
    deviations = (result.variance + EPSILON).sqrt() - (style.variance + EPSILON).sqrt()
    return ((result.mean - style.mean).abs() + deviations.abs()).sum(1).mean()


def total_variation(image: Tensor) -> Tensor:
    """The mean absolute difference of neighbouring pixels of [B, 3, H, W]."""
    return image.diff(dim=-1).abs().mean() + image.diff(dim=-2).abs().mean()


def grid_peaks(grey: Tensor) -> Tensor:
    """How far pictures of one channel [B, 1, H, W], sides of 64 at least, stand out at the periods STRIDES, in dB [6].

    Along rows, then columns: power spectra of all lines under a Hann window, their mean, and its level at a period
    above the mean level (in dB) of the frequencies near it; what is below counts as 0. Without a grid some 0.1 to 0.6.
    """
    heights = []
    for lines in (grey.float(), grey.float().mT):
        length = lines.shape[-1] // STRIDES[-1] * STRIDES[-1]  # so that each period has a frequency of its own
        lines = lines[..., :length].flatten(0, 2)
        window = torch.hann_window(length, device=grey.device)
        power = torch.fft.fft((lines - lines.mean(1, keepdim=True)) * window).abs().square().mean(0)
        level = 10 * power.clamp_min(POWER_FLOOR).log10()
        near = torch.arange(2, max(5, length // 32))  # from 2 on, as the window spreads a line over three frequencies
        for place in (length // stride for stride in STRIDES):
            heights.append(level[place] - level[torch.cat([place - near, place + near]) % length].mean())
    return torch.stack(heights).clamp_min(0)


def style_target(
    loss_network: LossNetwork, picture: Tensor, weights: LossWeights, full: bool = True
) -> dict[str, Moments]:
    """What the losses of a style are measured from: moments of a picture [1, 3, H, W] at STYLE_LEVELS, and at COLOUR.

    `full` ones are for Gram distances. What nothing is measured from is left out.
    """
    features = loss_network.encode(picture, STYLE_LEVELS) if weights.style or weights.content else {}
    colour = {COLOUR: colour_moments(picture)} if weights.colour else {}
    return {**loss_network.moments(features, full), **colour}


@torch.no_grad()
def content_of(loss_network: LossNetwork, image: Tensor) -> Tensor:
    """The content target [B, C, h, w]: what the loss network finds in pictures [B, 3, H, W] at relu4_1."""
    return loss_network(image, (CONTENT_LEVEL,))[CONTENT_LEVEL]


def picture_losses(
    loss_network: LossNetwork,
    result: Tensor,
    weights: LossWeights,
    content: Tensor | None,
    style: Mapping[str, Moments],
    target: Tensor | None = None,
    distance: Callable[[Moments, Moments], Tensor] = moment_distance,
) -> Losses:
    """The losses of `result` [B, 3, H, W] by name; what weighs nothing is not computed, nor a level nothing needs.

    `content` comes from `content_of`, `style` from `style_target`; `target` [B, 3, H, W] is the teacher's picture, of
    which pixels, and features and moments at the first `taught_levels`, are compared.
    """
    target = target if weights.taught else None
    taught_levels = STYLE_LEVELS[: weights.taught_levels] if target is not None else ()
    moment_levels = STYLE_LEVELS if weights.style else taught_levels
    levels = moment_levels + (CONTENT_LEVEL,) * (weights.content > 0 and CONTENT_LEVEL not in moment_levels)
    encoded = loss_network.encode(result, levels) if levels else {}
    full = distance is not moment_distance
    moments = loss_network.moments({level: encoded[level] for level in moment_levels}, full)
    parts: Losses = {}
    if weights.content and content is not None:
        features = loss_network.project({CONTENT_LEVEL: encoded[CONTENT_LEVEL]})[CONTENT_LEVEL]
        parts["content"] = weights.content * relative_error(features, content)
    if weights.style:
        each = [distance(moments[level], style[level]) for level in STYLE_LEVELS]
        parts["style"] = weights.style * torch.stack(each).sum()
    if weights.colour:
        parts["colour"] = weights.colour * colour_distance(colour_moments(result), style[COLOUR])
    if weights.total_variation:
        parts["total variation"] = weights.total_variation * total_variation(result)
    if weights.grid:
        parts["grid"] = weights.grid * grid_peaks(result.flatten(0, 1)[:, None]).mean()
    if target is not None:
        with torch.no_grad():
            encoded_target = loss_network.encode(target, taught_levels) if taught_levels else {}
            wanted, wanted_moments = loss_network.project(encoded_target), loss_network.moments(encoded_target, full)
        features = loss_network.project({level: encoded[level] for level in taught_levels})
        each = [PIXEL_WEIGHT * (result - target).abs().mean()]
        for level in taught_levels:
            near = relative_error(features[level], wanted[level])
            each.append(near + distance(moments[level], wanted_moments[level]))
        parts["taught"] = weights.taught * torch.stack(each).sum()
    return parts


def steady_losses(weights: LossWeights, paint: Callable[[Tensor], Tensor], image: Tensor, result: Tensor) -> Losses:
    """What keeps a video still: `result`, `paint(image)`, against the picture of a moved and noisy `image`.

    All are [B, 3, H, W]. Both pictures are moved alike, by whole or half pixels (`SHIFT` at most, drawn from torch's
    default generators), and compared away from the borders: the root of the mean square over the deviation of `result`
    there, the mean over the batch. Nothing is painted where it weighs nothing.
    """
    if not weights.steady:
        return {}
    halves = torch.randint(-2 * SHIFT, 2 * SHIFT + 1, (2,)).tolist()
    again = paint(moved(image, *halves) + NOISE * torch.randn_like(image)).float()
    wanted = moved(result.float(), *halves)
    (top, left) = (SHIFT + size // 8 for size in image.shape[-2:])
    again, wanted = (each[..., top:-top, left:-left] for each in (again, wanted))
    contrast = wanted.detach().var((1, 2, 3))  # else contrast would be learnt in place of steadiness
    error = (again - wanted).square().mean((1, 2, 3)) / (contrast + EPSILON)
    return {"steady": weights.steady * (error + EPSILON).sqrt().mean()}


def moved(image: Tensor, down: int, across: int) -> Tensor:
    """`image` [B, C, H, W] as seen from so many half pixels further down and to the right, mirrored at its borders.

    Between pixels by the cubic through four of them (-1, 9, 9, -1) / 16.
    """
    margin = SHIFT + 2
    result = F.pad(image, (margin,) * 4, "reflect")
    for dimension, halves in ((-2, down), (-1, across)):
        near, size = margin + halves // 2, image.shape[dimension]
        at = [result.narrow(dimension, near + offset, size) for offset in (0, 1, -1, 2)]
        result = at[0] if halves % 2 == 0 else (9 * (at[0] + at[1]) - (at[2] + at[3])) / 16
    return result
