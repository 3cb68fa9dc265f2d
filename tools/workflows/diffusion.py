"""Hand-overs between these networks and a diffusion model, for which a checkpoint has to be at hand."""

from __future__ import annotations

from typing import Any

from .canvas import BLUE, OCHRE, RED, Box, Canvas, Cell
from .parts import ABOUT_NETWORK, network, sample, save

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
UNWANTED = "blurry, text, watermark, frame"


def refine() -> Canvas:
    """Stylise, then let a diffusion model paint over it."""
    canvas = Canvas()
    canvas.note(
        "## Stylise, then refine\n"
        "AdaIN gives the photograph the painting's strokes and colours; a diffusion model goes over the result at a "
        "low *denoise*, and makes paint of it. The style comes from the picture, not from words: the prompt only says "
        "what is seen.\n\n"
        "**Try:** *denoise* from 0.2 (touched up) to 0.6 (painted anew); another Style; the prompt.\n\n"
        f"{ABOUT_NETWORK}\n\n{ABOUT_CHECKPOINT}"
    )
    with canvas.group("Start", BLUE):
        net, content = network(canvas), sample(canvas, 1, "Content", "astronaut")
        style, files = sample(canvas, 2, "Style", "autumn_avenue"), _checkpoint(canvas)
    with canvas.group("AdaIN", OCHRE):
        stylised = _stylise(canvas, (2, 0), net, content, style)
    with canvas.group("Refine, by img2img", RED):
        latent = canvas.add("VAEEncode", (3, 0), pixels=stylised, vae=files.output("VAE"))
        prompts = _prompts(
            canvas, (3, 1), files, "oil painting of an astronaut in front of a flag, thick brush strokes"
        )
        painted = _sample(canvas, (4, 1), files, prompts, latent, denoise=0.4)
        image = canvas.add("VAEDecode", (4, 2), samples=painted, vae=files.output("VAE"))
    save(canvas, (5, 0), image, "diffusion_refine")
    return canvas


def restyle() -> Canvas:
    """Generate, then stylise."""
    canvas = Canvas()
    canvas.note(
        "## Generate, then stylise\n"
        "A diffusion model invents the picture, AdaIN paints it in the style of another: the same style, exactly, for "
        "every prompt and every seed.\n\n"
        "**Try:** another prompt; another *method* and other levels in Stylize Large; a WCT Level behind it.\n\n"
        f"{ABOUT_NETWORK}\n\n{ABOUT_CHECKPOINT}"
    )
    with canvas.group("Start", BLUE):
        net = network(canvas)
        style, files = sample(canvas, 2, "Style", "swirling_night"), _checkpoint(canvas)
    with canvas.group("Generate", RED):
        latent = canvas.add("EmptyLatentImage", (2, 0))
        prompts = _prompts(canvas, (2, 1), files, "photograph of a lighthouse on a cliff, evening light")
        invented = _sample(canvas, (3, 1), files, prompts, latent)
        picture = canvas.add("VAEDecode", (3, 2), samples=invented, vae=files.output("VAE"))
    with canvas.group("AdaIN", OCHRE):
        image = _stylise(canvas, (4, 0), net, picture, style)
    save(canvas, (5, 0), image, "diffusion_restyle")
    return canvas


def align() -> Canvas:
    """Latents that keep a style's statistics while they are sampled."""
    canvas = Canvas()
    canvas.note(
        "## Align latents while sampling\n"
        "Latent AdaIN gives the photograph's latent the style's palette and contrast, and Style Latent Operation gives "
        "them again at every step to the model's estimate of the finished picture: what the prompt paints comes out in "
        "the style's colours.\n\n"
        "**Try:** *strength* and *method* of the operation; *denoise*; LatentApplyOperationCFG bypassed.\n\n"
        "*cfg* has to be 1, or core hands over only what the prompt changes; so the model has a LoRA for few steps "
        "and no guidance (Hyper-SD, 270 MB, OpenRAIL++), offered for download as well.\n\n" + ABOUT_CHECKPOINT
    )
    with canvas.group("Start", BLUE):
        content, style = sample(canvas, 1, "Content", "astronaut"), sample(canvas, 2, "Style", "swirling_night")
        files = _checkpoint(canvas)
    with canvas.group("The style, as statistics of latents", OCHRE):
        fast = canvas.add("LoraLoaderModelOnly", (2, 0), model=files, lora_name=LORA["name"])
        fast.models = [LORA]
        own = canvas.add("VAEEncode", (2, 1), "Encode content", pixels=content, vae=files.output("VAE"))
        target = canvas.add("VAEEncode", (2, 2), "Encode style", pixels=style, vae=files.output("VAE"))
        start = canvas.add("BrushworkLatentAdaIN", (3, 1), content=own, style=target)
        operation = canvas.add(
            "BrushworkStyleLatentOperation", (3, 2), style=target, method="optimal transport", strength=0.3, model=fast
        )
        aligned = canvas.add("LatentApplyOperationCFG", (3, 0), model=fast, operation=operation)
    with canvas.group("Sample", RED):
        prompts = _prompts(
            canvas, (4, 1), files, "oil painting of an astronaut under a starry sky, thick brush strokes"
        )
        few: dict[str, Any] = {"steps": 8, "cfg": 1.0, "scheduler": "sgm_uniform", "denoise": 0.75}
        painted = _sample(canvas, (5, 1), aligned, prompts, start, **few)
        image = canvas.add("VAEDecode", (5, 2), samples=painted, vae=files.output("VAE"))
    save(canvas, (6, 0), image, "diffusion_align")
    return canvas


def _checkpoint(canvas: Canvas) -> Box:
    loaded = canvas.add("CheckpointLoaderSimple", (1, 3), ckpt_name=CHECKPOINT["name"])
    loaded.models = [CHECKPOINT]
    return loaded


def _stylise(canvas: Canvas, cell: Cell, net: Box, content: Box, style: Box) -> Box:
    return canvas.add("BrushworkStylizeLarge", cell, network=net, content=content, style_1=style)


def _prompts(canvas: Canvas, cell: Cell, files: Box, text: str) -> tuple[Box, Box]:
    """What to paint, and below it what not."""
    column, row = cell
    clip = files.output("CLIP")
    wanted = canvas.add("CLIPTextEncode", cell, "Prompt", text=text, clip=clip)
    return wanted, canvas.add("CLIPTextEncode", (column, row + 1), "Not that", text=UNWANTED, clip=clip)


def _sample(
    canvas: Canvas,
    cell: Cell,
    model: Box,
    prompts: tuple[Box, Box],
    latent: Box,
    **settings: Any,  # noqa: ANN401
) -> Box:
    inputs = {"cfg": 7.0, "sampler_name": "euler", "scheduler": "normal", **settings}
    links = {"model": model, "positive": prompts[0], "negative": prompts[1], "latent_image": latent}
    return canvas.add("KSampler", cell, **links, **inputs)
