"""Networks that normalise inside: tiles give the features and pixels of the whole picture."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from brushwork.models.networks.base import FeatureMap
from brushwork.models.networks.norm import count_norms
from brushwork.tests.laws import law, noise, picture
from brushwork.tests.models.small import KINDS, small_network
from brushwork.tests.tiling.hosts import sides, sizes, tiles_of
from brushwork.tests.tolerances import assert_close
from brushwork.tiling.features import decode, encode
from brushwork.tiling.policy import LIVE_MAPS, Host, Policy
from brushwork.tiling.runner import TooLargeError

NETWORKS = {kind: small_network(kind) for kind in KINDS[2:]}
kinds = st.sampled_from(KINDS[2:])
textured = sizes.filter(lambda size: max(size) > 8)
"""In a flat picture every norm magnifies what rounding left 300 times, so that not even the whole picture is sure."""
EACH = pytest.mark.parametrize("kind", KINDS[2:])


def pictures(height: int, width: int, batch: int = 1) -> Tensor:
    """One brighter and flatter than the other, and each unlike itself from left to right."""
    ramps = torch.linspace(0.2, 1, width) * torch.linspace(0.3, 1, batch)[:, None, None, None]
    return picture(height, width, batch) * ramps


def restyled(features: FeatureMap) -> FeatureMap:
    """Features that no picture has."""
    return features.with_values(features.values * (1 + 0.5 * noise(features.values.shape, dtype=torch.float32)))


@law
@given(kinds, textured, sides, st.integers(1, 3))
def test_features_in_tiles_are_those_of_the_picture(kind: str, size: tuple[int, int], side: int, batch: int) -> None:
    network, image = NETWORKS[kind], pictures(*size, batch)
    (level,) = network.spaces
    assert_close(encode(network, image, level, tiles_of(side)).values, network.encode(image, level).values)


@law
@given(kinds, textured, sides, st.integers(1, 3))
def test_pixels_in_tiles_are_those_of_the_picture(kind: str, size: tuple[int, int], side: int, batch: int) -> None:
    network = NETWORKS[kind]
    features = restyled(network.encode(pictures(*size, batch), *network.spaces))
    whole = network.decode(features).clamp(0, 1)
    assert_close(decode(network, features, "reconstruction", tiles_of(side)), whole)


@EACH
@torch.no_grad()
def test_pictures_that_fit_go_whole_bit_for_bit(kind: str) -> None:
    network, image = NETWORKS[kind], picture(44, 36)
    (level,) = network.spaces
    fits = 44 * 36 * LIVE_MAPS * network.peak_channels * 4
    whole = network.encode(image, level)
    whole = whole.with_values(whole.values.contiguous(memory_format=torch.channels_last))
    reported: list[tuple[int, int]] = []
    host = tiles_of(16, progress=lambda *step: reported.append(step))
    host = replace(host, policy=replace(host.policy, whole_bytes=fits))
    assert torch.equal(encode(network, image, level, host).values, whole.values)
    assert torch.equal(decode(network, whole, "reconstruction", host), network.decode(whole).clamp(0, 1))
    assert reported == 2 * [(0, 44 * 36), (44 * 36, 44 * 36)]
    reported.clear()
    encode(network, image, level, replace(host, policy=replace(host.policy, whole_bytes=fits - 1)))
    assert len(reported) > 2


@EACH
def test_pictures_that_turn_out_not_to_fit_go_in_tiles(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    network, image = small_network(kind), pictures(70, 50, 2)
    (level,) = network.spaces
    whole, encoded = network.encode(image, level), network._encode

    def small_only(seen: Tensor, levels: tuple[str, ...]) -> dict[str, Tensor]:
        if seen.shape[-2:] == image.shape[-2:]:
            raise RuntimeError("DefaultCPUAllocator: not enough memory")
        return encoded(seen, levels)

    monkeypatch.setattr(network, "_encode", small_only)
    reported: list[tuple[int, int]] = []
    host = Host(policy=Policy(tile_bytes=0, minimum_side=16), progress=lambda *step: reported.append(step))
    assert_close(encode(network, image, level, host).values, whole.values)
    passes = 1 + count_norms(network, encoding=True)
    assert reported[-1] == (passes * 2 * 70 * 50,) * 2


@EACH
def test_where_not_even_tiles_fit(kind: str) -> None:
    network, image = small_network(kind), picture(40, 40)

    def full(*_: Tensor) -> None:
        raise RuntimeError("DefaultCPUAllocator: not enough memory")

    network.get_submodule("encoder").register_forward_pre_hook(full)
    with pytest.raises(TooLargeError, match="^not even a small tile fits into memory: [^.]*[.]$"):
        encode(network, image, *network.spaces, Host(policy=Policy(tile_bytes=0, whole_bytes=0, minimum_side=16)))
