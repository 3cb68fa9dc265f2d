"""A network by its name: found in a folder, filled, ready; and one sentence where a file is not what it should be."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from brushwork.models import registry
from brushwork.models.networks.msgnet import MsgNet
from brushwork.models.networks.stylebank import StyleBankNetwork
from brushwork.models.networks.vgg import LEVELS, VggNetwork
from brushwork.models.registry import build_network, load_network
from brushwork.models.weights import store
from brushwork.models.weights.manifest import WeightsError, read_manifest
from brushwork.tests.laws import picture
from brushwork.tests.models.small import TINY, enlivened

ABOUT = {"title": "-", "levels": list(LEVELS), "licence": "-", "citation": "-", "preprocessing": "-"}
Publish = Callable[..., None]


@pytest.fixture
def publish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Publish:
    """Write a manifest of one network `net` and a file a part of `module`, or of what is given for a part."""
    monkeypatch.delenv("BRUSHWORK_WEIGHTS", raising=False)
    monkeypatch.setenv("BRUSHWORK_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(registry.LAYOUTS, "tiny", TINY)

    def write(kind: str, module: nn.Module, parts: tuple[str, ...], keymap: str = "brushwork", **entry: object) -> None:
        given, files = dict(entry.pop("given", {})), {}
        for part in parts:
            source = module if part == "network" else module.get_submodule(part)
            save_file(given.get(part, source.state_dict()), tmp_path / f"{part}.safetensors")
            files[part] = {"filename": f"{part}.safetensors", "format": "safetensors", "keymap": keymap}
        network = ABOUT | {"kind": kind, "parts": {part: part for part in parts}} | entry
        manifest = tmp_path / "manifest.json"
        manifest.write_text(json.dumps({"files": files, "networks": {"net": network}}))
        for module_with_manifest in (registry, store):
            monkeypatch.setattr(module_with_manifest, "read_manifest", lambda: read_manifest.__wrapped__(manifest))

    return write


def assert_same(loaded: nn.Module, original: nn.Module) -> None:
    ours, theirs = loaded.state_dict(), original.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_vgg_part_by_part(publish: Publish, tmp_path: Path) -> None:
    original = VggNetwork(TINY, ("relu1_1", "relu3_1"), "relu4_1")
    parts = ("encoder", "decoder.relu1_1", "decoder.relu3_1", "adain")
    publish("tiny", original, parts, levels=["relu1_1", "relu3_1", "relu4_1"])
    assert_same(load_network("net", [tmp_path]), original)


def test_an_encoder_a_level(publish: Publish, tmp_path: Path) -> None:
    """small16x at its full size, since its layout is what tells the two forms apart."""
    with torch.device("meta"):
        shape = VggNetwork(registry.LAYOUTS["small16x"])
    original = shape.to_empty(device="cpu")
    for parameter in original.parameters():
        nn.init.uniform_(parameter)
    parts = tuple(f"{part}.{level}" for level in LEVELS for part in ("encoder", "decoder"))
    publish("small16x", original, parts)
    assert_same(load_network("net", [tmp_path]), original)


def test_stylebank_with_named_styles(publish: Publish, tmp_path: Path) -> None:
    original = StyleBankNetwork(("waves", "leaves"))
    parts = ("encoder", "decoder", "bank.0", "bank.1")
    publish("stylebank", original, parts, levels=["bank"], styles=["waves", "leaves"])
    loaded = load_network("net", [tmp_path])
    assert isinstance(loaded, StyleBankNetwork) and loaded.styles == ("waves", "leaves")
    assert_same(loaded, original)


@pytest.mark.parametrize("half", [False, True])
def test_a_whole_network_in_one_file(half: bool, publish: Publish, tmp_path: Path) -> None:
    """Files may hold float16; the network is float32 either way."""
    original = MsgNet()
    stored = {name: value.half() if half else value for name, value in original.state_dict().items()}
    publish("msgnet", original, ("network",), levels=["comatch"], given={"network": stored})
    loaded = load_network("net", [tmp_path])
    original.load_state_dict(stored)
    assert_same(loaded, original)
    assert loaded.dtype == torch.float32


def test_ready_to_run_and_nothing_else(publish: Publish, tmp_path: Path) -> None:
    publish("tiny", VggNetwork(TINY, ("relu1_1",)), ("encoder", "decoder.relu1_1"), levels=["relu1_1"])
    network = load_network("net", [tmp_path])
    assert not network.training and not any(parameter.requires_grad for parameter in network.parameters())
    assert {(p.device.type, p.dtype) for p in network.parameters()} == {("cpu", torch.float32)}


def test_loaded_in_inference_mode_it_can_still_serve_in_a_loss(publish: Publish, tmp_path: Path) -> None:
    """ComfyUI runs nodes in inference mode, and keeps what they return."""
    publish("tiny", enlivened(VggNetwork(TINY, ("relu3_1",))), ("encoder", "decoder.relu3_1"), levels=["relu3_1"])
    with torch.inference_mode():
        network = load_network("net", [tmp_path])
    assert not any(tensor.is_inference() for tensor in network.state_dict().values())
    network.requires_grad_(True)
    network.decode(network.encode(picture(20, 20), "relu3_1")).square().sum().backward()
    gradient = next(network.parameters()).grad
    assert gradient is not None and gradient.abs().max() > 0


PARTS = ("encoder", "decoder.relu5_1")
WRONG = {
    "other shapes": {name: torch.zeros(2, 2) for name in VggNetwork(TINY).encoder.state_dict()},
    "too few": dict(list(VggNetwork(TINY).encoder.state_dict().items())[:4]),
    "another network's": MsgNet(4).state_dict(),
    "a decoder's": {f"{2 * i}.{part}": torch.zeros(3, 3, 3, 3) for i in range(9) for part in ("weight", "bias")},
    "words for numbers": {"classifier.weight": torch.zeros(3), "classifier.bias": torch.zeros(3)},
    "no dots": {"weight": torch.zeros(3)},
    "the first convolution alone": {"0.weight": torch.zeros(3, 3, 1, 1), "0.bias": torch.zeros(3)},
}


@pytest.mark.parametrize(
    "keymap", ["brushwork", "sequential", "collaborative-distillation", "msgnet", "stylebank-ichunyeh"]
)
@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_file_is_named_in_a_sentence(keymap: str, wrong: str, publish: Publish, tmp_path: Path) -> None:
    publish("tiny", VggNetwork(TINY), PARTS, keymap, given={"encoder": WRONG[wrong]})
    with pytest.raises(WeightsError) as error:
        load_network("net", [tmp_path])
    message = str(error.value)
    assert message.startswith("encoder.safetensors does not hold the weights of encoder")
    assert message.endswith("put the file that the manifest names in its place.")
    assert "\n" not in message


def test_a_file_that_is_no_file_of_weights(publish: Publish, tmp_path: Path) -> None:
    publish("tiny", VggNetwork(TINY), PARTS)
    path = tmp_path / "encoder.safetensors"
    path.write_text("404: Not Found")
    with pytest.raises(WeightsError) as error:
        load_network("net", [tmp_path])
    assert str(error.value).startswith(f"{path} cannot be opened as safetensors weights")
    assert str(error.value).endswith(": delete it and get it anew.")


def test_unknown_network() -> None:
    with pytest.raises(WeightsError, match="there is no network 'gatys': choose one of"):
        load_network("gatys")


@pytest.mark.parametrize("name", read_manifest().networks)
def test_every_network_of_the_manifest_has_a_place_for_its_files(name: str) -> None:
    """Each role is a part of the network that is built, and every weight belongs to a role."""
    entry = read_manifest().network(name)
    with torch.device("meta"):
        network = build_network(entry)
    assert set(entry.levels) <= set(network.spaces)
    filled = [network if role == "network" else network.get_submodule(role) for role in entry.parts]
    assert sum(p.numel() for part in filled for p in part.parameters()) == sum(p.numel() for p in network.parameters())
