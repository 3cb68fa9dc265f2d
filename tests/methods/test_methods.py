"""Every method by one protocol: tiles are the whole, and what was learnt of a style is the style."""

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from brushwork.methods import METHODS
from brushwork.methods.protocol import Learnt, Style
from brushwork.methods.render import learn, render
from brushwork.models.networks.base import StyleNetwork
from brushwork.models.networks.msgnet import MsgNet
from brushwork.models.networks.stylebank import StyleBankNetwork
from brushwork.models.networks.vgg import COMPACT, VggNetwork
from brushwork.models.registry import load_network
from brushwork.models.weights.learnt_styles import fingerprint
from brushwork.models.weights.manifest import WeightsError
from brushwork.tests.laws import picture
from brushwork.tests.models.small import KINDS, enlivened
from brushwork.tests.tiling.hosts import CASCADES, backbone_bank, backbone_msgnet, masks, tiles_of
from brushwork.tests.tolerances import SEAM, assert_close


def in_the_papers_layout(network: StyleNetwork) -> StyleNetwork:
    return enlivened(network).eval().requires_grad_(False)


WAYS: dict[str, tuple[str, StyleNetwork]] = {
    **{name: (name, CASCADES[KINDS[0]]) for name in ("adain", "wct", "whitening-colouring", "efdm")},
    "msgnet": ("msgnet", backbone_msgnet()),
    "stylebank": ("stylebank", backbone_bank()),
    "msgnet in the paper's layout": ("msgnet", in_the_papers_layout(MsgNet(4))),
    "stylebank in the paper's layout": ("stylebank", in_the_papers_layout(StyleBankNetwork(("waves",), (4, 6, 8)))),
}
ALL = pytest.mark.parametrize("way", WAYS)
SIZE = 53, 39


def source(method: str, seed: int = 5) -> Tensor | str:
    return picture(40, 33, seed=seed).double() if METHODS[method].style_input == "picture" else "waves"


def test_every_method_is_here() -> None:
    assert {name for name, _ in WAYS.values()} == set(METHODS)


@ALL
@pytest.mark.parametrize("masked", [False, True])
def test_tiles_are_the_whole(way: str, masked: bool) -> None:
    (name, network), content = WAYS[way], picture(*SIZE).double()
    network = network.double()
    try:
        styles = [Style(source(name), region=masks(SIZE) if masked else None), Style(source(name, 6), 2.0)]
        whole = render(network, METHODS[name], content, styles, strengths=0.7)
        tiled = render(network, METHODS[name], content, styles, strengths=0.7, host=tiles_of(16))
        afresh = render(network, METHODS[name], content, styles, strengths=0.7, host=tiles_of(16, budget=0))
    finally:
        network.float()
    assert whole.std() > 0.001
    assert max((tiled - whole).abs().max(), (afresh - whole).abs().max()) < SEAM


@ALL
def test_what_was_learnt_is_the_style(way: str, tmp_path: Path) -> None:
    (name, network), content = WAYS[way], picture(*SIZE)
    style = Style(picture(40, 33, seed=5) if METHODS[name].style_input == "picture" else "waves")
    learnt = learn(network, METHODS[name], style)
    learnt.save(tmp_path / "style.safetensors")
    again = Learnt.load(tmp_path / "style.safetensors")
    expected = render(network, METHODS[name], content, [style])
    for each in (learnt, again):
        assert_close(render(network, METHODS[name], content, [Style(each)]), expected)


@ALL
@pytest.mark.parametrize("precision", [torch.float16, torch.bfloat16])
def test_what_was_learnt_in_another_precision_is_the_style(way: str, precision: torch.dtype) -> None:
    """As on another machine, whose networks compute in what is quick there."""
    (name, network), content = WAYS[way], picture(*SIZE)
    given = picture(40, 33, seed=5) if METHODS[name].style_input == "picture" else "waves"
    expected = render(network, METHODS[name], content, [Style(given)])
    learnt = learn(deepcopy(network).prepare(precision), METHODS[name], Style(given))
    learnt = Learnt(learnt.method, learnt.network, learnt.levels)  # as from a file
    assert_close(render(network, METHODS[name], content, [Style(learnt)]), expected, torch.bfloat16)


def test_a_style_that_another_method_learnt_is_refused() -> None:
    (_, network), content = WAYS["adain"], picture(*SIZE)
    learnt = learn(network, METHODS["adain"], Style(picture(40, 33)))
    with pytest.raises(ValueError, match="learnt by adain with .*, and wct .* was asked: learn it again"):
        render(network, METHODS["wct"], content, [Style(learnt)])


@pytest.mark.parametrize(
    ("name", "changed", "fits"),
    [
        ("compact", "encoder.conv1_1", False),
        ("compact", "decoder.relu1_1", True),
        ("compact-adain", "appended", False),
        ("msgnet", "encoder.conv1_1", False),
        ("msgnet", "decoder", True),
        ("stylebank", "decoder", False),
    ],
)
def test_a_style_that_other_weights_learnt_is_refused(name: str, changed: str, fits: bool, tmp_path: Path) -> None:
    network = load_network(name, dtype=torch.bfloat16)
    method, source = {
        "msgnet": ("msgnet", picture(40, 33)),
        "stylebank": ("stylebank", "picabia udnie"),
    }.get(name, ("adain", picture(40, 33)))
    learn(network, METHODS[method], Style(source)).save(tmp_path / "a.safetensors")
    learnt, content = Style(Learnt.load(tmp_path / "a.safetensors")), picture(*SIZE)
    render(load_network(name), METHODS[method], content, [learnt])
    other = load_network(name)
    other.fingerprint = ""
    render(other, METHODS[method], content, [learnt])  # nothing is known of it
    next(other.get_submodule(changed).parameters()).data.mul_(1.01)
    other.fingerprint = fingerprint(other)
    if fits:
        render(other, METHODS[method], content, [learnt])
    else:
        with pytest.raises(ValueError, match=r"^this style was learnt with other weights of .*: learn it again\.$"):
            render(other, METHODS[method], content, [learnt])


