"""Frames held still in a graph."""

import sys

import pytest
import torch
from torch import Tensor

from brushwork.methods.motion import Steady
from brushwork.tests.methods.test_motion import crawling, panning
from brushwork.tests.nodes.stand_ins import call

NODE = "BrushworkHoldStill"


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


def test_without_opencv_one_sentence_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    content, painted = frames()
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(ModuleNotFoundError, match="needs OpenCV: pip install opencv-python-headless, or set stability"):
        call(NODE, painted=painted, content=content)
