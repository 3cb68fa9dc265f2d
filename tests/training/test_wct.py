"""Reconstruction decoders: each starts from the level above, only they learn, and the network has them afterwards."""

from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn

from brushwork.models.vgg import LEVELS, VggEncoder
from brushwork.tests.tolerances import assert_close
from brushwork.tests.training.tiny import Course, folder_of_pictures, tiny_network
from brushwork.training.distil import give_pixels
from brushwork.training.wct import WctRecipe, first_decoder, solve, train_wct

RECIPE = WctRecipe(steps=4, photos=1, paintings=1, side=32, shorter=36, rate=1e-2)


def test_losses_fall(tmp_path: Path) -> None:
    network, folder = tiny_network(), folder_of_pictures(tmp_path / "pictures")
    course = Course("relu2_1 pixels")
    recipe = WctRecipe(steps=120, photos=1, paintings=1, side=32, shorter=36, rate=1e-2, levels=("relu2_1",))
    train_wct(network, [folder], [folder], tmp_path, recipe, course)
    assert course.fell()


def test_every_level_is_saved_and_in_the_network(tmp_path: Path) -> None:
    network, folder = tiny_network(), folder_of_pictures(tmp_path / "pictures")
    encoder = {name: value.clone() for name, value in network.encoder.state_dict().items()}
    files = train_wct(network, [folder], [folder], tmp_path, RECIPE)
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
    give_pixels(encoder["conv1_1"], range(3))  # what has the pixels in it can be inverted
    decoder = first_decoder(network, "relu1_1", None, seed=0)
    solve(network, decoder, "relu1_1", images)
    assert_close(decoder(network.encode(images, "relu1_1").values), images)


def test_decoders_learn_on_from_the_networks_own(tmp_path: Path) -> None:
    network, folder = tiny_network(), folder_of_pictures(tmp_path / "pictures")
    before = {name: value.clone() for name, value in network.decoder.state_dict().items()}
    again = replace(RECIPE, steps=1, rate=1e-7, levels=LEVELS[:2], again=True)
    train_wct(network, [folder], [folder], tmp_path, again)
    for name, value in network.decoder.state_dict().items():
        assert_close(value, before[name])
