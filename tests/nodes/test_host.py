"""What torch answers where there is no ComfyUI, and batches in slices that fit."""

import sys
from functools import partial

import pytest
import torch

from brushwork.nodes import _host
from brushwork.tests.nodes.stand_ins import arguments, call, pictures, tiny, values
from brushwork.tests.tolerances import assert_close
from brushwork.tiling.policy import Policy


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] in ("comfy", "folder_paths")]:
        monkeypatch.delitem(sys.modules, name)


def test_torch_answers() -> None:
    assert _host.compute_device().type == ("cuda" if torch.cuda.is_available() else "cpu")
    assert _host.result_device() == torch.device("cpu")
    assert _host.weight_folders() == []
    assert _host.check_interrupted() is None
    assert _host.Progress()(1, 2) is None


def test_network_runs_where_torch_computes() -> None:
    hosted = tiny()
    with hosted.loaded() as network:
        assert network is hosted.network
    assert next(hosted.network.parameters()).device.type == _host.compute_device().type


def test_a_walk_is_told_what_memory_there_is() -> None:
    host = _host.tiling_host()
    assert host.policy == Policy()
    assert host.device.type == _host.compute_device().type


@pytest.mark.parametrize("node", ["BrushworkWCTLevel", "BrushworkStyleEncoder", "BrushworkStylizeLarge"])
def test_the_result_does_not_depend_on_tiles(node: str, monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = arguments(node, pictures(2, (150, 71)))
    whole = values(call(node, **inputs))
    monkeypatch.setattr(_host, "Policy", partial(Policy, tile_bytes=0))
    assert_close(values(call(node, **inputs)), whole)
