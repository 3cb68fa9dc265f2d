"""Losses in closed form: zero at the target, without units, and with finite slopes where they vanish."""

from collections.abc import Callable, Collection

import pytest
import torch
from torch import Tensor

from brushwork.tests.tolerances import assert_close
from brushwork.tests.training.tiny import tiny_loss_network, tiny_network
from brushwork.training.loss_network import Features, LossNetwork
from brushwork.training.losses import (
    CONTENT_LEVEL,
    STYLE_LEVELS,
    LossWeights,
    content_of,
    gram_distance,
    moment_distance,
    picture_losses,
    relative_distance,
    relative_error,
    total_variation,
)
from brushwork.transfer.moments import Moments


def test_relative_error() -> None:
    target = torch.tensor([3.0, 4.0]).reshape(1, 1, 1, 2)
    assert_close(relative_error(target, target), torch.tensor(0.0))
    assert_close(relative_error(0 * target, target), torch.tensor(1.0))
    assert_close(relative_error(target + torch.tensor([0.0, 5.0]), target), torch.tensor(1.0))


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


def test_total_variation() -> None:
    stripes = torch.tensor([0.0, 1.0, 0.0, 1.0]).expand(1, 3, 4, 4)
    assert_close(total_variation(stripes), torch.tensor(1.0))
    assert_close(total_variation(torch.full((1, 3, 4, 4), 0.4)), torch.tensor(0.0))


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
    parts = picture_losses(loss_network, result, LossWeights(2.0, 3.0, 5.0), content, style)
    seen = loss_network(result, STYLE_LEVELS)
    assert_close(parts["content"], 2 * relative_error(seen[CONTENT_LEVEL], content))
    distances = [moment_distance(Moments.of(seen[level]), style[level]) for level in STYLE_LEVELS]
    assert_close(parts["style"], 3 * torch.stack(distances).sum())
    assert_close(parts["total variation"], 5 * total_variation(result))
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
