"""The nodes for everyone's first picture: right by default, and the same as `render` by hand."""

import pytest
import torch
from torch import Tensor

from brushwork.methods import METHODS
from brushwork.methods.protocol import Style
from brushwork.methods.render import render
from brushwork.models.registry import load_network
from brushwork.nodes.entry import METHOD_NAMES, PaintedStyle
from brushwork.samples import load_sample
from brushwork.tests.frozen.make_values import STYLES
from brushwork.tests.nodes.stand_ins import bank, call, pictures, tiny
from brushwork.tests.tolerances import VISIBLE
from brushwork.transfer.colour import keep_luminance, match_colours
from brushwork.transfer.resize import to_longer_side

NAME = "monet parasol"
CONTENT, STYLE = (to_longer_side(load_sample(name), 64).movedim(1, -1) for name in ("coffee", "hubble"))


def alike(one: Tensor, other: Tensor) -> bool:
    return -10 * (one - other).square().mean().clamp(min=1e-12).log10().item() > VISIBLE


def transferred(**inputs: object) -> Tensor:
    return call("BrushworkStyleTransfer", **{"content": CONTENT, "style": STYLE, **inputs})


@pytest.mark.parametrize("method", METHOD_NAMES)
def test_two_wires_paint_as_the_methods_paper_does(method: str) -> None:
    chosen = METHODS[method]
    network, (content, style) = load_network(chosen.network), (each.movedim(-1, 1) for each in (CONTENT, STYLE))
    expected = render(network, chosen, content, [Style(to_longer_side(style, 64))]).movedim(1, -1)
    assert alike(transferred(method=method), expected)
    assert not alike(expected, CONTENT)


def test_every_method_is_in_one_of_the_two() -> None:
    assert {*METHOD_NAMES, "stylebank"} == set(METHODS)


@pytest.mark.parametrize("node", ["BrushworkStyleTransfer", "BrushworkPaintedStyle"])
def test_no_strength_is_the_content_and_black_keeps_it(node: str) -> None:
    given = {"content": CONTENT, "style": STYLE if node == "BrushworkStyleTransfer" else "munch scream"}
    assert torch.equal(call(node, **given, strength=0.0), CONTENT)
    mask = torch.zeros(1, *CONTENT.shape[1:3])
    mask[:, :, 32:] = 1
    painted = call(node, **given, mask=mask)
    assert torch.equal(painted[:, :, :32], CONTENT[:, :, :32])
    assert not alike(painted[:, :, 42:], CONTENT[:, :, 42:])


def test_a_style_goes_with_one_content_or_many() -> None:
    styles, contents = torch.cat([STYLE, STYLE.flip(1), 0.5 * STYLE]), torch.cat([CONTENT, CONTENT.flip(2)])
    each = transferred(style=styles)
    assert each.shape == (3, *CONTENT.shape[1:])
    assert alike(each[1:2], transferred(style=styles[1:2]))
    assert alike(transferred(content=contents)[1:], transferred(content=contents[1:]))
    pairs = transferred(content=contents, style=styles[:2])
    assert alike(pairs[1:], transferred(content=contents[1:], style=styles[1:2]))
    with pytest.raises(ValueError, match="2 content images cannot be paired with 3 style images"):
        transferred(content=contents, style=styles)


@pytest.mark.parametrize("node", ["BrushworkStyleTransfer", "BrushworkPaintedStyle"])
def test_sizes(node: str) -> None:
    given = {"content": CONTENT, "style": STYLE if node == "BrushworkStyleTransfer" else "munch scream"}
    assert call(node, **given, size=32).shape == (1, 22, 32, 3)
    for size in (0, 64, 4096):  # never enlarged
        assert call(node, **given, size=size).shape == CONTENT.shape


def test_strokes_grow_with_the_style() -> None:
    assert not alike(transferred(stroke_size=2.0), transferred())
    large = to_longer_side(STYLE.movedim(-1, 1), 200).movedim(1, -1)
    given = {"network": call("BrushworkLoadStyleNetwork", name="compact"), "method": "adain"}
    assert alike(transferred(style=large, **given), transferred(**given))  # whatever the file's size
    with pytest.raises(ValueError, match="use a smaller stroke_size"):
        transferred(content=CONTENT[:, :1, :1].expand(1, 1, 16384, 3), stroke_size=4.0, size=0)


