"""Stand-ins for ComfyUI's own nodes that our workflows use; folders come in as hidden inputs."""

from pathlib import Path
from typing import Any, ClassVar

from torch import Tensor

from .pictures import check_suffix, read_picture
from .saving import Saver, inside

INPUT_FOLDER = "BRUSHWORK_INPUT_FOLDER"
SAVER = "BRUSHWORK_SAVER"
CHANNELS = ("alpha", "red", "green", "blue")


class LoadImage:
    """A picture of the input folder; a `Path`, which only a caller can give, may lie anywhere."""

    RETURN_TYPES = ("IMAGE", "MASK")
    FUNCTION = "load"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802 - ComfyUI's name
        return {
            "required": {"image": ("COMBO", {"image_upload": True})},
            "optional": {"upload": ("STRING", {"default": "image"})},  # the page's button, in older files
            "hidden": {"folder": INPUT_FOLDER},
        }

    @classmethod
    def VALIDATE_INPUTS(cls, image: str | Path | None, folder: Path) -> bool | str:  # noqa: N802 - ComfyUI's name
        if image is None or locate(image, folder).is_file():
            return True
        return f"there is no picture {image} in {folder}: put it there, or set 'image' to another"

    def load(self, image: str | Path, folder: Path, upload: str = "image") -> tuple[Tensor, Tensor]:
        return read_picture(locate(image, folder), isinstance(image, Path))


class LoadImageMask(LoadImage):
    """One channel of a picture as a mask; of alpha, the transparent part."""

    RETURN_TYPES = ("MASK",)

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802 - ComfyUI's name
        declared = super().INPUT_TYPES()
        declared["required"]["channel"] = (list(CHANNELS),)
        return declared

    def load(self, image: str | Path, folder: Path, upload: str = "image", channel: str = "alpha") -> tuple[Tensor]:  # pyright: ignore[reportIncompatibleMethodOverride]
        picture, mask = read_picture(locate(image, folder), isinstance(image, Path))
        return (mask if channel == "alpha" else picture[..., CHANNELS.index(channel) - 1],)


class SaveImage:
    """Save pictures as PNG under a prefix, or (a `Path`, which only a caller can give) as exactly that file."""

    RETURN_TYPES: ClassVar[tuple[str, ...]] = ()
    FUNCTION = "save"
    OUTPUT_NODE = True

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802 - ComfyUI's name
        return {
            "required": {"images": ("IMAGE",), "filename_prefix": ("STRING", {"default": "ComfyUI"})},
            "hidden": {"saver": SAVER},
        }

    @classmethod
    def VALIDATE_INPUTS(cls, filename_prefix: str | Path | None, saver: Saver) -> bool:  # noqa: N802 - ComfyUI's name
        if isinstance(filename_prefix, Path):
            check_suffix(filename_prefix.suffix)
        elif filename_prefix is not None:
            inside(saver.folder, filename_prefix)
        return True

    def save(self, images: Tensor, filename_prefix: str | Path, saver: Saver) -> dict[str, Any]:
        saver.add(images, filename_prefix)
        return {"result": ()}


class PreviewImage:
    """Without a page to look at, a preview is a saved picture too."""

    RETURN_TYPES: ClassVar[tuple[str, ...]] = ()
    FUNCTION = "save"
    OUTPUT_NODE = True

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802 - ComfyUI's name
        return {"required": {"images": ("IMAGE",)}, "hidden": {"saver": SAVER}}

    def save(self, images: Tensor, saver: Saver) -> dict[str, Any]:
        saver.add(images, "preview")
        return {"result": ()}


def _primitive(kind: str, **options: Any) -> type:  # noqa: ANN401 - as ComfyUI writes options
    """A node that hands on the value of its field."""

    class Primitive:
        RETURN_TYPES = (kind,)
        FUNCTION = "execute"

        @classmethod
        def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802 - ComfyUI's name
            return {"required": {"value": (kind, options)}}

        def execute(self, value: Any) -> tuple[Any]:  # noqa: ANN401 - of the declared kind
            return (value,)

    return Primitive


def locate(image: str | Path, folder: Path) -> Path:
    """The file that a picture input means; ComfyUI may add the folder's name in brackets."""
    return image if isinstance(image, Path) else inside(folder, image.removesuffix(" [input]"))


CORE_NODES: dict[str, type] = {
    "LoadImage": LoadImage,
    "LoadImageMask": LoadImageMask,
    "SaveImage": SaveImage,
    "PreviewImage": PreviewImage,
    "PrimitiveInt": _primitive("INT", control_after_generate=True),
    "PrimitiveFloat": _primitive("FLOAT"),
    "PrimitiveString": _primitive("STRING"),
    "PrimitiveStringMultiline": _primitive("STRING", multiline=True),
    "PrimitiveBoolean": _primitive("BOOLEAN"),
}
CORE_TITLES = {
    "LoadImage": "Load Image",
    "LoadImageMask": "Load Image (as Mask)",
    "SaveImage": "Save Image",
    "PreviewImage": "Preview Image",
}
