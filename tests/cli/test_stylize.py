"""`stylize` paints by every method and option as `render` does, and keeps the content's size."""

from dataclasses import fields, replace
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from brushwork.cli.app import from_dataclass
from brushwork.cli.order import Stylization
from brushwork.cli.painter import Painter
from brushwork.cli.stylize import stylize
from brushwork.media.images import load_picture, read_picture, write_picture
from brushwork.methods import DEFAULT, METHODS, api
from brushwork.methods.render import render
from brushwork.models.networks.base import ADAIN, RECONSTRUCTION, StyleNetwork
from brushwork.models.registry import build_network
from brushwork.models.weights.manifest import read_manifest
from brushwork.samples import load_sample
from brushwork.tests.tolerances import VISIBLE
from brushwork.transfer.colour import keep_luminance, match_colours
from brushwork.transfer.masks import fill_hidden
from brushwork.transfer.resize import to_longer_side

BANK = read_manifest().network("stylebank").styles
ONE = {method: {} if method == "stylebank" else {"style": ["hubble"]} for method in METHODS}
TWO = {
    method: {"style_name": list(BANK[:2])} if method == "stylebank" else {"style": ["hubble", "tissue"]}
    for method in METHODS
}
every_method = pytest.mark.parametrize("method", METHODS)


def painted(content: Tensor, **options: Any) -> Tensor:  # noqa: ANN401
    """What the order paints, with the networks that are built in."""
    return Painter(order(**options)).paint(content)


def order(**options: Any) -> Stylization:  # noqa: ANN401
    return Stylization(**{"content": "chelsea", "output": Path("o.png"), **options})


def alike(one: Tensor, other: Tensor) -> bool:
    """Whether no person sees a difference."""
    return -10 * (one - other).square().mean().clamp(min=1e-12).log10().item() > VISIBLE


def small() -> Tensor:
    return to_longer_side(load_sample("chelsea"), 48)


