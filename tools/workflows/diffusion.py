"""Hand-overs between these networks and a diffusion model, for which a checkpoint has to be at hand."""

from __future__ import annotations

from typing import Any

from .adain import NETWORK
from .page import BLUE, OCHRE, RED, Cell, Node
from .parts import ABOUT_COMPACT_ADAIN, Workflow

HOST = "https://huggingface.co"
CHECKPOINT = {
    "name": "v1-5-pruned-emaonly-fp16.safetensors",
    "url": f"{HOST}/Comfy-Org/stable-diffusion-v1-5-archive/resolve/main/v1-5-pruned-emaonly-fp16.safetensors",
    "directory": "checkpoints",
}
LORA = {
    "name": "Hyper-SD15-8steps-lora.safetensors",
    "url": f"{HOST}/ByteDance/Hyper-SD/resolve/main/Hyper-SD15-8steps-lora.safetensors",
    "directory": "loras",
}
ABOUT_CHECKPOINT = (
    "The checkpoint is Stable Diffusion 1.5 (2 GB, CreativeML OpenRAIL-M), which the page offers to download; any "
    "other will do."
)


def refine(flow: Workflow) -> None:
    """Stylise, then let a diffusion model paint over it."""
    flow.note(
        "## Stylise, then refine\n"
        "AdaIN gives the photograph the painting's strokes and colours; a diffusion model goes over the result at a "
        "low *denoise*, and makes paint of it. The style comes from the picture, not from words: the prompt only says "
        "what is seen.",
        "**Try:** *denoise* from 0.2 (touched up) to 0.6 (painted anew); another Style; the prompt.",
        ABOUT_COMPACT_ADAIN,
        ABOUT_CHECKPOINT,
    )
    with flow.group("Start", BLUE):
        net, content = flow.network(name=NETWORK), flow.sample(1, "Content", "astronaut")
        style, files = flow.sample(2, "Style", "autumn_avenue"), _checkpoint(flow)
    with flow.group("AdaIN", OCHRE):
        stylised = flow.add("BrushworkStylizeLarge", (2, 0), network=net, content=content, style_1=style)
    with flow.group("Refine, by img2img", RED):
        latent = flow.add("VAEEncode", (3, 0), pixels=stylised, vae=files.output("VAE"))
        prompts = _prompts(flow, (3, 1), files, "oil painting of an astronaut in front of a flag, thick brush strokes")
        painted = _sample(flow, (4, 1), files, prompts, latent, denoise=0.4)
        image = flow.add("VAEDecode", (4, 2), samples=painted, vae=files.output("VAE"))
    flow.save((5, 0), image)


def restyle(flow: Workflow) -> None:
    """Generate, then stylise."""
    flow.note(
        "## Generate, then stylise\n"
        "A diffusion model invents the picture, AdaIN paints it in the style of another: the same style, exactly, for "
        "every prompt and every seed.",
        "**Try:** another prompt; *compact* as network, and with it other methods and levels in Stylize Large.",
        ABOUT_COMPACT_ADAIN,
        ABOUT_CHECKPOINT,
    )
    with flow.group("Start", BLUE):
        net = flow.network(name=NETWORK)
        style, files = flow.sample(2, "Style", "swirling_night"), _checkpoint(flow)
    with flow.group("Generate", RED):
        latent = flow.add("EmptyLatentImage", (2, 0))
        prompts = _prompts(flow, (2, 1), files, "photograph of a lighthouse on a cliff, evening light")
        invented = _sample(flow, (3, 1), files, prompts, latent)
        picture = flow.add("VAEDecode", (3, 2), samples=invented, vae=files.output("VAE"))
    with flow.group("AdaIN", OCHRE):
        image = flow.add("BrushworkStylizeLarge", (4, 0), network=net, content=picture, style_1=style)
    flow.save((5, 0), image)


def align(flow: Workflow) -> None:
    """Latents that keep a style's statistics while they are sampled."""
    flow.note(
        "## Align latents while sampling\n"
        "Latent AdaIN gives the photograph's latent the style's palette and contrast, and Style Latent Operation gives "
        "them again at every step to the model's estimate of the finished picture: what the prompt paints comes out in "
        "the style's colours.",
        "**Try:** *strength* and *method* of the operation; *denoise*; LatentApplyOperationCFG bypassed.",
        "*cfg* has to be 1, or core hands over only what the prompt changes; so the model has a LoRA for few steps "
        "and no guidance (Hyper-SD, 270 MB, OpenRAIL++), offered for download as well.",
        ABOUT_CHECKPOINT,
    )
    with flow.group("Start", BLUE):
        content, style = flow.sample(1, "Content", "astronaut"), flow.sample(2, "Style", "swirling_night")
        files = _checkpoint(flow)
    with flow.group("The style, as statistics of latents", OCHRE):
        fast = flow.add("LoraLoaderModelOnly", (2, 0), model=files, lora_name=LORA["name"])
        fast.models = [LORA]
        own = flow.add("VAEEncode", (2, 1), "Encode content", pixels=content, vae=files.output("VAE"))
        target = flow.add("VAEEncode", (2, 2), "Encode style", pixels=style, vae=files.output("VAE"))
        start = flow.add("BrushworkLatentAdaIN", (3, 1), content=own, style=target)
        how = {"style": target, "method": "optimal transport", "strength": 0.3, "model": fast}
        operation = flow.add("BrushworkStyleLatentOperation", (3, 2), **how)
        aligned = flow.add("LatentApplyOperationCFG", (3, 0), model=fast, operation=operation)
    with flow.group("Sample", RED):
        prompts = _prompts(flow, (4, 1), files, "oil painting of an astronaut under a starry sky, thick brush strokes")
        few: dict[str, Any] = {"steps": 8, "cfg": 1.0, "scheduler": "sgm_uniform", "denoise": 0.75}
        painted = _sample(flow, (5, 1), aligned, prompts, start, **few)
        image = flow.add("VAEDecode", (5, 2), samples=painted, vae=files.output("VAE"))
    flow.save((6, 0), image)


def _checkpoint(flow: Workflow) -> Node:
    loaded = flow.add("CheckpointLoaderSimple", (1, 3), ckpt_name=CHECKPOINT["name"])
    loaded.models = [CHECKPOINT]
    return loaded


def _prompts(flow: Workflow, cell: Cell, files: Node, text: str) -> dict[str, Node]:
    """What to paint, and below it what not."""
    column, row = cell
    clip, unwanted = files.output("CLIP"), "blurry, text, watermark, frame"
    return {
        "positive": flow.add("CLIPTextEncode", cell, "Prompt", text=text, clip=clip),
        "negative": flow.add("CLIPTextEncode", (column, row + 1), "Not that", text=unwanted, clip=clip),
    }


def _sample(
    flow: Workflow,
    cell: Cell,
    model: Node,
    prompts: dict[str, Node],
    latent: Node,
    **settings: Any,  # noqa: ANN401
) -> Node:
    inputs = {"cfg": 7.0, "sampler_name": "euler", "scheduler": "normal", **settings}
    return flow.add("KSampler", cell, model=model, latent_image=latent, **prompts, **inputs)
