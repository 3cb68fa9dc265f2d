"""MSG-Net's recipe: the basis that CoMatch learns in, a frozen encoder, both layouts, and a teacher."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from brushwork.methods.msgnet import MsgNetMethod
from brushwork.models.networks.msgnet import MsgNet
from brushwork.models.networks.vgg import VggNetwork
from brushwork.tests.tolerances import assert_close
from brushwork.tests.training.tiny import (
    LossCurve,
    of_one_style,
    tiny_job,
    tiny_loss_network,
    tiny_network,
    tiny_teacher,
)
from brushwork.training.losses import LossWeights
from brushwork.training.msgnet import MsgNetConfig, choose_basis, first_msgnet, start_comatch, train_msgnet
from brushwork.training.recipes import Job
from brushwork.transfer.moments import Moments

CONFIG = MsgNetConfig(
    steps=4, batch=2, side=24, photo=28, style_side=24, style_sizes=(24, 30), style_crops=4, rate=1e-2, width=4
)


def train(job: Job, config: MsgNetConfig = CONFIG, start: VggNetwork | MsgNet | None = None) -> MsgNet:
    return train_msgnet(start, tiny_loss_network(), job, config)


@pytest.mark.parametrize(("scratch", "steps", "rate"), [(False, 40, 1e-2), (True, 40, 2e-3)])
def test_losses_fall(scratch: bool, steps: int, rate: float, tmp_path: Path, short_warm_up: None) -> None:
    curve = LossCurve("style")
    config = replace(CONFIG, steps=steps, rate=rate)
    train(of_one_style(tiny_job(tmp_path, curve)), config, None if scratch else tiny_network())
    assert len(curve.sums) == steps and curve.fell()


def test_a_teachers_pictures_are_all_that_is_needed(tmp_path: Path, short_warm_up: None) -> None:
    curve = LossCurve("taught")
    config = replace(CONFIG, steps=20, rate=2e-3, kept=6, same_style=2, loss_weights=LossWeights(0.0, 0.0, 0.0, 1.0))
    names: set[str] = set()

    def on_step(step: int, losses: dict[str, float]) -> None:
        names.update(losses)
        curve(step, losses)

    train(of_one_style(tiny_job(tmp_path, on_step, teacher=tiny_teacher())), config)
    assert names == {"taught"} and curve.fell()


def test_steadiness_falls(tmp_path: Path, short_warm_up: None) -> None:
    curve = LossCurve("steady")
    config = replace(CONFIG, steps=24, loss_weights=LossWeights(0.0, 0.0, 0.0, steady=1.0))
    train(of_one_style(tiny_job(tmp_path, curve)), config, tiny_network())
    assert len(curve.sums) == 24 and curve.fell()


def test_encoder_and_basis_stay_and_all_else_learns(tmp_path: Path) -> None:
    network = train(tiny_job(tmp_path), CONFIG, tiny_network())
    encoder = tiny_network().encoder.state_dict()
    assert all(torch.equal(value, encoder[name]) for name, value in network.encoder.state_dict().items())
    saved = load_file(tmp_path / "out" / "msgnet.safetensors")
    assert saved.keys() == network.state_dict().keys()
    assert all(torch.equal(saved[name], value.half()) for name, value in network.state_dict().items())


def test_the_basis_whitens_and_leads_back() -> None:
    network, pictures = first_msgnet(tiny_network(), 4, 0), [torch.rand(1, 3, 40, 40), torch.rand(1, 3, 40, 48) * 0.5]
    before = network.decode(network.encode(pictures[0], "comatch"))
    choose_basis(network, pictures)
    assert_close(network.decode(network.encode(pictures[0], "comatch")), before)
    each = [Moments.of(network.encode(picture, "comatch").values, full=True) for picture in pictures]
    assert_close(sum(moments.mean[0, :-1] for moments in each), torch.zeros(8))
    assert all(torch.equal(moments.mean[0, -1:], torch.ones(1)) for moments in each)
    covariance = sum(moments.covariance[0, :-1, :-1] for moments in each) / 2
    alive = covariance.diagonal() > 0.5  # what lies under the floor stays small
    assert alive.any() and covariance.diagonal().max() < 1.01


def test_with_one_picture_w_starts_as_wct() -> None:
    network, photo = first_msgnet(tiny_network(), 4, 0), torch.rand(1, 3, 40, 40)
    picture = torch.rand(1, 3, 36, 44) * 0.6
    choose_basis(network, [picture])
    start_comatch(network, photo, [picture])
    features = network.encode(photo, "comatch").values
    style = Moments.of(network.encode(picture, "comatch").values, full=True)
    method = MsgNetMethod()
    (step,) = method.steps(network)
    operator = method.fit(network, step, Moments.of(features), method.learn(network, step, style))
    reached = Moments.of(operator(features), full=True)
    assert (reached.mean - style.mean).norm() < 0.05
    assert (reached.covariance - style.covariance).norm() < 0.05 * style.covariance.norm()


def test_the_released_layout_learns_from_nothing() -> None:
    network, other, wide = (first_msgnet(None, width, 0) for width in (4, 4, 64))
    assert wide.spaces["comatch"].channels == 256 and network.spaces["comatch"].channels == 16
    assert all(weight.requires_grad for weight in network.parameters())
    assert all(torch.equal(value, other.state_dict()[name]) for name, value in network.state_dict().items())


def test_an_msgnet_learns_on() -> None:
    network = first_msgnet(tiny_network(), 4, 0).eval().requires_grad_(False)
    again = first_msgnet(network, 4, 0)
    assert again is network and again.training
    learning = {name.split(".")[0] for name, weight in again.named_parameters() if weight.requires_grad}
    assert learning == {"comatch", "body", "decoder"}
    released = first_msgnet(None, 4, 0).eval().requires_grad_(False)
    assert all(weight.requires_grad for weight in first_msgnet(released, 4, 0).encoder.parameters())


def test_an_encoder_learns_along(tmp_path: Path) -> None:
    """At a quarter of the rate, which is what Adam's first step moves the weights by."""
    network = first_msgnet(tiny_network(), 4, 0)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    after = train(tiny_job(tmp_path), replace(CONFIG, steps=1, encoder=True), network).state_dict()
    encoder, decoder = (
        max(float((after[name] - before[name]).abs().max()) for name in after if name.startswith(part))
        for part in ("encoder.", "decoder.")
    )
    assert encoder == pytest.approx(decoder / 4, rel=0.01)


def test_an_msgnet_that_learns_slowly_stays_what_it_was(tmp_path: Path) -> None:
    start = first_msgnet(None, 4, 0).eval().requires_grad_(False)
    before = {name: value.clone() for name, value in start.state_dict().items()}
    trained = train(tiny_job(tmp_path), replace(CONFIG, steps=1, rate=1e-7), start)
    for name, value in trained.state_dict().items():
        assert_close(value, before[name])
