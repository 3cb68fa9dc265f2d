"""What the nodes promise together: strength, regions, mixtures, masks, and the cascade wired by hand."""

import pytest
import torch
from torch import Tensor

from brushwork.methods.render import FEATHER
from brushwork.models.networks.base import ADAIN, RECONSTRUCTION, FeatureMap, FeatureSpace
from brushwork.nodes._host import CachedFeatures
from brushwork.tests.nodes.stand_ins import bank, call, encoded, pictures, tiny, values
from brushwork.tests.tolerances import assert_close
from brushwork.transfer.masks import inner_feather, resize_mask
from brushwork.transfer.temporal import PER_IMAGE, SMOOTHED

METHODS = ("whitening-colouring", "optimal transport")
transforms = pytest.mark.parametrize("node", ["BrushworkAdaIN", "BrushworkWCT"])


@pytest.fixture
def content() -> CachedFeatures:
    return encoded(tiny(), pictures(2))


@pytest.fixture
def style() -> CachedFeatures:
    return encoded(tiny(), pictures(seed=5))


@pytest.fixture
def stylised(content: CachedFeatures, style: CachedFeatures) -> CachedFeatures:
    return call("BrushworkAdaIN", content=content, style=style)


@transforms
def test_a_transform_reaches_the_styles_statistics(node: str, content: CachedFeatures, style: CachedFeatures) -> None:
    mapped, target = (values(each).flatten(2) for each in (call(node, content=content, style=style), style))
    assert_close(mapped.mean(2), target.mean(2).expand(2, -1))
    used = values(content).flatten(2).var(2) > 1e-3
    assert ((mapped.var(2) / target.var(2)).sub(1).abs() < 0.01)[used].all()


@transforms
def test_content_of_its_own_style_stays(node: str, content: CachedFeatures) -> None:
    assert_close(values(call(node, content=content, style=content)), values(content))


def test_alpha_0_is_the_content_and_1_the_style(content: CachedFeatures, stylised: CachedFeatures) -> None:
    for alpha, expected in ((0.0, content), (1.0, stylised)):
        blended = call("BrushworkBlendByAlpha", content=content, stylised=stylised, alpha=alpha)
        assert torch.equal(values(blended), values(expected))


def test_alpha_between_is_between(content: CachedFeatures, stylised: CachedFeatures) -> None:
    blended = call("BrushworkBlendByAlpha", content=content, stylised=stylised, alpha=0.25)
    assert_close(values(blended), 0.75 * values(content) + 0.25 * values(stylised))


@pytest.mark.parametrize("feather", [0.0, 3.0, 500.0])
def test_region_of_everything_and_of_nothing(content: CachedFeatures, stylised: CachedFeatures, feather: float) -> None:
    for mask, expected in ((torch.ones(5, 5), stylised), (torch.zeros(5, 5), content)):
        region = call("BrushworkRegionMask", inside=stylised, outside=content, mask=mask, feather=feather)
        assert_close(values(region), values(expected))


def test_region_keeps_each_side_pure(content: CachedFeatures, stylised: CachedFeatures) -> None:
    mask = (torch.arange(22) < 10).float().expand(17, -1)
    region = values(call("BrushworkRegionMask", inside=stylised, outside=content, mask=mask))
    assert_close(region[..., :5], values(stylised)[..., :5])
    assert_close(region[..., 5:], values(content)[..., 5:])


def test_mix_of_equal_styles_is_that_style(stylised: CachedFeatures) -> None:
    slots = {f"features_{slot}": stylised for slot in range(1, 5)}
    mixed = call("BrushworkMixStyles", **slots, weight_1=3.0, weight_2=0.5, weight_3=0.0, weight_4=7.0)
    assert_close(values(mixed), values(stylised))


