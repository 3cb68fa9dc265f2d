"""Layers found by least squares: what a convolution has made, it gives back."""

import pytest
import torch

from brushwork.models.layers import ReflectConv
from brushwork.models.vgg import VggNetwork
from brushwork.models.zoo import load_network
from brushwork.samples import sample_path
from brushwork.tests.tolerances import assert_close
from brushwork.training.closed_form import AT_ONCE, fit
from brushwork.training.crops import Crops
from brushwork.training.losses import relative_distance
from brushwork.training.wct import first_decoder, solve


@pytest.mark.parametrize("scale", [1, 2])
@pytest.mark.parametrize("count", [1, AT_ONCE + 1])
def test_a_convolution_is_found_again(scale: int, count: int) -> None:
    values, maker = torch.randn(count, 3, 12, 14), ReflectConv(3, 5, scale=scale)
    layer = ReflectConv(3, 5, scale=scale)
    fit(layer, values, maker(values).detach())
    assert_close(layer(values), maker(values))


def test_inputs_that_tell_the_same_do_no_harm() -> None:
    values, maker = torch.randn(1, 2, 12, 14).repeat(1, 2, 1, 1), ReflectConv(4, 3)
    layer = ReflectConv(4, 3)
    fit(layer, values, maker(values).detach())
    assert_close(layer(values), maker(values))


def test_coarse_layers_are_solved_for_a_picture_and_those_of_the_level_above_stay() -> None:
    network = load_network("compact")
    assert isinstance(network, VggNetwork)
    images = Crops([sample_path("astronaut")], 96, 128, torch.Generator().manual_seed(0)).take(8)
    above, values = network.decoder["relu4_1"], network.encode(images, "relu5_1").values
    decoder = first_decoder(network, "relu5_1", above, seed=0).requires_grad_(False)
    before = relative_distance(decoder(values), images)
    solve(network, decoder, "relu5_1", images)
    for name, value in above.state_dict().items():
        assert torch.equal(decoder.state_dict()[name], value)
    assert relative_distance(decoder(values), images) < before / 2
