"""A picture restyled in tiles is the picture restyled whole, pixel for pixel, and that is what the stages give."""

import math
from dataclasses import dataclass

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

import brushwork.tiling.features
from brushwork.methods import MATCHING
from brushwork.methods.adain import AdaIN
from brushwork.methods.protocol import Style
from brushwork.methods.render import FEATHER, render
from brushwork.models.networks.base import ADAIN, RECONSTRUCTION, StyleNetwork
from brushwork.models.networks.vgg import LEVELS
from brushwork.tests.laws import law, picture
from brushwork.tests.models.small import KINDS
from brushwork.tests.tiling.hosts import CASCADES, WHOLE, budgets, masks, sides, sizes, tiles_of
from brushwork.tests.tolerances import assert_close
from brushwork.tiling.features import FeatureBuffer, NoRoomError, accumulate_statistics
from brushwork.tiling.policy import Host, Policy
from brushwork.tiling.runner import TileLoop
from brushwork.transfer.masks import cell_weights, inner_feather
from brushwork.transfer.moments import Moments
from brushwork.transfer.operators import ChannelMap, blend
from brushwork.transfer.temporal import PER_IMAGE, SMOOTHED, WHOLE_BATCH, TemporalWindow
from brushwork.transfer.wct import METHODS, WHITENING

NETWORK = CASCADES[KINDS[0]]


@dataclass(frozen=True)
class Recipe:
    """What `render` is asked for."""

    method: str
    alphas: dict[str, float]
    whole_batch: bool = False
    smoothed: bool = False

    @property
    def statistics(self) -> str:
        return WHOLE_BATCH if self.whole_batch else SMOOTHED if self.smoothed else PER_IMAGE


def stylize(network: StyleNetwork, content: Tensor, styles: list[Style], recipe: Recipe, host: Host) -> Tensor:
    options = {"strengths": recipe.alphas, "statistics": recipe.statistics}
    return render(network, MATCHING[recipe.method], content, styles, **options, host=host)


methods = st.sampled_from([ADAIN, *METHODS])
networks = st.sampled_from(list(CASCADES))
STYLE = Style(picture(40, 33, seed=5))
ONE_STEP = 1 / 255


def by_hand(network: StyleNetwork, content: Tensor, styles: list[Style], recipe: Recipe) -> Tensor:
    """One stage after the other, each on the whole picture."""
    for level, alpha in recipe.alphas.items():
        own = network.encode(content, level)
        mapped, shares = [], []
        for style in styles:
            target = network.encode(style.source, level).values
            weights = [
                None if mask is None else cell_weights(mask, (values.shape[-2], values.shape[-1]), own.space.stride)
                for mask, values in ((style.region, own.values), (style.mask, target))
            ]
            operator = MATCHING[recipe.method].fit_values(own.values, target, *weights, recipe.statistics).blend(alpha)
            mapped.append((operator(own.values), weights[0], style.weight))
        shares = sum(weight for _, mask, weight in mapped if mask is None)
        plain = [values * (weight / shares) for values, mask, weight in mapped if mask is None]
        result = torch.stack(plain).sum(0) if plain else own.values
        for values, mask, _ in mapped:
            result = result if mask is None else blend(result, values, mask)
        trained_for = ADAIN if recipe.method == ADAIN and ADAIN in network.decoders(level) else RECONSTRUCTION
        painted = network.decode(own.with_values(result), trained_for).clamp(0, 1)
        if plain:
            content = painted
        else:
            bare = math.prod(1 - style.region for style in styles if style.region is not None)
            content = content.lerp(painted, inner_feather(1 - bare**4, FEATHER)[:, None])
    return content


@law
@given(networks, methods, st.sampled_from(LEVELS), sizes, sides, budgets, st.booleans())
def test_one_level_in_tiles(
    name: str, method: str, level: str, size: tuple[int, int], side: int, budget: int, masked: bool
) -> None:
    content = picture(*size, 2)
    style = Style(STYLE.source, 1.0, *((masks(size, 2), masks((40, 33), seed=1)) if masked else ()))
    recipe = Recipe(method, {level: 0.8})
    tiled = stylize(CASCADES[name], content, [style], recipe, tiles_of(side, budget))
    assert (tiled - by_hand(CASCADES[name], content, [style], recipe)).abs().max() < ONE_STEP


@law
@given(networks, methods, st.permutations(LEVELS), sizes, sides, budgets)
def test_several_levels_in_tiles(
    name: str, method: str, levels: list[str], size: tuple[int, int], side: int, budget: int
) -> None:
    content, recipe = picture(*size), Recipe(method, dict.fromkeys(levels[:3], 0.5))
    tiled = stylize(CASCADES[name], content, [STYLE], recipe, tiles_of(side, budget))
    assert (tiled - by_hand(CASCADES[name], content, [STYLE], recipe)).abs().max() < ONE_STEP


