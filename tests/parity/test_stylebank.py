"""StyleBank against ichunyeh's network, with fixed weights in the layout of its files."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from brushwork.models.networks.stylebank import LEVEL, StyleBankNetwork
from brushwork.models.weights.keymaps import KEYMAPS
from brushwork.nodes._host import HostedNetwork
from brushwork.nodes.networks import StyleDecoder, StyleEncoder
from brushwork.tests.golden.formulas import noise, thin
from brushwork.tests.parity.compare import PICTURE, assert_features, assert_picture, golden, published_weights
from brushwork.transfer.operators import KernelMap

FILES = {"encoder": "encoder_net", "decoder": "decoder_net", "bank.0": "style_bank.0", "bank.1": "style_bank.1"}
"""Our modules, and the published ones whose state dict is a file each."""


@pytest.fixture
def network(tmp_path: Path) -> StyleBankNetwork:
    network = StyleBankNetwork(["first", "second"]).eval().requires_grad_(False)
    weights = published_weights("stylebank")
    for ours, theirs in FILES.items():
        own = {key.removeprefix(f"{theirs}."): value for key, value in weights.items() if key.startswith(f"{theirs}.")}
        torch.save(own, tmp_path / ours)
        module = network.get_submodule(ours)
        module.load_state_dict(KEYMAPS["stylebank-ichunyeh"](torch.load(tmp_path / ours, weights_only=True), module))
    return network


def stylise(network: StyleBankNetwork, image: Tensor) -> tuple[Tensor, Tensor]:
    """The features behind the second style's kernel, and the picture."""
    features = network.encode(image, LEVEL)
    filtered = KernelMap.of(*network.kernel("second"))(features.values)
    return filtered, network.decode(features.with_values(filtered))


def test_features_and_reconstruction(network: StyleBankNetwork) -> None:
    expected = golden("stylebank")
    features = network.encode(golden("pictures")["content"], LEVEL)
    assert_features(thin(features.values), expected["features"])
    assert_picture(network.decode(features), expected["reconstruction"])


def test_kernel_and_picture(network: StyleBankNetwork) -> None:
    expected = golden("stylebank")
    filtered, picture = stylise(network, golden("pictures")["content"])
    assert_features(thin(filtered), expected["filtered"])
    assert_picture(picture, expected["picture"])


def test_odd_sides_come_back_exactly(network: StyleBankNetwork) -> None:
    """The published network rounds sides up to a multiple of four; ours is its picture without the surplus."""
    odd = golden("odd")
    picture = network.decode(network.encode(noise((1, 3, 33, 61), "odd") / 2 + 0.5, LEVEL))
    assert odd["stylebank.size"].tolist() == [36, 64]
    assert picture.shape[-2:] == (33, 61)
    assert_picture(thin(picture), odd["stylebank"])


def test_only_the_node_clamps(network: StyleBankNetwork) -> None:
    """As published, and unlike the ports that clamp between two levels, a network's picture may leave 0..1."""
    expected, hosted = golden("stylebank")["reconstruction"], HostedNetwork(network)
    (features,) = StyleEncoder().run(hosted, golden("pictures")["content"].movedim(1, -1), LEVEL)
    (picture,) = StyleDecoder().run(features)
    assert float(expected.min()) < -0.5 and float(expected.max()) > 1.5
    assert_picture(picture.movedim(-1, 1), expected.clamp(0, 1), PICTURE)
