"""`stylize` draws sound graphs of the real nodes for every method and option, and keeps the content's size."""

from dataclasses import fields
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
import torch

from brushwork.cli.app import from_dataclass
from brushwork.cli.stylize import METHODS, LongerSide, Stylization, stylize, stylize_graph
from brushwork.media.images import read_picture, write_picture
from brushwork.models.networks.base import StyleNetwork
from brushwork.models.registry import build_network
from brushwork.models.weights.manifest import read_manifest
from brushwork.nodes import networks as network_nodes
from brushwork.runner.check import checked
from brushwork.runner.core_nodes import all_nodes, all_titles
from brushwork.runner.graph import Graph, WorkflowError
from brushwork.runner.run import INPUT_FOLDER, SAVER, Saver

NODES = {**all_nodes(), "LongerSide": LongerSide}
ONE = {"adain": {"style": ["hubble"]}, "wct": {"style": ["hubble"]}, "msgnet": {"style": ["hubble"]}, "stylebank": {}}
OPTIONS: list[dict[str, Any]] = [
    {},
    {"alpha": 0.3},
    {"preserve_color": "luminance"},
    {"preserve_color": "matching"},
    {"style_size": 64},
    {"max_size": 16},
]


def drawn(**options: Any) -> Graph:  # noqa: ANN401
    """The graph of an order, checked against the real nodes."""
    graph = stylize_graph(
        Stylization(**{"content": "chelsea", "output": Path("o.png"), **options}), NODES, all_titles()
    )
    return checked(graph, NODES, {INPUT_FOLDER: Path(), SAVER: Saver(Path())})


def kinds(graph: Graph) -> list[str]:
    return [node.kind.removeprefix("Brushwork") for node in graph.nodes.values()]