@settings(law, max_examples=12)
@given(methods, st.lists(st.booleans(), min_size=2, max_size=4), st.sampled_from([16, 20, 64]), budgets, st.booleans())
def test_several_styles_in_tiles(method: str, masked: list[bool], side: int, budget: int, whole_batch: bool) -> None:
    """Some mixed by weight, some within masks; batches of contents and of styles."""
    size, content = (50, 41), picture(50, 41, 2)
    styles = [
        Style(picture(20 + 9 * n, 31, 1 + n % 2, seed=n), 1.0 + n, masks(size, 1 + n % 2, n) if mask else None)
        for n, mask in enumerate(masked)
    ]
    recipe = Recipe(method, {"relu4_1": 0.5, "relu2_1": 0.9}, whole_batch)
    tiled = stylize(NETWORK, content, styles, recipe, tiles_of(side, budget))
    assert (tiled - by_hand(NETWORK, content, styles, recipe)).abs().max() < ONE_STEP


@law
@given(networks, sizes, sides, st.booleans())
def test_moments_count_every_cell_once(name: str, size: tuple[int, int], side: int, full: bool) -> None:
    network, content, region = CASCADES[name], picture(*size, 2), masks(size)
    loop = TileLoop(tiles_of(side), network, 0)
    kinds = dict.fromkeys(LEVELS, "full" if full else "diagonal")
    found = accumulate_statistics(loop, network, content, kinds, [None, region])
    for level, (everything, part) in found.items():
        features = network.encode(content, level)
        weights = cell_weights(region, (features.values.shape[-2], features.values.shape[-1]), features.space.stride)
        for moments, expected in (
            (everything, Moments.of(features.values, None, full)),
            (part, Moments.of(features.values, weights, full)),
        ):
            assert_close(moments.count, expected.count)
            assert_close(moments.mean, expected.mean)
            assert_close(moments.scatter / expected.count.max(), expected.scatter / expected.count.max())
        assert torch.equal(everything.count, torch.full((2,), float(features.values[0, 0].numel())))


