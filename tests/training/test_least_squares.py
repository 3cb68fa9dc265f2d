"""Linear maps and convolutions found by least squares: what one of them has made, it gives back."""

import pytest
import torch

from brushwork.models.networks.layers import ReflectConv
from brushwork.models.networks.vgg import VggNetwork
from brushwork.models.registry import load_network
from brushwork.samples import sample_path
from brushwork.tests.tolerances import assert_close
from brushwork.training import least_squares
from brushwork.training.crops import Crops
from brushwork.training.files import read_pictures
from brushwork.training.least_squares import PICTURES_AT_ONCE, LinearProbe, best_map, fit_convolution
from brushwork.training.losses import relative_distance
from brushwork.training.wct import first_decoder, solve


@pytest.fixture
def no_ridge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(least_squares, "PROBE_RIDGE", 0.0)


def test_a_linear_map_misses_nothing(no_ridge: None) -> None:
    values = torch.randn(2, 3, 8, 8)
    target = torch.einsum("oc,bchw->bohw", torch.randn(5, 3), values) + 7
    assert LinearProbe(3, 5)(values, target) < 1e-2


def test_the_share_that_is_missed(no_ridge: None) -> None:
    # Half of the target's variance is the values' own sign, half is a pattern that has nothing to do with it.
    signs = torch.tensor([1.0, -1.0]).repeat(8).reshape(1, 1, 4, 4)
    other = torch.tensor([1.0, 1.0, -1.0, -1.0]).repeat(4).reshape(1, 1, 4, 4)
    assert_close(LinearProbe(1, 1)(signs, signs + other), torch.tensor(0.5**0.5))
    assert_close(LinearProbe(1, 1)(signs, other), torch.tensor(1.0))


def test_chance_is_not_taken_for_telling(no_ridge: None) -> None:
    """Twelve positions fit twelve channels of noise exactly, but not over many batches."""
    probe = LinearProbe(12, 1)
    first = probe(torch.randn(1, 12, 3, 4), torch.randn(1, 1, 3, 4))
    for _ in range(30):
        last = probe(torch.randn(1, 12, 3, 4), torch.randn(1, 1, 3, 4))
    assert first < 0.1 and last > 0.7


def test_between_refreshes_batches_are_remembered_and_the_map_stays() -> None:
    probe, often = LinearProbe(3, 2), LinearProbe(3, 2)
    batches = [(torch.randn(1, 3, 4, 4), torch.randn(1, 2, 4, 4)) for _ in range(3)]
    for number, batch in enumerate(batches):
        before = probe.matrix.clone()
        probe(*batch, refresh=number != 1)
        often(*batch)
        assert torch.equal(probe.matrix, before) == (number == 1)
    assert torch.equal(probe.matrix, often.matrix)


def test_dead_channels_have_finite_slopes() -> None:
    values = torch.zeros(1, 3, 4, 4, requires_grad=True)
    LinearProbe(3, 2)(values, torch.randn(1, 2, 4, 4)).backward()
    assert values.grad is not None and values.grad.isfinite().all()


def test_the_best_map_is_found() -> None:
    values, matrix = torch.randn(2, 3, 8, 8), torch.randn(5, 3)
    target = torch.einsum("oc,bchw->bohw", matrix, values) + 7
    found, offset = best_map(values, target, ridge=0.0)
    assert_close(found, matrix)
    assert_close(offset, torch.full((5,), 7.0))


@pytest.mark.parametrize("scale", [1, 2])
@pytest.mark.parametrize("count", [1, PICTURES_AT_ONCE + 1])
def test_a_convolution_is_found_again(scale: int, count: int) -> None:
    values, maker = torch.randn(count, 3, 12, 14), ReflectConv(3, 5, scale=scale)
    layer = ReflectConv(3, 5, scale=scale)
    fit_convolution(layer, values, maker(values).detach())
    assert_close(layer(values), maker(values))


def test_inputs_that_tell_the_same_do_no_harm() -> None:
    values, maker = torch.randn(1, 2, 12, 14).repeat(1, 2, 1, 1), ReflectConv(4, 3)
    layer = ReflectConv(4, 3)
    fit_convolution(layer, values, maker(values).detach())
    assert_close(layer(values), maker(values))


def test_coarse_layers_are_solved_for_a_picture_and_those_of_the_level_above_stay() -> None:
    network = load_network("compact")
    assert isinstance(network, VggNetwork)
    images = Crops(read_pictures([sample_path("astronaut")], 128), 96).take(8)
    above, values = network.decoder["relu4_1"], network.encode(images, "relu5_1").values
    decoder = first_decoder(network, "relu5_1", above, seed=0).requires_grad_(False)
    before = relative_distance(decoder(values), images)
    solve(network, decoder, "relu5_1", images)
    for name, value in above.state_dict().items():
        assert torch.equal(decoder.state_dict()[name], value)
    assert relative_distance(decoder(values), images) < before / 2
