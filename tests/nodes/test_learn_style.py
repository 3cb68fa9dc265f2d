"""Learn Style as ComfyUI runs it: in inference mode, watched, interrupted; and where its styles are found after."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from brushwork.models.networks.stylebank import StyleBankNetwork
from brushwork.models.networks.vgg import VggNetwork
from brushwork.models.weights.learnt_styles import add_learned, learned_styles, style_path
from brushwork.nodes import NODES, _host, learn_style
from brushwork.tests.models.small import TINY, enlivened
from brushwork.tests.nodes.fake_comfy import FakeComfy, InterruptProcessingException
from brushwork.tests.nodes.stand_ins import bank, call, encoded, pictures, sockets, tiny, values
from brushwork.tests.tolerances import assert_close
from brushwork.training.loss_network import LossNetwork
from brushwork.training.trainer import Trainer

FOLDER = "brushwork/stylebank"


@pytest.fixture(autouse=True)
def small_loss_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    loss_network = LossNetwork(enlivened(VggNetwork(TINY, ("relu4_1",))).eval().requires_grad_(False))
    monkeypatch.setattr(learn_style, "load_loss_network", lambda *_: loss_network)
    monkeypatch.setenv("BRUSHWORK_TRAINING_DTYPE", "float32")
    monkeypatch.delenv("BRUSHWORK_WEIGHTS", raising=False)
    monkeypatch.setenv("BRUSHWORK_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(learn_style, "CONFIG", learn_style.NewStyleConfig(side=24, photo=28, rate=1e-2))


@pytest.fixture
def comfy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeComfy:
    fake = FakeComfy(tmp_path / "models")
    fake.install(monkeypatch)
    return fake


def learn(network: _host.HostedNetwork | None = None, **changed: Any) -> Any:  # noqa: ANN401
    inputs = {"style_image": pictures(seed=5), "photos": pictures(2), "name": "c", "steps": 3, "size": 32}
    return call("BrushworkLearnStyle", network=network or bank(), **{**inputs, **changed})


def styles(network: _host.HostedNetwork) -> tuple[str, ...]:
    assert isinstance(network.network, StyleBankNetwork)
    return network.network.styles


def painted(network: _host.HostedNetwork, style: str, by: str = "Filter", slot: str = "style") -> torch.Tensor:
    features = encoded(network, pictures(), "bank")
    return values(call(f"BrushworkStyleBank{by}", network=network, features=features, **{slot: style}))


def kept(comfy: FakeComfy) -> list[str]:
    """Names of the files; each style has its painting beside it."""
    files = sorted(file.name for file in (comfy.models / FOLDER).glob("*"))
    styles = [name for name in files if name.endswith(".safetensors")]
    assert files == sorted(styles + [name.replace(".safetensors", ".jpg") for name in styles])
    return styles


def test_a_network_with_the_style_a_chart_and_a_preview(comfy: FakeComfy) -> None:
    network = bank()
    before = [weight.clone() for weight in network.network.parameters()]
    grown, chart, preview = learn(network)
    assert (styles(network), styles(grown)) == (("a", "b"), ("a", "b", "c"))
    assert all(map(torch.equal, network.network.parameters(), before))
    assert torch.isfinite(painted(grown, "c")).all()
    for image in (chart, preview):
        assert image.shape[0] == 1 and image.shape[-1] == 3 and image.dtype == torch.float32
        assert image.min() >= 0 and image.max() <= 1


def test_frozen_weights_are_shared(comfy: FakeComfy) -> None:
    network = bank()
    grown, *_ = learn(network)
    ours, theirs = (each.network.state_dict() for each in (network, grown))
    assert all(theirs[name].data_ptr() == value.data_ptr() for name, value in ours.items())


def test_without_photographs_the_samples_serve(comfy: FakeComfy) -> None:
    assert styles(learn(photos=None)[0]) == ("a", "b", "c")


def test_the_seed_decides(comfy: FakeComfy) -> None:
    first, again, other = (
        painted(learn(name=name, seed=seed)[0], name) for name, seed in (("c", 0), ("d", 0), ("e", 2**64 - 1))
    )
    assert torch.equal(first, again) and not torch.equal(first, other)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_network_that_was_moved_in_inference_mode(dtype: torch.dtype, comfy: FakeComfy) -> None:
    network = bank()
    with torch.inference_mode():
        network.network.to(torch.float64).to(dtype)
    grown, *_ = learn(network)
    assert grown.network.dtype == dtype and styles(grown) == ("a", "b", "c")


def test_one_style_after_the_other(comfy: FakeComfy) -> None:
    first, *_ = learn(save="do not save")
    second, *_ = learn(first, name="d", save="do not save")
    assert styles(second) == ("a", "b", "c", "d")
    assert torch.equal(painted(first, "c"), painted(second, "c"))
    assert kept(comfy) == []


def test_the_style_is_saved_where_comfyui_keeps_models(comfy: FakeComfy) -> None:
    learn(name="my style")
    assert kept(comfy) == ["my style.safetensors"]
    (file,) = learned_styles(_host.weight_folders())
    assert (file.metadata.style, file.metadata.network, file.metadata.steps) == ("my style", "stylebank", 3)


def test_room_is_made_for_what_learns(comfy: FakeComfy) -> None:
    learn()
    assert comfy.freed == [_host.INFERENCE_BYTES] * 2


def test_a_taken_name_is_refused_before_anything_is_learnt(comfy: FakeComfy, monkeypatch: pytest.MonkeyPatch) -> None:
    learn()
    path = comfy.models / FOLDER / "c.safetensors"
    before = path.read_bytes()
    monkeypatch.setattr(learn_style, "StyleTraining", lambda *_, **__: pytest.fail("it went on learning"))
    with pytest.raises(ValueError, match="c.safetensors is there already: choose another name for the style, or over"):
        learn(seed=1)
    for save in ("overwrite", "do not save"):
        with pytest.raises(ValueError, match="this bank came with a style 'a': choose another name"):
            learn(name="a", save=save)
    with pytest.raises(ValueError, match="cannot be a style's name: use 1 to 60 letters"):
        learn(name="../c", save="do not save")
    assert path.read_bytes() == before


def test_the_node_says_where_the_style_is(comfy: FakeComfy) -> None:
    learn()
    learn(save="do not save")
    (saved, _), (kept_nowhere, _) = comfy.said
    assert saved == f"'c' is saved after 3 steps, as c.safetensors in {comfy.models / FOLDER}."
    assert "not saved" in kept_nowhere


def test_or_overwritten_on_request(comfy: FakeComfy) -> None:
    grown, *_ = learn()
    before = (comfy.models / FOLDER / "c.safetensors").read_bytes()
    again, *_ = learn(grown, save="overwrite", seed=1)
    assert styles(again) == ("a", "b", "c")
    assert kept(comfy) == ["c.safetensors"] and (comfy.models / FOLDER / "c.safetensors").read_bytes() != before
    assert not torch.equal(painted(grown, "c"), painted(again, "c"))


def test_where_a_step_finds_no_room_others_make_way(comfy: FakeComfy, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(Trainer, "_take_step", full)
    with pytest.raises(ValueError, match=r"^Learn Style ran out of memory: take smaller pictures"):
        learn()
    assert comfy.unloaded == 1


def test_the_page_looks_on(comfy: FakeComfy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learn_style, "PREVIEW_STEPS", 4)
    monkeypatch.setattr(_host, "PREVIEW_SECONDS", -1.0)
    learn(steps=10)
    assert comfy.updates[-1] == (100, 100)
    assert list(dict.fromkeys(percent for percent, _ in comfy.updates)) == list(range(10, 101, 10))
    assert len(comfy.previews) == 2
    for kind, picture, side in comfy.previews:
        assert kind == "JPEG" and picture.mode == "RGB" and side >= max(picture.size) // 2


def test_nobody_looks_on_without_comfyui(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No preview is painted then, and the style goes to the first weight folder."""
    monkeypatch.setenv("BRUSHWORK_WEIGHTS", str(tmp_path / "mine"))
    monkeypatch.setattr(learn_style, "PREVIEW_STEPS", 1)
    shown: list[str] = []
    preview = learn_style._preview
    monkeypatch.setattr(learn_style, "_preview", lambda *given: shown.append(given[-1]) or preview(*given))
    learn()
    assert shown == ["3 steps"]
    assert style_path("c").is_file() and style_path("c").is_relative_to(tmp_path / "mine")


