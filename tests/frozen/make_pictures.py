"""Paint the pictures in `pictures/`, their mask, and those of `workflows/` as the package does today.

    python tests/frozen/make_pictures.py

First painted before the rooms moved (827d796, by AdaIN 102a25e), but for EFDM's, and CoMatch's and StyleBank's over
time, which are younger; and for the workflows', which 0.1.0 (8c74959) painted. Those of networks that were trained on
since were painted anew by code that had still painted the ones before.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from brushwork.tests.frozen.entry import alone, computing_in, node, run, run_small

HERE = Path(__file__).resolve().parent
PICTURES, MASK = HERE / "pictures", HERE / "mask.png"
WORKFLOWS = sorted((HERE / "workflows").glob("*.json"))
"""As ComfyUI's page saved them with 0.1.0."""

WHITENING = "whitening-colouring"
NETWORKS = {
    **dict.fromkeys(("adain", "wct", WHITENING, "efdm"), "compact"),
    "msgnet": "msgnet",
    "stylebank": "stylebank",
}
"""Built in, by method; named, since another may become a method's own."""
PAINTINGS = ("--style", "swirling_night"), ("--style", "autumn_avenue")
NAMES = ("--style-name", "van gogh starry night"), ("--style-name", "mondrian composition")
INSIDE = 36
"""Columns that no decoder looks out of the mask from."""
CASCADE = ("relu5_1", "relu4_1", "relu3_1", "relu2_1", "relu1_1")
STRENGTH = 0.6
"""At every level of WCT."""


def _lines() -> Iterator[tuple[str, tuple[str, ...]]]:
    for method in NETWORKS:
        first, second = NAMES if method == "stylebank" else PAINTINGS
        size = () if method == "stylebank" else ("--style-size", "96")
        how = ("--method", method, "--network", NETWORKS[method])
        photo = ("chelsea", "--max-size", "112", *how)
        one = (*photo, *first, *size)
        yield method, one
        other = "1" if method in ("wct", WHITENING) else "0.6"
        yield f"{method}_strength_{other}", (*one, "--alpha", other)
        yield f"{method}_two_styles", (*one, *second, "--weight", "1", "--weight", "3")
        yield f"{method}_luminance", (*one, "--preserve-color", "luminance")
        yield f"{method}_matching", (*one, "--preserve-color", "matching")
        yield f"{method}_odd", ("coffee", "--max-size", "101", *how, *second, *size)
        if method != "stylebank":
            yield f"{method}_large_strokes", (*photo, *first, "--style-size", "200")
    adain, wct, whitening = (
        ("chelsea", "--max-size", "112", *PAINTINGS[0], "--method", method, "--network", "compact")
        for method in ("adain", "wct", WHITENING)
    )
    yield "adain_fine", (*adain, "--levels", "relu2_1")
    yield "wct_two_levels", (*wct, "--levels", "relu4_1,relu2_1")
    yield f"{WHITENING}_two_levels", (*whitening, "--levels", "relu4_1,relu2_1")
    yield "adain_inside", (*adain, "--mask", str(MASK))
    yield "wct_inside", (*wct, "--levels", "relu3_1", "--mask", str(MASK))
    yield f"{WHITENING}_inside", (*whitening, "--levels", "relu3_1", "--mask", str(MASK))


LINES = dict(_lines())
"""Arguments of `stylize`. Of those with a mask only the inside stays."""


def loaded(network: str) -> Any:  # noqa: ANN401 - what a socket carries
    return node("LoadStyleNetwork", name=network, precision="float32")


def sample(name: str, scale: float) -> Tensor:
    return node("BrushSize", style=node("SamplePicture", name=name), scale=scale)


def photograph() -> Tensor:
    """[1, 75, 113, 3]"""
    return sample("chelsea", 0.25)


def painting(name: str = "swirling_night") -> Tensor:
    """[1, 96, 96, 3]"""
    return sample(name, 0.15)


