"""AdaIN's recipe on a tiny network: it learns, it leaves the network alone, and an interruption changes nothing."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from brushwork.headless.pictures import write_picture
from brushwork.models.vgg import VggDecoder, VggLayout, VggNetwork
from brushwork.training.adain import AdainRecipe, first_decoder, train_adain

TINY = VggLayout("tiny", (4, 6, 8, 8, 8))
RECIPE = AdainRecipe(steps=6, batch=2, side=24, photo=28, painting=28, rate=1e-2)


@pytest.fixture
def network() -> VggNetwork:
    return VggNetwork(TINY, ("relu4_1",)).eval().requires_grad_(False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(3):
        write_picture(tmp_path / "pictures" / f"{number}.png", torch.rand(30, 40, 3))
    return tmp_path / "pictures"


def train(network: VggNetwork, folder: Path, out: Path, recipe: AdainRecipe = RECIPE, stop: int = 0) -> VggDecoder:
    """A run, interrupted after `stop` steps if told."""

    def on_step(step: int, losses: dict[str, float]) -> None:
        if step == stop:
            raise KeyboardInterrupt

    return train_adain(network, [folder], [folder], out, recipe, on_step)


def test_losses_fall(network: VggNetwork, folder: Path, tmp_path: Path) -> None:
    seen: list[float] = []
    recipe = replace(RECIPE, steps=160)
    train_adain(network, [folder], [folder], tmp_path, recipe, lambda _, losses: seen.append(sum(losses.values())))
    assert len(seen) == 160
    assert sum(seen[-20:]) < 0.8 * sum(seen[:20])


def test_only_the_decoder_learns(network: VggNetwork, folder: Path, tmp_path: Path) -> None:
    before = {name: value.clone() for name, value in network.state_dict().items()}
    decoder = train(network, folder, tmp_path)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    first = first_decoder(network).state_dict()
    assert not any(torch.equal(value, first[name]) for name, value in decoder.state_dict().items())


@pytest.mark.parametrize("stop", [1, 4, 5])
def test_interrupted_and_started_again_it_ends_the_same(
    network: VggNetwork, folder: Path, tmp_path: Path, stop: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("brushwork.training.loop.SAVE_EVERY", 2)
    whole = train(network, folder, tmp_path / "whole").state_dict()
    with pytest.raises(KeyboardInterrupt):
        train(network, folder, tmp_path / "parts", stop=stop)
    resumed = train(network, folder, tmp_path / "parts").state_dict()
    assert all(torch.equal(value, whole[name]) for name, value in resumed.items())


def test_a_checkpoint_of_another_recipe_is_no_start(network: VggNetwork, folder: Path, tmp_path: Path) -> None:
    train(network, folder, tmp_path)
    with pytest.raises(ValueError, match="was trained otherwise: name another folder, or the same settings"):
        train(network, folder, tmp_path, replace(RECIPE, style=2.0))


def test_the_saved_part_is_the_decoder_in_half_precision(network: VggNetwork, folder: Path, tmp_path: Path) -> None:
    trained = train(network, folder, tmp_path).state_dict()
    saved = load_file(tmp_path / "adain.safetensors")
    assert saved.keys() == trained.keys()
    assert all(torch.equal(saved[name], value.half()) for name, value in trained.items())