@pytest.fixture
def untrained(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks with random weights instead of published ones."""

    def build(name: str, *_: object) -> StyleNetwork:
        with torch.inference_mode(False):
            return build_network(read_manifest().network(name)).eval().requires_grad_(False)

    monkeypatch.setattr(network_nodes, "load_network", build)


@pytest.fixture
def content(tmp_path: Path) -> Path:
    write_picture(tmp_path / "in" / "a.png", torch.rand(17, 31, 3))
    return tmp_path / "in" / "a.png"


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("masked", [False, True])
def test_every_order_is_a_sound_graph(method: str, options: dict[str, Any], masked: bool, content: Path) -> None:
    graph = drawn(method=method, mask=content if masked else None, **ONE[method], **options)
    assert kinds(graph)[-1] == "SaveImage"
    masks = [name for node in graph.nodes.values() for name in node.inputs if name in ("mask", "content_mask")]
    levels = 5 if method == "wct" else 1
    assert masks == (["content_mask" if method in ("adain", "wct") else "mask"] * levels if masked else [])
    assert kinds(graph).count("PreserveColor") == ("preserve_color" in options)


@pytest.mark.parametrize("method", ["adain", "wct", "msgnet"])
def test_several_styles_are_mixed_by_weight(method: str) -> None:
    graph = drawn(method=method, style=["hubble", "tissue"], weight=[1, 3])
    mix = next(node for node in graph.nodes.values() if node.kind == "BrushworkMixStyles")
    assert (mix.inputs["weight_1"], mix.inputs["weight_2"]) == (1.0, 3.0)


def test_the_bank_fuses_named_styles() -> None:
    names = list(read_manifest().network(METHODS["stylebank"].network).styles[1:3])
    graph = drawn(method="stylebank", style_name=names, weight=[1, 3])
    mix = next(node for node in graph.nodes.values() if node.kind == "BrushworkStyleBankMix").inputs
    assert [mix[f"style_{number}"] for number in range(1, 5)] == [*names, "none", "none"]
    assert [mix[f"weight_{number}"] for number in range(1, 3)] == [1.0, 3.0]


def test_levels_and_alpha_are_the_papers_unless_given() -> None:
    def of(graph: Graph) -> list[tuple[str, float]]:
        return [(node.inputs["level"], node.inputs["alpha"]) for node in graph.nodes.values() if "alpha" in node.inputs]

    cascade = [(f"relu{k}_1", 0.6) for k in (5, 4, 3, 2, 1)]
    assert of(drawn(method="wct", style=["hubble"])) == cascade
    chosen = drawn(method="wct", style=["hubble"], levels="relu4_1, relu2_1", alpha=1)
    assert of(chosen) == [("relu4_1", 1.0), ("relu2_1", 1.0)]


def test_adains_own_decoder_is_used_where_there_is_one() -> None:
    for network, level, purpose in (
        ("compact", "relu4_1", "adain"),
        ("compact", "relu3_1", "reconstruction"),
        ("vgg19-adain", "relu4_1", "adain"),
        ("small16x", "relu4_1", "adain"),
        ("small16x", "relu3_1", "reconstruction"),
        ("vgg19", "relu4_1", "reconstruction"),
    ):
        graph = drawn(style=["hubble"], network=network, levels=level)
        assert [n.inputs["trained_for"] for n in graph.nodes.values() if "trained_for" in n.inputs] == [purpose]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "^adain needs a style: give a picture or one of .* as --style$"),
        ({"method": "stylebank", "style": ["hubble"]}, "^stylebank takes its styles as --style-name$"),
        ({"style_name": ["x"]}, "^adain takes its styles as --style$"),
        ({"style": ["hubble"] * 5}, "^5 styles were given: give at most 4$"),
        ({"style": ["hubble"], "weight": [-1]}, "cannot be mixed: each must be 0 or more"),
        ({"style": ["hubble"], "weight": [1, 2]}, "^there are 1 styles, but weights for 2: give one for each$"),
        ({"style": ["nix"]}, "^there is no picture nix; the samples are astronaut, "),
        ({"content": "nix.png", "style": ["hubble"]}, r"^there is no picture nix\.png; the samples are "),
        ({"style": ["hubble"], "alpha": 1.5}, r"^Blend by Alpha \(node 7\): 'alpha' is 1.5, more than"),
        ({"style": ["hubble"], "levels": "relu9"}, r"^Style Encoder \(node 4\): 'level' has no choice 'relu9'"),
        ({"style": ["hubble"], "output": Path("o.gif")}, r"^Save Image .* cannot be saved as '\.gif'"),
        ({"method": "stylebank", "network": "vgg19"}, "^vgg19 is no network for stylebank: choose one of stylebank"),
        ({"style": ["hubble"], "network": "nix"}, "there is no network 'nix'"),
    ],
)
def test_faults(options: dict[str, Any], message: str) -> None:
    with pytest.raises((ValueError, FileNotFoundError, RuntimeError), match=message):
        drawn(**options)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.usefixtures("untrained")
def test_the_output_has_the_contents_size(method: str, content: Path, tmp_path: Path) -> None:
    output = tmp_path / "out" / "b.webp"
    assert stylize(Stylization(content=str(content), output=output, method=method, **ONE[method])) == [output]  # pyright: ignore[reportArgumentType]
    assert read_picture(output)[0].shape == (1, 17, 31, 3)


@pytest.mark.usefixtures("untrained")
def test_a_folder_of_contents(content: Path, tmp_path: Path) -> None:
    write_picture(content.with_name("b.jpg"), torch.rand(9, 5, 3))
    files = stylize(Stylization(content=str(content.parent), output=tmp_path / "out", style=["hubble"], max_size=20))
    assert [file.name for file in files] == ["a.png", "b.png"]
    assert [tuple(read_picture(file)[0].shape[1:3]) for file in files] == [(11, 20), (9, 5)]


@pytest.mark.usefixtures("untrained")
def test_an_output_that_is_a_folder_takes_the_contents_name(content: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    order = Stylization(content=str(content), output=tmp_path / "out", style=["hubble"])
    assert stylize(order) == [tmp_path / "out" / "a.png"]


def test_a_folder_cannot_become_one_file(content: Path, tmp_path: Path) -> None:
    with pytest.raises(WorkflowError, match=r"^the content is a folder, so the output .*x\.png has to be one: leave"):
        stylize(Stylization(content=str(content.parent), output=tmp_path / "x.png", style=["hubble"]))


@pytest.mark.parametrize("role", ["content", "style", "mask"])
def test_no_source_is_overwritten(role: str, content: Path) -> None:
    sources: dict[str, Any] = {"content": "chelsea", "style": ["hubble"], "mask": None}
    sources[role] = {"content": str(content), "style": [str(content)], "mask": content}[role]
    with pytest.raises(
        WorkflowError, match=r"^the output .*a\.png would replace a picture or video that it is made from"
    ):
        stylize(Stylization(output=content, **sources))


def test_the_command_line_has_the_fields_and_defaults_of_the_order() -> None:
    command = signature(from_dataclass(stylize, Stylization)).parameters
    assert {name: parameter.default for name, parameter in command.items()} == {
        field: parameter.default for field, parameter in signature(Stylization).parameters.items()
    }
    assert list(command) == [field.name for field in fields(Stylization)]
