"""Encoding and decoding in tiles give the features and pixels of the whole picture."""

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from brushwork.models.networks.norm import fixed_statistics
from brushwork.tests.laws import law, noise, picture
from brushwork.tests.models.small import KINDS, measured, small_network
from brushwork.tests.tiling.hosts import LOCAL, budgets, sides, sizes, tiles_of
from brushwork.tests.tolerances import assert_close
from brushwork.tiling.features import FeatureBuffer, Overpainted, decode, encode
from brushwork.tiling.plan import Box, Grid
from brushwork.tiling.policy import Host, Policy
from brushwork.tiling.runner import TileBatch, TileLoop, cut

places = st.sampled_from([(name, level) for name, network in LOCAL.items() for level in network.spaces])


@law
@given(places, sizes, sides, st.integers(1, 2), budgets)
def test_features_in_tiles_are_those_of_the_picture(
    place: tuple[str, str], size: tuple[int, int], side: int, batch: int, budget: int
) -> None:
    network, level, image = LOCAL[place[0]], place[1], picture(*size, batch)
    tiled, whole = encode(network, image, level, tiles_of(side, budget)), network.encode(image, level)
    assert (tiled.space, tiled.image_size) == (whole.space, whole.image_size)
    assert_close(tiled.values, whole.values)


@law
@given(places, sizes, sides, st.integers(1, 2))
def test_pixels_in_tiles_are_those_of_the_picture(
    place: tuple[str, str], size: tuple[int, int], side: int, batch: int
) -> None:
    network, level = LOCAL[place[0]], place[1]
    features = network.encode(picture(*size, batch), level)
    features = features.with_values(features.values * (1 + 0.5 * noise(features.values.shape, dtype=torch.float32)))
    for decoder in network.decoders(level):
        whole = network.decode(features, decoder).clamp(0, 1)
        assert_close(decode(network, features, decoder, tiles_of(side)), whole)


@pytest.mark.parametrize("kind", [*LOCAL, *KINDS[2:]])
def test_margin_of_either_half(kind: str) -> None:
    """What lies beyond it does not matter: other pixels there leave a cell, other cells a pixel, as they are.

    Unless they change statistics, so these are fixed.
    """
    network = LOCAL.get(kind) or small_network(kind)
    for level, space in network.spaces.items():
        image = picture(2 * space.margin + 4 * space.stride, 3 * space.stride + network.minimum_side)
        middle = (image.shape[-2] // 2) // space.stride
        cell, below = middle * space.stride, (middle + 1) * space.stride + space.encoder_margin
        other = image.clone()
        other[:, :, below:] = 1 - other[:, :, below:]
        other[:, :, : max(0, cell - space.encoder_margin)] = 0
        known = measured(network, lambda image=image, level=level: network.decode(network.encode(image, level)))
        with fixed_statistics(network, known):
            features, changed = (network.encode(each, level) for each in (image, other))
        assert torch.equal(features.values[:, :, middle], changed.values[:, :, middle])
        first = -(-(cell + space.decoder_margin + 1) // space.stride)
        values = features.values.clone()
        values[:, :, first:] += 1
        values[:, :, : max(0, cell - space.decoder_margin) // space.stride] += 1
        with fixed_statistics(network, known):
            pictures = [network.decode(features.with_values(each))[:, :, cell] for each in (features.values, values)]
        assert torch.equal(*pictures)


def test_pixels_lie_in_memory_as_comfyui_has_them() -> None:
    network = LOCAL[KINDS[0]]
    image = decode(network, network.encode(picture(40, 30, 2), "relu2_1"), "reconstruction", tiles_of(16))
    assert image.movedim(1, -1).is_contiguous()
    assert image.dtype == torch.float32 and image.min() >= 0 and image.max() <= 1


@pytest.mark.parametrize("side", [64, 16])
@pytest.mark.parametrize(("budget", "kept_on"), [(4 * 4 * 64 * 64, "meta"), (4 * 4 * 64 * 64 - 1, "cpu")])
def test_features_over_the_budget_leave_the_device(side: int, budget: int, kept_on: str) -> None:
    network, image = LOCAL[KINDS[0]], picture(64, 64)
    host = Host(torch.device("meta"), policy=Policy(feature_bytes=budget))
    space = network.space("relu1_1")
    cells = FeatureBuffer(network, space, (64, 64), 1, host)
    TileLoop(tiles_of(side), network, 0).over(
        Grid((64, 64), 1, 0),
        1,
        lambda part: cells.put(part, cut(network.encode(image, "relu1_1").values, part.tile.outer)),
    )
    assert cells.values.device.type == kept_on


def test_a_map_that_memory_cannot_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> Tensor:  # noqa: ANN401
        raise RuntimeError("DefaultCPUAllocator: not enough memory")

    monkeypatch.setattr(torch, "empty", full)
    with pytest.raises(ValueError, match="do not fit into memory: .* use Stylize Large"):
        encode(LOCAL[KINDS[0]], picture(64, 64), "relu1_1", tiles_of(16))


def test_a_map_for_which_the_device_has_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """It lies on the CPU."""
    empty = torch.empty

    def full(*shape: Any, device: torch.device, **options: Any) -> Tensor:  # noqa: ANN401
        if device.type == "meta":
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return empty(*shape, device=device, **options)

    network, image = LOCAL[KINDS[0]], picture(64, 64)
    cells = FeatureBuffer(network, network.space("relu1_1"), (64, 64), 1, Host(torch.device("meta")))
    monkeypatch.setattr(torch, "empty", full)
    tile = Grid((64, 64), 1, 0).tile(Box(0, 0, 32, 64))
    cells.put(TileBatch(slice(0, 1), tile, tile), network.encode(image[:, :, :32], "relu1_1").values)
    assert cells.values.device.type == "cpu"


@law
@given(st.tuples(st.integers(1, 60), st.integers(1, 60)), sides, st.integers(0, 30), st.integers(1, 3))
def test_a_picture_is_read_as_it_was(size: tuple[int, int], side: int, margin: int, batch: int) -> None:
    """While it is painted over, whatever the tiles."""
    image, grid = picture(*size, batch), Grid(size, 4, margin)
    before, overpainted = image.clone(), Overpainted(image)

    def work(part: TileBatch) -> None:
        assert torch.equal(overpainted.read(part), cut(before[part.items], part.tile.outer))
        cut(image[part.items], part.tile.core).fill_(7)

    TileLoop(tiles_of(side), LOCAL[KINDS[0]], 0).over(grid, batch, work)
    assert (image == 7).all()
