"""The losses of a painted picture: each in closed form, and none that weighs nothing is computed."""

from collections.abc import Collection

import pytest
import torch
from torch import Tensor

from brushwork.tests.tolerances import assert_close
from brushwork.tests.training.tiny import tiny_loss_network, tiny_network
from brushwork.training.loss_network import Features, LossNetwork
from brushwork.training.losses import LossWeights, moment_distance, relative_error, total_variation
from brushwork.training.picture_loss import CONTENT_LEVEL, STYLE_LEVELS, content_of, gram_style, picture_losses
from brushwork.transfer.moments import Moments


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
    grams = picture_losses(loss_network, result, LossWeights(0.0, 1.0), None, style, None, gram_style)["style"]
    moments = {level: Moments.of(seen[level], full=True) for level in STYLE_LEVELS}
    assert_close(grams, sum(gram_style(moments[level], style[level]) for level in STYLE_LEVELS))


@pytest.mark.parametrize("distance", [moment_distance, gram_style])
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