@pytest.mark.parametrize(("enough", "names"), [(2, ["c.safetensors"]), (9, [])])
def test_interrupted_it_keeps_what_it_has(
    enough: int, names: list[str], comfy: FakeComfy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learn_style, "MIN_STEPS", enough)
    comfy.stop_after = 1 + 2 + 4  # questions before the style's picture and each style of the bank, then one a step
    with pytest.raises(InterruptProcessingException):
        learn(steps=50)
    comfy.stop_after = None
    assert kept(comfy) == names
    assert [file.metadata.steps for file in learned_styles(_host.weight_folders())] == [5] * len(names)


def test_interrupted_without_saving(comfy: FakeComfy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learn_style, "MIN_STEPS", 1)
    comfy.stop_after = 7
    with pytest.raises(InterruptProcessingException):
        learn(steps=50, save="do not save")
    assert kept(comfy) == []


def test_interrupted_before_the_first_step(comfy: FakeComfy) -> None:
    comfy.stop_after = 0
    with pytest.raises(InterruptProcessingException):
        learn()
    assert kept(comfy) == []


def test_a_loss_that_is_no_number(comfy: FakeComfy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Says what to change; nothing is saved."""
    monkeypatch.setattr(learn_style, "MIN_STEPS", 1)
    learn_style.load_loss_network("").network.get_submodule("encoder.conv2_1").weight.fill_(math.inf)  # pyright: ignore
    with pytest.raises(ValueError, match="in step 1: lower style_weight, and see that there is room"):
        learn()
    assert kept(comfy) == []


@pytest.mark.parametrize(
    ("name", "value"), [("steps", 0), ("size", 1), ("style_weight", math.nan), ("style_weight", -1.0)]
)
def test_numbers_out_of_range(name: str, value: float, comfy: FakeComfy) -> None:
    with pytest.raises(ValueError, match=f"'{name}' is {value}: use a"):
        learn(**{name: value})


def test_a_way_that_is_none(comfy: FakeComfy) -> None:
    with pytest.raises(ValueError, match="'save' is 'maybe': choose one of as a new style, overwrite, do not save"):
        learn(save="maybe")


def test_a_network_without_a_bank(comfy: FakeComfy) -> None:
    with pytest.raises(ValueError, match="no bank of styles: load a StyleBank"):
        learn(tiny())


def test_lists_know_the_style_from_then_on(comfy: FakeComfy) -> None:
    """Also for a bank that ComfyUI loaded before, and keeps."""
    network = bank()
    network.network.name = "stylebank-ichunyeh"  # pyright: ignore[reportAttributeAccessIssue]
    grown, *_ = learn(network)
    nodes = {name: call_inputs(name) for name in ("LoadStyleNetwork", "StyleBankFilter", "StyleBankMix")}
    assert "stylebank-ichunyeh/c" in nodes["LoadStyleNetwork"]["name"][0]
    assert "c" in nodes["StyleBankFilter"]["style"][0]
    assert all("c" in nodes["StyleBankMix"][f"style_{slot}"][0] for slot in range(1, 5))
    assert "c" not in styles(network)
    assert_close(painted(network, "c"), painted(grown, "c"))
    assert_close(painted(network, "c", "Mix", "style_1"), painted(grown, "c"))
    whole = [call("BrushworkPaintedStyle", content=pictures(1), style="c", network=own) for own in (network, grown)]
    assert_close(*whole)


def test_a_bank_that_was_loaded_before_takes_up_a_style_that_is_learnt_anew(comfy: FakeComfy) -> None:
    """So do nodes that ComfyUI would not run again; but a style that was not saved is that of its own bank."""
    learn()
    loaded, nodes = bank(), ("StyleBankFilter", "StyleBankMix", "PaintedStyle")
    assert isinstance(loaded.network, StyleBankNetwork)
    loaded.network.name = "stylebank"
    add_learned(loaded.network, _host.weight_folders())
    assert styles(loaded) == ("a", "b", "c")
    known = [NODES[f"Brushwork{name}"].IS_CHANGED(style="c", other=None) for name in nodes]
    again, *_ = learn(loaded, save="overwrite", seed=1)
    assert_close(painted(loaded, "c"), painted(again, "c"))
    assert all(NODES[f"Brushwork{name}"].IS_CHANGED(style="c") != old for name, old in zip(nodes, known, strict=True))
    assert not any(NODES[f"Brushwork{name}"].IS_CHANGED(style_1="a") for name in nodes)
    unsaved, *_ = learn(loaded, save="do not save", seed=2)
    assert not torch.equal(painted(unsaved, "c"), painted(loaded, "c"))


def test_a_style_of_another_bank_stays_unknown(comfy: FakeComfy) -> None:
    learn()
    other = bank()
    other.network.get_submodule("encoder.0").bias.add_(1)  # pyright: ignore[reportCallIssue]
    with pytest.raises(ValueError, match="this bank has no style 'c': choose one of a, b"):
        painted(other, "c")


def test_the_seed_stays_as_it_is() -> None:
    """A seed that the page changes after each run would start a new training each time."""
    assert NODES["BrushworkLearnStyle"].INPUT_TYPES()["required"]["seed"][1]["control_after_generate"] is False
    assert sockets("BrushworkLearnStyle", "IMAGE") == ["style_image", "photos"]


def call_inputs(name: str) -> dict[str, Any]:
    return dict(NODES[f"Brushwork{name}"].INPUT_TYPES()["required"])
