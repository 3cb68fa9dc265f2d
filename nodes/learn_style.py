"""A new style for a bank, learnt from one picture while the page looks on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor

from ..media.charts import line_chart
from ..media.images import write_picture
from ..media.sheet import contact_sheet
from ..methods.stylebank import bank_of
from ..models.networks.stylebank import StyleBankNetwork
from ..models.weights.learnt_styles import (
    check_name,
    expect_free,
    find_style,
    save_style,
    sharing,
    style_path,
    with_style,
)
from ..samples import CONTENT, load_sample
from ..training.loss_network import load_loss_network
from ..training.new_style import NewStyleConfig, StyleTraining
from ..training.pictures import Pictures
from ..training.trainer import TrainingError
from ..transfer.resize import to_longer_side
from . import _host
from ._base import NETWORK, Inputs, Node, choice, number, socket, whole
from ._checks import choice_in, picture_on_device, picture_out
from ._host import HostedNetwork

CONFIG = NewStyleConfig()
LOSS_NETWORK = "compact"  # built in
NEW, OVERWRITE, DO_NOT_SAVE = "as a new style", "overwrite", "do not save"
SAVE_MODES = (NEW, OVERWRITE, DO_NOT_SAVE)
MIN_STEPS = 100
"""Steps after which an interrupted style is kept: before that there is little to see."""
PREVIEW_STEPS, PREVIEW_SIDE = 20, 256
"""Steps between preview pictures, each of which takes about as long as a step; pixels of their sides."""

STYLE_TIP = "The picture to learn from; several are taken as pictures of one style."
PHOTOS_TIP = "Photographs to paint while learning; the samples unless connected."
SIZE_TIP = "Pixels that the style picture's shorter side is scaled to: larger means larger strokes."
WEIGHT_TIP = "How much the style counts beside the photograph's content."
SAVE_TIP = (
    "'as a new style' stops before it learns where the name is taken; 'overwrite' replaces what you taught before."
)
SEED_TIP = "The same seed meets the same crops in the same order."


class LearnStyle(Node):
    """One picture becomes a style of the bank."""

    TITLE = "Learn Style"
    CATEGORY = "brushwork/train"
    DESCRIPTION = "Teaches a StyleBank the style of one picture in minutes; nothing else in the bank changes."
    SEARCH_ALIASES = ["train style", "new style", "stylebank training", "incremental", "fine-tune"]
    RETURN_TYPES = (NETWORK, "IMAGE", "IMAGE")
    RETURN_NAMES = ("network", "chart", "preview")
    OUTPUT_TOOLTIPS = (
        "The bank with the new style, for StyleBank Filter.",
        "What each loss was over the steps: they should fall, and level out.",
        "The style picture, and a photograph in the new style.",
    )

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        name = {"default": "my style", "tooltip": "1 to 60 letters, digits, spaces, dashes and underscores."}
        return {
            "required": {
                "network": socket(NETWORK, "A StyleBank, from Load Style Network or from another Learn Style."),
                "style_image": socket("IMAGE", STYLE_TIP),
                "name": ("STRING", name),
                "steps": whole(CONFIG.steps, 1, 20000, "More steps, cleaner strokes; 300 give a first idea."),
                "size": whole(CONFIG.style_size, 16, 2048, SIZE_TIP),
                "style_weight": number(CONFIG.loss_weights.style, 0.05, 10.0, 0.05, WEIGHT_TIP),
                "save": choice(SAVE_MODES, SAVE_TIP),
                "seed": whole(0, 0, 0xFFFFFFFFFFFFFFFF, SEED_TIP, control_after_generate=False),
            },
            "optional": {"photos": socket("IMAGE", PHOTOS_TIP)},
        }

    def run(
        self,
        network: HostedNetwork,
        style_image: Tensor,
        name: str = "my style",
        steps: int = CONFIG.steps,
        size: int = CONFIG.style_size,
        style_weight: float = CONFIG.loss_weights.style,
        save: str = NEW,
        seed: int = 0,
        photos: Tensor | None = None,
    ) -> tuple[HostedNetwork, Tensor, Tensor]:
        # ComfyUI runs nodes in inference mode, where nothing learns: what comes from there is cloned.
        with (
            torch.inference_mode(False),
            torch.enable_grad(),
            TemporaryDirectory(ignore_cleanup_errors=True) as scratch,
        ):
            picture = picture_on_device(style_image, "style_image").clone()
            if photos is None:
                photographs = [load_sample(sample)[0] for sample in CONTENT]
            else:
                photographs = list(picture_on_device(photos, "photos").clone())
            weights = replace(CONFIG.loss_weights, style=style_weight)
            config = replace(CONFIG, steps=steps, style_size=size, loss_weights=weights, seed=seed)
            bank = bank_of(network.network)
            path = _path(bank, name, choice_in(save, SAVE_MODES, "save"))
            training = StyleTraining(
                _host.load(sharing(bank).float()),
                name,
                Pictures.from_tensors(picture, size),
                Pictures.from_tensors(photographs, config.photo),
                _host.load(load_loss_network(LOSS_NETWORK, _host.weight_folders())),
                Path(scratch),
                config,
                interrupt=_host.check_interrupted,
            )
            photo = Pictures.from_tensors(photographs[:1], PREVIEW_SIDE)[0]
            preview = partial(_preview, training, picture, photo)
            history = _train(training, preview, partial(_save, training, path, save, picture[:1]))
            grown = HostedNetwork(with_style(bank, training.learned()))
            taken = training.trainer.step
            return grown, picture_out(line_chart(history, taken)), picture_out(preview(f"{taken} steps"))


def _train(
    training: StyleTraining, preview: Callable[[str], Tensor], save: Callable[[], None]
) -> dict[str, list[float]]:
    """Take the steps, tell the page, save, and give each loss over the steps. Interrupted, save what is there."""
    history: dict[str, list[float]] = {}
    progress = _host.Progress()
    try:
        for step, losses in training.run():
            for name, value in losses.items():
                history.setdefault(name, []).append(value)
            caption = f"step {step} of {training.config.steps}, loss {sum(losses.values()):.2f}"
            try:
                progress(step, training.config.steps)
                if step % PREVIEW_STEPS == 0:
                    progress.show(partial(preview, caption))
            except BaseException:  # ComfyUI's own, which goes on its way
                if step >= MIN_STEPS:
                    save()
                raise
    except TrainingError as error:  # it speaks of the run's files, and this of the node's inputs
        if isinstance(error.__cause__, torch.OutOfMemoryError):
            raise error.__cause__ from None  # for whom room is made, and for whom it is tried again
        what = str(error).partition(": ")[0]
        raise ValueError(f"{what}: lower style_weight, and see that there is room for temporary files.") from error
    save()
    return history


def _path(bank: StyleBankNetwork, name: str, save: str) -> Path | None:
    """Where the style will be saved; ValueError, before anything is learnt, where it cannot be."""
    check_name(name)
    folders = _host.weight_folders()
    if name in bank.styles and find_style(bank, name, folders) is None:
        raise ValueError(f"this bank came with a style '{name}': choose another name.")
    if save == DO_NOT_SAVE:  # which needs no folder that can be written
        return None
    path = style_path(name, folders)
    expect_free(path, save == OVERWRITE)
    return path


def _save(training: StyleTraining, path: Path | None, save: str, painting: Tensor) -> None:
    if path:
        save_style(training.learned(), path, save == OVERWRITE)
        # ComfyUI serves the picture beside a model as its preview; our lists show it.
        write_picture(path.with_suffix(".jpg"), to_longer_side(painting, PREVIEW_SIDE, shrink=True)[0].movedim(0, -1))
        steps = f"after {training.trainer.step} steps"
        _host.say(f"'{training.metadata.style}' is saved {steps}, as {path.name} in {path.parent}.")
    else:
        _host.say("The style is not saved: it lives as long as this graph does.")


def _preview(training: StyleTraining, picture: Tensor, photo: Tensor, caption: str) -> Tensor:
    """The style's picture, and a photograph painted in it so far."""
    painted = training.paint(photo)
    pictures, labels = [picture[0], painted[0].clamp(0, 1)], [training.metadata.style, caption]
    return contact_sheet(pictures, labels, columns=2, side=PREVIEW_SIDE)
