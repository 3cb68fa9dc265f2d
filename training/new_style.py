"""One style more for a bank that is there, as in the paper's incremental training (Chen et al. 2017).

    python -m brushwork train stylebank-style --network stylebank --photos PHOTOS --styles PICTURE --out OUT

Its kernel alone learns: encoder, decoder and all other kernels stay as they are, bit for bit. It starts as that of the
style whose paint is most like the new picture's. The style gets the name of the picture's file, and comes to lie where
banks look for those they have learnt; OUT holds the checkpoint, and the same command goes on from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor

from ..models.learned import fingerprint, sharing
from ..models.style_file import LearnedStyle, StyleCard, check_name, expect_free, save_style, style_path
from ..models.stylebank import StyleBankNetwork
from . import parallel
from .crops import Crops
from .given import GivenCrops, scaled
from .loop import Losses, OnStep, Run
from .paintings import Painting
from .perception import Eye
from .stylebank import Taste, paint, style_grams, style_losses

Photos = Sequence[Path] | Sequence[Tensor] | Tensor
"""Folders, or pictures [3, H, W] in 0..1 of any sizes, or a batch of them."""

NEW = "/new"
"""The style's name while it is learnt: none can really have it, so that one may be learnt again beside its old self."""


@dataclass(frozen=True)
class NewStyleRecipe:
    """The knobs."""

    steps: int = 1500  # of 0.2 s on two cores: the style is there after a third of them, the rest makes it cleaner
    batch: int = 2  # crops a step
    side: int = 192  # pixels of a crop
    photo: int = 256  # pixels of a photograph's shorter side before the crop
    painting: int = 512  # the same of the style's picture, whole: a larger one has larger strokes
    compared: int = 2  # crops that every style of the bank paints, to find the nearest
    rate: float = 5e-4  # Adam's, falling to zero
    taste: Taste = field(default_factory=Taste)
    seed: int = 0


class Lesson:
    """A style being learnt, on the device of `bank`, which is not changed.

    `picture` is [B, 3, H, W] in 0..1; several are pictures of one style. `look_up` is called now and then before the
    first step, and may raise to stop. Works outside of inference mode only.
    """

    def __init__(
        self,
        bank: StyleBankNetwork,
        name: str,
        picture: Tensor,
        photos: Photos,
        eye: Eye,
        out: Path,
        recipe: NewStyleRecipe = NewStyleRecipe(),
        look_up: Callable[[], None] = lambda: None,
    ) -> None:
        self.card = StyleCard(check_name(name), bank.name, fingerprint(bank), 0)
        self.bank, self.eye, self.recipe = sharing(bank).float().eval(), eye, recipe
        self.device = next(self.bank.parameters()).device
        self.photos = _crops(photos, recipe)
        self.target = self._grams(picture, look_up)
        self.start = self._nearest(look_up)
        self.kernel = self.bank.add_style(NEW)
        if self.start:
            self.kernel.load_state_dict(self.bank.bank[self.bank.styles.index(self.start)].state_dict())
        configuration = {**asdict(recipe), "style": name, "fingerprint": self.card.fingerprint}
        generator, checkpoint = self.photos.generator, out / "style.pt"
        self.run = Run(self.kernel, generator, configuration, recipe.steps, recipe.rate, checkpoint, device=self.device)

    def go(self) -> Iterator[tuple[int, dict[str, float]]]:
        """Take the steps; yields (steps done, losses) after each."""
        return self.run.go(lambda: self._losses(self._take(self.recipe.batch), NEW))

    def learned(self) -> LearnedStyle:
        """The style as far as it has been learnt."""
        weight, bias = (value.detach().half().cpu() for value in self.bank.kernel(NEW))
        return LearnedStyle(replace(self.card, steps=self.run.step), weight, bias)

    @torch.no_grad()
    def paint(self, image: Tensor) -> Tensor:
        """`image` [B, 3, H, W] in 0..1 in the style as far as it has been learnt, not clamped."""
        return paint(self.bank, image.to(self.device), [NEW] * len(image))

    def _grams(self, picture: Tensor, look_up: Callable[[], None]) -> dict[str, Tensor]:
        """What the style is: the mean Gram matrices of its pictures."""
        each = []
        for one in picture.split(1):
            look_up()
            each.append(style_grams(self.eye, scaled(one, self.recipe.painting).to(self.device)))
        return {level: torch.stack([grams[level] for grams in each]).mean(0) for level in each[0]}

    @torch.no_grad()
    def _nearest(self, look_up: Callable[[], None]) -> str | None:
        """The style whose paint has the Gram matrices nearest to the picture's: a bank does not know its paintings."""
        image, distances = self._take(self.recipe.compared), {}
        for style in self.bank.styles:
            look_up()
            distances[style] = self._losses(image, style)["style"].item()
        return min(distances, key=distances.__getitem__, default=None)

    def _losses(self, image: Tensor, style: str) -> Losses:
        return style_losses(self.bank, self.eye, image, [style] * len(image), self.target, self.recipe.taste)

    def _take(self, count: int) -> Tensor:
        return self.photos.take(count).to(self.device, memory_format=torch.channels_last)


def learn_style(
    bank: StyleBankNetwork,
    name: str,
    picture: Tensor,
    photos: Photos,
    eye: Eye,
    out: Path,
    recipe: NewStyleRecipe = NewStyleRecipe(),
    on_step: OnStep | None = None,
) -> LearnedStyle:
    """Learn a style, see `Lesson`; `on_step(steps done, losses)` may raise to stop, the same call goes on."""
    lesson = Lesson(bank, name, picture, photos, eye, out, recipe)
    for step, losses in lesson.go():
        if on_step:
            on_step(step, losses)
    return lesson.learned()


def learn_painting(
    bank: StyleBankNetwork,
    painting: Painting,
    photos: Sequence[Path],
    eye: Eye,
    out: Path,
    recipe: NewStyleRecipe = NewStyleRecipe(),
    on_step: OnStep | None = None,
) -> Path:
    """Learn a picture file's style under the file's name, put it where banks look for theirs, and say where that is.

    ValueError, before anything is learnt, where the name is not plain or there is such a style.
    """
    if painting.name in bank.styles:
        raise ValueError(f"this bank has a style '{painting.name}' already: give the picture's file another name.")
    path = style_path(painting.name)
    expect_free(path)
    device = parallel.training_device()
    bank, eye = bank.to(device), eye.to(device)
    style = learn_style(bank, painting.name, painting.read(recipe.painting), photos, eye, out, recipe, on_step)
    return save_style(style, path) if parallel.rank() == 0 else path


def _crops(photos: Photos, recipe: NewStyleRecipe) -> Crops | GivenCrops:
    generator = torch.Generator().manual_seed(recipe.seed)
    folders = [] if isinstance(photos, Tensor) else [photo for photo in photos if isinstance(photo, Path)]
    if folders:
        return Crops(folders, recipe.side, recipe.photo, generator)
    pictures = photos if isinstance(photos, Tensor) else [photo for photo in photos if isinstance(photo, Tensor)]
    return GivenCrops(pictures, recipe.side, recipe.photo, generator)