def test_a_file_that_holds_no_style(tmp_path: Path) -> None:
    (tmp_path / "a.safetensors").write_bytes(b"nothing")
    with pytest.raises(WeightsError, match="does not hold a learnt style .*: learn the style again"):
        Learnt.load(tmp_path / "a.safetensors")


STRANGE: dict[str, Callable[[Tensor], Tensor]] = {
    "no numbers": lambda value: value * torch.nan,
    "too large": lambda value: torch.full_like(value, 1e30),
    "of another shape": lambda value: value[None],
    "empty": lambda value: value[:, :0] if value.dim() > 1 else value[:0],
    "of another width": lambda value: value.repeat(*(2,) * value.dim()),
    "complex": lambda value: value.to(torch.complex64),
    "whole numbers": lambda value: value.long(),
    "a number": lambda value: value.sum(),
}


@ALL
@pytest.mark.parametrize("fault", [*STRANGE, "missing", "besides"])
def test_a_file_that_holds_another_style_is_one_sentence(way: str, fault: str, tmp_path: Path) -> None:
    (name, network), path = WAYS[way], tmp_path / "a.safetensors"
    style = Style(picture(40, 33, seed=5) if METHODS[name].style_input == "picture" else "waves")
    learn(network, METHODS[name], style).save(path)
    with safe_open(path, "pt") as file:
        held, about = {key: file.get_tensor(key) for key in file.keys()}, file.metadata()  # noqa: SIM118 - no dict
    for key in held:
        changed = dict(held)
        if fault in STRANGE:
            changed[key] = STRANGE[fault](held[key]).contiguous()
        elif fault == "missing":
            del changed[key]
        else:
            changed[f"{key}.more"] = held[key].clone()
        save_file(changed, path, about)
        with pytest.raises(
            (WeightsError, ValueError), match=r": (learn it|learn the style|give one style).*\.$"
        ) as said:
            render(network, METHODS[name], picture(*SIZE), [Style(Learnt.load(path))])
        assert "\n" not in str(said.value)


@pytest.mark.parametrize("key", ["count", "scatter", "weights"])
def test_no_statistics_are_negative(key: str, tmp_path: Path) -> None:
    name = "efdm" if key == "weights" else "wct"
    network = WAYS[name][1]
    learnt = learn(network, METHODS[name], Style(picture(40, 33, seed=5)))
    levels = {at: {**kept, key: -kept[key]} for at, kept in learnt.levels.items()}
    Learnt(name, learnt.network, levels).save(tmp_path / "a.safetensors")
    with pytest.raises(WeightsError, match=f"^this style of {name} does not hold what the method keeps at relu"):
        render(network, METHODS[name], picture(*SIZE), [Style(Learnt.load(tmp_path / "a.safetensors"))])


def test_a_header_that_names_nothing(tmp_path: Path) -> None:
    for names in ({"method": "adain"}, {"method": "a" * 1000, "network": "x"}, {"method": "adain", "network": "\x1b"}):
        save_file({"relu4_1.mean": torch.zeros(1, 2)}, tmp_path / "a.safetensors", names)
        with pytest.raises(WeightsError, match="does not hold a learnt style .*: learn the style again"):
            Learnt.load(tmp_path / "a.safetensors")


def test_a_style_of_the_wrong_sort() -> None:
    with pytest.raises(ValueError, match="wct takes a style picture: give one"):
        render(WAYS["wct"][1], METHODS["wct"], picture(*SIZE), [Style("waves")])
    with pytest.raises(ValueError, match="stylebank takes a style by its name: give one"):
        render(WAYS["stylebank"][1], METHODS["stylebank"], picture(*SIZE), [Style(picture(9, 9))])


@pytest.mark.parametrize("name", ["msgnet", "stylebank"])
def test_a_network_of_another_kind(name: str) -> None:
    with pytest.raises(ValueError, match="this network has no .*: load a"):
        render(CASCADES[KINDS[0]], METHODS[name], picture(*SIZE), [Style(source(name))])


def test_a_cascade_passes_a_lossy_level_only_where_it_is_asked_to() -> None:
    network, wct = VggNetwork(COMPACT), METHODS["wct"]
    assert network.lossy == ("relu5_1",)
    assert [step.level for step in wct.steps(network)] == ["relu4_1", "relu3_1", "relu2_1", "relu1_1"]
    assert [step.level for step in wct.steps(network, ["relu5_1"])] == ["relu5_1"]
    only = VggNetwork(COMPACT, ["relu5_1"])
    assert [step.level for step in wct.steps(only)] == ["relu5_1"]


@pytest.mark.parametrize("method", ["wct", "whitening-colouring"])
def test_a_cascade_without_decoders_is_one_sentence(method: str) -> None:
    with pytest.raises(ValueError, match=f"^{method} needs reconstruction decoders, and this network has none: load "):
        METHODS[method].steps(load_network("compact-adain"))
