"""The distilled encoder: a run on a tiny one, its scales, and the projections to what it learnt from."""

from pathlib import Path

import pytest
import torch

from brushwork.models.networks.vgg import LEVELS, VggEncoder, VggLayout, VggNetwork
from brushwork.tests.tolerances import assert_close
from brushwork.tests.training.tiny import TINY, LossCurve, tiny_job, tiny_loss_network, tiny_network, tiny_teachers
from brushwork.training.encoder import (
    DeepestConfig,
    EncoderConfig,
    first_encoder,
    normalise,
    solve_projections,
    train_deepest,
    train_encoder,
)
from brushwork.training.loss_network import loss_network_of


def test_losses_fall(tmp_path: Path) -> None:
    curve = LossCurve("relu1_1")
    config = EncoderConfig(steps=40, photos=1, paintings=1, side=32, shorter=32, rate=1e-2)
    train_encoder(TINY, tiny_loss_network(), tiny_job(tmp_path, curve), config)
    assert curve.fell()


def test_at_first_it_passes_the_picture_on() -> None:
    image = torch.rand(1, 3, 20, 20)
    assert_close(first_encoder(TINY, 0)(image, LEVELS[:1])["relu1_1"][:, :3], 4 * image)


def test_crops_divide_into_cells(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="^crops of 40 pixels do not divide into cells of 16: choose a larger"):
        train_encoder(TINY, tiny_loss_network(), tiny_job(tmp_path), EncoderConfig(side=40))


def test_normalising_scales_features_and_nothing_else() -> None:
    encoder, image = tiny_network().encoder, torch.rand(2, 3, 32, 32)
    assert isinstance(encoder, VggEncoder)
    before = encoder(image, LEVELS)
    normalise(encoder, image)
    for level, values in encoder(image, LEVELS).items():
        assert_close(values.mean(), torch.tensor(1.0))
        assert_close(values, before[level] / before[level].mean())


def test_projections_show_the_teachers_features(tmp_path: Path) -> None:
    layout = VggLayout("projected", TINY.widths, projections=TINY.widths)
    network = VggNetwork(layout, LEVELS).eval().requires_grad_(False)
    teachers = tiny_loss_network()
    network.encoder.load_state_dict(teachers.network.get_submodule("encoder").state_dict())
    config = EncoderConfig(photos=2, paintings=1, side=32, shorter=32)
    solve_projections(network, teachers, tiny_job(tmp_path), config)
    image = torch.rand(1, 3, 32, 32)
    own, seen = teachers(image, LEVELS), loss_network_of(network)(image, LEVELS)
    for level in LEVELS[:3]:  # deeper ones have too few pixels here to tell the channels apart
        assert (seen[level] - own[level]).norm() < 0.1 * own[level].norm()


# The deepest level: its layers learn together with their decoder, nothing else moves


DEEPEST = ("encoder.conv4_2.", "encoder.conv4_3.", "encoder.conv4_4.", "encoder.conv5_1.", f"decoder.{LEVELS[-1]}.")


def test_only_the_deepest_levels_layers_learn(tmp_path: Path) -> None:
    network, curve = tiny_network(), LossCurve("pixels")
    before = {name: value.clone() for name, value in network.state_dict().items()}
    config = DeepestConfig(steps=40, photos=1, paintings=1, side=32, shorter=36, rate=3e-3)
    train_deepest(network, tiny_teachers(), tiny_job(tmp_path, curve), config)
    assert curve.fell(0.97)
    moved = {name for name, value in network.state_dict().items() if not torch.equal(value, before[name])}
    assert moved and all(name.startswith(DEEPEST) for name in moved)
    assert not any(weight.requires_grad for weight in network.parameters())
