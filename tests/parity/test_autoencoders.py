"""VGG-19 to relu3_1 and the five 16x smaller networks against the published ones, with the published weights."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from brushwork.models.networks.base import StyleNetwork
from brushwork.models.registry import load_network
from brushwork.tests.golden.formulas import noise, thin
from brushwork.tests.parity.compare import FEATURES, PICTURE, assert_features, assert_picture, golden
from brushwork.transfer.moments import Moments
from brushwork.transfer.wct import wct

NETWORKS = {"vgg19": "vgg19-relu3_1", "small16x": "small16x"}
"""The goldens, and the network's name in the manifest."""
PLACES = [("vgg19", level) for level in range(1, 4)] + [("small16x", level) for level in range(1, 6)]
STRENGTH = 0.6


def network(name: str, folders: list[Path]) -> StyleNetwork:
    return load_network(NETWORKS[name], folders)


@pytest.mark.parametrize(("name", "level"), PLACES)
@torch.no_grad()
def test_features_and_reconstruction(name: str, level: int, published: list[Path]) -> None:
    ours, expected = network(name, published), golden(name)
    features = ours.encode(golden("pictures")["content"], f"relu{level}_1")
    assert_features(thin(features.values), expected[f"relu{level}_1"])
    assert_picture(ours.decode(features), expected[f"decoded{level}"])


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("statistics", [torch.float32, torch.float64])
@torch.no_grad()
def test_the_whole_cascade(name: str, statistics: torch.dtype, published: list[Path]) -> None:
    """Coarse to fine, blended at each level, without a clamp between: the published picture at the end.

    The published transform is float64. In float32 the directions that so small a picture leaves empty hold noise near
    the floor, so there only the measure of pictures applies.
    """
    ours, images = network(name, published), golden("pictures")
    stylised = images["content"]
    for level in reversed(ours.spaces):
        stylised = one_level(ours, stylised, images["style"], level, statistics)
    assert_picture(stylised, golden(name)["cascade"], FEATURES if statistics == torch.float64 else PICTURE)


def one_level(ours: StyleNetwork, content: Tensor, style: Tensor, level: str, statistics: torch.dtype) -> Tensor:
    features, target = ours.encode(content, level), ours.encode(style, level)
    fitted = wct(*(Moments.of(place.values.to(statistics), full=True) for place in (features, target)))
    return ours.decode(features.with_values(fitted.blend(STRENGTH)(features.values.to(statistics))))


@pytest.mark.parametrize(("name", "level"), PLACES)
@torch.no_grad()
def test_odd_sides_come_back_exactly(name: str, level: int, published: list[Path]) -> None:
    """Theirs are rounded to the stride, VGG-19's up, small16x's down; where up, ours is theirs without the surplus."""
    ours, odd = network(name, published), golden("odd")
    picture = ours.decode(ours.encode(noise((1, 3, 33, 61), "odd") / 2 + 0.5, f"relu{level}_1"))
    assert picture.shape[-2:] == (33, 61)
    stride = ours.space(f"relu{level}_1").stride
    if name == "vgg19":
        assert odd[f"{name}_{level}.size"].tolist() == [-(-side // stride) * stride for side in (33, 61)]
        assert_picture(thin(picture), odd[f"{name}_{level}"])
    else:
        assert odd[f"{name}_{level}.size"].tolist() == [side // stride * stride for side in (33, 61)]
