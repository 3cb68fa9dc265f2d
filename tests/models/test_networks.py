"""Every network shows the same face: levels, encode, decode, and the picture's exact size back."""

import math
from collections.abc import Callable
from functools import partial
from itertools import product

import pytest
import torch
import torch.nn.functional as F
from hypothesis import example, given
from hypothesis import strategies as st

from brushwork.models.networks.base import ADAIN, StyleNetwork
from brushwork.models.networks.cpu_fast import conv_of_subpixels, reflect_subpixels, subpixel_conv
from brushwork.models.networks.layers import ReflectConv
from brushwork.models.networks.msgnet import MsgNet
from brushwork.models.networks.stylebank import StyleBankNetwork
from brushwork.models.networks.vgg import COMPACT, LEVELS, SMALL16X, VGG19, VggDecoder, VggLayout, VggNetwork
from brushwork.tests.laws import law, picture
from brushwork.tests.models.small import APART, KINDS, TINY, enlivened, small_network
from brushwork.tests.tolerances import assert_close
from brushwork.transfer.operators import KernelMap

ALL = pytest.mark.parametrize("kind", KINDS)
NETWORKS = {kind: small_network(kind) for kind in KINDS}
"""For tests that leave them as they are."""
lengths = st.integers(1, 40)


@ALL
@law
@given(height=lengths, width=lengths, batch=st.integers(1, 2))
@example(height=1, width=1, batch=2)
@example(height=1, width=33, batch=1)
@example(height=16, width=17, batch=1)
def test_the_exact_size_comes_back(kind: str, height: int, width: int, batch: int) -> None:
    network = NETWORKS[kind]
    for level, features in network.encode_levels(picture(height, width, batch), tuple(network.spaces)).items():
        assert features.values.shape[:2] == (batch, network.spaces[level].channels)
        assert features.image_size == (height, width)
        result = network.decode(features)
        assert result.shape == (batch, 3, height, width) and result.dtype == torch.float32
        assert result.isfinite().all()


@ALL
@law
@given(height=lengths, width=lengths)
@example(height=1, width=1)
def test_all_levels_in_one_pass_are_each_by_itself(kind: str, height: int, width: int) -> None:
    network, image = NETWORKS[kind], picture(height, width)
    together = network.encode_levels(image, tuple(network.spaces))
    assert tuple(together) == tuple(network.spaces)
    for level, features in together.items():
        alone = network.encode(image, level)
        assert alone.space == features.space == network.space(level)
        assert_close(features.values, alone.values)


@ALL
@law
@given(height=st.integers(17, 60), width=st.integers(17, 60))
def test_a_cell_every_stride_pixels_rounded_up(kind: str, height: int, width: int) -> None:
    network = NETWORKS[kind]
    for level, space in network.spaces.items():
        cells = network.encode(picture(height, width), level).values.shape[-2:]
        assert cells == (math.ceil(height / space.stride), math.ceil(width / space.stride))


@ALL
def test_items_of_a_batch_do_not_meet(kind: str) -> None:
    network, images = NETWORKS[kind], picture(21, 26, batch=2)
    for level in network.spaces:
        features = network.encode(images, level)
        for i in range(2):
            alone = network.encode(images[i : i + 1], level)
            assert_close(features.values[i : i + 1], alone.values)
            assert_close(network.decode(features)[i : i + 1], network.decode(alone))


@ALL
def test_nothing_that_comes_in_is_changed(kind: str) -> None:
    network, image = NETWORKS[kind], picture(21, 26).contiguous(memory_format=torch.channels_last)
    before = image.clone()
    for features in network.encode_levels(image, tuple(network.spaces)).values():
        values = features.values.clone()
        network.decode(features)
        assert torch.equal(features.values, values)
    assert torch.equal(image, before)


@ALL
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_computing_in_a_half_type(kind: str, dtype: torch.dtype) -> None:
    network, image = small_network(kind), picture(21, 26)
    exact = {level: network.decode(network.encode(image, level)) for level in network.spaces}
    network = network.to(dtype)
    for level, expected in exact.items():
        features = network.encode(image, level)
        assert features.values.dtype == network.dtype == dtype
        result = network.decode(features.with_values(features.values.float()))
        assert result.dtype == torch.float32
        assert_close(result / expected.abs().max(), expected / expected.abs().max(), dtype)


