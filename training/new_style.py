"""One style more for a bank that is there, as in the paper's incremental training (Chen et al. 2017).

    python -m brushwork train stylebank-style --photos PHOTOS --styles PICTURE --out OUT

Its kernel alone learns: encoder, decoder and all other kernels stay as they are, bit for bit. It starts as that of the
style whose pictures are most like the new one. The style gets the name of the picture's file, and comes to lie where
banks look for those they have learnt; OUT holds the checkpoint, and the same command goes on from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor

from ..models.networks.stylebank import StyleBankNetwork
from ..models.registry import load_network
from ..models.weights.learnt_styles import (
    LearnedStyle,
    StyleMetadata,
    check_name,
    expect_free,
    fingerprint,
    save_style,
    sharing,
    style_path,
)
from ..samples import CONTENT, sample_path
from ..transfer.moments import Moments
from .crops import Crops, fixed_crops
from .distributed import rank, training_device
from .loss_network import LossNetwork
from .losses import LossWeights, style_target
from .pictures import Pictures
from .precision import autocast
from .recipes import Job, Recipe
from .stylebank import style_losses, stylised
from .trainer import Losses, Trainer

NEW = "/new"  # the style's name while it is learnt: none can have it, so one may be learnt anew beside its old self


@dataclass(frozen=True)
class NewStyleConfig:
    """What can be set."""

    steps: int = 1500  # of 0.2 s on two cores: the style is there after a third of them, the rest makes it cleaner
    batch: int = 2  # crops a step
    side: int = 192  # pixels of a crop
    photo: int = 256  # pixels of a photograph's shorter side before the crop
    style_size: int = 512  # the same of the style's picture, whole: a larger one has larger strokes
    compared: int = 2  # crops that are stylised with every style of the bank, to find the nearest
    rate: float = 5e-4  # Adam's, falling to zero
    loss_weights: LossWeights = field(default_factory=lambda: LossWeights(0.5, 0.8, 0.1))
    seed: int = 0


class StyleTraining:
    """A style being learnt, on the device of `bank`, which is not changed.

    `picture` are pictures of one style; `photos` those to stylise. `interrupt` is called now and then before the first
    step, and may raise to stop. Works outside of inference mode only. ValueError where the name is not plain.
    """

    def __init__(
        self,
        bank: StyleBankNetwork,
        name: str,
        picture: Pictures,
        photos: Pictures,
        loss_network: LossNetwork,
        out: Path,
        config: NewStyleConfig = NewStyleConfig(),
        minutes: float | None = None,
        interrupt: Callable[[], None] = lambda: None,
    ) -> None:
        self.metadata = StyleMetadata(check_name(name), bank.name, fingerprint(bank), 0)
        self.bank, self.loss_network, self.config = sharing(bank).float().eval(), loss_network, config
        self.device = next(self.bank.parameters()).device
        self.photos = Crops(photos.to(self.device), config.side)
        each, picture = [], picture.to(self.device)
        measured = replace(config.loss_weights, style=1.0)  # by which the nearest style is found
        image, distances = fixed_crops(config.seed, (self.photos, config.compared)), []
        with torch.no_grad():
            for number in range(len(picture)):
                interrupt()
                with autocast(self.device):
                    each.append(style_target(loss_network, picture[number], measured))
            self.target = {level: Moments.joined([one[level] for one in each]).over_batch() for level in each[0]}
            for style in self.bank.styles:  # whose Gram matrices are nearest: a bank does not know its paintings
                interrupt()
                with autocast(self.device):
                    distances.append(self._losses(image, style, LossWeights(content=0.0))["style"])
        self.nearest = self.bank.styles[int(torch.stack(distances).argmin())] if distances else None
        self.kernel = self.bank.add_style(NEW)
        if self.nearest:
            self.kernel.load_state_dict(self.bank.bank[self.bank.styles.index(self.nearest)].state_dict())
        settings = {**asdict(config), "style": name, "fingerprint": self.metadata.fingerprint}
        length = (config.rate, config.steps, minutes, config.seed)
        self.trainer = Trainer(self.kernel, out / "style.pt", settings, *length, device=self.device)

    def run(self) -> Iterator[tuple[int, dict[str, float]]]:
        """Take the steps; yields (steps done, losses) after some of them. TrainingError as `Trainer.run` has it."""
        weights = self.config.loss_weights
        return self.trainer.run(lambda: self._losses(self.photos.take(self.config.batch), NEW, weights))

    def learned(self) -> LearnedStyle:
        """The style as far as it has been learnt."""
        weight, bias = (value.detach().half().cpu() for value in self.bank.kernel(NEW))
        return LearnedStyle(replace(self.metadata, steps=self.trainer.step), weight, bias)

    @torch.no_grad()
    def paint(self, image: Tensor) -> Tensor:
        """`image` [B, 3, H, W] in 0..1 in the style as far as it has been learnt, not clamped."""
        return stylised(self.bank, image.to(self.device), [NEW] * len(image))

    def _losses(self, image: Tensor, style: str, weights: LossWeights) -> Losses:
        return style_losses(self.bank, self.loss_network, image, [style] * len(image), self.target, weights)


def learn_style(
    bank: StyleBankNetwork,
    picture: Pictures,
    photos: Pictures,
    loss_network: LossNetwork,
    job: Job,
    config: NewStyleConfig = NewStyleConfig(),
) -> Path:
    """Learn a picture file's style under the file's name, put it where banks look for theirs, and say where that is.

    ValueError, before anything is learnt, where the name is not plain or there is such a style.
    """
    name = picture.names[0]
    if name in bank.styles:
        raise ValueError(f"this bank has a style '{name}' already: give the picture's file another name.")
    path = style_path(name)
    expect_free(path)
    bank, loss_network = bank.to(training_device()), loss_network.to_training(training_device())
    training = StyleTraining(bank, name, picture, photos, loss_network, job.out, config, job.minutes)
    for step, losses in training.run():
        if job.on_step:
            job.on_step(step, losses)
    return save_style(training.learned(), path) if rank() == 0 else path


def _run(network: str, job: Job, config: NewStyleConfig) -> list[Path]:
    bank = load_network(network)
    if not isinstance(bank, StyleBankNetwork):
        raise ValueError(f"{network} is no StyleBank: choose stylebank, or another that `weights list` shows.")
    job = replace(job, photos=job.photos or [sample_path(name) for name in CONTENT])
    picture = job.paintings(config.style_size)
    if len(picture) > 1:
        raise ValueError(f"one style is learnt at a time, not {len(picture)}: name one picture as --styles.")
    assert job.loss_network is not None  # the recipe names one
    return [learn_style(bank, picture, job.photographs(config.photo), job.loss_network, job, config)]


RECIPE = Recipe(NewStyleConfig, _run, network="stylebank", loss_network="compact", samples_do=True)
