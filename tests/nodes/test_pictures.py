"""The nodes that work on pictures alone, and the two that sum a batch up."""

import pytest
import torch
from torch import Tensor

from brushwork.samples import sample_names
from brushwork.tests.nodes.stand_ins import call, pictures, tiny
from brushwork.tests.tolerances import assert_close


def mild(batch: int = 1, seed: int = 0) -> Tensor:
    """Pictures of soft colours, which stay inside 0..1 whatever is done to them here."""
    return 0.4 + 0.2 * pictures(batch, seed=seed)


def lightness(image: Tensor) -> Tensor:
    from kornia.color import rgb_to_lab

    return rgb_to_lab(image.movedim(-1, 1))[:, 0]


def test_luminance_keeps_the_painting_and_takes_the_hue() -> None:
    stylised, content = mild(2), mild(2, seed=5)
    result = call("BrushworkPreserveColor", stylised=stylised, content=content, how="luminance")
    assert (lightness(result) - lightness(stylised)).abs().max() < 0.1  # of 100
    grey = call("BrushworkPreserveColor", stylised=stylised, content=content.mean(-1, keepdim=True))
    assert (grey.amax(-1) - grey.amin(-1)).max() < 0.01


def test_colour_matching_takes_mean_and_covariance() -> None:
    stylised, content = mild(2), mild(1, seed=5)[:, :9]
    result = call("BrushworkPreserveColor", stylised=stylised, content=content, how="colour matching")
    target = content.flatten(1, 2)[0]
    for pixels in result.flatten(1, 2):
        assert_close(pixels.mean(0), target.mean(0))
        assert_close(pixels.T.cov(), target.T.cov())


@pytest.mark.parametrize("how", ["luminance", "colour matching"])
def test_one_picture_in_the_colours_of_several(how: str) -> None:
    contents = torch.cat([mild(1, seed=5), 0.5 * mild(1, seed=6)])
    both = call("BrushworkPreserveColor", stylised=mild(1), content=contents, how=how)
    assert_close(both[1:], call("BrushworkPreserveColor", stylised=mild(1), content=contents[1:], how=how))
    with pytest.raises(ValueError, match="3 content images cannot be paired with 2 style images"):
        call("BrushworkPreserveColor", stylised=mild(3), content=contents, how=how)


@pytest.mark.parametrize("how", ["luminance", "colour matching"])
def test_own_colours_change_nothing(how: str) -> None:
    result = call("BrushworkPreserveColor", stylised=mild(2), content=mild(2), how=how)
    assert (result - mild(2)).abs().max() < 1 / 255


@pytest.mark.parametrize(("scale", "size"), [(1.0, (17, 22)), (2.0, (34, 44)), (0.5, (8, 11)), (0.05, (1, 1))])
def test_brush_size(scale: float, size: tuple[int, int]) -> None:
    assert call("BrushworkBrushSize", style=pictures(2), scale=scale).shape == (2, *size, 3)
    plain = call("BrushworkBrushSize", style=torch.full((1, 9, 9, 3), 0.3), scale=scale)
    assert_close(plain, torch.full_like(plain, 0.3))


def test_texture_noise_is_its_seed() -> None:
    noise = call("BrushworkTextureNoise", width=64, height=32, seed=7)
    assert noise.shape == (1, 32, 64, 3) and noise.dtype == torch.float32
    assert torch.equal(noise, call("BrushworkTextureNoise", width=64, height=32, seed=7))
    assert not torch.equal(noise, call("BrushworkTextureNoise", width=64, height=32, seed=8))
    assert 0 <= noise.min() < 0.01 and 0.99 < noise.max() <= 1
    assert call("BrushworkTextureNoise", width=1, height=1, seed=0xFFFFFFFFFFFFFFFF).shape == (1, 1, 1, 3)


def test_every_sample_is_a_picture() -> None:
    for name in sample_names():
        image = call("BrushworkSamplePicture", name=name)
        assert image.shape[0] == 1 and image.shape[-1] == 3 and image.is_contiguous()


def sheet(count: int, **options: object) -> Tensor:
    """The sheet of `count` white pictures of 64 pixels."""
    return call("BrushworkContactSheet", image_1=torch.ones(count, 64, 64, 3), side=64, **options)


@pytest.mark.parametrize(
    ("count", "columns", "grid"), [(1, 0, (1, 1)), (4, 0, (2, 2)), (5, 0, (2, 3)), (5, 1, (5, 1)), (3, 12, (1, 3))]
)
def test_sheet_of_rows_and_columns(count: int, columns: int, grid: tuple[int, int]) -> None:
    gap = 2
    assert sheet(count, columns=columns).shape == (1, grid[0] * (64 + gap) + gap, grid[1] * (64 + gap) + gap, 3)


def test_a_batch_takes_one_place_a_picture_in_the_order_of_the_slots() -> None:
    shades = {f"image_{slot}": torch.full((1, 8, 8, 3), slot / 20) for slot in (12, 2, 10)}
    first = torch.stack([torch.full((8, 8, 3), shade) for shade in (0.0, 1.0)])
    result = call("BrushworkContactSheet", image_1=first, side=64, columns=5, **shades)
    middles = result[0, 34, 34::66, 0]
    assert_close(middles, torch.tensor([0.0, 1.0, 0.1, 0.5, 0.6]))


def test_labels_stand_under_their_pictures() -> None:
    bare, labelled = sheet(2, columns=2), sheet(2, columns=2, labels="\nsecond")
    line = labelled.shape[1] - bare.shape[1]
    assert line == 6
    text = labelled[0, 66 : 66 + line]
    assert text[:, :66].min() > 0.9 > text[:, 66:].min()
    assert torch.equal(sheet(2, columns=2, labels="a\nb\nno picture"), sheet(2, columns=2, labels="a\nb"))


def test_report_of_the_content_and_of_the_style_itself() -> None:
    network, content, style = tiny(), pictures(), pictures(seed=5)
    away, painted, chart = call("BrushworkStyleReport", network=network, content=content, style=style, result=content)
    assert away == 0 and painted > 0
    assert chart.shape[0] == 1 and chart.shape[-1] == 3 and 0 <= chart.min() < chart.max() <= 1
    away, painted, _ = call("BrushworkStyleReport", network=network, content=content, style=style, result=style)
    assert away > 0 and painted == pytest.approx(0, abs=1e-6)


def test_a_report_of_batches_that_do_not_pair() -> None:
    given = {"network": tiny(), "content": pictures(2), "result": pictures(2), "style": pictures(3)}
    with pytest.raises(ValueError, match="2 content images cannot be paired with 3 style images"):
        call("BrushworkStyleReport", **given)


def test_report_of_a_batch_is_the_mean() -> None:
    network, style = tiny(), pictures(seed=5)
    contents, results = pictures(2), pictures(2, seed=3)
    both = call("BrushworkStyleReport", network=network, content=contents, style=style, result=results)[:2]
    single = [
        call(
            "BrushworkStyleReport", network=network, content=contents[i : i + 1], style=style, result=results[i : i + 1]
        )
        for i in range(2)
    ]
    assert both == pytest.approx([sum(each[k] for each in single) / 2 for k in range(2)], rel=1e-4)


def test_a_picture_of_ones_own_takes_the_samples_place() -> None:
    own = pictures(2)
    assert torch.equal(call("BrushworkSamplePicture", name="coffee", image=own), own)
    assert call("BrushworkSamplePicture", name="coffee").shape == (1, 400, 600, 3)