BUILDS: dict[str, Callable[[], StyleNetwork]] = {
    **{kind: partial(small_network, kind) for kind in KINDS},
    "MSG-Net on a backbone": lambda: enlivened(MsgNet(backbone=TINY)),
}


@pytest.mark.parametrize("kind", BUILDS)
def test_prepared_for_a_dtype(kind: str) -> None:
    """bfloat16 only where it was measured to be invisible."""
    assert BUILDS[kind]().prepare(torch.float16).dtype == torch.float16
    network, image = BUILDS[kind](), picture(21, 30)
    exact = {level: network.decode(network.encode(image, level)) for level in network.spaces}
    network = network.prepare(torch.bfloat16)
    for level, expected in exact.items():
        found, size = network.decode(network.encode(image, level)), expected.abs().max()
        assert found.dtype == torch.float32
        assert_close(found / size, expected / size, torch.bfloat16)
    halves = {name for name, weight in network.named_parameters() if weight.dtype is torch.bfloat16}
    assert halves == {name for name in dict(network.named_parameters()) if name.startswith(network.bfloat16_parts)}
    assert all(weight.dtype is torch.float32 for weight in network.prepare(torch.float32).parameters())


@ALL
def test_pictures_can_be_optimised_through_it(kind: str) -> None:
    network, image = NETWORKS[kind], picture(21, 26).requires_grad_()
    for level in network.spaces:
        (gradient,) = torch.autograd.grad(network.decode(network.encode(image, level)).square().sum(), image)
        assert gradient.isfinite().all() and gradient.abs().max() > 0


@ALL
def test_an_unknown_level(kind: str) -> None:
    network = NETWORKS[kind]
    with pytest.raises(ValueError) as error:
        network.encode(picture(8, 8), "relu9_1")
    assert str(error.value) == f"this network has no level 'relu9_1': choose one of {', '.join(network.spaces)}."


def test_features_of_another_network() -> None:
    features = NETWORKS["shared encoder"].encode(picture(20, 20), "relu3_1")
    other = VggNetwork(VggLayout("other", (4, 6, 8, 8, 8)))
    with pytest.raises(ValueError) as error:
        other.decode(features)
    assert str(error.value) == (
        "these features are tiny relu3_1, other relu3_1 was expected: encode both with the same network and level."
    )


@pytest.mark.parametrize("kind", KINDS[2:])
def test_features_of_a_network_of_another_kind_name_both(kind: str) -> None:
    features = NETWORKS["shared encoder"].encode(picture(20, 20), "relu3_1")
    with pytest.raises(ValueError, match="tiny relu3_1"):
        small_network(kind).decode(features)


def test_the_two_kinds_of_decoders() -> None:
    network, image = VggNetwork(TINY, ("relu1_1", "relu2_1"), adain="relu4_1"), picture(20, 20)
    assert tuple(network.spaces) == LEVELS[:4]
    assert tuple(VggNetwork(APART, ("relu1_1", "relu2_1"), adain="relu4_1").spaces) == ("relu1_1", "relu2_1", "relu4_1")
    assert network.decode(network.encode(image, "relu4_1"), ADAIN).shape == image.shape
    for level, decoder in (
        ("relu3_1", "reconstruction"),
        ("relu4_1", "reconstruction"),
        ("relu1_1", "adain"),
        ("relu1_1", "portraits"),
    ):
        with pytest.raises(ValueError) as error:
            network.decode(network.encode(image, level), decoder)
        assert str(error.value) == (
            f"this network has no {decoder} decoder at {level}: "
            "it has reconstruction at relu1_1, relu2_1 and adain at relu4_1."
        )


@pytest.mark.parametrize("kind", KINDS[2:])
@pytest.mark.parametrize("decoder", ["adain", "portraits"])
def test_networks_with_one_decoder_refuse_others(kind: str, decoder: str) -> None:
    network = NETWORKS[kind]
    features = network.encode(picture(20, 20), *network.spaces)
    with pytest.raises(ValueError, match=f"no {decoder} decoder"):
        network.decode(features, decoder)


def test_the_two_decoders_of_a_level_differ() -> None:
    network = NETWORKS["shared encoder"]
    features = network.encode(picture(20, 20), "relu4_1")
    assert not torch.allclose(network.decode(features), network.decode(features, ADAIN))