@pytest.mark.parametrize("budget", [0, 1 << 30])
def test_memory_that_runs_out_changes_nothing(budget: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever it does: while encoding, while moments are taken, and while decoding."""
    content, recipe = picture(90, 80), Recipe(WHITENING, {"relu2_1": 0.7, "relu1_1": 0.7})
    whole = stylize(NETWORK, content, [STYLE], recipe, WHOLE)
    for place, name in ((NETWORK, "encode_levels"), (Moments, "of"), (NETWORK, "decode"), (ChannelMap, "__call__")):
        with monkeypatch.context() as patch:
            failures = fail_first(patch, place, name, 1)
            policy = Policy(tile_bytes=70**2 * 48, minimum_side=4, feature_bytes=budget)
            tiled = stylize(NETWORK, content, [STYLE], recipe, Host(policy=policy))
        assert not failures
        assert (tiled - whole).abs().max() < ONE_STEP


def test_a_feature_map_without_room_is_encoded_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(*_: object) -> Tensor:
        raise NoRoomError

    content, recipe = picture(90, 80), Recipe(WHITENING, {"relu2_1": 0.7, "relu1_1": 0.7})
    whole = stylize(NETWORK, content, [STYLE], recipe, WHOLE)
    monkeypatch.setattr(FeatureBuffer, "_room", no_room)
    assert (stylize(NETWORK, content, [STYLE], recipe, tiles_of(24)) - whole).abs().max() < ONE_STEP


def fail_first(patch: pytest.MonkeyPatch, place: object, name: str, times: int) -> list[int]:
    """Make a function run out of memory at every fifth call until it did so some times; what is left to fail."""
    plain, left, calls = getattr(place, name), list(range(times)), []

    def failing(*args: object, **options: object) -> object:
        calls.append(name)
        if left and len(calls) % 5 == 0:
            left.pop()
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return plain(*args, **options)

    patch.setattr(place, name, staticmethod(failing) if name == "of" else failing)
    return left


def test_the_whole_batch_gets_one_operator() -> None:
    frames = picture(60, 40).expand(3, -1, -1, -1) * torch.tensor([0.5, 1.0, 1.0])[:, None, None, None]
    recipes = [Recipe(ADAIN, {"relu2_1": 1.0}, whole_batch) for whole_batch in (True, False)]
    alike, apart = (stylize(NETWORK, frames, [STYLE], recipe, tiles_of(24)) for recipe in recipes)
    assert_close(alike[1], alike[2])
    assert_close(apart[1], stylize(NETWORK, frames[1:2], [STYLE], recipes[1], WHOLE)[0])
    assert (alike - apart).abs().max() > 0.01


def test_a_video_in_parts_goes_on_where_it_was() -> None:
    frames, window = torch.cat([picture(60, 40, seed=seed) for seed in range(5)]), TemporalWindow()
    options = {"strengths": 1.0, "statistics": SMOOTHED, "window": window}
    parts = [render(NETWORK, AdaIN(), part, [STYLE], **options) for part in frames.split(2)]
    window = options["window"] = TemporalWindow()
    assert_close(torch.cat(parts), render(NETWORK, AdaIN(), frames, [STYLE], **options))


@pytest.mark.parametrize("side", [16, 4096])
def test_where_no_style_goes_the_contents_pixels_stay(side: int) -> None:
    content, region = picture(60, 50, 2), torch.zeros(1, 60, 50)
    region[:, 10:30, 20:40] = 1
    within, recipe = Style(STYLE.source, region=region), Recipe(WHITENING, {"relu2_1": 1.0})
    result = stylize(NETWORK, content, [within], recipe, tiles_of(side))
    outside = (region == 0).expand(2, -1, -1)
    assert torch.equal(result.movedim(1, -1)[outside], content.movedim(1, -1)[outside])
    assert not torch.equal(result, content)
    assert torch.equal(stylize(NETWORK, content, [STYLE], Recipe(ADAIN, {"relu2_1": 0.0}), WHOLE), content)


def test_progress_counts_the_pixels_of_all_passes() -> None:
    reported: list[tuple[int, int]] = []
    content, recipe = picture(60, 50, 2), Recipe(WHITENING, {"relu2_1": 1.0, "relu1_1": 1.0})
    stylize(NETWORK, content, [STYLE], recipe, tiles_of(16, progress=lambda *each: reported.append(each)))
    total = 40 * 33 + 2 * 2 * content[:, 0].numel()
    assert {each for _, each in reported} == {total}
    assert reported[0][0] == 0 and reported[-1][0] == total
    assert [done for done, _ in reported] == sorted(done for done, _ in reported)


def test_inputs_stay_as_they_are() -> None:
    content, style = picture(60, 50), picture(40, 33)
    copies = content.clone(), style.clone()
    stylize(NETWORK, content, [Style(style)], Recipe(WHITENING, dict.fromkeys(LEVELS, 1.0)), tiles_of(16))
    assert torch.equal(content, copies[0]) and torch.equal(style, copies[1])


def test_no_map_over_the_budget_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """The largest tensor is as large as a tile's features."""
    seen: list[int] = []
    plain = Moments.of

    def of(values: Tensor, *args: object) -> Moments:
        seen.append(values.shape[-2] * values.shape[-1])
        return plain(values, *args)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(brushwork.tiling.features.Moments, "of", staticmethod(of))
    stylize(NETWORK, picture(100, 100), [STYLE], Recipe(ADAIN, {"relu1_1": 1.0}), tiles_of(16, budget=0))
    assert max(seen) <= 16 * 16
    assert sum(seen) == 100 * 100 + 40 * 33


@pytest.mark.parametrize("side", [16, 4096])
def test_styles_of_one_region_are_mixed_by_weight(side: int) -> None:
    content, region = picture(60, 50, 2), torch.zeros(1, 60, 50)
    region[:, 10:30, 20:40] = 1
    other = 0.3 * picture(40, 33)
    recipe = Recipe(ADAIN, {"relu2_1": 1.0})

    def painted(first: float, second: float) -> Tensor:
        styles = [Style(STYLE.source, first, region), Style(other, second, region)]
        return stylize(NETWORK, content, styles, recipe, tiles_of(side))

    alone = stylize(NETWORK, content, [Style(other, region=region)], recipe, tiles_of(side))
    assert_close(painted(0.0, 2.0), alone)
    assert not torch.allclose(painted(1.0, 1.0), alone, atol=0.01)
    outside = (region == 0).expand(2, -1, -1)
    assert torch.equal(painted(1.0, 1.0).movedim(1, -1)[outside], content.movedim(1, -1)[outside])


@pytest.mark.parametrize("host", [tiles_of(16), WHOLE], ids=["tiles", "whole"])
@pytest.mark.parametrize("masked", [False, True])
def test_statistics_of_the_pixels_that_count(host: Host, masked: bool) -> None:
    """The operator is fitted to what counts, and applied everywhere."""
    content, counted = picture(112, 40, 2), torch.zeros(1, 112, 40)
    counted[..., :32, :16] = 1
    region = torch.zeros(1, 112, 40) if masked else None
    if region is not None:
        region[..., 8:104, :] = 1
    own = counted if region is None else counted * region
    space = NETWORK.space("relu3_1")
    features = NETWORK.encode(content, space.level)
    weights = cell_weights(own, (features.values.shape[-2], features.values.shape[-1]), space.stride)
    (step,) = (method := AdaIN()).steps(NETWORK, [space.level])
    source = picture(40, 33, seed=5)
    style = method.learn(NETWORK, step, Moments.of(NETWORK.encode(source, space.level).values))
    operator = method.fit(NETWORK, step, Moments.of(features.values, weights), style)
    expected = NETWORK.decode(features.with_values(operator(features.values)), step.decoder).clamp(0, 1)
    strengths = {space.level: 1.0}
    found = render(
        NETWORK, method, content, [Style(source, region=region)], strengths=strengths, host=host, counted=counted
    )
    edge = 8 + 2 * space.margin if masked else 0  # further in, a region's edge is not seen
    assert 2 * edge < 112
    assert_close(found[..., edge : 112 - edge, :], expected[..., edge : 112 - edge, :])
