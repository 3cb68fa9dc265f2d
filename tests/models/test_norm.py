"""InstanceNorm by its own statistics, and by fixed ones."""

import pytest
import torch
from hypothesis import given
from torch import nn

from brushwork.models.networks.msgnet import MsgNet
from brushwork.models.networks.norm import (
    InstanceNorm,
    MissingStatistics,
    NormStatistics,
    count_norms,
    fixed_statistics,
)
from brushwork.models.networks.stylebank import StyleBankNetwork
from brushwork.tests.laws import features, law, picture, seeds, shapes
from brushwork.tests.models.small import KINDS, TINY, measured, small_network
from brushwork.tests.tolerances import assert_close

INSIDE = pytest.mark.parametrize("kind", KINDS[2:])
"""Those that normalise there."""


@law
@given(shapes.filter(lambda shape: shape[2] * shape[3] > 1), seeds)
def test_by_itself_it_is_torchs(shape: tuple[int, int, int, int], seed: int) -> None:
    values = features(shape, seed)
    assert torch.equal(InstanceNorm(shape[1])(values), nn.InstanceNorm2d(shape[1])(values))


@INSIDE
def test_by_the_fixed_statistics_of_a_picture_it_gives_that_picture(kind: str) -> None:
    network, image = small_network(kind), picture(45, 38)
    (level,) = network.spaces
    exact = network.decode(network.encode(image, level))
    known = measured(network, lambda: network.decode(network.encode(image, level)))
    assert len(known) == sum(count_norms(network, encoding=encoding) for encoding in (True, False))
    with fixed_statistics(network, known):
        assert_close(network.decode(network.encode(image, level)), exact)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_statistics_stay_in_float32_beside_half_types(dtype: torch.dtype) -> None:
    network, values = StyleBankNetwork((), (4, 6, 8)), features((1, 4, 9, 7)) + 20
    norm = next(layer for layer in network.modules() if isinstance(layer, InstanceNorm))
    variance, mean = torch.var_mean(values, (0, 2, 3), correction=0)
    with fixed_statistics(network, {norm: NormStatistics(mean, variance)}):
        result = norm(values.to(dtype))
    assert result.dtype == dtype
    assert_close(result, norm(values.to(dtype).double()), torch.bfloat16)


@INSIDE
def test_a_picture_stops_where_nothing_is_known_and_nothing_lasts(kind: str) -> None:
    network, image = small_network(kind), picture(21, 26)
    (level,) = network.spaces
    before = network.encode(image, level).values
    with pytest.raises(MissingStatistics) as met, fixed_statistics(network, {}):
        network.encode(image, level)
    assert met.value.norm is next(layer for layer in network.modules() if isinstance(layer, InstanceNorm))
    assert met.value.values.shape[0] == 1 and met.value.values.shape[2:] == image.shape[2:]
    assert torch.equal(network.encode(image, level).values, before)


def test_norms_of_the_papers() -> None:
    """32 in MSG-Net, as many as its authors' code has; on a backbone none."""
    with torch.device("meta"):
        networks = (MsgNet(64), StyleBankNetwork(()), MsgNet(backbone=TINY), StyleBankNetwork((), backbone=TINY))
    found = [tuple(count_norms(network, encoding=encoding) for encoding in (True, False)) for network in networks]
    assert found == [(7, 25), (3, 2), (0, 0), (0, 0)]
    assert count_norms(small_network(KINDS[1]), encoding=True) == 0
