"""MSG-Net's recipe: the basis that CoMatch learns in, a frozen encoder, and both layouts."""

from pathlib import Path

import torch
from safetensors.torch import load_file

from brushwork.models.msgnet import MsgNet
from brushwork.tests.tolerances import assert_close
from brushwork.tests.training.tiny import Course, OnStep, folder_of_pictures, tiny_eye, tiny_network
from brushwork.training.msgnet import MsgRecipe, choose_basis, first_msgnet, start_comatch, train_msgnet
from brushwork.training.paintings import paintings_in
from brushwork.transfer.comatch import comatch
from brushwork.transfer.moments import Moments


def train(folder: Path, out: Path, steps: int, on_step: OnStep | None = None) -> MsgNet:
    recipe = MsgRecipe(steps=steps, batch=2, side=24, photo=28, sizes=(24, 30), rate=1e-2)
    return train_msgnet(tiny_network(), tiny_eye(), paintings_in([folder]), [folder], out, recipe, on_step)


def test_losses_fall(tmp_path: Path) -> None:
    folder, course = folder_of_pictures(tmp_path / "pictures"), Course("style")
    train(folder, tmp_path, 120, course)
    assert course.fell()


def test_encoder_and_basis_stay_and_all_else_learns(tmp_path: Path) -> None:
    network = train(folder_of_pictures(tmp_path / "pictures"), tmp_path, 12)
    encoder = tiny_network().encoder.state_dict()
    assert all(torch.equal(value, encoder[name]) for name, value in network.encoder.state_dict().items())
    learnt = {name.split(".")[0] for name, weight in network.named_parameters() if weight.requires_grad}
    assert learnt == {"comatch", "body", "decoder"}
    saved = load_file(tmp_path / "msgnet.safetensors")
    assert all(torch.equal(saved[name], value.half()) for name, value in network.state_dict().items())


def test_the_basis_whitens_and_leads_back() -> None:
    network, pictures = first_msgnet(tiny_network(), 0), [torch.rand(1, 3, 40, 40), torch.rand(1, 3, 40, 48) * 0.5]
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
    network, photo, picture = first_msgnet(tiny_network(), 0), torch.rand(1, 3, 40, 40), torch.rand(1, 3, 36, 44) * 0.6
    choose_basis(network, [picture])
    start_comatch(network, photo, [picture])
    features = network.for_comatch(network.encode(photo, "comatch").values)
    style = Moments.of(network.encode(picture, "comatch").values, full=True)
    reached = Moments.of(comatch(style.gram, network.comatch)(features), full=True)
    assert (reached.mean - style.mean).norm() < 0.05
    assert (reached.covariance - style.covariance).norm() < 0.05 * style.covariance.norm()


def test_the_released_layout_learns_from_nothing() -> None:
    network = first_msgnet(None, 0)
    assert network.spaces["comatch"].channels == 512
    assert all(weight.requires_grad for weight in network.parameters())


def test_an_msgnet_learns_on() -> None:
    network = first_msgnet(tiny_network(), 0).eval().requires_grad_(False)
    again = first_msgnet(network, 0)
    assert again is network and again.training
    learning = {name.split(".")[0] for name, weight in again.named_parameters() if weight.requires_grad}
    assert learning == {"comatch", "body", "decoder"}