def soft_mask(image: Tensor) -> Tensor:
    """White on the left, black on the right, a ramp between them [1, H, W]."""
    return torch.linspace(2, -1, image.shape[2]).clamp(0, 1).expand(1, image.shape[1], -1).contiguous()


def encoded(network: Any, image: Tensor, level: str) -> Any:  # noqa: ANN401
    return node("StyleEncoder", network=network, image=image, level=level)


def adain_mask() -> Tensor:
    network, photo, style = loaded("compact"), photograph(), painting()
    own, other = (encoded(network, image, "relu4_1") for image in (photo, style))
    masks = {"content_mask": soft_mask(photo), "style_mask": soft_mask(style)}
    return decoded(network, node("AdaIN", content=own, style=other, **masks), "adain")


def wct_mask() -> Tensor:
    """The cascade in stages."""
    network, image, style = loaded("compact"), photograph(), painting()
    masks = {"content_mask": soft_mask(image), "style_mask": soft_mask(style)}
    for level in CASCADE:
        own, other = (encoded(network, each, level) for each in (image, style))
        matched = node("WCT", content=own, style=other, **masks)
        image = decoded(network, node("BlendByAlpha", content=own, stylised=matched, alpha=STRENGTH))
    return image


def msgnet_mask() -> Tensor:
    network, photo = loaded("msgnet"), photograph()
    own, other = (encoded(network, image, "comatch") for image in (photo, painting()))
    inside = node("CoMatch", network=network, content=own, style=other)
    return decoded(network, node("RegionMask", inside=inside, outside=own, mask=soft_mask(photo)))


def stylebank_mask() -> Tensor:
    """Two styles beside each other, with a feathered edge."""
    network, photo = loaded("stylebank"), photograph()
    own = encoded(network, photo, "bank")
    inside, outside = (node("StyleBankFilter", network=network, features=own, style=name) for _, name in NAMES)
    mask = (soft_mask(photo) > 0.5).float()
    return decoded(network, node("RegionMask", inside=inside, outside=outside, mask=mask, feather=8.0))


def decoded(network: Any, features: Any, trained_for: str = "reconstruction") -> Tensor:  # noqa: ANN401
    return node("StyleDecoder", network=network, features=features, trained_for=trained_for)


def wct_optimal_transport() -> Tensor:
    network, image, style = loaded("compact"), photograph(), painting()
    for level in CASCADE:
        common = {"network": network, "content": image, "style": style, "level": level}
        image = node("WCTLevel", **common, alpha=STRENGTH, method="optimal transport")
    return image


def wct_texture() -> Tensor:
    image, common = node("TextureNoise", width=96, height=64, seed=7), {"network": loaded("compact"), "alpha": 1.0}
    for level in CASCADE[1:4]:
        image = node("WCTLevel", **common, content=image, style=painting("rose_window"), level=level)
    return image


def large(method: str, content: Tensor, **options: Any) -> Tensor:  # noqa: ANN401
    """Of Stylize Large: AdaIN and EFDM at their level, WCT at all."""
    strengths = (
        dict.fromkeys(CASCADE, STRENGTH) if method == WHITENING else dict.fromkeys(CASCADE, 0.0) | {"relu4_1": 1.0}
    )
    alphas = {f"alpha_{level}": strength for level, strength in strengths.items()}
    common = {"network": loaded("compact"), "content": content, "style_1": painting(), "method": method}
    return node("StylizeLarge", **common, **alphas, **options)


def regions(method: str) -> Tensor:
    """Two styles mixed, and a third over them on the left."""
    photo = photograph()
    styles = {"style_2": painting("autumn_avenue"), "weight_2": 3.0, "style_3": painting("rose_window")}
    return large(method, photo, **styles, mask_3=soft_mask(photo))


def frames(method: str, statistics: str) -> Tensor:
    """Two frames, the second darker."""
    photo = photograph()
    return large(method, torch.cat([photo, 0.5 * photo]), statistics=statistics)