@pytest.fixture
def untrained(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks with random weights instead of published ones."""

    def build(name: str, **_: object) -> StyleNetwork:
        torch.manual_seed(0)
        return build_network(read_manifest().network(name)).eval().requires_grad_(False)

    monkeypatch.setattr(api, "load_network", build)


@pytest.fixture
def content(tmp_path: Path) -> Path:
    write_picture(tmp_path / "in" / "a.png", torch.rand(17, 31, 3))
    return tmp_path / "in" / "a.png"


@every_method
def test_several_styles_are_mixed_by_weight(method: str) -> None:
    content, options = small(), {"method": method, **TWO[method]}
    kind = "style_name" if method == "stylebank" else "style"
    first, second = ({**options, kind: options[kind][n : n + 1]} for n in (0, 1))
    assert alike(painted(content, **options, weight=[1, 0]), painted(content, **first))
    assert alike(painted(content, **options, weight=[0, 3]), painted(content, **second))
    assert not alike(painted(content, **options, weight=[1, 3]), painted(content, **second))


@every_method
@pytest.mark.parametrize("styles", [ONE, TWO], ids=["one", "two"])
def test_outside_the_mask_the_content_stays(method: str, styles: dict[str, Any], tmp_path: Path) -> None:
    mask = torch.zeros(24, 48, 3)
    mask[:, 32:] = 1
    write_picture(tmp_path / "mask.png", mask)
    content, options = small(), {"method": method, **styles[method]}
    result = painted(content, mask=tmp_path / "mask.png", **options)
    assert torch.equal(result[..., :8], content[..., :8])
    assert not alike(result[..., 40:], content[..., 40:])


@every_method
def test_colours_are_the_contents(method: str) -> None:
    content, options = small(), {"method": method, **ONE[method]}
    plain = painted(content, **options)
    assert alike(painted(content, preserve_color="luminance", **options), keep_luminance(plain, content).clamp(0, 1))
    matched = painted(content, preserve_color="matching", **options)
    if method == "stylebank":  # whose style has no picture to match
        assert alike(matched, match_colours(plain, content).clamp(0, 1))
    else:
        style = match_colours(load_sample("hubble"), content).clamp(0, 1)
        network, chosen, _ = api.prepared(method)
        assert alike(matched, render(network, chosen, content, [api.Style(style)]))


def test_the_sizes_of_style_and_content() -> None:
    content = small()
    assert painted(content, max_size=16, style=["hubble"]).shape == (1, 3, 11, 16)
    network, chosen, _ = api.prepared(DEFAULT)
    style = to_longer_side(load_sample("hubble"), 64)
    assert alike(
        painted(content, style_size=64, style=["hubble"]), render(network, chosen, content, [api.Style(style)])
    )


def test_levels_and_strength_are_the_methods_unless_given() -> None:
    content, style = small(), ["hubble"]
    network, wct, _ = api.prepared("wct")
    styles = [api.Style(load_sample("hubble"))]
    cascade = {f"relu{k}_1": 0.8 for k in (4, 3, 2, 1)}
    assert alike(painted(content, method="wct", style=style), render(network, wct, content, styles, strengths=cascade))
    chosen = {"relu4_1": 1.0, "relu2_1": 1.0}
    two = painted(content, method="wct", style=style, levels="relu4_1, relu2_1", alpha=1)
    assert alike(two, render(network, wct, content, styles, strengths=chosen))
    assert torch.equal(painted(content, style=style, alpha=0), content)


def test_adains_own_decoder_is_used_where_there_is_one() -> None:
    for name, level, decoder in (
        ("compact", "relu4_1", ADAIN),
        ("compact", "relu3_1", RECONSTRUCTION),
        ("vgg19-adain", "relu4_1", ADAIN),
        ("small16x", "relu4_1", ADAIN),
        ("small16x", "relu3_1", RECONSTRUCTION),
        ("vgg19", "relu4_1", RECONSTRUCTION),
    ):
        with torch.device("meta"):
            network = build_network(read_manifest().network(name))
        assert [step.decoder for step in METHODS["adain"].steps(network, [level])] == [decoder]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "^wct needs a style: give a picture or one of .* as --style$"),
        ({"method": "stylebank", "style": ["hubble"]}, "^stylebank takes its styles as --style-name$"),
        ({"style_name": ["x"]}, "^wct takes its styles as --style$"),
        ({"style": ["hubble"] * 5}, "^5 styles were given: give at most 4$"),
        ({"style": ["hubble"], "weight": [-1]}, "cannot be mixed: each must be 0 or more"),
        ({"style": ["hubble"], "weight": [1, 2]}, "^there are 1 styles, but weights for 2: give one for each$"),
        ({"style": ["nix"]}, "^there is no picture nix; the samples are astronaut, "),
        ({"content": "nix.png", "style": ["hubble"]}, r"^there is no picture nix\.png; the samples are "),
        ({"style": ["hubble"], "alpha": 1.5}, r"^the strength is 1.5: give one from 0 to 1\.$"),
        ({"style": ["hubble"], "levels": "relu9"}, "^this network has no level 'relu9': choose one of relu1_1"),
        ({"style": ["hubble"], "output": Path("o.bmp")}, r"^a picture cannot be saved as '\.bmp'"),
        ({"method": "stylebank", "network": "vgg19"}, "^vgg19 is no network for stylebank: choose one of stylebank"),
        ({"style": ["hubble"], "network": "nix"}, "there is no network 'nix'"),
    ],
)
@pytest.mark.usefixtures("untrained")
def test_what_is_wrong_is_said(options: dict[str, Any], message: str) -> None:
    with pytest.raises((ValueError, FileNotFoundError, RuntimeError), match=message):
        stylize(order(**options))
    assert not Path("o.png").exists()


@pytest.mark.usefixtures("untrained")
def test_an_output_folder_that_is_a_file(content: Path) -> None:
    with pytest.raises(OSError, match="is a file: choose another$"):
        stylize(order(style=["hubble"], output=content / "o.png"))


@every_method
@pytest.mark.usefixtures("untrained")
def test_the_output_has_the_contents_size(method: str, content: Path, tmp_path: Path) -> None:
    output = tmp_path / "out" / "b.webp"
    assert stylize(order(content=str(content), output=output, method=method, **ONE[method])) == [output]
    assert read_picture(output)[0].shape == (1, 17, 31, 3)


@pytest.mark.parametrize("ending", [".webp", ".jpg"])
def test_what_a_format_cannot_hold_is_said_before_anything_is_painted(
    ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_picture(tmp_path / "long.png", torch.rand(1, 65501, 3))
    one = order(content=str(tmp_path / "long.png"), output=tmp_path / f"o{ending}", style=["hubble"], method="adain")
    monkeypatch.setattr(Painter, "paint", lambda *_, **__: pytest.fail("painted"))
    with pytest.raises((ValueError, RuntimeError), match=r"a side of 65501 pixels cannot be saved as .*: end the name"):
        stylize(one)
    monkeypatch.setattr(Painter, "paint", lambda *_, **__: torch.zeros(1, 3, 1, 16000))
    assert stylize(replace(one, max_size=16000))


@pytest.mark.usefixtures("untrained")
def test_a_folder_of_contents(content: Path, tmp_path: Path) -> None:
    write_picture(content.with_name("b.jpg"), torch.rand(9, 5, 3))
    files = stylize(Stylization(content=str(content.parent), output=tmp_path / "out", style=["hubble"], max_size=20))
    assert [file.name for file in files] == ["a.png", "b.png"]
    assert [tuple(read_picture(file)[0].shape[1:3]) for file in files] == [(11, 20), (9, 5)]


@pytest.mark.usefixtures("untrained")
def test_an_output_that_is_a_folder_takes_the_contents_name(content: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    one = Stylization(content=str(content), output=tmp_path / "out", style=["hubble"])
    assert stylize(one) == [tmp_path / "out" / "a.png"]


def test_a_folder_cannot_become_one_file(content: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^the content is a folder, so the output .*x\.png has to be one: leave"):
        stylize(Stylization(content=str(content.parent), output=tmp_path / "x.png", style=["hubble"]))


@pytest.mark.parametrize("role", ["content", "style", "mask"])
def test_no_source_is_overwritten(role: str, content: Path) -> None:
    sources: dict[str, Any] = {"content": "chelsea", "style": ["hubble"], "mask": None}
    sources[role] = {"content": str(content), "style": [str(content)], "mask": content}[role]
    with pytest.raises(ValueError, match=r"^the output .*a\.png would replace a picture or video that it is made from"):
        stylize(Stylization(output=content, **sources))


def test_the_command_line_has_the_fields_and_defaults_of_the_order() -> None:
    command = signature(from_dataclass(stylize, Stylization)).parameters
    assert {name: parameter.default for name, parameter in command.items()} == {
        field: parameter.default for field, parameter in signature(Stylization).parameters.items()
    }
    assert list(command) == [field.name for field in fields(Stylization)]


def cut_out(path: Path, hidden: float) -> Path:
    """A disc of a sample, with some colour hidden around."""
    image = small()[0].movedim(0, -1)
    rows, columns = torch.meshgrid(*(torch.linspace(-1, 1, side) for side in image.shape[:2]), indexing="ij")
    alpha = (rows.square() + columns.square() < 0.5).float()
    write_picture(path, torch.where(alpha[..., None] > 0, image, hidden * torch.rand_like(image)), alpha)
    return path


@every_method
def test_hidden_colours_have_no_effect_and_transparency_stays(method: str, tmp_path: Path) -> None:
    results: list[Tensor] = []
    for hidden in (0.0, 1.0):
        content = cut_out(tmp_path / "a.png", hidden)
        (made,) = stylize(order(content=str(content), output=tmp_path / "o.png", method=method, **ONE[method]))
        picture = load_picture(Path(made))
        assert picture.alpha is not None and torch.equal(picture.alpha, load_picture(content).alpha)
        results.append(picture.image)
    assert torch.equal(*results)


@pytest.mark.parametrize("preserve", ["none", "matching"])
def test_statistics_are_those_of_what_shows(preserve: str) -> None:
    content, alpha = small(), torch.zeros(1, 32, 48)
    alpha[..., :20] = 1
    filled = fill_hidden(content, alpha)
    network, chosen, _ = api.prepared(DEFAULT)
    style = load_sample("hubble")
    if preserve == "matching":
        style = match_colours(style, filled, None, alpha).clamp(0, 1)
    expected = render(network, chosen, filled, [api.Style(style)], counted=alpha)
    found = Painter(order(style=["hubble"], preserve_color=preserve)).paint(content, alpha=alpha)
    assert alike(found, expected)
    assert not alike(found, render(network, chosen, filled, [api.Style(style)]))


def test_all_hidden_is_a_picture_too(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png", torch.rand(9, 9, 3), torch.zeros(9, 9))
    (made,) = stylize(order(content=str(tmp_path / "a.png"), output=tmp_path / "o.png", style=["hubble"]))
    picture = load_picture(Path(made))
    assert picture.alpha is not None and not picture.alpha.any()


@pytest.mark.parametrize("method", ["adain", "wct", "msgnet"])
def test_hidden_colours_of_a_style(method: str, tmp_path: Path) -> None:
    one, other = (
        painted(small(), method=method, style=[str(cut_out(tmp_path / f"{hidden}.png", hidden))], style_size=64)
        for hidden in (0.0, 1.0)
    )
    assert torch.equal(one, other)


def test_a_style_that_shows_nothing(tmp_path: Path) -> None:
    write_picture(tmp_path / "s.png", torch.rand(9, 9, 3), torch.zeros(9, 9))
    with pytest.raises(ValueError, match=r"^the style .*s\.png is transparent all over: give one that shows"):
        Painter(order(style=[str(tmp_path / "s.png")]))


def test_a_mask_is_what_is_white_and_shows(tmp_path: Path) -> None:
    """White that is hidden restyles nothing."""
    content, alpha = small(), torch.zeros(24, 48)
    alpha[:, 32:] = 1
    write_picture(tmp_path / "hidden.png", torch.ones(24, 48, 3), alpha)
    write_picture(tmp_path / "plain.png", alpha[..., None].expand(-1, -1, 3))
    one, other = (painted(content, style=["hubble"], mask=tmp_path / f"{name}.png") for name in ("hidden", "plain"))
    assert torch.equal(one, other)
    assert torch.equal(one[..., :8], content[..., :8])


def test_a_smaller_output_has_a_smaller_alpha(tmp_path: Path) -> None:
    content = cut_out(tmp_path / "a.png", 1)
    (made,) = stylize(order(content=str(content), output=tmp_path / "o.webp", style=["hubble"], max_size=20))
    picture = load_picture(Path(made))
    assert picture.alpha is not None and picture.alpha.shape[-1] == 20
