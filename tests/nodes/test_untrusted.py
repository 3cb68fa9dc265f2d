"""A workflow from a stranger: whatever arrives on a socket ends in a picture or in one clear sentence."""

import os
import pickle
import re
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from brushwork.models.networks.stylebank import StyleBankNetwork
from brushwork.models.networks.vgg import VggNetwork
from brushwork.models.weights.learnt_styles import fingerprint
from brushwork.models.weights.manifest import WeightsError
from brushwork.nodes import NODES, learn_style
from brushwork.tests.models.small import TINY, enlivened
from brushwork.tests.nodes.fake_comfy import FakeComfy
from brushwork.tests.nodes.hostile import (
    EACH,
    assert_sentence,
    assert_sound,
    hostile_inputs,
    kinds_of,
    usual_inputs,
    withstands,
)
from brushwork.tests.nodes.stand_ins import SOURCES, arguments, bank, call, encoded, pictures
from brushwork.tests.nodes.watch import confined
from brushwork.training.loss_network import LossNetwork

CASES = 2000 // len(NODES) + 1
"""A node, so that there are more than two thousand in all."""
hostile = settings(
    deadline=None, max_examples=CASES, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
Folders = tuple[Path, Path]


@pytest.fixture(autouse=True)
def folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Folders:
    """Of models and of temporary files, in a ComfyUI of a few lines where a style is learnt in milliseconds."""
    loss_network = LossNetwork(enlivened(VggNetwork(TINY, ("relu4_1",))).eval().requires_grad_(False))
    monkeypatch.setattr(learn_style, "load_loss_network", lambda *_: loss_network)
    monkeypatch.setattr(learn_style, "CONFIG", learn_style.NewStyleConfig(steps=1, side=24, photo=28, style_size=32))
    monkeypatch.setenv("BRUSHWORK_TRAINING_DTYPE", "float32")
    monkeypatch.setenv("BRUSHWORK_OFFLINE", "1")
    monkeypatch.delenv("BRUSHWORK_WEIGHTS", raising=False)
    monkeypatch.setenv("BRUSHWORK_CACHE", str(tmp_path / "cache"))
    models, temporary = tmp_path / "models", tmp_path / "temp"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    FakeComfy(models).install(monkeypatch)
    return models, temporary


@pytest.mark.parametrize("node", NODES)
def test_anything_on_any_socket(node: str, folders: Folders) -> None:
    @hostile
    @given(st.data())
    def law(data: st.DataObject) -> None:
        withstands(node, data.draw(hostile_inputs(node)), *folders)

    law()


@pytest.mark.parametrize("node", NODES)
def test_every_number_and_every_name(node: str, folders: Folders) -> None:
    """One at a time, and none left to chance."""
    usual = usual_inputs(node)
    for name, kind in kinds_of(node).items():
        for value in EACH.get(kind, []):
            withstands(node, {**usual, name: value}, *folders)


@pytest.mark.parametrize("size", [(1, 1), (1, 20_000), (20_000, 1)])
@pytest.mark.parametrize("node", [node for node in NODES if node not in SOURCES])
def test_a_pixel_and_a_thread_of_them(node: str, size: tuple[int, int]) -> None:
    results = call(node, **{**usual_inputs(node), **arguments(node, pictures(size=size))})
    for result in results if isinstance(results, tuple) else [results]:
        assert_sound(result)


@pytest.mark.parametrize(
    ("node", "given"),
    [
        ("BrushworkBrushSize", {"style": torch.zeros(1, 1, 1, 3).expand(1, 2600, 2600, 3), "scale": 8.0}),
        ("BrushworkContactSheet", {"image_1": torch.zeros(1, 1, 1, 3).expand(90, 1, 1, 3), "side": 2048}),
    ],
)
def test_a_result_too_large_for_any_memory(node: str, given: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="million pixels: use a smaller (scale|side)"):
        call(node, **given)


class Trap:
    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return os.mkdir, ("sprung",)


def put(folder: Path, name: str, content: bytes = b"") -> Path:
    path = folder / "brushwork" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def refuses(name: str, words: str, folders: Folders) -> None:
    with pytest.raises(WeightsError, match=re.escape(words)) as caught, confined(*folders):
        call("BrushworkLoadStyleNetwork", name=name)
    assert_sentence(str(caught.value))


def test_a_pickle_that_runs_code(folders: Folders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the one file that nobody publishes a checksum of, so that it gets as far as being opened."""
    monkeypatch.chdir(tmp_path)
    path = put(folders[0], "msgnet/21styles.model", pickle.dumps(Trap(), protocol=2))
    refuses("msgnet-21styles", "cannot be opened as torch weights", folders)
    torch.save({"0.weight": torch.ones(1), "trap": Trap()}, path)
    refuses("msgnet-21styles", "cannot be opened as torch weights", folders)
    assert not (tmp_path / "sprung").exists()


def test_damaged_and_strange_weights(folders: Folders) -> None:
    path = put(folders[0], "msgnet/21styles.model", b"<html>please log in</html>")
    refuses("msgnet-21styles", "cannot be opened as torch weights", folders)
    for content in (
        {"a": torch.ones(())},
        {"ins.weight": torch.ones(())},
        {"model1.x": torch.ones(1)},
        [torch.ones(2)],
    ):
        torch.save(content, path)
        refuses("msgnet-21styles", "put the", folders)
    put(folders[0], "small16x/1SE.pth", b"x" * 10271)
    refuses("small16x", "is not the published file (expected sha256", folders)


def test_the_watch_sees(tmp_path: Path) -> None:
    """What it has to see, and what is allowed."""
    (tmp_path / "in").mkdir()
    with confined(tmp_path / "in"):
        (tmp_path / "in" / "file").write_text("")
        (tmp_path / "in" / "file").read_text()
    for act in (lambda: (tmp_path / "out").mkdir(), lambda: os.open(tmp_path / "x", os.O_CREAT), lambda: os.system("")):
        with pytest.raises(AssertionError), confined(tmp_path / "in"):
            act()


@pytest.mark.parametrize("fault", ["width", "no number", "keys", "bytes"])
def test_a_strangers_style_for_our_bank(fault: str, folders: Folders) -> None:
    network = bank()
    assert isinstance(network.network, StyleBankNetwork)
    about = {"brushwork": "1", "network": "stylebank", "fingerprint": fingerprint(network.network), "steps": "3"}
    size = 9 if fault == "width" else 8
    tensors = {"weight": torch.ones(size, size, 3, 3), "bias": torch.ones(size)}
    tensors["bias"][0] = float("nan") if fault == "no number" else 0
    path = put(folders[0], "stylebank/gift.safetensors")
    save_file({"x": tensors["bias"]} if fault == "keys" else tensors, path, about)
    if fault == "bytes":
        path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises((ValueError, WeightsError), match="gift") as caught, confined(*folders):
        call("BrushworkStyleBankFilter", network=network, features=encoded(network, pictures(), "bank"), style="gift")
    assert_sentence(str(caught.value))
