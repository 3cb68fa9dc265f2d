"""Videos in a graph: one to start from, and frames held still."""

import sys
from types import ModuleType

import pytest
import torch
from torch import Tensor

from brushwork.methods.motion import Steady
from brushwork.nodes import served
from brushwork.samples import CLIP
from brushwork.tests.methods.test_motion import crawling, panning
from brushwork.tests.nodes.stand_ins import call
from brushwork.tools import clip

NODE, SAMPLE = "BrushworkHoldStill", "BrushworkSampleVideo"


def frames() -> tuple[Tensor, Tensor]:
    return panning(2, 4).movedim(1, -1), crawling(4).movedim(1, -1)


def test_it_is_steady() -> None:
    content, painted = frames()
    held = call(NODE, painted=painted, content=content, stability=0.6)
    assert torch.equal(held, Steady(0.6)(content.movedim(-1, 1), painted.movedim(-1, 1)).movedim(1, -1))
    assert (held - painted)[1:].abs().mean() > 0.02
    assert torch.equal(call(NODE, painted=painted, content=content, stability=0.0), painted)


def test_frames_that_do_not_pair() -> None:
    content, painted = frames()
    with pytest.raises(ValueError, match=r"^there are 4 painted frames and 3 of the content: connect the frames that"):
        call(NODE, painted=painted, content=content[:3])


def test_without_opencv_frames_stay_and_one_sentence_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A template runs at the first click, with what ComfyUI brings."""
    content, painted = frames()
    monkeypatch.setitem(sys.modules, "cv2", None)
    assert torch.equal(call(NODE, painted=painted, content=content), painted)
    (line,) = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert line.startswith("The frames are as they came: ")
    assert "needs OpenCV: pip install opencv-python-headless, or set stability" in line


def test_without_opencv_too_frames_have_to_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    content, painted = frames()
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(ValueError, match="connect the frames that were painted"):
        call(NODE, painted=painted, content=content[:3])


class Given:
    """A VIDEO as ComfyUI has it."""

    def __init__(self, file: str = "") -> None:
        self.file = file

    def get_components(self) -> None: ...


def test_your_own_video_takes_the_samples_place() -> None:
    own = Given()
    assert call(SAMPLE, video=own) is own


@pytest.mark.parametrize("wrong", [torch.zeros(1, 4, 4, 3), "clip.mp4", 7])
def test_what_is_no_video_is_said_to_be_none(wrong: object) -> None:
    with pytest.raises(ValueError, match="^'video' holds .* and takes VIDEO: look at the node that made it"):
        call(SAMPLE, video=wrong)


def test_without_comfyui_there_are_no_videos() -> None:
    with pytest.raises(ValueError, match="open this workflow there"):
        call(SAMPLE)


@pytest.mark.parametrize("place", ["comfy_api.input_impl", "comfy_api.latest._input_impl"])
def test_the_sample_is_a_video_of_comfyuis(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever the server has the class: in another place than this one there is none."""
    pretend(place, monkeypatch)
    assert call(SAMPLE).file == str(CLIP)


def test_where_the_server_has_no_video_there_is_no_sample_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend("", monkeypatch)
    assert SAMPLE not in served()
    pretend("comfy_api.input_impl", monkeypatch)
    assert SAMPLE in served()


def test_the_clip_is_small_and_what_is_said_of_it() -> None:
    av = pytest.importorskip("av")
    assert CLIP.stat().st_size < 300_000
    with av.open(str(CLIP)) as file:
        (stream,) = file.streams
        pictures = [frame.to_ndarray(format="rgb24") for frame in file.decode(stream)]
        assert stream.average_rate == clip.RATE
    assert len(pictures) == clip.FRAMES == 3 * clip.RATE
    drawn = clip.frame(0).astype(float)
    assert drawn.shape == pictures[0].shape == (clip.HEIGHT, clip.WIDTH, 3)
    assert abs(drawn - pictures[0]).mean() < 4  # levels: of what compression loses
    assert abs(pictures[-1].astype(float) - pictures[0]).mean() > 10  # and it moves


def pretend(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Be in a ComfyUI that has its class of videos in the module `place`."""
    monkeypatch.setitem(sys.modules, "comfy.model_management", ModuleType("comfy.model_management"))
    for module in ("comfy_api.input_impl", "comfy_api.latest._input_impl"):
        known = ModuleType(module)
        vars(known)["VideoFromFile"] = Given
        monkeypatch.setitem(sys.modules, module, known if module == place else None)
