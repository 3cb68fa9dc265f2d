"""EFDM: ranks decide, equal values share, and tiles add up."""

import torch

from brushwork.tests.laws import features, soft_mask
from brushwork.tests.tolerances import assert_close
from brushwork.transfer.efdm import efdm
from brushwork.transfer.operators import LookupMap
from brushwork.transfer.quantiles import MAX_CELLS, Quantiles, lattice


def fitted(content: torch.Tensor, style: torch.Tensor) -> LookupMap:
    return efdm(Quantiles.of(content), Quantiles.of(style))


def test_of_two_maps_of_one_size_the_sorted_values_are_the_styles() -> None:
    content, style = features((2, 3, 8, 8)), features((2, 3, 8, 8), seed=1)
    result = fitted(content, style)(content)
    assert_close(result.flatten(2).sort(-1).values, style.flatten(2).sort(-1).values)
    assert torch.equal(result.flatten(2).argsort(-1), content.flatten(2).argsort(-1))


def test_equal_values_share_the_mean_of_their_ranks() -> None:
    content = torch.tensor([0.0, 0.0, 0.0, 5.0]).view(1, 1, 2, 2)
    style = torch.tensor([1.0, 2.0, 6.0, 9.0]).view(1, 1, 2, 2)
    assert_close(fitted(content, style)(content).flatten(), torch.tensor([3.0, 3.0, 3.0, 9.0]))


def test_after_a_relu_the_picture_does_not_drift() -> None:
    """A third of zeros: they stay alike from top to bottom, and the style's mean is reached."""
    content, style = features((1, 4, 40, 30)).relu(), features((1, 4, 25, 31), seed=1).relu() + 1
    result = fitted(content, style)(content)
    assert all(len(channel[at].unique()) == 1 for channel, at in zip(result[0], content[0] == 0, strict=True))
    assert_close(result.mean((2, 3)), style.mean((2, 3)))


def test_a_style_by_itself_changes_nothing() -> None:
    content = features((2, 3, 7, 5)).relu()
    assert_close(fitted(content, content)(content), content)


def test_values_without_weight_have_their_place_in_the_table() -> None:
    """Else what lies between two knots, one of them of no weight, would become the content's own value again."""
    content, style = features((1, 3, 16, 16)), features((1, 3, 16, 16), seed=1) * 3 + 10
    weights = (torch.arange(16).view(1, 1, 1, 16) < 8).expand(1, 1, 16, 16).float()
    table = efdm(Quantiles.of(content, weights), Quantiles.of(style)).values
    assert (table.diff(dim=-1) >= 0).all() and (table >= style.amin((2, 3))[..., None]).all()


def test_parts_add_up_in_any_order() -> None:
    content, style, weights = features((1, 3, 8, 9)), features((1, 3, 6, 6), seed=1), soft_mask((1, 1, 8, 9))
    top, bottom = (Quantiles.of(content[:, :, rows], weights[:, :, rows]) for rows in (slice(0, 3), slice(3, 8)))
    whole, target = Quantiles.of(content, weights), Quantiles.of(style)
    for parts in (top.merge(bottom), bottom.merge(top)):
        assert_close(efdm(parts, target)(content), efdm(whole, target)(content))


def test_an_operator_is_a_value() -> None:
    content, styles = features((1, 3, 8, 8)), [features((1, 3, 8, 8), seed=seed) for seed in (1, 2)]
    one, other = (fitted(content, style) for style in styles)
    assert_close(one.blend(0.3)(content), 0.3 * one(content) + 0.7 * content)
    assert_close(LookupMap.mix([one, other], [1, 3])(content), (one(content) + 3 * other(content)) / 4)


def test_a_map_keeps_all_values_up_to_a_size_and_an_even_lattice_beyond() -> None:
    assert [lattice(cells) for cells in (1, MAX_CELLS, MAX_CELLS + 1, 4 * MAX_CELLS, 4 * MAX_CELLS + 1)] == [
        1,
        1,
        2,
        2,
        3,
    ]
