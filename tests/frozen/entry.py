"""Where the tests of this folder enter the package: of all their files only this one's imports change in a move."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from typer.main import get_command

import brushwork.nodes.pictures
from brushwork import NODE_CLASS_MAPPINGS
from brushwork.cli.app import application, main
from brushwork.methods import METHODS
from brushwork.models.networks.base import DECODERS as DECODERS
from brushwork.models.networks.stylebank import StyleBankNetwork
from brushwork.models.registry import build_network, load_network
from brushwork.models.weights.learnt_styles import fingerprint
from brushwork.models.weights.manifest import read_manifest
from brushwork.runner.check import checked
from brushwork.runner.core_nodes import all_nodes, all_titles
from brushwork.runner.formats import read_workflow
from brushwork.runner.graph import Graph
from brushwork.runner.run import INPUT_FOLDER, SAVER, Saver, run_workflow
from brushwork.tests.tiling.hosts import tiles_of
from brushwork.tests.workflows.test_running import small, small_sample
from brushwork.training.recipes import find_recipe, named_fields, with_settings

HERE = Path(__file__).resolve().parent


def frozen(name: str) -> Any:  # noqa: ANN401 - JSON
    """What `name`.json holds."""
    return json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))


def freeze(name: str) -> None:
    """Write `name`.json as test_`name`.py finds it today."""
    facts = import_module(f"brushwork.tests.frozen.test_{name}").today()
    (HERE / f"{name}.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


@contextmanager
def alone(weights: Path | None = None) -> Iterator[None]:
    """Inside, no weights and no learnt styles are at hand but those of the package, and of a folder of `weights`."""
    folder = str(weights or "")
    with patch.dict(os.environ, {"BRUSHWORK_WEIGHTS": folder, "BRUSHWORK_CACHE": "", "BRUSHWORK_OFFLINE": "1"}):
        yield


@contextmanager
def computing_in(dtype: torch.dtype) -> Iterator[None]:
    """Inside, networks are asked to compute in `dtype`, whatever the device is fast in."""
    with (
        patch("brushwork.nodes.networks.compute_dtype", lambda *_: dtype),
        patch("brushwork.methods.api.compute_dtype", lambda *_: dtype),
    ):
        yield


@contextmanager
def in_tiles(side: int) -> Iterator[list[int]]:
    """Inside, no tile is larger than `side` pixels square; yields a list that grows with every tile computed."""
    tiles: list[int] = []
    host = tiles_of(side, progress=lambda done, _: tiles.append(done))
    with patch("brushwork.nodes._host.tiling_host", lambda: host):
        yield tiles


def run(*arguments: str) -> None:
    """The command line with these arguments, which has to succeed."""
    try:
        code = main(arguments)
    except SystemExit as leave:
        code = leave.code or 0
    assert code == 0, arguments


def command_line() -> Any:  # noqa: ANN401 - typer's own
    """The group of all commands."""
    return get_command(application())


def config_of(recipe: Any, *settings: str) -> dict[str, object]:  # noqa: ANN401 - a recipe's name, from JSON
    """The values of a recipe's fields, by their dotted names."""
    return dict(named_fields(with_settings(find_recipe(recipe).config(), settings)))


def node(kind: str, /, **inputs: Any) -> Any:  # noqa: ANN401 - whatever sockets carry
    """The only output of the node Brushwork`kind`, run as ComfyUI runs it."""
    kind = f"Brushwork{kind}"
    with torch.inference_mode():
        (output,) = getattr(NODE_CLASS_MAPPINGS[kind](), NODE_CLASS_MAPPINGS[kind].FUNCTION)(**inputs)
    return output


def workflow(path: Path) -> Graph:
    """What a file that ComfyUI's page saved means, checked, inputs that it lacks at their defaults."""
    nodes = all_nodes()
    asked = {INPUT_FOLDER: path.parent, SAVER: Saver(path.parent)}
    return checked(read_workflow(path, nodes, all_titles()), nodes, asked)


def run_small(path: Path, folder: Path) -> Path:
    """The picture, in `folder`, that the workflow saves with all pixels a quarter of their number."""
    graph = small(read_workflow(path, all_nodes(), all_titles()))
    with patch.object(brushwork.nodes.pictures, "load_sample", small_sample):
        (file,) = run_workflow(graph, all_nodes(), path.parent, folder)
    return file


def methods() -> set[str]:
    """All there are."""
    return set(METHODS)


def networks() -> tuple[str, ...]:
    """The networks of the manifest."""
    return tuple(read_manifest().networks)


def shapes(network: str) -> dict[str, list[int]]:
    """Shapes of the state dict of a network of the manifest, by name and in order."""
    with torch.device("meta"):
        built = build_network(read_manifest().network(network))
    return {name: list(value.shape) for name, value in built.state_dict().items()}


def dtype_of(network: str, asked: torch.dtype) -> torch.dtype:
    """What a built-in network computes in where `asked` is asked for."""
    with alone():
        return load_network(network, dtype=asked).dtype


def bank_fingerprint() -> str:
    """Of the built-in StyleBank: what the files of styles that it learnt refer to."""
    with alone():
        bank = load_network("stylebank")
    assert isinstance(bank, StyleBankNetwork)
    return fingerprint(bank)
