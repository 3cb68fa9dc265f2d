"""relu5_1's own layers learn together with their decoder; nothing else moves, and the picture comes nearer."""

from pathlib import Path

import torch

from brushwork.models.networks.vgg import LEVELS
from brushwork.tests.training.tiny import LossCurve, tiny_job, tiny_network, tiny_teachers
from brushwork.training.deepest import DeepestConfig, train_deepest

OWN = ("encoder.conv4_2.", "encoder.conv4_3.", "encoder.conv4_4.", "encoder.conv5_1.", f"decoder.{LEVELS[-1]}.")


def test_losses_fall_and_only_the_last_levels_layers_learn(tmp_path: Path) -> None:
    network, curve = tiny_network(), LossCurve("pixels")
    before = {name: value.clone() for name, value in network.state_dict().items()}
    config = DeepestConfig(steps=80, photos=1, paintings=1, side=32, shorter=36, rate=3e-3)
    train_deepest(network, tiny_teachers(), tiny_job(tmp_path, curve), config)
    assert curve.fell(0.97)
    moved = {name for name, value in network.state_dict().items() if not torch.equal(value, before[name])}
    assert moved and all(name.startswith(OWN) for name in moved)
    assert not any(weight.requires_grad for weight in network.parameters())