def test_colours_of_the_content() -> None:
    content, style = CONTENT * torch.tensor([1.0, 0.3, 0.1]), STYLE.movedim(-1, 1)
    colours = content.movedim(-1, 1)
    for given in ({"node": "BrushworkStyleTransfer", "style": STYLE}, {"node": "BrushworkPaintedStyle", "style": NAME}):
        plain = call(given["node"], style=given["style"], content=content).movedim(-1, 1)
        node, own = given["node"], {"style": given["style"], "content": content}
        by_pixel = call(node, **own, keep_colors="luminance").movedim(-1, 1)
        assert alike(by_pixel, keep_luminance(plain, colours).clamp(0, 1))
        as_a_whole = call(given["node"], style=given["style"], content=content, keep_colors="colour matching").movedim(
            -1, 1
        )
        if isinstance(given["style"], str):
            assert alike(as_a_whole, match_colours(plain, colours).clamp(0, 1))
        else:
            matched = match_colours(style, colours).clamp(0, 1).movedim(1, -1)
            assert alike(as_a_whole, transferred(content=content, style=matched).movedim(-1, 1))


def test_two_styles_of_a_bank_by_share() -> None:
    network, content = bank("a", "b"), pictures()

    def painted(share: float, style: str = "a", second_style: str = "b") -> Tensor:
        given = {"network": network, "content": content, "second_style": second_style, "share": share}
        return call("BrushworkPaintedStyle", **given, style=style)

    assert torch.equal(painted(0.0), painted(0.7, second_style="none"))
    assert torch.equal(painted(1.0), painted(0.0, style="b"))
    assert alike(painted(0.5), painted(0.5, "b", "a")) and not alike(painted(0.5), painted(0.0))
    assert torch.equal(painted(0.5, second_style="a"), painted(0.0))
    with pytest.raises(ValueError, match="no style 'z': choose one of a, b"):
        painted(0.0, style="z")


def test_a_network_of_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="has no CoMatch layer: load an MSG-Net"):
        transferred(method="msgnet", network=tiny())
    with pytest.raises(ValueError, match="has no bank of styles: load a StyleBank"):
        call("BrushworkPaintedStyle", content=CONTENT, style="a", network=tiny())


def test_styles_that_no_list_knows_are_for_the_bank_to_name() -> None:
    assert PaintedStyle.VALIDATE_INPUTS("learnt yesterday", "none") is True


def test_a_style_that_was_taught_is_in_the_list_and_paints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRUSHWORK_WEIGHTS", str(STYLES))
    names, options = PaintedStyle.INPUT_TYPES()["required"]["style"]
    assert "frozen" in names and options["default"] == "van gogh starry night"
    painted = call("BrushworkPaintedStyle", content=CONTENT, style="frozen")
    assert not alike(painted, CONTENT) and not alike(
        painted, call("BrushworkPaintedStyle", content=CONTENT, style=NAME)
    )


@pytest.mark.parametrize("how", ["luminance", "colour matching"])
@pytest.mark.parametrize("node", ["BrushworkStyleTransfer", "BrushworkPaintedStyle"])
def test_with_kept_colours_a_mask_keeps_the_content(node: str, how: str) -> None:
    content = CONTENT * torch.tensor([1.0, 0.3, 0.1])
    given = {"content": content, "style": STYLE if node == "BrushworkStyleTransfer" else NAME, "keep_colors": how}
    mask = torch.zeros(1, *CONTENT.shape[1:3])
    mask[:, :, 32:] = 1
    painted = call(node, **given, mask=mask)
    assert torch.equal(painted[:, :, :32], content[:, :, :32])
    if node == "BrushworkPaintedStyle" and how == "colour matching":
        assert (painted[:, :, 32:].mean((1, 2)) - content[:, :, 32:].mean((1, 2))).abs().max() < 0.02
    assert torch.equal(call(node, **given, mask=0 * mask), content)


def test_each_content_keeps_its_own_colours() -> None:
    contents = torch.cat([CONTENT, CONTENT * torch.tensor([1.0, 0.3, 0.1])])
    both = transferred(content=contents, keep_colors="colour matching")
    assert alike(both[1:], transferred(content=contents[1:], keep_colors="colour matching"))
    half = torch.zeros(1, *STYLE.shape[1:3])
    half[:, :, 20:] = 1
    cut = match_colours(STYLE.movedim(-1, 1), CONTENT.movedim(-1, 1), half).clamp(0, 1).movedim(1, -1)
    own = transferred(style_mask=half, keep_colors="colour matching")
    assert alike(own, transferred(style=cut, style_mask=half))
