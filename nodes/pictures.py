"""Pictures before and after the networks."""

from __future__ import annotations

from torch import Tensor

from ..media.sheet import contact_sheet
from ..samples import load_sample, sample_names
from ..transfer.colour import keep_colours
from ..transfer.moments import check_batches
from ..transfer.resize import scale_strokes, texture_noise
from ._base import ImageNode, Inputs, choice, number, socket, whole
from ._checks import choice_in, for_each, picture_in, picture_out, room_for, same_pictures
from ._host import at_once, in_parts

LUMINANCE, COLOUR_MATCHING = "luminance", "colour matching"
COLOUR_SOURCES = (LUMINANCE, COLOUR_MATCHING)
SHEET_SLOTS = 12
MAX_LINE = 200
"""Letters of a line on a sheet, more than can be read."""


class PreserveColor(ImageNode):
    """The content's colours in the stylised picture."""

    TITLE = "Preserve Color"
    CATEGORY = "brushwork/picture"
    DESCRIPTION = "Gives a stylised picture the colours of its content, pixel by pixel or as a whole."
    SEARCH_ALIASES = ["preserve colour", "keep color", "color transfer", "luminance only", "coral"]

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        tip = (
            "'luminance' keeps the hue of every pixel of the content; 'colour matching' gives the picture, or a style "
            "picture before it is encoded, the content's mean colour and colour covariance."
        )
        return {
            "required": {
                "stylised": socket("IMAGE", "The stylised picture, or the style picture for colour matching before."),
                "content": socket("IMAGE", "The picture whose colours are kept."),
                "how": choice(COLOUR_SOURCES, tip),
            }
        }

    def run(self, stylised: Tensor, content: Tensor, how: str = LUMINANCE) -> tuple[Tensor]:
        colours = picture_in(content, "content")
        picture = for_each(picture_in(stylised, "stylised"), colours)
        check_batches(len(picture), len(colours))
        if choice_in(how, COLOUR_SOURCES, "how") == LUMINANCE:
            same_pictures(picture, colours)
        return (picture_out(recoloured(picture, colours, how)),)


def recoloured(picture: Tensor, content: Tensor, how: str, region: Tensor | None = None) -> Tensor:
    """`picture` [B, 3, H, W] with the content's colours, in one of COLOUR_SOURCES, in parts of the batch that fit.

    Where a `region` [1 or B, H, W] is given it alone is looked at, and nothing changes where it is 0.
    """

    def part(picture: Tensor, content: Tensor, *within: Tensor) -> Tensor:
        return keep_colours(picture.float(), content.float(), how == LUMINANCE, *within)

    return in_parts(part, picture, content, *([] if region is None else [region]))


class BrushSize(ImageNode):
    """The style picture larger or smaller, and its strokes with it."""

    TITLE = "Brush Size"
    CATEGORY = "brushwork/picture"
    DESCRIPTION = "Scales the style picture: a larger style has larger strokes."
    SEARCH_ALIASES = ["style size", "stroke size", "style scale", "msg-net"]

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {
            "required": {
                "style": socket("IMAGE", "The style picture."),
                "scale": number(1.0, 0.05, 8.0, 0.05, "2 doubles the strokes, 0.5 halves them."),
            }
        }

    def run(self, style: Tensor, scale: float = 1.0) -> tuple[Tensor]:
        picture = picture_in(style, "style")
        room_for(picture[:, 0].numel() * scale**2, "use a smaller scale")
        scaled = in_parts(lambda part: scale_strokes(part, scale), picture, limit=int(at_once() / max(1, scale**2)))
        return (picture_out(scaled),)


class TextureNoise(ImageNode):
    """Where texture synthesis starts."""

    TITLE = "Texture Noise"
    CATEGORY = "brushwork/picture"
    DESCRIPTION = "Uniform noise as the content: WCT at full strength turns it into the style's texture."
    SEARCH_ALIASES = ["texture synthesis", "noise image", "random", "wct"]

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        seed = whole(0, 0, 0xFFFFFFFFFFFFFFFF, "The same seed gives the same noise.", control_after_generate=True)
        return {
            "required": {
                "width": whole(512, 1, 16384, "Pixels."),
                "height": whole(512, 1, 16384, "Pixels."),
                "seed": seed,
            }
        }

    def run(self, width: int = 512, height: int = 512, seed: int = 0) -> tuple[Tensor]:
        return (picture_out(texture_noise(height, width, seed)),)


class SamplePicture(ImageNode):
    """A picture that comes with the pack."""

    TITLE = "Sample Picture"
    CATEGORY = "brushwork/picture"
    DESCRIPTION = "A photograph or a painting that comes with the pack, so that every workflow runs at the first click."
    SEARCH_ALIASES = ["example image", "demo picture", "test image"]

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {
            "required": {
                "name": choice(
                    sample_names(),
                    "Photographs, then paintings, then styles drawn for this pack and two pictures from science.",
                )
            },
            "optional": {"image": socket("IMAGE", "Your own picture, in the place of the sample.")},
        }

    def run(self, name: str, image: Tensor | None = None) -> tuple[Tensor]:
        return (picture_out(load_sample(name) if image is None else picture_in(image, "image")),)


class ContactSheet(ImageNode):
    """Several pictures on one sheet."""

    TITLE = "Contact Sheet"
    CATEGORY = "brushwork/picture"
    DESCRIPTION = "Lays pictures out in a grid with a line of text under each; batches take one place a picture."
    SEARCH_ALIASES = ["image grid", "collage", "comparison", "montage"]

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        slots = [f"image_{number}" for number in range(1, SHEET_SLOTS + 1)]
        labels = {"default": "", "multiline": True, "tooltip": "A line a picture, in order."}
        return {
            "required": {
                slots[0]: socket("IMAGE", "The first picture, or a batch."),
                "labels": ("STRING", labels),
                "columns": whole(0, 0, 12, "Pictures in a row; 0 makes the sheet about square."),
                "side": whole(320, 32, 2048, "Pixels of a picture's longer side on the sheet."),
            },
            "optional": {slot: socket("IMAGE", "The next picture, or a batch.") for slot in slots[1:]},
        }

    def run(
        self, image_1: Tensor, labels: str = "", columns: int = 0, side: int = 320, **images: Tensor
    ) -> tuple[Tensor]:
        named = {"image_1": image_1, **images}
        order = sorted(named, key=lambda name: int(name.removeprefix("image_")))
        pictures = [picture for name in order for picture in picture_in(named[name], name)]
        room_for(len(pictures) * side**2, "use a smaller side, or fewer pictures")
        lines = [line[:MAX_LINE] for line in labels.splitlines()]
        return (picture_out(contact_sheet(pictures, lines, columns, side)),)
