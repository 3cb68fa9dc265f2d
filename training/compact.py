"""`compact`, from nothing: its encoder, five reconstruction decoders, the deepest level again, AdaIN's decoder.

    python -m brushwork train compact --photos PHOTOS --styles PAINTINGS --out OUT

Four stages in four files: distil.py, wct.py, deepest.py, adain.py. OUT/compact.safetensors holds the whole network;
the same command goes on where it was stopped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..models.vgg import ADAIN_LEVEL, COMPACT, VggNetwork
from .adain import AdainRecipe, train_adain
from .deepest import DeepestRecipe, train_deepest
from .distil import DistilRecipe, distil, teach_heads
from .export import save_part
from .loop import OnStep, later
from .perception import Eye
from .wct import WctRecipe, train_wct


@dataclass(frozen=True)
class CompactRecipe:
    """The knobs of the four stages."""

    encoder: DistilRecipe = field(default_factory=DistilRecipe)
    decoders: WctRecipe = field(default_factory=WctRecipe)
    deepest: DeepestRecipe = field(default_factory=DeepestRecipe)
    adain: AdainRecipe = field(default_factory=AdainRecipe)


def train_compact(
    teachers: Eye,
    photos: Sequence[Path],
    styles: Sequence[Path],
    out: Path,
    recipe: CompactRecipe = CompactRecipe(),
    on_step: OnStep | None = None,
) -> VggNetwork:
    """Train the whole network and save it; `on_step` counts over all stages and may raise to stop."""
    network = VggNetwork(COMPACT, adain=ADAIN_LEVEL)
    encoder = distil(COMPACT, teachers, photos, styles, out, recipe.encoder, on_step)
    network.encoder.load_state_dict(encoder.state_dict())
    network.requires_grad_(False).eval()
    teach_heads(network, teachers, photos, styles, recipe.encoder)
    before = recipe.encoder.steps
    train_wct(network, photos, styles, out, recipe.decoders, later(on_step, before))
    before += recipe.decoders.steps * len(recipe.decoders.levels)
    train_deepest(network, teachers, photos, styles, out, recipe.deepest, later(on_step, before))
    before += recipe.deepest.steps
    decoder = train_adain(network, photos, styles, out, recipe.adain, later(on_step, before))
    network.get_submodule("adain").load_state_dict(decoder.state_dict())
    save_part(network, out / "compact.safetensors")
    return network
