"""relu5_1's own layers learn together with their decoder; nothing else moves, and the picture comes nearer."""

from pathlib import Path

import torch

from brushwork.models.vgg import LEVELS
from brushwork.tests.training.tiny import Course, folder_of_pictures, tiny_network, tiny_teachers
from brushwork.training.deepest import DeepestRecipe, train_deepest

OWN = ("encoder.conv4_2.", "encoder.conv4_3.", "encoder.conv4_4.", "encoder.conv5_1.", f"decoder.{LEVELS[-1]}.")


def test_losses_fall_and_only_the_last_levels_layers_learn(tmp_path: Path) -> None:
    network, folder = tiny_network(), folder_of_pictures(tmp_path / "pictures")
    before = {name: value.clone() for name, value in network.state_dict().items()}
    course = Course("pixels")
    recipe = DeepestRecipe(steps=80, photos=1, paintings=1, side=32, shorter=36, rate=3e-3)
    train_deepest(network, tiny_teachers(), [folder], [folder], tmp_path, recipe, course)
    assert course.fell(0.97)
    moved = {name for name, value in network.state_dict().items() if not torch.equal(value, before[name])}
    assert moved and all(name.startswith(OWN) for name in moved)
    assert not any(weight.requires_grad for weight in network.parameters())