def video() -> Tensor:
    """Three frames, darker and darker [3, 38, 57, 3]."""
    photo = sample("chelsea", 0.125)
    return torch.cat([photo, 0.7 * photo, 0.4 * photo])


def efdm_over_time() -> Tensor:
    photos = video()
    return large("efdm", photos, statistics=OVER_TIME, mask_1=soft_mask(photos))


def msgnet_over_time() -> Tensor:
    network, photos = loaded("msgnet"), video()
    own, other = (encoded(network, image, "comatch") for image in (photos, painting()))
    fitting = {"statistics": OVER_TIME, "content_mask": soft_mask(photos), "style_mask": soft_mask(painting())}
    return decoded(network, node("CoMatch", network=network, content=own, style=other, **fitting))


def stylebank_over_time() -> Tensor:
    network, photos = loaded("stylebank"), video()
    chosen = {"style_1": NAMES[0][1], "style_2": NAMES[1][1], "weight_2": 3.0}
    fitting = {"statistics": OVER_TIME, "content_mask": soft_mask(photos)}
    own = encoded(network, photos, "bank")
    return decoded(network, node("StyleBankMix", network=network, features=own, **chosen, **fitting))


OVER_TIME = "smoothed over time"
GRAPHS: dict[str, Callable[[], Tensor]] = {
    "adain_mask": adain_mask,
    "wct_mask": wct_mask,
    "msgnet_mask": msgnet_mask,
    "stylebank_mask": stylebank_mask,
    "wct_optimal_transport": wct_optimal_transport,
    "wct_texture": wct_texture,
    "adain_regions": lambda: regions("adain"),
    "wct_regions": lambda: regions(WHITENING),
    "adain_whole_batch": lambda: frames("adain", "whole batch"),
    "wct_whole_batch": lambda: frames(WHITENING, "whole batch"),
    "adain_over_time": lambda: frames("adain", OVER_TIME),
    "wct_over_time": lambda: frames(WHITENING, OVER_TIME),
    "efdm_over_time": efdm_over_time,
    "msgnet_over_time": msgnet_over_time,
    "stylebank_over_time": stylebank_over_time,
}
"""What the command line does not do, by nodes."""


def painted(name: str, folder: Path, dtype: torch.dtype = torch.float32) -> Tensor:
    """A picture of LINES, by way of a file in `folder`, or of GRAPHS, frames one below the other: [H, W, 3], uint8."""
    with alone(), computing_in(dtype):
        if name in GRAPHS:
            return GRAPHS[name]().flatten(0, 1).mul(255).round().to(torch.uint8)
        run("stylize", *LINES[name], "--output", str(folder / "painted.png"))
        picture = read(folder / "painted.png")
        return picture[:, :INSIDE] if "--mask" in LINES[name] else picture


def painted_by(workflow: Path, folder: Path) -> Tensor:
    """Every second pixel of what a workflow of WORKFLOWS paints, with small pictures, by way of a file in `folder`."""
    with alone(), computing_in(torch.float32):
        return read(run_small(workflow, folder))[::2, ::2]


def read(path: Path) -> Tensor:
    """A picture's file as [H, W, 3], uint8."""
    with Image.open(path) as picture:
        return torch.from_numpy(np.array(picture.convert("RGB")))


def write(path: Path, picture: Tensor) -> None:
    Image.fromarray(picture.numpy()).save(path, optimize=True)


def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    for old in PICTURES.glob("*.png"):
        old.unlink()
    mask = torch.zeros(60, 90, 3, dtype=torch.uint8)
    mask[:, :68] = 255
    write(MASK, mask)
    with TemporaryDirectory() as folder:
        for name in (*LINES, *GRAPHS):
            write(PICTURES / f"{name}.png", painted(name, Path(folder)))
        for workflow in WORKFLOWS:
            write(workflow.with_suffix(".png"), painted_by(workflow, Path(folder)))


if __name__ == "__main__":
    main()
