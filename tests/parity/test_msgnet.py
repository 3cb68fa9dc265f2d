"""MSG-Net against the published network, with fixed weights in the layout of the published file."""

from pathlib import Path

import pytest
import torch

from brushwork.models.networks.msgnet import LEVEL, MsgNet
from brushwork.models.weights.keymaps import KEYMAPS
from brushwork.tests.golden.formulas import noise, thin
from brushwork.tests.parity.compare import assert_features, assert_picture, golden, published_weights
from brushwork.transfer.comatch import comatch
from brushwork.transfer.moments import Moments


def published(width: int, folder: Path) -> MsgNet:
    """Our network, filled from a file as its authors' code writes it."""
    torch.save(published_weights(f"msgnet{width}"), folder / "styles.model")
    network = MsgNet(width)
    tensors = torch.load(folder / "styles.model", weights_only=True)
    network.load_state_dict(KEYMAPS["msgnet"](tensors, network))
    return network.eval()


def test_the_file_has_its_twins_and_old_buffers() -> None:
    names = published_weights("msgnet64")
    assert len(names) == 170
    assert torch.equal(names["model.0.3.residual_layer.weight"], names["model1.3.residual_layer.weight"])
    assert torch.equal(names["model.1.weight"], names["ins.weight"])


@pytest.mark.parametrize("width", [64, 128])
@torch.no_grad()
def test_features_gram_and_picture(width: int, tmp_path: Path) -> None:
    network, expected, images = published(width, tmp_path), golden(f"msgnet{width}"), golden("pictures")
    content, style = (network.encode(images[name], LEVEL) for name in ("content", "style"))
    gram = Moments.of(style.values, full=True).gram
    matched = comatch(gram, network.comatch)(content.values)
    assert_features(thin(content.values), expected["features"])
    assert_features(gram[:, ::16, ::16], expected["gram"])
    assert_features(thin(matched), expected["matched"])
    assert_picture(network.decode(content.with_values(matched)), expected["picture"])


@torch.no_grad()
def test_odd_sides_come_back_exactly(tmp_path: Path) -> None:
    """The published network rounds sides up to a multiple of four; ours is its picture without the surplus."""
    network, images, odd = published(128, tmp_path), golden("pictures"), golden("odd")
    content = network.encode(noise((1, 3, 33, 61), "odd") / 2 + 0.5, LEVEL)
    gram = Moments.of(network.encode(images["style"], LEVEL).values, full=True).gram
    picture = network.decode(content.with_values(comatch(gram, network.comatch)(content.values)))
    assert odd["msgnet.size"].tolist() == [36, 64]
    assert picture.shape[-2:] == (33, 61)
    assert_picture(thin(picture), odd["msgnet"])
