"""Reconstruction decoders: each starts from the level above, only they learn, and the network has them afterwards."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from brushwork.models.networks.vgg import LEVELS, VggEncoder, VggLayout, VggNetwork
from brushwork.tests.models.small import enlivened
from brushwork.tests.tolerances import assert_close
from brushwork.tests.training.tiny import TINY, LossCurve, tiny_job, tiny_loss_network, tiny_network, tiny_teachers
from brushwork.training import wct
from brushwork.training.encoder import pass_pixels_on
from brushwork.training.loss_network import LossNetwork
from brushwork.training.wct import WctConfig, first_decoder, solve, train_wct

CONFIG = WctConfig(steps=2, photos=1, paintings=1, side=32, shorter=36, rate=2e-2)


@pytest.mark.parametrize("loss_network", [None, tiny_teachers()], ids=["its own", "another"])
def test_losses_fall(loss_network: LossNetwork | None, tmp_path: Path) -> None:
    curve = LossCurve("relu2_1 pixels")
    config = replace(CONFIG, steps=32, levels=("relu2_1",))
    train_wct(tiny_network(), tiny_job(tmp_path, curve, loss_network), config)
    assert len(curve.sums) == 32 and curve.fell()


def test_another_network_with_the_same_weights_asks_for_the_same(tmp_path: Path) -> None:
    """All that is different is who made the features."""
    seen: list[dict[str, float]] = []
    for number, loss_network in enumerate((None, tiny_loss_network())):
        job = tiny_job(tmp_path, lambda _, losses: seen.append(losses), loss_network, out=str(number))
        train_wct(tiny_network(), job, replace(CONFIG, steps=1, levels=("relu3_1",)))
    assert seen[0] == pytest.approx(seen[1], rel=1e-4) and min(seen[0].values()) > 0


def test_below_its_projections_a_network_is_seen_as_it_is(tmp_path: Path) -> None:
    network = enlivened(VggNetwork(VggLayout("projected", TINY.widths, projections=(5,)))).eval().requires_grad_(False)
    seen = list[dict[str, float]]()
    job = tiny_job(tmp_path, lambda _, losses: seen.append(losses))
    train_wct(network, job, replace(CONFIG, steps=1, levels=("relu2_1",)))
    assert list(seen[0]) == ["relu2_1 pixels", "relu2_1 features", "relu2_1 restyled"]


def test_a_loss_network_that_ends_too_early(tmp_path: Path) -> None:
    shallow = tiny_loss_network()
    shallow.levels = LEVELS[:1]
    with pytest.raises(ValueError, match="^this loss network ends at relu1_1 and relu2_1 is asked for: choose"):
        train_wct(tiny_network(), tiny_job(tmp_path, loss_network=shallow), replace(CONFIG, levels=LEVELS[:2]))


def test_every_level_is_saved_and_in_the_network(tmp_path: Path) -> None:
    network = tiny_network()
    encoder = {name: value.clone() for name, value in network.encoder.state_dict().items()}
    files = train_wct(network, tiny_job(tmp_path), CONFIG)
    assert [file.name for file in files] == [f"decoder-{level}.safetensors" for level in LEVELS]
    for level, file in zip(LEVELS, files, strict=True):
        saved = load_file(file)
        assert all(
            torch.equal(saved[name], value.half()) for name, value in network.decoder[level].state_dict().items()
        )
    assert all(torch.equal(value, encoder[name]) for name, value in network.encoder.state_dict().items())


def test_a_decoder_starts_with_the_layers_of_the_level_above() -> None:
    network = tiny_network()
    above = first_decoder(network, "relu2_1", None, seed=0)
    decoder = first_decoder(network, "relu3_1", above, seed=1)
    for name, value in above.state_dict().items():
        assert torch.equal(decoder.state_dict()[name], value)
    assert len(decoder.state_dict()) > len(above.state_dict())


def test_relu1_1_is_solved() -> None:
    network, images = tiny_network(), torch.rand(2, 3, 20, 20)
    encoder = network.encoder
    assert isinstance(encoder, VggEncoder) and isinstance(encoder["conv1_1"], nn.Conv2d)
    pass_pixels_on(encoder["conv1_1"])  # what has the pixels in it can be inverted
    decoder = first_decoder(network, "relu1_1", None, seed=0)
    solve(network, decoder, "relu1_1", images)
    assert_close(decoder(network.encode(images, "relu1_1").values), images)


def test_decoders_learn_on_from_the_networks_own(tmp_path: Path) -> None:
    network = tiny_network()
    before = {name: value.clone() for name, value in network.decoder.state_dict().items()}
    config = replace(CONFIG, steps=1, rate=1e-7, levels=LEVELS[:2], fine_tune=True)
    train_wct(network, tiny_job(tmp_path), config)
    for name, value in network.decoder.state_dict().items():
        assert_close(value, before[name])


def test_a_network_without_decoders_gets_them(tmp_path: Path) -> None:
    network = enlivened(VggNetwork(TINY, (), deepest=LEVELS[4])).eval().requires_grad_(False)
    train_wct(network, tiny_job(tmp_path), replace(CONFIG, steps=1, levels=LEVELS[:2]))
    assert list(network.decoder) == list(LEVELS[:2])
    assert not any(weight.requires_grad for weight in network.parameters())


def test_minutes_are_for_the_levels_that_take_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = list[float | None]()
    monkeypatch.setattr(wct, "_train_level", lambda *of: given.append(of[4].minutes) or of[0].decoder[of[1]])
    train_wct(tiny_network(), tiny_job(tmp_path, minutes=6), replace(CONFIG, levels=LEVELS[:4]))
    assert given == [2.0] * 4


@pytest.mark.parametrize(
    ("network", "changed", "message"),
    [
        (
            VggNetwork(TINY, (), deepest=LEVELS[4]),
            {"levels": ("relu4_2",)},
            r"^'levels' is relu4_2, and this network has relu1_1, ",
        ),
        (
            VggNetwork(TINY, (), deepest=LEVELS[1]),
            {"levels": LEVELS[3:]},
            "^'levels' is relu4_1, relu5_1, and this network has",
        ),
        (
            VggNetwork(TINY, (), deepest=LEVELS[4]),
            {"fine_tune": True},
            "^there is no decoder at relu1_1, .* leave 'fine_tune' out",
        ),
        (
            VggNetwork(replace(TINY, appended=3), (), deepest=LEVELS[3]),
            {},
            "^this network's features are AdaIN's alone: give",
        ),
    ],
)
def test_what_a_network_has_not(network: VggNetwork, changed: dict, message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        train_wct(network, tiny_job(tmp_path), replace(CONFIG, **changed))
