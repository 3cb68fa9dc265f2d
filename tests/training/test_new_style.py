"""One style more: its kernel alone learns, from the nearest one, and an interruption changes nothing."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from brushwork.media.images import write_picture
from brushwork.models.networks.stylebank import LEVEL, StyleBankNetwork
from brushwork.models.weights.learnt_styles import LearnedStyle, fingerprint, learned_styles, with_style
from brushwork.tests.models.small import enlivened
from brushwork.tests.tolerances import assert_close
from brushwork.tests.training.tiny import Clock, Killed, LossCurve, OnStep, folder_of_pictures, tiny_loss_network
from brushwork.training import trainer
from brushwork.training.losses import LossWeights
from brushwork.training.new_style import NEW, NewStyleConfig, StyleTraining, learn_style
from brushwork.training.pictures import Pictures
from brushwork.training.recipes import Job
from brushwork.transfer.operators import KernelMap

CONFIG = NewStyleConfig(steps=6, side=24, photo=28, style_size=28, rate=1e-2)
PHOTO = torch.rand(2, 3, 30, 40, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def bank() -> StyleBankNetwork:
    network = enlivened(StyleBankNetwork(("a", "b"), (4, 6, 8))).eval().requires_grad_(False)
    last = network.get_submodule("decoder")[-1]
    last.weight.mul_(0.1)  # pictures come out around middle grey
    last.bias.fill_(0.5)
    return network


def picture(*seeds: int, size: tuple[int, int] = (30, 34)) -> Tensor:
    """As many pictures as there are seeds, one unless told."""
    each = [torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(seed)) for seed in seeds or (3,)]
    return torch.cat(each)


def training(
    bank: StyleBankNetwork,
    out: Path,
    given: Tensor | None = None,
    name: str = "c",
    photos: Tensor = PHOTO,
    config: NewStyleConfig = CONFIG,
    **options: object,
) -> StyleTraining:
    style = Pictures.from_tensors(picture() if given is None else given, config.style_size)
    photographs = Pictures.from_tensors(photos, config.photo)
    return StyleTraining(bank, name, style, photographs, tiny_loss_network(), out, config, **options)  # pyright: ignore


def learned(bank: StyleBankNetwork, out: Path, on_step: OnStep | None = None, **options: object) -> LearnedStyle:
    """The style at the end."""
    one = training(bank, out, **options)  # pyright: ignore[reportArgumentType]
    for step, losses in one.run():
        if on_step:
            on_step(step, losses)
    return one.learned()


def kept(bank: StyleBankNetwork) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in bank.state_dict().items()}


def test_losses_fall(bank: StyleBankNetwork, tmp_path: Path) -> None:
    curve = LossCurve("style")
    learned(bank, tmp_path, curve, config=replace(CONFIG, steps=40))
    assert len(curve.sums) == 40 and curve.fell()


def test_all_but_the_new_kernel_stays_bit_for_bit(bank: StyleBankNetwork, tmp_path: Path) -> None:
    before, one = kept(bank), training(bank, tmp_path)
    first = kept(one.bank)
    assert len(list(one.run())) == CONFIG.steps
    assert bank.styles == ("a", "b") and kept(bank).keys() == before.keys()
    assert all(torch.equal(value, before[name]) for name, value in kept(bank).items())
    changed = {name for name, value in kept(one.bank).items() if not torch.equal(value, first[name])}
    assert changed == {"bank.2.weight", "bank.2.bias"}
    grown = with_style(bank, one.learned())
    assert grown.styles == ("a", "b", "c")
    assert all(torch.equal(value, before[name]) for name, value in kept(grown).items() if name in before)


def test_what_is_learnt_says_where_it_belongs(bank: StyleBankNetwork, tmp_path: Path) -> None:
    style = learned(bank, tmp_path)
    assert (style.metadata.style, style.metadata.network, style.metadata.steps) == ("c", "stylebank", CONFIG.steps)
    assert style.metadata.fingerprint == fingerprint(bank)
    assert (style.weight.shape, style.bias.shape) == ((8, 8, 3, 3), (8,))
    assert style.weight.dtype == style.bias.dtype == torch.float16


@pytest.mark.parametrize("style", ["a", "b"])
def test_it_starts_as_the_style_that_paints_alike(style: str, bank: StyleBankNetwork, tmp_path: Path) -> None:
    """The picture here is what one of the styles makes of a photograph."""
    bank.bank[1].weight.mul_(torch.linspace(-3, 3, 8)[:, None, None, None])
    features = bank.encode(PHOTO[:1], LEVEL)
    painted = bank.decode(features.with_values(KernelMap.of(*bank.kernel(style))(features.values)))
    one = training(bank, tmp_path, painted.clamp(0, 1))
    assert one.nearest == style
    for own, nearest in zip(one.bank.kernel(NEW), bank.kernel(style), strict=True):
        assert torch.equal(own, nearest)


def test_what_is_nearest_does_not_hang_on_weights(bank: StyleBankNetwork, tmp_path: Path) -> None:
    config = replace(CONFIG, loss_weights=LossWeights(style=0.0))
    assert training(bank, tmp_path / "0", config=config).nearest == training(bank, tmp_path / "1").nearest


def test_in_an_empty_bank_it_starts_as_the_identity(tmp_path: Path) -> None:
    empty = enlivened(StyleBankNetwork((), (4, 6, 8))).eval()
    one = training(empty, tmp_path)
    assert one.nearest is None
    assert_close(one.paint(PHOTO), empty.decode(empty.encode(PHOTO, LEVEL)).detach())


def test_a_style_of_the_bank_can_be_learnt_again(bank: StyleBankNetwork, tmp_path: Path) -> None:
    before = kept(bank)
    again = with_style(bank, learned(bank, tmp_path, name="b"))
    assert again.styles == ("a", "b")
    assert not torch.equal(again.kernel("b")[0], bank.kernel("b")[0])
    assert all(torch.equal(value, before[name]) for name, value in kept(bank).items())


def test_several_pictures_of_one_style(bank: StyleBankNetwork, tmp_path: Path) -> None:
    """Their moments together are the target; twice the same is the same."""
    one, other, both, twice = (
        training(bank, tmp_path, picture(*seeds)).target["relu3_1"] for seeds in ((3,), (4,), (3, 4), (3, 3))
    )
    assert_close(both.gram, (one.gram + other.gram) / 2)
    assert_close(twice.gram, one.gram)


@pytest.mark.parametrize("size", [(1, 1), (2, 40), (64, 9)])
def test_pictures_of_any_size(size: tuple[int, int], bank: StyleBankNetwork, tmp_path: Path) -> None:
    photos, config = torch.rand(1, 3, *size), replace(CONFIG, steps=2)
    style = learned(bank, tmp_path, given=picture(size=size), photos=photos, config=config)
    assert torch.isfinite(style.weight).all()


def test_a_bank_in_half_precision_learns_in_full(bank: StyleBankNetwork, tmp_path: Path) -> None:
    half = bank.to(torch.bfloat16)
    before, one = kept(half), training(half, tmp_path)
    assert {weight.dtype for weight in one.bank.parameters()} == {torch.float32}
    assert all(torch.equal(value, before[name]) for name, value in kept(half).items())


@pytest.mark.parametrize("stop", [1, 4])
def test_interrupted_and_started_again_it_ends_the_same(
    bank: StyleBankNetwork, tmp_path: Path, stop: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainer, "SAVE_SECONDS", 0)

    def interrupt(step: int, losses: dict[str, float]) -> None:
        if step == stop:
            raise Killed

    whole = learned(bank, tmp_path / "whole")
    with pytest.raises(Killed):
        learned(bank, tmp_path / "parts", interrupt)
    resumed = learned(bank, tmp_path / "parts")
    assert torch.equal(resumed.weight, whole.weight) and torch.equal(resumed.bias, whole.bias)


def test_minutes_in_place_of_steps(bank: StyleBankNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(trainer, "time", clock)
    one = training(bank, tmp_path, minutes=0.05)
    for _ in one.run():
        clock.now += 1
    assert one.trainer.step == 4  # the time is looked at before a step's own second


def test_a_question_can_stop_it_before_the_first_step(bank: StyleBankNetwork, tmp_path: Path) -> None:
    def stop() -> None:
        raise Killed

    with pytest.raises(Killed):
        training(bank, tmp_path, interrupt=stop)


def test_a_name_that_is_no_name(bank: StyleBankNetwork, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be a style's name"):
        training(bank, tmp_path, name="../c")


def test_from_files_to_a_file(bank: StyleBankNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the command line does it: named after the picture, put into the folder of styles, never over another."""
    monkeypatch.setenv("BRUSHWORK_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setenv("BRUSHWORK_CACHE", str(tmp_path / "cache"))
    write_picture(tmp_path / "sea_mosaic.png", picture()[0].movedim(0, -1))
    job = Job([folder_of_pictures(tmp_path / "photos")], [tmp_path / "sea_mosaic.png"], tmp_path / "out")

    def learn() -> Path:
        photos = job.photographs(CONFIG.photo)
        return learn_style(bank, job.paintings(CONFIG.style_size), photos, tiny_loss_network(), job, CONFIG)

    path = learn()
    assert path == tmp_path / "weights" / "stylebank" / "sea mosaic.safetensors"
    assert [(file.path, file.metadata.fingerprint) for file in learned_styles()] == [(path, fingerprint(bank))]
    with pytest.raises(ValueError, match="sea mosaic.safetensors is there already: choose another name"):
        learn()
    bank.add_style("sea mosaic")
    with pytest.raises(ValueError, match="has a style 'sea mosaic' already: give the picture's file another name"):
        learn()
