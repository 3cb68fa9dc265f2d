"""Losses in closed form: zero at the target, without units, and with finite slopes where they vanish."""

from collections.abc import Callable, Collection

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from brushwork.tests.tolerances import assert_close
from brushwork.tests.training.tiny import tiny_loss_network, tiny_network
from brushwork.training import losses
from brushwork.training.loss_network import Features, LossNetwork
from brushwork.training.losses import (
    CONTENT_LEVEL,
    EPSILON,
    STYLE_LEVELS,
    LossWeights,
    colour_distance,
    colour_moments,
    content_of,
    gram_distance,
    grid_peaks,
    moment_distance,
    moved,
    picture_losses,
    relative_distance,
    relative_error,
    steady_losses,
    style_target,
    total_variation,
)
from brushwork.transfer import moments
from brushwork.transfer.moments import Moments


def test_relative_error() -> None:
    target = torch.tensor([3.0, 4.0]).reshape(1, 1, 1, 2)
    assert_close(relative_error(target, target), torch.tensor(0.0))
    assert_close(relative_error(0 * target, target), torch.tensor(1.0))
    assert_close(relative_error(target + torch.tensor([0.0, 5.0]), target), torch.tensor(1.0))


@pytest.mark.parametrize("block", [1, 7, 1 << 13])
def test_slopes_of_relative_errors(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the formula as it is written, also where rows and columns are swapped in memory."""
    monkeypatch.setattr(moments, "BLOCK", block)
    values, target = torch.randn(2, 3, 4, 5), torch.randn(2, 3, 4, 5)
    for own, aim in ((values, target), (values.mT, target.mT), (values.movedim(1, 3), target.movedim(1, 3))):
        own = own.detach().requires_grad_(True)
        plain = ((own - aim).square().flatten(1).sum(1) / aim.square().flatten(1).sum(1)).mean()
        found, expected = (torch.autograd.grad(each, own)[0] for each in (relative_error(own, aim), plain))
        assert_close(found, expected)


def test_moment_distance() -> None:
    style = torch.randn(2, 4, 5, 6)
    shuffled = style.flatten(2)[:, :, torch.randperm(30)].unflatten(2, (5, 6))
    assert moment_distance(Moments.of(shuffled), Moments.of(style)) < 1e-3  # where the features stand does not matter
    # Mean 1 and deviation sqrt(2) against 3 and sqrt(2): (2 / sqrt(9 + 2)).
    low, high = torch.tensor([0.0, 2.0]).reshape(1, 1, 1, 2), torch.tensor([2.0, 4.0]).reshape(1, 1, 1, 2)
    assert_close(moment_distance(Moments.of(low), Moments.of(high)), torch.tensor(2 / 11**0.5))


@pytest.mark.parametrize("scale", [0.01, 100.0])
def test_units_do_not_matter(scale: float) -> None:
    values, target = torch.randn(1, 3, 8, 8), torch.randn(1, 3, 8, 8) + 1
    assert_close(relative_error(scale * values, scale * target), relative_error(values, target))
    scaled = moment_distance(Moments.of(scale * values), Moments.of(scale * target))
    assert_close(scaled, moment_distance(Moments.of(values), Moments.of(target)))


def test_slopes_are_finite_at_the_target_and_on_constants() -> None:
    for target in (torch.randn(1, 3, 4, 4), torch.ones(1, 3, 4, 4), torch.zeros(1, 3, 4, 4)):
        values = target.clone().requires_grad_(True)
        (relative_error(values, target) + moment_distance(Moments.of(values), Moments.of(target))).backward()
        assert values.grad is not None and values.grad.isfinite().all()


@pytest.mark.parametrize("loss", [relative_error, relative_distance])
def test_sums_of_half_types_are_float32(loss: Callable[[Tensor, Tensor], Tensor]) -> None:
    """In bfloat16 a sum of 10,000 ones ends at 256."""
    values, target = torch.full((1, 1, 100, 100), 2.0), torch.ones(1, 1, 100, 100)
    for dtype in (torch.bfloat16, torch.float16):
        assert_close(loss(values.to(dtype), target.to(dtype)), loss(values, target))


def test_under_a_grey_style_chroma_is_all_that_differs() -> None:
    grey, chroma = torch.rand(1, 1, 9, 9).expand(1, 3, 9, 9), 0.1 * torch.rand(1, 1, 9, 9)
    assert_close(colour_distance(colour_moments(grey), colour_moments(grey)), torch.tensor(0.0))
    tinted = torch.cat([grey[:, :1] + chroma, grey[:, 1:2], grey[:, 2:] - chroma], 1)  # of the same luminance
    expected = 2**0.5 * (chroma.mean() + chroma.std()) - EPSILON**0.5
    assert_close(colour_distance(colour_moments(tinted), colour_moments(grey)), expected)


def test_total_variation() -> None:
    stripes = torch.tensor([0.0, 1.0, 0.0, 1.0]).expand(1, 3, 4, 4)
    assert_close(total_variation(stripes), torch.tensor(1.0))
    assert_close(total_variation(torch.full((1, 3, 4, 4), 0.4)), torch.tensor(0.0))


@pytest.mark.parametrize(("period", "place"), [(2, 0), (4, 1), (8, 2)])
def test_the_way_down_from_a_grid_takes_it_out(period: int, place: int) -> None:
    generator = torch.Generator().manual_seed(0)
    picture = torch.rand(2, 1, 64, 72, generator=generator)
    plain, lined = grid_peaks(picture), picture.clone()
    lined[..., ::period] += 1
    assert plain.max() < 1 and grid_peaks(lined)[place] > 4
    for _ in range(20):
        lined.requires_grad_()
        (slope,) = torch.autograd.grad(grid_peaks(lined).mean(), lined)
        lined = (lined - 0.03 * slope / slope.square().mean().sqrt().clamp_min(1e-9)).detach()
    assert grid_peaks(lined).mean() < 0.5


def test_a_plain_picture_has_no_grid_and_no_slope() -> None:
    plain = torch.full((1, 1, 64, 64), 0.4, requires_grad=True)
    heights = grid_peaks(plain)
    assert heights.tolist() == [0.0] * 6
    assert torch.autograd.grad(heights.sum(), plain)[0].abs().max() == 0


def test_distances_are_roots_of_relative_squares() -> None:
    target = torch.tensor([3.0, 4.0]).reshape(1, 1, 1, 2)
    assert_close(relative_distance(target + torch.tensor([0.0, 10.0]), target), torch.tensor(2.0))
    style = torch.tensor([[[3.0, 0.0], [0.0, 4.0]]])[..., None]
    one, thrice = (Moments.of(factor * style, full=True) for factor in (1, 3**0.5))
    assert_close(gram_distance(thrice, one), torch.tensor(2.0))
    assert gram_distance(one, one) < 1e-3


# The losses of a stylised picture: each in closed form, and none that weighs nothing is computed


class Watched(LossNetwork):
    """Remembers which levels it was asked for."""

    def __init__(self) -> None:
        super().__init__(tiny_network())
        self.asked: list[tuple[str, ...]] = []

    def encode(self, image: Tensor, levels: Collection[str]) -> Features:
        self.asked.append(tuple(levels))
        return super().encode(image, levels)


def given() -> tuple[Tensor, Tensor, dict[str, Moments], Tensor]:
    """A result, the content, the style and the teacher's picture."""
    result, photo, painting, target = torch.rand(4, 2, 3, 24, 24)
    loss_network = tiny_loss_network()
    style = loss_network.moments(loss_network.encode(painting, STYLE_LEVELS))
    return result, content_of(loss_network, photo), style, target


CASES = {
    (1, 1, 1, 1): [STYLE_LEVELS, STYLE_LEVELS[:3]],
    (1, 1, 0, 0): [STYLE_LEVELS],
    (0, 1, 0, 0): [STYLE_LEVELS],
    (1, 0, 0, 0): [(CONTENT_LEVEL,)],
    (1, 0, 0, 1): [(*STYLE_LEVELS[:3], CONTENT_LEVEL), STYLE_LEVELS[:3]],
    (0, 0, 0, 1): [STYLE_LEVELS[:3], STYLE_LEVELS[:3]],
    (0, 0, 1, 0): [],
}


@pytest.mark.parametrize("weights", CASES)
def test_what_weighs_nothing_is_not_computed(weights: tuple[int, ...]) -> None:
    loss_network, (result, content, style, target) = Watched(), given()
    parts = picture_losses(loss_network, result, LossWeights(*weights), content, style, target)
    names = ("content", "style", "total variation", "taught")
    assert set(parts) == {name for name, weight in zip(names, weights, strict=True) if weight}
    assert loss_network.asked == CASES[weights]


def test_each_in_closed_form() -> None:
    loss_network, (result, content, style, _) = tiny_loss_network(), given()
    large = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    parts = picture_losses(loss_network, result, LossWeights(2.0, 3.0, 5.0), content, style)
    seen = loss_network(result, STYLE_LEVELS)
    assert_close(parts["content"], 2 * relative_error(seen[CONTENT_LEVEL], content))
    distances = [moment_distance(Moments.of(seen[level]), style[level]) for level in STYLE_LEVELS]
    assert_close(parts["style"], 3 * torch.stack(distances).sum())
    assert_close(parts["total variation"], 5 * total_variation(result))
    grid = picture_losses(loss_network, large, LossWeights(0.0, 0.0, grid=7.0), None, {})["grid"]
    assert_close(grid, 7 * grid_peaks(large.view(6, 1, 64, 64)).mean())
    painting, weights = torch.rand(2, 3, 20, 20), LossWeights(0.0, 0.0, colour=4.0)
    target = style_target(loss_network, painting, weights)
    colour = picture_losses(loss_network, result, weights, None, target)["colour"]
    assert_close(colour, 4 * colour_distance(colour_moments(result), colour_moments(painting)))
    grams = picture_losses(loss_network, result, LossWeights(0.0, 1.0), None, style, None, gram_distance)["style"]
    moments = {level: Moments.of(seen[level], full=True) for level in STYLE_LEVELS}
    assert_close(grams, sum(gram_distance(moments[level], style[level]) for level in STYLE_LEVELS))


@pytest.mark.parametrize("distance", [moment_distance, gram_distance])
def test_the_teachers_own_picture_has_nothing_to_learn(distance: object) -> None:
    result, content, style, target = given()
    weights = LossWeights(0.0, 0.0, 0.0, 1.0)

    def taught(picture: Tensor) -> Tensor:
        parts = picture_losses(tiny_loss_network(), picture, weights, content, style, target, distance)  # pyright: ignore
        return parts["taught"]

    assert taught(target) < 1e-3 < 0.1 < taught(result)  # what is under the roots is there three times


def test_slopes_are_finite() -> None:
    result, content, style, target = given()
    result.requires_grad_(True)
    parts = picture_losses(tiny_loss_network(), result, LossWeights(1, 1, 1, 1), content, style, target)
    torch.stack(list(parts.values())).sum().backward()
    assert result.grad is not None and result.grad.any() and result.grad.isfinite().all()


# Steadiness: what a moved and noisy crop's picture is compared with


def waves(height: int = 40, width: int = 48) -> Tensor:
    """Pictures [2, 3, height, width] in 0..1 without sharp edges, in which no direction is like another."""
    down, across = torch.arange(height)[:, None] / 9, torch.arange(width) / 7
    return torch.stack([0.5 + 0.4 * torch.sin(down + phase) * torch.cos(across) for phase in range(6)]).unflatten(
        0, (2, 3)
    )


@pytest.mark.parametrize(("down", "across"), [(0, 0), (2, 0), (-6, 8), (0, 4)])
def test_by_whole_pixels_a_picture_is_moved_exactly(down: int, across: int) -> None:
    image = torch.rand(1, 2, 24, 30)
    result = moved(image, down, across)
    rows, columns = down // 2, across // 2
    assert torch.equal(result[..., 4:-4, 4:-4], image[..., 4 + rows : 20 + rows, 4 + columns : 26 + columns])
    assert result.shape == image.shape


@pytest.mark.parametrize(("down", "across"), [(1, 0), (0, -1), (-3, 7)])
def test_between_pixels_it_is_a_cubic(down: int, across: int) -> None:
    """Exact for polynomials of the third degree."""
    rows, columns = torch.meshgrid(torch.arange(24.0) / 24, torch.arange(30.0) / 30, indexing="ij")

    def cubic(rows: Tensor, columns: Tensor) -> Tensor:
        return (rows**3 - 2 * columns**2 + rows * columns)[None, None]

    found = moved(cubic(rows, columns), down, across)
    assert_close(found[..., 6:-6, 6:-6], cubic(rows + down / 48, columns + across / 60)[..., 6:-6, 6:-6])


@pytest.mark.parametrize("shift", range(6))
def test_what_moves_with_its_content_is_steady(shift: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A network without a grid of its own, here a convolution, has nothing to learn."""
    monkeypatch.setattr(losses, "NOISE", 0.0)
    torch.manual_seed(shift)
    kernel = torch.randn(3, 3, 3, 3)

    def paint(image: Tensor) -> Tensor:
        return F.conv2d(image, kernel, padding=1)

    image = torch.rand(2, 3, 40, 48)
    assert steady_losses(LossWeights(steady=1.0), paint, image, paint(image))["steady"] < 2e-4


def test_what_hangs_on_a_grid_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stripes of one pixel that stay where they are while the content moves by one: 2 over a deviation of 1."""
    monkeypatch.setattr(torch, "randint", lambda *_: torch.tensor([0, 2]))
    stripes = (torch.arange(48.0) % 2 * 2 - 1).expand(2, 3, 40, 48)
    found = steady_losses(LossWeights(steady=3.0), lambda _: stripes, waves(), stripes)["steady"]
    assert float(found) == pytest.approx(6, rel=1e-3)


@pytest.mark.parametrize("gain", [1.0, 4.0])
def test_noise_counts_by_what_is_made_of_it(gain: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Noise of deviation s in a picture of deviation d: s / d, and as much again where it is amplified."""
    monkeypatch.setattr(torch, "randint", lambda *_: torch.tensor([0, 0]))
    image = waves(160, 160)
    blurred = F.avg_pool2d(image, 9, 1, 4)

    def paint(picture: Tensor) -> Tensor:
        return blurred + gain * (picture - image)

    expected = gain * losses.NOISE / blurred[..., 24:-24, 24:-24].var((1, 2, 3)).sqrt()
    found = steady_losses(LossWeights(steady=1.0), paint, image, paint(image))["steady"]
    assert float(found) == pytest.approx(float(expected.mean()), rel=0.02)


def test_steadiness_is_not_asked_of_what_does_not_weigh() -> None:
    def paint(_: Tensor) -> Tensor:
        raise AssertionError

    state = torch.get_rng_state()
    assert steady_losses(LossWeights(), paint, waves(), waves()) == {}
    assert torch.equal(torch.get_rng_state(), state)  # no run of before takes other steps


def test_contrast_is_not_learnt_for_steadiness() -> None:
    """A picture that is steady but for noise is not pulled to more contrast: the slope along itself is positive."""
    factor = torch.ones((), requires_grad=True)
    still = waves()
    noise = torch.rand(still.shape)
    found = steady_losses(LossWeights(steady=1.0), lambda _: factor * (still + noise), still, factor * (still - noise))
    found["steady"].backward()
    assert factor.grad is not None and factor.grad > 0
