"""A new style for a bank, learnt from one picture while the page looks on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor

from ..media.charts import line_chart
from ..media.sheet import contact_sheet
from ..methods.stylebank import bank_of
from ..models.networks.stylebank import StyleBankNetwork
from ..models.weights.learnt_styles import check_name, expect_free, save_style, sharing, style_path, with_style
from ..samples import CONTENT, load_sample
from ..training.data import Pictures
from ..training.loss_network import load_loss_network
from ..training.new_style import NewStyleConfig, StyleTraining
from ..training.trainer import TrainingError
from . import _base, _host
from ._base import Node
from ._checks import choice_in, picture_on_device, picture_out

log = logging.getLogger(__name__)

CONFIG = NewStyleConfig()
LOSS_NETWORK = "compact"
"""Built in."""
NEW, OVERWRITE, NOT_AT_ALL = "as a new style", "overwrite", "do not save"
WAYS = (NEW, OVERWRITE, NOT_AT_ALL)
ENOUGH = 100
"""Steps after which an interrupted style is kept: before that there is little to see."""
SHOW_EVERY, SIDE = 20, 256
"""Steps between preview pictures, each of which takes about as long as a step; pixels of their sides."""

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
    RETURN_TYPES = (_base.NETWORK, "IMAGE", "IMAGE")
    RETURN_NAMES = ("network", "chart", "preview")
    OUTPUT_TOOLTIPS = (
        "The bank with the new style, for StyleBank Filter.",
        "What each loss was over the steps: they should fall, and level out.",
        "The style picture, and a photograph in the new style.",
    )

    @classmethod
    def INPUT_TYPES(cls) -> _base.Inputs:
        name = {"default": "my style", "tooltip": "1 to 60 letters, digits, spaces, dashes and underscores."}
        return {
            "required": {
                "network": _base.network("A StyleBank, from Load Style Network or from another Learn Style."),
                "style_image": _base.image("The picture to learn from; several are taken as pictures of one style."),
                "name": ("STRING", name),
                "steps": _base.whole(CONFIG.steps, 1, 20000, "More steps, cleaner strokes; 300 give a first idea."),
                "size": _base.whole(CONFIG.style_size, 16, 2048, SIZE_TIP),
                "style_weight": _base.number(CONFIG.loss_weights.style, 0.05, 10.0, 0.05, WEIGHT_TIP),
                "save": _base.choice(WAYS, SAVE_TIP),
                "seed": _base.whole(0, 0, 0xFFFFFFFFFFFFFFFF, SEED_TIP, control_after_generate=False),
            },
            "optional": {"photos": _base.image("Photographs to paint while learning; the samples unless connected.")},
        }

    def run(
        self,
        network: _host.HostedNetwork,
        style_image: Tensor,
        name: str = "my style",
        steps: int = CONFIG.steps,
        size: int = CONFIG.style_size,
        style_weight: float = CONFIG.loss_weights.style,
        save: str = NEW,
        seed: int = 0,
        photos: Tensor | None = None,
    ) -> tuple[_host.HostedNetwork, Tensor, Tensor]:
        # ComfyUI runs nodes in inference mode, where nothing learns: what comes from there is cloned.
        with (
            torch.inference_mode(False),
            torch.enable_grad(),
            TemporaryDirectory(ignore_cleanup_errors=True) as scratch,
        ):
            picture, given = picture_on_device(style_image, "style_image").clone(), _photos(photos)
            weights = replace(CONFIG.loss_weights, style=style_weight)
            config = replace(CONFIG, steps=steps, style_size=size, loss_weights=weights, seed=seed)
            bank = bank_of(network.network)
            place = _place(bank, name, choice_in(save, WAYS, "save"))
            copy = _host.load(sharing(bank).float())
            loss_network = _host.load(load_loss_network(LOSS_NETWORK, _host.weight_folders()))
            training = StyleTraining(
                copy,
                name,
                Pictures.from_tensors(picture, size),
                Pictures.from_tensors(given, config.photo),
                loss_network,
                Path(scratch),
                config,
                interrupt=_host.check_interrupted,
            )
            photo = Pictures.from_tensors(given[:1], SIDE)[0]
            keep, show = partial(_save, training, place, save), partial(_sheet, training, picture, photo)
            history = _attend(training, keep, show)
            keep()
            grown = _host.HostedNetwork(with_style(bank, training.learned()))
            return grown, picture_out(line_chart(history)), picture_out(show(f"{training.trainer.step} steps"))


def _attend(training: StyleTraining, keep: Callable[[], None], show: Callable[[str], Tensor]) -> dict[str, list[float]]:
    """Take the steps while the page looks on, and give each loss over them. Interrupted, keep what is there."""
    history: dict[str, list[float]] = {}
    tell = _host.progress()
    for step, losses in _steps(training):
        for name, value in losses.items():
            history.setdefault(name, []).append(value)
        caption = f"step {step} of {training.config.steps}, loss {sum(losses.values()):.2f}"
        try:
            tell(step, training.config.steps, partial(show, caption) if step % SHOW_EVERY == 0 else None)
        except BaseException:  # ComfyUI's own, which goes on its way
            if step >= ENOUGH:
                keep()
            raise
    return history


def _steps(training: StyleTraining) -> Iterator[tuple[int, dict[str, float]]]:
    """The training's steps; an error speaks of the node's inputs, not of the run's files."""
    try:
        yield from training.run()
    except TrainingError as error:
        what = str(error).partition(": ")[0]
        raise ValueError(f"{what}: lower style_weight, and see that there is room for temporary files.") from error


def _photos(photos: Tensor | None) -> list[Tensor]:
    """Pictures [3, H, W] in 0..1."""
    if photos is None:
        return [load_sample(sample)[0] for sample in CONTENT]
    return list(picture_on_device(photos, "photos").clone())


def _place(bank: StyleBankNetwork, name: str, save: str) -> Path | None:
    """Where the style will be saved; ValueError, before anything is learnt, where it cannot be."""
    check_name(name)
    if save == NOT_AT_ALL:
        return None
    path = style_path(name, _host.weight_folders())
    expect_free(path, save == OVERWRITE)
    if name in bank.styles and not path.exists():
        raise ValueError(f"this bank came with a style '{name}': choose another name.")
    return path


def _save(training: StyleTraining, place: Path | None, save: str) -> None:
    if place:
        save_style(training.learned(), place, save == OVERWRITE)
        log.info("the style is saved as %s after %d steps", place, training.trainer.step)


def _sheet(training: StyleTraining, picture: Tensor, photo: Tensor, caption: str) -> Tensor:
    """The style's picture, and a photograph painted in it so far."""
    painted = training.paint(photo)
    return contact_sheet([picture[0], painted[0].clamp(0, 1)], [training.metadata.style, caption], columns=2, side=SIDE)
