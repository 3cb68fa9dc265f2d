"""ComfyUI's own nodes for diffusion, as far as a workflow with them can be drawn and checked; they run there only."""

from typing import Any

Declared = dict[str, Any]
COMBO = ("COMBO", {})
"""A choice whose list only ComfyUI has: of its files, or of its samplers."""


def _node(outputs: tuple[str, ...], **inputs: tuple[str, Declared] | tuple[str]) -> type:
    class Elsewhere:
        RETURN_TYPES = outputs

        @classmethod
        def INPUT_TYPES(cls) -> dict[str, Declared]:  # noqa: N802 - ComfyUI's name
            return {"required": inputs}

    return Elsewhere


def _whole(default: int, least: int, most: int) -> tuple[str, Declared]:
    return "INT", {"default": default, "min": least, "max": most}


def _number(default: float, least: float, most: float) -> tuple[str, Declared]:
    return "FLOAT", {"default": default, "min": least, "max": most}


CORE_DIFFUSION: dict[str, type] = {
    "CheckpointLoaderSimple": _node(("MODEL", "CLIP", "VAE"), ckpt_name=COMBO),
    "LoraLoaderModelOnly": _node(
        ("MODEL",), model=("MODEL",), lora_name=COMBO, strength_model=_number(1.0, -100.0, 100.0)
    ),
    "CLIPTextEncode": _node(("CONDITIONING",), text=("STRING", {"multiline": True}), clip=("CLIP",)),
    "VAEEncode": _node(("LATENT",), pixels=("IMAGE",), vae=("VAE",)),
    "VAEDecode": _node(("IMAGE",), samples=("LATENT",), vae=("VAE",)),
    "EmptyLatentImage": _node(
        ("LATENT",), width=_whole(512, 16, 16384), height=_whole(512, 16, 16384), batch_size=_whole(1, 1, 4096)
    ),
    "LatentApplyOperation": _node(("LATENT",), samples=("LATENT",), operation=("LATENT_OPERATION",)),
    "LatentApplyOperationCFG": _node(("MODEL",), model=("MODEL",), operation=("LATENT_OPERATION",)),
    "KSampler": _node(
        ("LATENT",),
        model=("MODEL",),
        seed=_whole(0, 0, 2**64 - 1),
        steps=_whole(20, 1, 10000),
        cfg=_number(8.0, 0.0, 100.0),
        sampler_name=COMBO,
        scheduler=COMBO,
        positive=("CONDITIONING",),
        negative=("CONDITIONING",),
        latent_image=("LATENT",),
        denoise=_number(1.0, 0.0, 1.0),
    ),
}
