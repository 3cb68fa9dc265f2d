"""One style more: its kernel alone learns, from the nearest one, and an interruption changes nothing."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from brushwork.headless.pictures import write_picture
from brushwork.models import weights
from brushwork.models.learned import fingerprint, with_style
from brushwork.models.style_file import learned_styles
from brushwork.models.stylebank import LEVEL, StyleBankNetwork
from brushwork.tests.models.small import enlivened
from brushwork.tests.tolerances import assert_close
from brushwork.tests.training.tiny import Course, folder_of_pictures, tiny_eye
from brushwork.training.new_style import NEW, Lesson, NewStyleRecipe, learn_painting, learn_style
from brushwork.training.paintings import Painting
from brushwork.transfer.bank import KernelMap

RECIPE = NewStyleRecipe(steps=6, side=24, photo=28, painting=28, rate=1e-2)
EYE = tiny_eye()
PHOTOS = torch.rand(2, 3, 30, 40, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def bank() -> StyleBankNetwork:
    network = enlivened(StyleBankNetwork(("a", "b"), (4, 6, 8))).eval().requires_grad_(False)
    last = network.get_submodule("decoder")[-1]
    last.weight.mul_(0.1)  # pictures come out around middle grey
    last.bias.fill_(0.5)
    return network


def picture(seed: int = 3, size: tuple[int, int] = (30, 34)) -> Tensor:
    return torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(seed))


def kept(bank: StyleBankNetwork) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in bank.state_dict().items()}


def test_losses_fall(bank: StyleBankNetwork, tmp_path: Path) -> None:
    course = Course("style")
    learn_style(bank, "c", picture(), PHOTOS, EYE, tmp_path, replace(RECIPE, steps=80), course)
    assert len(course.sums) == 80 and course.fell()


def test_all_but_the_new_kernel_stays_bit_for_bit(bank: StyleBankNetwork, tmp_path: Path) -> None:
    before = kept(bank)
    lesson = Lesson(bank, "c", picture(), PHOTOS, EYE, tmp_path, RECIPE)
    first = kept(lesson.bank)
    assert len(list(lesson.go())) == RECIPE.steps
    assert bank.styles == ("a", "b") and kept(bank).keys() == before.keys()
    assert all(torch.equal(value, before[name]) for name, value in kept(bank).items())
    changed = {name for name, value in kept(lesson.bank).items() if not torch.equal(value, first[name])}
    assert changed == {"bank.2.weight", "bank.2.bias"}
    grown = with_style(bank, lesson.learned())
    assert grown.styles == ("a", "b", "c")
    assert all(torch.equal(value, before[name]) for name, value in kept(grown).items() if name in before)


def test_what_is_learnt_says_where_it_belongs(bank: StyleBankNetwork, tmp_path: Path) -> None:
    style = learn_style(bank, "c", picture(), PHOTOS, EYE, tmp_path, RECIPE)
    assert (style.card.style, style.card.network, style.card.steps) == ("c", "stylebank", RECIPE.steps)
    assert style.card.fingerprint == fingerprint(bank)
    assert (style.weight.shape, style.bias.shape) == ((8, 8, 3, 3), (8,))
    assert style.weight.dtype == style.bias.dtype == torch.float16


@pytest.mark.parametrize("style", ["a", "b"])
def test_it_starts_as_the_style_that_paints_alike(style: str, bank: StyleBankNetwork, tmp_path: Path) -> None:
    """The picture here is what one of the styles makes of a photograph."""
    bank.bank[1].weight.mul_(torch.linspace(-3, 3, 8)[:, None, None, None])
    features = bank.encode(PHOTOS[:1], LEVEL)
    painted = bank.decode(features.with_values(KernelMap(*bank.kernel(style))(features.values)))
    lesson = Lesson(bank, "c", painted.clamp(0, 1), PHOTOS, EYE, tmp_path, RECIPE)
    assert lesson.start == style
    for own, nearest in zip(lesson.bank.kernel(NEW), bank.kernel(style), strict=True):
        assert torch.equal(own, nearest)


def test_in_an_empty_bank_it_starts_as_the_identity(tmp_path: Path) -> None:
    empty = enlivened(StyleBankNetwork((), (4, 6, 8))).eval()
    lesson = Lesson(empty, "c", picture(), PHOTOS, EYE, tmp_path, RECIPE)
    assert lesson.start is None
    assert_close(lesson.paint(PHOTOS), empty.decode(empty.encode(PHOTOS, LEVEL)).detach())


def test_a_style_of_the_bank_can_be_learnt_again(bank: StyleBankNetwork, tmp_path: Path) -> None:
    before = kept(bank)
    again = with_style(bank, learn_style(bank, "b", picture(), PHOTOS, EYE, tmp_path, RECIPE))
    assert again.styles == ("a", "b")
    assert not torch.equal(again.kernel("b")[0], bank.kernel("b")[0])
    assert all(torch.equal(value, before[name]) for name, value in kept(bank).items())


def test_several_pictures_of_one_style(bank: StyleBankNetwork, tmp_path: Path) -> None:
    """Their mean is the target; twice the same is the same."""
    lessons = [
        Lesson(bank, "c", given, PHOTOS, EYE, tmp_path, RECIPE)
        for given in (picture(), picture(4), torch.cat([picture(), picture(4)]), picture().repeat(2, 1, 1, 1))
    ]
    one, other, both, twice = (lesson.target["relu3_1"] for lesson in lessons)
    assert_close(both, (one + other) / 2)
    assert_close(twice, one)


@pytest.mark.parametrize("size", [(1, 1), (2, 40), (64, 9)])
def test_pictures_of_any_size(size: tuple[int, int], bank: StyleBankNetwork, tmp_path: Path) -> None:
    photos = torch.rand(1, 3, *size)
    style = learn_style(bank, "c", picture(size=size), photos, EYE, tmp_path, replace(RECIPE, steps=2))
    assert torch.isfinite(style.weight).all()


def test_a_bank_in_half_precision_learns_in_full(bank: StyleBankNetwork, tmp_path: Path) -> None:
    half = bank.to(torch.bfloat16)
    before = kept(half)
    lesson = Lesson(half, "c", picture(), PHOTOS, EYE, tmp_path, RECIPE)
    assert {weight.dtype for weight in lesson.bank.parameters()} == {torch.float32}
    assert all(torch.equal(value, before[name]) for name, value in kept(half).items())


@pytest.mark.parametrize("stop", [1, 4])
def test_interrupted_and_started_again_it_ends_the_same(
    bank: StyleBankNetwork, tmp_path: Path, stop: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("brushwork.training.loop.SAVE_EVERY", 2)

    def interrupt(step: int, losses: dict[str, float]) -> None:
        if step == stop:
            raise KeyboardInterrupt

    whole = learn_style(bank, "c", picture(), PHOTOS, EYE, tmp_path / "whole", RECIPE)
    with pytest.raises(KeyboardInterrupt):
        learn_style(bank, "c", picture(), PHOTOS, EYE, tmp_path / "parts", RECIPE, interrupt)
    resumed = learn_style(bank, "c", picture(), PHOTOS, EYE, tmp_path / "parts", RECIPE)
    assert torch.equal(resumed.weight, whole.weight) and torch.equal(resumed.bias, whole.bias)


def test_a_look_up_can_stop_it_before_the_first_step(bank: StyleBankNetwork, tmp_path: Path) -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Lesson(bank, "c", picture(), PHOTOS, EYE, tmp_path, RECIPE, stop)


def test_a_name_that_is_no_name(bank: StyleBankNetwork, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be a style's name"):
        learn_style(bank, "../c", picture(), PHOTOS, EYE, tmp_path, RECIPE)


def test_from_files_to_a_file(bank: StyleBankNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the command line does it: named after the picture, put on the shelf, never over another."""
    monkeypatch.setenv("BRUSHWORK_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setattr(weights, "cache_folder", lambda: tmp_path / "cache")
    photos = [folder_of_pictures(tmp_path / "photos")]
    write_picture(tmp_path / "sea_mosaic.png", picture()[0].movedim(0, -1))
    painting = Painting(tmp_path / "sea_mosaic.png")
    path = learn_painting(bank, painting, photos, EYE, tmp_path / "out", RECIPE)
    assert path == tmp_path / "weights" / "stylebank" / "sea mosaic.safetensors"
    assert [(file.path, file.card.fingerprint) for file in learned_styles()] == [(path, fingerprint(bank))]
    with pytest.raises(ValueError, match="sea mosaic.safetensors is there already: choose another name"):
        learn_painting(bank, painting, photos, EYE, tmp_path / "more", RECIPE)
    bank.add_style("sea mosaic")
    with pytest.raises(ValueError, match="has a style 'sea mosaic' already: give the picture's file another name"):
        learn_painting(bank, painting, photos, EYE, tmp_path / "more", RECIPE)
