"""Loss networks: what they see through projections, and that two serve as one."""

import pytest
import torch

from brushwork.models.networks.vgg import LEVELS, VggLayout, VggNetwork
from brushwork.tests.models.small import enlivened
from brushwork.tests.tolerances import assert_close
from brushwork.tests.training.tiny import TINY, tiny_loss_network
from brushwork.training.loss_network import MixedLossNetwork, ProjectedLossNetwork, loss_network_of
from brushwork.transfer.moments import Moments

PROJECTED = VggLayout("projected", TINY.widths, projections=(5, 7, 9, 11, 13))


def projected() -> ProjectedLossNetwork:
    loss_network = loss_network_of(enlivened(VggNetwork(PROJECTED)).eval().requires_grad_(False))
    assert isinstance(loss_network, ProjectedLossNetwork)
    return loss_network


def test_projections_give_their_own_channels() -> None:
    seen = projected()(torch.rand(1, 3, 32, 32), LEVELS)
    assert [seen[level].shape[1] for level in LEVELS] == list(PROJECTED.projections)


def test_moments_behind_projections_are_those_of_what_is_seen() -> None:
    loss_network, image = projected(), torch.rand(2, 3, 32, 32)
    own, seen = loss_network.encode(image, LEVELS), loss_network(image, LEVELS)
    moments, diagonal = loss_network.moments(own), loss_network.moments(own, full=False)
    for level in LEVELS:
        expected = Moments.of(seen[level], full=True)
        assert_close(moments[level].gram, expected.gram)
        assert_close(diagonal[level].variance, expected.variance)


def test_networks_without_projections_are_seen_as_they_are() -> None:
    loss_network, image = tiny_loss_network(), torch.rand(1, 3, 32, 32)
    seen = loss_network_of(loss_network.network)(image, LEVELS)
    assert all(torch.equal(seen[level], loss_network.encode(image, LEVELS)[level]) for level in LEVELS)
    assert not loss_network.moments(seen, full=False)["relu3_1"].full


def test_near_levels_are_seen_by_one_and_far_ones_by_the_other() -> None:
    exact, compressed, image = tiny_loss_network(), projected(), torch.rand(1, 3, 32, 32)
    exact.levels = LEVELS[:3]
    mixed = MixedLossNetwork(exact, compressed)
    seen = mixed(image, LEVELS)
    assert list(seen) == list(LEVELS)
    for level in LEVELS:
        expected = exact if level in exact.levels else compressed
        assert torch.equal(seen[level], expected(image, (level,))[level])
        assert torch.equal(mixed(image, (level,))[level], seen[level])
    moments = mixed.moments(mixed.encode(image, LEVELS))
    assert [moments[level].mean.shape[1] for level in LEVELS] == [*TINY.widths[:3], *PROJECTED.projections[3:]]


def test_a_level_that_is_not_there_is_a_sentence() -> None:
    loss_network = loss_network_of(VggNetwork(TINY, LEVELS[:2]).requires_grad_(False))
    expected = "^this loss network ends at relu2_1 and relu4_1 is asked for: choose a deeper one as --loss-network.$"
    with pytest.raises(ValueError, match=expected):
        loss_network(torch.rand(1, 3, 16, 16), ("relu1_1", "relu4_1"))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_it_looks_in_the_type_that_networks_learn_in(dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRUSHWORK_TRAINING_DTYPE", str(dtype).removeprefix("torch."))
    loss_network = projected().to_training(torch.device("cpu"))
    assert {weight.dtype for weight in loss_network.parameters()} == {dtype}
