"""Distillation: what linear maps explain, in closed form; and a run on a tiny encoder."""

from pathlib import Path

import torch

from brushwork.models.vgg import LEVELS, VggEncoder, VggLayout, VggNetwork
from brushwork.tests.tolerances import assert_close
from brushwork.tests.training.tiny import TINY, Course, folder_of_pictures, tiny_eye, tiny_network
from brushwork.training.distil import DistilRecipe, distil, normalise, teach_heads
from brushwork.training.losses import best_map
from brushwork.training.perception import eye_of


def test_losses_fall(tmp_path: Path) -> None:
    folder, course = folder_of_pictures(tmp_path / "pictures"), Course("relu1_1")
    recipe = DistilRecipe(steps=80, photos=1, paintings=1, side=32, shorter=32, rate=1e-2)
    distil(TINY, tiny_eye(), [folder], [folder], tmp_path, recipe, course)
    assert course.fell()


def test_normalising_scales_features_and_nothing_else() -> None:
    encoder, image = tiny_network().encoder, torch.rand(2, 3, 32, 32)
    assert isinstance(encoder, VggEncoder)
    before = encoder(image, LEVELS)
    normalise(encoder, image)
    for level, values in encoder(image, LEVELS).items():
        assert_close(values.mean(), torch.tensor(1.0))
        assert_close(values, before[level] / before[level].mean())


def test_the_best_map_is_found() -> None:
    values, matrix = torch.randn(2, 3, 8, 8), torch.randn(5, 3)
    target = torch.einsum("oc,bchw->bohw", matrix, values) + 7
    found, offset = best_map(values, target, ridge=0.0)
    assert_close(found, matrix)
    assert_close(offset, torch.full((5,), 7.0))


def test_heads_show_the_teachers_features(tmp_path: Path) -> None:
    folder = folder_of_pictures(tmp_path / "pictures")
    layout = VggLayout("headed", TINY.widths, heads=TINY.widths)
    network = VggNetwork(layout, LEVELS).eval().requires_grad_(False)
    teachers = tiny_eye()
    network.encoder.load_state_dict(teachers.network.get_submodule("encoder").state_dict())
    recipe = DistilRecipe(photos=2, paintings=1, side=32, shorter=32)
    teach_heads(network, teachers, [folder], [folder], recipe)
    image = torch.rand(1, 3, 32, 32)
    own, seen = teachers(image, LEVELS), eye_of(network)(image, LEVELS)
    for level in LEVELS[:3]:  # deeper ones have too few pixels here to tell the channels apart
        assert (seen[level] - own[level]).norm() < 0.1 * own[level].norm()
