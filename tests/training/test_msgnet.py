"""MSG-Net's recipe: the basis that CoMatch learns in, a frozen encoder, and both layouts."""

from pathlib import Path

import torch
from safetensors.torch import load_file

from brushwork.models.msgnet import MsgNet
from brushwork.tests.tolerances import assert_close
from brushwork.tests.training.tiny import Course, OnStep, folder_of_pictures, tiny_eye, tiny_network
from brushwork.training.msgnet import MsgRecipe, choose_basis, first_msgnet, train_msgnet
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


def test_at_first_the_mean_style_changes_nothing() -> None:
    trunk, image = tiny_network(), torch.rand(1, 3, 18, 20)
    gram = Moments.of(torch.randn(2, 8, 9, 9), full=True).gram
    network = first_msgnet(trunk, 0)
    choose_basis(network, gram)
    whitened = network.whiten.get_parameter("weight")[:, :, 0, 0]
    seen = whitened @ gram.mean(0) @ whitened.mT
    assert_close(seen, torch.eye(8))
    features = network.encode(image, "comatch")
    result = network.decode(features.with_values(comatch(seen[None], network.comatch)(features.values)))
    assert_close(result, trunk.decode(trunk.encode(image, "relu3_1")))


def test_the_released_layout_learns_from_nothing() -> None:
    network = first_msgnet(None, 0)
    assert network.spaces["comatch"].channels == 512
    assert all(weight.requires_grad for weight in network.parameters())
