"""What ComfyUI is asked, and how, where the pack runs inside it."""

import logging
from pathlib import Path

import pytest
import torch

from brushwork.models.networks.vgg import VggLayout, VggNetwork
from brushwork.nodes import NODES, _host
from brushwork.tests.nodes.fake_comfy import EXTENSIONS, FakeComfy, InterruptProcessingException
from brushwork.tests.nodes.stand_ins import STAGES, WIDTHS, arguments, call, encoded, pictures, tiny

META = torch.device("meta")


@pytest.fixture
def comfy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeComfy:
    fake = FakeComfy(tmp_path / "models")
    fake.install(monkeypatch)
    return fake


def test_devices_are_comfys(comfy: FakeComfy) -> None:
    comfy.compute, comfy.kept = torch.device("cuda", 1), META
    assert _host.compute_device() == torch.device("cuda", 1)
    assert _host.result_device() == META


def test_pictures_are_returned_where_comfy_keeps_them(comfy: FakeComfy) -> None:
    comfy.kept = META
    assert call("BrushworkTextureNoise", width=4, height=4).device == META
    assert call("BrushworkSamplePicture", name="rocket").device == META


def test_network_is_loaded_in_full_before_each_use(comfy: FakeComfy) -> None:
    network = tiny()
    assert comfy.loaded == []
    call("BrushworkStyleDecoder", network=network, features=encoded(network, pictures()))
    assert len(comfy.loaded) == 2
    for models, options in comfy.loaded:
        assert len(models) == 1
        assert options == {"memory_required": _host.INFERENCE_BYTES, "force_full_load": True}


def test_patcher_holds_all_weights_and_marks_no_network_of_ours(comfy: FakeComfy) -> None:
    comfy.compute = comfy.offload = META
    network = VggNetwork(VggLayout("tiny", WIDTHS))
    before = set(vars(network))
    with _host.HostedNetwork(network).loaded():
        pass
    ((patcher,), _) = comfy.loaded[0]
    assert (patcher.load_device, patcher.offload_device) == (META, META)
    assert len(patcher.model.state_dict()) == len(network.state_dict())
    assert set(vars(network)) == before
    assert next(network.parameters()).device == META  # moved with its box


def test_asking_about_a_network_loads_nothing(comfy: FakeComfy) -> None:
    assert "relu5_1" in tiny().network.spaces
    assert comfy.loaded == []


def test_our_folder_is_added_and_lists_weights_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder_paths = FakeComfy(tmp_path).install(monkeypatch).folder_paths
    for _ in range(2):
        assert _host.weight_folders() == [tmp_path / "brushwork"]
    paths, extensions = folder_paths.folder_names_and_paths["brushwork"]
    assert paths == [str(tmp_path / "brushwork")]
    assert extensions > EXTENSIONS and {".model", ".path"} < extensions
    assert folder_paths.folder_names_and_paths["loras"] == ([str(tmp_path / "loras")], EXTENSIONS)


def test_paths_that_the_user_configured_stay_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """ComfyUI reads extra_model_paths.yaml before it loads packs."""
    folder_paths = FakeComfy(tmp_path).install(monkeypatch).folder_paths
    folder_paths.add_model_folder_path("brushwork", "/elsewhere")
    assert _host.weight_folders() == [Path("/elsewhere"), tmp_path / "brushwork"]


def test_a_list_of_extensions_that_somebody_set_stays(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder_paths = FakeComfy(tmp_path).install(monkeypatch).folder_paths
    folder_paths.folder_names_and_paths["brushwork"] = ([], {".pth"})
    _host.weight_folders()
    assert folder_paths.folder_names_and_paths["brushwork"][1] == {".pth"}


def test_progress_is_told_in_percent_and_only_when_it_changes(comfy: FakeComfy) -> None:
    tell = _host.Progress()
    for done in range(0, 4001):
        tell(done, 4000)
    assert comfy.updates == [(percent, 100) for percent in range(1, 101)]


def test_progress_of_unknown_length(comfy: FakeComfy) -> None:
    _host.Progress()(12345, 0)
    assert comfy.updates == []


def test_a_picture_is_shown_only_now_and_then(comfy: FakeComfy, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 0.5, 0.8, 0.8, 1.2, 1.6, 1.6])  # when it begins; asked; asked and shown; asked; asked and shown
    monkeypatch.setattr(_host, "monotonic", lambda: next(clock))
    tell = _host.Progress()
    for _ in range(4):
        tell.show(lambda: torch.zeros(1, 3, 4, 6))
    assert [picture.size for _, picture, _ in comfy.previews] == [(6, 4)] * 2


@pytest.mark.parametrize("node", ["BrushworkStyleDecoder", "BrushworkWCTLevel", "BrushworkStyleTransfer"])
def test_a_picture_is_seen_while_it_is_painted(node: str, comfy: FakeComfy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_host, "PREVIEW_SECONDS", -1.0)
    comfy.free = 0
    inputs = arguments(node, pictures(1, (128, 64)))  # in two tiles and more
    comfy.previews.clear()
    call(node, **inputs)
    shown = [picture for _, picture, _ in comfy.previews]
    assert len(shown) > 1 and {picture.size for picture in shown} == {(64, 128)}
    assert shown[0].tobytes() != shown[-1].tobytes()


