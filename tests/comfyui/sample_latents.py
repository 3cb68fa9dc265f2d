"""Latents through ComfyUI's own VAE class, nodes and sampler, with small random networks. Not for pytest: run by
ComfyUI's python in ComfyUI's folder, with the pack's folder as its argument; prints what came out as JSON."""

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

PACK = Path(sys.argv.pop())  # ComfyUI reads the arguments when it is imported
sys.path[0] = str(Path.cwd())
from comfy.cli_args import args  # noqa: E402

args.cpu = True
import comfy.latent_formats as formats  # noqa: E402
import comfy.model_base  # noqa: E402
import comfy.model_patcher  # noqa: E402
import comfy.sd  # noqa: E402
import comfy.supported_models_base  # noqa: E402
from comfy.ldm.models.autoencoder import AutoencoderKL  # noqa: E402
from comfy_extras import nodes_latent  # noqa: E402

import nodes  # noqa: E402

KINDS = {"SD 1.5": (formats.SD15, ()), "Flux": (formats.Flux, ()), "Wan": (formats.Wan21, (3,))}
"""Latent formats with a scale, with a shift too, and of video; and their latents' frames."""
Latent = dict[str, Any]


class Tiny(nn.Module):
    """Where ComfyUI expects a diffusion model: looks at its neighbours and at the prompt."""

    dtype = torch.float32

    def __init__(self, **_: object) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(0.3))

    def forward(self, x: Tensor, timestep: Tensor, context: Tensor, **_: object) -> Tensor:
        prompt = context.mean((1, 2)).view(-1, *[1] * (x.dim() - 1))
        return self.weight * (x + x.roll(1, -1)) + 0.1 * prompt * x.roll(1, -2)


def pack() -> Any:  # noqa: ANN401
    name = str(PACK).replace(".", "_x_")
    spec = importlib.util.spec_from_file_location(name, PACK / "__init__.py")
    assert spec is not None and spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def vae() -> Any:  # noqa: ANN401
    layers = {"double_z": True, "z_channels": 4, "resolution": 32, "in_channels": 3, "out_ch": 3, "ch": 32}
    layers |= {"ch_mult": [1, 1, 1, 1], "num_res_blocks": 1, "attn_resolutions": [], "dropout": 0.0}
    params = {"ddconfig": layers, "embed_dim": 4}
    weights = AutoencoderKL(**params).state_dict()
    spread = {name: 1.0 if value.dim() < 2 else value[0].numel() ** -0.5 for name, value in weights.items()}
    weights = {name: torch.randn_like(value) * spread[name] for name, value in weights.items()}
    return comfy.sd.VAE(sd=weights, config={"params": params}, dtype=torch.float32)


def model(latent_format: Any) -> Any:  # noqa: ANN401
    config = comfy.supported_models_base.BASE({})
    config.latent_format = latent_format()
    base = comfy.model_base.BaseModel(config, unet_model=Tiny)
    cpu = torch.device("cpu")
    return comfy.model_patcher.ModelPatcher(base, load_device=cpu, offload_device=cpu)


def sampled(patched: Any, latent: Latent, cfg: float) -> Tensor:  # noqa: ANN401
    prompts = [[[torch.randn(1, 7, 8), {}]] for _ in range(2)]
    how = {"seed": 1, "steps": 4, "cfg": cfg, "sampler_name": "euler", "scheduler": "normal"}
    return nodes.KSampler().sample(patched, **how, positive=prompts[0], negative=prompts[1], latent_image=latent)[0][
        "samples"
    ]


def away(values: Tensor, style: Tensor) -> float:
    """The largest difference of a channel's mean or deviation, as a share of the style's deviation."""
    flat, target = (each.movedim(1, 0).flatten(1) for each in (values, style))
    means = (flat.mean(1) - target.mean(1)).abs() / target.std(1)
    return max(means.max().item(), (flat.std(1) / target.std(1) - 1).abs().max().item())


def latents(latent_format: Any, frames: tuple[int, ...], seed: int) -> Latent:  # noqa: ANN401
    """As the VAE of that format has them: sampled ones have a mean near 0 and a deviation near 1."""
    shape = (1, latent_format.latent_channels, *frames, 16, 16)
    noise = torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * (0.5 + seed) + 0.2 * seed
    return {"samples": latent_format().process_out(noise)}


def sampling(ours: Any, kind: str) -> Latent:  # noqa: ANN401
    latent_format, frames = KINDS[kind]
    content, style = latents(latent_format, frames, 0), latents(latent_format, frames, 1)
    plain = model(latent_format)
    (operation,) = ours["BrushworkStyleLatentOperation"]().run(style=style, strength=1.0, model=plain)
    aligned = nodes_latent.LatentApplyOperationCFG.execute(plain, operation).result[0]
    result = sampled(aligned, content, 1.0)
    (once,) = ours["BrushworkStyleLatentOperation"]().run(style=style, strength=1.0)
    applied = nodes_latent.LatentApplyOperation.execute(content, once).result[0]["samples"]
    half = {**content, "noise_mask": (torch.arange(128) < 64).float().expand(1, 1, 128, -1)}
    masked = sampled(aligned, half, 1.0)
    return {
        "plain": away(sampled(plain, content, 1.0), style["samples"]),
        "aligned": away(result, style["samples"]),
        "guided": away(sampled(aligned, content, 7.0), style["samples"]),
        "applied": away(applied, style["samples"]),
        "outside the noise mask": (masked - content["samples"])[..., 9:].abs().max().item(),
        "shape": list(result.shape) == list(content["samples"].shape),
    }


def through_vae(ours: Any) -> Latent:  # noqa: ANN401
    codec = vae()
    content, style = (nodes.VAEEncode().encode(codec, torch.rand(2 - n, 64, 80, 3) ** (1 + n))[0] for n in range(2))
    results: Latent = {}
    for name in ("BrushworkLatentAdaIN", "BrushworkLatentWCT"):
        (result,) = ours[name]().run(content=content, style=style)
        image = nodes.VAEDecode().decode(codec, result)[0]
        results[name] = {"away": away(result["samples"][:1], style["samples"]), "image": list(image.shape)}
    return results


def main() -> None:
    torch.manual_seed(0)
    ours = pack().NODE_CLASS_MAPPINGS
    with torch.inference_mode():
        report = {"VAE": through_vae(ours), **{kind: sampling(ours, kind) for kind in KINDS}}
    sys.stdout.write("\n" + json.dumps(report) + "\n")


main()