def test_mix_counts_by_weight_and_skips_empty_slots(content: CachedFeatures, stylised: CachedFeatures) -> None:
    mixed = call("BrushworkMixStyles", features_1=content, weight_1=3.0, features_4=stylised, weight_3=9.0)
    assert_close(values(mixed), 0.75 * values(content) + 0.25 * values(stylised))


@transforms
def test_content_mask_of_everything_is_no_mask(node: str, content: CachedFeatures, style: CachedFeatures) -> None:
    masked = call(node, content=content, style=style, content_mask=torch.ones(3, 4), style_mask=torch.ones(3, 4))
    assert_close(values(masked), values(call(node, content=content, style=style)))


@transforms
def test_content_mask_of_nothing_leaves_the_content(node: str, content: CachedFeatures, style: CachedFeatures) -> None:
    masked = call(node, content=content, style=style, content_mask=torch.zeros(64, 64))
    assert torch.equal(values(masked), values(content))


@transforms
def test_statistics_come_from_inside_the_masks(node: str, content: CachedFeatures, style: CachedFeatures) -> None:
    left = (torch.arange(22) < 10).float().expand(17, -1)  # five whole cells
    masked = values(call(node, content=content, style=style, content_mask=left, style_mask=1 - left))
    assert torch.equal(masked[..., 5:], values(content)[..., 5:])
    inside, learnt_from = masked[..., :5].flatten(2).mean(2), values(style)[..., 5:].flatten(2).mean(2)
    assert_close(inside, learnt_from.expand(2, -1))


@transforms
def test_whole_batch_gives_two_frames_one_operator(node: str) -> None:
    frames = torch.randn(2, 3, 6, 6)
    frames[1] = 2 * frames[1] + 1
    frames[:, :, 0, 0] = frames[:1, :, 0, 0]  # one pixel that both frames share
    kept, style = cached(frames), cached(torch.randn(1, 3, 6, 6))
    alike, apart = (
        values(call(node, content=kept, style=style, statistics=how)) for how in ("whole batch", "per image")
    )
    assert_close(alike[0, :, 0, 0], alike[1, :, 0, 0])
    assert (apart[0, :, 0, 0] - apart[1, :, 0, 0]).abs().max() > 0.1


@transforms
def test_smoothed_frames_lie_between_their_own_operator_and_their_neighbours(node: str) -> None:
    frames = torch.randn(1, 3, 6, 6).repeat(2, 1, 1, 1)
    frames[1] = 1.05 * frames[1] + 0.15  # of one shot: further apart it would be a cut
    style = cached(torch.randn(1, 3, 6, 6))

    def restyled(frames: torch.Tensor, statistics: str) -> torch.Tensor:
        return values(call(node, content=cached(frames), style=style, statistics=statistics))

    assert_close(
        restyled(frames[:1].expand(3, -1, -1, -1), SMOOTHED), restyled(frames[:1], PER_IMAGE).expand(3, -1, -1, -1)
    )
    apart, smooth = restyled(frames, PER_IMAGE), restyled(frames, SMOOTHED)
    assert_close(apart[0], apart[1])  # each by itself loses what sets the frames apart
    assert (smooth[0] - smooth[1]).abs().max() > 0.1


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("alpha", [0.0, 0.6, 1.0])
def test_wct_level_is_the_stages_wired_by_hand(method: str, alpha: float) -> None:
    network, content, style = tiny(), pictures(2), pictures(2, (12, 9), seed=5)
    masks = {"content_mask": pictures(2, (8, 8))[..., 0], "style_mask": pictures(1, (8, 8))[..., 1]}
    own, target = encoded(network, content, "relu3_1"), encoded(network, style, "relu3_1")
    restyled = call("BrushworkWCT", content=own, style=target, method=method, **masks)
    blended = call("BrushworkBlendByAlpha", content=own, stylised=restyled, alpha=alpha)
    by_hand = call("BrushworkStyleDecoder", network=network, features=blended)
    options = {"level": "relu3_1", "alpha": alpha, "method": method, **masks}
    coverage = inner_feather(1 - (1 - resize_mask(masks["content_mask"], content.shape[1:3])) ** 4, FEATHER)
    # Outside the mask the content's own pixels stay.
    expected = content.lerp(by_hand, coverage[..., None]) if alpha else content
    assert_close(call("BrushworkWCTLevel", network=network, content=content, style=style, **options), expected)