def test_words_stand_on_the_node_that_runs(comfy: FakeComfy, caplog: pytest.LogCaptureFixture) -> None:
    _host.say("done", logging.WARNING)
    comfy.runs = False
    _host.say("later")
    assert comfy.said == [("done", "7")] and "done" in caplog.text


@pytest.mark.parametrize(("node", "mask"), [("BrushworkAdaIN", "content_mask"), ("BrushworkStylizeLarge", "mask_1")])
def test_a_mask_that_selects_nothing_is_remarked_on(node: str, mask: str, comfy: FakeComfy) -> None:
    call(node, **arguments(node, pictures()))
    assert comfy.said == []
    call(node, **arguments(node, pictures()) | {mask: torch.zeros(4, 4)})
    assert [text for text, _ in comfy.said] == [
        f"'{mask}' is black everywhere, so it selects nothing: paint in white where it should."
    ]


def test_a_mask_without_its_style_is_remarked_on(comfy: FakeComfy) -> None:
    inputs = arguments("BrushworkStylizeLarge", pictures())
    del inputs["style_3"]
    call("BrushworkStylizeLarge", **inputs)
    assert [text for text, _ in comfy.said] == ["'mask_3' has no 'style_3' to go with it: connect one."]


def test_memory_is_shared_with_comfy(comfy: FakeComfy) -> None:
    comfy.free = 100
    host = _host.tiling_host()
    assert (host.policy.tile_bytes, host.policy.feature_bytes, host.policy.whole_bytes) == (50, 50, 50)
    comfy.free = 1 << 40  # whole pictures may take what others leave
    assert _host.tiling_host().policy.whole_bytes == 1 << 39
    host.empty_cache()
    assert comfy.emptied == 1


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA out of memory"), MemoryError()])
def test_a_full_memory_is_one_sentence(comfy: FakeComfy, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """Other models make way, as ComfyUI has it after such errors."""

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(NODES["BrushworkAdaIN"], "run", fail)
    with pytest.raises(ValueError, match=r"^AdaIN ran out of memory: take smaller pictures .* device\.$"):
        call("BrushworkAdaIN")
    assert comfy.unloaded == 1


@pytest.mark.parametrize("node", ["BrushworkStyleEncoder", "BrushworkStyleDecoder", "BrushworkWCTLevel"])
def test_tiles_take_the_memory_that_the_loaded_network_leaves(
    node: str, comfy: FakeComfy, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = arguments(node, pictures())
    before = len(comfy.loaded)
    seen: list[int] = []
    host = _host.tiling_host()
    monkeypatch.setattr(_host, "tiling_host", lambda: seen.append(len(comfy.loaded)) or host)
    call(node, **inputs)
    assert seen == [before + 1]


@pytest.mark.parametrize("node", STAGES)
def test_a_node_asks_for_its_network_once(node: str, comfy: FakeComfy) -> None:
    """Each time ComfyUI looks through all models and may empty torch's cache."""
    inputs = arguments(node, pictures(2))
    before = len(comfy.loaded)
    call(node, **inputs)
    assert len(comfy.loaded) <= before + 1


def test_a_node_reports_its_tiles(comfy: FakeComfy) -> None:
    comfy.free = 0
    encoded(tiny(), pictures(2, (128, 64)))  # two pictures of two tiles
    assert [percent for percent, _ in comfy.updates] == [25, 50, 75, 100]


def test_interruption_passes_within_a_tile(comfy: FakeComfy) -> None:
    comfy.free, comfy.stop_after = 0, 2
    with pytest.raises(InterruptProcessingException):
        encoded(tiny(), pictures(2, (128, 64)))
    assert comfy.updates == []  # not even the first of four tiles is done


def test_interruption_passes_through_a_node(comfy: FakeComfy) -> None:
    comfy.stop_after = 0
    with pytest.raises(InterruptProcessingException):
        encoded(tiny(), pictures())


def test_interruption_stops_a_download_at_its_next_bytes(comfy: FakeComfy) -> None:
    tell = _host.Progress()
    tell(1, 1000)
    comfy.stop_after = 0
    with pytest.raises(InterruptProcessingException):
        tell(2, 1000)  # not a percent further


def test_loader_looks_into_comfys_folders(comfy: FakeComfy, published: list[Path]) -> None:
    """Weights under models/brushwork are found there."""
    if not (folders := [folder for folder in published if (folder / "small16x").is_dir()]):
        pytest.skip("the weights of small16x are not at hand")
    comfy.models.mkdir()
    (comfy.models / "brushwork").symlink_to(folders[0], target_is_directory=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("BRUSHWORK_WEIGHTS")
        patch.setenv("BRUSHWORK_OFFLINE", "1")
        network = call("BrushworkLoadStyleNetwork", name="small16x", precision="float32")
    image = call("BrushworkSamplePicture", name="rocket")[:, :64, :48]
    back = call("BrushworkStyleDecoder", network=network, features=encoded(network, image, "relu1_1"))
    assert (back - image).abs().mean() < 0.05