def parameters(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def in_millions(count: int) -> float:
    return round(count / 1e6, 3)


def test_parameter_counts_of_the_papers() -> None:
    """Our VGG encoder is smaller by the twelve numbers of the first 1x1 convolution, which is folded away."""
    with torch.device("meta"):
        vgg, small = VggNetwork(VGG19, adain="relu4_1"), VggNetwork(SMALL16X)
        assert parameters(MsgNet(64)) == 691_555 and parameters(MsgNet(128)) == 2_386_147
        bank = StyleBankNetwork(["one"])
        compact = VggNetwork(COMPACT, adain="relu4_1")
    assert parameters(vgg.encoder) == 12_944_972 - 12
    assert parameters(vgg.get_submodule("decoder.relu5_1")) == 12_944_451
    assert parameters(vgg.get_submodule("decoder.relu4_1")) == parameters(vgg.get_submodule("adain")) == 3_505_219
    stages = [parameters(small.encoder[level]) + parameters(small.decoder[level]) for level in LEVELS]
    assert [in_millions(count) for count in stages] == [0.001, 0.015, 0.070, 0.439, 1.620]
    assert in_millions(parameters(bank.bank)) == 0.148
    assert in_millions(parameters(bank.encoder) + parameters(bank.decoder)) == 0.2
    assert parameters(compact) - parameters(compact.heads) <= 3_000_000  # the projections serve losses alone


@pytest.mark.parametrize("layout", [VGG19, SMALL16X, COMPACT])
def test_margin_and_stride_of_the_papers(layout: VggLayout) -> None:
    with torch.device("meta"):
        spaces = VggNetwork(layout).spaces
    assert [space.stride for space in spaces.values()] == [1, 2, 4, 8, 16]
    assert [space.margin for space in spaces.values()] == [2, 9, 23, 67, 155]


@pytest.mark.parametrize(("layout", "peak_channels"), [(VGG19, 64), (SMALL16X, 24), (COMPACT, 24)])
def test_what_a_pixel_costs_goes_by_the_peak_channels(layout: VggLayout, peak_channels: int) -> None:
    with torch.device("meta"):
        network = VggNetwork(layout)
    assert (network.peak_channels, network.minimum_side, network.local) == (peak_channels, 17, True)


def test_who_sees_the_whole_picture() -> None:
    """Whoever normalises inside; on a backbone that happens between encoder and decoder."""
    networks = [MsgNet(4), MsgNet(backbone=TINY), StyleBankNetwork((), (4, 6, 8)), StyleBankNetwork((), backbone=TINY)]
    assert [network.local for network in networks] == [False, True, False, True]


@pytest.mark.parametrize("kind", KINDS)
def test_the_margin_is_as_far_as_a_pixel_is_seen(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With positive weights no ReLU hides a path: a changed pixel changes pixels up to the margin, and none beyond.

    Instance normalisation sees the whole picture and is left out; StyleBank's margin counts a style's kernel in.
    """
    monkeypatch.setattr(F, "instance_norm", lambda values, *_, **__: values)
    network = small_network(kind).double()
    for name, parameter in network.named_parameters():
        parameter.data = parameter.data * 0 + (1 if name.endswith("weight") else 0)
    for level, space in network.spaces.items():
        assert furthest(network, level) == space.margin


def furthest(network: StyleNetwork, level: str) -> int:
    """How far from a bright pixel a black picture changes, over every place in a cell."""
    space, reached = network.space(level), 0
    middle = space.margin + 2 * space.stride
    for place in range(middle, middle + space.stride):
        image = torch.zeros(1, 3, 1, 2 * middle + space.stride, dtype=torch.float64)
        image[..., place] = 1e-30
        features = network.encode(image, level)
        if isinstance(network, StyleBankNetwork):
            features = features.with_values(KernelMap.of(*network.kernel("waves"))(features.values))
        touched = network.decode(features).abs().amax((0, 1, 2)).nonzero()
        reached = max(reached, int((touched - place).abs().max()))
    return reached


@pytest.mark.parametrize("layout", [VGG19, SMALL16X, COMPACT])
@torch.no_grad()
def test_the_real_layouts(layout: VggLayout) -> None:
    network, image = VggNetwork(layout, adain="relu4_1").eval(), picture(29, 37)
    features = network.encode_levels(image, LEVELS)
    for level, space in network.spaces.items():
        assert features[level].values.shape[:2] == (1, space.channels)
        assert network.decode(features[level]).shape == image.shape
    assert network.decode(features["relu4_1"], ADAIN).shape == image.shape


@torch.no_grad()
def test_the_real_msgnet_and_stylebank() -> None:
    for network in (MsgNet(128).eval(), StyleBankNetwork(["one"]).eval()):
        assert network.decode(network.encode(picture(29, 37), *network.spaces)).shape == (1, 3, 29, 37)


def test_pictures_of_a_final_relu_are_never_negative() -> None:
    plain, with_relu = VggDecoder((4,)), VggDecoder((4,), final_relu=True)
    with_relu.load_state_dict(plain.state_dict())
    values = torch.randn(1, 4, 6, 6)
    assert plain(values).min() < 0
    assert torch.equal(with_relu(values), plain(values).relu())


def test_msgnet_sees_and_paints_bgr_in_0_to_255() -> None:
    network, image = MsgNet(4).eval().requires_grad_(False), picture(12, 16)
    seen, painted = [], []
    network.encoder.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    network.decoder.register_forward_hook(lambda _, __, output: painted.append(output))
    result = network.decode(network.encode(image, "comatch"))
    assert_close(seen[0], image[:, [2, 1, 0]] * 255)
    assert_close(result, painted[0][:, [2, 1, 0]] / 255)


def test_kernels_by_name() -> None:
    network = enlivened(StyleBankNetwork(("waves", "leaves"), (4, 6, 8)))
    weight, bias = network.kernel("leaves")
    assert weight.shape == (8, 8, 3, 3) and bias.shape == (8,)
    assert not torch.equal(weight, network.kernel("waves")[0])
    many = StyleBankNetwork([f"sea {number}" for number in range(20)] + ["stairs"], (4, 4, 4))
    with pytest.raises(ValueError, match=r"no style 'stars': choose one of stairs, sea .* or another of its 21\.$"):
        many.kernel("stars")
    with pytest.raises(ValueError, match="this bank has no style 'stars': choose one of waves, leaves"):
        network.kernel("stars")


@pytest.mark.parametrize(
    ("kernel", "stride", "scale"), list(product([1, 3, 7, 9], [1, 2], [1])) + [(1, 1, 2), (3, 1, 2)]
)
@pytest.mark.parametrize("size", [(5, 5), (6, 8), (9, 30)])
def test_convolution_with_a_reflected_border(kernel: int, stride: int, scale: int, size: tuple[int, int]) -> None:
    layer, values = ReflectConv(4, 6, kernel, stride, scale).double(), torch.randn(2, 4, *size, dtype=torch.float64)
    margin = kernel // 2
    larger = values.repeat_interleave(scale, 2).repeat_interleave(scale, 3)
    expected = F.conv2d(F.pad(larger, (margin,) * 4, mode="reflect"), layer.weight, layer.bias, stride)
    for layout in (torch.contiguous_format, torch.channels_last):
        assert_close(layer(values.contiguous(memory_format=layout)), expected)


@pytest.mark.parametrize("size", [(1, 1), (1, 4), (3, 2), (5, 8)])
def test_a_convolution_over_sub_pixels_is_one_over_the_large_map(size: tuple[int, int]) -> None:
    values = torch.randn(2, 4, *size, dtype=torch.float64)
    first, last = ReflectConv(4, 5, scale=2).double(), ReflectConv(5, 3).double()
    for layout in (torch.contiguous_format, torch.channels_last):
        subpixels = reflect_subpixels(subpixel_conv(values.contiguous(memory_format=layout), first))
        assert_close(conv_of_subpixels(subpixels.relu_(), last), last(first(values).relu()))


def test_both_stand_on_a_backbone_to_relu3_1() -> None:
    image = picture(21, 18)
    cases = ((StyleBankNetwork(("waves",), backbone=TINY), "bank", 8), (MsgNet(backbone=TINY), "comatch", 9))
    for network, level, channels in cases:
        features = network.eval().requires_grad_(False).encode(image, level)
        assert features.values.shape == (1, channels, 6, 5) and features.space.stride == 4
        assert features.space.channels == channels
        assert network.decode(features).shape == image.shape


def test_projections_lead_to_the_channels_of_the_teacher() -> None:
    network = VggNetwork(VggLayout("headed", TINY.widths, projections=(5, 7, 9, 11, 13)), ("relu2_1",))
    assert [projection.weight.shape[0] for projection in network.heads.children()] == [5, 7]
