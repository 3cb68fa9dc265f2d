"""Compute `values.safetensors` as the package does today: python tests/frozen/make_values.py"""

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from brushwork.tests.frozen.entry import HERE, alone, computing_in, node

VALUES, STYLES = HERE / "values.safetensors", HERE / "styles"
"""`STYLES` is a folder of weights with a style that was learnt and saved in November 2026."""
METHODS = ("adain", "whitening-colouring", "optimal transport")


def noise(*shape: int, seed: int) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def latent(batch: int, seed: int) -> dict[str, Any]:
    return {"samples": 4 * noise(batch, 4, 12, 10, seed=seed) - 2}


def latents() -> dict[str, Tensor]:
    """By node and method: two contents, half masked, in one style."""
    mask = torch.zeros(1, 24, 20)
    mask[:, :, 10:] = 1
    given = {"content": latent(2, 1), "style": latent(1, 2), "strength": 0.7, "content_mask": mask}
    found = {"latent adain": node("LatentAdaIN", **given)["samples"]}
    for method in METHODS[1:]:
        for statistics in ("per image", "whole batch", "smoothed over time"):
            made = node("LatentWCT", **given, method=method, statistics=statistics)
            found[f"latent {method} {statistics}"] = made["samples"]
    for method in METHODS:
        operation = node("StyleLatentOperation", style=latent(1, 2), method=method, strength=0.5)
        found[f"operation {method}"] = operation(latent=latent(2, 1)["samples"])
    return found


def pictures() -> dict[str, Tensor]:
    """Two pictures with the same colours and one learnt style, and a sheet of them, in 255ths."""
    network = node("LoadStyleNetwork", name="stylebank/frozen", precision="float32")
    photo = node("BrushSize", style=node("SamplePicture", name="coffee"), scale=0.1)
    features = node("StyleEncoder", network=network, image=photo, level="bank")
    painted = node("StyleBankFilter", network=network, features=features, style="frozen")
    learnt = node("StyleDecoder", network=network, features=painted)
    coloured = {how: node("PreserveColor", stylised=learnt, content=photo, how=how) for how in COLOURS}
    sheet = node("ContactSheet", image_1=photo, image_2=learnt, columns=2, side=64)
    return {"learnt style": learnt, **coloured, "sheet": sheet}


COLOURS = ("luminance", "colour matching")


def computed(weights: Path = STYLES) -> dict[str, Tensor]:
    """Latents in float32, pictures in bytes; `weights` is the folder of the learnt style."""
    with alone(weights), computing_in(torch.float32):
        return {**latents(), **{name: (255 * image).round().to(torch.uint8) for name, image in pictures().items()}}


if __name__ == "__main__":
    save_file({name: value.contiguous() for name, value in computed().items()}, VALUES)
