"""A video to start from, and frames of one that hold still."""

from __future__ import annotations

from logging import WARNING

import torch
from torch import Tensor

from ..methods.motion import STABILITY, Steady
from ..samples import CLIP
from ._base import ImageNode, Inputs, Node, Video, slider, socket
from ._checks import picture_in, picture_out
from ._host import Progress, result_device, say, video_class


class SampleVideo(Node):
    """A clip that comes with the pack."""

    TITLE = "Sample Video"
    CATEGORY = "brushwork/picture"
    DESCRIPTION = (
        "A clip of three seconds that comes with the pack, so that a workflow with video runs at the first click."
    )
    SEARCH_ALIASES = ["example video", "demo video", "test video", "sample clip"]
    RETURN_TYPES = ("VIDEO",)
    RETURN_NAMES = ("video",)
    OUTPUT_TOOLTIPS = ("The video, for Get Video Components.",)

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        own = "Your own video, from Load Video, in the place of the sample."
        return {"required": {}, "optional": {"video": socket("VIDEO", own)}}

    def run(self, video: Video | None = None) -> tuple[Video]:
        if video is not None:
            return (video,)
        if (from_file := video_class()) is None:
            raise ValueError("there are no videos in graphs but in ComfyUI: open this workflow there.")
        return (from_file(str(CLIP)),)


class HoldStill(ImageNode):
    """Painted frames whose paint stays on what it was painted on."""

    TITLE = "Hold Still (video)"
    CATEGORY = "brushwork/picture"
    DESCRIPTION = (
        "Holds the painted frames of a video still: paint is carried along the motion of the content, and renewed "
        "where that does not hold. Without OpenCV (pip install opencv-python-headless) frames stay as they are."
    )
    SEARCH_ALIASES = ["video", "flicker", "deflicker", "temporal consistency", "optical flow", "stabilise", "stabilize"]

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        tip = "How long paint stays: 0 leaves the frames as they are, 1 keeps it for seconds."
        return {
            "required": {
                "painted": socket("IMAGE", "The painted frames, in order."),
                "content": socket("IMAGE", "The frames that they were made from, as many."),
                "stability": slider(tip, STABILITY),
            }
        }

    def run(self, painted: Tensor, content: Tensor, stability: float = STABILITY) -> tuple[Tensor]:
        frames, seen = picture_in(painted, "painted"), picture_in(content, "content")
        if len(frames) != len(seen):
            raise ValueError(
                f"there are {len(frames)} painted frames and {len(seen)} of the content: connect the frames that were "
                "painted."
            )
        try:
            steady = Steady(stability)
        except ModuleNotFoundError as error:
            say(f"The frames are as they came: {error}", WARNING)
            return (picture_out(frames),)
        progress = Progress()
        held = torch.empty(frames.movedim(1, -1).shape, device=result_device())
        for number in range(len(frames)):
            progress(number, len(frames))
            one = slice(number, number + 1)
            held[one] = picture_out(steady(seen[one], frames[one]))
        return (held,)