def test_adains_decoder_serves_adain_only() -> None:
    network = tiny(adain="relu4_1")
    features = encoded(network, pictures(), "relu4_1")
    plain, trained = (
        call("BrushworkStyleDecoder", network=network, features=features, trained_for=purpose)
        for purpose in ("reconstruction", "adain")
    )
    assert plain.shape == trained.shape and not torch.equal(plain, trained)


def test_an_automatic_decoder_goes_by_what_the_features_went_through() -> None:
    network = tiny(adain="relu4_1")
    own, style = (encoded(network, pictures(seed=seed), "relu4_1") for seed in (0, 5))
    adain, wct = (call(f"Brushwork{kind}", content=own, style=style) for kind in ("AdaIN", "WCT"))
    by_adain = {
        "AdaIN": adain,
        "blended": call("BrushworkBlendByAlpha", content=own, stylised=adain, alpha=0.5),
        "mixed": call("BrushworkMixStyles", features_1=adain, features_2=adain),
        "in a region": call("BrushworkRegionMask", inside=adain, outside=own, mask=torch.ones(1, 4, 4)),
    }
    others = {"content": own, "WCT": wct, "both": call("BrushworkMixStyles", features_1=adain, features_2=wct)}
    for maps, decoder in ((by_adain, ADAIN), (others, RECONSTRUCTION)):
        for features in maps.values():
            given = {"network": network, "features": features}
            expected = call("BrushworkStyleDecoder", **given, trained_for=decoder)
            assert torch.equal(call("BrushworkStyleDecoder", **given), expected)
    only = tiny(decoders=(), adain="relu4_1")  # its one decoder serves, whatever it decodes
    features = encoded(only, pictures(), "relu4_1")
    assert call("BrushworkStyleDecoder", network=only, features=features).shape == pictures().shape


def test_mix_of_one_style_is_its_filter() -> None:
    network = bank("a", "b")
    features = encoded(network, pictures(2), "bank")
    filtered = values(call("BrushworkStyleBankFilter", network=network, features=features, style="b"))
    for slots in ({"style_1": "b"}, {"style_1": "none", "style_3": "b"}, {"style_1": "b", "style_2": "b"}):
        assert_close(values(call("BrushworkStyleBankMix", network=network, features=features, **slots)), filtered)


def test_fusing_kernels_is_mixing_their_results() -> None:
    network = bank("a", "b")
    features = encoded(network, pictures(2), "bank")
    results = {
        f"features_{slot}": call("BrushworkStyleBankFilter", network=network, features=features, style=style)
        for slot, style in ((1, "a"), (2, "b"))
    }
    fused = {"style_1": "a", "weight_1": 1.0, "style_2": "b", "weight_2": 3.0}
    mixed = call("BrushworkMixStyles", **results, weight_1=1.0, weight_2=3.0)
    assert_close(values(call("BrushworkStyleBankMix", network=network, features=features, **fused)), values(mixed))


def test_a_bank_may_know_styles_that_no_list_knew() -> None:
    from brushwork.nodes.transforms import StyleBankFilter, StyleBankMix

    assert StyleBankFilter.VALIDATE_INPUTS("learnt yesterday") is True
    assert StyleBankMix.VALIDATE_INPUTS("learnt yesterday", "none", "none", "none") is True


def cached(tensor: Tensor) -> CachedFeatures:
    height, width = tensor.shape[-2:]
    return CachedFeatures(FeatureMap(tensor, FeatureSpace("tiny", "x", tensor.shape[1], 1, 0), (height, width)), tiny())
